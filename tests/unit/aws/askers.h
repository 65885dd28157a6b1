/* askers.h - who asks a cache of keys, and the role whose keys it holds. */
#pragma once
#include "tests/unit/aws/cloud.h"

#include "agent/aws/creds.h"

#define KEYS_MATCH "security-credentials/node-role "

struct ask {
	struct creds_req req;
	bool done;
	int rc;
};

static inline void on_answer(struct creds_req *req, int rc)
{
	struct ask *a = container_of(req, struct ask, req);

	assert_false(a->done);
	a->done = true;
	a->rc = rc;
}

static inline void start(struct creds *c, struct ask *a)
{
	a->done = false;
	creds_get(c, &a->req, on_answer);
	assert_false(a->done);
}

static inline int ask(struct cloud *c, struct creds *creds, struct ask *a)
{
	start(creds, a);
	cloud_wait(c, &a->done);
	return a->rc;
}

static inline void close_creds(struct cloud *c, struct creds *creds)
{
	bool done = false;

	creds_close(creds, flag_set, &done);
	assert_false(done);
	cloud_wait(c, &done);
}

/* The instance's role: its keys are what the metadata service hands out. */
struct role {
	struct imds *im;
	struct creds *creds;
};

static inline struct role open_role(struct cloud *c)
{
	struct role r = { .im = imds_new(c->w, IMDS_URL) };

	r.creds = creds_new_imds(c->w, r.im);
	return r;
}

static inline void close_role(struct cloud *c, struct role *r)
{
	close_creds(c, r->creds);
	cloud_close_imds(c, r->im);
}

static inline void serve_keys(struct cloud *c, const char *id, int64_t life_ms)
{
	c->rules_n = 0;
	CLOUD(c, .match = KEYS_MATCH, .status = 200, .body = cloud_keys_json(c, id, life_ms));
	cloud_imds(c);
}

static inline void expect(struct cloud *c, struct role *r, const char *id, unsigned asked)
{
	struct ask a = { 0 };

	assert_int_equal(ask(c, r->creds, &a), 0);
	assert_string_equal(a.req.keys.id, id);
	assert_int_equal(cloud_count(c, KEYS_MATCH), asked);
	keys_close(&a.req.keys);
}
