/* test_sieve.c - grams in a text: at its beginning, amid it, at its end, and where there are more than bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "shippers/sieve.h"

static bool is_in(const char *gram, const char *text)
{
	struct sieve *v = mem_new(struct sieve);
	struct sieve_gram g = sieve_gram_of(gram);
	uint64_t bit = sieve_add(v, &g), hits = sieve_look(v, text, strlen(text));

	mem_free(v);
	return (hits & bit) != 0;
}

static void a_gram_is_found_wherever_it_stands(void **state)
{
	static const struct {
		const char *gram, *text;
		bool is_in;
	} cases[] = {
		{ "abcd", "abcd", true },
		{ "abcd", "xxabcdxx", true },
		{ "abcd", "xxxxxxxabcd", true },
		{ "abcd", "abc", false },
		{ "abcd", "abxcd", false },
		{ "a", "xxxxa", true },
		{ "a", "a", true },
		{ "a", "", false },
		{ "", "", true },
		{ "", "x", true },
		{ "ab", "xab", true },
		{ "abc", "xxabc", true },
		{ "abc", "xxab", false },
		{ "~a~b", "xAb", true },
		{ "[0-9].[0-9]", "v 1.2", true },
		{ "[0-9].[0-9]", "1.", false },
		{ "[^a-z]=", "a=", false },
		{ "[^a-z]=", "A=", true },
		{ "[a-]x", "-x", true },
		{ "[a-]x", "bx", false },
		{ "\xc3\xa9", "caf\xc3\xa9", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (is_in(cases[i].gram, cases[i].text) != cases[i].is_in)
			fail_msg("%s in \"%s\"", cases[i].gram, cases[i].text);
}

static void every_place_of_every_length_is_looked_at(void **state)
{
	char text[80];

	(void)state;
	for (size_t len = 4; len < sizeof(text); len++)
		for (size_t at = 0; at + 4 <= len; at++) {
			memset(text, 'x', len);
			text[len] = '\0';
			memcpy(text + at, "abcd", 4);
			assert_true(is_in("abcd", text));
		}
}

static void a_gram_without_a_bit_of_its_own_is_found_all_the_same(void **state)
{
	struct sieve *v = mem_new(struct sieve);
	uint64_t bits[200];
	char text[8];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bits); i++) {
		struct sieve_gram g;

		snprintf(text, sizeof(text), "%c%03u", 'A' + (int)(i % 26), i);
		g = sieve_gram_of(text);
		bits[i] = sieve_add(v, &g);
	}
	for (unsigned i = 0; i < ARRAY_LEN(bits); i++) {
		snprintf(text, sizeof(text), "%c%03u", 'A' + (int)(i % 26), i);
		assert_true((sieve_look(v, text, 4) & bits[i]) != 0);
	}
	assert_int_equal(sieve_look(v, "nothing", 7), 0);
	mem_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gram_is_found_wherever_it_stands),
		cmocka_unit_test(every_place_of_every_length_is_looked_at),
		cmocka_unit_test(a_gram_without_a_bit_of_its_own_is_found_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
