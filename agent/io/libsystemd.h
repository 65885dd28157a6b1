/* libsystemd.h - the machine's own library for journald's files, opened at run time: there is no archive of it to link, and only
 * the machine's own reads the format that its journald writes. Of systemd 246 or newer; the names are those of sd-journal(3),
 * without their sd_journal_. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"

struct sd_journal;

struct libsystemd {
	int (*open)(struct sd_journal **ret, int flags);
	int (*open_directory)(struct sd_journal **ret, const char *path, int flags);
	void (*close)(struct sd_journal *j);
	int (*set_data_threshold)(struct sd_journal *j, size_t bytes);
	int (*get_usage)(struct sd_journal *j, uint64_t *ret_bytes);
	int (*get_fd)(struct sd_journal *j);
	int (*process)(struct sd_journal *j);
	int (*add_match)(struct sd_journal *j, const void *data, size_t len);
	int (*add_disjunction)(struct sd_journal *j);
	int (*seek_head)(struct sd_journal *j);
	int (*seek_tail)(struct sd_journal *j);
	int (*seek_cursor)(struct sd_journal *j, const char *cursor);
	int (*seek_realtime_usec)(struct sd_journal *j, uint64_t us);
	int (*next)(struct sd_journal *j);
	int (*previous)(struct sd_journal *j);
	int (*test_cursor)(struct sd_journal *j, const char *cursor);
	int (*get_cursor)(struct sd_journal *j, char **ret); /* the caller frees it */
	int (*get_realtime_usec)(struct sd_journal *j, uint64_t *ret_us);
	int (*get_cutoff_realtime_usec)(struct sd_journal *j, uint64_t *ret_from_us, uint64_t *ret_to_us);
	void (*restart_data)(struct sd_journal *j);
	int (*enumerate_available_data)(struct sd_journal *j, const void **ret, size_t *ret_len); /* lent until the next one */
};

#define LIBSYSTEMD "libsystemd.so.0"

/* -ERR_NOTFOUND: it is not there, or lacks a function; the sentence says which. It stays open until the process ends. */
int libsystemd_open(const char *file, struct libsystemd *ret, struct err *e);
