/* ops_journal.c - the list and its records: applied when they are read back, and written again into a checkpoint. */
#include "agent/base/json.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/ops_impl.h"

typedef Reeve__Control__V1__Command command_t;

static struct recent_now now_of(const struct ops *o)
{
	return (struct recent_now){ world_now_ms(o->cfg.w), world_wall_ms(o->cfg.w) };
}

static int replay_accepted(struct ops *o, const json_t *record, struct err *e)
{
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(JSON_MAX_BYTES);
	Reeve__Control__V1__Signed *outer;
	struct digest body;
	command_t *cmd;

	TRY(json_get_base64(record, "signed", &bytes, e));
	outer = reeve__control__v1__signed__unpack(NULL, bytes.len, (uint8_t *)bytes.data);
	if (outer == NULL)
		return err_set(e, ERR_CORRUPT, "a command in the journal cannot be decoded");
	body = digest_of(outer->body.data, outer->body.len);
	cmd = reeve__control__v1__command__unpack(NULL, outer->body.len, outer->body.data);
	reeve__control__v1__signed__free_unpacked(outer, NULL);
	/* The signatures are not verified again: the journal is chained, and what is in it was believed when it was written. */
	if (cmd == NULL || cmd->command_id.len != UUID_LEN) {
		if (cmd != NULL)
			reeve__control__v1__command__free_unpacked(cmd, NULL);
		return err_set(e, ERR_CORRUPT, "a command in the journal cannot be decoded");
	}
	if (o->n == OPS_MAX) {
		reeve__control__v1__command__free_unpacked(cmd, NULL);
		return err_set(e, ERR_CORRUPT, "more than %d commands are open or unacknowledged", OPS_MAX);
	}
	ops_add(o, op_new(&o->env, cmd, (json_t *)record), &body);
	return 0;
}

static int replay(struct ops *o, const char *type, const json_t *record, int64_t time_ms, struct err *e);

static void checkpoint_begin(struct ops *o, const json_t *record)
{
	/* A checkpoint stands for all records before it, so what they have left behind goes. */
	while (o->n > 0)
		op_free(o->v[--o->n]);
	recent_close(&o->shared.recent);
	o->shared.proved.n = 0;
	o->shared.spent.n = 0;
	o->shared.gone.n = 0;
	changed_close(&o->shared.changed);
	wanted_close(&o->shared.wanted);
	o->shared.fates.n = 0;
	known_close(&o->known);
	o->first_start_ms = json_int_or(record, "first_start_ms", o->first_start_ms);
	o->epoch = (uint64_t)json_int_or(record, "epoch", 0);
	o->accepted = (uint64_t)json_int_or(record, "accepted", 0);
	o->acked_through = (uint64_t)json_int_or(record, "acked_through", 0);
}

/* One line of a checkpoint; the journal hands over all of its lines, or none. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the JSON, and that is limited */
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

/* This record comes last in a checkpoint, so it replaces what the records before it have counted. A record of an earlier version
 * says nothing of clusters, or of volumes. */
static void replay_spent(struct ops *o, const json_t *record)
{
	const json_t *ended = json_object_get(record, "ended"), *changed = json_object_get(record, "changed");

	spent_replay(&o->shared.spent, record);
	if (ended != NULL)
		gone_replay(&o->shared.gone, ended);
	if (changed != NULL)
		changed_replay(&o->shared.changed, changed);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the JSON, and that is limited */
static int replay(struct ops *o, const char *type, const json_t *record, int64_t time_ms, struct err *e)
{
	struct op *op;

	if (str_eq(type, "command.accepted"))
		return replay_accepted(o, record, e);
	if (str_eq(type, "local.accepted"))
		return ops_replay_local(o, record, e);
	if (str_eq(type, "checkpoint"))
		return replay_checkpoint(o, record, e);
	if (str_eq(type, "result.acked")) {
		ops_forget_ids(o, json_object_get(record, "ops"));
		/* A number of an epoch that is over says nothing of this one; its results are let go by their ids. */
		if ((uint64_t)json_int_or(record, "epoch", 0) == o->epoch)
			o->acked_through = (uint64_t)json_int_or(record, "through", 0);
		ops_forget_acked(o);
		return 0;
	}
	if (str_eq(type, "recent")) {
		recent_replay(&o->shared.recent, now_of(o), record);
		return 0;
	}
	if (str_eq(type, "userdata.proved")) {
		proved_add(&o->shared.proved, json_object_get(record, "sha256"));
		return 0;
	}
	if (str_eq(type, "rates.spent")) {
		replay_spent(o, record);
		return 0;
	}
	if (str_eq(type, "wanted")) {
		wanted_replay(&o->shared.wanted, record);
		return 0;
	}
	if (str_eq(type, "fates")) {
		fates_replay(&o->shared.fates, json_object_get(record, "list"));
		return 0;
	}
	if (str_eq(type, "warehouse.nodes")) {
		wanted_replay_nodes(&o->shared.wanted, record);
		return 0;
	}
	if (str_eq(type, "known")) {
		known_replay(&o->known, record);
		return 0;
	}
	op = ops_find_text(o, json_str_or(record, "op", NULL));
	/* Else its command has ended and is acknowledged, or the type is one that this version does not know. */
	if (op != NULL)
		op_replay(op, type, record, time_ms);
	return 0;
}

int ops_replay(struct ops *o, const struct journal_entry *entry, struct err *e)
{
	int64_t time_ms = 0;
	int rc;

	err_ignore(stamp_parse_iso(entry->time, &time_ms, NULL), "a time that cannot be read counts as long ago");
	/* The journal begins with this record. If it is a checkpoint, that knows better: it carries the time on. */
	if (o->first_start_ms == 0)
		o->first_start_ms = time_ms;
	rc = replay(o, entry->type, entry->obj, time_ms, e);
	return rc == 0 ? 0 : err_wrap(e, rc, "%s line %u", entry->segment, entry->line_number);
}

json_t *ops_checkpoint(struct ops *o)
{
	json_t *m = json_object(), *records = json_array(), *spent = spent_record(&o->shared.spent);

	known_records(&o->known, records);
	for (size_t i = 0; i < o->n; i++)
		op_records(o->v[i], records);
	recent_records(&o->shared.recent, now_of(o), records);
	if (o->shared.proved.n > 0)
		json_array_append_new(records,
				      json_pack("[s, {s:o}, i]", "userdata.proved", "sha256", proved_list(&o->shared.proved), 0));
	/* Behind the results above, which have laid down specs of their own when they were read: it replaces them all. */
	wanted_records(&o->shared.wanted, records);
	json_array_append_new(records, json_pack("[s, {s:o}, i]", "fates", "list", fates_list(&o->shared.fates), 0));
	/* This record comes last of all: replaying the intents and outcomes above has counted some of it, and this replaces what
	 * they have counted. */
	json_object_set_new(spent, "ended", gone_list(&o->shared.gone));
	json_object_set_new(spent, "changed", changed_list(&o->shared.changed));
	json_array_append_new(records, json_pack("[s, o, i]", "rates.spent", spent, 0));
	json_object_set_new(m, "epoch", json_integer((json_int_t)o->epoch));
	json_object_set_new(m, "accepted", json_integer((json_int_t)o->accepted));
	json_object_set_new(m, "acked_through", json_integer((json_int_t)o->acked_through));
	json_object_set_new(m, "first_start_ms", json_integer(o->first_start_ms));
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
