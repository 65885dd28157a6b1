/* identity.c - metadata service first, STS then.
 *
 * Happy path: document -> domain -> caller -> done. Failure: waiting, and the same question again. Close: cancels. */
#include "agent/daemon/identity.h"

#include <stdio.h>
#include <string.h>

#include "agent/aws/region.h"
#include "agent/base/backoff.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/sm.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"

/*  document --> domain --> caller --> done      any --> waiting --> document, domain, caller  */
enum { IDENTITY_DOCUMENT, IDENTITY_DOMAIN, IDENTITY_CALLER, IDENTITY_WAITING, IDENTITY_DONE };
static const struct sm_state identity_states[] = {
	[IDENTITY_DOCUMENT] = { "document", SM_TO(IDENTITY_DOMAIN) | SM_TO(IDENTITY_WAITING) | SM_TO(IDENTITY_DONE) },
	[IDENTITY_DOMAIN] = { "domain", SM_TO(IDENTITY_CALLER) | SM_TO(IDENTITY_WAITING) | SM_TO(IDENTITY_DONE) },
	[IDENTITY_CALLER] = { "caller", SM_TO(IDENTITY_WAITING) | SM_TO(IDENTITY_DONE) },
	[IDENTITY_WAITING] = { "waiting",
			       SM_TO(IDENTITY_DOCUMENT) | SM_TO(IDENTITY_DOMAIN) | SM_TO(IDENTITY_CALLER) | SM_TO(IDENTITY_DONE) },
	[IDENTITY_DONE] = { "done", SM_END },
};
static const struct sm_machine identity_machine = SM_MACHINE("identity", identity_states, NULL);

struct identity_flow {
	struct world *w;
	const struct config *c;
	struct imds *im;
	struct creds *creds;
	struct identity *id;
	struct aws **ret_aws;
	identity_cb *cb;
	void *ctx;
	struct sm sm;
	unsigned again; /* the state to go back to */
	struct imds_req imds;
	struct aws_call call;
	struct timer timer;
	struct backoff backoff;
	struct err trouble;
	struct ending end;
};

static void ask(struct identity_flow *f);
static void on_timer(struct timer *t);

static void end(struct identity_flow *f, int rc)
{
	sm_move(&f->sm, IDENTITY_DONE);
	f->cb(f->ctx, rc, &f->trouble);
}

/* That hosts are dual-stack may have been found out by a network that had no IPv4 yet. */
static bool may_have_guessed_hosts(const struct identity_flow *f)
{
	return f->sm.now == IDENTITY_CALLER && f->c->dualstack == CONFIG_AUTO && f->id->dual_suffix != NULL;
}

/*  documents of the metadata service                       the same question again
 *  STS, at the usual hosts, or as the configuration says    the same question again
 *  STS, at dual-stack hosts that nobody has asked for       all from the start, the metadata service by IPv4 first */
static void failed(struct identity_flow *f)
{
	uint32_t wait = backoff_next_ms(&f->backoff, world_random64(f->w));

	log_warn("identity.failed", "step=%s err=%s retry_in_ms=%u", sm_name(&f->sm), err_text(&f->trouble), wait);
	f->again = may_have_guessed_hosts(f) ? IDENTITY_DOCUMENT : f->sm.now;
	sm_move(&f->sm, IDENTITY_WAITING);
	timer_start(f->w, &f->timer, wait, on_timer);
}

static bool differs(struct identity_flow *f, const char *what, const char *configured, const char *found)
{
	if (configured == NULL || str_eq(configured, found))
		return false;
	err_set(&f->trouble, ERR_DENIED, "%s says %s %s, but AWS says %s: this is not the machine it was written for", f->c->path,
		what, configured, found);
	return true;
}

/* ---- what the metadata service may say ---- */

/* It becomes a part of host names that our signed requests go to. */
static bool is_label(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	return len > 0 && len <= 63 && s[0] != '-' && s[len - 1] != '-';
}

static bool is_domain(const char *s)
{
	bool has_dot = false;

	for (const char *dot; (dot = strchr(s, '.')) != NULL; s = dot + 1, has_dot = true)
		if (!is_label(s, (size_t)(dot - s)))
			return false;
	return has_dot && is_label(s, strlen(s));
}

/* ---- STS ---- */

static void set_operate_role(struct identity_flow *f)
{
	struct identity *id = f->id;

	if (f->c->operate_role != NULL)
		snprintf(id->operate_role, sizeof(id->operate_role), "%s", f->c->operate_role);
	else
		snprintf(id->operate_role, sizeof(id->operate_role), "arn:%s:iam::%s:role/%s-operate", id->caller.partition,
			 id->caller.account, id->caller.role);
}

/*  STS cannot be asked, or its answer cannot be read          asked again, with back-off
 *  another account than the metadata service says             refused: the agent stops
 *  another account or role_id than the configuration says     refused: the agent stops
 *  else                                                       the identity is known
 */
static void on_caller(struct aws_call *call)
{
	struct identity_flow *f = container_of(call, struct identity_flow, call);
	struct sts_identity *who = &f->id->caller;

	if (ending_is_on(&f->end)) {
		ending_step(&f->end);
		return;
	}
	if (call->class != AWS_OK) {
		f->trouble = call->err;
		failed(f);
	} else if (sts_read_identity(xml_root(call->xml), who, &f->trouble) != 0) {
		failed(f);
	} else if (!str_eq(f->id->instance.account, who->account)) {
		err_set(&f->trouble, ERR_DENIED, "the metadata service says account %s, STS says %s: one of them is not AWS",
			f->id->instance.account, who->account);
		end(f, -ERR_DENIED);
	} else if (differs(f, "account", f->c->account, who->account) || differs(f, "role_id", f->c->role_id, who->role_id)) {
		end(f, -ERR_DENIED);
	} else {
		set_operate_role(f);
		end(f, 0);
	}
}

/*  aws.dualstack  the metadata service answers over   AWS is asked at
 *  false          any                                 the usual hosts
 *  true           any                                 dual-stack hosts
 *  not given      IPv6, and there is no way by IPv4   dual-stack hosts
 *  not given      IPv6, and IPv4 was only silent      the usual hosts: it may just have been slow
 *  not given      IPv4                                the usual hosts
 * The suffix of dual-stack hosts is published by partition; of one that nobody has published the usual hosts stay. */
static const char *choose_dual_suffix(const struct identity_flow *f)
{
	const struct region_partition *p = region_partition(f->id->instance.region);

	if (f->c->dualstack == CONFIG_NO || (f->c->dualstack == CONFIG_AUTO && !imds_lacks_ipv4(f->im)))
		return NULL;
	if (str_eq(p->suffix, f->id->domain))
		return p->dual_suffix;
	log_warn("identity.dualstack.unknown", "domain=%s next=\"hosts of this domain are asked; aws.endpoints can name others\"",
		 f->id->domain);
	return NULL;
}

static void ask_caller(struct identity_flow *f)
{
	const struct aws_config cfg = { .region = f->id->instance.region,
					.suffix = f->id->domain,
					.dual_suffix = f->id->dual_suffix,
					.endpoints = f->c->endpoints,
					.endpoints_n = f->c->endpoints_n,
					.version = REEVE_VERSION,
					.insecure = f->c->insecure };

	if (*f->ret_aws == NULL)
		*f->ret_aws = aws_new(f->w, &cfg);
	aws_call_close(&f->call);
	f->call = (struct aws_call){ 0 };
	sts_get_caller_identity(&f->call.req);
	aws_call_start(*f->ret_aws, &f->call, f->creds, on_caller);
}

/* ---- the metadata service ---- */

static void take_document(struct identity_flow *f, const struct imds_req *req, int rc)
{
	if (rc != 0) {
		f->trouble = req->err;
		failed(f);
		return;
	}
	f->id->instance = req->identity;
	if (!is_label(req->identity.region, strlen(req->identity.region))) {
		err_set(&f->trouble, ERR_INVALID, "the metadata service says region \"%s\", which is no part of a host's name",
			req->identity.region);
		failed(f);
	} else if (differs(f, "region", f->c->region, req->identity.region)) {
		end(f, -ERR_DENIED);
	} else {
		sm_move(&f->sm, IDENTITY_DOMAIN);
		ask(f);
	}
}

/* A metadata service that does not know the domain answers 404; the suffix that is published for the partition then stays. */
static void take_domain(struct identity_flow *f, const struct imds_req *req, int rc)
{
	const char *domain = rc == -ERR_NOTFOUND ? region_partition(f->id->instance.region)->suffix : req->domain;

	if (rc != 0 && rc != -ERR_NOTFOUND) {
		f->trouble = req->err;
		failed(f);
	} else if (!is_domain(domain)) {
		err_set(&f->trouble, ERR_INVALID, "the metadata service says domain \"%s\", which is no domain name", domain);
		failed(f);
	} else {
		snprintf(f->id->domain, sizeof(f->id->domain), "%s", domain);
		f->id->dual_suffix = choose_dual_suffix(f);
		sm_move(&f->sm, IDENTITY_CALLER);
		ask(f);
	}
}

static void on_imds(struct imds_req *req, int rc)
{
	struct identity_flow *f = container_of(req, struct identity_flow, imds);

	if (ending_is_on(&f->end)) {
		ending_step(&f->end);
		return;
	}
	if (f->sm.now == IDENTITY_DOCUMENT)
		take_document(f, req, rc);
	else
		take_domain(f, req, rc);
}

static void ask(struct identity_flow *f)
{
	if (f->sm.now == IDENTITY_CALLER)
		ask_caller(f);
	else
		imds_get(f->im, &f->imds, f->sm.now == IDENTITY_DOCUMENT ? IMDS_WHAT_IDENTITY : IMDS_WHAT_DOMAIN, on_imds);
}

/* What the metadata service has said, and what was made of it. */
static void forget(struct identity_flow *f)
{
	imds_look_again(f->im);
	aws_free(*f->ret_aws);
	*f->ret_aws = NULL;
}

static void on_timer(struct timer *t)
{
	struct identity_flow *f = container_of(t, struct identity_flow, timer);

	if (f->sm.now == IDENTITY_WAITING && f->again == IDENTITY_DOCUMENT && *f->ret_aws != NULL)
		forget(f);
	if (f->sm.now == IDENTITY_WAITING)
		sm_move(&f->sm, f->again);
	ask(f);
}

struct identity_flow *identity_find(struct world *w, const struct config *c, struct imds *im, struct creds *creds,
				    struct identity *ret, struct aws **ret_aws, identity_cb *cb, void *ctx)
{
	struct identity_flow *f = mem_new(struct identity_flow);

	*f =
	    (struct identity_flow){ .w = w, .c = c, .im = im, .creds = creds, .id = ret, .ret_aws = ret_aws, .cb = cb, .ctx = ctx };
	f->backoff = BACKOFF(1000, 60000);
	sm_init(&f->sm, &identity_machine, IDENTITY_DOCUMENT);
	timer_start(w, &f->timer, 0, on_timer);
	return f;
}

const char *identity_trouble(const struct identity_flow *f)
{
	return f->trouble.code != 0 ? err_text(&f->trouble) : "";
}

static bool is_out(struct closing *c)
{
	struct identity_flow *f = container_of(c, struct identity_flow, end.closing);

	return f->imds.im != NULL || aws_call_is_running(&f->call);
}

static void identity_free(struct closing *c)
{
	struct identity_flow *f = container_of(c, struct identity_flow, end.closing);

	timer_stop(f->w, &f->timer);
	aws_call_close(&f->call);
	mem_free(f);
}

static const struct closing_how identity_how = { is_out, identity_free };

void identity_close(struct identity_flow *f, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&f->end, f->w, &identity_how, done, ctx);
	timer_stop(f->w, &f->timer);
	aws_call_cancel(&f->call);
	imds_cancel(&f->imds);
}
