/* test_kinds_attach.c - a volume is attached to the node that it is for, once, when nothing has it any more. */
#include "agent/ops/steps/volumes.h"
#include "tests/unit/ops/steps/asked.h"

#define ATTACH                                                                                                                     \
	"{\"volume\": \"vol-1\", \"device\": \"/dev/sdf\", \"type\": \"gp3\", \"size_gib\": 100, \"of\": 2, \"instances\": "       \
	"[\"i-1\", \"i-2\", \"i-3\"], \"up\": [\"i-9\", \"i-3\", \"i-1\"], \"at\": 1}"
#define VOLUMES(rows) "<R><volumeSet>" rows "</volumeSet></R>"
#define ROW_TAGS(state, attachment, tags)                                                                                          \
	VOLUMES("<item><volumeId>vol-1</volumeId><status>" state "</status><attachmentSet>" attachment "</attachmentSet>" tags     \
		"</item>")
#define ROW(state, attachment) ROW_TAGS(state, attachment, OUR_TAGS)
#define ON(instance, status)                                                                                                       \
	"<item><instanceId>" instance "</instanceId><device>/dev/sdf</device><status>" status "</status></item>"
#define FREE ROW("available", "")

static void the_nodes_that_have_come_up_get_them_in_their_order(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_attach_volume, ATTACH, FREE);
	assert_int_equal(asked_meet(&t), STEP_MORE);
	assert_has(kinds_ask(&t), "Action=AttachVolume");
	assert_has(kinds_ask(&t), "VolumeId=vol-1");
	assert_has(kinds_ask(&t), "InstanceId=i-3"); /* i-2 has not come up */
	assert_has(kinds_ask(&t), "Device=%2Fdev%2Fsdf");
	asked_end(&t);
}

static void how_it_stands_decides_what_follows(void **state)
{
	static const struct {
		const char *where;
		enum step_verdict is;
		const char *says;
	} rows[] = {
		{ FREE, STEP_MORE, "" },
		{ ROW("in-use", ON("i-3", "attached")), STEP_DONE, "" },
		{ ROW("in-use", ON("i-3", "attaching")), STEP_AGAIN, "vol-1 is attaching, by i-3" },
		{ ROW("in-use", ON("i-8", "attached")), STEP_AGAIN, "vol-1 is attached, by i-8" }, /* about to end, or somebody's */
		{ ROW("in-use", ON("i-8", "busy")), STEP_AGAIN, "vol-1 is busy, by i-8" },
		{ ROW("available", ON("i-8", "detached")), STEP_MORE, "" },
		{ ROW("creating", ""), STEP_AGAIN, "vol-1 is creating" },
		{ VOLUMES(""), STEP_FAILED, "vol-1 is not there any more, or not ours" },
		{ ROW_TAGS("available", "", ""), STEP_FAILED, "vol-1 is not there any more, or not ours" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kinds t;

		asked_start(&t, &kind_attach_volume, ATTACH, rows[i].where);
		if (asked_meet(&t) != rows[i].is || !str_eq(t.e.text, rows[i].says))
			fail_msg("row %zu: %s", i, t.e.text);
		asked_end(&t);
	}
}

static void where_its_node_has_not_come_up_it_stays_as_it_is(void **state)
{
	struct kinds t;
	json_t *pairs = json_array();

	(void)state;
	asked_start(&t, &kind_attach_volume, "{\"volume\": \"vol-1\", \"instances\": [\"i-1\"], \"up\": [], \"at\": 0}", FREE);
	assert_int_equal(asked_meet(&t), STEP_DONE);
	assert_true(step_is_left(&t.x, "vol-1"));
	kind_attach_volume.changes(t.args, t.left, pairs);
	assert_int_equal(json_array_size(pairs), 0); /* and is not told as changed */
	json_object_clear(t.left);
	kind_attach_volume.changes(t.args, t.left, pairs);
	assert_int_equal(json_array_size(pairs), 1);
	assert_true(kinds_refuses(&t));
	json_decref(pairs);
	asked_end(&t);
}

/* A conflict may be our own call, whose answer was lost, or a node that is still ending: EC2 is asked. */
static void what_ec2_answers_is_no_end_while_it_may_pass(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_attach_volume, ATTACH, FREE);
	assert_int_equal(kinds_answered(&t, "<AttachVolumeResponse/>"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_CONFLICT, "VolumeInUse"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_CONFLICT, "IncorrectState"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, "InternalError"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_THROTTLED, "RequestLimitExceeded"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidVolume.ZoneMismatch"), STEP_FAILED);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidVolume.NotFound"), STEP_FAILED);
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "UnauthorizedOperation"), STEP_FAILED);
	kinds_made(&t, "given.be", "i-3");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound"), STEP_AGAIN);
	asked_end(&t);
}

static void after_a_doubt_it_is_found_on_its_node_alone(void **state)
{
	struct ec2_volume v = { .id = "vol-1", .instance = "i-8", .attachment = "attached" };
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_attach_volume, ATTACH, FREE);
	assert_false(kinds_finds(&t)); /* not shown */
	volumes_in(t.inv)->all = (struct ec2_volumes){ &v, 1 };
	assert_false(kinds_finds(&t));
	v.instance = "i-3";
	assert_true(kinds_finds(&t));
	v.attachment = "attaching";
	assert_false(kinds_finds(&t));
	asked_end(&t);
}

static void what_it_is_is_what_the_policy_bounds(void **state)
{
	struct demand d = { 0 };
	json_t *args =
	    json_loads("{\"type\": \"gp3\", \"size_gib\": 200, \"iops\": 6000, \"of\": 3, \"kms_key_id\": \"k\"}", 0, NULL);

	(void)state;
	kind_attach_volume.demand(args, &d);
	assert_int_equal(demand_number(&d, &bound_volumes_per_node), 3);
	assert_int_equal(demand_number(&d, &bound_volume_gib), 200);
	assert_int_equal(demand_number(&d, &bound_iops), 6000);
	assert_int_equal(demand_number(&d, &bound_throughput), 0);
	assert_string_equal(d.needs[1].text, "gp3");
	assert_string_equal(d.needs[d.needs_n - 1].text, "k");
	demand_close(&d);
	json_decref(args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nodes_that_have_come_up_get_them_in_their_order),
		cmocka_unit_test(how_it_stands_decides_what_follows),
		cmocka_unit_test(where_its_node_has_not_come_up_it_stays_as_it_is),
		cmocka_unit_test(what_ec2_answers_is_no_end_while_it_may_pass),
		cmocka_unit_test(after_a_doubt_it_is_found_on_its_node_alone),
		cmocka_unit_test(what_it_is_is_what_the_policy_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
