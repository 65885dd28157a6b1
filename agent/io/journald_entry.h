/* journald_entry.h - entries of the machine's journal, one behind the other in a buf: what is read of each, as journald keeps it.
 *
 *     journald_entry_begin(b, time_us, cursor)         then a field each
 *     journald_entry_add(b, &seen, "PRIORITY=6", 10)   one that nobody wants is left out, and so is a second one of a name
 *     journald_entry_end(b, is_damaged)
 *
 *     for (at = 0; journald_entry_next(b, &at, &en);)
 *
 * Pure. A long value is cut at the limit of its field, and it is kept how many bytes it had. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

#define JOURNALD_CURSOR_MAX 256
#define JOURNALD_MESSAGE_MAX (64u << 10)
#define JOURNALD_ENTRY_MAX (96u << 10) /* one, as it stands in the buf */

enum journald_field {
	JOURNALD_MESSAGE,
	JOURNALD_PRIORITY,
	JOURNALD_SOURCE_TIME,
	/* whose it is */
	JOURNALD_UNIT,
	JOURNALD_ABOUT_UNIT,  /* said by systemd itself */
	JOURNALD_OBJECT_UNIT, /* said by another of root's services */
	JOURNALD_COREDUMP_UNIT,
	/* what goes along with it */
	JOURNALD_PID,
	JOURNALD_IDENTIFIER,
	JOURNALD_FACILITY,
	JOURNALD_COMM,
	JOURNALD_EXE,
	JOURNALD_MESSAGE_ID,
	JOURNALD_CODE_FILE,
	JOURNALD_CODE_LINE,
	JOURNALD_CODE_FUNC,
	JOURNALD_FIELDS
};

/* text NULL: the entry has no such field; else a NUL follows. */
struct journald_value {
	const char *text;
	size_t len, whole; /* bytes; whole: before it was cut */
};

struct journald_entry {
	uint64_t time_us;   /* __REALTIME_TIMESTAMP */
	const char *cursor; /* "": it could not be read */
	bool is_damaged;    /* not all of it could be read */
	struct journald_value v[JOURNALD_FIELDS];
};

void journald_entry_begin(struct buf *b, uint64_t time_us, const char *cursor);
void journald_entry_add(struct buf *b, uint32_t *seen, const void *field, size_t len); /* "NAME=value"; seen: 0 at first */
void journald_entry_end(struct buf *b, bool is_damaged);
/* Lent from the buf; false: that was the last. */
bool journald_entry_next(const struct buf *b, size_t *at, struct journald_entry *ret);
