/* demand.h - what a plan would need from the customer's policy, collected from its own steps, never claimed by the sender. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct demand_rule {
	const char *cidr; /* an address block or a prefix list; "" for a source or target that is the group itself */
	int32_t from_port, to_port;
	const char *protocol;
	bool is_egress;
};

/* Allowed by its id or by whose it is. */
struct demand_image {
	const char *id, *owner, *owner_alias; /* "ami-...", account id, "amazon" or "" */
};

/* Things that are named: each must be in the list of the bound of its kind. */
enum demand_kind {
	DEMAND_TYPE,
	DEMAND_SUBNET,
	DEMAND_PROFILE,
	DEMAND_KEY,
	DEMAND_USER_DATA, /* SHA-256 in lower-case hex */
	DEMAND_VOLUME_TYPE,
	DEMAND_TAG_KEY,
	DEMAND_WAREHOUSE,
	DEMAND_KINDS
};

/* Things that are counted: each as large as the largest of its kind. */
enum demand_count {
	DEMAND_CLUSTER_NODES, /* of a cluster afterwards */
	DEMAND_VOLUME_GIB,
	DEMAND_VOLUMES, /* of a node, beside its root */
	DEMAND_IOPS,
	DEMAND_THROUGHPUT,
	DEMAND_BALANCERS, /* of the warehouse afterwards */
	DEMAND_COUNTS
};

struct demand_texts {
	const char **v;
	size_t n;
};

/* Texts stay the steps'. Arrays are from mem_grow; demand_close frees them. */
struct demand {
	struct demand_texts named[DEMAND_KINDS];
	uint32_t most[DEMAND_COUNTS];
	struct demand_rule *rules;
	size_t rules_n;
	struct demand_image *images;
	size_t images_n;
	uint32_t new_nodes; /* launched by all steps together */
};

void demand_name(struct demand *d, enum demand_kind kind, const char *text);
void demand_count(struct demand *d, enum demand_count what, uint32_t n);
void demand_rule(struct demand *d, const struct demand_rule *r);
void demand_image(struct demand *d, const struct demand_image *i);
void demand_close(struct demand *d);
