/* test_resource_status.c - what a warehouse and its clusters are called follows from what is done to them, from what stands, and
 * from what was seen of their nodes. */
#include "agent/base/str.h"
#include "agent/ops/resource_status.h"
#include "tests/unit/ops/board.h"

typedef Reeve__Control__V1__Cluster cluster_t;

#define PAUSED REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED

/* Clusters "fe" and "be" of two nodes each. */
static spec_t *spec_of(bool has_fe, bool fe_paused, bool be_paused)
{
	static cluster_t fe, be, *clusters[2];
	static spec_t s;

	reeve__control__v1__cluster__init(&fe);
	reeve__control__v1__cluster__init(&be);
	fe.name = (char *)"fe";
	be.name = (char *)"be";
	fe.nodes = be.nodes = 2;
	fe.power = fe_paused ? PAUSED : 0;
	be.power = be_paused ? PAUSED : 0;
	clusters[0] = &be;
	clusters[1] = &fe;
	reeve__control__v1__warehouse_spec__init(&s);
	s.warehouse = (char *)"wh-1";
	s.clusters = clusters;
	s.n_clusters = has_fe ? 2 : 1;
	return &s;
}

/* "be Running, fe Stopped" */
static const char *told(const struct resource_status *s)
{
	static char text[512];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s:", resource_status_name(s->status));

	for (size_t i = 0; i < s->n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s %s", s->clusters[i].name,
					 resource_status_name(s->clusters[i].status));
	return text;
}

static json_t *nodes_of(const char *text)
{
	return *text != '\0' ? json_loads(text, 0, NULL) : NULL;
}

static const struct {
	const char *says;
	bool has_spec, has_fe, fe_paused, be_paused;
	enum fate fate;
	const char *nodes, *is;
} rests[] = {
	{ "before the first look the spec alone tells", true, true, false, false, FATE_NONE, "", "Running: be Running fe Running" },
	{ "a paused cluster is Stopped", true, true, true, false, FATE_NONE, "{\"be\":{\"up\":2}}",
	  "Running: be Running fe Stopped" },
	{ "all of them paused: Suspended", true, true, true, true, FATE_NONE, "", "Suspended: be Stopped fe Stopped" },
	{ "and seen so", true, true, true, true, FATE_NONE, "{\"be\":{\"down\":2},\"fe\":{\"down\":2}}",
	  "Suspended: be Stopped fe Stopped" },
	{ "one that somebody has started runs", true, true, true, true, FATE_NONE, "{\"be\":{\"down\":1,\"up\":1}}",
	  "Running: be Running fe Stopped" },
	{ "nodes that somebody has stopped: no pause", true, true, false, false, FATE_NONE,
	  "{\"be\":{\"down\":2},\"fe\":{\"down\":2}}", "Stopped: be Stopped fe Stopped" },
	{ "nodes that are gone", true, true, false, false, FATE_NONE, "{}", "Stopped: be Stopped fe Stopped" },
	{ "one node of two serves", true, false, false, false, FATE_NONE, "{\"be\":{\"up\":1}}", "Running: be Running" },
	{ "a cluster that no spec names", true, false, false, false, FATE_NONE, "{\"be\":{\"up\":2},\"fe\":{\"down\":1}}",
	  "Running: be Running fe Stopped" },
	{ "neither a spec nor a look", false, false, false, false, FATE_NONE, "", ":" },
	{ "no spec, and nodes that run", false, false, false, false, FATE_NONE, "{\"be\":{\"up\":1}}", "Running: be Running" },
	{ "no spec, and none that runs", false, false, false, false, FATE_NONE, "{\"be\":{\"down\":1}}", "Stopped: be Stopped" },
	{ "deleted", false, false, false, false, FATE_DELETED, "{\"be\":{\"up\":1}}", "Deleted:" },
	{ "not made", false, false, false, false, FATE_CREATE_FAILED, "", "CreateFailed:" },
	{ "half made", false, false, false, false, FATE_CREATE_FAILED, "{\"be\":{\"up\":1}}", "CreateFailed: be Running" },
};

static void at_rest_it_is_what_the_spec_says_and_the_account_shows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rests); i++) {
		CLEANUP(json_close) json_t *nodes = nodes_of(rests[i].nodes);
		struct resource_status_from f = {
			.fate = rests[i].fate,
			.spec = rests[i].has_spec ? spec_of(rests[i].has_fe, rests[i].fe_paused, rests[i].be_paused) : NULL,
			.nodes = nodes,
		};
		struct resource_status s;

		resource_status_of(&f, &s);
		if (!str_eq(told(&s), rests[i].is))
			fail_msg("%s: %s", rests[i].says, told(&s));
	}
}

/* "cluster-be:stop,modify-type cluster-fe:launch" */
static struct plans *plans_of(const char *text)
{
	struct plan_builder *b = plan_builder_new("c-1", "warehouse.apply", "wh-1", 1, 0);
	CLEANUP(mem_close) char *copy = mem_str(text);
	char *at = copy, *plan;
	struct plans *p = NULL;

	while ((plan = strsep(&at, " ")) != NULL) {
		char *kinds = strchr(plan, ':'), *kind;

		if (kinds == NULL)
			continue;
		*kinds++ = '\0';
		plan_begin(b, plan, 0);
		for (unsigned n = 0; (kind = strsep(&kinds, ",")) != NULL; n++) {
			assert_non_null(catalogue_find(kind));
			plan_add(b, catalogue_find(kind), json_object(), "step-%u", n);
		}
	}
	assert_int_equal(plan_end(b, &p, NULL), 0);
	return p;
}

#define TWO "{\"be\":{\"up\":2},\"fe\":{\"up\":2}}"
#define NONE_UP "{\"be\":{\"down\":2},\"fe\":{\"down\":2}}"

static const struct {
	const char *says;
	const char *plans, *found;
	bool is_birth, has_fe, fe_paused, be_paused;
	const char *is;
} applies[] = {
	{ "it makes the warehouse", "base:create-security-group cluster-be:launch cluster-fe:launch", "null", true, true, false,
	  false, "Creating: be Creating fe Creating" },
	{ "it makes a cluster", "cluster-fe:launch", "{\"be\":{\"up\":2}}", false, true, false, false,
	  "Resizing: be Running fe Creating" },
	{ "more nodes", "cluster-be:launch,wait-running", TWO, false, true, false, false, "Resizing: be Resizing fe Running" },
	{ "fewer nodes", "end-be:deregister,terminate", TWO, false, true, false, false, "Resizing: be Resizing fe Running" },
	{ "another type, node by node", "resize-be-i-1:stop,modify-type,start resize-be-i-2:stop,modify-type,start", TWO, false,
	  true, false, false, "Resizing: be Resizing fe Running" },
	{ "larger volumes", "cluster-fe:modify-volume", TWO, false, true, false, false, "Resizing: be Running fe Resizing" },
	{ "a cluster goes", "cluster-fe:deregister,terminate", TWO, false, false, false, false,
	  "Resizing: be Running fe Deleting" },
	{ "one of two is paused", "cluster-fe:deregister,stop", TWO, false, true, true, false,
	  "Adjusting: be Running fe Stopping" },
	{ "both are paused", "cluster-fe:stop cluster-be:stop", TWO, false, true, true, true,
	  "Suspending: be Stopping fe Stopping" },
	{ "one of two is resumed, and the other stays", "cluster-fe:start", NONE_UP, false, true, false, true,
	  "Resuming: be Stopped fe Starting" },
	{ "what a resumed one lacks is launched", "cluster-fe:start,launch", NONE_UP, false, true, false, true,
	  "Resuming: be Stopped fe Starting" },
	{ "rules alone", "base:authorize-ingress", TWO, false, true, false, false, "Adjusting: be Running fe Running" },
	{ "targets of a cluster", "cluster-fe:register", TWO, false, true, false, false, "Adjusting: be Running fe Adjusting" },
	{ "a cluster whose plan only waits", "base:create-tags cluster-fe:wait-running", TWO, false, true, false, false,
	  "Adjusting: be Running fe Running" },
	{ "what an older version has planned", "cluster-fe:launch", "", false, true, false, false,
	  "Resizing: be Running fe Resizing" },
};

static void while_an_apply_changes_it_its_steps_say_how(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(applies); i++) {
		CLEANUP(json_close)
		json_t *found = *applies[i].found != '\0' ? json_loads(applies[i].found, JSON_DECODE_ANY, NULL) : NULL;
		CLEANUP(json_close) json_t *nodes = json_is_object(found) ? json_incref(found) : NULL;
		Reeve__Control__V1__WarehouseApply args = REEVE__CONTROL__V1__WAREHOUSE_APPLY__INIT;
		spec_t before = *spec_of(true, false, false);
		struct plans *p = plans_of(applies[i].plans);
		struct resource_status_from f = {
			.work = { verb_at(VERB_WAREHOUSE_APPLY), &args.base, p, found, applies[i].is_birth }, .nodes = nodes
		};
		struct resource_status s;

		args.spec = spec_of(applies[i].has_fe, applies[i].fe_paused, applies[i].be_paused);
		f.spec = applies[i].is_birth || applies[i].has_fe ? args.spec : &before;
		before.n_clusters = 2;
		resource_status_of(&f, &s);
		if (!str_eq(told(&s), applies[i].is))
			fail_msg("%s: %s", applies[i].says, told(&s));
		plans_free(p);
	}
}

static void a_verb_of_its_own_says_it_by_itself(void **state)
{
	Reeve__Control__V1__ClusterReboot reboot = REEVE__CONTROL__V1__CLUSTER_REBOOT__INIT;
	Reeve__Control__V1__NodesReplace replace = REEVE__CONTROL__V1__NODES_REPLACE__INIT;
	Reeve__Control__V1__WarehouseUpgrade upgrade = REEVE__CONTROL__V1__WAREHOUSE_UPGRADE__INIT;
	Reeve__Control__V1__WarehouseDelete gone = REEVE__CONTROL__V1__WAREHOUSE_DELETE__INIT;
	Reeve__Control__V1__Heal heal = REEVE__CONTROL__V1__HEAL__INIT;
	struct {
		enum verb_index verb;
		const ProtobufCMessage *args;
		const char *plans, *is;
	} t[] = {
		{ VERB_CLUSTER_REBOOT, &reboot.base, "reboot-1:reboot", "Restarting: be Running fe Restarting" },
		{ VERB_NODES_REPLACE, &replace.base, "replace-i-1:launch,terminate", "Adjusting: be Running fe Adjusting" },
		{ VERB_HEAL, &heal.base, "cluster-fe:launch", "Adjusting: be Running fe Adjusting" },
		{ VERB_WAREHOUSE_UPGRADE, &upgrade.base, "upgrade-fe-1:launch,terminate", "Upgrading: be Running fe Upgrading" },
		{ VERB_WAREHOUSE_DELETE, &gone.base, "cluster-fe:terminate", "Deleting: be Deleting fe Deleting" },
	};
	(void)state;
	reboot.cluster = replace.cluster = heal.cluster = (char *)"fe";
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct plans *p = plans_of(t[i].plans);
		struct resource_status_from f = { .work = { verb_at(t[i].verb), t[i].args, p, NULL, false } };
		struct resource_status s;

		f.spec = replace.spec = upgrade.spec = heal.spec = spec_of(true, false, false);
		resource_status_of(&f, &s);
		if (!str_eq(told(&s), t[i].is))
			fail_msg("%s: %s", verb_at(t[i].verb)->name, told(&s));
		/* A record that this version cannot read: the verb is known all the same. */
		f.work.plans = NULL;
		f.work.args = NULL;
		resource_status_of(&f, &s);
		assert_true(str_starts(t[i].is, resource_status_name(s.status)));
		plans_free(p);
	}
}

/* Of clusters whose names begin alike each has its own plans. */
static void a_plan_is_of_the_cluster_that_its_whole_name_says(void **state)
{
	struct plans *p = plans_of("resize-fe-2-i-1:modify-type cluster-fe-2:start upgrade-fe-2-1:launch");
	Reeve__Control__V1__WarehouseApply args = REEVE__CONTROL__V1__WAREHOUSE_APPLY__INIT;
	struct resource_status_from f = { .work = { verb_at(VERB_WAREHOUSE_APPLY), &args.base, p, NULL, false } };
	struct resource_status s;

	(void)state;
	f.spec = args.spec = spec_of(true, false, false);
	resource_status_of(&f, &s);
	assert_string_equal(told(&s), "Adjusting: be Running fe Running");
	args.spec->clusters[1]->name = (char *)"fe-2";
	resource_status_of(&f, &s);
	assert_string_equal(told(&s), "Resizing: be Running fe-2 Resizing");
	plans_free(p);
}

static void nodes_are_counted_by_cluster_alive_ones_alone(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close)
	json_t *nodes = NULL, *want = json_loads("{\"be\":{\"up\":2,\"down\":2},\"fe\":{\"up\":0,\"down\":1}}", 0, NULL);

	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "pending");
	board_add_node(d, "i-3", "be", "stopping");
	board_add_node(d, "i-4", "be", "stopped");
	board_add_node(d, "i-5", "be", "shutting-down");
	board_add_node(d, "i-6", "fe", "stopped");
	nodes = resource_status_nodes(d->inv, "wh-1");
	assert_true(json_equal(nodes, want));
	json_decref(nodes);
	nodes = resource_status_nodes(d->inv, "wh-2");
	assert_int_equal(json_object_size(nodes), 0);
}

/* reference: the vendor's own tools wait for these words. */
static void the_names_are_those_that_the_vendors_tools_wait_for(void **state)
{
	static const char *const names[] = { "Creating",   "Running",   "Resizing", "Adjusting", "Upgrading",
					     "Suspending", "Resuming",  "Stopping", "Starting",  "Restarting",
					     "Deleting",   "Suspended", "Stopped",  "Deleted",   "CreateFailed" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(resource_status_name((resource_status_t)(i + 1)), names[i]);
	assert_string_equal(resource_status_name(0), "");
	assert_string_equal(resource_status_name((resource_status_t)(ARRAY_LEN(names) + 1)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_rest_it_is_what_the_spec_says_and_the_account_shows),
		cmocka_unit_test(while_an_apply_changes_it_its_steps_say_how),
		cmocka_unit_test(a_verb_of_its_own_says_it_by_itself),
		cmocka_unit_test(a_plan_is_of_the_cluster_that_its_whole_name_says),
		DESK_TEST(nodes_are_counted_by_cluster_alive_ones_alone),
		cmocka_unit_test(the_names_are_those_that_the_vendors_tools_wait_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
