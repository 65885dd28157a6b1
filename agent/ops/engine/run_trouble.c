/* run_trouble.c - what holds a step up: the last refusal of AWS, tried how often since when, and when it gives up.
 *
 * A step that is throttled, denied while its role is new, or in somebody's way goes on trying, and would look like any other that
 * takes its time. So each refusal that does not end the step is kept until AWS accepts a call again. */
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/ops/engine/run_impl.h"

void run_refused(struct run *r, json_t *error)
{
	if (r->a.refusals++ == 0)
		r->a.refused_since_ms = world_wall_ms(r->env->w);
	json_decref(r->a.refusal);
	r->a.refusal = error;
}

void run_gets_on(struct run *r)
{
	json_close(&r->a.refusal);
	r->a.refusals = 0;
}

uint64_t run_limit_ms(const struct run *r)
{
	const struct step_kind *k = run_now(r)->s.kind;

	return ((uint64_t)k->deadline_s + (r->a.leaving != STAYS ? k->settle_s : 0)) * 1000;
}

static uint64_t ends_ms(const struct run *r)
{
	if (r->sm.now == RUN_AT_SURVEY)
		return run_survey_ends_ms(r);
	return r->sm.now == RUN_AT_PART ? run_part_ends_ms(r) : r->a.started_ms + run_limit_ms(r);
}

int64_t run_gives_up_ms(const struct run *r)
{
	uint64_t now = world_now_ms(r->env->w), ends = ends_ms(r);

	return world_wall_ms(r->env->w) + (int64_t)(ends > now ? ends - now : 0);
}

/* The refusal is that of the read, and nothing of the step's last call is in it. */
void run_look_refused(struct run *r)
{
	json_t *j = run_refusal_json(r, r->inv.class, err_text(&r->inv.err));

	json_object_set_new(j, "action", json_string(r->inv.action));
	json_object_del(j, "aws_code");
	json_object_del(j, "aws_request_id");
	json_object_del(j, "aws_encoded_message");
	run_refused(r, j);
	log_warn("op.step.look.failed", "op=%s step=%s/%s err=%s tries=%u next=\"look again\"", r->env->command, r->plan->name,
		 run_now(r)->s.name, err_text(&r->inv.err), r->a.refusals);
}

bool run_trouble(const struct run *r, struct run_trouble *ret)
{
	if (!run_is_running(r) || r->a.refusal == NULL)
		return false;
	*ret = (struct run_trouble){
		.error = r->a.refusal,
		.tries = r->a.refusals,
		.since_ms = r->a.refused_since_ms,
		.gives_up_ms = run_gives_up_ms(r),
		.can_be_taken_back = run_may_undo(r) && r->sm.now != RUN_AT_SURVEY, /* then it is being taken back */
	};
	return true;
}
