/* kinds_group_delete.c - the step kind that takes a security group away.
 *
 * AWS says DependencyViolation, and not of what. So who holds the group is asked: network interfaces in it, and rules of other
 * groups that name it. An interface of a node of ours that has ended lets go within a minute; everything else stands until somebody
 * takes it away, and is named. Where nobody may ask (an older stack), it waits without knowing. */
#include <string.h>

#include "agent/aws/ec2_interface.h"
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/groups.h"
#include "agent/ops/steps/kinds_impl.h"

#define STALE_MS 15000ull /* a node that was just ended may be shown alive for so long */

static int delete_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	const char *group;

	TRY(arg_str(x, "group_id", &group, e));
	ec2_delete_security_group(req, group);
	return 0;
}

static const char *group_of(const struct step_ctx *x)
{
	return json_str_or(x->args, "group_id", "");
}

/* ---- who holds it: rows of three reads ---- */

static void ask_by(const struct step_ctx *x, struct request *req, const char *filter_name,
		   void (*build)(struct request *, const struct ec2_describe *))
{
	const char *group = group_of(x);
	const struct ec2_filter filter = { filter_name, &group, 1 };

	build(req, &(struct ec2_describe){ .filters = &filter, .filters_n = 1, .whole = true });
}

static void ask_interfaces(const struct step_ctx *x, struct request *req)
{
	ask_by(x, req, "group-id", ec2_describe_interfaces);
}

static void ask_ways_in(const struct step_ctx *x, struct request *req)
{
	ask_by(x, req, "ip-permission.group-id", ec2_describe_security_groups);
}

static void ask_ways_out(const struct step_ctx *x, struct request *req)
{
	ask_by(x, req, "egress.ip-permission.group-id", ec2_describe_security_groups);
}

static json_t *texts_json(const char *const *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_text(v[i]));
	return list;
}

static json_t *interface_row(const struct ec2_interface *i)
{
	const char *vendor = ec2_tag_get(&i->tags, "resource-created-by"), *inst = ec2_tag_get(&i->tags, "reeve:installation");
	/* The interface of a node that has just ended looks like this: attached to nothing, named by nobody, of no service. */
	bool is_loose = *i->instance_id == '\0' && *i->description == '\0' && !i->is_managed && !str_eq(i->status, "in-use");

	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "id", json_text(i->id), "in", texts_json(i->group_ids, i->group_ids_n),
	    "type", json_text(i->type), "description", json_text(i->description), "instance", json_text(i->instance_id), "vendor",
	    json_text(vendor != NULL ? vendor : ""), "installation", json_text(inst != NULL ? inst : ""), "loose", is_loose);
}

static json_t *read_interfaces(const struct aws_call *c)
{
	const struct xml_node *root = xml_root(c->xml);
	struct arena *m = read_arena();
	struct ec2_interfaces list = { 0 };
	json_t *rows = NULL;

	/* NULL and no rows are not the same: nobody could look, or nobody is there. */
	if (ec2_read_interfaces(root, m, &list, NULL) == 0)
		rows = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(rows, interface_row(&list.v[i]));
	arena_free(m);
	return rows;
}

static json_t *group_row(const struct ec2_group *g)
{
	json_t *peers = json_array();

	for (size_t i = 0; i < g->rules_n; i++)
		if (g->rules[i].group_id != NULL)
			json_array_append_new(peers, json_text(g->rules[i].group_id));
	return json_pack("{s:o, s:o}", "id", json_text(g->id), "peers", peers);
}

static json_t *read_groups(const struct aws_call *c)
{
	const struct xml_node *root = xml_root(c->xml);
	struct arena *m = read_arena();
	struct ec2_groups list = { 0 };
	json_t *rows = NULL;

	if (ec2_read_security_groups(root, m, &list, NULL) == 0)
		rows = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(rows, group_row(&list.v[i]));
	arena_free(m);
	return rows;
}

static const struct step_look look_interfaces = { "interfaces", "ec2:DescribeNetworkInterfaces", ask_interfaces, read_interfaces };
static const struct step_look look_ways_in = { "ways-in", "ec2:DescribeSecurityGroups", ask_ways_in, read_groups };
static const struct step_look look_ways_out = { "ways-out", "ec2:DescribeSecurityGroups", ask_ways_out, read_groups };
static const struct step_look *const looks[] = { &look_interfaces, &look_ways_in, &look_ways_out, NULL };

/* ---- whether it lets go ---- */

struct holders {
	char stands[200], goes[200]; /* one of each, by name; "" if none */
};

/* Looked at again: a filter that the service ignores shows the whole account. */
static bool names_us(const struct step_ctx *x, const json_t *ids)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (str_eq(json_string_value(json_array_get(ids, i)), group_of(x)))
			return true;
	return false;
}

static bool is_tagged_as(const json_t *row, const struct ec2_group *g)
{
	return g != NULL && str_eq(json_str_or(row, "vendor", ""), ec2_tag_get(&g->tags, "resource-created-by")) &&
	       str_eq(json_str_or(row, "installation", ""), ec2_tag_get(&g->tags, "reeve:installation"));
}

static bool has_ended(const struct inventory *inv)
{
	for (size_t i = 0; i < inv->instances.n; i++)
		if (!inventory_is_alive(&inv->instances.v[i]))
			return true;
	return false;
}

/*  attached to          shown as               lets go
 *  a node of ours       ended                  yes
 *  a node of ours       alive                  no, but just ended it may be shown so for a moment
 *  another instance     with our tags on it    for a moment: its node may just be shown no more; then no, somebody has taken it
 *  anything else        with our tags on it    yes
 *  nothing              no tags, no name       yes, for as long as a node of ours that has ended is shown, or may be
 *  anything else        without our tags       no  */
static bool lets_go(const struct step_ctx *x, const struct inventory *inv, const json_t *row)
{
	const struct ec2_instance *in = inventory_instance_in(&inv->instances, json_str_or(row, "instance", ""));

	/* Right after the end of its node EC2 may still show it alive. To give up then would ask a person for what passes by
	 * itself. */
	if (in != NULL)
		return !inventory_is_alive(in) || x->age_ms < STALE_MS;
	if (is_tagged_as(row, groups_by_id(inv, group_of(x))))
		return *json_str_or(row, "instance", "") == '\0' || x->age_ms < STALE_MS;
	return json_is_true(json_object_get(row, "loose")) && (!x->patient || has_ended(inv));
}

static void weigh_interfaces(const struct step_ctx *x, const struct inventory *inv, struct holders *h)
{
	const json_t *rows = json_object_get(x->seen, "interfaces");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *of = json_str_or(row, "instance", ""), *about = json_str_or(row, "description", "");

		if (!names_us(x, json_object_get(row, "in")))
			continue;
		/* One name of each is enough: a person who looks for it finds the others beside it. */
		snprintf(lets_go(x, inv, row) ? h->goes : h->stands, sizeof(h->goes), "network interface %s of %s%s%.60s%s",
			 json_str_or(row, "id", "?"), *of != '\0' ? of : json_str_or(row, "type", "?"), *about != '\0' ? " (" : "",
			 about, *about != '\0' ? ")" : "");
	}
}

/* A rule of a group of ours may just have been taken out. */
static void weigh_rules(const struct step_ctx *x, const struct inventory *inv, const char *look, struct holders *h)
{
	const json_t *rows = json_object_get(x->seen, look);

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *id = json_str_or(row, "id", "?");
		bool goes = groups_by_id(inv, id) != NULL && !x->patient;

		/* A rule by which the group lets its own nodes in goes with it, and holds nothing. */
		if (names_us(x, json_object_get(row, "peers")) && !str_eq(id, group_of(x)))
			snprintf(goes ? h->goes : h->stands, sizeof(h->goes), "a rule of security group %s that names it", id);
	}
}

static enum step_verdict delete_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return c->class == AWS_CONFLICT ? STEP_LOOK : step_judge_gone(x, c, e);
}

static bool delete_find(const struct step_ctx *x, const struct inventory *inv)
{
	return !step_may_hide(x) && groups_by_id(inv, group_of(x)) == NULL;
}

static enum step_verdict delete_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	struct holders h = { 0 };

	if (!str_eq(x->code, "DependencyViolation") && !str_eq(x->code, "InvalidGroup.InUse"))
		return STEP_LOOK;
	weigh_interfaces(x, inv, &h);
	weigh_rules(x, inv, "ways-in", &h);
	weigh_rules(x, inv, "ways-out", &h);
	/* What stands is told first: while a person must act anyway, there is no use in waiting for what lets go by itself. */
	if (h.stands[0] != '\0') {
		err_set(e, ERR_SERVICE, "security group %s is held by %s: take that away, and send the command again", group_of(x),
			h.stands);
		return STEP_FAILED;
	}
	if (h.goes[0] != '\0')
		err_set(e, ERR_AGAIN, "security group %s is still held by %s", group_of(x), h.goes);
	/* This is the answer also when nobody was found: the look was not allowed, or what held the group has let go since. */
	return STEP_AGAIN;
}

static void delete_print(const json_t *args, struct buf *to)
{
	buf_adds(to, json_str_or(args, "group_id", "?"));
}

static const struct iam_statement delete_grants[] = {
	{ IAM_DELETE, "Delete", IAM_OWNED, IAM_TEXTS("ec2:DeleteSecurityGroup"), IAM_TEXTS(IAM_EC2("security-group/*")) },
	{ 0 },
};

const struct step_kind kind_delete_security_group = {
	.name = "delete-security-group",
	.action = "ec2:DeleteSecurityGroup",
	.field = "security_groups",
	.grants = delete_grants,
	.repeat = REPEAT_NATURAL,
	.settle_s = 120,
	.deadline_s = 900,
	.poll_s = 5,
	.removes = &resource_security_group,
	.removes_arg = "group_id",
	.ask = delete_ask,
	.judge = delete_judge,
	.find = delete_find,
	.miss = delete_miss,
	.looks = looks,
	.print = delete_print,
};
