/* form.c - see form.h. Keys are ours and short; values may be anything. */
#include "agent/aws/form.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 128

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	       c == '~';
}

void form_encode(struct buf *to, const char *s, size_t len, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (is_unreserved(s[i]) || (c != '\0' && strchr(keep, c) != NULL))
			buf_addc(to, s[i]);
		else
			buf_add(to, (const char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
	}
}

/* A blank is "+", as HTML forms have it: AWS takes that and %20 alike, moto's check of signatures takes this alone. */
static void add_text(struct buf *to, const char *s, size_t len)
{
	for (size_t word; len > 0; s += word, len -= word) {
		const char *blank = memchr(s, ' ', len);

		word = blank == s ? 1 : blank != NULL ? (size_t)(blank - s) : len;
		if (blank == s)
			buf_addc(to, '+');
		else
			form_encode(to, s, word, "");
	}
}

static void add_pair(struct form *f, const char *value, const char *key_fmt, va_list ap)
{
	char key[KEY_MAX];
	int n = vsnprintf(key, sizeof(key), key_fmt, ap);

	assert(n > 0 && n < KEY_MAX);
	if (f->b.len > 0)
		buf_addc(&f->b, '&');
	add_text(&f->b, key, (size_t)n);
	buf_addc(&f->b, '=');
	add_text(&f->b, value, strlen(value));
}

void form_start(struct form *f, const char *action, const char *version)
{
	*f = (struct form){ .b = BUF_MAX(FORM_MAX_BYTES), .action = action };
	form_add(f, action, "Action");
	form_add(f, version, "Version");
}

void form_add(struct form *f, const char *value, const char *key_fmt, ...)
{
	va_list ap;

	va_start(ap, key_fmt);
	add_pair(f, value, key_fmt, ap);
	va_end(ap);
}

void form_add_u(struct form *f, uint64_t value, const char *key_fmt, ...)
{
	char text[24];
	va_list ap;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	va_start(ap, key_fmt);
	add_pair(f, text, key_fmt, ap);
	va_end(ap);
}

void form_close(struct form *f)
{
	if (f != NULL)
		buf_close(&f->b);
}
