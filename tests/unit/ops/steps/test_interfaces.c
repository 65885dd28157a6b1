/* test_interfaces.c - the network interfaces of our nodes, as a taking sees them. */
#include "agent/ops/steps/interfaces.h"
#include "agent/ops/steps/catalogue.h"
#include "tests/unit/ops/shop.h"

struct look {
	struct inventory_req req;
	bool done;
	int rc;
};

static void on_taken(struct inventory_req *req, int rc)
{
	struct look *l = container_of(req, struct look, req);

	l->rc = rc;
	l->done = true;
}

static bool is_taken(void *ctx)
{
	return ((struct look *)ctx)->done;
}

static struct inventory *take(struct shop *s, struct look *l)
{
	struct owner o = { "velodb", "inst-1" };

	*l = (struct look){ 0 };
	inventory_take(&(struct inventory_source){ s->d.w, s->aws, s->creds, &o, catalogue_resources() }, NULL, &l->req, on_taken);
	assert_int_equal(sim_run_until(s->d.w, is_taken, l, 600000), SIM_TRUE);
	assert_int_equal(l->rc, 0);
	return l->req.inv;
}

static void up(struct shop *s)
{
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

static void those_of_our_nodes_are_seen_over_all_pages_with_node_and_tags(void **state)
{
	struct shop *s = *state;
	const struct ec2_interface *i;
	struct inventory *inv;
	struct look l;

	up(s);
	s->sim->page = 1;
	s->sim->ignores_filters = true;
	aws_hand_tag(&s->sim->instances[1]->interface, "reeve:installation", "inst-2");
	inv = take(s, &l);
	assert_int_equal(interfaces_in(inv)->n, 1); /* the other is somebody else's now */
	i = interfaces_by_id(inv, s->sim->instances[0]->interface.id);
	assert_non_null(i);
	assert_string_equal(i->instance_id, s->sim->instances[0]->t.id);
	assert_string_equal(ec2_tag_get(&i->tags, "reeve:cluster"), "be");
	assert_null(interfaces_by_id(inv, "eni-none"));
	inventory_req_close(&l.req);
}

static enum shop_fault deny(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=DescribeNetworkInterfaces&") ? SHOP_DENIED : SHOP_FINE;
}

/* The role of a stack that an older version has made does not have this read. */
static void where_they_may_not_be_seen_there_are_none_and_the_rest_is_seen(void **state)
{
	struct shop *s = *state;
	struct inventory *inv;
	struct look l;

	up(s);
	s->break_at = deny;
	inv = take(s, &l);
	assert_int_equal(interfaces_in(inv)->n, 0);
	assert_int_equal(inv->instances.n, 2);
	inventory_req_close(&l.req);
}

#define SHOP(f) cmocka_unit_test_setup_teardown(f, shop_start, shop_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(those_of_our_nodes_are_seen_over_all_pages_with_node_and_tags, shop_start,
						shop_end),
		cmocka_unit_test_setup_teardown(where_they_may_not_be_seen_there_are_none_and_the_rest_is_seen, shop_start,
						shop_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
