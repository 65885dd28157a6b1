/* clue_parse.c - reads a pattern that PCRE2 has compiled, for what each match must leave in the text (clue_impl.h).
 *
 * Whatever is taken here is at most too wide: a set may hold bytes that do not match, `least` may be less than what PCRE2 asks for,
 * and a gap stands for anything. What is not known (verbs, conditions, recursion, back references, \C, extended patterns, numbers
 * that may be octal) ends the reading: false. Look-arounds that must match leave something, too: for itself, between gaps. */
#include "shippers/clue_impl.h"

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define DEPTH_MAX 16
#define COUNT_MAX 65535 /* PCRE2's */

struct reading {
	const char *s;
	bool is_caseless;
	bool is_lost; /* something is not known here */
	unsigned depth;
};

static struct clue_rows parse_ways(struct reading *p);

static void lose(struct reading *p)
{
	p->is_lost = true;
}

/* ---- rows ---- */

void clue_rows_close(struct clue_rows *r)
{
	mem_free(r->v);
	*r = (struct clue_rows){ 0 };
}

static struct clue_row *add_row(struct clue_rows *r)
{
	r->v = mem_grow(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n] = (struct clue_row){ .n = 0 };
	return &r->v[r->n++];
}

static const struct clue_item gap = { .set = { { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } },
				      .may_be_more = true,
				      .is_gap = true };

/* The last place of a row is kept for a gap, which then swallows all that follows. */
static void add_item(struct clue_row *row, const struct clue_item *item)
{
	if (row->n > 0 && row->v[row->n - 1].is_gap && (item->is_gap || row->n == CLUE_ITEMS))
		return;
	row->v[row->n] = row->n == CLUE_ITEMS - 1 ? gap : *item;
	row->n++;
}

static void add_to_all(struct clue_rows *r, const struct clue_item *item)
{
	for (size_t i = 0; i < r->n; i++)
		add_item(&r->v[i], item);
}

/* Each row of `r` with each of `by` behind it; where that were too many, a gap stands for all of `by`. */
static void append(struct clue_rows *r, const struct clue_rows *by)
{
	struct clue_rows made = { 0 };

	if (by->n == 0 || r->n * by->n > CLUE_WAYS) {
		add_to_all(r, &gap);
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < by->n; k++) {
			struct clue_row *row = add_row(&made);

			*row = r->v[i];
			for (size_t n = 0; n < by->v[k].n; n++)
				add_item(row, &by->v[k].v[n]);
		}
	clue_rows_close(r);
	*r = made;
}

static struct clue_rows one_row(const struct clue_item *items, size_t n)
{
	struct clue_rows r = { 0 };
	struct clue_row *row = add_row(&r);

	for (size_t i = 0; i < n; i++)
		add_item(row, &items[i]);
	return r;
}

/* ---- sets ---- */

#define MANY_BYTES 0x80 /* from here on a byte is one of several of a character */

static bool has_many_bytes(const struct byteset *b)
{
	return b->w[2] != 0 || b->w[3] != 0;
}

static void add_other_case(struct byteset *b)
{
	for (unsigned c = 'a'; c <= 'z'; c++)
		if (byteset_has(b, c) || byteset_has(b, c ^ 0x20)) {
			byteset_add(b, c);
			byteset_add(b, c ^ 0x20);
		}
}

/* Of a caseless set: the other case of each letter, and U+017F and U+212A, which are cases of s and k. */
static void add_cases(struct byteset *b)
{
	add_other_case(b);
	if (has_many_bytes(b)) {
		byteset_add(b, 's');
		byteset_add(b, 'S');
		byteset_add(b, 'k');
		byteset_add(b, 'K');
	}
	if (byteset_has(b, 's') || byteset_has(b, 'k'))
		byteset_add_range(b, MANY_BYTES, 0xff);
}

/* One character of the set. */
static struct clue_item item_of(const struct reading *p, struct byteset b)
{
	if (p->is_caseless)
		add_cases(&b);
	return (struct clue_item){ .set = b, .least = 1, .may_be_more = has_many_bytes(&b) };
}

/* \d and its like, in a class or outside. False: it is none of these. Without (*UCP) they are ASCII's alone. */
static bool class_of(char c, struct byteset *b)
{
	char lower = (char)(c | 0x20);

	*b = (struct byteset){ { 0 } };
	if (lower == 'd' || lower == 'w')
		byteset_add_range(b, '0', '9');
	if (lower == 'w') {
		byteset_add_range(b, 'a', 'z');
		byteset_add_range(b, 'A', 'Z');
		byteset_add(b, '_');
	} else if (lower == 's') {
		byteset_add_range(b, '\t', '\r');
		byteset_add(b, ' ');
	} else if (lower == 'h') {
		byteset_add(b, '\t');
		byteset_add(b, ' ');
		byteset_add_range(b, MANY_BYTES, 0xff);
	} else if (lower == 'v' || c == 'R') {
		byteset_add_range(b, '\n', '\r');
		byteset_add_range(b, MANY_BYTES, 0xff);
	} else if (lower != 'd') {
		return false;
	}
	if (c == 'R')
		return true;
	/* Blanks of several bytes are not in \h, so \H has none of the one kind and all of the other: the wider of both is taken.
	 * */
	if (c != lower) {
		byteset_invert(b);
		byteset_add_range(b, MANY_BYTES, 0xff);
	}
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned hex_of(char c)
{
	return is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

static bool is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* An escape that is one character, behind its backslash: in ASCII, or lost. */
static unsigned escaped_char(struct reading *p)
{
	static const char from[] = "aefnrt", to[] = "\a\033\f\n\r\t";
	char c = *p->s;
	const char *known = c != '\0' ? strchr(from, c) : NULL;
	unsigned v;

	p->s += c != '\0';
	if (known != NULL)
		return (unsigned char)to[known - from];
	if (c == 'x' && is_hex(p->s[0]) && is_hex(p->s[1])) {
		v = hex_of(p->s[0]) * 16 + hex_of(p->s[1]);
		p->s += 2;
		if (v < MANY_BYTES)
			return v;
	} else if (c >= ' ' && c < 0x7f && !is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
		return (unsigned char)c;
	}
	lose(p);
	return 0;
}

/* ---- classes ---- */

/* Those that are told exactly; the others are seldom. */
static bool add_posix(struct byteset *b, const char *name)
{
	bool is_digit_class = str_starts(name, "digit:"), is_xdigit = str_starts(name, "xdigit:"),
	     is_alnum = str_starts(name, "alnum:");

	if (!is_digit_class && !is_xdigit && !is_alnum && !str_starts(name, "alpha:"))
		return false;
	if (is_digit_class || is_xdigit || is_alnum)
		byteset_add_range(b, '0', '9');
	if (!is_digit_class) {
		byteset_add_range(b, 'a', is_xdigit ? 'f' : 'z');
		byteset_add_range(b, 'A', is_xdigit ? 'F' : 'Z');
	}
	return true;
}

/* [:alpha:] in a class; p->s stands on its `[`. */
static void read_posix(struct reading *p, struct byteset *b)
{
	if (add_posix(b, p->s + 2))
		p->s = strchr(p->s + 2, ':') + 2;
	else
		lose(p);
}

/* One character of a class, as the end of a range may be; NO_CHAR: it was a set, and is in *b already. */
#define NO_CHAR 256
static unsigned class_char(struct reading *p, struct byteset *b)
{
	struct byteset of;
	unsigned c = (unsigned char)*p->s;

	if (c == '[' && p->s[1] == ':') {
		read_posix(p, b);
		return NO_CHAR;
	}
	if (c == '\0' || (c == '[' && (p->s[1] == '.' || p->s[1] == '='))) {
		lose(p);
		return NO_CHAR;
	}
	p->s++;
	if (c != '\\')
		return c;
	if (*p->s == 'b') {
		p->s++;
		return '\b';
	}
	if (*p->s != 'R' && class_of(*p->s, &of)) {
		p->s++;
		byteset_join(b, &of);
		return NO_CHAR;
	}
	return escaped_char(p);
}

/* From a character to another, or itself. Of those of several bytes all are taken: their ranges are not those of their bytes. */
static void add_chars(struct byteset *b, unsigned from, unsigned to)
{
	if (from < MANY_BYTES)
		byteset_add_range(b, from, to < MANY_BYTES ? to : MANY_BYTES - 1);
	if (to >= MANY_BYTES)
		byteset_add_range(b, MANY_BYTES, 0xff);
}

/* One member: a set, a character, or a range of them. */
static void class_member(struct reading *p, struct byteset *b)
{
	unsigned from = class_char(p, b), to = from;
	bool is_range = p->s[0] == '-' && p->s[1] != ']' && p->s[1] != '\0';

	if (p->is_lost)
		return;
	if (is_range) {
		p->s++;
		to = class_char(p, b);
		if (from == NO_CHAR || to == NO_CHAR || (to < from && from < MANY_BYTES)) {
			lose(p); /* [\d-z] does not mean what it says */
			return;
		}
		if (from >= MANY_BYTES)
			to = 0xff;
	}
	if (from != NO_CHAR)
		add_chars(b, from, to);
}

/* p->s stands behind the `[`. In a set that is turned round nothing may be too wide: of ASCII it is exact, and all the rest is
 * taken. */
static struct clue_rows parse_class(struct reading *p)
{
	struct byteset b = { { 0 } };
	bool is_not = *p->s == '^';
	struct clue_item item;

	p->s += is_not;
	do
		class_member(p, &b);
	while (!p->is_lost && *p->s != ']');
	p->s += *p->s == ']';
	if (is_not) {
		if (p->is_caseless)
			add_other_case(&b);
		byteset_invert(&b);
		byteset_add_range(&b, MANY_BYTES, 0xff);
	}
	item = item_of(p, b);
	return one_row(&item, 1);
}

/* ---- groups ---- */

/* Letters behind (? up to : or ). False: these are no options. */
static bool read_options(struct reading *p, bool *ret_group)
{
	bool off = false, is_caseless = p->is_caseless;

	if (*p->s == '^') {
		is_caseless = false;
		p->s++;
	}
	for (; *p->s != ')' && *p->s != ':'; p->s++) {
		if (*p->s == '-')
			off = true;
		else if (*p->s == 'i')
			is_caseless = !off;
		else if (*p->s == '\0' || strchr("msUJn", *p->s) == NULL)
			return false;
	}
	*ret_group = *p->s == ':';
	p->s++;
	p->is_caseless = is_caseless;
	return true;
}

/* Behind a group's name and what ends it. */
static void skip_name(struct reading *p, char end)
{
	const char *at = strchr(p->s, end);

	if (at == NULL)
		lose(p);
	else
		p->s = at + 1;
}

enum group { GROUP_PLAIN, GROUP_MUST, GROUP_MUST_NOT, GROUP_NONE };

/* What a ( begins; p->s stands behind it. GROUP_NONE: options alone, which end here. (Of a comment PCRE2
 * says that what repeats it repeats what stands before: so it is not known here.) */
static enum group read_head(struct reading *p)
{
	bool is_group = false;

	if (*p->s == '*') {
		lose(p);
		return GROUP_NONE;
	}
	if (*p->s != '?')
		return GROUP_PLAIN;
	p->s++;
	if (*p->s == '>' || *p->s == '|')
		return p->s++, GROUP_PLAIN;
	if (*p->s == '=' || *p->s == '!')
		return *p->s++ == '=' ? GROUP_MUST : GROUP_MUST_NOT;
	if (p->s[0] == '<' && (p->s[1] == '=' || p->s[1] == '!')) {
		p->s += 2;
		return p->s[-1] == '=' ? GROUP_MUST : GROUP_MUST_NOT;
	}
	p->s += p->s[0] == 'P' && p->s[1] == '<';
	if (*p->s == '<' || *p->s == '\'') {
		char end = *p->s++ == '<' ? '>' : '\'';

		skip_name(p, end);
		return GROUP_PLAIN;
	}
	if (!read_options(p, &is_group))
		lose(p);
	return is_group ? GROUP_PLAIN : GROUP_NONE;
}

/* Options hold to the end of the group in which they stand. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX */
static struct clue_rows parse_group(struct reading *p, bool *ret_zero)
{
	bool is_caseless = p->is_caseless;
	enum group g = read_head(p);
	struct clue_rows r = { 0 }, alone = { 0 };

	*ret_zero = g != GROUP_PLAIN;
	if (g == GROUP_NONE || p->is_lost)
		return one_row(NULL, 0);
	r = parse_ways(p);
	if (*p->s != ')')
		lose(p);
	else
		p->s++;
	p->is_caseless = is_caseless;
	if (g == GROUP_PLAIN)
		return r;
	alone = one_row(&gap, g == GROUP_MUST);
	if (g == GROUP_MUST) {
		append(&alone, &r);
		add_to_all(&alone, &gap);
	}
	clue_rows_close(&r);
	return alone;
}

/* ---- what may be repeated ---- */

/* \Q...\E is a row of characters, and what repeats it repeats the last: so it is not known here, as is each other letter. */
static struct clue_rows parse_escape(struct reading *p, bool *ret_zero)
{
	struct byteset b = { { 0 } };
	struct clue_item item;
	char c = *p->s;

	*ret_zero = c != '\0' && strchr("bBAzZGK", c) != NULL;
	if (*ret_zero) {
		p->s++;
		return one_row(NULL, 0);
	}
	if (c == 'N' && p->s[1] != '{') {
		p->s++;
		b = byteset_all();
	} else if (class_of(c, &b)) {
		p->s++;
	} else {
		byteset_add(&b, escaped_char(p));
	}
	item = item_of(p, b);
	item.may_be_more |= c == 'R'; /* \r\n */
	return one_row(&item, 1);
}

/* A character as it stands. */
static struct clue_rows parse_char(struct reading *p)
{
	size_t n = str_utf8_len(p->s, strlen(p->s));
	struct clue_item items[4];
	struct byteset b = { { 0 } };

	if (n == 0)
		lose(p);
	if (n > 1 && p->is_caseless) { /* its other case may be longer or shorter, or ASCII */
		byteset_add_range(&b, MANY_BYTES, 0xff);
		items[0] = item_of(p, b);
		p->s += n;
		return one_row(items, 1);
	}
	for (size_t i = 0; i < n; i++) {
		struct byteset one = { { 0 } };

		byteset_add(&one, (unsigned char)*p->s++);
		items[i] = item_of(p, one);
		items[i].may_be_more &= n == 1; /* these bytes, and no others */
	}
	return one_row(items, n);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX */
static struct clue_rows parse_one(struct reading *p, bool *ret_zero)
{
	struct clue_item any = { .set = byteset_all(), .least = 1, .may_be_more = true };
	char c = *p->s;

	*ret_zero = c == '^' || c == '$';
	if (c == '(' || c == '[' || c == '\\' || c == '.' || *ret_zero)
		p->s++;
	if (*ret_zero)
		return one_row(NULL, 0);
	if (c == '.')
		return one_row(&any, 1);
	return c == '('    ? parse_group(p, ret_zero)
	       : c == '['  ? parse_class(p)
	       : c == '\\' ? parse_escape(p, ret_zero)
			   : parse_char(p);
}

static unsigned read_number(struct reading *p)
{
	unsigned v = 0;

	while (is_digit(*p->s) && v <= COUNT_MAX)
		v = v * 10 + (unsigned)(*p->s++ - '0');
	return v;
}

/* {n}, {n,}, {n,m}. Another { is a character, but for what versions of PCRE2 take differently. */
static void read_braces(struct reading *p, unsigned *least, bool *may_be_more)
{
	if (!is_digit(p->s[1])) {
		if (p->s[1] == ',' || p->s[1] == ' ' || p->s[1] == '\t')
			lose(p);
		return;
	}
	p->s++;
	*least = read_number(p);
	*may_be_more = *p->s == ',';
	if (*p->s == ',') {
		p->s++;
		*may_be_more = read_number(p) != *least;
	}
	if (*p->s == '}')
		p->s++;
	else
		lose(p);
}

/* How often; behind it, whether it is greedy does not matter. */
static void read_repeat(struct reading *p, unsigned *least, bool *may_be_more)
{
	const char *before = p->s;

	*least = 1;
	*may_be_more = false;
	if (*p->s == '{') {
		read_braces(p, least, may_be_more);
	} else if (*p->s == '*' || *p->s == '+' || *p->s == '?') {
		*least = *p->s == '+';
		*may_be_more = true;
		p->s++;
	}
	if (p->s > before && (*p->s == '?' || *p->s == '+'))
		p->s++;
}

static bool is_one_item(const struct clue_rows *r)
{
	return r->n == 1 && r->v[0].n == 1 && !r->v[0].v[0].is_gap && r->v[0].v[0].least == 1;
}

/* `by`, so often, behind all rows. */
static void append_repeated(struct clue_rows *r, const struct clue_rows *by, unsigned least, bool may_be_more)
{
	struct clue_item item = is_one_item(by) ? by->v[0].v[0] : gap;

	if (is_one_item(by)) {
		item.least = least;
		item.may_be_more |= may_be_more;
		if (least > 0 || may_be_more)
			add_to_all(r, &item);
		return;
	}
	for (unsigned i = 0; i < least && i < CLUE_ITEMS; i++)
		append(r, by);
	if (may_be_more || least > CLUE_ITEMS)
		add_to_all(r, &gap);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX */
static struct clue_rows parse_way(struct reading *p)
{
	struct clue_rows r = one_row(NULL, 0);

	while (!p->is_lost && *p->s != '\0' && *p->s != '|' && *p->s != ')') {
		bool is_zero = false, may_be_more;
		struct clue_rows one = parse_one(p, &is_zero);
		unsigned least;

		read_repeat(p, &least, &may_be_more);
		/* Of what has no length a repeat says only whether it must match. */
		append_repeated(&r, &one, is_zero && least > 1 ? 1 : least, is_zero ? false : may_be_more);
		clue_rows_close(&one);
	}
	return r;
}

/* More ways than there is room for are one that tells nothing. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX */
static struct clue_rows parse_ways(struct reading *p)
{
	struct clue_rows all = { 0 };
	bool is_many = false;

	if (++p->depth > DEPTH_MAX)
		lose(p);
	while (!p->is_lost) {
		struct clue_rows way = parse_way(p);

		for (size_t i = 0; i < way.n; i++) {
			is_many |= all.n == CLUE_WAYS;
			if (!is_many)
				*add_row(&all) = way.v[i];
		}
		clue_rows_close(&way);
		if (*p->s != '|')
			break;
		p->s++;
	}
	p->depth--;
	if (is_many || all.n == 0) {
		clue_rows_close(&all);
		all = one_row(&gap, 1);
	}
	return all;
}

bool clue_parse(const char *pattern, struct clue_rows *ret)
{
	struct reading p = { .s = pattern };

	*ret = parse_ways(&p);
	if (*p.s != '\0')
		lose(&p);
	return !p.is_lost;
}
