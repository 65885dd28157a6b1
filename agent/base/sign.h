/* sign.h - Ed25519 (libcrypto), and the one way in which Reeve signs: over a domain, one NUL byte and the SHA-256 of the
 * body (docs/wire.md section 3), so that a signature made for one purpose is worth nothing for another. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/digest.h"
#include "agent/base/err.h"

#define SIGN_KEY_LEN 32
#define SIGN_SIG_LEN 64
#define SIGN_ID_LEN 8

#define SIGN_DOMAIN_COMMAND "reeve-cmd-v1"
#define SIGN_DOMAIN_HEAD "reeve-head-v1"
#define SIGN_DOMAIN_PROOF "reeve-proof-v1"

struct sign_public {
	uint8_t b[SIGN_KEY_LEN];
};

/* The seed is the secret half; whoever holds one wipes it with secret_wipe. */
struct sign_key {
	uint8_t seed[SIGN_KEY_LEN];
	struct sign_public pub;
};

int sign_key_init(struct sign_key *k, const uint8_t seed[SIGN_KEY_LEN], struct err *e); /* derives pub */
/* False for two kinds of public keys: points of small order, under which a signature that anybody can make holds for one message in
 * eight or more, and encodings that are not the canonical one. Asked once, where a key is read. A key that is no point of the curve
 * passes here; no signature verifies with it. */
bool sign_public_is_sound(const struct sign_public *pub);
void sign_key_id(const struct sign_public *pub, uint8_t id[SIGN_ID_LEN]);

/* sign_body is what the vendor does: here for tests, beside the check that must agree with it. */
int sign_body(const struct sign_key *k, const char *domain, const void *body, size_t len, uint8_t sig[SIGN_SIG_LEN], struct err *e);
/* By the body's digest: a large one is hashed once, however many signatures it carries. */
bool sign_verify(const struct sign_public *pub, const char *domain, const struct digest *body, const uint8_t sig[SIGN_SIG_LEN]);
/* Ed25519 over the bytes themselves: for what is not a body with a hash (Reeve-Proof). The vendor checks it. */
int sign_raw(const struct sign_key *k, const void *msg, size_t len, uint8_t sig[SIGN_SIG_LEN], struct err *e);
/* The same for a key that signs often: it is made ready once, which costs as much as a signature. sign_ready_free wipes it. */
struct sign_ready;
struct sign_ready *sign_ready_new(const struct sign_key *k, struct err *e); /* NULL: libcrypto refuses */
int sign_ready_raw(const struct sign_ready *k, const void *msg, size_t len, uint8_t sig[SIGN_SIG_LEN], struct err *e);
void sign_ready_free(struct sign_ready *k);
bool sign_raw_verify(const struct sign_public *pub, const void *msg, size_t len, const uint8_t sig[SIGN_SIG_LEN]);
