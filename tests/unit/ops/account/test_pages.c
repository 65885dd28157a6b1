/* test_pages.c - lists of several pages, and what moves between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/account/pages.h"

struct row {
	const char *id;
	int beside;
};

/* One reading of so many pages: the rows are there with the last. */
static int read_all(struct pages *p, unsigned pages, const char *ids, bool *ret_whole)
{
	struct row rows[8];
	char texts[8][2] = { { 0 } };
	size_t n = strlen(ids);

	for (size_t i = 0; i < n; i++) {
		texts[i][0] = ids[i];
		rows[i] = (struct row){ texts[i], 1 };
	}
	for (unsigned i = 1; i < pages; i++)
		assert_int_equal(pages_read(p, rows, 0, sizeof(rows[0]), false, ret_whole, NULL), 0);
	return pages_read(p, rows, n, sizeof(rows[0]), true, ret_whole, NULL);
}

static void one_page_counts_at_once(void **state)
{
	struct pages p = { 0 };
	bool whole = false;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(read_all(&p, 1, i == 0 ? "" : "abc", &whole), 0);
		assert_true(whole);
	}
}

static void several_pages_count_when_two_readings_in_a_row_agree(void **state)
{
	static const struct {
		const char *readings[4];
		unsigned pages, needed;
	} cases[] = {
		{ { "abc", "abc" }, 2, 2 },       { { "abc", "cab" }, 3, 2 },
		{ { "ab", "abc", "abc" }, 2, 3 }, { { "abc", "ab", "abc", "abc" }, 2, 4 },
		{ { "", "a", "a" }, 2, 3 },       { { "abc", "abd", "abd" }, 2, 3 },
		{ { "baa", "b", "b" }, 2, 3 }, /* a thing on two pages does not take itself out */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pages p = { 0 };
		unsigned n = 0;
		bool whole = false;

		while (!whole)
			assert_int_equal(read_all(&p, cases[i].pages, cases[i].readings[n++], &whole), 0);
		assert_int_equal(n, cases[i].needed);
		assert_int_equal(p.readings + p.n, 0); /* ready for the next list */
	}
}

/* It shrank to one page between the readings: the second is asked for all the same. */
static void a_list_that_shrinks_to_one_page_is_read_twice_too(void **state)
{
	struct pages p = { 0 };
	bool whole = true;

	(void)state;
	assert_int_equal(read_all(&p, 2, "abc", &whole), 0);
	assert_false(whole);
	assert_int_equal(read_all(&p, 1, "ab", &whole), 0);
	assert_false(whole);
	assert_int_equal(read_all(&p, 1, "ab", &whole), 0);
	assert_true(whole);
}

static void a_list_that_never_holds_still_is_told(void **state)
{
	static const char *const other[] = { "ab", "abc" };
	struct pages p = { 0 };
	bool whole = false;

	(void)state;
	for (unsigned i = 0; i < PAGES_READINGS_MAX - 1; i++) {
		assert_int_equal(read_all(&p, 2, other[i % 2], &whole), 0);
		assert_false(whole);
	}
	assert_int_equal(read_all(&p, 2, other[(PAGES_READINGS_MAX - 1) % 2], &whole), -ERR_AGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_page_counts_at_once),
		cmocka_unit_test(several_pages_count_when_two_readings_in_a_row_agree),
		cmocka_unit_test(a_list_that_shrinks_to_one_page_is_read_twice_too),
		cmocka_unit_test(a_list_that_never_holds_still_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
