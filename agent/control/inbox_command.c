/* inbox_command.c - what a command says, judged once it is known that it was signed, is ours and has its turn. */
#include "agent/base/pbguard.h"
#include "agent/base/str.h"
#include "agent/control/inbox_impl.h"
#include "agent/ops/plan/spec.h"

#define ARGS_FIELDS 16384 /* several times what the largest legal ones have, at any depth */
#define SCHEMA 1
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

static int check_apply(const command_t *c, struct err *e)
{
	Reeve__Control__V1__WarehouseApply *a = NULL;
	int state = STATE(FAILED);

	if (pbguard_check(&reeve__control__v1__warehouse_apply__descriptor, c->args.data, c->args.len, ARGS_FIELDS, "args", e) != 0)
		return state;
	if (pbguard_texts(&reeve__control__v1__warehouse_apply__descriptor, c->args.data, c->args.len, "args", e) != 0)
		return state;
	a = reeve__control__v1__warehouse_apply__unpack(NULL, c->args.len, c->args.data);
	if (a == NULL || a->spec == NULL)
		err_set(e, ERR_INVALID, "args: not a WarehouseApply with a spec");
	else if (spec_check(a->spec, e) != 0)
		err_wrap(e, -e->code, "spec");
	else if (!str_eq(a->spec->warehouse, c->target))
		err_set(e, ERR_INVALID, "target is \"%.32s\", the spec is of \"%.32s\"", c->target, a->spec->warehouse);
	else
		state = 0;
	if (a != NULL)
		reeve__control__v1__warehouse_apply__free_unpacked(a, NULL);
	return state;
}

static int check_delete(const command_t *c, struct err *e)
{
	Reeve__Control__V1__WarehouseDelete *d = NULL;
	int state = STATE(FAILED);

	if (pbguard_check(&reeve__control__v1__warehouse_delete__descriptor, c->args.data, c->args.len, ARGS_FIELDS, "args", e) !=
	    0)
		return state;
	if (pbguard_texts(&reeve__control__v1__warehouse_delete__descriptor, c->args.data, c->args.len, "args", e) != 0)
		return state;
	d = reeve__control__v1__warehouse_delete__unpack(NULL, c->args.len, c->args.data);
	if (d == NULL)
		err_set(e, ERR_INVALID, "args: not a WarehouseDelete");
	else if (!str_eq(d->warehouse, c->target) || !str_eq(d->confirm, d->warehouse))
		err_set(e, ERR_INVALID, "target, warehouse and confirm must be the same id");
	else
		state = 0;
	if (d != NULL)
		reeve__control__v1__warehouse_delete__free_unpacked(d, NULL);
	return state;
}

int inbox_command_judge(const struct inbox *in, const command_t *c, struct err *e)
{
	if (inbox_head_calls_off(in, c->command_id.data)) {
		err_set(e, ERR_CANCELED, "cancelled by the vendor before it was accepted");
		return STATE(CANCELLED);
	}
	if (c->schema != SCHEMA) {
		err_set(e, ERR_UNSUPPORTED, "schema %u is not known to this version", c->schema);
		return STATE(REJECTED_UNSUPPORTED);
	}
	if (c->verb != REEVE__CONTROL__V1__VERB__WAREHOUSE_APPLY && c->verb != REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE) {
		err_set(e, ERR_UNSUPPORTED, "verb %d is not known to this version", (int)c->verb);
		return STATE(REJECTED_UNSUPPORTED);
	}
	if (c->mode != REEVE__CONTROL__V1__MODE__PLAN && c->mode != REEVE__CONTROL__V1__MODE__EXECUTE) {
		err_set(e, ERR_UNSUPPORTED, "mode %d is not known to this version", (int)c->mode);
		return STATE(REJECTED_UNSUPPORTED);
	}
	if (c->expires_at == 0 || world_wall_ms(in->w) >= c->expires_at) {
		err_set(e, ERR_TIMEOUT, c->expires_at == 0 ? "it has no expiry" : "it had expired before it came");
		return STATE(EXPIRED);
	}
	if (!str_is_id(c->target, 32)) {
		err_set(e, ERR_INVALID, "target: expected 1 to 32 of [a-z0-9-]");
		return STATE(FAILED);
	}
	return c->verb == REEVE__CONTROL__V1__VERB__WAREHOUSE_APPLY ? check_apply(c, e) : check_delete(c, e);
}
