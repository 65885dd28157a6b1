/* ops_switches.c - the customer's switches: the policy file, the STOP file, and what they make of the agent. */
#include "agent/base/log.h"
#include "agent/ops/ops_impl.h"

const struct policy *ops_policy_read(struct ops *o)
{
	struct policy fresh;

	policy_load(o->cfg.w, o->cfg.policy_path, &fresh);
	if (fresh.present != o->policy.present || !digest_eq(&fresh.digest, &o->policy.digest))
		log_info("policy.read", "present=%d %s%s%s", fresh.present, fresh.present ? "" : "why=\"",
			 fresh.present ? "" : fresh.reason.text, fresh.present ? "" : "\" next=\"nothing is changed\"");
	policy_close(&o->policy);
	o->policy = fresh;
	if (o->cfg.policy_read != NULL)
		o->cfg.policy_read(o->cfg.ctx, &o->policy);
	return &o->policy;
}

const struct policy *ops_policy(struct ops *o)
{
	return &o->policy;
}

/* Only "there is none" lets go on: a folder that cannot be read may hold one, and a link that leads nowhere is one. */
static bool stop_stands(const struct ops *o)
{
	struct disk_stat st;

	return o->cfg.w->disk_lstat(o->cfg.w, o->cfg.stop_path, &st, NULL) != -ERR_NOTFOUND;
}

bool ops_is_stopped(struct ops *o, const char **why)
{
	if (o->j == NULL)
		*why = "the journal is damaged, the agent is read-only";
	else if (stop_stands(o))
		*why = "the STOP file stands";
	else if (!o->policy.present)
		*why = o->policy.reason.text;
	else if (o->policy.frozen)
		*why = "the policy says mode: off";
	else if (journal_is_tight(o->j))
		*why = "the disk is full";
	else
		return false;
	return true;
}

int ops_mode(const struct ops *o)
{
	if (o->j == NULL)
		return REEVE__CONTROL__V1__AGENT_MODE__READ_ONLY;
	if (stop_stands(o) || (o->policy.present && o->policy.frozen))
		return REEVE__CONTROL__V1__AGENT_MODE__FROZEN;
	return o->policy.present ? REEVE__CONTROL__V1__AGENT_MODE__RUN : REEVE__CONTROL__V1__AGENT_MODE__NO_POLICY;
}

const char *ops_mode_reason(const struct ops *o)
{
	const char *why = "";

	return ops_is_stopped((struct ops *)o, &why) ? why : "";
}
