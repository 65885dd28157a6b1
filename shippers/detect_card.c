/* detect_card.c - card numbers: 13 to 19 digits, with single blanks or dashes between them as one likes, the first not 0 or 1,
 * whose last is right by Luhn. Whole groups of digits alone: no piece of a longer number, no fraction, nothing with a letter at
 * it. Left: times and their like, which begin with a 1, and nine of ten long numbers, which Luhn tells apart.
 *
 * Such a number has no gram that other lines do not have. So a bit for each byte tells of 64 at once where digits stand, and what
 * may stand between two of them; a row of DIGITS_MIN bits that has as many digits in it is looked at, and nothing else. */
#include "shippers/detect_impl.h"

#include "shippers/lanes.h"

#define DIGITS_MIN 13
#define DIGITS_MAX 19

/* A group of digits begins here, and a number may. */
static bool may_begin(const struct detect *d, size_t at)
{
	if (!detect_at(d, at, DETECT_DIGIT) || d->s[at] < '2' || detect_before(d, at, DETECT_ALNUM))
		return false;
	return !(at > 1 && d->s[at - 1] == '.' && detect_before(d, at - 1, DETECT_DIGIT));
}

static bool may_end(const struct detect *d, size_t at)
{
	return !detect_at(d, at, DETECT_WORD) && !(detect_has(d, at, '.') && detect_at(d, at + 1, DETECT_DIGIT));
}

/* Luhn from the left: `odd` doubles the first, third ... digit, `even` the others; which of them holds is known at the last. */
struct luhn {
	unsigned odd, even, digits;
};

static void luhn_add(struct luhn *l, char c)
{
	unsigned v = (unsigned)(c - '0'), twice = v * 2 > 9 ? v * 2 - 9 : v * 2;

	l->odd += l->digits % 2 == 0 ? twice : v;
	l->even += l->digits % 2 == 0 ? v : twice;
	l->digits++;
}

static bool luhn_holds(const struct luhn *l)
{
	return l->digits >= DIGITS_MIN && (l->digits % 2 == 0 ? l->odd : l->even) % 10 == 0;
}

/* The longest that begins here and is right; 0: none. */
static size_t number_ends(const struct detect *d, size_t at)
{
	struct luhn l = { 0 };
	size_t found = 0;

	for (; l.digits < DIGITS_MAX && detect_at(d, at, DETECT_DIGIT); at++) {
		luhn_add(&l, d->s[at]);
		if (detect_at(d, at + 1, DETECT_DIGIT))
			continue;
		if (luhn_holds(&l) && may_end(d, at + 1))
			found = at + 1;
		at += detect_at(d, at + 1, DETECT_DASH) || detect_has(d, at + 1, ' ');
	}
	return found;
}

/* ---- where to look ---- */

struct bits {
	uint64_t digits, parts; /* parts: digits, blanks and dashes */
};

/* Rows of at least DIGITS_MIN begin at these. */
static uint64_t rows(uint64_t parts)
{
	uint64_t r = parts & parts >> 1;

	r &= r >> 2;
	r &= r >> 4;
	return r & r >> (DIGITS_MIN - 8);
}

/* Digits, blanks, dashes, and what lies between them: one comparison, which most texts do not pass for so long. */
static uint64_t about_at(const char *s, size_t left)
{
	return LANES_BITS(s, left, v, lanes_in(v, ' ', '9'));
}

static struct bits bits_at(const char *s, size_t left)
{
	struct bits b = { .digits = LANES_BITS(s, left, v, lanes_in(v, '0', '9')) };

	b.parts = b.digits | LANES_BITS(s, left, v, lanes_in(v, ' ', ' ') | lanes_in(v, '-', '-'));
	return b;
}

/* Of the parts from this bit on, are there enough digits? Where they go on behind the last bit: perhaps. A date and a time are two
 * blanks and dashes too long for it. */
static bool has_digits(const struct bits *b, unsigned bit)
{
	uint64_t others = ~(b->parts >> bit), row = (others & (0 - others)) - 1;

	if (others == 0 || bit + (unsigned)__builtin_ctzll(others) >= LANES_LOOK)
		return true;
	return __builtin_popcountll(b->digits >> bit & row) >= DIGITS_MIN;
}

static bool find_in(struct detect *d, size_t at, const struct bits *b, size_t *from, size_t *to)
{
	for (uint64_t starts = rows(b->parts) & b->digits; starts != 0; starts &= starts - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(starts);
		size_t begin = at + bit, end;

		if (!has_digits(b, bit) || !may_begin(d, begin) || (end = number_ends(d, begin)) == 0)
			continue;
		*from = begin;
		*to = d->at = end;
		return true;
	}
	return false;
}

/* The last bits of a look are looked at again as the first of the next: a row that is cut off begins there. */
bool detect_card_next(struct detect *d, size_t *from, size_t *to)
{
	for (; d->at + DIGITS_MIN <= d->len; d->at += LANES_LOOK - (DIGITS_MIN - 1)) {
		struct bits b;

		if (rows(about_at(d->s + d->at, d->len - d->at)) == 0)
			continue;
		b = bits_at(d->s + d->at, d->len - d->at);
		if (find_in(d, d->at, &b, from, to))
			return true;
	}
	d->at = d->len;
	return false;
}
