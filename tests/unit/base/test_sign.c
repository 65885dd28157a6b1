/* test_sign.c - Ed25519 by the vectors of RFC 8032, and signatures that are worth nothing under another domain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/mem.h"
#include "agent/base/secret.h"
#include "agent/base/sign.h"

/* RFC 8032, 7.1: seed, public key, message, signature. */
static const struct {
	const char *seed, *pub, *msg, *sig;
} vectors[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465514143"
	  "8e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d2916"
	  "12bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027bece"
	  "ea1ec40a" },
};

static struct sign_key key_of(const char *hex)
{
	uint8_t seed[SIGN_KEY_LEN];
	struct sign_key k;

	assert_int_equal(enc_unhex(hex, seed, sizeof(seed)), 0);
	assert_int_equal(sign_key_init(&k, seed, NULL), 0);
	return k;
}

static void keys_and_signatures_are_those_of_rfc_8032(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct sign_key k = key_of(vectors[i].seed);
		uint8_t msg[2], sig[SIGN_SIG_LEN];
		size_t len = strlen(vectors[i].msg) / 2;
		char hex[ENC_HEX_LEN(SIGN_SIG_LEN)];

		enc_unhex(vectors[i].msg, msg, len);
		assert_string_equal(enc_hex(k.pub.b, SIGN_KEY_LEN, hex), vectors[i].pub);
		assert_int_equal(sign_raw(&k, msg, len, sig, NULL), 0);
		assert_string_equal(enc_hex(sig, SIGN_SIG_LEN, hex), vectors[i].sig);
		assert_true(sign_raw_verify(&k.pub, msg, len, sig));
	}
}

static void a_key_made_ready_signs_as_often_as_asked_and_as_the_plain_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct sign_key k = key_of(vectors[i].seed);
		struct sign_ready *r = sign_ready_new(&k, NULL);
		uint8_t msg[2], sig[SIGN_SIG_LEN];
		size_t len = strlen(vectors[i].msg) / 2;
		char hex[ENC_HEX_LEN(SIGN_SIG_LEN)];

		assert_non_null(r);
		secret_wipe(&k, sizeof(k)); /* it has a copy of its own */
		enc_unhex(vectors[i].msg, msg, len);
		for (unsigned again = 0; again < 3; again++) {
			memset(sig, 0, sizeof(sig));
			assert_int_equal(sign_ready_raw(r, msg, len, sig, NULL), 0);
			assert_string_equal(enc_hex(sig, SIGN_SIG_LEN, hex), vectors[i].sig);
		}
		sign_ready_free(r);
	}
	sign_ready_free(NULL);
}

static bool fits(const struct sign_public *pub, const char *domain, const char *body, size_t len, const uint8_t sig[SIGN_SIG_LEN])
{
	struct digest d = digest_of(body, len);

	return sign_verify(pub, domain, &d, sig);
}

static void a_signature_holds_for_its_domain_body_and_key_alone(void **state)
{
	struct sign_key k = key_of(vectors[0].seed), other = key_of(vectors[1].seed);
	uint8_t sig[SIGN_SIG_LEN];

	(void)state;
	assert_int_equal(sign_body(&k, SIGN_DOMAIN_COMMAND, "body", 4, sig, NULL), 0);
	assert_true(fits(&k.pub, SIGN_DOMAIN_COMMAND, "body", 4, sig));
	assert_false(fits(&k.pub, SIGN_DOMAIN_HEAD, "body", 4, sig));
	assert_false(fits(&k.pub, SIGN_DOMAIN_COMMAND, "bodY", 4, sig));
	assert_false(fits(&k.pub, SIGN_DOMAIN_COMMAND, "body", 3, sig));
	assert_false(fits(&other.pub, SIGN_DOMAIN_COMMAND, "body", 4, sig));
	assert_false(sign_raw_verify(&k.pub, "body", 4, sig));
	for (size_t bit = 0; bit < 8 * SIGN_SIG_LEN; bit += 7) {
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(fits(&k.pub, SIGN_DOMAIN_COMMAND, "body", 4, sig));
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void what_is_signed_is_domain_nul_and_digest(void **state)
{
	struct sign_key k = key_of(vectors[0].seed);
	uint8_t msg[sizeof(SIGN_DOMAIN_HEAD) + DIGEST_LEN], sig[SIGN_SIG_LEN];
	struct digest d = digest_of("body", 4);

	(void)state;
	memcpy(msg, SIGN_DOMAIN_HEAD, sizeof(SIGN_DOMAIN_HEAD));
	memcpy(msg + sizeof(SIGN_DOMAIN_HEAD), d.b, DIGEST_LEN);
	sign_raw(&k, msg, sizeof(msg), sig, NULL);
	assert_true(fits(&k.pub, SIGN_DOMAIN_HEAD, "body", 4, sig));
}

static void an_id_is_the_front_of_the_keys_digest(void **state)
{
	struct sign_key k = key_of(vectors[0].seed);
	struct digest d = digest_of(k.pub.b, SIGN_KEY_LEN);
	uint8_t id[SIGN_ID_LEN];

	(void)state;
	sign_key_id(&k.pub, id);
	assert_memory_equal(id, d.b, SIGN_ID_LEN);
}

static void a_key_that_is_no_point_verifies_nothing(void **state)
{
	struct sign_public bad;
	uint8_t sig[SIGN_SIG_LEN] = { 0 };

	(void)state;
	memset(bad.b, 0xff, sizeof(bad.b));
	assert_false(sign_raw_verify(&bad, "x", 1, sig));
}

static struct sign_public public_of(const char *hex)
{
	struct sign_public pub;

	assert_int_equal(enc_unhex(hex, pub.b, sizeof(pub.b)), 0);
	return pub;
}

static void a_point_of_small_order_or_with_a_second_spelling_is_no_sound_key(void **state)
{
	/* the eight points and their six other spellings, as github.com/C2SP/CCTV, ed25519, counts them; then p + 3 and 2^255 - 1
	 * */
	static const char *const bad[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sign_public pub = public_of(bad[i]);

		if (sign_public_is_sound(&pub))
			fail_msg("%s passes", bad[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct sign_public pub = public_of(vectors[i].pub);

		assert_true(sign_public_is_sound(&pub));
		pub.b[SIGN_KEY_LEN - 1] ^= 0x80; /* the same y with the other x is as good */
		assert_true(sign_public_is_sound(&pub));
	}
}

/* Why the question is asked: with the key of zeros, signatures that nobody made hold for some messages. */
static void libcrypto_takes_what_nobody_signed_for_a_point_of_small_order(void **state)
{
	struct sign_public zeros = { { 0 } };
	uint8_t sig[SIGN_SIG_LEN] = { 1 };
	unsigned held = 0;

	(void)state;
	for (uint8_t i = 0; i < 64; i++)
		held += sign_raw_verify(&zeros, &i, 1, sig);
	assert_int_not_equal(held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_signatures_are_those_of_rfc_8032),
		cmocka_unit_test(a_key_made_ready_signs_as_often_as_asked_and_as_the_plain_one),
		cmocka_unit_test(a_signature_holds_for_its_domain_body_and_key_alone),
		cmocka_unit_test(what_is_signed_is_domain_nul_and_digest),
		cmocka_unit_test(an_id_is_the_front_of_the_keys_digest),
		cmocka_unit_test(a_key_that_is_no_point_verifies_nothing),
		cmocka_unit_test(a_point_of_small_order_or_with_a_second_spelling_is_no_sound_key),
		cmocka_unit_test(libcrypto_takes_what_nobody_signed_for_a_point_of_small_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
