/* creds_assume.c - keys of the operate role, for one operation: sts:AssumeRole, signed with the keys of another cache. */
#include <stdio.h>
#include <string.h>

#include "agent/aws/call.h"
#include "agent/aws/creds_source.h"
#include "agent/aws/sts.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

struct from_sts {
	struct creds_source source;
	struct aws *aws;
	struct creds *signer;
	char *role_arn, *session;
	struct aws_call call;
};

static struct from_sts *self_of(struct creds_source *s)
{
	return container_of(s, struct from_sts, source);
}

/* The same answer would come again: the role, its trust, the session's policy or the region is as it is. */
static bool no_renewal_mends(const char *code)
{
	static const char *const codes[] = { "AccessDenied",         "IDPRejectedClaim",
					     "InvalidIdentityToken", "MalformedPolicyDocument",
					     "PackedPolicyTooLarge", "RegionDisabled" };

	/* Some codes are written with "Exception" at their end, and without. */
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_starts(code, codes[i]) && (code[strlen(codes[i])] == '\0' || str_eq(code + strlen(codes[i]), "Exception")))
			return true;
	return false;
}

/* What stands behind a missing answer of STS is told: that of the keys it was to be asked with, where there are none. */
static struct creds_why why_of(const struct aws_call *call)
{
	struct creds_why why = { .action = "sts:AssumeRole", .class = call->class };

	if (call->unsent)
		return call->keys.why;
	snprintf(why.code, sizeof(why.code), "%s", call->code);
	snprintf(why.request_id, sizeof(why.request_id), "%s", call->request_id);
	return why;
}

static int cannot(const struct from_sts *f, int rc, struct err *e)
{
	return err_wrap(e, rc, "the role %s cannot be assumed", f->role_arn);
}

static void on_again(struct aws_call *call)
{
	struct from_sts *f = container_of(call, struct from_sts, call);
	struct creds_why why = why_of(call);
	struct err e = call->err;

	cannot(f, -ERR_SERVICE, &e);
	creds_again(f->source.creds, &e, &why);
}

static void on_answer(struct aws_call *call)
{
	struct from_sts *f = container_of(call, struct from_sts, call);
	struct keys k = { 0 };
	struct err e = call->err;
	int rc = call->class == AWS_OK ? sts_read_keys(xml_root(call->xml), &k, &e) : -ERR_SERVICE;
	struct creds_why why = why_of(call);

	if (rc != 0)
		cannot(f, rc, &e);
	if (call->class != AWS_OK && no_renewal_mends(call->code)) {
		e.code = ERR_DENIED;
		creds_refused(f->source.creds, &e, &why);
	} else {
		creds_renewed(f->source.creds, rc, &k, &e, &why);
	}
	keys_close(&k);
	/* Its answer is freed now: the next question, which the cache asks from the loop, sets the call anew. */
	aws_call_close(call);
}

static void ask(struct creds_source *s)
{
	struct from_sts *f = self_of(s);

	f->call = (struct aws_call){ .command = f->session, .again = on_again };
	sts_assume_role(&f->call.req, f->role_arn, f->session, f->session);
	aws_call_start(f->aws, &f->call, f->signer, on_answer);
}

static void cancel(struct creds_source *s)
{
	aws_call_cancel(&self_of(s)->call);
}

static void release(struct creds_source *s)
{
	mem_free(self_of(s)->role_arn);
	mem_free(self_of(s)->session);
	mem_free(self_of(s));
}

struct creds *creds_new_assume(struct world *w, struct aws *aws, struct creds *from, const char *role_arn, const char *session)
{
	struct from_sts *f = mem_new(struct from_sts);

	f->source = (struct creds_source){ .name = "sts", .brings_others = true, .ask = ask, .cancel = cancel, .free = release };
	f->aws = aws;
	f->signer = from;
	f->role_arn = mem_str(role_arn);
	f->session = mem_str(session);
	return creds_new(w, &f->source);
}
