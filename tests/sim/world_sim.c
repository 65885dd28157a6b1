/* world_sim.c - virtual time, chance, faults and death. See world_sim.h.
 *
 * One queue of events, by the time they are due and then by a random number: what falls on the same instant happens in an
 * order that the seed picks. Nothing calls the agent but an event; a crash therefore never happens below the agent's feet,
 * it happens in between, and the agent's memory is not touched again. */
#include "tests/sim/world_sim_impl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BIRTH_WALL_MS 1767225600000 /* 2026-01-01 */
#define BIRTH_MS 1000

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t sim_chance(struct world_sim *s)
{
	return splitmix(&s->chance_world);
}

uint64_t sim_between(struct world_sim *s, uint64_t least, uint64_t most)
{
	return least + sim_chance(s) % (most - least + 1);
}

bool sim_one_in(struct world_sim *s, unsigned n)
{
	return sim_chance(s) % n == 0;
}

uint64_t sim_random(struct world *w)
{
	return splitmix(&sim_of(w)->chance_test);
}

/* ---- the trace ------------------------------------------------------------------------------------------------------- */

void sim_trace(struct world *w, const char *fmt, ...)
{
	struct world_sim *s = sim_of(w);
	char chained[DIGEST_LEN + 512], *line = chained + DIGEST_LEN;
	va_list ap;
	int n;

	n = snprintf(line, 512, "%llu ", (unsigned long long)s->now_ms);
	va_start(ap, fmt);
	vsnprintf(line + n, 512 - (size_t)n, fmt, ap);
	va_end(ap);
	memcpy(chained, s->digest.b, DIGEST_LEN);
	s->digest = digest_of(chained, DIGEST_LEN + strlen(line));
	if (s->trace_to != NULL)
		fprintf(s->trace_to, "%s\n", line);
}

void sim_trace_to(struct world *w, void *file)
{
	sim_of(w)->trace_to = file;
}

const char *sim_digest_hex(struct world *w)
{
	return digest_hex(&sim_of(w)->digest, sim_of(w)->digest_hex);
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

static bool comes_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->tie < b->tie;
}

struct sim_event *sim_event_add(struct world_sim *s, uint64_t delay_ms, const char *name, bool mortal, sim_run *run, void *ctx)
{
	struct sim_event *ev = mem_new(struct sim_event);
	struct list *at;

	*ev = (struct sim_event){
		.due_ms = s->now_ms + delay_ms, .tie = sim_chance(s), .name = name, .mortal = mortal, .run = run, .ctx = ctx
	};
	for (at = s->events.prev; at != &s->events; at = at->prev)
		if (comes_before(list_entry(at, struct sim_event, link), ev))
			break;
	list_add(at->next, &ev->link);
	return ev;
}

void sim_event_drop(struct sim_event *ev)
{
	if (ev == NULL)
		return;
	list_del(&ev->link);
	mem_free(ev);
}

void sim_at(struct world *w, uint64_t delay_ms, void (*run)(void *ctx), void *ctx)
{
	sim_event_add(sim_of(w), delay_ms, "at", false, run, ctx);
}

bool sim_step(struct world *w)
{
	struct world_sim *s = sim_of(w);
	struct list *n = list_pop(&s->events);
	struct sim_event ev;

	if (n == NULL)
		return false;
	ev = *list_entry(n, struct sim_event, link);
	mem_free(list_entry(n, struct sim_event, link));
	s->now_ms = ev.due_ms > s->now_ms ? ev.due_ms : s->now_ms;
	s->crashed = false;
	sim_trace(w, "%s", ev.name);
	ev.run(ev.ctx);
	return !s->crashed;
}

enum sim_end sim_run_until(struct world *w, sim_until *until, void *ctx, uint64_t limit_ms)
{
	struct world_sim *s = sim_of(w);
	uint64_t end_ms = s->now_ms + limit_ms;

	for (;;) {
		if (until != NULL && until(ctx))
			return SIM_TRUE;
		if (list_empty(&s->events))
			return SIM_IDLE;
		if (list_entry(s->events.next, struct sim_event, link)->due_ms > end_ms) {
			s->now_ms = end_ms;
			return SIM_LIMIT;
		}
		if (!sim_step(w))
			return SIM_CRASHED;
	}
}

/* ---- clocks, chance, timers of the agent ------------------------------------------------------------------------------- */

static uint64_t now_ms(struct world *w)
{
	return sim_of(w)->now_ms;
}

static int64_t wall_ms(struct world *w)
{
	return (int64_t)sim_of(w)->now_ms + sim_of(w)->wall_offset_ms;
}

void sim_wall_set(struct world *w, int64_t ms)
{
	sim_of(w)->wall_offset_ms = ms - (int64_t)sim_of(w)->now_ms;
}

void sim_wall_step(struct world *w, int64_t by_ms)
{
	sim_of(w)->wall_offset_ms += by_ms;
}

static void fill_random(struct world *w, void *to, size_t len)
{
	char *at = to;

	while (len > 0) {
		uint64_t r = splitmix(&sim_of(w)->chance_agent);
		size_t n = len < sizeof(r) ? len : sizeof(r);

		memcpy(at, &r, n);
		at += n;
		len -= n;
	}
}

static void on_timer(void *ctx)
{
	struct timer *t = ctx;
	timer_cb *cb = t->cb;

	t->impl = NULL;
	t->cb = NULL;
	cb(t);
}

static void stop_timer(struct world *w, struct timer *t)
{
	(void)w;
	sim_event_drop(t->impl);
	t->impl = NULL;
	t->cb = NULL;
}

static void start_timer(struct world *w, struct timer *t, uint64_t delay_ms, timer_cb *cb)
{
	stop_timer(w, t);
	t->cb = cb;
	t->due_ms = now_ms(w) + delay_ms;
	t->impl = sim_event_add(sim_of(w), delay_ms, "timer", true, on_timer, t);
}

/* ---- faults ---------------------------------------------------------------------------------------------------------- */

void sim_fail_nth(struct world *w, enum sim_kind kind, uint64_t n, int code)
{
	struct sim_plan *p = &sim_of(w)->plans[kind];

	p->nth = n > 0 ? p->calls + n : 0;
	p->nth_code = code;
}

void sim_fail_rate(struct world *w, enum sim_kind kind, unsigned per_mille)
{
	sim_of(w)->plans[kind].per_mille = per_mille;
}

uint64_t sim_calls(struct world *w, enum sim_kind kind)
{
	return sim_of(w)->plans[kind].calls;
}

uint64_t sim_counts(struct world *w, enum sim_kind kind)
{
	return sim_of(w)->plans[kind].failed;
}

int sim_fault(struct world_sim *s, enum sim_kind kind, const int *fits)
{
	struct sim_plan *p = &s->plans[kind];
	bool is_nth = ++p->calls == p->nth;
	unsigned n = 0;
	int code;

	if (!is_nth && (p->per_mille == 0 || sim_chance(s) % 1000 >= p->per_mille))
		return 0;
	while (fits[n] != 0)
		n++;
	code = is_nth && p->nth_code != 0 ? p->nth_code : fits[sim_chance(s) % n];
	p->failed++;
	sim_trace(&s->w, "fault %d %s", (int)kind, err_name(code));
	return -code;
}

/* ---- death ----------------------------------------------------------------------------------------------------------- */

/* Memory of dead agents: nobody uses it, but what can be reached is no leak. */
static const void **graves;
static size_t graves_n, graves_cap;

void sim_bury(const void *p)
{
	if (graves_n == graves_cap) {
		graves_cap = graves_cap > 0 ? graves_cap * 2 : 1024;
		graves = mem_grow(graves, graves_cap, sizeof(*graves));
	}
	graves[graves_n++] = p;
}

void sim_kill(struct world *w)
{
	struct world_sim *s = sim_of(w);

	sim_trace(w, "death");
	s->crashed = true;
	list_each_safe(n, &s->events) {
		struct sim_event *ev = list_entry(n, struct sim_event, link);

		if (!ev->mortal)
			continue;
		sim_bury(ev->ctx);
		sim_event_drop(ev);
	}
	sim_http_crash(s);
	sim_disk_crash(s);
	sim_file_crash(s);
	sim_serve_crash(s);
	sim_journald_crash(s);
}

void sim_crash(struct world *w)
{
	sim_kill(w);
	sim_fs_power(sim_of(w));
}

void sim_set_crash_hook(struct world *w, sim_crash_hook *hook, void *ctx)
{
	sim_of(w)->hook = hook;
	sim_of(w)->hook_ctx = ctx;
}

bool sim_crash_point(struct world_sim *s, const char *where, const char *what)
{
	enum sim_death death = s->hook != NULL ? s->hook(s->hook_ctx, where, what) : SIM_ALIVE;

	if (death == SIM_KILL)
		sim_kill(&s->w);
	else if (death == SIM_POWER)
		sim_crash(&s->w);
	return death != SIM_ALIVE;
}

/* ---- birth and end ----------------------------------------------------------------------------------------------------- */

struct world *sim_new(uint64_t seed)
{
	struct world_sim *s = mem_new(struct world_sim);

	s->chance_agent = s->chance_world = s->chance_test = seed;
	s->chance_agent ^= 0x61676e74;
	s->chance_test ^= 0x74657374;
	s->now_ms = BIRTH_MS;
	s->wall_offset_ms = BIRTH_WALL_MS - BIRTH_MS;
	list_init(&s->events);
	s->w.now_ms = now_ms;
	s->w.wall_ms = wall_ms;
	s->w.random = fill_random;
	s->w.timer_start = start_timer;
	s->w.timer_stop = stop_timer;
	sim_http_init(s);
	sim_disk_init(s);
	sim_file_init(s);
	sim_serve_init(s);
	sim_journald_init(s);
	sim_fs_init(s); /* last: it makes folders, which somebody could be watching */
	return &s->w;
}

static void must_be_empty(const struct list *l, const char *what)
{
	if (list_empty(l))
		return;
	fprintf(stderr, "sim_free: the agent left %s open\n", what);
	abort();
}

void sim_free(struct world *w)
{
	struct world_sim *s;

	if (w == NULL)
		return;
	s = sim_of(w);
	list_each_safe(n, &s->events) {
		struct sim_event *ev = list_entry(n, struct sim_event, link);

		if (ev->mortal) {
			fprintf(stderr, "sim_free: the agent left a %s open\n", ev->name);
			abort();
		}
		sim_event_drop(ev);
	}
	must_be_empty(&s->jobs, "a disk request");
	must_be_empty(&s->files, "a file");
	must_be_empty(&s->listeners, "a listener");
	must_be_empty(&s->watches, "a watch");
	must_be_empty(&s->sigs, "a signal");
	must_be_empty(&s->journals, "a journal");
	sim_http_close(s);
	sim_file_crash(s); /* locks end with the process */
	sim_serve_close(s);
	sim_journald_close(s);
	sim_fs_close(s);
	mem_free(s);
}
