/* test_planner_changes.c - what becomes of each cluster is told from and to. */
#include "tests/unit/ops/serving.h"

static const char *changes(const struct plans *p)
{
	static char text[1024];
	const json_t *list = json_object_get(p->json, "changes");
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < json_array_size(list); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? "; " : "",
					 json_string_value(json_array_get(list, i)));
	return text;
}

static void assert_changes(struct board *d, const char *says)
{
	struct plans *p = board_apply(d);

	assert_string_equal(changes(p), says);
	plans_free(p);
}

static void set_states(struct board *d, const char *first, const char *second)
{
	d->inv->instances.v[0].state = first;
	d->inv->instances.v[1].state = second;
}

#define PAUSED REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED

static void a_cluster_that_becomes_another_is_told_from_and_to(void **state)
{
	struct board *d = *state;

	assert_changes(d, "");
	d->k.cluster.nodes = 3;
	assert_changes(d, "~ cluster be: 2 -> 3 nodes");
	d->k.cluster.nodes = 2;
	d->k.cluster.power = PAUSED;
	assert_changes(d, "~ cluster be: running -> paused: 2 nodes stop, and their volumes stay");
	set_states(d, "running", "stopped");
	assert_changes(d, "~ cluster be: running -> paused: 1 node stops, and their volumes stay");
	set_states(d, "stopped", "stopped");
	assert_changes(d, "");
	d->k.cluster.power = 0;
	assert_changes(d, "~ cluster be: stopped -> running: 2 nodes");
	set_states(d, "running", "running");
	d->inv->instances.v[1].type = "r6i.large";
	assert_changes(d, "~ cluster be: 1 node from r6i.large to r6i.xlarge");
}

/* What a paused cluster lacks is launched when it runs again. */
static void nobody_is_launched_into_a_paused_cluster(void **state)
{
	struct board *d = *state;

	d->k.cluster.power = PAUSED;
	d->k.cluster.nodes = 3;
	set_states(d, "stopped", "stopped");
	assert_changes(d, "");
	d->inv->instances.n = 0;
	assert_changes(d, "");
}

static void a_cluster_that_comes_and_one_that_goes_are_told(void **state)
{
	struct board *d = *state;

	board_add_node(d, "i-3", "old", "running");
	board_add_node(d, "i-4", "old", "stopped");
	assert_changes(d, "- cluster old: 2 nodes -> none");
	d->k.cluster.name = (char *)"fe";
	d->k.tg_clusters[0] = (char *)"fe";
	assert_changes(d,
		       "+ cluster fe: 2 nodes, r6i.xlarge, ami-1; - cluster be: 2 nodes -> none; - cluster old: 2 nodes -> none");
}

static void one_that_a_heal_has_left_is_told_apart(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close) json_t *left = json_pack("[s]", "i-3");

	board_add_node(d, "i-3", "be", "running");
	d->a.left = left;
	assert_changes(d, "~ cluster be: 1 node that a heal has left ends");
	d->k.cluster.nodes = 3;
	assert_changes(d, "~ cluster be: 2 -> 3 nodes; ~ cluster be: 1 node that a heal has left ends");
	d->k.cluster.name = (char *)"fe";
	d->k.tg_clusters[0] = (char *)"fe";
	assert_changes(d, "+ cluster fe: 3 nodes, r6i.xlarge, ami-1; - cluster be: 3 nodes -> none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(a_cluster_that_becomes_another_is_told_from_and_to),
		SERVING_TEST(nobody_is_launched_into_a_paused_cluster),
		SERVING_TEST(a_cluster_that_comes_and_one_that_goes_are_told),
		SERVING_TEST(one_that_a_heal_has_left_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
