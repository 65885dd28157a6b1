/* scene_held.c - the agent is kept from its next call for some minutes, by STOP, by the policy's mode, by keys that do not come or
 * because it is stopped, and meanwhile a node of the warehouse that it works at dies. Then it may go on: what the plan had seen
 * before is true no more.
 *
 * What is promised of it (CHECK_HELD_UP): so many nodes of the cluster are left to run as the spec wants, or they were missing
 * already when the command first changed something, whenever
 *
 *   nodes are ended               all that the spec wants are left
 *   they are stopped, rebooted    all of them but these, which come back
 *   they leave a group in which they serve, by a command that lets them come back or that brings others: the same
 *
 * Who ends nodes for others that have come in their place (nodes.replace, warehouse.upgrade) answers for those that it has launched
 * for them, and for no others: what it ends has its replacement, whoever else has died. Of a death the agent may know nothing for
 * two minutes: so old are the looks that it may act on (engine/run_anew.c), and what AWS shows. */
#include <stdio.h>

#include "tests/sim/scene_impl.h"

#define KNOWN_MS 120000

static const enum tally_kind hows[] = { TALLY_HELD_STOP, TALLY_HELD_MODE, TALLY_HELD_KEYS, TALLY_HELD_DOWN };

static bool is_exchange(const struct scene_order *o)
{
	return o->is_upgrade || o->replace != NULL;
}

static bool is_rolling(const struct scene_order *o)
{
	return is_exchange(o) || o->reboot != NULL;
}

static bool has_rolling(const struct scene *s)
{
	for (size_t i = 0; i < s->orders_n; i++)
		if (is_rolling(&s->orders[i]))
			return true;
	return false;
}

void scene_held_make(struct scene *s)
{
	static const char *const calls[] = { NULL,
					     "RunInstances",
					     "RunInstances",
					     "RegisterTargets",
					     "DeregisterTargets",
					     "DeregisterTargets",
					     "StopInstances",
					     "RebootInstances",
					     "TerminateInstances" };
	struct scene_held *h = &s->held;

	h->is_wanted = s->odds.per_mille[TALLY_HELD_UP] > 0;
	/* Most often where nodes go one after the other. */
	h->is_of_rolling = has_rolling(s) && !odds_one_in(&s->odds, 4);
	h->call = calls[odds_between(&s->odds, 0, ARRAY_LEN(calls) - 1)];
	h->passes = odds_between(&s->odds, 0, h->call == NULL ? 40 : h->is_of_rolling ? 1 : 3);
	h->how = hows[odds_between(&s->odds, 0, ARRAY_LEN(hows) - 1)];
	/* Before or after the looks that a step waits for, which draining puts off by minutes. */
	h->dies_in_ms = odds_between(&s->odds, 1000, odds_one_in(&s->odds, 3) ? 60000 : 700000);
	h->lasts_ms = h->dies_in_ms + KNOWN_MS + odds_between(&s->odds, 60000, 300000);
}

/* ---- kept from its calls ---- */

static void hold(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);

	odds_came(&s->odds, s->held.how);
	if (s->held.how == TALLY_HELD_STOP) {
		sim_file_puts(s->w, SCENE_STOP, "");
		s->stop_since_ms = now;
	} else if (s->held.how == TALLY_HELD_MODE) {
		sim_file_puts(s->w, SCENE_POLICY, "mode: off\n");
		s->off_since_ms = now;
		s->policy_changed = true;
	} else if (s->held.how == TALLY_HELD_KEYS) {
		aws_keys_are_late(s->aws, now + s->held.lasts_ms);
	} else {
		s->restart = true;
	}
}

static void let_go(struct scene *s)
{
	if (s->held.how == TALLY_HELD_STOP) {
		sim_file_unlink(s->w, SCENE_STOP);
		s->stop_since_ms = 0;
	} else if (s->held.how == TALLY_HELD_MODE) {
		scene_policy_write(s, scene_heal_is_on(s) ? SCENE_HEALS : SCENE_OPEN);
	} else if (s->held.how == TALLY_HELD_KEYS) {
		aws_keys_are_late(s->aws, 0);
	}
}

bool scene_held_is_down(const struct scene *s)
{
	return s->held.begun_ms != 0 && s->held.how == TALLY_HELD_DOWN && !s->held.is_over;
}

void scene_held_see(struct scene *s, const struct scene_order *o, const struct aws_entry *e)
{
	struct scene_held *h = &s->held;

	if (!h->is_wanted || h->begun_ms != 0 || s->odds.calm || (h->is_of_rolling && !is_rolling(o)) ||
	    (h->call != NULL && !str_eq(h->call, e->action)))
		return;
	if (h->passes-- > 0)
		return;
	h->begun_ms = world_now_ms(s->w);
	h->order = o;
	sim_trace(s->w, "held up: %s, after %s", tally_name(h->how), e->action);
	odds_came(&s->odds, TALLY_HELD_UP);
	hold(s);
}

/* ---- who dies ---- */

static bool may_die(const struct scene *s, const struct aws_instance *in)
{
	return !in->foreign && in->lost_ms == 0 && !in->is_moved && aws_is_running(s->aws, in) &&
	       str_eq(aws_tag_of(&in->t, "reeve:installation"), VENDOR_INSTALLATION) &&
	       str_eq(aws_tag_of(&in->t, "reeve:warehouse"), s->held.order->want.warehouse);
}

/* The one that the command has made last, or any. */
static struct aws_instance *choose(struct scene *s)
{
	bool is_new = odds_one_in(&s->odds, 2);
	struct aws_instance *chosen = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < s->aws->instances_n; i++) {
		struct aws_instance *in = s->aws->instances[i];

		if (!may_die(s, in) || (is_new && !str_eq(aws_tag_of(&in->t, "reeve:command"), s->held.order->cmd->id_text)))
			continue;
		if (is_new || odds_one_in(&s->odds, ++n))
			chosen = in;
	}
	return chosen;
}

static void die(struct scene *s)
{
	struct aws_instance *in = choose(s);

	s->held.has_struck = true;
	if (in != NULL)
		scene_hand_ends(s, in);
}

void scene_held_move(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);
	struct scene_held *h = &s->held;

	if (h->begun_ms == 0 || h->is_over)
		return;
	h->has_restarted = h->has_restarted || s->start_ms != 0;
	if (!h->has_struck && now >= h->begun_ms + h->dies_in_ms && !s->odds.calm)
		die(s);
	if (now < h->begun_ms + h->lasts_ms && !s->odds.calm)
		return;
	h->is_over = true;
	sim_trace(s->w, "held up no more");
	let_go(s);
}

/* ---- what is promised ---- */

static bool is_of(const struct aws_instance *in, const struct scene_order *o, const char *cluster)
{
	return str_eq(aws_tag_of(&in->t, "reeve:installation"), VENDOR_INSTALLATION) &&
	       str_eq(aws_tag_of(&in->t, "reeve:warehouse"), o->want.warehouse) &&
	       str_eq(aws_tag_of(&in->t, "reeve:cluster"), cluster);
}

static bool is_made_by(const struct aws_thing *t, const struct scene_order *o)
{
	return str_eq(aws_tag_of(t, "reeve:command"), o->cmd->id_text);
}

/* The target group that a call takes targets out of; NULL: it is no such call. */
static const struct aws_tg *group_of(const struct scene *s, const struct aws_entry *e)
{
	for (size_t i = 0; str_eq(e->action, "DeregisterTargets") && i < s->aws->target_groups_n; i++)
		if (str_eq(s->aws->target_groups[i]->t.id, form_sim_get(e->form, "TargetGroupArn")))
			return s->aws->target_groups[i];
	return NULL;
}

/* Of a target group those that serve in it: the others it does not take anything from. */
static bool is_named(const struct scene *s, const struct aws_entry *e, const struct aws_instance *in)
{
	const struct aws_tg *g = group_of(s, e);
	const char *id, *member = g != NULL ? "Targets.member.%u.Id" : "InstanceId.%u";

	for (unsigned n = 1; (id = form_sim_get(e->form, member, n)) != NULL; n++)
		if (str_eq(id, in->t.id))
			break;
	for (size_t i = 0; id != NULL && g != NULL && i < g->targets_n; i++)
		if (str_eq(g->targets[i].id, id))
			return aws_serves(s->aws, g, &g->targets[i]);
	return id != NULL && g == NULL;
}

/* By the tag reeve:step, "plan/step": launched by the plan of the command that launched last. */
static bool is_of_last_plan(const struct scene *s, const struct aws_instance *in, const struct scene_order *o)
{
	const struct aws_instance *last = NULL;
	const char *mine = aws_tag_of(&in->t, "reeve:step"), *step;

	for (size_t i = 0; i < s->aws->instances_n; i++)
		if (is_made_by(&s->aws->instances[i]->t, o))
			last = s->aws->instances[i];
	step = last != NULL ? aws_tag_of(&last->t, "reeve:step") : NULL;
	return is_made_by(&in->t, o) && mine != NULL && step != NULL && strncmp(mine, step, strcspn(step, "/") + 1) == 0;
}

/* Those of the cluster that somebody has ended or stopped since the command has changed something, long enough ago to be known. */
static unsigned count_dead(const struct scene *s, const struct scene_order *o, const char *cluster)
{
	uint64_t now = world_now_ms(s->w);
	unsigned n = 0;

	for (size_t i = 0; i < s->hands_n; i++) {
		const struct scene_hand *h = &s->hands[i];
		const struct aws_instance *in;

		if ((h->kind != TALLY_AWS_ENDED && h->kind != TALLY_AWS_STOPPED) || h->begun_ms == 0 || o->first_ms == 0 ||
		    h->begun_ms < o->first_ms || h->begun_ms + KNOWN_MS > now)
			continue;
		in = container_of(h->thing, struct aws_instance, t);
		n += is_of(in, o, cluster) && !aws_is_running(s->aws, in) && (!is_exchange(o) || is_of_last_plan(s, in, o));
	}
	return n;
}

/* A reboot leaves no trace. So one that may have been called already, for all that the agent knows, is called again on the looks
 * that the first call rested on: its nodes are out of service by then. */
static bool may_be_again(const struct scene *s, const struct aws_entry *e)
{
	if (!str_eq(e->action, "RebootInstances"))
		return false;
	for (size_t i = 0; i < s->aws->instances_n; i++)
		if (is_named(s, e, s->aws->instances[i]) && s->aws->instances[i]->asks > 1)
			return true;
	return s->held.has_restarted;
}

/* A request on its way to AWS, before anything can become of it. */
void scene_held_asks(struct scene *s, const struct sim_http *x)
{
	const char *agent = sim_http_header(x, "User-Agent"), *command = agent != NULL ? strstr(agent, "cmd/") : NULL;
	const struct scene_order *o = command != NULL ? scene_order_of(s, command + strlen("cmd/")) : NULL;

	for (size_t i = 0; o != NULL && i < s->aws->instances_n; i++) {
		struct aws_instance *in = s->aws->instances[i];

		if (memmem(x->body, x->body_len, "Action=RebootInstances", 22) == NULL ||
		    memmem(x->body, x->body_len, in->t.id, strlen(in->t.id)) == NULL)
			continue;
		in->asks = in->asked_by == o ? in->asks + 1 : 1;
		in->asked_by = o;
	}
}

/* Somebody has tagged nodes into another cluster, or away: who is whose is not certain. */
static bool is_muddled(const struct scene *s, const struct scene_order *o)
{
	for (size_t i = 0; i < s->hands_n; i++)
		if ((s->hands[i].kind == TALLY_AWS_RETAGGED || s->hands[i].kind == TALLY_AWS_PART_DONE) &&
		    s->hands[i].begun_ms != 0 && str_eq(s->hands[i].warehouse, o->want.warehouse))
			return true;
	return false;
}

/* Broken: fewer are left than are wanted, and that comes of those that have died. */
static void see_cluster(struct scene *s, const struct scene_order *o, const struct aws_entry *e, const struct aws_instance *of)
{
	const char *cluster = aws_tag_of(&of->t, "reeve:cluster");
	unsigned named = 0, left = 0, wanted = want_nodes(&o->want, cluster), dead = count_dead(s, o, cluster);

	for (size_t i = 0; i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];
		bool is_in = is_of(in, o, cluster) && aws_is_running(s->aws, in), is_it = is_in && is_named(s, e, in);

		named += is_it;
		left += is_in && !is_it;
	}
	if (!is_exchange(o) && !str_eq(e->action, "TerminateInstances"))
		wanted = wanted > named ? wanted - named : 0;
	tally(TALLY_CHECK_HELD_UP);
	if (left < wanted && left + dead >= wanted && fault_is_on(TALLY_CHECK_HELD_UP))
		odds_broken(&s->odds, "%s of %s, although %u of cluster %s have died: of %u that are to run %u are left", e->action,
			    of->t.id, dead, cluster, wanted, left);
}

static bool is_promised(const struct scene_order *o, const struct aws_entry *e)
{
	return str_eq(e->action, "TerminateInstances") || str_eq(e->action, "StopInstances") ||
	       str_eq(e->action, "RebootInstances") || (str_eq(e->action, "DeregisterTargets") && is_rolling(o));
}

void scene_held_call(struct scene *s, struct scene_order *o, const struct aws_entry *e)
{
	if (o->first_ms == 0)
		o->first_ms = world_now_ms(s->w);
	if (!is_promised(o, e) || is_muddled(s, o) || may_be_again(s, e))
		return;
	for (size_t i = 0; i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];
		const char *cluster = aws_tag_of(&in->t, "reeve:cluster");

		/* What the command has made itself goes when it is taken back. */
		if (cluster != NULL && is_named(s, e, in) && aws_is_running(s->aws, in) && is_of(in, o, cluster) &&
		    !is_made_by(&in->t, o) && !want_is_paused(&o->want, cluster))
			see_cluster(s, o, e, in);
	}
}
