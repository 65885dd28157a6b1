/* identity.h - who this agent is, found out at start: instance, region, account, role and its unique id. Configured values
 * are checked against what AWS says, never the other way round; a difference means the wrong machine, and the agent refuses. */
#pragma once
#include "agent/aws/call.h"
#include "agent/aws/imds.h"
#include "agent/aws/sts.h"
#include "agent/config.h"

struct identity {
	struct imds_identity instance;
	char domain[64];         /* amazonaws.com */
	const char *dual_suffix; /* api.aws, where AWS is asked at hosts that answer over IPv6 too; else NULL */
	struct sts_identity caller;
	char operate_role[2049]; /* ARN */
};

struct identity_flow;
/* rc 0: *id is whole and `aws` may be used. -ERR_DENIED: what is configured differs, nothing helps. Other failures are
 * retried inside for ever, with back-off, and logged. Called once, from the loop. */
typedef void identity_cb(void *ctx, int rc, const struct err *e);

struct identity_flow *identity_find(struct world *w, const struct config *c, struct imds *im, struct creds *creds,
				    struct identity *ret, struct aws **ret_aws, identity_cb *cb, void *ctx);
const char *identity_trouble(const struct identity_flow *f); /* or "" */
/* Stops the search; done comes later, cb does not. After cb only frees. */
void identity_close(struct identity_flow *f, void (*done)(void *ctx), void *ctx);
