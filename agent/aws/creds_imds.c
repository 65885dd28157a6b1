/* creds_imds.c - keys of the instance role, from the metadata service. */
#include "agent/aws/creds_source.h"
#include "agent/aws/imds.h"
#include "agent/base/mem.h"

struct from_imds {
	struct creds_source source;
	struct imds *im;
	struct imds_req question;
};

static struct from_imds *self_of(struct creds_source *s)
{
	return container_of(s, struct from_imds, source);
}

static void on_keys(struct imds_req *req, int rc)
{
	struct from_imds *f = container_of(req, struct from_imds, question);
	bool is_answered = rc != -ERR_NET && rc != -ERR_TIMEOUT;
	struct creds_why why = { .action = "", .class = is_answered ? AWS_INVALID : AWS_AMBIGUOUS };

	creds_renewed(f->source.creds, rc, &req->keys, &req->err, &why);
	keys_close(&req->keys);
}

static void ask(struct creds_source *s)
{
	imds_get(self_of(s)->im, &self_of(s)->question, IMDS_WHAT_KEYS, on_keys);
}

static void cancel(struct creds_source *s)
{
	imds_cancel(&self_of(s)->question);
}

static void release(struct creds_source *s)
{
	mem_free(self_of(s));
}

struct creds *creds_new_imds(struct world *w, struct imds *im)
{
	struct from_imds *f = mem_new(struct from_imds);

	f->source = (struct creds_source){ .name = "imds", .ask = ask, .cancel = cancel, .free = release };
	f->im = im;
	return creds_new(w, &f->source);
}
