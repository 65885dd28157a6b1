/* test_patrol_orphans.c - volumes that no node has are counted by their warehouses, looked after or not. */
#include "agent/ops/patrol_orphans.h"
#include "tests/unit/ops/board.h"

static struct ec2_volume *left(struct board *d, const char *id, const char *warehouse)
{
	struct ec2_volume *v = board_add_volume(d, id, "", "", 100);

	v->tags = board_tags(d, "be", "1");
	v->tags.v[2].value = warehouse;
	return v;
}

static void each_warehouse_that_is_not_looked_after_has_its_number(void **state)
{
	struct board *d = *state;
	struct wanted wanted = { .n = 1, .v = { { .warehouse = "wh-1" } } };
	struct fates fates = { .n = 2, .v = { { .warehouse = "wh-2" }, { .warehouse = "wh-3" } } };
	CLEANUP(json_close)
	json_t *list = NULL, *next = NULL, *want = json_pack("{s:i, s:i, s:i}", "wh-2", 2, "wh-3", 0, "wh-4", 1);

	left(d, "vol-1", "wh-1"); /* its own place tells it */
	left(d, "vol-2", "wh-2");
	left(d, "vol-3", "wh-4");
	left(d, "vol-4", "wh-2");
	left(d, "vol-5", "a-name-that-no-warehouse-of-ours-has-as-it-is-too-long");
	board_add_node(d, "i-1", "be", "running");
	left(d, "vol-6", "wh-5")->instance = "i-1"; /* a node has it */
	list = patrol_orphans_beside(d->inv, &wanted, &fates, NULL);
	assert_true(json_equal(list, want));
	next = patrol_orphans_beside(d->inv, &wanted, &fates, list);
	assert_true(json_equal(next, want));
}

static void a_flood_of_names_has_an_end(void **state)
{
	struct board *d = *state;
	struct wanted wanted = { .n = 0 };
	struct fates fates = { .n = 1, .v = { { .warehouse = "wh-2" } } };
	CLEANUP(json_close) json_t *list = NULL;

	for (unsigned i = 0; i < 2 * PATROL_ORPHANS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "wh-%u", 100 + i);
		left(d, "vol-1", arena_str(d->inv->arena, name));
	}
	list = patrol_orphans_beside(d->inv, &wanted, &fates, NULL);
	assert_int_equal(json_object_size(list), PATROL_ORPHANS_MAX);
	assert_non_null(json_object_get(list, "wh-2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(each_warehouse_that_is_not_looked_after_has_its_number),
		DESK_TEST(a_flood_of_names_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
