/* spec.h - the desired state of a warehouse, as the command carries it, checked before anything is planned from it.
 * The checked message is protobuf-c's own; this file only says what a legal one is, and how things are called in AWS. */
#pragma once
#include "agent/base/err.h"
#include "proto/control.pb-c.h"

typedef Reeve__Control__V1__WarehouseSpec spec_t;

#define SPEC_SUBNETS_MAX 6  /* of a cluster */
#define SPEC_TYPES_MAX 4    /* with the first one */
#define SPEC_ALL_SUBNETS 64 /* different ones, of all clusters and load balancers */
#define SPEC_ALL_TYPES 32

/* Where its nodes may stand: the list, or the one that is given. And what type they may be, in the order of preference. */
size_t spec_subnets(const Reeve__Control__V1__Cluster *c, char *const **ret);
size_t spec_types(const Reeve__Control__V1__Cluster *c, const char *to[SPEC_TYPES_MAX]);

/* Texts and numbers are what AWS takes in their place (field.h), lists are short and say nothing twice, names are ids and unique,
 * references lead somewhere, load balancers are internal and share no target group, tags are the vendor's own. The sentence names
 * the place: "clusters[1].volumes[0].size_gib ...". */
int spec_check(const spec_t *s, struct err *e);
/* The same of parts that a command without a spec carries. what: the member, which the sentence begins with. */
int spec_check_endpoint(const Reeve__Control__V1__NodeEndpoint *n, const char *what, struct err *e);
int spec_check_drain(const Reeve__Control__V1__Drain *d, struct err *e);

/* Security group: "<vendor>-<installation>-<warehouse>-<name>", at most 255. */
void spec_group_name(const char *vendor, const char *installation, const char *warehouse, const char *name, char to[256]);
/* Load balancers and target groups may have 32 characters: "rv-" and 24 of base32 over what makes them one of a kind. */
void spec_short_name(const char *installation, const char *warehouse, const char *kind, const char *name, char to[33]);
