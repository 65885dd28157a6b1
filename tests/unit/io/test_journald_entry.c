/* test_journald_entry.c - entries in a buf are those that were put there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/io/journald_entry.h"

static void add(struct buf *b, uint32_t *seen, const char *field)
{
	journald_entry_add(b, seen, field, strlen(field));
}

static void entries_come_back_as_they_were_put(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	struct journald_entry en;
	uint32_t seen = 0;
	size_t at = 0;

	(void)state;
	journald_entry_begin(&b, 1795000000000001, "s=1;i=2");
	add(&b, &seen, "PRIORITY=4");
	add(&b, &seen, "MESSAGE=a=b\nc");
	add(&b, &seen, "MESSAGE=a second one");
	add(&b, &seen, "COREDUMP=x");
	add(&b, &seen, "no field");
	add(&b, &seen, "_EXE=");
	journald_entry_end(&b, false);
	journald_entry_begin(&b, 2, "");
	journald_entry_end(&b, true);

	assert_true(journald_entry_next(&b, &at, &en));
	assert_int_equal(en.time_us, 1795000000000001);
	assert_string_equal(en.cursor, "s=1;i=2");
	assert_false(en.is_damaged);
	assert_string_equal(en.v[JOURNALD_MESSAGE].text, "a=b\nc");
	assert_int_equal(en.v[JOURNALD_MESSAGE].len, 5);
	assert_string_equal(en.v[JOURNALD_PRIORITY].text, "4");
	assert_string_equal(en.v[JOURNALD_EXE].text, "");
	assert_null(en.v[JOURNALD_PID].text);
	assert_true(journald_entry_next(&b, &at, &en));
	assert_int_equal(en.time_us, 2);
	assert_string_equal(en.cursor, "");
	assert_true(en.is_damaged);
	assert_null(en.v[JOURNALD_MESSAGE].text);
	assert_false(journald_entry_next(&b, &at, &en));
}

static void a_long_value_is_cut_and_its_length_is_kept(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20), field = BUF_MAX(1u << 20);
	struct journald_entry en;
	uint32_t seen = 0;
	size_t at = 0;

	(void)state;
	buf_adds(&field, "MESSAGE=");
	memset(buf_room(&field, 200000), 'x', 200000);
	buf_grew(&field, 200000);
	journald_entry_begin(&b, 1, "c");
	journald_entry_add(&b, &seen, field.data, field.len);
	journald_entry_end(&b, false);
	assert_true(journald_entry_next(&b, &at, &en));
	assert_int_equal(en.v[JOURNALD_MESSAGE].len, JOURNALD_MESSAGE_MAX + 4);
	assert_int_equal(en.v[JOURNALD_MESSAGE].whole, 200000);
	assert_int_equal(strlen(en.v[JOURNALD_MESSAGE].text), JOURNALD_MESSAGE_MAX + 4);
	assert_in_range(b.len, JOURNALD_MESSAGE_MAX, JOURNALD_ENTRY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_back_as_they_were_put),
		cmocka_unit_test(a_long_value_is_cut_and_its_length_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
