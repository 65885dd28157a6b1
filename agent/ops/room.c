/* room.c - see room.h. */
#include "agent/ops/room.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"

#define TEXTS_MAX (16u << 10) /* warehouse, requested_by, reason, escaped, and the names around them */
#define STEP_BYTES 2048       /* intent and outcome of a step, and of what takes it back */
#define NODE_BYTES 320        /* its id: in facts, among the created, the nodes, and the deleted */
#define LIST_KEPT 128

size_t room_of_command(size_t signed_len)
{
	return ENC_BASE64_LEN(signed_len) + TEXTS_MAX + ROOM_RESULT;
}

/* Each that a step launches, also where not all of them stand at once. */
static size_t nodes_of(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct demand d = { 0 };

		if (p->steps[i].kind->demand != NULL)
			p->steps[i].kind->demand(p->steps[i].args, &d);
		n += demand_number(&d, &bound_nodes_total);
		demand_close(&d);
	}
	return n;
}

/* Three times the plan itself: what its arguments name may stand in an outcome, as it is and in a pair with its kind. */
size_t room_of_plan(const json_t *planned, const struct plans *p)
{
	size_t nodes = 0;

	for (size_t i = 0; i < p->n; i++)
		nodes += nodes_of(&p->v[i]);
	return 3 * json_size(planned) + STEP_BYTES * plans_steps(p) + NODE_BYTES * nodes;
}

static void cut_list(json_t *result, const char *name, char *note, size_t size)
{
	json_t *list = json_object_get(result, name);
	size_t n = json_array_size(list), used = strlen(note);
	json_t *kept;

	if (n <= LIST_KEPT)
		return;
	kept = json_array();
	for (size_t i = 0; i < LIST_KEPT; i++)
		json_array_append(kept, json_array_get(list, i));
	json_object_set_new(result, name, kept);
	snprintf(note + used, size - used, "; %zu %s, of which %d are told: the journal names all", n, name, LIST_KEPT);
}

void room_cut_result(json_t *result)
{
	static const char *const lists[] = { "created", "deleted", "modified", "preserved" };
	char note[512 + 4 * 80];

	if (json_size(result) <= ROOM_RESULT)
		return;
	/* The plan goes first: its text is long, and its record in the journal has all of it. */
	snprintf(note, sizeof(note), "%.500s; too long for its plan", json_str_or(result, "note", ""));
	json_object_del(result, "plan_text");
	for (size_t i = 0; i < ARRAY_LEN(lists) && json_size(result) > ROOM_RESULT; i++)
		cut_list(result, lists[i], note, sizeof(note));
	json_object_set_new(result, "note", json_text(note[0] == ';' ? note + 2 : note));
}
