/* sieve.c - see sieve.h. */
#include "shippers/sieve.h"

#define SHARED 16 /* bits for those that come late */

struct sieve_gram sieve_gram_any(void)
{
	struct sieve_gram g;

	for (size_t i = 0; i < SIEVE_WIDTH; i++)
		g.at[i] = byteset_all();
	return g;
}

struct sieve_gram sieve_gram_of(const char *text)
{
	struct sieve_gram g = sieve_gram_any();

	for (size_t i = 0; i < SIEVE_WIDTH && *text != '\0'; i++)
		g.at[i] = byteset_read(&text);
	return g;
}

uint64_t sieve_add(struct sieve *v, const struct sieve_gram *g)
{
	unsigned place = v->n < SIEVE_BITS ? v->n : SIEVE_BITS - 1 - v->n % SHARED;

	v->n++;
	for (size_t i = 0; i < SIEVE_WIDTH; i++)
		for (unsigned c = 0; c < 256; c++)
			if (byteset_has(&g->at[i], c))
				v->is[i][c] |= UINT64_C(1) << place;
	return UINT64_C(1) << place;
}

/* Four bytes in a row, which the loop moves on by one: each byte is read once, and each place of the table once a byte. */
static inline uint64_t look_at(const struct sieve *v, unsigned a, unsigned b, unsigned c, unsigned d)
{
	return v->is[0][a] & v->is[1][b] & v->is[2][c] & v->is[3][d];
}

static uint64_t look_at_last(const struct sieve *v, const unsigned char *s, size_t len)
{
	unsigned char last[2 * SIEVE_WIDTH - 1] = { 0 };
	uint64_t hits = 0;

	/* A gram that is shorter may end with the text: the NULs behind it belong to each place that is not asked for. At the end
	 * of all stands a text of none, so that a gram of nothing is found there, too. */
	memcpy(last, s, len);
	for (size_t i = 0; i <= len; i++)
		hits |= look_at(v, last[i], last[i + 1], last[i + 2], last[i + 3]);
	return hits;
}

uint64_t sieve_look(const struct sieve *v, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	uint64_t hits = 0;
	size_t at = SIEVE_WIDTH - 1;

	if (v->n == 0)
		return 0;
	if (len < SIEVE_WIDTH)
		return look_at_last(v, s, len);
	for (unsigned a = s[0], b = s[1], c = s[2], d; at + 4 <= len; at += 4) {
		d = s[at];
		hits |= look_at(v, a, b, c, d);
		a = s[at + 1];
		hits |= look_at(v, b, c, d, a);
		b = s[at + 2];
		hits |= look_at(v, c, d, a, b);
		c = s[at + 3];
		hits |= look_at(v, d, a, b, c);
	}
	for (; at < len; at++)
		hits |= look_at(v, s[at - 3], s[at - 2], s[at - 1], s[at]);
	return hits | look_at_last(v, s + len - (SIEVE_WIDTH - 1), SIEVE_WIDTH - 1);
}
