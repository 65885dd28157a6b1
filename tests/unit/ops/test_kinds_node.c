/* test_kinds_node.c - step kinds of nodes: a launch that falls short, waits that see all of it, an end that is believed. */
#include "tests/unit/ops/kinds.h"

#define LAUNCH(more)                                                                                                               \
	"{\"cluster\": \"a\", \"count\": 3, \"held\": 1, \"image_id\": \"ami-1\", "                                                \
	"\"image_name\": \"al\", \"image_owner\": \"137112412989\", \"image_owner_alias\": \"amazon\", \"root_device\": "          \
	"\"/dev/xvda\", \"zone\": \"us-east-1a\", \"type\": \"m6i.large\", \"subnet_id\": "                                        \
	"\"subnet-1\", \"groups\": [\"sg-1\"], \"volumes\": [{\"device\": \"/dev/sdf\", \"type\": \"gp3\", \"size_gib\": 9}], "    \
	"\"tags\": {\"k\": \"v\"}, \"fact\": \"nodes.a\"" more "}"
#define NODES "{\"cluster\": \"a\", \"instances\": [\"i-1\", \"i-2\"], \"fact\": \"nodes.a\""
#define ITEM(id, state) "<item><instanceId>" id "</instanceId><instanceState><name>" state "</name></instanceState></item>"
#define SEEN(items, more) "<R><reservationSet><item><instancesSet>" items "</instancesSet></item></reservationSet>" more "</R>"

static struct ec2_tag mine[] = { { "reeve:command", "c-1" }, { "reeve:step", "p/s" } };
static struct ec2_tag others[] = { { "reeve:command", "c-1" }, { "reeve:step", "p/s2" } };
static struct ec2_instance list[4];

static void add_node(struct kinds *t, const char *id, const char *state, struct ec2_tag *tags)
{
	list[t->inv->instances.n++] = (struct ec2_instance){ .id = id, .state = state, .tags = { tags, 2 } };
	t->inv->instances.v = list;
}

static void the_first_generation_asks_for_all_and_the_second_for_what_there_is(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(""));
	assert_has(kinds_ask(&t), "MinCount=3&MaxCount=3");
	assert_has(kinds_ask(&t), "ClientToken=token");
	assert_has(kinds_ask(&t), "AssociatePublicIpAddress=false");
	assert_has(kinds_ask(&t), "Ebs.Encrypted=true");
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_SMALLER);
	t.x.generation = 2;
	assert_has(kinds_ask(&t), "MinCount=1&MaxCount=3");
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_FAILED);
	kinds_end(&t);
	kinds_start(&t, &kind_launch, LAUNCH(", \"atomic\": true"));
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_FAILED);
	kinds_end(&t);
}

static void a_launch_leaves_its_nodes_and_says_when_they_are_few(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(""));
	assert_int_equal(
	    kinds_answered(&t, "<R><instancesSet>" ITEM("i-1", "pending") ITEM("i-2", "pending") "</instancesSet></R>"), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\",\"i-2\"]");
	assert_has(kinds_note(&t), "short: 2 of 3 nodes in a");
	assert_int_equal(kinds_answered(&t, "<R><instancesSet/></R>"), STEP_LOOK);
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_CONFLICT, "IdempotentParameterMismatch"), STEP_LOOK);
	kinds_end(&t);
}

static void a_group_not_yet_known_is_waited_for_and_one_that_is_gone_is_not(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(""));
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidGroup.NotFound"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidAMIID.NotFound"), STEP_FAILED);
	t.x.patient = true;
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidGroup.NotFound"), STEP_FAILED);
	kinds_end(&t);
}

static void part_of_a_launch_is_believed_only_when_the_wait_is_over(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(""));
	assert_false(kinds_finds(&t));
	assert_string_equal(kinds_fact(&t, "partly"), "false");
	add_node(&t, "i-1", "running", mine);
	add_node(&t, "i-9", "terminated", mine);
	add_node(&t, "i-8", "running", others);
	assert_false(kinds_finds(&t));
	assert_string_equal(kinds_fact(&t, "partly"), "true");
	t.x.settled = true;
	assert_true(kinds_finds(&t));
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\"]");
	assert_has(kinds_note(&t), "short: 1 of 3");
	kinds_end(&t);
}

static void wants(const struct demand *d, enum demand_kind kind, const char *text)
{
	assert_int_equal(d->named[kind].n, 1);
	assert_string_equal(d->named[kind].v[0], text);
}

static void a_launch_demands_all_that_it_names(void **state)
{
	struct demand d = { 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(", \"profile\": \"node\", \"user_data\": \"aGkK\", \"user_data_sha256\": \"98ea\""));
	json_object_set_new(json_array_get(json_object_get(t.args, "volumes"), 0), "kms_key_id", json_string("arn:key"));
	json_object_set_new(json_array_get(json_object_get(t.args, "volumes"), 0), "iops", json_integer(4000));
	json_object_set_new(json_array_get(json_object_get(t.args, "volumes"), 0), "throughput", json_integer(250));
	t.k->demand(t.args, &d);
	wants(&d, DEMAND_TYPE, "m6i.large");
	assert_int_equal(d.images_n, 1);
	assert_string_equal(d.images[0].id, "ami-1");
	assert_string_equal(d.images[0].owner, "137112412989");
	assert_string_equal(d.images[0].owner_alias, "amazon");
	wants(&d, DEMAND_SUBNET, "subnet-1");
	wants(&d, DEMAND_PROFILE, "node");
	wants(&d, DEMAND_USER_DATA, "98ea");
	wants(&d, DEMAND_KEY, "arn:key");
	wants(&d, DEMAND_VOLUME_TYPE, "gp3");
	assert_int_equal(d.most[DEMAND_VOLUMES], 1);
	assert_int_equal(d.most[DEMAND_IOPS], 4000);
	assert_int_equal(d.most[DEMAND_THROUGHPUT], 250);
	demand_close(&d);
	json_object_del(t.args, "user_data_sha256"); /* a plan of an older version: no bound holds the empty text */
	t.k->demand(t.args, &d);
	wants(&d, DEMAND_USER_DATA, "");
	demand_close(&d);
	kinds_end(&t);
}

static void what_runs_at_boot_is_shown_as_far_as_it_can_be_printed(void **state)
{
	CLEANUP(buf_close) struct buf to = BUF_MAX(4096);
	char script[400] = "#!/bin/sh\n\x1b[2J\xe2\x80\xae end\n";
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(", \"user_data_sha256\": \"98ea\""));
	t.k->detail(t.args, &to);
	assert_string_equal(buf_str(&to), "      image \"al\" of 137112412989 amazon\n"); /* no user data, no more to show */
	memset(script + strlen(script), 'a', 200);
	for (unsigned i = 0; i < 10; i++)
		strcat(script, "\nx");
	json_set_base64(t.args, "user_data", script, strlen(script));
	t.k->detail(t.args, &to);
	assert_has(buf_str(&to), "user data: 242 bytes, SHA-256 98ea\n      | #!/bin/sh\n");
	assert_has(buf_str(&to), "      | \\x1b[2J\\xe2\\x80\\xae end\n");
	assert_has(buf_str(&to), "aaaa ...\n      | x\n");
	assert_has(buf_str(&to), "      | ... and 9 bytes more\n");
	kinds_end(&t);
}

static void a_launch_demands_type_nodes_and_volume(void **state)
{
	struct demand d = { 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(""));
	t.k->demand(t.args, &d);
	assert_int_equal(d.new_nodes, 3);
	assert_int_equal(d.most[DEMAND_CLUSTER_NODES], 4);
	assert_int_equal(d.most[DEMAND_VOLUME_GIB], 9);
	demand_close(&d);
	kinds_end(&t);
	kinds_start(&t, &kind_launch, "{\"cluster\": \"a\", \"count\": 1}");
	assert_true(kinds_refuses(&t));
	kinds_end(&t);
}

static void nodes_run_when_all_are_seen_to(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_running, NODES "}");
	assert_has(kinds_ask(&t), "Filter.1.Name=instance-id&Filter.1.Value.1=i-1");
	assert_lacks(kinds_ask(&t), "MaxResults"); /* a page may be empty and yet not the last */
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running"), "")), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "pending"), "")), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "running"), "")), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\",\"i-2\"]");
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_DENIED, ""), STEP_FAILED);
	kinds_end(&t);
}

static void a_node_that_dies_makes_the_cluster_short_or_an_atomic_one_fail(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_running, NODES "}");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "terminated"), "")), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\"]");
	assert_has(kinds_note(&t), "short: 1 node(s)");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "shutting-down") ITEM("i-2", "terminated"), "")), STEP_FAILED);
	kinds_end(&t);
	kinds_start(&t, &kind_wait_running, NODES ", \"atomic\": true}");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "running") ITEM("i-2", "terminated"), "")), STEP_FAILED);
	kinds_end(&t);
}

static void nodes_are_gone_when_none_is_seen_in_a_list_that_ends(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_terminated, NODES "}");
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "terminated") ITEM("i-2", "shutting-down"), "")), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, "<R><reservationSet/><nextToken>more</nextToken></R>"), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "terminated") ITEM("i-2", "terminated"), "")), STEP_DONE);
	assert_int_equal(kinds_answered(&t, "<R><reservationSet/></R>"), STEP_DONE);
	/* i-9 was not asked for */
	assert_int_equal(kinds_answered(&t, SEEN(ITEM("i-1", "terminated") ITEM("i-9", "running"), "")), STEP_DONE);
	kinds_end(&t);
}

static void an_unknown_node_ends_none_so_it_is_looked_for(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\", \"i-2\"]}");
	assert_has(kinds_ask(&t), "InstanceId.1=i-1&InstanceId.2=i-2");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound"), STEP_LOOK);
	assert_true(kinds_finds(&t)); /* no such node any more */
	add_node(&t, "i-1", "running", mine);
	assert_false(kinds_finds(&t));
	list[0].state = "shutting-down";
	assert_true(kinds_finds(&t));
	kinds_end(&t);
	kinds_start(&t, &kind_terminate, "{\"instances\": [\"i-1\"], \"fresh\": true, \"leaves_none\": true}");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound"), STEP_AGAIN);
	assert_false(kinds_finds(&t)); /* it may only be hidden */
	kinds_end(&t);
}

static void ending_nodes_needs_a_second_key_when_volumes_go_or_none_is_left_and_says_so(void **state)
{
	static const struct {
		const char *args, *says;
		bool is_high;
	} cases[] = {
		{ "{\"instances\": [\"i-1\"]}", "i-1", false },
		{ "{\"instances\": [\"i-1\"], \"volumes\": 1}", "i-1, with 1 data volume", true },
		{ "{\"instances\": [\"i-1\"], \"volumes\": 3}", "i-1, with 3 data volumes", true },
		{ "{\"instances\": [\"i-1\"], \"unseen_volumes\": true}", "i-1, with volumes that are still coming up", true },
		{ "{\"instances\": [\"i-1\"], \"leaves_none\": true}", "i-1, the last of the cluster", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf text = BUF_MAX(200);
		struct kinds t;

		kinds_start(&t, &kind_terminate, cases[i].args);
		t.k->print(t.args, &text);
		assert_string_equal(buf_str(&text), cases[i].says);
		assert_int_equal(t.k->is_high(t.args), cases[i].is_high);
		kinds_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_generation_asks_for_all_and_the_second_for_what_there_is),
		cmocka_unit_test(a_launch_leaves_its_nodes_and_says_when_they_are_few),
		cmocka_unit_test(a_group_not_yet_known_is_waited_for_and_one_that_is_gone_is_not),
		cmocka_unit_test(part_of_a_launch_is_believed_only_when_the_wait_is_over),
		cmocka_unit_test(a_launch_demands_all_that_it_names),
		cmocka_unit_test(what_runs_at_boot_is_shown_as_far_as_it_can_be_printed),
		cmocka_unit_test(a_launch_demands_type_nodes_and_volume),
		cmocka_unit_test(nodes_run_when_all_are_seen_to),
		cmocka_unit_test(a_node_that_dies_makes_the_cluster_short_or_an_atomic_one_fail),
		cmocka_unit_test(nodes_are_gone_when_none_is_seen_in_a_list_that_ends),
		cmocka_unit_test(an_unknown_node_ends_none_so_it_is_looked_for),
		cmocka_unit_test(ending_nodes_needs_a_second_key_when_volumes_go_or_none_is_left_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
