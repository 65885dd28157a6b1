/* sigv4_check.h - the far end of Signature Version 4: recomputes a signature from the request as it came.
 *
 * It shares nothing with agent/aws/sigv4.c but SHA-256 and HMAC, so that the same mistake is not made on both sides. It is
 * stricter than AWS: host, date, content type and session token must all be signed. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/io/world.h"

struct sigv4_seen {
	const char *method, *path; /* of the url, no query */
	const struct http_header *headers;
	size_t headers_n;
	const void *body;
	size_t body_len;
};

/* What the Authorization header claims. */
struct sigv4_claim {
	char key_id[132], day[9], region[32], service[32];
	char signed_headers[512], signature[65];
};

const char *sigv4_header_of(const struct sigv4_seen *s, const char *name); /* NULL: not there */
/* NULL, or what is wrong with its form. */
const char *sigv4_read(const struct sigv4_seen *s, struct sigv4_claim *ret);
/* NULL, or what is wrong: with the secret of that key id. */
const char *sigv4_check(const struct sigv4_seen *s, const struct sigv4_claim *c, const char *secret);
int64_t sigv4_date_ms(const struct sigv4_seen *s); /* Unix ms of X-Amz-Date; 0: none */
