/* test_planner_tags.c - tags as desired state: what is set, what is taken away, and what is somebody else's. */
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/interfaces.h"
#include "tests/unit/ops/board.h"

static const char *text_of(struct board *d, const char *key)
{
	json_t *user = json_pack("{s:s}", key, "x"), *text = planning_tags_text(user);
	const char *copy = arena_str(d->inv->arena, json_string_value(text));

	json_decref(text);
	json_decref(user);
	return copy;
}

static struct ec2_tags with(struct board *d, struct ec2_tags tags, const char *key, const char *value)
{
	struct ec2_tag *v = arena_alloc(d->inv->arena, (tags.n + 1) * sizeof(*v));

	memcpy(v, tags.v, tags.n * sizeof(*v));
	v[tags.n] = (struct ec2_tag){ key, value };
	return (struct ec2_tags){ v, tags.n + 1 };
}

static struct ec2_instance *node(struct board *d, size_t i)
{
	return &d->inv->instances.v[i];
}

static int two_nodes(void **state)
{
	struct board *d;

	board_start(state);
	d = *state;
	d->k.s.n_target_groups = d->k.s.n_load_balancers = d->k.s.n_security_groups = 0;
	d->k.cluster.n_security_groups = 0;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	return 0;
}

static const json_t *args_of(const struct plans *p, const char *step)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			if (str_eq(p->v[i].name, "tags") && str_eq(p->v[i].steps[k].name, step))
				return p->v[i].steps[k].args;
	fail_msg("no step tags/%s in: %s", step, board_steps(p));
	return NULL;
}

static void assert_list(const json_t *args, const char *name, const char *wanted)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(400);

	arg_print_strs(args, name, &b);
	assert_string_equal(buf_str(&b), wanted);
}

static void only_the_node_that_lacks_a_tag_gets_it(void **state)
{
	struct board *d = *state;
	struct plans *p;

	node(d, 1)->tags.v[5].value = "c-9";
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tags/tag-nodes-be");
	assert_list(args_of(p, "tag-nodes-be"), "things", "i-2");
	assert_string_equal(json_str_or(json_object_get(args_of(p, "tag-nodes-be"), "tags"), d->k.tag.key, ""), d->k.tag.value);
	plans_free(p);
}

static struct ec2_interface *add_interface(struct board *d, const char *id, const char *instance)
{
	struct ec2_interfaces *l = interfaces_in(d->inv);
	struct ec2_interface *v = arena_alloc(d->inv->arena, (l->n + 1) * sizeof(*v));

	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof(*v));
	v[l->n] = (struct ec2_interface){ .id = id, .instance_id = instance, .tags = board_tags(d, "be", "1") };
	l->v = v;
	return &v[l->n++];
}

/* But not of one that hangs on no node of the cluster, or on one that leaves. */
static void volumes_and_interfaces_bear_what_their_nodes_bear(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_volume(d, "vol-1", "i-1", "/dev/xvdb", 100);
	board_add_volume(d, "vol-2", "i-2", "/dev/xvdb", 100)->tags.v[5].value = "c-9";
	board_add_volume(d, "vol-3", "i-9", "/dev/xvdb", 100)->tags.v[5].value = "c-9";
	add_interface(d, "eni-1", "i-1")->tags.v[5].value = "c-9";
	add_interface(d, "eni-2", "i-2");
	add_interface(d, "eni-3", "")->tags.v[5].value = "c-9";
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tags/tag-volumes-be tags/tag-interfaces-be");
	assert_list(args_of(p, "tag-volumes-be"), "things", "vol-2");
	assert_list(args_of(p, "tag-interfaces-be"), "things", "eni-1");
	assert_string_equal(json_str_or(args_of(p, "tag-interfaces-be"), "kind", ""), "network-interface");
	plans_free(p);
}

static void more_things_than_one_call_is_for_are_tagged_by_several(void **state)
{
	struct board *d = *state;
	struct plans *p;

	for (unsigned i = 0; i < 501; i++) {
		CLEANUP(mem_close) char *id = mem_printf("eni-%u", i);

		add_interface(d, arena_str(d->inv->arena, id), "i-1")->tags.v[5].value = "c-9";
	}
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tags/tag-interfaces-be tags/tag-interfaces-be.2");
	assert_int_equal(json_array_size(json_object_get(args_of(p, "tag-interfaces-be"), "things")), 500);
	assert_list(args_of(p, "tag-interfaces-be.2"), "things", "eni-500");
	plans_free(p);
}

static void what_was_set_here_and_is_wanted_no_more_goes(void **state)
{
	struct board *d = *state;
	struct plans *p;

	node(d, 0)->tags = with(d, with(d, node(d, 0)->tags, "cost", "x"), "reeve:tags", text_of(d, "cost"));
	node(d, 1)->tags = with(d, node(d, 1)->tags, "cost", "x"); /* nothing says that it was set here */
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tags/untag-nodes-be tags/tag-nodes-be");
	assert_list(args_of(p, "untag-nodes-be"), "things", "i-1");
	assert_list(args_of(p, "untag-nodes-be"), "keys", "cost");
	assert_list(args_of(p, "tag-nodes-be"), "things", "i-1"); /* reeve:tags tells of it no more */
	plans_free(p);
}

/* What was set on one may be somebody else's on another. */
static void a_tag_goes_where_it_was_set_here_and_nowhere_else(void **state)
{
	struct board *d = *state;
	struct plans *p;

	node(d, 0)->tags = with(d, with(d, node(d, 0)->tags, "cost", "x"), "reeve:tags", text_of(d, "cost"));
	node(d, 1)->tags = with(d, with(d, node(d, 1)->tags, "team", "x"), "reeve:tags", text_of(d, "team"));
	node(d, 1)->tags = with(d, node(d, 1)->tags, "cost", "theirs");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tags/untag-nodes-be tags/untag-nodes-be.2 tags/tag-nodes-be");
	assert_list(args_of(p, "untag-nodes-be"), "things", "i-1");
	assert_list(args_of(p, "untag-nodes-be"), "keys", "cost");
	assert_list(args_of(p, "untag-nodes-be.2"), "things", "i-2");
	assert_list(args_of(p, "untag-nodes-be.2"), "keys", "team");
	assert_list(args_of(p, "tag-nodes-be"), "things", "i-1, i-2");
	plans_free(p);
}

static void a_name_that_somebody_gave_stays_while_that_of_another_node_goes(void **state)
{
	struct board *d = *state;
	struct plans *p;

	node(d, 0)->tags = with(d, with(d, node(d, 0)->tags, "Name", "mine"), "reeve:tags", text_of(d, "Name"));
	node(d, 1)->tags = with(d, node(d, 1)->tags, "Name", "theirs");
	node(d, 1)->tags.v[5].value = "c-9"; /* another tag of it is not as wanted */
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tags/tag-nodes-be tags/tag-nodes-be.2");
	assert_list(args_of(p, "tag-nodes-be"), "things", "i-2");
	assert_null(json_object_get(json_object_get(args_of(p, "tag-nodes-be"), "tags"), "Name"));
	assert_list(args_of(p, "tag-nodes-be.2"), "things", "i-1");
	assert_string_equal(json_str_or(json_object_get(args_of(p, "tag-nodes-be.2"), "tags"), "Name", ""), "wh-1-be");
	plans_free(p);
}

/* Their calls are numbered, and a cluster may be called like that. */
static void clusters_whose_names_differ_by_a_number_are_both_tagged(void **state)
{
	struct board *d = *state;
	Reeve__Control__V1__Cluster two = d->k.cluster, *both[] = { &d->k.cluster, &two };
	struct plans *p;

	two.name = (char *)"be-2";
	d->k.s.clusters = both;
	d->k.s.n_clusters = 2;
	d->k.cluster.nodes = 2;
	two.nodes = 1;
	board_add_node(d, "i-3", "be-2", "running");
	node(d, 0)->tags = with(d, with(d, node(d, 0)->tags, "cost", "x"), "reeve:tags", text_of(d, "cost"));
	node(d, 1)->tags = with(d, with(d, node(d, 1)->tags, "team", "x"), "reeve:tags", text_of(d, "team"));
	node(d, 2)->tags = with(d, with(d, node(d, 2)->tags, "cost", "x"), "reeve:tags", text_of(d, "cost"));
	p = board_apply(d);
	assert_list(args_of(p, "untag-nodes-be.2"), "things", "i-2");
	assert_list(args_of(p, "untag-nodes-be-2"), "things", "i-3");
	plans_free(p);
}

static void tags_of_the_system_are_never_taken_away(void **state)
{
	static const char *const ours[] = { "resource-created-by", "reeve:installation", "reeve:warehouse", "Name" };
	struct board *d = *state;
	struct plans *p;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		struct ec2_tags before = node(d, 0)->tags;

		node(d, 0)->tags = with(d, before, "reeve:tags", text_of(d, ours[i]));
		p = board_apply(d);
		assert_string_equal(board_steps(p), "tags/tag-nodes-be");
		plans_free(p);
		node(d, 0)->tags = before;
	}
}

static void a_name_that_the_spec_gave_up_is_the_usual_one_again(void **state)
{
	struct board *d = *state;
	struct plans *p;

	node(d, 0)->tags = with(d, with(d, node(d, 0)->tags, "Name", "mine"), "reeve:tags", text_of(d, "Name"));
	p = board_apply(d);
	assert_string_equal(json_str_or(json_object_get(args_of(p, "tag-nodes-be"), "tags"), "Name", ""), "wh-1-be");
	plans_free(p);
}

static void the_customers_tags_are_on_everything_and_stronger_than_the_vendors(void **state)
{
	struct board *d = *state;
	json_t *theirs = json_pack("{s:s, s:s}", "cost-center", "42", d->k.tag.key, "theirs");
	const json_t *tags;
	struct plans *p;

	d->a.customer_tags = theirs;
	d->k.cluster.nodes = 3;
	p = board_apply(d);
	tags = json_object_get(p->v[0].steps[0].args, "tags"); /* of the launch */
	assert_string_equal(json_str_or(tags, "cost-center", ""), "42");
	assert_string_equal(json_str_or(tags, d->k.tag.key, ""), "theirs");
	assert_list(args_of(p, "tag-nodes-be"), "things", "i-1, i-2");
	plans_free(p);
	json_decref(theirs);
}

static void more_tags_than_a_thing_can_bear_are_refused(void **state)
{
	struct board *d = *state;
	json_t *theirs = json_object();
	struct plans *p = NULL;
	struct err e = { 0 };

	for (unsigned i = 0; i < PLANNING_TAGS_MAX; i++) {
		CLEANUP(mem_close) char *key = mem_printf("k-%u", i);

		json_object_set_new(theirs, key, json_string("x"));
	}
	d->a.customer_tags = theirs;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "the warehouse: 41 tags with those of the policy's customer_tags, and 40 are the most");
	plans_free(p);
	json_decref(theirs);
}

static void the_text_is_the_same_in_any_order_and_fits_a_tag(void **state)
{
	json_t *a = json_object(), *b = json_object(), *one, *two;

	(void)state;
	for (int i = 0; i < PLANNING_TAGS_MAX; i++) {
		CLEANUP(mem_close) char *x = mem_printf("k-%d", i), *y = mem_printf("k-%d", PLANNING_TAGS_MAX - 1 - i);

		json_object_set_new(a, x, json_string("v"));
		json_object_set_new(b, y, json_string("v"));
	}
	one = planning_tags_text(a);
	two = planning_tags_text(b);
	assert_true(json_equal(one, two));
	assert_true(json_string_length(one) <= 256);
	assert_true(planning_tags_text_has(json_string_value(one), "k-7"));
	assert_false(planning_tags_text_has(json_string_value(one), "k-40"));
	json_decref(one);
	json_decref(two);
	json_decref(a);
	json_decref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_node_that_lacks_a_tag_gets_it, two_nodes, board_end),
		cmocka_unit_test_setup_teardown(volumes_and_interfaces_bear_what_their_nodes_bear, two_nodes, board_end),
		cmocka_unit_test_setup_teardown(more_things_than_one_call_is_for_are_tagged_by_several, two_nodes, board_end),
		cmocka_unit_test_setup_teardown(what_was_set_here_and_is_wanted_no_more_goes, two_nodes, board_end),
		cmocka_unit_test_setup_teardown(a_tag_goes_where_it_was_set_here_and_nowhere_else, two_nodes, board_end),
		cmocka_unit_test_setup_teardown(a_name_that_somebody_gave_stays_while_that_of_another_node_goes, two_nodes,
						board_end),
		cmocka_unit_test_setup_teardown(clusters_whose_names_differ_by_a_number_are_both_tagged, two_nodes, board_end),
		cmocka_unit_test_setup_teardown(tags_of_the_system_are_never_taken_away, two_nodes, board_end),
		cmocka_unit_test_setup_teardown(a_name_that_the_spec_gave_up_is_the_usual_one_again, two_nodes, board_end),
		cmocka_unit_test_setup_teardown(the_customers_tags_are_on_everything_and_stronger_than_the_vendors, two_nodes,
						board_end),
		cmocka_unit_test_setup_teardown(more_tags_than_a_thing_can_bear_are_refused, two_nodes, board_end),
		cmocka_unit_test(the_text_is_the_same_in_any_order_and_fits_a_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
