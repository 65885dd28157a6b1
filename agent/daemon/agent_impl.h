/* agent_impl.h - the agent's insides: for agent.c, which wires and closes, and agent_status.c, which tells. */
#pragma once
#include "agent/daemon/agent.h"
#include "agent/aws/creds.h"
#include "agent/aws/imds.h"
#include "agent/base/closing.h"
#include "agent/control/channel.h"
#include "agent/control/inbox.h"
#include "agent/control/session.h"
#include "agent/daemon/identity.h"
#include "agent/io/journal.h"
#include "agent/ops/op.h"
#include "agent/ops/ops.h"
#include "agent/daemon/telemetry.h"

enum { KEY_PATH, JOURNAL_DIR, SPOOL_DIR, LOCK_PATH, PATHS };

struct agent {
	struct world *w;
	const struct config *cfg;
	void (*fatal)(void *ctx, const struct err *e);
	void *ctx;
	char *paths[PATHS];
	struct sign_key journal_key;
	struct disk_req key_disk;
	struct journal *journal;
	struct err journal_err; /* damage: read-only */
	bool journal_is_new, is_up;
	struct imds *imds;
	struct creds *creds;
	struct aws *aws;
	struct identity_flow *finding;
	struct identity id;
	struct ops *ops;
	struct inbox inbox;
	struct channel *channel;
	struct session *session;
	struct telemetry *telemetry;
	struct journal_append created_rec, started_rec;
	struct opamp_attr identifying[4], describing[8];
	struct timer timer, ticker;
	uint64_t ticks, ticks_seen;
	int64_t started_ms;
	char summary[256], health[ERR_TEXT_MAX];
	/* close */
	unsigned closing; /* the next closer */
	struct closing end;
};
