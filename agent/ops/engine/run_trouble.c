/* run_trouble.c - what holds a step up: what failed last, tried how often since when, and when it gives up.
 *
 * A step that is throttled, gets no keys or no answer, is denied while its role is new, or in somebody's way goes on trying, and
 * would look like any other that takes its time. So each failure that does not end the step is kept until AWS accepts a call again.
 * A failed try is told at once, also where the call or the source of its keys tries again by itself, for that may take minutes.
 * What is not one failing thing is not counted as one: keys that do not come, a look, the call itself. */
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"

/* ---- one thing that fails ---- */

static bool is_same(const struct run_failing *f, const json_t *error, const char *waits)
{
	/* One that waits for keys has another trouble than one that was refused, although both may name one action. */
	return f->error != NULL && (waits == NULL) == (f->waits == NULL) &&
	       str_eq(json_str_or(error, "action", ""), json_str_or(f->error, "action", ""));
}

/* Takes error. */
static void add(struct run_failing *f, json_t *error, const char *waits, int64_t began_ms)
{
	if (!is_same(f, error, waits))
		run_failing_close(f);
	if (f->tries++ == 0)
		f->since_ms = began_ms;
	json_decref(f->error);
	f->error = error;
	f->waits = waits;
}

void run_failing_close(struct run_failing *f)
{
	json_decref(f->error);
	*f = (struct run_failing){ 0 };
}

void run_failing_add(struct run_failing *f, const struct inventory_req *look, int64_t began_ms)
{
	struct run_told t = { .class = run_class_name(look->class), .message = err_text(&look->err), .action = look->action };

	if (look->unsent)
		t = run_told_keys(&look->why, look->action, err_text(&look->err));
	add(f, run_told_json(&t), look->unsent ? look->action : NULL, began_ms);
}

/* Only AWS refuses. No answer is none, and a call that waits for keys has not been made. */
static const char *how(const struct run_failing *f)
{
	const char *class = json_str_or(f->error, "class", "");

	if (str_starts(json_str_or(f->error, "action", ""), "node:"))
		return "a node did not say what it should";
	if (str_eq(class, "TIMEOUT") || str_eq(class, "INTERNAL"))
		return f->waits != NULL ? "it waited for keys" : "it waited for an answer";
	return f->waits != NULL && str_eq(class, "PRECONDITION") ? "it had no keys" : "AWS refused";
}

json_t *run_failing_json(const struct run_failing *f, const char *why)
{
	CLEANUP(mem_close) char *text = mem_printf("%s, while %s: %s", why, how(f), json_str_or(f->error, "message", "?"));
	json_t *j = json_deep_copy(f->error);

	json_object_set_new(j, "message", json_text(text));
	return j;
}

/* ---- of a step ---- */

const struct run_failing *run_failing(const struct run *r)
{
	/* What keeps the call from being made stands in the way now; the call's own refusal is older. */
	if (r->a.other.error != NULL)
		return &r->a.other;
	return r->a.own.error != NULL ? &r->a.own : NULL;
}

static void log_refused(const struct run *r, const struct aws_call *c)
{
	char since[STAMP_RFC3339_LEN], gives_up[STAMP_RFC3339_LEN];

	log_warn("op.step.refused", "op=%s step=%s/%s class=%s code=%s err=%s tries=%u since=%s gives_up=%s", r->env->command,
		 r->plan->name, run_now(r)->s.name, aws_class_name(c->class), c->code, err_text(&c->err), r->a.own.tries,
		 stamp_rfc3339(r->a.own.since_ms, since), stamp_rfc3339(run_gives_up_ms(r), gives_up));
}

static void log_unsent(const struct run *r, const struct creds_why *why, const struct err *e)
{
	char since[STAMP_RFC3339_LEN], gives_up[STAMP_RFC3339_LEN];

	log_warn("op.step.keys.failed", "op=%s step=%s/%s action=%s class=%s code=%s err=%s tries=%u since=%s gives_up=%s",
		 r->env->command, r->plan->name, run_now(r)->s.name, why->action, aws_class_name(why->class), why->code,
		 err_text(e), r->a.other.tries, stamp_rfc3339(r->a.other.since_ms, since),
		 stamp_rfc3339(run_gives_up_ms(r), gives_up));
}

static void has_no_keys(struct run *r, const struct aws_call *c)
{
	const char *action = run_now(r)->s.kind->action;
	struct run_told t = run_told_keys(&c->keys.why, action, err_text(&c->keys.err));

	add(&r->a.other, run_told_step(r, &t), action, r->a.out_since_ms);
	log_unsent(r, &c->keys.why, &c->keys.err);
}

void run_refused(struct run *r, const struct aws_call *c)
{
	struct run_told t = { .class = run_class_name(c->class),
			      .message = err_text(&c->err),
			      .action = run_now(r)->s.kind->action,
			      .code = c->code,
			      .request_id = c->request_id,
			      .encoded = c->encoded };

	if (c->unsent) {
		has_no_keys(r, c);
		return;
	}
	/* It was sent, so there were keys. */
	run_sees(r);
	add(&r->a.own, run_told_step(r, &t), NULL, r->a.out_since_ms);
	log_refused(r, c);
}

void run_gets_on(struct run *r)
{
	run_failing_close(&r->a.own);
	run_failing_close(&r->a.other);
}

void run_sees(struct run *r)
{
	run_failing_close(&r->a.other);
}

uint64_t run_limit_ms(const struct run *r)
{
	const struct step_kind *k = run_now(r)->s.kind;

	/* One that is leaving may have made its call a moment ago: settle_s must pass before a look in vain proves anything. */
	return ((uint64_t)k->deadline_s + (r->a.leaving != STAYS ? k->settle_s : 0)) * 1000;
}

static uint64_t ends_ms(const struct run *r)
{
	/* These two have a time of their own: the step's is over by then. */
	if (r->sm.now == RUN_AT_SURVEY)
		return run_survey_ends_ms(r);
	if (r->sm.now == RUN_AT_PART)
		return run_part_ends_ms(r);
	return r->a.started_ms + (r->a.is_role_coming ? RUN_ROLE_MS : run_limit_ms(r));
}

int64_t run_gives_up_ms(const struct run *r)
{
	uint64_t now = world_now_ms(r->env->w), ends = ends_ms(r);

	return world_wall_ms(r->env->w) + (int64_t)(ends > now ? ends - now : 0);
}

/* The refusal is that of the read, and nothing of the step's last call is in it. */
void run_look_refused(struct run *r)
{
	char since[STAMP_RFC3339_LEN], gives_up[STAMP_RFC3339_LEN];

	run_failing_add(&r->a.other, &r->inv, r->a.out_since_ms);
	log_warn("op.step.look.failed", "op=%s step=%s/%s err=%s tries=%u since=%s gives_up=%s next=\"look again\"",
		 r->env->command, r->plan->name, run_now(r)->s.name, err_text(&r->inv.err), r->a.other.tries,
		 stamp_rfc3339(r->a.other.since_ms, since), stamp_rfc3339(run_gives_up_ms(r), gives_up));
}

bool run_trouble(const struct run *r, struct run_trouble *ret)
{
	const struct run_failing *f = run_failing(r);

	if (!run_is_running(r) || f == NULL)
		return false;
	*ret = (struct run_trouble){
		.error = f->error,
		.waits = f->waits,
		.tries = f->tries,
		.since_ms = f->since_ms,
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
	if (is_calling && r->sm.now == RUN_AT_CALL)
		ret->action = run_now(r)->s.kind->action;
	ret->for_keys = is_calling && aws_call_is_unsent(&r->call);
	/* What is answered within moments is no news: then what was seen before is told, as while it waits. */
	if ((is_calling || is_looking(r)) && world_wall_ms(r->env->w) - r->a.out_since_ms >= RUN_SLOW_MS)
		return true;
	ret->seen = r->a.last_seen;
	return r->a.last_seen[0] != '\0';
}
