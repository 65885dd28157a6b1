/* test_kinds_volume.c - a volume that is changed where it stands, and the wait for it. */
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/volume_where.h"
#include "agent/ops/steps/volumes.h"
#include "tests/unit/ops/steps/asked.h"

#define GROW                                                                                                                       \
	"{\"volume\":\"vol-1\",\"instance\":\"i-1\",\"device\":\"/dev/sdf\",\"type\":\"gp3\",\"size_gib\":200,\"from\":"           \
	"{\"type\":\"gp3\",\"size_gib\":100,\"iops\":3000,\"throughput\":125}}"

static void only_what_differs_is_asked_for(void **state)
{
	static const struct {
		const char *args, *has[4], *lacks[3], *print;
	} cases[] = {
		{ GROW,
		  { "Action=ModifyVolume", "VolumeId=vol-1", "Size=200" },
		  { "Iops", "Throughput", "VolumeType" },
		  "vol-1, /dev/sdf of i-1: grow 100 -> 200 GiB" },
		{ "{\"volume\":\"vol-1\",\"instance\":\"i-1\",\"device\":\"/dev/sdf\",\"type\":\"gp3\",\"size_gib\":100,\"iops\":"
		  "6000,\"throughput\":250,\"from\":{\"type\":\"gp3\",\"size_gib\":100,\"iops\":3000,\"throughput\":125}}",
		  { "Iops=6000", "Throughput=250" },
		  { "Size", "VolumeType" },
		  "vol-1, /dev/sdf of i-1: 3000 -> 6000 iops, 125 -> 250 MiB/s" },
		{ "{\"volume\":\"vol-1\",\"instance\":\"i-1\",\"device\":\"/dev/sdf\",\"type\":\"gp3\",\"size_gib\":100,\"from\":"
		  "{\"type\":\"gp3\",\"size_gib\":100,\"iops\":6000}}",
		  { "Iops=3000" },
		  { "Size", "Throughput" },
		  "vol-1, /dev/sdf of i-1: 6000 -> 3000 iops" },
		{ "{\"volume\":\"vol-1\",\"instance\":\"i-1\",\"device\":\"/dev/sdf\",\"type\":\"gp3\",\"size_gib\":100,\"from\":"
		  "{\"type\":\"gp2\",\"size_gib\":100,\"iops\":300}}",
		  { "VolumeType=gp3", "Iops=3000", "Throughput=125" },
		  { "Size" },
		  "vol-1, /dev/sdf of i-1: gp2 -> gp3, 300 -> 3000 iops" },
	};
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(256);
		const char *form;

		kinds_start(&t, &kind_modify_volume, cases[i].args);
		form = kinds_ask(&t);
		for (size_t k = 0; k < 4 && cases[i].has[k] != NULL; k++)
			assert_has(form, cases[i].has[k]);
		for (size_t k = 0; k < 3 && cases[i].lacks[k] != NULL; k++)
			assert_lacks(form, cases[i].lacks[k]);
		kind_modify_volume.print(t.args, &b);
		assert_string_equal(buf_str(&b), cases[i].print);
		kinds_end(&t);
	}
}

/* "Still being changed" may be this very change, whose answer was lost. */
static void a_change_is_judged_by_what_ec2_says(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_modify_volume, GROW);
	assert_int_equal(kinds_answered(&t, "<ModifyVolumeResponse/>"), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_CONFLICT, "IncorrectModificationState"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, "InternalError"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_QUOTA, "VolumeModificationRateExceeded"), STEP_FAILED);
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidParameterValue"), STEP_FAILED);
	kinds_end(&t);
}

static void a_volume_that_is_or_will_be_as_wanted_is_found(void **state)
{
	struct ec2_volume v = { .id = "vol-1", .type = "gp3", .size_gib = 100, .iops = 3000, .throughput = 125 };
	struct ec2_modification m = { "vol-1", "modifying", "2027-01-15T07:00:00.000Z", "", "gp3", 200, 3000, 125, 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_modify_volume, GROW);
	assert_false(kinds_finds(&t)); /* not shown */
	volumes_in(t.inv)->all = (struct ec2_volumes){ &v, 1 };
	assert_false(kinds_finds(&t));
	volumes_in(t.inv)->modifications = (struct ec2_modifications){ &m, 1 };
	assert_true(kinds_finds(&t));
	m.size_gib = 150; /* somebody else's */
	assert_false(kinds_finds(&t));
	m.state = "completed";
	v.size_gib = 200;
	assert_true(kinds_finds(&t));
	v.iops = 6000;
	assert_false(kinds_finds(&t));
	kinds_end(&t);
}

static void what_it_is_to_be_is_what_the_policy_bounds(void **state)
{
	struct demand d = { 0 };
	json_t *args = json_loads("{\"type\":\"gp3\",\"size_gib\":200,\"iops\":6000}", 0, NULL);

	(void)state;
	kind_modify_volume.demand(args, &d);
	assert_int_equal(demand_number(&d, &bound_volume_gib), 200);
	assert_int_equal(demand_number(&d, &bound_iops), 6000);
	assert_int_equal(demand_number(&d, &bound_throughput), 0); /* gp3's own */
	demand_close(&d);
	json_decref(args);
}

/* ---- the wait ---- */

#define WAIT                                                                                                                       \
	"{\"cluster\":\"be\",\"volumes\":[\"vol-1\",\"vol-2\"],\"grows\":true,\"to\":{\"vol-1\":{\"type\":\"gp3\",\"size_gib\":"   \
	"200},\"vol-2\":{\"type\":\"gp3\",\"size_gib\":200}}}"
#define ROW(id, state, size)                                                                                                       \
	"<item><volumeId>" id "</volumeId><modificationState>" state "</modificationState><targetSize>" size                       \
	"</targetSize><targetIops>3000</targetIops><targetThroughput>125</targetThroughput><progress>37</progress>"                \
	"<startTime>2027-01-15T07:00:00.000Z</startTime><statusMessage>no room</statusMessage></item>"
#define ANSWER(rows) "<R><volumeModificationSet>" rows "</volumeModificationSet></R>"

static void changes_are_waited_for_until_they_are_completed(void **state)
{
	static const struct {
		const char *answer;
		enum step_verdict is;
		const char *says;
	} cases[] = {
		{ ANSWER(""), STEP_AGAIN, "vol-1 is not shown as changed yet, vol-2 is not shown as changed yet" },
		{ ANSWER(ROW("vol-1", "completed", "150") ROW("vol-2", "completed", "200")), STEP_AGAIN,
		  "vol-1 is not shown as changed yet" },
		{ ANSWER(ROW("vol-1", "modifying", "200") ROW("vol-2", "completed", "200")), STEP_AGAIN, "vol-1 is modifying" },
		{ ANSWER(ROW("vol-1", "optimizing", "200") ROW("vol-2", "completed", "200")), STEP_AGAIN,
		  "vol-1 is optimizing (37 %)" },
		{ ANSWER(ROW("vol-1", "failed", "200") ROW("vol-2", "modifying", "200")), STEP_FAILED,
		  "a volume was not changed: vol-1: no room" },
		{ ANSWER(ROW("vol-1", "completed", "200") ROW("vol-2", "completed", "200")), STEP_DONE, NULL },
	};
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_modified, WAIT);
	assert_has(kinds_ask(&t), "Filter.1.Name=volume-id");
	assert_has(kinds_ask(&t), "Filter.1.Value.2=vol-2");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(kinds_answered(&t, cases[i].answer), cases[i].is);
		if (cases[i].says != NULL)
			assert_string_equal(err_text(&t.e), cases[i].says);
	}
	assert_string_equal(kinds_note(&t), "file system growth unverified");
	kinds_end(&t);
}

/* Its size is there; a terabyte may optimize for many hours. */
static void a_volume_that_optimizes_longer_than_a_command_takes_is_good_and_said_to(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_modified, WAIT);
	t.x.age_ms = 2399999;
	assert_int_equal(kinds_answered(&t, ANSWER(ROW("vol-1", "optimizing", "200") ROW("vol-2", "completed", "200"))),
			 STEP_AGAIN);
	t.x.age_ms = 2400000;
	assert_int_equal(kinds_answered(&t, ANSWER(ROW("vol-1", "optimizing", "200") ROW("vol-2", "modifying", "200"))),
			 STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, ANSWER(ROW("vol-1", "optimizing", "200") ROW("vol-2", "completed", "200"))), STEP_DONE);
	assert_string_equal(kinds_note(&t),
			    "1 volume(s) still optimizing: the size is there, all of the speed is not yet; file system "
			    "growth unverified");
	kinds_end(&t);
}

static void of_two_changes_of_a_volume_the_newest_counts(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_modified,
		    "{\"volumes\":[\"vol-1\"],\"to\":{\"vol-1\":{\"type\":\"gp3\",\"size_gib\":200}},\"grows\":false}");
	assert_int_equal(
	    kinds_answered(
		&t, ANSWER("<item><volumeId>vol-1</volumeId><modificationState>failed</modificationState><targetSize>200"
			   "</targetSize><startTime>2027-01-15T06:00:00.000Z</startTime></item>" ROW("vol-1", "completed", "200"))),
	    STEP_DONE);
	assert_string_equal(kinds_note(&t), ""); /* nothing grew */
	kinds_end(&t);
}

/* EC2 may go on to show it for some seconds after it has taken the next one. */
static void an_earlier_failure_is_not_this_ones(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_modified,
		    "{\"volumes\":[\"vol-1\"],\"to\":{\"vol-1\":{\"type\":\"gp3\",\"size_gib\":200,\"before\":"
		    "\"2027-01-15T07:00:00.000Z\"}},\"grows\":true}");
	assert_int_equal(kinds_answered(&t, ANSWER(ROW("vol-1", "failed", "200"))), STEP_AGAIN);
	assert_string_equal(err_text(&t.e), "vol-1 is not shown as changed yet");
	assert_int_equal(kinds_answered(&t, ANSWER(ROW("vol-1", "completed", "200"))), STEP_DONE);
	kinds_end(&t);
}

/* ---- a volume that goes with its node ---- */

#define THERE(id) "<item><volumeId>" id "</volumeId><status>in-use</status>" OUR_TAGS "</item>"
#define VOLUMES(rows) "<R><volumeSet>" rows "</volumeSet></R>"

static json_t *told_as_changed(struct kinds *t)
{
	json_t *pairs = json_array();

	t->k->changes(t->args, t->left, pairs);
	return pairs;
}

/* Just after its call EC2 may not show it, or not know it: that is believed when settle_s has passed. */
static void a_volume_that_is_gone_is_not_changed_and_not_told_as_changed(void **state)
{
	struct kinds t;
	json_t *pairs;

	(void)state;
	asked_start(&t, &kind_modify_volume, GROW, VOLUMES(""));
	assert_int_equal(asked_meet(&t), STEP_MORE);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidVolume.NotFound"), STEP_AGAIN);
	t.x.patient = true;
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidVolume.NotFound"), STEP_FAILED); /* it is shown, and unknown */
	assert_int_equal(asked_meet(&t), STEP_DONE);
	assert_true(step_is_left(&t.x, "vol-1"));
	pairs = told_as_changed(&t);
	assert_int_equal(json_array_size(pairs), 0);
	json_decref(pairs);
	asked_end(&t);
}

static void a_volume_that_is_there_is_changed_however_late(void **state)
{
	struct kinds t;
	json_t *pairs;

	(void)state;
	asked_start(&t, &kind_modify_volume, GROW, VOLUMES(THERE("vol-1")));
	t.x.patient = true;
	assert_int_equal(asked_meet(&t), STEP_MORE);
	pairs = told_as_changed(&t);
	assert_int_equal(json_array_size(pairs), 1);
	json_decref(pairs);
	asked_end(&t);
}

/* Nobody waits an hour for a volume that went with its node, and the others are waited for. */
static void for_volumes_that_are_gone_nobody_waits(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_modified, WAIT, VOLUMES(THERE("vol-2")));
	assert_int_equal(asked_meet(&t), STEP_MORE);
	assert_has(kinds_ask(&t), "Filter.1.Value.1=vol-1&Filter.1.Value.2=vol-2");
	t.x.patient = true;
	assert_int_equal(asked_meet(&t), STEP_MORE);
	assert_lacks(kinds_ask(&t), "vol-1");
	assert_int_equal(kinds_answered(&t, ANSWER(ROW("vol-2", "modifying", "200"))), STEP_AGAIN);
	assert_string_equal(err_text(&t.e), "vol-2 is modifying");
	assert_int_equal(kinds_answered(&t, ANSWER(ROW("vol-2", "completed", "200"))), STEP_DONE);
	assert_true(kinds_see(&t, &volume_where, VOLUMES("")));
	assert_int_equal(asked_meet(&t), STEP_DONE); /* nobody is left */
	asked_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_differs_is_asked_for),
		cmocka_unit_test(a_change_is_judged_by_what_ec2_says),
		cmocka_unit_test(a_volume_that_is_or_will_be_as_wanted_is_found),
		cmocka_unit_test(what_it_is_to_be_is_what_the_policy_bounds),
		cmocka_unit_test(changes_are_waited_for_until_they_are_completed),
		cmocka_unit_test(a_volume_that_optimizes_longer_than_a_command_takes_is_good_and_said_to),
		cmocka_unit_test(of_two_changes_of_a_volume_the_newest_counts),
		cmocka_unit_test(an_earlier_failure_is_not_this_ones),
		cmocka_unit_test(a_volume_that_is_gone_is_not_changed_and_not_told_as_changed),
		cmocka_unit_test(a_volume_that_is_there_is_changed_however_late),
		cmocka_unit_test(for_volumes_that_are_gone_nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
