/* bounds.h - how much of what: the lists and numbers under `bounds:` of the policy, and a plan's demand judged by them.
 *
 * A bound that is not given allows nothing of its kind, so it stops only a plan that wants something of that kind: no user
 * data, no instance profile and no key of one's own needs none. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/cidr.h"
#include "agent/base/err.h"
#include "agent/ops/steps/demand.h"

struct faults;
struct yaml_node;

struct bounds_cidrs {
	struct cidr *v;
	size_t n;
};

struct bounds_ports {
	int32_t from, to;
};

/* A path that ends in `*` stands for all that begin so. */
struct bounds_endpoint {
	struct bounds_ports ports;
	char *path;
};

/* What the file says of one; of its form alone there is something. */
struct bounds_value {
	struct bound_texts texts;
	struct bounds_cidrs cidrs;
	struct bounds_ports *ports;
	size_t ports_n;
	struct bounds_endpoint *endpoints;
	size_t endpoints_n;
	uint32_t number;
	bool is_given;
};

struct bounds {
	struct bounds_value of[BOUNDS_MAX]; /* in the order of the catalogue: bounds_of */
};

/* The mapping `bounds:`, or NULL: nothing is given. With faults *all is to be closed all the same. */
void bounds_read(struct yaml_node *map, struct bounds *all, struct faults *f);
/* One more text that this bound holds, wherever it was said. */
void bounds_allow(struct bounds *b, const struct bound *which, const char *text);
void bounds_close(struct bounds *b);
const struct bounds_value *bounds_of(const struct bounds *b, const struct bound *which);
/* `nodes_now`: alive nodes of the whole installation. The sentence names the bound and what is beyond it. */
int bounds_judge(const struct bounds *b, const struct demand *d, uint32_t nodes_now, struct err *e);
/* Is user data allowed only because the file says `any`? Such data needs a second key until it is proved (proved.h). */
bool bounds_is_any_user_data(const struct bounds *b, const char *sha256_hex);

/* The i-th bound that is not given, and what that stops; false: there is no i-th. */
bool bounds_missing(const struct bounds *b, size_t i, const char **ret_name, const char **ret_stops);
