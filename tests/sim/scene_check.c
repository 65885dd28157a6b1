/* scene_check.c - the promises, held against the ledger after every event. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/base/digest.h"
#include "tests/sim/scene_impl.h"
#include "tests/sim/world_sim_impl.h"

#define STOP_GRACE_MS 1000     /* what had left already */
#define EXPIRY_GRACE_MS 120000 /* it had begun: fetching keys takes a while */

typedef Reeve__Control__V1__State state_t;
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

struct scene_order *scene_order_of(struct scene *s, const char *command)
{
	for (size_t i = 0; i < s->issued; i++)
		if (str_eq(s->orders[i].cmd->id_text, command))
			return &s->orders[i];
	return NULL;
}

/* ---- no mutation before its record ---- */

struct search {
	struct scene *s;
	char op[96], action[96], token[96];
	bool found;
};

static bool line_fits(const struct search *q, const char *line, size_t len)
{
	return memmem(line, len, "\"type\":\"step.intent\"", 20) != NULL && memmem(line, len, q->op, strlen(q->op)) != NULL &&
	       memmem(line, len, q->action, strlen(q->action)) != NULL &&
	       (q->token[0] == '\0' || memmem(line, len, q->token, strlen(q->token)) != NULL);
}

static int on_segment(void *ctx, const char *name)
{
	struct search *q = ctx;
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", SCENE_JOURNAL, name);
	const struct inode *i = sim_fs_find(sim_of(q->s->w), path, true);
	const char *at = i != NULL ? i->durable.data : NULL, *end = at != NULL ? at + i->durable.len : NULL;

	while (at != NULL && at < end && !q->found) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		size_t len = lf != NULL ? (size_t)(lf - at) : (size_t)(end - at);

		q->found = line_fits(q, at, len);
		at += len + 1;
	}
	return q->found;
}

static bool is_recorded(struct scene *s, const struct aws_entry *e)
{
	struct search q = { .s = s };
	const char *token = form_sim_get(e->form, "ClientToken");

	snprintf(q.op, sizeof(q.op), "\"op\":\"%s\"", e->command);
	snprintf(q.action, sizeof(q.action), ":%s\"", e->action);
	if (token != NULL)
		snprintf(q.token, sizeof(q.token), "\"client_token\":\"%s\"", token);
	sim_fs_list(sim_of(s->w), SCENE_JOURNAL, on_segment, &q);
	return q.found;
}

/* ---- nothing of ours without an owner ---- */

static const char *tag_asked(const struct form_sim *f, const char *key)
{
	static const char *const prefixes[] = { "TagSpecification.1.Tag.", "Tags.member." };

	for (size_t p = 0; p < ARRAY_LEN(prefixes); p++)
		for (unsigned n = 1; form_sim_get(f, "%s%u.Key", prefixes[p], n) != NULL; n++)
			if (str_eq(form_sim_get(f, "%s%u.Key", prefixes[p], n), key))
				return form_sim_get(f, "%s%u.Value", prefixes[p], n);
	return NULL;
}

static void check_owner(struct scene *s, const struct aws_entry *e)
{
	bool makes = str_starts(e->action, "Create") || str_eq(e->action, "RunInstances");

	if (!makes || str_eq(e->action, "CreateTags"))
		return;
	if (!str_eq(tag_asked(e->form, "resource-created-by"), VENDOR_NAME) ||
	    !str_eq(tag_asked(e->form, "reeve:installation"), VENDOR_INSTALLATION) ||
	    !str_eq(tag_asked(e->form, "reeve:command"), e->command) || tag_asked(e->form, "reeve:step") == NULL)
		odds_broken(&s->odds, "%s makes something without an owner", e->action);
}

/* ---- no rule beyond the spec ---- */

static const char *group_name(const struct scene *s, const char *id)
{
	for (size_t i = 0; i < s->aws->groups_n; i++)
		if (str_eq(s->aws->groups[i]->t.id, id))
			return s->aws->groups[i]->t.name;
	return "?";
}

static const char *peer_of(const struct form_sim *f)
{
	static const char *const places[] = { "IpRanges.1.CidrIp", "Ipv6Ranges.1.CidrIpv6", "PrefixListIds.1.PrefixListId" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (form_sim_get(f, "IpPermissions.1.%s", places[i]) != NULL)
			return form_sim_get(f, "IpPermissions.1.%s", places[i]);
	return form_sim_get(f, "IpPermissions.1.Groups.1.GroupId");
}

static void check_rule(struct scene *s, const struct aws_entry *e, const struct scene_order *o)
{
	const char *peer = peer_of(e->form), *group = group_name(s, form_sim_get(e->form, "GroupId"));
	const char *protocol = form_sim_get(e->form, "IpPermissions.1.IpProtocol");
	int from = (int)form_sim_int(e->form, "IpPermissions.1.FromPort", -1);
	int to = (int)form_sim_int(e->form, "IpPermissions.1.ToPort", -1);
	bool out = str_eq(e->action, "AuthorizeSecurityGroupEgress");

	if (!(out ? want_egress_has(protocol, from, to, peer) : want_rule_in(&o->want, group, protocol, from, to, peer)) ||
	    form_sim_get(e->form, "IpPermissions.2.IpProtocol") != NULL)
		odds_broken(&s->odds, "a rule beyond the spec: %s %s %s", group, out ? "to" : "from", peer);
}

/* ---- the customer has the last word ---- */

static bool stands(uint64_t since_ms, const struct aws_entry *e)
{
	return since_ms != 0 && e->at_ms - since_ms > STOP_GRACE_MS;
}

static void check_customer(struct scene *s, const struct aws_entry *e, const struct scene_order *o)
{
	if (stands(s->stop_since_ms, e))
		odds_broken(&s->odds, "%s while the STOP file stands", e->action);
	if (stands(s->off_since_ms, e))
		odds_broken(&s->odds, "%s without a policy that allows it", e->action);
	if (stands(s->none_since_ms, e) && str_eq(e->action, "RunInstances"))
		odds_broken(&s->odds, "RunInstances beyond the bounds of the policy");
	if (o->is_delete && !s->clock_stepped && e->at_ms - o->issued_ms < SCENE_HOLD_S * 1000)
		odds_broken(&s->odds, "%s before delete_hold is over", e->action);
}

/* ---- each call that changes something ---- */

void scene_watch(void *ctx, const struct aws_entry *e)
{
	struct scene *s = ctx;
	struct scene_order *o = scene_order_of(s, e->command);
	uint64_t began_ms;

	sim_trace(s->w, "mutation %s %s", e->action, e->command);
	if (o == NULL && scene_heal_is_on(s)) {
		/* The agent's own: what it makes is counted there. */
		if (!is_recorded(s, e))
			odds_broken(&s->odds, "%s before its record", e->action);
		check_owner(s, e);
		return;
	}
	if (o == NULL) {
		odds_broken(&s->odds, "%s by a command that was never validly sent", e->action);
		return;
	}
	o->cmd->has_changed = true;
	began_ms = o->began_ms != 0 ? o->began_ms : e->at_ms; /* a full disk may keep it from its first step for long */
	if (o->mutations++ == 0 && !s->clock_stepped && !s->died && began_ms - o->issued_ms > o->lives_ms + EXPIRY_GRACE_MS)
		odds_broken(&s->odds, "%s by a command that had expired before it began", e->action);
	if (!is_recorded(s, e))
		odds_broken(&s->odds, "%s before its record", e->action);
	if (o->plan_only || (o->expired && !s->clock_stepped) || o->unknown_verb || o->want.broken ||
	    (o->must_be_denied && !o->cmd->is_old))
		odds_broken(&s->odds, "%s by a command that may change nothing", e->action);
	if (vendor_has_result(o->cmd))
		odds_broken(&s->odds, "%s after the result of its command", e->action);
	check_customer(s, e, o);
	scene_hands_see(s, e);
	scene_held_see(s, o, e);
	scene_held_call(s, o, e);
	scene_promise_call(s, o, e);
	check_owner(s, e);
	if (str_starts(e->action, "AuthorizeSecurityGroup"))
		check_rule(s, e, o);
}

/* ---- no double launch ---- */

static unsigned most_nodes(const struct scene *s, const char *warehouse, const char *cluster)
{
	unsigned most = 0;

	for (size_t i = 0; i < s->issued; i++) {
		unsigned n = want_nodes(&s->orders[i].want, cluster);

		n += str_eq(s->orders[i].replace, cluster); /* one more, while one takes the place of another */
		n += s->orders[i].is_upgrade ? (s->orders[i].batch > 0 ? s->orders[i].batch : 1) : 0;
		if (str_eq(s->orders[i].want.warehouse, warehouse) && n > most)
			most = n;
	}
	return most;
}

/* In its place the same step may launch another, under its next token. */
static bool has_died_young(const struct scene *s, const struct aws_instance *i)
{
	return i->stillborn_ms != 0 && !aws_is_alive(s->aws, i);
}

/* Those whose status checks fail are replaced by the agent itself, where that is asked for: another comes first, and they may
 * stay. */
static unsigned may_be_more(const struct scene *s, const char *warehouse, const char *cluster)
{
	unsigned n = 0;

	for (size_t i = 0; scene_heal_is_on(s) && i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];

		n += str_eq(in->check, "impaired") && aws_is_alive(s->aws, in) &&
		     str_eq(aws_tag_of(&in->t, "reeve:warehouse"), warehouse) &&
		     str_eq(aws_tag_of(&in->t, "reeve:cluster"), cluster);
	}
	return n;
}

static void check_cluster(struct scene *s, const struct aws_instance *first)
{
	const char *warehouse = aws_tag_of(&first->t, "reeve:warehouse"), *cluster = aws_tag_of(&first->t, "reeve:cluster");
	const char *command = aws_tag_of(&first->t, "reeve:command"), *step = aws_tag_of(&first->t, "reeve:step");
	const struct scene_order *o = scene_order_of(s, command);
	unsigned alive = 0, of_step = 0, ours = 0;

	for (size_t i = 0; i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];

		if (in->foreign || in->lost_ms != 0)
			continue;
		ours += aws_is_alive(s->aws, in);
		alive += aws_is_alive(s->aws, in) && !in->is_moved && str_eq(aws_tag_of(&in->t, "reeve:warehouse"), warehouse) &&
			 str_eq(aws_tag_of(&in->t, "reeve:cluster"), cluster);
		of_step += !has_died_young(s, in) && !in->is_ended_by_hand &&
			   str_eq(aws_tag_of(&in->t, "reeve:command"), command) && str_eq(aws_tag_of(&in->t, "reeve:step"), step);
	}
	if (ours > s->nodes_total)
		odds_broken(&s->odds, "%u nodes in the installation, the policy allows %u", ours, s->nodes_total);
	if (alive > most_nodes(s, warehouse, cluster) + may_be_more(s, warehouse, cluster))
		odds_broken(&s->odds, "%u nodes in cluster %s: launched twice", alive, cluster);
	if (o != NULL && of_step > want_nodes(&o->want, cluster))
		odds_broken(&s->odds, "step %s launched %u nodes of %u", step, of_step, want_nodes(&o->want, cluster));
}

void scene_check(struct scene *s)
{
	scene_hands_move(s);
	scene_held_move(s);
	if (s->seen_effects != s->aws->effects) {
		s->seen_effects = s->aws->effects;
		for (size_t i = 0; i < s->aws->instances_n; i++)
			if (!s->aws->instances[i]->foreign && s->aws->instances[i]->lost_ms == 0 && !s->aws->instances[i]->is_moved)
				check_cluster(s, s->aws->instances[i]);
	}
	for (size_t i = 0; i < s->issued; i++)
		if (s->orders[i].began_ms == 0 && s->orders[i].cmd->state == STATE(RUNNING))
			s->orders[i].began_ms = world_now_ms(s->w);
	for (size_t i = 0; i < s->issued; i++)
		if (!s->orders[i].judged && vendor_has_result(s->orders[i].cmd)) {
			s->orders[i].judged = true;
			scene_judge(s, &s->orders[i]);
		}
}

/* ---- the result ---- */

/* A cause in the scene that lets a command fail. */
static bool may_fail(const struct scene *s, const struct scene_order *o)
{
	return s->policy_changed || s->role_was_gone || o->want.broken || scene_causes(s) != 0 || scene_has_nothing_to_reboot(o) ||
	       scene_is_overtaken(o) || (o->want.differs && strstr(o->cmd->error, "not available yet") != NULL) ||
	       scene_wants_an_upgrade(o) || scene_takes_the_last(o);
}

static bool may_be_denied(const struct scene *s, const struct scene_order *o)
{
	bool outlived = o->is_delete && world_now_ms(s->w) - o->issued_ms + SCENE_HOLD_S * 1000 > o->lives_ms;

	return s->policy_changed || o->must_be_denied || !o->two_keys || s->nodes_total < SCENE_NODES_TOTAL || outlived ||
	       (o->is_delete && s->clock_stepped);
}

static const char *unjustified(const struct scene *s, const struct scene_order *o)
{
	switch (o->cmd->state) {
	case STATE(SUCCEEDED):
		return (o->must_be_denied && !o->cmd->is_old) || (o->expired && !s->clock_stepped) || o->unknown_verb ||
			       o->want.broken
			   ? "it may not succeed"
			   : NULL;
	case STATE(FAILED):
	case STATE(ROLLED_BACK):
		return may_fail(s, o) ? NULL : "nothing made it fail";
	case STATE(CANCELLED):
		return o->cmd->cancelled ? NULL : "nobody cancelled it";
	case STATE(EXPIRED):
		return o->expired || s->clock_stepped || world_now_ms(s->w) - o->issued_ms > o->lives_ms ? NULL
													 : "it had not expired";
	case STATE(DENIED):
		return may_be_denied(s, o) ? NULL : "nobody had a reason to deny it";
	case STATE(REJECTED_UNSUPPORTED):
		return o->unknown_verb ? NULL : "it is supported";
	case STATE(INDETERMINATE): /* a person must look, at what somebody's hand keeps from being undone */
		return s->role_was_gone || s->policy_changed || scene_is_touched(s, o->want.warehouse, o->issued_ms)
			   ? NULL
			   : "what became of it could be known";
	default:
		return "that is no result";
	}
}

static bool is_last_of_warehouse(const struct scene *s, const struct scene_order *o)
{
	for (const struct scene_order *p = o + 1; p < s->orders + s->issued; p++)
		if (str_eq(p->want.warehouse, o->want.warehouse))
			return false;
	return true;
}

static void check_replaced(struct scene *s, const struct scene_order *o)
{
	for (size_t i = 0; i < s->aws->instances_n; i++)
		for (size_t k = 0; k < o->replaced_n; k++)
			if (str_eq(s->aws->instances[i]->t.id, o->replaced[k]) && aws_is_alive(s->aws, s->aws->instances[i]) &&
			    s->aws->instances[i]->lost_ms == 0 && !s->aws->instances[i]->is_moved)
				odds_broken(&s->odds, "command %llu SUCCEEDED, and %s is still there",
					    (unsigned long long)o->cmd->seq, o->replaced[k]);
}

void scene_judge(struct scene *s, struct scene_order *o)
{
	const struct vendor_command *c = o->cmd;
	const char *wrong = unjustified(s, o);
	bool in_short = strstr(c->note, "short") != NULL;

	sim_trace(s->w, "result %llu %s %s %s", (unsigned long long)c->seq, vendor_state_name(c->state), c->note, c->error);
	if (wrong != NULL)
		odds_broken(&s->odds, "command %llu %s: %s (%s %s)", (unsigned long long)c->seq, vendor_state_name(c->state), wrong,
			    c->error, c->note);
	if (o->mutations > 0 &&
	    (c->state == STATE(DENIED) || c->state == STATE(EXPIRED) || c->state == STATE(REJECTED_UNSUPPORTED)))
		odds_broken(&s->odds, "command %llu %s after it changed something", (unsigned long long)c->seq,
			    vendor_state_name(c->state));
	scene_promise_result(s, o);
	if (c->state != STATE(SUCCEEDED) || o->plan_only)
		return;
	if (in_short && !scene_may_be_short(s))
		odds_broken(&s->odds, "command %llu is short without a reason: %s", (unsigned long long)c->seq, c->note);
	if (o->reboot != NULL) {
		if (o->reboots == 0)
			odds_broken(&s->odds, "command %llu SUCCEEDED, and no node was rebooted", (unsigned long long)c->seq);
		return;
	}
	check_replaced(s, o);
	s->have[str_eq(o->want.warehouse, "wh-2")] = o->want;
	if (!is_last_of_warehouse(s, o) || scene_is_touched(s, o->want.warehouse, o->issued_ms))
		return;
	wrong = want_differs(&o->want, s->aws, in_short);
	if (wrong != NULL)
		odds_broken(&s->odds, "command %llu SUCCEEDED, but %s", (unsigned long long)c->seq, wrong);
}

/* ---- the journal, as the customer verifies it ---- */

struct segments {
	char names[512][64];
	size_t n;
};

static int on_name(void *ctx, const char *name)
{
	struct segments *g = ctx;

	if (str_ends(name, ".jsonl") && g->n < ARRAY_LEN(g->names))
		snprintf(g->names[g->n++], sizeof(g->names[0]), "%s", name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The newest segment of a dead agent may end in a torn line. */
static bool chain_holds(const char *data, size_t len, bool newest, char prev[DIGEST_HEX_LEN])
{
	const char *at = data, *end = data + len;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		struct digest d;
		char start[96];

		if (lf == NULL)
			return newest;
		snprintf(start, sizeof(start), "{\"prev\":\"%s\",", prev);
		if (prev[0] != '\0' && strncmp(at, start, strlen(start)) != 0)
			return false;
		d = digest_of(at, (size_t)(lf - at));
		digest_hex(&d, prev);
		at = lf + 1;
	}
	return true;
}

void scene_check_journal(struct scene *s)
{
	struct segments *g = mem_new(struct segments);
	char prev[DIGEST_HEX_LEN] = "";

	sim_fs_list(sim_of(s->w), SCENE_JOURNAL, on_name, g);
	qsort(g->names, g->n, sizeof(g->names[0]), by_name);
	for (size_t i = 0; i < g->n; i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 20);
		CLEANUP(mem_close) char *path = mem_printf("%s/%s", SCENE_JOURNAL, g->names[i]);

		if (sim_file_get(s->w, path, &b) && !chain_holds(buf_str(&b), b.len, i + 1 == g->n, prev))
			odds_broken(&s->odds, "the chain of the journal is broken in %s", g->names[i]);
	}
	mem_free(g);
}
