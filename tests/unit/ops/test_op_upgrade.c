/* test_op_upgrade.c - warehouse.upgrade from the signed command to AWS and back: who serves is never missing, what fails leaves the
 * old nodes, and a further upgrade ends what one has begun. */
#include "tests/unit/ops/shop.h"

#define OLD_IMAGE "ami-1"
#define NEW_IMAGE "ami-3"
#define POLICY(images, total)                                                                                                      \
	"commands: {warehouse.apply: auto, warehouse.upgrade: auto}\nbounds: {images: [" images                                    \
	"], subnets: [subnet-0001, subnet-0002], warehouses: [wh-1], balancers: 4, volumes_per_node: 8, volume_types: [gp3], "     \
	"tag_keys: [sdb-*], instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: " total                               \
	", volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535]}\nrates: {ended_at_once: 100%}\n"
#define BOTH OLD_IMAGE ", " NEW_IMAGE

static const struct aws_instance *node(const struct shop *s, size_t i)
{
	return s->sim->instances[i];
}

static unsigned serving(const struct aws_sim *a)
{
	unsigned n = 0;

	for (size_t i = 0; a->target_groups_n > 0 && i < a->target_groups[0]->targets_n; i++)
		n += aws_serves(a, a->target_groups[0], &a->target_groups[0]->targets[i]);
	return n;
}

static unsigned of_image(const struct shop *s, const char *image)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->instances_n; i++)
		n += aws_is_alive(s->sim, node(s, i)) && !node(s, i)->foreign && str_eq(node(s, i)->image, image);
	return n;
}

/* Whenever something changes as many serve as before. */
static void on_call(void *ctx, const struct aws_entry *e)
{
	struct shop *s = ctx;

	assert_true(serving(s->sim) >= s->k.cluster.nodes);
	buf_addf(&s->seen, "%s ", e->action);
}

static void send_upgrade(struct shop *s, struct desk_command *k, uint64_t seq, uint32_t batch)
{
	Reeve__Control__V1__WarehouseUpgrade u = REEVE__CONTROL__V1__WAREHOUSE_UPGRADE__INIT;

	desk_command(k, seq);
	s->k.cluster.image_id = (char *)NEW_IMAGE;
	s->k.s.generation++;
	u.warehouse = (char *)"wh-1";
	u.batch = batch;
	u.spec = &s->k.s;
	k->c.verb = REEVE__CONTROL__V1__VERB__WAREHOUSE_UPGRADE;
	k->c.args.len = reeve__control__v1__warehouse_upgrade__pack(&u, k->args);
	k->c.not_before = 0;
	shop_send(s, k, false);
}

/* Nodes without volumes stand. The command is seq 1. */
static void stand(struct shop *s, uint32_t nodes)
{
	struct desk_command k;

	shop_policy_counts(s, POLICY(BOTH, "9"));
	s->k.cluster.n_volumes = 0;
	s->k.cluster.nodes = nodes;
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(serving(s->sim), nodes);
	s->sim->watch = on_call;
	buf_reset(&s->seen);
}

static void pause_it(struct shop *s)
{
	struct desk_command k;

	s->sim->watch = shop_on_call;
	s->k.s.generation++;
	s->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	buf_reset(&s->seen);
}

#define ONE "RunInstances RegisterTargets DeregisterTargets TerminateInstances "

static void who_serves_is_never_missing_while_all_get_the_new_image(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 2);
	send_upgrade(s, &k, 2, 0);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(buf_str(&s->seen), ONE ONE);
	assert_int_equal(of_image(s, NEW_IMAGE), 2);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(serving(s->sim), 2);
	/* The same again has nothing to do. */
	send_upgrade(s, &k, 3, 0);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(buf_str(&s->seen), ONE ONE);
}

static void a_batch_goes_at_once_where_the_bounds_have_room_for_it(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	stand(s, 3);
	shop_policy_counts(s, POLICY(BOTH, "4"));
	send_upgrade(s, &k, 2, 2);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_string_equal(message, "policy bounds.nodes_total is 4, the plan makes 5");
	shop_policy_counts(s, POLICY(BOTH, "5"));
	send_upgrade(s, &k, 3, 2);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(buf_str(&s->seen), ONE ONE);
	assert_int_equal(of_image(s, NEW_IMAGE), 3);
	assert_int_equal(shop_alive(s), 3);
}

static void an_image_that_the_policy_does_not_allow_is_denied(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	stand(s, 1);
	shop_policy_counts(s, POLICY(OLD_IMAGE, "9"));
	send_upgrade(s, &k, 2, 1);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "bounds.images"));
	assert_int_equal(of_image(s, OLD_IMAGE), 1);
}

/* What was upgraded stays, the result names it, and none of the next batches begins; the cluster is then between two images, which
 * no apply can end, and an upgrade can. */
static void after_a_failure_the_rest_keeps_the_old_image_until_the_next_upgrade(void **state)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	stand(s, 3);
	send_upgrade(s, &k, 2, 1);
	while (strstr(buf_str(&s->seen), "TerminateInstances") == NULL)
		assert_false(shop_until(s, &k, ANY_END, 1000));
	s->sim->capacity = 3;
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	assert_non_null(strstr(message, "Capacity"));
	assert_int_equal(of_image(s, NEW_IMAGE), 1);
	assert_int_equal(of_image(s, OLD_IMAGE), 2);
	assert_int_equal(serving(s->sim), 3);
	assert_int_equal(shop_status(s, &k, m)->n_created, 1);
	assert_int_equal(shop_status(s, &k, m)->n_deleted, 1);
	arena_free(m);
	/* Meanwhile one of the old ones is lost, too. */
	s->sim->watch = shop_on_call;
	s->sim->capacity = 1000;
	for (size_t i = 0; i < 3; i++)
		if (aws_is_alive(s->sim, node(s, i))) {
			aws_hand_end(s->sim, s->sim->instances[i]);
			break;
		}
	desk_pass(&s->d, 600000);
	shop_apply(s, &k, 3);
	shop_send(s, &k, false);
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	assert_non_null(strstr(message, "by warehouse.upgrade"));
	send_upgrade(s, &k, 4, 1);
	assert_int_equal(shop_ends(s, &k, message), DONE);
	assert_int_equal(of_image(s, NEW_IMAGE), 3);
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(serving(s->sim), 3);
}

/* It is taken back, and the old ones have served all the time. */
static void a_batch_of_which_one_does_not_become_healthy_goes_as_a_whole(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 2);
	s->sim->watch = shop_on_call;
	send_upgrade(s, &k, 2, 2);
	for (unsigned i = 0; i < 1200 && !shop_until(s, &k, ANY_END, 1000); i++)
		if (s->sim->instances_n > 2)
			for (size_t t = 0; t < s->sim->target_groups[0]->targets_n; t++)
				if (str_eq(s->sim->target_groups[0]->targets[t].id, node(s, s->sim->instances_n - 1)->t.id))
					s->sim->target_groups[0]->targets[t].healthy_ms = world_now_ms(s->d.w) + 3600000;
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_string_equal(buf_str(&s->seen), "RunInstances RegisterTargets DeregisterTargets TerminateInstances ");
	assert_int_equal(of_image(s, OLD_IMAGE), 2);
	assert_int_equal(of_image(s, NEW_IMAGE), 0);
	assert_int_equal(serving(s->sim), 2);
}

static bool is_let_in(void *ctx)
{
	return strstr(buf_str(&((struct shop *)ctx)->seen), "RegisterTargets") != NULL;
}

/* Two new ones of three serve: that is not enough to end three old ones. */
static void a_batch_of_which_one_was_taken_out_by_hand_ends_nobody(void **state)
{
	CLEANUP(buf_close) struct buf answer = BUF_MAX(65536);
	struct shop *s = *state;
	struct desk_command k;
	char message[512], *form;

	stand(s, 3);
	s->sim->watch = shop_on_call;
	send_upgrade(s, &k, 2, 3);
	assert_int_equal(sim_run_until(s->d.w, is_let_in, s, 3600000), SIM_TRUE);
	form = mem_printf("Action=DeregisterTargets&TargetGroupArn=%s&Targets.member.1.Id=%s", s->sim->target_groups[0]->t.id,
			  node(s, s->sim->instances_n - 1)->t.id);
	assert_int_equal(aws_sim_console(s->sim, form, &answer), 200);
	mem_free(form);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(ROLLED_BACK));
	assert_non_null(strstr(message, "not all targets become healthy"));
	assert_int_equal(of_image(s, OLD_IMAGE), 3);
	assert_int_equal(of_image(s, NEW_IMAGE), 0);
	assert_int_equal(serving(s->sim), 3);
}

/* ---- paused ---- */

static void a_paused_cluster_is_stopped_again_with_the_new_image(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 2);
	pause_it(s);
	send_upgrade(s, &k, 3, 2);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(buf_str(&s->seen), "RunInstances StopInstances TerminateInstances ");
	assert_int_equal(of_image(s, NEW_IMAGE), 2);
	assert_int_equal(shop_alive(s), 2);
	for (size_t i = 0; i < s->sim->instances_n; i++)
		if (aws_is_alive(s->sim, node(s, i)) && !node(s, i)->foreign)
			assert_true(aws_is_stopped(s->sim, node(s, i)));
	/* It runs again, as the same specification says it. */
	s->k.s.generation++;
	s->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__RUNNING;
	shop_apply(s, &k, 4);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(serving(s->sim), 2);
}

/* Also when they were stopped already: nobody starts them for that. */
static void new_nodes_of_a_paused_cluster_that_do_not_stay_stopped_end_and_the_old_ones_stay(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 2);
	pause_it(s);
	send_upgrade(s, &k, 3, 2);
	/* Somebody starts them whenever they are stopped. */
	while (!shop_until(s, &k, ANY_END, 100))
		for (size_t i = 0; i < s->sim->instances_n; i++)
			if (str_eq(node(s, i)->image, NEW_IMAGE))
				aws_hand_start(s->sim, s->sim->instances[i]);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_string_equal(buf_str(&s->seen), "RunInstances StopInstances TerminateInstances ");
	assert_int_equal(of_image(s, NEW_IMAGE), 0);
	assert_int_equal(of_image(s, OLD_IMAGE), 2);
}

/* At any instant at which its old ones stand still: they stay, also where another of the batch would do. */
static void new_nodes_of_a_paused_cluster_that_end_keep_their_old_ones(void **state)
{
	(void)state;
	for (unsigned wait_ms = 0; wait_ms < 240000; wait_ms += 7000)
		for (unsigned batch = 1; batch <= 2; batch++) {
			struct desk_command k;
			struct shop *s;
			void *mine;

			shop_start(&mine);
			s = mine;
			stand(s, 2);
			pause_it(s);
			send_upgrade(s, &k, 3, batch);
			while (of_image(s, NEW_IMAGE) == 0)
				desk_pass(&s->d, 100);
			desk_pass(&s->d, wait_ms);
			if (shop_count(s, "TerminateInstances") == 0) {
				aws_hand_end(s->sim, s->sim->instances[s->sim->instances_n - 1]);
				assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
				assert_int_equal(of_image(s, OLD_IMAGE), 2);
				assert_int_equal(of_image(s, NEW_IMAGE), 0);
			}
			shop_end(&mine);
		}
}

/* Between two images an old one may run, for somebody has started it, and be given its time to drain. */
static void a_new_node_of_a_paused_cluster_that_ends_while_the_old_one_drains_keeps_it(void **state)
{
	Reeve__Control__V1__Drain drain = REEVE__CONTROL__V1__DRAIN__INIT;
	struct shop *s = *state;
	struct desk_command k;

	drain.wait_s = 900;
	s->k.cluster.drain = &drain;
	stand(s, 2);
	pause_it(s);
	send_upgrade(s, &k, 3, 1);
	while (shop_count(s, "TerminateInstances") == 0)
		desk_pass(&s->d, 1000);
	while (of_image(s, NEW_IMAGE) < 2)
		desk_pass(&s->d, 100);
	op_cancel(ops_find(s->d.ops, k.id));
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(of_image(s, OLD_IMAGE), 1);
	for (size_t i = 0; i < 2; i++)
		aws_hand_start(s->sim, s->sim->instances[i]);
	desk_pass(&s->d, 600000);
	buf_reset(&s->seen);
	send_upgrade(s, &k, 4, 1);
	while (shop_count(s, "StopInstances") == 0)
		desk_pass(&s->d, 1000);
	desk_pass(&s->d, 300000); /* it drains */
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
	aws_hand_end(s->sim, s->sim->instances[s->sim->instances_n - 1]);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_int_equal(of_image(s, OLD_IMAGE), 1);
}

/* ---- restarts ---- */

static void a_restart_at_any_time_launches_nothing_twice(void **state)
{
	(void)state;
	for (unsigned wait_ms = 100; wait_ms < 800000; wait_ms = wait_ms * 2) {
		struct desk_command k;
		struct shop *s;
		void *mine;

		shop_start(&mine);
		s = mine;
		stand(s, 2);
		send_upgrade(s, &k, 2, 1);
		sim_run_until(s->d.w, NULL, NULL, wait_ms);
		shop_reopen(s);
		assert_int_equal(shop_ends(s, &k, NULL), DONE);
		assert_int_equal(s->sim->launches_n, 3);
		assert_int_equal(of_image(s, NEW_IMAGE), 2);
		assert_int_equal(shop_alive(s), 2);
		shop_end(&mine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(who_serves_is_never_missing_while_all_get_the_new_image),
		SHOP(a_batch_goes_at_once_where_the_bounds_have_room_for_it),
		SHOP(an_image_that_the_policy_does_not_allow_is_denied),
		SHOP(after_a_failure_the_rest_keeps_the_old_image_until_the_next_upgrade),
		SHOP(a_batch_of_which_one_does_not_become_healthy_goes_as_a_whole),
		SHOP(a_batch_of_which_one_was_taken_out_by_hand_ends_nobody),
		SHOP(a_paused_cluster_is_stopped_again_with_the_new_image),
		SHOP(new_nodes_of_a_paused_cluster_that_do_not_stay_stopped_end_and_the_old_ones_stay),
		cmocka_unit_test(new_nodes_of_a_paused_cluster_that_end_keep_their_old_ones),
		SHOP(a_new_node_of_a_paused_cluster_that_ends_while_the_old_one_drains_keeps_it),
		cmocka_unit_test(a_restart_at_any_time_launches_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
