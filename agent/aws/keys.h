/* keys.h - one set of credentials, frozen: the three parts belong together and are never mixed with another set's. */
#pragma once
#include <stdint.h>

#include "agent/base/secret.h"

struct keys {
	char id[132];                /* access key id; no secret: it may be logged */
	struct secret secret, token; /* token: empty for long-lived keys, which the daemon never has */
	int64_t expires_ms;          /* Unix ms; 0: never */
};

void keys_copy(struct keys *to, const struct keys *from);
void keys_close(struct keys *k); /* wipes */
