/* run_journal.c - a run's records: what they mean when they are read back, and those from which the run could be replayed. */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/run_impl.h"

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
	d->first_ms = d->last_ms = world_now_ms(r->env->w);
	if (d->tried_ms == 0)
		d->tried_ms = time_ms;
}

void run_replay_outcome(struct run *r, const json_t *record)
{
	struct doing *d = by_name(r, json_str_or(record, "step", ""));

	if (d != NULL)
		run_outcome_apply(r, d, (json_t *)record);
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
	if (d->tried_ms != 0 && d->standing != FRESH)
		json_array_append_new(to, json_pack("[s, {s:s, s:s, s:s, s:i}, I]", "step.intent", "op", r->env->command, "plan",
						    r->plan->name, "step", d->s.name, "generation", (int)d->generation,
						    (json_int_t)d->tried_ms));
	if (d->outcome != NULL && (d->standing == DONE || d->standing == FAILED))
		json_array_append_new(to, json_pack("[s, O, i]", "step.outcome", d->outcome, 0));
}

void run_records(const struct run *r, json_t *to)
{
	for (size_t i = 0; i < r->plan->n; i++)
		doing_records(r, &r->v[i], to);
	if (r->undoing)
		json_array_append_new(to, json_pack("[s, O, i]", "plan.undo", r->undo_reason, 0));
	for (size_t i = 0; i < r->undo_n; i++)
		doing_records(r, &r->undo[i], to);
}
