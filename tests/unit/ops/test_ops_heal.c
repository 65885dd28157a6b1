/* test_ops_heal.c - a lost node is replaced by the agent itself: once, within the policy, and whether or not the vendor is
 * heard. */
#include "tests/unit/ops/patrolled.h"

#define POLICY(heal, total)                                                                                                        \
	"commands: {warehouse.apply: auto, warehouse.delete: auto" heal "}\nbounds: {" SHOP_BOUNDS                                 \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: " total ", volume_gib: 500, cidrs: [10.0.0.0/8], "       \
	"ports: [1-65535], node_http: [{port: 8041, path: /*}]}\ndelete_hold: 0s\n"
#define HEALS POLICY(", heal: auto", "9")
#define HEALS_DISKS                                                                                                                \
	"commands: {warehouse.apply: auto, heal: auto}\nbounds: {" SHOP_BOUNDS                                                     \
	"instance_types: [r6id.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "              \
	"ports: [1-65535]}\n"
#define HOUR_MS (60ull * 60 * 1000)

static void stand(struct shop *s, const char *policy, int64_t heal_until)
{
	s->k.s.self_heal = true;
	s->k.s.heal_until = heal_until;
	patrolled_stand(s, policy);
}

static struct aws_instance *node(const struct shop *s, size_t i)
{
	return s->sim->instances[i];
}

static void visit(void *ctx, struct op *op)
{
	*(struct op **)ctx = op;
}

static struct op *newest(const struct shop *s)
{
	struct op *op = NULL;

	ops_each(s->d.ops, visit, &op);
	return op;
}

static unsigned listed(const struct shop *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->target_groups_n; i++)
		for (size_t t = 0; t < s->sim->target_groups[i]->targets_n; t++)
			n += aws_serves(s->sim, s->sim->target_groups[i], &s->sim->target_groups[i]->targets[t]);
	return n;
}

static void one_that_was_ended_from_outside_is_launched_again_once(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
	assert_int_equal(listed(s), 2);
	assert_int_equal(op_fields(newest(s))->state, DONE);
	assert_string_equal(op_verb(newest(s)), "heal");
	assert_int_equal(op_fields(newest(s))->epoch, 0);
	/* What is new is what is seen from now on: the next loss is another one. */
	aws_hand_end(s->sim, node(s, 2));
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "RunInstances"), 2);
}

static void one_that_is_lost_comes_back_with_the_volume_that_it_has_left(void **state)
{
	struct shop *s = *state;
	const struct aws_volume *v = NULL;

	s->k.volume.keep = 1;
	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	for (size_t i = 0; i < s->sim->volumes_n; i++)
		if (s->sim->volumes[i]->node == node(s, 0) && s->sim->volumes[i]->is_kept)
			v = s->sim->volumes[i];
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "AttachVolume"), 1);
	assert_ptr_equal(v->node, node(s, 2));
	assert_int_equal(op_fields(newest(s))->state, DONE);
	assert_int_equal(listed(s), 2);
}

static void two_that_are_lost_together_come_back_one_after_the_other(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	aws_hand_end(s->sim, node(s, 0));
	aws_hand_end(s->sim, node(s, 1));
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "RunInstances"), 2);
	assert_int_equal(listed(s), 2);
}

/* The agent does not run when it happens, and AWS forgets the node before it runs again. */
static void one_that_went_while_the_agent_was_down_is_known_from_the_journal(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	desk_shut(&s->d);
	aws_hand_end(s->sim, node(s, 1));
	sim_run_until(s->d.w, NULL, NULL, 3 * HOUR_MS);
	shop_open(s);
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
}

static void a_crash_while_it_heals_launches_no_second_one(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	aws_hand_end(s->sim, node(s, 0));
	for (unsigned i = 0; i < 40; i++) {
		desk_pass(&s->d, PATROL_MS / 10 + 1000 * i);
		shop_reopen(s);
	}
	desk_pass(&s->d, 4 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(s->sim->launches_n, 2);
}

/* Its result stands in each report until the vendor has it, whoever else's results are acknowledged by number. */
static void its_result_waits_for_an_acknowledgement_by_its_id(void **state)
{
	struct shop *s = *state;
	ProtobufCBinaryData id;
	uint8_t bytes[16];

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 3 * PATROL_MS);
	memcpy(bytes, op_fields(newest(s))->id, sizeof(bytes));
	id = (ProtobufCBinaryData){ sizeof(bytes), bytes };
	ops_acked(s->d.ops, 1);
	desk_pass(&s->d, 1000);
	assert_non_null(ops_find(s->d.ops, bytes));
	shop_reopen(s);
	assert_non_null(ops_find(s->d.ops, bytes));
	assert_int_equal(op_fields(newest(s))->state, DONE);
	ops_acked_ids(s->d.ops, &id, 1);
	desk_pass(&s->d, 1000);
	assert_null(ops_find(s->d.ops, bytes));
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
}

/* ---- those that stand, and are sick ---- */

static void checks_fail(struct shop *s, size_t i)
{
	node(s, i)->check = "impaired";
	node(s, i)->unchecked_ms = world_now_ms(s->d.w);
	node(s, i)->checked_ms = UINT64_MAX;
}

/* Another serves before it goes; it ends, as nothing but itself goes with it. */
static void one_whose_status_checks_fail_for_two_looks_is_replaced(void **state)
{
	struct shop *s = *state;

	s->k.cluster.n_volumes = 0;
	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 0);
	desk_pass(&s->d, PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 0);
	desk_pass(&s->d, 5 * PATROL_MS);
	assert_string_equal(buf_str(&s->seen), "RunInstances RegisterTargets DeregisterTargets TerminateInstances ");
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(listed(s), 2);
}

/* Its drain is asked for like that of any node, and it is the sick one itself that would have to answer. */
static void one_that_is_too_sick_to_say_that_it_has_drained_is_replaced(void **state)
{
	Reeve__Control__V1__NodeEndpoint call = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT;
	Reeve__Control__V1__Drain drain = REEVE__CONTROL__V1__DRAIN__INIT;
	struct shop *s = *state;

	call.port = 8041;
	call.path = (char *)AWS_NODE_DRAIN;
	drain.call = &call;
	s->k.cluster.drain = &drain;
	s->k.cluster.n_volumes = 0;
	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 0);
	s->is_mute = true;
	desk_pass(&s->d, 8 * PATROL_MS);
	assert_string_equal(buf_str(&s->seen), "RunInstances RegisterTargets DeregisterTargets POST TerminateInstances ");
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(listed(s), 2);
}

/* Its volumes would end with it, and nobody has signed that. It is replaced once, and told as what an apply would end. */
static void one_with_data_volumes_is_left_for_a_command_to_end(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 1);
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_string_equal(buf_str(&s->seen), "RunInstances RegisterTargets DeregisterTargets ");
	assert_true(aws_is_alive(s->sim, node(s, 1)));
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(listed(s), 2);
	assert_int_equal(patrolled_seen(s).total, 1);
	assert_string_equal(json_str_or(json_array_get(patrolled_seen(s).drifts, 0), "resource", ""), node(s, 1)->t.id);
}

/* What is on disks of its host goes with it, too, and so does a volume that somebody else has attached. */
static void one_with_disks_of_its_host_is_left_for_a_command_to_end(void **state)
{
	struct shop *s = *state;

	s->k.cluster.n_volumes = 0;
	s->k.cluster.instance_type = (char *)"r6id.xlarge";
	stand(s, HEALS_DISKS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 1);
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_string_equal(buf_str(&s->seen), "RunInstances RegisterTargets DeregisterTargets ");
	assert_true(aws_is_alive(s->sim, node(s, 1)));
	assert_int_equal(op_fields(newest(s))->state, DONE);
}

/* The first one that was left is there still: it is not of the cluster any more, and what befalls the others is seen. */
static void a_second_sick_one_is_replaced_while_the_first_is_still_there(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 1);
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
	/* Also when nothing but the journal knows it. */
	shop_reopen(s);
	checks_fail(s, 0);
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 2);
	assert_int_equal(shop_alive(s), 4);
	assert_int_equal(listed(s), 2);
	/* And one that dies. */
	shop_reopen(s);
	desk_pass(&s->d, PATROL_MS);
	aws_hand_end(s->sim, node(s, 2));
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 3);
	assert_int_equal(listed(s), 2);
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
}

/* They stand, and cost: the policy's bounds count them. */
static void those_that_were_left_count_for_the_bounds(void **state)
{
	struct shop *s = *state;

	stand(s,
	      "commands: {warehouse.apply: auto, heal: auto}\nbounds: {" SHOP_BOUNDS
	      "instance_types: [r6i.xlarge], nodes_per_cluster: 3, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "
	      "ports: [1-65535]}\n",
	      DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 1);
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_int_equal(shop_alive(s), 3);
	checks_fail(s, 0);
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(op_fields(newest(s))->state, STATE_OF(DENIED));
}

/* It stands and does not serve, and so it must not count as the one that is missing. */
static void one_that_is_lost_beside_a_sick_one_that_was_left_is_made_up_for(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 1);
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 2);
	assert_int_equal(listed(s), 2);
	assert_true(aws_is_alive(s->sim, node(s, 1)));
}

static void one_that_aws_is_about_to_retire_is_replaced_before(void **state)
{
	struct shop *s = *state;

	s->k.cluster.n_volumes = 0;
	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	node(s, 0)->notice = "instance-retirement";
	desk_pass(&s->d, 4 * PATROL_MS);
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
	/* A reboot that AWS has planned is none of these. */
	node(s, 1)->notice = "system-reboot";
	desk_pass(&s->d, 4 * PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
}

static void one_that_is_well_again_at_the_next_look_is_left_alone(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 0);
	desk_pass(&s->d, PATROL_MS);
	node(s, 0)->checked_ms = 0;
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_count(s, "RunInstances"), 0);
}

/* ---- left alone ---- */

static void nothing_is_healed_that_the_policy_or_the_spec_does_not_let(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, POLICY("", "9"), DESK_NOW + 24 * (int64_t)HOUR_MS);
	shop_listen(s);
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(shop_alive(s), 1);
	assert_non_null(strstr(buf_str(&s->log), "err=\"the policy does not say auto for heal\""));
	shop_policy_counts(s, POLICY(", heal: plan-only", "9"));
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(shop_alive(s), 1);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	shop_policy_counts(s, HEALS);
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(shop_alive(s), 1);
	assert_int_equal(shop_count(s, "RunInstances"), 0);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	/* A spec without self_heal. */
	s->k.s.self_heal = false;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	desk_pass(&s->d, PATROL_MS);
	aws_hand_end(s->sim, node(s, 1));
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(shop_alive(s), 1);
}

static void without_the_vendor_it_heals_until_the_spec_says_and_not_longer(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + (int64_t)HOUR_MS);
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	desk_pass(&s->d, HOUR_MS);
	shop_listen(s);
	aws_hand_end(s->sim, node(s, 1));
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(shop_alive(s), 1);
	assert_non_null(strstr(buf_str(&s->log), "the vendor is not heard"));
	/* It is heard again. */
	shop_head(s);
	desk_pass(&s->d, PATROL_MS + 60000);
	assert_int_equal(shop_alive(s), 2);
}

static void count_local(void *ctx, struct op *op)
{
	*(unsigned *)ctx += op_stands_on(op) != NULL;
}

/* A day without the vendor: it is not tried every quarter of an hour, and the last result alone waits to be told. */
static void what_is_denied_is_tried_less_and_less_and_told_once(void **state)
{
	struct shop *s = *state;
	unsigned told = 0, tries = 0;

	stand(s, HEALS, DESK_NOW + 48 * (int64_t)HOUR_MS);
	shop_policy_counts(s, POLICY(", heal: auto", "1"));
	shop_listen(s);
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 24 * HOUR_MS);
	for (const char *at = buf_str(&s->log); (at = strstr(at, "heal.begun")) != NULL; at++)
		tries++;
	assert_in_range(tries, 5, 12);
	ops_each(s->d.ops, count_local, &told);
	assert_int_equal(told, 1);
	shop_reopen(s);
	told = 0;
	ops_each(s->d.ops, count_local, &told);
	assert_int_equal(told, 1);
	/* What the customer changes counts at the next look. */
	shop_policy_counts(s, HEALS);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_int_equal(op_fields(newest(s))->state, DONE);
	assert_int_equal(shop_alive(s), 2);
}

/* The bounds are those of every launch, and one that was refused is tried again when the policy is another. */
static void beyond_the_bounds_it_is_denied_and_tried_again(void **state)
{
	struct shop *s = *state;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	shop_policy_counts(s, POLICY(", heal: auto", "1"));
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_int_equal(op_fields(newest(s))->state, STATE_OF(DENIED));
	assert_int_equal(shop_count(s, "RunInstances"), 0);
	shop_policy_counts(s, HEALS);
	/* Whatever becomes of the wall clock meanwhile. */
	sim_wall_step(s->d.w, -12 * (int64_t)HOUR_MS);
	desk_pass(&s->d, PATROL_MS + 60000);
	assert_int_equal(shop_alive(s), 2);
	desk_pass(&s->d, PATROL_MS);
	assert_int_equal(op_fields(newest(s))->state, DONE);
	assert_int_equal(shop_alive(s), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(one_that_was_ended_from_outside_is_launched_again_once),
		SHOP(one_that_is_lost_comes_back_with_the_volume_that_it_has_left),
		SHOP(two_that_are_lost_together_come_back_one_after_the_other),
		SHOP(one_that_went_while_the_agent_was_down_is_known_from_the_journal),
		SHOP(a_crash_while_it_heals_launches_no_second_one),
		SHOP(its_result_waits_for_an_acknowledgement_by_its_id),
		SHOP(one_whose_status_checks_fail_for_two_looks_is_replaced),
		SHOP(one_that_is_too_sick_to_say_that_it_has_drained_is_replaced),
		SHOP(one_with_data_volumes_is_left_for_a_command_to_end),
		SHOP(one_with_disks_of_its_host_is_left_for_a_command_to_end),
		SHOP(a_second_sick_one_is_replaced_while_the_first_is_still_there),
		SHOP(those_that_were_left_count_for_the_bounds),
		SHOP(one_that_is_lost_beside_a_sick_one_that_was_left_is_made_up_for),
		SHOP(one_that_aws_is_about_to_retire_is_replaced_before),
		SHOP(one_that_is_well_again_at_the_next_look_is_left_alone),
		SHOP(nothing_is_healed_that_the_policy_or_the_spec_does_not_let),
		SHOP(without_the_vendor_it_heals_until_the_spec_says_and_not_longer),
		SHOP(what_is_denied_is_tried_less_and_less_and_told_once),
		SHOP(beyond_the_bounds_it_is_denied_and_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
