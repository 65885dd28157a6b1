/* host_devices.c - whole disks and network interfaces. A name of /proc/diskstats that /sys/block does not have is a
 * partition. */
#include "collectors/host_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define SECTOR 512
#define DIRECTION "disk.io.direction"

/* ---- disks ----------------------------------------------------------------------------------------------------------- */

static void sys_path(char *to, size_t size, const char *device, const char *file)
{
	char name[HOST_NAME_MAX_LEN];

	snprintf(name, sizeof(name), "%s", device);
	for (char *at = name; *at != '\0'; at++)
		*at = *at == '/' ? '!' : *at; /* as sysfs writes it */
	snprintf(to, size, "/sys/block/%s%s", name, file);
}

/* Keeps whole disks, at most `n` of them; returns how many. */
static size_t keep_disks(struct host *h, struct host_disk *rows, size_t n)
{
	size_t kept = 0;
	char path[128];

	for (size_t i = 0; i < n; i++) {
		sys_path(path, sizeof(path), rows[i].device, "");
		if (disk_exists(h->w, path))
			rows[kept++] = rows[i];
	}
	return kept;
}

struct disk_metric {
	const char *name, *unit;
	bool is_ms;
	size_t of[2]; /* read, written */
	unsigned times;
};

#define AT(member) offsetof(struct host_disk, member)

static uint64_t member(const struct host_disk *r, size_t at)
{
	uint64_t v;

	memcpy(&v, (const char *)r + at, sizeof(v));
	return v;
}

static void emit_disk(struct host *h, const struct disk_metric *m, const struct host_disk *r)
{
	static const char *const directions[] = { "read", "write" };

	for (int way = 0; way < 2; way++) {
		uint64_t v = member(r, m->of[way]);

		if (m->is_ms)
			host_double(h, m->name, m->unit, TELEMETRY_COUNTER, (double)v / 1000, "system.device", r->device, DIRECTION,
				    directions[way], NULL);
		else
			host_int(h, m->name, m->unit, TELEMETRY_COUNTER, host_times(v, m->times), "system.device", r->device,
				 DIRECTION, directions[way], NULL);
	}
}

static void emit_disk_limits(struct host *h, const struct host_disk *rows, size_t n)
{
	char path[128];

	for (size_t i = 0; i < n; i++) {
		uint64_t sectors;
		const char *text;

		sys_path(path, sizeof(path), rows[i].device, "/size");
		text = host_read(h, path);
		if (text == NULL)
			continue;
		if (host_parse_number(text, &sectors) != 0) {
			h->left.odd++;
			continue;
		}
		host_int(h, "system.disk.limit", "By", TELEMETRY_UPDOWN, host_times(sectors, SECTOR), "system.device",
			 rows[i].device, NULL);
	}
}

static void read_disks(struct host *h)
{
	static const struct disk_metric metrics[] = {
		/* The kernel counts in sectors of 512 bytes, whatever the disk's own are. */
		{ "system.disk.io", "By", false, { AT(read_sectors), AT(write_sectors) }, SECTOR },
		{ "system.disk.operations", "{operation}", false, { AT(reads), AT(writes) }, 1 },
		{ "system.disk.merged", "{operation}", false, { AT(reads_merged), AT(writes_merged) }, 1 },
		{ "system.disk.operation_time", "s", true, { AT(read_ms), AT(write_ms) }, 1 },
	};
	const char *text = host_read(h, "/proc/diskstats");
	struct host_disk *rows = mem_alloc(HOST_ROWS_MAX * sizeof(*rows));
	size_t n = text != NULL ? keep_disks(h, rows, host_parse_diskstats(text, rows, HOST_ROWS_MAX, &h->left)) : 0;

	for (size_t m = 0; m < ARRAY_LEN(metrics); m++)
		for (size_t i = 0; i < n; i++)
			emit_disk(h, &metrics[m], &rows[i]);
	for (size_t i = 0; i < n; i++)
		host_double(h, "system.disk.io_time", "s", TELEMETRY_COUNTER, (double)rows[i].io_ms / 1000, "system.device",
			    rows[i].device, NULL);
	emit_disk_limits(h, rows, n);
	mem_free(rows);
}

/* ---- network ----------------------------------------------------------------------------------------------------------- */

struct net_metric {
	const char *name, *unit, *key; /* key: system.device for the count of packets, as 1.44 has it */
	size_t of;
};

static void read_network(struct host *h)
{
	static const struct net_metric metrics[] = {
		{ "system.network.io", "By", "network.interface.name", offsetof(struct host_net, bytes) },
		{ "system.network.packet.count", "{packet}", "system.device", offsetof(struct host_net, packets) },
		{ "system.network.packet.dropped", "{packet}", "network.interface.name", offsetof(struct host_net, dropped) },
		{ "system.network.errors", "{error}", "network.interface.name", offsetof(struct host_net, errors) },
	};
	static const char *const directions[] = { "receive", "transmit" };
	const char *text = host_read(h, "/proc/net/dev");
	struct host_net *rows = mem_alloc(HOST_ROWS_MAX * sizeof(*rows));
	size_t n = text != NULL ? host_parse_net(text, rows, HOST_ROWS_MAX, &h->left) : 0;

	for (size_t m = 0; m < ARRAY_LEN(metrics); m++)
		for (size_t i = 0; i < 2 * n; i++) {
			const uint64_t *v = (const uint64_t *)((const char *)&rows[i / 2] + metrics[m].of);

			host_int(h, metrics[m].name, metrics[m].unit, TELEMETRY_COUNTER, v[i % 2], metrics[m].key, rows[i / 2].name,
				 "network.io.direction", directions[i % 2], NULL);
		}
	mem_free(rows);
}

void host_read_devices(struct host *h)
{
	read_disks(h);
	read_network(h);
}
