/* test_kinds_tags.c - the step kinds that set and take away tags of what stands. */
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/interfaces.h"
#include "agent/ops/steps/volumes.h"
#include "tests/unit/ops/kinds.h"

#define SETS "{\"things\": [\"i-1\", \"i-2\"], \"tags\": {\"team\": \"red\", \"reeve:tags\": \"x\"}}"
#define TAKES "{\"things\": [\"i-1\", \"i-2\"], \"keys\": [\"team\", \"cost\"]}"

static struct ec2_tag ours[] = { { "resource-created-by", "velodb" }, { "team", "blue" }, { "reeve:tags", "x" } };
static struct ec2_instance nodes[2];

static void start(struct kinds *t, const struct step_kind *k, const char *args)
{
	kinds_start(t, k, args);
	ours[1].value = "blue";
	for (unsigned i = 0; i < 2; i++)
		nodes[i] = (struct ec2_instance){ .id = i == 0 ? "i-1" : "i-2", .state = "running", .tags = { ours, 3 } };
	t->inv->instances = (struct ec2_instances){ nodes, 2 };
}

static void ec2_is_asked_for_all_things_at_once(void **state)
{
	struct kinds t;

	(void)state;
	start(&t, &kind_create_tags, SETS);
	assert_has(kinds_ask(&t),
		   "Action=CreateTags&Version=2016-11-15&ResourceId.1=i-1&ResourceId.2=i-2&Tag.1.Key=team&Tag.1.Value=red");
	kinds_end(&t);
	start(&t, &kind_delete_tags, TAKES);
	assert_has(kinds_ask(&t),
		   "Action=DeleteTags&Version=2016-11-15&ResourceId.1=i-1&ResourceId.2=i-2&Tag.1.Key=team&Tag.2.Key=cost");
	kinds_end(&t);
}

static void load_balancing_is_asked_for_one_thing(void **state)
{
	struct kinds t;

	(void)state;
	start(&t, &kind_add_tags, "{\"things\": [\"arn:tg\"], \"tags\": {\"team\": \"red\"}}");
	assert_has(
	    kinds_ask(&t),
	    "Action=AddTags&Version=2015-12-01&ResourceArns.member.1=arn%3Atg&Tags.member.1.Key=team&Tags.member.1.Value=red");
	kinds_end(&t);
	start(&t, &kind_remove_tags, "{\"things\": [\"arn:tg\"], \"keys\": [\"team\"]}");
	assert_has(kinds_ask(&t), "Action=RemoveTags&Version=2015-12-01&ResourceArns.member.1=arn%3Atg&TagKeys.member.1=team");
	kinds_end(&t);
	start(&t, &kind_add_tags, SETS);
	assert_true(kinds_refuses(&t));
	kinds_end(&t);
}

/* DeleteTags without a key would take all of them. */
static void nothing_is_asked_without_tags(void **state)
{
	struct kinds t;

	(void)state;
	start(&t, &kind_create_tags, "{\"things\": [\"i-1\"], \"tags\": {}}");
	assert_true(kinds_refuses(&t));
	kinds_end(&t);
	start(&t, &kind_delete_tags, "{\"things\": [\"i-1\"], \"keys\": []}");
	assert_true(kinds_refuses(&t));
	kinds_end(&t);
	start(&t, &kind_remove_tags, "{\"things\": [\"arn:tg\"], \"keys\": []}");
	assert_true(kinds_refuses(&t));
	kinds_end(&t);
}

static void it_is_done_when_each_thing_that_is_shown_bears_it(void **state)
{
	struct kinds t;

	(void)state;
	start(&t, &kind_create_tags, SETS);
	assert_false(kinds_finds(&t));
	ours[1].value = "red";
	assert_true(kinds_finds(&t));
	t.inv->instances.n = 0;
	assert_false(kinds_finds(&t)); /* nothing is shown that could tell */
	kinds_end(&t);
	start(&t, &kind_delete_tags, TAKES);
	assert_false(kinds_finds(&t));
	nodes[0].tags.n = nodes[1].tags.n = 1;
	assert_true(kinds_finds(&t));
	kinds_end(&t);
}

/* A volume, an interface and a listener are looked at as a node is. */
static void tags_of_all_that_can_be_tagged_are_seen(void **state)
{
	static const struct {
		const struct step_kind *kind;
		const char *args;
	} rows[] = {
		{ &kind_create_tags, "{\"things\": [\"vol-1\"], \"tags\": {\"team\": \"red\"}}" },
		{ &kind_create_tags, "{\"things\": [\"eni-1\"], \"tags\": {\"team\": \"red\"}}" },
		{ &kind_add_tags, "{\"things\": [\"arn:l\"], \"tags\": {\"team\": \"red\"}}" },
	};
	struct ec2_tags tags = { ours, 3 };
	struct ec2_volume v = { .id = "vol-1", .tags = tags };
	struct ec2_interface eni = { .id = "eni-1", .tags = tags };
	struct elb_listener l = { .arn = "arn:l", .tags = tags };
	struct balancers_lb lb = { .listeners = { &l, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kinds t;

		start(&t, rows[i].kind, rows[i].args);
		volumes_in(t.inv)->all = (struct ec2_volumes){ &v, 1 };
		*interfaces_in(t.inv) = (struct ec2_interfaces){ &eni, 1 };
		balancers_in(t.inv)->lbs = &lb;
		balancers_in(t.inv)->lbs_n = 1;
		assert_false(kinds_finds(&t));
		ours[1].value = "red";
		assert_true(kinds_finds(&t));
		kinds_end(&t);
	}
}

static void what_is_gone_or_not_ours_any_more_is_left_out(void **state)
{
	static const char *const codes[] = { "InvalidInstanceID.NotFound", "UnauthorizedOperation" };
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		start(&t, &kind_create_tags, SETS);
		assert_int_equal(kinds_refused(&t, i == 0 ? AWS_NOTFOUND : AWS_DENIED, codes[i]), STEP_LOOK);
		assert_int_equal(kinds_misses(&t, codes[i]), STEP_FAILED); /* both are shown, so it is meant of them */
		assert_true(t.e.text[0] != '\0');
		t.inv->instances.n = 1;
		assert_int_equal(kinds_misses(&t, codes[i]), STEP_AGAIN);
		assert_non_null(json_object_get(t.left, "i-2"));
		assert_null(strstr(kinds_ask(&t), "i-2"));
		t.inv->instances.n = 0;
		assert_int_equal(kinds_misses(&t, codes[i]), STEP_DONE);
		kinds_end(&t);
	}
}

static void what_was_tagged_is_told_but_for_what_was_left_out(void **state)
{
	json_t *pairs = json_array();
	struct kinds t;

	(void)state;
	start(&t, &kind_create_tags, "{\"kind\": \"instance\", \"things\": [\"i-1\", \"i-2\"], \"tags\": {\"a\": \"b\"}}");
	json_object_set_new(t.left, "i-2", json_string("gone"));
	t.k->changes(t.args, t.left, pairs);
	assert_int_equal(json_array_size(pairs), 1);
	assert_string_equal(json_string_value(json_array_get(json_array_get(pairs, 0), 0)), "instance");
	assert_string_equal(json_string_value(json_array_get(json_array_get(pairs, 0), 1)), "i-1");
	json_decref(pairs);
	kinds_end(&t);
}

static void another_refusal_is_the_end(void **state)
{
	struct kinds t;

	(void)state;
	start(&t, &kind_create_tags, SETS);
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "TagLimitExceeded"), STEP_FAILED);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_LOOK);
	assert_int_equal(kinds_misses(&t, ""), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_THROTTLED, "Throttling"), STEP_AGAIN);
	kinds_end(&t);
}

static void the_plan_shows_what_is_set_and_on_what(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(400);
	struct kinds t;

	(void)state;
	start(&t, &kind_create_tags, SETS);
	t.k->print(t.args, &b);
	assert_string_equal(buf_str(&b), "i-1, i-2: team=red");
	kinds_end(&t);
	buf_reset(&b);
	start(&t, &kind_delete_tags, TAKES);
	t.k->print(t.args, &b);
	assert_string_equal(buf_str(&b), "i-1, i-2: team, cost");
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ec2_is_asked_for_all_things_at_once),
		cmocka_unit_test(load_balancing_is_asked_for_one_thing),
		cmocka_unit_test(nothing_is_asked_without_tags),
		cmocka_unit_test(it_is_done_when_each_thing_that_is_shown_bears_it),
		cmocka_unit_test(tags_of_all_that_can_be_tagged_are_seen),
		cmocka_unit_test(what_is_gone_or_not_ours_any_more_is_left_out),
		cmocka_unit_test(what_was_tagged_is_told_but_for_what_was_left_out),
		cmocka_unit_test(another_refusal_is_the_end),
		cmocka_unit_test(the_plan_shows_what_is_set_and_on_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
