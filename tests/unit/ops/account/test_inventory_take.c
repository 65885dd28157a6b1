/* test_inventory_take.c - what is seen of ours, and of nobody else. */
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/groups.h"
#include "tests/unit/ops/shop.h"

struct look {
	const struct inventory_wants *wants;
	const struct resource *const *resources; /* NULL: those of the catalogue */
	struct inventory_req req;
	bool done;
	int rc;
};

static void on_taken(struct inventory_req *req, int rc)
{
	struct look *l = container_of(req, struct look, req);

	l->done = true;
	l->rc = rc;
}

static bool is_taken(void *ctx)
{
	return ((struct look *)ctx)->done;
}

static void begin(struct shop *s, struct look *l)
{
	struct owner o = { "velodb", "inst-1" };
	const struct resource *const *resources = l->resources != NULL ? l->resources : catalogue_resources();

	l->done = false;
	inventory_take(&(struct inventory_source){ s->d.w, s->aws, s->creds, &o, resources }, l->wants, &l->req, on_taken);
	assert_false(l->done);
}

static int take(struct shop *s, struct look *l)
{
	begin(s, l);
	assert_int_equal(sim_run_until(s->d.w, is_taken, l, 600000), SIM_TRUE);
	return l->rc;
}

static void all_that_is_ours_is_seen_over_all_pages_and_nothing_foreign(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct look l = { 0 };

	s->sim->page = 1;
	for (int i = 0; i < 3; i++)
		aws_add_foreign(s->sim);
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->instances.n, 2);
	assert_int_equal(groups_in(l.req.inv)->n, 1);
	assert_int_equal(groups_in(l.req.inv)->v[0].rules_n, 6); /* two in, four out */
	assert_int_equal(balancers_in(l.req.inv)->target_groups_n, 1);
	assert_int_equal(balancers_in(l.req.inv)->target_groups[0].targets.n, 2);
	assert_int_equal(balancers_in(l.req.inv)->lbs_n, 1);
	assert_int_equal(balancers_in(l.req.inv)->lbs[0].listeners.n, 1);
	assert_true(l.req.inv->vpcs.n >= 1);
	assert_non_null(groups_by_name(l.req.inv, AWS_VPC, "velodb-inst-1-wh-1-node"));
	assert_null(groups_by_name(l.req.inv, "vpc-other", "velodb-inst-1-wh-1-node"));
	assert_non_null(balancers_target_group_by_arn(l.req.inv, balancers_in(l.req.inv)->target_groups[0].g.arn));
	assert_null(balancers_lb_by_name(l.req.inv, "nobody"));
	inventory_req_close(&l.req);
}

/* Both tags are looked for in what is shown, too: an EC2 that ignores the filter shows what is the customer's. */
static void what_an_ignored_filter_shows_is_not_ours_and_holds_up_no_delete(void **state)
{
	struct shop *s = *state;
	struct desk_command make, drop;
	static const struct inventory_wants wants = {
		.subnets = { "subnet-0001" }, .images = { "ami-1" }, .subnets_n = 1, .images_n = 1
	};
	struct look l = { .wants = &wants };

	aws_add_foreign(s->sim);
	s->sim->ignores_filters = true;
	shop_apply(s, &make, 1);
	shop_send(s, &make, false);
	assert_int_equal(shop_ends(s, &make, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->instances.n, 2);
	assert_int_equal(groups_in(l.req.inv)->n, 1);
	assert_int_equal(l.req.inv->s3.n, 1);
	assert_string_equal(l.req.inv->s3.v[0].id, AWS_S3_LIST);
	inventory_req_close(&l.req);
	shop_delete(&drop, 2);
	shop_head(s);
	shop_send(s, &drop, true);
	assert_int_equal(shop_ends(s, &drop, NULL), DONE);
	assert_int_equal(shop_alive(s), 0);
}

/* Between two pages of its first reading the second node is on none of them. */
static enum shop_fault second_node_is_overlooked(struct shop *s, const char *body)
{
	if (str_starts(body, "Action=DescribeInstances&"))
		s->sim->instances[1]->t.shown_ms = s->broke++ < 2 ? UINT64_MAX : 0;
	return SHOP_FINE;
}

static void a_thing_that_moves_between_pages_is_not_overlooked(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct look l = { 0 };

	s->k.cluster.nodes = 3;
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->sim->page = 1;
	s->break_at = second_node_is_overlooked;
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->instances.n, 3);
	assert_true(s->broke >= 2 + 3 + 3);
	inventory_req_close(&l.req);
}

/* ---- a kind of thing that only this test knows: its own view of the nodes, which EC2 shows page by page ---- */

static const struct resource mirror;

static struct ec2_instances *mirrored_in(const struct inventory *inv)
{
	return inventory_shelf(inv, &mirror, sizeof(struct ec2_instances));
}

static void ask_mirror(struct inventory_page *p, struct request *req)
{
	inventory_ask_by_tags(p, req, ec2_describe_instances);
}

static int take_mirror(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return ec2_read_instances(xml_root(c->xml), p->inv->arena, mirrored_in(p->inv), e);
}

static struct inventory_rows rows_mirror(const struct inventory_page *p)
{
	return INVENTORY_ROWS(*mirrored_in(p->inv));
}

static const struct inventory_read mirror_reads[] = { { .name = "mirrored nodes",
							.action = "ec2:DescribeInstances",
							.a_call = 1,
							.ask = ask_mirror,
							.take_in = take_mirror,
							.next = inventory_next_ec2,
							.rows = rows_mirror },
						      { .name = NULL } };
static const struct resource mirror = { .kind = "mirror", .reads = mirror_reads };
static const struct resource *const only_mirror[] = { &mirror, NULL };

static void a_new_kind_of_thing_is_read_page_by_page_and_kept_on_its_shelf(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct look l = { .resources = only_mirror };

	s->sim->page = 1;
	s->k.cluster.nodes = 3;
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(mirrored_in(l.req.inv)->n, 3);
	assert_int_equal(l.req.inv->instances.n, 3);
	assert_int_equal(groups_in(l.req.inv)->n, 0); /* no kind asked for them */
	inventory_req_close(&l.req);
}

/* The account's own look at them is the first, the new kind's the second. */
static enum shop_fault second_look_is_lost(struct shop *s, const char *body)
{
	return str_starts(body, "Action=DescribeInstances&") && s->broke++ > 0 ? SHOP_LOST : SHOP_FINE;
}

static void a_read_of_a_new_kind_that_fails_is_named_with_its_action(void **state)
{
	struct shop *s = *state;
	struct look l = { .resources = only_mirror };

	s->break_at = second_look_is_lost;
	assert_int_not_equal(take(s, &l), 0);
	assert_non_null(strstr(l.req.err.text, "inventory, mirrored nodes"));
	assert_string_equal(l.req.action, "ec2:DescribeInstances");
	inventory_req_close(&l.req);
}

static enum shop_fault second_look_is_denied(struct shop *s, const char *body)
{
	s->answer = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
	return str_starts(body, "Action=DescribeInstances&") && s->broke++ > 0 ? SHOP_ENCODED : SHOP_FINE;
}

/* One customer's key that is closed to us must not stop all plans; any other denial does. */
static void what_a_new_kind_may_be_denied_counts_as_not_there(void **state)
{
	struct inventory_read closed[] = { mirror_reads[0], { .name = NULL } };
	const struct resource door = { .kind = "door", .reads = closed };
	const struct resource *const only_door[] = { &door, NULL };
	struct shop *s = *state;

	s->break_at = second_look_is_denied;
	for (int may = 0; may < 2; may++) {
		struct look l = { .resources = only_door };

		s->broke = 0;
		closed[0].may_be_denied = may == 1;
		assert_int_equal(take(s, &l) == 0, may == 1);
		inventory_req_close(&l.req);
	}
}

static enum shop_fault nodes_are_told(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=DescribeInstances&") ? SHOP_TOLD : SHOP_FINE;
}

/* A thousand pages may come, each of 8 MiB: together they have a limit too. */
static void a_list_without_an_end_fails_the_look_before_the_memory_is_full(void **state)
{
	struct shop *s = *state;
	struct look l = { 0 };
	CLEANUP(buf_close) struct buf b = BUF_MAX(8u << 20);

	buf_adds(&b, "<DescribeInstancesResponse><nextToken>more</nextToken><reservationSet><item><instancesSet>");
	for (int i = 0; i < 4000; i++)
		buf_addf(&b,
			 "<item><instanceId>i-%d</instanceId><instanceState><name>running</name></instanceState><stateReason>"
			 "<message>%01000d</message></stateReason></item>",
			 i, 7);
	buf_adds(&b, "</instancesSet></item></reservationSet></DescribeInstancesResponse>");
	s->answer = buf_str(&b);
	s->break_at = nodes_are_told;
	assert_int_equal(take(s, &l), -ERR_LIMIT);
	assert_non_null(strstr(l.req.err.text, "inventory, instances: more than 144 MiB: the account shows too much"));
	assert_null(l.req.inv);
	inventory_req_close(&l.req);
}

static enum shop_fault balancers_are_lost(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=DescribeLoadBalancers&") ? SHOP_LOST : SHOP_FINE;
}

static void half_a_look_is_never_handed_out(void **state)
{
	struct shop *s = *state;
	struct look l = { 0 };

	s->break_at = balancers_are_lost;
	assert_int_not_equal(take(s, &l), 0);
	assert_null(l.req.inv);
	assert_int_equal(l.req.class, AWS_AMBIGUOUS);
	assert_non_null(strstr(l.req.err.text, "inventory, load balancers"));
	s->break_at = NULL;
	assert_int_equal(take(s, &l), 0);
	inventory_req_close(&l.req);
}

static void a_cancelled_look_calls_back_once_whenever_it_comes(void **state)
{
	struct shop *s = *state;

	for (uint64_t ms = 0; ms < 900; ms += 37) {
		struct look l = { 0 };

		begin(s, &l);
		sim_run_until(s->d.w, is_taken, &l, ms);
		inventory_cancel(&l.req);
		assert_int_equal(sim_run_until(s->d.w, is_taken, &l, 60000), SIM_TRUE);
		assert_true(l.rc == 0 || l.rc == -ERR_CANCELED);
		inventory_req_close(&l.req);
	}
}

static void what_a_plan_stands_on_is_looked_up_beside_it_and_what_is_not_there_is_left_out(void **state)
{
	static const struct inventory_wants wants = {
		.subnets = { "subnet-0002", "subnet-7777" }, .images = { "ami-1", "ami-7" }, .subnets_n = 2, .images_n = 2
	};
	struct shop *s = *state;
	struct desk_command k;
	struct look l = { .wants = &wants };

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->subnets.n, 1);
	assert_string_equal(inventory_subnet(l.req.inv, "subnet-0002")->zone, "us-east-1b");
	assert_null(inventory_subnet(l.req.inv, "subnet-7777"));
	assert_int_equal(l.req.inv->images.n, 1);
	assert_string_equal(inventory_image(l.req.inv, "ami-1")->root_device, AWS_IMAGE_ROOT);
	assert_int_equal(l.req.inv->types.n, 1);
	assert_false(inventory_has_disks(l.req.inv, "r6i.xlarge"));
	assert_true(inventory_has_disks(l.req.inv, "i3.large")); /* not asked for: counts as having some */
	assert_int_equal(l.req.inv->s3.n, 1);
	assert_string_equal(l.req.inv->s3.v[0].id, AWS_S3_LIST);
	l.wants = NULL;
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->s3.n + l.req.inv->types.n + l.req.inv->subnets.n, 0);
	inventory_req_close(&l.req);
}

/* Would end the first instance that is not protected, as far as is known, and the balancer. */
static const struct inventory_thing *first_free_one_ends(void *ctx, const struct inventory *inv, size_t *ret_n)
{
	struct inventory_thing *v = arena_alloc(inv->arena, 2 * sizeof(*v));

	++*(unsigned *)ctx;
	v[0] = (struct inventory_thing){ &resource_load_balancer, balancers_in(inv)->lbs[0].lb.arn };
	*ret_n = 1;
	for (size_t i = 0; i < inv->instances.n && *ret_n == 1; i++)
		if (!inventory_is_guarded(inv, inv->instances.v[i].id))
			v[(*ret_n)++] = (struct inventory_thing){ &resource_instance, inv->instances.v[i].id };
	return v;
}

static void what_protects_is_asked_of_what_would_end_and_of_what_would_go_in_its_place(void **state)
{
	struct shop *s = *state;
	unsigned asked = 0;
	struct inventory_wants wants = { .ends = first_free_one_ends, .ends_ctx = &asked };
	struct desk_command k;
	struct look l = { .wants = &wants };

	s->k.cluster.nodes = 4;
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	s->sim->instances[0]->is_protected = s->sim->instances[1]->is_protected = s->sim->lbs[0]->is_protected = true;
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->guards.n, 4); /* the balancer, two that are protected, one that would end */
	assert_int_equal(asked, 4);
	assert_true(inventory_is_guarded(l.req.inv, s->sim->instances[1]->t.id));
	assert_false(inventory_is_guarded(l.req.inv, s->sim->instances[2]->t.id));
	assert_true(inventory_is_guarded(l.req.inv, s->sim->lbs[0]->t.id));
	l.wants = NULL;
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->guards.n, 0);
	inventory_req_close(&l.req);
}

static enum shop_fault balancers_protection_is_lost(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=DescribeLoadBalancerAttributes&") ? SHOP_LOST : SHOP_FINE;
}

/* A person is told the action that the role lacks. */
static void a_question_for_a_protection_that_fails_names_the_action_of_its_kind(void **state)
{
	struct shop *s = *state;
	unsigned asked = 0;
	struct inventory_wants wants = { .ends = first_free_one_ends, .ends_ctx = &asked };
	struct desk_command k;
	struct look l = { .wants = &wants };

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	s->break_at = balancers_protection_is_lost;
	assert_int_not_equal(take(s, &l), 0);
	assert_string_equal(l.req.action, "elasticloadbalancing:DescribeLoadBalancerAttributes");
	inventory_req_close(&l.req);
}

static enum shop_fault first_node_is_unknown(struct shop *s, const char *body)
{
	if (str_starts(body, "Action=DescribeInstanceAttribute&"))
		s->sim->instances[0]->t.usable_ms = UINT64_MAX;
	return SHOP_FINE;
}

/* Somebody has ended it since it was seen. */
static void what_is_gone_when_its_protection_is_asked_for_is_not_protected(void **state)
{
	struct shop *s = *state;
	unsigned asked = 0;
	struct inventory_wants wants = { .ends = first_free_one_ends, .ends_ctx = &asked };
	struct desk_command k;
	struct look l = { .wants = &wants };

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->sim->instances[0]->is_protected = true;
	s->break_at = first_node_is_unknown;
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->guards.n, 2);
	assert_false(inventory_is_guarded(l.req.inv, s->sim->instances[0]->t.id));
	inventory_req_close(&l.req);
}

static void disown(struct aws_thing *t)
{
	for (size_t i = 0; i < t->tags_n; i++)
		if (str_eq(t->tags[i].key, "reeve:installation"))
			t->tags[i].key[0] = 'x';
}

/* What stands has lost a tag: it is somebody else's now, and its name is taken. */
static void who_else_bears_a_name_is_seen_and_not_taken_for_ours(void **state)
{
	static const struct inventory_wants wants = { .group_names = { "velodb-inst-1-wh-1-node", "no-such" }, .group_names_n = 2 };
	struct shop *s = *state;
	struct desk_command k;
	struct look l = { .wants = &wants };

	aws_add_foreign(s->sim);
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->named.n, 1);
	assert_string_equal(l.req.inv->named.v[0].name, "velodb-inst-1-wh-1-node");
	assert_int_equal(balancers_in(l.req.inv)->other_lbs.n + balancers_in(l.req.inv)->other_target_groups.n, 0);
	disown(&s->sim->lbs[0]->t);
	disown(&s->sim->target_groups[0]->t);
	disown(&s->sim->groups[s->sim->groups_n - 1]->t);
	assert_int_equal(take(s, &l), 0);
	assert_int_equal(l.req.inv->named.n, 1);
	assert_int_equal(groups_in(l.req.inv)->n + balancers_in(l.req.inv)->lbs_n + balancers_in(l.req.inv)->target_groups_n, 0);
	assert_string_equal(balancers_in(l.req.inv)->other_lbs.v[0].name, s->sim->lbs[0]->t.name);
	assert_string_equal(balancers_in(l.req.inv)->other_target_groups.v[0].name, s->sim->target_groups[0]->t.name);
	inventory_req_close(&l.req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(all_that_is_ours_is_seen_over_all_pages_and_nothing_foreign),
		SHOP(a_thing_that_moves_between_pages_is_not_overlooked),
		SHOP(a_new_kind_of_thing_is_read_page_by_page_and_kept_on_its_shelf),
		SHOP(a_read_of_a_new_kind_that_fails_is_named_with_its_action),
		SHOP(what_a_new_kind_may_be_denied_counts_as_not_there),
		SHOP(a_question_for_a_protection_that_fails_names_the_action_of_its_kind),
		SHOP(what_a_plan_stands_on_is_looked_up_beside_it_and_what_is_not_there_is_left_out),
		SHOP(what_an_ignored_filter_shows_is_not_ours_and_holds_up_no_delete),
		SHOP(half_a_look_is_never_handed_out),
		SHOP(a_list_without_an_end_fails_the_look_before_the_memory_is_full),
		SHOP(a_cancelled_look_calls_back_once_whenever_it_comes),
		SHOP(what_protects_is_asked_of_what_would_end_and_of_what_would_go_in_its_place),
		SHOP(what_is_gone_when_its_protection_is_asked_for_is_not_protected),
		SHOP(who_else_bears_a_name_is_seen_and_not_taken_for_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
