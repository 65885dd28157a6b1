/* rules.h - what may leave, compiled from the customer's policy: allow-lists of metric names and log paths, patterns whose
 * lines stay here, patterns and detectors (detect.h) whose finds are masked, or replaced by an HMAC under the customer's key.
 *
 * Patterns come first, in the order of the policy, then the detectors. Each looks at what those before it have left, and one look
 * over the text (sieve.h) tells which of them have a reason to: a clean line costs about as much as reading it.
 *
 * It fails closed: without rules nothing leaves, and a text on which a pattern runs into its limits, or which is no UTF-8, is
 * dropped whole. The work on one record has a budget too, all its texts and patterns together (matcher.h): about four
 * milliseconds that no line can make longer, whatever the patterns are. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/base/secret.h"
#include "agent/base/telemetry.h"
#include "shippers/tally.h"

enum rules_verdict {
	RULES_PASS,
	RULES_DENIED,  /* not on the allow-list */
	RULES_DROPPED, /* a drop pattern matched */
	RULES_FAILED,  /* a pattern met its limits, the budget is used up, no UTF-8, or the masked text is too large */
};

#define RULES_TEXT_MAX (1u << 20) /* of one text, masked */

struct rules;

/* An invalid pattern is an error that names it, and so is a rule that wants an HMAC where there is no key (NULL). The key is
 * copied; what the rules do is counted in `tally`, which outlives them, or not at all (NULL). */
int rules_new(const struct telemetry_rules *t, const struct secret *key, struct tally *tally, struct rules **ret, struct err *e);
void rules_free(struct rules *r);
void rules_begin(struct rules *r); /* a new record, with a budget of its own; NULL is fine */
bool rules_metric(const struct rules *r, const char *name);
bool rules_path(const struct rules *r, const char *path); /* may lines of this file leave at all? */
bool rules_have_patterns(const struct rules *r);          /* else a text costs next to nothing */
uint64_t rules_spent(const struct rules *r); /* of the record's budget (matcher.h): about a nanosecond each; never NULL */
/* May this text leave: does no drop pattern match? It masks nothing. */
enum rules_verdict rules_text(struct rules *r, const char *body, size_t len);
/* Masks one text: *text and *len stay as they are when nothing matches, else they lead into `room`. */
enum rules_verdict rules_mask(struct rules *r, const char **text, size_t *len, struct buf *room);
enum rules_verdict rules_line(struct rules *r, const char **text, size_t *len, struct buf *room); /* both, with one look */
/* As rules_mask, for a line of which the first *begun bytes have left already. *begun follows to where the rest begins: a mask that
 * covers bytes of the rest belongs to it, wherever its match began. *ret_touched: there is such a mask. */
enum rules_verdict rules_mask_rest(struct rules *r, const char **text, size_t *len, size_t *begun, bool *ret_touched,
				   struct buf *room);
/* For tests: every rule looks at every text, as if none had a gram. */
void rules_look_at_all(struct rules *r);
