/* ops_local.c - operations that the agent begins by itself, from the last spec that it was sent: no command, and no signature of
 * its own. Each takes the way of a command from its acceptance on: policy, rates, journal, keys cut to its plan, a result that is
 * reported until it is acknowledged. What needs a release signature is refused with that sentence, as nobody has signed it. */
#include <assert.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/pbpack.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "agent/ops/ops_impl.h"

typedef Reeve__Control__V1__Command command_t;

#define LIFE_MS (60ll * 60 * 1000) /* one that cannot start by then ends, and the next look begins another */

/* A result never changes, so what is tried again is another one. */
void ops_local_id(const struct ops_local *l, uint8_t to[UUID_LEN])
{
	CLEANUP(mem_close) char *first = mem_printf("%s|%s|%s", l->stands_on, l->verb->name, l->occurrence);
	CLEANUP(mem_close) char *again = mem_printf("%s|%u", first, l->number);

	uuid_v8(l->number == 1 ? first : again, to);
}

static void pack(const command_t *c, struct buf *to)
{
	int rc = pbpack_add(&c->base, to);

	assert(rc == 0); /* it is smaller than a command may be */
	(void)rc;
}

static command_t *command_of(const struct ops *o, const struct ops_local *l)
{
	int64_t now = world_wall_ms(o->cfg.w);
	command_t c = REEVE__CONTROL__V1__COMMAND__INIT;
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(JSON_MAX_BYTES);
	uint8_t id[UUID_LEN];

	ops_local_id(l, id);
	c.schema = 1;
	c.command_id = (ProtobufCBinaryData){ UUID_LEN, id };
	c.verb = l->verb->wire;
	c.args = l->args;
	c.target = (char *)l->warehouse;
	c.expires_at = now + LIFE_MS;
	c.mode = REEVE__CONTROL__V1__MODE__EXECUTE;
	c.requested_by = (char *)"reeve";
	c.reason = (char *)l->reason;
	/* A copy that owns all it points at, as one from the wire does. */
	pack(&c, &bytes);
	return reeve__control__v1__command__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
}

/* ---- results that give way ---- */

static bool may_give_way(const struct op *op, const json_t *already)
{
	return op_fields(op)->is_ended && op_stands_on(op) != NULL && !json_has_text(already, op_fields(op)->id_text);
}

static bool is_earlier_try(const struct op *op, const struct ops_local *l)
{
	return str_eq(op_stands_on(op), l->stands_on) && str_eq(op_verb(op), l->verb->name) &&
	       str_eq(json_str_or(op_accepted(op), "occurrence", ""), l->occurrence);
}

/* The oldest, and of those that changed nothing first. */
static const struct op *next_to_go(const struct ops *o, const json_t *already)
{
	for (int unstarted = 1; unstarted >= 0; unstarted--)
		for (size_t i = 0; i < o->n; i++)
			if (may_give_way(o->v[i], already) && (unstarted == 0 || op_ended_unstarted(o->v[i])))
				return o->v[i];
	return NULL;
}

/* Their ids. */
static json_t *that_give_way(const struct ops *o, const struct ops_local *l, size_t len)
{
	json_t *ids = json_array();
	const struct op *op;

	for (size_t i = 0; i < o->n; i++)
		if (may_give_way(o->v[i], ids) && op_ended_unstarted(o->v[i]) && is_earlier_try(o->v[i], l))
			json_array_append_new(ids, json_string(op_fields(o->v[i])->id_text));
	while (!ops_has_room_but(o, len, ids) && (op = next_to_go(o, ids)) != NULL)
		json_array_append_new(ids, json_string(op_fields(op)->id_text));
	return ids;
}

static void forget(struct ops *o, const struct op *op)
{
	const json_t *ids = json_object_get(op_accepted(op), "instead_of");

	if (json_array_size(ids) > 0)
		log_info("local.superseded", "op=%s n=%zu next=\"their results are told no more, and the journal has them\"",
			 op_fields(op)->id_text, json_array_size(ids));
	ops_forget_ids(o, ids);
}

/* ---- beginning ---- */

/* Whoever tries the same once more counts on. */
static void note_try(struct ops *o, const struct op *op)
{
	const json_t *record = op_accepted(op);

	wanted_tried(&o->shared.wanted, op_warehouse(op), op_stands_on(op), json_str_or(record, "occurrence", ""),
		     (unsigned)json_int_or(record, "try", 1));
}

static void on_local(struct journal_append *a)
{
	struct ops *o = container_of(a, struct ops, rec);
	struct op *op = o->accepting;

	o->accepting = NULL;
	note_try(o, op);
	forget(o, op);
	ops_list_add(o, op);
	log_info("local.accepted", "op=%s verb=%s warehouse=%s", op_fields(op)->id_text, op_verb(op), op_warehouse(op));
	op_begin(op);
	ops_changed(o);
}

static json_t *record_of(const struct ops *o, const struct ops_local *l, const command_t *cmd)
{
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(JSON_MAX_BYTES);
	char id[UUID_TEXT_LEN];
	json_t *m = json_pack("{s:s, s:s, s:o, s:s, s:s, s:i, s:o, s:I, s:I}", "op", uuid_text(cmd->command_id.data, id), "verb",
			      l->verb->name, "warehouse", json_text(l->warehouse), "stands_on", l->stands_on, "occurrence",
			      l->occurrence, "try", (int)l->number, "reason", json_text(l->reason), "accepted_ms",
			      (json_int_t)world_wall_ms(o->cfg.w), "first_record", (json_int_t)journal_seq(o->j) + 1);

	pack(cmd, &bytes);
	json_set_base64(m, "command", bytes.data, bytes.len);
	return m;
}

bool ops_begin_local(struct ops *o, const struct ops_local *l)
{
	CLEANUP(json_close) json_t *gone = ops_takes_more(o) ? that_give_way(o, l, l->args.len + 1024) : NULL;
	command_t *cmd;
	json_t *m;

	if (gone == NULL || !ops_has_room_but(o, l->args.len + 1024, gone))
		return false;
	cmd = command_of(o, l);
	m = record_of(o, l, cmd);
	if (json_array_size(gone) > 0)
		json_object_set(m, "instead_of", gone);
	o->accepting = op_new(&o->env, cmd, m);
	journal_append(o->j, &o->rec, "local.accepted", m, on_local);
	return true;
}

int ops_replay_local(struct ops *o, const json_t *record, struct err *e)
{
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(JSON_MAX_BYTES);
	command_t *cmd = NULL;

	TRY(json_get_base64(record, "command", &bytes, e));
	cmd = reeve__control__v1__command__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
	if (cmd == NULL || cmd->command_id.len != UUID_LEN) {
		if (cmd != NULL)
			reeve__control__v1__command__free_unpacked(cmd, NULL);
		return err_set(e, ERR_CORRUPT, "a local operation in the journal cannot be decoded");
	}
	/* A verb that this version does not know is another version's own. */
	if (verb_of(cmd->verb) != NULL && !verb_of(cmd->verb)->is_local) {
		reeve__control__v1__command__free_unpacked(cmd, NULL);
		return err_set(e, ERR_CORRUPT, "a command that nobody has signed, of a verb that needs a signature");
	}
	ops_forget_ids(o, json_object_get(record, "instead_of"));
	if (o->n == OPS_MAX) {
		reeve__control__v1__command__free_unpacked(cmd, NULL);
		return err_set(e, ERR_CORRUPT, "more than %d operations are open or unacknowledged", OPS_MAX);
	}
	ops_list_add(o, op_new(&o->env, cmd, (json_t *)record));
	note_try(o, o->v[o->n - 1]);
	return 0;
}
