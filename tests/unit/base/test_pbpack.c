/* test_pbpack.c - a message stands behind what was there, whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/err.h"
#include "agent/base/mem.h"
#include "agent/base/pbpack.h"
#include "proto/control.pb-c.h"

static void a_message_is_added_whole_or_not_at_all(void **state)
{
	CLEANUP(buf_close) struct buf wide = BUF_MAX(64), narrow = BUF_MAX(4);
	Reeve__Control__V1__Tag tag = REEVE__CONTROL__V1__TAG__INIT, *back;

	(void)state;
	tag.key = (char *)"team";
	tag.value = (char *)"blue";
	buf_adds(&wide, "ab");
	assert_int_equal(pbpack_add(&tag.base, &wide), 0);
	assert_memory_equal(wide.data, "ab", 2);
	back = reeve__control__v1__tag__unpack(NULL, wide.len - 2, (const uint8_t *)wide.data + 2);
	assert_non_null(back);
	assert_string_equal(back->key, "team");
	assert_string_equal(back->value, "blue");
	reeve__control__v1__tag__free_unpacked(back, NULL);
	buf_adds(&narrow, "ab");
	assert_int_equal(pbpack_add(&tag.base, &narrow), -ERR_LIMIT);
	assert_int_equal(narrow.len, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_message_is_added_whole_or_not_at_all) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
