/* detect_ip.c - addresses: IPv4 by four numbers up to 255, also as names of AWS have them (ip-10-0-0-1); IPv6 by RFC 4291, with
 * `::` or in full, an IPv4 address or a zone at its end. A port, a prefix length or a bracket behind it stays. Left: versions
 * (three numbers or five, or behind `v` or `version`), times, MAC and EUI-64 addresses, names such as std::begin; an IPv6 address
 * in full of which no group but the last has four digits.
 *
 * One pass: a run of hex digits, colons and dots is looked at once, and what is found begins in it. */
#include "shippers/detect_impl.h"

#define GROUPS 8
#define ZONE_MAX 16

/* A number from 0 to 255 without a letter: where it ends; 0: none. */
static size_t octet_ends(const struct detect *d, size_t at)
{
	size_t end = detect_run(d, at, DETECT_DIGIT, 4);
	unsigned v = 0;

	for (size_t i = at; i < end; i++)
		v = v * 10 + (unsigned)(d->s[i] - '0');
	return end > at && end - at <= 3 && v <= 255 ? end : 0;
}

static size_t v4_ends(const struct detect *d, size_t at, char between)
{
	for (int i = 0; i < 4; i++) {
		if (i > 0 && !detect_has(d, at++, between))
			return 0;
		at = octet_ends(d, at);
		if (at == 0)
			return 0;
	}
	if (detect_at(d, at, DETECT_WORD) || (detect_has(d, at, between) && detect_at(d, at + 1, DETECT_DIGIT)))
		return 0;
	return at;
}

/* "version 2.1.7.1", "v2.1.7.1" */
static bool is_version(const struct detect *d, size_t at)
{
	static const char word[] = "version";
	size_t n = sizeof(word) - 1;

	while (at > 0 && (d->s[at - 1] == ' ' || d->s[at - 1] == ':' || d->s[at - 1] == '='))
		at--;
	return at >= n && detect_word(d, at - n, word);
}

static bool v4_may_begin(const struct detect *d, size_t at)
{
	if (detect_before(d, at, DETECT_WORD) || (at > 1 && d->s[at - 1] == '.' && detect_before(d, at - 1, DETECT_DIGIT)))
		return false;
	return !is_version(d, at);
}

/* ---- IPv6 ---- */

struct groups {
	unsigned n;
	bool has_gap;     /* :: */
	bool has_digit;   /* else it may be a word: ::add */
	bool has_long;    /* a group of four digits before the last */
	size_t last_from; /* the last group */
};

/* Groups of up to four hex digits with colons between them: where they end. What makes an address of them is asked after. */
static size_t groups_end(const struct detect *d, size_t at, struct groups *g)
{
	size_t end = at;

	for (;;) {
		size_t group = end;

		end = detect_run(d, group, DETECT_HEX, 5);
		if (end - group > 4 || g->n > GROUPS)
			return 0;
		g->n += end > group;
		g->last_from = group;
		for (size_t i = group; i < end; i++)
			g->has_digit |= detect_is(DETECT_DIGIT, d->s[i]);
		if (!detect_has(d, end, ':'))
			return end;
		g->has_long |= end - group == 4;
		if (detect_has(d, end + 1, ':')) {
			if (g->has_gap)
				return 0;
			g->has_gap = true;
			end += 2;
			if (!detect_at(d, end, DETECT_HEX))
				return end;
		} else if (!detect_at(d, end + 1, DETECT_HEX)) {
			return end; /* a colon behind it */
		} else {
			end++;
		}
	}
}

static size_t zone_ends(const struct detect *d, size_t at)
{
	size_t end = detect_has(d, at, '%') ? detect_run(d, at + 1, DETECT_WORD, ZONE_MAX) : at;

	return end > at + 1 ? end : at;
}

static size_t v6_ends(const struct detect *d, size_t at)
{
	struct groups g = { 0 };
	size_t end = groups_end(d, at, &g), v4;

	if (end == 0)
		return 0;
	v4 = detect_has(d, end, '.') ? v4_ends(d, g.last_from, '.') : 0;
	if (v4 != 0) { /* its first number was taken for a group, and it stands for two */
		g.n++;
		end = v4;
	}
	if (g.n == 0 || !g.has_digit || (g.has_gap ? g.n >= GROUPS : g.n != GROUPS || !g.has_long))
		return 0;
	return detect_at(d, end, DETECT_WORD) ? 0 : zone_ends(d, end);
}

/* Where in a run an address of IPv6 may begin: at its head, or behind the colon of a key ("source:fe80::1", "addr:fe80::1"). */
static size_t v6_begins(const struct detect *d, size_t at)
{
	bool is_of_word = detect_before(d, at, DETECT_WORD);

	while (detect_has(d, at, '.'))
		at++;
	if (is_of_word)
		at = detect_run(d, at, DETECT_HEX, d->len);
	if (!is_of_word && !(detect_has(d, at, ':') && !detect_has(d, at + 1, ':')))
		return at;
	return detect_has(d, at, ':') && !detect_has(d, at + 1, ':') ? at + 1 : d->len;
}

/* ---- both ---- */

static bool is_in_run(char c)
{
	return detect_is(DETECT_HEX, c) || c == ':' || c == '.';
}

static bool take(struct detect *d, size_t begin, size_t end, size_t *from, size_t *to)
{
	*from = begin;
	*to = d->at = end;
	return true;
}

/* The run begins at d->at. Its IPv6 address, or the next of its IPv4 addresses; false: none, and d->at is behind it. */
static bool find_in_run(struct detect *d, size_t *from, size_t *to)
{
	size_t begin = v6_begins(d, d->at), end = begin < d->len ? v6_ends(d, begin) : 0;

	if (end != 0)
		return take(d, begin, end, from, to);
	for (; d->at < d->len && is_in_run(d->s[d->at]); d->at++) {
		if (!detect_at(d, d->at, DETECT_DIGIT) || !v4_may_begin(d, d->at))
			continue;
		end = v4_ends(d, d->at, '.');
		if (end != 0)
			return take(d, d->at, end, from, to);
	}
	return false;
}

/* ip-10-0-0-1, at its first dash. */
static bool find_name(struct detect *d, size_t dash, size_t *from, size_t *to)
{
	size_t end = 0;

	if (dash >= d->at + 2 && detect_word(d, dash - 2, "ip") && !detect_before(d, dash - 2, DETECT_WORD))
		end = v4_ends(d, dash + 1, '-');
	return end != 0 && take(d, dash - 2, end, from, to);
}

/* Every address has a colon, a dot or a dash: at the first of them its run is looked at, from its head on. */
bool detect_ip_next(struct detect *d, size_t *from, size_t *to)
{
	size_t at = d->at;

	while (at < d->len) {
		char c = d->s[at];

		if (c != ':' && c != '.' && c != '-') {
			at++;
			continue;
		}
		if (c == '-') {
			if (find_name(d, at, from, to))
				return true;
			at++;
			continue;
		}
		for (; at > d->at && detect_is(DETECT_HEX, d->s[at - 1]); at--)
			;
		d->at = at;
		if (find_in_run(d, from, to))
			return true;
		at = d->at;
	}
	d->at = d->len;
	return false;
}
