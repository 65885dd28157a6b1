/* host_cpu.c - CPU times, load, uptime, processes. */
#include "collectors/host_impl.h"

#include "agent/base/str.h"

#define TICKS_PER_S 100.0 /* USER_HZ, the same on every architecture we run on */

static void emit_cpu(struct host *h, const struct host_cpu *c)
{
	static const char *const modes[CPU_MODES] = {
		[CPU_USER] = "user",     [CPU_NICE] = "nice",           [CPU_SYSTEM] = "system", [CPU_IDLE] = "idle",
		[CPU_IOWAIT] = "iowait", [CPU_INTERRUPT] = "interrupt", [CPU_STEAL] = "steal",
	};

	for (int i = 0; i < CPU_MODES; i++)
		if (c->ticks[i] != HOST_NONE)
			host_double(h, "system.cpu.time", "s", TELEMETRY_COUNTER, (double)c->ticks[i] / TICKS_PER_S, "cpu.mode",
				    modes[i], NULL);
	host_int(h, "system.cpu.logical.count", "{cpu}", TELEMETRY_UPDOWN, c->logical > 0 ? c->logical : HOST_NONE, NULL);
	host_int(h, "system.process.created", "{process}", TELEMETRY_COUNTER, c->created, NULL);
}

struct processes {
	uint64_t n;
	bool has_first;
};

static int count_process(void *ctx, const char *name)
{
	struct processes *p = ctx;

	/* In proc(5) the folders of processes alone are named by a number. */
	p->n += name[0] >= '1' && name[0] <= '9';
	p->has_first |= str_eq(name, "1");
	return 0;
}

/* All counters of this reading start by what it says of the boot. */
static void read_stat(struct host *h)
{
	const char *text = host_read(h, "/proc/stat");
	struct host_cpu c;
	bool is_read = text != NULL && host_parse_stat(text, &c, &h->left) == 0;
	uint64_t boot_ms = is_read ? host_times(c.boot_s, 1000) : HOST_NONE;

	/* Also without a boot time: a clock that was set back shows in the starts of the series. */
	host_series_boot(&h->series, boot_ms <= INT64_MAX ? (int64_t)boot_ms : 0, h->now_ms);
	if (is_read)
		emit_cpu(h, &c);
	else if (text != NULL)
		host_unread(h, "/proc/stat");
}

static void read_load(struct host *h)
{
	const char *text = host_read(h, "/proc/loadavg");
	double load[3];

	if (text == NULL)
		return;
	if (host_parse_load(text, load) != 0) {
		host_unread(h, "/proc/loadavg");
		return;
	}
	host_double(h, "system.cpu.load_average.1m", "{thread}", TELEMETRY_GAUGE, load[0], NULL);
	host_double(h, "system.cpu.load_average.5m", "{thread}", TELEMETRY_GAUGE, load[1], NULL);
	host_double(h, "system.cpu.load_average.15m", "{thread}", TELEMETRY_GAUGE, load[2], NULL);
}

static void read_uptime(struct host *h)
{
	const char *text = host_read(h, "/proc/uptime");
	double s;

	if (text == NULL)
		return;
	if (host_parse_uptime(text, &s) != 0)
		host_unread(h, "/proc/uptime");
	else
		host_double(h, "system.uptime", "s", TELEMETRY_GAUGE, s, NULL);
}

void host_read_cpu(struct host *h)
{
	struct processes p = { 0 };

	read_stat(h);
	read_load(h);
	read_uptime(h);
	/* Process 1 is always there. Where it is not shown, those of others are hidden (hidepid of proc(5), ProtectProc= of
	 * systemd.exec(5)), and the number of our own would be taken for that of the machine. */
	if (h->w->disk_list(h->w, "/proc", count_process, &p, NULL) == 0 && p.has_first)
		host_int(h, "system.process.count", "{process}", TELEMETRY_UPDOWN, p.n, NULL);
}
