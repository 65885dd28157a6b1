/* test_keys.c - a set of keys is whole or it is none, and nothing in it can end a header line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/aws/keys.h"
#include "agent/base/mem.h"

#define WHEN "2026-01-01T00:00:00Z"
#define WHEN_MS INT64_C(1767225600000)

static void expect(const struct keys *k, const char *id, const char *secret, const char *token, int64_t expires_ms)
{
	assert_string_equal(k->id, id);
	assert_string_equal(k->secret.bytes, secret);
	assert_int_equal(k->secret.len, strlen(secret));
	assert_string_equal(k->token.bytes, token);
	assert_int_equal(k->token.len, strlen(token));
	assert_true(k->expires_ms == expires_ms);
}

static void a_whole_set_is_taken_and_replaces_the_one_before(void **state)
{
	CLEANUP(keys_close) struct keys k = { 0 };

	(void)state;
	assert_int_equal(keys_set(&k, "ASIA1", "s/e+c=", "to~ken!", WHEN, NULL), 0);
	expect(&k, "ASIA1", "s/e+c=", "to~ken!", WHEN_MS);
	assert_int_equal(keys_set(&k, "A", "b", "c", "2026-01-01T00:00:01Z", NULL), 0);
	expect(&k, "A", "b", "c", WHEN_MS + 1000);
}

static void a_part_that_is_missing_or_could_end_a_header_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		const char *id, *secret, *token, *expires;
	} cases[] = {
		{ "", "s", "t", WHEN },
		{ "i", "", "t", WHEN },
		{ "i", "s", "", WHEN },
		{ "i", "s", "t", "" },
		{ "i", "s", "t", "soon" },
		{ "i", "s", "t", "2026-13-01T00:00:00Z" },
		{ "i", "s", "t", "1970-01-01T00:00:00Z" }, /* which would mean never */
		{ "i\r\nX-Evil: 1", "s", "t", WHEN },
		{ "i", "s\n", "t", WHEN },
		{ "i", "s", "t\r", WHEN },
		{ "i i", "s", "t", WHEN },
		{ " i", "s", "t", WHEN },
		{ "i", "s\t", "t", WHEN },
		{ "i", "s", "t\x7f", WHEN },
		{ "i", "s\x01", "t", WHEN },
		{ "i", "s", "t\xc3\xa4", WHEN },
		{ "i\xff", "s", "t", WHEN },
	};
	CLEANUP(keys_close) struct keys k = { 0 };

	(void)state;
	assert_int_equal(keys_set(&k, "ASIA1", "old", "older", WHEN, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };

		if (keys_set(&k, cases[i].id, cases[i].secret, cases[i].token, cases[i].expires, &e) == 0)
			fail_msg("case %zu was taken", i);
		assert_true(e.text[0] != '\0');
		expect(&k, "ASIA1", "old", "older", WHEN_MS);
	}
}

static void the_refusal_does_not_tell_the_secret(void **state)
{
	CLEANUP(keys_close) struct keys k = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(keys_set(&k, "i d", "hush-hush", "token-token", WHEN, &e), -ERR_INVALID);
	assert_null(strstr(e.text, "hush"));
	assert_null(strstr(e.text, "token-token"));
}

static char *long_text(size_t len)
{
	char *s = mem_alloc(len + 1);

	memset(s, 'x', len);
	return s;
}

static void the_longest_part_fits_and_one_byte_more_does_not(void **state)
{
	static const size_t most[3] = { 131, 256, 16 << 10 };

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned more = 0; more < 2; more++) {
			CLEANUP(keys_close) struct keys k = { 0 };
			CLEANUP(mem_close) char *part = long_text(most[i] + more);

			assert_int_equal(keys_set(&k, i == 0 ? part : "i", i == 1 ? part : "s", i == 2 ? part : "t", WHEN, NULL),
					 more ? -ERR_INVALID : 0);
			assert_int_equal(k.id[0] != '\0', !more);
			assert_int_equal(secret_empty(&k.secret), more);
			assert_int_equal(secret_empty(&k.token), more);
		}
}

static void a_copy_outlives_what_it_was_copied_from(void **state)
{
	CLEANUP(keys_close) struct keys a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(keys_set(&a, "ASIA1", "s", "t", WHEN, NULL), 0);
	assert_int_equal(keys_set(&b, "ASIA2", "u", "v", WHEN, NULL), 0);
	keys_copy(&b, &a);
	assert_ptr_not_equal(a.secret.bytes, b.secret.bytes);
	keys_close(&a);
	expect(&b, "ASIA1", "s", "t", WHEN_MS);
	keys_copy(&b, &b);
	expect(&b, "ASIA1", "s", "t", WHEN_MS);
}

static void after_a_close_nothing_is_left_and_closing_again_is_harmless(void **state)
{
	struct keys k = { 0 };

	(void)state;
	assert_int_equal(keys_set(&k, "ASIA1", "s", "t", WHEN, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		keys_close(&k);
		assert_string_equal(k.id, "");
		assert_true(secret_empty(&k.secret) && secret_empty(&k.token));
		assert_null(k.secret.bytes);
		assert_null(k.token.bytes);
		assert_true(k.expires_ms == 0);
	}
	keys_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_set_is_taken_and_replaces_the_one_before),
		cmocka_unit_test(a_part_that_is_missing_or_could_end_a_header_is_refused_and_changes_nothing),
		cmocka_unit_test(the_refusal_does_not_tell_the_secret),
		cmocka_unit_test(the_longest_part_fits_and_one_byte_more_does_not),
		cmocka_unit_test(a_copy_outlives_what_it_was_copied_from),
		cmocka_unit_test(after_a_close_nothing_is_left_and_closing_again_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
