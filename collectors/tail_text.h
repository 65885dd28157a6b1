/* tail_text.h - bytes of a line as text that may stand in a proto3 string. Pure. */
#pragma once
#include <stddef.h>

#include "agent/base/buf.h"

/* At most max bytes of s, without cutting a UTF-8 sequence in two: less than a character of room is none. */
size_t tail_text_cut(const char *s, size_t len, size_t max);
/* Appends s to b: each byte of an invalid sequence becomes U+FFFD, NUL becomes U+2400. */
int tail_text_clean(struct buf *b, const char *s, size_t len);
