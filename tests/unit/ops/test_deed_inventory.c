/* test_deed_inventory.c - an inventory packed for the vendor: whole, or honestly less, and never a cut JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/gzip.h"
#include "agent/ops/deed_inventory.h"
#include "agent/ops/outputs.h"
#include "tests/unit/ops/board.h"

static const Reeve__Control__V1__Binding binding = { .installation = (char *)"inst-1",
						     .account = (char *)"123456789012",
						     .region = (char *)"us-east-1",
						     .role_id = (char *)"AROAX" };

/* Its JSON; ret: what is told of it. */
static json_t *packed(const struct board *d, struct inventory_packed *ret)
{
	CLEANUP(buf_close) struct buf gz = BUF_MAX(1), text = BUF_MAX(4u << 20);
	json_t *j = NULL;

	assert_int_equal(deed_inventory_pack(d->inv, &binding, "", &gz, ret, NULL), 0);
	assert_true(gz.len <= OUTPUT_BYTES);
	assert_int_equal(json_int_or(ret->output, "size_bytes", 0), gz.len);
	assert_int_equal(gzip_unpack(gz.data, gz.len, &text, NULL), 0);
	assert_int_equal(json_parse(text.data, text.len, "it", &j, NULL), 0);
	return j;
}

static void a_small_inventory_is_whole_and_nothing_is_said_of_it(void **state)
{
	struct board *d = *state;
	struct inventory_packed p = { 0 };
	CLEANUP(json_close) json_t *j = NULL;

	board_add_node(d, "i-1", "be", "running");
	j = packed(d, &p);
	assert_false(json_is_true(json_object_get(j, "truncated")));
	assert_false(json_is_true(json_object_get(p.output, "more_elsewhere")));
	assert_string_equal(p.note, "");
	json_decref(p.output);
}

/* Text that does not pack: whatever a customer has put into the tags. */
static const char *noise(struct board *d, uint64_t *seed, size_t len)
{
	char *text = arena_alloc(d->inv->arena, len + 1);

	for (size_t i = 0; i < len; i++) {
		*seed = *seed * 6364136223846793005u + 1442695040888963407u;
		text[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"[*seed >> 58];
	}
	text[len] = '\0';
	return text;
}

static void one_that_does_not_fit_counts_what_is_left_out_and_keeps_the_nodes(void **state)
{
	struct board *d = *state;
	struct inventory_packed p = { 0 };
	CLEANUP(json_close) json_t *j = NULL;
	uint64_t seed = 7;
	json_int_t out;
	const json_t *w;

	for (unsigned i = 0; i < 1000; i++) {
		board_add_node(d, noise(d, &seed, 19), "be", "running");
		d->inv->instances.v[i].image_id = noise(d, &seed, 255);
	}
	for (unsigned i = 0; i < 10; i++)
		board_add_volume(d, noise(d, &seed, 20), "", "/dev/sdf", 8);
	j = packed(d, &p);
	assert_true(json_is_true(json_object_get(j, "truncated")));
	assert_true(json_is_true(json_object_get(p.output, "more_elsewhere")));
	out = json_int_or(json_object_get(j, "left_out"), "nodes", 0);
	assert_true(out > 0);
	w = json_array_get(json_object_get(json_array_get(json_object_get(j, "warehouses"), 0), "clusters"), 0);
	assert_int_equal(json_array_size(json_object_get(w, "nodes")), 1000 - out);
	assert_true(out < 800); /* most of the room is used */
	assert_non_null(strstr(p.note, " nodes"));
	assert_non_null(strstr(p.note, "left out for want of room:"));
	json_decref(p.output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_small_inventory_is_whole_and_nothing_is_said_of_it),
		DESK_TEST(one_that_does_not_fit_counts_what_is_left_out_and_keeps_the_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
