/* planner_group.c - security groups: a group that is not there is made, then the rules that are missing come and those that
 * the spec does not have go. */
#include "agent/base/cidr.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/planner_impl.h"

typedef Reeve__Control__V1__Rule rule_t;

void planner_group_name(const struct planning *p, const char *name, char to[256])
{
	spec_group_name(p->a->owner.vendor, p->a->owner.installation, p->warehouse, name, to);
}

static void rule_to_ec2(const struct planning *p, const rule_t *r, const char *group_id, struct ec2_rule *to)
{
	bool self = r->source_case == REEVE__CONTROL__V1__RULE__SOURCE_SELF;

	*to = (struct ec2_rule){
		.protocol = r->protocol,
		.from_port = r->from_port,
		.to_port = r->to_port,
		.cidr = self ? NULL : r->cidr,
		.group_id = self ? group_id : NULL,
		.description = r->description,
	};
	inventory_rule_spell(p->inv->arena, to);
	if (str_eq(to->protocol, "-1"))
		to->from_port = to->to_port = -1;
}

const struct ec2_group *planner_group_there(const struct planning *p, const char *name)
{
	char full[256];

	planner_group_name(p, name, full);
	return inventory_group_by_name(p->inv, p->spec->vpc_id, full);
}

/* A new group has no id yet: "self" is then the fact. */
static json_t *rule_json(const struct ec2_rule *r)
{
	json_t *j = json_object();

	json_object_set_new(j, "protocol", json_string(r->protocol));
	json_object_set_new(j, "from_port", json_integer(r->from_port));
	json_object_set_new(j, "to_port", json_integer(r->to_port));
	if (r->cidr != NULL)
		json_object_set_new(j, "cidr", json_string(r->cidr));
	if (r->group_id != NULL)
		json_object_set_new(j, "group_id", json_string(r->group_id));
	if (r->description != NULL && *r->description != '\0')
		json_object_set_new(j, "description", json_string(r->description));
	return j;
}

static bool is_outside(const struct planning *p, const char *cidr)
{
	struct cidr inner, outer;

	if (cidr == NULL)
		return false;
	for (size_t i = 0; i < p->inv->vpcs.n; i++) {
		const struct ec2_vpc *v = &p->inv->vpcs.v[i];

		if (!str_eq(v->id, p->spec->vpc_id) || cidr_parse(cidr, &inner) != 0)
			continue;
		for (size_t k = 0; k < v->cidrs_n; k++)
			if (cidr_parse(v->cidrs[k], &outer) == 0 && cidr_holds(&outer, &inner))
				return false;
	}
	return true;
}

static void add_rule_step(struct planning *p, const struct step_kind *kind, const char *verb, const char *group,
			  const char *group_id, const struct ec2_rule *r)
{
	json_t *args = json_object();

	json_object_set_new(args, "group_id", json_string(group_id));
	json_object_set_new(args, "rule", rule_json(r));
	if (kind == &kind_authorize_ingress && is_outside(p, r->cidr))
		json_object_set_new(args, "outside_vpc", json_true());
	plan_add(p->b, kind, args, "%s-%s-%s-%d-%d-%s", verb, group, r->protocol, r->from_port, r->to_port,
		 r->cidr != NULL ? r->cidr : "self");
}

static bool in_group(const struct ec2_group *g, const struct ec2_rule *r)
{
	for (size_t i = 0; g != NULL && i < g->rules_n; i++)
		if (inventory_rule_eq(&g->rules[i], r))
			return true;
	return false;
}

/* Among the first n rules of the spec. */
static bool in_spec(const struct planning *p, const group_t *want, size_t n, const char *group_id, const struct ec2_rule *r)
{
	struct ec2_rule w;

	for (size_t i = 0; i < n; i++) {
		rule_to_ec2(p, want->rules[i], group_id, &w);
		if (inventory_rule_eq(&w, r))
			return true;
	}
	return false;
}

static void create_group(struct planning *p, const group_t *want, const char *fact)
{
	CLEANUP(mem_close) char *step = mem_printf("sg-%s", want->name);
	char name[256];

	planner_group_name(p, want->name, name);
	plan_add(p->b, &kind_create_security_group,
		 json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", name, "description", want->description, "vpc_id", p->spec->vpc_id,
			   "tags", planning_tags(p, NULL, step, NULL, 0), "fact", fact),
		 "%s", step);
}

/* The same rule twice in the spec is one rule. */
void planner_plan_group(struct planning *p, const group_t *want)
{
	CLEANUP(mem_close) char *self = mem_printf("@sg.%s", want->name);
	const struct ec2_group *have = planner_group_there(p, want->name);
	const char *id = have != NULL ? have->id : self;

	if (have == NULL)
		create_group(p, want, self + 1);
	for (size_t i = 0; i < want->n_rules; i++) {
		struct ec2_rule r;

		rule_to_ec2(p, want->rules[i], id, &r);
		if (!in_group(have, &r) && !in_spec(p, want, i, id, &r))
			add_rule_step(p, &kind_authorize_ingress, "rule", want->name, id, &r);
	}
	for (size_t i = 0; have != NULL && i < have->rules_n; i++)
		if (!in_spec(p, want, want->n_rules, id, &have->rules[i]))
			add_rule_step(p, &kind_revoke_ingress, "norule", want->name, id, &have->rules[i]);
}
