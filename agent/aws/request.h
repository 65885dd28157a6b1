/* request.h - one request to a service, in whatever protocol that speaks: whom it asks, which action, and the HTTP that says so.
 *
 * Builders of a service fill it (ec2.h, elb.h, sts.h), aws_call signs and sends it; nobody between them knows the protocol. Those
 * of the query protocols (ec2Query, awsQuery) call request_query and add pairs. One of another protocol sets method, path, query,
 * content type, headers, body and the shape of the answer itself. A request remembers that something did not fit; the call that sends it says so. */
#pragma once
#include <stdint.h>

#include "agent/base/buf.h"

#define REQUEST_MAX_BYTES (1u << 20)

enum aws_service { AWS_EC2, AWS_ELB, AWS_STS, AWS_SERVICES };

/* In what shape the answer comes. */
enum request_shape {
	REQUEST_QUERY, /* 200 and XML, of which the root is "<Action>Response" */
	REQUEST_REST,  /* any 2xx: XML of any root, or no body */
	REQUEST_JSON,  /* any 2xx: JSON, or no body */
};

#define REQUEST_HEADERS 4

/* Texts are literals, or live as long as the request. */
struct request {
	enum aws_service service;
	const char *action; /* "RunInstances": what it is called in sentences, and the root of a query protocol's answer */
	const char *method, *content_type;
	const char *path, *query; /* encoded as they are sent; the path begins with "/", and "" is no query */
	struct buf body;
	struct {
		const char *name, *value;
	} headers[REQUEST_HEADERS]; /* beside Host and Content-Type, such as X-Amz-Target; signed; ended by one without a name */
	enum request_shape shape;
};

/* The body of a query call: "Action=...&Version=...&Key=value", percent-encoded. Initialises *r. */
void request_query(struct request *r, enum aws_service service, const char *action, const char *version);
/* Key from a format: request_add(r, "vpc-1", "Filter.%u.Value.%u", i, j). An empty value is sent as "Key=". */
void request_add(struct request *r, const char *value, const char *key_fmt, ...) __attribute__((format(printf, 3, 4)));
void request_add_u(struct request *r, uint64_t value, const char *key_fmt, ...) __attribute__((format(printf, 3, 4)));
void request_close(struct request *r);
