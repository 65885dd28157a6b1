/* scene.c - the world of one seed: wiring, the agent's lives and deaths. */
#include "tests/sim/scene_impl.h"

#include <stdio.h>

#include "agent/base/log.h"
#include "tests/sim/world_sim_impl.h"

#define LIMIT_MS (24ull * 3600 * 1000)
#define TICK_MS 1000

static const char *const wheres[] = { "before", "inside", "after", "request", "answer" };

/* ---- the story ---- */

static void silent(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)level;
	(void)event;
	(void)pairs;
	(void)ctx;
}

static void tell(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	struct scene *s = ctx;

	(void)level;
	fprintf(stderr, "%10.3f   %s %s\n", (double)world_now_ms(s->w) / 1000, event, pairs);
}

/* ---- the agent's lives ---- */

static void on_fatal(void *ctx, const struct err *e)
{
	struct scene *s = ctx;

	sim_trace(s->w, "fatal %s", err_text(e));
	s->restart = true; /* the service manager starts it again */
}

static void start_agent(struct scene *s)
{
	struct err e = { 0 };

	s->start_ms = 0;
	s->restart = false;
	sim_trace(s->w, "agent starts");
	if (agent_new(s->w, &s->cfg, on_fatal, s, &s->agent, &e) == 0)
		return;
	sim_trace(s->w, "agent did not start: %s", err_text(&e));
	s->agent = NULL;
	s->exited = true;
	s->start_ms = world_now_ms(s->w) + 5000;
}

static void on_closed(void *ctx)
{
	struct scene *s = ctx;

	s->agent = NULL;
	s->closing = false;
	s->exited = true;
	s->start_ms = world_now_ms(s->w) + 2000;
}

/* The process ends after a good close or a start that failed; what it should have closed itself is told. */
static void exit_process(struct scene *s)
{
	s->exited = false;
	list_each(n, &sim_of(s->w)->events)
		if (list_entry(n, struct sim_event, link)->mortal)
			odds_broken(&s->odds, "the agent closed and left a %s", list_entry(n, struct sim_event, link)->name);
	if (sim_disk_open(s->w) > 0)
		odds_broken(&s->odds, "the agent closed and left a file open");
	sim_kill(s->w);
}

static void stop_agent(struct scene *s)
{
	if (s->agent == NULL || s->closing)
		return;
	s->closing = true;
	agent_close(s->agent, on_closed, s);
}

static void next_death(struct scene *s)
{
	s->death_where = (unsigned)odds_between(&s->odds, 0, ARRAY_LEN(wheres) - 1);
	s->death_count = odds_between(&s->odds, 1, s->death_where < 3 ? 40 : 150);
}

static enum sim_death on_crash_point(void *ctx, const char *where, const char *what)
{
	static const enum tally_kind kinds[] = { TALLY_DIE_BEFORE, TALLY_DIE_INSIDE, TALLY_DIE_AFTER, TALLY_DIE_REQUEST,
						 TALLY_DIE_ANSWER };
	struct scene *s = ctx;
	bool power = odds_one_in(&s->odds, 2);

	if (s->odds.calm || s->deaths_left == 0 || !str_eq(where, wheres[s->death_where]) || --s->death_count > 0)
		return SIM_ALIVE;
	sim_trace(s->w, "dies %s %s", where, what);
	tally(kinds[s->death_where]);
	tally(power ? TALLY_POWER : TALLY_KILL);
	s->deaths_left--;
	s->died = true;
	next_death(s);
	return power ? SIM_POWER : SIM_KILL;
}

static void bury(struct scene *s)
{
	if (s->agent == NULL)
		return; /* it had closed */
	sim_bury(s->agent);
	s->agent = NULL;
	s->closing = false;
	s->start_ms = world_now_ms(s->w) + odds_between(&s->odds, 100, odds_one_in(&s->odds, 4) ? 400000 : 20000);
}

/* ---- the network ---- */

static void on_request(void *ctx, struct sim_http *x)
{
	struct scene *s = ctx;

	if (str_starts(x->url, AWS_NODE_TRAP))
		odds_broken(&s->odds, "what a node has answered was followed");
	if (aws_node_is_for(x->url)) {
		aws_node_request(s->aws, x);
	} else if (aws_sim_is_for(x->url)) {
		scene_held_asks(s, x);
		aws_sim_request(s->aws, x);
	} else if (vendor_sim_is_for(x->url) && scene_heal_is_vendor_away(s)) {
		sim_http_fail(x, -ERR_NET, 0);
	} else if (vendor_sim_is_for(x->url)) {
		vendor_sim_request(s->vendor, x);
	} else {
		odds_broken(&s->odds, "somebody else is asked: %s", x->url);
		sim_http_fail(x, -ERR_NET, 0);
	}
}

/* ---- the loop ---- */

static void on_tick(void *ctx)
{
	struct scene *s = ctx;

	if (s->restart)
		stop_agent(s);
	if (s->exited)
		exit_process(s);
	if (s->agent == NULL && s->start_ms != 0 && world_now_ms(s->w) >= s->start_ms && !s->over && !scene_held_is_down(s))
		start_agent(s);
	if (!s->over)
		scene_script_tick(s);
	sim_at(s->w, TICK_MS, on_tick, s);
}

static bool is_over(void *ctx)
{
	struct scene *s = ctx;

	scene_check(s);
	return s->over || s->odds.broken[0] != '\0';
}

static bool is_closed(void *ctx)
{
	return ((struct scene *)ctx)->agent == NULL;
}

static void play(struct scene *s)
{
	for (;;) {
		enum sim_end end = sim_run_until(s->w, is_over, s, LIMIT_MS);

		if (end == SIM_TRUE)
			return;
		if (end == SIM_CRASHED) {
			bury(s);
		} else {
			odds_broken(&s->odds, "the scene does not end");
			return;
		}
	}
}

/* A run that kept its promises ends as the service manager ends it, and nothing may be left open. */
static void end(struct scene *s)
{
	s->deaths_left = 0;
	s->odds.calm = true;
	if (*vendor_at_work(s->vendor) != '\0' && s->odds.broken[0] == '\0' && fault_is_on(TALLY_CHECK_STATUS))
		odds_broken(&s->odds, "all commands have ended, and %s", vendor_at_work(s->vendor));
	if (s->odds.broken[0] == '\0' && s->agent != NULL) {
		stop_agent(s);
		if (sim_run_until(s->w, is_closed, s, 600000) != SIM_TRUE)
			odds_broken(&s->odds, "the agent does not close");
	}
	if (s->odds.broken[0] == '\0')
		scene_check_journal(s);
	if (s->agent != NULL) {
		sim_kill(s->w);
		sim_bury(s->agent);
	}
}

static void write_files(struct scene *s)
{
	char keys[3][64];

	s->cfg_text = mem_printf("installation: " VENDOR_INSTALLATION "\nvendor:\n  name: " VENDOR_NAME "\n  url: " VENDOR_URL "\n"
				 "trust:\n  keys:\n"
				 "    - name: command\n      role: command\n      public_key: %s\n"
				 "    - name: release\n      role: release\n      public_key: %s\n"
				 "    - name: head\n      role: head\n      public_key: %s\n"
				 "journal:\n  segment: %s\n  max: %s\npoll:\n  idle: 30s\n  busy: %s\n",
				 vendor_public(s->vendor, "command", keys[0]), vendor_public(s->vendor, "release", keys[1]),
				 vendor_public(s->vendor, "head", keys[2]), odds_one_in(&s->odds, 2) ? "64KiB" : "4MiB",
				 odds_one_in(&s->odds, 4) ? "1MiB" : "64MiB", odds_one_in(&s->odds, 4) ? "2s" : "10s");
	sim_file_puts(s->w, "/etc/reeve/reeve.yaml", s->cfg_text);
}

void scene_run(uint64_t seed, bool verbose, struct scene_result *ret)
{
	struct scene *s = mem_new(struct scene);
	struct err e = { 0 };

	*ret = (struct scene_result){ .ok = false };
	s->verbose = verbose;
	s->w = sim_new(seed);
	s->odds.w = s->w;
	log_set(LOG_DEBUG, verbose ? tell : silent, s);
	if (verbose)
		sim_trace_to(s->w, stderr);
	s->aws = aws_sim_new(s->w, &s->odds);
	s->vendor = vendor_sim_new(s->w, &s->odds, s->aws);
	s->aws->watch = scene_watch;
	s->aws->watch_ctx = s;
	sim_http_handle(s->w, on_request, s);
	write_files(s);
	scene_script_make(s);
	if (config_load(s->w, "/etc/reeve/reeve.yaml", &s->cfg, &e) != 0) {
		odds_broken(&s->odds, "%s", err_text(&e));
	} else {
		if (odds_one_in(&s->odds, 3))
			s->cfg.journal_segment = odds_between(&s->odds, 2, 16) << 10; /* so that segments change in a short run */
		next_death(s);
		sim_set_crash_hook(s->w, on_crash_point, s);
		s->start_ms = 1;
		on_tick(s);
		play(s);
	}
	end(s);
	ret->ok = s->odds.broken[0] == '\0';
	snprintf(ret->why, sizeof(ret->why), "%s", s->odds.broken);
	snprintf(ret->digest, sizeof(ret->digest), "%s", sim_digest_hex(s->w));
	ret->virtual_ms = world_now_ms(s->w);
	sim_free(s->w);
	scene_promise_close(s);
	aws_sim_free(s->aws);
	vendor_sim_free(s->vendor);
	config_close(&s->cfg);
	mem_free(s->cfg_text);
	mem_free(s);
	log_set(LOG_INFO, NULL, NULL);
}
