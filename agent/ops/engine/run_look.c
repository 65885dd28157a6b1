/* run_look.c - waiting and looking: what a step does when a call alone does not tell how things are.
 *
 * After a call without an answer, or an intent without an outcome at start, it looks by tag. Found: adopted. Not found: the
 * call is repeated at once, with the same token or name, and from then on every poll_s until the deadline. A step that has
 * failed, is out of time, was cancelled or denied while a call of it is in doubt is not left so: it looks until settle_s has
 * passed since that call, and only then knows that there was no effect. What cannot be looked at ends in doubt, and loud. */
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"

#define SURVEY_POLL_MS 5000
#define SURVEY_MS 900000
#define NAMES_MS 60000 /* the same where only names are asked for */

/* ---- time ---- */

static bool is_late(struct run *r)
{
	const struct step_kind *k = run_now(r)->s.kind;
	uint64_t limit_s = k->deadline_s + (r->leaving != STAYS ? k->settle_s : 0);

	return world_now_ms(r->env->w) - r->started_ms > limit_s * 1000;
}

static void late(struct run *r)
{
	struct err why = r->err;
	bool has_seen = r->last_seen[0] != '\0' && !str_eq(r->last_seen, why.text);

	err_set(&r->err, ERR_TIMEOUT, "%s did not come through within %u s%s%s%s%s", run_now(r)->s.kind->action,
		run_now(r)->s.kind->deadline_s, has_seen ? ": last seen: " : "", has_seen ? r->last_seen : "",
		why.text[0] != '\0' ? ": " : "", why.text);
	run_fail(r);
}

static void on_timer(struct timer *t)
{
	struct run *r = container_of(t, struct run, timer);
	bool look_again = r->look_again;

	if (run_stopping(r))
		return;
	r->look_again = false;
	if (look_again)
		run_look(r);
	else
		run_guard(r);
}

void run_poll(struct run *r, bool look_again)
{
	uint64_t wait_ms = (uint64_t)run_now(r)->s.kind->poll_s * 1000;

	if (is_late(r)) {
		late(r);
		return;
	}
	if (step_mutates(run_now(r)->s.kind) && r->leaving == STAYS && run_now(r)->doubt == NULL)
		run_record_doubt(r, NULL);
	wait_ms = r->wait_ms > wait_ms ? r->wait_ms : wait_ms;
	r->wait_ms = 0;
	r->look_again = look_again;
	sm_move(&r->sm, R_POLL);
	timer_start(r->env->w, &r->timer, wait_ms, on_timer);
}

/* ---- leaving ---- */

/* Told to the second, and once: a note that changes all the time is news in every report. */
static void wait_until(struct run *r)
{
	const struct doing *d = run_now(r);
	uint64_t age = world_now_ms(r->env->w) - d->last_ms + d->last_past_ms, settle = (uint64_t)d->s.kind->settle_s * 1000;

	r->until_ms = world_wall_ms(r->env->w) + (int64_t)(settle > age ? settle - age : 0);
	log_info("op.step.doubt", "op=%s step=%s/%s action=%s wait_ms=%llu next=\"it looks until then\"", r->env->command,
		 r->plan->name, d->s.name, d->s.kind->action, (unsigned long long)(settle > age ? settle - age : 0));
}

void run_look_before_leaving(struct run *r, enum leaving why)
{
	r->leaving = why;
	r->started_ms = world_now_ms(r->env->w);
	wait_until(r);
	run_record_doubt(r, why == GIVES_UP ? run_error_json(r) : NULL);
	run_look(r);
}

/* It was leaving when the life before ended, and no call has been made since. */
void run_resume_leaving(struct run *r)
{
	const struct doing *d = run_now(r);

	r->leaving = d->leaving;
	wait_until(r);
	run_look(r);
}

void run_fail(struct run *r)
{
	if (r->in_doubt && r->leaving == STAYS)
		run_look_before_leaving(r, GIVES_UP);
	else
		run_outcome(r, false, r->leaving == STAYS ? "called" : "looked");
}

/* Long enough looked for: it had no effect. What was refused is asked once more, the answer may be another now. */
static void leave_now(struct run *r)
{
	r->in_doubt = false;
	if (r->leaving == GIVES_UP) {
		run_fail(r);
		return;
	}
	r->leaving = STAYS;
	r->until_ms = 0;
	run_now(r)->standing = FRESH;
	run_guard(r);
}

/* ---- looking ---- */

/* Looked, and it is not there. */
void run_not_found(struct run *r, const struct step_ctx *x)
{
	bool partly = json_is_true(json_object_get(r->facts, "partly"));

	if (r->leaving != STAYS) {
		if (x->settled && !partly)
			leave_now(r);
		else
			run_poll(r, true);
	} else if (r->was_duplicate && x->settled) {
		err_set(&r->err, ERR_SERVICE, "AWS says that it is there already, but nothing with our tags is: %s", r->code);
		run_outcome(r, false, "looked");
	} else if (partly || r->was_duplicate) {
		run_poll(r, true);
	} else if (r->repeats++ == 0) {
		run_guard(r); /* repeated at once with the same token or name */
	} else {
		run_poll(r, false);
	}
}

/* The command on the tags of what a step made; NULL: not shown, or not told by tags. */
static const char *maker_of(const struct step_kind *k, const json_t *args, const json_t *facts, const struct inventory *inv)
{
	return k->maker != NULL ? k->maker(inv, json_str_or(facts, json_str_or(args, "fact", "?"), "")) : NULL;
}

/* What an earlier command made is as good, but not this one's to take back; nor is what went by other hands this one's to put back. */
static void note_adopted(struct run *r, const struct inventory *inv, bool was_in_doubt)
{
	const struct step_kind *k = run_now(r)->s.kind;
	const char *maker = maker_of(k, r->args, r->facts, inv);
	bool is_anothers = maker != NULL && !str_eq(maker, r->env->command);

	if (is_anothers || (k->removes != NULL && !was_in_doubt))
		json_object_set_new(r->facts, "adopted", json_true());
}

static void on_look(struct inventory_req *req, int rc)
{
	struct run *r = container_of(req, struct run, inv);
	char token[53];
	struct step_ctx x;

	if (run_stopping(r))
		return;
	if (rc != 0) {
		log_warn("op.step.look.failed", "op=%s step=%s/%s err=\"%s\" next=\"look again\"", r->env->command, r->plan->name,
			 run_now(r)->s.name, err_text(&req->err));
		if (r->leaving != GIVES_UP)
			r->err = req->err;
		run_poll(r, true);
		return;
	}
	x = run_ctx(r, token);
	if (run_now(r)->s.kind->find(&x, req->inv)) {
		note_adopted(r, req->inv, r->in_doubt);
		r->in_doubt = false;
		run_outcome(r, true, "found");
	} else {
		run_ask(r);
	}
}

void run_look(struct run *r)
{
	sm_move(&r->sm, R_LOOK);
	r->asked_ms = world_now_ms(r->env->w);
	inventory_take(r->env->w, r->env->aws, r->env->reader, &r->env->owner, NULL, &r->inv, on_look);
}

/* ---- surveying ---- */

/* AWS answers a creation with success also when there is one of that name and settings. So before anything is taken back its
 * tags are asked: what another command made stays. What is not shown yet is new, and ours. */
static json_t *made_by_others(const struct run *r, const struct inventory *inv)
{
	json_t *kept = json_array();

	for (size_t i = 0; i < r->plan->n; i++) {
		const struct doing *d = &r->v[i];
		const char *maker = d->standing == DONE ? maker_of(d->s.kind, d->s.args, r->env->facts, inv) : NULL;

		if (maker != NULL && !str_eq(maker, r->env->command))
			json_array_append_new(kept, json_string(d->s.name));
	}
	return kept;
}

/* Of every step that made something: what is known to go with it. inv: NULL when nobody could look. */
static json_t *losses_of(const struct run *r, const struct inventory *inv)
{
	json_t *losses = json_object();

	for (size_t i = 0; i < r->plan->n; i++) {
		const struct step *s = &r->v[i].s;
		const char *fact = json_str_or(s->args, "fact", "?");

		if (r->v[i].standing == DONE && s->kind->losses != NULL)
			json_object_set_new(losses, s->name, s->kind->losses(s->args, json_object_get(r->env->facts, fact), inv));
	}
	return losses;
}

static bool asks_whose(const struct run *r)
{
	for (size_t i = 0; i < r->plan->n; i++)
		if (r->v[i].standing == DONE && r->v[i].s.kind->maker != NULL)
			return true;
	return false;
}

/* What is whose must be known before it goes; what goes with it need not be. */
static void survey_blindly(struct run *r, const struct err *why)
{
	bool may = !asks_whose(r);

	log_error("op.plan.undo.blind", "op=%s plan=%s err=\"%s\" next=\"%s\"", r->env->command, r->plan->name, err_text(why),
		  may ? "it is taken back, and what goes with it is not named" : "nothing is taken back");
	if (may)
		run_undo_start(r, NULL, losses_of(r, NULL));
	else
		run_end(r, RUN_INDETERMINATE);
}

static void on_survey_timer(struct timer *t)
{
	struct run *r = container_of(t, struct run, timer);

	if (!run_stopping(r))
		run_survey(r);
}

static void on_survey(struct inventory_req *req, int rc)
{
	struct run *r = container_of(req, struct run, inv);

	if (run_stopping(r))
		return;
	if (rc == 0) {
		run_undo_start(r, made_by_others(r, req->inv), losses_of(r, req->inv));
	} else if (world_now_ms(r->env->w) - r->started_ms > (asks_whose(r) ? SURVEY_MS : NAMES_MS)) {
		survey_blindly(r, &req->err);
	} else {
		timer_start(r->env->w, &r->timer, SURVEY_POLL_MS, on_survey_timer);
	}
}

void run_survey(struct run *r)
{
	if (r->sm.now != R_SURVEY) {
		sm_move(&r->sm, R_SURVEY);
		r->started_ms = world_now_ms(r->env->w);
	}
	inventory_take(r->env->w, r->env->aws, r->env->reader, &r->env->owner, NULL, &r->inv, on_survey);
}
