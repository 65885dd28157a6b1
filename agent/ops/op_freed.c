/* op_freed.c - what a command leaves alone, for its result: what its plan says, and the kept volumes that no node has after all,
 * because what was to get them, or had them, was taken back or never came.
 *
 *   it was to be attached, and never was               it is left as it was found
 *   it was attached to a node that is taken back       it is free again, and no longer modified by that
 *   it was made with a node that is taken back         it outlives that  */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/op_impl.h"
#include "agent/ops/steps/catalogue.h"

static bool holds(const json_t *list, const json_t *pair)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), pair))
			return true;
	return false;
}

bool op_has_not_given(const struct op *op, size_t plan, size_t step)
{
	const struct run *r = op->runs[plan];
	const json_t *outcome = r != NULL ? run_outcome_of(r, step) : NULL;

	return r == NULL || run_is_fresh(r, step) ||
	       (str_eq(json_str_or(outcome, "outcome", ""), "failed") && !json_is_true(json_object_get(outcome, "ambiguous")));
}

static void add_preserved(json_t *preserved, const json_t *pair)
{
	if (!holds(preserved, pair))
		json_array_append(preserved, (json_t *)pair);
}

/* Its tags may have been changed, too, and stay so. */
static bool is_modified_by_others(const struct op *op, const json_t *pair, const json_t *outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < op->plans->n; i++)
		for (size_t k = 0; op->runs[i] != NULL && k < json_array_size(run_modified(op->runs[i])); k++)
			n += json_equal(json_array_get(run_modified(op->runs[i]), k), pair) ? 1 : 0;
	return n > (holds(json_object_get(outcome, "modified"), pair) ? 1 : 0);
}

static void not_modified(const struct op *op, json_t *modified, const json_t *pair, const json_t *outcome)
{
	for (size_t i = json_array_size(modified); i-- > 0;)
		if (json_equal(json_array_get(modified, i), pair) && !is_modified_by_others(op, pair, outcome))
			json_array_remove(modified, i);
}

/* Where the result says that a node has it, it has it. */
static void add_not_given(const struct op *op, size_t plan, size_t step, json_t *result, json_t *preserved)
{
	const struct step *s = &op->plans->v[plan].steps[step];
	const char *id = json_str_or(s->args, "volume", "");
	CLEANUP(json_close) json_t *pair = json_pack("[s, s]", resource_volume.kind, id);

	if (s->kind != &kind_attach_volume || json_object_get(json_object_get(result, "volumes"), id) != NULL)
		return;
	add_preserved(preserved, pair);
	if (op->runs[plan] != NULL)
		not_modified(op, json_object_get(result, "modified"), pair, run_outcome_of(op->runs[plan], step));
}

static void add_left(const struct run *r, json_t *preserved)
{
	CLEANUP(json_close) json_t *ids = json_array();

	run_add_left(r, ids);
	for (size_t i = 0; i < json_array_size(ids); i++) {
		CLEANUP(json_close) json_t *pair = json_pack("[s, O]", resource_volume.kind, json_array_get(ids, i));

		add_preserved(preserved, pair);
	}
}

void op_add_freed(const struct op *op, json_t *result)
{
	json_t *preserved = json_copy(json_object_get(op->plans->json, "preserved"));

	if (preserved == NULL)
		return;
	for (size_t i = 0; i < op->plans->n; i++) {
		for (size_t k = 0; k < op->plans->v[i].n; k++)
			add_not_given(op, i, k, result, preserved);
		if (op->runs[i] != NULL)
			add_left(op->runs[i], preserved);
	}
	json_object_set_new(result, "preserved", preserved);
}
