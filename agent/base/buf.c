/* buf.c - growing by doubling, never beyond the maximum. */
#include "agent/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"

char *buf_room(struct buf *b, size_t len)
{
	size_t want = b->len + len;

	/* len is compared by itself, because `want` may have wrapped around. Once something did not fit, smaller pieces are
	 * refused too: a text with a hole in it would look whole. */
	if (b->over || len > b->max || want > b->max) {
		b->over = true;
		return NULL;
	}
	if (want + 1 > b->cap) {
		size_t cap = b->cap > 0 ? b->cap : 64;

		while (cap < want + 1)
			cap *= 2;
		b->data = mem_grow(b->data, cap, 1);
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_grew(struct buf *b, size_t len)
{
	assert(b->len + len < b->cap);
	b->len += len;
	b->data[b->len] = '\0';
}

int buf_add(struct buf *b, const void *p, size_t len)
{
	char *to = buf_room(b, len);

	if (to == NULL)
		return -ERR_LIMIT;
	if (len > 0)
		memcpy(to, p, len);
	buf_grew(b, len);
	return 0;
}

int buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* A format that cannot be printed (EOVERFLOW, EILSEQ) is a hole like one that does not fit: buf_check has to know. */
	b->over |= n < 0;
	to = buf_room(b, n < 0 ? 0 : (size_t)n);
	if (to != NULL) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		buf_grew(b, (size_t)n);
	}
	va_end(again);
	return to != NULL ? 0 : -ERR_LIMIT;
}

void buf_cut(struct buf *b, size_t len)
{
	assert(len <= b->len);
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len + 1); /* with the NUL */
	b->len -= len;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->over = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

const char *buf_str(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

int buf_check(const struct buf *b, const char *what, struct err *e)
{
	if (!b->over)
		return 0;
	return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", what, b->max);
}

char *buf_take(struct buf *b, size_t *ret_len)
{
	char *data = b->data != NULL ? b->data : mem_alloc(1);

	/* An empty text is memory of the caller's as well, and terminated: it frees what it gets without looking. */
	if (ret_len != NULL)
		*ret_len = b->len;
	*b = BUF_MAX(b->max);
	return data;
}

void buf_close(struct buf *b)
{
	if (b == NULL)
		return;
	mem_free(b->data);
	*b = BUF_MAX(b->max);
}
