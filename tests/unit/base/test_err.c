/* test_err.c - a code for programs and a sentence for people, which is always one whole text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/err.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

static void every_code_has_a_name(void **state)
{
	(void)state;
	for (int code = 0; code < ERR_CODES; code++) {
		assert_non_null(err_name(code));
		assert_string_equal(err_name(-code), err_name(code));
	}
	assert_string_equal(err_name(-ERR_TIMEOUT), "timeout");
	assert_string_equal(err_name(ERR_CODES), "unknown");
	assert_string_equal(err_name(-1000), "unknown");
}

static void a_caller_that_knows_more_puts_it_in_front(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, ERR_NET, "%s refused", "10.0.0.1"), -ERR_NET);
	assert_int_equal(err_wrap(&e, -ERR_NET, "login"), -ERR_NET);
	assert_string_equal(err_text(&e), "login: 10.0.0.1 refused");
	assert_int_equal(e.code, ERR_NET);
	e = (struct err){ 0 };
	assert_int_equal(err_wrap(&e, -ERR_AGAIN, "login"), -ERR_AGAIN);
	assert_string_equal(err_text(&e), "login: again"); /* nobody said why: the name of the code stands in */
}

static void nobody_has_to_ask_for_the_sentence(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_IO, "%d", 1), -ERR_IO);
	assert_int_equal(err_wrap(NULL, -ERR_IO, "x"), -ERR_IO);
	assert_int_equal(err_errno(NULL, ENOENT, "x"), -ERR_NOTFOUND);
}

static void a_sentence_that_does_not_fit_ends_in_dots(void **state)
{
	char big[2 * ERR_TEXT_MAX];
	struct err e = { 0 };

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, ERR_IO, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_string_equal(e.text + ERR_TEXT_MAX - 5, "a...");
	for (unsigned i = 0; i < 3; i++)
		err_wrap(&e, -ERR_IO, "%s", big);
	assert_string_equal(e.text + ERR_TEXT_MAX - 5, "a...");
	err_errno(&e, EIO, "%s", big);
	assert_string_equal(e.text + ERR_TEXT_MAX - 4, "...");
}

static void a_sentence_is_one_line_of_utf8_whatever_was_put_into_it(void **state)
{
	char big[ERR_TEXT_MAX];
	struct err e;

	(void)state;
	err_set(&e, ERR_SERVICE, "AWS says: %s", "no\r\nsuch\tgroup \xff caf\xc3\xa9 \xc3");
	assert_string_equal(e.text, "AWS says: no  such group ? caf\xc3\xa9 ?");
	err_wrap(&e, -ERR_SERVICE, "a\nb");
	assert_int_equal(strncmp(e.text, "a b: AWS", 8), 0);
	memset(big, 'a', sizeof(big));
	memcpy(big + sizeof(big) - 6, "\xf0\x9f\x98\x80", 5); /* a character where the text is cut */
	err_set(&e, ERR_SERVICE, "%s%s", big, big);
	assert_true(str_is_utf8(e.text, strlen(e.text)));
	err_errno(&e, EIO, "%s", "/x\n");
	assert_null(strchr(e.text, '\n'));
}

/* Every place of the cut, by text in front of characters of two, three and four bytes. */
static void a_sentence_is_utf8_in_one_line_whatever_it_quotes(void **state)
{
	static const char *const units[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\x82" };
	char big[2 * ERR_TEXT_MAX];
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_LEN(units); i++) {
		size_t n = (size_t)snprintf(big, sizeof(big), "%.*s", (int)(i % 4), "abc");

		while (n + 4 < sizeof(big))
			n += (size_t)snprintf(big + n, sizeof(big) - n, "%s", units[i / 4]);
		err_set(&e, ERR_IO, "%s", big);
		assert_true(str_is_utf8(e.text, strlen(e.text)) && str_ends(e.text, "..."));
		assert_in_range(strlen(e.text), ERR_TEXT_MAX - 4, ERR_TEXT_MAX - 1);
		err_wrap(&e, -ERR_IO, "%.40s in front", big);
		assert_true(str_is_utf8(e.text, strlen(e.text)) && str_ends(e.text, "..."));
		err_errno(&e, EIO, "%s", big);
		assert_true(str_is_utf8(e.text, strlen(e.text)) && str_ends(e.text, "..."));
	}
	err_set(&e, ERR_IO, "name \"%.3s\" of %s", "\xc3\xa9\xc3\xa9", "a\nb\x1b");
	assert_string_equal(e.text, "name \"\xc3\xa9?\" of a b ");
}

static void errnos_become_codes(void **state)
{
	static const struct {
		int errnum, code;
	} cases[] = {
		{ ENOENT, ERR_NOTFOUND }, { EEXIST, ERR_EXISTS },     { EACCES, ERR_DENIED }, { EROFS, ERR_DENIED },
		{ ENOSPC, ERR_NOSPACE },  { EDQUOT, ERR_NOSPACE },    { EIO, ERR_IO },        { ECONNREFUSED, ERR_NET },
		{ EFBIG, ERR_LIMIT },     { ETIMEDOUT, ERR_TIMEOUT }, { ELOOP, ERR_INVALID }, { ENOTDIR, ERR_INVALID },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(err_errno(&e, cases[i].errnum, "/x: open"), -cases[i].code);
		assert_int_equal(strncmp(e.text, "/x: open: ", 10), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_name),
		cmocka_unit_test(a_caller_that_knows_more_puts_it_in_front),
		cmocka_unit_test(nobody_has_to_ask_for_the_sentence),
		cmocka_unit_test(a_sentence_that_does_not_fit_ends_in_dots),
		cmocka_unit_test(a_sentence_is_one_line_of_utf8_whatever_was_put_into_it),
		cmocka_unit_test(a_sentence_is_utf8_in_one_line_whatever_it_quotes),
		cmocka_unit_test(errnos_become_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
