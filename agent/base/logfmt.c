/* logfmt.c - walks the format once and writes each value behind its `=` in its escaped form; quotes are set around it at its end,
 * when it is known whether it needs them. So a line is one buffer, and nothing is formatted twice. */
#include "agent/base/logfmt.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/str.h"

#define CUT " cut=yes"
#define RESERVE (2 + sizeof(CUT)) /* the quotes of the last value, the pair, NUL */

/* What is between `pair` and `len` is one pair, with the blank before it. */
struct line {
	char *to;
	size_t len, max;   /* max: without the reserve */
	size_t pair;       /* where the last pair begins */
	size_t value;      /* where its value begins; 0: its key is not yet complete */
	bool is_in_quotes; /* of the format */
	bool needs_quotes; /* the value does */
	bool is_cut;       /* something did not fit: nothing is added */
};

static void put(struct line *l, const char *bytes, size_t n)
{
	l->is_cut = l->is_cut || n > l->max || l->len > l->max - n;
	if (l->is_cut)
		return;
	memcpy(l->to + l->len, bytes, n);
	l->len += n;
}

static void put_control(struct line *l, unsigned char c)
{
	char out[8];

	if (c == '\n' || c == '\r' || c == '\t')
		snprintf(out, sizeof(out), "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
	else
		snprintf(out, sizeof(out), "\\u%04x", c);
	put(l, out, strlen(out));
}

/* The character at s, which is no NUL. Returns how many bytes it has. */
static size_t put_character(struct line *l, const char *s)
{
	size_t n = str_utf8_len(s, strnlen(s, 4));
	const char escaped[] = { '\\', *s };

	if (n == 0 || str_turns_direction(s, n)) {
		n = n == 0 ? 1 : n;
		put(l, "????", n);
		return n;
	}
	l->needs_quotes = l->needs_quotes || str_is_control(s) || strchr(" =\"\\", *s) != NULL;
	if (str_is_control(s))
		put_control(l, (unsigned char)s[n - 1]); /* in UTF-8 the second byte of U+0080 to U+009F is the number itself */
	else if (*s == '"' || *s == '\\')
		put(l, escaped, 2);
	else
		put(l, s, n);
	return n;
}

static void put_text(struct line *l, const char *s)
{
	s = s != NULL ? s : "(null)";
	while (*s != '\0' && !l->is_cut)
		s += put_character(l, s);
}

/* Writes the number that a conversion asks for. Returns the length of the conversion; 0: it is none of ours. */
static size_t number(char *to, size_t size, const char *conversion, va_list *ap)
{
	if (str_starts(conversion, "d"))
		return snprintf(to, size, "%d", va_arg(*ap, int)), 1;
	if (str_starts(conversion, "u"))
		return snprintf(to, size, "%u", va_arg(*ap, unsigned)), 1;
	if (str_starts(conversion, "ld"))
		return snprintf(to, size, "%ld", va_arg(*ap, long)), 2;
	if (str_starts(conversion, "lu"))
		return snprintf(to, size, "%lu", va_arg(*ap, unsigned long)), 2;
	if (str_starts(conversion, "zu"))
		return snprintf(to, size, "%zu", va_arg(*ap, size_t)), 2;
	if (str_starts(conversion, "lld"))
		return snprintf(to, size, "%lld", va_arg(*ap, long long)), 3;
	if (str_starts(conversion, "llu"))
		return snprintf(to, size, "%llu", va_arg(*ap, unsigned long long)), 3;
	return 0;
}

/* `conversion` is behind its `%`. Returns its length. */
static size_t put_conversion(struct line *l, const char *conversion, va_list *ap)
{
	char digits[24];
	size_t n;

	assert(l->value > 0); /* a key is ours, never an argument */
	if (*conversion == 's') {
		put_text(l, va_arg(*ap, const char *));
		return 1;
	}
	n = number(digits, sizeof(digits), conversion, ap);
	assert(n > 0); /* logfmt.h names the conversions */
	put(l, digits, strlen(digits));
	return n;
}

/* The reserve holds the quotes. */
static void end_value(struct line *l)
{
	char *value = l->to + l->value;

	if (l->value > 0 && (l->needs_quotes || l->len == l->value)) {
		memmove(value + 1, value, l->len - l->value);
		*value = '"';
		l->to[l->len + 1] = '"';
		l->len += 2;
	}
	l->value = 0;
	l->needs_quotes = false;
}

/* A character of the format:
 *   "                    is not written: the value is in quotes
 *   a blank, no quotes   ends the value; a new pair begins
 *   the first =          ends the key; the value begins
 *   any other            is written */
static void put_literal(struct line *l, char c)
{
	if (c == '"') {
		l->is_in_quotes = !l->is_in_quotes;
		l->needs_quotes = true;
	} else if (c == ' ' && !l->is_in_quotes) {
		end_value(l);
		l->pair = l->len;
		put(l, &c, 1);
	} else {
		put(l, &c, 1);
		if (c == '=' && l->value == 0 && !l->is_cut)
			l->value = l->len;
	}
}

/* A value that was cut is ended; of a key that was cut nothing stays. */
static void end_cut(struct line *l)
{
	const char *mark = CUT;
	size_t n;

	if (l->value == 0)
		l->len = l->pair;
	end_value(l);
	mark += l->len == 0; /* no blank at the start of a line */
	n = strlen(mark);
	memcpy(l->to + l->len, mark, n);
	l->len += n;
}

void logfmt(char *to, size_t size, const char *fmt, va_list ap)
{
	struct line l = { .to = to, .max = size - RESERVE };
	va_list args;

	/* Where va_list is an array type, as on x86-64, the address of a parameter of that type is no va_list *; that of a copy
	 * is. */
	va_copy(args, ap);
	while (*fmt != '\0' && !l.is_cut)
		if (*fmt == '%')
			fmt += 1 + put_conversion(&l, fmt + 1, &args);
		else
			put_literal(&l, *fmt++);
	va_end(args);
	if (l.is_cut)
		end_cut(&l);
	else
		end_value(&l);
	to[l.len] = '\0';
}
