/* test_ops.c - all operations together: turns, and what may be open at once. */
#include "agent/ops/room.h"
#include "agent/ops/ops_impl.h"
#include "tests/unit/ops/shop.h"

static void one_command_a_warehouse_at_a_time_in_order(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_apply(s, &one, 1);
	shop_send(s, &one, false);
	s->k.cluster.nodes = 3;
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	assert_true(shop_until(s, &one, STATE_OF(RUNNING), 60000));
	assert_int_equal(op_fields(ops_find(s->d.ops, two.id))->state, STATE_OF(RECEIVED));
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(shop_alive(s), 3);
}

static void another_warehouse_does_not_wait(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_apply(s, &one, 1);
	one.c.not_before = DESK_NOW + 3600000;
	shop_send(s, &one, false);
	s->k.s.warehouse = (char *)"wh-2";
	shop_apply(s, &two, 2);
	two.c.target = (char *)"wh-2";
	shop_send(s, &two, false);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(op_fields(ops_find(s->d.ops, one.id))->state, STATE_OF(RECEIVED));
}

static void no_more_than_a_few_commands_are_open_at_once(void **state)
{
	struct shop *s = *state;
	unsigned seq = 1;

	for (; seq <= OPS_OPEN_MAX; seq++) {
		struct desk_command k;

		shop_apply(s, &k, seq);
		k.c.not_before = DESK_NOW + 3600000;
		assert_true(ops_has_room(s->d.ops));
		shop_send(s, &k, false);
	}
	assert_false(ops_has_room(s->d.ops));
	assert_int_equal(ops_accepted(s->d.ops), OPS_OPEN_MAX);
}

/* As large as a command may be: 512 KiB with its signatures. */
static void give_largest(struct shop *s, unsigned seq, int verb)
{
	CLEANUP(mem_close) char *text = mem_alloc(510 << 10);
	struct desk_command k;

	memset(text, 'x', (510 << 10) - 1);
	desk_command(&k, seq);
	k.c.verb = (Reeve__Control__V1__Verb)verb;
	k.c.traceparent = text;
	desk_give_one(&s->d, desk_sign_command(&k, &s->d.command));
}

static void assert_it_starts_again(struct shop *s, uint64_t accepted)
{
	json_t *before = ops_checkpoint(s->d.ops), *after;

	assert_true(json_size(before) > (4u << 20)); /* more than a line may hold */
	assert_true(json_size(before) < ROOM_CHECKPOINT);
	shop_reopen(s);
	assert_int_equal(ops_accepted(s->d.ops), accepted);
	ops_note(s->d.ops, "test.note", json_object()); /* the first append after a start */
	desk_settle(&s->d);
	assert_null(journal_trouble(s->d.j));
	after = ops_checkpoint(s->d.ops);
	assert_int_equal(json_array_size(json_object_get(before, "records")), json_array_size(json_object_get(after, "records")));
	json_decref(before);
	json_decref(after);
}

static void open_commands_of_the_largest_size_fit_and_the_next_one_waits(void **state)
{
	struct shop *s = *state;
	unsigned seq = 0;

	while (s->d.in.waiting_n == 0)
		give_largest(s, ++seq, REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE);
	assert_in_range(seq, 7, 12);
	assert_int_equal(s->d.in.waiting[0], seq);
	assert_int_equal(ops_accepted(s->d.ops), seq - 1);
	assert_it_starts_again(s, seq - 1);
}

/* A plan that waits for nobody's approval keeps its room; another one has what is left, or all of it when it is alone. */
static void plans_share_what_room_there_is(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;
	const struct op *holder, *other;
	size_t held;

	shop_policy(s, "commands: {warehouse.apply: approve}\nbounds: {" SHOP_BOUNDS
		       "instance_types: [r6i.xlarge], nodes_per_cluster: 9, "
		       "nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535]}\n");
	shop_apply(s, &one, 1);
	shop_send(s, &one, false);
	assert_true(shop_until(s, &one, STATE_OF(WAIT_APPROVAL), 60000));
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	holder = ops_find(s->d.ops, one.id);
	other = ops_find(s->d.ops, two.id);
	held = op_fields(holder)->plan_bytes;
	assert_in_range(held, 1000, ROOM_PLANS / 10);
	assert_true(ops_has_room_for_plan(s->d.ops, other, ROOM_PLANS - held));
	assert_false(ops_has_room_for_plan(s->d.ops, other, ROOM_PLANS - held + 1));
	assert_true(ops_has_room_for_plan(s->d.ops, holder, 2 * ROOM_PLANS));
	shop_reopen(s);
	assert_in_range(op_fields(ops_find(s->d.ops, one.id))->plan_bytes, held, held + 1000); /* read back as a whole line */
}

static void results_that_nobody_acknowledges_make_commands_wait_and_then_go_on(void **state)
{
	struct shop *s = *state;
	unsigned seq = 0;

	while (s->d.in.waiting_n == 0)
		give_largest(s, ++seq, 999);
	assert_int_equal(ops_accepted(s->d.ops), seq - 1);
	assert_it_starts_again(s, seq - 1);
	give_largest(s, seq, 999);
	assert_int_equal(ops_accepted(s->d.ops), seq - 1);
	ops_acked(s->d.ops, seq - 1);
	desk_settle(&s->d);
	inbox_again(&s->d.in);
	desk_settle(&s->d);
	assert_int_equal(ops_accepted(s->d.ops), seq);
	assert_int_equal(s->d.in.waiting_n, 0);
}

/* The reason quotes the specification: bytes that are no UTF-8, and characters that the quotation cuts. */
static void what_is_refused_never_runs_whatever_its_reason_quotes(void **state)
{
	static const char *const names[] = {
		"\xff\xfe",
		("a\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"),
		"a\nb",
	};
	struct shop *s = *state;
	char message[512];

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		struct desk_command k;

		s->k.cluster.name = (char *)names[i];
		shop_apply(s, &k, i + 1);
		shop_send(s, &k, false);
		for (int life = 0; life < 2; life++) {
			assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
			assert_non_null(strstr(message, "spec: clusters[0]: name"));
			assert_true(str_is_utf8(message, strlen(message)));
			shop_reopen(s);
		}
	}
	assert_string_equal(buf_str(&s->seen), "");
}

static void a_refusal_without_a_reason_is_one(void **state)
{
	static const char *const reasons[] = { NULL, "", "\xff", "\xc3" };
	struct shop *s = *state;

	for (unsigned i = 0; i < ARRAY_LEN(reasons); i++) {
		struct desk_command k;
		size_t len;
		uint8_t *body;

		shop_apply(s, &k, i + 1);
		len = reeve__control__v1__command__get_packed_size(&k.c);
		body = mem_alloc(len);
		reeve__control__v1__command__pack(&k.c, body);
		ops_accept(s->d.ops, reeve__control__v1__command__unpack(NULL, len, body), body, len, STATE_OF(FAILED), reasons[i]);
		mem_free(body);
		desk_settle(&s->d);
		assert_true(op_fields(ops_find(s->d.ops, k.id))->is_ended);
	}
	assert_string_equal(buf_str(&s->seen), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(one_command_a_warehouse_at_a_time_in_order),
		SHOP(another_warehouse_does_not_wait),
		SHOP(no_more_than_a_few_commands_are_open_at_once),
		SHOP(open_commands_of_the_largest_size_fit_and_the_next_one_waits),
		SHOP(plans_share_what_room_there_is),
		SHOP(what_is_refused_never_runs_whatever_its_reason_quotes),
		SHOP(a_refusal_without_a_reason_is_one),
		SHOP(results_that_nobody_acknowledges_make_commands_wait_and_then_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
