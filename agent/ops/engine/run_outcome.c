/* run_outcome.c - how a step ends, and how what was done is taken back.
 *
 * An outcome is a record first; what follows from it (the next step, the undo, the end) follows only when it is durable. The
 * undo is a list of steps of its own: the done steps in reverse, each by the kind that takes its kind back. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"

/* ---- errors ---- */

static const char *class_of(const struct run *r)
{
	static const char *const names[AWS_CLASSES] = {
		[AWS_OK] = "INTERNAL",           [AWS_THROTTLED] = "THROTTLED",   [AWS_AMBIGUOUS] = "TIMEOUT",
		[AWS_EXPIRED] = "DENIED_BY_AWS", [AWS_DENIED] = "DENIED_BY_AWS",  [AWS_CAPACITY] = "CAPACITY",
		[AWS_QUOTA] = "QUOTA",           [AWS_NOTFOUND] = "PRECONDITION", [AWS_DUPLICATE] = "CONFLICT",
		[AWS_CONFLICT] = "CONFLICT",     [AWS_INVALID] = "PRECONDITION",
	};

	if (r->err.code == ERR_TIMEOUT)
		return "TIMEOUT";
	return r->is_denied ? "POLICY" : names[r->class];
}

/* One from before a restart is told as it was then. */
json_t *run_error_json(struct run *r)
{
	const struct doing *d = run_now(r);
	json_t *j = json_object_get(d->doubt, "error");

	if (r->leaving == GIVES_UP && d->leaving == GIVES_UP && j != NULL)
		return json_deep_copy(j);
	j = json_object();

	json_object_set_new(j, "class", json_string(class_of(r)));
	json_object_set_new(j, "message", json_text(err_text(&r->err)));
	json_object_set_new(j, "action", json_string(d->s.kind->action));
	if (r->code[0] != '\0')
		json_object_set_new(j, "aws_code", json_text(r->code));
	if (r->request_id[0] != '\0')
		json_object_set_new(j, "aws_request_id", json_text(r->request_id));
	if (r->encoded != NULL) /* for the customer: what decodes it is a right in this account */
		json_object_set_new(j, "aws_encoded_message", json_text(r->encoded));
	return j;
}

/* ---- notes ---- */

static void add_note(struct run *r, const char *text)
{
	size_t used = strlen(r->notes);

	if (*text != '\0' && used < sizeof(r->notes) - 1)
		snprintf(r->notes + used, sizeof(r->notes) - used, "%s%s", used > 0 ? "; " : "", text);
}

/* ---- undo ---- */

static void undo_add(struct run *r, const struct doing *d)
{
	json_t *args = d->s.kind->undo_args(d->s.args);
	struct doing *u;

	if (args == NULL)
		return;
	u = &r->undo[r->undo_n++];
	u->own_name = mem_printf("undo-%s", d->s.name);
	u->s = (struct step){ u->own_name, d->s.kind->undo, args };
	json_object_update(u->s.args, json_object_get(json_object_get(r->undo_reason, "losses"), d->s.name));
}

static bool is_named(const json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (str_eq(json_string_value(json_array_get(names, i)), name))
			return true;
	return false;
}

static bool can_undo(const struct run *r, const struct doing *d)
{
	return d->standing == DONE && d->s.kind->undo != NULL && !json_is_true(json_object_get(d->outcome, "adopted")) &&
	       !is_named(json_object_get(r->undo_reason, "kept"), d->s.name);
}

/* The planner puts what cannot be taken back behind the pivot; a plan of an older version may not. */
static void note_stays(struct run *r, const struct doing *d)
{
	CLEANUP(mem_close) char *text = mem_printf("not taken back: %s (%s)", d->s.name, d->s.kind->action);

	if (d->standing == DONE && d->s.kind->undo == NULL && step_mutates(d->s.kind))
		add_note(r, text);
}

/* Everything that was done and is ours to take back, the last first. */
void run_undo_list(struct run *r)
{
	r->undo = mem_alloc((r->plan->n + 1) * sizeof(*r->undo));
	for (size_t i = r->plan->n; i-- > 0;) {
		if (can_undo(r, &r->v[i]))
			undo_add(r, &r->v[i]);
		note_stays(r, &r->v[i]);
	}
	r->undoing = true;
	r->at = 0;
}

static void on_undo(struct journal_append *a)
{
	struct run *r = container_of(a, struct run, rec);

	if (run_stopping(r))
		return;
	run_undo_list(r);
	sm_move(&r->sm, R_NEXT);
	run_next(r);
}

void run_undo_start(struct run *r, json_t *kept, json_t *losses)
{
	json_t *m = json_object();

	log_warn("op.plan.undo", "op=%s plan=%s why=\"%s\"", r->env->command, r->plan->name, err_text(&r->err));
	json_object_set_new(m, "op", json_string(r->env->command));
	json_object_set_new(m, "plan", json_string(r->plan->name));
	json_object_set_new(m, "cancelled", json_boolean(r->cancelled));
	if (r->error != NULL)
		json_object_set(m, "error", r->error);
	if (json_array_size(kept) > 0)
		json_object_set(m, "kept", kept);
	json_decref(kept);
	if (json_object_size(losses) > 0)
		json_object_set(m, "losses", losses);
	json_decref(losses);
	r->undo_reason = json_incref(m);
	sm_move(&r->sm, R_UNDO);
	journal_append(r->env->journal, &r->rec, "plan.undo", m, on_undo);
}

/* Whose a thing is that a creation left there, its tags tell; and what goes with a node is shown only while it is there. */
static void take_back(struct run *r)
{
	for (size_t i = 0; i < r->plan->n; i++) {
		const struct step_kind *k = r->v[i].s.kind;

		if (r->v[i].standing == DONE && (k->maker != NULL || k->losses != NULL)) {
			run_survey(r);
			return;
		}
	}
	run_undo_start(r, NULL, NULL);
}

/* ---- leaving ---- */

/* What it was waiting for when the command's time was over. */
static void tell_seen(struct run *r)
{
	struct err why = r->err;

	if (r->last_seen[0] != '\0')
		err_set(&r->err, ERR_TIMEOUT, "%s: last seen: %s", why.text, r->last_seen);
}

/* A cancel, or the deadline of the command, before the pivot takes back; an undo cannot be cancelled, and behind the pivot there is
 * only forward. What the policy denies ends where it stands: the customer has the last word also about the taking back. */
void run_leave(struct run *r, enum run_leave leave)
{
	r->class = AWS_OK;
	r->code[0] = r->request_id[0] = '\0';
	mem_close(&r->encoded);
	if (leave == RUN_DENY) {
		r->is_denied = true;
		run_outcome(r, false, "not called");
	} else {
		r->cancelled = r->err.code != ERR_TIMEOUT;
		if (!r->cancelled)
			tell_seen(r);
		r->error = r->error != NULL ? r->error : run_error_json(r);
		take_back(r);
	}
}

/* ---- outcome ---- */

/* left: members that were left out; NULL: none. */
static void pairs_add(json_t *to, const char *kind, const json_t *what, const json_t *left)
{
	if (json_is_string(what))
		json_array_append_new(to, json_pack("[s, O]", kind, what));
	for (size_t i = 0; json_is_array(what) && i < json_array_size(what); i++)
		if (json_object_get(left, json_string_value(json_array_get(what, i))) == NULL)
			json_array_append_new(to, json_pack("[s, O]", kind, json_array_get(what, i)));
}

/* Data volumes go with their node, and stay with one that was left out. A plan of an older version does not say which is whose. */
static void add_volumes(const struct run *r, json_t *deleted)
{
	const char *node;
	json_t *ids;

	pairs_add(deleted, "volume", json_object_get(r->args, "volume_ids"), NULL);
	json_object_foreach(json_object_get(r->args, "volumes_of"), node, ids) {
		if (json_object_get(r->left, node) == NULL)
			pairs_add(deleted, "volume", ids, NULL);
	}
}

static void add_effect(const struct run *r, const struct step_kind *k, json_t *created, json_t *deleted)
{
	CLEANUP(buf_close) struct buf name = BUF_MAX(1024);

	if (k->thing != NULL) {
		k->thing(r->args, &name);
		json_array_append_new(k->makes != NULL ? created : deleted,
				      json_pack("[s, s]", k->makes != NULL ? k->makes : k->removes, buf_str(&name)));
		return;
	}
	if (k->makes != NULL)
		pairs_add(created, k->makes, json_object_get(r->facts, json_str_or(r->args, "fact", "?")), NULL);
	if (k->removes != NULL)
		pairs_add(deleted, k->removes, json_object_get(r->args, k->removes_arg), r->left);
	add_volumes(r, deleted);
}

/* What a failed call on many has done to some. */
static void add_part(struct run *r, const struct step_kind *k, json_t *created, json_t *deleted)
{
	size_t n = json_array_size(r->part);

	if (k->removes != NULL || k->makes != NULL)
		json_array_extend(k->removes != NULL ? deleted : created, r->part);
	if (n > 0)
		buf_addf(&r->note, "%s%s failed, and yet it has had its effect on", r->note.len > 0 ? "; " : "", k->action);
	for (size_t i = 0; i < n; i++)
		buf_addf(&r->note, " %s", json_string_value(json_array_get(json_array_get(r->part, i), 1)));
}

static void note_left(struct run *r)
{
	const char *id;
	json_t *why;

	json_object_foreach(r->left, id, why) {
		buf_addf(&r->note, "%sleft out: %s %s", r->note.len > 0 ? "; " : "", id, json_string_value(why));
	}
}

static json_t *outcome_json(struct run *r, bool done, const char *how)
{
	struct doing *d = run_now(r);
	bool adopted = json_is_true(json_object_get(r->facts, "adopted"));
	json_t *m = json_object(), *created = json_array(), *deleted = json_array();

	json_object_set_new(m, "op", json_string(r->env->command));
	json_object_set_new(m, "plan", json_string(r->plan->name));
	json_object_set_new(m, "step", json_string(d->s.name));
	json_object_set_new(m, "outcome", json_string(done ? "done" : "failed"));
	json_object_set_new(m, "how", json_string(how));
	if (done && !adopted)
		add_effect(r, d->s.kind, created, deleted);
	if (done && adopted)
		json_object_set_new(m, "adopted", json_true());
	if (!done)
		add_part(r, d->s.kind, created, deleted);
	note_left(r);
	json_object_del(r->facts, "partly");
	json_object_del(r->facts, "adopted");
	json_object_set(m, "facts", r->facts);
	json_object_set_new(m, "created", created);
	json_object_set_new(m, "deleted", deleted);
	if (json_object_size(r->left) > 0)
		json_object_set(m, "left_out", r->left);
	if (json_array_size(r->part) > 0 && d->s.kind->removes == NULL && d->s.kind->makes == NULL)
		json_object_set(m, "part", r->part);
	if (r->note.len > 0)
		json_object_set_new(m, "note", json_text(buf_str(&r->note)));
	if (r->request_id[0] != '\0')
		json_object_set_new(m, "aws_request_id", json_text(r->request_id));
	if (!done) {
		json_object_set_new(m, "ambiguous", json_boolean(r->in_doubt));
		json_object_set_new(m, "error", run_error_json(r));
	}
	return m;
}

/* What an outcome record means; the same when it was just written and when it is replayed. */
void run_outcome_apply(struct run *r, struct doing *d, json_t *m, int64_t at_ms)
{
	bool done = str_eq(json_str_or(m, "outcome", ""), "done");
	json_t *error = json_object_get(m, "error");

	json_incref(m);
	json_decref(d->outcome);
	d->outcome = m;
	d->outcome_ms = at_ms;
	d->standing = done ? DONE : FAILED;
	json_object_update(r->env->facts, json_object_get(m, "facts"));
	json_array_extend(r->created, json_object_get(m, "created"));
	json_array_extend(r->deleted, json_object_get(m, "deleted"));
	add_note(r, json_str_or(m, "note", ""));
	if (error != NULL && r->error == NULL)
		r->error = json_incref(error);
	r->env->outcome(r->env->ctx, d->s.kind, m, at_ms);
}

/* It stands, and that is known: the others are taken back all the same. */
static void leave_standing(struct run *r, const struct doing *d)
{
	const char *why = json_str_or(json_object_get(d->outcome, "error"), "message", "?");
	CLEANUP(mem_close) char *text = mem_printf("not taken back: %s (%s)", d->s.name, why);

	add_note(r, text);
	r->some_stays = true;
	r->at++;
	sm_move(&r->sm, R_NEXT);
	run_next(r);
}

void run_after_outcome(struct run *r, struct doing *d)
{
	if (d->standing == DONE) {
		sm_move(&r->sm, R_NEXT);
		run_next(r);
	} else if (r->undoing && !r->in_doubt && !r->is_denied) {
		leave_standing(r, d);
	} else if (r->undoing || r->in_doubt) {
		run_end(r, RUN_INDETERMINATE);
	} else if (run_may_undo(r) && !r->is_denied) {
		take_back(r);
	} else {
		run_end(r, RUN_FAILED);
	}
}

static void on_outcome(struct journal_append *a)
{
	struct run *r = container_of(a, struct run, rec);
	struct doing *d = run_now(r);

	if (d->outcome == NULL || run_stopping(r))
		return;
	run_outcome_apply(r, d, d->outcome, world_wall_ms(r->env->w));
	log_info("op.step.end", "op=%s step=%s/%s outcome=%s how=%s", r->env->command, r->plan->name, d->s.name,
		 json_str_or(d->outcome, "outcome", "?"), json_str_or(d->outcome, "how", "?"));
	r->env->progress(r->env->ctx, r);
	run_after_outcome(r, d);
}

void run_outcome(struct run *r, bool done, const char *how)
{
	struct doing *d = run_now(r);
	json_t *m;

	if (!done && run_part(r, how))
		return;
	m = outcome_json(r, done, how);
	json_decref(d->outcome);
	d->outcome = json_incref(m);
	sm_move(&r->sm, R_OUTCOME);
	journal_append(r->env->journal, &r->rec, "step.outcome", m, on_outcome);
}
