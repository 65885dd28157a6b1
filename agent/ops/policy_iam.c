/* policy_iam.c - see policy_iam.h. */
#include "agent/ops/policy_iam.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/ops/steps/catalogue.h"

static void add_all(struct iam_lists *l, const struct bound *to, const struct bound_texts *from)
{
	for (size_t i = 0; i < from->n; i++)
		iam_lists_add(l, to, from->v[i]);
}

/* ---- which powers remain ---- */

static bool runs(const struct policy *p, enum verb_index verb)
{
	return p->verbs[verb] == POLICY_APPROVE || p->verbs[verb] == POLICY_AUTO;
}

static bool names_none(const struct bounds *b, const struct bound *which)
{
	return bounds_of(b, which)->texts.n == 0;
}

static bool allows_no(const struct bounds *b, const struct bound *which)
{
	return bounds_of(b, which)->number == 0;
}

static const char *stops_all(const struct policy *p)
{
	if (p->frozen)
		return "mode is off";
	return names_none(&p->bounds, &bound_warehouses) ? "bounds.warehouses names none" : "";
}

static const char *stops_launch(const struct bounds *b)
{
	if (names_none(b, &bound_instance_types))
		return "bounds.instance_types names none";
	if (names_none(b, &bound_images))
		return "bounds.images names none";
	if (names_none(b, &bound_subnets))
		return "bounds.subnets names none";
	return allows_no(b, &bound_nodes_per_cluster) || allows_no(b, &bound_nodes_total) ? "bounds allow no node" : "";
}

static const char *stops_volumes(const struct bounds *b)
{
	return allows_no(b, &bound_volumes_per_node) || allows_no(b, &bound_volume_gib) ? "bounds allow no data volume" : "";
}

static bool some_verb_runs(const struct policy *p, enum iam_power power)
{
	for (enum verb_index i = 0; i < VERBS; i++)
		if ((verb_at(i)->powers & 1u << power) && runs(p, i))
			return true;
	return false;
}

/* "warehouse.apply does not run", "none of warehouse.apply, warehouse.delete runs" */
static void tell_verbs(enum iam_power power, char to[IAM_WHY_MAX])
{
	CLEANUP(buf_close) struct buf names = BUF_MAX(IAM_WHY_MAX);
	unsigned n = 0;

	for (enum verb_index i = 0; i < VERBS; i++)
		if (verb_at(i)->powers & 1u << power)
			buf_addf(&names, "%s%s", n++ > 0 ? ", " : "", verb_at(i)->name);
	snprintf(to, IAM_WHY_MAX, n == 1 ? "%s does not run" : "none of %s runs", buf_str(&names));
}

static void set_powers(struct iam_lists *l, const struct policy *p)
{
	for (enum iam_power i = 0; i < IAM_POWERS; i++) {
		const char *all = stops_all(p);

		if (*all != '\0')
			snprintf(l->why_not[i], IAM_WHY_MAX, "%s", all);
		else if (!some_verb_runs(p, i))
			tell_verbs(i, l->why_not[i]);
	}
	if (l->why_not[IAM_LAUNCH][0] == '\0')
		snprintf(l->why_not[IAM_LAUNCH], IAM_WHY_MAX, "%s", stops_launch(&p->bounds));
	if (l->why_not[IAM_VOLUMES][0] == '\0')
		snprintf(l->why_not[IAM_VOLUMES], IAM_WHY_MAX, "%s", stops_volumes(&p->bounds));
}

void policy_iam_lists(const struct policy *p, struct iam_lists *l)
{
	if (p == NULL) {
		iam_lists_open(l);
		return;
	}
	*l = (struct iam_lists){ .is_cut = true };
	for (const struct bound *const *b = catalogue_bounds(); *b != NULL; b++) {
		add_all(l, *b, &bounds_of(&p->bounds, *b)->texts);
		l->is_none[catalogue_place_of(*b)] = (*b)->form == BOUND_NUMBER && allows_no(&p->bounds, *b);
	}
	set_powers(l, p);
}
