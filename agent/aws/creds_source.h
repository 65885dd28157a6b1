/* creds_source.h - where a cache of keys gets new ones: what creds_imds.c and creds_assume.c are to creds.c. */
#pragma once
#include "agent/aws/creds.h"

struct creds_source {
	const char *name; /* in log lines */
	/* Does each question bring other keys? Then a renewal that failed after AWS refused what we have is tried again within
	 * seconds. Else the source may hand out the same ones again, and is left in peace for minutes. */
	bool brings_others;
	void (*ask)(
	    struct creds_source *s); /* one question at a time; answered once, by one of the two below, and not from inside */
	void (*cancel)(struct creds_source *s); /* the answer comes at once, whatever it is */
	void (*free)(struct creds_source *s);   /* no question is under way then */
	struct creds *creds;                    /* whose it is */
};

struct creds *creds_new(struct world *w, struct creds_source *s); /* takes s; creds_close frees it */
/* The question goes on, and a try at it has failed. */
void creds_again(struct creds *c, const struct err *e, const struct creds_why *why);
/* An error that no renewal mends: all waiting askers are told, even when there are keys. */
void creds_refused(struct creds *c, const struct err *e, const struct creds_why *why);
/* rc 0: `k`, which stays the caller's; else `e` and `why`. */
void creds_renewed(struct creds *c, int rc, const struct keys *k, const struct err *e, const struct creds_why *why);
