/* inventory.h - what the account holds of ours, seen by tag: one time-stamped snapshot of an installation.
 *
 * Taken with the reads of the instance role (reads.h). The planner compares it with the desired state; the engine looks
 * into a fresh one after any ambiguity. Nothing is in it that does not carry both ownership tags. */
#pragma once
#include "agent/aws/call.h"
#include "agent/aws/creds.h"
#include "agent/aws/ec2_look.h"
#include "agent/aws/ec2_status.h"
#include "agent/base/arena.h"
#include "agent/base/json.h"

struct resource;

/* A thing of ours, as its kind and its id tell it. */
struct inventory_thing {
	const struct resource *of;
	const char *id;
};

/* Does AWS refuse to end it? */
struct inventory_guard {
	struct inventory_thing thing;
	bool is_on;
};
struct inventory_guards {
	struct inventory_guard *v;
	size_t n;
};

struct inventory {
	struct arena *arena;
	int64_t taken_ms; /* Unix ms, when the last answer came */
	int64_t aws_ms;   /* the same moment by AWS's own clock, which the times in its answers are of */
	struct ec2_instances instances;
	struct ec2_vpcs vpcs; /* of the region: the planner wants the CIDRs of the spec's */
	/* For a plan alone: what was asked for by id and is there, the types of our instances too, and "pl-..." of S3 or NULL. */
	struct ec2_subnets subnets;
	struct ec2_images images;
	struct ec2_types types;
	struct ec2_groups named;         /* security groups that bear a name that is wanted, whoever's they are, in any VPC */
	struct ec2_prefix_lists s3;      /* by its name: a filter that the service ignores must not make another list S3's */
	struct ec2_statuses statuses;    /* of those that run, where they were asked for */
	struct inventory_guards guards;  /* of what the plan would end, and of that alone */
	struct inventory_shelf *shelves; /* what the other kinds of things keep: inventory_shelf */
};

/* An empty one: a request makes its own, tests fill theirs by hand. */
struct inventory *inventory_new(void);
void inventory_free(struct inventory *inv);
/* What a kind of thing keeps in an inventory: `size` bytes of its arena, zero when they are first asked for and the same ones ever
 * after. */
void *inventory_shelf(const struct inventory *inv, const struct resource *of, size_t size);

/* Neither terminated nor about to be. */
bool inventory_is_alive(const struct ec2_instance *i);
json_t *inventory_volumes_of(const struct ec2_instance *i); /* ids of its data volumes, as far as they are shown */
const struct ec2_instance *inventory_instance_in(const struct ec2_instances *list, const char *id);
const struct ec2_status *inventory_status(const struct inventory *inv, const char *id); /* NULL: not told */
const struct ec2_subnet *inventory_subnet(const struct inventory *inv, const char *id); /* NULL: AWS shows none */
const struct ec2_image *inventory_image(const struct inventory *inv, const char *id);
const struct ec2_type *inventory_type(const struct inventory *inv, const char *name);
bool inventory_is_guarded(const struct inventory *inv, const char *id);  /* protected; what was not asked for is not */
bool inventory_has_disks(const struct inventory *inv, const char *type); /* of the host; what AWS does not tell counts as true */
/* Who owns a thing: the two ownership tags. */
struct owner {
	const char *vendor, *installation;
};
bool inventory_is_ours(const struct owner *o, const struct ec2_tags *t);

/* What a plan from the inventory so far would end, in the inventory's arena. Called again while it names something new: where a
 * node is protected, another one would end in its place. */
typedef const struct inventory_thing *inventory_ends_fn(void *ctx, const struct inventory *inv, size_t *ret_n);

/* What a plan stands on that is not ours: named here, it is looked up beside what is ours. */
struct inventory_wants {
	const char *subnets[128], *images[64], *types[64]; /* twice as many as a spec can name (spec.c): the patrol adds several */
	char group_names[32][256];
	size_t subnets_n, images_n, types_n, group_names_n;
	bool statuses;           /* status checks and notices of our nodes that run */
	inventory_ends_fn *ends; /* NULL: nothing */
	void *ends_ctx;          /* stays until cb */
};

/* One taking; the owner's until cb, zero at birth. */
struct inventory_req;
typedef void inventory_cb(struct inventory_req *req, int rc);
struct inventory_req {
	inventory_cb *cb;
	/* A try at a read has failed and another one follows: err and what is below it tell of that. It may look, and no more. Set
	 * by the asker, and kept from taking to taking; NULL: nobody wants to know before the end. */
	void (*again)(struct inventory_req *req);
	struct inventory *inv; /* on success the asker's, who takes it (sets NULL) or lets the next start free it */
	struct err err;
	enum aws_class class; /* of the call that failed */
	const char *action;   /* the IAM action of that read */
	bool unsent;          /* nothing was sent, there were no keys: why (call.h) */
	struct creds_why why;
	void *priv;
};
/* Whose eyes a taking looks with, and what it looks for: the kinds of things, ended by NULL (catalogue.h), stay as they are. */
struct inventory_source {
	struct world *w;
	struct aws *aws;
	struct creds *creds;
	const struct owner *owner;
	const struct resource *const *resources;
};
/* Both are copied; wants NULL: ours alone, for a look that no plan is made from. */
void inventory_take(const struct inventory_source *from, const struct inventory_wants *wants, struct inventory_req *req,
		    inventory_cb *cb);
/* The IAM action of the i-th read that a taking may make, some of them more than once; NULL: there is no i-th. */
const char *inventory_action(const struct resource *const *resources, size_t i);
void inventory_cancel(struct inventory_req *req); /* cb follows, with -ERR_CANCELED; harmless when idle */
void inventory_req_close(struct inventory_req *req);
