/* origins.h - what the rules say of the sources that lines come from, remembered: a path and its attributes are looked at once, and
 * not at each line.
 *
 *     origins_of(o, rules, origin)     the verdict, and the attributes as they may leave
 *     origins_forget(o)                the rules are others
 *
 * A few hundred are remembered; of two that want the same place the later one gets it, and the other is looked at again. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/telemetry.h"
#include "shippers/rules.h"

#define ORIGINS_ATTRS_MAX 8 /* of one; more are a bug of the collector */
#define ORIGINS_PLACES 256

struct otlp_row;

struct origins_one {
	uint64_t id;                /* 0: nobody */
	enum rules_verdict verdict; /* PASS; DENIED: the path is not on the allow-list; FAILED: an attribute met the limits */
	struct telemetry_attr attrs[ORIGINS_ATTRS_MAX]; /* masked; the values are its own */
	size_t attrs_n;
	struct otlp_row *row; /* the user's: where its lines go in request number `request` */
	uint64_t request;
	size_t part; /* likewise: of the batch's, what counts them */
};

struct origins {
	struct origins_one v[ORIGINS_PLACES];
};

/* Lent until the next call. */
struct origins_one *origins_of(struct origins *o, struct rules *r, const struct telemetry_origin *of);
void origins_forget(struct origins *o);
