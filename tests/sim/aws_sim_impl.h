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

extern const struct aws_action aws_ec2_actions[], aws_elb_actions[], aws_sts_actions[];

/* aws_sim_group.c */
aws_fn aws_create_security_group, aws_describe_security_groups, aws_authorize, aws_revoke, aws_delete_security_group;
bool aws_is_open(const struct aws_group *g);                             /* may everything leave for everywhere? */
struct aws_group *aws_group_of(const struct aws_sim *a, const char *id); /* or NULL */

/* aws_sim_look.c: what is nobody's to change */
aws_fn aws_describe_vpcs, aws_describe_subnets, aws_describe_images, aws_describe_instance_types, aws_describe_prefix_lists;
const char *aws_zone_of(const char *subnet);                                   /* "": there is none of that id */
bool aws_filter_takes(struct aws_ask *q, const char *name, const char *value); /* does the request's filter hold the value? */

/* aws_sim_ec2.c: what all descriptions of EC2 share */
bool aws_passes(struct aws_ask *q, const struct aws_thing *t); /* the filters of the request; one that is none is refused */
void aws_write_tags(struct buf *b, const struct aws_thing *t);

void aws_refuse(struct aws_ask *q, int status, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
uint64_t aws_now(const struct aws_sim *a);
void aws_thing_init(struct aws_sim *a, struct aws_thing *t, const char *prefix, const char *command);
/* Tags from "<prefix><n>.Key" and ".Value" */
void aws_thing_tags(struct aws_thing *t, const struct form_sim *f, const char *prefix);
void aws_thing_close(struct aws_thing *t);
bool aws_shows(struct aws_sim *a, const struct aws_thing *t); /* in a Describe, now */
bool aws_knows(struct aws_sim *a, const struct aws_thing *t); /* in another call, now */
const char *aws_command_of(const struct aws_ask *q);

/* One page of a list: from where, how many, and the token of the next. */
struct aws_page {
	size_t at;
	unsigned room;
	bool more;
};
struct aws_page aws_page_start(struct aws_ask *q, const char *token_name, const char *size_name);
bool aws_page_takes(struct aws_page *p, size_t i); /* is there room for thing number i? sets at and more when not */

struct aws_key *aws_key_new(struct aws_sim *a, const char *session, bool operate, uint64_t live_ms);
void aws_imds_request(struct aws_sim *a, struct sim_http *x);
