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

/* RFC 8032, 5.1.3: y is below p = 2^255 - 19; the top bit of the last byte is the sign of x. */
static bool is_below_p(const uint8_t y[SIGN_KEY_LEN])
{
	/* p is ed ff ... ff 7f, the lowest byte first: only when all the others are at their largest does the first one decide. */
	for (size_t i = 1; i < SIGN_KEY_LEN; i++)
		if (y[i] != (i + 1 < SIGN_KEY_LEN ? 0xff : 0x7f))
			return true;
	return y[0] < 0xed;
}

/* Libcrypto accepts these keys like any other, and offers no check for them. Eight points have an order that divides 8; under the
 * sign of x there are five values of y (the test holds all fourteen spellings of C2SP/CCTV, ed25519). */
bool sign_public_is_sound(const struct sign_public *pub)
{
	static const uint8_t small[][SIGN_KEY_LEN] = {
		{ 0 }, /* order 4 */
		{ 1 }, /* order 1 */
		{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f }, /* order 2 */
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		  0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 }, /* order 8 */
		{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		  0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a }, /* order 8 */
	};
	struct sign_public y = *pub;

	/* The sign of x does not change the order of a point, so each y is refused with both signs. */
	y.b[SIGN_KEY_LEN - 1] &= 0x7f;
	for (size_t i = 0; i < ARRAY_LEN(small); i++)
		if (memcmp(y.b, small[i], SIGN_KEY_LEN) == 0)
			return false;
	return is_below_p(y.b);
}

/* Libcrypto's own struct of a key: what stands in it is wiped when it is freed. */
struct sign_ready {
	EVP_PKEY *pkey;
};

struct sign_ready *sign_ready_new(const struct sign_key *k, struct err *e)
{
	EVP_PKEY *pk = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, k->seed, SIGN_KEY_LEN);
	struct sign_ready *r;

	if (pk == NULL) {
		err_set(e, ERR_UNSUPPORTED, "libcrypto refuses an Ed25519 key");
		return NULL;
	}
	r = mem_new(struct sign_ready);
	r->pkey = pk;
	return r;
}

void sign_ready_free(struct sign_ready *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	mem_free(k);
}

int sign_ready_raw(const struct sign_ready *k, const void *msg, size_t len, uint8_t sig[SIGN_SIG_LEN], struct err *e)
{
	CLEANUP(md_close) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t sig_len = SIGN_SIG_LEN;

	/* No digest is named: Ed25519 hashes by itself and takes the message in one piece (EVP_SIGNATURE-ED25519(7)). */
	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) != 1 ||
	    EVP_DigestSign(ctx, sig, &sig_len, msg, len) != 1)
		return err_set(e, ERR_UNSUPPORTED, "libcrypto cannot sign with Ed25519");
	return 0;
}

int sign_raw(const struct sign_key *k, const void *msg, size_t len, uint8_t sig[SIGN_SIG_LEN], struct err *e)
{
	struct sign_ready *r = sign_ready_new(k, e);
	int rc = r != NULL ? sign_ready_raw(r, msg, len, sig, e) : -ERR_UNSUPPORTED;

	sign_ready_free(r);
	return rc;
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
