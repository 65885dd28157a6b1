/* buf.h - bytes that grow up to a stated maximum. All that arrives from outside, and all text we build, lives here.
 *
 * A buffer remembers that something did not fit: adders return -ERR_LIMIT, and so does buf_check, so a builder may add
 * without looking and ask once at the end. `data` is always followed by a NUL that is not counted in `len`. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"

struct buf {
	char *data; /* NULL while nothing was ever added */
	size_t len, cap, max;
	bool over; /* something did not fit */
};

#define BUF_MAX(n) ((struct buf){ .max = (n) })

int buf_add(struct buf *b, const void *p, size_t len);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *buf_room(struct buf *b, size_t len); /* space for len more bytes, or NULL; then buf_grew */
void buf_grew(struct buf *b, size_t len);
void buf_cut(struct buf *b, size_t len);  /* forget the first len bytes */
void buf_reset(struct buf *b);            /* empty, keeps its memory */
const char *buf_str(const struct buf *b); /* never NULL */
int buf_check(const struct buf *b, const char *what, struct err *e);
char *buf_take(struct buf *b, size_t *ret_len); /* hands the memory over; ret_len may be NULL */
void buf_close(struct buf *b);
