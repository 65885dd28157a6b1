/* sigv4.h - AWS Signature Version 4 in three stages, each testable against published vectors: canonical request, string to
 * sign, signature. Header form and query (presigned) form. Signed are the headers that are given; the caller gives Host. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/aws/keys.h"
#include "agent/base/buf.h"
#include "agent/base/err.h"

struct sigv4_header {
	const char *name, *value;
};

struct sigv4_req {
	const char *method;
	const char *path;  /* as on the wire: begins with "/", no query */
	const char *query; /* without "?", or "" */
	const struct sigv4_header *headers;
	size_t headers_n;
	const void *body;
	size_t body_len;
	const char *region, *service;
	int64_t time_ms;
	const struct keys *keys;
	bool normalize;     /* remove dot segments and empty ones: true for all but S3 */
	bool double_encode; /* encode the path a second time: true for all but S3; the published vectors have none */
	bool sign_body;     /* add x-amz-content-sha256 */
	bool omit_token;    /* the token is added after signing */
	uint32_t expires_s; /* query form */
};

/* The stages, apart for tests alone: the published vectors have a result for each.
 * Never signed, and refused when the caller gives one: Authorization, X-Amz-Date, X-Amz-Security-Token, ... */
int sigv4_canonical(const struct sigv4_req *r, bool as_query, struct buf *ret, struct err *e);
int sigv4_string_to_sign(const struct sigv4_req *r, const char *canonical, size_t len, struct buf *ret, struct err *e);
int sigv4_signature(const struct sigv4_req *r, const char *string_to_sign, char ret[65], struct err *e);

/* All three. `ret` gets lines "Name: value\n" to be added to the request: X-Amz-Date, X-Amz-Security-Token, Authorization
 * (and X-Amz-Content-Sha256). In query form: the whole query, with X-Amz-Signature. */
int sigv4_sign_headers(const struct sigv4_req *r, struct buf *ret, struct err *e);
int sigv4_sign_query(const struct sigv4_req *r, struct buf *ret, struct err *e);
