/* answer.h - what the receiver's answer to a body says (the OTLP/HTTP specification, "Failures"). */
#pragma once
#include "agent/io/world.h"

enum answer {
	ANSWER_TAKEN,     /* 2xx */
	ANSWER_LATER,     /* none at all, 429, 502, 503, 504: the same body again, after a while */
	ANSWER_ABOUT_US,  /* 401, 403, 404, a redirect: the body is not to blame */
	ANSWER_TOO_LARGE, /* 413: a smaller one may be taken */
	ANSWER_REFUSED,   /* any other: the body will never be taken */
};

/* An answer larger than one may be is judged by its status. */
enum answer answer_judge(const struct http_req *r, int rc); /* rc: what the request's callback was given */
/* How many records of a body that was taken were not (partial_success); 0: none, or the answer cannot be read. */
uint64_t answer_rejected(const struct buf *body);
/* How far a receiver is followed that wants to be left alone: from a second to ten minutes. */
#define ANSWER_CAPS ((struct backoff_caps){ .least_ms = 1000, .most_ms = 600000 })
