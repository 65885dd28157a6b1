/* test_wanted.c - what a warehouse is to be like follows from how its commands ended, and is the same after a checkpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/wanted.h"

typedef Reeve__Control__V1__WarehouseApply apply_t;
typedef Reeve__Control__V1__WarehouseSpec spec_of_apply_t;

static void end_as(struct wanted *s, const char *warehouse, const char *op, enum verb_index verb, uint64_t generation,
		   const char *result)
{
	apply_t a = REEVE__CONTROL__V1__WAREHOUSE_APPLY__INIT;
	spec_of_apply_t spec = REEVE__CONTROL__V1__WAREHOUSE_SPEC__INIT;
	uint8_t bytes[256];
	ProtobufCBinaryData args = { 0, bytes };
	json_t *j = json_loads(result, 0, NULL);

	assert_non_null(j);
	spec.warehouse = (char *)warehouse;
	spec.generation = generation;
	a.spec = &spec;
	args.len = reeve__control__v1__warehouse_apply__pack(&a, bytes);
	wanted_ended(s, &(struct wanted_end){ warehouse, op, verb_at(verb), &args, j, json_object_get(j, "plan_text") != NULL });
	json_decref(j);
}

/* The generation of the spec that stands; 0: none, and why is told; -1: nothing was heard of it. */
static int64_t stands(struct wanted *s, const char *warehouse)
{
	struct wanted_one *one = wanted_of(s, warehouse);
	ProtobufCMessage *args = one != NULL ? wanted_args(one) : NULL;
	int64_t generation = one == NULL ? -1 : args == NULL ? 0 : (int64_t)one->verb->spec(args)->generation;

	if (generation == 0)
		assert_true(one->why[0] != '\0');
	verb_args_free(args);
	return generation;
}

static const struct {
	const char *says;
	enum verb_index verb;
	const char *result;
	int64_t stands; /* 1: the spec before; 2: the one of this command */
} ends[] = {
	{ "an apply that succeeded", VERB_WAREHOUSE_APPLY, "{'state': 'SUCCEEDED', 'started_ms': 1}", 2 },
	{ "a plan alone", VERB_WAREHOUSE_APPLY, "{'state': 'SUCCEEDED', 'plan_text': ''}", 1 },
	{ "a plan of a delete", VERB_WAREHOUSE_DELETE, "{'state': 'SUCCEEDED', 'plan_text': ''}", 1 },
	{ "a delete that found nothing any more", VERB_WAREHOUSE_DELETE, "{'state': 'SUCCEEDED'}", -1 },
	{ "one that was denied", VERB_WAREHOUSE_APPLY, "{'state': 'DENIED'}", 1 },
	{ "one that made something and failed", VERB_WAREHOUSE_APPLY,
	  "{'state': 'FAILED', 'started_ms': 1, 'created': [['instance', 'i-1']]}", 0 },
	{ "one that ended something and failed", VERB_WAREHOUSE_APPLY,
	  "{'state': 'FAILED', 'started_ms': 1, 'deleted': [['instance', 'i-1']]}", 0 },
	{ "one that changed something and was cancelled", VERB_WAREHOUSE_APPLY,
	  "{'state': 'CANCELLED', 'started_ms': 1, 'modified': [['instance', 'i-1']]}", 0 },
	{ "one that was cancelled and wholly taken back", VERB_WAREHOUSE_APPLY,
	  "{'state': 'CANCELLED', 'started_ms': 1, 'taken_back': true, 'created': [['instance', 'i-1']], 'deleted': [['instance', "
	  "'i-1']], 'modified': [['volume', 'vol-1']]}",
	  1 },
	{ "one that failed before it changed anything", VERB_WAREHOUSE_APPLY, "{'state': 'FAILED', 'started_ms': 1}", 1 },
	{ "one that took back what it had made", VERB_WAREHOUSE_APPLY,
	  "{'state': 'ROLLED_BACK', 'started_ms': 1, 'created': [['instance', 'i-1']], 'deleted': [['instance', 'i-1']]}", 1 },
	{ "one of which nobody knows", VERB_WAREHOUSE_APPLY, "{'state': 'INDETERMINATE', 'started_ms': 1}", 0 },
	{ "a reboot", VERB_CLUSTER_REBOOT, "{'state': 'FAILED', 'started_ms': 1, 'modified': [['instance', 'i-1']]}", 1 },
	{ "a delete that succeeded", VERB_WAREHOUSE_DELETE, "{'state': 'SUCCEEDED', 'started_ms': 1}", -1 },
	{ "a delete that failed", VERB_WAREHOUSE_DELETE, "{'state': 'FAILED', 'started_ms': 1, 'deleted': [['instance', 'i-1']]}",
	  0 },
};

static void how_a_command_ended_says_what_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct wanted s = { .n = 0 };
		char result[256];

		snprintf(result, sizeof(result), "%s", ends[i].result);
		for (char *c = result; *c != '\0'; c++)
			*c = *c == '\'' ? '"' : *c;
		end_as(&s, "wh-1", "op-1", VERB_WAREHOUSE_APPLY, 1, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
		end_as(&s, "wh-1", "op-2", ends[i].verb, 2, result);
		if (stands(&s, "wh-1") != ends[i].stands)
			fail_msg("%s: %lld", ends[i].says, (long long)stands(&s, "wh-1"));
		wanted_close(&s);
		assert_int_equal(s.bytes, 0);
	}
}

static void a_checkpoint_replaces_all_that_was_known(void **state)
{
	struct wanted s = { .n = 0 }, back = { .n = 0 };
	json_t *records = json_array(), *again = json_array();

	(void)state;
	end_as(&s, "wh-1", "op-1", VERB_WAREHOUSE_APPLY, 7, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
	end_as(&s, "wh-2", "op-2", VERB_WAREHOUSE_APPLY, 8, "{\"state\": \"INDETERMINATE\", \"started_ms\": 1}");
	wanted_of(&s, "wh-1")->nodes = json_pack("{s:[s]}", "be", "i-1");
	wanted_records(&s, records);
	end_as(&back, "wh-1", "op-9", VERB_WAREHOUSE_APPLY, 9, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
	end_as(&back, "wh-3", "op-9", VERB_WAREHOUSE_APPLY, 9, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
	for (size_t i = 0; i < json_array_size(records); i++) {
		assert_string_equal(json_string_value(json_array_get(json_array_get(records, i), 0)), "wanted");
		wanted_replay(&back, json_array_get(json_array_get(records, i), 1));
	}
	assert_int_equal(stands(&back, "wh-1"), 7);
	assert_int_equal(stands(&back, "wh-2"), 0);
	assert_int_equal(stands(&back, "wh-3"), -1);
	wanted_records(&back, again);
	assert_true(json_equal(records, again));
	json_decref(records);
	json_decref(again);
	wanted_close(&s);
	wanted_close(&back);
}

/* Those of another command's spec are not this one's. */
static void nodes_are_those_of_the_command_that_stands(void **state)
{
	struct wanted s = { .n = 0 };
	json_t *other = json_pack("{s:s, s:s, s:{s:[s]}}", "warehouse", "wh-1", "op", "op-2", "nodes", "be", "i-2");
	json_t *same = json_pack("{s:s, s:s, s:{s:[s]}}", "warehouse", "wh-1", "op", "op-1", "nodes", "be", "i-1");

	(void)state;
	end_as(&s, "wh-1", "op-1", VERB_WAREHOUSE_APPLY, 1, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
	wanted_replay_nodes(&s, same);
	wanted_replay_nodes(&s, other);
	assert_true(json_equal(wanted_of(&s, "wh-1")->nodes, json_object_get(same, "nodes")));
	json_decref(other);
	json_decref(same);
	wanted_close(&s);
}

static void heal_ends(struct wanted *s, bool is_sick, const char *result)
{
	Reeve__Control__V1__Heal h = REEVE__CONTROL__V1__HEAL__INIT;
	uint8_t bytes[256];
	ProtobufCBinaryData args = { 0, bytes };
	json_t *j = json_loads(result, 0, NULL);

	assert_non_null(j);
	h.cluster = (char *)"be";
	h.instance = (char *)"i-1";
	h.is_sick = is_sick;
	args.len = reeve__control__v1__heal__pack(&h, bytes);
	wanted_ended(s, &(struct wanted_end){ "wh-1", "op-2", verb_at(VERB_HEAL), &args, j, false });
	json_decref(j);
}

/* "i-1 ..." of those that count no more. */
static bool is_left(struct wanted *s)
{
	return json_has_text(wanted_of(s, "wh-1")->left, "i-1");
}

#define MADE "\"created\": [[\"instance\", \"i-9\"]]"
#define ENDED(id) "\"deleted\": [[\"volume\", \"vol-1\"], [\"instance\", \"" id "\"]]"

static void a_node_that_a_heal_has_left_counts_no_more_until_it_is_ended_or_another_spec_stands(void **state)
{
	static const struct {
		bool is_sick, is_left;
		const char *result;
	} cases[] = {
		{ true, true, "{\"state\": \"SUCCEEDED\", " MADE "}" },
		{ true, true, "{\"state\": \"FAILED\", " MADE "}" }, /* it could not be ended */
		{ true, false, "{\"state\": \"SUCCEEDED\", " MADE ", " ENDED("i-1") "}" },
		{ true, false, "{\"state\": \"ROLLED_BACK\", " MADE ", " ENDED("i-9") "}" },
		{ true, false, "{\"state\": \"DENIED\"}" },
		{ false, false, "{\"state\": \"SUCCEEDED\", " MADE "}" }, /* it did not stand */
	};
	json_t *nodes = json_pack("{s:s, s:s, s:{s:[s, s]}}", "warehouse", "wh-1", "op", "op-1", "nodes", "be", "i-1", "i-2");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wanted s = { .n = 0 }, back = { .n = 0 };
		json_t *records = json_array();

		end_as(&s, "wh-1", "op-1", VERB_WAREHOUSE_APPLY, 1, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
		json_object_set_new(nodes, "nodes", json_pack("{s:[s, s]}", "be", "i-1", "i-2"));
		wanted_replay_nodes(&s, nodes);
		heal_ends(&s, cases[i].is_sick, cases[i].result);
		if (is_left(&s) != cases[i].is_left)
			fail_msg("%s", cases[i].result);
		wanted_records(&s, records);
		for (size_t k = 0; k < json_array_size(records); k++)
			wanted_replay(&back, json_array_get(json_array_get(records, k), 1));
		assert_int_equal(is_left(&back), cases[i].is_left);
		/* An apply that fails leaves it to the next one, which ends it. */
		end_as(&s, "wh-1", "op-5", VERB_WAREHOUSE_APPLY, 2,
		       "{\"state\": \"FAILED\", \"started_ms\": 1, \"created\": [[\"instance\", \"i-7\"]]}");
		assert_int_equal(is_left(&s), cases[i].is_left);
		end_as(&s, "wh-1", "op-6", VERB_WAREHOUSE_APPLY, 2, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
		assert_false(is_left(&s));
		/* A reboot changes nothing of that, and what ends it does. */
		end_as(&back, "wh-1", "op-3", VERB_CLUSTER_REBOOT, 1, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
		assert_int_equal(is_left(&back), cases[i].is_left);
		end_as(&back, "wh-1", "op-4", VERB_NODES_REPLACE, 1,
		       "{\"state\": \"SUCCEEDED\", \"started_ms\": 1, " ENDED("i-1") "}");
		assert_false(is_left(&back));
		json_decref(records);
		wanted_close(&s);
		wanted_close(&back);
	}
	json_decref(nodes);
}

static void a_node_that_a_command_has_ended_was_not_lost(void **state)
{
	struct wanted s = { .n = 0 };
	json_t *nodes = json_pack("{s:s, s:s, s:{s:[s, s]}}", "warehouse", "wh-1", "op", "op-1", "nodes", "be", "i-1", "i-2");

	(void)state;
	end_as(&s, "wh-1", "op-1", VERB_WAREHOUSE_APPLY, 1, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
	wanted_replay_nodes(&s, nodes);
	end_as(&s, "wh-1", "op-2", VERB_WAREHOUSE_APPLY, 2, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1, " ENDED("i-2") "}");
	assert_true(json_has_text(json_object_get(wanted_of(&s, "wh-1")->nodes, "be"), "i-1"));
	assert_false(json_has_text(json_object_get(wanted_of(&s, "wh-1")->nodes, "be"), "i-2"));
	json_decref(nodes);
	wanted_close(&s);
}

/* The patrol has not seen them yet. What it took back, it has not made. */
static void what_a_command_has_made_is_known_from_its_result(void **state)
{
	struct wanted s = { .n = 0 }, back = { .n = 0 };
	json_t *records = json_array();
	const json_t *be;

	(void)state;
	end_as(&s, "wh-1", "op-1", VERB_WAREHOUSE_APPLY, 1,
	       "{\"state\": \"SUCCEEDED\", \"started_ms\": 1, \"nodes\": {\"be\": [\"i-1\", \"i-2\"]}, \"volumes\": {\"vol-1\": "
	       "\"i-1\"}}");
	end_as(&s, "wh-1", "op-2", VERB_NODES_REPLACE, 1,
	       "{\"state\": \"FAILED\", \"started_ms\": 1, " ENDED("i-1") ", \"nodes\": {\"be\": [\"i-3\"], \"fe\": [\"i-4\"]}}");
	heal_ends(&s, false,
		  "{\"state\": \"SUCCEEDED\", " MADE ", \"nodes\": {\"be\": [\"i-9\"]}, \"volumes\": {\"vol-2\": \"i-9\"}}");
	be = json_object_get(wanted_of(&s, "wh-1")->nodes, "be");
	assert_int_equal(json_array_size(be), 3);
	assert_true(json_has_text(be, "i-2") && json_has_text(be, "i-3") && json_has_text(be, "i-9"));
	assert_true(json_has_text(json_object_get(wanted_of(&s, "wh-1")->nodes, "fe"), "i-4"));
	/* Whose node a command has ended is nobody's any more, and another's that is lost is still its own. */
	wanted_records(&s, records);
	for (size_t k = 0; k < json_array_size(records); k++)
		wanted_replay(&back, json_array_get(json_array_get(records, k), 1));
	assert_string_equal(json_str_or(wanted_of(&back, "wh-1")->homes, "vol-1", "?"), "");
	assert_string_equal(json_str_or(wanted_of(&back, "wh-1")->homes, "vol-2", "?"), "i-9");
	json_decref(records);
	wanted_close(&s);
	wanted_close(&back);
}

/* A record of an older version does not speak of volumes. */
static void whose_a_volume_is_stays_known_until_a_record_says_otherwise(void **state)
{
	struct wanted s = { .n = 0 };
	json_t *now = json_pack("{s:s, s:s, s:{s:[s]}, s:{s:s}}", "warehouse", "wh-1", "op", "op-1", "nodes", "be", "i-1",
				"volumes", "vol-1", "i-1");
	json_t *old = json_pack("{s:s, s:s, s:{s:[s]}}", "warehouse", "wh-1", "op", "op-1", "nodes", "be", "i-1");
	json_t *none = json_pack("{s:s, s:s, s:{s:[s]}, s:{}}", "warehouse", "wh-1", "op", "op-1", "nodes", "be", "i-1", "volumes");

	(void)state;
	end_as(&s, "wh-1", "op-1", VERB_WAREHOUSE_APPLY, 1, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
	wanted_replay_nodes(&s, now);
	wanted_replay_nodes(&s, old);
	assert_string_equal(json_str_or(wanted_of(&s, "wh-1")->homes, "vol-1", "?"), "i-1");
	wanted_replay_nodes(&s, none);
	assert_int_equal(json_object_size(wanted_of(&s, "wh-1")->homes), 0);
	json_decref(now);
	json_decref(old);
	json_decref(none);
	wanted_close(&s);
}

static void what_does_not_fit_is_not_looked_after(void **state)
{
	struct wanted s = { .n = 0 };
	char name[16];

	(void)state;
	for (unsigned i = 0; i < WANTED_MAX + 2; i++) {
		snprintf(name, sizeof(name), "wh-%u", i);
		end_as(&s, name, "op-1", VERB_WAREHOUSE_APPLY, i + 1, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
	}
	assert_int_equal(s.n, WANTED_MAX);
	assert_int_equal(stands(&s, "wh-0"), 1);
	assert_int_equal(stands(&s, name), -1);
	s.bytes = WANTED_BYTES + 1;
	end_as(&s, "wh-0", "op-2", VERB_WAREHOUSE_APPLY, 2, "{\"state\": \"SUCCEEDED\", \"started_ms\": 1}");
	assert_int_equal(stands(&s, "wh-0"), 0);
	assert_string_equal(wanted_of(&s, "wh-0")->why, "its spec is larger than what may be kept of all warehouses");
	wanted_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_a_command_ended_says_what_stands),
		cmocka_unit_test(a_checkpoint_replaces_all_that_was_known),
		cmocka_unit_test(nodes_are_those_of_the_command_that_stands),
		cmocka_unit_test(a_node_that_a_heal_has_left_counts_no_more_until_it_is_ended_or_another_spec_stands),
		cmocka_unit_test(a_node_that_a_command_has_ended_was_not_lost),
		cmocka_unit_test(what_a_command_has_made_is_known_from_its_result),
		cmocka_unit_test(whose_a_volume_is_stays_known_until_a_record_says_otherwise),
		cmocka_unit_test(what_does_not_fit_is_not_looked_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
