/* session.h - the polls: report out, intent in, over and over.
 *
 * One request at a time. Idle: every idle_ms, or at once after a poll that the vendor held (Prefer: wait=20), so that a
 * command starts within one round trip. While something runs: every busy_ms. While changes do not fit into one report
 * (report.h): 100 ms after each part, until all were told once; whether the vendor acknowledges them changes no cadence.
 * A held poll is not aborted but at shutdown: a vendor that is gone is noticed by its connection (world.h), and ten minutes
 * without an answer mean that something between us keeps a dead connection alive.
 * No answer, 429, 503: back-off 1 s .. 5 min, Retry-After and RetryInfo honoured up to 15 min. 401: log in again. */
#pragma once
#include "agent/control/channel.h"
#include "agent/control/inbox.h"
#include "agent/control/opamp.h"
#include "agent/control/report.h"
#include "agent/control/trouble.h"

struct session;

struct session_config {
	const char *url; /* of the vendor */
	const char *ca_file, *connect_to;
	const struct http_proxy *proxy;
	uint64_t idle_ms, busy_ms;
	struct channel *channel;
	struct inbox *inbox;
	struct report_args report;
	struct opamp_state state; /* texts must stay; uid, sequence and health are kept here */
	void *ctx;
	void (*health)(void *ctx, struct opamp_state *s); /* sets is_healthy, status, error before each message */
};

struct session *session_new(struct world *w, const struct session_config *cfg);
void session_kick(struct session *s);               /* something to tell, or logged in: poll soon */
bool session_is_connected(const struct session *s); /* the last poll was answered well */
bool session_is_logged_in(const struct session *s);
const struct trouble *session_trouble(const struct session *s); /* why the last login or poll failed; never NULL */
int64_t session_last_ms(const struct session *s);               /* Unix ms of the last good answer; 0: none */
void session_close(struct session *s, void (*done)(void *ctx), void *ctx);
