/* str.h - small questions about text: prefixes, numbers with units, globs, bounded copies. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"

bool str_eq(const char *a, const char *b); /* NULL equals NULL alone */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* A copy that must fit: -ERR_LIMIT and an empty string when it does not. */
int str_copy(char *to, size_t size, const char *from);
/* All of s must be one of [a-z0-9-], first a letter or digit, 1..max long. Our ids. */
bool str_is_id(const char *s, size_t max);
bool str_is_utf8(const char *s, size_t len);
size_t str_ascii_len(const char *s, size_t len); /* of what is ASCII in front */
size_t str_plain_len(const char *s, size_t len); /* of what is ASCII without NUL in front */
/* Length of the well-formed sequence at s, at most `left` (not 0); 0: there is none. RFC 3629: no overlong forms, no
 * surrogates, at most U+10FFFF. */
size_t str_utf8_len(const char *text, size_t left);
bool str_is_control(const char *s); /* the first character of a text: C0, DELETE, C1 */
/* Does it hold a character that has what follows shown in another order (bidirectional overrides, embeddings, isolates)? */
bool str_turns_direction(const char *s, size_t len);
/* In place, for text from outside on its way to what takes UTF-8 alone: each byte that belongs to no character, or to one that
 * turns the direction, becomes '?'; in one line, each control character becomes blank. */
void str_mend(char *s);
void str_one_line(char *s);
/* The whole of s must be the number. */
int str_u64(const char *s, uint64_t *ret);
int str_i64(const char *s, int64_t *ret);
int str_double(const char *s, double *ret);
/* "500ms", "30s", "5m", "24h", "30d"; a bare 0 too. Milliseconds. */
int str_duration(const char *s, uint64_t *ret_ms);
/* "4096", "64KiB", "256MiB", "2GiB". Bytes. */
int str_size(const char *s, uint64_t *ret_bytes);
/* `*` and `?` match anything, also `/`; every other character is itself. */
bool str_glob(const char *pattern, const char *s);
