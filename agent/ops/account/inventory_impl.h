/* inventory_impl.h - what the files of a taking share: inventory_take.c (the walk), inventory_reads.c (the account's own reads),
 * inventory_beside.c (what is not ours and a plan stands on), inventory_guard.c (what protects things of ours from being ended).
 * inventory.c makes the arena. Nobody else includes this. */
#pragma once
#include "agent/ops/account/inventory_read.h"
#include "agent/ops/account/pages.h"

enum beside { BESIDE_SUBNETS, BESIDE_IMAGES, BESIDE_TYPES, BESIDE_NAMES, BESIDE_S3, BESIDE_KINDS };
#define INVENTORY_ARENA (256u << 20) /* bytes of all that a taking reads, and of what is made of it */
#define BESIDE_A_CALL 100            /* EC2 takes 200 values of a filter */

struct inventory_taking {
	struct world *w;
	struct aws *aws;
	struct creds *creds;
	struct owner owner;
	const struct resource *const *resources;
	struct inventory_req *req;
	struct inventory *inv;
	struct inventory_page page; /* of the read at hand */
	size_t row;                 /* which one that is: inventory_read_at */
	struct aws_call call;
	char *token; /* the page's */
	unsigned pages;
	struct pages list; /* that at hand */
	struct {           /* what is asked for by name */
		const char *const *v;
		size_t n;
	} beside[BESIDE_KINDS];
	bool wants_beside, wants_statuses;
	const char **running; /* ids, once the instances are known, where their statuses are wanted */
	size_t running_n;
	inventory_ends_fn *ends;
	void *ends_ctx;
	bool canceled;
};

static inline struct inventory_taking *inventory_taking_of(const struct inventory_page *p)
{
	return container_of(p, struct inventory_taking, page);
}

/* The i-th read of a taking: the account's own, those of the kinds of things in their order, then those that depend on what all of
 * these have shown. NULL: there is no i-th. */
const struct inventory_read *inventory_read_at(const struct resource *const *resources, size_t i);

/* One page of those of `names` that are there. */
void inventory_beside_ask(enum beside what, const char *const *names, size_t n, const char *token, struct request *req);
/* Appends; `name` is the first that was asked for. Subnets, images and types are looked up by their names afterwards. */
int inventory_beside_read(enum beside what, const struct xml_node *root, const char *name, struct inventory *inv, struct err *e);
/* These types and those of our instances, each once, in the inventory's arena. */
const char **inventory_beside_types(const struct inventory *inv, const char *const *types, size_t n, size_t *ret_n);

/* Adds those of the things that are not asked for yet, and can be protected. */
void inventory_guard_want(struct inventory *inv, const struct inventory_thing *things, size_t n);
