/* clue.c - see clue.h: of all that a pattern must leave in a text, the part that is rarest in logs. */
#include "shippers/clue_impl.h"

/* How much is told is counted in eighths of a bit: 40 for what is found in one of 32 places. */
#define WORTH 40 /* what is found more often tells nothing */
#define MORE 16  /* a run beside a gram costs a look of its own, so it must tell more than the gram */
#define RUN_MIN 4
#define RUN_EACH 4 /* of each of its bytes */

/* How often a byte stands in a log, about, in ten thousandths. */
static unsigned weight(unsigned c)
{
	if (c >= '0' && c <= '9')
		return 220;
	if (c >= 'a' && c <= 'z')
		return strchr("etaoinsrld", (int)c) != NULL ? 350 : 110;
	if (c >= 'A' && c <= 'Z')
		return 60;
	if (c == ' ')
		return 1000;
	if (c > ' ' && c < 0x7f)
		return strchr(".,:-_/()[]", (int)c) != NULL ? 130 : 25;
	return 2;
}

/* How much a byte of this set tells: the logarithm of how seldom it is. */
static unsigned told_by(const struct byteset *b)
{
	uint64_t all = 0, of = 0, seldom;
	unsigned whole;

	for (unsigned c = 0; c < 256; c++) {
		all += weight(c);
		of += byteset_has(b, c) ? weight(c) : 0;
	}
	if (of == 0)
		return 0; /* it matches nothing, which PCRE2 may find out */
	seldom = all * 4096 / of;
	whole = 63u - (unsigned)__builtin_clzll(seldom);
	return (whole - 12) * 8 + (unsigned)(seldom >> (whole - 3) & 7);
}

/* ---- the best gram ---- */

struct window {
	struct byteset at[SIEVE_WIDTH]; /* the last that stand in a row */
	unsigned told[SIEVE_WIDTH];
	size_t n;
	unsigned best;
	struct sieve_gram *gram;
};

static void push(struct window *w, const struct byteset *b, unsigned told)
{
	unsigned sum = 0;

	if (w->n == SIEVE_WIDTH) {
		w->n--;
		memmove(w->at, w->at + 1, w->n * sizeof(*w->at));
		memmove(w->told, w->told + 1, w->n * sizeof(*w->told));
	}
	w->at[w->n] = *b;
	w->told[w->n++] = told;
	for (size_t i = 0; i < w->n; i++)
		sum += w->told[i];
	if (sum <= w->best)
		return;
	w->best = sum;
	*w->gram = sieve_gram_any();
	memcpy(w->gram->at, w->at, w->n * sizeof(*w->at));
}

static void push_many(struct window *w, const struct clue_item *item, unsigned told)
{
	for (unsigned i = 0; i < item->least && i < SIEVE_WIDTH; i++)
		push(w, &item->set, told);
}

/* How much it tells. An item that may be longer touches what is before it by its first bytes, and what is behind it by its last. */
static unsigned best_gram(const struct clue_row *row, struct sieve_gram *ret)
{
	struct window w = { .gram = ret };

	for (size_t i = 0; i < row->n; i++) {
		const struct clue_item *item = &row->v[i];
		unsigned told = told_by(&item->set);

		push_many(&w, item, told);
		if (!item->may_be_more)
			continue;
		w.n = 0;
		push_many(&w, item, told);
	}
	return w.best;
}

/* ---- the best run ---- */

/* The longer, the more it tells, as long as the set stays one that tells anything. */
static unsigned best_run(const struct clue_row *row, struct byteset *ret, size_t *ret_least)
{
	unsigned best = 0;

	for (size_t i = 0; i < row->n; i++) {
		struct byteset of = { { 0 } };
		unsigned least = 0, each = UINT32_MAX;

		for (size_t k = i; k < row->n && !row->v[k].is_gap && each >= RUN_EACH; k++) {
			byteset_join(&of, &row->v[k].set);
			least += row->v[k].least;
			each = told_by(&of);
			if (least < RUN_MIN || each < RUN_EACH || each * least <= best)
				continue;
			best = each * least;
			*ret = of;
			*ret_least = least;
		}
	}
	return best;
}

static bool find_way(const struct clue_row *row, struct clue_way *ret)
{
	size_t least = 0;
	unsigned gram, run;

	*ret = (struct clue_way){ .gram = sieve_gram_any() };
	gram = best_gram(row, &ret->gram);
	run = best_run(row, &ret->run, &least);
	if (run > gram + MORE)
		ret->run_least = least;
	return gram > WORTH || ret->run_least > 0;
}

/* ---- PCRE2's own ---- */

static bool ask(const pcre2_code *code, uint32_t what, void *ret)
{
	return pcre2_pattern_info(code, what, ret) == 0;
}

/* It does not say whether a byte is meant in both cases. What clue_parse.c says of k and s holds here, too. */
static void add_cases(struct byteset *b, uint32_t c)
{
	byteset_add(b, c);
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
		byteset_add(b, c ^ 0x20);
	if (c < 0x80 && (c | 0x20) != 's' && (c | 0x20) != 'k')
		return;
	byteset_add_range(b, 0x80, 0xff);
	for (const char *other = "sSkK"; *other != '\0'; other++)
		byteset_add(b, (unsigned char)*other);
}

/* The bytes with which each match begins. */
static struct byteset first_of(const pcre2_code *code)
{
	const uint8_t *map = NULL;
	uint32_t kind = 0, c = 0;
	struct byteset b = { { 0 } };

	if (!ask(code, PCRE2_INFO_FIRSTCODETYPE, &kind))
		return b;
	if (kind == 1 && ask(code, PCRE2_INFO_FIRSTCODEUNIT, &c))
		add_cases(&b, c);
	else if (kind == 0 && ask(code, PCRE2_INFO_FIRSTBITMAP, (void *)&map) && map != NULL)
		for (unsigned i = 0; i < 256; i++)
			if ((map[i / 8] >> i % 8 & 1) != 0)
				byteset_add(&b, i);
	return b;
}

/* A byte that is in each match, wherever. */
static struct byteset last_of(const pcre2_code *code)
{
	uint32_t kind = 0, c = 0;
	struct byteset b = { { 0 } };

	if (ask(code, PCRE2_INFO_LASTCODETYPE, &kind) && kind == 1 && ask(code, PCRE2_INFO_LASTCODEUNIT, &c))
		add_cases(&b, c);
	return b;
}

static void ask_pcre2(const pcre2_code *code, struct clue *ret)
{
	struct byteset first = first_of(code), last = last_of(code), *best = told_by(&last) > told_by(&first) ? &last : &first;

	if (told_by(best) <= WORTH)
		return;
	ret->v[0] = (struct clue_way){ .gram = sieve_gram_any() };
	ret->v[0].gram.at[0] = *best;
	ret->n = 1;
}

void clue_of(const char *pattern, const pcre2_code *code, struct clue *ret)
{
	struct clue_rows rows = { 0 };
	bool is_known = clue_parse(pattern, &rows);

	*ret = (struct clue){ 0 };
	for (size_t i = 0; is_known && i < rows.n; i++)
		is_known = find_way(&rows.v[i], &ret->v[i]);
	if (is_known)
		ret->n = rows.n;
	else
		ask_pcre2(code, ret);
	clue_rows_close(&rows);
}
