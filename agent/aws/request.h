/* request.h - one request to a service of AWS or to a node of ours, in whatever protocol that speaks: whom it asks, which action,
 * and the HTTP that says so.
 *
 * Builders of a service fill it (ec2.h, elb.h, sts.h), aws_call signs and sends it; nobody between them knows the protocol. Those
 * of the query protocols (ec2Query, awsQuery) call request_query and add pairs, those that ask a node call request_node. One of
 * another protocol sets method, path, query, content type, headers, body and the shape of the answer itself. A request remembers
 * that something did not fit; the call that sends it says so. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"

#define REQUEST_MAX_BYTES (1u << 20)

/* A service of AWS. Its own file brings it (ec2.h), or that of the one step kind that asks it; the catalogue names it. */
struct code_row;
struct aws_service {
	const char *name; /* "kms": in its host, in signatures, in IAM's actions, and under aws.endpoints of reeve.yaml */
	/* What its error codes mean where the common table (code.h) says another thing; NULL: nowhere. */
	const struct code_row *codes;
	/* "dualstack" of S3: its host that answers over IPv6 too is s3.dualstack.REGION.SUFFIX; NULL: another suffix tells it */
	const char *dual_label;
};

/* In what shape the answer comes. */
enum request_shape {
	REQUEST_QUERY,  /* 200 and XML, of which the root is "<Action>Response" */
	REQUEST_REST,   /* any 2xx: XML of any root, or no body */
	REQUEST_JSON,   /* any 2xx: JSON, or no body */
	REQUEST_STATUS, /* any 2xx: nobody looks at the body, and no sentence shows it */
};

#define REQUEST_HEADERS 4
#define REQUEST_TEXTS 4

/* Texts are literals, or live as long as the request: what a builder makes is given to request_keep. */
struct request {
	const struct aws_service *service;
	const char *action; /* "RunInstances": what it is called in sentences, and the root of a query protocol's answer */
	const char *method;
	const char *content_type; /* NULL: none is sent */
	const char *path, *query; /* encoded as they are sent; the path begins with "/", and "" is no query */
	bool is_for_s3;           /* signed by its rules: the path as it is sent, and the digest of the body beside it */
	const char *node_url;     /* "http://10.0.0.7:8040/health": there it goes, unsigned, instead of to the service; NULL: AWS */
	struct buf body;
	struct {
		const char *name, *value;
	} headers[REQUEST_HEADERS]; /* beside Host and Content-Type, such as X-Amz-Target; signed; ended by one without a name */
	enum request_shape shape;
	char *texts[REQUEST_TEXTS]; /* its own: request_keep */
};

/* The body of a query call: "Action=...&Version=...&Key=value", percent-encoded. Initialises *r. */
void request_query(struct request *r, const struct aws_service *service, const char *action, const char *version);
/* Key from a format: request_add(r, "vpc-1", "Filter.%u.Value.%u", i, j). An empty value is sent as "Key=". */
void request_add(struct request *r, const char *value, const char *key_fmt, ...) __attribute__((format(printf, 3, 4)));
void request_add_u(struct request *r, uint64_t value, const char *key_fmt, ...) __attribute__((format(printf, 3, 4)));
/* One HTTP request to a node of ours, without keys, signature and body, of which the status alone is the answer. Initialises *r.
 * `action` is what it is called in sentences: "GET /health". */
void request_node(struct request *r, const char *method, const char *action, const char *url);
/* Takes over a text from mem_alloc, NULL too, and gives it back; it lives as long as the request. */
const char *request_keep(struct request *r, char *text);
void request_close(struct request *r);
