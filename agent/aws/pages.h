/* pages.h - a Describe from its first page to its last.
 *
 * Each page is one aws_call with that call's retries. Pages may be empty and still have a token; the same token twice, or
 * more than PAGES_MAX pages, is an error: a listing that is not whole is never taken for whole. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/aws/call.h"

#define PAGES_MAX 1000

struct aws_pages;
typedef void aws_pages_ask(void *ctx, const char *token, struct form *f);          /* starts the form; token NULL: page 1 */
typedef int aws_pages_take(void *ctx, const struct xml_node *root, struct err *e); /* an error ends the listing */
typedef const char *aws_pages_next(const struct xml_node *root);                   /* ec2_next_token, elb_next_marker */
typedef void aws_pages_cb(struct aws_pages *p);

/* Belongs to the caller, zero at birth; cb comes once, never from inside aws_pages_start. The answer is in `class` and `err`. */
struct aws_pages {
	/* the question: set by the caller */
	enum aws_service service;
	aws_pages_ask *ask;
	aws_pages_take *take;
	aws_pages_next *next;
	void *ctx;
	const char *command; /* as in aws_call */
	/* the answer */
	enum aws_class class;
	struct err err;
	unsigned count; /* pages taken */
	bool canceled;
	/* its own */
	aws_pages_cb *cb;
	struct aws *aws;
	struct creds *creds;
	struct aws_call call;
	struct buf token;
	bool running;
};

void aws_pages_start(struct aws *a, struct aws_pages *p, struct creds *creds, aws_pages_cb *cb);
void aws_pages_cancel(struct aws_pages *p); /* cb follows, with canceled set; harmless when idle */
void aws_pages_close(struct aws_pages *p);  /* not while it runs */
