/* aws_sim_keys.c - whose keys a request is signed with, and what they may. */
#include "tests/sim/aws_sim_impl.h"

#define SKEW_MS 300000

struct aws_key *aws_key_new(struct aws_sim *a, const char *session, bool operate, uint64_t live_ms)
{
	struct aws_key *k;

	a->keys = mem_grow(a->keys, a->keys_n + 1, sizeof(*a->keys));
	k = &a->keys[a->keys_n++];
	*k = (struct aws_key){ .dead_ms = aws_now(a) + live_ms, .operate = operate };
	snprintf(k->id, sizeof(k->id), "ASIA%c%015zu", operate ? 'O' : 'I', a->keys_n);
	snprintf(k->secret, sizeof(k->secret), "%016llx%016llx", (unsigned long long)sim_random(a->w),
		 (unsigned long long)sim_random(a->w));
	snprintf(k->token, sizeof(k->token), "token-%016llx", (unsigned long long)sim_random(a->w));
	snprintf(k->session, sizeof(k->session), "%s", session);
	return k;
}

static const struct aws_key *key_of(const struct aws_sim *a, const char *id)
{
	for (size_t i = 0; i < a->keys_n; i++)
		if (str_eq(a->keys[i].id, id))
			return &a->keys[i];
	return NULL;
}

static void refuse_expired(struct aws_ask *q, const struct aws_api *s, enum tally_kind why)
{
	odds_came(q->a->odds, why);
	if (s->is_ec2)
		aws_refuse(q, 400, "RequestExpired", "Request has expired.");
	else if (why == TALLY_AWS_SKEW)
		aws_refuse(q, 403, "SignatureDoesNotMatch", "Signature expired");
	else
		aws_refuse(q, 403, "ExpiredToken", "The security token included in the request is expired");
}

/* The signature must be right whatever else is wrong: a wrong one is a mistake of ours. */
void aws_authenticate(struct aws_ask *q, const struct aws_api *s, const struct sigv4_seen *seen)
{
	struct aws_sim *a = q->a;
	struct sigv4_claim c;
	const char *wrong = sigv4_read(seen, &c), *token = sigv4_header_of(seen, "X-Amz-Security-Token");
	int64_t off = sigv4_date_ms(seen) - aws_sim_wall_ms(a);

	q->key = wrong == NULL ? key_of(a, c.key_id) : NULL;
	if (wrong == NULL && q->key == NULL)
		wrong = "a key id that was never given out";
	if (wrong == NULL && (!str_eq(c.service, s->name) || !str_eq(c.region, AWS_REGION)))
		wrong = "signed for another service or region";
	if (wrong == NULL && !str_eq(token, q->key->token))
		wrong = "the session token of other keys";
	if (wrong == NULL)
		wrong = sigv4_check(seen, &c, q->key->secret);
	if (wrong != NULL) {
		odds_broken(a->odds, "%s %s: %s", s->name, q->action, wrong);
		aws_refuse(q, 403, "SignatureDoesNotMatch", "%s", wrong);
	} else if (off > SKEW_MS || off < -SKEW_MS) {
		refuse_expired(q, s, TALLY_AWS_SKEW);
	} else if (aws_now(a) >= q->key->dead_ms) {
		refuse_expired(q, s, TALLY_AWS_EXPIRED);
	}
}

void aws_authorize_call(struct aws_ask *q, const struct aws_api *s, const struct aws_action *act)
{
	const char *code = s->is_ec2 ? "UnauthorizedOperation" : "AccessDenied";

	if (act->mutates && !q->key->operate) {
		odds_broken(q->a->odds, "%s with the keys of the instance role", act->name);
		aws_refuse(q, 403, code, "You are not authorized to perform this operation.");
	} else if (q->key->operate && aws_now(q->a) < q->a->role_known_ms) {
		odds_came(q->a->odds, TALLY_AWS_ROLE_NEW);
		aws_refuse(q, 403, code, "You are not authorized to perform this operation.");
	} else if (q->key->operate && q->a->role_gone) {
		odds_came(q->a->odds, TALLY_AWS_ROLE_GONE);
		aws_refuse(q, 403, code, "You are not authorized to perform this operation.");
	}
}
