/* host_memory.c - memory and paging. `used` is what is not available, so the states do not add up to the limit; `cached`
 * counts what the kernel would give back, as free(1) does. */
#include "collectors/host_impl.h"

#define MEMORY "system.memory.usage"
#define STATE "system.memory.state"

static void read_meminfo(struct host *h)
{
	const char *text = host_read(h, "/proc/meminfo");
	struct host_memory m;

	if (text == NULL)
		return;
	if (host_parse_meminfo(text, &m) != 0) {
		host_unread(h, "/proc/meminfo");
		return;
	}
	host_int(h, MEMORY, "By", TELEMETRY_UPDOWN, m.total > m.available ? m.total - m.available : 0, STATE, "used", NULL);
	host_int(h, MEMORY, "By", TELEMETRY_UPDOWN, m.free, STATE, "free", NULL);
	host_int(h, MEMORY, "By", TELEMETRY_UPDOWN, m.cached + m.reclaimable, STATE, "cached", NULL);
	host_int(h, MEMORY, "By", TELEMETRY_UPDOWN, m.buffers, STATE, "buffers", NULL);
	host_int(h, "system.memory.limit", "By", TELEMETRY_UPDOWN, m.total, NULL);
	host_int(h, "system.memory.linux.available", "By", TELEMETRY_UPDOWN, m.available, NULL);
	host_int(h, "system.memory.linux.shared", "By", TELEMETRY_UPDOWN, m.shared, NULL);
}

static void read_vmstat(struct host *h)
{
	const char *text = host_read(h, "/proc/vmstat");
	const char *faults = "system.paging.faults", *operations = "system.paging.operations";
	struct host_paging p;

	if (text == NULL)
		return;
	if (host_parse_vmstat(text, &p) != 0) {
		host_unread(h, "/proc/vmstat");
		return;
	}
	host_int(h, faults, "{fault}", TELEMETRY_COUNTER, p.major_faults, "system.paging.fault.type", "major", NULL);
	host_int(h, faults, "{fault}", TELEMETRY_COUNTER, p.faults - p.major_faults, "system.paging.fault.type", "minor", NULL);
	host_int(h, operations, "{operation}", TELEMETRY_COUNTER, p.swapped_in, "system.paging.direction", "in", NULL);
	host_int(h, operations, "{operation}", TELEMETRY_COUNTER, p.swapped_out, "system.paging.direction", "out", NULL);
}

static void read_swaps(struct host *h)
{
	const char *text = host_read(h, "/proc/swaps"), *name = "system.paging.usage", *state = "system.paging.state";
	struct host_swap rows[16];
	size_t n = text != NULL ? host_parse_swaps(text, rows, 16) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct host_swap *r = &rows[i];

		host_int(h, name, "By", TELEMETRY_UPDOWN, r->used, "system.device", r->device, state, "used", NULL);
		host_int(h, name, "By", TELEMETRY_UPDOWN, r->size - r->used, "system.device", r->device, state, "free", NULL);
	}
}

void host_read_memory(struct host *h)
{
	read_meminfo(h);
	read_vmstat(h);
	read_swaps(h);
}
