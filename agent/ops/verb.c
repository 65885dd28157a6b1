/* verb.c - the table of verbs. */
#include "agent/ops/verb.h"

#include "agent/base/pbguard.h"
#include "agent/base/str.h"
#include "agent/ops/deed_diag.h"
#include "agent/ops/deed_inventory.h"

#define ARGS_FIELDS 16384 /* several times what the largest legal ones have, at any depth */
#define REPLACED_MAX 16   /* nodes of one command: a plan each, one after the other */
#define DIAG_HOURS_MAX 168
#define POWER(name) (1u << IAM_##name)

typedef Reeve__Control__V1__WarehouseApply apply_t;
typedef Reeve__Control__V1__WarehouseDelete delete_t;
typedef Reeve__Control__V1__ClusterReboot reboot_t;
typedef Reeve__Control__V1__NodesReplace replace_t;
typedef Reeve__Control__V1__Heal heal_t;
typedef Reeve__Control__V1__WarehouseUpgrade upgrade_t;
typedef Reeve__Control__V1__InventoryGet inventory_get_t;

/* ---- warehouse.apply ---- */

static const spec_t *apply_spec(const ProtobufCMessage *args)
{
	return ((const apply_t *)args)->spec;
}

static int check_spec(const spec_t *s, const char *target, struct err *e)
{
	if (spec_check(s, e) != 0)
		return err_wrap(e, -e->code, "spec");
	/* The target is what commands are queued by, one warehouse after the other: it must be the one that the spec changes. */
	if (!str_eq(s->warehouse, target))
		return err_set(e, ERR_INVALID, "target is \"%.32s\", the spec is of \"%.32s\"", target, s->warehouse);
	return 0;
}

static int apply_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const spec_t *s = apply_spec(args);

	return s != NULL ? check_spec(s, target, e) : err_set(e, ERR_INVALID, "args: not a WarehouseApply with a spec");
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

static int check_batch(uint32_t batch, struct err *e)
{
	return batch <= 100 ? 0 : err_set(e, ERR_INVALID, "batch: %u is more than the 100 nodes of a cluster", batch);
}

static int reboot_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const reboot_t *r = (const reboot_t *)args;

	if (!str_eq(r->warehouse, target) || !str_is_id(r->warehouse, 32))
		return err_set(e, ERR_INVALID, "target and warehouse must be the same id");
	if (!str_is_id(r->cluster, 32))
		return err_set(e, ERR_INVALID, "cluster: expected 1 to 32 of [a-z0-9-], found \"%.40s\"", r->cluster);
	if (r->health != NULL)
		TRY(spec_check_endpoint(r->health, "health", e));
	if (r->drain != NULL)
		TRY(spec_check_drain(r->drain, e));
	return check_batch(r->batch, e);
}

static int reboot_plan(const struct planner_args *a, const ProtobufCMessage *args, struct plans **ret, struct err *e)
{
	const reboot_t *r = (const reboot_t *)args;
	const struct planner_rebooted rebooted = { r->cluster, r->batch, r->health, r->drain };

	return planner_reboot(a, r->warehouse, &rebooted, ret, e);
}

/* ---- nodes.replace ---- */

static const spec_t *replace_spec(const ProtobufCMessage *args)
{
	return ((const replace_t *)args)->spec;
}

static int check_instances(const replace_t *r, struct err *e)
{
	if (r->n_instances == 0 || r->n_instances > REPLACED_MAX)
		return err_set(e, ERR_INVALID, "instances: expected 1 to %d, found %zu", REPLACED_MAX, r->n_instances);
	for (size_t i = 0; i < r->n_instances; i++) {
		if (!str_starts(r->instances[i], "i-") || !str_is_id(r->instances[i], 32))
			return err_set(e, ERR_INVALID, "instances[%zu]: expected the id of an instance, found \"%.40s\"", i,
				       r->instances[i]);
		for (size_t k = 0; k < i; k++)
			if (str_eq(r->instances[k], r->instances[i]))
				return err_set(e, ERR_INVALID, "instances[%zu]: %s is named twice", i, r->instances[i]);
	}
	return 0;
}

/* The nodes of a paused cluster do not run, and a new one would. */
static int check_cluster(const replace_t *r, struct err *e)
{
	for (size_t i = 0; i < r->spec->n_clusters; i++) {
		if (!str_eq(r->spec->clusters[i]->name, r->cluster))
			continue;
		if (r->spec->clusters[i]->power != REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED)
			return 0;
		return err_set(e, ERR_INVALID, "cluster: %s is paused in the spec; have it run first", r->cluster);
	}
	return err_set(e, ERR_INVALID, "cluster: the spec has none that is called \"%.40s\"", r->cluster);
}

static int replace_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const replace_t *r = (const replace_t *)args;

	if (r->spec == NULL)
		return err_set(e, ERR_INVALID, "args: not a NodesReplace with a spec");
	if (!str_eq(r->warehouse, target))
		return err_set(e, ERR_INVALID, "target and warehouse must be the same id");
	TRY(check_instances(r, e));
	TRY(check_spec(r->spec, target, e));
	return check_cluster(r, e);
}

static int replace_plan(const struct planner_args *a, const ProtobufCMessage *args, struct plans **ret, struct err *e)
{
	const replace_t *r = (const replace_t *)args;
	const struct planner_named named = { r->cluster, r->instances, r->n_instances };

	return planner_replace(a, r->spec, &named, ret, e);
}

/* ---- inventory.get ---- */

static int inventory_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const inventory_get_t *g = (const inventory_get_t *)args;

	return str_eq(g->warehouse, target)
		   ? 0
		   : err_set(e, ERR_INVALID, "target and warehouse must be the same id, or both empty for all warehouses");
}

/* ---- warehouse.upgrade ---- */

static const spec_t *upgrade_spec(const ProtobufCMessage *args)
{
	return ((const upgrade_t *)args)->spec;
}

static bool has_cluster(const spec_t *s, const char *name)
{
	for (size_t i = 0; i < s->n_clusters; i++)
		if (str_eq(s->clusters[i]->name, name))
			return true;
	return false;
}

static int check_order(const upgrade_t *u, struct err *e)
{
	for (size_t i = 0; i < u->n_order; i++) {
		if (!has_cluster(u->spec, u->order[i]))
			return err_set(e, ERR_INVALID, "order[%zu]: the spec has no cluster that is called \"%.40s\"", i,
				       u->order[i]);
		for (size_t k = 0; k < i; k++)
			if (str_eq(u->order[k], u->order[i]))
				return err_set(e, ERR_INVALID, "order[%zu]: %s is named twice", i, u->order[i]);
	}
	return 0;
}

static int upgrade_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const upgrade_t *u = (const upgrade_t *)args;

	if (u->spec == NULL)
		return err_set(e, ERR_INVALID, "args: not a WarehouseUpgrade with a spec");
	if (!str_eq(u->warehouse, target))
		return err_set(e, ERR_INVALID, "target and warehouse must be the same id");
	TRY(check_spec(u->spec, target, e));
	TRY(check_order(u, e));
	return check_batch(u->batch, e);
}

static int upgrade_plan(const struct planner_args *a, const ProtobufCMessage *args, struct plans **ret, struct err *e)
{
	const upgrade_t *u = (const upgrade_t *)args;
	const struct planner_order order = { u->order, u->n_order, u->batch };

	return planner_upgrade(a, u->spec, &order, ret, e);
}

/* ---- heal: the agent's own ---- */

static const spec_t *heal_spec(const ProtobufCMessage *args)
{
	return ((const heal_t *)args)->spec;
}

static int heal_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	const heal_t *h = (const heal_t *)args;

	return h->spec != NULL ? check_spec(h->spec, target, e) : err_set(e, ERR_INVALID, "args: not a Heal with a spec");
}

static int heal_plan(const struct planner_args *a, const ProtobufCMessage *args, struct plans **ret, struct err *e)
{
	const heal_t *h = (const heal_t *)args;

	const struct planner_lost lost = { h->cluster, h->instance, h->is_sick, h->left, h->n_left };

	return planner_heal(a, h->spec, &lost, ret, e);
}

/* ---- diag.collect, diag.send ---- */

static int check_of_all(const char *target, struct err *e)
{
	return *target == '\0' ? 0 : err_set(e, ERR_INVALID, "target: expected none, it is of the whole installation");
}

static int collect_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	uint32_t hours = ((const Reeve__Control__V1__DiagCollect *)args)->hours;

	TRY(check_of_all(target, e));
	return hours <= DIAG_HOURS_MAX ? 0 : err_set(e, ERR_INVALID, "hours: expected at most %d, found %u", DIAG_HOURS_MAX, hours);
}

static int send_check(const ProtobufCMessage *args, const char *target, struct err *e)
{
	size_t len = ((const Reeve__Control__V1__DiagSend *)args)->sha256.len;

	TRY(check_of_all(target, e));
	return len == 32 ? 0 : err_set(e, ERR_INVALID, "sha256: expected 32 bytes, found %zu", len);
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
		.lays_down = VERB_LAYS_SPEC,
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
		.lays_down = VERB_LAYS_END,
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
		.turn_s = 1200,
		.powers = POWER(NODE_POWER) | POWER(BALANCERS) | POWER(DELETE),
		.spec = no_spec,
		.plan = reboot_plan,
	},
	[VERB_NODES_REPLACE] = {
		.wire = REEVE__CONTROL__V1__VERB__NODES_REPLACE,
		.name = "nodes.replace",
		.args = &reeve__control__v1__nodes_replace__descriptor,
		.check = replace_check,
		.by_default = POLICY_OFF,
		.deadline_s = 1200,
		.turn_s = 1200,
		.powers = POWER(LAUNCH) | POWER(DELETE) | POWER(BALANCERS) | POWER(VOLUMES),
		.spec = replace_spec,
		.plan = replace_plan,
	},
	/* The new nodes of a paused cluster are stopped. */
	[VERB_WAREHOUSE_UPGRADE] = {
		.wire = REEVE__CONTROL__V1__VERB__WAREHOUSE_UPGRADE,
		.name = "warehouse.upgrade",
		.args = &reeve__control__v1__warehouse_upgrade__descriptor,
		.check = upgrade_check,
		.by_default = POLICY_OFF,
		.lays_down = VERB_LAYS_SPEC,
		.deadline_s = 7200,
		.turn_s = 1200,
		.powers = POWER(LAUNCH) | POWER(DELETE) | POWER(BALANCERS) | POWER(NODE_POWER) | POWER(VOLUMES),
		.spec = upgrade_spec,
		.plan = upgrade_plan,
	},
	[VERB_INVENTORY_GET] = {
		.wire = REEVE__CONTROL__V1__VERB__INVENTORY_GET,
		.name = "inventory.get",
		.args = &reeve__control__v1__inventory_get__descriptor,
		.check = inventory_check,
		.by_default = POLICY_AUTO,
		.ends_nothing = true,
		.is_read = true,
		.may_be_of_all = true,
		.deadline_s = 600,
		.spec = no_spec,
		.deed = &deed_inventory,
	},
	[VERB_DIAG_COLLECT] = {
		.wire = REEVE__CONTROL__V1__VERB__DIAG_COLLECT,
		.name = "diag.collect",
		.args = &reeve__control__v1__diag_collect__descriptor,
		.check = collect_check,
		.by_default = POLICY_OFF,
		.ends_nothing = true,
		.may_be_of_all = true,
		.deadline_s = 600,
		.spec = no_spec,
		.deed = &deed_diag_collect,
	},
	[VERB_DIAG_SEND] = {
		.wire = REEVE__CONTROL__V1__VERB__DIAG_SEND,
		.name = "diag.send",
		.args = &reeve__control__v1__diag_send__descriptor,
		.check = send_check,
		.by_default = POLICY_OFF,
		.ends_nothing = true,
		.is_high = true,
		.may_be_of_all = true,
		.deadline_s = 600,
		.spec = no_spec,
		.deed = &deed_diag_send,
	},
	[VERB_HEAL] = {
		.wire = REEVE__CONTROL__V1__VERB__HEAL,
		.name = "heal",
		.args = &reeve__control__v1__heal__descriptor,
		.check = heal_check,
		.by_default = POLICY_OFF,
		.is_local = true,
		.deadline_s = 2700,
		.powers = POWER(LAUNCH) | POWER(DELETE) | POWER(BALANCERS) | POWER(VOLUMES),
		.without_work = "nothing is missing any more in",
		.spec = heal_spec,
		.plan = heal_plan,
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
	/* No look at the account comes before a deed, so nothing can be expected of it. */
	if (rc == 0 && v->deed != NULL && c->expect_generation != 0)
		rc = err_set(e, ERR_INVALID, "expect_generation: %s changes no warehouse, so it has none to expect", v->name);
	verb_args_free(args);
	return rc;
}
