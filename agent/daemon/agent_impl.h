/* agent_impl.h - the agent's insides: for agent.c, which wires and closes, and agent_status.c, which tells. */
#pragma once
#include "agent/daemon/agent.h"
#include "agent/aws/creds.h"
#include "agent/aws/imds.h"
#include "agent/base/closing.h"
#include "agent/base/sm.h"
#include "agent/control/channel.h"
#include "agent/control/inbox.h"
#include "agent/control/session.h"
#include "agent/daemon/diag.h"
#include "agent/daemon/identity.h"
#include "agent/daemon/stack_signal.h"
#include "agent/daemon/stocktake.h"
#include "agent/io/journal.h"
#include "agent/ops/op.h"
#include "agent/ops/ops.h"
#include "agent/daemon/telemetry_path.h"

enum { KEY_PATH, JOURNAL_DIR, SPOOL_DIR, OUTPUTS_DIR, DIAG_DIR, LOCK_PATH, PATHS };

/*  key -> finding -> recording -> up      any of them -> ending -> one close after the other -> closed
    finding -> up, when the journal is damaged and nothing can be recorded */
enum agent_state {
	AGENT_KEY,       /* its own key is read or made */
	AGENT_FINDING,   /* who is this machine? */
	AGENT_RECORDING, /* agent.started is on its way to the disk */
	AGENT_UP,
	AGENT_ENDING, /* the key may be half written */
	AGENT_CLOSE_FINDING,
	AGENT_CLOSE_SIGNAL,
	AGENT_CLOSE_SESSION,
	AGENT_CLOSE_TELEMETRY,
	AGENT_CLOSE_STOCKTAKE,
	AGENT_CLOSE_OPS,
	AGENT_CLOSE_JOURNAL,
	AGENT_CLOSE_CHANNEL,
	AGENT_CLOSE_CREDS,
	AGENT_CLOSE_IMDS,
	AGENT_CLOSED,
};

struct agent {
	struct world *w;
	const struct config *cfg;
	struct sm sm;
	void (*fatal)(void *ctx, const struct err *e);
	void *ctx;
	char *paths[PATHS];
	struct sign_key journal_key;
	struct disk_req key_disk;
	struct journal *journal;
	struct err journal_err; /* damage: read-only */
	bool has_been_up;       /* what is told of its identity stands until the end */
	struct imds *imds;
	struct creds *creds;
	struct aws *aws;
	struct identity_flow *finding;
	struct identity id;
	struct ops *ops;
	struct deed_diag *diag; /* what operations are lent */
	struct inbox inbox;
	struct channel *channel;
	struct session *session;
	struct telemetry *telemetry;
	struct stocktake *stocktake;
	struct owner owner;                /* of what it takes */
	struct stack_signal *stack_signal; /* NULL: no stack waits */
	struct journal_append created_rec, started_rec;
	struct opamp_attr identifying[4], describing[8];
	struct timer timer, ticker;
	uint64_t ticks, ticks_seen;
	int64_t started_ms;
	char summary[256], health[ERR_TEXT_MAX];
	struct closing closing;
};

void agent_own(void *ctx, struct shipper *s); /* agent_status.c: of what its operations see, as metrics; ctx is the agent */

static inline bool agent_is_up(const struct agent *a)
{
	return a->sm.now == AGENT_UP;
}

static inline bool agent_is_closing(const struct agent *a)
{
	return a->sm.now >= AGENT_ENDING;
}
