/* run_outcome.c - how a step ends.
 *
 * An outcome is a record first; what follows from it (the next step, the taking back, the end) follows only when it is durable. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"
#include "agent/ops/steps/subject.h"

/* ---- errors ---- */

const char *run_class_name(enum aws_class class)
{
	/* AWS_OK: it failed and AWS has refused nothing. Our own arguments are wrong, or a node died of a fault of AWS's own. */
	static const char *const names[AWS_CLASSES] = {
		[AWS_OK] = "INTERNAL",           [AWS_THROTTLED] = "THROTTLED",   [AWS_AMBIGUOUS] = "TIMEOUT",
		[AWS_EXPIRED] = "DENIED_BY_AWS", [AWS_DENIED] = "DENIED_BY_AWS",  [AWS_CAPACITY] = "CAPACITY",
		[AWS_QUOTA] = "QUOTA",           [AWS_NOTFOUND] = "PRECONDITION", [AWS_DUPLICATE] = "CONFLICT",
		[AWS_CONFLICT] = "CONFLICT",     [AWS_INVALID] = "PRECONDITION",
	};

	return names[class];
}

static void set_text(json_t *j, const char *member, const char *text)
{
	if (text != NULL && *text != '\0')
		json_object_set_new(j, member, json_text(text));
}

json_t *run_told_json(const struct run_told *t)
{
	json_t *j = json_object();

	json_object_set_new(j, "class", json_string(t->class));
	json_object_set_new(j, "message", json_text(t->message));
	json_object_set_new(j, "action", json_string(t->action));
	set_text(j, "aws_code", t->code);
	set_text(j, "aws_request_id", t->request_id);
	set_text(j, "resource", t->resource);
	set_text(j, "aws_encoded_message", t->encoded); /* for the customer: what decodes it is a right in this account */
	return j;
}

struct run_told run_told_keys(const struct creds_why *why, const char *action, const char *message)
{
	return (struct run_told){ .class = run_class_name(why->class),
				  .message = message,
				  .action = *why->action != '\0' ? why->action : action,
				  .code = why->code,
				  .request_id = why->request_id };
}

json_t *run_told_step(const struct run *r, struct run_told *t)
{
	CLEANUP(buf_close) struct buf of = BUF_MAX(SUBJECT_MAX);
	const struct step *s = &run_now(r)->s;

	subject_of(s->kind, r->a.args != NULL ? r->a.args : s->args, r->a.left, s->name, &of);
	t->resource = buf_str(&of);
	return run_told_json(t);
}

/* What the step at hand was told last. class: NULL where that says it. */
static json_t *error_json(struct run *r, const char *class, const char *message)
{
	const char *action = run_now(r)->s.kind->action;
	struct run_told t = { .class = run_class_name(r->a.class),
			      .message = message,
			      .action = action,
			      .code = r->a.code,
			      .request_id = r->a.request_id,
			      .encoded = r->a.encoded };

	if (r->a.unsent)
		t = run_told_keys(&r->a.why, action, message);
	t.class = class != NULL ? class : t.class;
	return run_told_step(r, &t);
}

/* An error from before a restart is told as it was then. */
json_t *run_error_json(struct run *r)
{
	const struct doing *d = run_now(r);
	json_t *then = json_object_get(d->doubt, "error");

	if (r->a.leaving == GIVES_UP && d->leaving == GIVES_UP && then != NULL)
		return json_deep_copy(then);
	/* The step ran out of time, whatever class the last answer had; its sentence stands behind this one (run_look.c, late). */
	if (r->a.err.code == ERR_TIMEOUT)
		return error_json(r, "TIMEOUT", err_text(&r->a.err));
	return error_json(r, r->a.is_denied ? "POLICY" : NULL, err_text(&r->a.err));
}

/* ---- outcome ---- */

/* Of two groups, and of a look that is made again, the same is told once. */
void run_add_note(struct run *r, const char *text)
{
	size_t used = strlen(r->notes);

	if (*text != '\0' && used < sizeof(r->notes) - 1 && strstr(r->notes, text) == NULL)
		snprintf(r->notes + used, sizeof(r->notes) - used, "%s%s", used > 0 ? "; " : "", text);
}

void run_put_note(struct run *r, const char *text)
{
	CLEANUP(mem_close) char *others = mem_str(r->notes);

	if (strstr(others, text) != NULL)
		return;
	r->notes[0] = '\0';
	run_add_note(r, text);
	run_add_note(r, others);
}

static void add_effect(const struct run *r, const struct step_kind *k, json_t *created, json_t *deleted)
{
	CLEANUP(buf_close) struct buf name = BUF_MAX(1024);

	if (k->thing != NULL) {
		k->thing(r->a.args, &name);
		json_array_append_new(k->makes != NULL ? created : deleted,
				      json_pack("[s, s]", (k->makes != NULL ? k->makes : k->removes)->kind, buf_str(&name)));
		return;
	}
	if (k->makes != NULL)
		step_add_pairs(created, k->makes, json_object_get(r->a.facts, json_str_or(r->a.args, "fact", "?")), NULL);
	/* What was left out of the call was not deleted by it. */
	if (k->removes != NULL)
		step_add_pairs(deleted, k->removes, json_object_get(r->a.args, k->removes_arg), r->a.left);
	if (k->along != NULL)
		k->along(r->a.args, r->a.left, deleted);
}

/* What a failed call on many has done to some. */
static void add_part(struct run *r, const struct step_kind *k, json_t *created, json_t *deleted)
{
	size_t n = json_array_size(r->a.part);

	/* A target in a group is neither made nor deleted: of such a kind the note and the member "part" tell. */
	if (k->removes != NULL || k->makes != NULL)
		json_array_extend(k->removes != NULL ? deleted : created, r->a.part);
	if (n > 0)
		buf_addf(&r->a.note, "%s%s failed, and yet it has had its effect on", r->a.note.len > 0 ? "; " : "", k->action);
	for (size_t i = 0; i < n; i++)
		buf_addf(&r->a.note, " %s", json_string_value(json_array_get(json_array_get(r->a.part, i), 1)));
}

static void note_left(struct run *r)
{
	const char *id;
	json_t *why;

	json_object_foreach(r->a.left, id, why) {
		buf_addf(&r->a.note, "%sleft out: %s %s", r->a.note.len > 0 ? "; " : "", id, json_string_value(why));
	}
}

static void add_failure(struct run *r, json_t *m)
{
	json_object_set_new(m, "ambiguous", json_boolean(r->a.in_doubt));
	json_object_set_new(m, "error", run_error_json(r));
}

/* Also what failed may have stopped some: which, the part tells. */
static void add_states(struct run *r, const struct step_kind *k, json_t *m)
{
	const json_t *ids = json_object_get(r->a.args, "instances");
	json_t *list;

	if (k->leaves == NULL)
		return;
	list = json_array();
	for (size_t i = 0; r->a.is_done && i < json_array_size(ids); i++)
		if (json_object_get(r->a.left, json_string_value(json_array_get(ids, i))) == NULL)
			json_array_append(list, json_array_get(ids, i));
	for (size_t i = 0; !r->a.is_done && i < json_array_size(r->a.part); i++)
		json_array_append(list, json_array_get(json_array_get(r->a.part, i), 1));
	json_object_set_new(m, k->leaves, list);
}

static json_t *outcome_json(struct run *r)
{
	struct doing *d = run_now(r);
	bool done = r->a.is_done, adopted = done && r->a.sight == STEP_SEEN_BEFORE;
	json_t *m = json_object(), *created = json_array(), *deleted = json_array(), *modified = json_array();

	json_object_set_new(m, "op", json_string(r->env->command));
	json_object_set_new(m, "plan", json_string(r->plan->name));
	json_object_set_new(m, "step", json_string(d->s.name));
	json_object_set_new(m, "outcome", json_string(done ? "done" : "failed"));
	json_object_set_new(m, "how", json_string(r->a.how));
	/* What was there before this step is not told as created, and not taken back: can_undo reads the member. */
	if (done && !adopted)
		add_effect(r, d->s.kind, created, deleted);
	if (done && !adopted && d->s.kind->changes != NULL)
		d->s.kind->changes(r->a.args, r->a.left, modified);
	if (adopted)
		json_object_set_new(m, "adopted", json_true());
	if (!done)
		add_part(r, d->s.kind, created, deleted);
	note_left(r);
	json_object_set(m, "facts", r->a.facts);
	json_object_set_new(m, "created", created);
	json_object_set_new(m, "deleted", deleted);
	if (json_array_size(modified) > 0)
		json_object_set(m, "modified", modified);
	json_decref(modified);
	if (json_object_size(r->a.left) > 0)
		json_object_set(m, "left_out", r->a.left);
	if (json_array_size(r->a.part) > 0 && d->s.kind->removes == NULL && d->s.kind->makes == NULL)
		json_object_set(m, "part", r->a.part);
	if (r->a.note.len > 0)
		json_object_set_new(m, "note", json_text(buf_str(&r->a.note)));
	add_states(r, d->s.kind, m);
	if (r->a.request_id[0] != '\0')
		json_object_set_new(m, "aws_request_id", json_text(r->a.request_id));
	if (!done)
		add_failure(r, m);
	return m;
}

/* What an outcome record means; the same when it was just written and when it is replayed. */
void run_outcome_apply(struct run *r, struct doing *d, json_t *record, int64_t at_ms)
{
	bool done = str_eq(json_str_or(record, "outcome", ""), "done");
	json_t *error = json_object_get(record, "error");

	/* This comes first: the record may be d->outcome itself. */
	json_incref(record);
	json_decref(d->outcome);
	d->outcome = record;
	d->outcome_ms = at_ms;
	d->standing = done ? DONE : FAILED;
	json_object_update(r->env->facts, json_object_get(record, "facts"));
	json_array_extend(r->created, json_object_get(record, "created"));
	json_array_extend(r->deleted, json_object_get(record, "deleted"));
	if (json_object_get(record, "modified") != NULL)
		json_array_extend(r->modified, json_object_get(record, "modified"));
	run_add_note(r, json_str_or(record, "note", ""));
	/* The first error is why the run fails; what fails while it is taken back does not replace it. */
	if (error != NULL && r->error == NULL)
		r->error = json_incref(error);
	r->env->outcome(r->env->ctx, d->s.kind, record, at_ms);
}

/* It stands, and that is known: the others are taken back all the same. */
static enum run_state leave_standing(struct run *r, const struct doing *d)
{
	const char *why = json_str_or(json_object_get(d->outcome, "error"), "message", "?");
	CLEANUP(mem_close)
	char *text = mem_printf("%s: %s (%s)", d->taken != NULL ? "not done" : "not taken back", d->s.title, why);

	run_add_note(r, text); /* it is passed again when looks before it are made again */
	r->some_stays = true;
	r->at++;
	return RUN_AT_NEXT;
}

/* What follows from an outcome:
 *
 *   done                                                      the next step
 *   failed, taking back, and it is known to stand             the next one to take back
 *   failed, taking back, and in doubt or denied               the end: indeterminate
 *   failed and in doubt                                       the end: indeterminate
 *   failed before the pivot, and not denied                   what was done is taken back
 *   failed behind the pivot, or denied by the policy          the end: failed */
enum run_state run_after_outcome(struct run *r, struct doing *d)
{
	if (d->standing == DONE)
		return RUN_AT_NEXT;
	if (r->undoing && !r->a.in_doubt && !r->a.is_denied)
		return leave_standing(r, d);
	/* Nobody can tell whether it had its effect, so nothing that would rest on that follows: a person must look. */
	if (r->undoing || r->a.in_doubt)
		return run_ends(r, RUN_INDETERMINATE);
	if (run_may_undo(r) && !r->a.is_denied)
		return run_take_back(r);
	return run_ends(r, RUN_FAILED);
}

enum run_state run_outcome_stands(struct run *r)
{
	struct doing *d = run_now(r);

	run_outcome_apply(r, d, d->outcome, world_wall_ms(r->env->w));
	log_info("op.step.end", "op=%s step=%s/%s outcome=%s how=%s", r->env->command, r->plan->name, d->s.name,
		 json_str_or(d->outcome, "outcome", "?"), json_str_or(d->outcome, "how", "?"));
	r->env->progress(r->env->ctx, r);
	return run_after_outcome(r, d);
}

enum run_state run_outcome(struct run *r)
{
	struct doing *d = run_now(r);
	json_t *m = outcome_json(r);

	/* It counts for nothing until its record stands: until then a checkpoint holds the intent alone, as a crash would leave
	 * it. */
	json_decref(d->outcome);
	d->outcome = json_incref(m);
	return run_record(r, "step.outcome", m);
}

enum run_state run_step_ends(struct run *r, bool done, const char *how)
{
	r->a.is_done = done;
	r->a.how = how;
	/* A refusal of a call on many does not say that nothing happened to any of them. */
	return !done && run_has_part(r) ? RUN_AT_PART : RUN_AT_OUTCOME;
}
