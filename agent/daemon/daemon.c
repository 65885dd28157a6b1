/* daemon.c - reeve run: the daemon around the agent: signals, the local socket, the service manager, the watchdog.
 *
 * Happy path: environment checked -> configuration -> agent -> socket -> identity, journal and policy known -> READY. While it
 * is not ready and alive, it asks the service manager for more time. SIGTERM, SIGINT and SIGQUIT close the agent and end the
 * process with 0; a second one changes nothing, because closing is quick and what is cut off goes on at the next start. SIGHUP is
 * answered by a log line, because nothing is read again on demand; no other signal ends us by chance.
 * A thread that a name server or a file system still holds is left behind: exit would wait for it. */
#include "agent/daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/daemon/agent.h"
#include "agent/base/faults.h"
#include "agent/base/footprint.h"
#include "agent/base/log.h"
#include "agent/base/str.h"
#include "agent/daemon/proxy.h"
#include "agent/daemon/socket.h"
#include "agent/io/sd_notify.h"
#include "agent/io/world_uv.h"

#define TICK_MS 1000
#define WATCHDOG_LEAST_MS (3ull * TICK_MS)
#define STALL_MS 6000 /* the agent's timer fires every two seconds */
#define EXTEND_EVERY_MS 15000
#define SHRINK_EVERY_MS 60000 /* a burst of work is over by then, and what it took is given back */
#define EXTEND_MORE "EXTEND_TIMEOUT_USEC=60000000"

struct daemon {
	struct world *w;
	struct config cfg;
	struct agent *agent;
	struct socket *socket;
	struct sig term, intr, quit, hup;
	struct timer tick;
	uint64_t watchdog_ms, petted_ms, moved_ms, tick_ms, extended_ms, shrunk_ms;
	bool is_ready, closing;
	int status;
};

/* A key in the environment would not be used: the agent's keys are those of the instance role alone. The start fails, so that
 * nobody takes it for effective. */
static int check_environment(struct err *e)
{
	static const char *const forbidden[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		if (getenv(forbidden[i]) != NULL)
			return err_set(e, ERR_DENIED, "%s is set; the agent's identity is the instance role alone: unset it",
				       forbidden[i]);
	return 0;
}

static void on_closed(void *ctx)
{
	struct daemon *d = ctx;

	timer_stop(d->w, &d->tick);
	world_uv_stop(d->w);
}

static void on_socket_closed(void *ctx)
{
	struct daemon *d = ctx;

	agent_close(d->agent, on_closed, d);
}

static void stop(struct daemon *d, int status)
{
	/* The first word counts: what fails while it closes does not turn an orderly end into a failure. */
	if (d->closing)
		return;
	d->closing = true;
	d->status = status;
	sd_notify("STOPPING=1");
	/* The socket goes first: it asks the agent, which must not be gone while a request is answered. */
	if (d->socket != NULL)
		socket_close(d->socket, on_socket_closed, d);
	else
		on_socket_closed(d);
}

static void on_term(struct sig *s)
{
	stop(container_of(s, struct daemon, term), 0);
}

static void on_intr(struct sig *s)
{
	stop(container_of(s, struct daemon, intr), 0);
}

static void on_quit(struct sig *s)
{
	stop(container_of(s, struct daemon, quit), 0);
}

static void on_hup(struct sig *s)
{
	(void)s;
	log_info("agent.hangup", "effect=none next=\"the policy is read as it changes, reeve.yaml at a start\"");
}

/* The kernel's default for these signals is to end the process at once, without closing anything. */
static void ignore_strays(void)
{
	static const int strays[] = { SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGTTOU };

	for (size_t i = 0; i < ARRAY_LEN(strays); i++)
		signal(strays[i], SIG_IGN);
	/* SIGRTMIN is asked of glibc at run time: the first few are its own for threads (signal(7)). */
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		signal(i, SIG_IGN);
}

static int listen_to_signals(struct daemon *d, struct err *e)
{
	TRY(d->w->sig_start(d->w, &d->term, SIGTERM, on_term, e));
	TRY(d->w->sig_start(d->w, &d->intr, SIGINT, on_intr, e));
	TRY(d->w->sig_start(d->w, &d->quit, SIGQUIT, on_quit, e));
	return d->w->sig_start(d->w, &d->hup, SIGHUP, on_hup, e);
}

static void on_fatal(void *ctx, const struct err *e)
{
	(void)e; /* the component that failed has logged it */
	stop(ctx, 1);
}

static bool is_moving(const struct daemon *d, uint64_t now)
{
	return now - d->moved_ms < STALL_MS;
}

/* Finding the identity may take as long as the metadata service and STS take. So more time is asked for as long as the agent's
 * timer fires. */
static void tell_start(struct daemon *d, uint64_t now)
{
	if (d->is_ready)
		return;
	d->is_ready = agent_is_ready(d->agent);
	if (d->is_ready) {
		log_info("agent.ready", "summary=%s", agent_summary(d->agent));
		sd_notify("READY=1");
	} else if (now - d->extended_ms >= EXTEND_EVERY_MS && is_moving(d, now)) {
		/* The minute counts from each message (sd_notify(3)). It is asked for four times as often, so one
		 * that is lost does no harm. */
		d->extended_ms = now;
		sd_notify(EXTEND_MORE);
	}
}

static void shrink_now_and_then(struct daemon *d, uint64_t now)
{
	if (now - d->shrunk_ms < SHRINK_EVERY_MS)
		return;
	d->shrunk_ms = now;
	footprint_shrink();
}

/* WATCHDOG=1 is sent only while the agent's own timer fires. */
static void on_tick(struct timer *t)
{
	struct daemon *d = container_of(t, struct daemon, tick);
	uint64_t now = world_now_ms(d->w);
	char status[300];

	snprintf(status, sizeof(status), "STATUS=%s", agent_summary(d->agent));
	sd_notify(status);
	if (agent_has_progressed(d->agent))
		d->moved_ms = now;
	tell_start(d, now);
	shrink_now_and_then(d, now);
	/* The service manager begins to watch at READY. Half of its interval is what sd_watchdog_enabled(3) recommends. */
	if (d->is_ready && d->watchdog_ms > 0 && now - d->petted_ms >= d->watchdog_ms / 2 && is_moving(d, now)) {
		d->petted_ms = now;
		sd_notify("WATCHDOG=1");
	}
	timer_start(d->w, t, d->tick_ms, on_tick);
}

/* An interval that a busy machine may miss is said to be one, and a longer one is asked for; until the service manager grants it,
 * and where it does not, the ticks are as many as it takes. */
static void start_watchdog(struct daemon *d)
{
	char wish[64];

	d->watchdog_ms = sd_watchdog_ms();
	d->tick_ms = TICK_MS;
	d->moved_ms = world_now_ms(d->w);
	if (d->watchdog_ms == 0 || d->watchdog_ms >= WATCHDOG_LEAST_MS)
		return;
	log_warn("watchdog.short",
		 "interval_ms=%llu least_ms=%llu next=\"%llu ms are asked for; set WatchdogSec= to more than that\"",
		 (unsigned long long)d->watchdog_ms, WATCHDOG_LEAST_MS, 2 * WATCHDOG_LEAST_MS);
	/* Four ticks an interval: also when one is late, there is another before the interval is over. */
	d->tick_ms = d->watchdog_ms / 4 + 1;
	snprintf(wish, sizeof(wish), "WATCHDOG_USEC=%llu", 2 * WATCHDOG_LEAST_MS * 1000);
	sd_notify(wish);
}

static int start(struct daemon *d, struct err *e)
{
	/* Before the agent is made, so that a SIGTERM during its start ends it in order, too. */
	TRY(listen_to_signals(d, e));
	TRY(agent_new(d->w, &d->cfg, on_fatal, d, &d->agent, e));
	/* It cannot fail: a socket that could not be made is tried again, and the agent works without. */
	d->socket = socket_new(d->w, d->cfg.socket, d->agent);
	start_watchdog(d);
	timer_start(d->w, &d->tick, 0, on_tick);
	log_info("agent.start", "version=%s config=%s installation=%s vendor=%s", REEVE_VERSION, d->cfg.path, d->cfg.installation,
		 d->cfg.vendor_url);
	d->extended_ms = d->petted_ms = d->shrunk_ms = world_now_ms(d->w);
	return 0;
}

/* Each fault has its line in the log: whoever mends the file mends it once. */
static int load(struct world *w, const char *path, struct config *ret, struct err *e)
{
	struct faults f = { 0 };

	config_check(w, path, ret, &f);
	for (size_t i = 0; i < f.n; i++)
		log_error("config.wrong", "err=%s", err_text(&f.v[i]));
	return faults_first(&f, e);
}

static int daemon_run(const char *path, bool *ret_held, struct err *e)
{
	struct daemon d = { .w = world_uv_new(e) };
	int rc;

	if (d.w == NULL)
		return -e->code;
	rc = load(d.w, path, &d.cfg, e);
	if (rc == 0) {
		log_set(d.cfg.log_level, NULL, NULL);
		rc = proxy_load(d.w, getenv("CREDENTIALS_DIRECTORY"), &d.cfg.proxy, e);
	}
	if (rc == 0) {
		rc = start(&d, e);
	}
	if (rc == 0)
		world_uv_run(d.w);
	d.w->sig_stop(d.w, &d.term);
	d.w->sig_stop(d.w, &d.intr);
	d.w->sig_stop(d.w, &d.quit);
	d.w->sig_stop(d.w, &d.hup);
	*ret_held = !world_uv_free(d.w);
	config_close(&d.cfg);
	return rc != 0 ? rc : d.status;
}

int daemon_main(const char *config_path)
{
	struct err e = { 0 };
	bool held = false;
	int rc;

	footprint_begin();
	ignore_strays();
	rc = check_environment(&e);
	if (rc == 0)
		rc = daemon_run(config_path, &held, &e);
	if (rc < 0)
		log_error("agent.failed", "err=%s", err_text(&e));
	rc = rc < 0 ? 1 : rc;
	if (held)
		_exit(rc);
	return rc;
}
