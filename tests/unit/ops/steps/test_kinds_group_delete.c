/* test_kinds_group_delete.c - the step kind that takes a security group away: who holds it is asked, and named when it stays. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

static struct ec2_tag tags[] = { { "resource-created-by", "velodb" }, { "reeve:installation", "inst-1" } };
static struct ec2_group groups[2];
static struct ec2_instance node;

static void start(struct kinds *t)
{
	kinds_start(t, &kind_delete_security_group, "{\"group_id\": \"sg-1\"}");
	t->x.age_ms = 60000;
	groups[0] = (struct ec2_group){ .id = "sg-1", .name = "n", .vpc_id = "vpc-1", .tags = { tags, 2 } };
	groups[1] = (struct ec2_group){ .id = "sg-2", .name = "m", .vpc_id = "vpc-1", .tags = { tags, 2 } };
	*groups_in(t->inv) = (struct ec2_groups){ groups, 2 };
}

static void add_node(struct kinds *t, const char *state)
{
	node = (struct ec2_instance){ .id = "i-1", .state = state };
	t->inv->instances = (struct ec2_instances){ &node, 1 };
}

static bool see(struct kinds *t, const char *name, const char *answer)
{
	const struct step_look *const *at = t->k->looks;

	while (!str_eq((*at)->name, name))
		at++;
	return kinds_see(t, *at, answer);
}

#define INTERFACE(of, more)                                                                                                        \
	"<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><interfaceType>vpc_endpoint</interfaceType>"  \
	"<groupSet><item><groupId>sg-0</groupId></item><item><groupId>sg-1</groupId></item></groupSet><attachment><instanceId>" of \
	"</instanceId></attachment>" more "</item></networkInterfaceSet></R>"
#define OURS                                                                                                                       \
	"<tagSet><item><key>resource-created-by</key><value>velodb</value></item><item><key>reeve:installation</key>"              \
	"<value>inst-1</value></item></tagSet>"
#define HALF "<tagSet><item><key>resource-created-by</key><value>velodb</value></item></tagSet>"
#define GROUP(id, peer)                                                                                                            \
	"<R><securityGroupInfo><item><groupId>" id "</groupId><ipPermissions><item><ipProtocol>tcp</ipProtocol><groups><item>"     \
	"<groupId>" peer "</groupId></item></groups></item></ipPermissions></item></securityGroupInfo></R>"

static void a_group_that_something_hangs_on_is_looked_at(void **state)
{
	struct kinds t;

	(void)state;
	start(&t);
	assert_has(kinds_ask(&t), "Action=DeleteSecurityGroup");
	assert_int_equal(kinds_refused(&t, AWS_CONFLICT, "DependencyViolation"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidGroup.NotFound"), STEP_LOOK);
	assert_false(kinds_finds(&t));
	assert_int_equal(kinds_misses(&t, ""), STEP_LOOK);
	assert_int_equal(kinds_misses(&t, "DependencyViolation"), STEP_AGAIN); /* nobody could be asked, or nobody is seen */
	groups_in(t.inv)->n = 0;
	assert_true(kinds_finds(&t));
	kinds_end(&t);
	kinds_start(&t, &kind_delete_security_group, "{}");
	assert_true(kinds_refuses(&t));
	kinds_end(&t);
}

static void who_holds_it_is_asked_of_interfaces_and_of_both_directions_of_rules(void **state)
{
	static const char *const filters[] = { "group-id", "ip-permission.group-id", "egress.ip-permission.group-id" };
	struct kinds t;

	(void)state;
	start(&t);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		CLEANUP(mem_close) char *want = mem_printf("Filter.1.Name=%s&Filter.1.Value.1=sg-1", filters[i]);
		struct request f = { 0 };

		t.k->looks[i]->ask(&t.x, &f);
		assert_has(buf_str(&f.body), want);
		request_close(&f);
	}
	assert_null(t.k->looks[3]);
	assert_false(see(&t, "interfaces", "<R/>"));
	assert_false(see(&t, "ways-in", "<R/>"));
	kinds_end(&t);
}

static void an_interface_is_waited_for_only_where_its_node_is_ours_and_ended(void **state)
{
	static const struct {
		const char *answer, *node;
		uint64_t age_ms;
		bool patient;
		enum step_verdict v;
	} cases[] = {
		{ INTERFACE("i-1", OURS), "terminated", 60000, false, STEP_AGAIN },
		{ INTERFACE("i-1", OURS), "shutting-down", 60000, false, STEP_AGAIN },
		{ INTERFACE("i-1", OURS), "running", 60000, false, STEP_FAILED },
		{ INTERFACE("i-1", OURS), "running", 10000, false, STEP_AGAIN }, /* just ended, and not shown so yet */
		{ INTERFACE("i-1", OURS), "stopped", 60000, false, STEP_FAILED },
		{ INTERFACE("i-9", ""), "terminated", 0, false, STEP_FAILED },       /* somebody else's, at once */
		{ INTERFACE("i-9", OURS), "terminated", 10000, false, STEP_AGAIN },  /* its node may just be shown no more */
		{ INTERFACE("i-9", OURS), "terminated", 60000, false, STEP_FAILED }, /* or somebody has taken it */
		{ INTERFACE("", OURS), "terminated", 60000, false, STEP_AGAIN },
		{ INTERFACE("", "<status>available</status>"), "terminated", 60000, false, STEP_AGAIN },
		{ INTERFACE("", "<status>available</status>"), "terminated", 130000, true, STEP_AGAIN },
		{ INTERFACE("", "<status>available</status>"), "running", 130000, true, STEP_FAILED }, /* no node has ended */
		{ INTERFACE("", "<status>available</status><description>mine</description>"), "terminated", 0, false, STEP_FAILED },
		{ INTERFACE("", "<status>available</status><requesterManaged>true</requesterManaged>"), "terminated", 0, false,
		  STEP_FAILED },
		{ INTERFACE("", "<status>in-use</status>"), "terminated", 0, false, STEP_FAILED },
		{ INTERFACE("", HALF "<description>d</description>"), "terminated", 60000, false, STEP_FAILED },
		{ INTERFACE("", "<description>d</description>"), "terminated", 60000, false, STEP_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kinds t;

		start(&t);
		t.x.age_ms = cases[i].age_ms;
		t.x.patient = cases[i].patient;
		add_node(&t, cases[i].node);
		assert_true(see(&t, "interfaces", cases[i].answer));
		if (kinds_misses(&t, "DependencyViolation") != cases[i].v)
			fail_msg("%zu: %s", i, t.e.text);
		assert_has(t.e.text, "held by network interface eni-1");
		kinds_end(&t);
	}
}

static void an_interface_in_another_group_holds_nothing(void **state)
{
	struct kinds t;

	(void)state;
	start(&t);
	assert_true(see(&t, "interfaces",
			"<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><description>d</"
			"description><groupSet><item><groupId>sg-9"
			"</groupId></item></groupSet></item></networkInterfaceSet></R>"));
	assert_int_equal(kinds_misses(&t, "DependencyViolation"), STEP_AGAIN);
	kinds_end(&t);
}

static void a_rule_of_another_group_holds_it_and_is_named(void **state)
{
	static const char *const reads[] = { "ways-in", "ways-out" };
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
		start(&t);
		assert_true(see(&t, reads[i], GROUP("sg-9", "sg-1")));
		assert_int_equal(kinds_misses(&t, "DependencyViolation"), STEP_FAILED);
		assert_has(t.e.text, "a rule of security group sg-9");
		assert_true(see(&t, reads[i], GROUP("sg-9", "sg-5"))); /* a filter that was ignored */
		assert_int_equal(kinds_misses(&t, "DependencyViolation"), STEP_AGAIN);
		assert_true(see(&t, reads[i], GROUP("sg-1", "sg-1"))); /* its own */
		assert_int_equal(kinds_misses(&t, "InvalidGroup.InUse"), STEP_AGAIN);
		assert_true(see(&t, reads[i], GROUP("sg-2", "sg-1"))); /* ours: a rule that was just taken out */
		assert_int_equal(kinds_misses(&t, "DependencyViolation"), STEP_AGAIN);
		t.x.patient = true;
		assert_int_equal(kinds_misses(&t, "DependencyViolation"), STEP_FAILED);
		assert_has(t.e.text, "sg-2");
		kinds_end(&t);
	}
}

static void an_answer_with_too_many_rows_is_not_understood(void **state)
{
	CLEANUP(buf_close) struct buf interfaces = { 0 };
	CLEANUP(buf_close) struct buf sets = { 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_delete_security_group, "{\"group_id\": \"sg-1\"}");
	kinds_flood(&interfaces, "<R><networkInterfaceSet>", "<item/>", 99990, "</networkInterfaceSet></R>");
	kinds_flood(&sets, "<R><securityGroupInfo>", "<item/>", 99990, "</securityGroupInfo></R>");
	assert_false(kinds_see(&t, t.k->looks[0], buf_str(&interfaces)));
	assert_false(kinds_see(&t, t.k->looks[1], buf_str(&sets)));
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_that_something_hangs_on_is_looked_at),
		cmocka_unit_test(who_holds_it_is_asked_of_interfaces_and_of_both_directions_of_rules),
		cmocka_unit_test(an_interface_is_waited_for_only_where_its_node_is_ours_and_ended),
		cmocka_unit_test(an_interface_in_another_group_holds_nothing),
		cmocka_unit_test(a_rule_of_another_group_holds_it_and_is_named),
		cmocka_unit_test(an_answer_with_too_many_rows_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
