/* scene_hand.c - somebody else at work in the account: a node is stopped, ended, tagged otherwise or protected, a group is held,
 * a balancer is protected, each at some mutation of the agent and for a while; limits that leave no room, and an IAM that does
 * not know everywhere yet what it was told a moment ago. */
#include <stdio.h>

#include "tests/sim/scene_impl.h"
#include "tests/sim/world_sim_impl.h"

static const enum tally_kind kinds[] = { TALLY_AWS_STOPPED,      TALLY_AWS_ENDED, TALLY_AWS_RETAGGED, TALLY_AWS_PROTECTED,
					 TALLY_AWS_LB_PROTECTED, TALLY_AWS_HELD,  TALLY_AWS_PART_DONE };

static void limits_make(struct scene *s)
{
	const unsigned *odds = s->odds.per_mille;
	struct aws_sim *a = s->aws;

	if (odds[TALLY_AWS_RULES_FULL] > 0)
		a->rules_max = (unsigned)odds_between(&s->odds, 2, WANT_RULES + 1);
	if (odds[TALLY_AWS_GROUPS_FULL] > 0)
		a->groups_max = 1;
	if (odds[TALLY_AWS_LISTENERS_FULL] > 0)
		a->listeners_max = 1;
	if (odds[TALLY_AWS_TGS_FULL] > 0)
		a->tgs_max = 1;
	if (odds[TALLY_AWS_PROFILE_NEW] > 0)
		a->profile_delay_ms = odds_between(&s->odds, 1000, 60000);
	if (odds[TALLY_AWS_ROLE_NEW] > 0)
		a->role_known_ms = odds_between(&s->odds, 20000, 60000);
}

void scene_hands_make(struct scene *s)
{
	static const char *const calls[] = {
		NULL, NULL, "RegisterTargets", "DeregisterTargets", "TerminateInstances", "StopInstances", "StartInstances"
	};

	limits_make(s);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (uint64_t n = s->odds.per_mille[kinds[i]] > 0 ? odds_between(&s->odds, 1, 2) : 0; n > 0; n--)
			s->hands[s->hands_n++] =
			    (struct scene_hand){ .kind = kinds[i],
						 .at_mutation = odds_between(&s->odds, 1, odds_one_in(&s->odds, 2) ? 25 : 80),
						 .call = calls[odds_between(&s->odds, 0, ARRAY_LEN(calls) - 1)],
						 .lasts_ms = odds_between(&s->odds, 60, 1800) * 1000 };
}

/* ---- what they take hold of ---- */

static bool is_ours(const struct aws_thing *t)
{
	return str_eq(aws_tag_of(t, "reeve:installation"), VENDOR_INSTALLATION);
}

static void *some_of(struct scene *s, void *const *list, size_t n, size_t thing_at, bool (*fits)(struct scene *s, const void *x))
{
	size_t from = n > 0 ? (size_t)odds_between(&s->odds, 0, n - 1) : 0;

	for (size_t k = 0; k < n; k++) {
		char *x = list[(from + k) % n];
		const struct aws_thing *t = (const struct aws_thing *)(x + thing_at);

		if (aws_is_there(s->aws, t) && is_ours(t) && fits(s, x))
			return x;
	}
	return NULL;
}

static bool runs(struct scene *s, const void *x)
{
	return aws_is_running(s->aws, x);
}

static bool is_of_another_zone(struct scene *s, const void *x)
{
	const struct aws_instance *i = x;

	return aws_is_running(s->aws, i) && str_eq(i->subnet, "subnet-0002");
}

static bool is_any(struct scene *s, const void *x)
{
	(void)s;
	(void)x;
	return true;
}

/* ---- what they do ---- */

static void retag(struct scene *s, struct aws_instance *i)
{
	static const char *const tags[][2] = { { "Name", "mine now" },
					       { "reeve:installation", "inst-9" },
					       { "reeve:warehouse", "wh-9" } };
	size_t which = (size_t)odds_between(&s->odds, 0, ARRAY_LEN(tags) - 1);

	aws_hand_tag(&i->t, tags[which][0], tags[which][1]);
	if (which > 0)
		i->lost_ms = world_now_ms(s->w);
}

/* A node of another zone comes into the first cluster: they may be ended in one call, and then it is protected. */
static void move_node(struct aws_instance *i)
{
	aws_hand_tag(&i->t, "reeve:cluster", "c1");
	i->is_moved = true;
}

static void touch_node(struct scene *s, struct scene_hand *h, struct aws_instance *i)
{
	h->thing = &i->t;
	snprintf(h->warehouse, sizeof(h->warehouse), "%s", aws_tag_of(&i->t, "reeve:warehouse"));
	if (h->kind == TALLY_AWS_STOPPED)
		aws_hand_stop(s->aws, i);
	else if (h->kind == TALLY_AWS_ENDED)
		aws_hand_end(s->aws, i);
	else if (h->kind == TALLY_AWS_RETAGGED)
		retag(s, i);
	else if (h->kind == TALLY_AWS_PART_DONE)
		move_node(i);
	else
		i->is_protected = true;
}

static void touch_balancer(struct scene_hand *h, struct aws_lb *lb)
{
	h->thing = &lb->t;
	snprintf(h->warehouse, sizeof(h->warehouse), "%s", aws_tag_of(&lb->t, "reeve:warehouse"));
	lb->is_protected = true;
}

static void touch_group(struct scene *s, struct scene_hand *h, struct aws_group *g)
{
	struct aws_interface i = { .description = "AWS Lambda VPC ENI-reports",
				   .requester = "AROASOMEBODY000000001:reports",
				   .is_attached = odds_one_in(&s->odds, 2) };

	h->thing = &g->t;
	snprintf(h->warehouse, sizeof(h->warehouse), "%s", aws_tag_of(&g->t, "reeve:warehouse"));
	snprintf(i.group, sizeof(i.group), "%s", g->t.id);
	aws_add_interface(s->aws, &i);
}

/* false: there is nothing yet that it could take hold of. */
static bool begin(struct scene *s, struct scene_hand *h)
{
	struct aws_sim *a = s->aws;
	void *x;

	if (h->kind == TALLY_AWS_LB_PROTECTED) {
		x = some_of(s, (void *const *)a->lbs, a->lbs_n, offsetof(struct aws_lb, t), is_any);
		if (x != NULL)
			touch_balancer(h, x);
	} else if (h->kind == TALLY_AWS_HELD) {
		x = some_of(s, (void *const *)a->groups, a->groups_n, offsetof(struct aws_group, t), is_any);
		if (x != NULL)
			touch_group(s, h, x);
	} else {
		x = some_of(s, (void *const *)a->instances, a->instances_n, offsetof(struct aws_instance, t),
			    h->kind == TALLY_AWS_PART_DONE ? is_of_another_zone : runs);
		if (x != NULL)
			touch_node(s, h, x);
	}
	return x != NULL;
}

static void end(struct scene *s, struct scene_hand *h)
{
	if (h->kind == TALLY_AWS_STOPPED)
		aws_hand_start(s->aws, container_of(h->thing, struct aws_instance, t));
	else if (h->kind == TALLY_AWS_PROTECTED || h->kind == TALLY_AWS_PART_DONE)
		container_of(h->thing, struct aws_instance, t)->is_protected = false;
	else if (h->kind == TALLY_AWS_LB_PROTECTED)
		container_of(h->thing, struct aws_lb, t)->is_protected = false;
	else if (h->kind == TALLY_AWS_HELD)
		aws_drop_interfaces(s->aws, h->thing->id);
}

static void has_begun(struct scene *s, struct scene_hand *h)
{
	odds_came(&s->odds, h->kind == TALLY_AWS_PART_DONE ? TALLY_AWS_RETAGGED : h->kind);
	sim_trace(s->w, "hand %s %s", tally_name(h->kind), h->thing->id);
	h->begun_ms = world_now_ms(s->w);
}

void scene_hand_ends(struct scene *s, struct aws_instance *in)
{
	struct scene_hand *h = &s->hands[s->hands_n];

	if (s->hands_n == ARRAY_LEN(s->hands))
		return;
	s->hands_n++;
	*h = (struct scene_hand){ .kind = TALLY_AWS_ENDED };
	touch_node(s, h, in);
	has_begun(s, h);
}

static bool is_on_nodes(const struct scene_hand *h)
{
	return h->kind != TALLY_AWS_LB_PROTECTED && h->kind != TALLY_AWS_HELD && h->kind != TALLY_AWS_PART_DONE;
}

static bool is_due(const struct scene *s, const struct scene_hand *h)
{
	bool waits = h->call != NULL && is_on_nodes(h);

	return h->begun_ms == 0 && (waits || s->aws->mutations >= h->at_mutation) && !s->odds.calm;
}

/* Nobody could have foreseen it: the hand is on it again from now. */
static void protect(struct scene *s, struct aws_instance *in)
{
	in->is_protected = true;
	for (size_t i = 0; i < s->hands_n; i++)
		if (s->hands[i].thing == &in->t)
			s->hands[i].begun_ms = world_now_ms(s->w);
}

static void protect_moved(struct scene *s, const struct form_sim *f)
{
	const char *id;

	for (size_t i = 0; i < s->aws->instances_n; i++)
		for (unsigned n = 1; s->aws->instances[i]->is_moved && (id = form_sim_get(f, "InstanceId.%u", n)) != NULL; n++)
			if (str_eq(s->aws->instances[i]->t.id, id) && !s->odds.calm)
				protect(s, s->aws->instances[i]);
}

void scene_hands_see(struct scene *s, const struct aws_entry *e)
{
	const char *id = form_sim_get(e->form, "InstanceId.1");

	if (id != NULL)
		protect_moved(s, e->form);
	else
		id = form_sim_get(e->form, "Targets.member.1.Id");
	for (size_t k = 0; id != NULL && k < s->aws->instances_n; k++) {
		struct aws_instance *in = s->aws->instances[k];

		for (size_t i = 0; str_eq(in->t.id, id) && !in->foreign && aws_is_running(s->aws, in) && i < s->hands_n; i++)
			if (is_due(s, &s->hands[i]) && str_eq(s->hands[i].call, e->action) && is_on_nodes(&s->hands[i])) {
				touch_node(s, &s->hands[i], in);
				has_begun(s, &s->hands[i]);
			}
	}
}

void scene_hands_move(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);

	for (size_t i = 0; i < s->hands_n; i++) {
		struct scene_hand *h = &s->hands[i];

		if (is_due(s, h) && (h->call == NULL || !is_on_nodes(h)) && begin(s, h))
			has_begun(s, h);
		if (h->begun_ms != 0 && h->ended_ms == 0 && (now > h->begun_ms + h->lasts_ms || s->odds.calm)) {
			end(s, h);
			sim_trace(s->w, "hand %s ends", tally_name(h->kind));
			h->ended_ms = now;
		}
	}
}

bool scene_is_touched(const struct scene *s, const char *warehouse, uint64_t since_ms)
{
	for (size_t i = 0; i < s->hands_n; i++) {
		const struct scene_hand *h = &s->hands[i];

		if (h->begun_ms != 0 && str_eq(h->warehouse, warehouse) && (h->ended_ms == 0 || h->ended_ms + 60000 >= since_ms))
			return true;
	}
	return false;
}

bool scene_is_touched_after(const struct scene *s, const char *warehouse, uint64_t ms)
{
	for (size_t i = 0; i < s->hands_n; i++) {
		const struct scene_hand *h = &s->hands[i];

		if (str_eq(h->warehouse, warehouse) && (h->begun_ms >= ms || h->ended_ms >= ms))
			return true;
	}
	return false;
}
