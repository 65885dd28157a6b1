/* tail_text.h - bytes of a line as text that may stand in a proto3 string. Pure. */
#pragma once
#include <stddef.h>

#include "agent/base/buf.h"

/* At most max bytes of s, without cutting a UTF-8 sequence in two: less than a character of room is none. */
size_t tail_text_cut(const char *s, size_t len, size_t max);
/* Appends s to b: each byte of an invalid sequence becomes U+FFFD. NULs are left out: between the letters of a word they would hide
 * the word from the rules, but not from a person who reads the line later. */
int tail_text_clean(struct buf *b, const char *s, size_t len);
size_t tail_text_nuls(const char *s, size_t len);    /* how many there are */
size_t tail_text_nul_run(const char *s, size_t len); /* how many stand in front */
