/* run_undo.c - taking back: what was done before the pivot, in reverse, each step by the kind that takes its kind back.
 *
 * Happy path: a step has failed, or the command is called off -> survey (which command made each thing, and what is deleted along
 * with it?) -> the undo is recorded -> its list of steps is worked on as the plan's was. What another command made stays; what
 * cannot be taken back is named. Where the inventory cannot tell who made what, nothing is taken back. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"

#define SURVEY_POLL_MS 5000
#define SURVEY_MS 900000
#define NAMES_MS 60000 /* the same where only names are asked for */

/* ---- the list ---- */

static bool is_named(const json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (str_eq(json_string_value(json_array_get(names, i)), name))
			return true;
	return false;
}

/* A launch that found no room, while others of its cluster found some. */
static bool made_none(const struct run *r, const struct doing *d)
{
	const json_t *fact = json_object_get(r->env->facts, json_str_or(d->s.args, "fact", "?"));

	return d->s.kind->makes != NULL && json_is_array(fact) && json_array_size(fact) == 0;
}

static bool can_undo(const struct run *r, const struct doing *d)
{
	return !made_none(r, d) && d->standing == DONE && d->s.kind->undo != NULL &&
	       !json_is_true(json_object_get(d->outcome, "adopted")) &&
	       !is_named(json_object_get(r->undo_reason, "kept"), d->s.name);
}

/* Takes args. */
static void list_add_step(struct run *r, const struct doing *d, const char *prefix, const char *title, const struct step_kind *kind,
			  json_t *args)
{
	struct doing *u = &r->undo[r->undo_n++];

	u->own_name = mem_printf("%s-%s", prefix, d->s.name);
	u->own_title = mem_printf("%s: %s", title, d->s.title);
	u->of = d;
	u->s = (struct step){ .name = u->own_name, .kind = kind, .args = args, .title = u->own_title };
}

static void undo_add(struct run *r, const struct doing *d)
{
	json_t *args = d->s.kind->undo_args(d->s.args);

	/* What it changed goes with something else that is taken back, such as a rule with its new group. */
	if (args == NULL)
		return;
	/* The losses come from the record and not from the inventory, so that a restart comes to the same list. */
	json_object_update(args, json_object_get(json_object_get(r->undo_reason, "losses"), d->s.name));
	list_add_step(r, d, "undo", "take back", d->s.kind->undo, args);
}

/* Behind several undos of a kind their waits, so that these go on beside each other. */
static void waits_add(struct run *r, size_t from, size_t to)
{
	for (size_t i = from; i-- > to;) {
		const struct doing *d = &r->v[i];
		json_t *args = d->s.kind->undo_wait != NULL && can_undo(r, d) ? d->s.kind->undo_args(d->s.args) : NULL;

		if (args != NULL)
			list_add_step(r, d, "undone", "wait for what was taken back", d->s.kind->undo_wait, args);
	}
}

/* At the end, for whom run_keep.c passes the rest over: they stay, and those that are out of service by then come back into it. */
static void again_add(struct run *r)
{
	for (size_t i = r->undo_n; i-- > 0;) {
		const struct doing *u = &r->undo[i];

		if (!u->s.kind->takes_out || !step_mutates(u->s.kind))
			continue;
		list_add_step(r, u->of, "again", "put back", u->of->s.kind, json_incref(u->of->s.args));
		r->undo[r->undo_n - 1].taken = u;
	}
}

/* It was done to what this plan has made itself, and that is taken back. */
static bool goes_along(const struct doing *d)
{
	const char *with = d->s.kind->goes_with;
	const char *id = with != NULL ? json_string_value(json_array_get(json_object_get(d->s.args, with), 0)) : NULL;

	return id != NULL && *id == '@';
}

/* The planner puts what cannot be taken back behind the pivot; a plan of an older version may not. */
static void note_stays(struct run *r, const struct doing *d)
{
	CLEANUP(mem_close) char *text = mem_printf("not taken back: %s (%s)", d->s.title, d->s.kind->action);

	/* A read has nothing to take back, so it is not named. */
	if (d->standing == DONE && d->s.kind->undo == NULL && step_mutates(d->s.kind) && !goes_along(d))
		run_add_note(r, text);
}

/* Everything that was done and is ours to take back, the last first. */
void run_undo_list(struct run *r)
{
	const struct step_kind *last = NULL;
	size_t from = r->plan->n;

	r->undo = mem_alloc((3 * r->plan->n + 1) * sizeof(*r->undo));
	/* This goes in reverse, because later things hold on to earlier ones: AWS deletes no group while a node stands in it. */
	for (size_t i = r->plan->n; i-- > 0;) {
		const struct doing *d = &r->v[i];

		note_stays(r, d);
		if (!can_undo(r, d))
			continue;
		if (d->s.kind != last) {
			waits_add(r, from, i + 1);
			from = i + 1;
		}
		last = d->s.kind;
		undo_add(r, d);
	}
	waits_add(r, from, 0);
	again_add(r);
	r->undoing = true;
	r->at = 0;
}

/* Takes both objects. kept: names of the steps that are not taken back; losses: for each step, by its name, what is deleted along
 * with what it made. */
static enum run_state start_undo(struct run *r, json_t *kept, json_t *losses)
{
	json_t *m = json_object();

	log_warn("op.plan.undo", "op=%s plan=%s err=%s", r->env->command, r->plan->name, err_text(&r->a.err));
	json_object_set_new(m, "op", json_string(r->env->command));
	json_object_set_new(m, "plan", json_string(r->plan->name));
	/* All that the list follows from is in the record. A crash behind it takes back the same things without another look. */
	json_object_set_new(m, "cancelled", json_boolean(r->cancelled));
	if (r->error != NULL)
		json_object_set(m, "error", r->error);
	if (json_array_size(kept) > 0)
		json_object_set(m, "kept", kept);
	json_decref(kept);
	if (json_object_size(losses) > 0)
		json_object_set(m, "losses", losses);
	json_decref(losses);
	r->undo_reason = m;
	return RUN_AT_UNDO;
}

enum run_state run_undo(struct run *r)
{
	return run_record(r, "plan.undo", json_incref(r->undo_reason));
}

enum run_state run_undo_stands(struct run *r)
{
	run_undo_list(r);
	return RUN_AT_NEXT;
}

/* ---- the survey ---- */

/* Is the command on its tags asked for? */
static bool makes_one_asked(const struct step_kind *k)
{
	return k->makes != NULL && k->makes->maker != NULL;
}

const char *run_maker_of(const struct step_kind *k, const json_t *args, const json_t *facts, const struct inventory *inv)
{
	return makes_one_asked(k) ? k->makes->maker(inv, json_str_or(facts, json_str_or(args, "fact", "?"), "")) : NULL;
}

/* AWS answers a creation with success also when there is one of that name and settings. So before anything is taken back its
 * tags are asked: what another command made stays. What is not shown yet is new, and ours. */
static json_t *made_by_others(const struct run *r, const struct inventory *inv)
{
	json_t *kept = json_array();

	for (size_t i = 0; i < r->plan->n; i++) {
		const struct doing *d = &r->v[i];
		/* Only what is done has made something. */
		const char *maker = d->standing == DONE ? run_maker_of(d->s.kind, d->s.args, r->env->facts, inv) : NULL;

		if (maker != NULL && !str_eq(maker, r->env->command))
			json_array_append_new(kept, json_string(d->s.name));
	}
	return kept;
}

/* For each step that made something: what is known to be deleted along with it. inv: NULL when there is no inventory. */
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
		if (r->v[i].standing == DONE && makes_one_asked(r->v[i].s.kind))
			return true;
	return false;
}

static bool asks_losses(const struct run *r)
{
	for (size_t i = 0; i < r->plan->n; i++)
		if (r->v[i].standing == DONE && r->v[i].s.kind->losses != NULL)
			return true;
	return false;
}

/* Who made a thing must be known before it is deleted; what is deleted along with it need not be known. */
static enum run_state survey_blindly(struct run *r, const struct err *why)
{
	/* To leave things of this command standing is a nuisance; to delete another command's is a loss. */
	bool may = !asks_whose(r);

	log_error("op.plan.undo.blind", "op=%s plan=%s err=%s next=%s", r->env->command, r->plan->name, err_text(why),
		  may ? "it is taken back, and what goes with it is not named" : "nothing is taken back");
	return may ? start_undo(r, NULL, losses_of(r, NULL)) : run_ends(r, RUN_INDETERMINATE);
}

uint64_t run_survey_ends_ms(const struct run *r)
{
	/* Whose a thing is must be known, so it is worth a quarter of an hour; a list of what goes along is not. */
	return r->survey_ms + (asks_whose(r) ? SURVEY_MS : NAMES_MS);
}

enum run_state run_surveyed(struct run *r)
{
	if (r->inv_rc == 0) {
		run_gets_on(r);
		return start_undo(r, made_by_others(r, r->inv.inv), losses_of(r, r->inv.inv));
	}
	run_look_refused(r);
	if (world_now_ms(r->env->w) > run_survey_ends_ms(r))
		return survey_blindly(r, &r->inv.err);
	return run_wait(r, SURVEY_POLL_MS);
}

/* What was refused and waited for was of the step, and that is over. */
enum run_state run_survey(struct run *r)
{
	/* The step at hand is over, and with it what it was refused and what it waited for. */
	run_gets_on(r);
	r->a.until_ms = 0;
	r->survey_ms = world_now_ms(r->env->w);
	return run_take_inventory(r);
}

/* A create also succeeds on what exists; the reeve:command tag says who made it. And AWS shows what is deleted along with a node
 * only while the node is there. */
enum run_state run_take_back(struct run *r)
{
	return asks_whose(r) || asks_losses(r) ? RUN_AT_SURVEY : start_undo(r, NULL, NULL);
}

/* ---- called off ---- */

/* What it was waiting for when the command's time was over. */
static void tell_seen(struct run *r)
{
	struct err why = r->a.err;

	if (r->a.last_seen[0] != '\0')
		err_set(&r->a.err, ERR_TIMEOUT, "%s: last seen: %s", why.text, r->a.last_seen);
}

/* What failed last, if anything, stays the error of what is called off meanwhile. A cancel alone is no error. */
static json_t *called_off_json(struct run *r)
{
	const struct run_failing *f = run_failing(r);
	json_t *j;

	if (f == NULL)
		return r->cancelled ? NULL : run_error_json(r);
	j = run_failing_json(f, err_text(&r->a.err));
	if (!r->cancelled)
		json_object_set_new(j, "class", json_string("TIMEOUT"));
	return j;
}

/* A cancel, or the deadline of the command, before the pivot takes back; an undo cannot be cancelled, and behind the pivot there is
 * only forward. What the policy denies ends where it stands: the customer has the last word also about the taking back. */
enum run_state run_called_off(struct run *r, enum run_leave leave)
{
	/* What AWS said last is not why it ends. It is still told: run_failing has kept it (called_off_json). */
	r->a.class = AWS_OK;
	r->a.code[0] = r->a.request_id[0] = '\0';
	r->a.unsent = false;
	mem_close(&r->a.encoded);
	if (leave == RUN_DENY) {
		r->a.is_denied = true;
		return run_step_ends(r, false, "not called");
	}
	/* RUN_CANCEL is the answer for a cancel and for a deadline that is over; the code tells which. */
	r->cancelled = r->a.err.code != ERR_TIMEOUT;
	if (!r->cancelled)
		tell_seen(r);
	r->error = r->error != NULL ? r->error : called_off_json(r);
	if (r->error == NULL)
		run_add_note(r, err_text(&r->a.err));
	/* The step gets no outcome: nothing of it is in doubt, and the record of the undo says why it ended. */
	return run_take_back(r);
}
