/* test_inventory_json.c - what an inventory is told as: each thing once, with its warehouse, and within its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/ops/steps/inventory_json.h"
#include "tests/unit/ops/board.h"

#define ROOM (1u << 20)

static const char *str(const json_t *o, const char *key)
{
	return json_str_or(o, key, "(none)");
}

static const json_t *warehouse(const json_t *j, size_t at)
{
	return json_array_get(json_object_get(j, "warehouses"), at);
}

static const json_t *item(const json_t *o, const char *list, size_t at)
{
	return json_array_get(json_object_get(o, list), at);
}

static size_t count(const json_t *o, const char *list)
{
	return json_array_size(json_object_get(o, list));
}

static void nodes_stand_in_their_cluster_in_the_order_of_their_ids(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close) json_t *j = NULL;
	const json_t *w;

	board_add_node(d, "i-2", "be", "running");
	board_add_node(d, "i-9", "fe", "stopped");
	board_add_node(d, "i-1", "be", "terminated");
	d->inv->instances.v[1].tags = board_tags(d, "fe", "7");
	d->inv->instances.v[0].private_ip = "10.0.0.5";
	j = inventory_json(d->inv, ROOM);
	assert_string_equal(str(j, "taken_at"), "2027-01-15T08:00:00.000Z");
	assert_int_equal(count(j, "warehouses"), 1);
	w = warehouse(j, 0);
	assert_string_equal(str(w, "name"), "wh-1");
	assert_int_equal(json_int_or(w, "generation", 0), 7);
	assert_int_equal(count(w, "clusters"), 2);
	assert_string_equal(str(item(w, "clusters", 0), "name"), "be");
	assert_int_equal(count(item(w, "clusters", 0), "nodes"), 2);
	assert_string_equal(str(item(item(w, "clusters", 0), "nodes", 0), "id"), "i-1");
	assert_string_equal(str(item(item(w, "clusters", 0), "nodes", 0), "state"), "terminated");
	assert_string_equal(str(item(item(w, "clusters", 0), "nodes", 1), "id"), "i-2");
	assert_string_equal(str(item(item(w, "clusters", 0), "nodes", 1), "private_ip"), "10.0.0.5");
	assert_string_equal(str(item(item(w, "clusters", 1), "nodes", 0), "id"), "i-9");
}

static void a_volume_stands_with_its_node_and_one_that_no_node_has_among_the_orphans(void **state)
{
	struct board *d = *state;
	static const char *data[] = { "vol-1" }, *kept[] = { "vol-2" }, *last[] = { "vol-5" };
	CLEANUP(json_close) json_t *j = NULL;
	const json_t *w, *node;

	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "terminated");
	d->inv->instances.v[0].data_volume_ids = data;
	d->inv->instances.v[0].kept_volume_ids = kept;
	d->inv->instances.v[0].data_volumes = d->inv->instances.v[0].kept_volumes = 1;
	d->inv->instances.v[1].kept_volume_ids = last;
	d->inv->instances.v[1].kept_volumes = 1;
	board_add_volume(d, "vol-1", "i-1", "/dev/sdf", 100);
	board_add_volume(d, "vol-2", "i-1", "/dev/sdg", 200);
	board_add_volume(d, "vol-3", "i-1", "/dev/xvda", 8); /* the root */
	board_add_volume(d, "vol-4", "", "", 50);
	board_add_volume(d, "vol-5", "i-2", "/dev/sdf", 60);
	board_add_volume(d, "vol-6", "i-other", "/dev/sdf", 70);
	j = inventory_json(d->inv, ROOM);
	w = warehouse(j, 0);
	node = item(item(w, "clusters", 0), "nodes", 0);
	assert_int_equal(count(node, "volumes"), 2);
	assert_string_equal(str(item(node, "volumes", 0), "id"), "vol-1");
	assert_true(json_is_false(json_object_get(item(node, "volumes", 0), "kept")));
	assert_int_equal(json_int_or(item(node, "volumes", 0), "size_gib", 0), 100);
	assert_int_equal(json_int_or(item(node, "volumes", 0), "iops", 0), 3000);
	assert_int_equal(json_int_or(item(node, "volumes", 0), "throughput", 0), 125);
	assert_true(json_is_true(json_object_get(item(node, "volumes", 1), "kept")));
	assert_int_equal(count(w, "orphan_volumes"), 3);
	assert_string_equal(str(item(w, "orphan_volumes", 0), "id"), "vol-4");
	assert_string_equal(str(item(w, "orphan_volumes", 0), "cluster"), "be");
	assert_string_equal(str(item(w, "orphan_volumes", 1), "id"), "vol-5");
	assert_string_equal(str(item(w, "orphan_volumes", 2), "instance"), "i-other");
}

static void of_a_volumes_changes_the_newest_is_told_while_it_is_under_way(void **state)
{
	struct board *d = *state;
	struct ec2_modification m[] = {
		{ .volume = "vol-1", .state = "completed", .start = "2026-11-30T01:00:00.000Z" },
		{ .volume = "vol-1", .state = "optimizing", .start = "2026-11-30T02:00:00.000Z" },
		{ .volume = "vol-2", .state = "modifying", .start = "2026-11-30T01:00:00.000Z" },
		{ .volume = "vol-2", .state = "completed", .start = "2026-11-30T01:00:00.000Z" },
		{ .volume = "vol-1", .state = "failed", .start = "2026-11-29T02:00:00.000Z" },
	};
	CLEANUP(json_close) json_t *j = NULL;

	board_add_volume(d, "vol-1", "", "", 50);
	board_add_volume(d, "vol-2", "", "", 50);
	volumes_in(d->inv)->modifications = (struct ec2_modifications){ m, ARRAY_LEN(m) };
	j = inventory_json(d->inv, ROOM);
	assert_string_equal(str(item(warehouse(j, 0), "orphan_volumes", 0), "change"), "optimizing");
	assert_string_equal(str(item(warehouse(j, 0), "orphan_volumes", 1), "change"), "(none)");
}

static void what_stands_in_front_of_the_nodes_is_told_with_its_targets(void **state)
{
	struct board *d = *state;
	struct balancers *b = balancers_in(d->inv);
	struct elb_target targets[] = { { "i-1", 9030, "unhealthy", "Target.Timeout" } };
	struct elb_listener listeners[] = { { .arn = "arn:l", .protocol = "TCP", .port = 9030, .target_group_arn = "arn:tg" } };
	struct balancers_target_group tg = { { .arn = "arn:tg", .name = "sql", .protocol = "TCP", .port = 9030 }, { targets, 1 } };
	struct balancers_lb lb = { { .arn = "arn:lb", .name = "main", .state = "active", .dns_name = "x.example" },
				   { listeners, 1 } };
	CLEANUP(json_close) json_t *j = NULL;
	const json_t *w;

	tg.g.tags = lb.lb.tags = board_tags(d, "", "3");
	*b = (struct balancers){ .target_groups = &tg, .target_groups_n = 1, .lbs = &lb, .lbs_n = 1 };
	board_add_group(d, NULL, 0);
	j = inventory_json(d->inv, ROOM);
	w = warehouse(j, 0);
	assert_int_equal(json_int_or(w, "generation", 0), 3);
	assert_int_equal(json_int_or(item(w, "security_groups", 0), "rules", 0), 3);
	assert_string_equal(str(item(item(w, "load_balancers", 0), "listeners", 0), "target_group"), "arn:tg");
	assert_string_equal(str(item(item(w, "target_groups", 0), "targets", 0), "health"), "unhealthy");
	assert_string_equal(str(item(item(w, "target_groups", 0), "targets", 0), "reason"), "Target.Timeout");
}

static void of_the_tags_those_are_told_that_are_not_the_agents_own(void **state)
{
	struct board *d = *state;
	struct ec2_tag *t;
	CLEANUP(json_close) json_t *j = NULL;
	const json_t *told;

	board_add_node(d, "i-1", "be", "running");
	t = d->inv->instances.v[0].tags.v;
	t[4] = (struct ec2_tag){ "aws:cloudformation:stack-id", "x" };
	t[5] = (struct ec2_tag){ "cost", "a\xff"
					 "b" }; /* no UTF-8, and yet not left out */
	j = inventory_json(d->inv, ROOM);
	told = json_object_get(item(item(warehouse(j, 0), "clusters", 0), "nodes", 0), "tags");
	assert_int_equal(json_object_size(told), 1);
	assert_string_equal(str(told, "cost"), "a?b");
}

static void things_that_name_no_warehouse_are_told_all_the_same(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close) json_t *j = NULL;

	board_add_node(d, "i-1", "be", "running");
	d->inv->instances.v[0].tags.n = 2;
	j = inventory_json(d->inv, ROOM);
	assert_string_equal(str(warehouse(j, 0), "name"), "");
	assert_int_equal(count(item(warehouse(j, 0), "clusters", 0), "nodes"), 1);
}

static void an_empty_account_is_an_empty_list(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close) json_t *j = inventory_json(d->inv, ROOM);

	assert_int_equal(count(j, "warehouses"), 0);
	assert_int_equal(json_object_size(json_object_get(j, "left_out")), 5);
}

static size_t told_nodes(const json_t *j)
{
	size_t n = 0;

	for (size_t w = 0; w < count(j, "warehouses"); w++)
		for (size_t c = 0; c < count(warehouse(j, w), "clusters"); c++)
			n += count(item(warehouse(j, w), "clusters", c), "nodes");
	return n;
}

/* Names of all lengths, so that the limit falls anywhere in a thing. */
static void what_has_no_room_is_left_out_and_counted_whatever_the_limit(void **state)
{
	struct board *d = *state;
	static char ids[60][16];
	static const char *volumes[60][1];

	for (size_t i = 0; i < 60; i++) {
		snprintf(ids[i], sizeof(ids[i]), "i-%zu", i);
		board_add_node(d, ids[i], i % 3 == 0 ? "a" : "b", "running");
		volumes[i][0] = mem_printf("vol-%zu", i);
		board_add_volume(d, volumes[i][0], ids[i], "/dev/sdf", 10);
	}
	for (size_t i = 0; i < 60; i++) {
		d->inv->instances.v[i].data_volume_ids = volumes[i];
		d->inv->instances.v[i].data_volumes = 1;
	}
	for (size_t most = 600; most < 60000; most += 397) {
		CLEANUP(json_close) json_t *j = inventory_json(d->inv, most);
		const json_t *left = json_object_get(j, "left_out");
		size_t nodes = told_nodes(j);

		assert_true(json_size(j) <= most);
		assert_int_equal(nodes + (size_t)json_int_or(left, "nodes", -1), 60);
		assert_true(json_int_or(left, "volumes", -1) >= json_int_or(left, "nodes", -1));
		assert_true(most < 30000 || nodes > 0);
	}
	for (size_t i = 0; i < 60; i++)
		mem_free((void *)volumes[i][0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(nodes_stand_in_their_cluster_in_the_order_of_their_ids),
		DESK_TEST(a_volume_stands_with_its_node_and_one_that_no_node_has_among_the_orphans),
		DESK_TEST(of_a_volumes_changes_the_newest_is_told_while_it_is_under_way),
		DESK_TEST(what_stands_in_front_of_the_nodes_is_told_with_its_targets),
		DESK_TEST(of_the_tags_those_are_told_that_are_not_the_agents_own),
		DESK_TEST(things_that_name_no_warehouse_are_told_all_the_same),
		DESK_TEST(an_empty_account_is_an_empty_list),
		DESK_TEST(what_has_no_room_is_left_out_and_counted_whatever_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
