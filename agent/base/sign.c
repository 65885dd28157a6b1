/* sign.c - see sign.h. */
#include "agent/base/sign.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"

static void pkey_close(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void md_close(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

int sign_key_init(struct sign_key *k, const uint8_t seed[SIGN_KEY_LEN], struct err *e)
{
	CLEANUP(pkey_close) EVP_PKEY *pk = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGN_KEY_LEN);
	size_t len = SIGN_KEY_LEN;

	if (pk == NULL || !EVP_PKEY_get_raw_public_key(pk, k->pub.b, &len))
		return err_set(e, ERR_UNSUPPORTED, "libcrypto refuses an Ed25519 key");
	memcpy(k->seed, seed, SIGN_KEY_LEN);
	return 0;
}

void sign_key_id(const struct sign_public *pub, uint8_t id[SIGN_ID_LEN])
{
	struct digest d = digest_of(pub->b, sizeof(pub->b));

	memcpy(id, d.b, SIGN_ID_LEN);
}

int sign_raw(const struct sign_key *k, const void *msg, size_t len, uint8_t sig[SIGN_SIG_LEN], struct err *e)
{
	CLEANUP(pkey_close) EVP_PKEY *pk = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, k->seed, SIGN_KEY_LEN);
	CLEANUP(md_close) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t sig_len = SIGN_SIG_LEN;

	if (pk == NULL || ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, pk) != 1 ||
	    EVP_DigestSign(ctx, sig, &sig_len, msg, len) != 1)
		return err_set(e, ERR_UNSUPPORTED, "libcrypto cannot sign with Ed25519");
	return 0;
}

bool sign_raw_verify(const struct sign_public *pub, const void *msg, size_t len, const uint8_t sig[SIGN_SIG_LEN])
{
	CLEANUP(pkey_close) EVP_PKEY *pk = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub->b, SIGN_KEY_LEN);
	CLEANUP(md_close) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return pk != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pk) == 1 &&
	       EVP_DigestVerify(ctx, sig, SIGN_SIG_LEN, msg, len) == 1;
}

/* domain, NUL, SHA-256(body) */
static size_t message_of(const char *domain, const struct digest *body, uint8_t msg[64 + DIGEST_LEN])
{
	size_t n = strlen(domain) + 1;

	assert(n <= 64);
	memcpy(msg, domain, n);
	memcpy(msg + n, body->b, DIGEST_LEN);
	return n + DIGEST_LEN;
}

int sign_body(const struct sign_key *k, const char *domain, const void *body, size_t len, uint8_t sig[SIGN_SIG_LEN], struct err *e)
{
	struct digest d = digest_of(body, len);
	uint8_t msg[64 + DIGEST_LEN];
	size_t n = message_of(domain, &d, msg);

	return sign_raw(k, msg, n, sig, e);
}

bool sign_verify(const struct sign_public *pub, const char *domain, const struct digest *body, const uint8_t sig[SIGN_SIG_LEN])
{
	uint8_t msg[64 + DIGEST_LEN];
	size_t n = message_of(domain, body, msg);

	return sign_raw_verify(pub, msg, n, sig);
}
