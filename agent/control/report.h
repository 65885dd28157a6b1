/* report.h - the agent's full snapshot for the vendor: what was accepted, how each command stands, how the agent is. */
#pragma once
#include "agent/base/buf.h"
#include "agent/base/sign.h"
#include "agent/control/inbox.h"
#include "agent/io/journal.h"
#include "agent/ops/ops.h"

#define REPORT_MAX (256u << 10)

struct report_args {
	struct ops *ops;
	const struct inbox *inbox;
	const struct journal *journal; /* NULL: damaged */
	const struct sign_public *journal_key;
};

/* Packed, at most REPORT_MAX: what does not fit is left for the next one and *ret_more says so. */
int report_build(const struct report_args *a, struct buf *to, bool *ret_more, struct err *e);
