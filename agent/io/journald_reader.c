/* journald_reader.c - see journald_reader.h.
 *
 * A cursor is looked for, and then asked whether it is the one: where its entry is gone the library stands on the next one,
 * which nobody has read. (What skips an entry unasked there loses one at each vacuum.)
 * Fails: with -EBADMSG where a file is damaged, which is also what journald's vacuum looks like for a moment; or with nothing, see
 * has_dropped_a_file. An entry of which a part cannot be read is told as damaged, and the next one is read. */
#include "agent/io/journald_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/io/sigbus.h"

/* systemd/sd-journal.h */
#define LOCAL_ONLY (1 << 0)
#define SYSTEM (1 << 2)
#define INVALIDATE 2

#define DATA_MAX (1u << 20) /* of one field that was compressed: more is not unpacked */
#define ENTRIES 256
#define BYTES (256u << 10)

static int fail(struct journald_req *q, int r, const char *doing)
{
	const char *where = q->dir != NULL ? q->dir : "the machine's journal";

	if (r == -EBADMSG)
		return err_set(&q->err, ERR_CORRUPT, "%s %s: a file of it is damaged", doing, where);
	return err_errno(&q->err, -r, "%s %s", doing, where);
}

/* ---- opening it ---- */

/* What journalctl does for -u: what the unit writes, what is said of its coredumps, what systemd says of it, and what others of
 * root's services do. Matches of different fields are joined by AND, up to the next disjunction; what a process cannot make up
 * itself, the uid and the pid, is among them. */
static int match(struct journald_reader *jr, const char *fixed1, const char *fixed2, const char *field, const char *unit)
{
	CLEANUP(mem_close) char *text = mem_printf("%s=%s", field, unit);
	int r = jr->lib.add_match(jr->j, text, 0);

	if (r >= 0 && fixed1 != NULL)
		r = jr->lib.add_match(jr->j, fixed1, 0);
	if (r >= 0 && fixed2 != NULL)
		r = jr->lib.add_match(jr->j, fixed2, 0);
	return r < 0 ? r : jr->lib.add_disjunction(jr->j);
}

static int match_unit(struct journald_reader *jr, const char *unit)
{
	int r = match(jr, NULL, NULL, "_SYSTEMD_UNIT", unit);

	if (r >= 0)
		r = match(jr, "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1", "_UID=0", "COREDUMP_UNIT", unit);
	if (r >= 0)
		r = match(jr, "_PID=1", NULL, "UNIT", unit);
	if (r >= 0)
		r = match(jr, "_UID=0", NULL, "OBJECT_SYSTEMD_UNIT", unit);
	return r;
}

static uint64_t bytes_of(struct journald_reader *jr)
{
	uint64_t bytes = 0;

	return jr->lib.get_usage(jr->j, &bytes) >= 0 ? bytes : 0;
}

static int look_at_files(struct journald_reader *jr, struct journald_req *q)
{
	jr->bytes = bytes_of(jr);
	if (jr->bytes == 0)
		return err_set(&q->err, ERR_NOTFOUND,
			       "no file of a journal can be read in %s: is the agent's user in the group systemd-journal?",
			       q->dir != NULL ? q->dir : "/var/log/journal and /run/log/journal");
	return 0;
}

static int open_journal(struct journald_reader *jr, struct journald_req *q)
{
	int r;

	TRY(libsystemd_open(LIBSYSTEMD, &jr->lib, &q->err));
	r = q->dir != NULL ? jr->lib.open_directory(&jr->j, q->dir, 0) : jr->lib.open(&jr->j, LOCAL_ONLY | SYSTEM);
	if (r < 0) {
		jr->j = NULL;
		return fail(q, r, "cannot open");
	}
	/* Before the first read: files that are deleted later would else be held open for ever (systemd#14695). Without it, at the
	 * limits of inotify, the reader's own clock is what finds new entries. */
	jr->fd = jr->lib.get_fd(jr->j);
	jr->lib.set_data_threshold(jr->j, DATA_MAX);
	TRY(look_at_files(jr, q));
	for (size_t i = 0; i < q->units_n; i++) {
		r = match_unit(jr, q->units[i]);
		if (r < 0)
			return fail(q, r, "cannot ask for a unit of");
	}
	return 0;
}

/* ---- where to begin ---- */

static int seek_end(struct journald_reader *jr, struct journald_req *q)
{
	int r = jr->lib.seek_tail(jr->j);

	if (r >= 0)
		r = jr->lib.previous(jr->j); /* `next` right behind seek_tail goes nowhere */
	if (r > 0)
		return jr->lib.get_cursor(jr->j, &q->newest);
	q->newest = strdup("");
	return r < 0 ? r : jr->lib.seek_head(jr->j);
}

static int seek_cursor(struct journald_reader *jr, struct journald_req *q)
{
	uint64_t newest;
	int r = jr->lib.seek_cursor(jr->j, q->cursor);

	if (r >= 0)
		r = jr->lib.next(jr->j);
	jr->stands = r > 0;
	if (r > 0)
		r = jr->lib.test_cursor(jr->j, q->cursor);
	if (r > 0) /* the one that was read last */
		jr->stands = false;
	q->is_gone = r == 0;
	if (q->is_gone && jr->lib.get_cutoff_realtime_usec(jr->j, &q->oldest_us, &newest) <= 0)
		q->oldest_us = 0;
	return r;
}

static int seek(struct journald_reader *jr, struct journald_req *q)
{
	int r = 0;

	q->is_sought = true;
	jr->stands = false;
	switch (q->place) {
	case JOURNALD_BEGIN:
		r = jr->lib.seek_head(jr->j);
		break;
	case JOURNALD_END:
		r = seek_end(jr, q);
		break;
	case JOURNALD_CURSOR:
		r = seek_cursor(jr, q);
		break;
	case JOURNALD_TIME:
		r = jr->lib.seek_realtime_usec(jr->j, q->time_us);
		break;
	}
	return r < 0 ? fail(q, r, "cannot find the place in") : 0;
}

/* ---- reading ---- */

static void read_entry(struct journald_reader *jr, struct buf *to)
{
	char *cursor = NULL;
	uint64_t time_us = 0;
	uint32_t seen = 0;
	const void *field;
	size_t len;
	int r = jr->lib.get_realtime_usec(jr->j, &time_us), r_cursor = jr->lib.get_cursor(jr->j, &cursor);

	if (r_cursor < 0 || strlen(cursor) >= JOURNALD_CURSOR_MAX)
		r = r_cursor < 0 ? r_cursor : -EBADMSG;
	journald_entry_begin(to, time_us, r < 0 ? "" : cursor);
	jr->lib.restart_data(jr->j);
	while (r >= 0 && (r = jr->lib.enumerate_available_data(jr->j, &field, &len)) > 0)
		journald_entry_add(to, &seen, field, len);
	journald_entry_end(to, r < 0);
	free(cursor);
}

static int read_slice(struct journald_reader *jr, struct journald_req *q)
{
	int r = jr->failed;

	jr->failed = 0;
	for (size_t n = 0; r >= 0; n++) {
		if (n == ENTRIES || q->entries.len >= BYTES) {
			q->is_more = true;
			return 0;
		}
		r = jr->stands ? 1 : jr->lib.next(jr->j);
		jr->stands = false;
		if (r == 0)
			return 0;
		if (r > 0)
			read_entry(jr, &q->entries);
	}
	if (q->entries.len == 0)
		return fail(q, r, "cannot read");
	jr->failed = r;
	q->is_more = true;
	return 0;
}

/* The library lets go of a file that it finds damaged, goes on with the others, and says nothing. But its files are fewer bytes
 * then, without a word of the kernel that any of them has changed. */
static bool has_dropped_a_file(struct journald_reader *jr)
{
	struct pollfd told = { .fd = jr->fd, .events = POLLIN };

	return jr->fd >= 0 && bytes_of(jr) < jr->bytes && poll(&told, 1, 0) == 0;
}

static int begin(struct journald_reader *jr, struct journald_req *q)
{
	int r;

	if (jr->j == NULL) {
		TRY(open_journal(jr, q));
		return seek(jr, q);
	}
	r = jr->lib.process(jr->j);
	if (r < 0)
		return fail(q, r, "cannot follow");
	jr->bytes = bytes_of(jr);
	/* What the library remembers of its place is not what the reader has: entries may be gone that it had not come to. */
	return r == INVALIDATE ? seek(jr, q) : 0;
}

static int slice(struct journald_reader *jr, struct journald_req *q)
{
	int rc = begin(jr, q);

	if (rc == 0)
		rc = read_slice(jr, q);
	if (rc == 0)
		q->is_damaged = has_dropped_a_file(jr);
	if (rc != 0)
		journald_reader_close(jr);
	return rc;
}

int journald_reader_slice(struct journald_reader *jr, struct journald_req *q)
{
	int rc;

	sigbus_zeros();
	rc = slice(jr, q);
	sigbus_dies();
	return rc;
}

void journald_reader_close(struct journald_reader *jr)
{
	if (jr->j != NULL)
		jr->lib.close(jr->j);
	*jr = (struct journald_reader){ .fd = -1 };
}
