/* run_trouble.c - what holds a step up: the last refusal of AWS, tried how often since when, and when it gives up.
 *
 * A step that is throttled, denied while its role is new, or in somebody's way goes on trying, and would look like any other that
 * takes its time. So each refusal that does not end the step is kept until AWS accepts a call again. */
#include "agent/base/json.h"
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

int64_t run_gives_up_ms(const struct run *r)
{
	uint64_t gone = world_now_ms(r->env->w) - r->a.started_ms, limit = run_limit_ms(r);

	return world_wall_ms(r->env->w) + (int64_t)(limit > gone ? limit - gone : 0);
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
		.can_be_taken_back = run_may_undo(r),
	};
	return true;
}
