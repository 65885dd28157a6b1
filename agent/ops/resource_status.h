/* resource_status.h - the statuses of a warehouse and of its clusters, by the names that the vendor's own tools wait for (proto:
 * ResourceStatus; docs/wire.md section 7).
 *
 * They follow from what is in the journal and in the account, and from nothing that was remembered on the way: the same before and
 * after a restart. Pure. */
#pragma once
#include <jansson.h>

#include "agent/ops/fates.h"
#include "agent/ops/plan/plan.h"
#include "agent/ops/verb.h"

#define RESOURCE_STATUS_CLUSTERS_MAX 64

typedef Reeve__Control__V1__ResourceStatus resource_status_t;

/* An operation that has started and not ended. */
struct resource_status_work {
	const struct verb *verb; /* NULL: none, or none that changes something */
	const ProtobufCMessage *args;
	const struct plans *plans; /* NULL: they cannot be read */
	const json_t *found;       /* resource_status_nodes, when it was planned; NULL or JSON null: nothing, or not known */
	bool is_birth;             /* it is to make the warehouse (fates_is_birth) */
};

struct resource_status_from {
	struct resource_status_work work;
	enum fate fate;      /* of the last command that laid down what it is, or took it away */
	const spec_t *spec;  /* the one that stands; NULL: it is not known, or there is none */
	const json_t *nodes; /* resource_status_nodes of the last look at what stands; NULL: none yet */
};

struct resource_status_cluster {
	const char *name; /* of one of the specs, or of `nodes` */
	resource_status_t status;
};

struct resource_status {
	resource_status_t status;
	struct resource_status_cluster clusters[RESOURCE_STATUS_CLUSTERS_MAX];
	size_t n;
};

void resource_status_of(const struct resource_status_from *f, struct resource_status *ret);
/* Alive nodes of a warehouse: {"fe": {"up": 2, "down": 1}}; down: stopped, or about to be. */
json_t *resource_status_nodes(const struct inventory *inv, const char *warehouse);
const char *resource_status_name(resource_status_t s); /* "Running"; "": it is not known */
