/* demand.h - what a plan would need from the customer's policy, collected from its own steps, never claimed by the sender. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/ops/steps/bound.h"

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

/* What a node is asked. */
struct demand_endpoint {
	uint32_t port;
	const char *path;
};

/* A text that the bound's list must hold, or a number that must not be above it. */
struct demand_need {
	const struct bound *of;
	const char *text; /* NULL: a number */
	uint32_t most;
	uint32_t passing; /* beside it, for a while: of a sum, what others of the plan make room for again; the most of one time */
	uint32_t passing_now;
};

/* Texts stay the steps'. Arrays are from mem_grow; demand_close frees them. */
struct demand {
	struct demand_need *needs; /* each text once; of each number the largest, or the sum */
	size_t needs_n;
	struct demand_rule *rules;
	size_t rules_n;
	struct demand_image *images;
	size_t images_n;
	struct demand_endpoint *endpoints;
	size_t endpoints_n;
};

void demand_name(struct demand *d, const struct bound *of, const char *text);
void demand_count(struct demand *d, const struct bound *of, uint32_t n);
void demand_add(struct demand *d, const struct bound *of, uint32_t n); /* to what the steps before need of it */
/* For a while: those of one plan stand beside each other, and of several plans the largest counts. */
void demand_pass(struct demand *d, const struct bound *of, uint32_t n);
void demand_passed(struct demand *d);                                    /* the plan is over, and what passed is gone */
uint32_t demand_number(const struct demand *d, const struct bound *of);  /* 0: nothing needs any; with what passes */
uint32_t demand_passing(const struct demand *d, const struct bound *of); /* what passes alone */
void demand_rule(struct demand *d, const struct demand_rule *r);
void demand_image(struct demand *d, const struct demand_image *i);
void demand_endpoint(struct demand *d, const struct demand_endpoint *e);
void demand_close(struct demand *d);
