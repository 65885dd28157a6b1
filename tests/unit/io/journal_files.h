/* journal_files.h - real files of a journal, as systemd-journal-remote makes them of a stream in journald's export format: what the
 * library reads here is what it reads of a machine. Where that program is missing a test is skipped, and says so; under CI that is
 * a failure. */
#pragma once
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/io/bench.h"

#define JOURNAL_REMOTE "/lib/systemd/systemd-journal-remote"
#define JOURNAL_SECOND_0 UINT64_C(1795000000)

static uint64_t journal_second; /* of the next entry */

static inline bool journal_is_missing(void)
{
	if (access(JOURNAL_REMOTE, X_OK) == 0)
		return false;
	if (getenv("CI") != NULL)
		fail_msg("%s is missing: apt-get install systemd-journal-remote", JOURNAL_REMOTE);
	print_message("1 case skipped, %s is missing: apt-get install systemd-journal-remote\n", JOURNAL_REMOTE);
	return true;
}

/* An entry a second: `fields` of it, in the export format. */
static inline void journal_say(struct buf *to, const char *fields)
{
	uint64_t n = journal_second++;

	buf_addf(to, "__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64 "\n", (JOURNAL_SECOND_0 + n) * 1000000,
		 (n + 1) * 1000000);
	buf_addf(to, "_BOOT_ID=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n%s\n\n", fields);
}

/* Adds them to the file `name` of the bench's folder, which is made if need be; the stream is emptied. */
static inline void journal_write(struct bench *b, const char *name, struct buf *stream)
{
	CLEANUP(mem_close) char *cmd = mem_printf("%s -o %s/%s - 2>/dev/null", JOURNAL_REMOTE, b->dir, name);
	FILE *f = popen(cmd, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(stream->data, 1, stream->len, f), stream->len);
	assert_int_equal(pclose(f), 0);
	buf_reset(stream);
}

/* One entry of a unit in a file. */
static inline void journal_put(struct bench *b, const char *name, const char *unit, const char *message)
{
	CLEANUP(buf_close) struct buf s = BUF_MAX(1u << 20);
	CLEANUP(mem_close) char *fields = mem_printf("_SYSTEMD_UNIT=%s\nMESSAGE=%s", unit, message);

	journal_say(&s, fields);
	journal_write(b, name, &s);
}
