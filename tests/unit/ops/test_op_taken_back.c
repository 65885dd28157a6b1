/* test_op_taken_back.c - a replace and an upgrade that fail before the old nodes end, from the signed command to AWS: the old ones
 * serve again before the new ones go, so that somebody serves all the time. */
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "tests/unit/ops/shop.h"

#define POLICY                                                                                                                     \
	"commands: {warehouse.apply: auto, nodes.replace: auto, warehouse.upgrade: auto}\nbounds: {" SHOP_BOUNDS                   \
	"user_data_sha256: [" SHOP_ABC "], instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, "                   \
	"volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535], node_http: [{port: 8041, path: /*}]}\n"                           \
	"rates: {ended_at_once: 1/2}\n"

static Reeve__Control__V1__Drain drain = REEVE__CONTROL__V1__DRAIN__INIT;
static Reeve__Control__V1__NodeEndpoint call = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT;

static unsigned serving(const struct shop *s)
{
	const struct aws_tg *g = s->sim->target_groups[0];
	unsigned n = 0;

	for (size_t i = 0; i < g->targets_n; i++)
		n += aws_serves(s->sim, g, &g->targets[i]);
	return n;
}

/* They serve, and none of them will ever say that it is drained. */
static void stand(struct shop *s, uint32_t nodes)
{
	struct desk_command k;

	call.port = 8041;
	call.path = (char *)AWS_NODE_DRAIN;
	drain.call = &call;
	drain.wait_s = 60;
	s->k.cluster.drain = &drain;
	s->k.cluster.nodes = nodes;
	s->k.cluster.n_volumes = 0;
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_policy_counts(s, POLICY);
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->is_mute = true;
	buf_reset(&s->seen);
}

static void ends_and_somebody_serves_all_the_time(struct shop *s, const struct desk_command *k, unsigned most)
{
	unsigned seen = 0;

	for (uint64_t ms = 0; !op_fields(ops_find(s->d.ops, k->id))->is_ended; ms += 100) {
		assert_true(ms < 14400000);
		desk_pass(&s->d, 100);
		assert_true(serving(s) > 0);
		seen = serving(s) > seen ? serving(s) : seen;
	}
	assert_int_equal(shop_ends(s, k, NULL), STATE_OF(ROLLED_BACK));
	assert_true(seen >= most); /* old and new ones together */
	assert_int_equal(shop_alive(s), s->k.cluster.nodes);
	/* Nothing stays, so nothing is put back. */
	assert_null(strstr(buf_str(&s->log), "/again-"));
}

static void a_replace_lets_the_old_one_serve_before_the_new_one_goes(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 1);
	shop_replace_one(s, &k, 0);
	desk_pass(&s->d, 100);
	ends_and_somebody_serves_all_the_time(s, &k, 2);
}

static void upgrade(struct shop *s, struct desk_command *k, uint32_t batch)
{
	Reeve__Control__V1__WarehouseUpgrade u = REEVE__CONTROL__V1__WAREHOUSE_UPGRADE__INIT;

	s->k.cluster.user_data = (ProtobufCBinaryData){ 3, (uint8_t *)"abc" };
	s->k.s.generation++;
	desk_command(k, 2);
	u.warehouse = (char *)"wh-1";
	u.spec = &s->k.s;
	u.batch = batch;
	k->c.verb = REEVE__CONTROL__V1__VERB__WAREHOUSE_UPGRADE;
	k->c.args.len = reeve__control__v1__warehouse_upgrade__pack(&u, k->args);
	k->c.not_before = 0;
	shop_head(s);
	shop_send(s, k, true);
	desk_pass(&s->d, 100);
}

static void an_upgrade_lets_the_old_ones_serve_before_the_new_ones_go(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 2);
	upgrade(s, &k, 2);
	ends_and_somebody_serves_all_the_time(s, &k, 4);
}

/* What was connected to it has its time: it is out of the group for as long as that takes before it ends. */
static void a_new_one_that_goes_has_left_its_group_before(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 1);
	shop_replace_one(s, &k, 0);
	while (shop_count(s, "TerminateInstances") == 0)
		desk_pass(&s->d, 100);
	for (size_t i = 0; i < s->sim->target_groups[0]->targets_n; i++) {
		const struct aws_target *t = &s->sim->target_groups[0]->targets[i];

		assert_true(t->draining_ms == 0 || t->gone_ms <= world_now_ms(s->d.w));
	}
}

/* ---- who was to serve again does not ---- */

#define HEALTH_CHECKS_MS 120000 /* of one that was let in again */

static void begin_replace(struct shop *s, struct desk_command *k)
{
	stand(s, 1);
	shop_listen(s);
	shop_replace_one(s, k, 0);
	desk_pass(&s->d, 100);
}

static void the_new_one_stays_and_serves(struct shop *s, const struct desk_command *k)
{
	CLEANUP(mem_close)
	char *why = mem_printf("%s stays, for %s does not serve again", s->sim->instances[1]->t.id, s->sim->instances[0]->t.id);

	assert_int_equal(shop_ends(s, k, NULL), STATE_OF(FAILED));
	desk_pass(&s->d, HEALTH_CHECKS_MS);
	assert_true(aws_is_alive(s->sim, s->sim->instances[1]));
	assert_int_equal(serving(s), 1);
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
	assert_non_null(strstr(buf_str(&s->log), why));
}

/* It is let in again, and STOP keeps the new one from leaving: an hour later who was seen to serve has ended. */
static void a_new_one_stays_where_the_old_one_ended_while_stop_held_the_undo(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	begin_replace(s, &k);
	while (shop_count(s, " RegisterTargets") < 2)
		desk_pass(&s->d, 100);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	while (strstr(buf_str(&s->log), "undone-deregister-sql outcome=done") == NULL)
		desk_pass(&s->d, 1000);
	aws_hand_end(s->sim, s->sim->instances[0]);
	desk_pass(&s->d, 3600000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	the_new_one_stays_and_serves(s, &k);
}

static void a_new_one_stays_where_the_old_one_ended_while_it_drained(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	begin_replace(s, &k);
	while (shop_count(s, "DeregisterTargets") < 1)
		desk_pass(&s->d, 100);
	aws_hand_end(s->sim, s->sim->instances[0]);
	op_cancel(ops_find(s->d.ops, k.id));
	the_new_one_stays_and_serves(s, &k);
}

/* Also where the agent begins again and again. */
static void a_new_one_stays_where_the_old_one_is_ill(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 1);
	shop_listen(s);
	s->sim->target_groups[0]->targets[0].sick_ms = world_now_ms(s->d.w) + 360000000;
	shop_replace_one(s, &k, 0);
	desk_pass(&s->d, 100);
	while (!op_fields(ops_find(s->d.ops, k.id))->is_ended) {
		desk_pass(&s->d, 400000);
		shop_reopen(s);
	}
	the_new_one_stays_and_serves(s, &k);
}

/* STOP keeps the new ones from ending once they are out of their group, and meanwhile those that serve end. */
static void end_the_old_ones_once_the_new_ones_are_out(struct shop *s, unsigned old)
{
	while (strstr(buf_str(&s->log), "undo-register-sql outcome=done") == NULL)
		desk_pass(&s->d, 100);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	for (unsigned i = 0; i < old; i++)
		aws_hand_end(s->sim, s->sim->instances[i]);
	desk_pass(&s->d, 3600000);
	assert_int_equal(serving(s), 0);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
}

static void a_new_one_that_stays_is_let_in_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	begin_replace(s, &k);
	end_the_old_ones_once_the_new_ones_are_out(s, 1);
	the_new_one_stays_and_serves(s, &k);
	assert_non_null(strstr(buf_str(&s->log), "again-register-sql outcome=done"));
}

/* It dies as AWS is asked to let the new one in, and before it hears of that. */
static void a_new_one_that_stays_is_let_in_again_also_behind_a_restart(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	unsigned registered;

	begin_replace(s, &k);
	end_the_old_ones_once_the_new_ones_are_out(s, 1);
	registered = shop_count(s, " RegisterTargets");
	while (shop_count(s, " RegisterTargets") == registered && !op_fields(ops_find(s->d.ops, k.id))->is_ended)
		desk_pass(&s->d, 10);
	shop_reopen(s);
	the_new_one_stays_and_serves(s, &k);
}

/* What could not be taken back is told for each group, at length: and yet one hears in the result that it stays. */
static void in_two_groups_it_is_told_that_the_new_one_stays(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	Reeve__Control__V1__TargetGroup web = s->k.tg;
	Reeve__Control__V1__Listener listener = s->k.listener;
	struct arena *m = arena_new_sized(8u << 20);

	web.name = listener.target_group = (char *)"web";
	web.port = listener.port = 8030;
	s->k.target_groups[s->k.s.n_target_groups++] = &web;
	s->k.listeners[s->k.lb.n_listeners++] = &listener;
	stand(s, 1);
	shop_replace_one(s, &k, 0);
	while (shop_count(s, "DeregisterTargets") < 2)
		desk_pass(&s->d, 100);
	aws_hand_end(s->sim, s->sim->instances[0]);
	op_cancel(ops_find(s->d.ops, k.id));
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	if (strstr(shop_status(s, &k, m)->note, " stays, for ") == NULL)
		fail_msg("%s", shop_status(s, &k, m)->note);
	arena_free(m);
}

static bool is_throttled; /* AWS ends nobody, and who lets somebody in does not hear of it */

static enum shop_fault ends_nobody(struct shop *s, const char *body)
{
	(void)s;
	if (is_throttled && strstr(body, "Action=TerminateInstances") != NULL)
		return SHOP_THROTTLED;
	return is_throttled && strstr(body, "Action=RegisterTargets") != NULL ? SHOP_LOST_AFTER : SHOP_FINE;
}

/* The intent to end it is recorded, and AWS has taken no call. By the time that it would the old one is ill; and it is well again
 * when the new one is on its way back into its group, and the agent begins anew. */
static void a_new_one_that_is_let_in_again_does_not_end_behind_a_restart(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	unsigned registered;

	begin_replace(s, &k);
	while (strstr(buf_str(&s->log), "undo-register-sql outcome=done") == NULL)
		desk_pass(&s->d, 100);
	is_throttled = true;
	s->break_at = ends_nobody;
	while (strstr(buf_str(&s->log), "undo-launch class=throttled") == NULL)
		desk_pass(&s->d, 100);
	s->sim->target_groups[0]->targets[0].sick_ms = world_now_ms(s->d.w) + 420000;
	registered = shop_count(s, " RegisterTargets");
	while (shop_count(s, " RegisterTargets") == registered && !op_fields(ops_find(s->d.ops, k.id))->is_ended)
		desk_pass(&s->d, 10);
	assert_false(op_fields(ops_find(s->d.ops, k.id))->is_ended);
	is_throttled = false;
	shop_reopen(s);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
	desk_pass(&s->d, HEALTH_CHECKS_MS + 420000);
	assert_int_equal(serving(s), 2);
}

static void new_ones_of_an_upgrade_that_stay_are_let_in_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s, 2);
	shop_listen(s);
	upgrade(s, &k, 2);
	end_the_old_ones_once_the_new_ones_are_out(s, 2);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	desk_pass(&s->d, HEALTH_CHECKS_MS);
	assert_int_equal(serving(s), 2);
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_replace_lets_the_old_one_serve_before_the_new_one_goes),
		SHOP(an_upgrade_lets_the_old_ones_serve_before_the_new_ones_go),
		SHOP(a_new_one_that_goes_has_left_its_group_before),
		SHOP(a_new_one_stays_where_the_old_one_ended_while_stop_held_the_undo),
		SHOP(a_new_one_stays_where_the_old_one_ended_while_it_drained),
		SHOP(a_new_one_stays_where_the_old_one_is_ill),
		SHOP(in_two_groups_it_is_told_that_the_new_one_stays),
		SHOP(a_new_one_that_stays_is_let_in_again),
		SHOP(a_new_one_that_stays_is_let_in_again_also_behind_a_restart),
		SHOP(a_new_one_that_is_let_in_again_does_not_end_behind_a_restart),
		SHOP(new_ones_of_an_upgrade_that_stay_are_let_in_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
