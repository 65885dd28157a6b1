/* test_op_plan.c - the plan of an operation: made anew when the world has overtaken it, and counted with what others launch. */
#include "tests/unit/ops/shop.h"

static void other_warehouse(struct shop *s, struct desk_command *k, uint64_t seq)
{
	s->k.s.warehouse = (char *)"wh-2";
	shop_apply(s, k, seq);
	k->c.target = (char *)"wh-2";
	shop_send(s, k, false);
}

static bool is_launched(void *ctx)
{
	return ((struct shop *)ctx)->sim->launches_n > 0;
}

static const char three_nodes[] = "commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS
				  "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 3, "
				  "volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535]}\n";

/* Two and two are more than three, whenever the second is planned: also before a node of the first is to be seen. */
static void warehouses_beside_each_other_keep_the_bound_together(void **state)
{
	(void)state;
	for (unsigned wait_ms = 0; wait_ms < 20000; wait_ms = wait_ms * 2 + 100) {
		struct desk_command one, two;
		int ends[2];
		char message[512];
		void *mine;
		struct shop *s;

		shop_start(&mine);
		s = mine;
		shop_policy(s, three_nodes);
		shop_run(s, &one);
		sim_run_until(s->d.w, NULL, NULL, wait_ms);
		other_warehouse(s, &two, 2);
		ends[1] = shop_ends(s, &two, message);
		ends[0] = shop_ends(s, &one, NULL);
		assert_int_equal(ends[0], DONE);
		assert_int_equal(ends[1], STATE_OF(DENIED));
		assert_non_null(strstr(message, "policy bounds.nodes_total is 3, the plan makes 4"));
		assert_int_equal(shop_alive(s), 2);
		shop_end(&mine);
	}
}

/* Under STOP both were planned for an empty account; when it goes, the one starts and the other counts anew. */
static void a_plan_from_before_another_start_is_made_anew(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;
	char message[512];
	int ends[2];

	shop_policy(s, three_nodes);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	shop_run(s, &one);
	other_warehouse(s, &two, 2);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	ends[0] = shop_ends(s, &one, message);
	ends[1] = shop_ends(s, &two, ends[0] == DONE ? message : NULL);
	assert_true((ends[0] == DONE) != (ends[1] == DONE));
	assert_non_null(strstr(message, "nodes_total is 3, the plan makes 4"));
	assert_int_equal(shop_alive(s), 2);
}

/* While STOP stands the plan waits; by the time that it starts the customer wants another tag on what it makes. */
static void a_plan_from_before_the_customer_changed_the_tags_is_made_anew(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	shop_policy(s, SHOP_POLICY "customer_tags: [{key: cost-center, value: x}]\n");
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_true(shop_alive(s) > 0);
	for (size_t i = 0; i < s->sim->instances_n; i++)
		assert_string_equal(aws_tag_of(&s->sim->instances[i]->t, "cost-center"), "x");
}

static void what_an_operation_has_launched_is_not_counted_twice(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_policy(s, "commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS
		       "instance_types: [r6i.xlarge], nodes_per_cluster: 9, "
		       "nodes_total: 4, volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535]}\n");
	s->sim->least_up_s = s->sim->most_up_s = 120; /* the first runs for a while with its nodes in sight */
	shop_run(s, &one);
	assert_int_equal(sim_run_until(s->d.w, is_launched, s, 600000), SIM_TRUE);
	other_warehouse(s, &two, 2);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	assert_int_equal(shop_alive(s), 4);
}

/* AWS does not show for a while what the first command made: the second waits, and makes nothing again. */
static void an_inventory_that_lags_behind_is_not_planned_from(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command one, two;

	shop_run(s, &one);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	s->sim->instances[0]->t.shown_ms = world_now_ms(s->d.w) + 20000;
	s->k.cluster.nodes = 3;
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	sim_run_until(s->d.w, NULL, NULL, 10000);
	assert_int_equal(op_fields(ops_find(s->d.ops, two.id))->state, STATE_OF(RECEIVED));
	assert_non_null(strstr(shop_status(s, &two, m)->note, "AWS does not show yet instance i-"));
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(shop_alive(s), 3);
	arena_free(m);
}

/* The first got one node of two, and comes up slowly: the second may have the other. */
static void a_launch_that_came_short_is_not_still_coming(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_policy(s, three_nodes);
	s->sim->capacity = 1;
	s->sim->least_up_s = s->sim->most_up_s = 120;
	shop_run(s, &one);
	assert_int_equal(sim_run_until(s->d.w, is_launched, s, 600000), SIM_TRUE);
	s->sim->capacity = 9;
	other_warehouse(s, &two, 2);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	assert_int_equal(shop_alive(s), 3);
}

/* What a plan tells is what the account holds. */
static void a_verb_that_is_off_is_not_even_planned(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	uint64_t asked = s->sim->requests;

	shop_policy(s, "commands: {warehouse.delete: auto}\nbounds: {warehouses: [wh-1]}\n");
	shop_apply(s, &k, 1);
	k.c.mode = REEVE__CONTROL__V1__MODE__PLAN;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(DENIED));
	assert_string_equal(shop_status(s, &k, m)->plan_text, "");
	assert_int_equal(s->sim->requests, asked);
	arena_free(m);
}

static void lend_plan(const struct op *from, struct op *to)
{
	json_t *records = json_array();

	op_records(from, records);
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *r = json_array_get(records, i);

		if (str_eq(json_string_value(json_array_get(r, 0)), "command.planned"))
			op_replay(to, "command.planned", json_array_get(r, 1), DESK_NOW);
	}
	json_decref(records);
}

/* What a start reads back is the plan of another time: here, to be told apart, of another command. */
static void a_plan_alone_is_made_anew_when_it_is_old(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command one, two;
	struct op *ops[2];

	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	shop_run(s, &one);
	shop_apply(s, &two, 2);
	two.c.mode = REEVE__CONTROL__V1__MODE__PLAN;
	shop_send(s, &two, false);
	ops[0] = ops_find(s->d.ops, one.id);
	ops[1] = ops_find(s->d.ops, two.id);
	lend_plan(ops[0], ops[1]);
	assert_int_equal(op_fields(ops[1])->state, STATE_OF(PLANNED));
	ops_cancel(s->d.ops, one.id);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_non_null(strstr(shop_status(s, &two, m)->plan_text, op_fields(ops[1])->id_text));
	arena_free(m);
}

static enum shop_fault describe_dies(struct shop *s, const char *body)
{
	return str_starts(body, "Action=Describe") && s->broke++ < 20 ? SHOP_LOST : SHOP_FINE;
}

static void an_inventory_that_cannot_be_had_is_asked_for_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = describe_dies;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_true(s->broke > 20);
}

/* The delay is three minutes: nobody ends before that, not in scale-in and not in a deletion. */
static void a_node_ends_when_its_last_connection_has_had_its_time(void **state)
{
	struct shop *s = *state;
	const struct aws_tg *g;
	struct desk_command k;

	s->sim->delay_s = 180;
	s->k.cluster.nodes = 3;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->k.cluster.nodes = 2;
	shop_apply(s, &k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	shop_delete(&k, 3);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	g = s->sim->target_groups[0];
	assert_int_equal(g->targets_n, 3);
	for (size_t i = 0; i < g->targets_n; i++) {
		const struct aws_target *t = &g->targets[i];
		uint64_t ended_ms = 0;

		for (size_t n = 0; n < s->sim->instances_n; n++)
			if (str_eq(s->sim->instances[n]->t.id, t->id))
				ended_ms = s->sim->instances[n]->stopping_ms;
		assert_true(t->draining_ms > 0 && ended_ms >= t->draining_ms + 180 * 1000);
	}
}

static bool registers(const struct shop *s, const char *id)
{
	for (size_t i = 0; i < s->sim->target_groups[0]->targets_n; i++)
		if (str_eq(s->sim->target_groups[0]->targets[i].id, id))
			return s->sim->target_groups[0]->targets[i].draining_ms == 0;
	return false;
}

/* Three nodes, of which the two youngest are protected: one goes, the oldest; the deletion of the rest is refused while planning.
 * */
static void what_is_protected_is_gone_around_and_where_it_cannot_be_nothing_is_touched(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->k.cluster.nodes = 3;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->sim->instances[1]->is_protected = s->sim->instances[2]->is_protected = true;
	s->k.cluster.nodes = 2;
	shop_apply(s, &k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, message), DONE);
	assert_false(aws_is_alive(s->sim, s->sim->instances[0]));
	buf_reset(&s->seen);
	shop_delete(&k, 3);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, " is protected from termination, so it cannot be ended"));
	assert_string_equal(buf_str(&s->seen), "");
	assert_true(registers(s, s->sim->instances[2]->t.id));
	s->sim->instances[1]->is_protected = s->sim->instances[2]->is_protected = false;
	s->sim->lbs[0]->is_protected = true;
	shop_delete(&k, 4);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, " is protected from deletion"));
	assert_string_equal(buf_str(&s->seen), "");
	assert_int_equal(shop_alive(s), 2);
}

static enum shop_fault subnet_is_full(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=DescribeSubnets&") ? SHOP_TOLD : SHOP_FINE;
}

/* The vendor may try again: somebody may free some. */
static void a_subnet_that_is_full_is_a_lack_of_capacity(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Error *e;
	struct desk_command k;

	s->answer = "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-0001</subnetId><vpcId>" AWS_VPC
		    "</vpcId><state>available</state>"
		    "<availableIpAddressCount>1</availableIpAddressCount></item></subnetSet></DescribeSubnetsResponse>";
	s->break_at = subnet_is_full;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	e = shop_status(s, &k, m)->error;
	assert_int_equal(e->class_, REEVE__CONTROL__V1__ERROR_CLASS__CAPACITY);
	assert_true(e->retryable);
	assert_non_null(strstr(e->message, "subnet-0001 has no capacity: it has 1 of the 3 addresses"));
	assert_string_equal(buf_str(&s->seen), "");
	arena_free(m);
}

/* The second apply makes no group, on which its generation would stand. */
static void the_generation_is_that_of_the_spec_that_stands(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->k.cluster.nodes = 3;
	s->k.s.generation = 4;
	shop_apply(s, &k, 2);
	k.c.expect_generation = 3;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	shop_reopen(s);
	s->k.s.generation = 5;
	shop_apply(s, &k, 3);
	k.c.expect_generation = 3;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_string_equal(message, "the account holds generation 4, the command expects 3");
	shop_apply(s, &k, 4);
	k.c.expect_generation = 4;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	/* An older spec, sent late. */
	s->k.cluster.nodes = 2;
	s->k.s.generation = 4;
	shop_apply(s, &k, 5);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_string_equal(message, "the account holds generation 5, the spec is of generation 4");
	assert_int_equal(shop_alive(s), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warehouses_beside_each_other_keep_the_bound_together),
		SHOP(a_plan_from_before_another_start_is_made_anew),
		SHOP(a_plan_from_before_the_customer_changed_the_tags_is_made_anew),
		SHOP(what_an_operation_has_launched_is_not_counted_twice),
		SHOP(an_inventory_that_lags_behind_is_not_planned_from),
		SHOP(a_launch_that_came_short_is_not_still_coming),
		SHOP(a_verb_that_is_off_is_not_even_planned),
		SHOP(a_plan_alone_is_made_anew_when_it_is_old),
		SHOP(an_inventory_that_cannot_be_had_is_asked_for_again),
		SHOP(a_node_ends_when_its_last_connection_has_had_its_time),
		SHOP(what_is_protected_is_gone_around_and_where_it_cannot_be_nothing_is_touched),
		SHOP(a_subnet_that_is_full_is_a_lack_of_capacity),
		SHOP(the_generation_is_that_of_the_spec_that_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
