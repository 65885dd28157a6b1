/* trust.c - see trust.h. */
#include "agent/control/trust.h"

#include <assert.h>
#include <string.h>

#include "agent/base/str.h"

#define SIGS_MAX 8
#define TRIES_MAX 2 /* of signatures that name the same key: an honest body carries one, and each check costs */

void trust_add(struct trust *t, const char *name, enum trust_role role, const struct sign_public *pub)
{
	struct trust_key *k;

	assert(t->n < TRUST_KEYS_MAX);
	k = &t->keys[t->n++];
	err_ignore(str_copy(k->name, sizeof(k->name), name), "the name is for people alone");
	k->role = role;
	k->pub = *pub;
	sign_key_id(pub, k->id);
}

static bool signed_by(const struct trust_key *k, const char *domain, const struct digest *body, const Reeve__Control__V1__Sig *sig,
		      unsigned *tries)
{
	/* The tries are counted behind the cheap comparisons: only a signature that names this key costs a check. */
	return sig->alg == REEVE__CONTROL__V1__ALG__ED25519 && sig->key_id.len == SIGN_ID_LEN && sig->sig.len == SIGN_SIG_LEN &&
	       memcmp(sig->key_id.data, k->id, SIGN_ID_LEN) == 0 && (*tries)++ < TRIES_MAX &&
	       sign_verify(&k->pub, domain, body, sig->sig.data);
}

bool trust_verify(const struct trust *t, enum trust_role role, const char *domain, const struct digest *body,
		  const Reeve__Control__V1__Signed *s)
{
	unsigned tries[TRUST_KEYS_MAX] = { 0 };

	for (size_t i = 0; i < s->n_sigs && i < SIGS_MAX; i++)
		for (size_t k = 0; k < t->n; k++)
			if (t->keys[k].role == role && signed_by(&t->keys[k], domain, body, s->sigs[i], &tries[k]))
				return true;
	return false;
}
