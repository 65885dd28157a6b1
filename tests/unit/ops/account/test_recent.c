/* test_recent.c - an inventory is believed when it shows what was changed a moment ago, or when the moment is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/account/recent.h"
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/groups.h"

#define LB "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/main/50dc6c495c0c9188"
#define LISTENER "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/net/main/50dc6c495c0c9188/f2f7dc8efc522ab2"

struct bench {
	struct recent r;
	struct inventory *inv;
	struct ec2_instance node;
	struct ec2_group group;
	struct ec2_rule rule;
	struct balancers_target_group tg;
	struct balancers_lb lb;
	struct elb_listener listener;
};

static int setup(void **state)
{
	struct bench *b = mem_new(struct bench);

	b->r.resources = catalogue_resources();
	b->inv = inventory_new();
	b->node = (struct ec2_instance){ .id = "i-1", .state = "running" };
	b->rule = (struct ec2_rule){ .protocol = "tcp", .from_port = 1, .to_port = 2, .cidr = "10.0.0.0/8" };
	b->group = (struct ec2_group){ .id = "sg-1", .rules = &b->rule, .rules_n = 1 };
	b->tg.g.arn = "tg-1";
	b->listener.arn = LISTENER;
	b->lb.lb.arn = LB;
	b->lb.listeners = (struct elb_listeners){ &b->listener, 1 };
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	recent_close(&b->r);
	inventory_free(b->inv);
	mem_free(b);
	return 0;
}

static void show(struct bench *b, bool shown)
{
	b->inv->instances = (struct ec2_instances){ &b->node, shown };
	*groups_in(b->inv) = (struct ec2_groups){ &b->group, shown };
	balancers_in(b->inv)->target_groups = &b->tg;
	balancers_in(b->inv)->target_groups_n = shown;
	balancers_in(b->inv)->lbs = &b->lb;
	balancers_in(b->inv)->lbs_n = shown;
}

static struct recent_now at(uint64_t ms)
{
	return (struct recent_now){ ms, 1800000000000 + (int64_t)ms };
}

static void note(struct bench *b, const char *list, const char *kind, const char *id)
{
	json_t *record = json_pack("{s:[[s, s]]}", list, kind, id);

	recent_note(&b->r, 1000, "wh-1", record, 60);
	json_decref(record);
}

static bool is_shown(struct bench *b, uint64_t asked_ms, const char *warehouse)
{
	CLEANUP(buf_close) struct buf why = BUF_MAX(1024);
	bool shown = recent_is_shown(&b->r, asked_ms, b->inv, warehouse, &why);

	assert_int_equal(why.len == 0, shown);
	return shown;
}

static const char *const things[][2] = {
	{ "instance", "i-1" },     { "security-group", "sg-1" }, { "rule", "sg-1 tcp 1-2 10.0.0.0/8" },
	{ "targetgroup", "tg-1" }, { "loadbalancer", LB },       { "listener", LISTENER }
};

static void what_was_made_must_be_shown_and_what_was_removed_must_not(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(things); i++)
		for (int made = 0; made < 2; made++) {
			note(b, made ? "created" : "deleted", things[i][0], things[i][1]);
			show(b, !made);
			assert_false(is_shown(b, 2000, "wh-1"));
			show(b, made);
			assert_true(is_shown(b, 2000, "wh-1"));
			show(b, !made);
			assert_true(is_shown(b, 61000, "wh-1")); /* it had its time */
		}
}

/* A record of another version: nobody here knows how an inventory shows it. */
static void what_is_of_no_kind_is_not_shown_until_its_time_is_over(void **state)
{
	struct bench *b = *state;

	show(b, true);
	note(b, "created", "balloon", "b-1");
	assert_false(is_shown(b, 60999, "wh-1"));
	assert_true(is_shown(b, 60999, "wh-2"));
	assert_true(is_shown(b, 61000, "wh-1"));
	note(b, "deleted", "volume", "vol-1"); /* it goes with its node */
	assert_true(is_shown(b, 2000, "wh-1"));
}

static void a_node_that_ends_is_removed_and_was_made(void **state)
{
	struct bench *b = *state;

	show(b, true);
	b->node.state = "terminated";
	note(b, "created", "instance", "i-1");
	assert_true(is_shown(b, 2000, "wh-1"));
	note(b, "deleted", "instance", "i-1");
	assert_true(is_shown(b, 2000, "wh-1"));
	b->node.state = "running";
	assert_false(is_shown(b, 2000, "wh-1"));
}

static void another_warehouse_matters_by_its_nodes_alone(void **state)
{
	struct bench *b = *state;

	show(b, false);
	note(b, "created", "security-group", "sg-1");
	assert_true(is_shown(b, 2000, "wh-2"));
	note(b, "created", "instance", "i-1");
	assert_false(is_shown(b, 2000, "wh-2"));
}

static void with_a_thing_goes_what_hangs_on_it(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(things); i++)
		note(b, "created", things[i][0], things[i][1]);
	show(b, false);
	note(b, "deleted", "instance", "i-1");
	note(b, "deleted", "security-group", "sg-1");
	note(b, "deleted", "targetgroup", "tg-1");
	assert_false(is_shown(b, 2000, "wh-1"));
	note(b, "deleted", "loadbalancer", LB);
	assert_true(is_shown(b, 2000, "wh-1"));
	note(b, "created", "rule", "sg-11 tcp 1-2 10.0.0.0/8");
	note(b, "deleted", "security-group", "sg-1");
	assert_false(is_shown(b, 2000, "wh-1")); /* sg-11 is another one */
}

static void a_doubt_and_a_flood_believe_nothing_for_a_while(void **state)
{
	struct bench *b = *state;
	json_t *doubt = json_pack("{s:b}", "ambiguous", 1);

	show(b, true);
	recent_note(&b->r, 1000, "wh-1", doubt, 120);
	json_decref(doubt);
	assert_false(is_shown(b, 120999, "wh-2"));
	assert_true(is_shown(b, 121000, "wh-2"));
	for (int i = 0; i < 5000; i++) {
		CLEANUP(mem_close) char *id = mem_printf("sg-%d", i);

		note(b, "deleted", "security-group", id);
	}
	assert_false(is_shown(b, 61000, "wh-2"));
	assert_true(is_shown(b, 301000, "wh-2"));
}

static void a_checkpoint_carries_it_over(void **state)
{
	struct bench *b = *state;
	json_t *first = json_array(), *second = json_array();

	for (size_t i = 0; i < ARRAY_LEN(things); i++)
		note(b, i % 2 ? "created" : "deleted", things[i][0], things[i][1]);
	for (int i = 0; i < 1200; i++) {
		CLEANUP(mem_close) char *id = mem_printf("i-%d", i + 2);

		note(b, "deleted", "instance", id);
	}
	recent_records(&b->r, at(4000), first);
	assert_int_equal(json_array_size(first), 3);
	recent_close(&b->r);
	for (size_t i = 0; i < json_array_size(first); i++)
		recent_replay(&b->r, at(5000), json_array_get(json_array_get(first, i), 1));
	recent_records(&b->r, at(5000), second);
	assert_true(json_equal(first, second));
	show(b, true);
	assert_false(is_shown(b, 60999, "wh-1")); /* the wait goes on where it was, however many lives there are */
	assert_true(is_shown(b, 61000, "wh-1"));
	json_decref(first);
	json_decref(second);
}

/* A record of a checkpoint is written with others, and must fit with them into a line, whatever is remembered. */
static void no_record_of_a_checkpoint_is_too_long_whatever_the_ids(void **state)
{
	struct bench *b = *state;
	CLEANUP(mem_close) char *id = mem_alloc(2049), *long_id = mem_alloc(60001);
	json_t *list = json_array();
	size_t n = 0;

	memset(id, '"', 2048);
	memset(long_id, '"', 60000);
	for (int i = 0; i < 2000; i++) {
		snprintf(id, 2048, "%04d", i);
		id[4] = '"';
		note(b, "created", "instance", id);
	}
	recent_records(&b->r, at(4000), list);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *record = json_array_get(json_array_get(list, i), 1);

		assert_true(json_size(record) < 300u << 10);
		n += json_array_size(json_object_get(record, "things"));
	}
	assert_int_equal(n, 2000);
	show(b, false);
	recent_close(&b->r);
	note(b, "deleted", "instance", long_id); /* not remembered: nothing is believed for a while instead */
	assert_int_equal(b->r.n, 0);
	assert_false(is_shown(b, 1001, "wh-1"));
	json_decref(list);
}

static void a_damaged_record_is_passed_over(void **state)
{
	struct bench *b = *state;
	json_t *bad = json_pack("{s:[s, i, {}, [], [s], [i, i, i, i, i], [s, s, s, b, i]]}", "things", "x", 7, "wh", 1, 2, 3, 4, 5,
				"wh-1", "instance", "i-9", 1, 999999);

	show(b, false);
	recent_replay(&b->r, at(1000), bad);
	recent_replay(&b->r, at(1000), NULL);
	assert_false(is_shown(b, 300999, "wh-1"));
	assert_true(is_shown(b, 301000, "wh-1"));
	json_decref(bad);
}

/* A plan that takes a stopped node for a running one would leave it stopped, and say that nothing is to be done. */
static void a_node_that_was_stopped_or_started_is_not_planned_from_until_it_is_shown_so(void **state)
{
	static const struct {
		const char *first, *then, *state;
		bool shown;
	} cases[] = {
		{ "stopped", NULL, "running", false },      { "stopped", NULL, "stopping", true },
		{ "stopped", NULL, "stopped", true },       { "stopped", NULL, "terminated", true },
		{ "started", NULL, "stopped", false },      { "started", NULL, "pending", true },
		{ "stopped", "started", "stopped", false }, { "stopped", "started", "running", true }, /* the newest alone */
		{ "started", "stopped", "running", false },
	};
	struct bench *b = *state;

	show(b, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf why = BUF_MAX(200);
		CLEANUP(json_close) json_t *first = json_pack("{s:[s]}", cases[i].first, "i-1");
		CLEANUP(json_close) json_t *then = cases[i].then != NULL ? json_pack("{s:[s]}", cases[i].then, "i-1") : NULL;

		recent_close(&b->r);
		recent_note(&b->r, 1000, "wh-1", first, 120);
		if (then != NULL)
			recent_note(&b->r, 1000, "wh-1", then, 120);
		b->node.state = cases[i].state;
		assert_int_equal(recent_is_shown(&b->r, 2000, b->inv, "wh-1", &why), cases[i].shown);
		assert_true(recent_is_shown(&b->r, 122000, b->inv, "wh-1", &why)); /* by then somebody else may have turned it */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_made_must_be_shown_and_what_was_removed_must_not, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_of_no_kind_is_not_shown_until_its_time_is_over, setup, teardown),
		cmocka_unit_test_setup_teardown(a_node_that_ends_is_removed_and_was_made, setup, teardown),
		cmocka_unit_test_setup_teardown(a_node_that_was_stopped_or_started_is_not_planned_from_until_it_is_shown_so, setup,
						teardown),
		cmocka_unit_test_setup_teardown(another_warehouse_matters_by_its_nodes_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(with_a_thing_goes_what_hangs_on_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_doubt_and_a_flood_believe_nothing_for_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(a_checkpoint_carries_it_over, setup, teardown),
		cmocka_unit_test_setup_teardown(no_record_of_a_checkpoint_is_too_long_whatever_the_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_record_is_passed_over, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
