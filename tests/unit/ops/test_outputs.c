/* test_outputs.c - files of results: what belongs to a command stays, what belongs to none goes, and what is not ours is left. */
#include "agent/ops/outputs.h"
#include "tests/unit/ops/looking.h"

#define STRAY DESK_OUTPUTS "/01900000-0000-7000-8000-000000000001.gz"

static bool is_gone(struct shop *s, const char *path)
{
	desk_pass(&s->d, 3000);
	return !disk_exists(s->d.w, path);
}

static void the_file_goes_when_the_vendor_has_the_result(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;
	ProtobufCBinaryData id = { sizeof(two.id), two.id };
	char path[128];

	looking_send(s, &one, 1, "");
	looking_send(s, &two, 2, "");
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_true(looking_has_file(s, &one) && looking_has_file(s, &two));
	ops_acked(s->d.ops, 1);
	looking_path(&one, path);
	assert_true(is_gone(s, path));
	assert_true(looking_has_file(s, &two));
	ops_acked_ids(s->d.ops, &id, 1);
	looking_path(&two, path);
	assert_true(is_gone(s, path));
}

/* A crash between the acknowledgement and the sweep, or between the file and the record that names it. */
static void a_start_takes_away_what_belongs_to_no_command_and_nothing_else(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	looking_send(s, &k, 1, "");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	sim_file_puts(s->d.w, STRAY, "old");
	sim_file_puts(s->d.w, STRAY ".tmp", "half");
	sim_file_puts(s->d.w, DESK_OUTPUTS "/notes.txt", "somebody's");
	sim_file_puts(s->d.w, DESK_OUTPUTS "/01900000-0000-7000-8000-000000000001.txt", "somebody's");
	shop_reopen(s);
	assert_true(is_gone(s, STRAY));
	assert_true(is_gone(s, STRAY ".tmp"));
	assert_true(disk_exists(s->d.w, DESK_OUTPUTS "/notes.txt"));
	assert_true(disk_exists(s->d.w, DESK_OUTPUTS "/01900000-0000-7000-8000-000000000001.txt"));
	assert_true(looking_has_file(s, &k));
}

static void bytes_that_are_not_those_of_the_result_are_not_told(void **state)
{
	struct shop *s = *state;
	struct outputs o = { .w = s->d.w, .dir = DESK_OUTPUTS };
	CLEANUP(buf_close) struct buf b = BUF_MAX(OUTPUT_BYTES);
	struct digest want = digest_of("this", 4);
	struct err e = { 0 };

	assert_int_equal(outputs_read(&o, "a", &want, &b, &e), -ERR_NOTFOUND);
	sim_file_puts(s->d.w, DESK_OUTPUTS "/a.gz", "that");
	assert_int_equal(outputs_read(&o, "a", &want, &b, &e), -ERR_CORRUPT);
	assert_non_null(strstr(err_text(&e), "has other bytes than its result names"));
	buf_reset(&b);
	sim_file_puts(s->d.w, DESK_OUTPUTS "/a.gz", "this");
	assert_int_equal(outputs_read(&o, "a", &want, &b, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(the_file_goes_when_the_vendor_has_the_result),
		SHOP(a_start_takes_away_what_belongs_to_no_command_and_nothing_else),
		SHOP(bytes_that_are_not_those_of_the_result_are_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
