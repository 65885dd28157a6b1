/* byteset.h - a set of bytes, for the sieve and the clues. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct byteset {
	uint64_t w[4];
};

static inline void byteset_add(struct byteset *b, unsigned c)
{
	b->w[c >> 6 & 3] |= UINT64_C(1) << (c & 63);
}

static inline bool byteset_has(const struct byteset *b, unsigned c)
{
	return (b->w[c >> 6 & 3] >> (c & 63) & 1) != 0;
}

static inline void byteset_add_range(struct byteset *b, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		byteset_add(b, c);
}

static inline void byteset_join(struct byteset *b, const struct byteset *with)
{
	for (int i = 0; i < 4; i++)
		b->w[i] |= with->w[i];
}

static inline void byteset_invert(struct byteset *b)
{
	for (int i = 0; i < 4; i++)
		b->w[i] = ~b->w[i];
}

static inline struct byteset byteset_all(void)
{
	return (struct byteset){ { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
}

/* Written as text: `x` is the byte, [abc] one of these, [^abc] any other, 0-9 in brackets a range, ~ before a letter either case.
 * The set that begins at *text, which is moved behind it. */
struct byteset byteset_read(const char **text);
struct byteset byteset_of(const char *text); /* NULL: nothing */
