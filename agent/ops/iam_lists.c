/* iam_lists.c - see iam_lists.h. */
#include "agent/ops/iam_lists.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/policy.h"

#define OWNER "owner:"

const char *iam_lists_power(enum iam_power p)
{
	static const char *const names[] = { "launch", "delete", "groups", "balancers" };

	return names[p];
}

static void add(struct iam_texts *to, const char *text)
{
	to->v = mem_grow(to->v, to->n + 1, sizeof(*to->v));
	to->v[to->n++] = text;
}

static void add_all(struct iam_texts *to, const struct bounds_texts *from)
{
	for (size_t i = 0; i < from->n; i++)
		add(to, from->v[i]);
}

static void add_images(struct iam_lists *l, const struct bounds_texts *images)
{
	for (size_t i = 0; i < images->n; i++)
		if (str_starts(images->v[i], OWNER))
			add(&l->of[IAM_OWNERS], images->v[i] + strlen(OWNER));
		else
			add(&l->of[IAM_IMAGES], images->v[i]);
}

/* Open: any of this account, and the profile and role that the stack makes. */
static void be_open(struct iam_lists *l)
{
	static const char *const any[IAM_LISTS] = {
		[IAM_IMAGES] = "*", [IAM_SUBNETS] = "*", [IAM_PROFILES] = "%N-node", [IAM_KEYS] = "arn:%P:kms:%R:%A:key/*"
	};

	for (size_t i = 0; i < IAM_LISTS; i++) {
		l->of[i].is_open = i != IAM_PROFILES && i != IAM_OWNERS;
		if (any[i] != NULL)
			add(&l->of[i], any[i]);
	}
	l->may_balance = true;
}

/* ---- which powers remain ---- */

static bool runs(const struct policy *p, enum policy_verb verb)
{
	return p->verbs[verb] == POLICY_APPROVE || p->verbs[verb] == POLICY_AUTO;
}

static const char *stops_all(const struct policy *p)
{
	if (p->frozen)
		return "mode is off";
	return p->bounds.warehouses.n == 0 ? "bounds.warehouses names none" : NULL;
}

static const char *stops_launch(const struct bounds *b)
{
	if (b->types.n == 0)
		return "bounds.instance_types names none";
	if (b->images.n == 0)
		return "bounds.images names none";
	if (b->subnets.n == 0)
		return "bounds.subnets names none";
	return b->nodes_per_cluster == 0 || b->nodes_total == 0 ? "bounds allow no node" : NULL;
}

/* Apply takes away too: what a spec no longer names, and what it made before it failed. */
static void set_powers(struct iam_lists *l, const struct policy *p)
{
	bool apply = runs(p, POLICY_APPLY), delete = runs(p, POLICY_DELETE);

	for (size_t i = 0; i < IAM_POWERS; i++)
		l->why_not[i] = stops_all(p);
	if (l->why_not[0] != NULL)
		return;
	l->why_not[IAM_DELETE] = apply || delete ? NULL : "neither warehouse.apply nor warehouse.delete runs";
	l->why_not[IAM_GROUPS] = l->why_not[IAM_BALANCERS] = apply ? NULL : "warehouse.apply does not run";
	l->why_not[IAM_LAUNCH] = apply ? stops_launch(&p->bounds) : "warehouse.apply does not run";
}

static void cut(struct iam_lists *l, const struct policy *p)
{
	add_all(&l->of[IAM_TYPES], &p->bounds.types);
	add_images(l, &p->bounds.images);
	add_all(&l->of[IAM_SUBNETS], &p->bounds.subnets);
	add_all(&l->of[IAM_PROFILES], &p->bounds.profiles);
	add_all(&l->of[IAM_KEYS], &p->bounds.keys);
	add_all(&l->of[IAM_TAG_KEYS], &p->bounds.tag_keys);
	l->may_balance = p->bounds.balancers > 0 && p->bounds.subnets.n > 0;
	set_powers(l, p);
}

void iam_lists_init(struct iam_lists *l, const struct policy *p)
{
	static const char *const bounds[] = { "instance_types",    "images",   "images",  "subnets",
					      "instance_profiles", "kms_keys", "tag_keys" };

	*l = (struct iam_lists){ 0 };
	for (size_t i = 0; i < IAM_LISTS; i++)
		l->of[i].bound = bounds[i];
	if (p == NULL)
		be_open(l);
	else
		cut(l, p);
}

void iam_lists_close(struct iam_lists *l)
{
	for (size_t i = 0; i < IAM_LISTS; i++)
		mem_free(l->of[i].v);
	*l = (struct iam_lists){ 0 };
}
