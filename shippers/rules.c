/* rules.c - see rules.h. PCRE2's interpreter, under limits; no code is made at run time (the unit forbids memory that is writable
 * and executable), so a pattern runs in production exactly as a customer has measured it.
 *
 * PCRE2's own limits hold for one starting point of a match, and a line has as many of these as characters; nor do they count
 * what a class runs over. So every pattern is compiled with a callout before each of its items, and these count both: the
 * items tried and the distance from one to the next. The sum over a record is its budget.
 *
 * Happy path: rules_new compiles every pattern once; rules_line and rules_mask run them over each text.
 * Fails: at compile time with the pattern's name and place; at match time by answering RULES_FAILED, never by a pass.
 * Closing frees the patterns. */
#include "shippers/rules.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pattern.h"
#include "agent/base/str.h"

#define MATCH_LIMIT 50000   /* steps from one starting point */
#define DEPTH_LIMIT 5000    /* nested backtracking */
#define HEAP_LIMIT_KIB 2048 /* of one match */

/* In characters run over, of about a nanosecond. What is usual on a line of 64 KiB, ten patterns with a look or two at each
 * place, takes half of it. */
#define RECORD_COST (INT64_C(32) << 20)
#define ITEM_COST 16
#define FIND_COST 512

struct pattern {
	pcre2_code *code;
	char *mask; /* "[REDACTED:name]"; NULL: drops */
};

struct rules {
	char **metrics, **logs;
	size_t metrics_n, logs_n;
	struct pattern *drop, *redact;
	size_t drop_n, redact_n;
	pcre2_match_context *limits;
	pcre2_match_data *found;
	int64_t left;          /* of the record's budget; below 0 it stays until the next record */
	PCRE2_SIZE start, pos; /* of the last item tried */
};

static int compile(struct pattern *p, const char *what, const char *name, const char *text, struct err *e)
{
	int rc = pattern_compile(text, &p->code, e);

	return rc == 0 ? 0 : err_wrap(e, rc, "%s pattern '%s'", what, name);
}

/* Before each item of a pattern. */
static int on_item(pcre2_callout_block *at, void *ctx)
{
	struct rules *r = ctx;

	/* Another starting point: what is run over counts from there. */
	if (at->start_match != r->start) {
		r->start = at->start_match;
		r->pos = at->start_match;
	}
	r->left -=
	    ITEM_COST + (int64_t)(at->current_position > r->pos ? at->current_position - r->pos : r->pos - at->current_position);
	r->pos = at->current_position;
	/* pcre2callout(3): a negative number ends the whole match with it. */
	return r->left < 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static char **copy_globs(char *const *from, size_t n)
{
	char **to = mem_alloc(n * sizeof(*to));

	for (size_t i = 0; i < n; i++)
		to[i] = mem_str(from[i]);
	return to;
}

static int compile_all(struct rules *r, const struct telemetry_rules *t, struct err *e)
{
	r->drop = mem_alloc(t->drop_n * sizeof(*r->drop));
	r->redact = mem_alloc(t->redact_n * sizeof(*r->redact));
	for (; r->drop_n < t->drop_n; r->drop_n++)
		TRY(compile(&r->drop[r->drop_n], "drop", t->drop[r->drop_n], t->drop[r->drop_n], e));
	for (; r->redact_n < t->redact_n; r->redact_n++) {
		const struct telemetry_redact *from = &t->redact[r->redact_n];

		TRY(compile(&r->redact[r->redact_n], "redact", from->name, from->pattern, e));
		r->redact[r->redact_n].mask = mem_printf("[REDACTED:%s]", from->name);
	}
	return 0;
}

int rules_new(const struct telemetry_rules *t, struct rules **ret, struct err *e)
{
	struct rules *r = mem_new(struct rules);
	int rc;

	r->metrics = copy_globs(t->metrics, r->metrics_n = t->metrics_n);
	r->logs = copy_globs(t->logs, r->logs_n = t->logs_n);
	r->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(r->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KIB);
	pcre2_set_callout(r->limits, on_item, r);
	r->found = pcre2_match_data_create(1, NULL);
	rc = compile_all(r, t, e);
	if (rc != 0)
		rules_free(r);
	else
		*ret = r;
	return rc;
}

static void free_patterns(struct pattern *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pcre2_code_free(p[i].code);
		mem_free(p[i].mask);
	}
	mem_free(p);
}

static void free_globs(char **globs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mem_free(globs[i]);
	mem_free(globs);
}

void rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	free_globs(r->metrics, r->metrics_n);
	free_globs(r->logs, r->logs_n);
	free_patterns(r->drop, r->drop_n);
	free_patterns(r->redact, r->redact_n);
	pcre2_match_context_free(r->limits);
	pcre2_match_data_free(r->found);
	mem_free(r);
}

/* ---- at each record -------------------------------------------------------------------------------------------------- */

static bool any_glob(char *const *globs, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (str_glob(globs[i], s))
			return true;
	return false;
}

bool rules_metric(const struct rules *r, const char *name)
{
	return r != NULL && any_glob(r->metrics, r->metrics_n, name);
}

void rules_begin(struct rules *r)
{
	if (r != NULL)
		r->left = RECORD_COST;
}

/* 1: found at [*from, *to), 0: not found, negative: a limit was met. The text is UTF-8: asked
 * once, since PCRE2 asks again at each match. */
static int find(struct rules *r, const struct pattern *p, const char *s, size_t len, size_t at, size_t *from, size_t *to)
{
	const PCRE2_SIZE *spot = pcre2_get_ovector_pointer(r->found);
	int rc;

	/* What fails at its first character costs, too: a thousand matches on a line must not be free. */
	r->left -= FIND_COST;
	if (r->left < 0)
		return PCRE2_ERROR_MATCHLIMIT;
	r->start = r->pos = at;
	rc = pcre2_match(p->code, (PCRE2_SPTR)s, len, at, PCRE2_NO_UTF_CHECK, r->found, r->limits);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return rc;
	*from = spot[0] < spot[1] ? spot[0] : spot[1]; /* \K in a lookahead can turn them round */
	*to = spot[0] < spot[1] ? spot[1] : spot[0];
	return 1;
}

enum rules_verdict rules_text(struct rules *r, const char *body, size_t len)
{
	size_t from, to;

	if (r == NULL)
		return RULES_DENIED;
	/* Not only for the receiver: PCRE2 may crash on other bytes when it is told not to check (pcre2api(3)). */
	if (!str_is_utf8(body, len))
		return RULES_FAILED;
	for (size_t i = 0; i < r->drop_n; i++) {
		int rc = find(r, &r->drop[i], body, len, 0, &from, &to);

		if (rc != 0)
			return rc > 0 ? RULES_DROPPED : RULES_FAILED;
	}
	return RULES_PASS;
}

bool rules_path(const struct rules *r, const char *path)
{
	return r != NULL && any_glob(r->logs, r->logs_n, path);
}

bool rules_have_patterns(const struct rules *r)
{
	return r != NULL && r->drop_n + r->redact_n > 0;
}

/* The start of the next character: an empty match must not be found again at the same place. */
static size_t step_over(const char *s, size_t len, size_t at)
{
	do
		at++;
	while (at < len && ((unsigned char)s[at] & 0xc0) == 0x80);
	return at;
}

/* Where the rest of a line begins whose beginning has left: in the text, and behind a pattern's masks. */
struct rest {
	size_t at, masked_at;
	bool touched;
};

/* [from, to) becomes a mask at the end of `out`; what stands between the match before, which ended at `kept`, and it is there. */
static void follow_rest(struct rest *rest, const struct buf *out, size_t kept, size_t from, size_t to)
{
	if (rest->at >= kept && rest->at <= from)
		rest->masked_at = out->len - (from - rest->at);
	else if (rest->at > from && rest->at < to)
		rest->masked_at = out->len;
	rest->touched |= to > rest->at;
}

/* One pattern over the whole text: 0 when nothing matched, 1 when `out` holds the masked text. */
static int mask_one(struct rules *r, const struct pattern *p, const char *s, size_t len, struct rest *rest, struct buf *out)
{
	size_t at = 0, kept = 0, from, to;
	int rc = 0;

	while (at <= len && (rc = find(r, p, s, len, at, &from, &to)) > 0) {
		if (to <= kept || from == to) { /* nothing new to hide */
			at = step_over(s, len, to > at ? to : at);
			continue;
		}
		if (from > kept)
			buf_add(out, s + kept, from - kept);
		follow_rest(rest, out, kept, from > kept ? from : kept, to);
		buf_adds(out, p->mask);
		at = kept = to;
	}
	if (rc < 0)
		return rc;
	if (kept == 0)
		return 0;
	if (rest->at >= kept)
		rest->masked_at = out->len + (rest->at - kept);
	buf_add(out, s + kept, len - kept);
	return out->over ? -ERR_LIMIT : 1;
}

enum rules_verdict rules_mask_rest(struct rules *r, const char **text, size_t *len, size_t *begun, bool *ret_touched,
				   struct buf *room)
{
	struct rest rest = { .at = *begun };

	*ret_touched = false;
	if (!str_is_utf8(*text, *len))
		return RULES_FAILED;
	/* Each pattern looks at what those before it have left: a mask may be masked again, and nothing is uncovered. */
	for (size_t i = 0; i < r->redact_n; i++) {
		struct buf out = BUF_MAX(RULES_TEXT_MAX);
		int rc = mask_one(r, &r->redact[i], *text, *len, &rest, &out);

		if (rc <= 0) {
			buf_close(&out);
			if (rc < 0)
				return RULES_FAILED;
			continue;
		}
		/* Only now: the text that was just looked at may lie in it. */
		buf_close(room);
		*room = out;
		*text = buf_str(room);
		*len = room->len;
		rest.at = rest.masked_at;
	}
	*begun = rest.at;
	*ret_touched = rest.touched;
	return RULES_PASS;
}

enum rules_verdict rules_mask(struct rules *r, const char **text, size_t *len, struct buf *room)
{
	size_t begun = 0;
	bool touched;

	return rules_mask_rest(r, text, len, &begun, &touched, room);
}
