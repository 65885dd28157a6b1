/* test_planning.c - what every part of a plan is made with: tags in one order, references, the open plan. */
#include "agent/ops/plan/planning.h"
#include "tests/unit/ops/board.h"

static struct planning planning_of(const struct board *d)
{
	return (struct planning){ .a = &d->a, .inv = d->inv, .spec = &d->k.s, .warehouse = "wh-1", .plan = "cluster-be" };
}

static void assert_tags(json_t *tags, const char *expected)
{
	char *text = json_dumps(tags, JSON_COMPACT);

	assert_string_equal(text, expected);
	free(text);
	json_decref(tags);
}

static void tags_say_whose_it_is_and_which_step_makes_it_in_one_order(void **state)
{
	struct planning p = planning_of(*state);

	assert_tags(
	    planning_tags(&p, "be", "launch", NULL, 0),
	    "{\"resource-created-by\":\"velodb\",\"reeve:installation\":\"inst-1\",\"reeve:warehouse\":\"wh-1\","
	    "\"reeve:cluster\":\"be\",\"reeve:step\":\"cluster-be/launch\","
	    "\"reeve:generation\":\"3\",\"Name\":\"wh-1-be\",\"sdb-cluster-id\":\"c-1\",\"reeve:tags\":\"c97525612d0e odna5\"}");
	assert_tags(planning_tags(&p, NULL, "sg-node", NULL, 0),
		    "{\"resource-created-by\":\"velodb\",\"reeve:installation\":\"inst-1\",\"reeve:warehouse\":\"wh-1\","
		    "\"reeve:step\":\"cluster-be/sg-node\",\"reeve:generation\":\"3\",\"Name\":\"wh-1\","
		    "\"sdb-cluster-id\":\"c-1\",\"reeve:tags\":\"c97525612d0e odna5\"}");
}

static void a_clusters_own_tags_are_stronger_than_its_warehouses(void **state)
{
	struct planning p = planning_of(*state);
	tag_t own = REEVE__CONTROL__V1__TAG__INIT, *more[] = { &own };
	json_t *tags;

	own.key = (char *)"sdb-cluster-id";
	own.value = (char *)"c-2";
	tags = planning_tags(&p, "be", "launch", more, 1);
	assert_string_equal(json_string_value(json_object_get(tags, "sdb-cluster-id")), "c-2");
	assert_int_equal(json_object_size(tags), 9);
	assert_string_not_equal(json_str_or(tags, "reeve:tags", ""), "c97525612d0e odna5");
	json_decref(tags);
}

static void a_thing_is_its_id_or_what_its_creation_will_leave(void **state)
{
	json_t *there = planning_ref("sg-1", "sg", "node"), *coming = planning_ref(NULL, "sg", "node");

	(void)state;
	assert_string_equal(json_string_value(there), "sg-1");
	assert_string_equal(json_string_value(coming), "@sg.node");
	json_decref(there);
	json_decref(coming);
}

static void the_warehouse_is_told_by_its_tag(void **state)
{
	struct planning p = planning_of(*state);
	struct ec2_tags mine = board_tags(*state, "be", "1"), nobodys = { NULL, 0 };

	assert_true(planning_is_of_warehouse(&p, &mine));
	p.warehouse = "wh-2";
	assert_false(planning_is_of_warehouse(&p, &mine));
	assert_false(planning_is_of_warehouse(&p, &nobodys));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(tags_say_whose_it_is_and_which_step_makes_it_in_one_order),
		DESK_TEST(a_clusters_own_tags_are_stronger_than_its_warehouses),
		DESK_TEST(a_thing_is_its_id_or_what_its_creation_will_leave),
		DESK_TEST(the_warehouse_is_told_by_its_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
