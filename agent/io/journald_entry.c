/* journald_entry.c - see journald_entry.h. Of an entry: its time, its cursor, then of each field the number, the whole length and
 * the value; each text with a NUL behind it, because attributes want that. */
#include "agent/io/journald_entry.h"

#include <string.h>

#include "agent/base/mem.h"

#define SHORT 1024

static const struct {
	const char *name;
	size_t max;
} fields[JOURNALD_FIELDS] = {
	[JOURNALD_MESSAGE] = { "MESSAGE", JOURNALD_MESSAGE_MAX + 4 }, /* so that a character at the limit is seen whole */
	[JOURNALD_PRIORITY] = { "PRIORITY", 8 },
	[JOURNALD_SOURCE_TIME] = { "_SOURCE_REALTIME_TIMESTAMP", 24 },
	[JOURNALD_UNIT] = { "_SYSTEMD_UNIT", SHORT },
	[JOURNALD_ABOUT_UNIT] = { "UNIT", SHORT },
	[JOURNALD_OBJECT_UNIT] = { "OBJECT_SYSTEMD_UNIT", SHORT },
	[JOURNALD_COREDUMP_UNIT] = { "COREDUMP_UNIT", SHORT },
	[JOURNALD_PID] = { "_PID", 24 },
	[JOURNALD_IDENTIFIER] = { "SYSLOG_IDENTIFIER", SHORT },
	[JOURNALD_FACILITY] = { "SYSLOG_FACILITY", 24 },
	[JOURNALD_COMM] = { "_COMM", SHORT },
	[JOURNALD_EXE] = { "_EXE", SHORT },
	[JOURNALD_MESSAGE_ID] = { "MESSAGE_ID", 64 },
	[JOURNALD_CODE_FILE] = { "CODE_FILE", SHORT },
	[JOURNALD_CODE_LINE] = { "CODE_LINE", 24 },
	[JOURNALD_CODE_FUNC] = { "CODE_FUNC", SHORT },
};

/* Numbers lie where the texts before them end: none is aligned. */
static void put(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof(v));
}

static uint64_t get(const struct buf *b, size_t *at)
{
	uint64_t v;

	memcpy(&v, b->data + *at, sizeof(v));
	*at += sizeof(v);
	return v;
}

void journald_entry_begin(struct buf *b, uint64_t time_us, const char *cursor)
{
	put(b, time_us);
	buf_add(b, cursor, strlen(cursor) + 1);
}

static size_t field_of(const char *name, size_t len)
{
	size_t i = 0;

	while (i < JOURNALD_FIELDS && (strlen(fields[i].name) != len || memcmp(fields[i].name, name, len) != 0))
		i++;
	return i;
}

void journald_entry_add(struct buf *b, uint32_t *seen, const void *field, size_t len)
{
	const char *value = memchr(field, '=', len < 64 ? len : 64);
	size_t i = value != NULL ? field_of(field, (size_t)(value - (const char *)field)) : JOURNALD_FIELDS, whole;

	if (i == JOURNALD_FIELDS || (*seen & 1u << i) != 0)
		return;
	*seen |= 1u << i;
	whole = len - (size_t)(++value - (const char *)field);
	put(b, i);
	put(b, whole);
	buf_add(b, value, whole < fields[i].max ? whole : fields[i].max);
	buf_addc(b, '\0');
}

void journald_entry_end(struct buf *b, bool is_damaged)
{
	put(b, JOURNALD_FIELDS + (uint64_t)is_damaged);
}

bool journald_entry_next(const struct buf *b, size_t *at, struct journald_entry *ret)
{
	uint64_t i;

	if (*at >= b->len)
		return false;
	*ret = (struct journald_entry){ .time_us = get(b, at), .cursor = b->data + *at };
	*at += strlen(ret->cursor) + 1;
	while ((i = get(b, at)) < JOURNALD_FIELDS) {
		struct journald_value v = { .whole = get(b, at) };

		v.text = b->data + *at;
		v.len = v.whole < fields[i].max ? v.whole : fields[i].max;
		*at += v.len + 1;
		ret->v[i] = v;
	}
	ret->is_damaged = i > JOURNALD_FIELDS;
	return true;
}
