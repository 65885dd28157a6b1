/* streak.c - see streak.h. A bit for each byte tells whether it is of the set; of 64 bits a few shifts tell whether enough stand
 * in a row. */
#include "shippers/streak.h"

#include "shippers/lanes.h"

static void add_range(struct streak *r, unsigned from, unsigned to)
{
	if (r->n < STREAK_RANGES) {
		memset(r->from[r->n], (int)from, LANES);
		memset(r->more[r->n], (int)(to - from), LANES);
	}
	r->n++;
}

struct streak streak_of(const struct byteset *set, size_t least)
{
	struct streak r = { .least = (unsigned)(least < STREAK_LONGEST ? least : STREAK_LONGEST) };
	unsigned from = 0;

	for (unsigned c = 0; c < 256; c++) {
		if (!byteset_has(set, c))
			continue;
		if (c == 0 || !byteset_has(set, c - 1))
			from = c;
		if (c == 255 || !byteset_has(set, c + 1))
			add_range(&r, from, c);
	}
	return r;
}

static lanes_v is_of(const struct streak *r, lanes_v v)
{
	lanes_v is = v - lanes_load(r->from[0]) <= lanes_load(r->more[0]);

	for (unsigned i = 1; i < r->n; i++)
		is |= v - lanes_load(r->from[i]) <= lanes_load(r->more[i]);
	return is;
}

/* Does it lie between the first byte of the set and the last? One comparison, and most texts need no more. */
static lanes_v is_about(const struct streak *r, lanes_v v)
{
	unsigned char more = (unsigned char)(r->from[r->n - 1][0] + r->more[r->n - 1][0] - r->from[0][0]);

	return v - lanes_load(r->from[0]) <= (lanes_v){ 0 } + more;
}

/* Those of the bits behind which least - 1 more are set. */
static uint64_t in_a_row(uint64_t bits, unsigned least)
{
	unsigned have = 1;

	for (; have * 2 <= least; have *= 2)
		bits &= bits >> have;
	return bits & bits >> (least - have);
}

/* A row that is cut by two looks is seen in their halves. */
static bool has_row(uint64_t before, uint64_t bits, unsigned least)
{
	return in_a_row(bits, least) != 0 || in_a_row(before >> LANES_LOOK / 2 | bits << LANES_LOOK / 2, least) != 0;
}

static bool is_about_in(const struct streak *r, const char *s, size_t len)
{
	uint64_t before = 0;

	for (size_t at = 0; at < len; at += LANES_LOOK) {
		uint64_t bits = LANES_BITS(s + at, len - at, v, is_about(r, v));

		if (has_row(before, bits, r->least))
			return true;
		before = bits;
	}
	return false;
}

static bool is_in(const struct streak *r, const char *s, size_t len)
{
	uint64_t before = 0;

	for (size_t at = 0; at < len; at += LANES_LOOK) {
		uint64_t bits = LANES_BITS(s + at, len - at, v, is_of(r, v));

		if (has_row(before, bits, r->least))
			return true;
		before = bits;
	}
	return false;
}

bool streak_is_in(const struct streak *r, const char *s, size_t len)
{
	if (r->least == 0 || r->n > STREAK_RANGES)
		return true;
	if (r->n == 0 || len < r->least)
		return false;
	return is_about_in(r, s, len) && (r->n == 1 || is_in(r, s, len));
}
