/* test_kinds_power.c - nodes that stay are stopped, started, made of another type and rebooted: what had its effect is found, one
 * bad node holds up no other, and what nobody can see is not done for ever. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define NODES "{\"instances\": [\"i-1\", \"i-2\"]}"
#define ITEM(id, state) "<item><instanceId>" id "</instanceId><instanceState><name>" state "</name></instanceState></item>"
#define SEEN(items, more) "<R><reservationSet><item><instancesSet>" items "</instancesSet></item></reservationSet>" more "</R>"

static struct ec2_instance list[4];

static void show(struct kinds *t, const char *id, const char *state, const char *type)
{
	list[t->inv->instances.n++] = (struct ec2_instance){ .id = id, .state = state, .type = type };
	t->inv->instances.v = list;
}

static void two_nodes(struct kinds *t, const struct step_kind *k, const char *one, const char *two)
{
	kinds_start(t, k, NODES);
	if (one != NULL)
		show(t, "i-1", one, "r6i.xlarge");
	if (two != NULL)
		show(t, "i-2", two, "r6i.xlarge");
}

static void each_is_one_call_on_all_its_nodes(void **state)
{
	static const struct {
		const struct step_kind *k;
		const char *action;
	} cases[] = {
		{ &kind_stop, "Action=StopInstances" },
		{ &kind_start, "Action=StartInstances" },
		{ &kind_reboot, "Action=RebootInstances" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kinds t;

		kinds_start(&t, cases[i].k, NODES);
		assert_has(kinds_ask(&t), cases[i].action);
		assert_has(kinds_ask(&t), "InstanceId.1=i-1&InstanceId.2=i-2");
		assert_int_equal(kinds_answered(&t, "<R/>"), STEP_DONE);
		assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_LOOK);
		assert_int_equal(kinds_refused(&t, AWS_THROTTLED, "RequestLimitExceeded"), STEP_AGAIN);
		assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_FAILED);
		assert_int_equal(kinds_refused(&t, AWS_INVALID, "UnsupportedOperation"), STEP_FAILED);
		assert_int_equal(kinds_refused(&t, AWS_INVALID, "OperationNotPermitted"), STEP_FAILED);
		assert_has(t.e.text, "take that off");
		kinds_end(&t);
	}
}

/* As the inventory shows both nodes; NULL: it does not show it. */
static void what_had_its_effect_is_found_by_the_states_of_the_nodes(void **state)
{
	static const struct {
		const struct step_kind *k;
		const char *one, *two;
		bool found;
		size_t left;
	} cases[] = {
		{ &kind_stop, "stopping", "stopped", true, 0 },         { &kind_stop, "stopped", "running", false, 0 },
		{ &kind_stop, "stopped", "pending", false, 0 },         { &kind_stop, "stopped", NULL, true, 1 },
		{ &kind_stop, "terminated", "shutting-down", true, 2 }, /* nothing runs */
		{ &kind_start, "pending", "running", true, 0 },         { &kind_start, "pending", "stopped", false, 0 },
		{ &kind_start, "running", "stopping", false, 0 },       { &kind_start, "running", "terminated", true, 1 },
		{ &kind_start, NULL, "terminated", false, 0 }, /* nothing runs */
		{ &kind_reboot, "running", "running", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kinds t;

		two_nodes(&t, cases[i].k, cases[i].one, cases[i].two);
		assert_false(kinds_finds(&t)); /* it may be shown as it was two turns ago */
		t.x.patient = true;
		assert_int_equal(kinds_finds(&t), cases[i].found);
		assert_int_equal(json_object_size(t.left), cases[i].left);
		kinds_end(&t);
	}
}

/* EC2 refuses the call as a whole for one node. */
static void one_bad_node_keeps_no_other_from_being_acted_upon(void **state)
{
	static const struct {
		const struct step_kind *k;
		const char *code, *one, *two;
		enum step_verdict is;
		const char *asks;
	} cases[] = {
		{ &kind_stop, "IncorrectInstanceState", "pending", "running", STEP_AGAIN, "InstanceId.2=i-2" },
		{ &kind_stop, "IncorrectInstanceState", "shutting-down", "running", STEP_AGAIN, "InstanceId.1=i-2" },
		{ &kind_start, "IncorrectInstanceState", "stopping", "stopped", STEP_AGAIN, "InstanceId.2=i-2" },
		{ &kind_start, "InvalidInstanceID.NotFound", NULL, "stopped", STEP_AGAIN, "InstanceId.1=i-2" },
		{ &kind_start, "InvalidInstanceID.NotFound", NULL, NULL, STEP_FAILED, NULL },
		{ &kind_start, "UnauthorizedOperation", NULL, "stopped", STEP_AGAIN, "InstanceId.1=i-2" },
		{ &kind_start, "UnauthorizedOperation", "stopped", "stopped", STEP_FAILED, NULL }, /* the role itself */
		{ &kind_reboot, "IncorrectInstanceState", "stopped", "running", STEP_AGAIN, "InstanceId.1=i-2" },
		{ &kind_reboot, "IncorrectInstanceState", "stopped", "stopped", STEP_FAILED, NULL },
		{ &kind_stop, "", "running", "running", STEP_LOOK, "InstanceId.2=i-2" }, /* no answer came: as any other */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kinds t;

		two_nodes(&t, cases[i].k, cases[i].one, cases[i].two);
		if (*cases[i].code != '\0')
			assert_int_equal(kinds_refused(&t, AWS_CONFLICT, cases[i].code), STEP_LOOK);
		assert_int_equal(kinds_misses(&t, cases[i].code), cases[i].is);
		if (cases[i].asks != NULL)
			assert_has(kinds_ask(&t), cases[i].asks);
		else
			assert_true(t.e.text[0] != '\0');
		kinds_end(&t);
	}
}

/* The zones without a protected node are done, as with TerminateInstances. */
static void of_a_refused_call_those_that_it_reached_are_told(void **state)
{
	struct kinds t;
	CLEANUP(json_close) json_t *down = NULL, *up = NULL;

	(void)state;
	two_nodes(&t, &kind_stop, "stopping", "running");
	down = kind_stop.part(&t.x, t.inv);
	up = kind_start.part(&t.x, t.inv);
	assert_int_equal(json_array_size(down), 1);
	assert_string_equal(json_string_value(json_array_get(json_array_get(down, 0), 1)), "i-1");
	assert_string_equal(json_string_value(json_array_get(json_array_get(up, 0), 1)), "i-2");
	kinds_end(&t);
}

/* By these the next plan knows that an inventory is too old. */
static void the_record_tells_in_what_state_nodes_were_left(void **state)
{
	(void)state;
	assert_string_equal(kind_stop.leaves, "stopped");
	assert_string_equal(kind_start.leaves, "started");
}

static void nodes_are_told_as_modified_but_those_that_were_left_out(void **state)
{
	static const struct step_kind *const kinds[] = { &kind_stop, &kind_start, &kind_reboot };
	CLEANUP(json_close) json_t *args = json_loads(NODES, 0, NULL), *left = json_pack("{s:s}", "i-1", "has ended");
	CLEANUP(json_close) json_t *one = json_pack("{s:s}", "instance", "i-3"), *pairs = json_array();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		json_array_clear(pairs);
		kinds[i]->changes(args, left, pairs);
		assert_int_equal(json_array_size(pairs), 1);
		assert_string_equal(json_string_value(json_array_get(json_array_get(pairs, 0), 1)), "i-2");
	}
	kind_modify_type.changes(one, NULL, pairs);
	assert_string_equal(json_string_value(json_array_get(json_array_get(pairs, 1), 1)), "i-3");
}

static void each_takes_the_other_back(void **state)
{
	CLEANUP(json_close) json_t *args = json_loads("{\"instances\": [\"i-1\"], \"disks\": true}", 0, NULL);
	CLEANUP(json_close) json_t *undo = kind_stop.undo_args(args);
	struct kinds t;

	(void)state;
	assert_ptr_equal(kind_stop.undo, &kind_start);
	assert_ptr_equal(kind_start.undo, &kind_stop);
	assert_null(kind_reboot.undo);
	assert_string_equal(json_string_value(json_array_get(json_object_get(undo, "instances"), 0)), "i-1");
	/* It served before, so want of room is waited out. */
	kinds_start(&t, &kind_start, "{\"instances\": [\"i-1\"], \"back\": true}");
	assert_true(json_is_true(json_object_get(undo, "back")));
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_AGAIN);
	kinds_end(&t);
}

static void a_wait_for_stopped_nodes_ends_when_none_is_on_its_way(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_stopped, NODES);
	assert_has(kinds_ask(&t), "Filter.1.Name=instance-id&Filter.1.Value.1=i-1");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "stopped") ITEM("i-2", "stopping"), "")), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-2 is stopping");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "stopped"), "<nextToken>x</nextToken>")), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "stopped") ITEM("i-2", "stopped"), "")), STEP_DONE);
	assert_string_equal(kinds_note(&t), "");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "stopped"), "")), STEP_DONE);
	assert_string_equal(kinds_note(&t), "left out: i-2, not there any more");
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_AGAIN);
	/* Once settle_s is over, one that runs was not shown late. */
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "stopped"), "")), STEP_AGAIN);
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "stopping") ITEM("i-2", "stopped"), "")), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "stopped"), "")), STEP_FAILED);
	assert_string_equal(t.e.text, "somebody has started a node again: i-1 is running");
	assert_int_equal(t.cause.class, AWS_INVALID);
	kinds_end(&t);
}

#define TYPE "{\"instance\": \"i-1\", \"type\": \"r6i.2xlarge\", \"from\": \"r6i.xlarge\"}"

static void a_type_is_changed_when_the_node_has_stopped_and_found_by_looking(void **state)
{
	CLEANUP(json_close) json_t *undo = NULL;
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_modify_type, TYPE);
	assert_has(kinds_ask(&t), "InstanceId=i-1&InstanceType.Value=r6i.2xlarge");
	show(&t, "i-1", "stopping", "r6i.xlarge");
	assert_false(kinds_finds(&t));
	assert_int_equal(kinds_refused(&t, AWS_CONFLICT, "IncorrectInstanceState"), STEP_LOOK);
	assert_int_equal(kinds_misses(&t, "IncorrectInstanceState"), STEP_AGAIN);
	assert_int_equal(kinds_misses(&t, ""), STEP_LOOK);
	list[0].type = "r6i.2xlarge";
	assert_true(kinds_finds(&t));
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidInstanceAttributeValue"), STEP_FAILED);
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "Unsupported"), STEP_FAILED);
	list[0].state = "terminated";
	assert_int_equal(kinds_misses(&t, "IncorrectInstanceState"), STEP_FAILED);
	assert_has(t.e.text, "i-1 has ended");
	undo = kind_modify_type.undo_args(t.args);
	assert_string_equal(json_str_or(undo, "type", ""), "r6i.xlarge");
	kinds_end(&t);
}

static void the_policy_names_what_is_started_and_what_a_node_becomes(void **state)
{
	struct demand d = { 0 };
	struct kinds t, type;

	(void)state;
	kinds_start(&type, &kind_modify_type, TYPE);
	kind_modify_type.demand(type.args, &d);
	kinds_start(&t, &kind_start, "{\"instances\": [\"i-1\"], \"types\": [\"m6i.large\"]}");
	kind_start.demand(t.args, &d);
	assert_int_equal(d.needs_n, 2);
	assert_ptr_equal(d.needs[0].of, &bound_instance_types);
	assert_string_equal(d.needs[0].text, "r6i.2xlarge");
	assert_string_equal(d.needs[1].text, "m6i.large");
	demand_close(&d);
	kinds_end(&type);
	kinds_end(&t);
}

static void disks_of_the_host_make_a_stop_high_risk_and_people_read_what_is_lost(void **state)
{
	static const struct {
		const char *args, *says;
		bool is_high;
	} cases[] = {
		{ NODES, "i-1, i-2", false },
		{ "{\"instances\": [\"i-1\"], \"disks\": true}", "i-1, and disks of their host are lost", true },
		{ "{\"instances\": [\"i-1\"], \"interrupts\": true}",
		  "i-1, which interrupts service: no other node of the cluster runs", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf text = BUF_MAX(200);
		struct kinds t;

		kinds_start(&t, &kind_stop, cases[i].args);
		t.k->print(t.args, &text);
		assert_string_equal(buf_str(&text), cases[i].says);
		assert_int_equal(t.k->is_high(t.args), cases[i].is_high);
		kinds_end(&t);
	}
}

/* Neither state nor launch time tells of it, so a call without an answer is repeated: for ten minutes since its first intent, by
 * the wall clock, which goes on where the agent dies between call and outcome. */
static void a_reboot_in_doubt_is_repeated_for_a_while_and_not_for_ever(void **state)
{
	struct kinds t;

	(void)state;
	two_nodes(&t, &kind_reboot, "running", "running");
	t.x.in_doubt = true;
	t.x.intent_age_ms = 599999;
	assert_int_equal(kinds_misses(&t, ""), STEP_LOOK);
	t.x.intent_age_ms = 600000;
	assert_int_equal(kinds_misses(&t, ""), STEP_FAILED);
	assert_has(t.e.text, "nobody can tell whether the nodes were rebooted");
	assert_int_equal(t.cause.class, AWS_AMBIGUOUS);
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_one_call_on_all_its_nodes),
		cmocka_unit_test(what_had_its_effect_is_found_by_the_states_of_the_nodes),
		cmocka_unit_test(one_bad_node_keeps_no_other_from_being_acted_upon),
		cmocka_unit_test(of_a_refused_call_those_that_it_reached_are_told),
		cmocka_unit_test(the_record_tells_in_what_state_nodes_were_left),
		cmocka_unit_test(nodes_are_told_as_modified_but_those_that_were_left_out),
		cmocka_unit_test(each_takes_the_other_back),
		cmocka_unit_test(a_wait_for_stopped_nodes_ends_when_none_is_on_its_way),
		cmocka_unit_test(a_type_is_changed_when_the_node_has_stopped_and_found_by_looking),
		cmocka_unit_test(the_policy_names_what_is_started_and_what_a_node_becomes),
		cmocka_unit_test(disks_of_the_host_make_a_stop_high_risk_and_people_read_what_is_lost),
		cmocka_unit_test(a_reboot_in_doubt_is_repeated_for_a_while_and_not_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
