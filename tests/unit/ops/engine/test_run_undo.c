/* test_run_undo.c - taking back: what was done before the pivot goes in reverse; what is another's, and what cannot be taken back,
 * stays and is named. */
#include "tests/unit/cases.h"
#include "tests/unit/ops/shop.h"

static void a_cancel_before_the_pivot_takes_everything_back(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_stands(s), 0);
	assert_int_equal(shop_alive(s), 0);
}

static bool is_launched(void *ctx)
{
	return ((struct shop *)ctx)->sim->instances_n == 2;
}

/* The first launch, and two tries of the second. */
static bool has_given_up_one(void *ctx)
{
	return shop_count(ctx, "RunInstances") == 3;
}

static bool first_is_up(void *ctx)
{
	struct shop *s = ctx;

	return aws_is_running(s->sim, s->sim->instances[0]);
}

/* The volumes of the second are not shown: it never gets that far. */
static void runs_until_one_node_of_two_is_up(struct shop *s, struct desk_command *k)
{
	shop_run(s, k);
	assert_int_equal(sim_run_until(s->d.w, is_launched, s, 600000), SIM_TRUE);
	s->sim->instances[1]->running_ms = UINT64_MAX;
	assert_int_equal(sim_run_until(s->d.w, first_is_up, s, 600000), SIM_TRUE);
}

static void names_the_volume_that_was_seen(struct shop *s, const struct desk_command *k)
{
	CLEANUP(mem_close) char *id = mem_printf("vol-%s-1", s->sim->instances[0]->t.id);
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st = shop_status(s, k, m);
	unsigned named = 0, others = 0;

	for (size_t i = 0; i < st->n_deleted; i++)
		if (str_eq(st->deleted[i]->kind, "volume") && str_eq(st->deleted[i]->id, id))
			named++;
		else
			others += str_eq(st->deleted[i]->kind, "volume");
	assert_int_equal(named, 1);
	assert_int_equal(others, 0);
	arena_free(m);
}

/* And so does what is read back from the journal. */
static void ends_without_nodes_and_names_the_volume(struct shop *s, const struct desk_command *k)
{
	assert_int_not_equal(shop_ends(s, k, NULL), DONE);
	assert_int_equal(shop_alive(s), 0);
	names_the_volume_that_was_seen(s, k);
	shop_reopen(s);
	names_the_volume_that_was_seen(s, k);
}

static bool says_that_not_all_was_seen(struct shop *s, const struct desk_command *k)
{
	struct arena *m = arena_new_sized(8u << 20);
	bool says = strstr(shop_status(s, k, m)->note, "data volumes that EC2 did not show went unnamed") != NULL;

	arena_free(m);
	return says;
}

static void nodes_that_are_taken_back_leave_the_names_of_their_data_volumes(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	runs_until_one_node_of_two_is_up(s, &k);
	ops_cancel(s->d.ops, k.id);
	ends_without_nodes_and_names_the_volume(s, &k);
	assert_true(says_that_not_all_was_seen(s, &k));
}

/* Room for one of two: the launch in the second subnet has made none. */
static void a_launch_that_found_no_room_has_nothing_to_take_back(void **state)
{
	static char *subnets[] = { (char *)"subnet-0001", (char *)"subnet-0002" };
	struct shop *s = *state;
	struct desk_command k;

	s->k.s.n_load_balancers = s->k.s.n_target_groups = 0;
	s->k.cluster.subnet_id = (char *)"";
	s->k.cluster.subnet_ids = subnets;
	s->k.cluster.n_subnet_ids = 2;
	s->sim->capacity = 1;
	s->sim->least_up_s = s->sim->most_up_s = 120;
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, has_given_up_one, s, 600000), SIM_TRUE);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_alive(s), 0);
	assert_int_equal(shop_count(s, "TerminateInstances"), 1);
}

/* The one that died took its own with it. */
static void so_do_nodes_that_are_taken_back_because_one_did_not_come_up(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->k.cluster.atomic = true;
	runs_until_one_node_of_two_is_up(s, &k);
	s->sim->instances[1]->stillborn_ms = world_now_ms(s->d.w);
	ends_without_nodes_and_names_the_volume(s, &k);
	assert_false(says_that_not_all_was_seen(s, &k));
}

static bool undo_is_ordered(void *ctx)
{
	CLEANUP(buf_close) struct buf journal = BUF_MAX(16u << 20);
	struct shop *s = ctx;

	return sim_file_get(s->d.w, DESK_JOURNAL "/0000000000000001.jsonl", &journal) &&
	       strstr(buf_str(&journal), "plan.undo") != NULL;
}

/* The life that looked is not the one that ends them. */
static void a_restart_before_the_nodes_end_loses_no_name_of_a_data_volume(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	runs_until_one_node_of_two_is_up(s, &k);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(sim_run_until(s->d.w, undo_is_ordered, s, 600000), SIM_TRUE);
	desk_shut(&s->d);
	shop_open(s);
	ends_without_nodes_and_names_the_volume(s, &k);
}

static enum shop_fault looks_die(struct shop *s, const char *body)
{
	return s->broke > 0 && str_starts(body, "Action=Describe") ? SHOP_LOST : SHOP_FINE;
}

/* They cost money: names are no reason to let them stand. What is not named is said not to be. */
static void nodes_are_taken_back_also_when_nobody_can_look_at_their_data_volumes(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = looks_die;
	runs_until_one_node_of_two_is_up(s, &k);
	s->broke = 1;
	ops_cancel(s->d.ops, k.id);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 0);
	assert_true(says_that_not_all_was_seen(s, &k));
}

static bool is_taking_back(void *ctx)
{
	return shop_count(ctx, "Delete") > 0;
}

static void cancel_and_begin_to_take_back(struct shop *s, struct desk_command *k)
{
	shop_run(s, k);
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	ops_cancel(s->d.ops, k->id);
	assert_int_equal(sim_run_until(s->d.w, is_taking_back, s, 600000), SIM_TRUE);
}

static void a_verb_that_is_switched_off_stops_the_taking_back_too(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];
	size_t before;

	cancel_and_begin_to_take_back(s, &k);
	shop_policy(s, "commands: {warehouse.apply: off}\n");
	before = s->seen.len;
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(INDETERMINATE));
	assert_int_equal(s->seen.len, before);
	assert_true(shop_stands(s) > 0);
}

static void narrower_bounds_do_not_hold_up_the_taking_back(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	cancel_and_begin_to_take_back(s, &k);
	shop_policy(s, "commands: {warehouse.apply: auto}\n");
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_stands(s), 0);
}

static enum shop_fault second_listener_denied(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=CreateListener&") && strstr(body, "Port=9031") != NULL ? SHOP_DENIED : SHOP_FINE;
}

/* Longer than it should, AWS does not show the listener that the first command made. The second makes it again, is answered with
 * the one that is there, and fails with the next one. */
static void what_an_earlier_command_made_is_not_taken_back(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;
	Reeve__Control__V1__Listener more = s->k.listener;

	shop_run(s, &one);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	s->sim->listeners[0]->t.shown_ms = UINT64_MAX;
	sim_run_until(s->d.w, NULL, NULL, 350000);
	more.port = 9031;
	s->k.listeners[1] = &more;
	s->k.lb.n_listeners = 2;
	s->break_at = second_listener_denied;
	shop_apply(s, &two, 2);
	two.c.not_before = world_wall_ms(s->d.w) + 10000;
	shop_send(s, &two, false);
	assert_true(shop_until(s, &two, STATE_OF(RUNNING), 60000));
	s->sim->listeners[0]->t.shown_ms = 0;
	assert_int_equal(shop_ends(s, &two, NULL), STATE_OF(ROLLED_BACK));
	assert_int_equal(shop_count(s, "CreateListener"), 2); /* the last one was denied before it acted */
	assert_int_equal(shop_count(s, "DeleteListener"), 0);
	assert_int_equal(shop_stands(s), 3);
}

/* ---- what went before the new came ---- */

#define FULL 60

/* A group as full as it may be: the clients' rules are of ports from 8001 on. One more says the ways out, so that these are few. */
static void fill_group(struct shop *s, Reeve__Control__V1__Rule rules[FULL + 1], Reeve__Control__V1__Rule *list[FULL + 1])
{
	for (int i = 0; i <= FULL; i++) {
		rules[i] = i < FULL ? s->k.clients : s->k.self;
		if (i < FULL)
			rules[i].from_port = rules[i].to_port = 8001 + i;
		list[i] = &rules[i];
	}
	rules[FULL].direction = REEVE__CONTROL__V1__DIRECTION__EGRESS;
	list[FULL - 1] = &rules[FULL];
	s->k.group.rules = list;
	s->k.group.n_rules = FULL;
	s->k.cluster.nodes = 0;
	s->k.s.n_target_groups = s->k.s.n_load_balancers = 0;
	shop_policy_counts(s, SHOP_POLICY "rates: {mutations_per_hour: 1000}\n");
}

static unsigned stands_on_port(const struct shop *s, int port)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->groups[0]->rules_n; i++)
		n += aws_rule_stands(&s->sim->groups[0]->rules[i]) && s->sim->groups[0]->rules[i].from == port;
	return n;
}

static enum shop_fault second_new_rule_denied(struct shop *s, const char *body)
{
	(void)s;
	return strstr(body, "FromPort=9002") != NULL && str_starts(body, "Action=Authorize") ? SHOP_DENIED : SHOP_FINE;
}

/* 59 of 60 stand. Two are exchanged, so one old rule goes ahead of the new ones; then it breaks. */
static void exchange_two_rules_in_vain(struct shop *s, enum shop_fault (*break_at)(struct shop *s, const char *body))
{
	Reeve__Control__V1__Rule rules[FULL + 1], *list[FULL + 1];
	struct desk_command one, two;

	fill_group(s, rules, list);
	shop_run(s, &one);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 350000);
	rules[0].from_port = rules[0].to_port = 9001;
	rules[1].from_port = rules[1].to_port = 9002;
	s->break_at = break_at;
	shop_apply(s, &two, 2);
	two.c.not_before = world_wall_ms(s->d.w) + 10000;
	shop_send(s, &two, false);
	assert_int_equal(shop_ends(s, &two, NULL), STATE_OF(ROLLED_BACK));
}

static void a_rule_that_made_room_is_put_back_when_the_plan_fails(void **state)
{
	struct shop *s = *state;

	exchange_two_rules_in_vain(s, second_new_rule_denied);
	assert_int_equal(shop_count(s, "RevokeSecurityGroupIngress"), 2); /* it made room, and then the new one went again */
	assert_int_equal(stands_on_port(s, 8001) + stands_on_port(s, 8002), 2);
	assert_int_equal(stands_on_port(s, 9001) + stands_on_port(s, 9002), 0);
}

/* The customer has closed it in the same moment. */
static enum shop_fault closed_by_the_customer(struct shop *s, const char *body)
{
	struct aws_group *g = s->sim->groups_n > 0 ? s->sim->groups[0] : NULL;

	for (size_t i = 0; g != NULL && str_starts(body, "Action=RevokeSecurityGroupIngress&") && i < g->rules_n; i++)
		if (strstr(body, "FromPort=8001") != NULL && g->rules[i].from == 8001 && aws_rule_stands(&g->rules[i]))
			g->rules[i].revoked_ms = g->rules[i].hidden_ms = world_now_ms(s->d.w);
	return second_new_rule_denied(s, body);
}

static void a_rule_that_the_customer_closed_is_not_opened_by_an_undo(void **state)
{
	struct shop *s = *state;

	exchange_two_rules_in_vain(s, closed_by_the_customer);
	assert_int_equal(stands_on_port(s, 8001), 0);
	assert_int_equal(stands_on_port(s, 8002), 1);
}

/* A cluster that comes in the place of another, behind the same listener. */
static enum shop_fault listener_and_balancers_end_denied(struct shop *s, const char *body)
{
	(void)s;
	if (str_starts(body, "Action=CreateListener&"))
		return SHOP_DENIED;
	return str_starts(body, "Action=DeleteLoadBalancer&") ? SHOP_DENIED : SHOP_FINE;
}

static void what_cannot_be_taken_back_is_named_and_the_others_are_taken_back(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = listener_and_balancers_end_denied;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_int_equal(shop_stands(s), 1);
	for (int starts = 0; starts < 2; starts++) {
		struct arena *m = arena_new_sized(8u << 20);
		const Reeve__Control__V1__Status *st = shop_status(s, &k, m);

		assert_non_null(strstr(st->note, "not taken back: take back: create load balancer "));
		assert_non_null(strstr(st->note, "DeleteLoadBalancer"));
		assert_string_equal(st->error->action, "elasticloadbalancing:CreateListener");
		arena_free(m);
		shop_reopen(s);
	}
}

/* The longest that a specification may have: in names of steps, groups and facts. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_cancel_before_the_pivot_takes_everything_back),
		SHOP(a_launch_that_found_no_room_has_nothing_to_take_back),
		SHOP(nodes_that_are_taken_back_leave_the_names_of_their_data_volumes),
		SHOP(so_do_nodes_that_are_taken_back_because_one_did_not_come_up),
		SHOP(a_restart_before_the_nodes_end_loses_no_name_of_a_data_volume),
		SHOP(nodes_are_taken_back_also_when_nobody_can_look_at_their_data_volumes),
		SHOP(a_verb_that_is_switched_off_stops_the_taking_back_too),
		SHOP(narrower_bounds_do_not_hold_up_the_taking_back),
		SHOP(what_an_earlier_command_made_is_not_taken_back),
		SHOP(a_rule_that_made_room_is_put_back_when_the_plan_fails),
		SHOP(a_rule_that_the_customer_closed_is_not_opened_by_an_undo),
		SHOP(what_cannot_be_taken_back_is_named_and_the_others_are_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
