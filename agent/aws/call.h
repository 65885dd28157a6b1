/* call.h - one call of a service, signed, or of a node of ours, with its retries, judged by error code before status.
 *
 * A read is retried here: throttling, no answer, 5xx, expired keys (once, after a renewal), a clock that is off (once, with
 * the offset from the Date header). A mutating call is one attempt: its asker must ask the customer's policy before each. So is a
 * question to a node: it is short, goes to an address inside the VPC or nowhere, and is followed nowhere else.
 * What a refusal teaches (new keys, AWS's clock) is put to use by the next one. "No answer" and an unexplained 5xx come back as
 * AWS_AMBIGUOUS and the engine looks before it repeats. Fetching keys may take minutes, as a read may: who must be sure that a
 * call may still be made when it is sent gives `may_send`; who has somebody to tell what it waits for gives `again`. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/aws/creds.h"
#include "agent/aws/request.h"
#include "agent/base/sm.h"
#include "agent/base/xml.h"
#include "agent/io/world.h"

#define AWS_ENDPOINTS_MAX 16

/* What all calls share. Texts live as long as the struct. */
struct aws;
struct aws_endpoint {
	const char *service, *url; /* "ec2", and where it is asked instead of at its regional host */
};

struct aws_config {
	const char *region, *suffix; /* "us-east-1", "amazonaws.com" */
	const char *dual_suffix;     /* "api.aws": hosts that answer over IPv6 and IPv4 are asked; NULL: the usual ones */
	const struct aws_endpoint *endpoints;
	size_t endpoints_n;  /* at most AWS_ENDPOINTS_MAX */
	const char *version; /* of the agent, for User-Agent "reeve/<version>" */
	const char *ca_file; /* NULL: the system's */
	bool insecure;       /* a node may be this very machine */
};

struct aws *aws_new(struct world *w, const struct aws_config *cfg); /* copies cfg */
void aws_free(struct aws *a);                                       /* no call may be running */
const char *aws_region(const struct aws *a);
const char *aws_class_name(enum aws_class c);
/* "sts.us-east-1.amazonaws.com", "sts.us-east-1.api.aws": the regional host, whatever the override says. */
void aws_host(const struct aws *a, const struct aws_service *s, struct buf *to);
/* Our best idea of the offset of AWS's clock against ours, ms; 0 until an answer taught us otherwise. */
int64_t aws_clock_offset_ms(const struct aws *a);

struct aws_call;
struct aws_attempt; /* what an attempt keeps: url, header texts, what was tried */
typedef void aws_call_cb(struct aws_call *c);

/* Belongs to the caller, zero at birth; cb comes once, never from inside aws_call_start. Look at `class` there. */
struct aws_call {
	/* the question: set by the caller */
	struct request req;
	bool mutating;
	unsigned earlier;    /* attempts of the same request before this call: the delay after throttling grows with them */
	const char *command; /* for "cmd/<command id>" in User-Agent, or NULL */
	uint32_t total_ms;   /* one attempt; 0: 30 s, RunInstances 60 s */
	/* Asked as the last thing before each attempt leaves, when its keys are there; NULL: it may. False: nothing is sent. */
	bool (*may_send)(struct aws_call *c);
	/* A try has failed, at the call or at its keys, and another one follows: `class`, `code`, `err` and `unsent` tell of it. It
	 * may look, and no more. NULL: nobody wants to know before the end. */
	void (*again)(struct aws_call *c);
	/* the answer: stays until aws_call_close or the next start */
	enum aws_class class;
	int status;      /* HTTP; 0: none came */
	struct xml *xml; /* of a success with XML, else NULL */
	json_t *json;    /* of a success with JSON, else NULL */
	char code[128];  /* AWS error code, or "" */
	char request_id[128];
	char *encoded;  /* the encoded authorization message of a refusal, whole; NULL: none. The sentence is without it */
	struct err err; /* a sentence for people when class is not AWS_OK */
	unsigned attempts;
	uint64_t retry_after_ms; /* AWS_THROTTLED: how long to stay away */
	bool canceled;
	bool withheld; /* may_send said no; class is AWS_EXPIRED, for nothing was sent */
	/* There were no keys, so nothing was sent: class is AWS_DENIED where none will come, else AWS_EXPIRED; keys.err and
	 * keys.why tell of the question that brought none. */
	bool unsent;
	/* the call's own */
	aws_call_cb *cb;
	struct aws *aws;
	struct creds *creds;
	struct creds_req keys;
	struct http_req http;
	struct timer timer;
	struct sm sm;
	char key_id[132]; /* of the last attempt's keys */
	struct aws_attempt *attempt;
};

/* creds: not looked at, and may be NULL, where the request is for a node. */
void aws_call_start(struct aws *a, struct aws_call *c, struct creds *creds, aws_call_cb *cb);
void aws_call_cancel(struct aws_call *c);           /* cb follows, with canceled set and class AWS_AMBIGUOUS; harmless when idle */
bool aws_call_is_running(const struct aws_call *c); /* its cb has not been called yet */
bool aws_call_is_unsent(const struct aws_call *c);  /* it runs, and waits for keys: nothing of it has left, or not this time */
void aws_call_close(struct aws_call *c);            /* frees request and answer; not while it runs */
