/* ops.c - the list of operations, from accepting to closing.
 *
 * Happy path: ops_replay for every record, ops_start, then ops_accept for each command that control has checked. Damage in
 * the journal: ops_start without a journal, and nothing is accepted or changed. Closing stops every operation where it
 * stands; the next start goes on from the journal. */
#include "agent/ops/ops_impl.h"

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

typedef Reeve__Control__V1__Command command_t;

static bool is_wanted(void *ctx, const char *id)
{
	return ops_find_text(ctx, id) != NULL;
}

static void on_outputs_rested(void *ctx)
{
	ending_step(&((struct ops *)ctx)->end);
}

struct ops *ops_new(const struct ops_config *cfg)
{
	struct ops *o = mem_new(struct ops);

	o->cfg = *cfg;
	o->outputs =
	    (struct outputs){ .w = cfg->w, .dir = cfg->outputs_dir, .ctx = o, .is_wanted = is_wanted, .rested = on_outputs_rested };
	ops_env_init(o);
	ops_patrol_init(o);
	for (size_t i = 0; i < NOTES_MAX; i++)
		o->notes[i].o = o;
	return o;
}

void ops_set_aws(struct ops *o, struct aws *aws, struct creds *instance, const char *operate_role)
{
	o->env.aws = aws;
	o->env.instance = instance;
	o->env.operate_role = operate_role;
}

/* ---- the list ---- */

struct op *ops_find(struct ops *o, const uint8_t id[16])
{
	for (size_t i = 0; i < o->n; i++)
		if (memcmp(op_fields(o->v[i])->id, id, UUID_LEN) == 0)
			return o->v[i];
	return NULL;
}

struct op *ops_find_text(struct ops *o, const char *id)
{
	uint8_t bytes[UUID_LEN];

	return id != NULL && uuid_parse(id, bytes) == 0 ? ops_find(o, bytes) : NULL;
}

const json_t *ops_refused(const struct ops *o)
{
	return o->shared.refused;
}

void ops_each(struct ops *o, ops_visit *visit, void *ctx)
{
	for (size_t i = 0; i < o->n; i++)
		visit(ctx, o->v[i]);
}

size_t ops_open_count(const struct ops *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		n += !op_fields(o->v[i])->is_ended;
	return n;
}

bool ops_is_busy(const struct ops *o)
{
	return ops_open_count(o) > 0 || o->accepting != NULL;
}

/* No journal, another one on its way to it, or too many at work: no. A full disk takes nothing new either: what room is left is for
 * what runs, so that it can end and be told. */
bool ops_takes_more(const struct ops *o)
{
	return o->j != NULL && !journal_is_tight(o->j) && o->accepting == NULL && ops_open_count(o) < OPS_OPEN_MAX;
}

bool ops_has_room_but(const struct ops *o, size_t signed_len, const json_t *but)
{
	size_t bytes = room_of_command(signed_len), n = 0;

	for (size_t i = 0; i < o->n; i++)
		if (!json_has_text(but, op_fields(o->v[i])->id_text)) {
			bytes += op_fields(o->v[i])->command_bytes;
			n++;
		}
	return bytes <= ROOM_COMMANDS && n < OPS_MAX;
}

bool ops_has_room_for(const struct ops *o, size_t signed_len)
{
	return ops_takes_more(o) && ops_has_room_but(o, signed_len, NULL);
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
	/* One that is larger than the whole room is planned when it is alone: it would wait for ever otherwise. */
	return others == 0 || others + bytes <= ROOM_PLANS;
}

static bool is_local(const struct op *op)
{
	return op_stands_on(op) != NULL;
}

static bool is_in_the_way(const struct op *other, const struct op *op)
{
	return other != op && !op_fields(other)->is_ended && !op_is_read(other) && str_eq(op_warehouse(other), op_warehouse(op));
}

/* Of those of the same warehouse that are open and do not only look, the first row that holds:
 *
 *   it only looks itself                              nobody
 *   one has started                                   that one
 *   one came before it (the list is in that order)    that one, of commands and of the agent's own only one of the same: a command
 *                                                     may wait for days, for an approval, a hold or its not_before, and one of
 *                                                     the agent's own for the rates */
const struct op *ops_ahead_of(const struct ops *o, const struct op *op)
{
	for (size_t i = 0; i < o->n && !op_is_read(op); i++)
		if (is_in_the_way(o->v[i], op) && op_is_under_way(o->v[i]))
			return o->v[i];
	for (size_t i = 0; i < o->n && o->v[i] != op && !op_is_read(op); i++)
		if (is_in_the_way(o->v[i], op) && is_local(op) == is_local(o->v[i]))
			return o->v[i];
	return NULL;
}

int64_t ops_rates_now(struct ops *o)
{
	return op_env_rates_now(&o->env);
}

const struct patrol *ops_patrol(const struct ops *o)
{
	return o->patrol;
}

struct op_shared *ops_shared(struct ops *o)
{
	return &o->shared;
}

uint64_t ops_epoch(const struct ops *o)
{
	return o->epoch;
}

uint64_t ops_accepted(const struct ops *o)
{
	return o->accepted;
}

int64_t ops_first_start_ms(const struct ops *o)
{
	return o->first_start_ms;
}

const struct known *ops_known(const struct ops *o)
{
	return &o->known;
}

bool ops_is_accepting(const struct ops *o)
{
	return o->accepting != NULL;
}

/* ---- accepting ---- */

void ops_list_add(struct ops *o, struct op *op)
{
	assert(o->n < OPS_MAX);
	o->v[o->n++] = op;
}

void ops_add(struct ops *o, struct op *op, const struct digest *body)
{
	const struct op_fields *f = op_fields(op);
	struct known_command c = { .epoch = f->epoch, .seq = f->seq };

	ops_list_add(o, op);
	memcpy(c.id, f->id, sizeof(c.id));
	memcpy(c.body, body->b, sizeof(c.body));
	known_add(&o->known, &c, world_wall_ms(o->cfg.w));
	/* Numbers begin anew in each epoch (docs/wire.md section 8): those of the old one say nothing of the new. */
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
	ops_add(o, op, &o->accepting_body);
	log_info("command.accepted", "op=%s verb=%s warehouse=%s seq=%llu", op_fields(op)->id_text, op_verb(op), op_warehouse(op),
		 (unsigned long long)op_fields(op)->seq);
	if (op_fields(op)->is_ended)
		op_log_end(op); /* refused as it came */
	op_begin(op);
	/* The cancel came while the record was on its way, when there was no operation yet that could hear it. */
	if (o->is_called_off)
		ops_cancel(o, op_fields(op)->id);
	o->is_called_off = false;
	ops_changed(o);
}

static json_t *early_result(const struct ops *o, const char *id, int state, const char *reason)
{
	const char *name = protobuf_c_enum_descriptor_get_value(&reeve__control__v1__state__descriptor, state)->name;

	return json_pack("{s:s, s:s, s:i, s:I, s:{s:s, s:o}}", "op", id, "state", name, "code", state, "ended_ms",
			 (json_int_t)world_wall_ms(o->cfg.w), "error", "class", "PRECONDITION", "message", json_text(reason));
}

static struct digest body_digest(const void *signed_bytes, size_t len)
{
	Reeve__Control__V1__Signed *s = reeve__control__v1__signed__unpack(NULL, len, signed_bytes);
	struct digest d = { 0 };

	if (s == NULL)
		return d; /* control has read it, so it is none only in tests */
	d = digest_of(s->body.data, s->body.len);
	reeve__control__v1__signed__free_unpacked(s, NULL);
	return d;
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
	json_object_set_new(m, "warehouse", json_text(cmd->target));
	json_object_set_new(m, "requested_by", json_text(cmd->requested_by));
	json_object_set_new(m, "reason", json_text(cmd->reason));
	json_object_set_new(m, "accepted_ms", json_integer(world_wall_ms(o->cfg.w)));
	/* The lowest number that it can get. Others may be written before it: then a segment is kept longer than it must be, and
	 * never removed too early. */
	json_object_set_new(m, "first_record", json_integer((json_int_t)journal_seq(o->j) + 1));
	json_set_base64(m, "signed", signed_bytes, len);
	if (refuse != 0)
		json_object_set_new(m, "result", early_result(o, id, refuse, reason));
	o->accepting = op_new(&o->env, cmd, m);
	o->accepting_body = body_digest(signed_bytes, len);
	assert(op_fields(o->accepting)->is_ended == (refuse != 0)); /* what is refused never runs, whatever was said of it */
	journal_append(o->j, &o->rec, "command.accepted", m, on_accepted);
}

/* ---- life ---- */

void ops_start(struct ops *o, struct journal *j)
{
	o->j = o->env.journal = j;
	if (o->first_start_ms == 0)
		o->first_start_ms = world_wall_ms(o->cfg.w);
	o->is_started = true;
	ops_policy_read(o);
	/* Without a journal none begins: what cannot be recorded is not done. */
	for (size_t i = 0; j != NULL && i < o->n; i++)
		op_begin(o->v[i]);
	if (j != NULL)
		patrol_start(o->patrol);
	/* A crash came between an acknowledgement, or a journal that was cut, and the sweep that belonged to it. */
	if (j != NULL)
		outputs_sweep(&o->outputs);
}

static bool is_out(struct closing *c)
{
	const struct ops *o = container_of(c, struct ops, end.closing);

	return !o->is_patrol_closed || o->stopping_ops > 0 || o->closing_creds > 0 || outputs_is_busy(&o->outputs);
}

static void ops_free(struct closing *c)
{
	struct ops *o = container_of(c, struct ops, end.closing);

	timer_stop(o->cfg.w, &o->hour);
	timer_stop(o->cfg.w, &o->look); /* what was still at work may have read a changed policy */
	for (size_t i = 0; i < o->n; i++)
		op_free(o->v[i]);
	op_free(o->accepting);
	json_decref(o->ids);
	outputs_close(&o->outputs);
	policy_close(&o->policy);
	policy_close(&o->changing);
	recent_close(&o->shared.recent);
	changed_close(&o->shared.changed);
	wanted_close(&o->shared.wanted);
	json_decref(o->healed);
	json_decref(o->left);
	json_decref(o->shared.refused);
	known_close(&o->known);
	mem_free(o);
}

static const struct closing_how ops_how = { is_out, ops_free };

static void on_creds_closed(void *ctx)
{
	struct ops *o = ctx;

	o->closing_creds--;
	ending_step(&o->end);
}

void ops_creds_close(struct ops *o, struct creds *c)
{
	o->closing_creds++;
	creds_close(c, on_creds_closed, o);
}

static void on_patrol_closed(void *ctx)
{
	struct ops *o = ctx;

	o->is_patrol_closed = true;
	o->patrol = NULL; /* who asks for the status until the list goes finds none */
	ending_step(&o->end);
}

static void on_op_stopped(void *ctx)
{
	struct ops *o = ctx;

	o->stopping_ops--;
	ending_step(&o->end);
}

/* They stay in the list: the journal may ask for a checkpoint until the list is freed. */
static void stop_ops(struct ops *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!op_fields(o->v[i])->is_ended) {
			o->stopping_ops++;
			op_stop(o->v[i], on_op_stopped, o);
		}
}

void ops_close(struct ops *o, void (*done)(void *ctx), void *ctx)
{
	timer_stop(o->cfg.w, &o->hour);
	timer_stop(o->cfg.w, &o->look);
	if (o->j != NULL) {
		journal_forget(o->j, &o->rec);
		journal_forget(o->j, &o->acked_rec);
		journal_forget(o->j, &o->ids_rec);
		for (size_t i = 0; i < NOTES_MAX; i++)
			journal_forget(o->j, &o->notes[i].rec);
	}
	/* They are stopped and not ended: each goes on at the next start from where the journal left it. */
	stop_ops(o);
	patrol_close(o->patrol, on_patrol_closed, o);
	outputs_stop(&o->outputs);
	ending_begin(&o->end, o->cfg.w, &ops_how, done, ctx);
}
