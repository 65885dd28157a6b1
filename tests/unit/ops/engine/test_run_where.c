/* test_run_where.c - a step that asks nodes: EC2 tells where they are, the policy is asked before each question, and what a node
 * answers decides what follows. */
#include "tests/unit/ops/shop.h"

#define NODE_POLICY                                                                                                                \
	"commands: {warehouse.apply: auto, warehouse.delete: auto}\n"                                                              \
	"bounds: {" SHOP_BOUNDS                                                                                                    \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "               \
	"ports: [1-65535], node_http: [{port: 8040-8041, path: \"/*\"}]}\n"                                                        \
	"rates: {ended_at_once: 100%}\n"

static struct {
	struct shop *s;
	int health, drain; /* what every node answers; 0: nothing */
	unsigned gets, posts;
	Reeve__Control__V1__NodeEndpoint health_at, drain_at;
	Reeve__Control__V1__Drain how;
	bool is_dark; /* EC2 does not tell where they are */
} here;

static void on_request(void *ctx, struct sim_http *x)
{
	bool is_get = str_eq(x->method, "GET");
	int status = is_get ? here.health : here.drain;

	if (here.is_dark && x->body_len > 0 && strstr(x->body, "Action=DescribeInstances&") != NULL &&
	    strstr(x->body, "resource-created-by") != NULL && strstr(x->body, "instance-id") != NULL) {
		sim_http_fail(x, -ERR_NET, 0);
		return;
	}
	if (!aws_node_is_for(x->url)) {
		shop_on_request(ctx, x);
		return;
	}
	here.gets += is_get;
	here.posts += !is_get;
	if (status == 0)
		sim_http_fail(x, -ERR_NET, 0);
	else
		sim_http_answer(x, status, "Location: " AWS_NODE_TRAP "\n", NULL, 0, 0);
}

static int where_start(void **state)
{
	struct shop *s;

	shop_start(state);
	s = *state;
	memset(&here, 0, sizeof(here));
	here.s = s;
	here.health = here.drain = 200;
	reeve__control__v1__node_endpoint__init(&here.health_at);
	here.health_at.port = 8040;
	here.health_at.path = (char *)"/health";
	here.drain_at = here.health_at;
	here.drain_at.port = 8041;
	here.drain_at.path = (char *)"/drain";
	reeve__control__v1__drain__init(&here.how);
	here.how.call = &here.drain_at;
	s->k.cluster.health = &here.health_at;
	s->k.cluster.drain = &here.how;
	sim_http_handle(s->d.w, on_request, s);
	shop_policy_counts(s, NODE_POLICY);
	return 0;
}

static void run(struct shop *s, struct desk_command *k, uint64_t seq)
{
	s->k.s.generation = seq;
	shop_apply(s, k, seq);
	shop_send(s, k, false);
}

static void nodes_are_let_in_when_each_has_answered(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	run(s, &k, 1);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(here.gets, 2);
	assert_int_equal(shop_count(s, "RegisterTargets"), 1);
}

static void a_policy_without_the_endpoint_lets_nothing_begin(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char why[512];

	shop_policy_counts(s, SHOP_POLICY);
	run(s, &k, 1);
	assert_int_equal(shop_ends(s, &k, why), STATE_OF(DENIED));
	assert_non_null(strstr(why, "bounds.node_http does not hold port 80"));
	assert_int_equal(here.gets, 0);
	assert_int_equal(shop_alive(s), 0);
}

static bool has_asked(void *ctx)
{
	(void)ctx;
	return here.gets > 0;
}

/* While it waits for their health the customer takes the endpoint away: not one question more leaves. */
static void an_endpoint_that_is_taken_away_is_asked_no_more(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	unsigned gets;
	char why[512];

	here.health = 503;
	run(s, &k, 1);
	assert_int_equal(sim_run_until(s->d.w, has_asked, NULL, 1200000), SIM_TRUE);
	shop_policy_counts(s, SHOP_POLICY);
	gets = here.gets;
	assert_int_not_equal(shop_ends(s, &k, why), DONE);
	assert_int_equal(here.gets, gets);
	assert_non_null(strstr(why, "node_http"));
}

static void under_stop_no_node_is_asked(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	unsigned gets;

	here.health = 503;
	run(s, &k, 1);
	assert_int_equal(sim_run_until(s->d.w, has_asked, NULL, 1200000), SIM_TRUE);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	sim_run_until(s->d.w, NULL, NULL, 3000);
	gets = here.gets;
	here.health = 200;
	sim_run_until(s->d.w, NULL, NULL, 1800000);
	assert_int_equal(here.gets, gets);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_true(shop_until(s, &k, ANY_END, 7200000));
	assert_true(here.gets > gets);
}

static void before_ec2_tells_where_they_are_nothing_leaves(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	here.is_dark = true;
	run(s, &k, 1);
	sim_run_until(s->d.w, NULL, NULL, 900000);
	assert_int_equal(here.gets, 0);
	here.is_dark = false;
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(here.gets, 2);
}

static void shrink(struct shop *s, struct desk_command *k)
{
	struct desk_command first;

	s->k.volume.keep = 1; /* so that one key is enough */
	run(s, &first, 1);
	assert_int_equal(shop_ends(s, &first, NULL), DONE);
	s->k.cluster.nodes = 1;
	run(s, k, 2);
}

static void a_node_ends_when_it_says_that_it_has_drained(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	here.drain = 202;
	shrink(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 800000);
	assert_true(here.posts > 3);
	assert_int_equal(shop_alive(s), 2);
	here.drain = 204;
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 1);
}

static void a_node_that_refuses_to_drain_is_not_ended_and_serves_on(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	here.drain = 302; /* and nobody goes where that leads */
	shrink(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_int_equal(shop_count(s, "DeregisterTargets"), 1);
	assert_int_equal(shop_count(s, "RegisterTargets"), 2);
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__PRECONDITION);
	assert_string_equal(shop_status(s, &k, m)->error->action, "node:POST");
	assert_non_null(strstr(shop_status(s, &k, m)->error->message, "HTTP 302"));
	assert_int_equal(here.posts, 1);
	assert_int_equal(shop_alive(s), 2);
	arena_free(m);
}

#define WHERE(f) cmocka_unit_test_setup_teardown(f, where_start, shop_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WHERE(nodes_are_let_in_when_each_has_answered),
		WHERE(a_policy_without_the_endpoint_lets_nothing_begin),
		WHERE(an_endpoint_that_is_taken_away_is_asked_no_more),
		WHERE(under_stop_no_node_is_asked),
		WHERE(before_ec2_tells_where_they_are_nothing_leaves),
		WHERE(a_node_ends_when_it_says_that_it_has_drained),
		WHERE(a_node_that_refuses_to_drain_is_not_ended_and_serves_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
