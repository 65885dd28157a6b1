/* host_impl.h - what the files of the host metrics know of each other. */
#pragma once
#include "agent/io/ending.h"
#include "collectors/host.h"
#include "collectors/host_parse.h"
#include "collectors/host_series.h"

struct host_fs;

struct host {
	struct world *w;
	struct telemetry_sink sink;
	uint64_t interval_ms;
	struct timer timer;
	struct buf text; /* of one file of /proc */
	int64_t now_ms;  /* of this reading, wall time */
	struct host_series series;
	struct host_left left; /* of this reading */
	struct host_fs *fs;
	struct host_stats stats;
	bool complained;
	struct ending end;
};

/* One value; attributes come as key, value, key, value, NULL. HOST_NONE is none: nothing is told. */
void host_int(struct host *h, const char *name, const char *unit, enum telemetry_shape shape, uint64_t v, ...)
    __attribute__((sentinel));
void host_double(struct host *h, const char *name, const char *unit, enum telemetry_shape shape, double v, ...)
    __attribute__((sentinel));
uint64_t host_times(uint64_t v, uint64_t factor);        /* HOST_NONE when it is too large, or v was */
const char *host_read(struct host *h, const char *path); /* the text, until the next read; NULL: counted */
void host_unread(struct host *h, const char *path);      /* read, but not understood */

void host_read_cpu(struct host *h);     /* host_cpu.c: CPU, load, uptime, processes */
void host_read_memory(struct host *h);  /* host_memory.c: memory, paging */
void host_read_devices(struct host *h); /* host_devices.c: disks, network */

/* host_fs.c: asks each file system in turn, each at most DEADLINE; then emits what came and calls done. */
struct host_fs *host_fs_new(struct host *h);
void host_fs_read(struct host_fs *fs, void (*done)(struct host *h));
void host_fs_free(struct host_fs *fs); /* also in the middle of a reading: no done comes then */
