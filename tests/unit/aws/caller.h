/* caller.h - who makes signed calls to EC2, one at a time, with a metadata service and a cache of keys behind it in the cloud. */
#pragma once
#include "tests/unit/aws/cloud.h"

#include "agent/aws/call.h"
#include "agent/aws/ec2.h"

#define EC2_URL "https://ec2.us-east-1.amazonaws.com/"
#define READ_OK "<DescribeVpcsResponse><requestId>req-1</requestId><vpcSet/></DescribeVpcsResponse>"
#define RUN_OK "<RunInstancesResponse><requestId>req-2</requestId><instancesSet/></RunInstancesResponse>"
#define HTML "<!doctype html>\n<html lang=en><title>500 \"Internal\" Server Error</title>"
#define EC2_ERROR(code, text)                                                                                                      \
	"<?xml version=\"1.0\"?><Response><Errors><Error><Code>" code "</Code><Message>" text                                      \
	"</Message></Error></Errors><RequestID>req-9</RequestID></Response>"
#define QUERY_ERROR(code, text)                                                                                                    \
	"<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>" text                                             \
	"</Message></Error><RequestId>req-8</RequestId></ErrorResponse>"

struct caller {
	struct cloud *c;
	struct imds *im;
	struct creds *creds;
	struct aws *aws;
	struct aws_call call;
	unsigned earlier; /* attempts before the next call */
	bool (*may_send)(struct aws_call *call);
	bool done;
};

static inline void caller_open(struct caller *r, struct cloud *c, const char *endpoint)
{
	const struct aws_endpoint ec2 = { "ec2", endpoint };
	const struct aws_config cfg = { .region = "us-east-1",
					.suffix = "amazonaws.com",
					.version = "0.1.0",
					.endpoints = &ec2,
					.endpoints_n = endpoint != NULL };

	*r = (struct caller){ .c = c, .im = imds_new(c->w, IMDS_URL), .aws = aws_new(c->w, &cfg) };
	r->creds = creds_new_imds(c->w, r->im);
	cloud_imds(c);
}

static inline void caller_close(struct caller *r)
{
	bool done = false;

	aws_call_close(&r->call);
	creds_close(r->creds, flag_set, &done);
	cloud_wait(r->c, &done);
	cloud_close_imds(r->c, r->im);
	aws_free(r->aws);
}

static inline void caller_on_call(struct aws_call *c)
{
	struct caller *r = container_of(c, struct caller, call);

	assert_false(r->done);
	r->done = true;
}

static inline void caller_start(struct caller *r, const char *action, bool mutating)
{
	aws_call_close(&r->call);
	r->call = (struct aws_call){ .mutating = mutating, .earlier = r->earlier, .command = "cmd-1", .may_send = r->may_send };
	request_query(&r->call.req, &ec2_service, action, "2016-11-15");
	r->done = false;
	aws_call_start(r->aws, &r->call, r->creds, caller_on_call);
	assert_false(r->done);
}

static inline enum aws_class caller_run(struct caller *r, const char *action, bool mutating)
{
	caller_start(r, action, mutating);
	cloud_wait(r->c, &r->done);
	return r->call.class;
}

static inline enum aws_class caller_read(struct caller *r)
{
	return caller_run(r, "DescribeVpcs", false);
}

static inline enum aws_class caller_launch(struct caller *r)
{
	return caller_run(r, "RunInstances", true);
}

/* One call, `mutating` or not, by a new caller behind one rule that answers for ever. */
static inline enum aws_class caller_behind(struct cloud *c, bool mutating, struct rule rule, struct aws_call *ret)
{
	struct caller r;
	enum aws_class class;

	c->rules_n = 0;
	cloud_forget(c);
	rule.match = EC2_URL;
	cloud_rule(c, rule);
	caller_open(&r, c, NULL);
	class = mutating ? caller_launch(&r) : caller_read(&r);
	if (ret != NULL) {
		*ret = r.call;
		ret->xml = NULL;
	}
	caller_close(&r);
	return class;
}
#define BEHIND(c, mutating, ret, ...) caller_behind((c), (mutating), (struct rule){ __VA_ARGS__ }, (ret))
