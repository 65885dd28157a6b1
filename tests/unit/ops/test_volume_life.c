/* test_volume_life.c - volumes of a warehouse that stands, from the signed command to AWS and back: grown once whatever happens on
 * the way, and never more often than EC2 allows. */
#include "tests/unit/ops/shop.h"

static void up(struct shop *s)
{
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	buf_reset(&s->seen);
}

static int grow(struct shop *s, uint64_t seq, uint32_t size_gib, struct desk_command *k, char message[512])
{
	s->k.volume.size_gib = size_gib;
	shop_apply(s, k, seq);
	shop_send(s, k, false);
	return shop_ends(s, k, message);
}

static void assert_grown(const struct shop *s, unsigned size_gib, size_t changes)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->volumes_n; i++) {
		const struct aws_volume *v = s->sim->volumes[i];

		if (v->is_root) {
			assert_int_equal(v->changes_n, 0);
			continue;
		}
		n++;
		assert_int_equal(aws_volume_form(s->sim, v).size_gib, size_gib);
		assert_int_equal(v->changes_n, changes);
	}
	assert_int_equal(n, 2);
}

static void a_grown_warehouse_has_one_change_a_volume_and_is_then_as_wanted(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k, again;

	up(s);
	assert_int_equal(grow(s, 2, 200, &k, NULL), DONE);
	assert_grown(s, 200, 1);
	assert_string_equal(shop_status(s, &k, m)->note, "file system growth unverified");
	assert_int_equal(shop_status(s, &k, m)->n_modified, 2);
	assert_string_equal(shop_status(s, &k, m)->modified[0]->kind, "volume");
	for (size_t i = 0; i < s->sim->volumes_n; i++)
		if (s->sim->volumes[i]->changes_n > 0)
			assert_true(world_now_ms(s->d.w) >= s->sim->volumes[i]->changes[0].completed_ms);
	assert_int_equal(grow(s, 3, 200, &again, NULL), DONE);
	assert_int_equal(shop_count(s, "ModifyVolume"), 2);
	arena_free(m);
}

#define ASKS                                                                                                                       \
	"commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS                                                                 \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "               \
	"ports: [1-65535], node_http: [{port: 8040, path: /*}]}\n"

static void with_health(struct shop *s)
{
	static Reeve__Control__V1__NodeEndpoint health = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT;

	health.port = 8040;
	health.path = (char *)AWS_NODE_HEALTH;
	s->k.cluster.health = &health;
}

/* The file system grows by a timer of the node's, and what the endpoint says is about a node with that. */
static void growth_is_confirmed_by_the_health_endpoint(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	with_health(s);
	shop_policy_counts(s, ASKS);
	up(s);
	buf_reset(&s->seen);
	assert_int_equal(grow(s, 2, 200, &k, NULL), DONE);
	assert_grown(s, 200, 1);
	assert_int_equal(shop_count(s, "GET"), 1); /* both, one behind the other */
	assert_string_equal(shop_status(s, &k, m)->note, "");
	arena_free(m);
}

static void growth_that_a_node_does_not_confirm_is_told_and_fails_nothing(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	with_health(s);
	shop_policy_counts(s, ASKS);
	up(s);
	s->is_mute = true;
	assert_int_equal(grow(s, 2, 200, &k, NULL), DONE);
	assert_grown(s, 200, 1);
	assert_non_null(strstr(shop_status(s, &k, m)->note,
			       "file system growth unverified: i-00000000000000007 is not healthy yet: no answer"));
	arena_free(m);
}

/* The volumes are grown by then. */
static void growth_that_may_not_be_asked_for_any_more_fails_nothing_either(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	with_health(s);
	shop_policy_counts(s, ASKS);
	up(s);
	s->sim->optimizing_ms = 100000;
	s->k.volume.size_gib = 200;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	while (shop_count(s, "ModifyVolume") < 2)
		desk_pass(&s->d, 10);
	shop_policy_counts(s, SHOP_POLICY);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_grown(s, 200, 1);
	assert_non_null(strstr(shop_status(s, &k, m)->note, "file system growth unverified: policy"));
	arena_free(m);
}

static enum shop_fault first_change_is_lost(struct shop *s, const char *body)
{
	return str_starts(body, "Action=ModifyVolume&") && s->broke++ == 0 ? SHOP_LOST_AFTER : SHOP_FINE;
}

static void a_change_whose_answer_is_lost_is_found_and_not_made_twice(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	up(s);
	s->break_at = first_change_is_lost;
	assert_int_equal(grow(s, 2, 200, &k, NULL), DONE);
	assert_grown(s, 200, 1);
}

/* The first call hangs and is never carried out, the second one is, and nobody hears of it. */
static enum shop_fault first_hangs_second_is_lost(struct shop *s, const char *body)
{
	static const enum shop_fault faults[] = { SHOP_SLOW, SHOP_LOST_AFTER };

	if (!str_starts(body, "Action=ModifyVolume&") || s->broke >= ARRAY_LEN(faults))
		return SHOP_FINE;
	return faults[s->broke++];
}

static bool has_changed_one(void *ctx)
{
	return shop_count(ctx, "ModifyVolume") == 1;
}

static void an_agent_that_starts_again_in_the_middle_of_a_call_changes_nothing_twice(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	up(s);
	s->break_at = first_hangs_second_is_lost;
	s->k.volume.size_gib = 200;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(s->broke, 1);
	shop_reopen(s);
	assert_int_equal(sim_run_until(s->d.w, has_changed_one, s, 600000), SIM_TRUE);
	shop_reopen(s);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_grown(s, 200, 1);
}

static void what_goes_beyond_the_policy_is_denied_before_anything_changes(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	up(s);
	assert_int_equal(grow(s, 2, 501, &k, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "volume_gib"));
	s->k.volume.iops = 4000;
	assert_int_equal(grow(s, 3, 200, &k, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "iops"));
	assert_grown(s, 100, 0);
}

static void a_volume_that_optimizes_for_hours_does_not_hold_the_warehouse(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k, more;
	char message[512];

	up(s);
	s->sim->optimizing_ms = 6 * 3600000;
	assert_int_equal(grow(s, 2, 200, &k, NULL), DONE);
	assert_non_null(strstr(shop_status(s, &k, m)->note, "2 volume(s) still optimizing"));
	assert_int_equal(grow(s, 3, 300, &more, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "EC2 takes no other one until that is completed"));
	assert_int_equal(shop_status(s, &more, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__CONFLICT);
	assert_int_equal(shop_count(s, "ModifyVolume"), 2);
	arena_free(m);
}

static const char used_up[] = "was changed 4 times within 24 hours, and EC2 takes no more; another change is possible from ";

static void four_changes(struct shop *s)
{
	struct desk_command k;

	up(s);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(grow(s, 2 + i, 200 + i, &k, NULL), DONE);
	buf_reset(&s->seen);
}

/* EC2 shows the newest change alone: it is the record that knows of the other three. */
static void a_fifth_change_of_a_day_is_refused_before_it_is_asked_for_and_a_day_later_it_is_made(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	char message[512];

	four_changes(s);
	assert_int_equal(grow(s, 6, 300, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, used_up));
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__CONFLICT);
	assert_string_equal(buf_str(&s->seen), "");
	assert_grown(s, 203, 4);
	desk_pass(&s->d, 86400000);
	assert_int_equal(grow(s, 7, 300, &k, NULL), DONE);
	assert_grown(s, 300, 5);
	arena_free(m);
}

static void a_restart_forgets_no_change_of_the_day(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	four_changes(s);
	shop_reopen(s); /* the records are read back */
	assert_int_equal(grow(s, 6, 300, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, used_up));
	desk_pass(&s->d, 86400000);
	assert_int_equal(grow(s, 7, 300, &k, NULL), DONE);
}

static struct aws_volume *data_of(const struct shop *s, size_t n)
{
	for (size_t i = 0; i < s->sim->volumes_n; i++)
		if (!s->sim->volumes[i]->is_root && n-- == 0)
			return s->sim->volumes[i];
	fail_msg("there is no such volume");
	return NULL;
}

/* Somebody has changed the second node's volume and put it back: the newest alone is shown, and nobody knows of the others. */
static void somebody_has_changed(struct shop *s, struct aws_volume *v)
{
	v->changes = mem_grow(v->changes, v->changes_n + 4, sizeof(*v->changes));
	for (size_t i = 0; i < 4; i++)
		v->changes[v->changes_n++] = (struct aws_change){ .to = v->born, .start_ms = world_now_ms(s->d.w) };
}

static void where_somebody_else_has_used_them_up_ec2_says_so_and_the_result_tells_what_was_done(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	Reeve__Control__V1__Status *st;
	struct desk_command k;
	char message[512];

	s->k.cluster.nodes = 3;
	up(s);
	desk_pass(&s->d, 600000);
	somebody_has_changed(s, data_of(s, 1));
	desk_pass(&s->d, 600000);
	assert_int_equal(grow(s, 2, 200, &k, message), STATE_OF(FAILED));
	st = shop_status(s, &k, m);
	assert_non_null(strstr(message, "maximum modification rate"));
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__QUOTA);
	assert_string_equal(st->error->aws_code, "VolumeModificationRateExceeded");
	assert_string_equal(st->error->resource, s->sim->instances[1]->t.id); /* whose volume it is */
	assert_int_equal(st->n_modified, 1);
	assert_string_equal(st->modified[0]->id, data_of(s, 0)->t.id);
	snprintf(message, sizeof(message), "not done: change /dev/sdf of %s", s->sim->instances[2]->t.id);
	assert_string_equal(st->note, message);
	assert_int_equal(shop_count(s, "ModifyVolume"), 2);
	arena_free(m);
}

static void a_smaller_volume_is_refused_and_nothing_is_asked(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	up(s);
	assert_int_equal(grow(s, 2, 99, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "a volume never shrinks"));
	assert_int_equal(shop_count(s, "ModifyVolume"), 0);
}

static const struct aws_volume *kept_of(const struct shop *s, size_t instance)
{
	for (size_t i = 0; i < s->sim->volumes_n; i++)
		if (s->sim->volumes[i]->node == s->sim->instances[instance] && s->sim->volumes[i]->is_kept)
			return s->sim->volumes[i];
	fail_msg("it has no kept volume");
	return NULL;
}

static bool is_preserved(const Reeve__Control__V1__Status *st, const char *id)
{
	for (size_t i = 0; i < st->n_preserved; i++)
		if (str_eq(st->preserved[i]->id, id))
			return true;
	return false;
}

/* One key is enough where nothing is lost; a cluster without nodes needs two all the same. */
static void kept_volumes_outlive_their_nodes_and_the_warehouse(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command fewer, drop;

	s->k.volume.keep = 1;
	up(s);
	s->k.cluster.nodes = 1;
	shop_listen(s);
	assert_int_equal(grow(s, 2, 100, &fewer, NULL), DONE);
	assert_non_null(strstr(buf_str(&s->log), "op.volumes.left op="));
	assert_non_null(strstr(buf_str(&s->log), " warehouse=wh-1 n=1 first=vol-"));
	assert_int_equal(shop_alive(s), 1);
	assert_true(is_preserved(shop_status(s, &fewer, m), kept_of(s, 1)->t.id));
	assert_int_equal(shop_status(s, &fewer, m)->n_deleted, 1);
	shop_delete(&drop, 3);
	shop_head(s);
	shop_send(s, &drop, true);
	assert_int_equal(shop_ends(s, &drop, NULL), DONE);
	for (size_t i = 0; i < 2; i++) {
		assert_true(is_preserved(shop_status(s, &drop, m), kept_of(s, i)->t.id));
		assert_true(aws_volume_is_there(s->sim, kept_of(s, i)));
	}
	arena_free(m);
}

/* ---- and are given to the nodes that come after them ---- */

static void assert_data(const struct shop *s, size_t instance, const struct aws_volume *v)
{
	assert_ptr_equal(v->node, s->sim->instances[instance]);
	assert_string_equal(v->device, "/dev/sdf");
	assert_ptr_equal(kept_of(s, instance), v); /* and no other */
}

static int scale(struct shop *s, uint64_t seq, uint32_t nodes, struct desk_command *k)
{
	s->k.cluster.nodes = nodes;
	return grow(s, seq, s->k.volume.size_gib, k, NULL);
}

/* Two nodes, one of which has left its volume. */
static struct aws_volume *one_is_left(struct shop *s)
{
	struct desk_command fewer;

	s->k.volume.keep = 1;
	up(s);
	assert_int_equal(scale(s, 2, 1, &fewer), DONE);
	desk_pass(&s->d, 60000);
	buf_reset(&s->seen);
	return (struct aws_volume *)kept_of(s, 1);
}

static void the_next_node_gets_the_volume_and_one_more_gets_its_own(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct aws_volume *v = one_is_left(s);
	struct desk_command more;
	size_t volumes = s->sim->volumes_n;

	assert_int_equal(scale(s, 3, 3, &more), DONE);
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(shop_count(s, "RunInstances"), 2);
	assert_int_equal(shop_count(s, "AttachVolume"), 1);
	assert_data(s, 2, v);
	assert_int_equal(s->sim->volumes_n, volumes + 3); /* two roots, and the data of the second */
	assert_string_equal(shop_status(s, &more, m)->modified[0]->id, v->t.id);
	assert_false(is_preserved(shop_status(s, &more, m), v->t.id));
	arena_free(m);
}

static bool is_modified(const Reeve__Control__V1__Status *st, const char *id)
{
	for (size_t i = 0; i < st->n_modified; i++)
		if (strcmp(st->modified[i]->id, id) == 0)
			return true;
	return false;
}

/* Told as left, once, and not as changed; the same after a restart. */
static void assert_freed(struct shop *s, const struct desk_command *k, const struct aws_volume *v)
{
	for (int restart = 0; restart < 2; restart++) {
		struct arena *m = arena_new_sized(8u << 20);
		const Reeve__Control__V1__Status *st = shop_status(s, k, m);
		size_t n = 0;

		for (size_t i = 0; i < st->n_preserved; i++)
			n += strcmp(st->preserved[i]->id, v->t.id) == 0;
		assert_int_equal(n, 1);
		assert_false(is_modified(st, v->t.id));
		arena_free(m);
		shop_reopen(s);
	}
}

/* It goes from the node when that ends, and nothing of it is left to be told. */
static void a_volume_that_was_attached_is_taken_back_with_its_node(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct aws_volume *v = one_is_left(s);
	struct desk_command more;

	s->k.cluster.nodes = 2;
	shop_apply(s, &more, 3);
	shop_send(s, &more, false);
	while (shop_count(s, "AttachVolume") == 0)
		desk_pass(&s->d, 100);
	desk_pass(&s->d, 10000);
	op_cancel(ops_find(s->d.ops, more.id));
	assert_int_equal(shop_ends(s, &more, NULL), STATE_OF(CANCELLED));
	desk_pass(&s->d, 60000);
	assert_true(aws_volume_is_free(s->sim, v));
	assert_string_equal(shop_status(s, &more, m)->note, "cancelled by the vendor");
	assert_freed(s, &more, v);
	arena_free(m);
}

/* It was never attached. */
static void a_volume_whose_node_is_taken_back_before_it_got_it_is_told_as_preserved(void **state)
{
	struct shop *s = *state;
	struct aws_volume *v = one_is_left(s);
	struct desk_command more;

	s->k.cluster.nodes = 2;
	shop_apply(s, &more, 3);
	shop_send(s, &more, false);
	while (shop_count(s, "RunInstances") == 0)
		desk_pass(&s->d, 100);
	op_cancel(ops_find(s->d.ops, more.id));
	assert_int_equal(shop_ends(s, &more, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_count(s, "AttachVolume"), 0);
	assert_freed(s, &more, v);
}

/* Two nodes come, one with the volume and one with a new one, and both go again. */
static void a_new_volume_that_outlives_the_taking_back_is_told_as_preserved(void **state)
{
	struct shop *s = *state;
	struct aws_volume *v = one_is_left(s);
	struct desk_command more;

	s->k.cluster.nodes = 3;
	shop_apply(s, &more, 3);
	shop_send(s, &more, false);
	while (shop_count(s, "AttachVolume") == 0)
		desk_pass(&s->d, 100);
	shop_reopen(s);
	desk_pass(&s->d, 10000);
	op_cancel(ops_find(s->d.ops, more.id));
	assert_int_equal(shop_ends(s, &more, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_alive(s), 1);
	assert_freed(s, &more, v);
	for (size_t i = 0; i < s->sim->volumes_n; i++)
		if (s->sim->volumes[i]->is_kept && aws_volume_is_free(s->sim, s->sim->volumes[i]))
			assert_freed(s, &more, s->sim->volumes[i]);
}

static void replace_first_and_take_it_back(struct shop *s, struct desk_command *k, const char *until)
{
	shop_policy_counts(s, "commands: {warehouse.apply: auto, nodes.replace: auto}\nbounds: {" SHOP_BOUNDS
			      "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: "
			      "[10.0.0.0/8], ports: [1-65535]}\n");
	shop_replace_one(s, k, 0);
	while (shop_count(s, until) == 0)
		desk_pass(&s->d, 100);
	desk_pass(&s->d, 5000);
	op_cancel(ops_find(s->d.ops, k->id));
	assert_int_equal(shop_ends(s, k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_count(s, "TerminateInstances"), 1);
}

/* In the place of one that has ended. */
static void a_replace_that_is_taken_back_tells_the_lost_nodes_volume(void **state)
{
	struct shop *s = *state;
	const struct aws_volume *v;
	struct desk_command k;

	s->k.volume.keep = 1;
	up(s);
	v = kept_of(s, 0);
	aws_hand_end(s->sim, s->sim->instances[0]);
	desk_pass(&s->d, 600000);
	replace_first_and_take_it_back(s, &k, "AttachVolume");
	assert_freed(s, &k, v);
}

/* One that stands has its own still; the new one's was new. */
static void a_replace_that_is_taken_back_tells_the_new_nodes_volume(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->k.volume.keep = 1;
	up(s);
	replace_first_and_take_it_back(s, &k, "RegisterTargets");
	assert_freed(s, &k, kept_of(s, 2));
}

static void a_warehouse_that_was_deleted_comes_back_with_its_data(void **state)
{
	struct shop *s = *state;
	const struct aws_volume *v[2];
	struct desk_command drop, again;

	s->k.volume.keep = 1;
	up(s);
	v[0] = kept_of(s, 0);
	v[1] = kept_of(s, 1);
	shop_delete(&drop, 2);
	shop_head(s);
	shop_send(s, &drop, true);
	assert_int_equal(shop_ends(s, &drop, NULL), DONE);
	s->k.s.generation = 5;
	assert_int_equal(scale(s, 3, 2, &again), DONE);
	assert_data(s, 2, v[0]);
	assert_data(s, 3, v[1]);
}

/* EC2 shows it by the time that it is asked. */
static enum shop_fault attach_is_lost(struct shop *s, const char *body)
{
	for (size_t i = 0; i < s->sim->volumes_n; i++)
		s->sim->volumes[i]->shown_ms = 0;
	return str_starts(body, "Action=AttachVolume&") && s->broke++ == 0 ? SHOP_LOST_AFTER : SHOP_FINE;
}

static void an_attachment_whose_answer_is_lost_is_seen_and_not_made_twice(void **state)
{
	struct shop *s = *state;
	struct aws_volume *v = one_is_left(s);
	struct desk_command more;

	s->break_at = attach_is_lost;
	assert_int_equal(scale(s, 3, 2, &more), DONE);
	assert_int_equal(s->broke, 1);
	assert_data(s, 2, v);
}

static bool has_attached_one(void *ctx)
{
	return shop_count(ctx, "AttachVolume") == 1;
}

static void an_agent_that_starts_again_while_it_attaches_goes_on_with_the_same_node(void **state)
{
	struct shop *s = *state;
	struct aws_volume *v = one_is_left(s);
	struct desk_command more;

	s->k.cluster.nodes = 2;
	shop_apply(s, &more, 3);
	shop_send(s, &more, false);
	assert_int_equal(sim_run_until(s->d.w, has_attached_one, s, 600000), SIM_TRUE);
	shop_reopen(s);
	assert_int_equal(shop_ends(s, &more, NULL), DONE);
	assert_int_equal(shop_count(s, "AttachVolume"), 1);
	assert_data(s, 2, v);
}

static enum shop_fault attach_is_denied(struct shop *s, const char *body)
{
	static const char denied[] = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>"
				     "</Errors></Response>";

	s->answer = denied;
	return str_starts(body, "Action=AttachVolume&") ? SHOP_ENCODED : SHOP_FINE;
}

/* The power `volumes` was taken away. */
static void where_it_cannot_be_attached_the_launch_is_taken_back_and_the_volume_stays(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct aws_volume *v = one_is_left(s);
	struct desk_command more, again;

	s->break_at = attach_is_denied;
	assert_int_equal(scale(s, 3, 2, &more), STATE_OF(ROLLED_BACK));
	assert_int_equal(shop_status(s, &more, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__DENIED_BY_AWS);
	assert_int_equal(shop_alive(s), 1);
	assert_true(aws_volume_is_free(s->sim, v));
	s->break_at = NULL;
	assert_int_equal(scale(s, 4, 2, &again), DONE);
	assert_data(s, s->sim->instances_n - 1, v);
	assert_freed(s, &more, v);
	arena_free(m);
}

/* The one that is to get it has still to end. */
static void a_volume_that_hangs_on_a_node_that_ends_is_waited_for(void **state)
{
	struct shop *s = *state;
	struct aws_volume *v = one_is_left(s);
	struct desk_command more;

	v->lingers_ms = world_now_ms(s->d.w) - v->node->terminated_ms + 180000;
	assert_int_equal(scale(s, 3, 2, &more), DONE);
	assert_data(s, 2, v);
	assert_true(world_now_ms(s->d.w) > v->taken_ms);
}

static void what_the_policy_does_not_allow_is_not_attached(void **state)
{
	struct shop *s = *state;
	struct desk_command more;
	char message[512];

	one_is_left(s);
	shop_policy_counts(s, "commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS
			      "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 99, cidrs: "
			      "[10.0.0.0/8], ports: [1-65535]}\n");
	s->k.cluster.nodes = 2;
	assert_int_equal(grow(s, 3, 100, &more, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "volume_gib"));
	assert_int_equal(shop_count(s, "RunInstances"), 0);
}

static void a_volume_that_was_kept_small_is_grown_on_its_new_node(void **state)
{
	struct shop *s = *state;
	struct aws_volume *v = one_is_left(s);
	struct desk_command more;

	s->k.volume.size_gib = 200;
	assert_int_equal(scale(s, 3, 2, &more), DONE);
	assert_data(s, 2, v);
	assert_int_equal(aws_volume_form(s->sim, v).size_gib, 200);
	assert_grown(s, 200, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_grown_warehouse_has_one_change_a_volume_and_is_then_as_wanted),
		SHOP(growth_is_confirmed_by_the_health_endpoint),
		SHOP(growth_that_a_node_does_not_confirm_is_told_and_fails_nothing),
		SHOP(growth_that_may_not_be_asked_for_any_more_fails_nothing_either),
		SHOP(a_change_whose_answer_is_lost_is_found_and_not_made_twice),
		SHOP(an_agent_that_starts_again_in_the_middle_of_a_call_changes_nothing_twice),
		SHOP(what_goes_beyond_the_policy_is_denied_before_anything_changes),
		SHOP(a_volume_that_optimizes_for_hours_does_not_hold_the_warehouse),
		SHOP(a_fifth_change_of_a_day_is_refused_before_it_is_asked_for_and_a_day_later_it_is_made),
		SHOP(a_restart_forgets_no_change_of_the_day),
		SHOP(where_somebody_else_has_used_them_up_ec2_says_so_and_the_result_tells_what_was_done),
		SHOP(a_smaller_volume_is_refused_and_nothing_is_asked),
		SHOP(kept_volumes_outlive_their_nodes_and_the_warehouse),
		SHOP(the_next_node_gets_the_volume_and_one_more_gets_its_own),
		SHOP(a_volume_that_was_attached_is_taken_back_with_its_node),
		SHOP(a_volume_whose_node_is_taken_back_before_it_got_it_is_told_as_preserved),
		SHOP(a_new_volume_that_outlives_the_taking_back_is_told_as_preserved),
		SHOP(a_replace_that_is_taken_back_tells_the_lost_nodes_volume),
		SHOP(a_replace_that_is_taken_back_tells_the_new_nodes_volume),
		SHOP(a_warehouse_that_was_deleted_comes_back_with_its_data),
		SHOP(an_attachment_whose_answer_is_lost_is_seen_and_not_made_twice),
		SHOP(an_agent_that_starts_again_while_it_attaches_goes_on_with_the_same_node),
		SHOP(where_it_cannot_be_attached_the_launch_is_taken_back_and_the_volume_stays),
		SHOP(a_volume_that_hangs_on_a_node_that_ends_is_waited_for),
		SHOP(what_the_policy_does_not_allow_is_not_attached),
		SHOP(a_volume_that_was_kept_small_is_grown_on_its_new_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
