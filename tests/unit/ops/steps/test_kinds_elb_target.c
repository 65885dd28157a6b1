/* test_kinds_elb_target.c - step kinds of the targets in a group: in, healthy, out, drained. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define TG "arn:tg"
#define TARGETS "{\"group_arn\": \"" TG "\", \"instances\": [\"i-1\", \"i-2\"]}"

static struct elb_target targets[2];
static struct balancers_target_group group;
static struct ec2_instance nodes[2];

/* How the two nodes stand; NULL: not shown. */
static void add_nodes(struct kinds *t, const char *one, const char *two)
{
	t->inv->instances = (struct ec2_instances){ nodes, 0 };
	if (one != NULL)
		nodes[t->inv->instances.n++] = (struct ec2_instance){ .id = "i-1", .state = one };
	if (two != NULL)
		nodes[t->inv->instances.n++] = (struct ec2_instance){ .id = "i-2", .state = two };
}

static void add_targets(struct kinds *t, size_t n)
{
	targets[0] = (struct elb_target){ .id = "i-1", .state = "healthy", .reason = "" };
	targets[1] = (struct elb_target){ .id = "i-2", .state = "healthy", .reason = "" };
	group = (struct balancers_target_group){ .g = { .arn = TG, .name = "rv-tg" }, .targets = { targets, n } };
	balancers_in(t->inv)->target_groups = &group;
	balancers_in(t->inv)->target_groups_n = 1;
}

static void a_target_is_an_instance_by_its_id_and_nothing_else(void **state)
{
	static const char *const others[] = { "10.0.0.9", "arn:aws:lambda:us-east-1:123456789012:function:f", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		CLEANUP(mem_close)
		char *args = mem_printf("{\"group_arn\": \"arn:tg\", \"instances\": [\"i-1\", \"%s\"]}", others[i]);
		struct request f = { 0 };
		struct err e = { 0 };
		struct kinds t;

		kinds_start(&t, &kind_register, args);
		assert_int_equal(t.k->ask(&t.x, &f, &e), -ERR_INVALID);
		assert_non_null(strstr(e.text, "is no instance id"));
		kinds_end(&t);
	}
}

static void targets_are_registered_when_all_of_them_are(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_register, TARGETS);
	assert_has(kinds_ask(&t), "Targets.member.2.Id=i-2");
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidTarget"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidInstance"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_FAILED);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_LOOK);
	add_targets(&t, 1);
	assert_false(kinds_finds(&t));
	add_targets(&t, 2);
	assert_true(kinds_finds(&t));
	targets[1].state = "draining";
	assert_false(kinds_finds(&t));
	kinds_end(&t);
}

static void targets_are_out_when_none_of_them_is_in(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_deregister, TARGETS);
	assert_has(kinds_ask(&t), "Action=DeregisterTargets");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidTarget"), STEP_LOOK);
	assert_true(kinds_finds(&t));
	add_targets(&t, 2);
	assert_false(kinds_finds(&t));
	targets[0].state = targets[1].state = "draining";
	assert_true(kinds_finds(&t));
	kinds_end(&t);
}

#define HEALTH(id, state) "<member><Target><Id>" id "</Id></Target><TargetHealth><State>" state "</State></TargetHealth></member>"
#define SEEN(members)                                                                                                              \
	"<R><DescribeTargetHealthResult><TargetHealthDescriptions>" members                                                        \
	"</TargetHealthDescriptions></DescribeTargetHealthResult></R>"

static void health_is_waited_for_until_all_are_healthy(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_healthy, TARGETS);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy"))), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-2 is not registered");
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") HEALTH("i-2", "initial"))), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") HEALTH("i-2", "healthy"))), STEP_DONE);
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_FAILED);
	kinds_made(&t, "tg.sql", TG);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "AccessDenied"), STEP_FAILED);
	kinds_end(&t);
}

#define WHY(id, state, reason)                                                                                                     \
	"<member><Target><Id>" id "</Id></Target><TargetHealth><State>" state "</State><Reason>" reason                            \
	"</Reason></TargetHealth></member>"

/* A node that cannot be a target is left out by what EC2 shows of it, and the others are registered. */
static void a_node_that_cannot_be_a_target_keeps_no_other_out(void **state)
{
	static const struct {
		const char *one, *two; /* as the inventory shows them */
		bool is_new;           /* i-2 is of this operation */
		enum step_verdict v;
		const char *left; /* why i-2 is left out; NULL: it is not */
	} cases[] = {
		{ "running", "stopped", false, STEP_AGAIN, "is stopped" },
		{ "running", "terminated", false, STEP_AGAIN, "is terminated" },
		{ "running", NULL, false, STEP_AGAIN, "is not there any more, or not ours" },
		{ "running", NULL, true, STEP_AGAIN, NULL },
		{ "running", "pending", false, STEP_AGAIN, NULL },
		{ "running", "running", false, STEP_AGAIN, NULL }, /* ELB has not heard of it yet */
		{ "stopping", "shutting-down", false, STEP_FAILED, "is shutting-down" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kinds t;

		kinds_start(&t, &kind_register, TARGETS);
		add_targets(&t, 0);
		add_nodes(&t, cases[i].one, cases[i].two);
		if (cases[i].is_new)
			kinds_made(&t, "nodes.a", "i-2");
		assert_int_equal(kinds_misses(&t, "InvalidTarget"), cases[i].v);
		assert_true(str_eq(json_str_or(t.left, "i-2", NULL), cases[i].left));
		if (cases[i].v == STEP_AGAIN && cases[i].left != NULL) {
			assert_has(kinds_ask(&t), "Targets.member.1.Id=i-1");
			assert_lacks(kinds_ask(&t), "i-2");
			targets[0].state = "initial";
			group.targets.n = 1;
			assert_true(kinds_finds(&t)); /* all that are left */
		}
		kinds_end(&t);
	}
}

static void who_is_out_already_is_no_reason_to_leave_the_others_in(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_deregister, TARGETS);
	add_targets(&t, 2);
	targets[1].state = "draining";
	assert_false(kinds_finds(&t));
	assert_int_equal(kinds_misses(&t, "InvalidTarget"), STEP_AGAIN);
	assert_has(kinds_ask(&t), "Targets.member.1.Id=i-1");
	assert_lacks(kinds_ask(&t), "i-2");
	kinds_end(&t);
}

static void of_a_refused_batch_it_is_told_who_is_in_or_out_all_the_same(void **state)
{
	CLEANUP(json_close) json_t *one = json_loads("[[\"target\", \"i-1\"]]", 0, NULL), *in = NULL, *out = NULL;
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_register, TARGETS);
	add_targets(&t, 1);
	in = t.k->part(&t.x, t.inv);
	assert_true(json_equal(in, one));
	kinds_end(&t);
	kinds_start(&t, &kind_deregister, TARGETS);
	add_targets(&t, 2);
	targets[0].state = "draining";
	out = t.k->part(&t.x, t.inv);
	assert_true(json_equal(out, one));
	kinds_end(&t);
}

static void a_target_that_nobody_makes_healthy_is_not_waited_for(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_healthy, TARGETS);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") WHY("i-2", "unused", "Target.InvalidState"))), STEP_DONE);
	assert_has(kinds_note(&t), "left out: i-2 is unused (Target.InvalidState)");
	assert_int_equal(
	    kinds_answered(&t, SEEN(WHY("i-1", "unused", "Target.InvalidState") WHY("i-2", "unused", "Target.InvalidState"))),
	    STEP_FAILED);
	assert_has(t.e.text, "i-1 is unused (Target.InvalidState), i-2 is unused");
	/* What was just registered, or got its listener, is shown so for a moment. */
	assert_int_equal(kinds_answered(&t, SEEN(WHY("i-1", "unused", "Target.NotInUse") HEALTH("i-2", "healthy"))), STEP_AGAIN);
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, SEEN(WHY("i-1", "unused", "Target.NotInUse") HEALTH("i-2", "healthy"))), STEP_DONE);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-2", "healthy"))), STEP_DONE);
	assert_int_equal(kinds_answered(&t, SEEN(WHY("i-1", "unhealthy", "Target.FailedHealthChecks") HEALTH("i-2", "healthy"))),
			 STEP_AGAIN);
	assert_string_equal(t.e.text, "i-1 is unhealthy (Target.FailedHealthChecks)");
	kinds_end(&t);
}

/* Others go when these serve in their place: one that somebody has taken out meanwhile is no reason to go on without it. */
static void where_others_go_for_them_every_one_must_become_healthy(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_healthy, "{\"group_arn\": \"" TG "\", \"instances\": [\"i-1\", \"i-2\"], \"atomic\": true}");
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy"))), STEP_AGAIN); /* not known everywhere yet */
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "initial") WHY("i-2", "unused", "Target.InvalidState"))),
			 STEP_FAILED);
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") HEALTH("i-2", "draining"))), STEP_FAILED);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy"))), STEP_FAILED);
	assert_string_equal(t.e.text, "not all targets become healthy: i-2 is not registered");
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") HEALTH("i-2", "unhealthy"))), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") HEALTH("i-2", "healthy"))), STEP_DONE);
	kinds_end(&t);
}

/* Those that leave serve nobody; when they do again, others must. */
static void for_those_that_serve_nobody_nobody_has_to_become_healthy(void **state)
{
	static const struct {
		const char *seen;
		enum step_verdict then;
	} cases[] = {
		{ SEEN(HEALTH("i-1", "unhealthy") HEALTH("i-8", "unhealthy")), STEP_DONE },
		{ SEEN(HEALTH("i-1", "unhealthy") HEALTH("i-8", "unhealthy.draining") HEALTH("i-9", "draining")), STEP_DONE },
		{ SEEN(HEALTH("i-1", "unhealthy") HEALTH("i-8", "healthy")), STEP_AGAIN },
		{ SEEN(HEALTH("i-1", "unhealthy") HEALTH("i-8", "unhealthy") HEALTH("i-9", "initial")), STEP_AGAIN },
		{ SEEN(HEALTH("i-1", "healthy") HEALTH("i-8", "healthy")), STEP_DONE },
	};
	CLEANUP(buf_close) struct buf text = BUF_MAX(200);
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_healthy,
		    "{\"group_arn\": \"" TG "\", \"instances\": [\"i-1\"], \"atomic\": true, \"leave\": [\"i-8\", \"i-9\"]}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(kinds_answered(&t, cases[i].seen), cases[i].then);
	t.k->print(t.args, &text);
	assert_string_equal(buf_str(&text), "i-1 in " TG ", unless by then i-8, i-9 serves nobody");
	kinds_end(&t);
}

static void a_target_is_drained_when_it_is_neither_registered_nor_draining(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_drained, TARGETS);
	assert_has(kinds_ask(&t), "Action=DescribeTargetHealth");
	assert_has(kinds_ask(&t), "TargetGroupArn=arn%3Atg");
	assert_int_equal(t.k->deadline_s, 3900);
	assert_int_equal(kinds_answered(&t, SEEN(WHY("i-1", "draining", "Target.DeregistrationInProgress"))), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-1 is draining (Target.DeregistrationInProgress)");
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy"))), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN("")), STEP_DONE);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-9", "draining"))), STEP_DONE); /* not asked for */
	assert_int_equal(kinds_answered(&t, SEEN(WHY("i-1", "unused", "Target.NotRegistered"))), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_AGAIN);
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "draining"))), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-2", "healthy") HEALTH("i-1", "draining"))), STEP_FAILED);
	assert_has(t.e.text, "registered again");
	kinds_end(&t);
}

static void an_answer_with_too_many_targets_is_not_read(void **state)
{
	static const char end[] = "</TargetHealthDescriptions></Result></R>";
	CLEANUP(buf_close) struct buf b = { 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_healthy, TARGETS);
	kinds_flood(&b, "<R><Result><TargetHealthDescriptions>", "<member/>", 99990, end);
	assert_int_equal(kinds_answered(&t, buf_str(&b)), STEP_AGAIN);
	assert_has(t.e.text, "TargetHealthDescriptions: 99990 rows");
	kinds_end(&t);
}

/* A node that a step before has started again may be shown as it was for a while: it is waited for, and not left out. */
static void a_node_that_was_just_started_is_not_left_out(void **state)
{
	static struct ec2_instance node = { .id = "i-1", .state = "stopped" };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_register, "{\"group_arn\": \"tg\", \"instances\": [\"i-1\"], \"fresh\": true}");
	t.inv->instances = (struct ec2_instances){ &node, 1 };
	assert_int_equal(kinds_misses(&t, "InvalidTarget"), STEP_AGAIN);
	assert_int_equal(json_object_size(t.left), 0);
	t.x.patient = true;
	assert_int_equal(kinds_misses(&t, "InvalidTarget"), STEP_FAILED);
	kinds_end(&t);
}

static void who_is_let_in_again_is_so_after_a_start(void **state)
{
	CLEANUP(json_close) json_t *args = json_loads("{\"group_arn\": \"tg\", \"instances\": [\"i-1\"]}", 0, NULL);
	CLEANUP(json_close) json_t *undo = kind_deregister.undo_args(args);

	(void)state;
	assert_ptr_equal(kind_deregister.undo, &kind_register);
	assert_true(json_is_true(json_object_get(undo, "fresh")));
	assert_string_equal(json_str_or(undo, "group_arn", ""), "tg");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_was_just_started_is_not_left_out),
		cmocka_unit_test(who_is_let_in_again_is_so_after_a_start),
		cmocka_unit_test(a_target_is_an_instance_by_its_id_and_nothing_else),
		cmocka_unit_test(targets_are_registered_when_all_of_them_are),
		cmocka_unit_test(targets_are_out_when_none_of_them_is_in),
		cmocka_unit_test(health_is_waited_for_until_all_are_healthy),
		cmocka_unit_test(a_node_that_cannot_be_a_target_keeps_no_other_out),
		cmocka_unit_test(who_is_out_already_is_no_reason_to_leave_the_others_in),
		cmocka_unit_test(of_a_refused_batch_it_is_told_who_is_in_or_out_all_the_same),
		cmocka_unit_test(a_target_that_nobody_makes_healthy_is_not_waited_for),
		cmocka_unit_test(where_others_go_for_them_every_one_must_become_healthy),
		cmocka_unit_test(for_those_that_serve_nobody_nobody_has_to_become_healthy),
		cmocka_unit_test(a_target_is_drained_when_it_is_neither_registered_nor_draining),
		cmocka_unit_test(an_answer_with_too_many_targets_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
