/* fates.c - see fates.h. */
#include "agent/ops/fates.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/str.h"

static const char *const names[] = { [FATE_NONE] = "", [FATE_CREATE_FAILED] = "create-failed", [FATE_DELETED] = "deleted" };

enum fate fates_of(const struct fates *s, const char *warehouse)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].warehouse, warehouse))
			return s->v[i].fate;
	return FATE_NONE;
}

/* The first row that holds:
 *
 *   it was deleted, or could not be made       yes
 *   a command has laid down what it is         no
 *   no plan, or one of an older version        no: what that has found is not known
 *   the plan has found nothing of it           yes
 *   else                                       no: it stood before this journal began */
bool fates_is_birth(const struct fates *s, struct wanted *wanted, const char *warehouse, const json_t *planned)
{
	if (fates_of(s, warehouse) != FATE_NONE)
		return true;
	return wanted_of(wanted, warehouse) == NULL && json_is_null(json_object_get(planned, "found"));
}

static void drop(struct fates *s, size_t at)
{
	memmove(&s->v[at], &s->v[at + 1], (--s->n - at) * sizeof(*s->v));
}

static void set(struct fates *s, const char *warehouse, const char *op, enum fate fate)
{
	struct fates_one one = { .fate = fate };

	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].warehouse, warehouse)) {
			drop(s, i);
			break;
		}
	if (fate == FATE_NONE)
		return;
	if (s->n == FATES_MAX)
		drop(s, 0);
	snprintf(one.warehouse, sizeof(one.warehouse), "%s", warehouse);
	snprintf(one.op, sizeof(one.op), "%s", op);
	s->v[s->n++] = one;
}

/* The first row that holds:
 *
 *   a plan alone, or a verb that lays nothing down    what was known stays
 *   it deletes, and has succeeded                     deleted
 *   it deletes                                        what was known stays
 *   it has succeeded                                  a spec stands: nothing is known
 *   it was to make the warehouse, and has begun       it could not be made
 *   else                                              what was known stays */
void fates_ended(struct fates *s, struct wanted *wanted, const struct wanted_end *end, const json_t *planned)
{
	bool is_well = str_eq(json_str_or(end->result, "state", ""), "SUCCEEDED");
	bool has_begun = json_object_get(end->result, "started_ms") != NULL;

	if (end->is_plan || end->verb == NULL || end->verb->lays_down == VERB_LAYS_NOTHING)
		return;
	if (end->verb->lays_down == VERB_LAYS_END) {
		if (is_well)
			set(s, end->warehouse, end->op, FATE_DELETED);
	} else if (is_well) {
		set(s, end->warehouse, end->op, FATE_NONE);
	} else if (has_begun && fates_is_birth(s, wanted, end->warehouse, planned)) {
		set(s, end->warehouse, end->op, FATE_CREATE_FAILED);
	}
}

/* ---- records ---- */

json_t *fates_list(const struct fates *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "warehouse", s->v[i].warehouse, "op", s->v[i].op, "fate",
						      names[s->v[i].fate]));
	return list;
}

void fates_replay(struct fates *s, const json_t *list)
{
	const json_t *one;
	size_t i;

	s->n = 0;
	json_array_foreach(list, i, one)
		for (enum fate f = FATE_CREATE_FAILED; f <= FATE_DELETED; f++)
			if (str_eq(json_str_or(one, "fate", ""), names[f]))
				set(s, json_str_or(one, "warehouse", ""), json_str_or(one, "op", ""), f);
}
