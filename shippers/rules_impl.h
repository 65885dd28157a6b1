/* rules_impl.h - what the files of the rules know of each other. */
#pragma once
#include "shippers/detect.h"
#include "shippers/matcher.h"
#include "shippers/rules.h"
#include "shippers/streak.h"
#include "shippers/sieve.h"

/* A gram of a rule in the sieve, and the run that the text must hold beside it (clue.h). */
struct rules_way {
	uint64_t bit;
	struct streak run;
};

struct rule {
	pcre2_code *code;              /* NULL: a detector */
	enum telemetry_detector which; /* of one */
	char *mask;                    /* "[REDACTED:name]", "[HMAC:name:"; NULL: it drops */
	bool is_hmac;
	uint64_t bits; /* of its ways */
	struct rules_way *ways;
	size_t ways_n; /* 0: it looks at every text */
	struct tally_one *counts;
};

struct rules {
	char **metrics, **logs;
	size_t metrics_n, logs_n;
	struct rule *v;
	size_t drop_n, n; /* those that drop come first */
	struct sieve sieve;
	struct matcher matcher;
	struct secret key;
	struct tally unread; /* where nobody wants the counts */
};

/* The grams of this text; false: the budget is used up. */
bool rules_look(struct rules *r, const char *s, size_t len, uint64_t *ret_hits);
bool rules_has_way(const struct rule *rule, uint64_t hits, const char *s, size_t len);
/* Has this rule a reason to run on the text with these grams? */
static inline bool rules_may_find(const struct rule *rule, uint64_t hits, const char *s, size_t len)
{
	return rule->ways_n == 0 || ((hits & rule->bits) != 0 && rules_has_way(rule, hits, s, len));
}
/* The rules that mask, one after the other, on a text that is UTF-8 and has these grams. */
enum rules_verdict rules_mask_all(struct rules *r, uint64_t hits, const char **text, size_t *len, size_t *begun, bool *ret_touched,
				  struct buf *room);
