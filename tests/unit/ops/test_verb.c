/* test_verb.c - the table of verbs: each row is whole, and arguments from outside are judged by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/verb.h"
#include "tests/unit/ops/specs.h"

typedef Reeve__Control__V1__Command command_t;

static void each_row_is_whole_and_found_by_its_number_on_the_wire(void **state)
{
	(void)state;
	for (enum verb_index i = 0; i < VERBS; i++) {
		const struct verb *v = verb_at(i);

		assert_ptr_equal(verb_of(v->wire), v);
		assert_int_equal(verb_index(v), i);
		assert_true(v->args != NULL && v->check != NULL && v->spec != NULL);
		assert_true((v->plan != NULL) != (v->deed != NULL));
		assert_true(v->deadline_s > 0);
		for (enum verb_index k = 0; k < i; k++)
			assert_string_not_equal(v->name, verb_at(k)->name);
	}
	assert_null(verb_of(REEVE__CONTROL__V1__VERB__VERB_UNSPECIFIED));
	assert_null(verb_of((Reeve__Control__V1__Verb)99));
}

/* docs/formats.md section 3: a verb that the policy does not name is off; only what reads may be otherwise. */
static void what_changes_something_is_off_unless_the_policy_names_it(void **state)
{
	(void)state;
	for (enum verb_index i = 0; i < VERBS; i++)
		assert_int_equal(verb_at(i)->by_default, verb_at(i)->is_read ? POLICY_AUTO : POLICY_OFF);
}

static int judge(Reeve__Control__V1__Verb wire, const char *target, const void *args, size_t len, struct err *e)
{
	command_t c;

	*e = (struct err){ 0 };
	reeve__control__v1__command__init(&c);
	c.target = (char *)target;
	c.args = (ProtobufCBinaryData){ len, (uint8_t *)args };
	return verb_judge(verb_of(wire), &c, e);
}

static void a_deletion_says_three_times_what_goes(void **state)
{
	Reeve__Control__V1__WarehouseDelete d;
	uint8_t bytes[256];
	struct err e;
	size_t n;

	(void)state;
	reeve__control__v1__warehouse_delete__init(&d);
	d.warehouse = d.confirm = (char *)"wh-1";
	n = reeve__control__v1__warehouse_delete__pack(&d, bytes);
	assert_int_equal(judge(REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE, "wh-1", bytes, n, &e), 0);
	assert_int_equal(judge(REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE, "wh-2", bytes, n, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "must be the same id"));
	d.confirm = (char *)"wh-2";
	n = reeve__control__v1__warehouse_delete__pack(&d, bytes);
	assert_int_equal(judge(REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE, "wh-1", bytes, n, &e), -ERR_INVALID);
}

static void a_reboot_names_a_cluster_of_its_target(void **state)
{
	static const struct {
		const char *target, *warehouse, *cluster;
		uint32_t batch;
		int rc;
		const char *says;
	} cases[] = {
		{ "wh-1", "wh-1", "be", 0, 0, "" },
		{ "wh-1", "wh-1", "be", 100, 0, "" },
		{ "wh-1", "wh-1", "be", 101, -ERR_INVALID, "batch: 101" },
		{ "wh-2", "wh-1", "be", 1, -ERR_INVALID, "target and warehouse must be the same id" },
		{ "", "", "be", 1, -ERR_INVALID, "target and warehouse must be the same id" },
		{ "wh-1", "wh-1", "", 1, -ERR_INVALID, "cluster: expected 1 to 32" },
		{ "wh-1", "wh-1", "a b", 1, -ERR_INVALID, "found \"a b\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__ClusterReboot r;
		uint8_t bytes[256];
		struct err e;
		size_t n;

		reeve__control__v1__cluster_reboot__init(&r);
		r.warehouse = (char *)cases[i].warehouse;
		r.cluster = (char *)cases[i].cluster;
		r.batch = cases[i].batch;
		n = reeve__control__v1__cluster_reboot__pack(&r, bytes);
		assert_int_equal(judge(REEVE__CONTROL__V1__VERB__CLUSTER_REBOOT, cases[i].target, bytes, n, &e), cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].says));
	}
}

/* As of a cluster of a spec, and the place begins with the member. */
static void a_reboot_asks_nodes_and_drains_them_as_a_spec_may(void **state)
{
	static const struct {
		uint32_t port;
		const char *path;
		uint32_t drain_port, wait_s;
		const char *says;
	} cases[] = {
		{ 8040, "/health", 8041, 3600, NULL },
		{ 0, "/health", 8041, 0, "health: port: port 0 is not one" },
		{ 65536, "/health", 8041, 0, "health: port: port 65536 is not one" },
		{ 8040, "/a/../b", 8041, 0, "health: path: expected a path" },
		{ 8040, "", 8041, 0, "health: path: expected a path" },
		{ 8040, "/health", 8041, 3601, "drain: wait_s: 3601 is more than 3600" },
		{ 8040, "/health", 65536, 0, "drain: call: port: port 65536 is not one" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__ClusterReboot r = REEVE__CONTROL__V1__CLUSTER_REBOOT__INIT;
		Reeve__Control__V1__NodeEndpoint health = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT, call = health;
		Reeve__Control__V1__Drain drain = REEVE__CONTROL__V1__DRAIN__INIT;
		uint8_t bytes[256];
		struct err e;
		int rc;

		health.port = cases[i].port;
		health.path = (char *)cases[i].path;
		call.port = cases[i].drain_port;
		call.path = (char *)"/drain";
		drain.wait_s = cases[i].wait_s;
		drain.call = &call;
		r.warehouse = (char *)"wh-1";
		r.cluster = (char *)"be";
		r.health = &health;
		r.drain = &drain;
		rc = judge(REEVE__CONTROL__V1__VERB__CLUSTER_REBOOT, "wh-1", bytes,
			   reeve__control__v1__cluster_reboot__pack(&r, bytes), &e);
		assert_int_equal(rc, cases[i].says == NULL ? 0 : -ERR_INVALID);
		assert_true(cases[i].says == NULL || str_starts(e.text, cases[i].says));
	}
}

static void bend_nothing(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)k;
	(void)r;
}

static void bend_target(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)k;
	r->warehouse = (char *)"wh-2";
}

static void bend_spec_target(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)r;
	k->s.warehouse = (char *)"wh-2";
}

static void bend_spec_away(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)k;
	r->spec = NULL;
}

static void bend_spec(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)r;
	k->cluster.image_id = (char *)"";
}

static void bend_cluster(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)k;
	r->cluster = (char *)"fe";
}

static void bend_paused(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)r;
	k->cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
}

static void bend_none(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)k;
	r->n_instances = 0;
}

static void bend_many(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)k;
	r->n_instances = 17;
}

static void bend_twice(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)k;
	r->instances[1] = r->instances[0];
}

static void bend_id(struct specs *k, Reeve__Control__V1__NodesReplace *r)
{
	(void)k;
	r->instances[1] = (char *)"vol-1";
}

static void a_replacement_names_nodes_of_a_cluster_of_its_spec(void **state)
{
	static const struct {
		void (*bend)(struct specs *k, Reeve__Control__V1__NodesReplace *r);
		int rc;
		const char *says;
	} cases[] = {
		{ bend_nothing, 0, "" },
		{ bend_target, -ERR_INVALID, "target and warehouse must be the same id" },
		{ bend_spec_target, -ERR_INVALID, "the spec is of \"wh-2\"" },
		{ bend_spec_away, -ERR_INVALID, "not a NodesReplace with a spec" },
		{ bend_spec, -ERR_INVALID, "spec: clusters[0]" },
		{ bend_cluster, -ERR_INVALID, "cluster: the spec has none that is called \"fe\"" },
		{ bend_paused, -ERR_INVALID, "be is paused in the spec" },
		{ bend_none, -ERR_INVALID, "instances: expected 1 to 16, found 0" },
		{ bend_many, -ERR_INVALID, "instances: expected 1 to 16, found 17" },
		{ bend_twice, -ERR_INVALID, "instances[1]: i-0 is named twice" },
		{ bend_id, -ERR_INVALID, "instances[1]: expected the id of an instance, found \"vol-1\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__NodesReplace r = REEVE__CONTROL__V1__NODES_REPLACE__INIT;
		char ids[17][8], *list[17];
		static struct specs k;
		uint8_t bytes[4096];
		struct err e = { 0 };

		memset(&k, 0, sizeof(k));
		specs_good(&k);
		for (size_t n = 0; n < 17; n++) {
			snprintf(ids[n], sizeof(ids[n]), "i-%zu", n);
			list[n] = ids[n];
		}
		r.warehouse = (char *)"wh-1";
		r.cluster = (char *)"be";
		r.instances = list;
		r.n_instances = 16;
		r.spec = &k.s;
		cases[i].bend(&k, &r);
		assert_int_equal(judge(REEVE__CONTROL__V1__VERB__NODES_REPLACE, "wh-1", bytes,
				       reeve__control__v1__nodes_replace__pack(&r, bytes), &e),
				 cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].says));
	}
}

static void an_upgrade_names_clusters_of_its_spec_each_once(void **state)
{
	static char *be[] = { (char *)"be" }, *twice[] = { (char *)"be", (char *)"be" }, *other[] = { (char *)"be", (char *)"fe" };
	static const struct {
		char **order;
		size_t n;
		uint32_t batch;
		const char *warehouse, *spec; /* spec: its warehouse; NULL: there is none */
		int rc;
		const char *says;
	} cases[] = {
		{ NULL, 0, 0, "wh-1", "wh-1", 0, "" },
		{ be, 1, 100, "wh-1", "wh-1", 0, "" },
		{ be, 1, 101, "wh-1", "wh-1", -ERR_INVALID, "batch: 101 is more than the 100 nodes" },
		{ twice, 2, 1, "wh-1", "wh-1", -ERR_INVALID, "order[1]: be is named twice" },
		{ other, 2, 1, "wh-1", "wh-1", -ERR_INVALID, "order[1]: the spec has no cluster that is called \"fe\"" },
		{ be, 1, 1, "wh-2", "wh-1", -ERR_INVALID, "target and warehouse must be the same id" },
		{ be, 1, 1, "wh-1", "wh-2", -ERR_INVALID, "the spec is of \"wh-2\"" },
		{ be, 1, 1, "wh-1", NULL, -ERR_INVALID, "not a WarehouseUpgrade with a spec" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__WarehouseUpgrade u = REEVE__CONTROL__V1__WAREHOUSE_UPGRADE__INIT;
		static struct specs k;
		uint8_t bytes[4096];
		struct err e = { 0 };

		memset(&k, 0, sizeof(k));
		specs_good(&k);
		k.s.warehouse = (char *)cases[i].spec;
		u.warehouse = (char *)cases[i].warehouse;
		u.order = cases[i].order;
		u.n_order = cases[i].n;
		u.batch = cases[i].batch;
		u.spec = cases[i].spec != NULL ? &k.s : NULL;
		assert_int_equal(judge(REEVE__CONTROL__V1__VERB__WAREHOUSE_UPGRADE, "wh-1", bytes,
				       reeve__control__v1__warehouse_upgrade__pack(&u, bytes), &e),
				 cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].says));
	}
}

static void arguments_that_are_none_are_refused_with_their_place(void **state)
{
	static const uint8_t cut[] = { 0x0a, 0x7f, 'x' };
	struct err e;

	(void)state;
	for (enum verb_index i = 0; i < VERBS; i++) {
		assert_int_not_equal(judge(verb_at(i)->wire, "wh-1", cut, sizeof(cut), &e), 0);
		assert_true(str_starts(e.text, "args"));
		assert_int_not_equal(judge(verb_at(i)->wire, "wh-1", "", 0, &e), 0);
		assert_true(strlen(e.text) > 0);
	}
}

static void a_look_names_its_target_or_none(void **state)
{
	static const struct {
		const char *target, *warehouse;
		uint64_t generation;
		int rc;
	} cases[] = {
		{ "", "", 0, 0 },
		{ "wh-1", "wh-1", 0, 0 },
		{ "wh-1", "", 0, -ERR_INVALID },
		{ "", "wh-1", 0, -ERR_INVALID },
		{ "", "", 3, -ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__InventoryGet g = REEVE__CONTROL__V1__INVENTORY_GET__INIT;
		uint8_t bytes[64];
		command_t c;

		g.warehouse = (char *)cases[i].warehouse;
		reeve__control__v1__command__init(&c);
		c.target = (char *)cases[i].target;
		c.expect_generation = cases[i].generation;
		c.args = (ProtobufCBinaryData){ reeve__control__v1__inventory_get__pack(&g, bytes), bytes };
		assert_int_equal(verb_judge(verb_of(REEVE__CONTROL__V1__VERB__INVENTORY_GET), &c, NULL), cases[i].rc);
	}
}

/* What the vendor's own tools wait for: 45 minutes for a warehouse to be made, 20 for it to go and for what is done to a cluster.
 * An apply may do all that such tools do by themselves, and a heal launches what an apply would; nodes of an upgrade go one after
 * the other. */
static void the_deadlines_are_those_that_the_vendors_tools_wait_for(void **state)
{
	static const struct {
		enum verb_index verb;
		uint32_t minutes;
	} waits[] = { { VERB_WAREHOUSE_APPLY, 45 },
		      { VERB_WAREHOUSE_DELETE, 20 },
		      { VERB_CLUSTER_REBOOT, 20 },
		      { VERB_NODES_REPLACE, 20 },
		      { VERB_HEAL, 45 },
		      { VERB_WAREHOUSE_UPGRADE, 120 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++)
		assert_int_equal(verb_at(waits[i].verb)->deadline_s, waits[i].minutes * 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_deadlines_are_those_that_the_vendors_tools_wait_for),
		cmocka_unit_test(a_look_names_its_target_or_none),
		cmocka_unit_test(each_row_is_whole_and_found_by_its_number_on_the_wire),
		cmocka_unit_test(what_changes_something_is_off_unless_the_policy_names_it),
		cmocka_unit_test(a_deletion_says_three_times_what_goes),
		cmocka_unit_test(a_reboot_names_a_cluster_of_its_target),
		cmocka_unit_test(a_reboot_asks_nodes_and_drains_them_as_a_spec_may),
		cmocka_unit_test(a_replacement_names_nodes_of_a_cluster_of_its_spec),
		cmocka_unit_test(an_upgrade_names_clusters_of_its_spec_each_once),
		cmocka_unit_test(arguments_that_are_none_are_refused_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
