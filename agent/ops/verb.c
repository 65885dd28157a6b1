/* verb.c - the table of verbs. */
#include "agent/ops/verb.h"

#include "agent/base/pbguard.h"
#include "agent/base/str.h"

#define ARGS_FIELDS 16384 /* several times what the largest legal ones have, at any depth */
#define POWER(name) (1u << IAM_##name)

typedef Reeve__Control__V1__WarehouseApply apply_t;
typedef Reeve__Control__V1__WarehouseDelete delete_t;
typedef Reeve__Control__V1__ClusterReboot reboot_t;

/* ---- warehouse.apply ---- */

static const spec_t *apply_spec(const ProtobufCMessage *args)
{
	return ((const apply_t *)args)->spec;
}

static int apply_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const spec_t *s = apply_spec(args);

	if (s == NULL)
		return err_set(e, ERR_INVALID, "args: not a WarehouseApply with a spec");
	if (spec_check(s, e) != 0)
		return err_wrap(e, -e->code, "spec");
	/* The target is what commands are queued by, one warehouse after the other: it must be the one that the spec changes. */
	if (!str_eq(s->warehouse, target))
		return err_set(e, ERR_INVALID, "target is \"%.32s\", the spec is of \"%.32s\"", target, s->warehouse);
	return 0;
}

static int apply_plan(const struct planner_args *a, const ProtobufCMessage *args, struct plans **ret, struct err *e)
{
	return planner_apply(a, apply_spec(args), ret, e);
}

/* ---- warehouse.delete ---- */

static const spec_t *no_spec(const ProtobufCMessage *args)
{
	(void)args;
	return NULL;
}

static int delete_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const delete_t *d = (const delete_t *)args;

	if (!str_eq(d->warehouse, target) || !str_eq(d->confirm, d->warehouse))
		return err_set(e, ERR_INVALID, "target, warehouse and confirm must be the same id");
	return 0;
}

static int delete_plan(const struct planner_args *a, const ProtobufCMessage *args, struct plans **ret, struct err *e)
{
	return planner_delete(a, ((const delete_t *)args)->warehouse, ret, e);
}

/* ---- cluster.reboot ---- */

static int reboot_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const reboot_t *r = (const reboot_t *)args;

	if (!str_eq(r->warehouse, target) || !str_is_id(r->warehouse, 32))
		return err_set(e, ERR_INVALID, "target and warehouse must be the same id");
	if (!str_is_id(r->cluster, 32))
		return err_set(e, ERR_INVALID, "cluster: expected 1 to 32 of [a-z0-9-], found \"%.40s\"", r->cluster);
	return r->batch <= 100 ? 0 : err_set(e, ERR_INVALID, "batch: %u is more than the 100 nodes of a cluster", r->batch);
}

static int reboot_plan(const struct planner_args *a, const ProtobufCMessage *args, struct plans **ret, struct err *e)
{
	const reboot_t *r = (const reboot_t *)args;

	return planner_reboot(a, r->warehouse, r->cluster, r->batch, ret, e);
}

/* ---- the table ---- */

/* Apply takes away too: what a spec no longer names, and what it made before it failed. */
static const struct verb verbs[VERBS] = {
	[VERB_WAREHOUSE_APPLY] = {
		.wire = REEVE__CONTROL__V1__VERB__WAREHOUSE_APPLY,
		.name = "warehouse.apply",
		.args = &reeve__control__v1__warehouse_apply__descriptor,
		.check = apply_check,
		.by_default = POLICY_OFF,
		.deadline_s = 2700,
		.powers = POWER(LAUNCH) | POWER(DELETE) | POWER(GROUPS) | POWER(BALANCERS) | POWER(TAGS) |
			  POWER(NODE_POWER) | POWER(VOLUMES),
		.spec = apply_spec,
		.plan = apply_plan,
	},
	[VERB_WAREHOUSE_DELETE] = {
		.wire = REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE,
		.name = "warehouse.delete",
		.args = &reeve__control__v1__warehouse_delete__descriptor,
		.check = delete_check,
		.by_default = POLICY_OFF,
		.is_held = true,
		.deadline_s = 1200,
		.powers = POWER(DELETE),
		.without_work = "no such warehouse: nothing of ours in the account is tagged with",
		.spec = no_spec,
		.plan = delete_plan,
	},
	/* Taking a target out of its group is a power of deletion. */
	[VERB_CLUSTER_REBOOT] = {
		.wire = REEVE__CONTROL__V1__VERB__CLUSTER_REBOOT,
		.name = "cluster.reboot",
		.args = &reeve__control__v1__cluster_reboot__descriptor,
		.check = reboot_check,
		.by_default = POLICY_OFF,
		.ends_nothing = true,
		.deadline_s = 1200,
		.powers = POWER(NODE_POWER) | POWER(BALANCERS) | POWER(DELETE),
		.spec = no_spec,
		.plan = reboot_plan,
	},
};

const struct verb *verb_at(enum verb_index i)
{
	return &verbs[i];
}

enum verb_index verb_index(const struct verb *v)
{
	return (enum verb_index)(v - verbs);
}

const struct verb *verb_of(Reeve__Control__V1__Verb wire)
{
	for (size_t i = 0; i < VERBS; i++)
		if (verbs[i].wire == wire)
			return &verbs[i];
	return NULL;
}

/* ---- arguments ---- */

ProtobufCMessage *verb_args(const struct verb *v, const ProtobufCBinaryData *bytes)
{
	return protobuf_c_message_unpack(v->args, NULL, bytes->len, bytes->data);
}

void verb_args_free(ProtobufCMessage *args)
{
	if (args != NULL)
		protobuf_c_message_free_unpacked(args, NULL);
}

int verb_judge(const struct verb *v, const Reeve__Control__V1__Command *c, struct err *e)
{
	ProtobufCMessage *args;
	int rc;

	/* This is looked at before it is unpacked: a few bytes on the wire can cost hundreds in memory. */
	TRY(pbguard_check(v->args, c->args.data, c->args.len, ARGS_FIELDS, "args", e));
	TRY(pbguard_texts(v->args, c->args.data, c->args.len, "args", e));
	args = verb_args(v, &c->args);
	if (args == NULL)
		return err_set(e, ERR_INVALID, "args: not a %s", v->args->short_name);
	rc = v->check(args, c->target, e);
	verb_args_free(args);
	return rc;
}
