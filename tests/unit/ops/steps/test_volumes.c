/* test_volumes.c - what an inventory tells of volumes: which is at a device, what each is about to be, and when it can be changed
 * again. */
#include "agent/base/stamp.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/volumes.h"
#include "tests/unit/ops/shop.h"

#define NOW INT64_C(1800000000000) /* 2027-01-15T08:00:00.000Z */
#define HOUR INT64_C(3600000)

static struct inventory *inventory_of(struct ec2_volume *v, size_t n, struct ec2_modification *m, size_t m_n)
{
	struct inventory *inv = inventory_new();

	inv->aws_ms = NOW;
	volumes_in(inv)->all = (struct ec2_volumes){ v, n };
	volumes_in(inv)->modifications = (struct ec2_modifications){ m, m_n };
	return inv;
}

static void a_volume_is_found_at_its_device_whatever_the_kernel_calls_it(void **state)
{
	struct ec2_volume v[] = { { .id = "vol-1", .instance = "i-1", .device = "/dev/sdf" },
				  { .id = "vol-2", .instance = "i-2", .device = "/dev/xvdf" },
				  { .id = "vol-3", .instance = "", .device = "" } };
	struct inventory *inv = inventory_of(v, ARRAY_LEN(v), NULL, 0);

	(void)state;
	assert_ptr_equal(volumes_at(inv, "i-1", "/dev/xvdf"), &v[0]);
	assert_ptr_equal(volumes_at(inv, "i-2", "/dev/sdf"), &v[1]);
	assert_null(volumes_at(inv, "i-1", "/dev/sdg"));
	assert_null(volumes_at(inv, "i-3", "/dev/sdf"));
	assert_ptr_equal(volumes_by_id(inv, "vol-3"), &v[2]);
	assert_null(volumes_by_id(inv, "vol-4"));
	inventory_free(inv);
}

/* Our nodes alone are in the inventory: what is at another machine has left us, or its node is not shown any more. */
static void a_volume_is_left_where_no_node_that_is_alive_has_it(void **state)
{
	static struct ec2_tag ours = { "reeve:warehouse", "wh-1" }, theirs = { "reeve:warehouse", "wh-2" };
	struct ec2_volume v[] = {
		{ .id = "vol-1", .instance = "", .state = "available", .tags = { &ours, 1 } }, /* left */
		{ .id = "vol-2", .instance = "", .state = "creating", .tags = { &ours, 1 } },
		{ .id = "vol-3", .instance = "", .state = "deleting", .tags = { &ours, 1 } },
		{ .id = "vol-4", .instance = "i-1", .state = "in-use", .is_kept = true, .tags = { &ours, 1 } },
		{ .id = "vol-5", .instance = "i-2", .state = "in-use", .is_kept = true, .tags = { &ours, 1 } }, /* left */
		{ .id = "vol-6", .instance = "i-2", .state = "in-use", .tags = { &ours, 1 } },                  /* goes with it */
		{ .id = "vol-7", .instance = "i-3", .state = "in-use", .is_kept = true, .tags = { &ours, 1 } }, /* left */
		{ .id = "vol-8", .instance = "", .state = "available", .tags = { &theirs, 1 } },
	};
	static const bool left[] = { true, false, false, false, true, false, true, true };
	struct ec2_instance nodes[] = { { .id = "i-1", .state = "stopped" }, { .id = "i-2", .state = "terminated" } };
	struct inventory *inv = inventory_of(v, ARRAY_LEN(v), NULL, 0);

	(void)state;
	inv->instances = (struct ec2_instances){ nodes, ARRAY_LEN(nodes) };
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		if (volumes_is_left(inv, &v[i]) != left[i])
			fail_msg("%s is %s", v[i].id, left[i] ? "left" : "not left");
	assert_int_equal(volumes_left(inv, "wh-1"), 3);
	assert_int_equal(volumes_left(inv, "wh-2"), 1);
	assert_int_equal(volumes_left(inv, "wh-3"), 0);
	inventory_free(inv);
}

static void a_volume_that_is_being_changed_is_what_it_will_be(void **state)
{
	struct ec2_volume v = { .id = "vol-1", .type = "gp3", .size_gib = 100, .iops = 3000, .throughput = 125 };
	struct ec2_modification m[] = {
		{ "vol-1", "optimizing", "2027-01-15T07:00:00.000Z", "", "gp3", 300, 6000, 0, 37 },
		{ "vol-1", "completed", "2027-01-15T06:00:00.000Z", "", "gp3", 200, 3000, 125, 100 },
		{ "vol-2", "modifying", "2027-01-15T07:30:00.000Z", "", "gp3", 900, 9000, 900, 0 },
	};
	struct inventory *inv = inventory_of(&v, 1, m, ARRAY_LEN(m));

	(void)state;
	assert_ptr_equal(volumes_change(inv, "vol-1"), &m[0]);
	assert_true(volumes_is_changing(&m[0]));
	assert_int_equal(volumes_form(inv, &v).size_gib, 300);
	assert_int_equal(volumes_form(inv, &v).iops, 6000);
	assert_int_equal(volumes_form(inv, &v).throughput, 125); /* not told: as it is */
	m[0].state = "failed";
	assert_false(volumes_is_changing(&m[0]));
	assert_int_equal(volumes_form(inv, &v).size_gib, 100);
	assert_false(volumes_is_changing(NULL));
	assert_null(volumes_change(inv, "vol-3"));
	inventory_free(inv);
}

static void a_fifth_change_of_a_day_is_possible_when_the_first_is_a_day_old(void **state)
{
	struct ec2_modification m[] = {
		{ .volume = "vol-1", .state = "completed", .start = "2027-01-15T07:00:00.000Z" },
		{ .volume = "vol-1", .state = "completed", .start = "2027-01-14T10:00:00.000Z" },
		{ .volume = "vol-1", .state = "completed", .start = "2027-01-13T10:00:00.000Z" },
		{ .volume = "vol-1", .state = "completed", .start = "2027-01-15T05:00:00.000Z" },
		{ .volume = "vol-1", .state = "completed", .start = "2027-01-14T09:00:00.000Z" },
		{ .volume = "vol-2", .state = "completed", .start = "2027-01-15T05:00:00.000Z" },
	};
	struct inventory *inv = inventory_of(NULL, 0, m, ARRAY_LEN(m));

	(void)state;
	assert_int_equal(volumes_change_from_ms(inv, NULL, 0, "vol-1"), NOW + HOUR);
	assert_int_equal(volumes_change_from_ms(inv, NULL, 0, "vol-2"), 0);
	m[4].start = "2027-01-14T08:00:00.000Z"; /* a day ago to the moment */
	assert_int_equal(volumes_change_from_ms(inv, NULL, 0, "vol-1"), 0);
	m[4].start = "one day";
	assert_int_equal(volumes_change_from_ms(inv, NULL, 0, "vol-1"), NOW + 2 * HOUR); /* what cannot be read counts as now */
	inventory_free(inv);
}

/* ---- as AWS is: it shows the newest change alone ---- */

#define OURS (NOW - 1000 * HOUR) /* the time of ours by a clock that has nothing to do with AWS's */

static void changes_of_ours_count_although_ec2_shows_one(void **state)
{
	struct ec2_modification m = { .volume = "vol-1", .state = "completed", .start = "2027-01-15T07:00:00.000Z" };
	struct inventory *inv = inventory_of(NULL, 0, &m, 1);
	struct changed ours = { 0 };

	(void)state;
	changed_add(&ours, OURS - 23 * HOUR, "vol-1");
	changed_add(&ours, OURS - 12 * HOUR, "vol-1");
	changed_add(&ours, OURS - 5 * HOUR, "vol-1");
	changed_add(&ours, OURS - HOUR + 2000, "vol-1"); /* the one that is shown: its outcome came two seconds later */
	assert_int_equal(volumes_change_from_ms(inv, &ours, OURS, "vol-1"), NOW + HOUR);
	assert_int_equal(volumes_change_from_ms(inv, &ours, OURS, "vol-2"), 0);
	inv->aws_ms += HOUR;
	assert_int_equal(volumes_change_from_ms(inv, &ours, OURS + HOUR, "vol-1"), 0);
	changed_close(&ours);
	inventory_free(inv);
}

/* Three of ours and one that is shown: four, where the one that is shown came after ours; else it is the last of ours. */
static void somebody_elses_change_counts_where_it_is_the_newest(void **state)
{
	struct ec2_modification m = { .volume = "vol-1", .state = "completed", .start = "2027-01-15T07:00:00.000Z" };
	struct inventory *inv = inventory_of(NULL, 0, &m, 1);
	struct changed ours = { 0 };

	(void)state;
	changed_add(&ours, OURS - 20 * HOUR, "vol-1");
	changed_add(&ours, OURS - 12 * HOUR, "vol-1");
	changed_add(&ours, OURS - 5 * HOUR, "vol-1");
	assert_int_equal(volumes_change_from_ms(inv, &ours, OURS, "vol-1"), NOW + 4 * HOUR);
	m.start = "2027-01-15T03:00:00.000Z";
	assert_int_equal(volumes_change_from_ms(inv, &ours, OURS, "vol-1"), 0);
	changed_close(&ours);
	inventory_free(inv);
}

/* ---- a taking ---- */

struct look {
	struct inventory_req req;
	bool done;
};

static void on_taken(struct inventory_req *req, int rc)
{
	assert_int_equal(rc, 0);
	container_of(req, struct look, req)->done = true;
}

static bool is_taken(void *ctx)
{
	return ((struct look *)ctx)->done;
}

static struct inventory *take(struct shop *s, struct look *l)
{
	struct owner o = { "velodb", "inst-1" };

	*l = (struct look){ 0 };
	inventory_take(&(struct inventory_source){ s->d.w, s->aws, s->creds, &o, catalogue_resources() }, NULL, &l->req, on_taken);
	assert_int_equal(sim_run_until(s->d.w, is_taken, l, 600000), SIM_TRUE);
	return l->req.inv;
}

static void the_volumes_of_ours_are_seen_with_their_changes_over_all_pages(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct aws_change change = { 0 };
	struct inventory *inv;
	struct look l;

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->sim->page = 1;
	change.to = s->sim->volumes[1]->born;
	change.to.size_gib = 300;
	change.optimizing_ms = change.completed_ms = UINT64_MAX;
	s->sim->volumes[1]->changes = mem_grow(NULL, 1, sizeof(change));
	s->sim->volumes[1]->changes[s->sim->volumes[1]->changes_n++] = change;
	aws_hand_tag(&s->sim->volumes[3]->t, "reeve:installation", "inst-2");
	s->sim->ignores_filters = true;
	inv = take(s, &l);
	assert_int_equal(volumes_in(inv)->all.n, 3); /* two roots and one: the fourth is somebody else's now */
	assert_string_equal(volumes_change(inv, s->sim->volumes[1]->t.id)->state, "modifying");
	assert_int_equal(volumes_form(inv, volumes_at(inv, s->sim->instances[0]->t.id, "/dev/sdf")).size_gib, 300);
	inventory_req_close(&l.req);
}

static unsigned changes_asked;

static enum shop_fault count_changes(struct shop *s, const char *body)
{
	(void)s;
	changes_asked += str_starts(body, "Action=DescribeVolumesModifications&");
	return SHOP_FINE;
}

static void where_there_is_no_volume_nobody_asks_for_changes(void **state)
{
	struct shop *s = *state;
	struct look l;

	changes_asked = 0;
	s->break_at = count_changes;
	take(s, &l);
	assert_int_equal(changes_asked, 0);
	inventory_req_close(&l.req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_is_found_at_its_device_whatever_the_kernel_calls_it),
		cmocka_unit_test(a_volume_is_left_where_no_node_that_is_alive_has_it),
		cmocka_unit_test(a_volume_that_is_being_changed_is_what_it_will_be),
		cmocka_unit_test(a_fifth_change_of_a_day_is_possible_when_the_first_is_a_day_old),
		cmocka_unit_test(changes_of_ours_count_although_ec2_shows_one),
		cmocka_unit_test(somebody_elses_change_counts_where_it_is_the_newest),
		SHOP(the_volumes_of_ours_are_seen_with_their_changes_over_all_pages),
		SHOP(where_there_is_no_volume_nobody_asks_for_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
