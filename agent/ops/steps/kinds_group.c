/* kinds_group.c - step kinds of security groups and their rules; kinds_group_delete.c takes a group away. */
#include <string.h>

#include "agent/aws/ec2.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/groups.h"
#include "agent/ops/steps/kinds_impl.h"

static const struct iam_statement create_grants[] = {
	{ IAM_GROUPS, "Group", IAM_TO_BE_OWNED, IAM_TEXTS("ec2:CreateSecurityGroup"), IAM_TEXTS(IAM_EC2("security-group/*")) },
	{ IAM_GROUPS, "InVpc", 0, IAM_TEXTS("ec2:CreateSecurityGroup"), IAM_TEXTS(IAM_EC2("vpc/%W")) },
	{ IAM_GROUPS, "TagGroup", IAM_TO_BE_OWNED | IAM_BY_CREATING, IAM_TEXTS("ec2:CreateTags"),
	  IAM_TEXTS(IAM_EC2("security-group/*")) },
	{ 0 },
};

/* ---- the things ---- */

static const char *group_maker(const struct inventory *inv, const char *id)
{
	const struct ec2_group *g = groups_by_id(inv, id);

	return g != NULL ? ec2_tag_get(&g->tags, "reeve:command") : NULL;
}

static bool is_group_shown(const struct inventory *inv, const char *id, bool made)
{
	return made == (groups_by_id(inv, id) != NULL);
}

const struct resource resource_security_group = {
	.kind = "security-group",
	.reads = groups_reads,
	.is_shown = is_group_shown,
	.maker = group_maker,
	.unknown = { "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound" },
	.args = { "group_id", "groups", "rule" },
};

/* Its name begins with the group's id (groups_rule_name). */
static bool shows_rule(const struct inventory *inv, const char *name)
{
	CLEANUP(mem_close) char *id = mem_printf("%.*s", (int)strcspn(name, " "), name);
	const struct ec2_group *g = groups_by_id(inv, id);

	for (size_t i = 0; g != NULL && i < g->rules_n; i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(1024);

		groups_rule_name(g->id, &g->rules[i], &b);
		if (str_eq(buf_str(&b), name))
			return true;
	}
	return false;
}

static bool is_rule_shown(const struct inventory *inv, const char *name, bool made)
{
	return made == shows_rule(inv, name);
}

static bool goes_with_group(const char *name, const char *kind, const char *group_id)
{
	size_t len = strlen(group_id);

	return str_eq(kind, resource_security_group.kind) && strncmp(name, group_id, len) == 0 && name[len] == ' ';
}

const struct resource resource_rule = { .kind = "rule", .is_shown = is_rule_shown, .goes_with = goes_with_group };

/* ---- create ---- */

static int create_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	const char *name, *description, *vpc;
	size_t tags_n;

	TRY(arg_str(x, "name", &name, e));
	TRY(arg_str(x, "description", &description, e));
	TRY(arg_str(x, "vpc_id", &vpc, e));
	TRY(arg_tags(x, &tags, &tags_n, e));
	ec2_create_security_group(req, name, description, vpc, tags, tags_n);
	return 0;
}

static enum step_verdict create_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	const char *id;

	if (c->class == AWS_DUPLICATE)
		return STEP_LOOK;
	if (c->class != AWS_OK)
		return step_judge_refusal(x, c, e);
	/* AWS has made it; its id is found by its name. */
	if (ec2_read_create_security_group(xml_root(c->xml), &id, e) != 0)
		return STEP_LOOK;
	fact_set(x, json_string(id));
	return STEP_DONE;
}

/* By its name. A group of another warehouse may have the same name, so its tag decides. */
static bool create_find(const struct step_ctx *x, const struct inventory *inv)
{
	const char *warehouse = json_str_or(json_object_get(x->args, "tags"), "reeve:warehouse", "");
	const struct ec2_group *g = groups_by_name(inv, json_str_or(x->args, "vpc_id", ""), json_str_or(x->args, "name", ""));

	if (g == NULL || !str_eq(ec2_tag_get(&g->tags, "reeve:warehouse"), warehouse))
		return false;
	fact_set(x, json_string(g->id));
	return true;
}

static json_t *group_of_fact(const json_t *args)
{
	/* "fresh": it is as old as this plan, so "not found" may only mean that EC2 does not know it everywhere yet. */
	return json_pack("{s:o, s:b}", "group_id", json_sprintf("@%s", json_str_or(args, "fact", "?")), "fresh", 1);
}

void kinds_vpc_demand(const json_t *args, struct demand *d)
{
	demand_name(d, &bound_subnets, json_str_or(args, "subnet_id", ""));
}

static void create_print(const json_t *args, struct buf *to)
{
	buf_addf(to, "%s in %s", json_str_or(args, "name", "?"), json_str_or(args, "vpc_id", "?"));
}

const struct step_kind kind_create_security_group = {
	.name = "create-security-group",
	.action = "ec2:CreateSecurityGroup",
	.field = "security_groups",
	.grants = create_grants,
	.repeat = REPEAT_NATURAL,
	.settle_s = 120,
	.deadline_s = 300,
	.poll_s = 3,
	.makes = &resource_security_group,
	.ask = create_ask,
	.judge = create_judge,
	.find = create_find,
	.undo = &kind_delete_security_group,
	.undo_args = group_of_fact,
	.demand = kinds_vpc_demand,
	.print = create_print,
};

/* ---- rules: one a step, so that Duplicate and NotFound mean exactly "there" and "gone" ---- */

static void rule_from(const json_t *j, struct ec2_rule *r)
{
	*r = (struct ec2_rule){
		.is_egress = str_eq(json_str_or(j, "direction", ""), "egress"),
		.protocol = json_str_or(j, "protocol", ""),
		.from_port = (int32_t)json_int_or(j, "from_port", -1),
		.to_port = (int32_t)json_int_or(j, "to_port", -1),
		.cidr = json_str_or(j, "cidr", NULL),
		.group_id = json_str_or(j, "group_id", NULL),
		.description = json_str_or(j, "description", ""),
	};
}

static void rule_of(const json_t *args, struct ec2_rule *r)
{
	rule_from(json_object_get(args, "rule"), r);
}

static int authorize_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	struct ec2_rule r;
	const char *group;

	TRY(arg_str(x, "group_id", &group, e));
	rule_of(x->args, &r);
	(r.is_egress ? ec2_authorize_egress : ec2_authorize_ingress)(req, group, &r, 1);
	return 0;
}

/* A rule that was there before is not ours to revoke, unless it was our own call that made it, with its answer lost. */
static enum step_verdict authorize_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_DUPLICATE && !x->in_doubt)
		*x->sight = STEP_SEEN_BEFORE;
	/* A rule is there or not there, so "there is one already" is as good as success. */
	if (c->class == AWS_OK || c->class == AWS_DUPLICATE)
		return STEP_DONE;
	return step_judge_refusal(x, c, e);
}

static const struct ec2_rule *rule_there(const json_t *args, const struct inventory *inv)
{
	const struct ec2_group *g = groups_by_id(inv, json_str_or(args, "group_id", ""));
	struct ec2_rule r;

	rule_of(args, &r);
	for (size_t i = 0; g != NULL && i < g->rules_n; i++)
		if (groups_rule_eq(&g->rules[i], &r))
			return &g->rules[i];
	return NULL;
}

static bool has_rule(const json_t *args, const struct inventory *inv)
{
	return rule_there(args, inv) != NULL;
}

static bool authorize_find(const struct step_ctx *x, const struct inventory *inv)
{
	return has_rule(x->args, inv);
}

void kinds_rule_demand(const json_t *rule, struct demand *d)
{
	struct ec2_rule r;

	rule_from(rule, &r);
	demand_rule(d, &(struct demand_rule){ r.cidr != NULL ? r.cidr : "", r.from_port, r.to_port, r.protocol, r.is_egress });
}

/* What every node may have is no demand: the planner has said so, from the VPC's blocks and the region's prefix list of S3. */
static void authorize_demand(const json_t *args, struct demand *d)
{
	if (!json_is_true(json_object_get(args, "default_egress")))
		kinds_rule_demand(json_object_get(args, "rule"), d);
}

static bool is_outside_vpc(const json_t *args)
{
	return json_is_true(json_object_get(args, "outside_vpc"));
}

static const char *peer_name(const json_t *args, const struct ec2_rule *r)
{
	if (r->cidr != NULL)
		return r->cidr;
	return str_eq(r->group_id, json_str_or(args, "group_id", "")) ? "the group itself" : r->group_id;
}

static void rule_print(const json_t *args, struct buf *to)
{
	struct ec2_rule r;

	rule_of(args, &r);
	buf_addf(to, "%s: %s ", json_str_or(args, "group_id", "?"), str_eq(r.protocol, "-1") ? "all protocols" : r.protocol);
	if (!str_eq(r.protocol, "-1"))
		buf_addf(to, "%d-%d ", r.from_port, r.to_port);
	buf_addf(to, "%s %s%s", r.is_egress ? "to" : "from", peer_name(args, &r), is_outside_vpc(args) ? " (OUTSIDE THE VPC)" : "");
}

static void rule_thing(const json_t *args, struct buf *to)
{
	struct ec2_rule r;

	rule_of(args, &r);
	groups_rule_name(json_str_or(args, "group_id", "?"), &r, to);
}

static json_t *same_rule(const json_t *args)
{
	json_t *undo = json_object();

	json_object_set(undo, "group_id", json_object_get(args, "group_id"));
	json_object_set(undo, "rule", json_object_get(args, "rule"));
	/* It was opened a moment ago: that EC2 does not know it yet is no proof that it is gone. */
	json_object_set_new(undo, "fresh", json_true());
	return undo;
}

#define RULE_GRANTS(call)                                                                                                          \
	(const struct iam_statement[])                                                                                             \
	{                                                                                                                          \
		{ IAM_GROUPS, "Rules", IAM_OWNED | IAM_IN_VPC, IAM_TEXTS("ec2:" call), IAM_TEXTS(IAM_EC2("security-group/*")) },   \
		    { 0 },                                                                                                         \
	}

/* The two directions differ in their calls alone. */
#define AUTHORIZE(direction, call)                                                                                                 \
	.name = "authorize-" #direction, .action = "ec2:" call, .field = "rules", .grants = RULE_GRANTS(call),                     \
	.repeat = REPEAT_NATURAL, .settle_s = 120, .deadline_s = 300, .poll_s = 3, .makes = &resource_rule, .thing = rule_thing,   \
	.ask = authorize_ask, .judge = authorize_judge, .find = authorize_find, .undo = &kind_revoke_##direction,                  \
	.undo_args = same_rule, .demand = authorize_demand, .is_high = is_outside_vpc, .print = rule_print

const struct step_kind kind_authorize_ingress = { AUTHORIZE(ingress, "AuthorizeSecurityGroupIngress") };
const struct step_kind kind_authorize_egress = { AUTHORIZE(egress, "AuthorizeSecurityGroupEgress") };

static int revoke_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	struct ec2_rule r;
	const char *group;

	TRY(arg_str(x, "group_id", &group, e));
	rule_of(x->args, &r);
	(r.is_egress ? ec2_revoke_egress : ec2_revoke_ingress)(req, group, &r, 1);
	return 0;
}

/* A group that this plan made is taken back whole. */
static json_t *rule_again(const json_t *args)
{
	json_t *undo = json_object();

	if (json_is_true(json_object_get(args, "fresh"))) {
		json_decref(undo);
		return NULL;
	}
	json_object_set(undo, "group_id", json_object_get(args, "group_id"));
	json_object_set(undo, "rule", json_object_get(args, "rule"));
	return undo;
}

/* A rule that may never have been there, in a group of which another rule was just taken out. */
static enum step_verdict revoke_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (str_eq(c->code, "InvalidPermission.NotFound") && json_is_true(json_object_get(x->args, "maybe")))
		return STEP_DONE;
	return step_judge_gone(x, c, e);
}

/* A group that is not shown proves nothing of the rules that AWS put into it: nothing may start in it before those are out. */
static bool revoke_find(const struct step_ctx *x, const struct inventory *inv)
{
	bool is_of_birth = json_is_true(json_object_get(x->args, "birth"));

	if (is_of_birth && groups_by_id(inv, json_str_or(x->args, "group_id", "")) == NULL)
		return false;
	/* Before settle_s is over a rule that was just opened may not be shown, and would seem to be closed. */
	return !step_may_hide(x) && !has_rule(x->args, inv);
}

#define REVOKE(direction, call)                                                                                                    \
	.name = "revoke-" #direction, .action = "ec2:" call, .field = "rules", .grants = RULE_GRANTS(call),                        \
	.repeat = REPEAT_NATURAL, .settle_s = 120, .deadline_s = 300, .poll_s = 3, .removes = &resource_rule, .thing = rule_thing, \
	.ask = revoke_ask, .judge = revoke_judge, .find = revoke_find, .undo = &kind_authorize_##direction,                        \
	.undo_args = rule_again, .print = rule_print

const struct step_kind kind_revoke_ingress = { REVOKE(ingress, "RevokeSecurityGroupIngress") };
const struct step_kind kind_revoke_egress = { REVOKE(egress, "RevokeSecurityGroupEgress") };

/* ---- another description: the rule stays as it is ---- */

static int describe_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	struct ec2_rule r;
	const char *group;

	TRY(arg_str(x, "group_id", &group, e));
	rule_of(x->args, &r);
	ec2_update_rule_descriptions(req, group, &r, 1);
	return 0;
}

static enum step_verdict describe_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return c->class == AWS_OK ? STEP_DONE : step_judge_refusal(x, c, e);
}

static bool describe_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct ec2_rule *there = rule_there(x->args, inv);
	struct ec2_rule r;

	rule_of(x->args, &r);
	return there != NULL && str_eq(there->description, r.description);
}

static json_t *described_as_before(const json_t *args)
{
	/* The rule is copied, because it belongs to the plan's own arguments, and those are hashed. */
	json_t *undo = json_object(), *rule = json_copy(json_object_get(args, "rule"));

	json_object_set(undo, "group_id", json_object_get(args, "group_id"));
	json_object_set(undo, "was", json_object_get(json_object_get(args, "rule"), "description"));
	json_object_set(rule, "description", json_object_get(args, "was"));
	json_object_set_new(undo, "rule", rule);
	return undo;
}

static void describe_print(const json_t *args, struct buf *to)
{
	rule_print(args, to);
	buf_addf(to, ", described as \"%s\"", json_str_or(json_object_get(args, "rule"), "description", ""));
}

#define DESCRIBE(direction, call)                                                                                                  \
	.name = "describe-rule-" #direction, .action = "ec2:" call, .field = "rules", .grants = RULE_GRANTS(call),                 \
	.repeat = REPEAT_NATURAL, .settle_s = 120, .deadline_s = 300, .poll_s = 3, .ask = describe_ask, .judge = describe_judge,   \
	.find = describe_find, .undo = &kind_describe_rule_##direction, .undo_args = described_as_before, .print = describe_print

const struct step_kind kind_describe_rule_ingress = { DESCRIBE(ingress, "UpdateSecurityGroupRuleDescriptionsIngress") };
const struct step_kind kind_describe_rule_egress = { DESCRIBE(egress, "UpdateSecurityGroupRuleDescriptionsEgress") };
