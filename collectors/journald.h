/* journald.h - reads the machine's journal by unit, as it grows: without loss, also through rotation and restarts of ours.
 *
 * A source is a list of units: what they write, and what systemd and root's other services say of them (world.h). Its position is
 * the cursor of the last entry that was taken, kept by what the shipper commits (positions.h), under the names of folder and
 * service: the list of units may change. When the sink answers false the source stops reading and asks again; the journal is the
 * buffer. Where that takes longer than 30 s the journal is closed meanwhile, because files that journald deletes stay as long as
 * they are open.
 *
 * An entry is a record: MESSAGE is its body, the time is that of its source, else journald's; PRIORITY is its severity, and what
 * stands in front of a line in the source's format (framing.h) says more than either. Lines of a process that follow each other are
 * joined as those of a file are. What leaves is judged by "journald:UNIT" as a file is by its path (export.logs).
 *
 * A gap: the entry of the cursor is gone, and the oldest that is there is younger than the time up to which all was read. So
 * journald has deleted what nobody had read, or somebody has removed its files. It is told with both times, and counted; how many
 * entries it had nobody knows. That time moves on when a source is quiet, and is committed once an hour.
 * A damaged file is opened anew, at the cursor. What cannot be read for ten seconds is passed over, in steps of time that grow
 * until something can be read, or the end is reached: a gap too, counted by its own reason. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/telemetry.h"
#include "agent/io/world.h"
#include "collectors/framing.h"
#include "collectors/positions.h"

struct journald;

struct journald_source_config {
	const char *service;
	const char *dir; /* NULL: the machine's own journal */
	const char *const *units;
	size_t units_n;
	struct framing_config framing; /* its patterns were compiled before, and are right */
	int32_t utc_offset_s;
	bool starts_at_end; /* what stands there when nothing was ever read of it is passed over */
};

struct journald_stats {
	const char *service;
	const char *trouble;                  /* for a person; NULL: it can be read */
	uint64_t entries, bytes;              /* handed over; of their messages */
	uint64_t joined_entries;              /* of records but for the first one of each */
	uint64_t truncated_entries;           /* with a message over 64 KiB, cut there */
	uint64_t mended_entries;              /* with bytes of no character, or NULs, in their message */
	uint64_t no_text_entries;             /* not handed over: without a message, or a binary one */
	uint64_t repeated_entries;            /* not handed over: the journal had them twice */
	uint64_t damaged_entries;             /* not handed over: they cannot be read */
	uint64_t gaps_vacuumed, gaps_damaged; /* stretches of which nothing is known */
	uint64_t read_errors;
};

/* The configuration's texts stay; positions outlive it. */
struct journald *journald_new(struct world *w, const struct journald_source_config *sources, size_t n, struct positions *positions,
			      const struct telemetry_sink *sink);
void journald_start(struct journald *j); /* the positions are known by now */
size_t journald_sources(const struct journald *j);
struct journald_stats journald_stats(const struct journald *j, size_t source);
void journald_close(struct journald *j, void (*done)(void *ctx), void *ctx); /* done comes later, not from inside */
