/* inventory.h - what the account holds of ours, seen by tag: one time-stamped snapshot of an installation.
 *
 * Taken with the reads of the instance role (reads.h). The planner compares it with the desired state; the engine looks
 * into a fresh one after any ambiguity. Nothing is in it that does not carry both ownership tags. */
#pragma once
#include "agent/aws/call.h"
#include "agent/aws/creds.h"
#include "agent/aws/ec2_look.h"
#include "agent/aws/elb.h"
#include "agent/base/arena.h"
#include "agent/base/json.h"

/* A target group of ours with the targets that are registered in it. */
struct inventory_target_group {
	struct elb_target_group g;
	struct elb_targets targets;
};

struct inventory_lb {
	struct elb_lb lb;
	struct elb_listeners listeners;
};

/* Something that AWS ends or deletes, or not: an instance by its id, a load balancer by its ARN. */
struct inventory_guard {
	const char *id;
	bool is_on;
};
struct inventory_guards {
	struct inventory_guard *v;
	size_t n;
};

struct inventory {
	struct arena *arena;
	int64_t taken_ms; /* Unix ms, when the last answer came */
	struct ec2_instances instances;
	struct ec2_groups groups;
	struct ec2_vpcs vpcs; /* of the region: the planner wants the CIDRs of the spec's */
	/* For a plan alone: what was asked for by id and is there, the types of our instances too, and "pl-..." of S3 or NULL. */
	struct ec2_subnets subnets;
	struct ec2_images images;
	struct ec2_types types;
	struct ec2_groups named;        /* security groups that bear a name that is wanted, whoever's they are, in any VPC */
	struct ec2_prefix_lists s3;     /* by its name: a filter that the service ignores must not make another list S3's */
	struct inventory_guards guards; /* of what the plan would end, and of that alone */
	struct inventory_target_group *target_groups;
	size_t target_groups_n;
	struct inventory_lb *lbs;
	size_t lbs_n;
	struct elb_target_groups other_target_groups; /* somebody else's: their names are taken */
	struct elb_lbs other_lbs;
};

/* An empty one: a request makes its own, tests fill theirs by hand. */
struct inventory *inventory_new(void);
void inventory_free(struct inventory *inv);

/* Neither terminated nor about to be. */
bool inventory_is_alive(const struct ec2_instance *i);
const struct ec2_group *inventory_group_by_name(const struct inventory *inv, const char *vpc_id, const char *name);
const struct ec2_group *inventory_group_by_id(const struct inventory *inv, const char *id);
const struct inventory_target_group *inventory_target_group_by_name(const struct inventory *inv, const char *name);
const struct inventory_target_group *inventory_target_group_by_arn(const struct inventory *inv, const char *arn);
const struct inventory_lb *inventory_lb_by_name(const struct inventory *inv, const char *name);
const struct inventory_lb *inventory_lb_by_arn(const struct inventory *inv, const char *arn);
json_t *inventory_volumes_of(const struct ec2_instance *i); /* ids of its data volumes, as far as they are shown */
const struct ec2_instance *inventory_instance_in(const struct ec2_instances *list, const char *id);
const struct elb_listener *inventory_listener_by_arn(const struct inventory *inv, const char *arn);
const struct ec2_subnet *inventory_subnet(const struct inventory *inv, const char *id); /* NULL: AWS shows none */
const struct ec2_image *inventory_image(const struct inventory *inv, const char *id);
const struct ec2_type *inventory_type(const struct inventory *inv, const char *name);
bool inventory_is_guarded(const struct inventory *inv, const char *id);  /* protected; what was not asked for is not */
bool inventory_has_disks(const struct inventory *inv, const char *type); /* of the host; what AWS does not tell counts as true */
/* "sg-1 tcp 8000-9000 10.0.0.0/16", "sg-1 egress -1 all sg-1": what a rule is called in records; the description is not part of
 * it. */
void inventory_rule_name(const char *group_id, const struct ec2_rule *r, struct buf *to);
/* "6" and "TCP" are tcp, "all" is -1; what is no such name stays as it is. */
const char *inventory_protocol(const char *protocol);
/* One spelling of protocol and address block, as EC2 answers: "6" is tcp, "::0/0" is ::/0, and all types of icmp have
 * all codes. What is no block stays as it is. */
void inventory_rule_spell(struct arena *m, struct ec2_rule *r);
bool inventory_rule_eq(const struct ec2_rule *a, const struct ec2_rule *b); /* all but the description */

/* Who owns a thing: the two ownership tags. */
struct owner {
	const char *vendor, *installation;
};
bool inventory_is_ours(const struct owner *o, const struct ec2_tags *t);

/* What a plan stands on that is not ours: named here, it is looked up beside what is ours. */
struct inventory_wants {
	const char *subnets[64], *images[32], *types[32]; /* as many as a spec can name (spec.c) */
	char group_names[8][256];
	size_t subnets_n, images_n, types_n, group_names_n;
	/* What a plan from the inventory so far would end, by id and ARN, in the inventory's arena; NULL: nothing. Called again
	 * while it names something new: where a node is protected, another one would end in its place. */
	const char **(*ends)(void *ctx, const struct inventory *inv, size_t *ret_n);
	void *ends_ctx; /* stays until cb */
};

/* One taking; the owner's until cb, zero at birth. */
struct inventory_req;
typedef void inventory_cb(struct inventory_req *req, int rc);
struct inventory_req {
	inventory_cb *cb;
	struct inventory *inv; /* on success the asker's, who takes it (sets NULL) or lets the next start free it */
	struct err err;
	enum aws_class class; /* of the call that failed */
	const char *action;   /* the IAM action of that read */
	void *priv;
};
/* wants is copied; NULL: ours alone, for a look that no plan is made from. */
void inventory_take(struct world *w, struct aws *aws, struct creds *creds, const struct owner *owner,
		    const struct inventory_wants *wants, struct inventory_req *req, inventory_cb *cb);
/* The IAM action of the i-th read that a taking may make, some of them more than once; NULL: there is no i-th. */
const char *inventory_action(size_t i);
void inventory_cancel(struct inventory_req *req); /* cb follows, with -ERR_CANCELED; harmless when idle */
void inventory_req_close(struct inventory_req *req);
