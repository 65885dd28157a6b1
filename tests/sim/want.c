/* want.c - see want.h. */
#include "tests/sim/want.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/spec.h"
#include "proto/control.pb-c.h"
#include "tests/sim/vendor_sim.h"

static const char *const group_names[WANT_GROUPS] = { "node", "extra" };
static const char *const cluster_names[WANT_CLUSTERS] = { "c1", "c2", "c3" };
static const char *const tg_names[WANT_TGS] = { "fe", "be" };
static const char *const types[] = { "m6i.large", "r6i.xlarge" };
static const char *const images[] = { AWS_IMAGE, "ami-3" };
static const char *const datas[] = { "", "data-1", "data-2" }, *const datas64[] = { NULL, "ZGF0YS0x", "ZGF0YS0y" };
static const char *const profiles[] = { "", "nodes", "others" };
static const char *const subnets[] = { "subnet-0001", "subnet-0002", "subnet-0003" };
static const char *const teams[] = { NULL, "red", "blue" };
static const char *const cidrs[] = { NULL, "10.20.0.0/16", "10.20.1.0/24", "10.20.3.7/32" };

/* ---- making ---- */

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
		if (is_dealt(o, TALLY_WANT_PROFILE))
			w->clusters[c].profile = w->clusters[c].data = 1;
		w->clusters[c].both = w->groups[1].on && is_dealt(o, TALLY_WANT_GROUPS);
	}
	if (is_dealt(o, TALLY_WANT_FULL))
		fill_up(w);
	w->lb = odds_one_in(o, 2);
	for (unsigned t = 0; t < WANT_TGS; t++) {
		w->tgs[t].on = w->lb && (t == 0 || odds_one_in(o, 3));
		w->tgs[t].clusters = (unsigned)odds_between(o, 1, (1 << WANT_CLUSTERS) - 1);
		w->listeners[t] = w->tgs[t].on && !odds_one_in(o, 4);
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
			w->listeners[t] = w->tgs[t].on && w->lb;
		return;
	}
	for (unsigned t = 0; t < WANT_TGS; t++) {
		w->tgs[t].on = w->tgs[t].on ? !odds_one_in(o, 4) : w->lb && odds_one_in(o, 3);
		w->listeners[t] = w->tgs[t].on && w->lb && !odds_one_in(o, 4);
	}
}

/* A port is kept and leads to the other group; the one that it left may go. */
static void move_listener(struct want *w, struct odds *o)
{
	unsigned t = (unsigned)odds_between(o, 0, WANT_TGS - 1), other = (w->leads[t] + 1) % WANT_TGS;

	if (!w->lb || !w->listeners[t])
		return;
	w->tgs[other].on = true;
	if (odds_one_in(o, 2) && !leads_to(w, w->leads[t], t))
		w->tgs[w->leads[t]].on = false;
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
		w->clusters[c].data = (w->clusters[c].data + 1) % ARRAY_LEN(datas);
		break;
	case 2:
		w->clusters[c].profile = (w->clusters[c].profile + 1) % ARRAY_LEN(profiles);
		break;
	case 3:
		w->clusters[c].subnet = (w->clusters[c].subnet + 1) % ARRAY_LEN(subnets);
		break;
	default:
		w->clusters[c].type ^= 1;
		break;
	}
	w->differs = true;
}

/* What a product may refuse until it has a step for it. */
static void change_rarely(struct want *w, struct odds *o)
{
	if (is_dealt(o, TALLY_WANT_MOVED))
		move_listener(w, o);
	if (is_dealt(o, TALLY_WANT_LAUNCH))
		change_launch(w, o);
	if (is_dealt(o, TALLY_WANT_MEMBERS)) {
		w->tgs[odds_between(o, 0, WANT_TGS - 1)].clusters = (unsigned)odds_between(o, 1, (1 << WANT_CLUSTERS) - 1);
		w->differs = true;
	}
	if (is_dealt(o, TALLY_WANT_SUBNETS)) {
		w->narrow = !w->narrow;
		w->differs = true;
	}
	if (is_dealt(o, TALLY_WANT_TAGS)) {
		w->tags = (w->tags + 1) % ARRAY_LEN(teams);
		w->differs = true;
	}
}

/* No listener without its target group, no node in a group that is not there. */
static void mend(struct want *w)
{
	for (unsigned t = 0; t < WANT_TGS; t++) {
		if (!w->tgs[w->leads[t]].on)
			w->leads[t] = t;
		w->listeners[t] = w->listeners[t] && w->lb && w->tgs[w->leads[t]].on;
	}
	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		w->clusters[c].both = w->clusters[c].both && w->groups[1].on;
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

/* ---- packing ---- */

typedef Reeve__Control__V1__WarehouseSpec spec_t;

/* All parts of a spec, on one frame. */
struct parts {
	spec_t spec;
	Reeve__Control__V1__SecurityGroup groups[WANT_GROUPS], *group_list[WANT_GROUPS];
	Reeve__Control__V1__Rule rules[WANT_GROUPS][WANT_FULL], *rule_lists[WANT_GROUPS][WANT_FULL];
	Reeve__Control__V1__Tag tag, *tag_list[1];
	Reeve__Control__V1__Cluster clusters[WANT_CLUSTERS], *cluster_list[WANT_CLUSTERS];
	Reeve__Control__V1__DataVolume volumes[WANT_CLUSTERS], *volume_lists[WANT_CLUSTERS][1];
	char *group_of[WANT_CLUSTERS][2];
	Reeve__Control__V1__TargetGroup tgs[WANT_TGS], *tg_list[WANT_TGS];
	char *clusters_of[WANT_TGS][WANT_CLUSTERS];
	Reeve__Control__V1__LoadBalancer lb, *lb_list[1];
	Reeve__Control__V1__Listener listeners[WANT_TGS], *listener_list[WANT_TGS];
	char *subnets[2];
};

static int filler_port(unsigned r)
{
	return 9500 + (int)r;
}

static void fill_rule(const struct want_rule *r, Reeve__Control__V1__Rule *rule, Reeve__Control__V1__SecurityGroup *m)
{
	reeve__control__v1__rule__init(rule);
	rule->protocol = (char *)"tcp";
	rule->from_port = rule->to_port = r->port;
	rule->source_case = r->cidr != NULL ? REEVE__CONTROL__V1__RULE__SOURCE_CIDR : REEVE__CONTROL__V1__RULE__SOURCE_SELF;
	if (r->cidr != NULL)
		rule->cidr = (char *)r->cidr;
	else
		rule->self = true;
	m->rules[m->n_rules++] = rule;
}

static void fill_groups(const struct want *w, struct parts *p)
{
	p->spec.security_groups = p->group_list;
	for (unsigned g = 0; g < WANT_GROUPS; g++) {
		Reeve__Control__V1__SecurityGroup *m = &p->groups[g];

		if (!w->groups[g].on)
			continue;
		reeve__control__v1__security_group__init(m);
		m->name = (char *)group_names[g];
		m->description = (char *)"nodes of the warehouse";
		m->rules = p->rule_lists[g];
		for (unsigned r = 0; r < WANT_RULES; r++)
			if (w->groups[g].rules[r].on)
				fill_rule(&w->groups[g].rules[r], &p->rules[g][m->n_rules], m);
		for (unsigned r = 0; r < w->groups[g].fill; r++)
			fill_rule(&(struct want_rule){ true, filler_port(r), "10.20.0.0/16" }, &p->rules[g][m->n_rules], m);
		p->spec.security_groups[p->spec.n_security_groups++] = m;
	}
}

static void fill_clusters(const struct want *w, struct parts *p)
{
	p->spec.clusters = p->cluster_list;
	for (unsigned c = 0; c < WANT_CLUSTERS; c++) {
		Reeve__Control__V1__Cluster *m = &p->clusters[c];
		Reeve__Control__V1__DataVolume *v = &p->volumes[c];

		if (!w->clusters[c].on)
			continue;
		reeve__control__v1__cluster__init(m);
		reeve__control__v1__data_volume__init(v);
		v->device = (char *)"/dev/sdf";
		v->type = (char *)"gp3";
		v->size_gib = 100;
		m->name = (char *)cluster_names[c];
		m->nodes = w->clusters[c].nodes;
		m->atomic = w->clusters[c].atomic;
		m->instance_type = (char *)(w->broken ? "" : types[w->clusters[c].type]);
		m->image_id = (char *)images[w->clusters[c].image];
		m->subnet_id = (char *)subnets[w->clusters[c].subnet];
		m->instance_profile = (char *)profiles[w->clusters[c].profile];
		m->user_data.data = (uint8_t *)datas[w->clusters[c].data];
		m->user_data.len = strlen(datas[w->clusters[c].data]);
		p->group_of[c][0] = (char *)group_names[w->clusters[c].group];
		m->security_groups = p->group_of[c];
		m->n_security_groups = 1;
		if (w->clusters[c].both) {
			p->group_of[c][1] = (char *)group_names[!w->clusters[c].group];
			m->n_security_groups = 2;
		}
		p->volume_lists[c][0] = v;
		m->volumes = p->volume_lists[c];
		m->n_volumes = 1;
		p->spec.clusters[p->spec.n_clusters++] = m;
	}
}

static void fill_balancer(const struct want *w, struct parts *p)
{
	p->spec.target_groups = p->tg_list;
	reeve__control__v1__load_balancer__init(&p->lb);
	p->lb.listeners = p->listener_list;
	for (unsigned t = 0; t < WANT_TGS; t++) {
		Reeve__Control__V1__TargetGroup *m = &p->tgs[t];

		if (!w->tgs[t].on)
			continue;
		reeve__control__v1__target_group__init(m);
		m->name = (char *)tg_names[t];
		m->protocol = (char *)"TCP";
		m->port = 9030 + t;
		m->clusters = p->clusters_of[t];
		for (unsigned c = 0; c < WANT_CLUSTERS; c++)
			if (w->clusters[c].on && (w->tgs[t].clusters & (1u << c)) != 0)
				m->clusters[m->n_clusters++] = (char *)cluster_names[c];
		p->spec.target_groups[p->spec.n_target_groups++] = m;
	}
	for (unsigned t = 0; t < WANT_TGS; t++) {
		Reeve__Control__V1__Listener *l = &p->listeners[t];

		reeve__control__v1__listener__init(l);
		l->port = 9030 + t;
		l->protocol = (char *)"TCP";
		l->target_group = (char *)tg_names[w->leads[t]];
		if (w->listeners[t])
			p->lb.listeners[p->lb.n_listeners++] = l;
	}
	p->subnets[0] = (char *)"subnet-0001";
	p->subnets[1] = (char *)"subnet-0002";
	p->lb.name = (char *)"front";
	p->lb.internal = true;
	p->lb.subnet_ids = p->subnets;
	p->lb.n_subnet_ids = w->narrow ? 1 : 2;
	p->lb_list[0] = &p->lb;
	p->spec.load_balancers = p->lb_list;
	p->spec.n_load_balancers = w->lb;
}

void want_pack(const struct want *w, struct buf *to)
{
	struct parts *p = mem_new(struct parts);
	Reeve__Control__V1__WarehouseApply m = REEVE__CONTROL__V1__WAREHOUSE_APPLY__INIT;
	size_t len;

	reeve__control__v1__warehouse_spec__init(&p->spec);
	p->spec.warehouse = (char *)w->warehouse;
	p->spec.generation = w->generation;
	p->spec.vpc_id = (char *)AWS_VPC;
	fill_groups(w, p);
	fill_clusters(w, p);
	fill_balancer(w, p);
	if (w->tags > 0) {
		reeve__control__v1__tag__init(&p->tag);
		p->tag.key = (char *)"team";
		p->tag.value = (char *)teams[w->tags];
		p->tag_list[0] = &p->tag;
		p->spec.tags = p->tag_list;
		p->spec.n_tags = 1;
	}
	m.spec = &p->spec;
	len = reeve__control__v1__warehouse_apply__get_packed_size(&m);
	reeve__control__v1__warehouse_apply__pack(&m, (uint8_t *)buf_room(to, len));
	buf_grew(to, len);
	mem_free(p);
}

/* ---- questions ---- */

static void full_group_name(const struct want *w, unsigned g, char to[256])
{
	spec_group_name(VENDOR_NAME, VENDOR_INSTALLATION, w->warehouse, group_names[g], to);
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
		if (from == to && from >= filler_port(0) && from < filler_port(w->groups[g].fill) && str_eq(source, "10.20.0.0/16"))
			return true;
	}
	return false;
}

unsigned want_nodes(const struct want *w, const char *cluster)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (!w->gone && w->clusters[c].on && str_eq(cluster_names[c], cluster))
			return w->clusters[c].nodes;
	return 0;
}

unsigned want_nodes_all(const struct want *w)
{
	unsigned n = 0;

	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		n += want_nodes(w, cluster_names[c]);
	return n;
}

bool want_is_high(const struct want *from, const struct want *to)
{
	bool had = false, stays = false;

	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (want_nodes(from, cluster_names[c]) > want_nodes(to, cluster_names[c]))
			return true; /* every node has a data volume */
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

	spec_short_name(VENDOR_INSTALLATION, w->warehouse, "tg", tg_names[t], name);
	for (size_t i = 0; i < a->tgs_n; i++)
		if (aws_is_there(a, &a->tgs[i]->t) && str_eq(a->tgs[i]->t.name, name))
			return a->tgs[i];
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
static const char *tg_differs(const struct want *w, unsigned t, const struct aws_sim *a)
{
	const struct aws_tg *g = tg_named(w, t, a);

	if (g == NULL)
		return say("target group %s is missing", tg_names[t]);
	for (size_t i = 0; i < a->instances_n; i++) {
		const struct aws_instance *in = a->instances[i];
		bool wanted = false;

		if (!is_of(w, &in->t) || !aws_is_alive(a, in))
			continue;
		for (unsigned c = 0; c < WANT_CLUSTERS; c++)
			wanted = wanted || (w->clusters[c].on && (w->tgs[t].clusters & (1u << c)) != 0 &&
					    str_eq(aws_tag_of(&in->t, "reeve:cluster"), cluster_names[c]));
		if (wanted != is_registered(g, in->t.id))
			return say("%s %s registered in target group %s", in->t.id, wanted ? "is not" : "is", tg_names[t]);
	}
	return NULL;
}

/* Is the node of the launch that its cluster wants? */
static const char *node_differs(const struct want *w, unsigned c, const struct aws_instance *i)
{
	unsigned groups = 1 + w->clusters[c].both;

	if (!str_eq(i->type, types[w->clusters[c].type]) || !str_eq(i->image, images[w->clusters[c].image]))
		return say("%s is a %s of %s", i->t.id, i->type, i->image);
	if (!str_eq(i->subnet, subnets[w->clusters[c].subnet]))
		return say("%s stands in %s", i->t.id, i->subnet);
	if (!str_eq(i->profile, profiles[w->clusters[c].profile]))
		return say("%s has the profile '%s'", i->t.id, i->profile);
	if (datas64[w->clusters[c].data] == NULL ? i->user_data != NULL : !str_eq(i->user_data, datas64[w->clusters[c].data]))
		return say("%s has the user data '%s'", i->t.id, i->user_data != NULL ? i->user_data : "");
	if (i->groups_n != groups)
		return say("%s is in %zu groups of %u", i->t.id, i->groups_n, groups);
	if (!str_eq(aws_tag_of(&i->t, "team"), teams[w->tags]) && (teams[w->tags] != NULL || aws_tag_of(&i->t, "team") != NULL))
		return say("%s has the tag '%s'", i->t.id, aws_tag_of(&i->t, "team") != NULL ? aws_tag_of(&i->t, "team") : "");
	return NULL;
}

static const char *clusters_differ(const struct want *w, const struct aws_sim *a, bool short_is_fine)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++) {
		unsigned n = 0, asked = want_nodes(w, cluster_names[c]);

		for (size_t i = 0; i < a->instances_n; i++) {
			const struct aws_instance *in = a->instances[i];

			if (!is_of(w, &in->t) || !aws_is_alive(a, in) ||
			    !str_eq(aws_tag_of(&in->t, "reeve:cluster"), cluster_names[c]))
				continue;
			n++;
			if (asked > 0 && !in->is_moved && node_differs(w, c, in) != NULL)
				return node_differs(w, c, in);
		}
		if (n > asked || (n < asked && !short_is_fine))
			return say("cluster %s has %u nodes of %u", cluster_names[c], n, asked);
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

const char *want_differs(const struct want *w, const struct aws_sim *a, bool short_is_fine)
{
	const char *wrong = clusters_differ(w, a, short_is_fine);
	unsigned groups = 0, tgs = 0, have = 0;

	for (unsigned g = 0; wrong == NULL && !w->gone && g < WANT_GROUPS; g++) {
		groups += w->groups[g].on;
		if (w->groups[g].on)
			wrong = group_differs(w, g, a);
	}
	for (unsigned t = 0; wrong == NULL && !w->gone && t < WANT_TGS; t++) {
		tgs += w->tgs[t].on;
		if (w->tgs[t].on)
			wrong = tg_differs(w, t, a);
	}
	if (wrong == NULL)
		wrong = balancer_differs(w, a);
	for (size_t i = 0; i < a->tgs_n; i++)
		have += is_of(w, &a->tgs[i]->t) && aws_is_there(a, &a->tgs[i]->t);
	if (wrong == NULL && have != tgs)
		wrong = say("%u target groups of %u", have, tgs);
	if (wrong == NULL && count_groups(w, a) != groups)
		wrong = say("%u groups of %u", count_groups(w, a), groups);
	return wrong;
}
