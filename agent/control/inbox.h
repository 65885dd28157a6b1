/* inbox.h - what the vendor wants, checked: signatures, binding, epoch, sequence, expiry, head (FORMATS.md).
 *
 * Nothing in an intent is believed but what a trusted key signed. The intent is a snapshot: it may come twice, late and out
 * of order, and taking it again is harmless. Commands are accepted one after the other, by ascending sequence. */
#pragma once
#include <stdbool.h>

#include "agent/control/trust.h"
#include "agent/io/world.h"
#include "agent/ops/ops.h"

#define INBOX_REFUSALS 8

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
	struct buf last; /* the newest intent, for when there is room again */
	int64_t head_issued_ms, head_expires_ms;
	struct inbox_refusal refusals[INBOX_REFUSALS]; /* newest first */
	size_t refusals_n;
	uint64_t waiting[32]; /* seqs behind a gap, or for which there is no room yet */
	size_t waiting_n;
};

void inbox_init(struct inbox *in, struct world *w, struct ops *ops, const struct trust *trust, const struct inbox_binding *b);
void inbox_close(struct inbox *in);
/* Undecodable bytes are an error; a refused command is not. */
int inbox_take(struct inbox *in, const void *intent, size_t len, struct err *e);
void inbox_again(struct inbox *in); /* an acceptance is done: the next one of the newest intent */
bool inbox_head_is_fresh(const struct inbox *in);
bool inbox_is_release_signed(const struct inbox *in, const void *signed_bytes, size_t len);
