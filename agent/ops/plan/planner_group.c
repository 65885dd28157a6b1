/* planner_group.c - security groups: a group that is not there is made, then the rules that are missing come and, behind the pivot,
 * those that the spec does not have go. */
#include <string.h>

#include "agent/base/cidr.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/groups.h"

typedef Reeve__Control__V1__Rule rule_t;

#define RULES_MAX 60 /* Amazon VPC quotas: what an account has unless it asked for more */

void planner_group_name(const struct planning *p, const char *name, char to[256])
{
	spec_group_name(p->a->owner.vendor, p->a->owner.installation, p->warehouse, name, to);
}

/* What the rules of a group are to be, or are: each once. */
struct wanted_rules {
	struct ec2_rule *v;
	size_t n;
};

static const struct ec2_rule *same_in(const struct wanted_rules *list, const struct ec2_rule *r)
{
	for (size_t i = 0; i < list->n; i++)
		if (groups_rule_eq(&list->v[i], r))
			return &list->v[i];
	return NULL;
}

static bool holds(const struct wanted_rules *list, const struct ec2_rule *r)
{
	return same_in(list, r) != NULL;
}

static void add(const struct planning *p, struct wanted_rules *to, struct ec2_rule r)
{
	groups_rule_spell(p->inv->arena, &r);
	/* EC2 opens all ports, whichever the spec wrote behind the protocol (spec.c, check_all). */
	if (str_eq(r.protocol, "-1"))
		r.from_port = r.to_port = -1;
	if (!holds(to, &r))
		to->v[to->n++] = r;
}

static struct wanted_rules rules_new(const struct planning *p, size_t room)
{
	return (struct wanted_rules){ .v = arena_alloc(p->inv->arena, (room + 1) * sizeof(struct ec2_rule)) };
}

/* The group of that name, whoever owns it. */
static const struct ec2_group *group_named(const struct planning *p, const char *name)
{
	char full[256];

	planner_group_name(p, name, full);
	return groups_by_name(p->inv, p->spec->vpc_id, full);
}

const char *planner_group_word(const struct planning *p, const struct ec2_group *g)
{
	char before[256];

	planner_group_name(p, "", before);
	return str_starts(g->name, before) && g->name[strlen(before)] != '\0' ? g->name + strlen(before) : g->name;
}

/* Names of two warehouses can be alike ("wh-1" and "node", "wh" and "1-node"); only its tag says which one a group belongs to. */
const struct ec2_group *planner_group_there(const struct planning *p, const char *name)
{
	const struct ec2_group *g = group_named(p, name);

	return g != NULL && planning_is_of_warehouse(p, &g->tags) ? g : NULL;
}

/* Somebody else's group of that name; or NULL. */
static const struct ec2_group *foreign_named(const struct planning *p, const char *full)
{
	for (size_t i = 0; i < p->inv->named.n; i++) {
		const struct ec2_group *g = &p->inv->named.v[i];

		if (str_eq(g->name, full) && str_eq(g->vpc_id, p->spec->vpc_id) && !inventory_is_ours(&p->a->owner, &g->tags))
			return g;
	}
	return NULL;
}

static size_t place_of(const struct planning *p, const group_t *want)
{
	size_t i = 0;

	while (p->spec->security_groups[i] != want)
		i++;
	return i;
}

/* A VPC has one group of a name. So a name that a group of another warehouse, or somebody else's, has already cannot be used. */
static void check_name(struct planning *p, const group_t *want)
{
	const struct ec2_group *ours = group_named(p, want->name), *foreign;
	const char *of = ours != NULL ? ec2_tag_get(&ours->tags, "reeve:warehouse") : NULL;
	char full[256];

	planner_group_name(p, want->name, full);
	foreign = foreign_named(p, full);
	if (ours != NULL)
		planning_refuse(p, ERR_INVALID,
				"security_groups[%zu]: name: %s is called %s in %s and is of warehouse %s; give it another name",
				place_of(p, want), ours->id, full, ours->vpc_id, of != NULL ? of : "?");
	else if (foreign != NULL)
		planning_refuse(
		    p, ERR_INVALID,
		    "security_groups[%zu]: name: %s is called %s in %s and has not the tags of this installation; give it "
		    "another name",
		    place_of(p, want), foreign->id, full, foreign->vpc_id);
}

static const struct ec2_vpc *vpc_of(const struct planning *p)
{
	/* One that AWS does not show has no blocks: every source then lies outside, and needs a second key. */
	static const struct ec2_vpc none;

	for (size_t i = 0; i < p->inv->vpcs.n; i++)
		if (str_eq(p->inv->vpcs.v[i].id, p->spec->vpc_id))
			return &p->inv->vpcs.v[i];
	return &none;
}

static const char *s3_list(const struct planning *p)
{
	return p->inv->s3.n > 0 ? p->inv->s3.v[0].id : NULL;
}

/* ---- what is wanted ---- */

static void add_spec_rule(const struct planning *p, struct wanted_rules *to, const rule_t *r, const char *group_id)
{
	bool self = r->source_case == REEVE__CONTROL__V1__RULE__SOURCE_SELF;
	bool list = r->source_case == REEVE__CONTROL__V1__RULE__SOURCE_PREFIX_LIST;

	add(p, to,
	    (struct ec2_rule){
		.is_egress = r->direction == REEVE__CONTROL__V1__DIRECTION__EGRESS,
		.protocol = r->protocol,
		.from_port = r->from_port,
		.to_port = r->to_port,
		.cidr = self   ? NULL
			: list ? r->prefix_list
			       : r->cidr,
		.group_id = self ? group_id : NULL,
		.description = r->description,
	    });
}

static bool says_egress(const group_t *want)
{
	for (size_t i = 0; i < want->n_rules; i++)
		if (want->rules[i]->direction == REEVE__CONTROL__V1__DIRECTION__EGRESS)
			return true;
	return false;
}

static void add_https_to(const struct planning *p, struct wanted_rules *to, const char *peer)
{
	add(p, to, (struct ec2_rule){ .is_egress = true, .protocol = "tcp", .from_port = 443, .to_port = 443, .cidr = peer });
}

/* Where the spec says nothing of egress: enough for a warehouse, and for nothing to leave. */
static void add_default_egress(struct planning *p, struct wanted_rules *to, const group_t *want, const char *group_id)
{
	const struct ec2_vpc *vpc = vpc_of(p);

	add(p, to, (struct ec2_rule){ .is_egress = true, .protocol = "-1", .group_id = group_id });
	for (size_t i = 0; i < vpc->cidrs_n; i++)
		add_https_to(p, to, vpc->cidrs[i]);
	/* This is refused and not left out: the nodes would reach less than the default promises, and nobody would say so. */
	if (s3_list(p) != NULL)
		add_https_to(p, to, s3_list(p));
	else
		planning_refuse(p, ERR_INVALID,
				"security group %s: AWS shows no prefix list of S3 for this region; name the ways out in the spec",
				want->name);
}

static struct wanted_rules wanted(struct planning *p, const group_t *want, const char *group_id)
{
	/* There is room for two more: the group itself, and S3. */
	struct wanted_rules list = rules_new(p, want->n_rules + vpc_of(p)->cidrs_n + 2);

	for (size_t i = 0; i < want->n_rules; i++)
		add_spec_rule(p, &list, want->rules[i], group_id);
	if (!says_egress(want))
		add_default_egress(p, &list, want, group_id);
	return list;
}

/* What AWS puts into a group that it makes: everything may leave, by IPv6 too where the VPC has it by then. */
static struct wanted_rules at_birth(const struct planning *p)
{
	static const char *const everywhere[] = { "0.0.0.0/0", "::/0" };
	struct wanted_rules list = rules_new(p, ARRAY_LEN(everywhere));

	for (size_t i = 0; i < ARRAY_LEN(everywhere); i++)
		add(p, &list, (struct ec2_rule){ .is_egress = true, .protocol = "-1", .cidr = everywhere[i] });
	return list;
}

/* ---- steps ---- */

/* A new group has no id yet: "self" is then the fact. */
static json_t *rule_json(const struct ec2_rule *r)
{
	json_t *j = json_object();

	if (r->is_egress)
		json_object_set_new(j, "direction", json_string("egress"));
	json_object_set_new(j, "protocol", json_string(r->protocol));
	json_object_set_new(j, "from_port", json_integer(r->from_port));
	json_object_set_new(j, "to_port", json_integer(r->to_port));
	if (r->cidr != NULL)
		json_object_set_new(j, "cidr", json_string(r->cidr));
	if (r->group_id != NULL)
		json_object_set_new(j, "group_id", json_string(r->group_id));
	if (r->description != NULL && strspn(r->description, " ") < strlen(r->description))
		json_object_set_new(j, "description", planning_text(r->description));
	return j;
}

static bool is_in_vpc(const struct planning *p, const char *text)
{
	const struct ec2_vpc *vpc = vpc_of(p);
	struct cidr inner, outer;

	for (size_t i = 0; i < vpc->cidrs_n && cidr_parse(text, &inner) == 0; i++)
		if (cidr_parse(vpc->cidrs[i], &outer) == 0 && cidr_holds(&outer, &inner))
			return true;
	return false;
}

/* A rule for traffic out to the region's S3 leads nowhere else. As a source S3 could be anybody. */
static bool is_outside(const struct planning *p, const struct ec2_rule *r)
{
	return r->cidr != NULL && !is_in_vpc(p, r->cidr) && !(r->is_egress && str_eq(r->cidr, s3_list(p)));
}

/* Not wider than what every group gets where the spec says nothing. */
static bool is_default_egress(const struct planning *p, const struct ec2_rule *r)
{
	return r->is_egress && !is_outside(p, r) &&
	       (r->cidr == NULL || (str_eq(r->protocol, "tcp") && r->from_port == 443 && r->to_port == 443));
}

/* "open tcp 9000-9010 from 10.0.0.0/8 in group node" */
static void title_rule(struct planning *p, const struct step_kind *kind, const char *group, const struct ec2_rule *r)
{
	const char *verb = kind == &kind_authorize_ingress || kind == &kind_authorize_egress ? "open"
			   : kind == &kind_revoke_ingress || kind == &kind_revoke_egress     ? "close"
											     : "describe";
	char ports[64] = "all";

	if (!str_eq(r->protocol, "-1"))
		snprintf(ports, sizeof(ports), r->from_port == r->to_port ? "%s %d" : "%s %d-%d", r->protocol, r->from_port,
			 r->to_port);
	plan_title(p->b, "%s %s %s %s in group %s", verb, ports, r->is_egress ? "to" : "from", r->cidr != NULL ? r->cidr : "itself",
		   group);
}

/* "rule-node-tcp-443-443-10.0.0.0/8", "noegress-node-all-self" */
static void add_rule_step(struct planning *p, const struct step_kind *kind, const char *prefix, const char *group, json_t *args,
			  const struct ec2_rule *r)
{
	CLEANUP(buf_close) struct buf name = BUF_MAX(1024);

	buf_addf(&name, "%s%s-%s-", prefix, r->is_egress ? "egress" : "rule", group);
	if (str_eq(r->protocol, "-1"))
		buf_adds(&name, "all-");
	else
		buf_addf(&name, "%s-%d-%d-", r->protocol, r->from_port, r->to_port);
	/* "self" and not an id: a step is called the same before and after the group is made. A rule that names another group
	 * cannot come from a spec: it stands in AWS, and goes. */
	buf_adds(&name, r->cidr != NULL ? r->cidr : str_eq(r->group_id, json_str_or(args, "group_id", "")) ? "self" : r->group_id);
	json_object_set_new(args, "rule", rule_json(r));
	plan_add(p->b, kind, args, "%s", buf_str(&name));
	title_rule(p, kind, group, r);
}

static void authorize(struct planning *p, const char *group, const char *group_id, const struct ec2_rule *r)
{
	json_t *args = json_pack("{s:s}", "group_id", group_id);

	if (is_outside(p, r))
		json_object_set_new(args, "outside_vpc", json_true());
	/* What every group may have is asked of no bound: a policy that says nothing of egress would let no warehouse start. */
	if (is_default_egress(p, r))
		json_object_set_new(args, "default_egress", json_true());
	add_rule_step(p, r->is_egress ? &kind_authorize_egress : &kind_authorize_ingress, "", group, args, r);
}

static void revoke(struct planning *p, const char *group, const char *group_id, const struct ec2_rule *r)
{
	add_rule_step(p, r->is_egress ? &kind_revoke_egress : &kind_revoke_ingress, "no", group,
		      json_pack("{s:s}", "group_id", group_id), r);
}

/* What AWS put into a group that this plan makes: the group is not known everywhere at once. maybe: where it is not, it never
 * was. */
static void revoke_birth_rule(struct planning *p, const char *group, const char *group_id, bool maybe, const struct ec2_rule *r)
{
	json_t *args = json_pack("{s:s, s:b, s:b}", "group_id", group_id, "fresh", 1, "birth", 1);

	if (maybe)
		json_object_set_new(args, "maybe", json_true());
	add_rule_step(p, &kind_revoke_egress, "no", group, args, r);
}

/* A rule that stands, and is called otherwise. */
static void describe(struct planning *p, const char *group, const char *group_id, const struct ec2_rule *have,
		     const struct ec2_rule *want)
{
	const char *was = have->description != NULL ? have->description : "";
	json_t *wanted = planning_text(want->description != NULL ? want->description : "");

	if (!str_eq(was, json_string_value(wanted)))
		add_rule_step(p, want->is_egress ? &kind_describe_rule_egress : &kind_describe_rule_ingress, "describe-", group,
			      json_pack("{s:s, s:s}", "group_id", group_id, "was", was), want);
	json_decref(wanted);
}

static void create_group(struct planning *p, const group_t *want, const char *fact)
{
	CLEANUP(mem_close) char *step = mem_printf("sg-%s", want->name), *what = mem_printf("security group %s", want->name);
	char name[256];

	planner_group_name(p, want->name, name);
	plan_add(p->b, &kind_create_security_group,
		 json_pack("{s:s, s:o, s:s, s:s, s:o, s:s}", "name", name, "description", planning_text(want->description),
			   "vpc_id", p->spec->vpc_id, "subnet_id", planning_proof_of_vpc(p, what), "tags",
			   planning_tags(p, NULL, step, NULL, 0), "fact", fact),
		 "%s", step);
	plan_title(p->b, "create group %s", want->name);
}

/* The second one, of IPv6, is there only if the VPC has a block by then; that the first one was taken out says that the group's
 * rules are known where we ask. */
static void take_birth_rules_out(struct planning *p, const group_t *want, const char *id)
{
	struct wanted_rules birth = at_birth(p);

	/* This comes before anything may start in the group: until then the group lets everything out. */
	for (size_t i = 0; i < birth.n; i++)
		revoke_birth_rule(p, want->name, id, i > 0, &birth.v[i]);
}

/* The rules of a group that is to be: what is wanted, what stands, and which of these go before the new ones come. */
struct change {
	const char *id; /* or the fact that it will be */
	struct wanted_rules wants, have;
};

static struct change change_of(struct planning *p, const group_t *want, const char *self)
{
	const struct ec2_group *there = planner_group_there(p, want->name);
	const char *id = there != NULL ? there->id : self;

	return (struct change){
		.id = id,
		.wants = wanted(p, want, id),
		.have = there != NULL ? (struct wanted_rules){ there->rules, there->rules_n } : (struct wanted_rules){ 0 },
	};
}

enum family { FAMILY_V4, FAMILY_V6, FAMILIES };

/* Amazon VPC quotas: inbound and outbound count each for itself, and so do IPv4 and IPv6; a group or a prefix list counts in
 * both. */
static bool counts_in(const struct ec2_rule *r, bool is_egress, enum family f)
{
	bool v6 = r->cidr != NULL && strchr(r->cidr, ':') != NULL, v4 = r->cidr != NULL && strchr(r->cidr, '.') != NULL;

	return r->is_egress == is_egress && (f == FAMILY_V4 ? !v6 : !v4);
}

/* How many old rules of the direction and family must go before all new ones have room. A group that has more than is usual shows
 * that its account may have them. */
static size_t lack_of_room(const struct change *c, bool is_egress, enum family f)
{
	size_t have = 0, come = 0, room;

	for (size_t i = 0; i < c->have.n; i++)
		have += counts_in(&c->have.v[i], is_egress, f);
	for (size_t i = 0; i < c->wants.n; i++)
		come += counts_in(&c->wants.v[i], is_egress, f) && !holds(&c->have, &c->wants.v[i]);
	room = have > RULES_MAX ? have : RULES_MAX;
	return have + come > room ? have + come - room : 0;
}

/* Is the i-th of the standing rules, which the spec does not have, one of those that go first? */
static bool makes_room(const struct change *c, size_t i)
{
	for (unsigned k = 0; k < 2 * FAMILIES; k++) {
		bool is_egress = k >= FAMILIES;
		enum family f = k % FAMILIES;
		size_t before = 0;

		/* Of the unwanted ones in a full direction and family the first go early, as many as are lacking; the others wait
		 * for the end. */
		for (size_t n = 0; n < i; n++)
			before += counts_in(&c->have.v[n], is_egress, f) && !holds(&c->wants, &c->have.v[n]);
		if (counts_in(&c->have.v[i], is_egress, f) && before < lack_of_room(c, is_egress, f))
			return true;
	}
	return false;
}

static void revoke_unwanted(struct planning *p, const group_t *want, const struct change *c, bool is_early)
{
	for (size_t i = 0; i < c->have.n; i++)
		if (!holds(&c->wants, &c->have.v[i]) && makes_room(c, i) == is_early)
			revoke(p, want->name, c->id, &c->have.v[i]);
}

/* Out of a new group goes first what AWS put there, also where the spec wants the same: what the spec wants is asked of the
 * policy step by step. In a group that has nodes the new rules come first, so that nobody is cut off; but a full one has no room
 * for them, and what goes before them is put back when the plan fails. */
void planner_plan_group(struct planning *p, const group_t *want)
{
	CLEANUP(mem_close) char *self = mem_printf("@sg.%s", want->name);
	bool is_new = planner_group_there(p, want->name) == NULL;
	struct change c;

	planner_check_group_elsewhere(p, want);
	if (is_new)
		check_name(p, want);
	c = change_of(p, want, self);
	if (!is_new)
		planner_check_group(p, want, planner_group_there(p, want->name));
	if (is_new) {
		/* + 1: the fact's name, without the @ by which the steps behind it speak of it. */
		create_group(p, want, self + 1);
		take_birth_rules_out(p, want, self);
	}
	revoke_unwanted(p, want, &c, true);
	for (size_t i = 0; i < c.wants.n; i++) {
		const struct ec2_rule *have = same_in(&c.have, &c.wants.v[i]);

		if (have == NULL)
			authorize(p, want->name, c.id, &c.wants.v[i]);
		else
			describe(p, want->name, c.id, have, &c.wants.v[i]);
	}
}

void planner_trim_group(struct planning *p, const group_t *want)
{
	struct change c;

	if (planner_group_there(p, want->name) == NULL)
		return;
	/* Its id is known, so no fact stands for it. */
	c = change_of(p, want, "");
	revoke_unwanted(p, want, &c, false);
}

/* A rule that stands already is authorized by no step, so what starts behind it asks for it. */
json_t *planner_bounded_rules(const struct planning *p, const char *group)
{
	json_t *list = json_array();

	for (size_t g = 0; g < p->spec->n_security_groups; g++) {
		const group_t *want = p->spec->security_groups[g];
		struct wanted_rules rules = rules_new(p, want->n_rules);

		for (size_t i = 0; i < want->n_rules && str_eq(want->name, group); i++)
			add_spec_rule(p, &rules, want->rules[i], "");
		for (size_t i = 0; i < rules.n; i++)
			/* A rule within the group itself reaches nobody else, so no bound speaks of it. */
			if (rules.v[i].cidr != NULL && !is_default_egress(p, &rules.v[i]))
				json_array_append_new(list, rule_json(&rules.v[i]));
	}
	return list;
}
