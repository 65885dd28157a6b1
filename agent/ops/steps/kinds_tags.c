/* kinds_tags.c - step kinds that set and take away tags of what stands: of a node, its volumes and network interfaces, and a group
 * at EC2; of a balancer, a listener and a target group at ELB. Tags that a thing is made with come with the call that makes it.
 *
 * Both ownership tags say whose a thing is, so no step writes or deletes them: what has lost one is not ours any more, and IAM
 * refuses to touch it (aws:ResourceTag). */
#include "agent/aws/ec2.h"
#include "agent/aws/elb.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/groups.h"
#include "agent/ops/steps/interfaces.h"
#include "agent/ops/steps/kinds_impl.h"
#include "agent/ops/steps/volumes.h"

/* It comes and goes with its node; steps name it for its tags alone. */
const struct resource resource_interface = {
	.kind = "network-interface",
	.reads = interfaces_reads,
	.unknown = { "InvalidNetworkInterfaceID.NotFound" },
};

#define SETS IAM_OWN(0)
#define TAKES IAM_OWN(1)

/* No other keys than these, and whatever a list says: whose a thing is and how it came to be stays on it. */
static const struct iam_condition conditions[] = {
	{ SETS, "ForAllValues:StringLike", "aws:TagKeys", "Name reeve:tags %<tag_keys>" },
	{ SETS, "ForAllValues:StringNotLike", "aws:TagKeys", "resource-created-by reeve:installation reeve:warehouse" },
	{ TAKES, "ForAllValues:StringLike", "aws:TagKeys", "%<tag_keys>" },
	{ TAKES, "ForAllValues:StringNotLike", "aws:TagKeys", "resource-created-by reeve:*" },
	{ TAKES, "Null", "aws:TagKeys", "false" }, /* DeleteTags without keys takes all of them, and "for all" holds of none */
	{ 0 },
};

#define EC2_THINGS                                                                                                                 \
	IAM_TEXTS(IAM_EC2("instance/*"), IAM_EC2("network-interface/*"), IAM_EC2("security-group/*"), IAM_EC2("volume/*"))
#define ELB_THINGS IAM_TEXTS(IAM_ELB("listener/net/*"), IAM_ELB("loadbalancer/net/*"), IAM_ELB("targetgroup/*"))

static const struct iam_statement create_grants[] = {
	{ IAM_TAGS, "Retag", IAM_OWNED | SETS, IAM_TEXTS("ec2:CreateTags"), EC2_THINGS },
	{ 0 },
};
static const struct iam_statement delete_grants[] = {
	{ IAM_TAGS, "Untag", IAM_OWNED | TAKES, IAM_TEXTS("ec2:DeleteTags"), EC2_THINGS },
	{ 0 },
};
static const struct iam_statement add_grants[] = {
	{ IAM_TAGS, "Retag", IAM_OWNED | SETS, IAM_TEXTS("elasticloadbalancing:AddTags"), ELB_THINGS },
	{ 0 },
};
static const struct iam_statement remove_grants[] = {
	{ IAM_TAGS, "Untag", IAM_OWNED | TAKES, IAM_TEXTS("elasticloadbalancing:RemoveTags"), ELB_THINGS },
	{ 0 },
};

/* ---- arguments: {"things": [id or ARN], "tags": {key: value}} to set, {"things", "keys": [key]} to take away ---- */

static int tags_of(const struct step_ctx *x, struct ec2_tag **ret, size_t *ret_n, struct err *e)
{
	json_t *tags = json_object_get(x->args, "tags"), *value;
	struct ec2_tag *v = mem_grow(NULL, json_object_size(tags) + 1, sizeof(*v));
	const char *key;
	size_t n = 0;

	json_object_foreach(tags, key, value)
		v[n++] = (struct ec2_tag){ key, json_string_value(value) };
	*ret = v;
	*ret_n = n;
	return n > 0 ? 0 : err_set(e, ERR_INVALID, "argument \"tags\" is missing");
}

/* Without a key EC2 would take all of them. */
static int keys_of(const struct step_ctx *x, const char ***ret, size_t *ret_n, struct err *e)
{
	TRY(arg_strs(x, "keys", ret, ret_n, e));
	return *ret_n > 0 ? 0 : err_set(e, ERR_INVALID, "argument \"keys\" names none");
}

/* What a step of load balancing is about: AddTags has one ARN a call. */
static int thing_of(const struct step_ctx *x, const char **ret, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	size_t n;

	TRY(step_members(x, "things", &ids, &n, e));
	if (n != 1)
		return err_set(e, ERR_INVALID, "argument \"things\" names %zu, and one is needed", n);
	*ret = ids[0];
	return 0;
}

/* ---- what the inventory shows ---- */

static const struct ec2_tags *tags_at_ec2(const struct inventory *inv, const char *id)
{
	const struct ec2_instance *in = inventory_instance_in(&inv->instances, id);
	const struct ec2_group *g = groups_by_id(inv, id);
	const struct ec2_volume *v = volumes_by_id(inv, id);
	const struct ec2_interface *eni = interfaces_by_id(inv, id);

	if (in != NULL)
		return inventory_is_alive(in) ? &in->tags : NULL;
	return g != NULL ? &g->tags : v != NULL ? &v->tags : eni != NULL ? &eni->tags : NULL;
}

static const struct ec2_tags *tags_at_elb(const struct inventory *inv, const char *arn)
{
	const struct balancers_target_group *tg = balancers_target_group_by_arn(inv, arn);
	const struct balancers_lb *lb = balancers_lb_by_arn(inv, arn);
	const struct elb_listener *l = balancers_listener_by_arn(inv, arn);

	return tg != NULL ? &tg->g.tags : lb != NULL ? &lb->lb.tags : l != NULL ? &l->tags : NULL;
}

/* NULL: it shows no such thing. */
static const struct ec2_tags *shown_tags(const struct inventory *inv, const char *id)
{
	const struct ec2_tags *tags = tags_at_ec2(inv, id);

	return tags != NULL ? tags : tags_at_elb(inv, id);
}

static bool are_set(const struct step_ctx *x, const struct ec2_tags *have)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(x->args, "tags"), key, value) {
		if (!str_eq(ec2_tag_get(have, key), json_string_value(value)))
			return false;
	}
	return true;
}

static bool are_gone(const struct step_ctx *x, const struct ec2_tags *have)
{
	const json_t *keys = json_object_get(x->args, "keys");

	for (size_t i = 0; i < json_array_size(keys); i++)
		if (ec2_tag_get(have, json_string_value(json_array_get(keys, i))) != NULL)
			return false;
	return true;
}

/* Does each thing that is shown bear what the step wants? */
static bool find_each(const struct step_ctx *x, const struct inventory *inv,
		      bool (*is_so)(const struct step_ctx *x, const struct ec2_tags *have))
{
	const json_t *ids = json_object_get(x->args, "things");
	bool some = false;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const struct ec2_tags *have = shown_tags(inv, json_string_value(json_array_get(ids, i)));

		if (have != NULL && !is_so(x, have))
			return false;
		some = some || have != NULL;
	}
	return some;
}

static bool set_find(const struct step_ctx *x, const struct inventory *inv)
{
	return find_each(x, inv, are_set);
}

static bool unset_find(const struct step_ctx *x, const struct inventory *inv)
{
	return find_each(x, inv, are_gone);
}

/* One id that is gone, or no longer ours, fails the call for all of them: those that the inventory does not show are left out, and
 * it is made again. A thing that nobody can tag any more needs no tags. */
static enum step_verdict tags_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "things");
	size_t left = json_object_size(x->left), out = 0;

	bool is_denied = str_eq(x->code, "UnauthorizedOperation") || str_eq(x->code, "AccessDenied");

	if (!is_denied && strstr(x->code, "NotFound") == NULL)
		return STEP_LOOK;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (shown_tags(inv, id) == NULL && !step_is_left(x, id))
			step_leave_out(x, id, "is not there any more, or not ours");
		out += step_is_left(x, id);
	}
	if (out == json_array_size(ids))
		return STEP_DONE;
	if (json_object_size(x->left) > left)
		return STEP_AGAIN;
	if (e->text[0] == '\0')
		err_set(e, is_denied ? ERR_DENIED : ERR_SERVICE, "AWS says %s of what it shows as ours", x->code);
	return STEP_FAILED;
}

static enum step_verdict tags_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK)
		return STEP_DONE;
	if (c->class == AWS_NOTFOUND)
		return step_may_hide(x) ? STEP_AGAIN : STEP_LOOK;
	return c->class == AWS_DENIED ? STEP_LOOK : step_judge_refusal(x, c, e);
}

/* "kind": of all the things. */
static void tags_changes(const json_t *args, const json_t *left, json_t *pairs)
{
	step_add_pairs(pairs, &(struct resource){ .kind = json_str_or(args, "kind", "?") }, json_object_get(args, "things"), left);
}

/* ---- for people ---- */

static void set_print(const json_t *args, struct buf *to)
{
	const char *key, *before = "";
	json_t *value;

	arg_print_strs(args, "things", to);
	buf_adds(to, ": ");
	json_object_foreach(json_object_get((json_t *)args, "tags"), key, value) {
		if (str_eq(key, "reeve:tags"))
			continue; /* it says no more than the others */
		buf_addf(to, "%s%s=%s", before, key, json_string_value(value));
		before = ", ";
	}
}

static void unset_print(const json_t *args, struct buf *to)
{
	arg_print_strs(args, "things", to);
	buf_adds(to, ": ");
	arg_print_strs(args, "keys", to);
}

/* ---- the kinds: what all of them have, and what the two that set and the two that take away have ---- */

#define ALL_TAGS                                                                                                                   \
	.field = "tags", .conditions = conditions, .changes = tags_changes, .repeat = REPEAT_NATURAL, .settle_s = 60,              \
	.deadline_s = 300, .poll_s = 3, .judge = tags_judge, .miss = tags_miss
#define SETS_TAGS ALL_TAGS, .find = set_find, .print = set_print
#define TAKES_TAGS ALL_TAGS, .find = unset_find, .print = unset_print

/* ---- EC2 ---- */

static int create_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	CLEANUP(mem_close) const char **ids = NULL;
	size_t n, tags_n;

	TRY(step_members(x, "things", &ids, &n, e));
	TRY(tags_of(x, &tags, &tags_n, e));
	ec2_create_tags(req, ids, n, tags, tags_n);
	return 0;
}

static int delete_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL, **keys = NULL;
	size_t n, keys_n = 0;

	TRY(step_members(x, "things", &ids, &n, e));
	TRY(keys_of(x, &keys, &keys_n, e));
	ec2_delete_tags(req, ids, n, keys, keys_n);
	return 0;
}

const struct step_kind kind_create_tags = {
	.name = "create-tags",
	.action = "ec2:CreateTags",
	.grants = create_grants,
	.ask = create_ask,
	SETS_TAGS,
};

const struct step_kind kind_delete_tags = {
	.name = "delete-tags",
	.action = "ec2:DeleteTags",
	.grants = delete_grants,
	.ask = delete_ask,
	TAKES_TAGS,
};

/* ---- load balancing ---- */

static int add_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	const char *arn = NULL;
	size_t tags_n;

	TRY(thing_of(x, &arn, e));
	TRY(tags_of(x, &tags, &tags_n, e));
	elb_add_tags(req, arn, tags, tags_n);
	return 0;
}

static int remove_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **keys = NULL;
	const char *arn = NULL;
	size_t keys_n = 0;

	TRY(thing_of(x, &arn, e));
	TRY(keys_of(x, &keys, &keys_n, e));
	elb_remove_tags(req, arn, keys, keys_n);
	return 0;
}

const struct step_kind kind_add_tags = {
	.name = "add-tags",
	.action = "elasticloadbalancing:AddTags",
	.grants = add_grants,
	.ask = add_ask,
	SETS_TAGS,
};

const struct step_kind kind_remove_tags = {
	.name = "remove-tags",
	.action = "elasticloadbalancing:RemoveTags",
	.grants = remove_grants,
	.ask = remove_ask,
	TAKES_TAGS,
};
