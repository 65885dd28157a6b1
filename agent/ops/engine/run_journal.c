/* run_journal.c - a run's records: what they mean when they are read back, and those from which the run could be replayed. */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"

static struct doing *by_name(struct run *r, const char *name)
{
	for (size_t i = 0; i < r->plan->n; i++)
		if (str_eq(r->v[i].s.name, name))
			return &r->v[i];
	for (size_t i = 0; i < r->undo_n; i++)
		if (str_eq(r->undo[i].s.name, name))
			return &r->undo[i];
	return NULL;
}

void run_replay_intent(struct run *r, const json_t *record, int64_t time_ms)
{
	struct doing *d = by_name(r, json_str_or(record, "step", ""));

	if (d == NULL)
		return;
	r->env->intent(r->env->ctx, &d->s, time_ms);
	d->standing = INTENDED;
	d->generation = (unsigned)json_int_or(record, "generation", 1);
	/* The call may have left at any moment until the crash, so it counts as made now: settle_s is waited for in full. A record
	 * of the doubt, if one follows, knows better. */
	d->first_ms = d->last_ms = world_now_ms(r->env->w);
	d->first_wall_ms = d->last_wall_ms = world_wall_ms(r->env->w);
	d->first_past_ms = d->last_past_ms = 0;
	d->leaving = STAYS;
	json_close(&d->doubt);
	if (d->tried_ms == 0)
		d->tried_ms = time_ms;
}

/* ---- doubt ---- */

static const char *const leaving_names[] = { [STAYS] = "stays", [LEAVES] = "leaves", [GIVES_UP] = "gives-up" };

static uint64_t age_of(int64_t then_ms, int64_t now_ms)
{
	/* A time that lies ahead was written by a clock that was wrong, then or now: it proves no age. */
	return then_ms > 0 && now_ms > then_ms ? (uint64_t)(now_ms - then_ms) : 0;
}

/* A call may have followed the record, at any time until the restart: so it counts as made now. */
void run_replay_doubt(struct run *r, const json_t *record)
{
	struct doing *d = by_name(r, json_str_or(record, "step", ""));
	int64_t now = world_wall_ms(r->env->w), first = json_int_or(record, "first_call_ms", 0);
	const char *leaving = json_str_or(record, "leaving", "");

	if (d == NULL || d->standing != INTENDED)
		return;
	json_decref(d->doubt);
	d->doubt = json_incref((json_t *)record);
	d->first_past_ms = age_of(first, now);
	d->first_wall_ms = d->first_past_ms > 0 ? first : now;
	d->leaving = str_eq(leaving, leaving_names[LEAVES]) ? LEAVES : str_eq(leaving, leaving_names[GIVES_UP]) ? GIVES_UP : STAYS;
	/* Only of a step that leaves, or gives up, it is known that no call came after the record. */
	if (d->leaving == STAYS)
		return;
	d->last_wall_ms = json_int_or(record, "last_call_ms", now);
	d->last_past_ms = age_of(d->last_wall_ms, now);
}

static void on_doubt(struct journal_append *a)
{
	struct run *r = container_of(a, struct run, doubt_rec);
	struct doing *d = by_name(r, json_str_or(r->doubt, "step", ""));

	/* Nothing waits for this record: the step may have an outcome by now, and then nothing of it is in doubt. */
	if (d != NULL && d->standing == INTENDED) {
		json_decref(d->doubt);
		d->doubt = json_incref(r->doubt);
	}
	json_close(&r->doubt);
}

void run_record_doubt(struct run *r, json_t *error)
{
	const struct doing *d = run_now(r);
	json_t *m;

	/* Only one such record is under way at a time, and a step that has made no call needs none. A doubt that is left out here
	 * costs only time: after a restart the step looks and tries again, as if it had never been leaving. */
	if (r->doubt_rec.waiting || d->first_ms == 0) {
		json_decref(error);
		return;
	}
	m = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "op", r->env->command, "plan", r->plan->name, "step", d->s.name, "leaving",
		      leaving_names[r->a.leaving], "first_call_ms", (json_int_t)d->first_wall_ms, "last_call_ms",
		      (json_int_t)d->last_wall_ms);
	if (error != NULL)
		json_object_set_new(m, "error", error);
	json_decref(r->doubt);
	r->doubt = json_incref(m);
	journal_append(r->env->journal, &r->doubt_rec, "step.doubt", m, on_doubt);
}

/* A look that has a second outcome was made anew, and that is done only while no call that counts has followed the intent behind it
 * (run_anew.c). So the step is as it was then: what the look tells decides whether it is called at all. */
static void forget_intents(const struct run *r, struct doing *look)
{
	const struct doing *end = r->undoing ? r->undo + r->undo_n : r->v + r->plan->n;

	for (struct doing *d = look + 1; d < end; d++)
		if (d->standing == INTENDED)
			run_forget_intent(d);
}

void run_replay_outcome(struct run *r, const json_t *record, int64_t time_ms)
{
	struct doing *d = by_name(r, json_str_or(record, "step", ""));

	if (d != NULL && d->standing == DONE && !step_mutates(d->s.kind))
		forget_intents(r, d);
	/* A record without a time counts as just written: what it changed is then waited for as long as it may take to be shown. */
	if (d != NULL)
		run_outcome_apply(r, d, (json_t *)record, time_ms > 0 ? time_ms : world_wall_ms(r->env->w));
}

void run_replay_undo(struct run *r, const json_t *record)
{
	r->undo_reason = json_incref((json_t *)record);
	r->cancelled = json_is_true(json_object_get(record, "cancelled"));
	if (r->error == NULL && json_object_get(record, "error") != NULL)
		r->error = json_incref(json_object_get(record, "error"));
	run_undo_list(r);
}

static void doing_records(const struct run *r, const struct doing *d, json_t *to)
{
	/* This is less than the intent had, and all that a replay reads. */
	if (d->tried_ms != 0 && d->standing != FRESH)
		json_array_append_new(to, json_pack("[s, {s:s, s:s, s:s, s:i}, I]", "step.intent", "op", r->env->command, "plan",
						    r->plan->name, "step", d->s.name, "generation", (int)d->generation,
						    (json_int_t)d->tried_ms));
	if (d->doubt != NULL && d->standing == INTENDED)
		json_array_append_new(to, json_pack("[s, O, i]", "step.doubt", d->doubt, 0));
	if (d->outcome != NULL && (d->standing == DONE || d->standing == FAILED))
		json_array_append_new(to, json_pack("[s, O, I]", "step.outcome", d->outcome, (json_int_t)d->outcome_ms));
}

void run_records(const struct run *r, json_t *to)
{
	for (size_t i = 0; i < r->plan->n; i++)
		doing_records(r, &r->v[i], to);
	/* This record stands between the two lists: it alone makes the undo's steps, and their records find them by their names. */
	if (r->undoing)
		json_array_append_new(to, json_pack("[s, O, i]", "plan.undo", r->undo_reason, 0));
	for (size_t i = 0; i < r->undo_n; i++)
		doing_records(r, &r->undo[i], to);
}
