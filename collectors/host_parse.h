/* host_parse.h - the texts of /proc as numbers. Pure: text in, struct out; -ERR_INVALID when nothing of it is there. A text that
 * is cut, too long or nonsense gives fewer rows or an error, never a wrong number that looks right.
 *
 * A number that is missing, negative or too large for an int64 costs itself alone: it is HOST_NONE. A row of a table that
 * is not understood is left out and counted, and so is what has no room; what matters comes first, so that a thousand
 * interfaces of containers do not push out the one of the machine. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_NAME_MAX_LEN 64
#define HOST_ROWS_MAX 256
#define HOST_NONE UINT64_MAX

/* Rows and numbers left out of one reading; added to. */
struct host_left {
	uint64_t odd;  /* not understood */
	uint64_t over; /* no room */
};

enum host_cpu_mode { CPU_USER, CPU_NICE, CPU_SYSTEM, CPU_IDLE, CPU_IOWAIT, CPU_INTERRUPT, CPU_STEAL, CPU_MODES };

struct host_cpu { /* /proc/stat */
	uint64_t ticks[CPU_MODES];
	unsigned logical;         /* 0: not known */
	uint64_t boot_s, created; /* boot_s moves when the clock is set */
};
int host_parse_stat(const char *text, struct host_cpu *ret, struct host_left *left);

struct host_memory { /* /proc/meminfo, bytes */
	uint64_t total, free, available, buffers, cached, reclaimable, unreclaimable, shared;
};
int host_parse_meminfo(const char *text, struct host_memory *ret, struct host_left *left);

struct host_paging { /* /proc/vmstat */
	uint64_t faults, major_faults, swapped_in, swapped_out;
};
int host_parse_vmstat(const char *text, struct host_paging *ret, struct host_left *left);

struct host_swap { /* a row of /proc/swaps, bytes */
	char device[HOST_NAME_MAX_LEN];
	uint64_t size, used;
};
size_t host_parse_swaps(const char *text, struct host_swap *rows, size_t most, struct host_left *left);

struct host_disk { /* a row of /proc/diskstats */
	char device[HOST_NAME_MAX_LEN];
	uint64_t reads, reads_merged, read_sectors, read_ms, writes, writes_merged, write_sectors, write_ms, io_ms;
};
size_t host_parse_diskstats(const char *text, struct host_disk *rows, size_t most,
			    struct host_left *left); /* loop and ram devices left out */

struct host_net { /* a row of /proc/net/dev; [0] received, [1] sent */
	char name[HOST_NAME_MAX_LEN];
	uint64_t bytes[2], packets[2], errors[2], dropped[2];
};
size_t host_parse_net(const char *text, struct host_net *rows, size_t most, struct host_left *left);

int host_parse_number(const char *text, uint64_t *ret); /* a file of /sys that holds one number and its LF */
int host_parse_load(const char *text, double ret[3]);   /* /proc/loadavg */
int host_parse_uptime(const char *text, double *ret_s); /* /proc/uptime */

struct host_mount { /* a row of /proc/self/mountinfo */
	char device[256], point[1024], type[HOST_NAME_MAX_LEN];
	char id[24]; /* major:minor */
	bool read_only;
};
/* File systems that hold files, each once, under the first mount point where it can be reached: not what is mounted over, nor what
 * lies below that. To ask one of autofs would mount it, so it is none of them. host_mount.c */
size_t host_parse_mounts(const char *text, struct host_mount *rows, size_t most, struct host_left *left);

/* ---- between the files of the parser ---- */
const char *host_next_line(const char *at);
bool host_word(const char **at, char *to, size_t size); /* the next word; false when there is none or it does not fit */
