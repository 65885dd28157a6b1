/* run_trouble.c - what holds a step up: what failed last, tried how often since when, and when it gives up.
 *
 * A step that is throttled, gets no keys or no answer, is denied while its role is new, or in somebody's way goes on trying, and
 * would look like any other that takes its time. So each failure that does not end the step is kept until AWS accepts a call again.
 * A failed try is told at once, also where the call or the source of its keys tries again by itself, for that may take minutes.
 * What is not one failing thing is not counted as one: keys that do not come, a look, the call itself. */
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"

static const char *action_of(const json_t *error)
{
	return json_str_or(error, "action", "");
}

/* Takes error. */
static void keep(struct run *r, json_t *error, const char *waits)
{
	bool is_another = (waits == NULL) != (r->a.refused_waits == NULL) || !str_eq(action_of(error), action_of(r->a.refusal));

	if (is_another)
		r->a.refusals = 0;
	if (r->a.refusals++ == 0)
		r->a.refused_since_ms = r->a.out_since_ms;
	json_decref(r->a.refusal);
	r->a.refusal = error;
	r->a.refused_waits = waits;
}

static void log_refused(const struct run *r, const struct aws_call *c)
{
	char since[STAMP_RFC3339_LEN], gives_up[STAMP_RFC3339_LEN];

	log_warn("op.step.refused", "op=%s step=%s/%s class=%s code=%s err=%s tries=%u since=%s gives_up=%s", r->env->command,
		 r->plan->name, run_now(r)->s.name, aws_class_name(c->class), c->code, err_text(&c->err), r->a.refusals,
		 stamp_rfc3339(r->a.refused_since_ms, since), stamp_rfc3339(run_gives_up_ms(r), gives_up));
}

static void log_unsent(const struct run *r, const struct creds_why *why, const struct err *e)
{
	char since[STAMP_RFC3339_LEN], gives_up[STAMP_RFC3339_LEN];

	log_warn("op.step.keys.failed", "op=%s step=%s/%s action=%s class=%s code=%s err=%s tries=%u since=%s gives_up=%s",
		 r->env->command, r->plan->name, run_now(r)->s.name, why->action, aws_class_name(why->class), why->code,
		 err_text(e), r->a.refusals, stamp_rfc3339(r->a.refused_since_ms, since),
		 stamp_rfc3339(run_gives_up_ms(r), gives_up));
}

void run_refused(struct run *r, const struct aws_call *c)
{
	const char *action = run_now(r)->s.kind->action;
	struct run_told t = { run_class_name(c->class), err_text(&c->err), action, c->code, c->request_id, c->encoded };

	if (c->unsent)
		t = run_told_keys(&c->keys.why, action, err_text(&c->keys.err));
	keep(r, run_told_json(&t), c->unsent ? action : NULL);
	if (c->unsent)
		log_unsent(r, &c->keys.why, &c->keys.err);
	else
		log_refused(r, c);
}

void run_gets_on(struct run *r)
{
	json_close(&r->a.refusal);
	r->a.refused_waits = NULL;
	r->a.refusals = 0;
}

void run_sees(struct run *r)
{
	if (r->a.refusal != NULL && (r->a.refused_waits != NULL || !str_eq(action_of(r->a.refusal), run_now(r)->s.kind->action)))
		run_gets_on(r);
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

json_t *run_look_json(const struct inventory_req *look, const char **ret_waits)
{
	struct run_told t = { .class = run_class_name(look->class), .message = err_text(&look->err), .action = look->action };

	*ret_waits = look->unsent ? look->action : NULL;
	if (look->unsent)
		t = run_told_keys(&look->why, look->action, err_text(&look->err));
	return run_told_json(&t);
}

const char *run_while(const json_t *error, const char *waits)
{
	const char *class = json_str_or(error, "class", "");

	if (str_eq(class, "TIMEOUT") || str_eq(class, "INTERNAL"))
		return waits != NULL ? "while it waited for keys" : "while it waited for an answer";
	return waits != NULL && str_eq(class, "PRECONDITION") ? "while it had no keys" : "while AWS refused";
}

/* The refusal is that of the read, and nothing of the step's last call is in it. */
void run_look_refused(struct run *r)
{
	char since[STAMP_RFC3339_LEN], gives_up[STAMP_RFC3339_LEN];
	const char *waits;
	json_t *error = run_look_json(&r->inv, &waits);

	keep(r, error, waits);
	log_warn("op.step.look.failed", "op=%s step=%s/%s err=%s tries=%u since=%s gives_up=%s next=\"look again\"",
		 r->env->command, r->plan->name, run_now(r)->s.name, err_text(&r->inv.err), r->a.refusals,
		 stamp_rfc3339(r->a.refused_since_ms, since), stamp_rfc3339(run_gives_up_ms(r), gives_up));
}

bool run_trouble(const struct run *r, struct run_trouble *ret)
{
	if (!run_is_running(r) || r->a.refusal == NULL)
		return false;
	*ret = (struct run_trouble){
		.error = r->a.refusal,
		.waits = r->a.refused_waits,
		.tries = r->a.refusals,
		.since_ms = r->a.refused_since_ms,
		.gives_up_ms = run_gives_up_ms(r),
		.can_be_taken_back = run_may_undo(r) && r->sm.now != RUN_AT_SURVEY, /* then it is being taken back */
	};
	return true;
}

/* ---- what has not failed ---- */

static bool is_looking(const struct run *r)
{
	return r->inv.priv != NULL;
}

bool run_pending(const struct run *r, struct run_pending *ret)
{
	bool is_calling = aws_call_is_running(&r->call);

	if (!run_is_running(r) || r->at >= (r->undoing ? r->undo_n : r->plan->n))
		return false;
	*ret = (struct run_pending){ .since_ms = r->a.out_since_ms };
	if (r->sm.now == RUN_AT_POLL && r->a.last_seen[0] != '\0') {
		ret->action = run_now(r)->s.kind->action;
		ret->seen = r->a.last_seen;
		return true;
	}
	if (is_calling && r->sm.now == RUN_AT_CALL)
		ret->action = run_now(r)->s.kind->action;
	ret->for_keys = is_calling && aws_call_is_unsent(&r->call);
	return (is_calling || is_looking(r)) && world_wall_ms(r->env->w) - r->a.out_since_ms >= RUN_SLOW_MS;
}
