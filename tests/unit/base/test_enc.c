/* test_enc.c - bytes as text and back: the vectors of RFC 4648, and texts that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/mem.h"

static const struct {
	const char *bytes, *base64, *base32, *hex;
} vectors[] = {
	{ "", "", "", "" },
	{ "f", "Zg==", "my", "66" },
	{ "fo", "Zm8=", "mzxq", "666f" },
	{ "foo", "Zm9v", "mzxw6", "666f6f" },
	{ "foob", "Zm9vYg==", "mzxw6yq", "666f6f62" },
	{ "fooba", "Zm9vYmE=", "mzxw6ytb", "666f6f6261" },
	{ "foobar", "Zm9vYmFy", "mzxw6ytboi", "666f6f626172" },
};

static void encodings_give_the_values_of_rfc_4648(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		size_t len = strlen(vectors[i].bytes);
		char to[64];

		assert_string_equal(enc_base64(vectors[i].bytes, len, to), vectors[i].base64);
		assert_true(strlen(to) < ENC_BASE64_LEN(len));
		assert_string_equal(enc_base32(vectors[i].bytes, len, to), vectors[i].base32);
		assert_true(strlen(to) < ENC_BASE32_LEN(len));
		assert_string_equal(enc_hex(vectors[i].bytes, len, to), vectors[i].hex);
		assert_int_equal(enc_unbase64(vectors[i].base64, to, len), 0);
		assert_memory_equal(to, vectors[i].bytes, len);
		assert_int_equal(enc_unhex(vectors[i].hex, to, len), 0);
		assert_memory_equal(to, vectors[i].bytes, len);
	}
}

static void the_url_alphabet_has_no_padding(void **state)
{
	char to[16];

	(void)state;
	assert_string_equal(enc_base64url("\xfb\xff\xfe\xff", 4, to), "-__-_w");
	assert_string_equal(enc_base64("\xfb\xff\xfe\xff", 4, to), "+//+/w==");
}

static void every_length_survives_the_round_trip(void **state)
{
	uint8_t bytes[100], back[100];
	char text[ENC_BASE64_LEN(100)];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 151 + 7);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		assert_int_equal(enc_unbase64(enc_base64(bytes, len, text), back, len), 0);
		assert_memory_equal(bytes, back, len);
		assert_int_equal(enc_unbase64(enc_base64url(bytes, len, text), back, len), 0);
		assert_memory_equal(bytes, back, len);
	}
}

static void what_is_no_base64_is_refused(void **state)
{
	static const char *const bad[] = { "Z",     "Zm9vY",  "Zg=",  "Zg===",    "=",          "====",     "Zm9=v",
					   "Zm 8=", "Zm8=\n", "Zh==", "Zm9v====", "\xc3\xa4xx", "Zm9vYmF.", "Zm9v=" };
	struct buf b = BUF_MAX(100);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(enc_unbase64_buf(bad[i], &b), -ERR_INVALID);
	buf_close(&b);
	b = BUF_MAX(2);
	assert_int_equal(enc_unbase64_buf("Zm9v", &b), -ERR_LIMIT);
	buf_close(&b);
}

static void the_length_must_be_the_expected_one(void **state)
{
	char to[4] = "xyz";

	(void)state;
	assert_int_equal(enc_unbase64("Zm8=", to, 3), -ERR_INVALID);
	assert_int_equal(enc_unbase64("Zm9vYg==", to, 3), -ERR_INVALID);
	assert_int_equal(enc_unhex("6666", to, 3), -ERR_INVALID);
	assert_int_equal(enc_unhex("66666", to, 2), -ERR_INVALID);
	assert_int_equal(enc_unhex("6g", to, 1), -ERR_INVALID);
	assert_int_equal(enc_unhex("Fe", to, 1), 0);
	assert_int_equal((uint8_t)to[0], 0xfe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodings_give_the_values_of_rfc_4648), cmocka_unit_test(the_url_alphabet_has_no_padding),
		cmocka_unit_test(every_length_survives_the_round_trip),  cmocka_unit_test(what_is_no_base64_is_refused),
		cmocka_unit_test(the_length_must_be_the_expected_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
