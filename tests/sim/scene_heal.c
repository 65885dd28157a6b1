/* scene_heal.c - when all commands have ended: somebody ends a node of a warehouse that heals itself, with the vendor there or
 * gone, and the agent must launch one in its place, and no second one. Before that another may fall sick; where that one is left
 * standing it counts for nothing, and what is lost beside it is healed all the same. Or it comes at once, before anybody has looked
 * who is there. What the lost one has kept the new one gets, and no other's. */
#include <stdio.h>

#include "tests/sim/scene_impl.h"
#include "tests/sim/want_impl.h"

#define HOUR_MS (60ull * 60 * 1000)
#define KNOWN_MS (20ull * 60 * 1000) /* by then the patrol has seen who is there */
#define PATIENCE_MS (6 * HOUR_MS)
#define CALM_MS (30ull * 60 * 1000) /* and after it is healed nothing more comes */
#define SICK_MS (3 * HOUR_MS)       /* one that was not replaced by then has no room for another beside it */

typedef Reeve__Control__V1__State state_t;
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

void scene_heal_make(struct scene *s)
{
	s->heal.is_wanted = s->odds.per_mille[TALLY_HEAL_ASKED] > 0;
	if (s->heal.is_wanted)
		tally(TALLY_HEAL_ASKED);
	s->heal.without_vendor = odds_one_in(&s->odds, 2);
	s->heal.sickens = odds_one_in(&s->odds, 2);
	s->heal.is_early = !s->heal.sickens && odds_one_in(&s->odds, 2);
}

/* ---- who ---- */

static bool lays_down(const struct scene_order *o)
{
	return o->reboot == NULL && o->replace == NULL && !o->plan_only && o->cmd->state != STATE(DENIED) &&
	       o->cmd->state != STATE(EXPIRED) && o->cmd->state != STATE(REJECTED_UNSUPPORTED);
}

/* What stands there is known for certain where the last command that laid something down has succeeded, and nobody has touched
 * it. */
static const struct scene_order *standing_order(struct scene *s, const char *warehouse)
{
	const struct scene_order *last = NULL;

	for (size_t i = 0; i < s->issued; i++)
		if (str_eq(s->orders[i].want.warehouse, warehouse) && lays_down(&s->orders[i]))
			last = &s->orders[i];
	if (last == NULL || last->is_delete || last->cmd->state != STATE(SUCCEEDED) || last->want.gone ||
	    strstr(last->cmd->note, "short") != NULL || scene_is_touched(s, warehouse, 0))
		return NULL;
	return last;
}

/* One that has fallen sick counts no more. */
static struct aws_instance *node_of(struct scene *s, const char *warehouse, const char *cluster, unsigned *ret_alive)
{
	struct aws_instance *first = NULL;

	*ret_alive = 0;
	for (size_t i = 0; i < s->aws->instances_n; i++) {
		struct aws_instance *in = s->aws->instances[i];

		if (in == s->heal.sick || in->foreign || in->lost_ms != 0 || in->is_moved || !aws_is_alive(s->aws, in) ||
		    !str_eq(aws_tag_of(&in->t, "reeve:warehouse"), warehouse) ||
		    !str_eq(aws_tag_of(&in->t, "reeve:cluster"), cluster))
			continue;
		++*ret_alive;
		if (first == NULL && aws_is_running(s->aws, in))
			first = in;
	}
	return first;
}

static bool choose_in(struct scene *s, const struct scene_order *o)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++) {
		const char *cluster = want_cluster_names[c];
		unsigned alive, wanted = want_nodes(&o->want, cluster);
		struct aws_instance *node = node_of(s, o->want.warehouse, cluster, &alive);

		if (node == NULL || wanted == 0 || alive != wanted || node->is_protected || want_is_paused(&o->want, cluster))
			continue;
		s->heal.order = o;
		s->heal.cluster = cluster;
		s->heal.wanted = wanted;
		return true;
	}
	return false;
}

static bool choose(struct scene *s)
{
	for (size_t i = 0; i < s->issued; i++) {
		const struct scene_order *o = standing_order(s, s->orders[i].want.warehouse);

		if (o != NULL && choose_in(s, o))
			return true;
	}
	return false;
}

/* ---- what happens ---- */

static void arm(struct scene *s)
{
	s->heal.armed_ms = world_now_ms(s->w);
	scene_policy_write(s, SCENE_HEALS);
}

static void sicken(struct scene *s)
{
	unsigned alive;
	struct aws_instance *node = node_of(s, s->heal.order->want.warehouse, s->heal.cluster, &alive);

	s->heal.sick_ms = world_now_ms(s->w);
	if (node == NULL || alive != s->heal.wanted) {
		s->heal.is_over = true;
		return;
	}
	sim_trace(s->w, "%s of %s falls sick", node->t.id, s->heal.cluster);
	node->check = "impaired";
	node->unchecked_ms = s->heal.sick_ms;
	node->checked_ms = UINT64_MAX;
	s->heal.sick = node;
}

/* Another stands in its place, and the patrol has seen it. */
static void see_sick(struct scene *s, uint64_t now)
{
	unsigned alive;

	node_of(s, s->heal.order->want.warehouse, s->heal.cluster, &alive);
	if (alive != s->heal.wanted)
		s->heal.made_up_ms = 0;
	else if (s->heal.made_up_ms == 0)
		s->heal.made_up_ms = now;
	if (scene_is_touched(s, s->heal.order->want.warehouse, s->heal.sick_ms) || alive > s->heal.wanted ||
	    (s->heal.made_up_ms == 0 && now - s->heal.sick_ms > SICK_MS))
		s->heal.is_over = true;
}

static const struct aws_volume *kept_of(const struct scene *s, const struct aws_instance *node)
{
	for (size_t i = 0; i < s->aws->volumes_n; i++)
		if (s->aws->volumes[i]->node == node && s->aws->volumes[i]->is_kept && !s->aws->volumes[i]->is_root)
			return s->aws->volumes[i];
	return NULL;
}

static void strike(struct scene *s)
{
	unsigned alive;
	struct aws_instance *node = node_of(s, s->heal.order->want.warehouse, s->heal.cluster, &alive);

	s->heal.struck_ms = world_now_ms(s->w);
	if (node == NULL || alive != s->heal.wanted) {
		s->heal.is_over = true; /* a node has died by itself: nothing is to be learned any more */
		return;
	}
	tally(TALLY_HEAL_STRUCK);
	if (s->heal.without_vendor)
		tally(TALLY_HEAL_ALONE);
	if (s->heal.sick != NULL && aws_is_alive(s->aws, s->heal.sick))
		tally(TALLY_HEAL_LEFT);
	sim_trace(s->w, "somebody ends %s of %s", node->t.id, s->heal.cluster);
	s->heal.instances_n = s->aws->instances_n;
	s->heal.left = scene_left_volumes(s, s->heal.order->want.warehouse, s->heal.cluster);
	/* Those that were healed, replaced or upgraded a moment ago may still be letting go of their own. */
	s->heal.left += scene_leaving_volumes(s, s->heal.order->want.warehouse, s->heal.cluster);
	s->heal.struck = node;
	s->heal.own = kept_of(s, node);
	if (s->heal.is_early)
		tally(TALLY_HEAL_EARLY);
	aws_hand_end(s->aws, node);
}

/* Those that were launched in its place, and did not die of AWS's own faults. In another warehouse one may have died by itself, and
 * be healed beside it. */
static unsigned launched(const struct scene *s)
{
	unsigned n = 0;

	for (size_t i = s->heal.instances_n; i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];

		n += aws_is_alive(s->aws, in) && !in->foreign &&
		     str_eq(aws_tag_of(&in->t, "reeve:warehouse"), s->heal.order->want.warehouse);
	}
	return n;
}

/* What the lost node has left the new one has, whatever lay there before: so there are not more than there were. */
static void see_left(struct scene *s)
{
	unsigned left = scene_left_volumes(s, s->heal.order->want.warehouse, s->heal.cluster);

	if (s->heal.healed_ms != 0)
		tally(TALLY_CHECK_GIVEN);
	if (s->heal.healed_ms != 0 && s->heal.own != NULL && s->heal.own->node == s->heal.struck && fault_is_on(TALLY_CHECK_GIVEN))
		odds_broken(&s->odds, "a node of %s was healed, and its own volume %s lies there", s->heal.cluster,
			    s->heal.own->t.id);
	if (s->heal.healed_ms != 0 && left > s->heal.left && fault_is_on(TALLY_CHECK_GIVEN))
		odds_broken(&s->odds, "a node of %s was healed, and its volume is left beside it", s->heal.cluster);
}

static void see(struct scene *s, uint64_t now)
{
	unsigned alive;

	node_of(s, s->heal.order->want.warehouse, s->heal.cluster, &alive);
	/* Another hand, which was waiting for a call, has come in between: it may have ended one more. */
	if (scene_is_touched(s, s->heal.order->want.warehouse, s->heal.struck_ms)) {
		s->heal.is_over = true;
		return;
	}
	if (launched(s) > 1 || alive > s->heal.wanted)
		odds_broken(&s->odds, "%u nodes launched in the place of one", launched(s));
	if (alive != s->heal.wanted)
		s->heal.healed_ms = 0;
	else if (s->heal.healed_ms == 0)
		s->heal.healed_ms = now;
	if (now - s->heal.struck_ms > PATIENCE_MS && s->heal.healed_ms == 0)
		odds_broken(&s->odds, "a node of %s was lost, and none has come in its place for hours", s->heal.cluster);
	if (s->heal.healed_ms != 0 && now - s->heal.healed_ms > CALM_MS)
		see_left(s);
	s->heal.is_over = (s->heal.healed_ms != 0 && now - s->heal.healed_ms > CALM_MS) || now - s->heal.struck_ms > PATIENCE_MS;
}

bool scene_heal_is_vendor_away(const struct scene *s)
{
	return s->heal.without_vendor && s->heal.struck_ms != 0 && !s->heal.is_over;
}

bool scene_heal_is_on(const struct scene *s)
{
	return s->heal.armed_ms != 0;
}

/* True: nothing of it is ahead. */
bool scene_heal_tick(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);

	if (!s->heal.is_wanted || s->heal.is_over)
		return true;
	if (s->heal.armed_ms == 0 && !choose(s))
		return s->heal.is_over = true;
	if (s->heal.armed_ms == 0)
		arm(s);
	else if (s->heal.sickens && s->heal.sick_ms == 0 && now - s->heal.armed_ms > KNOWN_MS)
		sicken(s);
	else if (s->heal.sick != NULL && s->heal.struck_ms == 0 &&
		 (s->heal.made_up_ms == 0 || now - s->heal.made_up_ms <= KNOWN_MS))
		see_sick(s, now);
	else if (s->heal.struck_ms == 0 && (s->heal.is_early || now - s->heal.armed_ms > KNOWN_MS))
		strike(s);
	else if (s->heal.struck_ms != 0)
		see(s, now);
	return s->heal.is_over;
}
