/* planner.h - desired state against observed state: the plan of a command, from the signed command and one inventory alone.
 *
 * Step names and with them tokens come from the spec (cluster, role, purpose), never from what the inventory showed: a
 * re-plan asks AWS with the same token. */
#pragma once
#include "agent/ops/account/inventory.h"
#include "agent/ops/plan/plan.h"
#include "agent/ops/plan/spec.h"
#include "agent/ops/steps/changed.h"

struct planner_args {
	struct owner owner;
	const char *command, *verb; /* its id as text, and what it is called in the plan */
	const struct inventory *inv;
	const json_t *customer_tags; /* of the policy: key to value, put on everything; NULL: none */
	/* What was changed of volumes from here, with its time kept, and the moment of the inventory by its clock; NULL: nothing is
	 * known of that. */
	const struct changed *changed;
	int64_t changed_now_ms;
	/* ["i-1", ...]: nodes that heals have left standing, and others are in their place (wanted.h): they go first. NULL:
	 * none. */
	const json_t *left;
	/* {"vol-1": "i-1"}: which node had a kept volume last (wanted.h); "": one that a command has ended. NULL: nothing is
	 * known. */
	const json_t *homes;
};

/* What of the account's own the inventory must be asked for so that the spec can be planned; spec NULL: nothing by name. */
void planner_wants(const struct owner *o, const spec_t *spec, struct inventory_wants *ret);
/* The same of one more, whose texts stay its own. False: not all of it fits, and *to is to be thrown away. */
bool planner_wants_more(const struct owner *o, const spec_t *spec, struct inventory_wants *to);
/* What the plans would end and may be protected, in the inventory's arena. plans NULL: nothing. */
const struct inventory_thing *planner_ends(const struct planner_args *a, const struct plans *plans, size_t *ret_n);
/* The spec has passed spec_check. -ERR_UNSUPPORTED names what this version cannot change yet. -ERR_INVALID: something that the spec
 * names is not there, or not fit, or protected; -ERR_AGAIN: there is no room for it now; -ERR_NOTYET: something that is under way
 * must end first; -ERR_EXISTS: the account is not as the command takes it to be. With these *ret holds what the plan would need all
 * the same, and is never carried out: the policy judges it first, so that a command which the policy forbids does not learn what
 * there is in the account. */
int planner_apply(const struct planner_args *a, const spec_t *spec, struct plans **ret, struct err *e);
/* A cluster that is rebooted, and what a spec would say of its nodes: health, drain; NULL: there is none. */
struct planner_rebooted {
	const char *cluster;
	uint32_t batch; /* how many nodes go at once; 0: one */
	const Reeve__Control__V1__NodeEndpoint *health;
	const Reeve__Control__V1__Drain *drain;
};
int planner_reboot(const struct planner_args *a, const char *warehouse, const struct planner_rebooted *r, struct plans **ret,
		   struct err *e);
/* Nodes of one cluster of the spec, by their ids. */
struct planner_named {
	const char *cluster;
	char *const *ids;
	size_t n;
};
/* The spec is the one that stands: -ERR_EXISTS where anything else than these nodes would change. */
int planner_replace(const struct planner_args *a, const spec_t *spec, const struct planner_named *named, struct plans **ret,
		    struct err *e);
/* One lost node of a cluster of the spec: another is launched in its place, and where it still stands it leaves its groups and
 * ends, or is left, where data volumes would go with it. Nothing else that differs from the spec is touched. Plans without a
 * step: the cluster has all its nodes, and this one is not among them. */
struct planner_lost {
	const char *cluster, *instance;
	bool is_sick;      /* it stands */
	char *const *left; /* ids of nodes that earlier heals have left standing: they count no more */
	size_t left_n;
};
int planner_heal(const struct planner_args *a, const spec_t *spec, const struct planner_lost *lost, struct plans **ret,
		 struct err *e);
/* How an upgrade goes: clusters by their names, each once, in their order; those that are not named come behind them, in the order
 * of the spec. */
struct planner_order {
	char *const *clusters;
	size_t n;
	uint32_t batch; /* how many nodes go at once; 0: one */
};
/* The spec is the one that stands but for image_id and user_data of its clusters: -ERR_EXISTS where anything else would change. */
int planner_upgrade(const struct planner_args *a, const spec_t *spec, const struct planner_order *o, struct plans **ret,
		    struct err *e);
int planner_delete(const struct planner_args *a, const char *warehouse, struct plans **ret, struct err *e);

/* Alive nodes of the whole installation: what bounds.nodes_total counts. */
uint32_t planner_nodes(const struct inventory *inv);
/* The generation on the tags of what is there; 0: nothing. */
uint64_t planner_generation(const struct inventory *inv, const char *warehouse);
