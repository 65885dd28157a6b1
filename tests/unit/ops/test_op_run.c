/* test_op_run.c - the plans of a command: stage after stage, beside each other, and one result of all. */
#include "tests/unit/ops/shop.h"

/* A second cluster beside the first. */
static void add_cluster(struct shop *s, Reeve__Control__V1__Cluster *more, uint32_t nodes)
{
	*more = s->k.cluster;
	more->name = (char *)"fe";
	more->nodes = nodes;
	s->k.clusters[1] = more;
	s->k.s.n_clusters = 2;
}

static void the_base_ends_before_any_cluster_begins(void **state)
{
	struct shop *s = *state;
	Reeve__Control__V1__Cluster more;
	struct desk_command k;
	const char *launch;

	add_cluster(s, &more, 1);
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	launch = strstr(buf_str(&s->seen), "RunInstances");
	assert_non_null(launch);
	assert_null(strstr(launch, "CreateSecurityGroup"));
	assert_null(strstr(launch, "CreateListener"));
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(shop_count(s, "RunInstances"), 2);
}

static unsigned modified(struct shop *s, const struct desk_command *k, const char *kind)
{
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st = shop_status(s, k, m);
	unsigned n = 0;

	for (size_t i = 0; i < st->n_modified; i++)
		n += kind == NULL || str_eq(st->modified[i]->kind, kind);
	arena_free(m);
	return n;
}

/* The target group is new in the first, and gets a node more in the second. */
static void what_stood_there_and_is_another_way_is_told_once_as_modified(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_run(s, &one);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	assert_int_equal(modified(s, &one, NULL), 0);
	s->k.cluster.nodes++;
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(modified(s, &two, "targetgroup"), 1);
	assert_int_equal(modified(s, &two, NULL), 1);
	shop_reopen(s);
	assert_int_equal(modified(s, &two, "targetgroup"), 1);
}

static enum shop_fault fe_never_arrives(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=RunInstances&") && strstr(body, "wh-1-fe") != NULL ? SHOP_LOST : SHOP_FINE;
}

static void one_cluster_that_fails_does_not_stop_the_one_beside_it_and_the_worst_tells_the_result(void **state)
{
	struct shop *s = *state;
	Reeve__Control__V1__Cluster more;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	add_cluster(s, &more, 1);
	s->break_at = fe_never_arrives;
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED)); /* be stands, fe was looked for in vain */
	assert_int_equal(shop_alive(s), 2);
	assert_string_equal(shop_status(s, &k, m)->error->action, "ec2:RunInstances");
	arena_free(m);
}

static bool is_deep(void *ctx)
{
	return ((struct shop *)ctx)->sim->launches_n > 0;
}

static void progress_is_told_on_the_way_and_the_whole_at_the_end(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	Reeve__Control__V1__Status *st;
	struct desk_command k;

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(sim_run_until(s->d.w, is_deep, s, 600000), SIM_TRUE);
	st = shop_status(s, &k, m);
	assert_int_equal(st->state, REEVE__CONTROL__V1__STATE__RUNNING);
	assert_true(st->steps_done > 0 && st->steps_done < st->steps_total);
	assert_non_null(strstr(st->step, "cluster-be: "));
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	st = shop_status(s, &k, m);
	assert_int_equal(st->steps_done, st->steps_total);
	assert_int_equal(st->generation, 3);
	assert_int_equal(st->n_created,
			 12); /* a group, two rules in and four out, a target group, a load balancer, a listener, two nodes */
	arena_free(m);
}

static void a_command_out_of_time_ends_and_takes_back_what_it_may(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->sim->least_up_s = s->sim->most_up_s = 3600;
	shop_apply(s, &k, 1);
	k.c.deadline_s = 700; /* a balancer takes up to 600 before the launch has its turn */
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "deadline of 700 s"));
	assert_int_equal(shop_alive(s), 0);
}

static bool made_a_target_group(void *ctx)
{
	return shop_count(ctx, "CreateTargetGroup") > 0;
}

static bool took_one_back(void *ctx)
{
	return shop_count(ctx, "DeleteTargetGroup") > 0;
}

/* Nobody cancelled it; read back from the journal in the middle of the taking back, neither. */
static void a_command_out_of_time_is_not_called_cancelled(void **state)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct shop *s = *state;
	struct desk_command k;

	shop_apply(s, &k, 1);
	k.c.deadline_s = 120;
	shop_send(s, &k, false);
	assert_int_equal(sim_run_until(s->d.w, made_a_target_group, s, 60000), SIM_TRUE);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	sim_run_until(s->d.w, NULL, NULL, 121000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(sim_run_until(s->d.w, took_one_back, s, 60000), SIM_TRUE);
	shop_reopen(s);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_int_equal(shop_stands(s), 0);
	arena_free(m);
}

static bool has_started(void *ctx)
{
	struct ops *o = ((struct shop *)ctx)->d.ops;
	struct arena *m = arena_new_sized(8u << 20);
	bool has = false;
	uint8_t id[16];

	memcpy(id, ((struct shop *)ctx)->watched, sizeof(id));
	if (ops_find(o, id) != NULL) {
		Reeve__Control__V1__Status st;

		op_status(ops_find(o, id), m, &st);
		has = st.started_at != 0;
	}
	arena_free(m);
	return has;
}

/* Held up by STOP from its start on, until the verb's own deadline is over; a restart gives it no more. */
static void stop_beyond(struct shop *s, const struct desk_command *k, uint64_t deadline_s)
{
	struct arena *m = arena_new_sized(8u << 20);

	s->watched = k->id;
	assert_int_equal(sim_run_until(s->d.w, has_started, s, 600000), SIM_TRUE);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	sim_run_until(s->d.w, NULL, NULL, (deadline_s - 300) * 1000);
	shop_reopen(s);
	sim_run_until(s->d.w, NULL, NULL, 240000);
	assert_int_equal(shop_status(s, k, m)->state, STATE_OF(RUNNING));
	sim_run_until(s->d.w, NULL, NULL, 120000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	arena_free(m);
}

static void a_command_that_names_no_deadline_ends_at_its_verbs(void **state)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	shop_policy_counts(s, SHOP_POLICY);
	shop_apply(s, &k, 1);
	assert_int_equal(k.c.deadline_s, 0);
	shop_send(s, &k, false);
	stop_beyond(s, &k, 2700);
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	assert_non_null(strstr(message, "deadline of 2700 s is over"));
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_int_equal(shop_stands(s), 0);
	arena_free(m);
}

/* What has begun and cannot be taken back is not left half done: there each step has a time of its own. */
static void behind_the_pivot_a_deadline_leaves_nothing_half_done(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy_counts(s, SHOP_POLICY);
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	shop_delete(&k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	stop_beyond(s, &k, 1200);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 0);
	assert_int_equal(shop_stands(s), 0);
}

/* AWS takes a few launches at once and then two a second, of all that the account does. */
static void of_many_clusters_ten_come_up_beside_each_other_and_then_the_rest(void **state)
{
	enum { CLUSTERS = 13 };
	static Reeve__Control__V1__Cluster clusters[CLUSTERS];
	static Reeve__Control__V1__Cluster *list[CLUSTERS];
	static char names[CLUSTERS][8];
	struct shop *s = *state;
	struct desk_command k;

	shop_policy_counts(s, "commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS
			      "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 20, cidrs: [10.0.0.0/8], "
			      "ports: [1-65535]}\n");
	s->k.s.n_load_balancers = s->k.s.n_target_groups = 0;
	s->k.cluster.n_volumes = 0;
	s->k.cluster.nodes = 1;
	for (size_t i = 0; i < CLUSTERS; i++) {
		snprintf(names[i], sizeof(names[i]), "be-%02zu", i);
		clusters[i] = s->k.cluster;
		clusters[i].name = names[i];
		list[i] = &clusters[i];
	}
	s->k.s.clusters = list;
	s->k.s.n_clusters = CLUSTERS;
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	shop_listen(s);
	while (strstr(buf_str(&s->log), "plan=cluster-be-") == NULL || strstr(buf_str(&s->log), "end=ok") == NULL) {
		assert_true(shop_alive(s) <= 10);
		desk_pass(&s->d, 100);
	}
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), CLUSTERS);
}

static enum shop_fault throttle_groups(struct shop *s, const char *body)
{
	(void)s;
	return strstr(body, "Action=CreateTargetGroup") != NULL ? SHOP_THROTTLED : SHOP_FINE;
}

/* Behind it the monotonic clock begins anew, and is younger than the operation. */
static void a_machine_that_reboots_gives_a_command_no_more_time(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];
	uint64_t opened_ms;

	shop_policy_counts(s, SHOP_POLICY);
	s->break_at = throttle_groups;
	shop_apply(s, &k, 1);
	k.c.deadline_s = 600;
	shop_send(s, &k, false);
	desk_pass(&s->d, 120000);
	desk_shut(&s->d);
	sim_wall_set(s->d.w, world_wall_ms(s->d.w) + 3600000);
	shop_open(s);
	opened_ms = world_now_ms(s->d.w);
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	assert_non_null(strstr(message, "deadline of 600 s is over"));
	assert_true(world_now_ms(s->d.w) - opened_ms < 120000);
}

/* What a spec may say must be possible without a deadline of the vendor's. */
static void nodes_that_drain_for_an_hour_have_that_hour_by_default(void **state)
{
	static Reeve__Control__V1__Drain drain = REEVE__CONTROL__V1__DRAIN__INIT;
	struct shop *s = *state;
	struct desk_command k;

	drain.wait_s = 3600;
	s->k.cluster.drain = &drain;
	s->k.cluster.n_volumes = 0;
	shop_policy_counts(s, SHOP_POLICY);
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->k.cluster.nodes = 1;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 1);
}

static void an_operate_role_that_is_taken_away_changes_nothing(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->sim->role_gone = true;
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(s->sim->effects, 0);
}

static const char *changes_to; /* what the policy says from the moment on at which the operate role is asked for; NULL: STOP */

static enum shop_fault while_the_role_is_assumed(struct shop *s, const char *body)
{
	if (strstr(body, "Action=AssumeRole") == NULL || s->broke++ > 0)
		return SHOP_FINE;
	if (changes_to != NULL)
		shop_policy(s, changes_to);
	else
		sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	return SHOP_FINE;
}

static void start_with_a_change_of_mind(struct shop *s, struct desk_command *k, const char *to)
{
	changes_to = to;
	s->break_at = while_the_role_is_assumed;
	shop_apply(s, k, 1);
	shop_send(s, k, false);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_true(s->broke > 0);
	assert_int_equal(s->seen.len, 0);
}

/* Keys take their time: what left the guard before them is asked again before it leaves. */
static void a_stop_while_the_role_is_assumed_holds_the_call_back(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	start_with_a_change_of_mind(s, &k, NULL);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
}

static void a_verb_that_is_switched_off_while_the_role_is_assumed_changes_nothing(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	start_with_a_change_of_mind(s, &k, "commands: {warehouse.apply: off}\n");
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "the policy now says off for warehouse.apply"));
	assert_int_equal(s->seen.len, 0);
}

/* The policy named the user data when the command started; now it allows it only as any, which asks for the second key. */
static void a_hash_that_is_taken_back_while_the_role_is_assumed_lets_no_user_data_start(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->k.cluster.user_data = (ProtobufCBinaryData){ 3, (uint8_t *)"abc" };
	shop_policy(s, SHOP_USER_DATA(SHOP_ABC));
	start_with_a_change_of_mind(s, &k, SHOP_USER_DATA("any"));
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "now needs a release signature"));
	assert_int_equal(s->seen.len, 0);
}

static bool is_taken_out(void *ctx)
{
	return shop_count(ctx, "DeregisterTargets") > 0;
}

/* Three nodes, and two are wanted. While the third drains, one of the two goes: so the third is needed, and serves on. */
static void a_node_too_many_stays_when_one_that_was_to_stay_has_gone(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	const struct aws_tg *g;
	unsigned serving = 0;

	s->k.cluster.n_volumes = 0;
	s->k.cluster.nodes = 3;
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->k.cluster.nodes = 2;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(sim_run_until(s->d.w, is_taken_out, s, 600000), SIM_TRUE);
	g = s->sim->target_groups[0];
	aws_hand_end(s->sim, s->sim->instances[0]); /* the oldest, and so one of those that stay */
	assert_true(shop_until(s, &k, STATE_OF(ROLLED_BACK), 3600000));
	desk_pass(&s->d, 120000);
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
	for (size_t i = 0; i < g->targets_n; i++)
		serving += aws_serves(s->sim, g, &g->targets[i]);
	assert_int_equal(serving, 2);
}

/* Two become of another type. While the first drains the other goes: so the first is the last one, and serves on as it was. */
static void the_last_one_is_not_stopped_when_the_other_went_while_it_drained(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	const struct aws_tg *g;
	unsigned serving = 0;

	shop_policy_counts(s, "commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS
			      "instance_types: [r6i.xlarge, m6i.large], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, "
			      "cidrs: [10.0.0.0/8], ports: [1-65535]}\n");
	s->k.cluster.n_volumes = 0;
	s->k.cluster.nodes = 2;
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->k.cluster.instance_type = (char *)"m6i.large";
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(sim_run_until(s->d.w, is_taken_out, s, 600000), SIM_TRUE);
	g = s->sim->target_groups[0];
	for (size_t i = 0; i < g->targets_n; i++)
		for (size_t n = 0; g->targets[i].draining_ms == 0 && n < s->sim->instances_n; n++)
			if (str_eq(s->sim->instances[n]->t.id, g->targets[i].id))
				aws_hand_end(s->sim, s->sim->instances[n]);
	assert_true(shop_until(s, &k, STATE_OF(ROLLED_BACK), 3600000));
	desk_pass(&s->d, 120000);
	assert_int_equal(shop_count(s, "StopInstances"), 0);
	for (size_t i = 0; i < g->targets_n; i++)
		serving += aws_serves(s->sim, g, &g->targets[i]);
	assert_int_equal(serving, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(the_base_ends_before_any_cluster_begins),
		SHOP(what_stood_there_and_is_another_way_is_told_once_as_modified),
		SHOP(one_cluster_that_fails_does_not_stop_the_one_beside_it_and_the_worst_tells_the_result),
		SHOP(progress_is_told_on_the_way_and_the_whole_at_the_end),
		SHOP(a_command_out_of_time_ends_and_takes_back_what_it_may),
		SHOP(a_command_out_of_time_is_not_called_cancelled),
		SHOP(a_command_that_names_no_deadline_ends_at_its_verbs),
		SHOP(behind_the_pivot_a_deadline_leaves_nothing_half_done),
		SHOP(of_many_clusters_ten_come_up_beside_each_other_and_then_the_rest),
		SHOP(a_machine_that_reboots_gives_a_command_no_more_time),
		SHOP(nodes_that_drain_for_an_hour_have_that_hour_by_default),
		SHOP(an_operate_role_that_is_taken_away_changes_nothing),
		SHOP(a_stop_while_the_role_is_assumed_holds_the_call_back),
		SHOP(a_hash_that_is_taken_back_while_the_role_is_assumed_lets_no_user_data_start),
		SHOP(a_verb_that_is_switched_off_while_the_role_is_assumed_changes_nothing),
		SHOP(a_node_too_many_stays_when_one_that_was_to_stay_has_gone),
		SHOP(the_last_one_is_not_stopped_when_the_other_went_while_it_drained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
