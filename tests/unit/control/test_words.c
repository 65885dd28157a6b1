/* test_words.c - a refusal's body as one line for people, whatever was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/control/words.h"

static void the_vendors_own_sentence_is_found_in_whatever_it_is_packed(void **state)
{
	static const struct {
		const char *body, *words;
	} cases[] = {
		{ "{\"error\":\"unknown installation\"}", "unknown installation" },
		{ "{\"message\":\"come back later\"}", "come back later" },
		{ "{\"error\":{\"code\":7,\"message\":\"no such role\"}}", "no such role" },
		{ "Service Unavailable\r\n", "Service Unavailable" },
		{ "<html>\n<head><title>403 Forbidden</title></head>\n<body class=\"a\">by <b>proxy</b></body></html>",
		  "403 Forbidden by proxy" },
		{ "{\"error\":\"two\\nlines\\u001b[31m\"}", "two lines [31m" },
		{ "{\"error\":7}", "" },
		{ "[]", "" },
		{ "", "" },
		{ "\x1f\x8b\x08", "" },
		{ "caf\xe9 closed", "caf? closed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char words[WORDS_MAX];

		assert_string_equal(words_of(cases[i].body, strlen(cases[i].body), words), cases[i].words);
	}
}

static void a_long_one_is_cut_and_stays_text(void **state)
{
	char body[9000], words[WORDS_MAX];

	(void)state;
	memset(body, 'x', sizeof(body));
	assert_int_equal(strlen(words_of(body, sizeof(body), words)), WORDS_MAX - 1);
	for (size_t i = 0; i + 1 < sizeof(body); i += 2)
		memcpy(body + i, "\xc3\xa9", 2);
	for (size_t shift = 0; shift < 2; shift++) {
		words_of(body + shift, sizeof(body) - 2 * shift, words);
		assert_true(strlen(words) < WORDS_MAX);
	}
	assert_string_equal(words_of("a\0b", 3, words), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vendors_own_sentence_is_found_in_whatever_it_is_packed),
		cmocka_unit_test(a_long_one_is_cut_and_stays_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
