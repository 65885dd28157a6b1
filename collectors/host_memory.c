/* host_memory.c - memory and paging. `used` is what is not available, so the states do not add up to the limit; `cached`
 * counts what the kernel would give back, as free(1) does. */
#include "collectors/host_impl.h"

#include "agent/base/mem.h"

#define MEMORY "system.memory.usage"
#define STATE "system.memory.state"

/* What is more than all of it is odd; what is not there gives nothing. */
static uint64_t less(struct host *h, uint64_t all, uint64_t part)
{
	if (all == HOST_NONE || part == HOST_NONE)
		return HOST_NONE;
	h->left.odd += part > all;
	return part > all ? HOST_NONE : all - part;
}

static uint64_t cached(const struct host_memory *m)
{
	return m->cached == HOST_NONE || m->reclaimable == HOST_NONE ? m->cached : m->cached + m->reclaimable;
}

static void read_meminfo(struct host *h)
{
	const char *text = host_read(h, "/proc/meminfo");
	struct host_memory m;

	if (text == NULL)
		return;
	if (host_parse_meminfo(text, &m, &h->left) != 0) {
		host_unread(h, "/proc/meminfo");
		return;
	}
	host_int(h, MEMORY, "By", TELEMETRY_UPDOWN, less(h, m.total, m.available), STATE, "used", NULL);
	host_int(h, MEMORY, "By", TELEMETRY_UPDOWN, m.free, STATE, "free", NULL);
	host_int(h, MEMORY, "By", TELEMETRY_UPDOWN, cached(&m), STATE, "cached", NULL);
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
	if (host_parse_vmstat(text, &p, &h->left) != 0) {
		host_unread(h, "/proc/vmstat");
		return;
	}
	host_int(h, faults, "{fault}", TELEMETRY_COUNTER, p.major_faults, "system.paging.fault.type", "major", NULL);
	/* The kernel counts a major fault in pgfault as well, so what is left of that are the minor ones. */
	host_int(h, faults, "{fault}", TELEMETRY_COUNTER, less(h, p.faults, p.major_faults), "system.paging.fault.type", "minor",
		 NULL);
	host_int(h, operations, "{operation}", TELEMETRY_COUNTER, p.swapped_in, "system.paging.direction", "in", NULL);
	host_int(h, operations, "{operation}", TELEMETRY_COUNTER, p.swapped_out, "system.paging.direction", "out", NULL);
}

static void read_swaps(struct host *h)
{
	const char *text = host_read(h, "/proc/swaps"), *name = "system.paging.usage", *state = "system.paging.state";
	struct host_swap rows[16];
	size_t n = text != NULL ? host_parse_swaps(text, rows, ARRAY_LEN(rows), &h->left) : 0;

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
