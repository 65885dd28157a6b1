/* report.h - the agent's snapshot for the vendor: what was accepted, how each command stands, how the agent is.
 *
 * As long as it fits, a report tells every command: those that are open, and those whose result is not acknowledged. What
 * does not fit is told in turns: a report leaves commands out then, and says nothing of them by that. Always in it is the
 * command that was not told for the longest time, so every one has its turn whatever is acknowledged; then come those that
 * changed, what is open before results; then whoever waited longest. */
#pragma once
#include "agent/base/buf.h"
#include "agent/base/digest.h"
#include "agent/base/sign.h"
#include "agent/control/inbox.h"
#include "agent/io/journal.h"
#include "agent/ops/ops.h"

#define REPORT_MAX (256u << 10)
#define REPORT_COMMANDS_MAX 256

struct report_args {
	struct ops *ops;
	const struct inbox *inbox;
	const struct journal *journal; /* NULL: damaged */
	const struct sign_public *journal_key;
};

/* What was told of a command and when; what it was like is kept as a hash. */
struct report_mark {
	uint8_t id[16];
	uint64_t since_no; /* the last report that told it, or the last one before there was anything to tell of it */
	struct digest sent, known;
};

/* What the vendor was told so far. Nothing yet: zeroes. */
struct report_memory {
	struct report_mark marks[REPORT_COMMANDS_MAX];
	size_t n;
	uint64_t no; /* of the newest report */
};

/* Packed, at most REPORT_MAX. *ret_more: a change did not fit, the next report is due at once. */
int report_build(const struct report_args *a, struct report_memory *m, struct buf *to, bool *ret_more, struct err *e);
void report_arrived(struct report_memory *m); /* the newest one: what it told is no change any more */
