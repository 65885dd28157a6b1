/* keys.h - one set of credentials, frozen: the three parts belong together and are never mixed with another set's. */
#pragma once
#include <stdint.h>

#include "agent/base/err.h"
#include "agent/base/secret.h"

struct keys {
	char id[132];                /* access key id; no secret: it may be logged */
	struct secret secret, token; /* token: empty for long-lived keys, which the daemon never has */
	int64_t expires_ms;          /* Unix ms; 0: never */
};

/* From the texts of an answer: a missing part, one that is too long, or one that could end a header is an error and leaves
 * `k` as it was. `expires` is ISO 8601. */
int keys_set(struct keys *k, const char *id, const char *secret, const char *token, const char *expires, struct err *e);
void keys_copy(struct keys *to, const struct keys *from);
void keys_close(struct keys *k); /* wipes */
