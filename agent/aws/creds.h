/* creds.h - where keys come from, and a cache in front of it that renews them before they run out.
 *
 * Two sources: the instance role (IMDSv2) and AssumeRole on the operate role (creds_new_assume, one per operation). Many
 * askers, one refresh. Keys whose renewal fails stay in use, even past their expiry (static stability, as in AWS's own SDKs): AWS
 * decides. After a failed renewal the next try is 300..600 s away; without keys, and after an error that no renewal mends,
 * which askers are told with -ERR_DENIED, each asker has the source asked again, once a second at most. */
#pragma once
#include "agent/aws/code.h"
#include "agent/aws/keys.h"
#include "agent/base/err.h"
#include "agent/base/list.h"
#include "agent/io/world.h"

struct creds;
struct creds_req;
struct aws;
struct imds;
typedef void creds_cb(struct creds_req *req, int rc);

/* Beside the sentence: what the call for keys was answered. */
struct creds_why {
	const char *action;   /* "sts:AssumeRole"; "": the metadata service, which has no action */
	enum aws_class class; /* as it would be told of any call; AWS_OK: an answer that is no set of keys */
	char code[128], request_id[128];
};

/* One question, zero at birth. It belongs to the asker, stays put until its cb has run, and may be asked again from there. */
struct creds_req {
	struct list link;
	struct creds *c;
	creds_cb *cb;
	/* A try has failed and another one follows, with no cb in between: err and why tell of it. It may look, and no more:
	 * neither cancel nor ask. NULL: nobody wants to know before the end. */
	void (*again)(struct creds_req *req);
	struct keys keys; /* a copy; the asker closes it */
	struct err err;
	struct creds_why why; /* with an error */
};

struct creds *creds_new_imds(struct world *w, struct imds *im); /* creds_imds.c */
/* creds_assume.c. `session` is session name and source identity: the command id. `from` signs the AssumeRole and must outlive
 * it, as `aws` must. */
struct creds *creds_new_assume(struct world *w, struct aws *aws, struct creds *from, const char *role_arn, const char *session);
void creds_get(struct creds *c, struct creds_req *req, creds_cb *cb); /* cb: once, and never from inside this call */
void creds_cancel(struct creds_req *req);                             /* cb follows, with -ERR_CANCELED; harmless when idle */
/* AWS refused these keys as expired or invalid: renewed for the next asker, if they are still the cached ones. */
void creds_reject(struct creds *c, const char *key_id);
/* Cancels what waits and what is asked until done, which comes later. Its users are closed before that, or in the same event. */
void creds_close(struct creds *c, void (*done)(void *ctx), void *ctx);
