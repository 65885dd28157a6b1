/* inventory_impl.h - what inventory_take.c asks of inventory_beside.c, things that are not ours and that a plan stands on, and of
 * inventory_guard.c, what protects things of ours from being ended. Nobody else includes this. */
#pragma once
#include "agent/ops/account/inventory.h"

enum beside { BESIDE_SUBNETS, BESIDE_IMAGES, BESIDE_TYPES, BESIDE_NAMES, BESIDE_S3, BESIDE_KINDS };
#define BESIDE_A_CALL 100 /* EC2 takes 200 values of a filter */

/* One page of those of `names` that are there. */
void inventory_beside_ask(enum beside what, const char *const *names, size_t n, const char *token, struct request *req);
/* Appends; `name` is the first that was asked for. Subnets, images and types are looked up by their names afterwards. */
int inventory_beside_read(enum beside what, const struct xml_node *root, const char *name, struct inventory *inv, struct err *e);
/* These types and those of our instances, each once, in the inventory's arena. */
const char **inventory_beside_types(const struct inventory *inv, const char *const *types, size_t n, size_t *ret_n);

/* Adds those of the ids that are not asked for yet. */
void inventory_guard_want(struct inventory *inv, const char *const *ids, size_t n);
void inventory_guard_ask(const struct inventory_guard *g, struct request *req);
int inventory_guard_read(const struct xml_node *root, struct inventory_guard *g, struct err *e);
