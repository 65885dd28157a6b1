/* host_parse.h - the texts of /proc as numbers. Pure: text in, struct out; -ERR_INVALID for what is not there. A text that
 * is cut, too long or nonsense gives fewer rows or an error, never a wrong number that looks right. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_NAME_MAX_LEN 64
#define HOST_ROWS_MAX 256

enum host_cpu_mode { CPU_USER, CPU_NICE, CPU_SYSTEM, CPU_IDLE, CPU_IOWAIT, CPU_INTERRUPT, CPU_STEAL, CPU_MODES };

struct host_cpu { /* /proc/stat */
	uint64_t ticks[CPU_MODES];
	unsigned logical;
	uint64_t boot_s, created;
};
int host_parse_stat(const char *text, struct host_cpu *ret);

struct host_memory { /* /proc/meminfo, bytes */
	uint64_t total, free, available, buffers, cached, reclaimable, unreclaimable, shared;
};
int host_parse_meminfo(const char *text, struct host_memory *ret);

struct host_paging { /* /proc/vmstat */
	uint64_t faults, major_faults, swapped_in, swapped_out;
};
int host_parse_vmstat(const char *text, struct host_paging *ret);

struct host_swap { /* a row of /proc/swaps, bytes */
	char device[HOST_NAME_MAX_LEN];
	uint64_t size, used;
};
size_t host_parse_swaps(const char *text, struct host_swap *rows, size_t most);

struct host_disk { /* a row of /proc/diskstats */
	char device[HOST_NAME_MAX_LEN];
	uint64_t reads, reads_merged, read_sectors, read_ms, writes, writes_merged, write_sectors, write_ms, io_ms;
};
size_t host_parse_diskstats(const char *text, struct host_disk *rows, size_t most); /* loop and ram devices left out */

struct host_net { /* a row of /proc/net/dev; [0] received, [1] sent */
	char name[HOST_NAME_MAX_LEN];
	uint64_t bytes[2], packets[2], errors[2], dropped[2];
};
size_t host_parse_net(const char *text, struct host_net *rows, size_t most);

int host_parse_load(const char *text, double ret[3]);   /* /proc/loadavg */
int host_parse_uptime(const char *text, double *ret_s); /* /proc/uptime */

struct host_mount { /* a row of /proc/self/mountinfo */
	char device[256], point[1024], type[HOST_NAME_MAX_LEN];
	char id[24]; /* major:minor */
	bool read_only;
};
/* Real file systems alone, each once, under its first mount point. */
size_t host_parse_mounts(const char *text, struct host_mount *rows, size_t most);
