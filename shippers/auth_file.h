/* auth_file.h - who we are at the customer's own receiver: a file of the customer's with one header a line.
 *
 *     # the key of the team's collector
 *     Authorization: Bearer 4f1a...
 *     X-Scope-OrgID: warehouse
 *
 * At most EXPORT_HEADERS_MAX headers; blank lines and lines that begin with # are passed by. It is 0600, read anew for each
 * request, so that a new key needs no restart, and its values go nowhere but into that request. */
#pragma once
#include "agent/io/world.h"
#include "shippers/exporter.h"

struct auth_file {
	struct world *w;
	const char *path; /* its owner's */
};

/* -ERR_INVALID: a line that is no header, or one that the agent itself sets; the sentence names file and line, never a value. */
int auth_file_read(struct world *w, const char *path, struct export_proof *ret, struct err *e);
/* For struct export_auth, with a struct auth_file as ctx. */
int auth_file_sign(void *ctx, struct http_req *req, struct export_proof *p, struct err *e);
