/* proved.h - user data that has been started under a release key: a command that carried it ended SUCCEEDED.
 *
 * Where the policy allows user data only as `any`, what is not proved needs a second key (docs/wire.md section 8). The newest
 * PROVED_MAX are known; an older one needs the second key again. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/digest.h"

#define PROVED_MAX 256

/* Zero at birth. */
struct proved {
	char v[PROVED_MAX][DIGEST_HEX_LEN]; /* oldest first */
	size_t n;
};

bool proved_has(const struct proved *p, const char *sha256_hex);
/* A list of SHA-256 in hex, of a result or of a checkpoint; NULL and what is no hash add nothing. */
void proved_add(struct proved *p, const json_t *list);
json_t *proved_list(const struct proved *p);
