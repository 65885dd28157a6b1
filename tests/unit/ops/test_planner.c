/* test_planner.c - desired state against observed state: what is planned, in which order, and what never is. */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/planner.h"
#include "tests/unit/ops/specs.h"

struct desk {
	struct specs k;
	struct inventory *inv;
	struct planner_args a;
};

static const char *cidrs[] = { "10.0.0.0/16" };
static struct ec2_vpc vpcs[] = { { .id = "vpc-1", .cidr = "10.0.0.0/16", .cidrs = cidrs, .cidrs_n = 1 } };

static int start(void **state)
{
	struct desk *d = mem_new(struct desk);

	specs_good(&d->k);
	d->inv = inventory_new();
	d->inv->taken_ms = 1800000000000;
	d->inv->vpcs = (struct ec2_vpcs){ vpcs, 1 };
	d->a = (struct planner_args){ .owner = { "velodb", "inst-1" }, .command = "c-1", .inv = d->inv };
	*state = d;
	return 0;
}

static int end(void **state)
{
	struct desk *d = *state;

	inventory_free(d->inv);
	mem_free(d);
	return 0;
}

static struct plans *apply(struct desk *d)
{
	struct plans *p = NULL;

	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, NULL), 0);
	return p;
}

/* "plan/step plan/step ..." of all plans, in order. */
static const char *steps(const struct plans *p)
{
	static char text[8192];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s/%s", used > 0 ? " " : "", p->v[i].name,
						 p->v[i].steps[k].name);
	return text;
}

static struct ec2_tags tags_of(struct desk *d, const char *cluster, const char *generation)
{
	struct ec2_tag *t = arena_alloc(d->inv->arena, 5 * sizeof(*t));

	t[0] = (struct ec2_tag){ "resource-created-by", "velodb" };
	t[1] = (struct ec2_tag){ "reeve:installation", "inst-1" };
	t[2] = (struct ec2_tag){ "reeve:warehouse", "wh-1" };
	t[3] = (struct ec2_tag){ "reeve:cluster", cluster };
	t[4] = (struct ec2_tag){ "reeve:generation", generation };
	return (struct ec2_tags){ t, 5 };
}

static void add_node(struct desk *d, const char *id, const char *cluster, const char *state)
{
	struct ec2_instances *l = &d->inv->instances;
	struct ec2_instance *v = arena_alloc(d->inv->arena, (l->n + 1) * sizeof(*v));

	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof(*v));
	v[l->n] = (struct ec2_instance){ .id = id,
					 .state = state,
					 .type = "r6i.xlarge",
					 .launch_time = id,
					 .tags = tags_of(d, cluster, "1"),
					 .reason = "",
					 .reason_code = "" };
	l->v = v;
	l->n++;
}

static void add_group(struct desk *d, const struct ec2_rule *rules, size_t n)
{
	struct ec2_group *g = arena_new(d->inv->arena, struct ec2_group);

	*g = (struct ec2_group){ .id = "sg-1",
				 .name = "velodb-inst-1-wh-1-node",
				 .vpc_id = "vpc-1",
				 .rules = (struct ec2_rule *)rules,
				 .rules_n = n,
				 .tags = tags_of(d, "", "2") };
	d->inv->groups = (struct ec2_groups){ g, 1 };
}

static void from_nothing_everything_is_made_base_first(void **state)
{
	struct desk *d = *state;
	struct plans *p = apply(d);

	assert_string_equal(
	    steps(p),
	    "base/sg-node base/rule-node-tcp-0-65535-self base/rule-node-tcp-8000-9000-10.0.0.0/16 base/tg-sql base/lb-main "
	    "base/listener-main-9030 base/lb-main-active cluster-be/launch cluster-be/up cluster-be/register-sql "
	    "cluster-be/healthy-sql");
	assert_int_equal(p->v[0].stage, 0);
	assert_int_equal(p->v[1].stage, 1);
	assert_int_equal(p->v[1].pivot, 2);
	assert_null(plans_high(p, &(const struct plan *){ NULL }));
	plans_free(p);
}

static void the_same_spec_and_inventory_give_the_same_hash(void **state)
{
	struct desk *d = *state;
	struct plans *p = apply(d), *q;

	d->inv->taken_ms += 5000;
	q = apply(d);
	assert_true(digest_eq(&p->hash, &q->hash));
	plans_free(q);
	d->k.volume.size_gib++;
	q = apply(d);
	assert_false(digest_eq(&p->hash, &q->hash));
	plans_free(q);
	plans_free(p);
}

static void growing_launches_what_is_missing_under_the_same_step_name(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	add_node(d, "i-1", "be", "running");
	d->k.cluster.nodes = 3;
	p = apply(d);
	assert_non_null(strstr(steps(p), "cluster-be/launch cluster-be/up"));
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "count", 0), 2);
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "held", 0), 1);
	plans_free(p);
}

static void terminated_nodes_are_not_nodes(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	add_node(d, "i-1", "be", "terminated");
	add_node(d, "i-2", "be", "shutting-down");
	p = apply(d);
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "count", 0), 2);
	plans_free(p);
}

static void shrinking_takes_the_youngest_and_is_not_high_risk(void **state)
{
	struct desk *d = *state;
	const struct plan *where;
	struct plans *p;
	const json_t *ids;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	d->k.cluster.nodes = 1;
	add_node(d, "i-2", "be", "running");
	add_node(d, "i-1", "be", "running");
	p = apply(d);
	assert_string_equal(steps(p), "cluster-be/terminate cluster-be/gone");
	ids = json_object_get(p->v[0].steps[0].args, "instances");
	assert_int_equal(json_array_size(ids), 1);
	assert_string_equal(json_string_value(json_array_get(ids, 0)), "i-2");
	assert_null(plans_high(p, &where));
	plans_free(p);
}

static void leaving_a_cluster_without_nodes_is_high_risk(void **state)
{
	struct desk *d = *state;
	const struct plan *where;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	add_node(d, "i-1", "be", "running");
	d->k.cluster.nodes = 0;
	p = apply(d);
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	plans_free(p);
	d->k.s.n_clusters = 0;
	p = apply(d);
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	assert_string_equal(where->name, "cluster-be");
	plans_free(p);
}

static void a_rule_from_outside_the_vpc_is_high_risk(void **state)
{
	struct desk *d = *state;
	const struct plan *where;
	struct plans *p;

	d->k.clients.cidr = (char *)"10.0.0.0/8";
	p = apply(d);
	assert_string_equal(plans_high(p, &where)->name, "rule-node-tcp-8000-9000-10.0.0.0/8");
	plans_free(p);
	d->k.clients.cidr = (char *)"10.0.0.0/16";
	d->inv->vpcs.n = 0; /* a VPC that we do not know holds nothing */
	p = apply(d);
	assert_non_null(plans_high(p, &where));
	plans_free(p);
}

static void rules_beyond_the_spec_go_and_missing_ones_come(void **state)
{
	static const struct ec2_rule have[] = {
		{ "tcp", 22, 22, "0.0.0.0/0", NULL, "" },
		{ "tcp", 0, 65535, NULL, "sg-1", "" },
	};
	struct desk *d = *state;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_clusters = 0;
	add_group(d, have, 2);
	p = apply(d);
	assert_string_equal(steps(p), "base/rule-node-tcp-8000-9000-10.0.0.0/16 base/norule-node-tcp-22-22-0.0.0.0/0");
	plans_free(p);
}

static void what_carries_other_tags_is_left_alone(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	add_node(d, "i-1", "be", "running");
	((struct ec2_tag *)d->inv->instances.v[0].tags.v)[2].value = "wh-2";
	p = NULL;
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	assert_int_equal(plans_steps(p), 0);
	plans_free(p);
}

static void a_delete_takes_clusters_first_and_needs_a_second_key(void **state)
{
	struct desk *d = *state;
	const struct plan *where;
	struct plans *p = NULL;

	add_node(d, "i-1", "be", "running");
	add_node(d, "i-2", "fe", "running");
	add_group(d, NULL, 0);
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	assert_string_equal(steps(p), "cluster-be/terminate cluster-be/gone cluster-fe/terminate cluster-fe/gone "
				      "base/nosg-velodb-inst-1-wh-1-node");
	assert_int_equal(p->v[0].stage, 0);
	assert_int_equal(p->v[1].stage, 0);
	assert_int_equal(p->v[2].stage, 1);
	assert_non_null(plans_high(p, &where));
	assert_int_equal(planner_generation(d->inv, "wh-1"), 2);
	assert_int_equal(planner_nodes(d->inv), 2);
	plans_free(p);
}

static void another_instance_type_is_said_to_be_not_yet_and_never_pretended(void **state)
{
	struct desk *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	add_node(d, "i-1", "be", "running");
	d->k.cluster.instance_type = (char *)"r6i.large";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "changing instance_type to r6i.large is not available yet"));
	assert_null(p);
}

static void the_same_rule_twice_is_one_rule(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	d->k.rules[1] = &d->k.self;
	p = apply(d);
	assert_null(strstr(strstr(steps(p), "rule-node-tcp-0-65535-self") + 1, "rule-node-tcp-0-65535-self"));
	plans_free(p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
	const struct CMUnitTest tests[] = {
		TEST(from_nothing_everything_is_made_base_first),
		TEST(the_same_spec_and_inventory_give_the_same_hash),
		TEST(growing_launches_what_is_missing_under_the_same_step_name),
		TEST(terminated_nodes_are_not_nodes),
		TEST(shrinking_takes_the_youngest_and_is_not_high_risk),
		TEST(leaving_a_cluster_without_nodes_is_high_risk),
		TEST(a_rule_from_outside_the_vpc_is_high_risk),
		TEST(rules_beyond_the_spec_go_and_missing_ones_come),
		TEST(what_carries_other_tags_is_left_alone),
		TEST(a_delete_takes_clusters_first_and_needs_a_second_key),
		TEST(another_instance_type_is_said_to_be_not_yet_and_never_pretended),
		TEST(the_same_rule_twice_is_one_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
