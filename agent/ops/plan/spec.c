/* spec.c - see spec.h. */
#include "agent/ops/plan/spec.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/cidr.h"
#include "agent/base/digest.h"
#include "agent/base/enc.h"
#include "agent/base/str.h"
#include "agent/ops/steps/field.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/groups.h"

typedef Reeve__Control__V1__SecurityGroup group_t;
typedef Reeve__Control__V1__Rule rule_t;
typedef Reeve__Control__V1__Cluster cluster_t;
typedef Reeve__Control__V1__DataVolume volume_t;
typedef Reeve__Control__V1__TargetGroup tg_t;
typedef Reeve__Control__V1__LoadBalancer lb_t;
typedef Reeve__Control__V1__Listener listener_t;
typedef Reeve__Control__V1__Tag tag_t;

/* Blanks alone are nothing. */
static bool is_empty(const char *s)
{
	size_t n;

	field_trim(s, &n);
	return n == 0;
}

static int name(const char *s, const char *what, struct err *e)
{
	return str_is_id(s, 32) ? 0 : err_set(e, ERR_INVALID, "%s: expected 1 to 32 of [a-z0-9-], found \"%.40s\"", what, s);
}

/* "subnet-0abc": the kind, a dash, letters and digits. */
static int aws_id(const char *s, const char *kind, const char *what, struct err *e)
{
	size_t n = strlen(kind);

	if (strncmp(s, kind, n) != 0 || s[n] != '-' || !str_is_id(s + n + 1, 32))
		return err_set(e, ERR_INVALID, "%s: expected %s-..., found \"%.40s\"", what, kind, s);
	return 0;
}

static int count(size_t n, size_t min, size_t max, const char *what, struct err *e)
{
	if (n < min || n > max)
		return err_set(e, ERR_LIMIT, "%s: found %zu, expected %zu to %zu", what, n, min, max);
	return 0;
}

static int one_of(const char *s, const char *const *allowed, const char *what, struct err *e)
{
	for (; *allowed != NULL; allowed++)
		if (str_eq(s, *allowed))
			return 0;
	return err_set(e, ERR_INVALID, "%s: \"%.20s\" is not supported", what, s);
}

static int port(uint32_t p, const char *what, struct err *e)
{
	return p >= 1 && p <= 65535 ? 0 : err_set(e, ERR_INVALID, "%s: port %u is not one", what, p);
}

/* ---- parts; each is called with its place put in front of its error ---- */

static int check_cidr(const char *text, const char *protocol, struct err *e)
{
	struct cidr c;

	if (strchr(text, '/') == NULL)
		return err_set(e, ERR_INVALID, "cidr: \"%.50s\" has no prefix: write /32 or /128 behind a single address", text);
	if (cidr_parse(text, &c) != 0)
		return err_set(e, ERR_INVALID, "cidr: \"%.50s\" is not an address block", text);
	if (str_starts(protocol, "icmp") && c.v6 != str_eq(protocol, "icmpv6"))
		return err_set(e, ERR_INVALID, "protocol: icmp is for IPv4 blocks and icmpv6 for IPv6 blocks, cidr is \"%.50s\"",
			       text);
	return 0;
}

/* Protocol -1: AWS opens all ports whatever the rule names, so a rule that names some was meant for another protocol. */
static int check_all(const rule_t *r, struct err *e)
{
	bool names_none = r->from_port == r->to_port && (r->from_port == 0 || r->from_port == -1);

	return names_none || (r->from_port == 0 && r->to_port == 65535)
		   ? 0
		   : err_set(e, ERR_INVALID, "ports %d-%d: protocol -1 has all ports; leave them out, or name tcp or udp",
			     r->from_port, r->to_port);
}

static int check_peer(const rule_t *r, const char *protocol, struct err *e)
{
	switch (r->source_case) {
	case REEVE__CONTROL__V1__RULE__SOURCE_CIDR:
		return check_cidr(r->cidr, protocol, e);
	case REEVE__CONTROL__V1__RULE__SOURCE_PREFIX_LIST:
		return aws_id(r->prefix_list, "pl", "prefix_list", e);
	default:
		return r->source_case == REEVE__CONTROL__V1__RULE__SOURCE_SELF && r->self
			   ? 0
			   : err_set(e, ERR_INVALID, "a source or target is missing: cidr, prefix_list, or self: true");
	}
}

static int check_rule(const rule_t *r, struct err *e)
{
	static const char *const protocols[] = { "tcp", "udp", "icmp", "icmpv6", "-1", NULL };
	const char *protocol = groups_protocol(r->protocol);

	TRY(one_of(protocol, protocols, "protocol", e));
	if (!is_empty(r->description))
		TRY(field_description(r->description, "description", e));
	if (r->direction != REEVE__CONTROL__V1__DIRECTION__INGRESS && r->direction != REEVE__CONTROL__V1__DIRECTION__EGRESS)
		return err_set(e, ERR_INVALID, "direction: %d is neither INGRESS nor EGRESS", (int)r->direction);
	if (str_starts(protocol, "icmp"))
		TRY(field_icmp(r->from_port, r->to_port, e));
	else if (str_eq(protocol, "-1"))
		TRY(check_all(r, e));
	else if ((r->from_port < 0 || r->to_port > 65535 || r->from_port > r->to_port))
		return err_set(e, ERR_INVALID, "ports %d-%d are not a range", r->from_port, r->to_port);
	return check_peer(r, protocol, e);
}

static bool is_same_peer(const rule_t *a, const rule_t *b)
{
	char at[CIDR_TEXT_LEN], bt[CIDR_TEXT_LEN];
	struct cidr ac, bc;

	if (a->source_case != b->source_case)
		return false;
	if (a->source_case == REEVE__CONTROL__V1__RULE__SOURCE_CIDR)
		return cidr_parse(a->cidr, &ac) == 0 && cidr_parse(b->cidr, &bc) == 0 &&
		       str_eq(cidr_text(&ac, at), cidr_text(&bc, bt));
	return a->source_case == REEVE__CONTROL__V1__RULE__SOURCE_SELF || str_eq(a->prefix_list, b->prefix_list);
}

/* EC2 takes them for one rule: the description is no part of a rule. */
static bool is_same_rule(const rule_t *a, const rule_t *b)
{
	const char *protocol = groups_protocol(a->protocol);
	bool all_codes = str_starts(protocol, "icmp") && a->from_port == -1;

	return a->direction == b->direction && str_eq(protocol, groups_protocol(b->protocol)) && is_same_peer(a, b) &&
	       (str_eq(protocol, "-1") || (a->from_port == b->from_port && (all_codes || a->to_port == b->to_port)));
}

static bool is_same_text(const char *a, const char *b)
{
	size_t an, bn;
	const char *x = field_trim(a, &an), *y = field_trim(b, &bn);

	return an == bn && memcmp(x, y, an) == 0;
}

/* A rule that stands twice counts once. With two different descriptions it is refused, because one of them would be lost
 * silently. */
static int check_described_once(const group_t *g, struct err *e)
{
	for (size_t i = 0; i < g->n_rules; i++)
		for (size_t k = 0; k < i; k++)
			if (is_same_rule(g->rules[i], g->rules[k]) &&
			    !is_same_text(g->rules[i]->description, g->rules[k]->description))
				return err_set(e, ERR_INVALID,
					       "rules[%zu]: description: the rule stands as rules[%zu] already, with another one",
					       i, k);
	return 0;
}

static int check_group(const group_t *g, struct err *e)
{
	TRY(name(g->name, "name", e));
	TRY(field_description(g->description, "description", e));
	/* Amazon VPC quotas: what an account has unless it asked for more (planner_group.c, RULES_MAX). */
	TRY(count(g->n_rules, 0, 60, "rules", e));
	for (size_t i = 0; i < g->n_rules; i++) {
		int rc = check_rule(g->rules[i], e);

		if (rc != 0)
			return err_wrap(e, rc, "rules[%zu]", i);
	}
	return check_described_once(g, e);
}

static int check_volume(const volume_t *v, struct err *e)
{
	static const char *const types[] = { "gp3", NULL };

	TRY(field_device(v->device, "device", e));
	TRY(one_of(v->type, types, "type", e));
	if (*v->kms_key_id != '\0')
		TRY(field_kms_key(v->kms_key_id, "kms_key_id", e));
	if (v->size_gib < 1 || v->size_gib > 16384)
		return err_set(e, ERR_INVALID, "size_gib: %u is not 1 to 16384", v->size_gib);
	return field_gp3(v->size_gib, v->iops, v->throughput, e);
}

/* /dev/sdf and /dev/xvdf are one device under some kernels. */
static int check_devices(volume_t *const *v, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(field_device_letters(v[i]->device), field_device_letters(v[k]->device)))
				return err_set(e, ERR_INVALID, "volumes[%zu]: device %.32s stands twice", i, v[i]->device);
	return 0;
}

/* A volume that its node has left tells no device: with one of them there is nothing to mix up. */
static int check_kept(const cluster_t *c, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_volumes; i++)
		if (c->volumes[i]->keep && n++ > 0)
			return err_set(e, ERR_INVALID,
				       "volumes[%zu]: keep: one volume of a cluster may be kept, and one before it is", i);
	return 0;
}

static int check_volumes(const cluster_t *c, struct err *e)
{
	TRY(count(c->n_volumes, 0, 8, "volumes", e));
	for (size_t i = 0; i < c->n_volumes; i++) {
		int rc = check_volume(c->volumes[i], e);

		if (rc != 0)
			return err_wrap(e, rc, "volumes[%zu]", i);
	}
	TRY(check_kept(c, e));
	return check_devices(c->volumes, c->n_volumes, e);
}

static int check_tags(tag_t *const *tags, size_t n, struct err *e)
{
	TRY(count(n, 0, 20, "tags", e));
	for (size_t i = 0; i < n; i++) {
		int rc = field_tag_key(tags[i]->key, "key", e);

		if (rc == 0)
			rc = field_tag_value(tags[i]->value, "value", e);
		if (rc != 0)
			return err_wrap(e, rc, "tags[%zu]", i);
		for (size_t k = 0; k < i; k++)
			/* Compared as AWS stores them: blanks at the ends do not make another key. */
			if (is_same_text(tags[i]->key, tags[k]->key))
				return err_set(e, ERR_INVALID, "tags[%zu]: key \"%.100s\" stands twice", i, tags[i]->key);
	}
	return 0;
}

/* A list of texts in which nothing stands twice: AWS refuses repetitions. */
static int check_once(char *const *v, size_t n, const char *what, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(v[i], v[k]))
				return err_set(e, ERR_INVALID, "%s[%zu]: \"%.40s\" stands twice", what, i, v[i]);
	return 0;
}

static bool has_group(const spec_t *s, const char *n)
{
	for (size_t i = 0; i < s->n_security_groups; i++)
		if (str_eq(s->security_groups[i]->name, n))
			return true;
	return false;
}

static bool has_cluster(const spec_t *s, const char *n)
{
	for (size_t i = 0; i < s->n_clusters; i++)
		if (str_eq(s->clusters[i]->name, n))
			return true;
	return false;
}

static bool has_tg(const spec_t *s, const char *n)
{
	for (size_t i = 0; i < s->n_target_groups; i++)
		if (str_eq(s->target_groups[i]->name, n))
			return true;
	return false;
}

size_t spec_subnets(const cluster_t *c, char *const **ret)
{
	*ret = c->n_subnet_ids > 0 ? c->subnet_ids : &c->subnet_id;
	return c->n_subnet_ids > 0 ? c->n_subnet_ids : 1;
}

size_t spec_types(const cluster_t *c, const char *to[SPEC_TYPES_MAX])
{
	size_t n = 0;

	to[n++] = c->instance_type;
	for (size_t i = 0; i < c->n_other_instance_types && n < SPEC_TYPES_MAX; i++)
		to[n++] = c->other_instance_types[i];
	return n;
}

static int check_subnets(const cluster_t *c, struct err *e)
{
	if (c->n_subnet_ids == 0)
		return aws_id(c->subnet_id, "subnet", "subnet_id", e);
	if (*c->subnet_id != '\0')
		return err_set(e, ERR_INVALID, "subnet_id: it stands beside subnet_ids, and only one of the two may");
	TRY(count(c->n_subnet_ids, 0, SPEC_SUBNETS_MAX, "subnet_ids", e));
	for (size_t i = 0; i < c->n_subnet_ids; i++)
		/* The sentence of aws_id is not asked for: this one names the place in the list. */
		if (aws_id(c->subnet_ids[i], "subnet", "", NULL) != 0)
			return err_set(e, ERR_INVALID, "subnet_ids[%zu]: expected subnet-..., found \"%.40s\"", i,
				       c->subnet_ids[i]);
	return check_once(c->subnet_ids, c->n_subnet_ids, "subnet_ids", e);
}

static int check_types(const cluster_t *c, struct err *e)
{
	TRY(field_instance_type(c->instance_type, "instance_type", e));
	TRY(count(c->n_other_instance_types, 0, SPEC_TYPES_MAX - 1, "other_instance_types", e));
	for (size_t i = 0; i < c->n_other_instance_types; i++) {
		TRY(field_instance_type(c->other_instance_types[i], "other_instance_types", e));
		if (str_eq(c->other_instance_types[i], c->instance_type))
			return err_set(e, ERR_INVALID, "other_instance_types[%zu]: \"%.40s\" is instance_type already", i,
				       c->instance_type);
	}
	return check_once(c->other_instance_types, c->n_other_instance_types, "other_instance_types", e);
}

int spec_check_endpoint(const Reeve__Control__V1__NodeEndpoint *n, const char *what, struct err *e)
{
	int rc = port(n->port, "port", e);

	if (rc == 0)
		rc = field_node_path(n->path, "path", e);
	return rc == 0 ? 0 : err_wrap(e, rc, "%s", what);
}

int spec_check_drain(const Reeve__Control__V1__Drain *d, struct err *e)
{
	if (d->wait_s > 3600)
		return err_set(e, ERR_INVALID, "drain: wait_s: %u is more than 3600", d->wait_s);
	return d->call != NULL ? spec_check_endpoint(d->call, "drain: call", e) : 0;
}

static int check_cluster(const spec_t *s, const cluster_t *c, struct err *e)
{
	TRY(name(c->name, "name", e));
	if (c->power != REEVE__CONTROL__V1__CLUSTER__POWER__RUNNING && c->power != REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED)
		return err_set(e, ERR_INVALID, "power: %d is neither RUNNING nor PAUSED", (int)c->power);
	TRY(count(c->nodes, 0, 100, "nodes", e));
	TRY(check_types(c, e));
	TRY(aws_id(c->image_id, "ami", "image_id", e));
	TRY(check_subnets(c, e));
	/* Amazon VPC quotas: five groups a network interface, unless an account asked for more. */
	TRY(count(c->n_security_groups, 1, 5, "security_groups", e));
	for (size_t i = 0; i < c->n_security_groups; i++)
		if (!has_group(s, c->security_groups[i]))
			return err_set(e, ERR_INVALID, "security_groups[%zu]: there is no \"%.32s\" in the spec", i,
				       c->security_groups[i]);
	TRY(check_once(c->security_groups, c->n_security_groups, "security_groups", e));
	TRY(check_volumes(c, e));
	if (*c->instance_profile != '\0')
		TRY(field_profile(c->instance_profile, "instance_profile", e));
	/* EC2 takes 16 KB of user data, counted before base64. */
	TRY(count(c->user_data.len, 0, 16384, "user_data bytes", e));
	if (c->health != NULL)
		TRY(spec_check_endpoint(c->health, "health", e));
	if (c->drain != NULL)
		TRY(spec_check_drain(c->drain, e));
	return check_tags(c->tags, c->n_tags, e);
}

static int check_tg(const spec_t *s, const tg_t *g, struct err *e)
{
	static const char *const protocols[] = { "TCP", NULL };

	TRY(name(g->name, "name", e));
	TRY(one_of(g->protocol, protocols, "protocol", e));
	TRY(port(g->port, "port", e));
	TRY(count(g->n_clusters, 0, 32, "clusters", e));
	for (size_t i = 0; i < g->n_clusters; i++)
		if (!has_cluster(s, g->clusters[i]))
			return err_set(e, ERR_INVALID, "clusters[%zu]: there is no \"%.32s\" in the spec", i, g->clusters[i]);
	return check_once(g->clusters, g->n_clusters, "clusters", e);
}

static int check_listener(const spec_t *s, const listener_t *l, struct err *e)
{
	static const char *const protocols[] = { "TCP", NULL };

	TRY(one_of(l->protocol, protocols, "protocol", e));
	TRY(port(l->port, "port", e));
	return has_tg(s, l->target_group)
		   ? 0
		   : err_set(e, ERR_INVALID, "target_group: there is no \"%.32s\" in the spec", l->target_group);
}

static int check_lb(const spec_t *s, const lb_t *lb, struct err *e)
{
	TRY(name(lb->name, "name", e));
	if (!lb->internal)
		return err_set(e, ERR_INVALID, "internal: a load balancer that faces the internet is not allowed");
	TRY(count(lb->n_subnet_ids, 1, 8, "subnet_ids", e));
	for (size_t i = 0; i < lb->n_subnet_ids; i++)
		/* The sentence of aws_id is not asked for: this one names the place in the list. */
		if (aws_id(lb->subnet_ids[i], "subnet", "", NULL) != 0)
			return err_set(e, ERR_INVALID, "subnet_ids[%zu]: expected subnet-..., found \"%.40s\"", i,
				       lb->subnet_ids[i]);
	TRY(check_once(lb->subnet_ids, lb->n_subnet_ids, "subnet_ids", e));
	TRY(count(lb->n_listeners, 0, 16, "listeners", e));
	for (size_t i = 0; i < lb->n_listeners; i++) {
		int rc = check_listener(s, lb->listeners[i], e);

		if (rc != 0)
			return err_wrap(e, rc, "listeners[%zu]", i);
		for (size_t k = 0; k < i; k++)
			if (lb->listeners[k]->port == lb->listeners[i]->port)
				return err_set(e, ERR_INVALID, "listeners[%zu]: port %u stands twice", i, lb->listeners[i]->port);
	}
	return 0;
}

static int check_unique(const char *const *names, size_t n, const char *what, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(names[i], names[k]))
				return err_set(e, ERR_INVALID, "%s[%zu]: name \"%s\" stands twice", what, i, names[i]);
	return 0;
}

static bool leads_to(const lb_t *lb, const char *tg)
{
	for (size_t i = 0; i < lb->n_listeners; i++)
		if (str_eq(lb->listeners[i]->target_group, tg))
			return true;
	return false;
}

/* ELB lets one load balancer lead to a target group, with any number of listeners. */
static int check_one_balancer(const spec_t *s, struct err *e)
{
	for (size_t i = 0; i < s->n_load_balancers; i++)
		for (size_t k = 0; k < s->load_balancers[i]->n_listeners; k++)
			for (size_t other = 0; other < i; other++)
				if (leads_to(s->load_balancers[other], s->load_balancers[i]->listeners[k]->target_group))
					return err_set(e, ERR_INVALID,
						       "load_balancers[%zu]: listeners[%zu]: target_group: \"%s\" is behind %s "
						       "already, and one load balancer may lead to it",
						       i, k, s->load_balancers[i]->listeners[k]->target_group,
						       s->load_balancers[other]->name);
	return 0;
}

/* What a plan asks AWS about by name is limited, however many clusters name it. */
static size_t add_different(const char **v, size_t n, size_t most, const char *text)
{
	for (size_t i = 0; i < n && i < most; i++)
		if (str_eq(v[i], text))
			return n;
	if (n < most)
		v[n] = text;
	return n + 1;
}

static int check_different(const spec_t *s, struct err *e)
{
	const char *subnets[SPEC_ALL_SUBNETS], *types[SPEC_ALL_TYPES], *own[SPEC_TYPES_MAX];
	size_t subnets_n = 0, types_n = 0;

	for (size_t i = 0; i < s->n_clusters; i++) {
		char *const *listed;
		size_t n = spec_subnets(s->clusters[i], &listed), own_n = spec_types(s->clusters[i], own);

		for (size_t k = 0; k < n; k++)
			subnets_n = add_different(subnets, subnets_n, SPEC_ALL_SUBNETS, listed[k]);
		for (size_t k = 0; k < own_n; k++)
			types_n = add_different(types, types_n, SPEC_ALL_TYPES, own[k]);
	}
	for (size_t i = 0; i < s->n_load_balancers; i++)
		for (size_t k = 0; k < s->load_balancers[i]->n_subnet_ids; k++)
			subnets_n = add_different(subnets, subnets_n, SPEC_ALL_SUBNETS, s->load_balancers[i]->subnet_ids[k]);
	TRY(count(subnets_n, 0, SPEC_ALL_SUBNETS, "different subnets in all clusters and load balancers", e));
	return count(types_n, 0, SPEC_ALL_TYPES, "different instance types in all clusters", e);
}

/* One list of named parts: its size, each member, then that no name stands twice. */
#define CHECK_LIST(s, list, most, check)                                                                                           \
	do {                                                                                                                       \
		const char *names[most];                                                                                           \
		TRY(count((s)->n_##list, 0, most, #list, e));                                                                      \
		for (size_t i = 0; i < (s)->n_##list; i++) {                                                                       \
			int rc = check;                                                                                            \
			if (rc != 0)                                                                                               \
				return err_wrap(e, rc, #list "[%zu]", i);                                                          \
			names[i] = (s)->list[i]->name;                                                                             \
		}                                                                                                                  \
		TRY(check_unique(names, (s)->n_##list, #list, e));                                                                 \
	} while (0)

int spec_check(const spec_t *s, struct err *e)
{
	TRY(name(s->warehouse, "warehouse", e));
	/* The number goes through JSON, where no number beyond 2^53 is exact (docs/formats.md section 1). */
	if (s->generation == 0 || s->generation > (1ull << 53))
		return err_set(e, ERR_INVALID, "generation: expected 1 to 2^53");
	if (s->heal_until < 0 || (uint64_t)s->heal_until > (1ull << 53))
		return err_set(e, ERR_INVALID, "heal_until: expected Unix milliseconds, or 0");
	TRY(aws_id(s->vpc_id, "vpc", "vpc_id", e));
	CHECK_LIST(s, security_groups, 8, check_group(s->security_groups[i], e));
	CHECK_LIST(s, clusters, 32, check_cluster(s, s->clusters[i], e));
	CHECK_LIST(s, target_groups, 16, check_tg(s, s->target_groups[i], e));
	CHECK_LIST(s, load_balancers, 4, check_lb(s, s->load_balancers[i], e));
	TRY(check_one_balancer(s, e));
	TRY(check_different(s, e));
	return check_tags(s->tags, s->n_tags, e);
}

void spec_group_name(const char *vendor, const char *installation, const char *warehouse, const char *n, char to[256])
{
	snprintf(to, 256, "%s-%s-%s-%s", vendor, installation, warehouse, n);
}

void spec_short_name(const char *installation, const char *warehouse, const char *kind, const char *n, char to[33])
{
	char whole[160], base32[ENC_BASE32_LEN(DIGEST_LEN)];
	int len = snprintf(whole, sizeof(whole), "%s|%s|%s|%s", installation, warehouse, kind, n);
	struct digest d = digest_of(whole, (size_t)len);

	/* The name has lower-case letters and digits alone: ELB takes 32 characters, and neither dots nor underscores. */
	snprintf(to, 33, "rv-%.24s", enc_base32(d.b, sizeof(d.b), base32));
}
