/* journal_segment.c - a new segment begins with a checkpoint; old ones go.
 *
 * Happy path: what is open is asked for once, and written as checkpoint lines, a part of the records in each, one write
 * after the other; with the last part the new segment takes over. Then sealed segments beyond the maximum are recorded and
 * removed. Failure: the same part again, at the same place. A close or a crash between two parts leaves a torn checkpoint,
 * which recovery passes by: therefore nothing older than the newest whole one is ever removed. */
#include "agent/io/journal_impl.h"

#include <assert.h>

#include "agent/base/enc.h"

/* ---- the checkpoint, part by part ---- */

/* A sixteenth of a segment, so that a part is a small write and a tick stays short; one record at least. */
static json_t *take_records(struct journal *j)
{
	struct checkpoint *c = &j->checkpoint;
	size_t bytes = 0, most = j->cfg.segment_bytes / 16 < PART_MAX ? j->cfg.segment_bytes / 16 : PART_MAX;
	json_t *some = json_array();

	while (c->at < json_array_size(c->records) && (bytes == 0 || bytes < most)) {
		json_t *record = json_array_get(c->records, c->at++);

		bytes += json_size(record);
		json_array_append(some, record);
	}
	return some;
}

/* `part` and `more` stand in it only if there is more than one. */
static void part_build(struct journal *j)
{
	struct checkpoint *c = &j->checkpoint;
	CLEANUP(json_close) json_t *m = json_object();
	json_t *some = take_records(j);
	bool more = c->at < json_array_size(c->records);
	int rc;

	c->part++;
	if (more || c->part > 1)
		json_object_set_new(m, "part", json_integer(c->part));
	if (more)
		json_object_set_new(m, "more", json_true());
	if (c->part == 1) {
		json_object_set_new(m, "schema", json_integer(JOURNAL_SCHEMA));
		json_object_update(m, c->members);
	}
	if (c->records != NULL)
		json_object_set(m, "records", some);
	json_decref(some);
	buf_reset(&j->lines);
	rc = journal_add_line(j, "checkpoint", m);
	assert(rc == 0); /* what was a record once fits into a line of its own */
}

static void checkpoint_close(struct checkpoint *c)
{
	json_close(&c->members);
	json_close(&c->records);
}

/* The segment before is sealed, unless it was cut down to nothing and the new one has its name. */
static void seal(struct journal *j)
{
	struct journal_segment *seg;

	if (j->first == j->checkpoint.first)
		return;
	j->sealed.v = mem_grow(j->sealed.v, j->sealed.n + 1, sizeof(*j->sealed.v));
	seg = &j->sealed.v[j->sealed.n++];
	*seg = (struct journal_segment){ .first = j->first, .size = j->size };
	snprintf(seg->name, sizeof(seg->name), "%016llu.jsonl", (unsigned long long)j->first);
}

static void whole(struct journal *j)
{
	seal(j);
	/* From here on recovery begins with this segment, so older ones may be pruned. */
	j->first = j->anchor = j->checkpoint.first;
	memcpy(j->path, j->new_path, sizeof(j->path));
	/* A segment is full by what comes behind its checkpoint, however large that is. */
	j->size = j->base = j->checkpoint.size;
	j->checkpoint_due = false;
	checkpoint_close(&j->checkpoint);
	journal_landed(j);
	journal_turn(j);
}

static void on_part(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	if (rc != 0) {
		journal_failed(j, rc);
		return;
	}
	j->checkpoint.size += j->lines.len;
	if (j->checkpoint.at >= json_array_size(j->checkpoint.records)) {
		whole(j);
		return;
	}
	/* The part is a durable line, though the checkpoint counts only with its last one. */
	j->durable = j->written;
	if (ending_is_on(&j->end)) {
		ending_step(&j->end);
		return;
	}
	part_build(j);
	journal_segment_write(j);
}

/* The first line of a segment comes whole or not at all, like the first of the journal: behind a good line a torn one is a torn
 * tail, at the head of a file it is damage. */
void journal_segment_write(struct journal *j)
{
	if (j->checkpoint.size == 0)
		disk_replace(j->w, &j->disk, j->new_path, j->lines.data, j->lines.len, 0600, on_part);
	else
		disk_append(j->w, &j->disk, j->new_path, j->checkpoint.size, j->lines.data, j->lines.len, on_part);
}

void journal_segment_start(struct journal *j)
{
	struct checkpoint *c = &j->checkpoint;

	/* The journal is idle, so what is open in memory is what its durable lines say. */
	*c = (struct checkpoint){ .members = j->cfg.checkpoint(j->cfg.ctx), .first = j->written.next_seq };
	c->records = json_incref(json_object_get(c->members, "records"));
	json_object_del(c->members, "records");
	journal_path(j, c->first, j->new_path);
	part_build(j);
	sm_move(&j->sm, JOURNAL_SEGMENT);
	journal_segment_write(j);
}

void journal_segment_drop(struct journal *j)
{
	checkpoint_close(&j->checkpoint);
}

/* ---- pruning: recorded first, removed then; one that could not be removed is still the oldest ---- */

static void on_pruned(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	/* Only now is it out of the list: a file that stays is the oldest segment still. */
	if (rc == 0) {
		memmove(j->sealed.v, j->sealed.v + 1, --j->sealed.n * sizeof(*j->sealed.v));
	} else {
		j->prune_refused = j->first;
		log_warn("journal.prune.failed", "path=%s err=%s next=\"it stays, and is tried again with the next segment\"",
			 j->prune_path, err_text(&r->err));
	}
	sm_move(&j->sm, JOURNAL_IDLE);
	journal_turn(j);
}

void journal_prune(struct journal *j)
{
	/* A crash between the record and this leaves the file: the next start finds the segment again, and records and removes
	 * it. */
	j->prune_due = false;
	sm_move(&j->sm, JOURNAL_PRUNE);
	disk_unlink(j->w, &j->disk, j->prune_path, on_pruned);
}

static void on_prune_recorded(struct journal_append *a)
{
	(void)a; /* the turn that follows sees the state and removes the file */
}

static uint64_t total_size(const struct journal *j)
{
	uint64_t total = j->size;

	for (size_t i = 0; i < j->sealed.n; i++)
		total += j->sealed.v[i].size;
	return total;
}

static uint64_t second_first(const struct journal *j)
{
	return j->sealed.n > 1 ? j->sealed.v[1].first : j->first;
}

bool journal_may_prune(const struct journal *j)
{
	/* The oldest record that stays must not lie behind the newest whole checkpoint, nor behind the first record of an open
	 * operation. Where a prune could not be recorded or done, the next one waits for a new segment: a disk that refuses is
	 * not asked in a circle. */
	return j->sealed.n > 0 && total_size(j) > j->cfg.max_bytes && j->prune_refused != j->first &&
	       second_first(j) <= j->anchor && second_first(j) <= j->cfg.oldest_open(j->cfg.ctx);
}

/* The last hash of a segment is the `prev` that the next one begins with: one short read, however long the segment is. */
static int last_hash(struct journal *j, char hex[DIGEST_HEX_LEN], struct err *e)
{
	static const char start[] = "{\"prev\":\"";
	char path[512], line[sizeof(start) - 1 + DIGEST_HEX_LEN];
	struct disk_file *f;
	struct digest d;
	ssize_t got;

	journal_path(j, second_first(j), path);
	TRY(j->w->file_open(j->w, path, &f, e));
	got = j->w->file_read(j->w, f, 0, line, sizeof(line), e);
	j->w->file_close(j->w, f);
	if (got < 0)
		return (int)got;
	if ((size_t)got < sizeof(line) || memcmp(line, start, sizeof(start) - 1) != 0 || line[sizeof(line) - 1] != '"')
		return err_set(e, ERR_CORRUPT, "%s does not begin with prev", path);
	line[sizeof(line) - 1] = '\0';
	memcpy(hex, line + sizeof(start) - 1, DIGEST_HEX_LEN);
	return enc_unhex(hex, d.b, sizeof(d.b)) == 0 ? 0 : err_set(e, ERR_CORRUPT, "%s begins with a prev that is no hash", path);
}

void journal_prune_record(struct journal *j)
{
	struct journal_segment *seg = &j->sealed.v[0];
	char hex[DIGEST_HEX_LEN];
	struct err e = { 0 };
	json_t *m;

	if (last_hash(j, hex, &e) != 0) {
		log_error("journal.prune.unread", "segment=%s err=%s next=\"kept until the next segment\"", seg->name,
			  err_text(&e));
		j->prune_refused = j->first;
		return;
	}
	m = json_pack("{s:s, s:I, s:s}", "segment", seg->name, "last_seq", (json_int_t)second_first(j) - 1, "last_sha256", hex);
	snprintf(j->prune_path, sizeof(j->prune_path), "%s/%s", j->cfg.dir, seg->name);
	j->prune_due = true; /* the segment stays in the list until its file is gone: a hole would be damage */
	journal_append(j, &j->prune_record, "journal.pruned", m, on_prune_recorded);
}
