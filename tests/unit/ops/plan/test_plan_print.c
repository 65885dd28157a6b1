/* test_plan_print.c - what people read before they let a plan run, one whole text a file in golden/: a reviewer sees in the
 * difference of a file what a change of the words comes to. GOLDEN=write writes them anew (`make golden`). */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/ops/serving.h"

#define FOLDER "tests/unit/ops/plan/golden/"

static void read_golden(const char *path, struct buf *to)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		fail_msg("%s is not there: make golden", path);
	to->len = fread(buf_room(to, to->max), 1, to->max, f);
	fclose(f);
}

static void write_golden(const char *path, const struct buf *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text->data, 1, text->len, f), text->len);
	assert_int_equal(fclose(f), 0);
}

/* Takes p. */
static void golden(struct plans *p, const char *name)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(65536), want = BUF_MAX(65536);
	CLEANUP(mem_close) char *path = mem_printf(FOLDER "%s.txt", name);

	plans_print(p, &text);
	plans_free(p);
	if (getenv("GOLDEN") != NULL) {
		write_golden(path, &text);
		return;
	}
	read_golden(path, &want);
	if (text.len != want.len || memcmp(text.data, want.data, text.len) != 0)
		fail_msg("%s reads otherwise (make golden writes what follows into it):\n%.*s", path, (int)text.len, text.data);
}

/* ---- what stands ---- */

/* Two nodes that serve, each with a data volume of 100 GiB; kept: it outlives its node. */
static int stands(void **state, bool keep)
{
	struct board *d;

	serving_start(state);
	d = *state;
	d->k.volume.keep = keep;
	for (size_t i = 0; i < d->inv->instances.n; i++) {
		struct ec2_instance *in = &d->inv->instances.v[i];
		const char **ids = arena_alloc(d->inv->arena, sizeof(*ids));

		ids[0] = arena_printf(d->inv->arena, "vol-%zu", i + 1);
		board_add_volume(d, ids[0], in->id, "/dev/sdf", 100)->is_kept = keep;
		*(keep ? &in->kept_volume_ids : &in->data_volume_ids) = ids;
		*(keep ? &in->kept_volumes : &in->data_volumes) = 1;
		in->image_id = "ami-1";
		in->subnet_id = "subnet-1";
		in->vpc_id = "vpc-1";
		in->az = "us-east-1a";
	}
	return 0;
}

static int stands_start(void **state)
{
	return stands(state, false);
}

static int keeps_start(void **state)
{
	return stands(state, true);
}

static struct plans *applied(struct board *d)
{
	struct plans *p = NULL;
	struct err e = { 0 };

	if (planner_apply(&d->a, &d->k.s, &p, &e) != 0)
		fail_msg("%s", err_text(&e));
	return p;
}

/* ---- the plans ---- */

static void create(void **state)
{
	golden(applied(*state), "create");
}

static void scale_out(void **state)
{
	struct board *d = *state;

	d->k.cluster.nodes = 4;
	golden(applied(d), "scale-out");
}

static void scale_in(void **state)
{
	struct board *d = *state;

	d->k.cluster.nodes = 1;
	golden(applied(d), "scale-in");
}

static void resize_type(void **state)
{
	struct board *d = *state;

	d->k.cluster.instance_type = (char *)"r6i.large";
	golden(applied(d), "resize-type");
}

static void resize_volumes(void **state)
{
	struct board *d = *state;

	d->k.volume.size_gib = 200;
	d->k.volume.iops = 6000;
	golden(applied(d), "resize-volumes");
}

static void replace(void **state)
{
	struct board *d = *state;
	char *ids[] = { (char *)"i-1" };
	struct planner_named named = { "be", ids, 1 };
	struct plans *p = NULL;
	struct err e = { 0 };

	d->a.verb = "nodes.replace";
	if (planner_replace(&d->a, &d->k.s, &named, &p, &e) != 0)
		fail_msg("%s", err_text(&e));
	golden(p, "replace");
}

/* As its spec would say it, one node after the other. */
static void reboot(void **state)
{
	Reeve__Control__V1__NodeEndpoint health = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT, call = health;
	Reeve__Control__V1__Drain drain = REEVE__CONTROL__V1__DRAIN__INIT;
	struct planner_rebooted r = { .cluster = "be", .health = &health, .drain = &drain };
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	health.port = call.port = 8040;
	health.path = (char *)"/api/health";
	call.path = (char *)"/api/drain";
	drain.call = &call;
	d->a.verb = "cluster.reboot";
	if (planner_reboot(&d->a, "wh-1", &r, &p, &e) != 0)
		fail_msg("%s", err_text(&e));
	golden(p, "reboot");
}

static void upgrade(void **state)
{
	struct board *d = *state;
	struct planner_order o = { NULL, 0, 0 };
	struct plans *p = NULL;
	struct err e = { 0 };

	d->a.verb = "warehouse.upgrade";
	for (size_t i = 0; i < d->inv->instances.n; i++)
		d->inv->instances.v[i].image_id = "ami-0";
	if (planner_upgrade(&d->a, &d->k.s, &o, &p, &e) != 0)
		fail_msg("%s", err_text(&e));
	golden(p, "upgrade");
}

static void pause_cluster(void **state)
{
	struct board *d = *state;

	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	golden(applied(d), "pause");
}

static void resume_cluster(void **state)
{
	struct board *d = *state;

	for (size_t i = 0; i < d->inv->instances.n; i++)
		d->inv->instances.v[i].state = "stopped";
	golden(applied(d), "resume");
}

static struct plans *deleted(struct board *d)
{
	struct plans *p = NULL;

	d->a.verb = "warehouse.delete";
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	return p;
}

static void delete_all(void **state)
{
	golden(deleted(*state), "delete");
}

static void delete_keeps(void **state)
{
	golden(deleted(*state), "delete-keeps-volumes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(create, board_start, board_end),
		cmocka_unit_test_setup_teardown(scale_out, stands_start, board_end),
		cmocka_unit_test_setup_teardown(scale_in, stands_start, board_end),
		cmocka_unit_test_setup_teardown(resize_type, stands_start, board_end),
		cmocka_unit_test_setup_teardown(resize_volumes, stands_start, board_end),
		cmocka_unit_test_setup_teardown(replace, stands_start, board_end),
		cmocka_unit_test_setup_teardown(reboot, stands_start, board_end),
		cmocka_unit_test_setup_teardown(upgrade, stands_start, board_end),
		cmocka_unit_test_setup_teardown(pause_cluster, stands_start, board_end),
		cmocka_unit_test_setup_teardown(resume_cluster, stands_start, board_end),
		cmocka_unit_test_setup_teardown(delete_all, stands_start, board_end),
		cmocka_unit_test_setup_teardown(delete_keeps, keeps_start, board_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
