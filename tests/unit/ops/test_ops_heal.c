/* test_ops_heal.c - a lost node is replaced by the agent itself: once, within the policy, and whether or not the vendor is
 * heard. */
#include "tests/unit/ops/patrolled.h"

#define POLICY(heal, total)                                                                                                        \
	"commands: {warehouse.apply: auto, warehouse.delete: auto" heal "}\nbounds: {" SHOP_BOUNDS                                 \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: " total ", volume_gib: 500, cidrs: [10.0.0.0/8], "       \
	"ports: [1-65535], node_http: [{port: 8041, path: /*}]}\ndelete_hold: 0s\n"
#define HEALS POLICY(", heal: auto, nodes.replace: auto", "9")
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

static const struct aws_volume *kept_of(const struct shop *s, const struct aws_instance *n)
{
	for (size_t i = 0; i < s->sim->volumes_n; i++)
		if (s->sim->volumes[i]->node == n && s->sim->volumes[i]->is_kept)
			return s->sim->volumes[i];
	return NULL;
}

static void one_that_is_lost_comes_back_with_the_volume_that_it_has_left(void **state)
{
	struct shop *s = *state;
	const struct aws_volume *v;

	s->k.volume.keep = 1;
	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	v = kept_of(s, node(s, 0));
	aws_hand_end(s->sim, node(s, 0));
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "AttachVolume"), 1);
	assert_ptr_equal(v->node, node(s, 2));
	assert_int_equal(op_fields(newest(s))->state, DONE);
	assert_int_equal(listed(s), 2);
}

static void send_replace(struct shop *s, struct desk_command *k, size_t at)
{
	Reeve__Control__V1__NodesReplace r = REEVE__CONTROL__V1__NODES_REPLACE__INIT;
	char *ids[] = { node(s, at)->t.id };

	desk_command(k, 2);
	r.warehouse = (char *)"wh-1";
	r.cluster = (char *)"be";
	r.instances = ids;
	r.n_instances = 1;
	r.spec = &s->k.s;
	k->c.verb = REEVE__CONTROL__V1__VERB__NODES_REPLACE;
	k->c.args.len = reeve__control__v1__nodes_replace__pack(&r, k->args);
	k->c.not_before = 0;
	shop_send(s, k, false);
}

/* What a replaced node has left lies there for days, and EC2 tells of it first. */
static void a_lost_node_gets_its_own_volume_and_not_one_of_long_ago(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	const struct aws_volume *live;

	s->k.volume.keep = 1;
	stand(s, HEALS, DESK_NOW + 240 * (int64_t)HOUR_MS);
	live = kept_of(s, node(s, 1));
	send_replace(s, &k, 0);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	desk_pass(&s->d, 48 * HOUR_MS);
	shop_reopen(s); /* only the journal knows */
	aws_hand_end(s->sim, node(s, 1));
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_ptr_equal(live->node, node(s, 3));
	/* The one that has it now is lost before anybody has looked: it is known from the heal's result. */
	desk_pass(&s->d, 4 * PATROL_MS);
	aws_hand_end(s->sim, node(s, 3));
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_ptr_equal(live->node, node(s, 4));
}

static bool is_healed(void *ctx)
{
	return op_fields(newest(ctx))->is_ended && str_eq(op_verb(newest(ctx)), "heal");
}

/* The moment that a heal has ended its new node goes, too, with the same volume. */
static void one_that_a_heal_has_launched_and_that_goes_at_once_is_healed_with_the_same_volume(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	const struct aws_volume *live;

	s->k.volume.keep = 1;
	stand(s, HEALS, DESK_NOW + 240 * (int64_t)HOUR_MS);
	live = kept_of(s, node(s, 1));
	send_replace(s, &k, 0);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	desk_pass(&s->d, PATROL_MS);
	aws_hand_end(s->sim, node(s, 1));
	assert_int_equal(sim_run_until(s->d.w, is_healed, s, 6 * PATROL_MS), SIM_TRUE);
	aws_hand_end(s->sim, node(s, 3));
	shop_away(s, 4 * PATROL_MS); /* no look shows it with the volume */
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
	assert_ptr_equal(live->node, node(s, 4));
}

/* The agent is away for twenty minutes behind the apply, or a node goes within the seconds to the next look. */
static void one_that_is_lost_before_the_first_look_is_healed(void **state)
{
	struct shop *s = *state;

	for (int is_away = 0; is_away < 2; is_away++) {
		struct desk_command k;

		s->k.s.self_heal = true;
		s->k.s.heal_until = DESK_NOW + 240 * (int64_t)HOUR_MS;
		shop_policy_counts(s, HEALS);
		shop_run(s, &k);
		assert_int_equal(shop_ends(s, &k, NULL), DONE);
		aws_hand_end(s->sim, node(s, 1));
		if (is_away)
			shop_away(s, 4 * PATROL_MS);
		desk_pass(&s->d, 8 * PATROL_MS);
		assert_int_equal(shop_alive(s), 2);
		assert_int_equal(shop_end(state), 0);
		assert_int_equal(shop_start(state), 0);
		s = *state;
	}
}

static void one_that_an_apply_has_added_and_that_goes_at_once_is_healed(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	s->k.cluster.nodes = 3;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	aws_hand_end(s->sim, node(s, 2));
	desk_pass(&s->d, 8 * PATROL_MS);
	assert_int_equal(shop_alive(s), 3);
}

static bool has_launched(void *ctx)
{
	return shop_count(ctx, "RunInstances") > 0;
}

/* What stood before it stands, and is looked after as before. */
static void an_apply_that_was_cancelled_and_taken_back_does_not_end_the_healing(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->k.volume.keep = 1;
	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	s->k.cluster.nodes = 3;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(sim_run_until(s->d.w, has_launched, s, 10 * 60000), SIM_TRUE);
	op_cancel(ops_find(s->d.ops, k.id));
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_alive(s), 2);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_string_equal(patrolled_seen(s).unknown, "");
	aws_hand_end(s->sim, node(s, 1));
	desk_pass(&s->d, 8 * PATROL_MS);
	assert_int_equal(shop_alive(s), 2);
}

#define APPROVES                                                                                                                   \
	"commands: {warehouse.apply: approve, warehouse.delete: auto, heal: auto}\nbounds: {" SHOP_BOUNDS                          \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "               \
	"ports: [1-65535]}\ndelete_hold: 24h\n"

static void wait_for_approval(struct shop *s, struct desk_command *k)
{
	s->k.cluster.nodes = 3;
	s->k.s.generation++;
	shop_apply(s, k, 2);
	k->c.expires_at = world_wall_ms(s->d.w) + 7 * 24 * (int64_t)HOUR_MS;
	shop_send(s, k, false);
}

static void wait_for_hold(struct shop *s, struct desk_command *k)
{
	shop_delete(k, 2);
	k->c.expires_at = world_wall_ms(s->d.w) + 7 * 24 * (int64_t)HOUR_MS;
	shop_head(s);
	shop_send(s, k, true);
}

static void wait_for_not_before(struct shop *s, struct desk_command *k)
{
	shop_apply(s, k, 2);
	k->c.not_before = world_wall_ms(s->d.w) + 24 * (int64_t)HOUR_MS;
	k->c.expires_at = world_wall_ms(s->d.w) + 7 * 24 * (int64_t)HOUR_MS;
	shop_send(s, k, false);
}

/* What differs is told, too. */
static void a_command_that_only_waits_does_not_end_the_healing(void **state)
{
	static const struct {
		void (*send)(struct shop *s, struct desk_command *k);
		int state;
	} cases[] = { { wait_for_approval, STATE_OF(WAIT_APPROVAL) },
		      { wait_for_hold, STATE_OF(WAIT_HOLD) },
		      { wait_for_not_before, STATE_OF(RECEIVED) } };
	struct shop *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct desk_command k;

		stand(s, HEALS, DESK_NOW + 240 * (int64_t)HOUR_MS);
		shop_policy_counts(s, APPROVES);
		cases[i].send(s, &k);
		desk_pass(&s->d, PATROL_MS);
		assert_int_equal(op_fields(ops_find(s->d.ops, k.id))->state, cases[i].state);
		aws_hand_end(s->sim, node(s, 1));
		desk_pass(&s->d, 6 * PATROL_MS);
		assert_int_equal(shop_alive(s), 2);
		assert_int_equal(patrolled_seen(s).total, 0);
		assert_int_equal(op_fields(newest(s))->state, DONE);
		assert_int_equal(op_fields(ops_find(s->d.ops, k.id))->state, cases[i].state);
		assert_int_equal(shop_end(state), 0);
		assert_int_equal(shop_start(state), 0);
		s = *state;
	}
}

static bool heal_runs(void *ctx)
{
	return str_eq(op_verb(newest(ctx)), "heal") && op_fields(newest(ctx))->state == STATE_OF(RUNNING);
}

/* It is let go while the heal runs: it waits for that, and starts from what stands then. */
static void a_command_whose_wait_is_over_comes_behind_the_heal_that_has_started(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	const struct op *heal;

	stand(s, HEALS, DESK_NOW + 240 * (int64_t)HOUR_MS);
	shop_policy_counts(s, APPROVES);
	wait_for_approval(s, &k);
	desk_pass(&s->d, PATROL_MS);
	aws_hand_end(s->sim, node(s, 1));
	assert_int_equal(sim_run_until(s->d.w, heal_runs, s, 3 * PATROL_MS), SIM_TRUE);
	heal = newest(s);
	shop_policy_counts(s, HEALS);
	while (!op_fields(heal)->is_ended) {
		assert_int_not_equal(op_fields(ops_find(s->d.ops, k.id))->state, STATE_OF(RUNNING));
		desk_pass(&s->d, 100);
	}
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(shop_count(s, "RunInstances"), 2);
}

static bool heal_is_accepted(void *ctx)
{
	return str_eq(op_verb(newest(ctx)), "heal");
}

static unsigned at_work(const struct shop *s, const struct desk_command *k)
{
	const struct op *op = ops_find(s->d.ops, k->id), *heal = newest(s);

	unsigned n = op_fields(op)->state == STATE_OF(RUNNING);

	return n + (heal != op && op_fields(heal)->state == STATE_OF(RUNNING) ? 1 : 0);
}

/* So long the other one has time to plan. */
static enum shop_fault first_launch_is_slow(struct shop *s, const char *body)
{
	if (strstr(body, "Action=RunInstances") == NULL || s->slow > 0)
		return SHOP_FINE;
	s->slow++;
	return SHOP_SLOW;
}

/* Both are planned beside each other, whichever starts first: the other one waits, and is planned anew. */
static void a_command_and_a_heal_of_one_warehouse_never_run_together(void **state)
{
	struct shop *s = *state;

	for (unsigned ms = 0; ms < 3000; ms += 300) {
		struct desk_command k;

		stand(s, HEALS, DESK_NOW + 240 * (int64_t)HOUR_MS);
		shop_policy_counts(s, APPROVES);
		wait_for_approval(s, &k);
		desk_pass(&s->d, PATROL_MS);
		aws_hand_end(s->sim, node(s, 1));
		assert_int_equal(sim_run_until(s->d.w, heal_is_accepted, s, 3 * PATROL_MS), SIM_TRUE);
		s->break_at = first_launch_is_slow;
		desk_pass(&s->d, ms);
		shop_policy(s, HEALS);
		for (unsigned i = 0; i < 6000 && !op_fields(ops_find(s->d.ops, k.id))->is_ended; i++) {
			desk_pass(&s->d, 100);
			assert_true(at_work(s, &k) < 2);
		}
		desk_pass(&s->d, 8 * PATROL_MS);
		assert_int_equal(op_fields(ops_find(s->d.ops, k.id))->state, DONE);
		assert_int_equal(shop_alive(s), 3);
		assert_int_equal(shop_count(s, "RunInstances"), 2);
		assert_int_equal(shop_end(state), 0);
		assert_int_equal(shop_start(state), 0);
		s = *state;
	}
}

static void checks_fail(struct shop *s, size_t i)
{
	node(s, i)->check = "impaired";
	node(s, i)->unchecked_ms = world_now_ms(s->d.w);
	node(s, i)->checked_ms = UINT64_MAX;
}

#define ONE_A_DAY HEALS "rates: {deletions_per_day: 1}\n"

/* One node stands, and it is ill. The rates let it end nobody before tomorrow. */
static void a_heal_waits(struct shop *s)
{
	struct desk_command k;

	s->k.cluster.n_volumes = 0;
	stand(s, HEALS, DESK_NOW + 240 * (int64_t)HOUR_MS);
	s->k.cluster.nodes = 1;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE); /* that is the one */
	shop_policy_counts(s, ONE_A_DAY);
	desk_pass(&s->d, PATROL_MS);
	checks_fail(s, aws_is_alive(s->sim, node(s, 0)) ? 0 : 1);
	assert_int_equal(sim_run_until(s->d.w, heal_is_accepted, s, 4 * PATROL_MS), SIM_TRUE);
	desk_pass(&s->d, 60000);
	assert_int_equal(op_fields(newest(s))->state, STATE_OF(PLANNED));
}

/* The vendor wants a node more now. */
static void overtake(struct shop *s, uint64_t seq, uint32_t nodes)
{
	struct desk_command k;

	s->k.cluster.nodes = nodes;
	s->k.s.generation++;
	shop_apply(s, &k, seq);
	shop_send(s, &k, false);
	desk_pass(&s->d, 60000);
	assert_int_equal(op_fields(ops_find(s->d.ops, k.id))->state, STATE_OF(RUNNING));
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), nodes);
}

static void a_heal_that_only_waits_keeps_no_command_from_starting(void **state)
{
	struct shop *s = *state;

	a_heal_waits(s);
	overtake(s, 3, 3);
}

/* It has not failed: nothing keeps the next one from being begun, of the spec that stands then. */
static void a_heal_that_commands_overtake_comes_again_as_soon_as_before(void **state)
{
	struct shop *s = *state;

	a_heal_waits(s);
	for (uint32_t i = 0; i < 4; i++) {
		overtake(s, 3 + i, 2 + i);
		assert_int_equal(sim_run_until(s->d.w, heal_is_accepted, s, 2 * PATROL_MS), SIM_TRUE);
	}
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
	aws_hand_end(s->sim, node(s, 1));
	shop_away(s, 3 * HOUR_MS);
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

/* Nobody balances, so no group tells which of them serves. The spec that stands is sent again with both keys, and by then the old
 * one may be well again. */
static void the_apply_that_ends_what_a_heal_has_left_ends_that_one(void **state)
{
	struct shop *s = *state;

	for (int is_well = 0; is_well < 2; is_well++) {
		struct desk_command k;

		s->k.s.n_target_groups = s->k.s.n_load_balancers = 0;
		stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
		checks_fail(s, 0);
		desk_pass(&s->d, 8 * PATROL_MS);
		assert_int_equal(shop_alive(s), 3);
		if (is_well)
			node(s, 0)->check = "ok";
		desk_pass(&s->d, PATROL_MS);
		assert_string_equal(json_str_or(json_array_get(patrolled_seen(s).drifts, 0), "resource", ""), node(s, 0)->t.id);
		s->k.s.generation++;
		shop_apply(s, &k, 2);
		shop_head(s);
		shop_send(s, &k, true);
		assert_int_equal(shop_ends(s, &k, NULL), DONE);
		assert_false(aws_is_alive(s->sim, node(s, 0)));
		assert_true(aws_is_alive(s->sim, node(s, 2)));
		assert_int_equal(shop_end(state), 0);
		assert_int_equal(shop_start(state), 0);
		s = *state;
	}
}

static void a_scale_in_ends_the_one_whose_status_checks_fail(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->k.s.n_target_groups = s->k.s.n_load_balancers = 0;
	s->k.cluster.n_volumes = 0;
	patrolled_stand(s, HEALS);
	checks_fail(s, 0);
	desk_pass(&s->d, PATROL_MS);
	s->k.cluster.nodes = 1;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_true(aws_is_alive(s->sim, node(s, 1)));
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

static void leave_one(struct shop *s)
{
	stand(s, HEALS, DESK_NOW + 24 * (int64_t)HOUR_MS);
	checks_fail(s, 0);
	desk_pass(&s->d, 12 * PATROL_MS);
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(listed(s), 2);
	buf_reset(&s->seen);
}

/* It serves nobody, and so it does not make the cluster larger. With both keys it ends. */
static void a_scale_out_does_not_count_what_a_heal_has_left(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	leave_one(s);
	s->k.cluster.nodes = 3;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(listed(s), 3);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_int_equal(patrolled_seen(s).total, 0);
}

/* It ends only when the new one serves, so until then it stands beside that. */
static void a_scale_out_has_room_for_what_a_heal_has_left(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char m[512];

	leave_one(s);
	shop_policy_counts(s, POLICY(", heal: auto", "3"));
	s->k.cluster.nodes = 3;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, m), STATE_OF(DENIED));
	assert_non_null(strstr(m, "nodes_total"));
	assert_int_equal(shop_count(s, "RunInstances"), 0);
}

static void a_node_that_is_missing_beside_what_a_heal_has_left_is_told(void **state)
{
	struct shop *s = *state;

	leave_one(s);
	shop_policy_counts(s, POLICY("", "9"));
	aws_hand_end(s->sim, node(s, 1));
	desk_pass(&s->d, 4 * PATROL_MS);
	assert_non_null(strstr(patrolled_drifts(s), "cluster-be/launch nodes\n"));
	assert_non_null(strstr(patrolled_drifts(s), node(s, 0)->t.id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(one_that_was_ended_from_outside_is_launched_again_once),
		SHOP(one_that_is_lost_comes_back_with_the_volume_that_it_has_left),
		SHOP(a_lost_node_gets_its_own_volume_and_not_one_of_long_ago),
		SHOP(one_that_a_heal_has_launched_and_that_goes_at_once_is_healed_with_the_same_volume),
		SHOP(one_that_is_lost_before_the_first_look_is_healed),
		SHOP(one_that_an_apply_has_added_and_that_goes_at_once_is_healed),
		SHOP(an_apply_that_was_cancelled_and_taken_back_does_not_end_the_healing),
		SHOP(a_command_that_only_waits_does_not_end_the_healing),
		SHOP(a_command_whose_wait_is_over_comes_behind_the_heal_that_has_started),
		SHOP(a_command_and_a_heal_of_one_warehouse_never_run_together),
		SHOP(a_heal_that_only_waits_keeps_no_command_from_starting),
		SHOP(a_heal_that_commands_overtake_comes_again_as_soon_as_before),
		SHOP(two_that_are_lost_together_come_back_one_after_the_other),
		SHOP(one_that_went_while_the_agent_was_down_is_known_from_the_journal),
		SHOP(a_crash_while_it_heals_launches_no_second_one),
		SHOP(its_result_waits_for_an_acknowledgement_by_its_id),
		SHOP(one_whose_status_checks_fail_for_two_looks_is_replaced),
		SHOP(one_that_is_too_sick_to_say_that_it_has_drained_is_replaced),
		SHOP(one_with_data_volumes_is_left_for_a_command_to_end),
		SHOP(one_with_disks_of_its_host_is_left_for_a_command_to_end),
		SHOP(the_apply_that_ends_what_a_heal_has_left_ends_that_one),
		SHOP(a_scale_in_ends_the_one_whose_status_checks_fail),
		SHOP(a_scale_out_does_not_count_what_a_heal_has_left),
		SHOP(a_scale_out_has_room_for_what_a_heal_has_left),
		SHOP(a_node_that_is_missing_beside_what_a_heal_has_left_is_told),
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
