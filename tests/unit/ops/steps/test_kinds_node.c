/* test_kinds_node.c - step kinds of nodes that are there: waits that see all of it, an end that is believed. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define NODES "{\"cluster\": \"a\", \"instances\": [\"i-1\", \"i-2\"], \"fact\": \"nodes.a\""
#define ITEM(id, state) "<item><instanceId>" id "</instanceId><instanceState><name>" state "</name></instanceState></item>"
#define SEEN(items, more) "<R><reservationSet><item><instancesSet>" items "</instancesSet></item></reservationSet>" more "</R>"

static struct ec2_tag mine[] = { { "reeve:command", "c-1" }, { "reeve:step", "p/s" } };
static struct ec2_instance list[4];

static void add_node(struct kinds *t, const char *id, const char *state, struct ec2_tag *tags)
{
	list[t->inv->instances.n++] = (struct ec2_instance){ .id = id, .state = state, .tags = { tags, 2 } };
	t->inv->instances.v = list;
}

static void nodes_run_when_all_are_seen_to(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_running, NODES "}");
	assert_has(kinds_ask(&t), "Filter.1.Name=instance-id&Filter.1.Value.1=i-1");
	assert_lacks(kinds_ask(&t), "MaxResults"); /* a page may be empty and yet not the last */
	json_object_set_new(t.known, "nodes.a", json_pack("[s, s]", "i-1", "i-2"));
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running"), "")), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-2 is not shown");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "pending"), "")), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-2 is pending");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "running"), "")), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\",\"i-2\"]");
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_DENIED, ""), STEP_FAILED);
	kinds_end(&t);
}

static void a_node_that_dies_makes_the_cluster_short_or_an_atomic_one_fail(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_running, NODES "}");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "terminated"), "")), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\"]");
	assert_has(kinds_note(&t), "short: 1 node(s)");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "shutting-down") ITEM("i-2", "terminated"), "")), STEP_FAILED);
	kinds_end(&t);
	kinds_start(&t, &kind_wait_running, NODES ", \"atomic\": true}");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "terminated"), "")), STEP_FAILED);
	kinds_end(&t);
}

#define DEAD(id, code, why)                                                                                                        \
	"<item><instanceId>" id "</instanceId><instanceState><name>terminated</name></instanceState><stateReason><code>" code      \
	"</code><message>" why "</message></stateReason></item>"

/* No step of this plan starts it, and nobody brings a lost one back. */
static void a_node_that_nobody_starts_is_not_waited_for(void **state)
{
	static const char *const states[] = { "stopped", "stopping" };
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		CLEANUP(mem_close) char *item = mem_printf(ITEM("i-2", "%s"), states[i]);
		CLEANUP(mem_close) char *both = mem_printf(SEEN(ITEM("i-1", "running") "%s", ""), item);
		CLEANUP(mem_close) char *one = mem_printf(SEEN("%s", ""), item);

		kinds_start(&t, &kind_wait_running, NODES "}");
		assert_int_equal(kinds_answered(&t, both), STEP_DONE);
		assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\"]");
		assert_has(kinds_note(&t), "i-2 is stopped: another warehouse.apply starts it");
		assert_int_equal(kinds_answered(&t, one), STEP_FAILED);
		assert_int_equal(t.cause.class, AWS_INVALID);
		kinds_end(&t);
		kinds_start(&t, &kind_wait_running, NODES ", \"atomic\": true}");
		assert_int_equal(kinds_answered(&t, both), STEP_FAILED);
		assert_has(t.e.text, "i-2 is stopped");
		kinds_end(&t);
	}
}

#define FELL(id, code)                                                                                                             \
	"<item><instanceId>" id "</instanceId><instanceState><name>stopped</name></instanceState><stateReason><code>" code         \
	"</code><message>x</message></stateReason></item>"

/* A start may be shown late, and one that fails behind the call leaves the node stopped. */
static void a_node_that_this_plan_started_is_waited_for_until_it_is_known_to_have_stayed_down(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_running, "{\"cluster\": \"a\", \"instances\": [\"i-1\"], \"fact\": \"f\", \"started\": true}");
	assert_int_equal(kinds_answered(&t, SEEN(FELL("i-1", "Client.UserInitiatedShutdown"), "")), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-1 is stopped");
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, SEEN(FELL("i-1", "Client.UserInitiatedShutdown"), "")), STEP_FAILED);
	assert_int_equal(t.cause.class, AWS_INVALID);
	assert_int_equal(kinds_answered(&t, SEEN(FELL("i-1", "Server.InsufficientInstanceCapacity"), "")), STEP_FAILED);
	assert_int_equal(t.cause.class, AWS_CAPACITY);
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running"), "")), STEP_DONE);
	kinds_end(&t);
}

static void a_node_that_was_rebooted_counts_as_back_only_after_a_while(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_running, "{\"instances\": [\"i-1\"], \"fact\": \"f\", \"quiet_s\": 60}");
	t.x.age_ms = 59999;
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running"), "")), STEP_AGAIN);
	t.x.age_ms = 60000;
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running"), "")), STEP_DONE);
	kinds_end(&t);
}

static void a_node_that_is_not_shown_is_waited_for_only_where_it_is_new(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_running, NODES "}");
	kinds_made(&t, "nodes.a", "i-2");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running"), "")), STEP_AGAIN);
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running"), "")), STEP_DONE);
	t.x.patient = false;
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-2", "running"), "")), STEP_DONE); /* i-1 is not of this operation */
	assert_has(kinds_note(&t), "i-1 is not there any more");
	kinds_end(&t);
}

static void a_death_at_birth_is_told_by_its_own_class_and_code(void **state)
{
	static const struct {
		const char *item;
		enum aws_class class;
		const char *code;
	} cases[] = {
		{ DEAD("i-1", "Server.InsufficientInstanceCapacity", "x"), AWS_CAPACITY, "Server.InsufficientInstanceCapacity" },
		{ DEAD("i-1", "Client.VolumeLimitExceeded", "x"), AWS_QUOTA, "Client.VolumeLimitExceeded" },
		{ DEAD("i-1", "Client.InternalError", "Client.InvalidKMSKey.InvalidState: x"), AWS_INVALID,
		  "Client.InvalidKMSKey.InvalidState" },
		{ DEAD("i-1", "Server.InternalError", "x"), AWS_OK, "Server.InternalError" },
		{ DEAD("i-1", "Server.InternalError", "x") DEAD("i-2", "Client.VolumeLimitExceeded", "x"), AWS_QUOTA,
		  "Client.VolumeLimitExceeded" },
		{ DEAD("i-1", "Client.VolumeLimitExceeded", "x") DEAD("i-2", "Server.InternalError", "x"), AWS_QUOTA,
		  "Client.VolumeLimitExceeded" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *xml = mem_printf(SEEN("%s", ""), cases[i].item);
		struct kinds t;

		kinds_start(&t, &kind_wait_running, NODES ", \"atomic\": true}");
		json_object_set_new(t.known, "nodes.a", json_pack("[s, s]", "i-1", "i-2"));
		assert_int_equal(kinds_answered(&t, xml), STEP_FAILED);
		assert_int_equal(t.cause.class, cases[i].class);
		assert_string_equal(t.cause.code, cases[i].code);
		kinds_end(&t);
	}
}

static void one_node_that_is_gone_keeps_no_other_alive(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\", \"i-2\", \"i-3\"]}");
	add_node(&t, "i-1", "running", mine);
	add_node(&t, "i-3", "running", mine);
	assert_int_equal(kinds_misses(&t, "InvalidInstanceID.NotFound"), STEP_AGAIN);
	assert_has(kinds_ask(&t), "InstanceId.1=i-1&InstanceId.2=i-3");
	assert_string_equal(json_str_or(t.left, "i-2", ""), "is not there any more, or not ours");
	kinds_end(&t);
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\", \"i-2\"], \"fresh\": true}");
	add_node(&t, "i-1", "running", mine);
	assert_int_equal(kinds_misses(&t, "InvalidInstanceID.NotFound"), STEP_LOOK); /* it may only be hidden */
	assert_int_equal(json_object_size(t.left), 0);
	kinds_end(&t);
}

/* The operate role may end what carries our tags: one without them, and the call is denied for all. */
static void one_node_that_is_taken_over_keeps_no_other_alive(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\", \"i-2\"]}");
	add_node(&t, "i-1", "running", mine);
	t.x.code = "UnauthorizedOperation";
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "UnauthorizedOperation"), STEP_LOOK);
	assert_false(kinds_finds(&t));
	assert_int_equal(kinds_misses(&t, "UnauthorizedOperation"), STEP_AGAIN);
	assert_has(kinds_ask(&t), "InstanceId.1=i-1");
	assert_null(strstr(kinds_ask(&t), "i-2"));
	assert_string_equal(json_str_or(t.left, "i-2", ""), "is not there any more, or not ours");
	assert_true(json_is_true(json_object_get(t.facts, "taken.i-2")));
	assert_int_equal(kinds_misses(&t, "UnauthorizedOperation"),
			 STEP_FAILED); /* denied without one: the role has no right to it */
	kinds_end(&t);
}

static void a_node_that_is_taken_over_is_neither_told_as_deleted_nor_waited_for(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\", \"i-2\"]}");
	add_node(&t, "i-1", "running", mine);
	assert_false(kinds_finds(&t));
	assert_int_equal(json_object_size(t.left), 0); /* the one that is not shown may be, at the next look */
	list[0].state = "shutting-down";
	assert_true(kinds_finds(&t));
	assert_non_null(json_object_get(t.left, "i-2"));
	assert_null(json_object_get(t.left, "i-1"));
	kinds_end(&t);
	kinds_start(&t, &kind_wait_terminated, NODES "}");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "terminated") ITEM("i-2", "running"), "")), STEP_AGAIN);
	json_object_set_new(t.known, "taken.i-2", json_true());
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "terminated") ITEM("i-2", "running"), "")), STEP_DONE);
	kinds_end(&t);
}

static void of_a_refused_end_those_that_ended_are_told_with_their_volumes(void **state)
{
	const char *volumes[] = { "vol-1", "vol-2" };
	CLEANUP(json_close)
	json_t *want = json_loads("[[\"instance\", \"i-1\"], [\"volume\", \"vol-1\"], [\"volume\", \"vol-2\"]]", 0, NULL);
	CLEANUP(json_close) json_t *part = NULL;
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\", \"i-2\", \"i-3\"]}");
	add_node(&t, "i-1", "shutting-down", mine);
	list[0].data_volume_ids = volumes;
	list[0].data_volumes = 2;
	add_node(&t, "i-2", "running", mine);
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "OperationNotPermitted"), STEP_FAILED);
	part = t.k->part(&t.x, t.inv);
	assert_true(json_equal(part, want));
	kinds_end(&t);
}

static void nodes_are_gone_when_none_is_seen_in_a_list_that_ends(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_terminated, NODES "}");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "terminated") ITEM("i-2", "shutting-down"), "")), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-2 is shutting-down");
	assert_int_equal(kinds_answered(&t, "<R><reservationSet/><nextToken>more</nextToken></R>"), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "terminated") ITEM("i-2", "terminated"), "")), STEP_DONE);
	assert_int_equal(kinds_answered(&t, "<R><reservationSet/></R>"), STEP_DONE);
	/* i-9 was not asked for */
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "terminated") ITEM("i-9", "running"), "")), STEP_DONE);
	kinds_end(&t);
}

static void an_unknown_node_ends_none_so_it_is_looked_for(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\", \"i-2\"]}");
	assert_has(kinds_ask(&t), "InstanceId.1=i-1&InstanceId.2=i-2");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound"), STEP_LOOK);
	assert_true(kinds_finds(&t)); /* no such node any more */
	add_node(&t, "i-1", "running", mine);
	assert_false(kinds_finds(&t));
	list[0].state = "shutting-down";
	assert_true(kinds_finds(&t));
	kinds_end(&t);
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\"], \"fresh\": true, \"leaves_none\": true}");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound"), STEP_AGAIN);
	assert_false(kinds_finds(&t)); /* it may only be hidden */
	kinds_end(&t);
}

static void ending_nodes_needs_a_second_key_when_volumes_go_or_none_is_left_and_says_so(void **state)
{
	static const struct {
		const char *args, *says;
		bool is_high;
	} cases[] = {
		{ "{\"instances\": [\"i-1\"]}", "i-1", false },
		{ "{\"instances\": [\"i-1\"], \"volumes\": 1}", "i-1, with 1 data volume", true },
		{ "{\"instances\": [\"i-1\"], \"volumes\": 3}", "i-1, with 3 data volumes", true },
		{ "{\"instances\": [\"i-1\"], \"unseen_volumes\": true}", "i-1, with volumes that are still coming up", true },
		{ "{\"instances\": [\"i-1\"], \"leaves_none\": true}", "i-1, the last of the cluster", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf text = BUF_MAX(200);
		struct kinds t;

		kinds_start(&t, &kind_terminate, cases[i].args);
		t.k->print(t.args, &text);
		assert_string_equal(buf_str(&text), cases[i].says);
		assert_int_equal(t.k->is_high(t.args), cases[i].is_high);
		kinds_end(&t);
	}
}

static void an_answer_with_too_many_nodes_is_not_read(void **state)
{
	static const struct step_kind *const kinds[] = { &kind_wait_running, &kind_wait_terminated };
	static const char end[] = "</instancesSet></item></reservationSet></R>";
	CLEANUP(buf_close) struct buf b = { 0 };
	struct kinds t;

	(void)state;
	kinds_flood(&b, "<R><reservationSet><item><instancesSet>", "<item/>", 99990, end);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		kinds_start(&t, kinds[i], NODES "}");
		assert_int_equal(kinds_answered(&t, buf_str(&b)), STEP_AGAIN);
		assert_has(t.e.text, "reservationSet: 99990 rows");
		kinds_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_run_when_all_are_seen_to),
		cmocka_unit_test(a_node_that_dies_makes_the_cluster_short_or_an_atomic_one_fail),
		cmocka_unit_test(a_node_that_nobody_starts_is_not_waited_for),
		cmocka_unit_test(a_node_that_this_plan_started_is_waited_for_until_it_is_known_to_have_stayed_down),
		cmocka_unit_test(a_node_that_was_rebooted_counts_as_back_only_after_a_while),
		cmocka_unit_test(a_node_that_is_not_shown_is_waited_for_only_where_it_is_new),
		cmocka_unit_test(a_death_at_birth_is_told_by_its_own_class_and_code),
		cmocka_unit_test(one_node_that_is_gone_keeps_no_other_alive),
		cmocka_unit_test(one_node_that_is_taken_over_keeps_no_other_alive),
		cmocka_unit_test(a_node_that_is_taken_over_is_neither_told_as_deleted_nor_waited_for),
		cmocka_unit_test(of_a_refused_end_those_that_ended_are_told_with_their_volumes),
		cmocka_unit_test(nodes_are_gone_when_none_is_seen_in_a_list_that_ends),
		cmocka_unit_test(an_unknown_node_ends_none_so_it_is_looked_for),
		cmocka_unit_test(ending_nodes_needs_a_second_key_when_volumes_go_or_none_is_left_and_says_so),
		cmocka_unit_test(an_answer_with_too_many_nodes_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
