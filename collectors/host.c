/* host.c - see host.h. When the machine is read, and how a value becomes a point.
 *
 * Happy path: the timer fires, /proc is read file by file, then the file systems are asked; scrape_done; the timer again,
 * on the grid of the interval. Fails: a file that cannot be read costs its metrics alone and is said once.
 * Closing: at once, but for a file system that hangs: its request is left to itself and frees itself when it returns. */
#include "collectors/host_impl.h"

#include <stdarg.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"

#define FIRST_MS 1000
#define TEXT_MAX (1u << 20)

static void on_due(struct timer *t);

static void emit(struct host *h, struct telemetry_point *p, va_list pairs)
{
	struct telemetry_attr attrs[TELEMETRY_ATTRS_MAX];
	const char *key;

	for (p->attrs_n = 0; p->attrs_n < TELEMETRY_ATTRS_MAX && (key = va_arg(pairs, const char *)) != NULL; p->attrs_n++)
		attrs[p->attrs_n] = (struct telemetry_attr){ key, va_arg(pairs, const char *) };
	p->attrs = attrs;
	p->time_ms = h->now_ms;
	if (p->shape == TELEMETRY_COUNTER)
		host_series_follow(&h->series, p);
	h->sink.point(h->sink.ctx, p);
}

void host_int(struct host *h, const char *name, const char *unit, enum telemetry_shape shape, uint64_t v, ...)
{
	struct telemetry_point p = { .name = name, .unit = unit, .shape = shape, .i = (int64_t)v };
	va_list pairs;

	if (v > INT64_MAX) { /* HOST_NONE, or a negative number where the kernel subtracts */
		h->left.odd += v != HOST_NONE;
		return;
	}
	va_start(pairs, v);
	emit(h, &p, pairs);
	va_end(pairs);
}

void host_double(struct host *h, const char *name, const char *unit, enum telemetry_shape shape, double v, ...)
{
	struct telemetry_point p = { .name = name, .unit = unit, .shape = shape, .is_double = true, .d = v };
	va_list pairs;

	va_start(pairs, v);
	emit(h, &p, pairs);
	va_end(pairs);
}

uint64_t host_times(uint64_t v, uint64_t factor)
{
	uint64_t product;

	return v == HOST_NONE || __builtin_mul_overflow(v, factor, &product) ? HOST_NONE : product;
}

void host_unread(struct host *h, const char *path)
{
	h->stats.unread++;
	/* Once for all: a kernel that writes a file otherwise does so at each reading. The count goes on. */
	if (!h->complained)
		log_warn("host.unread",
			 "path=%s err=\"it cannot be read, or is not as the kernel writes it\" next=\"its metrics are left out\"",
			 path);
	h->complained = true;
}

const char *host_read(struct host *h, const char *path)
{
	int rc;

	buf_reset(&h->text);
	rc = disk_read_all(h->w, path, &h->text, NULL);
	if (rc == 0 || (rc == -ERR_LIMIT && h->text.len > 0)) { /* too long: its beginning is told all the same */
		h->left.over += rc != 0;
		return buf_str(&h->text);
	}
	host_unread(h, path);
	return NULL;
}

static void on_fs_done(struct host *h)
{
	uint64_t now = world_now_ms(h->w);

	h->stats.rows_odd = h->left.odd;
	h->stats.rows_over = h->left.over + h->series.over;
	h->stats.counters_held = h->series.held;
	h->stats.counters_anew = h->series.anew;
	host_series_end(&h->series);
	h->sink.scrape_done(h->sink.ctx);
	h->stats.scrapes++;
	/* The grid is that of the monotonic clock: setting the time of day moves no reading. */
	timer_start(h->w, &h->timer, h->interval_ms - now % h->interval_ms, on_due);
}

static void on_due(struct timer *t)
{
	struct host *h = container_of(t, struct host, timer);

	h->now_ms = world_wall_ms(h->w);
	h->left = (struct host_left){ 0 };
	host_read_cpu(h); /* first: it knows the boot time, where all counters start */
	host_read_memory(h);
	host_read_devices(h);
	host_fs_read(h->fs, on_fs_done);
}

struct host *host_new(struct world *w, uint64_t interval_ms, const struct telemetry_sink *sink)
{
	struct host *h = mem_new(struct host);

	h->w = w;
	h->sink = *sink;
	h->interval_ms = interval_ms > 0 ? interval_ms : 15000;
	h->text = BUF_MAX(TEXT_MAX);
	h->fs = host_fs_new(h);
	timer_start(w, &h->timer, h->interval_ms < FIRST_MS ? h->interval_ms : FIRST_MS, on_due);
	return h;
}

struct host_stats host_stats(const struct host *h)
{
	return h->stats;
}

static void host_free(struct closing *c)
{
	struct host *h = container_of(c, struct host, end.closing);

	timer_stop(h->w, &h->timer);
	host_fs_free(h->fs);
	host_series_close(&h->series);
	buf_close(&h->text);
	mem_free(h);
}

/* A file system that hangs is not waited for: its question owns itself and is freed when it returns (host_fs.c). */
static const struct closing_how host_how = { NULL, host_free };

void host_close(struct host *h, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&h->end, h->w, &host_how, done, ctx);
	timer_stop(h->w, &h->timer);
}
