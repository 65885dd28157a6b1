/* planner_impl.h - the parts of the planner, from the lowest to the highest: planner_group.c (security groups),
 * planner_balancer.c (target groups, load balancers, listeners), planner_same.c (what stands and would have to be another),
 * planner_kept.c (volumes that ended nodes have left), planner_spread.c (where new nodes go), planner_launch.c (new nodes),
 * planner_volume.c (data volumes of nodes that stay and of new ones that get what others have left),
 * planner_words.c (what people call things), planner_ready.c (when a node counts as ready), planner_cluster.c (nodes),
 * planner_place.c (where what is new has room), planner_power.c (nodes that are stopped, started, made of another type),
 * planner_reboot.c (a cluster batch by batch), planner_replace.c (nodes that others take the place of), planner_upgrade.c (all
 * nodes of another image), planner_switch.c (listeners that lead elsewhere), planner_tags.c (tags of what stands), planner_rest.c
 * (what nobody wants any more). planner.c (the verbs and the stages) calls them. Nobody else includes this. */
#pragma once
#include "agent/ops/plan/planning.h"
#include "agent/ops/steps/balancers.h"

struct planner_nodes;
struct ec2_volume;

typedef Reeve__Control__V1__SecurityGroup group_t;
typedef Reeve__Control__V1__TargetGroup tg_t;
typedef Reeve__Control__V1__LoadBalancer lb_t;
typedef Reeve__Control__V1__Cluster cluster_t;

/* planner_group.c: names are the spec's */
void planner_group_name(const struct planning *p, const char *name, char to[256]);
const char *planner_group_word(const struct planning *p, const struct ec2_group *g); /* its name without what stands before it */
const struct ec2_group *planner_group_there(const struct planning *p, const char *name); /* or NULL */
void planner_plan_group(struct planning *p, const group_t *want);                        /* what is missing */
void planner_trim_group(struct planning *p, const group_t *want);                        /* rules that nobody wants */
json_t *planner_bounded_rules(const struct planning *p, const char *group); /* those that the policy's bounds must hold */

/* planner_balancer.c: names are the spec's */
const tg_t *planner_target_group_named(const struct planning *p,
				       const char *name); /* in the spec; NULL: spec_check lets no such listener pass */
const struct balancers_target_group *planner_target_group_there(const struct planning *p, const char *name); /* or NULL */
json_t *planner_target_group_ref(const struct planning *p, const char *name);
bool planner_wants_short(const struct planning *p, const char *kind, const char *full); /* "lb" or "tg", by its name in AWS */
bool planner_is_for(const tg_t *g, const char *cluster);
/* A step for each target group of the spec that the cluster is behind; none for an empty list of nodes. */
typedef void planner_group_steps(struct planning *p, const char *cluster, const tg_t *g, json_t *ids);
void planner_each_group(struct planning *p, const char *cluster, json_t *ids, planner_group_steps *plan);
json_t *planner_targets(const struct planning *p, const tg_t *g, json_t *ids); /* arguments: the group, and nodes as targets */
/* The same for a wait behind which others stop or leave: every one of these must be healthy. */
json_t *planner_all_targets(const struct planning *p, const tg_t *g, json_t *ids);
void planner_plan_tg(struct planning *p, const tg_t *want);
/* Takes out of it who must not be in it: nodes of clusters that it no longer serves, and targets that are no nodes of ours. */
void planner_plan_departures(struct planning *p, const tg_t *want);
void planner_plan_lb(struct planning *p, const lb_t *want);
const struct balancers_lb *planner_lb_there(const struct planning *p, const char *name);      /* or NULL */
const struct elb_listener *planner_listener_at(const struct balancers_lb *lb, uint32_t port); /* of a balancer or NULL; or NULL */
/* A listener leads to it before any is moved: only then does ELB look at the health of its targets. */
bool planner_is_listened(const struct planning *p, const char *tg);
void planner_trim_listeners(struct planning *p, const lb_t *want); /* listeners that nobody wants go */

/* planner_spread.c: the nodes of a cluster in each of its subnets, and how many more are launched there */
struct spread {
	struct spread_part {
		const char *subnet;
		size_t have, launch;
		size_t given; /* of these that are launched, so many get a volume that another has left */
	} v[SPEC_SUBNETS_MAX];
	size_t n;
};
struct spread planner_spread(const struct planning *p, const cluster_t *c);
/* Two subnets of one zone fail together, and reach the same volumes. A zone that AWS does not tell is the subnet's own. */
bool planner_is_one_zone(const struct planning *p, const char *a, const char *b);

/* planner_kept.c */
#define PLANNER_LAUNCH_KEPT "launch-kept" /* what steps that launch nodes without the volume that they get begin with */
/* The one that outlives its node: a cluster has one at most (spec.c). NULL: none. */
const Reeve__Control__V1__DataVolume *planner_kept_volume(const cluster_t *c);
/* From here on what is launched takes the place of this node, which is gone: of what was left it gets its own volumes alone, or
 * where those are not known one that nobody knows the node of. id NULL: it takes nobody's place. */
void planner_launch_instead(struct planning *p, const char *id);
size_t planner_kept_in(const struct planning *p, const cluster_t *c, const char *zone); /* how many may be given to new nodes */
/* Adds the arguments of a step for each of the first n nodes of a launch; planner_attach plans them when it is known by which fact
 * those are that have come up. */
void planner_give(struct planning *p, const cluster_t *c, const char *subnet, const char *fact, size_t n, json_t *to);
void planner_attach(struct planning *p, const char *cluster, const json_t *given, const char *up);
/* Nodes that stay, were launched to get one, and have none. They come before new ones. */
void planner_attach_lacking(struct planning *p, const cluster_t *c, const struct planner_nodes *have);
json_t *planner_volumes_but_kept(const cluster_t *c); /* what such a node is launched with */

/* planner_launch.c */
/* Adds to `given` what planner_attach is to attach. */
void planner_plan_launches(struct planning *p, const cluster_t *c, size_t held, json_t *given);
void planner_add_launched(const struct planning *p, const cluster_t *c, json_t *ids); /* the facts that the launches leave */
json_t *planner_volumes(const cluster_t *c);
/* One launch of nodes that take the place of others: all of them or none. */
struct planner_substitute {
	const char *of;                   /* whose place they take, for people; NULL: nobody's, they are missing */
	const char *subnet, *step, *fact; /* the fact that the launch leaves */
	size_t count, held;               /* held: how many nodes the cluster has by then */
	bool is_beside;                   /* the old ones are there until they end */
	json_t *given; /* each gets a volume that another has left: added here for planner_attach; NULL: none does */
};
void planner_plan_substitute(struct planning *p, const cluster_t *c, const struct planner_substitute *s);
void planner_check_type(struct planning *p, const cluster_t *c, const char *name); /* AWS offers it, and it runs the image */

/* planner_same.c: what stands and cannot become what the spec wants ends the planning with a sentence */
json_t *planner_launch_tag(const cluster_t *c); /* the text of a node's tag reeve:launch */
/* The type that it has, where that is one of those that the cluster may have; else the first of these. */
const char *planner_one_of_types(const cluster_t *c, const char *have);
void planner_check_node(struct planning *p, const cluster_t *c, const struct ec2_instance *i);
/* The field of the spec by which a new node of the cluster would be another than this one; NULL: by none. First image_id and
 * user_data, which an upgrade changes; then all others. Its volumes may have grown, or be lost. */
const char *planner_other_image(const cluster_t *c, const struct ec2_instance *i);
const char *planner_other_launch(const cluster_t *c, const struct ec2_instance *i);
void planner_check_group(struct planning *p, const group_t *want, const struct ec2_group *have);
void planner_check_group_elsewhere(struct planning *p, const group_t *want);
void planner_check_tg(struct planning *p, const tg_t *want, const struct balancers_target_group *have);
void planner_check_lb(struct planning *p, const lb_t *want, const struct balancers_lb *have);

bool planner_has_same_disks(const cluster_t *c, const struct ec2_tags *have); /* made by a launch with these devices and keys */

/* planner_volume.c: data volumes of nodes that stay */
bool planner_is_under_key(const struct ec2_volume *v, const Reeve__Control__V1__DataVolume *want);
enum planner_disks { DISKS_UNTOLD, DISKS_SAME, DISKS_OTHER }; /* devices and keys, as the tag of the node tells them */
void planner_check_volumes(struct planning *p, const cluster_t *c, const struct ec2_instance *i, bool as_launched,
			   enum planner_disks disks);
size_t planner_goes_with_node(const cluster_t *c); /* how many of its volumes are not kept */
void planner_add_kept(struct planning *p, json_t *args, const struct ec2_instance *const *nodes, size_t n); /* of nodes that end */
void planner_preserve_volumes(struct planning *p); /* those of the warehouse that no node has */
/* And of those that the open plan gives to new nodes. */
void planner_plan_volumes(struct planning *p, const cluster_t *c, const struct ec2_instance *const *nodes, size_t n);

/* planner_changes.c: for people, what becomes of each cluster */
void planner_tell_changes(struct planning *p);

/* planner_place.c: free addresses, and zones */
void planner_check_places(struct planning *p);

/* planner_cluster.c */
/* Nodes of one cluster, in the order of by_rank. The first `keep` stay, the others go: with them those that heals have left. */
struct planner_nodes {
	const char *cluster;
	const struct ec2_instance **v; /* from mem_alloc */
	size_t n, keep;
	bool launches; /* there are fewer than are wanted, without those that heals have left */
	bool waits;    /* some of those that stay are unproven */
	size_t come;   /* so many new ones stand beside them when those beyond keep end */
};
struct planner_nodes planner_nodes_of(const struct planning *p, const char *cluster, size_t wanted);
void planner_plan_out(struct planning *p, const struct planner_nodes *have); /* those beyond keep leave their groups, drained */
void planner_plan_end(struct planning *p, const struct planner_nodes *have); /* and end, when they have left them */
size_t planner_count(const struct planning *p, const char *cluster);         /* its alive nodes, but for those that heals left */
size_t planner_held(const struct planning *p, const char *cluster);          /* with those, and all set apart: what bounds count */
size_t planner_missing(const struct planning *p, const cluster_t *c);        /* how many nodes are launched */
json_t *planner_nodes_behind(const struct planning *p, const tg_t *g);       /* ids: those that stay, and those that are launched */
/* It comes up, or runs and has been left out of a group that others are in: nothing rests on it yet, and it is waited for as a new
 * one is. */
bool planner_is_unproven(const struct planning *p, const struct ec2_instance *i);
/* The fact that the wait for the unproven and the launched ones leaves; none where nobody is waited for. */
void planner_add_proven(json_t *ids, const struct planner_nodes *have);
json_t *planner_staying(const struct planning *p, const cluster_t *c);                             /* ids of its nodes that stay */
bool planner_is_node(const struct planning *p, const struct ec2_instance *i, const char *cluster); /* alive, and of it */
bool planner_is_left(const struct planning *p, const struct ec2_instance *i); /* a heal has left it, and another is in its place */
/* A group for its cluster lacks it; while_others_are_in: in a group that has no target at all no node is worse off than another. */
bool planner_is_out(const struct planning *p, const struct ec2_instance *i, bool while_others_are_in);
bool planner_wants_cluster(const struct planning *p, const char *cluster); /* does the spec name it? */
void planner_plan_cluster(struct planning *p, const cluster_t *c, unsigned stage);
void planner_plan_surplus(struct planning *p, const cluster_t *c, unsigned stage);     /* nodes beyond those that are wanted go */
void planner_plan_no_cluster(struct planning *p, const char *cluster, unsigned stage); /* all its nodes go */

/* planner_ready.c: what must hold of nodes that were launched, started or rebooted before anything else rests on them */
struct planner_ready {
	const char *cluster, *step; /* step: the name of the first wait, and what those of the others begin with */
	const char *fact;           /* names those that are ready, from each of these waits on */
	const char *title;          /* of the first wait */
	json_t *ids;                /* the caller's */
	bool is_atomic, is_started, is_rebooted;
	const json_t *given; /* what is attached to those of them that run (planner_give); NULL: nothing */
	int quiet_s; /* so long after they run the first wait may end at the earliest; 0: at once, or as a reboot needs it */
	const Reeve__Control__V1__NodeEndpoint *health; /* NULL: none is asked for */
};
/* Adds where and what nodes are asked: in the spec's VPC, and without a spec in p->asked_vpc. */
void planner_add_endpoint(const struct planning *p, const Reeve__Control__V1__NodeEndpoint *n, json_t *args);
void planner_wait_ready(struct planning *p, const struct planner_ready *r);

/* planner_drain.c: nodes that have left their groups, before they are stopped, made of another type or ended */
const Reeve__Control__V1__Drain *planner_drain_of(const struct planning *p, const char *cluster); /* NULL: the spec has none */
/* ids: those that run; d NULL: they are not drained. */
void planner_plan_drain(struct planning *p, const Reeve__Control__V1__Drain *d, const char *cluster, json_t *ids);
bool planner_drains(const Reeve__Control__V1__Drain *d); /* by a call, which may fail */

/* planner_others.c: those that are to serve in the place of nodes that leave. Steps for one group, none where no listener leads to
 * it; ids: the others in it. */
planner_group_steps planner_others_ready; /* they are waited for, before; planning.sick: only if some of these serve again */
planner_group_steps planner_others_still; /* they are looked at again, straight before the call; planning.sick: the same */
/* Of planning.sick, by hand: the wait before they leave a group leaves the fact who has to serve for them. */
void planner_leave_sick(struct planning *p, const char *group, json_t *args);
json_t *planner_for_sick(const struct planning *p, const char *group); /* ["@<that fact>"] */
/* For each group of the spec in which some of those beyond keep serve: the nodes of all clusters that stay behind it. */
void planner_each_left(struct planning *p, const struct planner_nodes *have, planner_group_steps *plan);
/* It is in a group, and ill in all that it is in: while it is away nobody has to serve in its place. */
bool planner_is_sick(const struct planning *p, const struct ec2_instance *i);
bool planner_is_led_to(const struct planning *p, const tg_t *g); /* a listener of the spec does */
/* Straight before some of a cluster go: its others run still, all of them, and answer where there is an endpoint (health; or NULL).
 * fact: its own. Nothing for an empty list. */
void planner_see_others(struct planning *p, const char *cluster, json_t *ids, const char *fact,
			const Reeve__Control__V1__NodeEndpoint *health);

/* planner_power.c */
bool planner_is_paused(const cluster_t *c);
bool planner_is_stopped(const struct ec2_instance *i); /* or about to be */
bool planner_starts(const struct planner_nodes *have); /* are some of those that stay stopped? */
void planner_check_resize(struct planning *p, const cluster_t *c, const struct ec2_instance *i);
void planner_plan_pause(struct planning *p, const cluster_t *c, unsigned stage);
void planner_plan_start(struct planning *p, const cluster_t *c, const struct planner_nodes *have); /* into the open plan */
void planner_wait_started(struct planning *p, const cluster_t *c, const struct planner_nodes *have);
unsigned planner_plan_resizes(struct planning *p, unsigned stage); /* how many stages they take from there on */

/* planner_reboot.c */
void planner_plan_reboot(struct planning *p, const struct planner_rebooted *r);

/* planner_replace.c */
const struct step *planner_first_change(const struct plans *p, const struct plan **ret_plan); /* NULL: they only look */
/* A plan in which new nodes of a cluster come, and then old ones go. */
struct planner_exchange {
	const char *plan, *fact; /* its name; the fact that the new ones leave */
	const char *of;          /* whose place they take, for people; NULL: they are missing */
	size_t come, held;       /* how many are launched; how many nodes the cluster has by then */
	size_t missing_at;       /* so many of those that are missing were launched before */
	const struct ec2_instance *const *go;
	size_t go_n;
	json_t *serving; /* ids of nodes that stay in the place of those that go where none is launched */
	json_t *outside; /* those of them that a group for their cluster lacks: let in first. NULL: none */
};
void planner_plan_exchange(struct planning *p, const cluster_t *c, const struct planner_exchange *x, unsigned stage);
void planner_check_replaced(struct planning *p, const cluster_t *c, char *const *ids, size_t n);
void planner_plan_replaced(struct planning *p, const cluster_t *c, char *const *ids, size_t n);

/* planner_upgrade.c */
/* What of the spec is held against the account as it stands: of a cluster between two images neither of them fits, so its old
 * nodes are set apart. */
struct planner_upgraded {
	char **apart; /* ids; from mem_alloc, as `less` is */
	size_t apart_n;
	uint32_t *less; /* of each cluster of the spec, by how many nodes it is smaller without them */
};
void planner_check_upgrade(struct planning *p, struct planner_upgraded *ret);
void planner_plan_upgrade(struct planning *p, const struct planner_order *o);

/* planner_words.c: what people call them; the name in AWS where nothing tells */
const char *planner_target_group_word(const struct planning *p, const struct balancers_target_group *g);
const char *planner_lb_word(const struct planning *p, const struct balancers_lb *lb);

/* planner_tags.c */
void planner_plan_tags(struct planning *p, unsigned stage);

/* planner_switch.c: listeners that lead elsewhere from now on */
void planner_plan_switch(struct planning *p, unsigned stage);

/* planner_rest.c */
void planner_plan_lost_clusters(struct planning *p, unsigned stage);
void planner_plan_rest(struct planning *p, const char *name, unsigned stage);
