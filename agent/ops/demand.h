/* demand.h - what a plan would need from the customer's policy, collected from its own steps, never claimed by the sender. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct demand_rule {
	const char *cidr; /* "" for a source that is the group itself */
	int32_t from_port, to_port;
	const char *protocol;
};

/* Texts stay the steps'. Arrays are from mem_grow; demand_close frees them. */
struct demand {
	const char **types;
	size_t types_n;
	struct demand_rule *rules;
	size_t rules_n;
	uint32_t volume_gib;    /* the largest */
	uint32_t cluster_nodes; /* the largest cluster afterwards */
	uint32_t new_nodes;     /* launched by all steps together */
};

void demand_type(struct demand *d, const char *type);
void demand_rule(struct demand *d, const struct demand_rule *r);
void demand_close(struct demand *d);
