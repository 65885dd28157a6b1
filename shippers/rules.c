/* rules.c - see rules.h: made from the policy, asked at each record. How a text is masked is in rules_mask.c.
 *
 * Happy path: rules_new compiles every pattern once, reads off what its matches must hold, and gives all grams to one sieve;
 * rules_line looks at a text once, then runs those that have a reason to.
 * Fails: at compile time with the pattern's name and place; at match time by answering RULES_FAILED, never by a pass.
 * Closing frees the patterns and wipes the key. */
#include "shippers/rules_impl.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "shippers/clue.h"

/* ---- made from the policy ---- */

static void add_way(struct rules *r, struct rule *rule, const struct clue_way *way)
{
	rule->ways = mem_grow(rule->ways, rule->ways_n + 1, sizeof(*rule->ways));
	rule->ways[rule->ways_n] =
	    (struct rules_way){ .bit = sieve_add(&r->sieve, &way->gram), .run = streak_of(&way->run, way->run_least) };
	rule->bits |= rule->ways[rule->ways_n++].bit;
}

static int compile(struct rules *r, struct rule *rule, const char *what, const char *name, const char *text, struct err *e)
{
	struct clue clue;
	int rc = pattern_compile(text, &rule->code, e);

	if (rc != 0)
		return err_wrap(e, rc, "%s pattern '%s'", what, name);
	clue_of(text, rule->code, &clue);
	for (size_t i = 0; i < clue.n; i++)
		add_way(r, rule, &clue.v[i]);
	return 0;
}

static struct rule *add_rule(struct rules *r, struct tally *tally, const char *name)
{
	r->v = mem_grow(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n] = (struct rule){ .counts = tally_of(tally != NULL ? tally : &r->unread, name) };
	return &r->v[r->n++];
}

static int set_action(struct rules *r, struct rule *rule, const char *name, enum telemetry_action action, struct err *e)
{
	rule->is_hmac = action == TELEMETRY_HMAC;
	rule->mask = mem_printf(rule->is_hmac ? "[HMAC:%s:" : "[REDACTED:%s]", name);
	if (!rule->is_hmac || !secret_empty(&r->key))
		return 0;
	return err_set(e, ERR_INVALID,
		       "the rule '%s' of export has action: hmac, and there is no key: let telemetry.hmac_key_file of reeve.yaml "
		       "name a file of 16 bytes or more, mode 0600",
		       name);
}

/* Those that drop have no name; they are counted by their place in the list. */
static int add_patterns(struct rules *r, const struct telemetry_rules *t, struct tally *tally, struct err *e)
{
	for (size_t i = 0; i < t->drop_n; i++, r->drop_n++) {
		CLEANUP(mem_close) char *name = mem_printf("drop-%zu", i + 1);

		TRY(compile(r, add_rule(r, tally, name), "drop", t->drop[i], t->drop[i], e));
	}
	for (size_t i = 0; i < t->redact_n; i++) {
		const struct telemetry_redact *from = &t->redact[i];
		struct rule *rule = add_rule(r, tally, from->name);

		TRY(compile(r, rule, "redact", from->name, from->pattern, e));
		TRY(set_action(r, rule, from->name, from->action, e));
	}
	return 0;
}

static int add_detectors(struct rules *r, const struct telemetry_rules *t, struct tally *tally, struct err *e)
{
	for (enum telemetry_detector which = 0; which < TELEMETRY_DETECTORS; which++) {
		const struct detect_clue *clues = detect_clues(which);
		struct rule *rule;

		if (!t->detect[which].is_on)
			continue;
		rule = add_rule(r, tally, detect_name(which));
		rule->which = which;
		for (; clues->gram != NULL; clues++)
			add_way(r, rule,
				&(struct clue_way){ .gram = sieve_gram_of(clues->gram),
						    .run = byteset_of(clues->run),
						    .run_least = clues->run_least });
		TRY(set_action(r, rule, detect_name(which), t->detect[which].action, e));
	}
	return 0;
}

static char **copy_globs(char *const *from, size_t n)
{
	char **to = mem_alloc(n * sizeof(*to));

	for (size_t i = 0; i < n; i++)
		to[i] = mem_str(from[i]);
	return to;
}

int rules_new(const struct telemetry_rules *t, const struct secret *key, struct tally *tally, struct rules **ret, struct err *e)
{
	struct rules *r = mem_new(struct rules);
	int rc;

	r->metrics = copy_globs(t->metrics, r->metrics_n = t->metrics_n);
	r->logs = copy_globs(t->logs, r->logs_n = t->logs_n);
	matcher_init(&r->matcher);
	if (key != NULL)
		secret_copy(&r->key, key);
	rc = add_patterns(r, t, tally, e);
	if (rc == 0)
		rc = add_detectors(r, t, tally, e);
	if (rc != 0)
		rules_free(r);
	else
		*ret = r;
	return rc;
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
	for (size_t i = 0; i < r->n; i++) {
		pcre2_code_free(r->v[i].code);
		mem_free(r->v[i].mask);
		mem_free(r->v[i].ways);
	}
	mem_free(r->v);
	matcher_close(&r->matcher);
	secret_close(&r->key);
	mem_free(r);
}

void rules_look_at_all(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		r->v[i].ways_n = r->v[i].bits = 0;
}

/* ---- at each record ---- */

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

bool rules_path(const struct rules *r, const char *path)
{
	return r != NULL && any_glob(r->logs, r->logs_n, path);
}

bool rules_have_patterns(const struct rules *r)
{
	return r != NULL && r->n > 0;
}

uint64_t rules_spent(const struct rules *r)
{
	return matcher_spent(&r->matcher);
}

void rules_begin(struct rules *r)
{
	if (r != NULL)
		matcher_begin(&r->matcher);
}

bool rules_look(struct rules *r, const char *s, size_t len, uint64_t *ret_hits)
{
	*ret_hits = sieve_look(&r->sieve, s, len);
	return matcher_spend(&r->matcher, (int64_t)len);
}

bool rules_has_way(const struct rule *rule, uint64_t hits, const char *s, size_t len)
{
	for (size_t i = 0; i < rule->ways_n; i++) {
		const struct rules_way *way = &rule->ways[i];

		if ((hits & way->bit) != 0 && streak_is_in(&way->run, s, len))
			return true;
	}
	return false;
}

static enum rules_verdict drop(struct rules *r, uint64_t hits, const char *s, size_t len)
{
	size_t from, to;

	for (size_t i = 0; i < r->drop_n; i++) {
		const struct rule *rule = &r->v[i];
		int rc = rules_may_find(rule, hits, s, len) ? matcher_find(&r->matcher, rule->code, s, len, 0, &from, &to) : 0;

		if (rc == 0)
			continue;
		*(rc > 0 ? &rule->counts->dropped : &rule->counts->failed) += 1;
		return rc > 0 ? RULES_DROPPED : RULES_FAILED;
	}
	return RULES_PASS;
}

/* UTF-8 not only for the receiver: PCRE2 may crash on other bytes when it is told not to check (pcre2api(3)). */
static enum rules_verdict look(struct rules *r, const char *s, size_t len, uint64_t *ret_hits)
{
	*ret_hits = 0;
	return str_is_utf8(s, len) && (r->n == 0 || rules_look(r, s, len, ret_hits)) ? RULES_PASS : RULES_FAILED;
}

enum rules_verdict rules_text(struct rules *r, const char *body, size_t len)
{
	uint64_t hits;

	if (r == NULL)
		return RULES_DENIED;
	return look(r, body, len, &hits) == RULES_PASS ? drop(r, hits, body, len) : RULES_FAILED;
}

enum rules_verdict rules_mask_rest(struct rules *r, const char **text, size_t *len, size_t *begun, bool *ret_touched,
				   struct buf *room)
{
	uint64_t hits;

	*ret_touched = false;
	if (look(r, *text, *len, &hits) != RULES_PASS)
		return RULES_FAILED;
	return rules_mask_all(r, hits, text, len, begun, ret_touched, room);
}

enum rules_verdict rules_mask(struct rules *r, const char **text, size_t *len, struct buf *room)
{
	size_t begun = 0;
	bool touched;

	return rules_mask_rest(r, text, len, &begun, &touched, room);
}

enum rules_verdict rules_line(struct rules *r, const char **text, size_t *len, struct buf *room)
{
	size_t begun = 0;
	bool touched = false;
	uint64_t hits;
	enum rules_verdict v;

	if (r == NULL)
		return RULES_DENIED;
	v = look(r, *text, *len, &hits);
	if (v == RULES_PASS)
		v = drop(r, hits, *text, *len);
	return v == RULES_PASS ? rules_mask_all(r, hits, text, len, &begun, &touched, room) : v;
}
