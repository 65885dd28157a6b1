/* test_ops_local.c - the agent's own operations: their ids, their records, and that nobody else can ask for one. */
#include "agent/base/pbpack.h"
#include "agent/ops/ops_impl.h"
#include "tests/unit/ops/patrolled.h"

/* The first 16 bytes of SHA-256("a|heal|i-1"), with version 8 and the variant of RFC 9562 in them. */
static void its_id_is_made_of_what_it_stands_on_its_kind_and_its_occurrence(void **state)
{
	struct ops_local l = { .stands_on = "a", .verb = verb_at(VERB_HEAL), .occurrence = "i-1", .number = 1 };
	uint8_t id[UUID_LEN], again[UUID_LEN];
	char text[UUID_TEXT_LEN];

	(void)state;
	ops_local_id(&l, id);
	assert_string_equal(uuid_text(id, text), "b55d0adb-bb26-8db3-beb4-897740f10fe3");
	assert_false(uuid_is_v7(id));
	/* What has failed keeps its result, so the next try is another one. */
	l.number = 2;
	ops_local_id(&l, again);
	assert_memory_not_equal(id, again, UUID_LEN);
}

static void a_record_that_cannot_be_decoded_is_damage(void **state)
{
	struct shop *s = *state;
	struct err e = { 0 };

	assert_int_equal(shop_replay(s->d.ops, "local.accepted", json_pack("{s:s}", "command", "AAAA"), &e), -ERR_CORRUPT);
	assert_int_not_equal(shop_replay(s->d.ops, "local.accepted", json_object(), &e), 0);
}

/* What is the agent's own needs no signature, and nothing else may come that way. */
static void a_record_of_a_verb_that_needs_a_signature_is_damage(void **state)
{
	struct shop *s = *state;
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(4096);
	struct desk_command k;
	json_t *record = json_object();
	struct err e = { 0 };

	shop_delete(&k, 1);
	assert_int_equal(pbpack_add(&k.c.base, &bytes), 0);
	json_set_base64(record, "command", bytes.data, bytes.len);
	assert_int_equal(shop_replay(s->d.ops, "local.accepted", record, &e), -ERR_CORRUPT);
	assert_non_null(strstr(err_text(&e), "nobody has signed"));
	assert_false(ops_is_busy(s->d.ops));
}

/* Signed by whomever: no command may ask for it. */
static void a_command_that_asks_for_it_is_refused(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	shop_apply(s, &k, 1);
	k.c.verb = REEVE__CONTROL__V1__VERB__HEAL;
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(REJECTED_UNSUPPORTED));
	assert_string_equal(message, "verb 64 is the agent's own: no command asks for it");
}

/* A checkpoint in the middle of it carries it on. */
static void a_checkpoint_holds_it_under_its_own_type(void **state)
{
	struct shop *s = *state;
	json_t *first, *second;

	s->k.s.self_heal = true;
	s->k.s.heal_until = DESK_NOW * 2;
	patrolled_stand(s, "commands: {warehouse.apply: auto, heal: auto}\nbounds: {" SHOP_BOUNDS
			   "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, "
			   "cidrs: [10.0.0.0/8], ports: [1-65535]}\n");
	aws_hand_end(s->sim, s->sim->instances[0]);
	while (!ops_is_busy(s->d.ops))
		sim_step(s->d.w);
	desk_pass(&s->d, 3000);
	assert_true(ops_is_busy(s->d.ops));
	first = ops_checkpoint(s->d.ops);
	shop_reopen(s);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", json_deep_copy(first), NULL), 0);
	second = ops_checkpoint(s->d.ops);
	assert_true(json_equal(first, second));
	assert_true(ops_is_busy(s->d.ops));
	json_decref(first);
	json_decref(second);
}

static void begin_one(struct shop *s, const char *occurrence, unsigned number)
{
	Reeve__Control__V1__Heal h = REEVE__CONTROL__V1__HEAL__INIT;
	uint8_t bytes[4096];
	struct ops_local l = { .verb = verb_at(VERB_HEAL),
			       .warehouse = "wh-1",
			       .stands_on = "01a3185c-5000-7101-8101-010101010101",
			       .occurrence = occurrence,
			       .number = number,
			       .reason = "a test" };

	h.spec = &s->k.s;
	h.cluster = h.instance = (char *)"be";
	l.args = (ProtobufCBinaryData){ reeve__control__v1__heal__pack(&h, bytes), bytes };
	assert_true(ops_begin_local(s->d.ops, &l));
	for (unsigned i = 0; i < 600 && ops_is_busy(s->d.ops); i++)
		desk_pass(&s->d, 100);
	assert_false(ops_is_busy(s->d.ops));
}

/* The vendor is gone for weeks, and acknowledges nothing: what the agent does by itself goes on, before and after a restart. */
static void results_that_nobody_acknowledges_keep_no_other_from_beginning(void **state)
{
	struct shop *s = *state;
	char occurrence[32];
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	for (unsigned i = 0; i < OPS_MAX + 8; i++) {
		snprintf(occurrence, sizeof(occurrence), "i-%u", i);
		begin_one(s, occurrence, 1);
	}
	assert_int_equal(s->d.ops->n, OPS_MAX);
	assert_non_null(ops_find(s->d.ops, k.id)); /* a command's result never gives way */
	shop_reopen(s);
	assert_int_equal(s->d.ops->n, OPS_MAX);
	begin_one(s, "i-last", 1);
	assert_non_null(ops_find(s->d.ops, k.id));
	/* Another try at the same takes the place of the one before. */
	begin_one(s, "i-last", 2);
	assert_int_equal(s->d.ops->n, OPS_MAX);
}

/* ---- what it carries on stands no more ---- */

#define HEALS                                                                                                                      \
	"commands: {warehouse.apply: auto, heal: auto}\nbounds: {" SHOP_BOUNDS                                                     \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "               \
	"ports: [1-65535]}\nrates: {ended_at_once: 1/2}\n"
#define STOP "/etc/reeve/STOP"
#define HALF_AN_HOUR_MS 1800000

static void visit(void *ctx, struct op *op)
{
	if (str_eq(op_verb(op), "heal"))
		*(const struct op **)ctx = op;
}

static const struct op *heal_of(const struct shop *s)
{
	const struct op *op = NULL;

	ops_each(s->d.ops, visit, &op);
	return op;
}

static bool heal_is_accepted(void *ctx)
{
	return heal_of(ctx) != NULL;
}

/* What EC2 has is tagged by then. */
static enum shop_fault no_tags_of_elb(struct shop *s, const char *body)
{
	(void)s;
	return strstr(body, "Action=AddTags") != NULL ? SHOP_DENIED : SHOP_FINE;
}

static void stand(struct shop *s)
{
	s->k.s.self_heal = true;
	s->k.s.heal_until = DESK_NOW + 480 * (int64_t)HALF_AN_HOUR_MS;
	s->k.cluster.n_volumes = 0;
	patrolled_stand(s, HEALS);
}

/* A node is lost, a heal begins, and the customer's STOP comes before it starts. */
static void stop_a_heal(struct shop *s)
{
	aws_hand_end(s->sim, s->sim->instances[1]);
	assert_int_equal(sim_run_until(s->d.w, heal_is_accepted, s, 3 * PATROL_MS), SIM_TRUE);
	sim_file_puts(s->d.w, STOP, "");
	desk_pass(&s->d, 60000);
	assert_int_equal(op_fields(heal_of(s))->state, STATE_OF(PLANNED));
}

static void overtaken(const struct shop *s)
{
	struct arena *m = arena_new_sized(1u << 20);
	Reeve__Control__V1__Status status = REEVE__CONTROL__V1__STATUS__INIT;

	op_status(heal_of(s), m, &status);
	assert_int_equal(status.state, STATE_OF(FAILED));
	assert_true(op_ended_unstarted(heal_of(s)));
	assert_int_equal(status.error->class_, REEVE__CONTROL__V1__ERROR_CLASS__CONFLICT);
	assert_non_null(strstr(status.error->message, "which it carries on, is not the one that stands any more"));
	arena_free(m);
}

/* An apply of one node fewer waits for its not_before, and is the first to go when STOP does. */
static void wait_for_an_apply(struct shop *s, struct desk_command *k)
{
	s->k.cluster.nodes = 1;
	s->k.tag.value = (char *)"another";
	shop_apply(s, k, 2);
	k->c.not_before = world_wall_ms(s->d.w) + HALF_AN_HOUR_MS;
	k->c.expires_at = k->c.not_before + 10 * (int64_t)HALF_AN_HOUR_MS;
	shop_send(s, k, false);
	stop_a_heal(s);
	desk_pass(&s->d, HALF_AN_HOUR_MS + 777);
	sim_file_unlink(s->d.w, STOP);
}

static void one_that_another_spec_overtakes_ends_without_a_launch(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s);
	shop_listen(s);
	wait_for_an_apply(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	desk_pass(&s->d, 60000);
	assert_int_equal(shop_alive(s), 1);
	assert_int_equal(shop_count(s, "RunInstances"), 0);
	overtaken(s);
}

/* Neither spec holds: nobody knows how many nodes there are to be. */
static void one_that_a_failed_apply_overtakes_ends_without_a_launch(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s);
	shop_listen(s);
	s->k.s.generation++;
	s->break_at = no_tags_of_elb;
	wait_for_an_apply(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	s->break_at = NULL;
	desk_pass(&s->d, 60000);
	assert_int_equal(shop_count(s, "RunInstances"), 0);
	overtaken(s);
}

/* Its plan is fresh, and nobody asks for another. */
static void one_that_is_planned_ends_at_once_when_nothing_stands_any_more(void **state)
{
	struct shop *s = *state;

	stand(s);
	shop_listen(s);
	stop_a_heal(s);
	wanted_close(&s->d.ops->shared.wanted);
	desk_pass(&s->d, 5000);
	overtaken(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(its_id_is_made_of_what_it_stands_on_its_kind_and_its_occurrence),
		SHOP(a_record_that_cannot_be_decoded_is_damage),
		SHOP(a_record_of_a_verb_that_needs_a_signature_is_damage),
		SHOP(a_command_that_asks_for_it_is_refused),
		SHOP(a_checkpoint_holds_it_under_its_own_type),
		SHOP(results_that_nobody_acknowledges_keep_no_other_from_beginning),
		SHOP(one_that_another_spec_overtakes_ends_without_a_launch),
		SHOP(one_that_a_failed_apply_overtakes_ends_without_a_launch),
		SHOP(one_that_is_planned_ends_at_once_when_nothing_stands_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
