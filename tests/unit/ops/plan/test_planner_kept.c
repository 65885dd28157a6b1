/* test_planner_kept.c - volumes that ended nodes have left go to the nodes that come in their place, and to nobody else. */
#include "agent/ops/bounds.h"
#include "agent/ops/plan/drift.h"
#include "agent/ops/plan/planner_impl.h"
#include "tests/unit/ops/serving.h"

static char *three[] = { (char *)"subnet-a", (char *)"subnet-b", (char *)"subnet-c" };
static struct ec2_subnet subnets[] = { { .id = "subnet-a", .vpc_id = "vpc-1", .zone = "us-east-1a" },
				       { .id = "subnet-b", .vpc_id = "vpc-1", .zone = "us-east-1b" },
				       { .id = "subnet-c", .vpc_id = "vpc-1", .zone = "us-east-1b" } };

/* A cluster of two nodes that keeps its volumes, and none of it is there. */
static int kept_start(void **state)
{
	struct board *d;

	board_start(state);
	d = *state;
	d->k.s.n_target_groups = d->k.s.n_load_balancers = d->k.s.n_security_groups = 0;
	d->k.cluster.n_security_groups = 0;
	d->k.volume.keep = 1;
	return 0;
}

/* The same over three subnets in two zones. */
static int spread_start(void **state)
{
	struct board *d;

	kept_start(state);
	d = *state;
	d->k.cluster.subnet_id = (char *)"";
	d->k.cluster.subnet_ids = three;
	d->k.cluster.n_subnet_ids = ARRAY_LEN(three);
	d->inv->subnets = (struct ec2_subnets){ subnets, ARRAY_LEN(subnets) };
	return 0;
}

static struct ec2_tag *launch_tag(struct board *d)
{
	struct ec2_tag *t = arena_new(d->inv->arena, struct ec2_tag);
	json_t *text = planner_launch_tag(&d->k.cluster);

	*t = (struct ec2_tag){ "reeve:launch", arena_str(d->inv->arena, json_string_value(text)) };
	json_decref(text);
	return t;
}

/* As a launch by the specification that stands now makes it. */
static struct ec2_volume *add_volume(struct board *d, const char *id, const char *instance, const char *zone)
{
	struct ec2_volume *v = board_add_volume(d, id, instance, *instance != '\0' ? "/dev/sdf" : "", 100);

	v->zone = zone;
	v->is_kept = *instance != '\0';
	v->tags.v[4] = *launch_tag(d);
	return v;
}

static struct ec2_volume *left(struct board *d, const char *id)
{
	return add_volume(d, id, "", "us-east-1a");
}

/* It stands, as that launch has made it. */
static struct ec2_instance *add_node(struct board *d, const char *id, const char *subnet, const char *zone)
{
	struct ec2_instance *in;

	board_add_node(d, id, "be", "running");
	in = &d->inv->instances.v[d->inv->instances.n - 1];
	in->subnet_id = subnet;
	in->az = zone;
	in->tags.v[4] = *launch_tag(d);
	return in;
}

static const json_t *args_of(const struct plans *p, const char *plan, const char *step)
{
	return step_of(p, plan, step)->args;
}

static int64_t count(const struct plans *p, const char *step)
{
	return json_int_or(args_of(p, "cluster-be", step), "count", 0);
}

static const char *text_of(const json_t *j)
{
	static char text[4][512];
	static unsigned at;
	CLEANUP(buf_close) struct buf b = BUF_MAX(500);

	json_write(j, &b);
	strcpy(text[++at % 4], buf_str(&b));
	return text[at % 4];
}

/* With ' for ". */
static json_t *homes_of(const char *text)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	return json_loads(copy, 0, NULL);
}

static bool is_preserved(const struct plans *p, const char *id)
{
	const json_t *list = json_object_get(p->json, "preserved");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq(json_string_value(json_array_get(json_array_get(list, i), 1)), id))
			return true;
	return false;
}

/* ---- one for each node ---- */

static void a_node_is_launched_without_the_volume_and_gets_it_before_it_is_ready(void **state)
{
	struct board *d = *state;
	struct plans *p;

	left(d, "vol-1");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch-kept cluster-be/launch cluster-be/up cluster-be/attach-vol-1 "
					    "cluster-be/up-ok");
	assert_int_equal(count(p, "launch-kept"), 1);
	assert_int_equal(count(p, "launch"), 1);
	assert_int_equal(json_array_size(json_object_get(args_of(p, "cluster-be", "launch-kept"), "volumes")), 0);
	assert_int_equal(json_array_size(json_object_get(args_of(p, "cluster-be", "launch"), "volumes")), 1);
	assert_string_equal(
	    text_of(args_of(p, "cluster-be", "attach-vol-1")),
	    "{\"volume\":\"vol-1\",\"device\":\"/dev/sdf\",\"type\":\"gp3\",\"size_gib\":100,\"of\":1,\"instances\":["
	    "\"@given.be\"],\"at\":0,\"up\":[\"@nodes.be\"]}");
	assert_string_equal(text_of(json_object_get(args_of(p, "cluster-be", "up"), "instances")), "[\"@given.be\",\"@nodes.be\"]");
	assert_int_equal(p->v[0].pivot, p->v[0].n); /* all of it can be taken back, by the end of the launch */
	assert_false(is_preserved(p, "vol-1"));
	plans_free(p);
}

static void the_plan_names_the_volume_and_the_node_that_is_launched_for_it(void **state)
{
	struct board *d = *state;
	struct plans *p;

	left(d, "vol-1");
	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_prints(p,
		      "Plan cluster-be (stage 1)\n"
		      "  + launch nodes of be for kept volumes  ec2:RunInstances            1 x r6i.xlarge, ami-1, subnet-1 in "
		      "us-east-1a\n"
		      "      image \"al2023\" of 137112412989 amazon\n"
		      "    wait until the nodes of be run       ec2:DescribeInstances       @given.be\n"
		      "  ~ attach vol-1 to a new node of be     ec2:AttachVolume            vol-1, gp3 100 GiB on /dev/sdf, with "
		      "the data that is on it\n"
		      "    wait until status checks of be pass  ec2:DescribeInstanceStatus  @nodes.be\n"
		      "\n"
		      "1 to make, 1 to change, 0 to remove.\n");
	plans_free(p);
}

/* It bears what it was made with, and the spec may want other tags by now. */
static void a_volume_that_is_given_gets_the_tags_of_the_spec(void **state)
{
	struct board *d = *state;
	struct plans *p;

	left(d, "vol-1")->tags.v[5].value = "c-9";
	left(d, "vol-2");
	left(d, "vol-3")->tags.v[5].value = "c-9"; /* it goes to nobody */
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch-kept cluster-be/up cluster-be/attach-vol-1 cluster-be/attach-vol-2 "
					    "cluster-be/up-ok tags/tag-volumes-be");
	assert_string_equal(json_string_value(json_array_get(json_object_get(args_of(p, "tags", "tag-volumes-be"), "things"), 0)),
			    "vol-1");
	assert_int_equal(json_array_size(json_object_get(args_of(p, "tags", "tag-volumes-be"), "things")), 1);
	plans_free(p);
}

/* Volumes of the node that the spec does not keep are made with it. */
static void what_is_not_kept_is_made_with_the_node(void **state)
{
	struct board *d = *state;
	Reeve__Control__V1__DataVolume log = REEVE__CONTROL__V1__DATA_VOLUME__INIT;
	struct plans *p;

	log.device = (char *)"/dev/sdg";
	log.type = (char *)"gp3";
	log.size_gib = 20;
	d->k.volumes[1] = &log;
	d->k.cluster.n_volumes = 2;
	left(d, "vol-1");
	p = board_apply(d);
	assert_string_equal(text_of(json_object_get(args_of(p, "cluster-be", "launch-kept"), "volumes")),
			    "[{\"device\":\"/dev/sdg\",\"type\":\"gp3\",\"size_gib\":20}]");
	assert_int_equal(json_int_or(args_of(p, "cluster-be", "attach-vol-1"), "of", 0), 2);
	plans_free(p);
}

static void each_volume_goes_to_one_node_and_what_is_left_over_stays(void **state)
{
	struct board *d = *state;
	struct plans *p;

	left(d, "vol-1");
	left(d, "vol-2");
	left(d, "vol-3");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch-kept cluster-be/up cluster-be/attach-vol-1 cluster-be/attach-vol-2 "
					    "cluster-be/up-ok");
	assert_int_equal(count(p, "launch-kept"), 2);
	assert_int_equal(json_int_or(args_of(p, "cluster-be", "attach-vol-2"), "at", 0), 1);
	assert_true(is_preserved(p, "vol-3"));
	assert_false(is_preserved(p, "vol-2"));
	plans_free(p);
}

static void nodes_that_stand_get_nothing(void **state)
{
	struct board *d = *state;
	struct plans *p;

	add_node(d, "i-1", "subnet-1", "us-east-1a");
	add_node(d, "i-2", "subnet-1", "us-east-1a");
	left(d, "vol-1");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	assert_true(is_preserved(p, "vol-1"));
	plans_free(p);
}

/* ---- which ---- */

#define MAKES(name, what)                                                                                                          \
	static void name(struct board *d, struct ec2_volume *v)                                                                    \
	{                                                                                                                          \
		(void)d;                                                                                                           \
		(void)v;                                                                                                           \
		what;                                                                                                              \
	}
MAKES(as_it_is, )
MAKES(smaller, v->size_gib = 50)
MAKES(faster, v->iops = 6000)
MAKES(of_another_cluster, v->tags.v[3].value = "fe")
MAKES(of_another_warehouse, v->tags.v[2].value = "wh-2")
MAKES(a_root, v->snapshot = "snap-1")
MAKES(not_encrypted, v->is_encrypted = false)
MAKES(of_other_disks, v->tags.v[4].value = "volumes=1 disks=2")
MAKES(of_an_older_version, v->tags.v[4].value = "volumes=1")
MAKES(of_nobodys_launch, v->tags.v[4].key = "reeve:generation")
MAKES(larger, v->size_gib = 200)
MAKES(of_another_type, v->type = "io2")
MAKES(in_a_zone_without_a_subnet, v->zone = "us-east-1f")
MAKES(in_error, v->state = "error")
MAKES(of_a_strangers_machine, v->state = "in-use"; v->instance = "i-stranger"; v->is_kept = true)
MAKES(not_needed, d->k.cluster.nodes = 0)
MAKES(under_another_key, v->kms_key = "arn:aws:kms:us-east-1:1:key/other"; d->k.volume.kms_key_id = (char *)"key-1";
      v->tags.v[4] = *launch_tag(d))

static void only_what_the_spec_wants_or_can_become_so_is_given(void **state)
{
	static const struct {
		void (*make)(struct board *d, struct ec2_volume *v);
		bool is_given;
	} rows[] = {
		{ as_it_is, true },
		{ smaller, true },
		{ faster, true },
		{ of_another_cluster, false },
		{ of_another_warehouse, false },
		{ a_root, false },
		{ not_encrypted, false },
		{ of_other_disks, false },
		{ of_an_older_version, false },
		{ of_nobodys_launch, false },
		{ larger, false },
		{ of_another_type, false },
		{ in_a_zone_without_a_subnet, false },
		{ in_error, false },
		{ of_a_strangers_machine, false },
		{ not_needed, false },
		{ under_another_key, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct board *d = *state;
		struct plans *p;
		bool is_given;

		rows[i].make(d, left(d, "vol-1"));
		p = board_apply(d);
		is_given = strstr(board_steps(p), "attach-vol-1") != NULL;
		if (is_given != rows[i].is_given || (strstr(board_steps(p), "launch-kept") != NULL) != is_given)
			fail_msg("row %zu: %s", i, board_steps(p));
		plans_free(p);
		board_end(state);
		kept_start(state);
	}
}

static void a_cluster_that_keeps_none_gets_none(void **state)
{
	struct board *d = *state;
	struct plans *p;

	left(d, "vol-1");
	d->k.volume.keep = 0;
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "attach"));
	plans_free(p);
}

/* It hangs on its node until that has ended: the step waits, and it is the newest there is. */
static void what_a_node_holds_that_is_just_ending_comes_first(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.nodes = 1;
	left(d, "vol-1");
	board_add_node(d, "i-9", "be", "shutting-down");
	add_volume(d, "vol-9", "i-9", "us-east-1a");
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "attach-vol-9"));
	assert_true(is_preserved(p, "vol-1"));
	plans_free(p);
}

static void what_a_node_holds_that_stands_is_its_own(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.nodes = 2;
	add_node(d, "i-1", "subnet-1", "us-east-1a");
	add_volume(d, "vol-1", "i-1", "us-east-1a");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch cluster-be/up cluster-be/up-ok");
	plans_free(p);
}

/* ---- where ---- */

static void nodes_come_where_the_volumes_lie_and_the_others_even_it_out(void **state)
{
	struct board *d = *state;
	struct plans *p;
	const json_t *list;

	d->k.cluster.nodes = 4;
	add_volume(d, "vol-1", "", "us-east-1b");
	add_volume(d, "vol-2", "", "us-east-1b");
	add_volume(d, "vol-3", "", "us-east-1f");
	p = board_apply(d);
	assert_string_equal(board_steps(p),
			    "cluster-be/launch-subnet-a cluster-be/launch-kept-subnet-b cluster-be/launch-kept-subnet-c "
			    "cluster-be/up cluster-be/attach-vol-1 cluster-be/attach-vol-2 cluster-be/up-ok");
	assert_int_equal(count(p, "launch-subnet-a"), 2);
	assert_string_equal(text_of(json_object_get(args_of(p, "cluster-be", "attach-vol-1"), "instances")),
			    "[\"@given.be.subnet-b\"]");
	assert_string_equal(text_of(json_object_get(args_of(p, "cluster-be", "attach-vol-2"), "instances")),
			    "[\"@given.be.subnet-c\"]");
	assert_string_equal(text_of(json_object_get(args_of(p, "cluster-be", "launch-kept-subnet-c"), "before")),
			    "[\"nodes.be.subnet-a\",\"given.be.subnet-b\"]");
	assert_true(json_is_true(json_object_get(args_of(p, "cluster-be", "launch-kept-subnet-c"), "is_last")));
	assert_true(is_preserved(p, "vol-3"));
	/* For want of room it goes where the volume can go as well. */
	list = json_object_get(args_of(p, "cluster-be", "launch-kept-subnet-b"), "elsewhere");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_str_or(json_array_get(list, 0), "subnet_id", ""), "subnet-c");
	assert_int_equal(json_array_size(json_object_get(args_of(p, "cluster-be", "launch-subnet-a"), "elsewhere")), 2);
	plans_free(p);
}

/* Fewer nodes than volumes: where the cluster has fewest. */
static void of_several_zones_the_emptiest_gets_its_volume_first(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.nodes = 2;
	add_node(d, "i-1", "subnet-a", "us-east-1a");
	left(d, "vol-1");
	add_volume(d, "vol-2", "", "us-east-1b");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch-kept-subnet-b cluster-be/up cluster-be/attach-vol-2 "
					    "cluster-be/up-ok");
	plans_free(p);
}

/* ---- in the place of lost nodes ---- */

static void a_lost_node_is_healed_with_the_volume_that_it_has_left(void **state)
{
	const struct planner_lost lost = { .cluster = "be", .instance = "i-9" };
	struct board *d = *state;
	struct plans *p = NULL;

	add_node(d, "i-1", "subnet-1", "us-east-1a");
	board_add_node(d, "i-9", "be", "terminated");
	left(d, "vol-9");
	assert_int_equal(planner_heal(&d->a, &d->k.s, &lost, &p, NULL), 0);
	assert_string_equal(board_steps(p), "replace-i-9/launch-kept replace-i-9/up replace-i-9/attach-vol-9 replace-i-9/up-ok");
	assert_string_equal(text_of(json_object_get(args_of(p, "replace-i-9", "attach-vol-9"), "instances")), "[\"@new.i-9\"]");
	assert_int_equal(p->v[0].pivot, p->v[0].n);
	plans_free(p);
}

/* What stands in the journal decides, and not the order in which EC2 tells of them. */
static void a_lost_node_gets_its_own_volume_and_never_one_of_another(void **state)
{
	static const struct {
		const char *homes, *gets;
	} cases[] = {
		{ "{'vol-1': '', 'vol-2': 'i-9', 'vol-3': 'i-8'}", "vol-2" },
		{ "{'vol-1': 'i-9', 'vol-2': 'i-8', 'vol-3': ''}", "vol-1" },
		{ "{'vol-4': 'i-9'}", NULL },                        /* its own is gone */
		{ "{'vol-1': '', 'vol-2': 'i-8'}", "vol-3" },        /* nobody has seen which one it had: not that of another */
		{ "{'vol-1': '', 'vol-2': '', 'vol-3': ''}", NULL }, /* those are of nodes that commands have ended */
		{ "{}", "vol-2" },                                   /* nothing is known: the one that was made last */
	};
	const struct planner_lost lost = { .cluster = "be", .instance = "i-9" };
	struct board *d = *state;

	add_node(d, "i-1", "subnet-1", "us-east-1a");
	board_add_node(d, "i-9", "be", "terminated");
	left(d, "vol-1")->created = "2026-01-01T00:00:00.000Z";
	left(d, "vol-2")->created = "2026-01-03T00:00:00.000Z";
	left(d, "vol-3")->created = "2026-01-02T00:00:00.000Z";
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(json_close) json_t *homes = homes_of(cases[i].homes);
		CLEANUP(mem_close) char *attach = mem_printf("replace-i-9/attach-%s ", cases[i].gets != NULL ? cases[i].gets : "");
		struct plans *p = NULL;

		d->a.homes = homes;
		assert_int_equal(planner_heal(&d->a, &d->k.s, &lost, &p, NULL), 0);
		if ((strstr(board_steps(p), "attach-") != NULL) != (cases[i].gets != NULL) ||
		    (cases[i].gets != NULL && strstr(board_steps(p), attach) == NULL))
			fail_msg("%s: %s", cases[i].homes, board_steps(p));
		plans_free(p);
	}
}

static void two_that_are_gone_get_each_its_own(void **state)
{
	static char *ids[] = { (char *)"i-8", (char *)"i-9" };
	const struct planner_named named = { "be", ids, 2 };
	struct board *d = *state;
	CLEANUP(json_close) json_t *homes = homes_of("{'vol-1': '', 'vol-2': 'i-9', 'vol-3': 'i-8'}");
	struct plans *p = NULL;

	left(d, "vol-1");
	left(d, "vol-2");
	left(d, "vol-3");
	d->a.homes = homes;
	assert_int_equal(planner_replace(&d->a, &d->k.s, &named, &p, NULL), 0);
	assert_non_null(strstr(board_steps(p), "replace-i-8/attach-vol-3 "));
	assert_non_null(strstr(board_steps(p), "replace-i-9/attach-vol-2 "));
	assert_null(strstr(board_steps(p), "vol-1"));
	plans_free(p);
	/* One whose volume is gone, in another zone than the other's. */
	json_object_del(homes, "vol-2");
	json_object_set_new(homes, "vol-7", json_string("i-9"));
	assert_int_equal(planner_replace(&d->a, &d->k.s, &named, &p, NULL), 0);
	assert_non_null(strstr(board_steps(p), "replace-i-8/attach-vol-3 "));
	assert_non_null(strstr(board_steps(p), "replace-i-9/launch "));
	assert_null(strstr(board_steps(p), "replace-i-9/attach"));
	plans_free(p);
}

/* In its own zone, wherever the cluster has fewest. */
static void a_lost_node_comes_back_where_its_volume_lies(void **state)
{
	const struct planner_lost lost = { .cluster = "be", .instance = "i-9" };
	struct board *d = *state;
	CLEANUP(json_close) json_t *homes = homes_of("{'vol-1': '', 'vol-2': 'i-9'}");
	struct plans *p = NULL;

	add_node(d, "i-1", "subnet-a", "us-east-1a");
	add_volume(d, "vol-1", "", "us-east-1b");
	add_volume(d, "vol-2", "", "us-east-1a");
	d->a.homes = homes;
	assert_int_equal(planner_heal(&d->a, &d->k.s, &lost, &p, NULL), 0);
	assert_non_null(strstr(board_steps(p), "replace-i-9/attach-vol-2 "));
	assert_string_equal(json_str_or(args_of(p, "replace-i-9", "launch-kept"), "subnet_id", ""), "subnet-a");
	plans_free(p);
}

/* Beside a node that was launched for a volume and does not have it yet. */
static void what_is_a_lost_nodes_own_was_meant_for_no_other(void **state)
{
	const struct planner_lost lost = { .cluster = "be", .instance = "i-9" };
	struct board *d = *state;
	CLEANUP(json_close) json_t *homes = homes_of("{'vol-2': 'i-9'}");
	struct plans *p = NULL;

	add_node(d, "i-1", "subnet-1", "us-east-1a")->tags.v[5] = (struct ec2_tag){ "reeve:step", "replace-i-5/launch-kept" };
	left(d, "vol-2");
	d->a.homes = homes;
	assert_int_equal(planner_heal(&d->a, &d->k.s, &lost, &p, NULL), 0);
	assert_non_null(strstr(board_steps(p), "replace-i-9/attach-vol-2 "));
	plans_free(p);
}

/* An apply fills a cluster up: first with what lost nodes have left, last with what was left long ago. */
static void of_several_the_lost_nodes_come_first_and_then_the_newest(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close) json_t *homes = homes_of("{'vol-1': '', 'vol-2': '', 'vol-5': 'i-9'}");
	static const char *const order[] = { "vol-5", "vol-4", "vol-3", "vol-2", "vol-1" };

	left(d, "vol-1")->created = "2026-01-01T00:00:00.000Z";
	left(d, "vol-2")->created = "2026-01-09T00:00:00.000Z";
	left(d, "vol-3")->created = "2026-01-02T00:00:00.000Z";
	left(d, "vol-4")->created = "2026-01-03T00:00:00.000Z";
	left(d, "vol-5")->created = "2026-01-01T00:00:00.000Z";
	d->a.homes = homes;
	for (unsigned n = 1; n <= ARRAY_LEN(order); n++) {
		struct plans *p;

		d->k.cluster.nodes = n;
		p = board_apply(d);
		for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
			CLEANUP(mem_close) char *attach = mem_printf("attach-%s ", order[i]);

			assert_int_equal(strstr(board_steps(p), attach) != NULL, i < n);
		}
		plans_free(p);
	}
}

static void a_node_that_stands_is_replaced_by_one_with_a_volume_of_its_own(void **state)
{
	static char *ids[] = { (char *)"i-1" };
	const struct planner_named named = { "be", ids, 1 };
	struct board *d = *state;
	struct plans *p = NULL;

	add_node(d, "i-1", "subnet-1", "us-east-1a");
	add_node(d, "i-2", "subnet-1", "us-east-1a");
	add_volume(d, "vol-1", "i-1", "us-east-1a");
	left(d, "vol-9");
	assert_int_equal(planner_replace(&d->a, &d->k.s, &named, &p, NULL), 0);
	assert_null(strstr(board_steps(p), "attach"));
	assert_non_null(strstr(board_steps(p), "replace-i-1/launch "));
	plans_free(p);
}

static void two_that_are_gone_get_a_volume_each(void **state)
{
	static char *ids[] = { (char *)"i-8", (char *)"i-9" };
	const struct planner_named named = { "be", ids, 2 };
	struct board *d = *state;
	struct plans *p = NULL;

	left(d, "vol-8");
	left(d, "vol-9");
	assert_int_equal(planner_replace(&d->a, &d->k.s, &named, &p, NULL), 0);
	assert_non_null(strstr(board_steps(p), "replace-i-8/attach-vol-8"));
	assert_non_null(strstr(board_steps(p), "replace-i-9/attach-vol-9"));
	assert_null(strstr(board_steps(p), "replace-i-9/attach-vol-8"));
	plans_free(p);
}

/* ---- a volume that the spec wants larger by now ---- */

static void what_is_smaller_than_wanted_grows_when_the_node_has_it(void **state)
{
	struct board *d = *state;
	const struct planner_lost lost = { .cluster = "be", .instance = "i-9" };
	struct plans *p = NULL;

	left(d, "vol-1");
	d->k.cluster.nodes = 1;
	d->k.volume.size_gib = 200;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch-kept cluster-be/up cluster-be/attach-vol-1 cluster-be/up-ok "
					    "cluster-be/modify-vol-1 cluster-be/modified");
	assert_int_equal(p->v[0].pivot, 4);
	assert_string_equal(step_of(p, "cluster-be", "modify-vol-1")->title, "change /dev/sdf of a new node of be");
	plans_free(p);
	board_add_node(d, "i-9", "be", "terminated");
	assert_int_equal(planner_heal(&d->a, &d->k.s, &lost, &p, NULL), 0);
	assert_non_null(strstr(board_steps(p), "replace-i-9/up-ok replace-i-9/modify-vol-1 replace-i-9/modified"));
	assert_int_equal(p->v[0].pivot, 4);
	plans_free(p);
}

static void a_change_that_ec2_would_refuse_now_does_not_keep_the_node_waiting(void **state)
{
	static struct ec2_modification m = { "vol-1", "optimizing", "2027-01-15T07:00:00.000Z", "", "gp3", 100, 3000, 125, 37 };
	struct board *d = *state;
	struct plans *p;

	left(d, "vol-1");
	d->k.cluster.nodes = 1;
	d->k.volume.size_gib = 200;
	volumes_in(d->inv)->modifications = (struct ec2_modifications){ &m, 1 };
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch-kept cluster-be/up cluster-be/attach-vol-1 cluster-be/up-ok");
	assert_non_null(strstr(text_of(json_object_get(p->json, "notes")), "vol-1 cannot be changed yet"));
	plans_free(p);
}

/* ---- a command that ended in between ---- */

static void a_node_that_was_launched_for_one_and_has_none_gets_it(void **state)
{
	struct board *d = *state;
	struct ec2_instance *in;
	struct plans *p;

	in = add_node(d, "i-1", "subnet-1", "us-east-1a");
	in->tags.v[5] = (struct ec2_tag){ "reeve:step", "cluster-be/launch-kept" };
	left(d, "vol-1");
	p = board_apply(d);
	/* The node that is missing beside it gets one of its own: there is no second one. */
	assert_non_null(strstr(board_steps(p), "cluster-be/attach-vol-1 cluster-be/launch cluster-be/up cluster-be/up-ok"));
	assert_string_equal(text_of(json_object_get(args_of(p, "cluster-be", "attach-vol-1"), "instances")), "[\"i-1\"]");
	assert_string_equal(step_of(p, "cluster-be", "attach-vol-1")->title, "attach vol-1 to i-1");
	plans_free(p);
	in = &d->inv->instances.v[0];
	in->kept_volumes = 1;
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "attach-vol-1 cluster-be/launch "));
	plans_free(p);
}

static void one_that_was_launched_with_its_volume_is_not_taken_to_lack_it(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.nodes = 1;
	add_node(d, "i-1", "subnet-1", "us-east-1a")->tags.v[5] = (struct ec2_tag){ "reeve:step", "cluster-be/launch" };
	left(d, "vol-1");
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "attach"));
	plans_free(p);
}

/* ---- beside it ---- */

static void drift_tells_the_missing_node_and_nothing_of_the_volume(void **state)
{
	struct board *d = *state;
	json_t *told = NULL;

	add_node(d, "i-1", "subnet-1", "us-east-1a");
	left(d, "vol-1");
	assert_int_equal(drift_of(&d->a, &d->k.s, &told, NULL), 0);
	assert_null(strstr(text_of(json_object_get(told, "drifts")), "attach"));
	assert_non_null(strstr(text_of(json_object_get(told, "drifts")), "launch nodes of be for kept volumes"));
	json_decref(told);
}

static void the_policys_bounds_count_what_is_attached(void **state)
{
	struct demand need = { 0 };
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.nodes = 1;
	left(d, "vol-1")->iops = 6000;
	d->k.volume.iops = 6000;
	p = board_apply(d);
	plans_demand(p, &need);
	assert_int_equal(demand_number(&need, &bound_volumes_per_node), 1);
	assert_int_equal(demand_number(&need, &bound_volume_gib), 100);
	assert_int_equal(demand_number(&need, &bound_iops), 6000);
	demand_close(&need);
	plans_free(p);
}

static void more_than_one_command_attaches_are_refused(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	d->k.cluster.nodes = 101;
	for (unsigned i = 0; i < 101; i++)
		left(d, arena_printf(d->inv->arena, "vol-%u", i));
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(
	    err_text(&e), "cluster be: 101 volumes that ended nodes have left would be attached, and one command attaches 100 of a "
			  "cluster; ask for fewer nodes first, and for the others then");
	plans_free(p);
}

#define KEPT(f) cmocka_unit_test_setup_teardown(f, kept_start, board_end)
#define SPREAD(f) cmocka_unit_test_setup_teardown(f, spread_start, board_end)

static void one_that_a_heal_has_left_gets_none_and_keeps_none_from_a_new_one(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close) json_t *them = json_pack("[s]", "i-1");
	struct plans *p;

	d->k.cluster.nodes = 1;
	add_node(d, "i-1", "subnet-1", "us-east-1a")->tags.v[5] = (struct ec2_tag){ "reeve:step", "cluster-be/launch-kept" };
	left(d, "vol-1");
	d->a.left = them;
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "cluster-be/launch-kept cluster-be/up cluster-be/attach-vol-1 "));
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(a_node_is_launched_without_the_volume_and_gets_it_before_it_is_ready),
		KEPT(the_plan_names_the_volume_and_the_node_that_is_launched_for_it),
		KEPT(a_volume_that_is_given_gets_the_tags_of_the_spec),
		KEPT(what_is_not_kept_is_made_with_the_node),
		KEPT(each_volume_goes_to_one_node_and_what_is_left_over_stays),
		KEPT(nodes_that_stand_get_nothing),
		KEPT(only_what_the_spec_wants_or_can_become_so_is_given),
		KEPT(a_cluster_that_keeps_none_gets_none),
		KEPT(what_a_node_holds_that_is_just_ending_comes_first),
		KEPT(what_a_node_holds_that_stands_is_its_own),
		SPREAD(nodes_come_where_the_volumes_lie_and_the_others_even_it_out),
		SPREAD(of_several_zones_the_emptiest_gets_its_volume_first),
		KEPT(a_lost_node_is_healed_with_the_volume_that_it_has_left),
		KEPT(a_node_that_stands_is_replaced_by_one_with_a_volume_of_its_own),
		KEPT(two_that_are_gone_get_a_volume_each),
		KEPT(a_lost_node_gets_its_own_volume_and_never_one_of_another),
		KEPT(two_that_are_gone_get_each_its_own),
		SPREAD(a_lost_node_comes_back_where_its_volume_lies),
		KEPT(what_is_a_lost_nodes_own_was_meant_for_no_other),
		KEPT(of_several_the_lost_nodes_come_first_and_then_the_newest),
		KEPT(what_is_smaller_than_wanted_grows_when_the_node_has_it),
		KEPT(a_change_that_ec2_would_refuse_now_does_not_keep_the_node_waiting),
		KEPT(a_node_that_was_launched_for_one_and_has_none_gets_it),
		KEPT(one_that_was_launched_with_its_volume_is_not_taken_to_lack_it),
		KEPT(one_that_a_heal_has_left_gets_none_and_keeps_none_from_a_new_one),
		KEPT(drift_tells_the_missing_node_and_nothing_of_the_volume),
		KEPT(the_policys_bounds_count_what_is_attached),
		KEPT(more_than_one_command_attaches_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
