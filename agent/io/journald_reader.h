/* journald_reader.h - one open journal, read in slices through libsystemd.h. It may wait for the disk: for a thread
 * (world_uv_journald.c), one at a time, and not always the same. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/io/journald_entry.h"
#include "agent/io/libsystemd.h"
#include "agent/io/world.h"

struct journald_reader {
	struct libsystemd lib;
	struct sd_journal *j; /* NULL: closed */
	int fd;               /* tells when it changes; negative: nothing does */
	uint64_t bytes;       /* of all its files, when it was last looked at what has changed */
	bool stands;          /* on an entry that was not read */
	int failed;           /* what the read after a slice said: it is told with the next one */
};

/* Opens it where it is closed, and looks what has changed where it is open; then as struct journald_req says, whose question and
 * answer are used, and nothing else. `newest` is a text of its own. Behind an error it is closed. */
int journald_reader_slice(struct journald_reader *jr, struct journald_req *q);
void journald_reader_close(struct journald_reader *jr);
