/* agent_plan.c - a command's plan, as the local socket tells it: the plan itself, whole, and whoever asks lays it out.
 *
 *   200  the command that was meant; without "plan": it is not planned yet, or has ended, or "plan_is_large": the journal has it
 *   400  that is no name of a command        404  there is no such command here        409  several: they are listed */
#include "agent/daemon/agent_impl.h"

#include "agent/base/handle.h"
#include "agent/base/json.h"

#define LISTED_MAX 20
#define PLAN_MAX (900u << 10) /* an answer of the local socket has 1 MiB */

struct search {
	struct handle handle;
	struct op *found;
	json_t *list;
	unsigned n;
};

static json_t *named(const struct op *op)
{
	const struct op_fields *f = op_fields(op);
	const ProtobufCEnumValue *state =
	    protobuf_c_enum_descriptor_get_value(&reeve__control__v1__state__descriptor, (int)f->state);

	return json_pack("{s:s, s:I, s:s, s:o, s:s, s:b}", "id", f->id_text, "seq", (json_int_t)f->seq, "verb", op_verb(op),
			 "warehouse", json_text(op_warehouse(op)), "state", state->name, "ended", f->is_ended);
}

static void visit(void *ctx, struct op *op)
{
	struct search *s = ctx;

	if (!handle_fits(&s->handle, op_fields(op)->id_text, op_fields(op)->seq))
		return;
	/* The last one that fits; of several none is shown. */
	s->found = op;
	if (s->n++ < LISTED_MAX)
		json_array_append_new(s->list, named(op));
}

static int refuse(int status, const char *why, json_t **ret)
{
	*ret = json_pack("{s:o}", "error", json_text(why));
	return status;
}

/* Whole or not at all: whoever asks finds the largest plans where they are recorded. */
static void leave_to_journal(json_t *j)
{
	json_t *plan = json_object_get(j, "plan");

	if (plan == NULL || json_size(plan) <= PLAN_MAX)
		return;
	json_object_del(j, "plan");
	json_object_set_new(j, "plan_is_large", json_true());
}

int agent_plan(struct agent *a, const char *typed, json_t **ret)
{
	CLEANUP(json_close) json_t *list = json_array();
	struct search s = { .list = list };
	struct err e = { 0 };

	if (handle_parse(typed, &s.handle, &e) != 0)
		return refuse(400, err_text(&e), ret);
	if (a->ops != NULL)
		ops_each(a->ops, visit, &s);
	if (s.n == 0)
		return refuse(404, "there is no such command here; finished and acknowledged ones are in the journal", ret);
	if (s.n > 1) {
		*ret = json_pack("{s:s, s:O, s:i}", "error", "several commands are called so", "several", list, "left_out",
				 (int)(s.n - json_array_size(list)));
		return 409;
	}
	*ret = named(s.found);
	op_tell_plan(s.found, *ret);
	leave_to_journal(*ret);
	return 200;
}
