/* test_planner_volume.c - volumes of nodes that stay: grown where they stand, or refused with a sentence that tells what to do. */
#include "agent/ops/plan/planner_impl.h"
#include "tests/unit/ops/board.h"

/* One node with the volume that the specification wants, running, in a group that stands. */
static int standing_start(void **state)
{
	static const struct ec2_rule rules[] = { { "tcp", 0, 65535, NULL, "sg-1", "", false },
						 { "tcp", 8000, 9000, "10.0.0.0/16", NULL, "", false } };
	struct board *d;
	json_t *launch;
	struct ec2_instance *in;

	board_start(state);
	d = *state;
	d->k.cluster.nodes = 1;
	d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	launch = planner_launch_tag(&d->k.cluster);
	board_add_group(d, rules, 2);
	board_add_node(d, "i-1", "be", "running");
	in = &d->inv->instances.v[0];
	in->data_volumes = 1;
	in->tags.v[4] = (struct ec2_tag){ "reeve:launch", arena_str(d->inv->arena, json_string_value(launch)) };
	json_decref(launch);
	board_add_volume(d, "vol-0", "i-1", "/dev/xvda", 8)->snapshot = "snap-1";
	board_add_volume(d, "vol-1", "i-1", "/dev/sdf", 100);
	return 0;
}

static struct ec2_volume *data(struct board *d)
{
	return &volumes_in(d->inv)->all.v[1];
}

/* The sentence, or the steps. */
static const char *plan(struct board *d)
{
	static char text[512];
	struct plans *p = NULL;
	struct err e = { 0 };
	int rc = planner_apply(&d->a, &d->k.s, &p, &e);

	snprintf(text, sizeof(text), "%.500s", rc != 0 ? err_text(&e) : board_steps(p));
	plans_free(p);
	return text;
}

static const json_t *args_of(const struct plans *p, size_t i)
{
	return p->v[0].steps[i].args;
}

static struct ec2_modification changes[8];

/* The n-th change of vol-1 began so many hours before the inventory was taken. */
static void add_change(struct board *d, const char *state, const char *start, uint32_t to_gib)
{
	struct ec2_modifications *l = &volumes_in(d->inv)->modifications;

	l->v = changes;
	changes[l->n++] = (struct ec2_modification){ "vol-1", state, start, "", "gp3", to_gib, 3000, 125, 37 };
}

static void a_larger_volume_is_grown_behind_the_pivot_and_waited_for(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.volume.size_gib = 200;
	d->k.volume.iops = 6000;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/modify-vol-1 cluster-be/modified");
	assert_int_equal(p->v[0].pivot, 0);
	assert_int_equal(json_int_or(args_of(p, 0), "size_gib", 0), 200);
	assert_int_equal(json_int_or(args_of(p, 0), "iops", 0), 6000);
	assert_null(json_object_get(args_of(p, 0), "throughput")); /* gp3's own: no bound speaks of it */
	assert_int_equal(json_int_or(json_object_get(args_of(p, 0), "from"), "size_gib", 0), 100);
	assert_true(json_is_true(json_object_get(args_of(p, 1), "grows")));
	assert_int_equal(json_int_or(json_object_get(json_object_get(args_of(p, 1), "to"), "vol-1"), "size_gib", 0), 200);
	plans_free(p);
}

static void the_plan_says_from_and_to(void **state)
{
	struct board *d = *state;
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 16);
	struct plans *p;

	d->k.volume.size_gib = 200;
	d->k.volume.iops = 6000;
	d->k.volume.throughput = 250;
	p = board_apply(d);
	plans_print(p, &text);
	assert_non_null(strstr(buf_str(&text),
			       "\nPlan cluster-be (stage 1)\n"
			       "  ~ change /dev/sdf of i-1                    ec2:ModifyVolume                  vol-1, /dev/sdf of "
			       "i-1: grow 100 -> 200 GiB, "
			       "3000 -> 6000 iops, 125 -> 250 MiB/s\n"
			       "    wait until the volumes of be are changed  ec2:DescribeVolumesModifications  vol-1\n"
			       "\n0 to make, 1 to change, 0 to remove.\n"));
	plans_free(p);
}

static void what_the_spec_leaves_to_aws_is_gp3s_own(void **state)
{
	struct board *d = *state;

	data(d)->iops = 6000;
	assert_string_equal(plan(d), "cluster-be/modify-vol-1 cluster-be/modified");
	d->k.volume.iops = 6000;
	assert_string_equal(plan(d), "");
	data(d)->throughput = 0; /* not told: not called different */
	d->k.volume.throughput = 250;
	assert_string_equal(plan(d), "");
}

static void a_volume_never_shrinks(void **state)
{
	struct board *d = *state;

	d->k.volume.size_gib = 99;
	assert_string_equal(plan(d),
			    "cluster be: vol-1 of i-1 at /dev/sdf has 100 GiB, and a volume never shrinks; ask for size_gib "
			    "100 or more");
	d->k.volume.size_gib = 200;
	add_change(d, "modifying", "2027-01-15T07:00:00.000Z", 300);
	assert_non_null(strstr(plan(d), "vol-1 of i-1 at /dev/sdf has 300 GiB, and a volume never shrinks"));
}

static void a_volume_that_will_be_as_wanted_is_waited_for_and_not_changed_again(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.volume.size_gib = 200;
	add_change(d, "modifying", "2027-01-15T07:00:00.000Z", 200);
	assert_string_equal(plan(d), "cluster-be/modified");
	changes[0].state = "optimizing";
	assert_string_equal(plan(d), ""); /* its size is there */
	changes[0].state = "failed";
	assert_string_equal(plan(d), "cluster-be/modify-vol-1 cluster-be/modified");
	p = board_apply(d);
	assert_string_equal(json_str_or(json_object_get(json_object_get(args_of(p, 1), "to"), "vol-1"), "before", ""),
			    "2027-01-15T07:00:00.000Z");
	plans_free(p);
}

static void while_one_change_is_under_way_no_other_is_planned(void **state)
{
	struct board *d = *state;

	d->k.volume.size_gib = 300;
	add_change(d, "optimizing", "2027-01-15T07:00:00.000Z", 200);
	assert_string_equal(plan(d),
			    "cluster be: vol-1 of i-1 is optimizing (37 %) after the change before, and EC2 takes no other one "
			    "until that is completed; send the command again then");
}

static void a_fifth_change_within_a_day_is_refused_with_when_it_is_possible(void **state)
{
	static const char *const starts[] = { "2027-01-15T07:00:00.000Z", "2027-01-15T06:00:00.000Z", "2027-01-15T05:00:00.000Z",
					      "2027-01-14T09:30:00.000Z" };
	struct board *d = *state;

	data(d)->size_gib = 104;
	d->k.volume.size_gib = 200;
	for (uint32_t i = 0; i < 3; i++)
		add_change(d, "completed", starts[i], 104 - i);
	assert_string_equal(plan(d), "cluster-be/modify-vol-1 cluster-be/modified");
	add_change(d, "completed", starts[3], 101);
	assert_string_equal(plan(d), "cluster be: vol-1 of i-1 was changed 4 times within 24 hours, and EC2 takes no more; another "
				     "change is possible from 2027-01-15T09:30:00.000Z on");
}

/* The policy is asked first: a refusal of this kind keeps its plan. */
static void what_cannot_be_changed_now_still_tells_what_it_would_need(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct demand need = { 0 };

	d->k.volume.size_gib = 300;
	add_change(d, "optimizing", "2027-01-15T07:00:00.000Z", 200);
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, NULL), -ERR_NOTYET);
	plans_demand(p, &need);
	assert_int_equal(demand_number(&need, &bound_volume_gib), 300);
	demand_close(&need);
	plans_free(p);
}

static void a_node_that_comes_up_is_taken_as_it_was_launched_or_waited_for(void **state)
{
	struct board *d = *state;

	d->inv->instances.v[0].state = "pending";
	volumes_in(d->inv)->all.n = 0;
	assert_string_equal(plan(d), "cluster-be/up cluster-be/up-ok");
	d->k.volume.size_gib = 200;
	assert_string_equal(plan(d),
			    "cluster be: i-1 is pending, and EC2 does not show its volumes yet; send the command again when it "
			    "runs");
}

/* EC2 shows the volumes of a stopped node, and changes them. */
static void volumes_of_stopped_nodes_grow_too_also_while_they_stay_stopped(void **state)
{
	struct board *d = *state;

	for (size_t i = 0; i < d->inv->instances.n; i++)
		d->inv->instances.v[i].state = "stopped";
	d->k.volume.size_gib = 200;
	assert_non_null(strstr(plan(d), "cluster-be/modify-vol-1"));
	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	assert_non_null(strstr(plan(d), "cluster-be/modify-vol-1"));
}

static void a_volume_that_is_not_shown_cannot_be_changed(void **state)
{
	struct board *d = *state;

	volumes_in(d->inv)->all.n = 1;
	assert_string_equal(plan(d), "");
	d->k.volume.size_gib = 200;
	assert_non_null(strstr(plan(d), "EC2 shows no volume of ours at /dev/sdf of i-1, so it cannot be changed"));
}

/* Its tag has the digest of all that was said of its volumes, and none of devices and keys alone. */
static void a_node_of_an_older_version_is_compared_by_what_ec2_shows(void **state)
{
	static const struct {
		const char *key, *device, *is;
		uint32_t volumes;
	} cases[] = {
		{ "", "/dev/sdf", "cluster-be/modify-vol-1 cluster-be/modified", 1 },
		{ "arn:aws:kms:us-east-1:123456789012:key/k-1", "/dev/sdf", "cluster-be/modify-vol-1 cluster-be/modified", 1 },
		{ "k-1", "/dev/xvdf", "cluster-be/modify-vol-1 cluster-be/modified", 1 },
		{ "alias/data", "/dev/sdf", "cluster-be/modify-vol-1 cluster-be/modified", 1 },
		{ "k-2", "/dev/sdf", "volumes is not what i-1 was launched with", 1 },
		{ "", "/dev/sdg", "volumes is not what i-1 was launched with", 1 },
		{ "", "/dev/sdf", "volumes is not what i-1 was launched with", 2 },
	};
	struct board *d = *state;
	char *disks = strstr(d->inv->instances.v[0].tags.v[4].value, " disks=");

	*disks = '\0';
	d->k.volume.size_gib = 200;
	data(d)->kms_key = "arn:aws:kms:us-east-1:123456789012:key/k-1";
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		d->k.volume.kms_key_id = (char *)cases[i].key;
		d->k.volume.device = (char *)cases[i].device;
		d->inv->instances.v[0].data_volumes = cases[i].volumes;
		if (strstr(plan(d), cases[i].is) == NULL)
			fail_msg("%zu: %s", i, plan(d));
	}
}

/* ---- kept ---- */

/* Preserved volumes, "vol-1 vol-2 ". */
static const char *preserved(const struct plans *p)
{
	static char text[256];
	const json_t *list = json_object_get(p->json, "preserved");
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq(json_string_value(json_array_get(json_array_get(list, i), 0)), "volume"))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ",
						 json_string_value(json_array_get(json_array_get(list, i), 1)));
	return text;
}

static void a_node_that_ends_leaves_its_kept_volume_and_that_is_no_loss(void **state)
{
	static const char *kept[] = { "vol-1", "vol-2" };
	struct board *d = *state;
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 16);
	struct plans *p;

	d->k.volume.keep = 1;
	board_add_node(d, "i-2", "be", "running");
	for (unsigned i = 0; i < 2; i++) {
		json_t *launch = planner_launch_tag(&d->k.cluster);

		d->inv->instances.v[i].data_volumes = 0;
		d->inv->instances.v[i].kept_volume_ids = &kept[i];
		d->inv->instances.v[i].kept_volumes = 1;
		d->inv->instances.v[i].tags.v[4] =
		    (struct ec2_tag){ "reeve:launch", arena_str(d->inv->arena, json_string_value(launch)) };
		json_decref(launch);
	}
	p = board_apply(d);
	plans_print(p, &text);
	assert_non_null(strstr(buf_str(&text), "ec2:TerminateInstances  i-2, keeps vol-2\n"));
	assert_null(plans_high(p, NULL));
	assert_string_equal(preserved(p), "vol-2 ");
	plans_free(p);
}

static void what_no_node_has_is_told_and_left_alone(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_volume(d, "vol-2", "", "", 100);
	board_add_volume(d, "vol-3", "", "", 100)->state = "deleting";
	board_add_volume(d, "vol-4", "i-9", "/dev/sdf", 100)->is_kept = true; /* of a node that is over */
	board_add_volume(d, "vol-5", "i-9", "/dev/sdg", 100);                 /* goes with it */
	board_add_volume(d, "vol-6", "", "", 100)->tags.v[2] = (struct ec2_tag){ "reeve:warehouse", "wh-2" };
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	assert_string_equal(preserved(p), "vol-2 vol-4 ");
	plans_free(p);
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	assert_string_equal(preserved(p), "vol-2 vol-4 ");
	plans_free(p);
}

static void too_many_changes_at_once_are_told_before_the_plan_is_full(void **state)
{
	struct board *d = *state;
	char id[16];

	d->k.cluster.nodes = 201;
	d->k.volume.size_gib = 200;
	for (unsigned i = 2; i <= 201; i++) {
		snprintf(id, sizeof(id), "i-%u", i);
		board_add_node(d, arena_str(d->inv->arena, id), "be", "running");
		d->inv->instances.v[i - 1].tags.v[4] = d->inv->instances.v[0].tags.v[4];
		board_add_volume(d, arena_printf(d->inv->arena, "vol-%u", i), d->inv->instances.v[i - 1].id, "/dev/sdf", 100);
	}
	assert_string_equal(plan(d),
			    "cluster be: 201 volumes would change, and one command changes 200 of a cluster; change one device "
			    "after the other");
}

#define STANDING_TEST(f) cmocka_unit_test_setup_teardown(f, standing_start, board_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STANDING_TEST(a_larger_volume_is_grown_behind_the_pivot_and_waited_for),
		STANDING_TEST(the_plan_says_from_and_to),
		STANDING_TEST(what_the_spec_leaves_to_aws_is_gp3s_own),
		STANDING_TEST(a_volume_never_shrinks),
		STANDING_TEST(a_volume_that_will_be_as_wanted_is_waited_for_and_not_changed_again),
		STANDING_TEST(while_one_change_is_under_way_no_other_is_planned),
		STANDING_TEST(a_fifth_change_within_a_day_is_refused_with_when_it_is_possible),
		STANDING_TEST(what_cannot_be_changed_now_still_tells_what_it_would_need),
		STANDING_TEST(a_node_that_comes_up_is_taken_as_it_was_launched_or_waited_for),
		STANDING_TEST(volumes_of_stopped_nodes_grow_too_also_while_they_stay_stopped),
		STANDING_TEST(a_volume_that_is_not_shown_cannot_be_changed),
		STANDING_TEST(a_node_of_an_older_version_is_compared_by_what_ec2_shows),
		STANDING_TEST(a_node_that_ends_leaves_its_kept_volume_and_that_is_no_loss),
		STANDING_TEST(what_no_node_has_is_told_and_left_alone),
		STANDING_TEST(too_many_changes_at_once_are_told_before_the_plan_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
