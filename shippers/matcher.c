/* matcher.c - see matcher.h. */
#include "shippers/matcher.h"

#define MATCH_LIMIT 50000   /* steps from one starting point */
#define DEPTH_LIMIT 5000    /* nested backtracking */
#define HEAP_LIMIT_KIB 2048 /* of one match */

/* In characters run over, of about a nanosecond. */
#define ITEM_COST 32
#define FIND_COST 128

/* Before each item of a pattern. */
static int on_item(pcre2_callout_block *at, void *ctx)
{
	struct matcher *m = ctx;

	/* Another starting point: what is run over counts from there. */
	if (at->start_match != m->start) {
		m->start = at->start_match;
		m->pos = at->start_match;
	}
	m->left -=
	    ITEM_COST + (int64_t)(at->current_position > m->pos ? at->current_position - m->pos : m->pos - at->current_position);
	m->pos = at->current_position;
	/* pcre2callout(3): a negative number ends the whole match with it. */
	return m->left < 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

void matcher_init(struct matcher *m)
{
	*m = (struct matcher){ .limits = pcre2_match_context_create(NULL),
			       .found = pcre2_match_data_create(1, NULL),
			       .left = MATCHER_COST };
	pcre2_set_match_limit(m->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(m->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(m->limits, HEAP_LIMIT_KIB);
	pcre2_set_callout(m->limits, on_item, m);
}

void matcher_close(struct matcher *m)
{
	pcre2_match_context_free(m->limits);
	pcre2_match_data_free(m->found);
}

void matcher_begin(struct matcher *m)
{
	m->left = MATCHER_COST;
}

bool matcher_spend(struct matcher *m, int64_t cost)
{
	m->left -= cost;
	return m->left >= 0;
}

uint64_t matcher_spent(const struct matcher *m)
{
	return (uint64_t)(MATCHER_COST - m->left);
}

int matcher_find(struct matcher *m, const pcre2_code *code, const char *s, size_t len, size_t at, size_t *from, size_t *to)
{
	const PCRE2_SIZE *spot = pcre2_get_ovector_pointer(m->found);
	int rc;

	/* What fails at its first character costs, too: a thousand matches on a line must not be free. */
	if (!matcher_spend(m, FIND_COST))
		return PCRE2_ERROR_MATCHLIMIT;
	m->start = m->pos = at;
	rc = pcre2_match(code, (PCRE2_SPTR)s, len, at, PCRE2_NO_UTF_CHECK, m->found, m->limits);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return rc;
	*from = spot[0] < spot[1] ? spot[0] : spot[1]; /* \K in a lookahead can turn them round */
	*to = spot[0] < spot[1] ? spot[1] : spot[0];
	return 1;
}
