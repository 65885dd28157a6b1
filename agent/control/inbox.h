/* inbox.h - what the vendor wants, checked: signatures, binding, epoch, sequence, expiry, head (docs/wire.md).
 *
 * Nothing in an intent is believed but what a trusted key signed. The intent is a snapshot: it may come twice, late and out
 * of order, and taking it again is harmless. Commands are accepted one after the other, by ascending sequence. */
#pragma once
#include <stdbool.h>

#include "agent/control/trust.h"
#include "agent/io/world.h"
#include "agent/ops/ops.h"

#define INBOX_REFUSALS 8
#define INBOX_INTENT_MAX (2u << 20) /* 1 MiB of commands, or one that is larger, and the head */

#define INBOX_CANCELLED_MAX (64u << 10)

struct inbox_binding {
	const char *installation, *account, *region, *role_id;
};

struct inbox_refusal {
	struct digest digest;
	char reason[128];
	int64_t time_ms;
};

struct inbox {
	struct world *w;
	struct ops *ops;
	const struct trust *trust;
	struct inbox_binding binding;
	struct buf last;           /* the newest intent, while something in it waits for its turn or for room */
	bool is_left;              /* something does */
	struct buf cancelled;      /* ids of heads, the newest last: a cancel may come before its command, or with it */
	struct digest head_digest; /* of the newest head that a head key signed */
	struct inbox_told {
		const char *reason;
		uint64_t at_ms;
	} told[12]; /* what was wrong with heads, and when that was last put on the record */
	int64_t head_issued_ms, head_expires_ms;
	uint64_t head_until_ms;                        /* monotonic: ten minutes after it was first seen */
	struct inbox_refusal refusals[INBOX_REFUSALS]; /* newest first */
	size_t refusals_n;
	uint64_t waiting[32]; /* seqs behind a gap, or for which there is no room yet */
	size_t waiting_n;
};

void inbox_init(struct inbox *in, struct world *w, struct ops *ops, const struct trust *trust, const struct inbox_binding *b);
void inbox_close(struct inbox *in);
/* Undecodable bytes, and more of them or more in them than the limits allow, are an error; a refused command is not. */
int inbox_take(struct inbox *in, const void *intent, size_t len, struct err *e);
void inbox_again(struct inbox *in); /* an acceptance is done: the next one of the newest intent */
/* For ten minutes from its issue, and for ten from when it was first seen, by the monotonic clock: the earlier end counts. A
 * vendor's clock may be two minutes ahead of ours. */
bool inbox_head_is_fresh(const struct inbox *in);
bool inbox_is_release_signed(const struct inbox *in, const void *signed_bytes, size_t len);
