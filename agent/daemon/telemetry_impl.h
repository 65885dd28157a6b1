/* telemetry_impl.h - what the files of the telemetry know of each other. */
#pragma once
#include "agent/base/closing.h"
#include "agent/daemon/telemetry_path.h"
#include "collectors/host.h"
#include "collectors/journald.h"
#include "collectors/positions_gone.h"
#include "collectors/tail.h"
#include "shippers/auth_file.h"
#include "shippers/shipper.h"

struct telemetry {
	struct world *w;
	const struct config *c;
	struct channel *channel;
	struct shipper *shipper;   /* NULL: closed */
	struct auth_file customer; /* who we are at the customer's receiver */
	struct host *host;         /* NULL: no metrics are asked for, or the spool is not open yet */
	struct tail *tail;         /* NULL: no logs, or not yet */
	struct journald *journald; /* NULL: no units, or not yet */
	struct journald_source_config units[CONFIG_LOGS_MAX];
	struct positions positions;                 /* of the log files: the tail knows them, the shipper makes them durable */
	struct positions_gone gone;                 /* before there is a tail */
	void (*also)(void *ctx, struct shipper *s); /* or NULL */
	void *also_ctx;
	struct digest policy; /* whose rules are in force */
	bool has_policy;
	struct err wrong; /* why the policy has no rules that could be made; code 0: it has */
	uint64_t lost;    /* records of either kind, as last seen */
	int64_t lost_ms;  /* Unix ms: when that number last grew; 0: never */
	struct closing closing;
};

void telemetry_own(void *ctx, struct shipper *s); /* telemetry_status.c: what the collectors count, as metrics */
