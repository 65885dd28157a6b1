/* sieve.h - one pass over a text tells for all rules at once which of them it gives no reason to run.
 *
 * A gram is up to SIEVE_WIDTH bytes in a row, each one of a set. A rule with grams can find nothing in a text that holds none of
 * them (clue.h finds grams of a pattern, detect.h has those of the detectors). Each gram has a bit; sieve_look answers with the
 * bits of all grams that are in the text. It takes four reads of memory a byte, whatever the number of rules.
 *
 * There are 64 bits. Grams that come when all are given out share the last few: a text is then let through more often, and never
 * less. */
#pragma once
#include <stddef.h>

#include "shippers/byteset.h"

#define SIEVE_WIDTH 4
#define SIEVE_BITS 64

/* A place that is not asked for holds all bytes. */
struct sieve_gram {
	struct byteset at[SIEVE_WIDTH];
};

struct sieve {
	uint64_t is[SIEVE_WIDTH][256]; /* by place and byte: the grams that take it there */
	unsigned n;                    /* grams added */
};

struct sieve_gram sieve_gram_any(void); /* takes every text, the empty one too */
/* From text, a set a place (byteset_read). */
struct sieve_gram sieve_gram_of(const char *text);
uint64_t sieve_add(struct sieve *v, const struct sieve_gram *g); /* its bit */
uint64_t sieve_look(const struct sieve *v, const char *text, size_t len);
