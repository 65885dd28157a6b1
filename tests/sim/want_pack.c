/* want_pack.c - what is wanted, as a specification on the wire. */
#include "tests/sim/want_impl.h"

#include <string.h>

#include "agent/base/mem.h"
#include "proto/control.pb-c.h"

typedef Reeve__Control__V1__WarehouseSpec spec_t;

/* All parts of a spec, on one frame. */
struct parts {
	spec_t spec;
	Reeve__Control__V1__SecurityGroup groups[WANT_GROUPS], *group_list[WANT_GROUPS];
	Reeve__Control__V1__Rule rules[WANT_GROUPS][WANT_FULL], *rule_lists[WANT_GROUPS][WANT_FULL];
	Reeve__Control__V1__Tag tag, *tag_list[1];
	Reeve__Control__V1__Cluster clusters[WANT_CLUSTERS], *cluster_list[WANT_CLUSTERS];
	Reeve__Control__V1__DataVolume volumes[WANT_CLUSTERS], *volume_lists[WANT_CLUSTERS][1];
	Reeve__Control__V1__NodeEndpoint health[WANT_CLUSTERS], drain_call[WANT_CLUSTERS];
	Reeve__Control__V1__Drain drain[WANT_CLUSTERS];
	char *group_of[WANT_CLUSTERS][2];
	Reeve__Control__V1__TargetGroup target_groups[WANT_TGS], *tg_list[WANT_TGS];
	char *clusters_of[WANT_TGS][WANT_CLUSTERS];
	Reeve__Control__V1__LoadBalancer lb, *lb_list[1];
	Reeve__Control__V1__Listener listeners[WANT_TGS], *listener_list[WANT_TGS];
	char *subnets[2], *spread[2], *other_types[WANT_CLUSTERS][1];
};

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
		m->name = (char *)want_group_names[g];
		m->description = (char *)"nodes of the warehouse";
		m->rules = p->rule_lists[g];
		for (unsigned r = 0; r < WANT_RULES; r++)
			if (w->groups[g].rules[r].on)
				fill_rule(&w->groups[g].rules[r], &p->rules[g][m->n_rules], m);
		for (unsigned r = 0; r < w->groups[g].fill; r++)
			fill_rule(&(struct want_rule){ true, want_filler_port(r), "10.20.0.0/16" }, &p->rules[g][m->n_rules], m);
		p->spec.security_groups[p->spec.n_security_groups++] = m;
	}
}

static void fill_endpoints(const struct want *w, struct parts *p, unsigned c)
{
	reeve__control__v1__node_endpoint__init(&p->health[c]);
	p->health[c].port = 8040;
	p->health[c].path = (char *)AWS_NODE_HEALTH;
	reeve__control__v1__node_endpoint__init(&p->drain_call[c]);
	p->drain_call[c].port = 8041;
	p->drain_call[c].path = (char *)AWS_NODE_DRAIN;
	reeve__control__v1__drain__init(&p->drain[c]);
	p->drain[c].wait_s = w->clusters[c].drain == 1 ? 45 : 0;
	p->drain[c].call = w->clusters[c].drain == 2 ? &p->drain_call[c] : NULL;
	p->clusters[c].health = w->clusters[c].health ? &p->health[c] : NULL;
	p->clusters[c].drain = w->clusters[c].drain > 0 ? &p->drain[c] : NULL;
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
		v->size_gib = want_sizes[w->clusters[c].size];
		v->keep = w->clusters[c].kept;
		m->name = (char *)want_cluster_names[c];
		m->nodes = w->clusters[c].nodes;
		m->atomic = w->clusters[c].atomic;
		m->power = w->clusters[c].paused ? REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED
						 : REEVE__CONTROL__V1__CLUSTER__POWER__RUNNING;
		m->instance_type = (char *)(w->broken ? "" : want_types[w->clusters[c].type]);
		m->image_id = (char *)want_images[w->clusters[c].image];
		p->spread[0] = (char *)want_subnets[0];
		p->spread[1] = (char *)want_subnets[1];
		p->other_types[c][0] = (char *)want_types[!w->clusters[c].type];
		if (w->clusters[c].spread) {
			m->subnet_ids = p->spread;
			m->n_subnet_ids = 2;
		} else {
			m->subnet_id = (char *)want_subnets[w->clusters[c].subnet];
		}
		m->other_instance_types = p->other_types[c];
		m->n_other_instance_types = w->clusters[c].others;
		m->instance_profile = (char *)want_profiles[w->clusters[c].profile];
		m->user_data.data = (uint8_t *)want_datas[w->clusters[c].data];
		m->user_data.len = strlen(want_datas[w->clusters[c].data]);
		p->group_of[c][0] = (char *)want_group_names[w->clusters[c].group];
		m->security_groups = p->group_of[c];
		m->n_security_groups = 1;
		if (w->clusters[c].both) {
			p->group_of[c][1] = (char *)want_group_names[!w->clusters[c].group];
			m->n_security_groups = 2;
		}
		fill_endpoints(w, p, c);
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
		Reeve__Control__V1__TargetGroup *m = &p->target_groups[t];

		if (!w->target_groups[t].on)
			continue;
		reeve__control__v1__target_group__init(m);
		m->name = (char *)want_tg_names[t];
		m->protocol = (char *)"TCP";
		m->port = 9030 + t;
		m->clusters = p->clusters_of[t];
		for (unsigned c = 0; c < WANT_CLUSTERS; c++)
			if (w->clusters[c].on && (w->target_groups[t].clusters & (1u << c)) != 0)
				m->clusters[m->n_clusters++] = (char *)want_cluster_names[c];
		p->spec.target_groups[p->spec.n_target_groups++] = m;
	}
	for (unsigned t = 0; t < WANT_TGS; t++) {
		Reeve__Control__V1__Listener *l = &p->listeners[t];

		reeve__control__v1__listener__init(l);
		l->port = 9030 + t;
		l->protocol = (char *)"TCP";
		l->target_group = (char *)want_tg_names[w->leads[t]];
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
	p->spec.self_heal = true; /* the policy lets it when all commands have ended (scene_heal.c) */
	p->spec.heal_until = 1ll << 50;
	fill_groups(w, p);
	fill_clusters(w, p);
	fill_balancer(w, p);
	if (w->tags > 0) {
		reeve__control__v1__tag__init(&p->tag);
		p->tag.key = (char *)"team";
		p->tag.value = (char *)want_teams[w->tags];
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
