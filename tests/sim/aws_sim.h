/* aws_sim.h - a pretend AWS: metadata service, STS, EC2 and Elastic Load Balancing, in virtual time and in real bytes.
 *
 * Signed requests come in and are checked by code of their own; XML goes out. Things take time, are hidden for a while after
 * they were made, hang on each other and run out; calls are throttled, delayed, and lose their answers after acting. Every
 * call that changes something is in the ledger, with the command that it names and what it did. */
#pragma once
#include "agent/base/digest.h"
#include "tests/sim/form_sim.h"
#include "tests/sim/odds.h"
#include "tests/sim/sigv4_check.h"

#define AWS_ACCOUNT "123456789012"
#define AWS_REGION "us-east-1"
#define AWS_SUFFIX ".amazonaws.com"
#define AWS_DUAL_SUFFIX ".api.aws"
#define AWS_IMDS_IPV4 "169.254.169.254"
#define AWS_IMDS_IPV6 "[fd00:ec2::254]"
#define AWS_ROLE "velodb-role-inst-1"
#define AWS_ROLE_ID "AROASIMULATED0000001"
#define AWS_INSTANCE "i-0a9e27000000000aa"
#define AWS_OPERATE "arn:aws:iam::" AWS_ACCOUNT ":role/" AWS_ROLE "-operate"
#define AWS_VPC "vpc-0001"
#define AWS_VPC_CIDR "10.20.0.0/16"
#define AWS_VPC_CIDR6 "2600:1f18:1::/56"
#define AWS_S3_LIST "pl-0003"
#define AWS_IMAGE "ami-1"
#define AWS_IMAGE_ROOT "/dev/xvda"
/* Of nodes: at port 8040 and 8041. Nobody may go where the third leads. */
#define AWS_NODE_HEALTH "/health?q=1"
#define AWS_NODE_DRAIN "/drain"
#define AWS_NODE_TRAP "http://169.254.169.254/latest/trap"

struct aws_tag {
	char *key, *value;
};

/* What all things share. Nothing is ever taken out of a list, so a place in it is a page token. */
struct aws_thing {
	char id[200], name[256];
	uint64_t made_ms, shown_ms, usable_ms; /* when Describe shows it, when other calls know it */
	uint64_t gone_ms;                      /* 0: it is there; else since when it is not */
	struct aws_tag *tags;
	size_t tags_n;
	char command[64]; /* that made it */
};

struct aws_instance {
	struct aws_thing t;
	struct aws_thing interface;
	char type[64], image[64], subnet[64], token[65];
	char group_ids[5][200];
	size_t groups_n;
	uint64_t reservation;
	uint64_t running_ms, stillborn_ms;   /* stillborn_ms: dies then, before it runs; 0: does not */
	unsigned death;                      /* of what; a place in the table of aws_sim_birth.c */
	uint64_t stop_ms, stopped_ms;        /* stop_ms: somebody stopped it then; 0: nobody did */
	uint64_t stopping_ms, terminated_ms; /* 0: nobody has ended it */
	uint64_t interface_ms;               /* its network interface is gone then; 0: not yet known */
	bool foreign;
	const char *notice;                   /* of an event that AWS has scheduled: its code; NULL: none */
	uint64_t lost_ms;                     /* somebody tagged it away from us; 0: nobody did */
	bool is_ended_by_hand;                /* somebody ended it, by no call of ours */
	bool is_moved;                        /* somebody tagged it into another cluster of ours */
	bool is_protected, is_stop_protected; /* from TerminateInstances, from StopInstances */
	unsigned reboots;
	uint64_t down_ms;                  /* of its last reboot: until then it is as it was before */
	bool is_back_told;                 /* it has said that it is healthy since then */
	const void *rebooted_by;           /* for who watches */
	const void *asked_by;              /* the same, of calls that may never have come: who asked last to reboot it, ... */
	unsigned asks;                     /* ... and how often */
	uint64_t unchecked_ms, checked_ms; /* between these its status checks are not ok, but ... */
	const char *check;                 /* ... this */
	bool is_system_check;              /* it is that of the system, else that of the instance */
	uint64_t healthy_ms, drained_ms;   /* drained_ms: 0: nobody has asked it to */
	bool drain_is_refused, is_healthy_told, is_drained_told;
	uint64_t turned_ms; /* stopped or started by a call then, and before it was: */
	const char *was;
	char profile[128];
	char *user_data; /* as it was sent: base64; NULL: none */
};

struct aws_form {
	char type[16];
	unsigned size_gib, iops, throughput;
};

/* One change of a volume: since when it is shown, its size is there, and it is over. */
struct aws_change {
	uint64_t start_ms, shown_ms, optimizing_ms, completed_ms;
	struct aws_form to;
};

struct aws_volume {
	struct aws_thing t;
	struct aws_instance *node; /* that it was made with, or was attached to last */
	char device[32], zone[32];
	bool is_root, is_kept;          /* kept: its node ends without it */
	uint64_t lingers_ms;            /* so long it hangs on a node that has ended */
	uint64_t taken_ms;              /* a call has attached it; 0: it came with its node */
	uint64_t shown_ms, attached_ms; /* since when that is shown, and is so */
	struct aws_form born;
	struct aws_change *changes;
	size_t changes_n;
};

struct aws_rule {
	char protocol[8], source[200];
	int from, to;
	bool is_group, is_egress;
	uint64_t shown_ms, revoked_ms, hidden_ms; /* revoked_ms 0: it stands */
};

struct aws_group {
	struct aws_thing t;
	char vpc[64], description[256];
	struct aws_rule *rules;
	size_t rules_n;
};

/* One that no instance of the account has. It holds its group for ever. */
struct aws_interface {
	char id[64], group[200], description[128], requester[64];
	bool is_attached;
};

struct aws_target {
	char id[64];
	uint64_t since_ms, healthy_ms, sick_ms; /* sick_ms: it is unhealthy until then */
	uint64_t draining_ms, gone_ms;          /* 0: registered */
	bool served;                            /* it was healthy when it was taken out */
};

struct aws_tg {
	struct aws_thing t;
	char protocol[8];
	unsigned port;
	unsigned delay_s;   /* of deregistration: a target drains for so long */
	uint64_t in_use_ms; /* until then it counts as in use after its last listener went */
	struct aws_target *targets;
	size_t targets_n;
};

struct aws_lb {
	struct aws_thing t;
	uint64_t active_ms;
	bool is_protected; /* from DeleteLoadBalancer */
	char settings[512];
};

struct aws_listener {
	struct aws_thing t;
	struct aws_lb *lb;
	struct aws_tg *tg, *beside; /* beside: of weight 0, nothing is sent there; or NULL */
	unsigned port;
};

struct aws_key {
	char id[32], secret[48], token[80], session[80];
	uint64_t dead_ms; /* refused from then on */
	bool operate;
};

/* One call that would change something, as it arrived. */
struct aws_entry {
	uint64_t at_ms;
	const char *action;
	char command[64]; /* of the User-Agent */
	char session[80]; /* of the keys */
	unsigned attempt; /* of amz-sdk-request */
	const struct form_sim *form;
};
typedef void aws_watcher(void *ctx, const struct aws_entry *e);

struct aws_launch {
	char token[65];
	struct digest asked;
	size_t first, n; /* in instances */
};

struct aws_sim {
	struct world *w;
	struct odds *odds;
	aws_watcher *watch; /* each mutating call, before it acts */
	void *watch_ctx;
	uint64_t mutations, effects; /* calls, and those that changed something */
	unsigned page;               /* how many things stand on one page */
	const char *full_subnet;     /* no instance more is launched there; NULL: none is full */
	unsigned capacity;           /* instances that may be alive; more is InsufficientInstanceCapacity */
	bool wide_is_fine;           /* a test wants a group from which everything may leave */
	uint64_t keys_late_ms;       /* AssumeRole is throttled until then */
	bool role_gone;              /* the operate role cannot be assumed, and its keys are worth nothing */
	uint64_t keys_live_ms;       /* of the instance role */
	unsigned least_up_s, most_up_s;
	unsigned delay_s;                                       /* of deregistration, of a new target group */
	unsigned rules_max, groups_max, listeners_max, tgs_max; /* a group and direction, an interface, a balancer, a balancer */
	uint64_t role_known_ms;                                 /* until then STS and the services know of no operate role */
	uint64_t profile_delay_ms, profile_seen_ms; /* so long after it was first asked for EC2 does not know a profile */

	struct aws_instance **instances;
	struct aws_volume **volumes;
	struct aws_group **groups;
	struct aws_tg **target_groups;
	struct aws_lb **lbs;
	struct aws_listener **listeners;
	struct aws_launch *launches;
	struct aws_interface *interfaces;
	const char *imds_region, *imds_domain, *imds_account; /* NULL: as it should be; an empty domain is a 404 */
	bool is_ipv6_only;      /* the agent's subnet: it reaches neither IPv4 nor a host that has no more */
	bool ignores_filters;   /* as some EC2 do: Describe shows the whole account */
	uint64_t optimizing_ms; /* how long a change of a volume optimizes; 0: by chance */
	size_t instances_n, volumes_n, groups_n, target_groups_n, lbs_n, listeners_n, launches_n, interfaces_n;
	struct aws_key *keys;
	size_t keys_n;
	char imds_token[40];
	uint64_t imds_token_ms, requests, next_id;
};

void aws_limits_are_default(struct aws_sim *a); /* as an account is born */
/* The operate role's keys are worth nothing from now on, and AssumeRole is throttled until then; 0: no more. */
void aws_keys_are_late(struct aws_sim *a, uint64_t until_ms);
struct aws_sim *aws_sim_new(struct world *w, struct odds *odds);
void aws_sim_free(struct aws_sim *a);
bool aws_sim_is_for(const char *url); /* is it AWS or the metadata service that is asked? */
void aws_sim_request(struct aws_sim *a, struct sim_http *x);
/* STS, asked by somebody else with the request that the agent signed: status and body. */
int aws_sim_forward(struct aws_sim *a, const char *host, const struct sigv4_seen *s, struct buf *body);
/* A form ("Action=...&...") of somebody else, without a signature and at once: status and body. */
int aws_sim_console(struct aws_sim *a, const char *form, struct buf *body);
int64_t aws_sim_wall_ms(const struct aws_sim *a); /* the time that AWS believes: it is never wrong */

/* Nodes by HTTP (aws_sim_node.c). */
bool aws_node_is_for(const char *url);
void aws_node_request(struct aws_sim *a, struct sim_http *x);

/* For checks and scenes. */
const char *aws_tag_of(const struct aws_thing *t, const char *key); /* NULL: none */
bool aws_is_there(const struct aws_sim *a, const struct aws_thing *t);
bool aws_is_alive(const struct aws_sim *a, const struct aws_instance *i);
bool aws_is_stopped(const struct aws_sim *a, const struct aws_instance *i); /* or about to be; it is alive */
bool aws_is_running(const struct aws_sim *a, const struct aws_instance *i);
bool aws_serves(const struct aws_sim *a, const struct aws_tg *g, const struct aws_target *t); /* is it healthy behind a listener? */
bool aws_rule_stands(const struct aws_rule *r);
bool aws_volume_is_free(const struct aws_sim *a, const struct aws_volume *v); /* nothing has it */
bool aws_volume_is_there(const struct aws_sim *a, const struct aws_volume *v);
struct aws_volume *aws_volume_of(const struct aws_sim *a, const char *id); /* or NULL */
struct aws_form aws_volume_form(const struct aws_sim *a, const struct aws_volume *v);
const char *aws_zone_of(const char *subnet); /* "": there is none of that id */
/* Somebody else's hands (aws_sim_hand.c). */
void aws_hand_stop(struct aws_sim *a, struct aws_instance *i);
void aws_hand_start(struct aws_sim *a, struct aws_instance *i);
void aws_hand_end(struct aws_sim *a, struct aws_instance *i);
void aws_drop_tag(struct aws_thing *t, const char *key);
void aws_hand_tag(struct aws_thing *t, const char *key, const char *value);
void aws_add_interface(struct aws_sim *a, const struct aws_interface *i); /* gets an id */
void aws_drop_interfaces(struct aws_sim *a, const char *group);
struct aws_group *aws_add_foreign(struct aws_sim *a); /* things of somebody else, that nobody may touch */
