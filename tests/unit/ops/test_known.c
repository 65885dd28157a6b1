/* test_known.c - which commands were taken, and what is left of those that are forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/ops/known.h"

static void add(struct known *k, uint64_t seq, int64_t id_ms, int64_t now_ms)
{
	struct known_command c = { .epoch = 3, .seq = seq, .body = { 1, 2, (uint8_t)seq } };
	uint8_t random[10] = { 0 };

	memcpy(random, &seq, sizeof(seq));
	uuid_v7(id_ms, random, c.id);
	known_add(k, &c, now_ms);
}

static void a_command_is_found_by_its_id_and_by_its_number_in_its_epoch(void **state)
{
	struct known k = { 0 };

	(void)state;
	assert_null(known_by_seq(&k, 3, 1));
	add(&k, 1, 1000, 5000);
	add(&k, 2, 1000, 5000);
	add(&k, 2, 1000, 5000);
	assert_int_equal(k.n, 2);
	assert_int_equal(known_by_id(&k, k.v[1].id)->seq, 2);
	assert_ptr_equal(known_by_seq(&k, 3, 2), &k.v[1]);
	assert_null(known_by_seq(&k, 2, 2));
	known_close(&k);
}

static void the_newest_thousand_are_known_and_of_the_others_how_new_they_were(void **state)
{
	struct known k = { 0 };

	(void)state;
	add(&k, 1, 9000000, 5000); /* its vendor's clock is far ahead */
	for (uint64_t i = 2; i <= KNOWN_MAX; i++)
		add(&k, i, 1000 + (int64_t)i, 5000);
	assert_int_equal(k.forgotten_ms, 0);
	add(&k, KNOWN_MAX + 1, 3000, 5000);
	assert_int_equal(k.n, KNOWN_MAX);
	assert_null(known_by_seq(&k, 3, 1));
	assert_int_equal(k.forgotten_ms, 5000);
	known_close(&k);
}

static void a_checkpoint_brings_back_what_is_known_and_how_old_the_forgotten_are(void **state)
{
	struct known k = { 0 }, back = { 0 };
	json_t *records = json_array(), *r;

	(void)state;
	known_records(&k, records);
	assert_int_equal(json_array_size(records), 0);
	for (uint64_t i = 1; i <= KNOWN_MAX + 7; i++)
		add(&k, i, (int64_t)i, 5000);
	known_records(&k, records);
	r = json_array_get(records, 0);
	assert_string_equal(json_string_value(json_array_get(r, 0)), "known");
	known_replay(&back, json_array_get(r, 1));
	assert_int_equal(back.n, KNOWN_MAX);
	assert_memory_equal(back.v, k.v, KNOWN_MAX * sizeof(*k.v));
	assert_int_equal(back.forgotten_ms, 7);
	json_decref(records);
	known_close(&k);
	known_close(&back);
}

static void a_command_of_an_older_record_may_have_been_any_bytes(void **state)
{
	struct known k = { 0 };
	struct digest body = digest_of("abc", 3);
	json_t *record = json_pack("{s:[[s, i, i]]}", "commands", "01a3185c-5000-7101-8101-010101010101", 1, 1);

	(void)state;
	known_replay(&k, record);
	assert_int_equal(k.n, 1);
	assert_true(known_is_body(&k.v[0], &body));
	memcpy(k.v[0].body, body.b, sizeof(k.v[0].body));
	assert_true(known_is_body(&k.v[0], &body));
	k.v[0].body[0]++;
	assert_false(known_is_body(&k.v[0], &body));
	json_decref(record);
	known_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_found_by_its_id_and_by_its_number_in_its_epoch),
		cmocka_unit_test(the_newest_thousand_are_known_and_of_the_others_how_new_they_were),
		cmocka_unit_test(a_command_of_an_older_record_may_have_been_any_bytes),
		cmocka_unit_test(a_checkpoint_brings_back_what_is_known_and_how_old_the_forgotten_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
