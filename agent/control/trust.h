/* trust.h - the keys that reeve.yaml names, and the question whether one of a role signed some bytes. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/sign.h"
#include "proto/control.pb-c.h"

enum trust_role { TRUST_COMMAND, TRUST_RELEASE, TRUST_HEAD, TRUST_ROLES };

#define TRUST_KEYS_MAX 16

struct trust_key {
	char name[64];
	enum trust_role role;
	struct sign_public pub;
	uint8_t id[SIGN_ID_LEN];
};

struct trust {
	struct trust_key keys[TRUST_KEYS_MAX];
	size_t n;
};

void trust_add(struct trust *t, const char *name, enum trust_role role, const struct sign_public *pub);
/* Does one of its signatures come from a key of this role? `body` is the digest of s->body. At most 8 signatures are looked at,
 * and at most two of each key are checked. No key of the role: no. */
bool trust_verify(const struct trust *t, enum trust_role role, const char *domain, const struct digest *body,
		  const Reeve__Control__V1__Signed *s);
