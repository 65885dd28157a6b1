/* ops_notes.c - what comes beside the commands: facts for the record, cancels, and the vendor's word that results are stored.
 *
 * Each is a record first and has its effect when that is durable. A note that is lost for want of room comes again: the head
 * repeats its cancels, and the vendor its acknowledgements. */
#include <limits.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/ops_impl.h"

#define HOUR_MS (60ull * 60 * 1000)

/* ---- notes and cancels ---- */

static void on_note(struct journal_append *a)
{
	struct note *n = container_of(a, struct note, rec);
	struct op *op = n->is_cancel ? ops_find(n->o, n->cancel_id) : NULL;

	/* The place in the ring may be used again from here on, by a note that is no cancel. */
	n->is_cancel = false;
	if (op == NULL)
		return;
	op_cancel(op);
	ops_changed(n->o);
}

/* A cancel is never left out for a record that says the same: that one may have been of another command with this id, or of a
 * life that is over. Only while its own record is under way there is no need of another. */
static bool is_being_cancelled(const struct ops *o, const uint8_t id[16])
{
	for (size_t i = 0; i < NOTES_MAX; i++)
		if (o->notes[i].rec.waiting && o->notes[i].is_cancel && memcmp(o->notes[i].cancel_id, id, UUID_LEN) == 0)
			return true;
	return false;
}

static bool is_noted(const struct ops *o, const struct digest *d)
{
	for (size_t i = 0; i < NOTES_MAX; i++)
		if (digest_eq(&o->notes[i].digest, d))
			return true;
	return false;
}

static struct note *note_write(struct ops *o, const char *type, json_t *members, const struct digest *d)
{
	struct note *n = &o->notes[o->notes_next % NOTES_MAX];

	/* All places are on their way to the disk. Nothing waits for it, and what matters comes again. */
	if (o->j == NULL || n->rec.waiting) {
		json_decref(members);
		return NULL;
	}
	o->notes_next++;
	n->digest = *d;
	journal_append(o->j, &n->rec, type, members, on_note);
	return n;
}

/* The same thing is noted once. */
static struct note *note_start(struct ops *o, const char *type, json_t *members, bool (*is_too_much)(struct ops *o))
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);
	struct digest d;

	buf_adds(&text, type);
	json_write(members, &text);
	d = digest_of(buf_str(&text), text.len);
	if (is_noted(o, &d) || (is_too_much != NULL && is_too_much(o))) {
		json_decref(members);
		return NULL;
	}
	return note_write(o, type, members, &d);
}

static void on_hour(struct timer *t)
{
	struct ops *o = container_of(t, struct ops, hour);
	unsigned all = o->hour_notes;

	o->hour_notes = 0;
	if (all <= NOTES_AN_HOUR)
		return;
	log_warn("notes.left_out", "count=%u recorded=%d of=\"the last hour\"", all - NOTES_AN_HOUR, NOTES_AN_HOUR);
	note_start(
	    o, "notes.left_out",
	    json_pack("{s:I, s:I}", "count", (json_int_t)all - NOTES_AN_HOUR, "until_ms", (json_int_t)world_wall_ms(o->cfg.w)),
	    NULL);
}

/* Whoever answers our polls can cause notes, without any key; and the more is written, the sooner the journal removes its oldest
 * segments. */
static bool is_beyond_the_hours(struct ops *o)
{
	/* The hour begins with its first note, so that a quiet agent keeps no timer. */
	if (o->hour_notes == 0)
		timer_start(o->cfg.w, &o->hour, HOUR_MS, on_hour);
	if (o->hour_notes < UINT_MAX)
		o->hour_notes++;
	return o->hour_notes > NOTES_AN_HOUR;
}

bool ops_note(struct ops *o, const char *type, json_t *members)
{
	return note_start(o, type, members, is_beyond_the_hours) != NULL;
}

void ops_cancel(struct ops *o, const uint8_t id[16])
{
	struct op *op = ops_find(o, id);
	const struct digest none = { 0 };
	struct note *n;

	if (o->accepting != NULL && memcmp(op_fields(o->accepting)->id, id, UUID_LEN) == 0)
		o->is_called_off = true; /* its cancel is asked for again when it is in the list */
	/* The head names a cancel again and again until the result has come: each after the first changes nothing. */
	if (op == NULL || op_is_cancelled(op) || op_fields(op)->is_ended || is_being_cancelled(o, id))
		return;
	n = note_write(o, "command.cancelled", json_pack("{s:s}", "op", op_fields(op)->id_text), &none);
	if (n != NULL) {
		n->is_cancel = true;
		memcpy(n->cancel_id, id, UUID_LEN);
	}
}

/* ---- acknowledgements ---- */

/* What is finished and acknowledged is the journal's alone. */
void ops_forget_acked(struct ops *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct op_fields *f = op_fields(o->v[i]);
		bool over = f->is_ended && f->epoch == o->epoch && f->seq <= o->acked_through;

		if (over)
			op_free(o->v[i]);
		else
			o->v[kept++] = o->v[i];
	}
	o->n = kept;
}

void ops_forget_ids(struct ops *o, const json_t *ids)
{
	for (size_t i = 0; i < json_array_size(ids); i++) {
		struct op *op = ops_find_text(o, json_string_value(json_array_get(ids, i)));
		size_t at = 0;

		if (op == NULL || !op_fields(op)->is_ended)
			continue;
		while (o->v[at] != op)
			at++;
		op_free(op);
		memmove(o->v + at, o->v + at + 1, (--o->n - at) * sizeof(*o->v));
	}
}

static void on_acked(struct journal_append *a)
{
	struct ops *o = container_of(a, struct ops, acked_rec);

	if (o->acking_epoch != o->epoch)
		return; /* the epoch has ended meanwhile: its results are acknowledged by id alone */
	o->acked_through = o->acking;
	ops_forget_acked(o);
	outputs_sweep(&o->outputs);
	ops_changed(o);
}

/* When the vendor's number lies beyond a command that has no result yet, only what lies before that command is acknowledged. */
static uint64_t ended_through(const struct ops *o, uint64_t through)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct op_fields *f = op_fields(o->v[i]);

		if (f->epoch == o->epoch && f->seq <= through && !f->is_ended)
			through = f->seq - 1;
	}
	return through;
}

static bool has_result_through(const struct ops *o, uint64_t through)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct op_fields *f = op_fields(o->v[i]);

		if (f->epoch == o->epoch && f->seq <= through && f->is_ended)
			return true;
	}
	return false;
}

void ops_acked(struct ops *o, uint64_t through)
{
	/* A number that was never accepted is no acknowledgement. While a record is on its way the next intent says it again. */
	if (o->j == NULL || o->acked_rec.waiting || through > o->accepted)
		return;
	through = ended_through(o, through);
	/* A record is written only where it lets a result go: the vendor repeats its number in each intent. */
	if (through <= o->acked_through || !has_result_through(o, through))
		return;
	o->acking = through;
	o->acking_epoch = o->epoch;
	journal_append(o->j, &o->acked_rec, "result.acked",
		       json_pack("{s:I, s:I}", "epoch", (json_int_t)o->epoch, "through", (json_int_t)through), on_acked);
}

static void on_ids_acked(struct journal_append *a)
{
	struct ops *o = container_of(a, struct ops, ids_rec);

	ops_forget_ids(o, o->ids);
	outputs_sweep(&o->outputs);
	json_close(&o->ids);
	ops_changed(o);
}

void ops_acked_ids(struct ops *o, const ProtobufCBinaryData *ids, size_t n)
{
	CLEANUP(json_close) json_t *known = json_array();

	if (o->j == NULL || o->ids_rec.waiting)
		return;
	for (size_t i = 0; i < n; i++) {
		struct op *op = ids[i].len == UUID_LEN ? ops_find(o, ids[i].data) : NULL;

		/* What has not ended has no result that could have been stored. */
		if (op != NULL && op_fields(op)->is_ended)
			json_array_append_new(known, json_string(op_fields(op)->id_text));
	}
	if (json_array_size(known) == 0)
		return;
	o->ids = json_incref(known);
	journal_append(o->j, &o->ids_rec, "result.acked", json_pack("{s:O}", "ops", known), on_ids_acked);
}
