/* test_op_output.c - what is told of an output: its digest always, its bytes while they are the ones that it names. */
#include "tests/unit/ops/looking.h"

static void the_digest_of_the_bytes_is_told_and_stands_in_the_record(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	Reeve__Control__V1__Output *o;
	struct digest d;
	struct op *op;

	looking_send(s, &k, 1, "");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	op = ops_find(s->d.ops, k.id);
	o = shop_status(s, &k, m)->output;
	assert_string_equal(o->kind, "inventory");
	assert_int_equal(o->gzip.len, 0);
	assert_int_equal(op_output_bytes(op), o->size_bytes);
	assert_int_equal(op_output_load(op, m, o), 0);
	d = digest_of(o->gzip.data, o->gzip.len);
	assert_int_equal(o->gzip.len, o->size_bytes);
	assert_int_equal(o->sha256.len, DIGEST_LEN);
	assert_memory_equal(o->sha256.data, d.b, DIGEST_LEN);
	arena_free(m);
}

static void bytes_that_have_gone_leave_the_result_and_its_digest(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	Reeve__Control__V1__Output *o;
	char path[128];

	looking_send(s, &k, 1, "");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	looking_path(&k, path);
	sim_file_puts(s->d.w, path, "other bytes");
	o = shop_status(s, &k, m)->output;
	assert_int_equal(op_output_load(ops_find(s->d.ops, k.id), m, o), 0);
	assert_int_equal(o->gzip.len, 0);
	assert_int_equal(o->sha256.len, DIGEST_LEN);
	assert_true(o->size_bytes > 0);
	arena_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(the_digest_of_the_bytes_is_told_and_stands_in_the_record),
		SHOP(bytes_that_have_gone_leave_the_result_and_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
