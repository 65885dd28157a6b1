/* bound.c - see bound.h: the bounds that step kinds share, or that stand for a whole command. */
#include "agent/ops/steps/bound.h"

#include <string.h>
#include <strings.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/field.h"

/* ---- what a list holds ---- */

bool bound_holds(const struct bound_texts *allowed, const char *wanted)
{
	for (size_t i = 0; i < allowed->n; i++)
		if (str_eq(allowed->v[i], wanted))
			return true;
	return false;
}

bool bound_holds_hex(const struct bound_texts *allowed, const char *wanted)
{
	for (size_t i = 0; i < allowed->n; i++)
		if (strcasecmp(allowed->v[i], wanted) == 0)
			return true;
	return false;
}

static bool holds_glob(const struct bound_texts *allowed, const char *wanted)
{
	for (size_t i = 0; i < allowed->n; i++)
		if (str_glob(allowed->v[i], wanted))
			return true;
	return false;
}

static bool holds_user_data(const struct bound_texts *allowed, const char *wanted)
{
	return bound_holds(allowed, BOUND_ANY) || bound_holds_hex(allowed, wanted);
}

/* ---- what a member may look like ---- */

static bool is_aws_id(const char *s, const char *kind)
{
	return str_starts(s, kind) && str_is_id(s + strlen(kind), 32);
}

/* An image by id, or every image of an account: by its number, or by the name that AWS keeps for its own. */
static bool is_image(const char *s)
{
	const char *owner = s + strlen(BOUND_OWNER);

	if (!str_starts(s, BOUND_OWNER))
		return is_aws_id(s, "ami-");
	return str_eq(owner, "amazon") || str_eq(owner, "aws-marketplace") ||
	       (strlen(owner) == 12 && strspn(owner, "0123456789") == 12);
}

bool bound_is_prefix_list(const char *s)
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
	return str_eq(s, BOUND_ANY) || (strlen(s) == 64 && strspn(s, "0123456789abcdefABCDEF") == 64);
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

/* ---- a command, and what several kinds of things have ---- */

const struct bound bound_warehouses = {
	.key = "warehouses",
	.stops = "every change",
	.is_member = is_warehouse,
	.expected = "the id of a warehouse, 1 to 32 of [a-z0-9-]",
};

const struct bound bound_tag_keys = {
	.key = "tag_keys",
	.stops = "tags of the vendor's own",
	.is_member = is_tag_key,
	.expected = "a tag key that AWS takes and that is not ours, or a pattern of them such as team-*",
	.holds = holds_glob,
	.shorter = "name patterns, such as team-*",
};

const struct bound bound_subnets = {
	.key = "subnets",
	.stops = "every launch and every new load balancer",
	.is_member = is_subnet,
	.expected = "the id of a subnet (subnet-...)",
	.any = "*",
};

/* ---- a node ---- */

const struct bound bound_instance_types = {
	.key = "instance_types",
	.stops = "every launch",
	.is_member = is_type,
	.expected = "an instance type such as r6i.xlarge",
};

/* Judged by more than its id: bounds.c. */
const struct bound bound_images = {
	.key = "images",
	.stops = "every launch",
	.is_member = is_image,
	.expected = "an image (ami-...) or whose images (owner:ACCOUNT, owner:amazon)",
	.any = "*",
	.apart = BOUND_OWNER,
	.shorter = "name fewer, or their owner (owner:ACCOUNT)",
};

const struct bound bound_instance_profiles = {
	.key = "instance_profiles",
	.stops = "launches with an instance profile",
	.is_member = is_profile,
	.expected = "the name of an instance profile",
	.ours = "%N-node", /* the role and profile that the stack makes for nodes */
};

const struct bound bound_user_data = {
	.key = "user_data_sha256",
	.stops = "launches with user data",
	.is_member = is_user_data,
	.expected = "64 hex digits, or any",
	.holds = holds_user_data,
};

const struct bound bound_kms_keys = {
	.key = "kms_keys",
	.stops = "volumes under a key of their own",
	.is_member = is_key,
	.expected = "the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID)",
	.hint = " (a spec names a key by its whole ARN)",
	.any = "arn:%P:kms:%R:%A:key/*",
};

const struct bound bound_nodes_per_cluster = {
	.key = "nodes_per_cluster", .stops = "every launch", .form = BOUND_NUMBER, .verb = "makes"
};

/* With the nodes of the whole installation that are there already: bounds.c. */
const struct bound bound_nodes_total = { .key = "nodes_total", .stops = "every launch", .form = BOUND_NUMBER };

/* ---- its data volumes ---- */

const struct bound bound_volumes_per_node = {
	.key = "volumes_per_node", .stops = "launches with data volumes", .form = BOUND_NUMBER, .verb = "wants"
};

const struct bound bound_volume_types = {
	.key = "volume_types",
	.stops = "launches with data volumes",
	.is_member = is_volume_type,
	.expected = "a volume type such as gp3",
};

const struct bound bound_volume_gib = {
	.key = "volume_gib", .stops = "launches with data volumes", .form = BOUND_NUMBER, .verb = "wants"
};

const struct bound bound_iops = { .key = "iops", .stops = "volumes with iops of their own", .form = BOUND_NUMBER, .verb = "wants" };

const struct bound bound_throughput = {
	.key = "throughput", .stops = "volumes with throughput of their own", .form = BOUND_NUMBER, .verb = "wants"
};

/* ---- rules of security groups: judged together in bounds.c ---- */

const struct bound bound_cidrs = { .key = "cidrs", .stops = "rules for any source but the group itself", .form = BOUND_CIDRS };

const struct bound bound_prefix_lists = {
	.key = "prefix_lists",
	.stops = "rules for a prefix list as source",
	.is_member = bound_is_prefix_list,
	.expected = "the id of a prefix list (pl-...)",
};

const struct bound bound_egress_cidrs = { .key = "egress_cidrs",
					  .stops = "ways out but 443 to the VPC and to S3",
					  .form = BOUND_CIDRS };

const struct bound bound_egress_prefix_lists = {
	.key = "egress_prefix_lists",
	.stops = "ways out to a prefix list but 443 to that of S3",
	.is_member = bound_is_prefix_list,
	.expected = "the id of a prefix list (pl-...)",
};

const struct bound bound_ports = { .key = "ports", .stops = "rules for any source but the group itself", .form = BOUND_PORTS };

/* ---- what nodes are asked: bounds.c ---- */

const struct bound bound_node_http = { .key = "node_http",
				       .stops = "asking nodes for their health, and to drain",
				       .form = BOUND_ENDPOINTS };
