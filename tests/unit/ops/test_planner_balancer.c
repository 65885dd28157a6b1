/* test_planner_balancer.c - target groups, load balancers and their listeners. */
#include "tests/unit/ops/desk.h"

/* The balancer "main" and its target group, as the spec wants them, but for the port that the listener answers on. */
static void add_balancer(struct desk *d, uint32_t port)
{
	struct inventory_lb *lb = arena_new(d->inv->arena, struct inventory_lb);
	struct inventory_group *g = arena_new(d->inv->arena, struct inventory_group);
	struct elb_listener *l = arena_new(d->inv->arena, struct elb_listener);
	char *names = arena_alloc(d->inv->arena, 66);

	spec_short_name("inst-1", "wh-1", "lb", "main", names);
	spec_short_name("inst-1", "wh-1", "tg", "sql", names + 33);
	*g = (struct inventory_group){ .g = { .arn = "arn:tg", .name = names + 33, .protocol = "TCP", .port = 9030 } };
	*l = (struct elb_listener){ .arn = "arn:listener", .protocol = "TCP", .group_arn = "arn:tg", .port = port };
	*lb = (struct inventory_lb){ .lb = { .arn = "arn:lb", .name = names, .state = "active" }, .listeners = { l, 1 } };
	d->inv->tgs = g;
	d->inv->lbs = lb;
	d->inv->tgs_n = d->inv->lbs_n = 1;
	d->k.s.n_security_groups = d->k.s.n_clusters = 0;
}

static void a_balancer_that_is_as_the_spec_wants_it_needs_nothing(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	add_balancer(d, 9030);
	p = desk_apply(d);
	assert_string_equal(desk_steps(p), "");
	plans_free(p);
}

static void a_listener_on_a_port_that_nobody_wants_goes(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	add_balancer(d, 9999);
	p = desk_apply(d);
	assert_string_equal(desk_steps(p), "base/listener-main-9030 base/nolistener-main-9999");
	plans_free(p);
}

static void a_listener_that_leads_elsewhere_makes_room_first(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	add_balancer(d, 9030);
	((struct elb_listener *)d->inv->lbs[0].listeners.v)->group_arn = "arn:other";
	p = desk_apply(d);
	assert_string_equal(desk_steps(p), "base/nolistener-main-9030 base/listener-main-9030");
	plans_free(p);
}

static void a_balancer_that_is_still_coming_up_is_waited_for(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	add_balancer(d, 9030);
	d->inv->lbs[0].lb.state = "provisioning";
	p = desk_apply(d);
	assert_string_equal(desk_steps(p), "base/lb-main-active");
	plans_free(p);
}

static void another_port_of_a_target_group_is_said_to_be_not_yet(void **state)
{
	struct desk *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	add_balancer(d, 9030);
	d->k.tg.port = 9031;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "target group sql: changing port or protocol is not available yet"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_balancer_that_is_as_the_spec_wants_it_needs_nothing),
		DESK_TEST(a_listener_on_a_port_that_nobody_wants_goes),
		DESK_TEST(a_listener_that_leads_elsewhere_makes_room_first),
		DESK_TEST(a_balancer_that_is_still_coming_up_is_waited_for),
		DESK_TEST(another_port_of_a_target_group_is_said_to_be_not_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
