/* run_hear.c - a step that waits hears that its command is called off.
 *
 * The guard hears it too, but a step comes there only when what is under way is answered, and keys that do not come, a read without
 * an answer or a long wait keep it away for minutes. So what is under way is taken back, and the step goes to the guard, which asks
 * again and decides. Left alone are a call that has left and may change something, for nobody could tell what became of it, a step
 * that is leaving already, and whatever cannot be called off any more. */
#include "agent/base/mem.h"
#include "agent/ops/engine/run_impl.h"

/* What is under way is taken back, and its answer leads to the guard, which asks again. */
static void take_back_call(struct run *r)
{
	if (!step_mutates(run_now(r)->s.kind) || r->sm.now == RUN_AT_ASK || r->sm.now == RUN_AT_WHERE ||
	    aws_call_is_unsent(&r->call)) {
		r->a.hears = true;
		aws_call_cancel(&r->call);
	}
}

static void take_back_look(struct run *r)
{
	r->a.hears = true;
	inventory_cancel(&r->inv);
}

static void wake(struct run *r)
{
	run_wait(r, 0);
}

bool run_has_heard(struct run *r)
{
	bool has = r->a.hears;

	r->a.hears = false;
	return has;
}

void run_hear(struct run *r)
{
	/* States that are not here are left alone: the guard asks each second by itself, a record is waited for whatever comes, and
	 * with part and survey the step has ended already. */
	static void (*const how[])(struct run * r) = {
		[RUN_AT_CALL] = take_back_call, [RUN_AT_ASK] = take_back_call, [RUN_AT_WHERE] = take_back_call,
		[RUN_AT_LOOK] = take_back_look, [RUN_AT_POLL] = wake,          [RUN_AT_RELOOK] = wake,
	};
	bool waits = run_is_running(r) && !ending_is_on(&r->ending) && r->sm.now < ARRAY_LEN(how) && how[r->sm.now] != NULL;

	/* The guard's own question: what it would not call off is not disturbed. A step that is leaving has heard it before. */
	if (waits && !r->a.hears && r->a.leaving == STAYS && run_may(r) == RUN_CANCEL)
		how[r->sm.now](r);
}
