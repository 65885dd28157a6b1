/* serving.h - a warehouse that serves before a planner: two nodes behind a target group with a listener; and plans as people read
 * them. */
#pragma once
#include "tests/unit/ops/board.h"

/* The cluster "be" stands with two nodes behind the target group and the listener of the specification. */
static inline int serving_start(void **state)
{
	static struct elb_target targets[] = { { .id = "i-1", .state = "healthy", .reason = "" },
					       { .id = "i-2", .state = "healthy", .reason = "" } };
	static const char *subnets[] = { "subnet-1" };
	static struct ec2_type types[] = { { .name = "r6i.xlarge" },
					   { .name = "r6i.large" },
					   { .name = "i3.large", .has_disks = true } };
	struct balancers_target_group *g;
	struct balancers_lb *lb;
	struct elb_listener *l;
	struct board *d;
	char *names;

	board_start(state);
	d = *state;
	g = arena_new(d->inv->arena, struct balancers_target_group);
	lb = arena_new(d->inv->arena, struct balancers_lb);
	l = arena_new(d->inv->arena, struct elb_listener);
	names = arena_alloc(d->inv->arena, 66);
	spec_short_name("inst-1", "wh-1", "lb", "main", names);
	spec_short_name("inst-1", "wh-1", "tg", "sql", names + 33);
	*g = (struct balancers_target_group){
		.g = { .arn = "arn:tg", .name = names + 33, .protocol = "TCP", .port = 9030, .tags = board_tags(d, "", "1") },
		.targets = { targets, 2 }
	};
	/* In the place of its last tag: what tells people its name. */
	g->g.tags.v[5] = (struct ec2_tag){ "reeve:step", "base/tg-sql" };
	g->g.tags.v[3] = (struct ec2_tag){ d->k.tag.key, d->k.tag.value };
	*l = (struct elb_listener){
		.arn = "arn:l", .protocol = "TCP", .target_group_arn = "arn:tg", .port = 9030, .tags = board_tags(d, "", "1")
	};
	*lb = (struct balancers_lb){ .lb = { .arn = "arn:lb",
					     .name = names,
					     .state = "active",
					     .subnet_ids = subnets,
					     .subnet_ids_n = 1,
					     .tags = board_tags(d, "", "1") },
				     .listeners = { l, 1 } };
	*balancers_in(d->inv) = (struct balancers){ .lbs = lb, .lbs_n = 1, .target_groups = g, .target_groups_n = 1 };
	d->inv->types = (struct ec2_types){ types, ARRAY_LEN(types) };
	d->k.s.n_security_groups = d->k.cluster.n_security_groups = 0;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	return 0;
}

static inline const struct step *step_of(const struct plans *p, const char *plan, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; str_eq(p->v[i].name, plan) && k < p->v[i].n; k++)
			if (str_eq(p->v[i].steps[k].name, name))
				return &p->v[i].steps[k];
	fail_msg("there is no step %s/%s", plan, name);
	return NULL;
}

static inline const char *ids_of(const struct step *s)
{
	static char text[256];
	CLEANUP(buf_close) struct buf b = BUF_MAX(255);

	arg_print_strs(s->args, "instances", &b);
	strcpy(text, buf_str(&b));
	return text;
}

/* All but the line with the hash. */
static inline void assert_prints(const struct plans *p, const char *expected)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(65536);
	const char *at;

	plans_print(p, &text);
	at = strstr(buf_str(&text), "\n\nPlan ");
	assert_non_null(at);
	assert_string_equal(at + 2, expected);
}

#define SERVING_TEST(f) cmocka_unit_test_setup_teardown(f, serving_start, board_end)
