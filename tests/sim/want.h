/* want.h - what a scene asks for: a small warehouse as data, made and changed by chance, packed as a spec, and compared with
 * what the pretend AWS holds in the end. */
#pragma once
#include "tests/sim/aws_sim.h"

#define WANT_GROUPS 2
#define WANT_RULES 4
#define WANT_CLUSTERS 3
#define WANT_TGS 2
#define WANT_FULL 60 /* rules, the default quota of a group */

struct want_rule {
	bool on;
	int port;
	const char *cidr; /* NULL: the group itself */
};

struct want {
	bool gone; /* nothing of it is to be there */
	const char *warehouse;
	uint64_t generation;
	struct {
		bool on;
		struct want_rule rules[WANT_RULES];
		unsigned fill; /* so many rules more, each for a port of its own */
	} groups[WANT_GROUPS];
	struct {
		bool on, atomic, paused;
		unsigned nodes, group;
		bool both;                           /* in both groups */
		bool health;                         /* it has an endpoint */
		unsigned drain;                      /* 0: not; 1: by waiting; 2: by a call */
		bool kept;                           /* its data volumes outlive its nodes */
		unsigned type, image, data, profile; /* which of the lists of want.c; 0 of data and profile: none */
		unsigned subnet, size;               /* size: of the data volume, of the list of want.c; it never shrinks */
		bool spread, others;                 /* over two subnets; of either type */
	} clusters[WANT_CLUSTERS];
	struct {
		bool on;
		unsigned clusters; /* a bit each */
	} target_groups[WANT_TGS];
	bool lb;
	bool listeners[WANT_TGS];
	unsigned leads[WANT_TGS]; /* number i leads to this target group */
	bool narrow;              /* the balancer stands in one subnet */
	unsigned tags;            /* which of the list of want.c; 0: none */
	bool differs;             /* in what may not be available yet */
	bool broken;              /* breaks the format of a spec */
};

void want_random(struct want *w, struct odds *o, const char *warehouse);
void want_change(struct want *w, struct odds *o);  /* the next generation: grown, shrunk, without a rule, a cluster, a balancer */
void want_upgrade(struct want *w, struct odds *o); /* the next generation: another image or other user data of some clusters */
void want_pack(const struct want *w, struct buf *to);                             /* a WarehouseApply */
bool want_egress_has(const char *protocol, int from, int to, const char *target); /* of every group */
bool want_rule_in(const struct want *w, const char *group, const char *protocol, int from, int to, const char *source);
unsigned want_nodes(const struct want *w, const char *cluster);
const char *want_cluster(struct odds *o); /* the name of some cluster */
bool want_has_health(const struct want *w, const char *cluster);
bool want_drains(const struct want *w, const char *cluster); /* by a call */
bool want_is_paused(const struct want *w, const char *cluster);
unsigned want_nodes_all(const struct want *w);
/* Would going from one to the other take a node with its volume, a balancer that is in use, or its last listener? */
bool want_is_high(const struct want *from, const struct want *to);
/* NULL: AWS holds exactly this. Else a sentence. `short_is_fine`: fewer nodes than asked for. */
const char *want_differs(const struct want *w, const struct aws_sim *a, bool short_is_fine);
