/* ops_env.c - what the list gives to its operations: see op_env.h for what each answer means. */
#include "agent/ops/ops_impl.h"

#include "agent/ops/steps/catalogue.h"

static const struct policy *policy(void *ctx)
{
	return ops_policy(ctx);
}

static const struct policy *policy_read(void *ctx)
{
	return ops_policy_read(ctx);
}

static bool policy_waits(void *ctx, const char **why)
{
	return ops_policy_waits(ctx, why);
}

static bool is_stopped(void *ctx, const char **why)
{
	return ops_is_stopped(ctx, why);
}

static bool head_is_fresh(void *ctx)
{
	const struct ops *o = ctx;

	return o->cfg.head_is_fresh(o->cfg.ctx);
}

static bool is_release_signed(void *ctx, const void *signed_bytes, size_t len)
{
	const struct ops *o = ctx;

	return o->cfg.is_release_signed(o->cfg.ctx, signed_bytes, len);
}

static const struct op *ahead_of(void *ctx, const struct op *op)
{
	return ops_ahead_of(ctx, op);
}

static bool has_room_for_plan(void *ctx, const struct op *op, size_t bytes)
{
	return ops_has_room_for_plan(ctx, op, bytes);
}

static void each(void *ctx, void (*visit)(void *visit_ctx, struct op *op), void *visit_ctx)
{
	ops_each(ctx, visit, visit_ctx);
}

static void changed(void *ctx)
{
	ops_changed(ctx);
}

static void ended(void *ctx, const struct op *op)
{
	struct ops *o = ctx;

	ops_heal_ended(o, op);
	if (o->patrol != NULL)
		patrol_changed(o->patrol, op_warehouse(op));
}

static void close_creds(void *ctx, struct creds *c)
{
	ops_creds_close(ctx, c);
}

void ops_env_init(struct ops *o)
{
	const struct ops_config *cfg = &o->cfg;

	/* It does not begin at 0: that is what a plan from before a restart has seen, and such a plan must look stale. */
	o->shared.starts = 1;
	o->shared.recent.resources = catalogue_resources();
	o->env = (struct op_env){
		.w = cfg->w,
		.aws = cfg->aws,
		.instance = cfg->instance,
		.operate_role = cfg->operate_role,
		.owner = cfg->owner,
		.shared = &o->shared,
		.outputs = &o->outputs,
		.diag = cfg->diag,
		.ctx = o,
		.policy = policy,
		.policy_read = policy_read,
		.policy_waits = policy_waits,
		.is_stopped = is_stopped,
		.head_is_fresh = head_is_fresh,
		.is_release_signed = is_release_signed,
		.ahead_of = ahead_of,
		.has_room_for_plan = has_room_for_plan,
		.each = each,
		.changed = changed,
		.ended = ended,
		.creds_close = close_creds,
	};
}
