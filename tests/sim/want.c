/* want.c - see want.h: making and changing. */
#include "tests/sim/want_impl.h"

const char *const want_group_names[WANT_GROUPS] = { "node", "extra" };
const char *const want_cluster_names[WANT_CLUSTERS] = { "c1", "c2", "c3" };
const char *const want_tg_names[WANT_TGS] = { "fe", "be" };
const char *const want_types[2] = { "m6i.large", "r6i.xlarge" };
const char *const want_images[2] = { AWS_IMAGE, "ami-3" };
const char *const want_datas[3] = { "", "data-1", "data-2" }, *const want_datas64[3] = { NULL, "ZGF0YS0x", "ZGF0YS0y" };
const char *const want_profiles[3] = { "", "nodes", "others" };
const char *const want_subnets[3] = { "subnet-0001", "subnet-0002", "subnet-0003" };
const unsigned want_sizes[4] = { 100, 150, 200, 500 };
const char *const want_teams[3] = { NULL, "red", "blue" };
static const char *const cidrs[] = { NULL, "10.20.0.0/16", "10.20.1.0/24", "10.20.3.7/32" };

int want_filler_port(unsigned r)
{
	return 9500 + (int)r;
}

const char *want_cluster(struct odds *o)
{
	return want_cluster_names[odds_between(o, 0, WANT_CLUSTERS - 1)];
}

static bool is_dealt(struct odds *o, enum tally_kind kind)
{
	if (o->per_mille[kind] == 0 || odds_one_in(o, 2))
		return false;
	tally(kind);
	return true;
}

/* The first group gets as many rules as there may be. */
static void fill_up(struct want *w)
{
	w->groups[0].fill = WANT_FULL - WANT_RULES;
	for (unsigned r = 0; r < WANT_RULES; r++)
		w->groups[0].rules[r] = (struct want_rule){ true, 8000 + (int)r, "10.20.0.0/16" };
}

void want_random(struct want *w, struct odds *o, const char *warehouse)
{
	*w = (struct want){ .warehouse = warehouse, .generation = 1 };
	w->groups[0].on = true;
	w->groups[1].on = odds_one_in(o, 2);
	for (unsigned g = 0; g < WANT_GROUPS; g++)
		for (unsigned r = 0; r < WANT_RULES; r++)
			w->groups[g].rules[r] =
			    (struct want_rule){ odds_one_in(o, 2), 8000 + (int)odds_between(o, 0, 3) * 10 + (int)r,
						cidrs[odds_between(o, 0, ARRAY_LEN(cidrs) - 1)] };
	for (unsigned c = 0; c < WANT_CLUSTERS; c++) {
		w->clusters[c].on = c == 0 || odds_one_in(o, 3);
		w->clusters[c].nodes = (unsigned)odds_between(o, c == 0 ? 1 : 0, 3);
		w->clusters[c].atomic = odds_one_in(o, 4);
		w->clusters[c].group = w->groups[1].on && odds_one_in(o, 2);
		w->clusters[c].subnet = c == 1;
		w->clusters[c].spread = odds_one_in(o, 4);
		w->clusters[c].others = odds_one_in(o, 4);
		if (is_dealt(o, TALLY_WANT_PROFILE))
			w->clusters[c].profile = w->clusters[c].data = 1;
		w->clusters[c].both = w->groups[1].on && is_dealt(o, TALLY_WANT_GROUPS);
		w->clusters[c].kept = is_dealt(o, TALLY_WANT_KEPT);
		w->clusters[c].health = is_dealt(o, TALLY_WANT_HEALTH);
		w->clusters[c].drain = !is_dealt(o, TALLY_WANT_DRAIN) ? 0 : odds_one_in(o, 3) ? 1 : 2;
	}
	if (is_dealt(o, TALLY_WANT_FULL))
		fill_up(w);
	w->lb = odds_one_in(o, 2);
	for (unsigned t = 0; t < WANT_TGS; t++) {
		w->target_groups[t].on = w->lb && (t == 0 || odds_one_in(o, 3));
		w->target_groups[t].clusters = (unsigned)odds_between(o, 1, (1 << WANT_CLUSTERS) - 1);
		w->listeners[t] = w->target_groups[t].on && !odds_one_in(o, 4);
		w->leads[t] = t;
	}
}

static void change_clusters(struct want *w, struct odds *o)
{
	unsigned c = (unsigned)odds_between(o, 0, WANT_CLUSTERS - 1);

	if (c > 0 && odds_one_in(o, 3))
		w->clusters[c].on = !w->clusters[c].on;
	else
		w->clusters[c].nodes = (unsigned)odds_between(o, 0, 3);
	if (!w->groups[1].on)
		w->clusters[c].group = 0;
}

static void change_rules(struct want *w, struct odds *o)
{
	struct want_rule *r = &w->groups[odds_between(o, 0, WANT_GROUPS - 1)].rules[odds_between(o, 0, WANT_RULES - 1)];

	r->on = !r->on;
	if (odds_one_in(o, 3))
		r->cidr = cidrs[odds_between(o, 0, ARRAY_LEN(cidrs) - 1)];
}

static bool leads_to(const struct want *w, unsigned tg, unsigned but)
{
	for (unsigned t = 0; t < WANT_TGS; t++)
		if (t != but && w->listeners[t] && w->leads[t] == tg)
			return true;
	return false;
}

static void change_balancer(struct want *w, struct odds *o)
{
	if (odds_one_in(o, 3)) {
		w->lb = !w->lb;
		for (unsigned t = 0; t < WANT_TGS; t++)
			w->listeners[t] = w->target_groups[t].on && w->lb;
		return;
	}
	for (unsigned t = 0; t < WANT_TGS; t++) {
		w->target_groups[t].on = w->target_groups[t].on ? !odds_one_in(o, 4) : w->lb && odds_one_in(o, 3);
		w->listeners[t] = w->target_groups[t].on && w->lb && !odds_one_in(o, 4);
	}
}

/* A port is kept and leads to the other group; the one that it left may go. */
static void move_listener(struct want *w, struct odds *o)
{
	unsigned t = (unsigned)odds_between(o, 0, WANT_TGS - 1), other = (w->leads[t] + 1) % WANT_TGS;

	if (!w->lb || !w->listeners[t])
		return;
	w->target_groups[other].on = true;
	if (odds_one_in(o, 2) && !leads_to(w, w->leads[t], t))
		w->target_groups[w->leads[t]].on = false;
	w->leads[t] = other;
}

static void change_launch(struct want *w, struct odds *o)
{
	unsigned c = (unsigned)odds_between(o, 0, WANT_CLUSTERS - 1);

	switch (odds_between(o, 0, 4)) {
	case 0:
		w->clusters[c].image ^= 1;
		break;
	case 1:
		w->clusters[c].data = (w->clusters[c].data + 1) % ARRAY_LEN(want_datas);
		break;
	case 2:
		w->clusters[c].profile = (w->clusters[c].profile + 1) % ARRAY_LEN(want_profiles);
		break;
	case 3:
		w->clusters[c].subnet = (w->clusters[c].subnet + 1) % ARRAY_LEN(want_subnets);
		break;
	default:
		w->clusters[c].type ^= 1;
		return;
	}
	w->differs = true;
}

void want_upgrade(struct want *w, struct odds *o)
{
	w->generation++;
	for (unsigned c = 0; c < WANT_CLUSTERS; c++) {
		if (odds_one_in(o, 3))
			continue;
		if (odds_one_in(o, 3))
			w->clusters[c].data = (w->clusters[c].data + 1) % ARRAY_LEN(want_datas);
		else
			w->clusters[c].image ^= 1;
	}
}

static void grow(struct want *w, struct odds *o)
{
	unsigned c = odds_one_in(o, 2) ? 0 : (unsigned)odds_between(o, 0, WANT_CLUSTERS - 1);

	w->clusters[c].size += w->clusters[c].size + 1 < ARRAY_LEN(want_sizes);
}

/* What a product may refuse until it has a step for it. */
static void change_rarely(struct want *w, struct odds *o)
{
	if (is_dealt(o, TALLY_WANT_GROWN))
		grow(w, o);
	if (is_dealt(o, TALLY_WANT_MOVED))
		move_listener(w, o);
	if (is_dealt(o, TALLY_WANT_LAUNCH))
		change_launch(w, o);
	if (is_dealt(o, TALLY_WANT_PAUSED)) {
		unsigned c = (unsigned)odds_between(o, 0, WANT_CLUSTERS - 1);

		w->clusters[c].paused = !w->clusters[c].paused;
	}
	if (is_dealt(o, TALLY_WANT_TYPE))
		w->clusters[odds_between(o, 0, WANT_CLUSTERS - 1)].type ^= 1;
	if (is_dealt(o, TALLY_WANT_MEMBERS)) {
		w->target_groups[odds_between(o, 0, WANT_TGS - 1)].clusters =
		    (unsigned)odds_between(o, 1, (1 << WANT_CLUSTERS) - 1);
		w->differs = true;
	}
	if (is_dealt(o, TALLY_WANT_SUBNETS)) {
		w->narrow = !w->narrow;
		w->differs = true;
	}
	if (is_dealt(o, TALLY_WANT_TAGS)) {
		w->tags = (w->tags + 1) % ARRAY_LEN(want_teams);
	}
}

/* No listener without its target group, no node in a group that is not there. */
static void mend(struct want *w)
{
	for (unsigned t = 0; t < WANT_TGS; t++) {
		if (!w->target_groups[w->leads[t]].on)
			w->leads[t] = t;
		w->listeners[t] = w->listeners[t] && w->lb && w->target_groups[w->leads[t]].on;
	}
	/* Behind a balancer that stands in one subnet nodes of another zone would get no traffic. */
	for (unsigned c = 0; c < WANT_CLUSTERS; c++) {
		w->clusters[c].both = w->clusters[c].both && w->groups[1].on;
		w->clusters[c].spread = w->clusters[c].spread && !w->narrow;
	}
}

void want_change(struct want *w, struct odds *o)
{
	w->generation++;
	change_rarely(w, o);
	for (uint64_t n = odds_between(o, 1, 3); n > 0; n--) {
		uint64_t what = odds_between(o, 0, 3);

		if (what <= 1)
			change_clusters(w, o);
		else if (what == 2)
			change_rules(w, o);
		else
			change_balancer(w, o);
	}
	mend(w);
}
