/* inventory_read.h - a read of a taking: one list of the account, how it is asked for and what becomes of the answers.
 *
 * Reads are rows of tables. The account's own stand in inventory_reads.c; a kind of thing brings those that show its things
 * (resource.h), and keeps what they show on a shelf of its own in the inventory. A taking makes them one after the other, each page
 * by page, and again for each thing that it walks through. */
#pragma once
#include "agent/ops/account/inventory.h"

/* One call of a read: what its functions are told. */
struct inventory_page {
	struct inventory *inv; /* what is seen so far; what is made for it lives in its arena */
	const struct owner *owner;
	const struct inventory_read *read;
	size_t at;          /* of what it walks through, the first that this call is for */
	const char *token;  /* the page of the list, as the answer before named it; NULL: the first */
	const char *action; /* IAM's: the read's own, unless its `ask` sets another */
	const char *region; /* "us-east-1" */
};

/* A list that may come in several pages, of which something may be missing without a word (pages.h); n NULL: none. */
struct inventory_rows {
	const void *v; /* the first member of each is its id, a const char * */
	size_t *n, size;
};
#define INVENTORY_ROWS(list)                                                                                                       \
	(struct inventory_rows)                                                                                                    \
	{                                                                                                                          \
		(list).v, &(list).n, sizeof(*(list).v)                                                                             \
	}

struct inventory_read {
	const char *name, *action;               /* for sentences: "load balancers"; and for IAM */
	size_t a_call;                           /* how many of what it walks through one call is for */
	unsigned which;                          /* for functions that serve several reads */
	bool may_be_gone;                        /* AWS need not know what is asked for any more */
	bool may_be_denied;                      /* what AWS refuses to show is as if it were not there, and that is told */
	void (*begin)(struct inventory_page *p); /* before each call: what is there to walk through? NULL: as it was */
	size_t (*things)(const struct inventory_page *p); /* that it walks through; NULL: one */
	void (*ask)(struct inventory_page *p, struct request *req);
	int (*take_in)(struct inventory_page *p, const struct aws_call *c, struct err *e);
	const char *(*next)(const struct aws_call *c); /* the token of the next page, or NULL; NULL: there is one page */
	struct inventory_rows (*rows)(const struct inventory_page *p); /* NULL: what is asked for by name is missed by name */
	void (*end)(struct inventory_page *p);                         /* when all of it has been read; or NULL */
};

/* ---- what reads have in common ---- */

struct ec2_describe;
/* One page of what bears both ownership tags, by the builder's filters. */
void inventory_ask_by_tags(const struct inventory_page *p, struct request *req,
			   void (*build)(struct request *, const struct ec2_describe *));
const char *inventory_next_ec2(const struct aws_call *c);
/* Drops the rows that are not ours, although the filter asked for ours alone: a filter that the service ignores shows the whole
 * account. How many were left out is told, for a person looks into it. The tags of each row stand `tags_at` bytes into it. */
void inventory_keep_ours(const struct inventory_page *p, struct inventory_rows rows, size_t tags_at, const char *kind);
