/* specs.h - a good specification that a test can bend, and an inventory that a test can fill. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/plan/spec.h"

struct specs {
	spec_t s;
	Reeve__Control__V1__SecurityGroup group, *groups[2];
	Reeve__Control__V1__Rule self, clients, clients_again, *rules[3];
	Reeve__Control__V1__Cluster cluster, *clusters[2];
	Reeve__Control__V1__DataVolume volume, *volumes[2];
	Reeve__Control__V1__TargetGroup tg, *target_groups[2];
	Reeve__Control__V1__LoadBalancer lb, *lbs[2];
	Reeve__Control__V1__Listener listener, *listeners[2];
	Reeve__Control__V1__Tag tag, *tags[2];
	char *cluster_groups[2], *tg_clusters[2], *subnets[2];
};

static inline void specs_groups(struct specs *k)
{
	reeve__control__v1__rule__init(&k->self);
	k->self.protocol = (char *)"tcp";
	k->self.to_port = 65535;
	k->self.source_case = REEVE__CONTROL__V1__RULE__SOURCE_SELF;
	k->self.self = 1;
	reeve__control__v1__rule__init(&k->clients);
	k->clients.protocol = (char *)"tcp";
	k->clients.from_port = 8000;
	k->clients.to_port = 9000;
	k->clients.source_case = REEVE__CONTROL__V1__RULE__SOURCE_CIDR;
	k->clients.cidr = (char *)"10.0.0.0/16";
	k->rules[0] = &k->self;
	k->rules[1] = &k->clients;
	reeve__control__v1__security_group__init(&k->group);
	k->group.name = (char *)"node";
	k->group.description = (char *)"nodes";
	k->group.rules = k->rules;
	k->group.n_rules = 2;
	k->groups[0] = &k->group;
	k->s.security_groups = k->groups;
	k->s.n_security_groups = 1;
}

static inline void specs_cluster(struct specs *k)
{
	reeve__control__v1__data_volume__init(&k->volume);
	k->volume.device = (char *)"/dev/sdf";
	k->volume.type = (char *)"gp3";
	k->volume.size_gib = 100;
	k->volumes[0] = &k->volume;
	reeve__control__v1__cluster__init(&k->cluster);
	k->cluster.name = (char *)"be";
	k->cluster.nodes = 2;
	k->cluster.instance_type = (char *)"r6i.xlarge";
	k->cluster.image_id = (char *)"ami-1";
	k->cluster.subnet_id = (char *)"subnet-1";
	k->cluster_groups[0] = (char *)"node";
	k->cluster.security_groups = k->cluster_groups;
	k->cluster.n_security_groups = 1;
	k->cluster.volumes = k->volumes;
	k->cluster.n_volumes = 1;
	k->clusters[0] = &k->cluster;
	k->s.clusters = k->clusters;
	k->s.n_clusters = 1;
}

static inline void specs_lb(struct specs *k)
{
	reeve__control__v1__target_group__init(&k->tg);
	k->tg.name = (char *)"sql";
	k->tg.protocol = (char *)"TCP";
	k->tg.port = 9030;
	k->tg_clusters[0] = (char *)"be";
	k->tg.clusters = k->tg_clusters;
	k->tg.n_clusters = 1;
	k->target_groups[0] = &k->tg;
	k->s.target_groups = k->target_groups;
	k->s.n_target_groups = 1;
	reeve__control__v1__listener__init(&k->listener);
	k->listener.port = 9030;
	k->listener.protocol = (char *)"TCP";
	k->listener.target_group = (char *)"sql";
	k->listeners[0] = &k->listener;
	reeve__control__v1__load_balancer__init(&k->lb);
	k->lb.name = (char *)"main";
	k->lb.internal = 1;
	k->subnets[0] = (char *)"subnet-1";
	k->lb.subnet_ids = k->subnets;
	k->lb.n_subnet_ids = 1;
	k->lb.listeners = k->listeners;
	k->lb.n_listeners = 1;
	k->lbs[0] = &k->lb;
	k->s.load_balancers = k->lbs;
	k->s.n_load_balancers = 1;
}

/* One group with two rules, one cluster of two nodes, one target group behind one load balancer. */
static inline void specs_good(struct specs *k)
{
	memset(k, 0, sizeof(*k));
	reeve__control__v1__warehouse_spec__init(&k->s);
	k->s.warehouse = (char *)"wh-1";
	k->s.generation = 3;
	k->s.vpc_id = (char *)"vpc-1";
	specs_groups(k);
	specs_cluster(k);
	specs_lb(k);
	reeve__control__v1__tag__init(&k->tag);
	k->tag.key = (char *)"sdb-cluster-id";
	k->tag.value = (char *)"c-1";
	k->tags[0] = &k->tag;
	k->s.tags = k->tags;
	k->s.n_tags = 1;
}
