/* world_uv.c - the loop, its clocks and its timers.
 *
 * All timers stand in one list by the time they are due, and one uv_timer is set for the first of them: starting and
 * stopping one allocates nothing and closes nothing.
 *
 * A turn serves what is due when it begins, for TURN_NS at most; the rest has the next turn, and so has what a callback starts for
 * at once. Sockets and the disk are looked at in between. That takes an idle handle: libuv runs a timer of 0 ms again and again
 * before it looks at anything else (uv__run_timers).
 *
 * The threads are libuv's and serve all loops of the process: lookups may hold half of them (libuv's own rule), file systems that
 * hang two (host_fs.c), and the rest is the disk's. So their number is stated here, whatever the environment says: with one
 * thread a name server that does not answer would hold up every write. */
#include "agent/io/world_uv.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "agent/base/log.h"
#include "agent/io/world_uv_impl.h"

#define TURN_NS UINT64_C(2000000)
#define WRITE_PATIENCE_MS 10000
#define READ_PATIENCE_MS 200
#define THREADS "8"

static uint64_t now_ms(struct world *w)
{
	(void)w;
	return uv_hrtime() / 1000000;
}

static int64_t wall_ms(struct world *w)
{
	struct timespec ts;

	(void)w;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void fill_random(struct world *w, void *to, size_t len)
{
	char *at = to;

	(void)w;
	while (len > 0) {
		/* Without flags it waits for the kernel's pool alone, once after boot (getrandom(2)). */
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno != EINTR) {
			/* Ids, nonces and waits that repeat are worse than an agent that stops. */
			log_error("random.none", "err=\"getrandom: %s\"", strerror(errno));
			abort();
		}
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

static void on_alarm(uv_timer_t *alarm);
static void on_due(uv_idle_t *idle);

static void alarm_set(struct world_uv *u)
{
	const struct timer *first = list_entry(u->timers.next, struct timer, link);
	uint64_t now = now_ms(&u->w);

	uv_timer_stop(&u->alarm);
	uv_idle_stop(&u->due);
	if (list_empty(&u->timers))
		return;
	if (first->due_ms <= now) {
		uv_idle_start(&u->due, on_due);
		return;
	}
	uv_update_time(&u->loop); /* libuv counts from the time it last looked at */
	uv_timer_start(&u->alarm, on_alarm, first->due_ms - now, 0);
}

static void on_alarm(uv_timer_t *alarm)
{
	alarm_set(container_of(alarm, struct world_uv, alarm));
}

static void on_due(uv_idle_t *idle)
{
	struct world_uv *u = container_of(idle, struct world_uv, due);
	uint64_t now = now_ms(&u->w), end_ns = uv_hrtime() + TURN_NS;
	struct list due;
	struct list *n;

	list_init(&due);
	while (!list_empty(&u->timers) && list_entry(u->timers.next, struct timer, link)->due_ms <= now)
		list_add(&due, list_pop(&u->timers));
	while (uv_hrtime() < end_ns && (n = list_pop(&due)) != NULL) {
		struct timer *t = list_entry(n, struct timer, link);
		timer_cb *cb = t->cb;

		/* Idle before the call: the callback may start it again, or free what it lies in. */
		t->cb = NULL;
		cb(t);
	}
	/* What had no turn comes before what was started meanwhile. */
	list_move(&due, &u->timers);
	list_move(&u->timers, &due);
	alarm_set(u);
}

static void stop_timer(struct world *w, struct timer *t)
{
	struct world_uv *u = world_uv_of(w);
	bool first = u->timers.next == &t->link;

	/* This list may be the one of on_due: a timer that is due and has not had its turn is stopped, too. */
	list_del(&t->link);
	t->cb = NULL;
	if (first)
		alarm_set(u);
}

static void start_timer(struct world *w, struct timer *t, uint64_t delay_ms, timer_cb *cb)
{
	struct world_uv *u = world_uv_of(w);
	struct list *at;

	stop_timer(w, t);
	t->cb = cb;
	t->due_ms = now_ms(w) + delay_ms;
	/* From the end, because most timers are set for later than those that stand there. Of two due at the same moment the one
	 * that was started first comes first. */
	for (at = u->timers.prev; at != &u->timers; at = at->prev)
		if (list_entry(at, struct timer, link)->due_ms <= t->due_ms)
			break;
	list_add(at->next, &t->link); /* before what follows `at` */
	if (u->timers.next == &t->link)
		alarm_set(u);
}

static void init_time(struct world_uv *u)
{
	uv_timer_init(&u->loop, &u->alarm);
	uv_idle_init(&u->loop, &u->due);
	list_init(&u->timers);
	u->w.now_ms = now_ms;
	u->w.wall_ms = wall_ms;
	u->w.random = fill_random;
	u->w.timer_start = start_timer;
	u->w.timer_stop = stop_timer;
}

struct world *world_uv_new(struct err *e)
{
	struct world_uv *u = mem_new(struct world_uv);
	int rc;

	setenv("UV_THREADPOOL_SIZE", THREADS, 1); /* libuv reads it at the first piece of work */
	rc = uv_loop_init(&u->loop);

	if (rc != 0) {
		world_uv_err(e, rc, "cannot start", "the event loop");
		mem_free(u);
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write */
	init_time(u);
	world_uv_name_init(u);
	world_uv_trust_init(u);
	world_uv_disk_init(u);
	world_uv_file_init(u);
	world_uv_serve_init(u);
	world_uv_watch_init(u);
	world_uv_journald_init(u);
	if (world_uv_http_init(u, e) != 0) {
		world_uv_free(&u->w);
		return NULL;
	}
	return &u->w;
}

int world_uv_run(struct world *w)
{
	uv_run(&world_uv_of(w)->loop, UV_RUN_DEFAULT);
	return 0;
}

void world_uv_stop(struct world *w)
{
	uv_stop(&world_uv_of(w)->loop);
}

static void on_patience(uv_timer_t *alarm)
{
	(void)alarm; /* it only ends a turn of the loop */
}

static bool is_busy(const struct world_uv *u)
{
	return world_uv_disk_is_busy(u) || world_uv_name_is_busy(u) || world_uv_trust_is_busy(u) || world_uv_journald_is_busy(u);
}

/* No callback is left to be made: the loop runs until the workers are done. A worker that only reads (a name, a file system,
 * certificates) gets less time than one that writes. */
static bool wait_for_workers(struct world_uv *u)
{
	uint64_t since_ms = now_ms(&u->w), waited_ms = 0;

	uv_idle_stop(&u->due);
	uv_timer_start(&u->alarm, on_patience, 10, 10);
	while (is_busy(u) && waited_ms < (world_uv_disk_is_writing(u) ? WRITE_PATIENCE_MS : READ_PATIENCE_MS)) {
		uv_run(&u->loop, UV_RUN_ONCE);
		waited_ms = now_ms(&u->w) - since_ms;
	}
	uv_close((uv_handle_t *)&u->alarm, NULL);
	uv_close((uv_handle_t *)&u->due, NULL);
	return !is_busy(u);
}

static __attribute__((used)) struct world_uv *held; /* keeps what a thread still needs reachable, for the leak checker */

bool world_uv_free(struct world *w)
{
	struct world_uv *u;
	struct list *n;
	int rc;

	if (w == NULL)
		return true;
	u = world_uv_of(w);
	/* Requests hold timers and wait for names and certificates, so they are dropped before those. */
	world_uv_http_close(u);
	world_uv_serve_close(u);
	world_uv_watch_close(u);
	world_uv_journald_close(u);
	while ((n = list_pop(&u->timers)) != NULL)
		list_entry(n, struct timer, link)->cb = NULL;
	world_uv_name_close(u);
	world_uv_trust_close(u);
	world_uv_disk_close(u);
	if (!wait_for_workers(u)) {
		/* The handles that were closed get their last callback. The loop itself stays: a thread will still report to it. */
		held = u;
		uv_run(&u->loop, UV_RUN_NOWAIT);
		return false;
	}
	uv_run(&u->loop, UV_RUN_DEFAULT);
	/* The locks go last: while a worker may still write, nobody else may take the folder for free. */
	world_uv_file_close(u);
	rc = uv_loop_close(&u->loop);
	assert(rc == 0);
	(void)rc;
	mem_free(u);
	return true;
}
