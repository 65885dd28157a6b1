/* ops_switches.c - the customer's switches: the policy file, the STOP file, and what they make of the agent.
 *
 * A file that is saved in place is away or half there for a moment, and half a policy may be a valid one with fewer rules. So
 * what a look finds new counts once a second look, a second later at the earliest, finds the same bytes; this holds at the
 * start, too. Until then the policy before goes on for what only reads and sends, and what would change something waits.
 * `mode: off` and STOP count at once, and so does coming back to the policy that counts. */
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/str.h"
#include "agent/ops/ops_impl.h"

#define SETTLE_MS 1000
#define LOOK_MS (SETTLE_MS + 5) /* a timer that is a moment early costs no second round */

static bool is_same(const struct policy *a, const struct policy *b)
{
	return a->present == b->present &&
	       (a->present ? digest_eq(&a->digest, &b->digest) : str_eq(a->reason.text, b->reason.text));
}

static void believe(struct ops *o, struct policy *fresh)
{
	if (fresh->present)
		log_info("policy.read", "mode=%s", fresh->frozen ? "off" : "on");
	else
		log_warn("policy.none", "err=%s next=\"nothing is changed and no telemetry leaves\"", err_text(&fresh->reason));
	policy_close(&o->policy);
	o->policy = *fresh;
	o->is_policy_known = true;
	o->is_policy_changing = false;
	if (o->is_started)
		ops_changed(o); /* the mode may be another */
}

/* A second look at the same, a second after the first? */
static bool has_settled(const struct ops *o, const struct policy *fresh)
{
	return o->is_policy_changing && is_same(&o->changing, fresh) && world_now_ms(o->cfg.w) - o->changing_since_ms >= SETTLE_MS;
}

static void on_look(struct timer *t)
{
	ops_policy_read(container_of(t, struct ops, look));
}

static void look_again(struct ops *o, struct policy *fresh)
{
	/* The bytes are others than at the last look: somebody may still be writing, so the second begins anew. */
	if (!o->is_policy_changing || !is_same(&o->changing, fresh))
		o->changing_since_ms = world_now_ms(o->cfg.w);
	o->is_policy_changing = true;
	policy_close(&o->changing);
	o->changing = *fresh;
	if (o->look.cb == NULL)
		timer_start(o->cfg.w, &o->look, LOOK_MS, on_look);
}

static void take(struct ops *o, struct policy *fresh)
{
	/* What counts already has nothing to settle: it goes on counting at once when it comes back. */
	if (o->is_policy_known && is_same(&o->policy, fresh)) {
		o->is_policy_changing = false;
		policy_close(fresh);
	} else if (has_settled(o, fresh)) {
		believe(o, fresh);
	} else {
		look_again(o, fresh);
	}
}

const struct policy *ops_policy_read(struct ops *o)
{
	struct policy fresh;

	policy_load(o->cfg.w, o->cfg.policy_path, &fresh);
	take(o, &fresh);
	/* The one that counts, also when the file is another by now: telemetry goes on by it until the change has settled. */
	if (o->cfg.policy_read != NULL)
		o->cfg.policy_read(o->cfg.ctx, &o->policy);
	return &o->policy;
}

const struct policy *ops_policy(const struct ops *o)
{
	return &o->policy;
}

/* Only "there is none" lets go on: a folder that cannot be read may hold one, and a link that leads nowhere is one. */
static bool stop_stands(const struct ops *o)
{
	struct disk_stat st;

	return o->cfg.w->disk_lstat(o->cfg.w, o->cfg.stop_path, &st, NULL) != -ERR_NOTFOUND;
}

static bool is_off(const struct policy *p)
{
	return p->present && p->frozen;
}

/* What the last look found, whether it counts already or not. */
static const struct policy *seen(const struct ops *o)
{
	return o->is_policy_changing ? &o->changing : &o->policy;
}

bool ops_policy_waits(const struct ops *o, const char **why)
{
	if (!seen(o)->present)
		*why = policy_told(seen(o));
	else if (!o->is_policy_known)
		*why = "the policy was read for the first time: it counts once it is the same for a second";
	else if (o->is_policy_changing)
		*why = "the policy has changed: it counts once it is the same for a second";
	else
		return false;
	return true;
}

/* One reason is told, the first that holds: what only the agent or its disk can change, then the customer's switches, then what
 * passes by itself. */
bool ops_is_stopped(struct ops *o, const char **why)
{
	if (!o->is_started)
		*why = "the agent is starting";
	else if (o->j == NULL)
		*why = "the journal is damaged, the agent is read-only";
	else if (stop_stands(o))
		*why = "the STOP file stands";
	else if (is_off(&o->policy) || is_off(seen(o)))
		*why = "the policy says mode: off";
	else if (ops_policy_waits(o, why))
		return true;
	else if (journal_is_tight(o->j))
		*why = "the disk is full";
	else
		return false;
	return true;
}

bool ops_is_ready(const struct ops *o)
{
	return o->is_started && o->is_policy_known;
}

/*  not started                                       STARTING
 *  no journal: it is damaged                         READ_ONLY
 *  STOP stands, or the policy says off               FROZEN
 *  no look at the policy has been believed yet       STARTING
 *  there is a policy                                 RUN
 *  else                                              NO_POLICY  */
int ops_mode(const struct ops *o)
{
	if (!o->is_started)
		return REEVE__CONTROL__V1__AGENT_MODE__STARTING;
	if (o->j == NULL)
		return REEVE__CONTROL__V1__AGENT_MODE__READ_ONLY;
	if (stop_stands(o) || is_off(&o->policy) || is_off(seen(o)))
		return REEVE__CONTROL__V1__AGENT_MODE__FROZEN;
	if (!o->is_policy_known)
		return REEVE__CONTROL__V1__AGENT_MODE__STARTING;
	return seen(o)->present ? REEVE__CONTROL__V1__AGENT_MODE__RUN : REEVE__CONTROL__V1__AGENT_MODE__NO_POLICY;
}

const char *ops_mode_told(const struct ops *o)
{
	const char *why = "";

	return ops_is_stopped((struct ops *)o, &why) ? why : "";
}

const char *ops_mode_reason(const struct ops *o)
{
	const char *told = ops_mode_told(o);

	/* The pointers are compared: only if they are the same is the reason that of the policy, and the whole sentence may be
	 * shown to the customer. */
	return *told != '\0' && told == policy_told(seen(o)) ? err_text(&seen(o)->reason) : told;
}
