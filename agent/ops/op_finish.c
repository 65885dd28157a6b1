/* op_finish.c - what has become of an operation's plans, as its result: the worst of them tells the state and the error; what was
 * made, changed and removed is told of all, and what was not begun where nothing is taken back.
 *
 * Behind its pivot a plan that fails stops where it is: some of its changes are done, and the lists tell them; those that were not
 * begun are named in the note, so that nobody takes them for done. */
#include "agent/ops/op_impl.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/str.h"

#define NAMED_MAX 4 /* of those that were not begun; the others are a number */

static bool is_worse(enum run_end a, enum run_end b)
{
	static const int badness[] = { [RUN_RUNNING] = 0,   [RUN_OK] = 1,     [RUN_ROLLED_BACK] = 2,
				       [RUN_CANCELLED] = 3, [RUN_FAILED] = 4, [RUN_INDETERMINATE] = 5 };

	return badness[a] > badness[b];
}

static bool holds(const json_t *list, const json_t *pair)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), pair))
			return true;
	return false;
}

/* Several steps change one thing. What was made or has gone is told as that alone. */
static void add_modified(const struct run *r, json_t *modified)
{
	const json_t *all = run_modified(r);

	for (size_t i = 0; i < json_array_size(all); i++)
		if (!holds(modified, json_array_get(all, i)))
			json_array_append(modified, json_array_get(all, i));
}

static json_t *without(json_t *list, const json_t *made, const json_t *gone)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (holds(made, json_array_get(list, i)) || holds(gone, json_array_get(list, i)))
			json_array_remove(list, i);
	return list;
}

static void add_note(char note[512], const char *text)
{
	size_t used = strlen(note);

	if (*text != '\0' && strstr(note, text) == NULL) /* a cancel says the same in each */
		snprintf(note + used, 512 - used, "%s%s", used > 0 ? "; " : "", text);
}

/* Its changes that were not begun, of a plan that has failed half-way and is not taken back. */
static void add_not_begun(const struct plan *plan, const struct run *r, char note[512])
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(400);
	size_t n = 0;

	if ((run_ended(r) != RUN_FAILED && run_ended(r) != RUN_INDETERMINATE) || run_phase(r) == RUN_UNDO || !run_has_begun(r))
		return;
	for (size_t k = 0; k < plan->n; k++)
		if (step_mutates(plan->steps[k].kind) && run_is_fresh(r, k) && n++ < NAMED_MAX)
			buf_addf(&text, "%s%.80s", n > 1 ? ", " : "not done: ", plan->steps[k].title);
	if (n > NAMED_MAX)
		buf_addf(&text, " and %zu more", n - NAMED_MAX);
	add_note(note, buf_str(&text));
}

static void gather(const struct op *op, json_t *result)
{
	json_t *created = json_array(), *deleted = json_array(), *modified = json_array();
	const json_t *notes = json_object_get(op->plans->json, "notes");
	char note[512] = "";

	for (size_t i = 0; i < json_array_size(notes); i++)
		add_note(note, json_string_value(json_array_get(notes, i)));
	for (size_t i = 0; i < op->plans->n; i++) {
		const struct run *r = op->runs[i];

		/* Its stage was never reached. */
		if (r == NULL)
			continue;
		json_array_extend(created, (json_t *)run_created(r));
		json_array_extend(deleted, (json_t *)run_deleted(r));
		add_modified(r, modified);
		add_note(note, run_note(r));
		add_not_begun(&op->plans->v[i], r, note);
	}
	json_object_set_new(result, "modified", without(modified, created, deleted));
	json_object_set_new(result, "created", created);
	json_object_set_new(result, "deleted", deleted);
	op_add_nodes(op, result);
	op_add_freed(op, result);
	json_object_set(result, "generation", json_object_get(op->plans->json, "generation"));
	if (*note != '\0')
		json_object_set_new(result, "note", json_text(note));
}

unsigned op_steps_done(const struct op *op)
{
	unsigned n = 0;

	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		n += op->runs[i] != NULL ? run_steps_done(op->runs[i]) : 0;
	return n;
}

/* What a release key stood for, and what has now run: user data of the spec that ended well. */
static json_t *proved_user_data(const struct op *op)
{
	json_t *list = json_array();
	const spec_t *spec = op_spec(op);
	char hex[DIGEST_HEX_LEN];

	for (size_t i = 0; spec != NULL && i < spec->n_clusters; i++) {
		const ProtobufCBinaryData *data = &spec->clusters[i]->user_data;
		struct digest d = digest_of(data->data, data->len);

		if (data->len > 0)
			json_array_append_new(list, json_string(digest_hex(&d, hex)));
	}
	return list;
}

/* Nothing of it stands: whatever a plan has changed is taken back, and those that ended well have changed nothing. A cancel says
 * less by itself, and what stands beside it may be another plan's work. */
static bool is_taken_back(const struct op *op)
{
	bool some = false;

	for (size_t i = 0; i < op->plans->n; i++) {
		enum run_end end = op->runs[i] != NULL ? run_ended(op->runs[i]) : RUN_RUNNING;

		if (end == RUN_FAILED || end == RUN_INDETERMINATE || (end == RUN_OK && run_has_begun(op->runs[i])))
			return false;
		some = some || end == RUN_CANCELLED || end == RUN_ROLLED_BACK;
	}
	return some;
}

/* The worst run tells the state; a plan that was rolled back beside one that was not is a failure of the whole. */
enum op_state op_finish(struct op *op)
{
	static const state_t states[] = { [RUN_RUNNING] = STATE(SUCCEEDED),   [RUN_OK] = STATE(SUCCEEDED),
					  [RUN_FAILED] = STATE(FAILED),       [RUN_ROLLED_BACK] = STATE(ROLLED_BACK),
					  [RUN_CANCELLED] = STATE(CANCELLED), [RUN_INDETERMINATE] = STATE(INDETERMINATE) };
	enum run_end worst = RUN_OK;
	const json_t *error = NULL;
	bool some_ok = false;
	json_t *result;

	for (size_t i = 0; i < op->plans->n; i++) {
		const struct run *r = op->runs[i];

		if (r == NULL)
			continue;
		some_ok = some_ok || run_ended(r) == RUN_OK;
		/* Of equally bad ones the first tells the error. */
		if (is_worse(run_ended(r), worst)) {
			worst = run_ended(r);
			error = run_error(r);
		}
	}
	/* ROLLED_BACK says that nothing is left of it, and what another plan has made stays. */
	if (worst == RUN_ROLLED_BACK && some_ok)
		worst = RUN_FAILED;
	result = op_result_json(op, states[worst], error != NULL ? json_deep_copy(error) : NULL, NULL);
	gather(op, result);
	if (is_taken_back(op))
		json_object_set_new(result, "taken_back", json_true());
	json_object_set_new(result, "steps_done", json_integer(op_steps_done(op)));
	/* This is kept only if a release key stood for it: else one key could prove its own user data, by a command that ends
	 * well. */
	if (states[worst] == STATE(SUCCEEDED) && op_is_release_signed(op))
		json_object_set_new(result, "proved_user_data", proved_user_data(op));
	return op_end_with(op, result);
}
