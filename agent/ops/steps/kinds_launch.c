/* kinds_launch.c - the step kind that launches nodes. */
#include <string.h>

#include "agent/aws/code.h"
#include "agent/aws/ec2.h"
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/kinds_impl.h"

#define USER_DATA_MAX 16384
#define LAUNCHES_MAX 3       /* launches of one step whose nodes died of what may pass */
#define PROFILE_MS 120000ull /* how long a new instance profile is not known everywhere */

/* ---- launch: one RunInstances for all missing nodes of a cluster ----
 *
 * It has one place or several: a subnet and a type, in the order of the specification. Each generation is another request, so
 * another token:
 *
 *   1 to n (places)      place number g: all or nothing
 *   n + 1 to 2n          the same places again: what can be had; not for an atomic cluster
 *
 * Nodes that died before anybody saw them are described for an hour more, and tell what they died of: another generation is tried
 * where that may cure it. */

static uint32_t count_of(const json_t *args)
{
	return (uint32_t)json_int_or(args, "count", 0);
}

/* ---- places ---- */

static unsigned places_n(const json_t *args)
{
	return 1 + (unsigned)json_array_size(json_object_get(args, "elsewhere"));
}

/* The place of this generation: the arguments themselves are the first. */
static const json_t *place_of(const struct step_ctx *x)
{
	unsigned at = (x->generation - 1) % places_n(x->args);

	return at == 0 ? x->args : json_array_get(json_object_get(x->args, "elsewhere"), at - 1);
}

static bool takes_less(const struct step_ctx *x)
{
	return x->generation > places_n(x->args) && !kinds_is_atomic(x);
}

static void volumes_of(const json_t *args, struct ec2_volume_arg **ret, size_t *ret_n)
{
	const json_t *list = json_object_get(args, "volumes");
	size_t n = json_array_size(list);
	struct ec2_volume_arg *v = mem_grow(NULL, n, sizeof(*v));

	for (size_t i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);

		v[i] = (struct ec2_volume_arg){
			.device = json_str_or(j, "device", ""),
			.type = json_str_or(j, "type", "gp3"),
			.kms_key_id = json_str_or(j, "kms_key_id", NULL),
			.size_gib = (uint32_t)json_int_or(j, "size_gib", 0),
			.iops = (uint32_t)json_int_or(j, "iops", 0),
			.throughput = (uint32_t)json_int_or(j, "throughput", 0),
			.keep = json_is_true(json_object_get(j, "keep")),
		};
	}
	*ret = v;
	*ret_n = n;
}

static int launch_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	CLEANUP(mem_close) struct ec2_volume_arg *volumes = NULL;
	CLEANUP(mem_close) const char **groups = NULL;
	CLEANUP(buf_close) struct buf user_data = BUF_MAX(USER_DATA_MAX);
	struct ec2_run_args a = { .client_token = x->token, .max = count_of(x->args) };

	TRY(arg_str(x, "image_id", &a.image_id, e));
	TRY(arg_str(x, "root_device", &a.root_device, e));
	TRY(json_get_str(place_of(x), "type", &a.type, e));
	TRY(json_get_str(place_of(x), "subnet_id", &a.subnet_id, e));
	TRY(arg_strs(x, "groups", &groups, &a.group_ids_n, e));
	TRY(arg_tags(x, &tags, &a.tags_n, e));
	if (json_object_get(x->args, "user_data") != NULL)
		TRY(json_get_base64(x->args, "user_data", &user_data, e));
	a.root_gib = (uint32_t)json_int_or(x->args, "root_gib", 0);
	volumes_of(x->args, &volumes, &a.volumes_n);
	a.group_ids = groups;
	a.tags = tags;
	a.volumes = volumes;
	a.profile = json_str_or(x->args, "profile", NULL);
	a.user_data = user_data.data;
	a.user_data_len = user_data.len;
	a.min = takes_less(x) ? 1 : a.max;
	ec2_run_instances(req, &a);
	return 0;
}

static json_t *ids_of(const struct ec2_instances *list)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(ids, json_string(list->v[i].id));
	return ids;
}

static void note_short(const struct step_ctx *x, size_t have)
{
	const char *cluster = json_str_or(x->args, "cluster", "?");

	if (have < count_of(x->args))
		buf_addf(x->note, "short: %zu of %u nodes in %s", have, count_of(x->args), cluster);
	else if (place_of(x) != x->args)
		buf_addf(x->note, "%u nodes of %s are %s in %s: as %s in %s there was no room for them, or they did not come up",
			 count_of(x->args), cluster, json_str_or(place_of(x), "type", "?"),
			 json_str_or(place_of(x), "subnet_id", "?"), json_str_or(x->args, "type", "?"),
			 json_str_or(x->args, "subnet_id", "?"));
}

static enum step_verdict launched(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct arena *m = read_arena();
	struct ec2_instances list = { 0 };
	enum step_verdict v = STEP_LOOK; /* an answer we cannot read, or of more than was asked for: AWS did it, so look */

	if (ec2_read_run_instances(xml_root(c->xml), m, &list, e) == 0 && list.n > 0 && list.n <= count_of(x->args)) {
		fact_set(x, ids_of(&list));
		note_short(x, list.n);
		v = STEP_DONE;
	}
	arena_free(m);
	return v;
}

/* There is no room there for that; "Unsupported" is a type that the zone does not have. */
static bool is_want_of_room(enum aws_class class, const char *code)
{
	return class == AWS_CAPACITY || class == AWS_QUOTA || str_eq(code, "Unsupported");
}

static bool may_go_on(const struct step_ctx *x, enum aws_class class, const char *code)
{
	unsigned n = places_n(x->args);

	if (!is_want_of_room(class, code))
		return false;
	return x->generation < n || (x->generation < 2 * n && !kinds_is_atomic(x) && count_of(x->args) > 1);
}

static bool has_some(const struct step_ctx *x)
{
	const json_t *facts = json_object_get(x->args, "before");

	for (size_t i = 0; i < json_array_size(facts); i++)
		if (json_array_size(json_object_get(x->known, json_string_value(json_array_get(facts, i)))) > 0)
			return true;
	return false;
}

/* Of a cluster that is spread the other launches may get some: it stays short of these, unless none of them got any. */
static bool may_be_none(const struct step_ctx *x, enum aws_class class, const char *code)
{
	bool is_last = json_is_true(json_object_get(x->args, "is_last"));

	return json_object_get(x->args, "before") != NULL && !kinds_is_atomic(x) && is_want_of_room(class, code) &&
	       (!is_last || has_some(x));
}

static enum step_verdict go_without(const struct step_ctx *x)
{
	fact_set(x, json_array());
	note_short(x, 0);
	return STEP_DONE;
}

/* A profile that was just made, or its role, is not known to EC2 at once; the sentences are all there is to tell it by. */
static bool is_profile_coming(const struct step_ctx *x, const struct aws_call *c)
{
	static const char *const sentences[] = { "Invalid IAM Instance Profile", "has no associated IAM Roles",
						 "iamInstanceProfile" };

	if (!str_eq(c->code, "InvalidParameterValue") || x->age_ms >= PROFILE_MS)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (strcasestr(c->err.text, sentences[i]) != NULL)
			return true;
	return false;
}

static enum step_verdict launch_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK)
		return launched(x, c, e);
	if (c->class == AWS_CONFLICT)
		return STEP_LOOK; /* the token is known (IdempotentParameterMismatch, IdempotentInstanceTerminated): look by tag */
	if (may_go_on(x, c->class, c->code))
		return STEP_SMALLER;
	if (may_be_none(x, c->class, c->code))
		return go_without(x);
	return is_profile_coming(x, c) ? STEP_AGAIN : step_judge_refusal(x, c, e);
}

static bool is_from(const struct step_ctx *x, const struct ec2_instance *i)
{
	const char *command = ec2_tag_get(&i->tags, "reeve:command"), *step = ec2_tag_get(&i->tags, "reeve:step");
	size_t plan = strlen(x->plan);

	return str_eq(command, x->command) && step != NULL && strncmp(step, x->plan, plan) == 0 && step[plan] == '/' &&
	       str_eq(step + plan + 1, x->step);
}

/* The nodes of this generation that have ended, as far as AWS shows them: how many, and one of them; where `ids` is given, all are
 * added to it. */
static size_t dead_of(const struct step_ctx *x, const struct inventory *inv, const struct ec2_instance **ret, json_t *ids)
{
	size_t n = 0;

	for (size_t i = 0; i < inv->instances.n; i++) {
		const struct ec2_instance *in = &inv->instances.v[i];
		bool is_older = in->client_token != NULL && *in->client_token != '\0' && !str_eq(in->client_token, x->token);

		if (!is_from(x, in) || is_older || inventory_is_alive(in))
			continue;
		*ret = in;
		if (ids != NULL)
			json_array_append_new(ids, json_string(in->id));
		n++;
	}
	return n;
}

/* Part of a launch may be seen before the rest: fewer than asked for, dead ones counted, is believed only when the wait is over.
 * Until then the engine is told to look again instead of asking again. To an atomic cluster the dead belong: the
 * wait for it tells what they died of. */
static bool launch_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct ec2_instance *dead = NULL;
	json_t *ids = json_array();
	size_t n, n_dead;

	for (size_t i = 0; i < inv->instances.n; i++)
		if (is_from(x, &inv->instances.v[i]) && inventory_is_alive(&inv->instances.v[i]))
			json_array_append_new(ids, json_string(inv->instances.v[i].id));
	n = json_array_size(ids);
	n_dead = dead_of(x, inv, &dead, kinds_is_atomic(x) ? ids : NULL);
	if (n == 0 || (n + n_dead < count_of(x->args) && !x->settled)) {
		*x->sight = n > 0 ? STEP_SEEN_PARTLY : STEP_SEEN;
		json_decref(ids);
		return false;
	}
	fact_set(x, ids);
	note_short(x, n);
	return true;
}

/* Why the node did not come up. */
static struct code_death death_of(const struct step_ctx *x, const struct ec2_instance *in, struct err *e)
{
	const char *code = in->reason_code != NULL ? in->reason_code : "", *why = in->reason != NULL ? in->reason : "";
	struct code_death d = code_judge_death(code, why);

	step_blame(x, d.class, d.code);
	err_set(e, ERR_SERVICE, "a node did not come up: %s is %s: %s %s", in->id, in->state, code, why);
	return d;
}

/* AWS's answer to the repeated token says that the nodes were launched, and no more. Until settle_s is over they may only not be
 * shown yet. */
static enum step_verdict launch_unseen(const struct step_ctx *x, struct err *e)
{
	if (!str_starts(x->code, "Idempotent"))
		return STEP_LOOK;
	if (!x->settled) {
		*x->sight = STEP_SEEN_PARTLY;
		return STEP_LOOK;
	}
	err_set(e, ERR_SERVICE, "AWS says %s of this launch, and shows none of its nodes, alive or ended", x->code);
	return STEP_FAILED;
}

static enum step_verdict launch_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	const struct ec2_instance *in = NULL;
	bool partly = *x->sight == STEP_SEEN_PARTLY;
	size_t n = dead_of(x, inv, &in, NULL);
	struct code_death d;

	if (n == 0 || partly)
		return partly ? STEP_LOOK : launch_unseen(x, e);
	if (n < count_of(x->args) && !x->settled && !str_eq(x->code, "IdempotentInstanceTerminated")) {
		*x->sight = STEP_SEEN_PARTLY;
		return STEP_LOOK;
	}
	d = death_of(x, in, e);
	if ((d.passes && x->generation < LAUNCHES_MAX) || may_go_on(x, d.class, d.code))
		return STEP_SMALLER;
	return may_be_none(x, d.class, d.code) ? go_without(x) : STEP_FAILED;
}

static json_t *instances_of_fact(const json_t *args)
{
	return json_pack("{s:[o], s:b}", "instances", json_sprintf("@%s", json_str_or(args, "fact", "?")), "fresh", 1);
}

/* How a node of the launch stands; NULL: not shown. */
static const struct ec2_instance *node_in(const struct inventory *inv, const json_t *id)
{
	return inv != NULL ? inventory_instance_in(&inv->instances, json_string_value(id)) : NULL;
}

static void add_kept(const struct ec2_instance *in, json_t *ids)
{
	for (uint32_t i = 0; i < in->kept_volumes; i++)
		json_array_append_new(ids, json_string(in->kept_volume_ids[i]));
}

/* Their data volumes, and those that they leave (keeps). What is attached to a node is shown while it comes up, and not all of it
 * from the start. */
static json_t *launch_losses(const json_t *args, const json_t *fact, const struct inventory *inv)
{
	json_t *of = json_object(), *keeps = json_array(), *losses;
	bool unseen = false;

	for (size_t i = 0; i < json_array_size(fact); i++) {
		const struct ec2_instance *in = node_in(inv, json_array_get(fact, i));

		if (in != NULL) {
			json_object_set_new(of, in->id, inventory_volumes_of(in));
			add_kept(in, keeps);
		}
		unseen = unseen || in == NULL || str_eq(in->state, "pending");
	}
	unseen = unseen && json_array_size(json_object_get(args, "volumes")) > 0;
	losses = json_pack("{s:o, s:b}", "volumes_of", of, "unseen_volumes", unseen);
	if (json_array_size(keeps) > 0)
		json_object_set(losses, "keeps", keeps);
	json_decref(keeps);
	return losses;
}

static void name_if(struct demand *d, const struct bound *of, const json_t *from, const char *key)
{
	const char *text = json_str_or(from, key, NULL);

	if (text != NULL)
		demand_name(d, of, text);
}

static void volume_demand(const json_t *v, struct demand *d)
{
	name_if(d, &bound_volume_types, v, "type");
	name_if(d, &bound_kms_keys, v, "kms_key_id");
	demand_count(d, &bound_volume_gib, (uint32_t)json_int_or(v, "size_gib", 0));
	demand_count(d, &bound_iops, (uint32_t)json_int_or(v, "iops", 0));
	demand_count(d, &bound_throughput, (uint32_t)json_int_or(v, "throughput", 0));
}

static void place_demand(const json_t *place, struct demand *d)
{
	demand_name(d, &bound_instance_types, json_str_or(place, "type", ""));
	demand_name(d, &bound_subnets, json_str_or(place, "subnet_id", ""));
}

/* A plan of an older version has user data without its hash: no list of hashes holds the empty text. */
static void launch_demand(const json_t *args, struct demand *d)
{
	const json_t *volumes = json_object_get(args, "volumes"), *rules = json_object_get(args, "rules");

	place_demand(args, d);
	for (size_t i = 0; i + 1 < places_n(args); i++)
		place_demand(json_array_get(json_object_get(args, "elsewhere"), i), d);
	demand_image(d, &(struct demand_image){ json_str_or(args, "image_id", ""), json_str_or(args, "image_owner", ""),
						json_str_or(args, "image_owner_alias", "") });
	name_if(d, &bound_instance_profiles, args, "profile");
	if (json_object_get(args, "user_data") != NULL)
		demand_name(d, &bound_user_data, json_str_or(args, "user_data_sha256", ""));
	/* One that takes the place of another stands beside it for a while, and the next one is launched when that is over. */
	if (json_object_get(args, "instead") != NULL)
		demand_pass(d, &bound_nodes_total, count_of(args));
	else
		demand_add(d, &bound_nodes_total, count_of(args));
	demand_count(d, &bound_nodes_per_cluster, (uint32_t)json_int_or(args, "held", 0) + count_of(args));
	demand_count(d, &bound_volumes_per_node, (uint32_t)json_array_size(volumes));
	for (size_t i = 0; i < json_array_size(volumes); i++)
		volume_demand(json_array_get(volumes, i), d);
	for (size_t i = 0; i < json_array_size(rules); i++)
		kinds_rule_demand(json_array_get(rules, i), d);
}

static void print_volume(const json_t *v, struct buf *to)
{
	const char *key = json_str_or(v, "kms_key_id", NULL);
	long long iops = (long long)json_int_or(v, "iops", 0), throughput = (long long)json_int_or(v, "throughput", 0);

	buf_addf(to, ", %s %lld GiB on %s", json_str_or(v, "type", "?"), (long long)json_int_or(v, "size_gib", 0),
		 json_str_or(v, "device", "?"));
	if (iops > 0)
		buf_addf(to, " %lld iops", iops);
	if (throughput > 0)
		buf_addf(to, " %lld MiB/s", throughput);
	if (key != NULL)
		buf_addf(to, " under %s", key);
	if (json_is_true(json_object_get(v, "keep")))
		buf_adds(to, ", which stays when its node ends");
}

static void launch_print(const json_t *args, struct buf *to)
{
	const json_t *volumes = json_object_get(args, "volumes");
	const char *profile = json_str_or(args, "profile", NULL);

	buf_addf(to, "%u x %s, %s, %s in %s", count_of(args), json_str_or(args, "type", "?"), json_str_or(args, "image_id", "?"),
		 json_str_or(args, "subnet_id", "?"), json_str_or(args, "zone", "?"));
	for (size_t i = 0; i < json_array_size(volumes); i++)
		print_volume(json_array_get(volumes, i), to);
	if (profile != NULL)
		buf_addf(to, ", profile %s", profile);
}

#define SHOWN_LINES 8
#define SHOWN_WIDTH 120

/* A line of somebody else's text, as far as it can be printed: what cannot is shown as "\xNN", what is left out as "...". */
static const char *print_line(const char *at, const char *end, struct buf *to)
{
	size_t n = 0;

	for (; at < end && *at != '\n'; at++, n++)
		if (n < SHOWN_WIDTH && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f)
			buf_addc(to, *at);
		else if (n < SHOWN_WIDTH)
			buf_addf(to, "\\x%02x", (unsigned char)*at);
	buf_adds(to, n > SHOWN_WIDTH ? " ..." : "");
	return at < end ? at + 1 : end;
}

static const char *print_boot_line(const char *at, const char *end, struct buf *to)
{
	buf_adds(to, "      | ");
	at = print_line(at, end, to);
	buf_addc(to, '\n');
	return at;
}

/* An image's owner can choose any name for it: only the owner's account tells where it comes from. */
static void print_image(const json_t *args, struct buf *to)
{
	const char *name = json_str_or(args, "image_name", ""), *alias = json_str_or(args, "image_owner_alias", "");

	buf_adds(to, "      image \"");
	print_line(name, name + strlen(name), to);
	buf_addf(to, "\" of %s%s%s\n", json_str_or(args, "image_owner", "?"), *alias != '\0' ? " " : "", alias);
}

static void print_elsewhere(const json_t *args, struct buf *to)
{
	for (size_t i = 0; i + 1 < places_n(args); i++) {
		const json_t *place = json_array_get(json_object_get(args, "elsewhere"), i);

		buf_addf(to, "      or, for want of room, %s in %s in %s\n", json_str_or(place, "type", "?"),
			 json_str_or(place, "subnet_id", "?"), json_str_or(place, "zone", "?"));
	}
}

static void launch_detail(const json_t *args, struct buf *to)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(USER_DATA_MAX);
	const char *at, *end;

	print_elsewhere(args, to);
	print_image(args, to);

	if (json_object_get(args, "user_data") == NULL || json_get_base64(args, "user_data", &b, NULL) != 0)
		return;
	buf_addf(to, "      user data: %zu bytes, SHA-256 %s\n", b.len, json_str_or(args, "user_data_sha256", "?"));
	at = buf_str(&b);
	end = at + b.len;
	for (unsigned i = 0; i < SHOWN_LINES && at < end; i++)
		at = print_boot_line(at, end, to);
	if (at < end)
		buf_addf(to, "      | ... and %zu bytes more\n", (size_t)(end - at));
}

#define ENCRYPTED IAM_OWN(0)
#define PRIVATE IAM_OWN(1) /* without a public address */
#define TO_EC2 IAM_OWN(2)  /* a role may be passed to EC2 alone */

/* EC2 is called by the name of all partitions and by that of its own (ec2.amazonaws.com.cn): AWS's own policies name both. */
const struct iam_condition kinds_launch_conditions[] = {
	{ ENCRYPTED, "Bool", "ec2:Encrypted", "true" },
	{ PRIVATE, "Bool", "ec2:AssociatePublicIpAddress", "false" },
	{ TO_EC2, "StringEquals", "iam:PassedToService", "ec2.amazonaws.com ec2.%S" },
	{ KINDS_BY_EC2, "StringEquals", "kms:ViaService", "ec2.%R.%S" },
	{ KINDS_BY_EC2, "BoolIfExists", "kms:GrantIsForAWSResource", "true" },
	{ 0 },
};

#define RUNS IAM_TEXTS("ec2:RunInstances")

static const struct iam_statement launch_grants[] = {
	{ IAM_LAUNCH, "Node", IAM_TO_BE_OWNED | IAM_AS_NODE, RUNS, IAM_TEXTS(IAM_EC2("instance/*")) },
	{ IAM_LAUNCH, "Volume", IAM_TO_BE_OWNED | ENCRYPTED, RUNS, IAM_TEXTS(IAM_EC2("volume/*")) },
	{ IAM_LAUNCH, "Interface", IAM_TO_BE_OWNED | PRIVATE | IAM_IN_VPC, RUNS, IAM_TEXTS(IAM_EC2("network-interface/*")) },
	{ IAM_LAUNCH, "InGroup", IAM_OWNED | IAM_IN_VPC, RUNS, IAM_TEXTS(IAM_EC2("security-group/*")) },
	{ IAM_LAUNCH, "InSubnet", IAM_IN_VPC, RUNS, IAM_TEXTS(IAM_EC2("subnet/%<subnets>")) },
	{ IAM_LAUNCH, "Image", 0, RUNS, IAM_TEXTS("arn:%P:ec2:%R::image/%<images>") },
	{ IAM_LAUNCH, "ImageOf", IAM_BY_OWNER, RUNS, IAM_TEXTS("arn:%P:ec2:%R::image/*") },
	{ IAM_LAUNCH, "Tag", IAM_TO_BE_OWNED | IAM_BY_CREATING, IAM_TEXTS("ec2:CreateTags"),
	  IAM_TEXTS(IAM_EC2("instance/*"), IAM_EC2("network-interface/*"), IAM_EC2("volume/*")) },
	{ IAM_LAUNCH, "NodeRole", TO_EC2, IAM_TEXTS("iam:PassRole"), IAM_TEXTS("arn:%P:iam::%A:role/%<instance_profiles>") },
	KINDS_KEY,
	{ 0 },
};

const struct step_kind kind_launch = {
	.name = "launch",
	.action = "ec2:RunInstances",
	.field = "nodes",
	.grants = launch_grants,
	.conditions = kinds_launch_conditions,
	.repeat = REPEAT_TOKEN,
	.settle_s = 300,
	.deadline_s = 900,
	.poll_s = 5,
	.makes = &resource_instance,
	.ask = launch_ask,
	.judge = launch_judge,
	.find = launch_find,
	.miss = launch_miss,
	.undo = &kind_terminate,
	.undo_args = instances_of_fact,
	.losses = launch_losses,
	.demand = launch_demand,
	.print = launch_print,
	.detail = launch_detail,
};
