/* call_impl.h - what aws.c, call.c and call_read.c know of each other; nobody else includes it. */
#pragma once
#include "agent/aws/call.h"

struct aws {
	struct world *w;
	char *region, *suffix, *dual_suffix, *version, *ca_file;
	struct {
		char *service, *url;
	} endpoints[AWS_ENDPOINTS_MAX];
	size_t endpoints_n;
	int64_t offset_ms;
	bool insecure;
	unsigned running;
};

/* Where a service's requests go: the url, and its host and path as they are signed. */
void aws_place(const struct aws *a, const struct request *req, struct buf *url, struct buf *host, struct buf *path);

/* Fills xml, code, request id and sentence from the HTTP answer; true when it is what the action answers. */
bool call_read(struct aws_call *c);
