/* ops.c - the list of operations, its journal records, and the customer's switches.
 *
 * Happy path: ops_replay for every record, ops_start, then ops_accept for each command that control has checked. Damage in
 * the journal: ops_start without a journal, and nothing is accepted or changed. Closing stops every operation where it
 * stands; the next start goes on from the journal. */
#include "agent/ops/ops.h"

#include <assert.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "agent/ops/op.h"
#include "agent/ops/room.h"

#define OPS_MAX 256   /* open and unacknowledged together */
#define QUIET_MS 5000 /* EC2 shows a rule or a node for seconds after it went; a plan made then would be wrong */
#define NOTES_MAX 64  /* notes under way or remembered, against a flood */

typedef Reeve__Control__V1__Command command_t;

/* A record nobody waits for. */
struct note {
	struct ops *o;
	struct journal_append rec;
	struct digest digest; /* of its content, so that the same thing is noted once */
	uint8_t cancel_id[UUID_LEN];
	bool is_cancel;
};

struct ops {
	struct ops_config cfg;
	struct journal *j;
	struct policy policy;
	struct op *v[OPS_MAX];
	size_t n;
	uint64_t epoch, accepted;
	uint64_t starts;   /* of operations in this life, from 1 */
	uint64_t ended_ms; /* monotonic: when the last operation ended; 0: none in this life */
	/* the acceptance under way */
	struct journal_append rec;
	struct op *accepting;
	/* notes */
	struct note notes[NOTES_MAX];
	size_t notes_next;
	/* acknowledgements */
	struct journal_append acked_rec, ids_rec;
	uint64_t acked_through, acking;
	json_t *ids; /* of ids_rec */
	/* close */
	unsigned closing_creds, closing_ops;
	bool closing;
	void (*done)(void *ctx);
	void *done_ctx;
	struct timer timer;
	char why[ERR_TEXT_MAX];
};

struct ops *ops_new(const struct ops_config *cfg)
{
	struct ops *o = mem_new(struct ops);

	o->cfg = *cfg;
	o->starts = 1;
	for (size_t i = 0; i < NOTES_MAX; i++)
		o->notes[i].o = o;
	return o;
}

void ops_set_aws(struct ops *o, struct aws *aws, struct creds *instance, const char *operate_role)
{
	o->cfg.aws = aws;
	o->cfg.instance = instance;
	o->cfg.operate_role = operate_role;
}

const struct ops_config *ops_cfg(const struct ops *o)
{
	return &o->cfg;
}

struct journal *ops_journal(const struct ops *o)
{
	return o->j;
}

static void changed(struct ops *o)
{
	o->cfg.changed(o->cfg.ctx);
}

/* ---- the customer's switches ---- */

const struct policy *ops_policy_read(struct ops *o)
{
	struct policy fresh;

	policy_load(o->cfg.w, o->cfg.policy_path, &fresh);
	if (fresh.present != o->policy.present || !digest_eq(&fresh.digest, &o->policy.digest))
		log_info("policy.read", "present=%d %s%s%s", fresh.present, fresh.present ? "" : "why=\"",
			 fresh.present ? "" : fresh.reason.text, fresh.present ? "" : "\" next=\"nothing is changed\"");
	policy_close(&o->policy);
	o->policy = fresh;
	if (o->cfg.policy_read != NULL)
		o->cfg.policy_read(o->cfg.ctx, &o->policy);
	return &o->policy;
}

const struct policy *ops_policy(struct ops *o)
{
	return &o->policy;
}

/* Only "there is none" lets go on: a folder that cannot be read may hold one. */
static bool stop_stands(const struct ops *o)
{
	struct disk_stat st;

	return o->cfg.w->disk_stat(o->cfg.w, o->cfg.stop_path, &st, NULL) != -ERR_NOTFOUND;
}

bool ops_is_stopped(struct ops *o, const char **why)
{
	if (o->j == NULL)
		*why = "the journal is damaged, the agent is read-only";
	else if (stop_stands(o))
		*why = "the STOP file stands";
	else if (!o->policy.present)
		*why = o->policy.reason.text;
	else if (o->policy.frozen)
		*why = "the policy says mode: off";
	else if (journal_is_tight(o->j))
		*why = "the disk is full";
	else
		return false;
	return true;
}

int ops_mode(const struct ops *o)
{
	if (o->j == NULL)
		return REEVE__CONTROL__V1__AGENT_MODE__READ_ONLY;
	if (stop_stands(o) || (o->policy.present && o->policy.frozen))
		return REEVE__CONTROL__V1__AGENT_MODE__FROZEN;
	return o->policy.present ? REEVE__CONTROL__V1__AGENT_MODE__RUN : REEVE__CONTROL__V1__AGENT_MODE__NO_POLICY;
}

const char *ops_mode_reason(const struct ops *o)
{
	const char *why = "";

	return ops_is_stopped((struct ops *)o, &why) ? why : "";
}

/* ---- the list ---- */

struct op *ops_find(struct ops *o, const uint8_t id[16])
{
	for (size_t i = 0; i < o->n; i++)
		if (memcmp(op_fields(o->v[i])->id, id, UUID_LEN) == 0)
			return o->v[i];
	return NULL;
}

static struct op *find_text(struct ops *o, const char *id)
{
	uint8_t bytes[UUID_LEN];

	return id != NULL && uuid_parse(id, bytes) == 0 ? ops_find(o, bytes) : NULL;
}

void ops_each(struct ops *o, ops_visit *visit, void *ctx)
{
	for (size_t i = 0; i < o->n; i++)
		visit(ctx, o->v[i]);
}

static size_t open_count(const struct ops *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		n += op_fields(o->v[i])->state != OP_ENDED;
	return n;
}

bool ops_is_busy(const struct ops *o)
{
	return open_count(o) > 0 || o->accepting != NULL;
}

bool ops_has_room_for(const struct ops *o, size_t signed_len)
{
	size_t bytes = room_of_command(signed_len);

	if (o->j == NULL || journal_is_tight(o->j) || o->accepting != NULL || o->n >= OPS_MAX || open_count(o) >= OPS_OPEN_MAX)
		return false;
	for (size_t i = 0; i < o->n; i++)
		bytes += op_fields(o->v[i])->command_bytes;
	return bytes <= ROOM_COMMANDS;
}

bool ops_has_room(const struct ops *o)
{
	return ops_has_room_for(o, 0);
}

bool ops_has_room_for_plan(const struct ops *o, const struct op *op, size_t bytes)
{
	size_t others = 0;

	for (size_t i = 0; i < o->n; i++)
		others += o->v[i] != op ? op_fields(o->v[i])->plan_bytes : 0;
	return others == 0 || others + bytes <= ROOM_PLANS;
}

bool ops_is_turn_of(const struct ops *o, const struct op *op)
{
	for (size_t i = 0; i < o->n && o->v[i] != op; i++)
		if (op_fields(o->v[i])->state != OP_ENDED && str_eq(op_warehouse(o->v[i]), op_warehouse(op)))
			return false;
	return true;
}

bool ops_is_quiet(const struct ops *o)
{
	return o->ended_ms == 0 || world_now_ms(o->cfg.w) - o->ended_ms >= QUIET_MS;
}

uint64_t ops_starts(const struct ops *o)
{
	return o->starts;
}

uint64_t ops_epoch(const struct ops *o)
{
	return o->epoch;
}

uint64_t ops_accepted(const struct ops *o)
{
	return o->accepted;
}

bool ops_is_accepting(const struct ops *o)
{
	return o->accepting != NULL;
}

/* What is finished and acknowledged is the journal's alone. */
static void forget_acked(struct ops *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct op_fields *f = op_fields(o->v[i]);
		bool over = f->state == OP_ENDED && f->epoch == o->epoch && f->seq <= o->acked_through;

		if (over)
			op_free(o->v[i]);
		else
			o->v[kept++] = o->v[i];
	}
	o->n = kept;
}

static void forget_ids(struct ops *o, const json_t *ids)
{
	for (size_t i = 0; i < json_array_size(ids); i++) {
		struct op *op = find_text(o, json_string_value(json_array_get(ids, i)));
		size_t at = 0;

		if (op == NULL || op_fields(op)->state != OP_ENDED)
			continue;
		while (o->v[at] != op)
			at++;
		op_free(op);
		memmove(o->v + at, o->v + at + 1, (--o->n - at) * sizeof(*o->v));
	}
}

/* ---- accepting ---- */

static void add_op(struct ops *o, struct op *op)
{
	const struct op_fields *f = op_fields(op);

	assert(o->n < OPS_MAX);
	o->v[o->n++] = op;
	if (f->epoch > o->epoch) {
		o->epoch = f->epoch;
		o->accepted = o->acked_through = 0;
	}
	if (f->epoch == o->epoch && f->seq > o->accepted)
		o->accepted = f->seq;
}

static void on_accepted(struct journal_append *a)
{
	struct ops *o = container_of(a, struct ops, rec);
	struct op *op = o->accepting;

	o->accepting = NULL;
	add_op(o, op);
	log_info("command.accepted", "op=%s verb=%s warehouse=%s seq=%llu", op_fields(op)->id_text, op_verb(op), op_warehouse(op),
		 (unsigned long long)op_fields(op)->seq);
	op_begin(op);
	changed(o);
}

static json_t *early_result(const struct ops *o, const char *id, int state, const char *reason)
{
	const char *name = protobuf_c_enum_descriptor_get_value(&reeve__control__v1__state__descriptor, state)->name;

	return json_pack("{s:s, s:s, s:i, s:I, s:{s:s, s:s}}", "op", id, "state", name, "code", state, "ended_ms",
			 (json_int_t)world_wall_ms(o->cfg.w), "error", "class", "PRECONDITION", "message", reason);
}

void ops_accept(struct ops *o, command_t *cmd, const void *signed_bytes, size_t len, int refuse, const char *reason)
{
	json_t *m = json_object();
	char id[UUID_TEXT_LEN];

	assert(o->j != NULL && o->accepting == NULL);
	uuid_text(cmd->command_id.data, id);
	json_object_set_new(m, "op", json_string(id));
	json_object_set_new(m, "epoch", json_integer((json_int_t)cmd->epoch));
	json_object_set_new(m, "command_seq", json_integer((json_int_t)cmd->seq));
	json_object_set_new(m, "warehouse", json_string(cmd->target));
	json_object_set_new(m, "requested_by", json_string(cmd->requested_by));
	json_object_set_new(m, "reason", json_string(cmd->reason));
	json_object_set_new(m, "accepted_ms", json_integer(world_wall_ms(o->cfg.w)));
	json_object_set_new(m, "first_record", json_integer((json_int_t)journal_seq(o->j) + 1));
	json_set_base64(m, "signed", signed_bytes, len);
	if (refuse != 0)
		json_object_set_new(m, "result", early_result(o, id, refuse, reason));
	o->accepting = op_new(o, cmd, m);
	journal_append(o->j, &o->rec, "command.accepted", m, on_accepted);
}

/* ---- notes, cancels, acknowledgements ---- */

static void on_note(struct journal_append *a)
{
	struct note *n = container_of(a, struct note, rec);
	struct op *op = n->is_cancel ? ops_find(n->o, n->cancel_id) : NULL;

	n->is_cancel = false;
	if (op != NULL)
		op_cancel(op);
	if (op != NULL)
		changed(n->o);
}

static bool is_noted(const struct ops *o, const struct digest *d)
{
	for (size_t i = 0; i < NOTES_MAX; i++)
		if (digest_eq(&o->notes[i].digest, d))
			return true;
	return false;
}

static struct note *note_start(struct ops *o, const char *type, json_t *members)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);
	struct note *n = &o->notes[o->notes_next % NOTES_MAX];
	struct digest d;

	buf_adds(&text, type);
	json_write(members, &text);
	d = digest_of(buf_str(&text), text.len);
	if (o->j == NULL || n->rec.waiting || is_noted(o, &d)) {
		json_decref(members);
		return NULL;
	}
	o->notes_next++;
	n->digest = d;
	journal_append(o->j, &n->rec, type, members, on_note);
	return n;
}

void ops_note(struct ops *o, const char *type, json_t *members)
{
	note_start(o, type, members);
}

void ops_cancel(struct ops *o, const uint8_t id[16])
{
	struct op *op = ops_find(o, id);
	struct note *n;

	if (op == NULL || op_is_cancelled(op) || op_fields(op)->state == OP_ENDED)
		return;
	n = note_start(o, "command.cancelled", json_pack("{s:s}", "op", op_fields(op)->id_text));
	if (n != NULL) {
		n->is_cancel = true;
		memcpy(n->cancel_id, id, UUID_LEN);
	}
}

static void on_acked(struct journal_append *a)
{
	struct ops *o = container_of(a, struct ops, acked_rec);

	o->acked_through = o->acking;
	forget_acked(o);
	changed(o);
}

static bool has_result_through(const struct ops *o, uint64_t through)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct op_fields *f = op_fields(o->v[i]);

		if (f->epoch == o->epoch && f->seq <= through && f->state == OP_ENDED)
			return true;
	}
	return false;
}

void ops_acked(struct ops *o, uint64_t through)
{
	if (o->j == NULL || o->acked_rec.waiting || through <= o->acked_through || through > o->accepted ||
	    !has_result_through(o, through))
		return;
	o->acking = through;
	journal_append(o->j, &o->acked_rec, "result.acked",
		       json_pack("{s:I, s:I}", "epoch", (json_int_t)o->epoch, "through", (json_int_t)through), on_acked);
}

static void on_ids_acked(struct journal_append *a)
{
	struct ops *o = container_of(a, struct ops, ids_rec);

	forget_ids(o, o->ids);
	json_close(&o->ids);
	changed(o);
}

void ops_acked_ids(struct ops *o, const ProtobufCBinaryData *ids, size_t n)
{
	CLEANUP(json_close) json_t *known = json_array();

	if (o->j == NULL || o->ids_rec.waiting)
		return;
	for (size_t i = 0; i < n; i++) {
		struct op *op = ids[i].len == UUID_LEN ? ops_find(o, ids[i].data) : NULL;

		if (op != NULL && op_fields(op)->state == OP_ENDED)
			json_array_append_new(known, json_string(op_fields(op)->id_text));
	}
	if (json_array_size(known) == 0)
		return;
	o->ids = json_incref(known);
	journal_append(o->j, &o->ids_rec, "result.acked", json_pack("{s:O}", "ops", known), on_ids_acked);
}

/* ---- the journal speaks ---- */

static int replay_accepted(struct ops *o, const json_t *record, struct err *e)
{
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(JSON_MAX_BYTES);
	Reeve__Control__V1__Signed *outer;
	command_t *cmd;

	TRY(json_get_base64(record, "signed", &bytes, e));
	outer = reeve__control__v1__signed__unpack(NULL, bytes.len, (uint8_t *)bytes.data);
	if (outer == NULL)
		return err_set(e, ERR_CORRUPT, "a command in the journal cannot be decoded");
	cmd = reeve__control__v1__command__unpack(NULL, outer->body.len, outer->body.data);
	reeve__control__v1__signed__free_unpacked(outer, NULL);
	if (cmd == NULL || cmd->command_id.len != UUID_LEN) {
		if (cmd != NULL)
			reeve__control__v1__command__free_unpacked(cmd, NULL);
		return err_set(e, ERR_CORRUPT, "a command in the journal cannot be decoded");
	}
	if (o->n == OPS_MAX) {
		reeve__control__v1__command__free_unpacked(cmd, NULL);
		return err_set(e, ERR_CORRUPT, "more than %d commands are open or unacknowledged", OPS_MAX);
	}
	add_op(o, op_new(o, cmd, (json_t *)record));
	return 0;
}

static int replay(struct ops *o, const char *type, const json_t *record, int64_t time_ms, struct err *e);

static void checkpoint_begin(struct ops *o, const json_t *record)
{
	while (o->n > 0)
		op_free(o->v[--o->n]);
	o->epoch = (uint64_t)json_int_or(record, "epoch", 0);
	o->accepted = (uint64_t)json_int_or(record, "accepted", 0);
	o->acked_through = (uint64_t)json_int_or(record, "acked_through", 0);
}

/* One line of it; the journal hands them all or none. */
static int replay_checkpoint(struct ops *o, const json_t *record, struct err *e)
{
	const json_t *list = json_object_get(record, "records");

	if (json_int_or(record, "part", 1) == 1)
		checkpoint_begin(o, record);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);

		TRY(replay(o, json_string_value(json_array_get(r, 0)), json_array_get(r, 1),
			   json_integer_value(json_array_get(r, 2)), e));
	}
	return 0;
}

static int replay(struct ops *o, const char *type, const json_t *record, int64_t time_ms, struct err *e)
{
	struct op *op;

	if (str_eq(type, "command.accepted"))
		return replay_accepted(o, record, e);
	if (str_eq(type, "checkpoint"))
		return replay_checkpoint(o, record, e);
	if (str_eq(type, "result.acked")) {
		forget_ids(o, json_object_get(record, "ops"));
		if ((uint64_t)json_int_or(record, "epoch", 0) == o->epoch)
			o->acked_through = (uint64_t)json_int_or(record, "through", 0);
		forget_acked(o);
		return 0;
	}
	op = find_text(o, json_str_or(record, "op", NULL));
	if (op != NULL)
		op_replay(op, type, record, time_ms);
	return 0;
}

int ops_replay(struct ops *o, const struct journal_entry *entry, struct err *e)
{
	int64_t time_ms = 0;
	int rc;

	err_ignore(stamp_parse_iso(entry->time, &time_ms, NULL), "a time that cannot be read counts as long ago");
	rc = replay(o, entry->type, entry->obj, time_ms, e);
	return rc == 0 ? 0 : err_wrap(e, rc, "%s line %u", entry->segment, entry->line_number);
}

json_t *ops_checkpoint(struct ops *o)
{
	json_t *m = json_object(), *records = json_array();

	for (size_t i = 0; i < o->n; i++)
		op_records(o->v[i], records);
	json_object_set_new(m, "epoch", json_integer((json_int_t)o->epoch));
	json_object_set_new(m, "accepted", json_integer((json_int_t)o->accepted));
	json_object_set_new(m, "acked_through", json_integer((json_int_t)o->acked_through));
	json_object_set_new(m, "records", records);
	return m;
}

uint64_t ops_oldest_open(struct ops *o)
{
	uint64_t oldest = UINT64_MAX;

	for (size_t i = 0; i < o->n; i++)
		if (op_fields(o->v[i])->first_record < oldest)
			oldest = op_fields(o->v[i])->first_record;
	return oldest;
}

/* ---- life ---- */

void ops_start(struct ops *o, struct journal *j)
{
	o->j = j;
	ops_policy_read(o);
	o->ended_ms = o->n > 0 ? world_now_ms(o->cfg.w) : 0; /* one may have ended just before the last death */
	for (size_t i = 0; j != NULL && i < o->n; i++)
		op_begin(o->v[i]);
}

void ops_started(struct ops *o)
{
	o->starts++;
}

void ops_ended(struct ops *o, struct op *op)
{
	if (op_has_started(op))
		o->ended_ms = world_now_ms(o->cfg.w);
	changed(o);
}

static void free_all(struct ops *o)
{
	void (*done)(void *) = o->done;
	void *ctx = o->done_ctx;

	timer_stop(o->cfg.w, &o->timer);
	for (size_t i = 0; i < o->n; i++)
		op_free(o->v[i]);
	op_free(o->accepting);
	json_decref(o->ids);
	policy_close(&o->policy);
	mem_free(o);
	done(ctx);
}

static void on_closed(struct timer *t)
{
	free_all(container_of(t, struct ops, timer));
}

static void close_step(struct ops *o)
{
	if (o->closing && o->closing_ops == 0 && o->closing_creds == 0)
		timer_start(o->cfg.w, &o->timer, 0, on_closed);
}

static void on_creds_closed(void *ctx)
{
	struct ops *o = ctx;

	o->closing_creds--;
	close_step(o);
}

void ops_creds_close(struct ops *o, struct creds *c)
{
	o->closing_creds++;
	creds_close(c, on_creds_closed, o);
}

static void on_op_stopped(struct op *op)
{
	struct ops *o = op_owner(op);

	o->closing_ops--;
	close_step(o);
}

void ops_close(struct ops *o, void (*done)(void *ctx), void *ctx)
{
	o->closing = true;
	o->done = done;
	o->done_ctx = ctx;
	if (o->j != NULL) {
		journal_forget(o->j, &o->rec);
		journal_forget(o->j, &o->acked_rec);
		journal_forget(o->j, &o->ids_rec);
		for (size_t i = 0; i < NOTES_MAX; i++)
			journal_forget(o->j, &o->notes[i].rec);
	}
	for (size_t i = 0; i < o->n; i++)
		if (op_fields(o->v[i])->state != OP_ENDED) {
			o->closing_ops++;
			op_stop(o->v[i], on_op_stopped);
		}
	close_step(o);
}
