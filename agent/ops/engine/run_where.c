/* run_where.c - where the nodes are that a step asks.
 *
 * A step that asks nodes calls an address, and an address may be another machine's a moment after its node has ended. So EC2 is
 * asked first, with the role of the instance, and what it says holds for WHERE_MS; then it is asked again. The kind judges what
 * it says before anything leaves (`meet`): who is not ours, not there or has no address is not asked, and where nobody is left the
 * step ends without a call. */
#include "agent/base/log.h"
#include "agent/ops/engine/run_impl.h"

#define WHERE_MS 30000

static bool is_known(const struct run *r)
{
	return r->a.where_ms != 0 && world_now_ms(r->env->w) - r->a.where_ms < WHERE_MS;
}

enum run_state run_to_call(const struct run *r)
{
	return run_now(r)->s.kind->where != NULL && !is_known(r) ? RUN_AT_WHERE : RUN_AT_CALL;
}

enum run_state run_where(struct run *r)
{
	const struct step_look *where = run_now(r)->s.kind->where;
	char token[53];
	struct step_ctx x;

	/* A node that cannot be asked at all is waited for from here on. Of a step that changes something the time counts from its
	 * own call. */
	if (!step_mutates(run_now(r)->s.kind))
		run_note_asked(r);
	x = run_ctx(r, token);
	aws_call_close(&r->call);
	r->call = (struct aws_call){ .command = r->env->command };
	where->ask(&x, &r->call.req);
	return run_send(r, r->env->reader);
}

/* It is looked again after poll_s, and its own call is not made before. */
static enum run_state unseen(struct run *r, const char *action)
{
	r->a.err = r->call.err;
	if (r->a.err.code == 0)
		err_set(&r->a.err, ERR_SERVICE, "%s: an answer that cannot be read", action);
	log_warn("op.step.where.failed",
		 "op=%s step=%s/%s action=%s err=%s next=\"the nodes are not asked before EC2 tells where they are\"",
		 r->env->command, r->plan->name, run_now(r)->s.name, action, err_text(&r->a.err));
	return run_again(r, RUN_AT_POLL);
}

enum run_state run_where_seen(struct run *r)
{
	const struct step_kind *k = run_now(r)->s.kind;
	const struct aws_call *c = &r->call;
	json_t *rows = c->class == AWS_OK ? k->where->read(c) : NULL;
	enum step_verdict v;
	char token[53];
	struct step_ctx x;

	/* A read that was taken back has no rows to let go of: a canceled call is never AWS_OK. */
	if (run_has_heard(r))
		return RUN_AT_GUARD;
	if (rows == NULL)
		return unseen(r, k->where->action);
	if (r->a.shown == NULL)
		r->a.shown = json_object();
	json_object_set_new(r->a.shown, k->where->name, rows);
	r->a.where_ms = world_now_ms(r->env->w);
	r->a.err = (struct err){ 0 };
	x = run_ctx(r, token);
	v = k->meet(&x, &r->a.err);
	run_blame(r);
	return v == STEP_MORE ? RUN_AT_CALL : run_settle(r, v);
}
