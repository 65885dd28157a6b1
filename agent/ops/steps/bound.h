/* bound.h - a bound of the customer's policy: a key under `bounds:`, what may stand there, and what it lets through.
 *
 * A step kind asks for what it needs of them (demand.h). A bound that only one kind asks for stands in that kind's file, the
 * others in bound.c; the catalogue names them all. The policy's file, `reeve check-config`, the status and the IAM documents work
 * by these rows. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOUNDS_MAX 32

struct bound_texts {
	char **v;
	size_t n;
};

enum bound_form { BOUND_TEXTS, BOUND_NUMBER, BOUND_CIDRS, BOUND_PORTS, BOUND_ENDPOINTS };

struct bound {
	const char *key;   /* "kms_keys" */
	const char *stops; /* what it stops while it is not given: "every launch" */
	enum bound_form form;

	/* of texts */
	bool (*is_member)(const char *s);                                     /* may it stand in the list? */
	const char *expected;                                                 /* what may: "an instance type such as r6i.xlarge" */
	bool (*holds)(const struct bound_texts *allowed, const char *wanted); /* NULL: the same text is there */
	const char *hint;                                                     /* behind the sentence of a refusal; NULL: none */

	/* of a number: what the plan does that goes beyond it, "makes" or "wants"; NULL: its kind is judged by a sum of its own */
	const char *verb;

	/* of texts that stand in IAM documents, where a statement names them as "%<key>" (iam_grant.h) */
	const char *any;     /* what stands for all of them while no policy is known; NULL: the condition is left out then */
	const char *ours;    /* what alone stands there while no policy is known: the stack's own; NULL: any */
	const char *apart;   /* members with this beginning are a list of their own, without it: "%<owner:images>" */
	const char *shorter; /* what to do when the document gets too long; NULL: name fewer */
};

bool bound_holds(const struct bound_texts *allowed, const char *wanted);     /* the same text */
bool bound_holds_hex(const struct bound_texts *allowed, const char *wanted); /* the same number in hex, whatever its letters */

extern const struct bound bound_warehouses, bound_tag_keys, bound_subnets;
extern const struct bound bound_instance_types, bound_images, bound_instance_profiles, bound_user_data, bound_kms_keys;
extern const struct bound bound_nodes_per_cluster, bound_nodes_total;
extern const struct bound bound_volumes_per_node, bound_volume_types, bound_volume_gib, bound_iops, bound_throughput;
extern const struct bound bound_cidrs, bound_prefix_lists, bound_egress_cidrs, bound_egress_prefix_lists, bound_ports;
extern const struct bound bound_node_http;

#define BOUND_ANY "any"      /* of user data: what nobody has named */
#define BOUND_OWNER "owner:" /* of images: whose they are */
bool bound_is_prefix_list(const char *s);
