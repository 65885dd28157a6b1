/* inventory_beside.c - subnets and images by id, types by name, security groups by name, and the prefix list of S3. */
#include "agent/ops/account/inventory_impl.h"

#include "agent/base/mem.h"
#include "agent/base/str.h"

static int read_subnets(const struct xml_node *root, struct inventory *inv, const char *name, struct err *e)
{
	(void)name;
	return ec2_read_subnets(root, inv->arena, &inv->subnets, e);
}

static int read_images(const struct xml_node *root, struct inventory *inv, const char *name, struct err *e)
{
	(void)name;
	return ec2_read_images(root, inv->arena, &inv->images, e);
}

static int read_types(const struct xml_node *root, struct inventory *inv, const char *name, struct err *e)
{
	(void)name;
	return ec2_read_instance_types(root, inv->arena, &inv->types, e);
}

static int read_names(const struct xml_node *root, struct inventory *inv, const char *name, struct err *e)
{
	(void)name;
	return ec2_read_security_groups(root, inv->arena, &inv->named, e);
}

/* Only AWS's own lists may be called com.amazonaws... */
static int read_s3(const struct xml_node *root, struct inventory *inv, const char *name, struct err *e)
{
	struct ec2_prefix_lists all = { 0 };

	TRY(ec2_read_prefix_lists(root, inv->arena, &all, e));
	for (size_t i = 0; i < all.n; i++)
		if (str_eq(all.v[i].name, name))
			inv->s3 = (struct ec2_prefix_lists){ &all.v[i], 1 };
	return 0;
}

static const struct {
	const char *filter;
	void (*describe)(struct request *req, const struct ec2_describe *d);
	int (*read)(const struct xml_node *root, struct inventory *inv, const char *name, struct err *e);
} kinds[BESIDE_KINDS] = {
	[BESIDE_SUBNETS] = { "subnet-id", ec2_describe_subnets, read_subnets },
	[BESIDE_IMAGES] = { "image-id", ec2_describe_images, read_images },
	[BESIDE_TYPES] = { "instance-type", ec2_describe_instance_types, read_types },
	[BESIDE_NAMES] = { "group-name", ec2_describe_security_groups, read_names },
	[BESIDE_S3] = { "prefix-list-name", ec2_describe_prefix_lists, read_s3 },
};

void inventory_beside_ask(enum beside what, const char *const *names, size_t n, const char *token, struct request *req)
{
	/* Things are asked for by a filter, also where their ids are known: one unknown id fails a whole Describe by id, a filter
	 * leaves it out. */
	struct ec2_filter filter = { kinds[what].filter, names, n < BESIDE_A_CALL ? n : BESIDE_A_CALL };

	kinds[what].describe(req, &(struct ec2_describe){ .filters = &filter, .filters_n = 1, .next_token = token });
}

int inventory_beside_read(enum beside what, const struct xml_node *root, const char *name, struct inventory *inv, struct err *e)
{
	return kinds[what].read(root, inv, name, e);
}

static void add_type(const char **v, size_t *n, const char *type)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq(v[i], type))
			return;
	if (*type != '\0')
		v[(*n)++] = type;
}

const char **inventory_beside_types(const struct inventory *inv, const char *const *types, size_t n, size_t *ret_n)
{
	const char **v = arena_alloc(inv->arena, (n + inv->instances.n + 1) * sizeof(*v));
	/* Whether a node loses disks of its host is told of its type, so the types of what runs are asked for, too. */
	size_t all = 0;

	for (size_t i = 0; i < n; i++)
		add_type(v, &all, types[i]);
	for (size_t i = 0; i < inv->instances.n; i++)
		add_type(v, &all, inv->instances.v[i].type);
	*ret_n = all;
	return v;
}
