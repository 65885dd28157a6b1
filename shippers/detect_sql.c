/* detect_sql.c - the values in SQL: strings in single quotes, with '' and \' in them; strings in double quotes and numbers behind
 * = < > and LIKE, and in the parentheses of IN and VALUES. What is not closed goes to the end of the text, since a log cuts long
 * SQL. Left: names (double quotes elsewhere are JSON's, or a name's), an apostrophe amid a word, the arrow of a lambda, dates and
 * addresses without quotes where they are no number, numbers elsewhere (LIMIT 10). It does not ask whether a text is SQL:
 * took_ms=33 is one.
 *
 * One pass from left to right; what it knows of a list (d->depth) stays from one find to the next. */
#include "shippers/detect_impl.h"

static size_t skip_spaces(const struct detect *d, size_t at)
{
	while (detect_at(d, at, DETECT_SPACE))
		at++;
	return at;
}

/* A number, with a sign before it: where it ends; 0: none, or a date, an address, an id that begins with digits. */
static size_t number_ends(const struct detect *d, size_t at)
{
	size_t digits, end;

	at += detect_has(d, at, '-') || detect_has(d, at, '+');
	if (detect_has(d, at, '0') && at + 1 < d->len && (d->s[at + 1] | 0x20) == 'x') {
		end = detect_run(d, at + 2, DETECT_HEX, d->len);
		return end > at + 2 && !detect_at(d, end, DETECT_WORD) ? end : 0;
	}
	end = detect_run(d, at, DETECT_DIGIT, d->len);
	digits = end - at;
	if (detect_has(d, end, '.') && (digits > 0 || detect_at(d, end + 1, DETECT_DIGIT))) {
		size_t fraction = detect_run(d, end + 1, DETECT_DIGIT, d->len);

		end = fraction > end + 1 ? fraction : end;
		digits += fraction - at;
	}
	if (digits == 0)
		return 0;
	if (end < d->len && (d->s[end] | 0x20) == 'e') {
		size_t exponent = end + 1;

		exponent += detect_has(d, exponent, '-') || detect_has(d, exponent, '+');
		if (detect_at(d, exponent, DETECT_DIGIT))
			end = detect_run(d, exponent, DETECT_DIGIT, d->len);
	}
	if (detect_at(d, end, DETECT_WORD) || (detect_has(d, end, '.') && detect_at(d, end + 1, DETECT_DIGIT)))
		return 0;
	return end;
}

/* From the opening quote to behind the closing one. */
static size_t string_ends(const struct detect *d, size_t at)
{
	char quote = d->s[at];

	for (at++; at < d->len; at++) {
		if (d->s[at] == '\\')
			at++;
		else if (d->s[at] == quote && !detect_has(d, at + 1, quote))
			return at + 1;
		else if (d->s[at] == quote)
			at++;
	}
	return d->len;
}

/* It's one where it stands amid a word; N'...' and its like are strings. */
static bool is_apostrophe(const struct detect *d, size_t at)
{
	if (!detect_before(d, at, DETECT_WORD))
		return false;
	return !((d->s[at - 1] | 0x20) == 'n' || (d->s[at - 1] | 0x20) == 'x' || (d->s[at - 1] | 0x20) == 'b') ||
	       detect_before(d, at - 1, DETECT_WORD);
}

static bool take(struct detect *d, size_t from, size_t end, size_t *ret_from, size_t *ret_to)
{
	*ret_from = from;
	*ret_to = d->at = end;
	return true;
}

/* A value may begin here: its end, if one does. */
static size_t value_ends(const struct detect *d, size_t at)
{
	if (detect_has(d, at, '\'') || detect_has(d, at, '"'))
		return detect_mask(d, at + 1) != 0 ? 0 : string_ends(d, at);
	return number_ends(d, at);
}

/* Behind = < > and LIKE, and blanks. */
static bool find_behind(struct detect *d, size_t at, size_t *from, size_t *to)
{
	size_t begin = skip_spaces(d, at), end = value_ends(d, begin);

	d->at = at;
	return end > begin && take(d, begin, end, from, to);
}

/* A word begins here: LIKE tells of a value behind it, IN and VALUES of a list. */
static bool find_at_word(struct detect *d, size_t *from, size_t *to)
{
	size_t end = detect_run(d, d->at, DETECT_WORD, d->len), n = end - d->at, list;
	bool is_of_list = (n == 2 && detect_word(d, d->at, "in")) || (n == 6 && detect_word(d, d->at, "values"));

	if (n == 4 && detect_word(d, d->at, "like"))
		return find_behind(d, end, from, to);
	list = is_of_list ? skip_spaces(d, end) : end;
	d->at = end;
	if (is_of_list && detect_has(d, list, '(')) {
		d->depth++;
		d->at = list + 1;
	}
	return false;
}

/* VALUES (1, 2), (3, 4): the comma leads to the next list. */
static void leave_list(struct detect *d)
{
	size_t next;

	d->at++;
	if (d->depth == 0 || --d->depth > 0)
		return;
	next = skip_spaces(d, d->at);
	if (!detect_has(d, next, ','))
		return;
	next = skip_spaces(d, next + 1);
	if (detect_has(d, next, '(')) {
		d->depth = 1;
		d->at = next + 1;
	}
}

static bool find_quoted(struct detect *d, size_t *from, size_t *to)
{
	size_t at = d->at, mask = detect_mask(d, at + 1);
	bool is_single = d->s[at] == '\'';

	d->at = at + 1;
	if (is_single && is_apostrophe(d, at))
		return false;
	if (mask != 0 && detect_has(d, mask, d->s[at])) { /* a value that is masked already */
		d->at = mask + 1;
		return false;
	}
	if (is_single || d->depth > 0)
		return take(d, at, string_ends(d, at), from, to);
	return false;
}

/* One step; true: a find. */
static bool step(struct detect *d, size_t *from, size_t *to)
{
	char c = d->s[d->at];

	if (c == '\'' || c == '"')
		return find_quoted(d, from, to);
	if (c == '=' || c == '<' || (c == '>' && !(d->at > 0 && (d->s[d->at - 1] == '-' || d->s[d->at - 1] == '='))))
		return find_behind(d, d->at + 1, from, to);
	if (d->depth > 0 && (detect_is(DETECT_DIGIT, c) || c == '-' || c == '+' || c == '.')) {
		size_t end = detect_before(d, d->at, DETECT_WORD) ? 0 : number_ends(d, d->at);

		if (end != 0)
			return take(d, d->at, end, from, to);
	}
	if (detect_is(DETECT_WORD, c))
		return find_at_word(d, from, to);
	if (c == ')')
		leave_list(d);
	else
		d->depth += d->depth > 0 && c == '(', d->at++;
	return false;
}

bool detect_sql_next(struct detect *d, size_t *from, size_t *to)
{
	while (d->at < d->len)
		if (step(d, from, to))
			return true;
	return false;
}
