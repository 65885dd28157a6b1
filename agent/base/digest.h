/* digest.h - SHA-256 and HMAC over it (libcrypto). Cannot fail: a libcrypto without SHA-256 stops the agent. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32
#define DIGEST_HEX_LEN 65 /* with its NUL */

struct digest {
	uint8_t b[DIGEST_LEN];
};

struct digest digest_of(const void *p, size_t len);
struct digest digest_hmac(const void *key, size_t key_len, const void *p, size_t len);
const char *digest_hex(const struct digest *d, char to[DIGEST_HEX_LEN]);
bool digest_eq(const struct digest *a, const struct digest *b); /* constant time */
