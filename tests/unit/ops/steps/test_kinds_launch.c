/* test_kinds_launch.c - the step kind that launches nodes: one that falls short, one whose nodes died before they were seen, and
 * what it demands. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"
#include "tests/unit/ops/needs.h"

#define LAUNCH(more)                                                                                                               \
	"{\"cluster\": \"a\", \"count\": 3, \"held\": 1, \"image_id\": \"ami-1\", "                                                \
	"\"image_name\": \"al\", \"image_owner\": \"137112412989\", \"image_owner_alias\": \"amazon\", \"root_device\": "          \
	"\"/dev/xvda\", \"zone\": \"us-east-1a\", \"type\": \"m6i.large\", \"subnet_id\": "                                        \
	"\"subnet-1\", \"groups\": [\"sg-1\"], \"volumes\": [{\"device\": \"/dev/sdf\", \"type\": \"gp3\", \"size_gib\": 9}], "    \
	"\"tags\": {\"k\": \"v\"}, \"fact\": \"nodes.a\"" more "}"

#define ITEM(id, state) "<item><instanceId>" id "</instanceId><instanceState><name>" state "</name></instanceState></item>"

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

#define ELSEWHERE                                                                                                                  \
	", \"elsewhere\": [{\"type\": \"m5.large\", \"subnet_id\": \"subnet-1\"}, {\"type\": \"m6i.large\", \"subnet_id\": "       \
	"\"subnet-2\"}]"

static void each_place_is_asked_for_all_and_then_each_for_what_there_is(void **state)
{
	static const char *const asked[] = {
		"InstanceType=m6i.large&MinCount=3&MaxCount=3", "InstanceType=m5.large&MinCount=3&MaxCount=3",
		"InstanceType=m6i.large&MinCount=3&MaxCount=3", "InstanceType=m6i.large&MinCount=1&MaxCount=3",
		"InstanceType=m5.large&MinCount=1&MaxCount=3",  "InstanceType=m6i.large&MinCount=1&MaxCount=3",
	};
	static const char *const in[] = { "subnet-1", "subnet-1", "subnet-2", "subnet-1", "subnet-1", "subnet-2" };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(ELSEWHERE));
	for (unsigned g = 1; g <= ARRAY_LEN(asked); g++) {
		CLEANUP(mem_close) char *subnet = mem_printf("NetworkInterface.1.SubnetId=%s", in[g - 1]);

		t.x.generation = g;
		assert_has(kinds_ask(&t), asked[g - 1]);
		assert_has(kinds_ask(&t), subnet);
		assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"),
				 g < ARRAY_LEN(asked) ? STEP_SMALLER : STEP_FAILED);
		assert_int_equal(kinds_refused(&t, AWS_INVALID, "Unsupported"), g < ARRAY_LEN(asked) ? STEP_SMALLER : STEP_FAILED);
		assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidParameterValue"), STEP_FAILED);
	}
	kinds_end(&t);
	kinds_start(&t, &kind_launch, LAUNCH(ELSEWHERE ", \"atomic\": true"));
	t.x.generation = 2;
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_SMALLER);
	t.x.generation = 3;
	assert_has(kinds_ask(&t), "MinCount=3&MaxCount=3");
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_FAILED);
	kinds_end(&t);
}

static void a_launch_elsewhere_says_where_and_why(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(ELSEWHERE));
	t.x.generation = 3;
	assert_int_equal(kinds_answered(&t, "<R><instancesSet>" ITEM("i-1", "pending") ITEM("i-2", "pending")
						ITEM("i-3", "pending") "</instancesSet></R>"),
			 STEP_DONE);
	assert_string_equal(
	    kinds_note(&t),
	    "3 nodes of a are m6i.large in subnet-2: as m6i.large in subnet-1 there was no room for them, or they did not come up");
	kinds_end(&t);
}

/* Of a cluster that is spread: as long as another launch has got nodes, or may still get some. */
static void a_launch_may_get_none_where_another_gets_some(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(", \"before\": [], \"is_last\": false"));
	t.x.generation = 2;
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[]");
	assert_has(kinds_note(&t), "short: 0 of 3 nodes in a");
	kinds_end(&t);
	kinds_start(&t, &kind_launch, LAUNCH(", \"before\": [\"nodes.a.x\"], \"is_last\": true"));
	t.x.generation = 2;
	json_object_set_new(t.known, "nodes.a.x", json_array());
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_FAILED);
	json_object_set_new(t.known, "nodes.a.x", json_pack("[s]", "i-9"));
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "UnauthorizedOperation"), STEP_FAILED);
	kinds_end(&t);
	kinds_start(&t, &kind_launch, LAUNCH(", \"before\": [], \"is_last\": false, \"atomic\": true"));
	assert_int_equal(kinds_refused(&t, AWS_CAPACITY, "InsufficientInstanceCapacity"), STEP_FAILED);
	kinds_end(&t);
}

static bool is_wanted(const struct demand *d, const struct bound *of, const char *text)
{
	for (size_t i = 0; i < wanted_n(d, of); i++)
		if (str_eq(wanted_text(d, of, i), text))
			return true;
	return false;
}

static void each_place_is_demanded(void **state)
{
	struct demand d = { 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(ELSEWHERE));
	kind_launch.demand(t.args, &d);
	assert_true(is_wanted(&d, &bound_instance_types, "m6i.large") && is_wanted(&d, &bound_instance_types, "m5.large"));
	assert_true(is_wanted(&d, &bound_subnets, "subnet-1") && is_wanted(&d, &bound_subnets, "subnet-2"));
	demand_close(&d);
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
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidGroup.NotFound"), STEP_FAILED); /* nobody made it here */
	kinds_made(&t, "sg.n", "sg-1");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidGroup.NotFound"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidSubnetID.NotFound"), STEP_FAILED);
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
	assert_int_equal(t.sight, STEP_SEEN);
	add_node(&t, "i-1", "running", mine);
	add_node(&t, "i-9", "terminated", mine);
	add_node(&t, "i-8", "running", others);
	assert_false(kinds_finds(&t));
	assert_int_equal(t.sight, STEP_SEEN_PARTLY);
	t.x.settled = true;
	assert_true(kinds_finds(&t));
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\"]");
	assert_has(kinds_note(&t), "short: 1 of 3");
	kinds_end(&t);
}

/* One that died before anybody saw it. */
static void add_dead(struct kinds *t, const char *id, const char *code, const char *why)
{
	add_node(t, id, "terminated", mine);
	list[t->inv->instances.n - 1].reason_code = code;
	list[t->inv->instances.n - 1].reason = why;
	list[t->inv->instances.n - 1].client_token = "token";
}

#define DEAD "IdempotentInstanceTerminated"
#define ONE "{\"cluster\": \"a\", \"count\": 1, \"fact\": \"nodes.a\"}"

static void a_dead_launch_is_made_again_where_that_may_cure_it_and_ends_with_its_reason_elsewhere(void **state)
{
	static const struct {
		const char *code, *why;
		enum step_verdict first, last;
		enum aws_class class;
		const char *told;
	} cases[] = {
		{ "Server.InternalError", "Internal error on launch", STEP_SMALLER, STEP_FAILED, AWS_OK, "Server.InternalError" },
		{ "Client.InvalidKMSKey.InvalidState", "The KMS key", STEP_FAILED, STEP_FAILED, AWS_INVALID,
		  "Client.InvalidKMSKey.InvalidState" },
		{ "Client.VolumeLimitExceeded", "", STEP_FAILED, STEP_FAILED, AWS_QUOTA, "Client.VolumeLimitExceeded" },
		{ "Server.InsufficientInstanceCapacity", "", STEP_FAILED, STEP_FAILED, AWS_CAPACITY,
		  "Server.InsufficientInstanceCapacity" },
		{ "Client.UserInitiatedShutdown", "", STEP_FAILED, STEP_FAILED, AWS_CONFLICT, "Client.UserInitiatedShutdown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kinds t;

		kinds_start(&t, &kind_launch, ONE);
		add_dead(&t, "i-7", cases[i].code, cases[i].why);
		assert_int_equal(kinds_refused(&t, AWS_CONFLICT, DEAD), STEP_LOOK);
		assert_false(kinds_finds(&t));
		assert_int_equal(kinds_misses(&t, DEAD), cases[i].first);
		t.x.generation = 3; /* two more were tried */
		assert_int_equal(kinds_misses(&t, ""), cases[i].last);
		assert_int_equal(t.cause.class, cases[i].class);
		assert_string_equal(t.cause.code, cases[i].told);
		assert_has(t.e.text, "i-7 is terminated");
		assert_has(t.e.text, cases[i].code);
		kinds_end(&t);
	}
}

static void the_dead_of_an_earlier_generation_are_not_those_of_this_one(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, ONE);
	add_dead(&t, "i-7", "Server.InternalError", "");
	list[0].client_token = "older";
	t.x.generation = 2;
	assert_false(kinds_finds(&t));
	assert_int_equal(kinds_misses(&t, ""), STEP_LOOK);
	kinds_end(&t);
}

/* AWS knows the token, and nothing is shown of it: looked for, not asked again, until it must be there. */
static void a_token_that_is_known_is_looked_for_and_not_repeated(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, ONE);
	assert_int_equal(kinds_misses(&t, DEAD), STEP_LOOK);
	assert_int_equal(t.sight, STEP_SEEN_PARTLY);
	t.x.settled = true;
	t.sight = STEP_SEEN;
	assert_int_equal(kinds_misses(&t, DEAD), STEP_FAILED);
	assert_has(t.e.text, DEAD);
	kinds_end(&t);
}

static void a_launch_whose_nodes_are_all_accounted_for_is_not_waited_for(void **state)
{
	struct kinds t;

	(void)state;
	for (int atomic = 0; atomic < 2; atomic++) {
		kinds_start(&t, &kind_launch, atomic ? LAUNCH(", \"atomic\": true") : LAUNCH(""));
		add_node(&t, "i-1", "pending", mine);
		add_dead(&t, "i-2", "Server.InternalError", "");
		add_dead(&t, "i-3", "Server.InternalError", "");
		assert_true(kinds_finds(&t));
		/* What an atomic cluster lost, its wait tells with the reason. */
		assert_string_equal(kinds_fact(&t, "nodes.a"), atomic ? "[\"i-1\",\"i-2\",\"i-3\"]" : "[\"i-1\"]");
		kinds_end(&t);
	}
}

static void a_dead_launch_for_want_of_room_asks_for_less_where_less_will_do(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(""));
	add_dead(&t, "i-1", "Server.InsufficientInstanceCapacity", "");
	assert_int_equal(kinds_misses(&t, DEAD), STEP_SMALLER);
	t.x.generation = 2;
	assert_int_equal(kinds_misses(&t, DEAD), STEP_FAILED);
	kinds_end(&t);
	kinds_start(&t, &kind_launch, LAUNCH(", \"atomic\": true"));
	t.x.generation = 2;
	assert_has(kinds_ask(&t), "MinCount=3&MaxCount=3"); /* the next try of a launch that died takes no part of it */
	kinds_end(&t);
}

static void a_profile_that_was_just_made_is_asked_for_again_for_two_minutes(void **state)
{
	static const char *const sentences[] = {
		"RunInstances: InvalidParameterValue (HTTP 400): Value (n) for parameter iamInstanceProfile.name is invalid. "
		"Invalid IAM "
		"Instance Profile name",
		"Value (arn) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN",
		"IAM Instance Profile \"arn\" has no associated IAM Roles",
	};
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, LAUNCH(", \"profile\": \"node\""));
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
		t.x.age_ms = 119000;
		assert_int_equal(kinds_refused_saying(&t, AWS_INVALID, "InvalidParameterValue", sentences[i]), STEP_AGAIN);
		t.x.age_ms = 120000;
		assert_int_equal(kinds_refused_saying(&t, AWS_INVALID, "InvalidParameterValue", sentences[i]), STEP_FAILED);
		assert_has(t.e.text, sentences[i]);
	}
	t.x.age_ms = 0;
	assert_int_equal(kinds_refused_saying(&t, AWS_INVALID, "InvalidParameterValue", "Invalid availability zone"), STEP_FAILED);
	kinds_end(&t);
}

static void wants(const struct demand *d, const struct bound *of, const char *text)
{
	assert_int_equal(wanted_n(d, of), 1);
	assert_string_equal(wanted_text(d, of, 0), text);
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
	wants(&d, &bound_instance_types, "m6i.large");
	assert_int_equal(d.images_n, 1);
	assert_string_equal(d.images[0].id, "ami-1");
	assert_string_equal(d.images[0].owner, "137112412989");
	assert_string_equal(d.images[0].owner_alias, "amazon");
	wants(&d, &bound_subnets, "subnet-1");
	wants(&d, &bound_instance_profiles, "node");
	wants(&d, &bound_user_data, "98ea");
	wants(&d, &bound_kms_keys, "arn:key");
	wants(&d, &bound_volume_types, "gp3");
	assert_int_equal(demand_number(&d, &bound_volumes_per_node), 1);
	assert_int_equal(demand_number(&d, &bound_iops), 4000);
	assert_int_equal(demand_number(&d, &bound_throughput), 250);
	demand_close(&d);
	json_object_del(t.args, "user_data_sha256"); /* a plan of an older version: no bound holds the empty text */
	t.k->demand(t.args, &d);
	wants(&d, &bound_user_data, "");
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
	assert_int_equal(demand_number(&d, &bound_nodes_total), 3);
	assert_int_equal(demand_number(&d, &bound_nodes_per_cluster), 4);
	assert_int_equal(demand_number(&d, &bound_volume_gib), 9);
	demand_close(&d);
	kinds_end(&t);
	kinds_start(&t, &kind_launch, "{\"cluster\": \"a\", \"count\": 1}");
	assert_true(kinds_refuses(&t));
	kinds_end(&t);
}

#define LAUNCHED "<RunInstancesResponse><instancesSet>"
#define LAUNCHED_END "</instancesSet></RunInstancesResponse>"

static void an_answer_with_too_many_nodes_is_looked_up_instead_of_read(void **state)
{
	CLEANUP(buf_close) struct buf b = { 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_launch, "{\"cluster\": \"a\", \"count\": 3, \"fact\": \"nodes\"}");
	kinds_flood(&b, LAUNCHED, "<item/>", 99990, LAUNCHED_END);
	assert_int_equal(kinds_answered(&t, buf_str(&b)), STEP_LOOK);
	assert_has(t.e.text, "instancesSet: 99990 rows");
	assert_null(kinds_fact(&t, "nodes"));
	kinds_end(&t);
}

static void more_nodes_than_were_asked_for_are_looked_up_by_tag(void **state)
{
	static const char item[] = "<item><instanceId>i-%c</instanceId><instanceState><name>pending</name></instanceState></item>";
	struct kinds t;

	(void)state;
	for (size_t n = 2; n <= 3; n++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(4096);

		kinds_start(&t, &kind_launch, "{\"cluster\": \"a\", \"count\": 2, \"fact\": \"nodes\"}");
		buf_adds(&b, LAUNCHED);
		for (size_t i = 0; i < n; i++)
			buf_addf(&b, item, (int)('a' + i));
		buf_adds(&b, LAUNCHED_END);
		assert_int_equal(kinds_answered(&t, buf_str(&b)), n == 2 ? STEP_DONE : STEP_LOOK);
		assert_true((kinds_fact(&t, "nodes") != NULL) == (n == 2));
		kinds_end(&t);
	}
}

static void nodes_with_ids_that_aws_never_gives_are_looked_up_by_tag(void **state)
{
	static const char state_of[] = "</instanceId><instanceState><name>pending</name></instanceState></item>";
	static const char *const units[] = { "&quot;", "i", "&#228;" };
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		CLEANUP(buf_close) struct buf item = { 0 };
		CLEANUP(buf_close) struct buf b = { 0 };

		kinds_start(&t, &kind_launch, "{\"cluster\": \"a\", \"count\": 3, \"fact\": \"nodes\"}");
		kinds_flood(&item, "<item><instanceId>", units[i], 30000, state_of);
		kinds_flood(&b, LAUNCHED, buf_str(&item), 16, LAUNCHED_END);
		assert_int_equal(kinds_answered(&t, buf_str(&b)), STEP_LOOK);
		assert_has(t.e.text, "item: instanceId is not at most 64 letters");
		assert_null(kinds_fact(&t, "nodes"));
		kinds_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_generation_asks_for_all_and_the_second_for_what_there_is),
		cmocka_unit_test(each_place_is_asked_for_all_and_then_each_for_what_there_is),
		cmocka_unit_test(a_launch_elsewhere_says_where_and_why),
		cmocka_unit_test(a_launch_may_get_none_where_another_gets_some),
		cmocka_unit_test(each_place_is_demanded),
		cmocka_unit_test(a_launch_leaves_its_nodes_and_says_when_they_are_few),
		cmocka_unit_test(a_group_not_yet_known_is_waited_for_and_one_that_is_gone_is_not),
		cmocka_unit_test(part_of_a_launch_is_believed_only_when_the_wait_is_over),
		cmocka_unit_test(a_dead_launch_is_made_again_where_that_may_cure_it_and_ends_with_its_reason_elsewhere),
		cmocka_unit_test(the_dead_of_an_earlier_generation_are_not_those_of_this_one),
		cmocka_unit_test(a_token_that_is_known_is_looked_for_and_not_repeated),
		cmocka_unit_test(a_launch_whose_nodes_are_all_accounted_for_is_not_waited_for),
		cmocka_unit_test(a_dead_launch_for_want_of_room_asks_for_less_where_less_will_do),
		cmocka_unit_test(a_profile_that_was_just_made_is_asked_for_again_for_two_minutes),
		cmocka_unit_test(a_launch_demands_all_that_it_names),
		cmocka_unit_test(what_runs_at_boot_is_shown_as_far_as_it_can_be_printed),
		cmocka_unit_test(a_launch_demands_type_nodes_and_volume),
		cmocka_unit_test(an_answer_with_too_many_nodes_is_looked_up_instead_of_read),
		cmocka_unit_test(more_nodes_than_were_asked_for_are_looked_up_by_tag),
		cmocka_unit_test(nodes_with_ids_that_aws_never_gives_are_looked_up_by_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
