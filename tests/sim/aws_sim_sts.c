/* aws_sim_sts.c - GetCallerIdentity and AssumeRole. */
#include "agent/base/stamp.h"
#include "tests/sim/aws_sim_impl.h"

#define ASSUMED_MS 3600000

static void get_caller_identity(struct aws_ask *q)
{
	const char *role = q->key->operate ? AWS_ROLE "-operate" : AWS_ROLE;

	xmlw_text(q->xml, "Arn", "arn:aws:sts::%s:assumed-role/%s/%s", AWS_ACCOUNT, role, q->key->session);
	xmlw_text(q->xml, "UserId", "%s:%s", q->key->operate ? "AROAOPERATE000000001" : AWS_ROLE_ID, q->key->session);
	xmlw_text(q->xml, "Account", "%s", AWS_ACCOUNT);
}

static void check_assume(struct aws_ask *q)
{
	const char *session = form_sim_get(q->f, "RoleSessionName"), *source = form_sim_get(q->f, "SourceIdentity");

	if (!str_eq(form_sim_get(q->f, "RoleArn"), AWS_OPERATE) || q->key->operate) {
		odds_broken(q->a->odds, "AssumeRole of %s", form_sim_get(q->f, "RoleArn"));
		aws_refuse(q, 403, "AccessDenied", "not authorized to perform: sts:AssumeRole");
	} else if (session == NULL || !str_eq(session, source)) {
		odds_broken(q->a->odds, "AssumeRole without the command as session and source identity");
		aws_refuse(q, 400, "ValidationError", "no session");
	} else if (form_sim_int(q->f, "DurationSeconds", 3600) > 3600) {
		aws_refuse(q, 400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit");
	} else if (aws_now(q->a) < q->a->role_known_ms) {
		odds_came(q->a->odds, TALLY_AWS_ROLE_NEW);
		aws_refuse(q, 403, "AccessDenied", "not authorized to perform: sts:AssumeRole");
	} else if (aws_now(q->a) < q->a->keys_late_ms) {
		aws_refuse(q, 400, "Throttling", "Rate exceeded");
	} else if (q->a->role_gone) {
		odds_came(q->a->odds, TALLY_AWS_ROLE_GONE);
		aws_refuse(q, 403, "AccessDenied", "not authorized to perform: sts:AssumeRole");
	}
}

static void assume_role(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	uint64_t live_ms = ASSUMED_MS;
	char stamp[STAMP_RFC3339_LEN];
	struct aws_key *k;

	check_assume(q);
	if (q->code != NULL)
		return;
	if (odds_hit(a->odds, TALLY_AWS_REVOKED))
		live_ms = odds_between(a->odds, 1000, 120000);
	k = aws_key_new(a, form_sim_get(q->f, "RoleSessionName"), true, live_ms);
	xmlw_open(q->xml, "Credentials");
	xmlw_text(q->xml, "AccessKeyId", "%s", k->id);
	xmlw_text(q->xml, "SecretAccessKey", "%s", k->secret);
	xmlw_text(q->xml, "SessionToken", "%s", k->token);
	xmlw_text(q->xml, "Expiration", "%s", stamp_rfc3339(aws_sim_wall_ms(a) + ASSUMED_MS, stamp));
	xmlw_close(q->xml, "Credentials");
	xmlw_text(q->xml, "PackedPolicySize", "%d", 1);
}

void aws_keys_are_late(struct aws_sim *a, uint64_t until_ms)
{
	a->keys_late_ms = until_ms;
	for (size_t i = 0; until_ms != 0 && i < a->keys_n; i++)
		if (a->keys[i].operate && a->keys[i].dead_ms > aws_now(a))
			a->keys[i].dead_ms = aws_now(a);
}

const struct aws_action aws_sts_actions[] = {
	{ "GetCallerIdentity", false, get_caller_identity },
	{ "AssumeRole", false, assume_role },
	{ NULL, false, NULL },
};
