/* aws_sim_impl.h - what the files of the pretend AWS know of each other. */
#pragma once
#include <string.h>

#include "agent/base/digest.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "tests/sim/aws_sim.h"
#include "tests/sim/xml_sim.h"

/* One call being answered: the form in, XML or a refusal out. */
struct aws_ask {
	struct aws_sim *a;
	const struct form_sim *f;
	const char *action;
	const struct aws_key *key;
	struct digest form_digest;
	struct buf *xml;
	int status;
	const char *code;
	char message[256];
	bool changed; /* it had an effect */
};

typedef void aws_fn(struct aws_ask *q);
struct aws_action {
	const char *name;
	bool mutates;
	aws_fn *fn;
};

struct aws_api {
	const char *host, *name, *version;
	bool is_ec2;
	const struct aws_action *actions;
};

extern const struct aws_action aws_ec2_actions[], aws_elb_actions[], aws_sts_actions[];

/* aws_sim_group.c */
aws_fn aws_create_security_group, aws_describe_security_groups, aws_authorize, aws_revoke, aws_delete_security_group;
bool aws_is_open(const struct aws_group *g);                             /* may everything leave for everywhere? */
struct aws_group *aws_group_of(const struct aws_sim *a, const char *id); /* or NULL */

/* aws_sim_look.c: what is nobody's to change */
aws_fn aws_describe_vpcs, aws_describe_subnets, aws_describe_images, aws_describe_instance_types, aws_describe_prefix_lists;
bool aws_filter_takes(struct aws_ask *q, const char *name, const char *value); /* does the request's filter hold the value? */

/* aws_sim_ec2.c: what all descriptions of EC2 share */
enum aws_fits { AWS_NO_FILTER = -1, AWS_FITS_NOT, AWS_FITS };
/* Does the thing pass the request's filter of that name? */
typedef enum aws_fits aws_fits_fn(struct aws_ask *q, const void *thing, const char *name, unsigned filter);
bool aws_passes(struct aws_ask *q, const struct aws_thing *t, aws_fits_fn *fits, const void *thing); /* no filter: refused */
bool aws_filter_has(const struct aws_ask *q, unsigned filter, const char *have);
void aws_write_tags(struct buf *b, const struct aws_thing *t);
void aws_add_tag(struct aws_thing *t, const char *key, const char *value);

/* aws_sim_power.c */
aws_fn aws_stop_instances, aws_start_instances, aws_reboot_instances, aws_modify_instance_attribute;

/* aws_sim_node.c */
void aws_node_address(const struct aws_sim *a, const struct aws_instance *i, char to[16]);
void aws_node_born(struct aws_sim *a, struct aws_instance *i, uint64_t up_ms); /* or started */
void aws_node_reboots(struct aws_sim *a, struct aws_instance *i, uint64_t down_ms);

/* aws_sim_status.c */
aws_fn aws_describe_status;
void aws_check_from(struct aws_sim *a, struct aws_instance *i, uint64_t from_ms); /* its status checks begin anew then */

/* aws_sim_instance.c, aws_sim_launch.c, aws_sim_interface.c */
aws_fn aws_run_instances, aws_describe_instances, aws_describe_instance_attribute, aws_terminate_instances;
aws_fn aws_describe_interfaces;
/* aws_sim_volume.c */
aws_fn aws_describe_volumes, aws_describe_modifications, aws_modify_volume, aws_attach_volume;
void aws_make_volumes(struct aws_ask *q, struct aws_instance *i); /* of its launch */
bool aws_is_mapped(const struct aws_sim *a, const struct aws_volume *v, const struct aws_instance *i);
void aws_write_mapping(const struct aws_volume *v, struct buf *b);

struct aws_instance *aws_instance_of(const struct aws_sim *a, const char *id); /* or NULL */
void aws_refuse_members(struct aws_ask *q);     /* InstanceId.1 ...: one that is unknown, or not ours, and nothing is done */
bool aws_is_ours(const struct aws_instance *i); /* by its tags, for the operate role */
const char *aws_state_of(const struct aws_sim *a, const struct aws_instance *i);
bool aws_instance_holds(const struct aws_sim *a, const char *group);                           /* with its interface */
const struct aws_interface *aws_interface_holding(const struct aws_sim *a, const char *group); /* somebody else's; or NULL */
void aws_birth(struct aws_sim *a, struct aws_instance *i); /* when it runs, or of what it dies before */
void aws_write_death(const struct aws_instance *i, struct buf *b);
void aws_write_instance(struct aws_sim *a, const struct aws_instance *i, struct buf *b);
void aws_end_instance(struct aws_sim *a, struct aws_instance *i, uint64_t at_ms);

/* aws_sim_tags.c */
aws_fn aws_create_tags, aws_delete_tags, aws_add_tags, aws_remove_tags;

/* aws_sim_elb.c, aws_sim_balancer.c, aws_sim_target.c */
#define AWS_ELB_ARN "arn:aws:elasticloadbalancing:" AWS_REGION ":" AWS_ACCOUNT ":"
aws_fn aws_create_lb, aws_describe_lbs, aws_describe_lb_attributes, aws_delete_lb;
aws_fn aws_create_listener, aws_describe_listeners, aws_modify_listener, aws_delete_listener;
aws_fn aws_create_tg, aws_describe_tgs, aws_describe_tg_attributes, aws_delete_tg;
aws_fn aws_register_targets, aws_deregister_targets, aws_describe_health;
struct aws_tg *aws_tg_of(const struct aws_sim *a, const char *arn); /* or NULL, as the next two */
struct aws_lb *aws_lb_of(const struct aws_sim *a, const char *arn);
struct aws_listener *aws_listener_of(const struct aws_sim *a, const char *arn);
struct aws_tg *aws_tg_asked(struct aws_ask *q, const char *param); /* NULL: the request is refused */
struct aws_lb *aws_lb_asked(struct aws_ask *q);
bool aws_names(const struct aws_listener *l, const struct aws_tg *g); /* does it lead there, whatever the weight? */
bool aws_tg_is_used(const struct aws_sim *a, const struct aws_tg *g); /* by a listener */
bool aws_is_named(const struct aws_ask *q, const char *arns, const struct aws_thing *t);
void aws_none_found(struct aws_ask *q, const char *arns, size_t found, const char *code, const char *what);
bool aws_same_tags(const struct aws_thing *t, const struct form_sim *f);
void aws_duplicate(struct aws_ask *q, const char *code);
void aws_write_attribute(struct buf *b, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

void aws_refuse(struct aws_ask *q, int status, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
uint64_t aws_now(const struct aws_sim *a);
void aws_thing_init(struct aws_sim *a, struct aws_thing *t, const char *prefix, const char *command);
/* Tags from "<prefix><n>.Key" and ".Value" */
void aws_tags_of_kind(struct aws_ask *q, const char *kind, struct aws_thing *t); /* of a launch: "instance", "volume" ... */
void aws_thing_tags(struct aws_thing *t, const struct form_sim *f, const char *prefix);
void aws_thing_close(struct aws_thing *t);
bool aws_shows(struct aws_sim *a, const struct aws_thing *t); /* in a Describe, now */
bool aws_knows(struct aws_sim *a, const struct aws_thing *t); /* in another call, now */
const char *aws_command_of(const struct aws_ask *q);

/* One page of a list: from where, how many, and the token of the next. */
struct aws_page {
	size_t at;
	unsigned room;
	bool more, may_miss;
};
struct aws_page aws_page_start(struct aws_ask *q, const char *token_name, const char *size_name);
bool aws_page_misses(struct aws_ask *q, struct aws_page *p, const struct aws_thing *t); /* is this row on no page? */
bool aws_page_takes(struct aws_page *p, size_t i); /* is there room for thing number i? sets at and more when not */

/* aws_sim_keys.c */
void aws_authenticate(struct aws_ask *q, const struct aws_api *s, const struct sigv4_seen *seen);
void aws_authorize_call(struct aws_ask *q, const struct aws_api *s, const struct aws_action *act);
struct aws_key *aws_key_new(struct aws_sim *a, const char *session, bool operate, uint64_t live_ms);
void aws_imds_request(struct aws_sim *a, struct sim_http *x);
