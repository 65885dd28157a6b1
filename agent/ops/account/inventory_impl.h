/* inventory_impl.h - what the files of a taking share: inventory_take.c (the walk), inventory_reads.c (the table of its reads),
 * inventory_beside.c (what is not ours and a plan stands on), inventory_guard.c (what protects things of ours from being ended).
 * Nobody else includes this. */
#pragma once
#include "agent/ops/account/inventory.h"
#include "agent/ops/account/pages.h"

enum beside { BESIDE_SUBNETS, BESIDE_IMAGES, BESIDE_TYPES, BESIDE_NAMES, BESIDE_S3, BESIDE_KINDS };
#define BESIDE_A_CALL 100 /* EC2 takes 200 values of a filter */

struct inventory_taking {
	struct world *w;
	struct aws *aws;
	struct creds *creds;
	struct owner owner;
	struct inventory_req *req;
	struct inventory *inv;
	size_t row; /* of the table of reads */
	struct aws_call call;
	struct timer timer;
	char *token; /* of the next page, or NULL */
	unsigned pages;
	struct pages list;                      /* that at hand */
	size_t at;                              /* where one call is for some of a list: which one is next */
	struct elb_target_groups target_groups; /* all of the account's, until their tags are known */
	struct elb_lbs lbs;
	struct { /* what is asked for by name */
		const char *const *v;
		size_t n;
	} beside[BESIDE_KINDS];
	bool wants_beside;
	const char **(*ends)(void *ctx, const struct inventory *inv, size_t *ret_n);
	void *ends_ctx;
	bool canceled;
};

/* A list that may come in several pages, of which something may be missing without a word; n NULL: none. */
struct inventory_rows {
	const void *v;
	size_t *n, size;
};

/* One read of a taking. They are made in the order of the table. */
struct inventory_read {
	const char *name, *actions[2];                      /* for sentences; IAM actions */
	size_t a_call;                                      /* how many things one call asks for */
	enum beside beside;                                 /* of those that ask for what is named */
	bool may_be_gone;                                   /* a thing that was ended since we saw it is no failure */
	void (*begin)(struct inventory_taking *t);          /* before each call: what is there to ask for? NULL: as it was */
	size_t (*things)(const struct inventory_taking *t); /* that it walks through; NULL: one */
	void (*ask)(struct inventory_taking *t);
	int (*take_in)(struct inventory_taking *t, const struct xml_node *root, struct err *e);
	struct inventory_rows (*rows)(struct inventory_taking *t); /* NULL: what is asked for by name is missed by name */
	void (*end)(struct inventory_taking *t);                   /* when all of it has been read; or NULL */
};

extern const struct inventory_read inventory_reads[]; /* ended by one without a name */

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
