/* scene_promise.c - what is promised of service, of undoing and of telling, held against the account.
 *
 * LEFT     who replaces nodes lets others of their cluster serve first
 * SERVES   nothing that serves is taken out of service by a plan that then fails: whoever was healthy behind a listener and was
 *          taken out has ended with the command, or serves again
 * WANTED   no node is ended that its spec wants
 * DRAINED  no node is ended while connections to it may still be open
 * READY    no node is let in by the command that launched it before its status checks have been ok, and it has said that it is
 *          healthy where the spec asks; and of a reboot that asks for it, no batch goes before the one before it has said so
 * LET_GO   no node is stopped or ended that is to drain first and has not said that it has
 * UNDONE   what is ROLLED_BACK left the warehouse as it was at its first mutation, or its result names what it did not
 * TOLD     what a result calls created or deleted was, by this command; and each node it made and left is called so
 * CLASS    the class of an error is one that what came in this run may have
 * RESOURCE an error of a step names what the step was about
 *
 * What somebody else's hands did meanwhile excuses; what they had done before the command came does not: it was there to see. */
#include <stdio.h>

#include "tests/sim/scene_impl.h"

#define DRAIN_BOUND_MS 300000 /* nobody has to wait longer for a delay that somebody set to more */

typedef Reeve__Control__V1__Status status_t;
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

static const char *warehouse_of(const struct aws_thing *t)
{
	const char *w = aws_tag_of(t, "reeve:warehouse");

	return w != NULL && str_eq(aws_tag_of(t, "reeve:installation"), VENDOR_INSTALLATION) ? w : "";
}

static bool is_made_by(const struct aws_thing *t, const struct scene_order *o)
{
	return str_eq(aws_tag_of(t, "reeve:command"), o->cmd->id_text);
}

static struct aws_instance *instance_of(struct scene *s, const char *id)
{
	for (size_t i = 0; i < s->aws->instances_n; i++)
		if (str_eq(s->aws->instances[i]->t.id, id))
			return s->aws->instances[i];
	return NULL;
}

/* ---- who is taken out of service ---- */

/* A hand on this very node, or on the plan itself, that came after the plan was made. */
static bool is_excused(const struct scene *s, const struct scene_order *o)
{
	return s->policy_changed || s->role_was_gone || scene_is_touched_after(s, o->want.warehouse, o->issued_ms);
}

static void take_out(struct scene *s, struct scene_order *o, struct aws_tg *g, const char *id)
{
	for (size_t i = 0; i < g->targets_n; i++)
		if ((id == NULL || str_eq(g->targets[i].id, id)) && aws_serves(s->aws, g, &g->targets[i]) &&
		    o->outs_n < ARRAY_LEN(o->outs)) {
			struct scene_out *out = &o->outs[o->outs_n++];

			snprintf(out->node, sizeof(out->node), "%s", g->targets[i].id);
			out->tg = g;
			g->targets[i].served = true;
		}
}

static bool is_taken_out(const struct form_sim *f, const char *id)
{
	for (unsigned n = 1; form_sim_get(f, "Targets.member.%u.Id", n) != NULL; n++)
		if (str_eq(form_sim_get(f, "Targets.member.%u.Id", n), id))
			return true;
	return false;
}

/* Of the cluster of this target, who serves and is not taken out. */
static unsigned left_of(struct scene *s, const struct aws_tg *g, const struct form_sim *f, const char *cluster)
{
	unsigned n = 0;

	for (size_t i = 0; i < g->targets_n; i++) {
		const struct aws_instance *in = instance_of(s, g->targets[i].id);

		n += in != NULL && str_eq(aws_tag_of(&in->t, "reeve:cluster"), cluster) && !is_taken_out(f, in->t.id) &&
		     aws_serves(s->aws, g, &g->targets[i]);
	}
	return n;
}

static void see_left(struct scene *s, const struct scene_order *o, const struct aws_tg *g, const struct form_sim *f)
{
	for (size_t i = 0; i < g->targets_n; i++) {
		const struct aws_instance *in = instance_of(s, g->targets[i].id);

		if (in == NULL || is_made_by(&in->t, o) || !is_taken_out(f, in->t.id) || !aws_serves(s->aws, g, &g->targets[i]))
			continue;
		tally(TALLY_CHECK_LEFT);
		if (left_of(s, g, f, aws_tag_of(&in->t, "reeve:cluster")) == 0 && fault_is_on(TALLY_CHECK_LEFT))
			odds_broken(&s->odds, "%s is taken out of %s, and nobody of its cluster serves", in->t.id, g->t.name);
	}
}

static void see_deregister(struct scene *s, struct scene_order *o, const struct form_sim *f)
{
	const char *arn = form_sim_get(f, "TargetGroupArn"), *id;

	for (size_t i = 0; (o->is_upgrade || o->replace != NULL) && !is_excused(s, o) && i < s->aws->target_groups_n; i++)
		if (str_eq(s->aws->target_groups[i]->t.id, arn))
			see_left(s, o, s->aws->target_groups[i], f);
	for (size_t i = 0; i < s->aws->target_groups_n; i++)
		for (unsigned n = 1;
		     str_eq(s->aws->target_groups[i]->t.id, arn) && (id = form_sim_get(f, "Targets.member.%u.Id", n)) != NULL; n++)
			take_out(s, o, s->aws->target_groups[i], id);
}

static unsigned serving(const struct scene *s, const struct aws_tg *g)
{
	unsigned n = 0;

	for (size_t i = 0; i < g->targets_n; i++)
		n += aws_serves(s->aws, g, &g->targets[i]);
	return n;
}

/* Those that were taken out stand there until they have drained, and longer where nobody has looked since. */
static bool is_empty(const struct aws_tg *g)
{
	for (size_t i = 0; i < g->targets_n; i++)
		if (g->targets[i].draining_ms == 0)
			return false;
	return true;
}

/* From nodes that serve to nodes that do not: whatever becomes of the plan, somebody was cut off. To a group without any is what
 * the spec asks for. */
static void see_lead(struct scene *s, const struct scene_order *o, const struct aws_listener *l, const struct aws_tg *to)
{
	if (to == l->tg || is_empty(to) || serving(s, l->tg) == 0 || is_excused(s, o))
		return;
	tally(TALLY_CHECK_SERVES);
	if (serving(s, to) == 0 && fault_is_on(TALLY_CHECK_SERVES))
		odds_broken(&s->odds, "a listener that leads to %s, which serves, is led to %s, which does not", l->tg->t.name,
			    to->t.name);
}

static void see_modify(struct scene *s, const struct scene_order *o, const struct form_sim *f)
{
	const char *arn = form_sim_get(f, "ListenerArn"), *to = form_sim_get(f, "DefaultActions.member.1.TargetGroupArn");

	for (size_t i = 0; i < s->aws->listeners_n; i++)
		for (size_t k = 0; str_eq(s->aws->listeners[i]->t.id, arn) && k < s->aws->target_groups_n; k++)
			if (str_eq(s->aws->target_groups[k]->t.id, to))
				see_lead(s, o, s->aws->listeners[i], s->aws->target_groups[k]);
}

/* ---- who is let in ---- */

/* One that was stopped, started or rebooted since has had its checks made anew. */
static void see_register(struct scene *s, const struct scene_order *o, const struct form_sim *f)
{
	const char *id;

	for (unsigned n = 1; (id = form_sim_get(f, "Targets.member.%u.Id", n)) != NULL; n++) {
		const struct aws_instance *i = instance_of(s, id);

		/* One that somebody has tagged into another cluster is held against the wrong cluster of the spec. */
		if (i == NULL || !is_made_by(&i->t, o) || i->turned_ms != 0 || i->reboots > 0 || i->is_moved)
			continue;
		tally(TALLY_CHECK_READY);
		if (world_now_ms(s->w) < i->checked_ms && fault_is_on(TALLY_CHECK_READY))
			odds_broken(&s->odds, "%s is let in, and its status checks have not been ok yet", id);
		if (want_has_health(&o->want, aws_tag_of(&i->t, "reeve:cluster")) && !i->is_healthy_told &&
		    fault_is_on(TALLY_CHECK_READY))
			odds_broken(&s->odds, "%s is let in, and has not said that it is healthy", id);
	}
}

static bool serves_again(const struct scene *s, const struct scene_out *out)
{
	for (size_t i = 0; i < out->tg->targets_n; i++)
		if (str_eq(out->tg->targets[i].id, out->node) && out->tg->targets[i].draining_ms == 0)
			return aws_is_there(s->aws, &out->tg->t);
	return false;
}

/* It is as the spec wants it, whatever became of the command's other parts. */
static bool is_paused(const struct scene *s, const struct scene_order *o, const struct aws_instance *in)
{
	return want_is_paused(&o->want, aws_tag_of(&in->t, "reeve:cluster")) && !aws_is_running(s->aws, in);
}

/* For as long as a step tries no keys came, or none that had not expired. */
static bool lacked_keys(const struct scene *s, const struct scene_order *o)
{
	return s->held.begun_ms != 0 && s->held.how == TALLY_HELD_KEYS &&
	       (strstr(o->cmd->error, "there are no keys") != NULL || strstr(o->cmd->error, "RequestExpired") != NULL ||
		strstr(o->cmd->error, "ExpiredToken") != NULL);
}

static void judge_outs(struct scene *s, const struct scene_order *o)
{
	for (size_t i = 0; i < o->outs_n; i++) {
		const struct scene_out *out = &o->outs[i];
		const struct aws_instance *in = instance_of(s, out->node);

		tally(TALLY_CHECK_SERVES);
		if (in == NULL || !aws_is_alive(s->aws, in) || serves_again(s, out) || is_excused(s, o) || is_paused(s, o, in) ||
		    lacked_keys(s, o))
			continue;
		if (fault_is_on(TALLY_CHECK_SERVES))
			odds_broken(&s->odds, "command %llu %s and took %s, which served, out of %s",
				    (unsigned long long)o->cmd->seq, vendor_state_name(o->cmd->state), out->node, out->tg->t.name);
	}
}

/* ---- who is ended ---- */

static bool is_named(const struct form_sim *f, const char *id)
{
	for (unsigned n = 1; form_sim_get(f, "InstanceId.%u", n) != NULL; n++)
		if (str_eq(form_sim_get(f, "InstanceId.%u", n), id))
			return true;
	return false;
}

/* A node that somebody had stopped before the command came, and that still is: who exchanges another of its cluster finds it so and
 * leaves it so. */
static bool is_stopped_by_hand(const struct scene *s, const struct scene_order *o, const struct aws_instance *in)
{
	for (size_t i = 0; i < s->hands_n; i++)
		if (s->hands[i].kind == TALLY_AWS_STOPPED && s->hands[i].thing == &in->t)
			return (o->is_upgrade || o->replace != NULL) && s->hands[i].begun_ms < o->issued_ms &&
			       aws_is_alive(s->aws, in);
	return false;
}

/* Of those that run, so many must be left as the spec wants. Those of the command itself go when it is undone. */
static void see_wanted(struct scene *s, const struct scene_order *o, const struct form_sim *f, const struct aws_instance *in)
{
	const char *cluster = aws_tag_of(&in->t, "reeve:cluster");
	unsigned left = 0, wanted = want_is_paused(&o->want, cluster) ? 0 : want_nodes(&o->want, cluster);

	for (size_t i = 0; i < s->aws->instances_n; i++) {
		const struct aws_instance *x = s->aws->instances[i];

		left += str_eq(warehouse_of(&x->t), o->want.warehouse) && str_eq(aws_tag_of(&x->t, "reeve:cluster"), cluster) &&
			(aws_is_running(s->aws, x) || is_stopped_by_hand(s, o, x)) && !is_named(f, x->t.id);
	}
	tally(TALLY_CHECK_WANTED);
	if (left < wanted && fault_is_on(TALLY_CHECK_WANTED))
		odds_broken(&s->odds, "%s is ended, and cluster %s is left with %u nodes of %u", in->t.id, cluster, left, wanted);
}

static bool asks_health(const struct scene_order *o)
{
	return o->reboot != NULL && o->asks_nodes && want_has_health(&o->want, o->reboot);
}

static void see_drained(struct scene *s, const struct aws_tg *g, const struct aws_target *t)
{
	uint64_t now = world_now_ms(s->w), out_ms = t->draining_ms != 0 ? now - t->draining_ms : 0;
	bool drains = t->draining_ms != 0 && t->served && now < t->gone_ms && out_ms < DRAIN_BOUND_MS;

	if (t->served)
		tally(TALLY_CHECK_DRAINED);
	if (!drains && !aws_serves(s->aws, g, t))
		return;
	if (fault_is_on(TALLY_CHECK_DRAINED))
		odds_broken(&s->odds, "%s ends or stops %llu s after it was taken out of %s, which drains for %u s", t->id,
			    (unsigned long long)out_ms / 1000, g->t.name, g->delay_s);
}

/* One that ran already when the command came: the plan has seen it so. A reboot whose answer was lost is asked for again. */
static void see_let_go(struct scene *s, const struct scene_order *o, const struct aws_instance *in)
{
	if ((o->reboot != NULL && (!o->asks_nodes || in->rebooted_by == o)) || o->want.gone || in->running_ms > o->issued_ms ||
	    !aws_is_running(s->aws, in) || !want_drains(&o->want, aws_tag_of(&in->t, "reeve:cluster")))
		return;
	tally(TALLY_CHECK_LET_GO);
	if (!in->is_drained_told && fault_is_on(TALLY_CHECK_LET_GO))
		odds_broken(&s->odds, "%s is stopped or ended, and has not said that it has drained", in->t.id);
}

static void see_terminate(struct scene *s, const struct scene_order *o, const struct form_sim *f)
{
	const char *id;

	for (unsigned n = 1; (id = form_sim_get(f, "InstanceId.%u", n)) != NULL; n++) {
		const struct aws_instance *in = instance_of(s, id);

		if (in == NULL || !aws_is_alive(s->aws, in))
			continue;
		if (in->lost_ms != 0 && in->lost_ms + 1000 < o->issued_ms)
			odds_broken(&s->odds, "%s is ended, which somebody had tagged away", id);
		if (is_made_by(&in->t, o) || is_excused(s, o))
			continue;
		see_let_go(s, o, in);
		if (aws_is_running(s->aws, in))
			see_wanted(s, o, f, in);
		for (size_t i = 0; i < s->aws->target_groups_n; i++)
			for (size_t k = 0; k < s->aws->target_groups[i]->targets_n; k++)
				if (str_eq(s->aws->target_groups[i]->targets[k].id, id))
					see_drained(s, s->aws->target_groups[i], &s->aws->target_groups[i]->targets[k]);
	}
}

/* All that this reboot has had boot again, but for those that the call names. */
static void see_back(struct scene *s, const struct scene_order *o, const struct form_sim *f)
{
	for (size_t i = 0; i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];

		if (in->rebooted_by != o || (f != NULL && is_named(f, in->t.id)) || !aws_is_running(s->aws, in) || in->is_moved ||
		    in->lost_ms != 0 || is_excused(s, o))
			continue;
		tally(TALLY_CHECK_READY);
		if (!in->is_back_told && fault_is_on(TALLY_CHECK_READY))
			odds_broken(&s->odds, "the reboot goes on, and %s has not said that it is healthy again", in->t.id);
	}
}

/* A node that stops, or boots again, is out of service before it does. */
static void see_power(struct scene *s, struct scene_order *o, const struct aws_entry *e)
{
	const char *id;

	o->reboots += str_eq(e->action, "RebootInstances");
	/* An answer that is lost, and an agent that dies, have it asked for again: for a while. */
	if (o->reboots > 40)
		odds_broken(&s->odds, "%u reboots by one command", o->reboots);
	if (asks_health(o))
		see_back(s, o, e->form);
	for (unsigned n = 1; (id = form_sim_get(e->form, "InstanceId.%u", n)) != NULL; n++) {
		struct aws_instance *in = instance_of(s, id);

		if (in == NULL || !aws_is_running(s->aws, in) || is_made_by(&in->t, o) || is_excused(s, o))
			continue;
		see_let_go(s, o, in);
		if (o->reboot != NULL)
			in->rebooted_by = o;
		for (size_t i = 0; i < s->aws->target_groups_n; i++)
			for (size_t k = 0; k < s->aws->target_groups[i]->targets_n; k++)
				if (str_eq(s->aws->target_groups[i]->targets[k].id, id))
					see_drained(s, s->aws->target_groups[i], &s->aws->target_groups[i]->targets[k]);
	}
}

/* ---- the warehouse, a line a thing ---- */

static void write_group(const struct aws_group *g, struct buf *b)
{
	buf_addf(b, "group %s %s\n", g->t.id, g->t.name);
	for (size_t i = 0; i < g->rules_n; i++) {
		const struct aws_rule *r = &g->rules[i];

		if (aws_rule_stands(r))
			buf_addf(b, "rule %s %s %s %s %d-%d %s\n", g->t.id, g->t.name, r->is_egress ? "to" : "from", r->protocol,
				 r->from, r->to, r->source);
	}
}

static void write_tg(struct scene *s, const struct aws_tg *g, struct buf *b)
{
	buf_addf(b, "tg %s\n", g->t.id);
	for (size_t i = 0; i < g->targets_n; i++) {
		const struct aws_instance *in = instance_of(s, g->targets[i].id);

		if (g->targets[i].draining_ms == 0 && in != NULL && aws_is_alive(s->aws, in) && in->stillborn_ms == 0)
			buf_addf(b, "target %s %s\n", g->t.id, in->t.id);
	}
}

static void write_warehouse(struct scene *s, const char *warehouse, struct buf *b)
{
	const struct aws_sim *a = s->aws;

#define EACH(list, thing)                                                                                                          \
	for (size_t i = 0; i < a->list##_n; i++)                                                                                   \
		if (aws_is_there(a, &a->list[i]->t) && str_eq(warehouse_of(&(thing)->t), warehouse))
	buf_adds(b, "\n");
	EACH(instances, a->instances[i])
	if (aws_is_alive(a, a->instances[i]) && a->instances[i]->stillborn_ms == 0)
		buf_addf(b, "node %s %s %s\n", a->instances[i]->t.id, a->instances[i]->type,
			 aws_is_stopped(a, a->instances[i]) ? "down" : "up");
	EACH(groups, a->groups[i])
	write_group(a->groups[i], b);
	EACH(target_groups, a->target_groups[i])
	write_tg(s, a->target_groups[i], b);
	EACH(lbs, a->lbs[i])
	buf_addf(b, "lb %s\n", a->lbs[i]->t.id);
	EACH(listeners, a->listeners[i]->lb)
	buf_addf(b, "listener %s:%u %s\n", a->listeners[i]->lb->t.id, a->listeners[i]->port, a->listeners[i]->tg->t.id);
#undef EACH
}

/* Does the result name a thing of the line: its id, its name, or a listener's port? */
static bool is_told(const char *text, const char *line, size_t len)
{
	CLEANUP(mem_close) char *words = mem_strn(line, len);
	char *at = words, *word;

	strsep(&at, " ");
	while ((word = strsep(&at, " ")) != NULL)
		if (strlen(word) > 6 && strstr(text, word) != NULL)
			return true;
	return false;
}

static void write_text(const status_t *m, Reeve__Control__V1__Resource *const *list, size_t n, struct buf *b)
{
	buf_addf(b, "%s %s", m->note, m->error != NULL ? m->error->message : "");
	for (size_t i = 0; i < n; i++)
		buf_addf(b, " %s", list[i]->id);
	for (size_t i = 0; i < m->n_preserved; i++)
		buf_addf(b, " %s", m->preserved[i]->id);
}

static void compare(struct scene *s, const struct scene_order *o, const char *lines, const char *others, const char *how,
		    const char *text)
{
	for (const char *at = lines + 1; *at != '\0'; at += strcspn(at, "\n") + 1) {
		size_t len = strcspn(at, "\n") + 1;

		if (memmem(others, strlen(others), at - 1, len + 1) != NULL || is_told(text, at, len - 1))
			continue;
		if (fault_is_on(TALLY_CHECK_UNDONE))
			odds_broken(&s->odds, "command %llu ROLLED_BACK, but %s: %.*s (%s)", (unsigned long long)o->cmd->seq, how,
				    (int)len - 1, at, text);
	}
}

static void judge_undone(struct scene *s, const struct scene_order *o, const status_t *m)
{
	CLEANUP(buf_close) struct buf now = BUF_MAX(4u << 20), made = BUF_MAX(1u << 20), gone = BUF_MAX(1u << 20);

	if (o->at_first.len == 0 || is_excused(s, o))
		return;
	tally(TALLY_CHECK_UNDONE);
	if (o->at_last.len > 0)
		buf_add(&now, o->at_last.data, o->at_last.len);
	else
		write_warehouse(s, o->want.warehouse, &now);
	write_text(m, m->created, m->n_created, &made);
	write_text(m, m->deleted, m->n_deleted, &gone);
	compare(s, o, buf_str(&o->at_first), buf_str(&now), "is gone", buf_str(&gone));
	compare(s, o, buf_str(&now), buf_str(&o->at_first), "there is", buf_str(&made));
}

/* ---- what is told ---- */

static const struct aws_thing *thing_of(const struct scene *s, const char *id)
{
	const struct aws_sim *a = s->aws;

#define FIND(list)                                                                                                                 \
	for (size_t i = 0; i < a->list##_n; i++)                                                                                   \
		if (str_eq(a->list[i]->t.id, id))                                                                                  \
	return &a->list[i]->t
	FIND(instances);
	FIND(groups);
	FIND(target_groups);
	FIND(lbs);
	FIND(listeners);
#undef FIND
	return NULL;
}

static bool is_gone(struct scene *s, const char *id, const struct aws_thing *t)
{
	const struct aws_instance *in = instance_of(s, id);

	return in != NULL ? !aws_is_alive(s->aws, in) : !aws_is_there(s->aws, t);
}

static bool is_in(Reeve__Control__V1__Resource *const *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i]->id, id))
			return true;
	return false;
}

static void judge_told(struct scene *s, const struct scene_order *o, const status_t *m)
{
	if (m->n_created + m->n_deleted > 0)
		tally(TALLY_CHECK_TOLD);
	for (size_t i = 0; i < m->n_created; i++) {
		const struct aws_thing *t = thing_of(s, m->created[i]->id);

		if (t != NULL && !is_made_by(t, o) && fault_is_on(TALLY_CHECK_TOLD))
			odds_broken(&s->odds, "command %llu calls %s created, which it did not", (unsigned long long)o->cmd->seq,
				    t->id);
	}
	for (size_t i = 0; i < m->n_deleted; i++) {
		const struct aws_thing *t = thing_of(s, m->deleted[i]->id);

		if (t != NULL && !is_gone(s, t->id, t) && fault_is_on(TALLY_CHECK_TOLD))
			odds_broken(&s->odds, "command %llu calls %s deleted, which is there", (unsigned long long)o->cmd->seq,
				    t->id);
	}
	for (size_t i = 0; i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];

		/* One that somebody tagged away before it was ever seen looks like none. */
		if (!in->foreign && in->lost_ms == 0 && is_made_by(&in->t, o) && aws_is_alive(s->aws, in) &&
		    !is_in(m->created, m->n_created, in->t.id) && fault_is_on(TALLY_CHECK_TOLD))
			odds_broken(&s->odds, "command %llu does not tell that it made %s (%s)", (unsigned long long)o->cmd->seq,
				    in->t.id, o->cmd->error);
	}
}

/* Of a cluster without nodes, or whose nodes are stopped. */
bool scene_has_nothing_to_reboot(const struct scene_order *o)
{
	return o->reboot != NULL &&
	       (strstr(o->cmd->error, "nothing to reboot") != NULL || strstr(o->cmd->error, "has no node of a cluster") != NULL);
}

bool scene_is_overtaken(const struct scene_order *o)
{
	static const char *const says[] = {
		"nodes.replace changes nothing else", "is not there, and cluster",      "and the spec wants",
		"was launched with, and a node",      "is no node of cluster",          "warehouse.upgrade changes nothing else",
		"and an upgrade begins when",         "and an upgrade changes image_id"
	};
	bool is = false;

	for (size_t i = 0; (o->replace != NULL || o->is_upgrade) && o->mutations == 0 && i < ARRAY_LEN(says); i++)
		is = is || strstr(o->cmd->error, says[i]) != NULL;
	return is;
}

bool scene_wants_an_upgrade(const struct scene_order *o)
{
	return o->mutations == 0 && strstr(o->cmd->error, "by warehouse.upgrade") != NULL;
}

/* No cluster would have a node, and one that has some would go. */
bool scene_takes_the_last(const struct scene_order *o)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (o->want.clusters[c].on && o->want.clusters[c].nodes > 0 && !o->want.clusters[c].paused)
			return false;
	return o->mutations == 0 && strstr(o->cmd->error, "goes by warehouse.delete alone") != NULL;
}

/* Whoever reads of a step that failed finds what it was about. */
static void judge_resource(struct scene *s, const struct scene_order *o, const status_t *m)
{
	if (m->error == NULL || *m->error->action == '\0' || m->started_at == 0)
		return;
	tally(TALLY_CHECK_RESOURCE);
	if (*m->error->resource == '\0' && fault_is_on(TALLY_CHECK_RESOURCE))
		odds_broken(&s->odds, "command %llu %s at %s, and does not say of what: %s", (unsigned long long)o->cmd->seq,
			    vendor_state_name(o->cmd->state), m->error->action, m->error->message);
}

static void judge_class(struct scene *s, const struct scene_order *o)
{
	unsigned may = scene_causes(s);

	/* A reboot leaves no trace: of one without an answer, and an agent that was away for long, nobody can tell more. */
	if (scene_has_nothing_to_reboot(o) || scene_is_overtaken(o) || scene_wants_an_upgrade(o) || scene_takes_the_last(o) ||
	    (o->reboot != NULL && strstr(o->cmd->error, "nobody can tell whether") != NULL) || s->policy_changed ||
	    s->role_was_gone || o->want.broken || o->cmd->cancelled || may == 0)
		return; /* told apart by the other checks */
	tally(TALLY_CHECK_CLASS);
	if ((may & (1u << o->cmd->error_class)) == 0 && fault_is_on(TALLY_CHECK_CLASS))
		odds_broken(&s->odds, "command %llu %s with class %d: %s", (unsigned long long)o->cmd->seq,
			    vendor_state_name(o->cmd->state), o->cmd->error_class, o->cmd->error);
}

/* ---- the two moments ---- */

/* Commands of a warehouse come one after the other: what another one left is what it is judged by. */
static void begin(struct scene *s, struct scene_order *o)
{
	o->at_first = BUF_MAX(4u << 20);
	write_warehouse(s, o->want.warehouse, &o->at_first);
	for (struct scene_order *p = s->orders; p < s->orders + s->issued; p++) {
		if (p == o || p->judged || p->at_first.len == 0 || p->at_last.len > 0 ||
		    !str_eq(p->want.warehouse, o->want.warehouse))
			continue;
		p->at_last = BUF_MAX(4u << 20);
		buf_add(&p->at_last, o->at_first.data, o->at_first.len);
	}
}

void scene_promise_call(struct scene *s, struct scene_order *o, const struct aws_entry *e)
{
	if (o->at_first.len == 0)
		begin(s, o);
	if (str_eq(e->action, "DeregisterTargets"))
		see_deregister(s, o, e->form);
	if (str_eq(e->action, "RegisterTargets"))
		see_register(s, o, e->form);
	if (str_eq(e->action, "ModifyListener"))
		see_modify(s, o, e->form);
	if (str_eq(e->action, "StopInstances") || str_eq(e->action, "RebootInstances"))
		see_power(s, o, e);
	if (str_eq(e->action, "TerminateInstances"))
		see_terminate(s, o, e->form);
	if (str_eq(e->action, "RunInstances"))
		scene_given_call(s, o, e->form);
}

void scene_promise_result(struct scene *s, struct scene_order *o)
{
	status_t *m = reeve__control__v1__status__unpack(NULL, o->cmd->result.len, (const uint8_t *)o->cmd->result.data);
	Reeve__Control__V1__State state = o->cmd->state;

	judge_resource(s, o, m);
	if (state == STATE(SUCCEEDED) && asks_health(o))
		see_back(s, o, NULL);
	if (state == STATE(FAILED) || state == STATE(ROLLED_BACK)) {
		judge_outs(s, o);
		judge_class(s, o);
	}
	if (state == STATE(ROLLED_BACK))
		judge_undone(s, o, m);
	if (state != STATE(INDETERMINATE))
		judge_told(s, o, m);
	reeve__control__v1__status__free_unpacked(m, NULL);
}

void scene_promise_close(struct scene *s)
{
	for (size_t i = 0; i < s->orders_n; i++) {
		buf_close(&s->orders[i].at_first);
		buf_close(&s->orders[i].at_last);
	}
}
