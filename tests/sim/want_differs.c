/* want_differs.c - what is wanted, asked about and held against what the pretend AWS holds. */
#include "tests/sim/want_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/ops/plan/spec.h"
#include "tests/sim/vendor_sim.h"

/* ---- questions ---- */

static void full_group_name(const struct want *w, unsigned g, char to[256])
{
	spec_group_name(VENDOR_NAME, VENDOR_INSTALLATION, w->warehouse, want_group_names[g], to);
}

/* The specs say nothing of egress. */
static const struct {
	const char *protocol;
	int port;
	const char *target;
} egress[] = { { "tcp", 443, AWS_VPC_CIDR }, { "tcp", 443, AWS_VPC_CIDR6 }, { "tcp", 443, AWS_S3_LIST } };
#define EGRESS_N ((unsigned)ARRAY_LEN(egress) + 1)

bool want_egress_has(const char *protocol, int from, int to, const char *target)
{
	if (str_eq(protocol, "-1") && str_starts(target, "sg-"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(egress); i++)
		if (str_eq(protocol, egress[i].protocol) && from == egress[i].port && to == from &&
		    str_eq(target, egress[i].target))
			return true;
	return false;
}

bool want_rule_in(const struct want *w, const char *group, const char *protocol, int from, int to, const char *source)
{
	char name[256];

	for (unsigned g = 0; g < WANT_GROUPS; g++) {
		full_group_name(w, g, name);
		if (!w->groups[g].on || !str_eq(name, group))
			continue;
		for (unsigned r = 0; r < WANT_RULES; r++) {
			const struct want_rule *rule = &w->groups[g].rules[r];

			if (rule->on && str_eq(protocol, "tcp") && rule->port == from && rule->port == to &&
			    (rule->cidr != NULL ? str_eq(rule->cidr, source) : str_starts(source, "sg-")))
				return true;
		}
		if (from == to && from >= want_filler_port(0) && from < want_filler_port(w->groups[g].fill) &&
		    str_eq(source, "10.20.0.0/16"))
			return true;
	}
	return false;
}

unsigned want_nodes(const struct want *w, const char *cluster)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (!w->gone && w->clusters[c].on && str_eq(want_cluster_names[c], cluster))
			return w->clusters[c].nodes;
	return 0;
}

bool want_is_paused(const struct want *w, const char *cluster)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (w->clusters[c].on && str_eq(want_cluster_names[c], cluster))
			return w->clusters[c].paused;
	return false;
}

bool want_has_health(const struct want *w, const char *cluster)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (w->clusters[c].on && str_eq(want_cluster_names[c], cluster))
			return w->clusters[c].health;
	return false;
}

bool want_drains(const struct want *w, const char *cluster)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (w->clusters[c].on && str_eq(want_cluster_names[c], cluster))
			return w->clusters[c].drain == 2;
	return false;
}

unsigned want_nodes_all(const struct want *w)
{
	unsigned n = 0;

	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		n += want_nodes(w, want_cluster_names[c]);
	return n;
}

bool want_is_high(const struct want *from, const struct want *to)
{
	bool had = false, stays = false;

	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (want_nodes(from, want_cluster_names[c]) > want_nodes(to, want_cluster_names[c]) &&
		    (!from->clusters[c].kept || want_nodes(to, want_cluster_names[c]) == 0))
			return true; /* every node has a data volume, and most go with it */
	for (unsigned t = 0; t < WANT_TGS; t++) {
		bool is = from->lb && !from->gone && from->listeners[t];

		had = had || is;
		stays = stays || (is && to->lb && !to->gone && to->listeners[t]);
	}
	return had && !stays;
}

/* ---- the end ---- */

static char sentence[512];

static const char *say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	return sentence;
}

static bool is_of(const struct want *w, const struct aws_thing *t)
{
	return str_eq(aws_tag_of(t, "reeve:warehouse"), w->warehouse) &&
	       str_eq(aws_tag_of(t, "reeve:installation"), VENDOR_INSTALLATION);
}

static const struct aws_group *group_named(const struct aws_sim *a, const char *name)
{
	for (size_t i = 0; i < a->groups_n; i++)
		if (aws_is_there(a, &a->groups[i]->t) && str_eq(a->groups[i]->t.name, name))
			return a->groups[i];
	return NULL;
}

static const char *group_differs(const struct want *w, unsigned g, const struct aws_sim *a)
{
	char name[256];
	const struct aws_group *have;
	unsigned asked = w->groups[g].fill, there = 0, out = 0;

	full_group_name(w, g, name);
	have = group_named(a, name);
	if (have == NULL)
		return say("group %s is missing", name);
	for (size_t i = 0; i < have->rules_n; i++) {
		const struct aws_rule *r = &have->rules[i];

		if (!aws_rule_stands(r))
			continue;
		out += r->is_egress;
		if (r->is_egress && !want_egress_has(r->protocol, r->from, r->to, r->source))
			return say("group %s lets more leave than it is to: %s %s", name, r->protocol, r->source);
		if (r->is_egress)
			continue;
		there++;
		if (!want_rule_in(w, name, r->protocol, r->from, r->to, r->source))
			return say("group %s has a rule beyond the spec: %s %d-%d from %s", name, r->protocol, r->from, r->to,
				   r->source);
	}
	for (unsigned r = 0; r < WANT_RULES; r++) {
		const struct want_rule *x = &w->groups[g].rules[r];
		bool repeated = false;

		for (unsigned k = 0; k < r; k++)
			repeated = repeated || (w->groups[g].rules[k].on && w->groups[g].rules[k].port == x->port &&
						str_eq(w->groups[g].rules[k].cidr, x->cidr));
		asked += x->on && !repeated;
	}
	if (out != EGRESS_N)
		return say("group %s has %u ways out of %u", name, out, EGRESS_N);
	return asked == there ? NULL : say("group %s has %u rules of %u", name, there, asked);
}

static const struct aws_tg *tg_named(const struct want *w, unsigned t, const struct aws_sim *a)
{
	char name[33];

	spec_short_name(VENDOR_INSTALLATION, w->warehouse, "tg", want_tg_names[t], name);
	for (size_t i = 0; i < a->target_groups_n; i++)
		if (aws_is_there(a, &a->target_groups[i]->t) && str_eq(a->target_groups[i]->t.name, name))
			return a->target_groups[i];
	return NULL;
}

static bool is_registered(const struct aws_tg *g, const char *id)
{
	for (size_t i = 0; i < g->targets_n; i++)
		if (str_eq(g->targets[i].id, id) && g->targets[i].draining_ms == 0)
			return true;
	return false;
}

/* Every node of its clusters, and no other node that lives. */
static const char *tg_differs(const struct want *w, unsigned t, const struct aws_sim *a, bool short_is_fine)
{
	const struct aws_tg *g = tg_named(w, t, a);

	if (g == NULL)
		return say("target group %s is missing", want_tg_names[t]);
	for (size_t i = 0; i < a->instances_n; i++) {
		const struct aws_instance *in = a->instances[i];
		bool wanted = false;

		if (!is_of(w, &in->t) || !aws_is_alive(a, in))
			continue;
		for (unsigned c = 0; c < WANT_CLUSTERS; c++)
			wanted = wanted ||
				 (w->clusters[c].on && !w->clusters[c].paused && (w->target_groups[t].clusters & (1u << c)) != 0 &&
				  str_eq(aws_tag_of(&in->t, "reeve:cluster"), want_cluster_names[c]));
		/* One that did not become ready stays and is not let in. */
		if (wanted && short_is_fine && (str_eq(in->check, "impaired") || !in->is_healthy_told))
			continue;
		if (wanted != is_registered(g, in->t.id))
			return say("%s %s registered in target group %s", in->t.id, wanted ? "is not" : "is", want_tg_names[t]);
	}
	return NULL;
}

static const char *volume_differs(const struct want *w, unsigned c, const struct aws_sim *a, const struct aws_instance *i)
{
	unsigned size, n = 0;

	for (size_t v = 0; v < a->volumes_n; v++)
		n += a->volumes[v]->node == i && !a->volumes[v]->is_root;
	if (n > 1)
		return say("%s has %u data volumes", i->t.id, n);
	for (size_t v = 0; v < a->volumes_n; v++) {
		if (a->volumes[v]->node != i || a->volumes[v]->is_root)
			continue;
		size = aws_volume_form(a, a->volumes[v]).size_gib;
		if (a->volumes[v]->is_kept != w->clusters[c].kept)
			return say("%s %s kept", a->volumes[v]->t.id, a->volumes[v]->is_kept ? "is" : "is not");
		return size == want_sizes[w->clusters[c].size]
			   ? NULL
			   : say("%s has %u GiB of %u", a->volumes[v]->t.id, size, want_sizes[w->clusters[c].size]);
	}
	return say("%s has no data volume", i->t.id);
}

/* Is the node of the launch that its cluster wants? */
static const char *node_differs(const struct want *w, unsigned c, const struct aws_sim *a, const struct aws_instance *i)
{
	unsigned groups = 1 + w->clusters[c].both;

	if ((!str_eq(i->type, want_types[w->clusters[c].type]) && !w->clusters[c].others) ||
	    !str_eq(i->image, want_images[w->clusters[c].image]))
		return say("%s is a %s of %s", i->t.id, i->type, i->image);
	if (aws_is_stopped(a, i) != w->clusters[c].paused)
		return say("%s is %s, and cluster %s is%s paused", i->t.id, aws_is_stopped(a, i) ? "stopped" : "running",
			   want_cluster_names[c], w->clusters[c].paused ? "" : " not");
	if (w->clusters[c].spread ? !str_eq(i->subnet, want_subnets[0]) && !str_eq(i->subnet, want_subnets[1])
				  : !str_eq(i->subnet, want_subnets[w->clusters[c].subnet]))
		return say("%s stands in %s", i->t.id, i->subnet);
	if (!str_eq(i->profile, want_profiles[w->clusters[c].profile]))
		return say("%s has the profile '%s'", i->t.id, i->profile);
	if (want_datas64[w->clusters[c].data] == NULL ? i->user_data != NULL
						      : !str_eq(i->user_data, want_datas64[w->clusters[c].data]))
		return say("%s has the user data '%s'", i->t.id, i->user_data != NULL ? i->user_data : "");
	if (i->groups_n != groups)
		return say("%s is in %zu groups of %u", i->t.id, i->groups_n, groups);
	return volume_differs(w, c, a, i);
}

static const char *clusters_differ(const struct want *w, const struct aws_sim *a, bool short_is_fine)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++) {
		unsigned n = 0, asked = want_nodes(w, want_cluster_names[c]);

		for (size_t i = 0; i < a->instances_n; i++) {
			const struct aws_instance *in = a->instances[i];

			if (!is_of(w, &in->t) || !aws_is_alive(a, in) ||
			    !str_eq(aws_tag_of(&in->t, "reeve:cluster"), want_cluster_names[c]))
				continue;
			n++;
			if (asked > 0 && !in->is_moved && node_differs(w, c, a, in) != NULL)
				return node_differs(w, c, a, in);
		}
		/* What a paused cluster lacks is not launched. */
		if (n > asked || (n < asked && !short_is_fine && !w->clusters[c].paused))
			return say("cluster %s has %u nodes of %u", want_cluster_names[c], n, asked);
	}
	return NULL;
}

static unsigned count_groups(const struct want *w, const struct aws_sim *a)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->groups_n; i++)
		n += is_of(w, &a->groups[i]->t) && aws_is_there(a, &a->groups[i]->t);
	return n;
}

static const char *balancer_differs(const struct want *w, const struct aws_sim *a)
{
	unsigned lbs = 0, listeners = 0, asked = 0;

	for (size_t i = 0; i < a->lbs_n; i++)
		if (is_of(w, &a->lbs[i]->t) && aws_is_there(a, &a->lbs[i]->t)) {
			lbs++;
			if (!w->gone && (strstr(a->lbs[i]->settings, "subnet-0002") == NULL) != w->narrow)
				return say("the balancer stands in %s", a->lbs[i]->settings);
		}
	for (size_t i = 0; i < a->listeners_n; i++) {
		const struct aws_listener *l = a->listeners[i];
		unsigned t = l->port - 9030;

		if (!is_of(w, &l->lb->t) || !aws_is_there(a, &l->t))
			continue;
		listeners++;
		if (t >= WANT_TGS || w->gone || !w->listeners[t] || l->tg != tg_named(w, w->leads[t], a))
			return say("a listener on port %u beyond the spec", l->port);
	}
	for (unsigned t = 0; t < WANT_TGS; t++)
		asked += !w->gone && w->lb && w->listeners[t];
	if (lbs != (unsigned)(!w->gone && w->lb))
		return say("%u load balancers", lbs);
	return listeners == asked ? NULL : say("%u listeners of %u", listeners, asked);
}

static const char *thing_tags_differ(const struct want *w, const struct aws_thing *t)
{
	const char *team = aws_tag_of(t, "team");

	if (!str_eq(team, want_teams[w->tags]))
		return say("%s has the tag '%s'", t->id, team != NULL ? team : "");
	return NULL;
}

/* Everything of the warehouse bears them, made now or long ago; but what a node has left behind is nobody's to tag. */
static const char *tags_differ(const struct want *w, const struct aws_sim *a)
{
	const char *wrong = NULL;

	for (size_t i = 0; wrong == NULL && i < a->instances_n; i++)
		if (is_of(w, &a->instances[i]->t) && aws_is_alive(a, a->instances[i]) && !a->instances[i]->is_moved) {
			wrong = thing_tags_differ(w, &a->instances[i]->t);
			wrong = wrong != NULL ? wrong : thing_tags_differ(w, &a->instances[i]->interface);
		}
	for (size_t i = 0; wrong == NULL && i < a->volumes_n; i++)
		if (is_of(w, &a->volumes[i]->t) && is_of(w, &a->volumes[i]->node->t) && aws_is_alive(a, a->volumes[i]->node) &&
		    !a->volumes[i]->node->is_moved)
			wrong = thing_tags_differ(w, &a->volumes[i]->t);
	for (size_t i = 0; wrong == NULL && i < a->groups_n; i++)
		if (is_of(w, &a->groups[i]->t) && aws_is_there(a, &a->groups[i]->t))
			wrong = thing_tags_differ(w, &a->groups[i]->t);
	for (size_t i = 0; wrong == NULL && i < a->target_groups_n; i++)
		if (is_of(w, &a->target_groups[i]->t) && aws_is_there(a, &a->target_groups[i]->t))
			wrong = thing_tags_differ(w, &a->target_groups[i]->t);
	for (size_t i = 0; wrong == NULL && i < a->lbs_n; i++)
		if (is_of(w, &a->lbs[i]->t) && aws_is_there(a, &a->lbs[i]->t))
			wrong = thing_tags_differ(w, &a->lbs[i]->t);
	for (size_t i = 0; wrong == NULL && i < a->listeners_n; i++)
		if (is_of(w, &a->listeners[i]->t) && aws_is_there(a, &a->listeners[i]->t))
			wrong = thing_tags_differ(w, &a->listeners[i]->t);
	return wrong;
}

const char *want_differs(const struct want *w, const struct aws_sim *a, bool short_is_fine)
{
	const char *wrong = clusters_differ(w, a, short_is_fine);
	unsigned groups = 0, target_groups = 0, have = 0;

	for (unsigned g = 0; wrong == NULL && !w->gone && g < WANT_GROUPS; g++) {
		groups += w->groups[g].on;
		if (w->groups[g].on)
			wrong = group_differs(w, g, a);
	}
	for (unsigned t = 0; wrong == NULL && !w->gone && t < WANT_TGS; t++) {
		target_groups += w->target_groups[t].on;
		if (w->target_groups[t].on)
			wrong = tg_differs(w, t, a, short_is_fine);
	}
	if (wrong == NULL)
		wrong = balancer_differs(w, a);
	if (wrong == NULL && !w->gone)
		wrong = tags_differ(w, a);
	for (size_t i = 0; i < a->target_groups_n; i++)
		have += is_of(w, &a->target_groups[i]->t) && aws_is_there(a, &a->target_groups[i]->t);
	if (wrong == NULL && have != target_groups)
		wrong = say("%u target groups of %u", have, target_groups);
	if (wrong == NULL && count_groups(w, a) != groups)
		wrong = say("%u groups of %u", count_groups(w, a), groups);
	return wrong;
}
