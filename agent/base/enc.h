/* enc.h - bytes as text: hex, base64 (RFC 4648, with padding), base64url (without), base32 (lower case, without), and what stands
 * percent-encoded in an URL. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"

/* Each writes a terminated text; `to` must hold ENC_..._LEN(len) bytes. They return `to`. */
#define ENC_HEX_LEN(n) ((n)*2 + 1)
#define ENC_BASE64_LEN(n) (((n) + 2) / 3 * 4 + 1)
#define ENC_BASE32_LEN(n) (((n)*8 + 4) / 5 + 1)

const char *enc_hex(const void *p, size_t len, char *to);
const char *enc_base64(const void *p, size_t len, char *to);
const char *enc_base64url(const void *p, size_t len, char *to);
const char *enc_base32(const void *p, size_t len, char *to);

/* Everything but RFC 3986's unreserved characters, and those in `keep`, becomes %XX: the one encoding AWS signs. */
void enc_percent(struct buf *to, const char *s, size_t len, const char *keep);

/* Exactly `len` bytes must come out: for keys and digests. */
int enc_unhex(const char *s, void *to, size_t len);
int enc_unbase64(const char *s, void *to, size_t len); /* either alphabet, padded or not */
int enc_unbase64_buf(const char *s, struct buf *b);    /* any length */
