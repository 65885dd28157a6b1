/* test_run_ask.c - what looking tells beyond "not there": the dead, the bad member, who is in the way, and what of a refused call
 * has happened all the same. */
#include "tests/unit/ops/shop.h"

/* ---- a shop in which a test may answer in place of AWS ---- */

typedef bool answers_fn(struct shop *s, struct sim_http *x); /* false: AWS answers */
static answers_fn *answers;

static void on_request(void *ctx, struct sim_http *x)
{
	if (x->body_len == 0 || !answers(ctx, x))
		shop_on_request(ctx, x);
}

static void answer_with(struct shop *s, answers_fn *fn)
{
	answers = fn;
	sim_http_handle(s->d.w, on_request, s);
}

static bool asks(const struct sim_http *x, const char *action)
{
	CLEANUP(mem_close) char *start = mem_printf("Action=%s&", action);

	return str_starts(x->body, start);
}

static bool refuse(struct sim_http *x, int status, const char *code, const char *message)
{
	CLEANUP(mem_close)
	char *body =
	    mem_printf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r</RequestID>"
		       "</Response>",
		       code, message);

	sim_http_answer(x, status, "", body, strlen(body), 0);
	return true;
}

/* The warehouse is up, and a deletion of it is on its way. */
static void up_and_deleted(struct shop *s, struct desk_command *drop, answers_fn *fn)
{
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	answer_with(s, fn);
	shop_delete(drop, 2);
	shop_head(s);
	shop_send(s, drop, true);
}

static unsigned told(const struct shop *s, const Reeve__Control__V1__Status *st, const char *kind, size_t instance)
{
	unsigned n = 0;

	for (size_t i = 0; i < st->n_deleted; i++)
		n += str_eq(st->deleted[i]->kind, kind) && str_eq(st->deleted[i]->id, s->sim->instances[instance]->t.id);
	return n;
}

/* ---- what of a refused call has happened all the same ---- */

static void end_one(struct shop *s, size_t i)
{
	struct aws_instance *in = s->sim->instances[i];

	in->stopping_ms = world_now_ms(s->d.w);
	in->terminated_ms = in->stopping_ms + 20000;
	in->interface_ms = in->terminated_ms + 5000;
	in->t.gone_ms = in->terminated_ms + 3600000;
}

/* Two zones, one node protected: the other's is ended, and the call refused. */
static bool one_is_protected(struct shop *s, struct sim_http *x)
{
	if (!asks(x, "TerminateInstances"))
		return false;
	s->broke++;
	end_one(s, 0);
	s->sim->instances[0]->stopping_ms += 3000; /* shown a little later */
	return refuse(x, 400, "OperationNotPermitted", "The instance 'i-2' may not be terminated.");
}

static void a_refused_end_names_the_nodes_that_ended_all_the_same(void **state)
{
	struct shop *s = *state;
	struct arena *all = arena_new_sized(8u << 20);
	struct desk_command drop;
	char message[512];

	up_and_deleted(s, &drop, one_is_protected);
	assert_int_equal(shop_ends(s, &drop, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "may not be terminated"));
	assert_non_null(strstr(message, "it is protected"));
	assert_int_equal(s->broke, 1); /* a protection does not pass */
	assert_false(shop_status(s, &drop, all)->error->retryable);
	arena_free(all);
	for (int starts = 0; starts < 2; starts++) {
		struct arena *m = arena_new_sized(8u << 20);
		const Reeve__Control__V1__Status *st = shop_status(s, &drop, m);

		assert_int_equal(told(s, st, "instance", 0), 1);
		assert_int_equal(told(s, st, "instance", 1), 0);
		assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__PRECONDITION);
		assert_string_equal(st->error->aws_code, "OperationNotPermitted");
		assert_non_null(strstr(st->note, "and yet it has had its effect on"));
		arena_free(m);
		shop_reopen(s);
	}
}

static bool one_is_protected_and_nobody_looks(struct shop *s, struct sim_http *x)
{
	if (s->broke > 0 && strstr(x->body, "Action=Describe") != NULL)
		return refuse(x, 403, "UnauthorizedOperation", "no");
	return one_is_protected(s, x);
}

static void when_nobody_can_look_it_says_so_and_ends(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command drop;

	up_and_deleted(s, &drop, one_is_protected_and_nobody_looks);
	assert_int_equal(shop_ends(s, &drop, NULL), STATE_OF(FAILED));
	assert_non_null(strstr(shop_status(s, &drop, m)->note, "nobody could look"));
	arena_free(m);
}

/* ---- members that are gone ---- */

static bool one_vanishes(struct shop *s, struct sim_http *x)
{
	if (asks(x, "TerminateInstances") && s->broke++ == 0)
		s->sim->instances[1]->t.gone_ms = s->sim->instances[1]->interface_ms = world_now_ms(s->d.w);
	return false;
}

static unsigned volumes_told(const struct shop *s, const Reeve__Control__V1__Status *st, size_t instance)
{
	CLEANUP(mem_close) char *prefix = mem_printf("vol-%s-", s->sim->instances[instance]->t.id);
	unsigned n = 0;

	for (size_t i = 0; i < st->n_deleted; i++)
		n += str_eq(st->deleted[i]->kind, "volume") && str_starts(st->deleted[i]->id, prefix);
	return n;
}

/* Of two nodes: the first as deleted, the second as left out. */
static void only_the_first_is_told(struct shop *s, struct desk_command *drop)
{
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st = shop_status(s, drop, m);

	assert_int_equal(told(s, st, "instance", 0), 1);
	assert_int_equal(told(s, st, "instance", 1), 0);
	assert_int_equal(volumes_told(s, st, 0), 1);
	assert_int_equal(volumes_told(s, st, 1), 0);
	assert_non_null(strstr(st->note, "left out: "));
	assert_non_null(strstr(st->note, s->sim->instances[1]->t.id));
	arena_free(m);
}

static void a_vanished_node_keeps_no_other_alive_and_is_named(void **state)
{
	struct shop *s = *state;
	struct desk_command drop;
	char message[512];

	up_and_deleted(s, &drop, one_vanishes);
	if (shop_ends(s, &drop, message) != DONE)
		fail_msg("%s", message);
	assert_int_equal(s->broke, 2);
	assert_int_equal(shop_alive(s), 0);
	only_the_first_is_told(s, &drop);
}

/* The operate role may end what carries our tags: with one that does not, all are denied. */
static bool one_is_taken_over(struct shop *s, struct sim_http *x)
{
	if (asks(x, "TerminateInstances") && s->broke++ == 0)
		aws_hand_tag(&s->sim->instances[1]->t, "reeve:installation", "inst-9");
	return false;
}

static void a_node_that_is_taken_over_keeps_no_other_alive_and_is_named(void **state)
{
	struct shop *s = *state;
	struct desk_command drop;
	char message[512];

	up_and_deleted(s, &drop, one_is_taken_over);
	shop_ends(s, &drop, message);
	assert_int_equal(s->broke, 2);
	assert_int_equal(shop_alive(s), 1);
	assert_true(aws_is_alive(s->sim, s->sim->instances[1]));
	only_the_first_is_told(s, &drop);
}

/* The first call is not answered and has its effect ten seconds later; what is asked then is denied. */
static bool one_call_in_doubt_then_denials(struct shop *s, struct sim_http *x)
{
	uint64_t at = world_now_ms(s->d.w) + 10000;

	if (!asks(x, "TerminateInstances"))
		return false;
	if (s->broke++ > 0)
		return refuse(x, 403, "UnauthorizedOperation", "the role may not");
	for (size_t i = 0; i < 2; i++) {
		end_one(s, i);
		s->sim->instances[i]->stopping_ms = at;
		s->sim->instances[i]->terminated_ms = at + 20000;
	}
	return refuse(x, 500, "InternalError", "no answer");
}

static void a_denial_leaves_no_call_before_it_in_doubt(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command drop;

	up_and_deleted(s, &drop, one_call_in_doubt_then_denials);
	shop_ends(s, &drop, NULL);
	assert_int_equal(shop_alive(s), 0);
	st = shop_status(s, &drop, m);
	assert_int_equal(told(s, st, "instance", 0) + told(s, st, "instance", 1), 2);
	arena_free(m);
}

static bool is_broken(void *ctx)
{
	return ((struct shop *)ctx)->broke > 0;
}

static void a_restart_finds_by_looking_who_is_left_out(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command drop;

	up_and_deleted(s, &drop, one_vanishes);
	assert_int_equal(sim_run_until(s->d.w, is_broken, s, 7200000), SIM_TRUE);
	shop_reopen(s);
	shop_head(s);
	assert_int_equal(shop_ends(s, &drop, NULL), DONE);
	assert_int_equal(shop_alive(s), 0);
	assert_int_equal(told(s, shop_status(s, &drop, m), "instance", 1), 0);
	arena_free(m);
}

/* A node ends between its start and its registration: the other serves. */
static bool one_ends_before_it_is_registered(struct shop *s, struct sim_http *x)
{
	if (asks(x, "RegisterTargets") && s->broke++ == 0)
		end_one(s, 1);
	return false;
}

static void a_node_that_ended_keeps_no_other_out_of_service(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	char message[512];

	answer_with(s, one_ends_before_it_is_registered);
	shop_run(s, &k);
	if (shop_ends(s, &k, message) != DONE)
		fail_msg("%s", message);
	assert_int_equal(s->sim->target_groups[0]->targets_n, 1);
	assert_string_equal(s->sim->target_groups[0]->targets[0].id, s->sim->instances[0]->t.id);
	assert_non_null(strstr(shop_status(s, &k, m)->note, s->sim->instances[1]->t.id));
	arena_free(m);
}

/* ---- the dead ---- */

static unsigned deaths;

/* The answer is lost, and the nodes die before anybody sees them; `deaths` times. */
static bool launches_die(struct shop *s, struct sim_http *x)
{
	size_t n = s->sim->instances_n;

	if (!asks(x, "RunInstances"))
		return false;
	if (++s->broke % 2 == 0 || deaths == 0)
		return false; /* the repetition is told that the nodes of its token are terminated */
	s->hidden_ms = 10000;
	shop_lose_after(s, x);
	for (size_t i = n; i < s->sim->instances_n; i++) {
		s->sim->instances[i]->stillborn_ms = world_now_ms(s->d.w);
		s->sim->instances[i]->terminated_ms = s->sim->instances[i]->stillborn_ms + 1;
		s->sim->instances[i]->t.gone_ms = s->sim->instances[i]->terminated_ms + 3600000;
	}
	deaths -= s->sim->instances_n > n;
	return true;
}

static void a_launch_that_died_unseen_is_made_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	deaths = 2;
	answer_with(s, launches_die);
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(s->sim->launches_n, 3);
	assert_in_range(s->broke, 3, 6);
}

static void a_launch_that_dies_every_time_ends_with_what_it_died_of(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	uint64_t began = world_now_ms(s->d.w);

	deaths = 100;
	answer_with(s, launches_die);
	shop_run(s, &k);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(shop_status(s, &k, m)->error->aws_code, "Server.InternalError");
	assert_true(shop_status(s, &k, m)->error->retryable); /* AWS's own trouble passes */
	assert_int_equal(s->sim->launches_n, 3);
	assert_in_range(s->broke, 3, 6);
	assert_true(world_now_ms(s->d.w) - began < 600000);
	assert_int_equal(shop_alive(s), 0);
	arena_free(m);
}

/* ---- who is in the way ---- */

#define ENI(attached, more)                                                                                                        \
	"<DescribeNetworkInterfacesResponse><networkInterfaceSet><item><networkInterfaceId>eni-7</networkInterfaceId>"             \
	"<interfaceType>interface</interfaceType><description>customer's</description><groupSet><item><groupId>%s</groupId></"     \
	"item></groupSet>" attached more "</item></networkInterfaceSet></DescribeNetworkInterfacesResponse>"

static bool volumes_are_too_many(struct shop *s, struct sim_http *x)
{
	if (!asks(x, "DescribeInstances") || s->sim->instances_n == 0)
		return false;
	CLEANUP(mem_close)
	char *body =
	    mem_printf("<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>%s</instanceId>"
		       "<instanceState><name>terminated</name></instanceState><stateReason><code>Client.VolumeLimitExceeded"
		       "</code><message>Volume limit exceeded</message></stateReason></item></instancesSet></item>"
		       "</reservationSet></DescribeInstancesResponse>",
		       s->sim->instances[0]->t.id);

	sim_http_answer(x, 200, "", body, strlen(body), 0);
	return true;
}

static void a_death_at_birth_is_told_as_what_it_was(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	char message[512];

	s->k.cluster.atomic = true;
	answer_with(s, volumes_are_too_many);
	shop_run(s, &k);
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__QUOTA);
	assert_string_equal(shop_status(s, &k, m)->error->aws_code, "Client.VolumeLimitExceeded");
	assert_non_null(strstr(message, "Volume limit exceeded"));
	arena_free(m);
}

static bool group_is_held(struct shop *s, struct sim_http *x)
{
	CLEANUP(mem_close)
	char *rows = mem_printf(ENI("<attachment><instanceId>i-foreign</instanceId></attachment>", ""),
				s->sim->groups_n > 0 ? s->sim->groups[0]->t.id : "");

	if (asks(x, "DeleteSecurityGroup")) {
		s->broke++;
		return refuse(x, 400, "DependencyViolation", "resource sg-1 has a dependent object");
	}
	if (!asks(x, "DescribeNetworkInterfaces") || strstr(x->body, "Filter.1.Name=group-id") == NULL)
		return false;
	sim_http_answer(x, 200, "", rows, strlen(rows), 0);
	return true;
}

static void a_group_that_somebody_else_holds_is_not_waited_for_and_the_holder_is_named(void **state)
{
	struct shop *s = *state;
	struct desk_command drop;
	char message[512];

	up_and_deleted(s, &drop, group_is_held);
	assert_int_equal(shop_ends(s, &drop, message), STATE_OF(FAILED));
	assert_int_equal(s->broke, 1);
	assert_non_null(strstr(message, "eni-7"));
	assert_non_null(strstr(message, "i-foreign"));
}

static bool group_is_held_for_a_while(struct shop *s, struct sim_http *x)
{
	if (asks(x, "DeleteSecurityGroup") && s->broke++ < 3)
		return refuse(x, 400, "DependencyViolation", "resource sg-1 has a dependent object");
	return asks(x, "DescribeNetworkInterfaces") && refuse(x, 403, "UnauthorizedOperation", "an older stack");
}

static void when_nobody_may_ask_who_holds_it_the_group_is_waited_for(void **state)
{
	struct shop *s = *state;
	struct desk_command drop;

	up_and_deleted(s, &drop, group_is_held_for_a_while);
	assert_int_equal(shop_ends(s, &drop, NULL), DONE);
	assert_int_equal(s->broke, 4);
}

/* Stopped while a read of a kind's own is under way: nothing of it comes back. */
static bool interfaces_are_slow(struct shop *s, struct sim_http *x)
{
	if (asks(x, "DeleteSecurityGroup"))
		return refuse(x, 400, "DependencyViolation", "resource sg-1 has a dependent object");
	if (!asks(x, "DescribeNetworkInterfaces"))
		return false;
	s->broke++;
	sim_http_fail(x, -ERR_TIMEOUT, 29900);
	return true;
}

static void a_restart_in_the_middle_of_asking_asks_again(void **state)
{
	struct shop *s = *state;
	struct desk_command drop;

	up_and_deleted(s, &drop, interfaces_are_slow);
	assert_int_equal(sim_run_until(s->d.w, is_broken, s, 7200000), SIM_TRUE);
	shop_reopen(s);
	shop_head(s);
	answers = group_is_held;
	assert_int_equal(shop_ends(s, &drop, NULL), STATE_OF(FAILED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_refused_end_names_the_nodes_that_ended_all_the_same),
		SHOP(when_nobody_can_look_it_says_so_and_ends),
		SHOP(a_vanished_node_keeps_no_other_alive_and_is_named),
		SHOP(a_node_that_is_taken_over_keeps_no_other_alive_and_is_named),
		SHOP(a_denial_leaves_no_call_before_it_in_doubt),
		SHOP(a_restart_finds_by_looking_who_is_left_out),
		SHOP(a_node_that_ended_keeps_no_other_out_of_service),
		SHOP(a_launch_that_died_unseen_is_made_again),
		SHOP(a_launch_that_dies_every_time_ends_with_what_it_died_of),
		SHOP(a_death_at_birth_is_told_as_what_it_was),
		SHOP(a_group_that_somebody_else_holds_is_not_waited_for_and_the_holder_is_named),
		SHOP(when_nobody_may_ask_who_holds_it_the_group_is_waited_for),
		SHOP(a_restart_in_the_middle_of_asking_asks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
