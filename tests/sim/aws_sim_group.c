/* aws_sim_group.c - security groups and their rules. */
#include "tests/sim/aws_sim_impl.h"

struct aws_group *aws_group_of(const struct aws_sim *a, const char *id)
{
	for (size_t i = 0; i < a->groups_n; i++)
		if (str_eq(a->groups[i]->t.id, id))
			return a->groups[i];
	return NULL;
}

bool aws_rule_stands(const struct aws_rule *r)
{
	return r->revoked_ms == 0;
}

static bool same_rule(const struct aws_rule *x, const struct aws_rule *y)
{
	return x->is_egress == y->is_egress && str_eq(x->protocol, y->protocol) && str_eq(x->source, y->source) &&
	       x->is_group == y->is_group && (str_eq(x->protocol, "-1") || (x->from == y->from && x->to == y->to));
}

static struct aws_rule *standing_rule(struct aws_group *g, const struct aws_rule *r)
{
	for (size_t i = 0; i < g->rules_n; i++)
		if (aws_rule_stands(&g->rules[i]) && same_rule(&g->rules[i], r))
			return &g->rules[i];
	return NULL;
}

/* The n-th rule of the request; false: there is none. */
static bool rule_asked(const struct aws_ask *q, unsigned n, struct aws_rule *r)
{
	const struct form_sim *f = q->f;
	static const char *const sources[] = { "IpRanges.1.CidrIp", "Ipv6Ranges.1.CidrIpv6", "PrefixListIds.1.PrefixListId",
					       "Groups.1.GroupId" };
	char name[64];

	*r = (struct aws_rule){ .is_egress = strstr(q->action, "Egress") != NULL };
	if (form_sim_get(f, "IpPermissions.%u.IpProtocol", n) == NULL)
		return false;
	snprintf(r->protocol, sizeof(r->protocol), "%s", form_sim_get(f, "IpPermissions.%u.IpProtocol", n));
	snprintf(name, sizeof(name), "IpPermissions.%u.FromPort", n);
	r->from = (int)form_sim_int(f, name, -1);
	snprintf(name, sizeof(name), "IpPermissions.%u.ToPort", n);
	r->to = (int)form_sim_int(f, name, -1);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		const char *source = form_sim_get(f, "IpPermissions.%u.%s", n, sources[i]);

		if (source != NULL) {
			snprintf(r->source, sizeof(r->source), "%s", source);
			r->is_group = i == 3;
		}
	}
	return true;
}

/* What EC2 puts into every new group: all may leave. */
static void open_egress(struct aws_group *g)
{
	static const char *const everywhere[] = { "0.0.0.0/0", "::/0" };

	g->rules = mem_grow(NULL, ARRAY_LEN(everywhere), sizeof(*g->rules));
	for (size_t i = 0; i < ARRAY_LEN(everywhere); i++) {
		struct aws_rule *r = &g->rules[g->rules_n++];

		*r = (struct aws_rule){ .is_egress = true, .from = -1, .to = -1 };
		snprintf(r->protocol, sizeof(r->protocol), "-1");
		snprintf(r->source, sizeof(r->source), "%s", everywhere[i]);
	}
}

bool aws_is_open(const struct aws_group *g)
{
	for (size_t i = 0; i < g->rules_n; i++)
		if (g->rules[i].is_egress && aws_rule_stands(&g->rules[i]) && str_eq(g->rules[i].protocol, "-1") &&
		    !g->rules[i].is_group)
			return true;
	return false;
}

void aws_create_security_group(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *name = form_sim_get(q->f, "GroupName");
	struct aws_group *g;

	for (size_t i = 0; i < a->groups_n; i++)
		if (aws_is_there(a, &a->groups[i]->t) && str_eq(a->groups[i]->t.name, name)) {
			odds_came(q->a->odds, TALLY_AWS_DUPLICATE);
			aws_refuse(q, 400, "InvalidGroup.Duplicate", "The security group '%s' already exists", name);
			return;
		}
	if (!str_eq(form_sim_get(q->f, "VpcId"), AWS_VPC)) {
		aws_refuse(q, 400, "InvalidVpcID.NotFound", "The vpc ID does not exist");
		return;
	}
	g = mem_new(struct aws_group);
	aws_thing_init(a, &g->t, "sg-", aws_command_of(q));
	aws_thing_tags(&g->t, q->f, "TagSpecification.1.Tag.");
	snprintf(g->t.name, sizeof(g->t.name), "%s", name);
	snprintf(g->vpc, sizeof(g->vpc), "%s", AWS_VPC);
	snprintf(g->description, sizeof(g->description), "%s", form_sim_get(q->f, "GroupDescription"));
	open_egress(g);
	a->groups = mem_grow(a->groups, a->groups_n + 1, sizeof(*a->groups));
	a->groups[a->groups_n++] = g;
	xmlw_text(q->xml, "return", "true");
	xmlw_text(q->xml, "groupId", "%s", g->t.id);
	q->changed = true;
}

static void write_rule(const struct aws_rule *r, struct buf *b)
{
	bool v6 = strchr(r->source, ':') != NULL, list = str_starts(r->source, "pl-");
	const char *set = r->is_group ? "groups" : list ? "prefixListIds" : v6 ? "ipv6Ranges" : "ipRanges";

	xmlw_open(b, "item");
	xmlw_text(b, "ipProtocol", "%s", r->protocol);
	if (!str_eq(r->protocol, "-1")) {
		xmlw_text(b, "fromPort", "%d", r->from);
		xmlw_text(b, "toPort", "%d", r->to);
	}
	xmlw_open(b, set);
	xmlw_open(b, "item");
	xmlw_text(b, r->is_group ? "groupId" : list ? "prefixListId" : v6 ? "cidrIpv6" : "cidrIp", "%s", r->source);
	xmlw_close(b, "item");
	xmlw_close(b, set);
	xmlw_close(b, "item");
}

static bool is_shown(const struct aws_sim *a, const struct aws_rule *r)
{
	return aws_now(a) >= r->shown_ms && (r->revoked_ms == 0 || aws_now(a) < r->hidden_ms);
}

static void write_rules(struct aws_sim *a, const struct aws_group *g, bool is_egress, struct buf *b)
{
	for (size_t i = 0; i < g->rules_n; i++) {
		const struct aws_rule *r = &g->rules[i];

		if (r->is_egress == is_egress && is_shown(a, r))
			write_rule(r, b);
	}
}

static void write_group(struct aws_sim *a, const struct aws_group *g, struct buf *b)
{
	xmlw_open(b, "item");
	xmlw_text(b, "ownerId", "%s", AWS_ACCOUNT);
	xmlw_text(b, "groupId", "%s", g->t.id);
	xmlw_text(b, "groupName", "%s", g->t.name);
	xmlw_text(b, "groupDescription", "%s", g->description);
	xmlw_text(b, "vpcId", "%s", g->vpc);
	xmlw_open(b, "ipPermissions");
	write_rules(a, g, false, b);
	xmlw_close(b, "ipPermissions");
	xmlw_open(b, "ipPermissionsEgress");
	write_rules(a, g, true, b);
	xmlw_close(b, "ipPermissionsEgress");
	aws_write_tags(b, &g->t);
	xmlw_close(b, "item");
}

static bool names_a_group(const struct aws_ask *q, const struct aws_group *g, bool is_egress, unsigned filter)
{
	for (size_t i = 0; i < g->rules_n; i++)
		if (g->rules[i].is_group && g->rules[i].is_egress == is_egress && is_shown(q->a, &g->rules[i]) &&
		    aws_filter_has(q, filter, g->rules[i].source))
			return true;
	return false;
}

static enum aws_fits fits(struct aws_ask *q, const void *thing, const char *name, unsigned filter)
{
	const struct aws_group *g = thing;

	if (str_eq(name, "group-id"))
		return aws_filter_has(q, filter, g->t.id);
	if (str_eq(name, "group-name"))
		return aws_filter_has(q, filter, g->t.name);
	if (str_eq(name, "vpc-id"))
		return aws_filter_has(q, filter, g->vpc);
	if (str_eq(name, "ip-permission.group-id"))
		return names_a_group(q, g, false, filter);
	if (str_eq(name, "egress.ip-permission.group-id"))
		return names_a_group(q, g, true, filter);
	return AWS_NO_FILTER;
}

void aws_describe_security_groups(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "NextToken", "MaxResults");

	xmlw_open(q->xml, "securityGroupInfo");
	for (size_t i = p.at; i < a->groups_n; i++) {
		if (!aws_passes(q, &a->groups[i]->t, fits, a->groups[i]) || !aws_shows(a, &a->groups[i]->t))
			continue;
		if (aws_page_misses(q, &p, &a->groups[i]->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		write_group(a, a->groups[i], q->xml);
	}
	xmlw_close(q->xml, "securityGroupInfo");
	if (p.more)
		xmlw_text(q->xml, "nextToken", "t%zu", p.at);
}

static struct aws_group *group_asked(struct aws_ask *q)
{
	const char *id = form_sim_get(q->f, "GroupId");
	struct aws_group *g = aws_group_of(q->a, id);

	if (g == NULL || !aws_knows(q->a, &g->t)) {
		aws_refuse(q, 400, "InvalidGroup.NotFound", "The security group '%s' does not exist", id);
		return NULL;
	}
	if (aws_tag_of(&g->t, "reeve:installation") == NULL)
		odds_broken(q->a->odds, "%s on a group of somebody else", q->action);
	return g;
}

static bool is_v6(const struct aws_rule *r)
{
	return strchr(r->source, ':') != NULL;
}

/* One that names a group or a list counts for both families (VPC User Guide, quotas). */
static unsigned count_rules(const struct aws_group *g, bool is_egress, bool v6)
{
	unsigned n = 0;

	for (size_t i = 0; i < g->rules_n; i++) {
		const struct aws_rule *r = &g->rules[i];
		bool both = r->is_group || str_starts(r->source, "pl-");

		n += aws_rule_stands(r) && r->is_egress == is_egress && (both || is_v6(r) == v6);
	}
	return n;
}

/* Two rules of one call count one after the other in EC2; here a call brings one. */
static void check_room(struct aws_ask *q, const struct aws_group *g, const struct aws_rule *r)
{
	bool both = r->is_group || str_starts(r->source, "pl-");

	if ((!both && count_rules(g, r->is_egress, is_v6(r)) < q->a->rules_max) ||
	    (both && count_rules(g, r->is_egress, false) < q->a->rules_max && count_rules(g, r->is_egress, true) < q->a->rules_max))
		return;
	odds_came(q->a->odds, TALLY_AWS_RULES_FULL);
	aws_refuse(q, 400, "RulesPerSecurityGroupLimitExceeded",
		   "The maximum number of rules per security group has been reached.");
}

void aws_authorize(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_group *g = group_asked(q);
	struct aws_rule r;

	if (g == NULL)
		return;
	for (unsigned n = 1; rule_asked(q, n, &r); n++)
		if (standing_rule(g, &r) != NULL) {
			odds_came(q->a->odds, TALLY_AWS_DUPLICATE);
			aws_refuse(q, 400, "InvalidPermission.Duplicate", "the specified rule already exists");
			return;
		}
	for (unsigned n = 1; rule_asked(q, n, &r); n++)
		check_room(q, g, &r);
	for (unsigned n = 1; q->code == NULL && rule_asked(q, n, &r); n++) {
		r.shown_ms = aws_now(a) + (a->odds->calm ? 0 : odds_between(a->odds, 0, 3) * odds_between(a->odds, 0, 3000));
		g->rules = mem_grow(g->rules, g->rules_n + 1, sizeof(*g->rules));
		g->rules[g->rules_n++] = r;
		q->changed = true;
	}
	xmlw_text(q->xml, "return", "true");
}

void aws_revoke(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_group *g = group_asked(q);
	struct aws_rule r;

	if (g == NULL)
		return;
	for (unsigned n = 1; rule_asked(q, n, &r); n++)
		if (standing_rule(g, &r) == NULL) {
			aws_refuse(q, 400, "InvalidPermission.NotFound", "The specified rule does not exist");
			return;
		}
	for (unsigned n = 1; rule_asked(q, n, &r); n++) {
		struct aws_rule *there = standing_rule(g, &r);

		there->revoked_ms = aws_now(a);
		there->hidden_ms = aws_now(a) + (a->odds->calm ? 0 : odds_between(a->odds, 0, 5000));
		q->changed = true;
	}
	xmlw_text(q->xml, "return", "true");
}

static bool group_in_use(const struct aws_sim *a, const struct aws_group *g)
{
	if (aws_instance_holds(a, g->t.id) || aws_interface_holding(a, g->t.id) != NULL)
		return true;
	for (size_t i = 0; i < a->groups_n; i++)
		for (size_t k = 0; k < a->groups[i]->rules_n; k++) {
			const struct aws_rule *r = &a->groups[i]->rules[k];

			if (a->groups[i] != g && aws_is_there(a, &a->groups[i]->t) && r->is_group && aws_rule_stands(r) &&
			    str_eq(r->source, g->t.id))
				return true;
		}
	return false;
}

void aws_delete_security_group(struct aws_ask *q)
{
	struct aws_group *g = group_asked(q);

	if (g == NULL)
		return;
	if (group_in_use(q->a, g)) {
		odds_came(q->a->odds, TALLY_AWS_IN_USE);
		aws_refuse(q, 400, "DependencyViolation", "resource %s has a dependent object", g->t.id);
		return;
	}
	g->t.gone_ms = aws_now(q->a);
	q->changed = true;
	xmlw_text(q->xml, "return", "true");
}
