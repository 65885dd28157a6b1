/* host.h - the machine's own metrics: CPU, memory, paging, disks, file systems, network, load, processes; names, units and
 * attributes of OpenTelemetry's semantic conventions 1.44 (load averages, which these do not have, under otelcol's names).
 *
 * Every interval /proc is read once, file systems are asked in worker threads, and scrape_done ends the reading. What
 * cannot be read is left out, never guessed: one odd row or number costs itself alone, and is counted.
 *
 * Counters start at boot, as the first reading knows it: the kernel moves that when the clock is set, and the start of a series
 * must not move with it. One that goes back a little (iowait, steal) is held until it is passed; one that falls below half
 * of what it was has begun anew, and so does its start. See host_series.h. */
#pragma once
#include <stdint.h>

#include "agent/base/telemetry.h"
#include "agent/io/world.h"

struct host;

struct host_stats {
	uint64_t scrapes;
	uint64_t unread;              /* files of /proc that could not be read or understood */
	uint64_t file_systems_hung;   /* file systems that did not answer in time, once a scrape */
	uint64_t file_systems_failed; /* those that answered with an error, once a scrape */
	uint64_t counters_held;       /* values that went back, once a scrape */
	uint64_t counters_anew;       /* counters that began anew */
	uint64_t rows_odd, rows_over; /* of the last reading: rows and numbers not understood; those beyond what we tell */
};

struct host *host_new(struct world *w, uint64_t interval_ms, const struct telemetry_sink *sink); /* the first reading is soon */
struct host_stats host_stats(const struct host *h);
void host_close(struct host *h, void (*done)(void *ctx), void *ctx); /* done comes later, not from inside */
