/* agent.h - everything together: the only file that knows all components.
 *
 * Start: state folder and lock -> own key -> journal replayed -> identity -> login, polls, operations, telemetry. Until the
 * identity is known nothing is asked of the vendor and nothing is changed; the local socket answers all the time. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/io/world.h"

struct agent;

/* `cfg` must outlive the agent. `fatal` comes at most once, from the loop: the agent cannot run here, close it. */
int agent_new(struct world *w, const struct config *cfg, void (*fatal)(void *ctx, const struct err *e), void *ctx,
	      struct agent **ret, struct err *e);
void agent_close(struct agent *a, void (*done)(void *ctx), void *ctx); /* stops where it stands; nothing is lost */

/* For the local socket, the service manager and tests. */
json_t *agent_status(struct agent *a);
/* What a command does, by what a person types for it (handle.h): an HTTP status, and JSON that answers or says why not. */
int agent_plan(struct agent *a, const char *typed, json_t **ret);
/* What the account holds of ours, for one who has waited since then (monotonic): the same, or 0: ask again; never for his last
 * time. */
int agent_inventory(struct agent *a, uint64_t since_ms, bool is_last, json_t **ret);
const char *agent_summary(struct agent *a); /* one line, for STATUS= of the service manager */
/* Identity and journal are known, and what the policy says or that there is none: READY=1 of the service manager. */
bool agent_is_ready(const struct agent *a);
#define AGENT_HUNG_MS 30000 /* a disk of EBS answers within a second; it may be slow for a few */
/* Since the last time this was asked, for the watchdog: the loop turns, and the journal gets its answers from the disk. */
bool agent_has_progressed(struct agent *a);
