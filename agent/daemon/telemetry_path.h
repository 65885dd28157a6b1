/* telemetry_path.h - collectors and shippers made, fed with what they need from above, and closed. For agent.c. */
#pragma once
#include <jansson.h>

#include "agent/config.h"
#include "agent/control/channel.h"
#include "agent/daemon/identity.h"
#include "agent/ops/policy.h"

struct telemetry;
struct shipper;

/* Where the spool cannot be read that is said (telemetry_trouble) and tried again; the rest of the agent works without. */
struct telemetry *telemetry_new(struct world *w, const struct config *c, const char *spool_dir, const struct identity *id,
				struct channel *ch);
/* Told at the end of each scrape, for calls of shipper_own: what others than the collectors count. ctx outlives it. */
void telemetry_also(struct telemetry *t, void (*own)(void *ctx, struct shipper *s), void *ctx);
void telemetry_rules(struct telemetry *t, const struct policy *p); /* called at each reading; acts when the policy changed */
const char *telemetry_trouble(const struct telemetry *t);          /* for a person; NULL: nothing is wrong */
void telemetry_look(struct telemetry *t);                          /* now and then: is anything being lost? */
json_t *telemetry_status(const struct telemetry *t);
void telemetry_close(struct telemetry *t, void (*done)(void *ctx), void *ctx);
