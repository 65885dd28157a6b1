/* test_digest.c - SHA-256 and HMAC by the published vectors (FIPS 180-4 examples, RFC 4231). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/digest.h"
#include "agent/base/mem.h"

static void assert_digest(struct digest d, const char *hex)
{
	char text[DIGEST_HEX_LEN];

	assert_string_equal(digest_hex(&d, text), hex);
}

static void sha256_gives_the_published_values(void **state)
{
	CLEANUP(mem_close) char *million = mem_alloc(1000000);

	(void)state;
	memset(million, 'a', 1000000);
	assert_digest(digest_of("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_digest(digest_of("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_digest(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
		      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	assert_digest(digest_of(million, 1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void hmac_gives_the_values_of_rfc_4231(void **state)
{
	char key[131], data[50];

	(void)state;
	memset(key, 0x0b, 20);
	assert_digest(digest_hmac(key, 20, "Hi There", 8), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_digest(digest_hmac("Jefe", 4, "what do ya want for nothing?", 28),
		      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, sizeof(data));
	assert_digest(digest_hmac(key, 20, data, 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	assert_digest(digest_hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54),
		      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void digests_are_compared_whole(void **state)
{
	struct digest a = digest_of("a", 1), b = a;

	(void)state;
	assert_true(digest_eq(&a, &b));
	b.b[DIGEST_LEN - 1] ^= 1;
	assert_false(digest_eq(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_the_published_values),
		cmocka_unit_test(hmac_gives_the_values_of_rfc_4231),
		cmocka_unit_test(digests_are_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
