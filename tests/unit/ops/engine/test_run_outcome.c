/* test_run_outcome.c - how a plan ends: kept behind the pivot, and left where the policy says no. */
#include "tests/unit/cases.h"
#include "tests/unit/ops/shop.h"

static enum shop_fault registration_dies(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=RegisterTargets&") ? SHOP_LOST : SHOP_FINE;
}

static void behind_the_pivot_nodes_are_kept(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = registration_dies;
	shop_run(s, &k);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
}

static void a_policy_that_says_no_on_the_way_stops_the_next_change(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];
	size_t before;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	shop_policy(s, "commands: {warehouse.apply: off}\n");
	before = s->seen.len;
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_int_equal(s->seen.len, before);
	assert_non_null(strstr(message, "the policy now says off"));
}

static enum shop_fault launch_is_denied(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=RunInstances&") ? SHOP_DENIED : SHOP_FINE;
}

static void what_serves_stays_when_what_comes_in_its_place_fails(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_policy_counts(s, SHOP_POLICY "rates: {mutations_per_hour: 1000, deletions_per_day: 1000, ended_at_once: 1/1}\n");
	shop_run(s, &one);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 350000);
	s->k.cluster.name = s->k.tg_clusters[0] = (char *)"fe";
	s->break_at = launch_is_denied;
	shop_apply(s, &two, 2);
	two.c.not_before = world_wall_ms(s->d.w) + 10000;
	shop_head(s);
	shop_send(s, &two, true);
	assert_int_not_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "DeregisterTargets"), 0);
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
}

static unsigned moves; /* onto the new group alone */

static enum shop_fault health_is_denied(struct shop *s, const char *body)
{
	s->broke += str_starts(body, "Action=ModifyListener&");
	moves += str_starts(body, "Action=ModifyListener&") && strstr(body, "Weight") == NULL && strstr(body, "other") != NULL;
	return s->broke > 0 && str_starts(body, "Action=DescribeTargetHealth&") ? SHOP_DENIED : SHOP_FINE;
}

/* The nodes behind the new group are never seen to be healthy: nothing was ever sent there, and nothing taken from the old ones. */
static void a_listener_is_not_moved_to_nodes_that_do_not_serve(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;
	Reeve__Control__V1__TargetGroup other = s->k.tg;

	shop_run(s, &one);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 350000);
	other.name = (char *)"other";
	s->k.target_groups[1] = &other;
	s->k.s.n_target_groups = 2;
	s->k.listener.target_group = (char *)"other";
	s->break_at = health_is_denied;
	moves = 0;
	shop_apply(s, &two, 2);
	two.c.not_before = world_wall_ms(s->d.w) + 10000;
	shop_send(s, &two, false);
	assert_int_equal(shop_ends(s, &two, NULL), STATE_OF(FAILED)); /* the new group and who is in it stay */
	assert_int_equal(shop_count(s, "ModifyListener"), 2);
	assert_int_equal(moves, 0);
	assert_int_equal(s->sim->listeners_n, 1);
	assert_ptr_equal(s->sim->listeners[0]->tg, s->sim->target_groups[0]);
	assert_null(s->sim->listeners[0]->beside);
	assert_int_equal(shop_count(s, "DeleteListener"), 0);
}

static enum shop_fault group_is_denied(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=CreateSecurityGroup&") ? SHOP_ENCODED : SHOP_FINE;
}

static const char *stopped_call; /* the call that is denied */

static enum shop_fault stop_is_denied(struct shop *s, const char *body)
{
	s->broke += str_starts(body, stopped_call);
	return str_starts(body, stopped_call) ? SHOP_DENIED : SHOP_FINE;
}

/* Of each call that a life of a warehouse makes, who reads the result sees what it was about; what has no id yet by its name. */
static void an_error_names_what_the_step_that_failed_speaks_of(void **state)
{
	static const struct {
		const char *call, *action, *resource;
	} t[] = {
		{ "Action=CreateSecurityGroup&", "ec2:CreateSecurityGroup", "velodb-inst-1-wh-1-node" },
		{ "Action=AuthorizeSecurityGroupIngress&", "ec2:AuthorizeSecurityGroupIngress", "sg-" },
		{ "Action=CreateTargetGroup&", "elasticloadbalancing:CreateTargetGroup", "" },
		{ "Action=RunInstances&", "ec2:RunInstances", "be" },
		{ "Action=RegisterTargets&", "elasticloadbalancing:RegisterTargets", "i-" },
		{ "Action=CreateListener&", "elasticloadbalancing:CreateListener", "arn:aws:elasticloadbalancing:" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct arena *m = arena_new_sized(1u << 20);
		Reeve__Control__V1__Status st;
		struct desk_command k;
		struct shop *s;

		if (i > 0) {
			shop_end(state);
			shop_start(state);
		}
		s = *state;
		stopped_call = t[i].call;
		s->break_at = stop_is_denied;
		shop_run(s, &k);
		assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
		op_status(ops_find(s->d.ops, k.id), m, &st);
		assert_non_null(st.error);
		assert_int_equal(st.error->class_, REEVE__CONTROL__V1__ERROR_CLASS__DENIED_BY_AWS);
		assert_string_equal(st.error->action, t[i].action);
		assert_true(*st.error->aws_code != '\0');
		assert_true(*st.error->aws_request_id != '\0');
		if (!str_starts(st.error->resource, t[i].resource) || *st.error->resource == '\0')
			fail_msg("%s: \"%s\"", t[i].action, st.error->resource);
		arena_free(m);
	}
}

/* What stands between the marker and the end of the message. */
static char *encoded_of(const char *document)
{
	static const char marker[] = "failure message: ";
	const char *at = strstr(document, marker);

	assert_non_null(at);
	at += strlen(marker);
	return mem_strn(at, strcspn(at, "<"));
}

/* It tells what exactly was denied, to who may have it decoded: with a character missing it tells nothing. */
static void an_encoded_authorization_message_is_kept_whole_and_apart_from_the_sentence(void **state)
{
	CLEANUP(buf_close) struct buf document = { 0 }, journal = BUF_MAX(16u << 20);
	CLEANUP(mem_close) char *encoded = NULL, *member = NULL;
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	case_load("encoded-message.xml", &document);
	encoded = encoded_of(buf_str(&document));
	assert_true(strlen(encoded) > 900);
	s->answer = buf_str(&document);
	s->break_at = group_is_denied;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(ROLLED_BACK));
	assert_non_null(strstr(message, "You are not authorized to perform this operation."));
	assert_null(strstr(message, "Encoded"));
	assert_null(strstr(message, "EqV8"));
	assert_true(sim_file_get(s->d.w, DESK_JOURNAL "/0000000000000001.jsonl", &journal));
	member = mem_printf("\"aws_encoded_message\":\"%s\"", encoded);
	assert_non_null(strstr(buf_str(&journal), member));
	for (int starts = 0; starts < 2; starts++) {
		const json_t *error = json_object_get(ops_refused(s->d.ops), "error");

		assert_string_equal(json_str_or(error, "aws_encoded_message", ""), encoded);
		shop_reopen(s);
	}
}

/* A protection, a limit, a right that is missing: what stands is known, so it is named, and the others go. Over a restart, too. */
#define NAME32 "abcdefghijklmnopqrstuvwxyz-12345"

static void names_of_32_characters_are_carried_out(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->k.group.name = s->k.cluster_groups[0] = (char *)NAME32;
	s->k.cluster.name = s->k.tg_clusters[0] = (char *)NAME32;
	s->k.tg.name = s->k.listener.target_group = s->k.lb.name = (char *)NAME32;
	shop_run(s, &k);
	if (shop_ends(s, &k, message) != DONE)
		fail_msg("%s", message);
	assert_int_equal(shop_alive(s), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(behind_the_pivot_nodes_are_kept),
		SHOP(an_error_names_what_the_step_that_failed_speaks_of),
		SHOP(a_policy_that_says_no_on_the_way_stops_the_next_change),
		SHOP(a_listener_is_not_moved_to_nodes_that_do_not_serve),
		SHOP(what_serves_stays_when_what_comes_in_its_place_fails),
		SHOP(an_encoded_authorization_message_is_kept_whole_and_apart_from_the_sentence),
		SHOP(names_of_32_characters_are_carried_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
