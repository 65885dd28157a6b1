/* bounds.c - see bounds.h. One table names every bound: its key, how it is read, where it stands, and what its absence stops. */
#include "agent/ops/bounds.h"

#include <string.h>
#include <strings.h>

#include "agent/base/mem.h"
#include "agent/base/faults.h"
#include "agent/base/str.h"
#include "agent/base/yaml.h"
#include "agent/ops/plan/field.h"

#define LIST_MAX 256
#define NUMBER_MAX 1000000
#define ANY "any"
#define OWNER "owner:"

/* ---- what a member of a list may look like ---- */

static bool is_aws_id(const char *s, const char *kind)
{
	return str_starts(s, kind) && str_is_id(s + strlen(kind), 32);
}

/* An image by id, or every image of an account: by its number, or by the name that AWS keeps for its own. */
static bool is_image(const char *s)
{
	const char *owner = s + strlen(OWNER);

	if (!str_starts(s, OWNER))
		return is_aws_id(s, "ami-");
	return str_eq(owner, "amazon") || str_eq(owner, "aws-marketplace") ||
	       (strlen(owner) == 12 && strspn(owner, "0123456789") == 12);
}

static bool is_prefix_list(const char *s)
{
	return is_aws_id(s, "pl-");
}

static bool is_subnet(const char *s)
{
	return is_aws_id(s, "subnet-");
}

/* arn:aws:kms:us-east-1:123456789012:key/... ; an alias can be led to another key, so it is none. */
static bool is_key(const char *s)
{
	const char *kms = strstr(s, ":kms:");

	return str_starts(s, "arn:") && kms != NULL && strstr(kms, ":key/") != NULL && strpbrk(s, " *?") == NULL;
}

static bool is_user_data(const char *s)
{
	return str_eq(s, ANY) || (strlen(s) == 64 && strspn(s, "0123456789abcdefABCDEF") == 64);
}

static bool is_warehouse(const char *s)
{
	return str_is_id(s, 32);
}

static bool is_type(const char *s)
{
	return field_instance_type(s, "", NULL) == 0;
}

static bool is_profile(const char *s)
{
	return field_profile(s, "", NULL) == 0;
}

/* `*` and `?` stand for what a key may have. */
static bool is_tag_key(const char *s)
{
	char key[256];

	if (strpbrk(s, " ") != NULL && (s[0] == ' ' || s[strlen(s) - 1] == ' '))
		return false;
	if (str_copy(key, sizeof(key), s) != 0)
		return false;
	for (char *at = key; *at != '\0'; at++)
		*at = *at == '*' || *at == '?' ? '_' : *at;
	return field_tag_key(key, "", NULL) == 0;
}

static bool is_volume_type(const char *s)
{
	static const char *const types[] = { "gp2", "gp3", "io1", "io2", "st1", "sc1", "standard" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(s, types[i]))
			return true;
	return false;
}

/* ---- the table ---- */

enum form { TEXTS, NUMBER, CIDRS, PORTS };
#define AT(member) offsetof(struct bounds, member)

/* clang-format off */
static const struct bound {
	const char *key;
	enum form form;
	size_t at;
	bool (*is_member)(const char *s); /* TEXTS */
	const char *expected, *stops;
} table[] = {
	{ "instance_types", TEXTS, AT(types), is_type, "an instance type such as r6i.xlarge", "every launch" },
	{ "images", TEXTS, AT(images), is_image, "an image (ami-...) or whose images (owner:ACCOUNT, owner:amazon)",
	  "every launch" },
	{ "subnets", TEXTS, AT(subnets), is_subnet, "the id of a subnet (subnet-...)", "every launch and every new load balancer" },
	{ "nodes_per_cluster", NUMBER, AT(nodes_per_cluster), NULL, NULL, "every launch" },
	{ "nodes_total", NUMBER, AT(nodes_total), NULL, NULL, "every launch" },
	{ "instance_profiles", TEXTS, AT(profiles), is_profile, "the name of an instance profile", "launches with an instance profile" },
	{ "user_data_sha256", TEXTS, AT(user_data), is_user_data, "64 hex digits, or any", "launches with user data" },
	{ "kms_keys", TEXTS, AT(keys), is_key, "the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID)",
	  "volumes under a key of their own" },
	{ "volumes_per_node", NUMBER, AT(volumes_per_node), NULL, NULL, "launches with data volumes" },
	{ "volume_types", TEXTS, AT(volume_types), is_volume_type, "a volume type such as gp3", "launches with data volumes" },
	{ "volume_gib", NUMBER, AT(volume_gib), NULL, NULL, "launches with data volumes" },
	{ "iops", NUMBER, AT(iops), NULL, NULL, "volumes with iops of their own" },
	{ "throughput", NUMBER, AT(throughput), NULL, NULL, "volumes with throughput of their own" },
	{ "cidrs", CIDRS, AT(cidrs), NULL, NULL, "rules for any source but the group itself" },
	{ "prefix_lists", TEXTS, AT(lists), is_prefix_list, "the id of a prefix list (pl-...)", "rules for a prefix list as source" },
	{ "egress_cidrs", CIDRS, AT(egress_cidrs), NULL, NULL, "ways out but 443 to the VPC and to S3" },
	{ "egress_prefix_lists", TEXTS, AT(egress_lists), is_prefix_list, "the id of a prefix list (pl-...)",
	  "ways out to a prefix list but 443 to that of S3" },
	{ "ports", PORTS, AT(ports), NULL, NULL, "rules for any source but the group itself" },
	{ "warehouses", TEXTS, AT(warehouses), is_warehouse, "the id of a warehouse, 1 to 32 of [a-z0-9-]", "every change" },
	{ "balancers", NUMBER, AT(balancers), NULL, NULL, "new load balancers" },
	{ "tag_keys", TEXTS, AT(tag_keys), is_tag_key, "a tag key that AWS takes and that is not ours, or a pattern of them such as team-*",
	  "tags of the vendor's own" },
};
/* clang-format on */

_Static_assert(ARRAY_LEN(table) <= 32, "a bit of `given` for each");

/* ---- reading ---- */

static int add_text(struct bounds_texts *to, const struct yaml_node *n, const struct bound *b, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	if (!b->is_member(text))
		return yaml_wrong(n, b->expected, e);
	to->v = mem_grow(to->v, to->n + 1, sizeof(*to->v));
	to->v[to->n++] = mem_str(text);
	return 0;
}

static int add_cidr(struct bounds_cidrs *to, const struct yaml_node *n, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	to->v = mem_grow(to->v, to->n + 1, sizeof(*to->v));
	if (cidr_parse(text, &to->v[to->n]) != 0)
		return yaml_wrong(n, "an address block such as 10.0.0.0/8, no bits behind the prefix", e);
	to->n++;
	return 0;
}

/* "443" or "8000-9000" */
static int parse_ports(const char *text, struct bounds_ports *ret)
{
	char from[8];
	const char *dash = strchr(text, '-');
	size_t n = dash != NULL ? (size_t)(dash - text) : strlen(text);
	uint64_t a, b;

	if (n >= sizeof(from))
		return -ERR_INVALID;
	memcpy(from, text, n);
	from[n] = '\0';
	TRY(str_u64(from, &a));
	TRY(str_u64(dash != NULL ? dash + 1 : from, &b));
	if (a > b || b > 65535)
		return -ERR_INVALID;
	*ret = (struct bounds_ports){ (int32_t)a, (int32_t)b };
	return 0;
}

static int add_ports(struct bounds *all, const struct yaml_node *n, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	all->ports = mem_grow(all->ports, all->ports_n + 1, sizeof(*all->ports));
	if (parse_ports(text, &all->ports[all->ports_n]) != 0)
		return yaml_wrong(n, "a port such as 443 or a range such as 8000-9000", e);
	all->ports_n++;
	return 0;
}

static int read_number(const struct yaml_node *n, uint32_t *ret, struct err *e)
{
	uint64_t v = 0;

	TRY(yaml_u64(n, NUMBER_MAX, &v, e));
	*ret = (uint32_t)v;
	return 0;
}

static int add_member(struct bounds *all, const struct yaml_node *n, const struct bound *b, struct err *e)
{
	if (b->form == TEXTS)
		return add_text((void *)((char *)all + b->at), n, b, e);
	return b->form == CIDRS ? add_cidr((void *)((char *)all + b->at), n, e) : add_ports(all, n, e);
}

static void read_bound(const struct yaml_node *n, const struct bound *b, struct bounds *all, struct faults *f)
{
	int rc = b->form == NUMBER ? read_number(n, (void *)((char *)all + b->at), &f->now) : yaml_list(n, LIST_MAX, &f->now);

	faults_hear(f, rc);
	if (rc != 0 || b->form == NUMBER)
		return;
	for (struct yaml_node *m = yaml_first(n); m != NULL; m = yaml_next(m))
		faults_hear(f, add_member(all, m, b, &f->now));
}

void bounds_read(struct yaml_node *map, struct bounds *all, struct faults *f)
{
	const char *keys[ARRAY_LEN(table) + 1] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		keys[i] = table[i].key;
	if (!faults_enter(f, map, keys))
		return;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct yaml_node *n = yaml_get(map, table[i].key);

		if (n == NULL)
			continue;
		read_bound(n, &table[i], all, f);
		all->given |= 1u << i;
	}
}

static void texts_close(struct bounds_texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		mem_free(t->v[i]);
	mem_free(t->v);
	*t = (struct bounds_texts){ 0 };
}

void bounds_close(struct bounds *b)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].form == TEXTS)
			texts_close((void *)((char *)b + table[i].at));
	mem_free(b->cidrs.v);
	mem_free(b->egress_cidrs.v);
	mem_free(b->ports);
	*b = (struct bounds){ 0 };
}

bool bounds_missing(const struct bounds *b, size_t i, const char **ret_name, const char **ret_stops)
{
	for (size_t k = 0; k < ARRAY_LEN(table); k++)
		if ((b->given & (1u << k)) == 0 && i-- == 0) {
			*ret_name = table[k].key;
			*ret_stops = table[k].stops;
			return true;
		}
	return false;
}

/* ---- judging: what is named ---- */

static bool holds(const struct bounds_texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i], text))
			return true;
	return false;
}

static bool holds_glob(const struct bounds_texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_glob(t->v[i], text))
			return true;
	return false;
}

static bool holds_hex(const struct bounds_texts *t, const char *hex)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcasecmp(t->v[i], hex) == 0)
			return true;
	return false;
}

static bool holds_user_data(const struct bounds_texts *t, const char *hex)
{
	return holds(t, ANY) || holds_hex(t, hex);
}

bool bounds_is_any_user_data(const struct bounds *b, const char *sha256_hex)
{
	return holds(&b->user_data, ANY) && !holds_hex(&b->user_data, sha256_hex);
}

static const struct {
	size_t at;
	bool (*holds)(const struct bounds_texts *t, const char *text);
	const char *key, *hint;
} named[DEMAND_KINDS] = {
	[DEMAND_TYPE] = { AT(types), holds, "instance_types", "" },
	[DEMAND_SUBNET] = { AT(subnets), holds, "subnets", "" },
	[DEMAND_PROFILE] = { AT(profiles), holds, "instance_profiles", "" },
	[DEMAND_KEY] = { AT(keys), holds, "kms_keys", " (a spec names a key by its whole ARN)" },
	[DEMAND_USER_DATA] = { AT(user_data), holds_user_data, "user_data_sha256", "" },
	[DEMAND_VOLUME_TYPE] = { AT(volume_types), holds, "volume_types", "" },
	[DEMAND_TAG_KEY] = { AT(tag_keys), holds_glob, "tag_keys", "" },
	[DEMAND_WAREHOUSE] = { AT(warehouses), holds, "warehouses", "" },
};

static int judge_names(const struct bounds *b, const struct demand *d, struct err *e)
{
	for (size_t k = 0; k < DEMAND_KINDS; k++)
		for (size_t i = 0; i < d->named[k].n; i++)
			if (!named[k].holds((const void *)((const char *)b + named[k].at), d->named[k].v[i]))
				return err_set(e, ERR_DENIED, "policy bounds.%s does not hold %.200s%s", named[k].key,
					       d->named[k].v[i], named[k].hint);
	return 0;
}

/* ---- judging: images ---- */

static bool holds_owner(const struct bounds_texts *t, const char *owner)
{
	for (size_t i = 0; i < t->n && *owner != '\0'; i++)
		if (str_starts(t->v[i], OWNER) && str_eq(t->v[i] + strlen(OWNER), owner))
			return true;
	return false;
}

static int judge_images(const struct bounds *b, const struct demand *d, struct err *e)
{
	for (size_t k = 0; k < d->images_n; k++) {
		const struct demand_image *i = &d->images[k];

		if (!holds(&b->images, i->id) && !holds_owner(&b->images, i->owner) && !holds_owner(&b->images, i->owner_alias))
			return err_set(e, ERR_DENIED, "policy bounds.images does not hold %.60s, nor its owner %.40s%s%.40s", i->id,
				       i->owner, *i->owner_alias != '\0' ? " " : "", i->owner_alias);
	}
	return 0;
}

/* ---- judging: rules ---- */

static bool has_cidr(const struct bounds_cidrs *list, const char *text)
{
	struct cidr c;

	if (cidr_parse(text, &c) != 0)
		return false;
	for (size_t i = 0; i < list->n; i++)
		if (cidr_holds(&list->v[i], &c))
			return true;
	return false;
}

/* All ports of a rule must lie in one range; "all protocols" and icmp, whose types and codes are no ports, have none and fit only
 * where every port is allowed. */
static bool has_ports(const struct bounds *b, const struct demand_rule *r)
{
	bool all = str_eq(r->protocol, "-1") || str_starts(r->protocol, "icmp");
	int32_t from = all ? 0 : r->from_port, to = all ? 65535 : r->to_port;

	for (size_t i = 0; i < b->ports_n; i++)
		if (from >= b->ports[i].from && to <= b->ports[i].to && from <= to)
			return true;
	return false;
}

static int judge_peer(const struct bounds *b, const struct demand_rule *r, struct err *e)
{
	const char *way = r->is_egress ? "egress_" : "";

	if (is_prefix_list(r->cidr))
		return holds(r->is_egress ? &b->egress_lists : &b->lists, r->cidr)
			   ? 0
			   : err_set(e, ERR_DENIED, "policy bounds.%sprefix_lists does not hold %s", way, r->cidr);
	return has_cidr(r->is_egress ? &b->egress_cidrs : &b->cidrs, r->cidr)
		   ? 0
		   : err_set(e, ERR_DENIED, "policy bounds.%scidrs does not hold %s", way, r->cidr);
}

/* A rule whose source or target is the group itself opens nothing to the outside. Ports are those that are open to others: a way
 * out is bounded by where it leads. */
static int judge_rule(const struct bounds *b, const struct demand_rule *r, struct err *e)
{
	if (*r->cidr == '\0')
		return 0;
	TRY(judge_peer(b, r, e));
	if (!r->is_egress && !has_ports(b, r))
		return err_set(e, ERR_DENIED, "policy bounds.ports does not hold %s %d-%d", r->protocol, r->from_port, r->to_port);
	return 0;
}

/* ---- judging: how much ---- */

static const struct {
	size_t at;
	const char *key, *verb;
} counted[DEMAND_COUNTS] = {
	[DEMAND_CLUSTER_NODES] = { AT(nodes_per_cluster), "nodes_per_cluster", "makes" },
	[DEMAND_VOLUME_GIB] = { AT(volume_gib), "volume_gib", "wants" },
	[DEMAND_VOLUMES] = { AT(volumes_per_node), "volumes_per_node", "wants" },
	[DEMAND_IOPS] = { AT(iops), "iops", "wants" },
	[DEMAND_THROUGHPUT] = { AT(throughput), "throughput", "wants" },
	[DEMAND_BALANCERS] = { AT(balancers), "balancers", "makes" },
};

static int judge_counts(const struct bounds *b, const struct demand *d, uint32_t nodes_now, struct err *e)
{
	for (size_t k = 0; k < DEMAND_COUNTS; k++) {
		uint32_t most = *(const uint32_t *)(const void *)((const char *)b + counted[k].at);

		if (d->most[k] > most)
			return err_set(e, ERR_DENIED, "policy bounds.%s is %u, the plan %s %u", counted[k].key, most,
				       counted[k].verb, d->most[k]);
	}
	if (d->new_nodes > 0 && (uint64_t)nodes_now + d->new_nodes > b->nodes_total)
		return err_set(e, ERR_DENIED, "policy bounds.nodes_total is %u, the plan makes %u", b->nodes_total,
			       nodes_now + d->new_nodes);
	return 0;
}

int bounds_judge(const struct bounds *b, const struct demand *d, uint32_t nodes_now, struct err *e)
{
	TRY(judge_names(b, d, e));
	TRY(judge_images(b, d, e));
	for (size_t i = 0; i < d->rules_n; i++)
		TRY(judge_rule(b, &d->rules[i], e));
	return judge_counts(b, d, nodes_now, e);
}
