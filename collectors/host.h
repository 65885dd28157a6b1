/* host.h - the machine's own metrics: CPU, memory, paging, disks, file systems, network, load, processes; names, units and
 * attributes of OpenTelemetry's semantic conventions 1.44 (load averages, which these do not have, under otelcol's names).
 *
 * Every interval /proc is read once, file systems are asked in worker threads, and scrape_done ends the reading. What
 * cannot be read is left out, never guessed. Counters start at boot. */
#pragma once
#include <stdint.h>

#include "agent/base/telemetry.h"
#include "agent/io/world.h"

struct host;

struct host_stats {
	uint64_t scrapes;
	uint64_t unread;            /* files of /proc that could not be read or understood */
	uint64_t file_systems_hung; /* file systems that did not answer in time, once a scrape */
};

struct host *host_new(struct world *w, uint64_t interval_ms, const struct telemetry_sink *sink); /* the first reading is soon */
struct host_stats host_stats(const struct host *h);
void host_close(struct host *h, void (*done)(void *ctx), void *ctx); /* done comes later, not from inside */
