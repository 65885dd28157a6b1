/* policy_iam.c - see policy_iam.h. */
#include "agent/ops/policy_iam.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/str.h"

#define OWNER "owner:"

static void add_all(struct iam_lists *l, enum iam_list to, const struct bounds_texts *from)
{
	for (size_t i = 0; i < from->n; i++)
		iam_lists_add(l, to, from->v[i]);
}

static void add_images(struct iam_lists *l, const struct bounds_texts *images)
{
	for (size_t i = 0; i < images->n; i++)
		if (str_starts(images->v[i], OWNER))
			iam_lists_add(l, IAM_OWNERS, images->v[i] + strlen(OWNER));
		else
			iam_lists_add(l, IAM_IMAGES, images->v[i]);
}

/* ---- which powers remain ---- */

static bool runs(const struct policy *p, enum verb_index verb)
{
	return p->verbs[verb] == POLICY_APPROVE || p->verbs[verb] == POLICY_AUTO;
}

static const char *stops_all(const struct policy *p)
{
	if (p->frozen)
		return "mode is off";
	return p->bounds.warehouses.n == 0 ? "bounds.warehouses names none" : "";
}

static const char *stops_launch(const struct bounds *b)
{
	if (b->types.n == 0)
		return "bounds.instance_types names none";
	if (b->images.n == 0)
		return "bounds.images names none";
	if (b->subnets.n == 0)
		return "bounds.subnets names none";
	return b->nodes_per_cluster == 0 || b->nodes_total == 0 ? "bounds allow no node" : "";
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
}

void policy_iam_lists(const struct policy *p, struct iam_lists *l)
{
	if (p == NULL) {
		iam_lists_open(l);
		return;
	}
	*l = (struct iam_lists){ .is_cut = true };
	add_all(l, IAM_TYPES, &p->bounds.types);
	add_images(l, &p->bounds.images);
	add_all(l, IAM_SUBNETS, &p->bounds.subnets);
	add_all(l, IAM_PROFILES, &p->bounds.profiles);
	add_all(l, IAM_KEYS, &p->bounds.keys);
	add_all(l, IAM_TAG_KEYS, &p->bounds.tag_keys);
	l->may_balance = p->bounds.balancers > 0 && p->bounds.subnets.n > 0;
	set_powers(l, p);
}
