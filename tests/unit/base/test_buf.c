/* test_buf.c - bytes grow up to their maximum, stay terminated, and remember what did not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"

static void it_holds_exactly_its_maximum(void **state)
{
	struct buf b = BUF_MAX(10);
	struct err e = { 0 };

	(void)state;
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_adds(&b, "12345"), 0);
	assert_int_equal(buf_addf(&b, "%d", 67890), 0);
	assert_int_equal(buf_check(&b, "it", &e), 0);
	assert_string_equal(buf_str(&b), "1234567890");
	assert_int_equal(buf_addc(&b, 'x'), -ERR_LIMIT);
	assert_string_equal(buf_str(&b), "1234567890");
	assert_int_equal(buf_check(&b, "it", &e), -ERR_LIMIT);
	assert_string_equal(e.text, "it is larger than 10 bytes");
	assert_int_equal(buf_add(&b, "", 0), -ERR_LIMIT); /* until it is reset */
	buf_reset(&b);
	assert_int_equal(buf_adds(&b, "again"), 0);
	buf_close(&b);
	buf_close(&b);
	buf_close(NULL);
}

static void no_length_overflows(void **state)
{
	struct buf b = BUF_MAX(100);

	(void)state;
	buf_adds(&b, "abc");
	assert_null(buf_room(&b, SIZE_MAX));
	assert_null(buf_room(&b, SIZE_MAX - 2));
	assert_string_equal(buf_str(&b), "abc");
	buf_close(&b);
}

static void bytes_are_cut_from_the_front_and_taken_whole(void **state)
{
	struct buf b = BUF_MAX(1000);
	size_t len;
	char *p;

	(void)state;
	buf_add(&b, "a\0b\0c", 5);
	buf_cut(&b, 0);
	buf_cut(&b, 2);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "b\0c", 4);
	p = buf_take(&b, &len);
	assert_int_equal(len, 3);
	assert_true(b.data == NULL && b.len == 0 && b.max == 1000);
	mem_free(p);
	p = buf_take(&b, NULL); /* of an empty one: still a text */
	assert_string_equal(p, "");
	mem_free(p);
}

static void room_is_written_in_place(void **state)
{
	struct buf b = BUF_MAX(5000);

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		memset(buf_room(&b, 100), 'a', 100);
		buf_grew(&b, 99);
	}
	assert_int_equal(b.len, 4950);
	assert_int_equal(strlen(buf_str(&b)), 4950);
	buf_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_exactly_its_maximum),
		cmocka_unit_test(no_length_overflows),
		cmocka_unit_test(bytes_are_cut_from_the_front_and_taken_whole),
		cmocka_unit_test(room_is_written_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
