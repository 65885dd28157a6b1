/* digest.c - a thin file over libcrypto. */
#include "agent/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/base/enc.h"

static void must(int ok)
{
	if (!ok) {
		fputs("reeve: libcrypto has no SHA-256\n", stderr);
		abort();
	}
}

struct digest digest_of(const void *p, size_t len)
{
	struct digest d;
	unsigned out = sizeof(d.b);

	must(EVP_Digest(p, len, d.b, &out, EVP_sha256(), NULL));
	return d;
}

struct digest digest_hmac(const void *key, size_t key_len, const void *p, size_t len)
{
	struct digest d;
	unsigned out = sizeof(d.b);

	must(HMAC(EVP_sha256(), key, (int)key_len, p, len, d.b, &out) != NULL);
	return d;
}

const char *digest_hex(const struct digest *d, char to[DIGEST_HEX_LEN])
{
	return enc_hex(d->b, sizeof(d->b), to);
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
	return CRYPTO_memcmp(a->b, b->b, DIGEST_LEN) == 0;
}
