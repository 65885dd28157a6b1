/* journal.h - the one append-only, hash-chained record: recovery log and audit log at once (docs/formats.md section 1).
 *
 * JSON Lines in segments "<first seq, 16 digits>.jsonl"; every line carries the SHA-256 of the one before. Appends that come
 * while the disk is busy travel together. An append calls back when its line is durable; a disk that refuses is asked again
 * with back-off, for ever, with the same bytes in the same place: a record that is not durable has not happened, and its
 * owner simply waits. On a full disk the reserve file is given up, so that what is already running can be finished and
 * told, and journal_is_tight says "start nothing new" until there is room again.
 *
 * A new segment begins with a checkpoint that the owner makes, spread over as many lines as it needs: recovery begins with the
 * newest segment whose checkpoint is whole, most often the last one. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/digest.h"
#include "agent/base/err.h"
#include "agent/base/list.h"
#include "agent/io/journal_read.h"
#include "agent/io/world.h"

struct journal;
struct journal_append;
typedef void journal_cb(struct journal_append *a);

/* One record on its way; the owner's until cb, zero at birth. There is no failure: see above. A record of more than
 * JOURNAL_RECORD_MAX is a mistake of its owner's: it is never written and never calls back, and journal_trouble names it. */
struct journal_append {
	struct list link;
	journal_cb *cb;
	const char *type;
	json_t *members; /* the journal drops it */
	uint64_t seq;    /* known in cb */
	bool waiting;
};

struct journal_config {
	const char *dir;
	uint64_t segment_bytes, max_bytes;
	void *ctx;
	/* Members of a checkpoint: all open state as of the newest durable record. `records`, if there is one, is an array whose
	 * elements are spread over the lines; each was a record once, or is smaller than one. */
	json_t *(*checkpoint)(void *ctx);
	uint64_t (*oldest_open)(void *ctx); /* seq of the first record of any open operation; UINT64_MAX: none */
	/* Once at most, from the loop: lines that were read at the start never became durable and are gone. Close, and open
	 * anew. */
	void (*lost)(void *ctx, const struct err *e);
};

/* Hands the records from the newest whole checkpoint on to `visit`, oldest first: the first of them are that checkpoint's lines
 * (`part` counts from 1, `more` says that another follows; a checkpoint of one line has neither), unless the journal has one
 * segment alone. Before the first append a torn tail is cut and what was read is made durable: nobody acts on
 * what was read before an append of his own has called back. Damage is -ERR_CORRUPT: the journal must not be
 * written, and the caller goes read-only. No journal at all is fine: *ret_empty. cfg is copied; texts must stay. */
int journal_open(struct world *w, const struct journal_config *cfg, journal_visit *visit, void *visit_ctx, bool *ret_empty,
		 struct journal **ret, struct err *e);

void journal_append(struct journal *j, struct journal_append *a, const char *type, json_t *members, journal_cb *cb);
/* Withdraws an append that has not been handed to the disk; after this no callback comes and the memory is the owner's. An
 * append that is already with the disk still becomes durable. */
void journal_forget(struct journal *j, struct journal_append *a);

uint64_t journal_seq(const struct journal *j);        /* of the newest durable line; 0: none */
struct digest journal_head(const struct journal *j);  /* its SHA-256 */
bool journal_is_tight(const struct journal *j);       /* the disk is full: start nothing new */
const char *journal_trouble(const struct journal *j); /* why appends do not get through, or NULL */
/* How long the disk has owed an answer to a request of the journal; 0: none is asked. A disk that refuses has answered. */
uint64_t journal_hangs_ms(const struct journal *j);
/* Lets the disk finish and drops what waits, without a callback; its users are closed before, or in the same event. */
void journal_close(struct journal *j, void (*done)(void *ctx), void *ctx);
