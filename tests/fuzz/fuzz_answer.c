/* fuzz_answer.c - answers of EC2, ELB and STS: the same answer read twice gives the same set, and one that is refused adds
 * none. */
#include "agent/aws/ec2_look.h"
#include "agent/aws/ec2_volume.h"
#include "agent/aws/elb.h"
#include "agent/aws/sts.h"
#include "tests/fuzz/fuzz.h"

#define ARENA (128u << 20) /* two answers fit (aws/read.h) */

#define READ_ROWS(type, read)                                                                                                      \
	do {                                                                                                                       \
		struct arena *m = arena_new_sized(ARENA);                                                                          \
		struct type rows = { 0 };                                                                                          \
		struct err e = { 0 };                                                                                              \
		int rc = read(root, m, &rows, &e);                                                                                 \
		size_t n = rows.n;                                                                                                 \
		FUZZ_MUST(rc == 0 || (n == 0 && e.text[0] != '\0'));                                                               \
		FUZZ_MUST(read(root, m, &rows, &e) == rc && rows.n == n);                                                          \
		arena_free(m);                                                                                                     \
	} while (0)

static void read_lists(const struct xml_node *root)
{
	READ_ROWS(ec2_instances, ec2_read_instances);
	READ_ROWS(ec2_groups, ec2_read_security_groups);
	READ_ROWS(ec2_vpcs, ec2_read_vpcs);
	READ_ROWS(ec2_subnets, ec2_read_subnets);
	READ_ROWS(ec2_images, ec2_read_images);
	READ_ROWS(ec2_types, ec2_read_instance_types);
	READ_ROWS(ec2_prefix_lists, ec2_read_prefix_lists);
	READ_ROWS(ec2_volumes, ec2_read_volumes);
	READ_ROWS(ec2_modifications, ec2_read_modifications);
	READ_ROWS(elb_target_groups, elb_read_target_groups);
	READ_ROWS(elb_lbs, elb_read_load_balancers);
	READ_ROWS(elb_listeners, elb_read_listeners);
	READ_ROWS(elb_targets, elb_read_target_health);
	READ_ROWS(elb_taggeds, elb_read_tags);
}

/* What was launched is one answer, not a page: it stands in the place of what was there. */
static void read_launch(const struct xml_node *root)
{
	struct arena *m = arena_new_sized(ARENA);
	struct ec2_instances once = { 0 }, twice;

	if (ec2_read_run_instances(root, m, &once, NULL) == 0) {
		twice = once;
		FUZZ_MUST(ec2_read_run_instances(root, m, &twice, NULL) == 0 && twice.n == once.n && once.n > 0);
	}
	arena_free(m);
}

static void read_group_id(const struct xml_node *root)
{
	const char *id = NULL;

	FUZZ_MUST((ec2_read_create_security_group(root, &id, NULL) == 0) == (id != NULL));
}

static void read_sts(const struct xml_node *root)
{
	struct sts_identity id = { 0 }, none = { 0 };
	struct keys keys = { 0 };

	if (sts_read_identity(root, &id, NULL) == 0)
		FUZZ_MUST(strlen(id.account) == 12 && strncmp(id.arn, "arn:", 4) == 0 && id.role[0] != '\0');
	else
		FUZZ_MUST(memcmp(&id, &none, sizeof(id)) == 0);
	if (sts_read_keys(root, &keys, NULL) == 0)
		FUZZ_MUST(keys.id[0] != '\0' && keys.secret.len > 0 && keys.expires_ms > 0 && strpbrk(keys.id, "\r\n") == NULL);
	else
		FUZZ_MUST(keys.id[0] == '\0' && keys.secret.len == 0);
	keys_close(&keys);
}

void fuzz_one(const char *s, size_t len)
{
	CLEANUP(xml_close) struct xml *x = NULL;

	if (xml_parse(s, len, &x, NULL) != 0)
		return;
	read_lists(xml_root(x));
	read_launch(xml_root(x));
	read_group_id(xml_root(x));
	read_sts(xml_root(x));
	ec2_next_token(xml_root(x));
	elb_next_marker(xml_root(x));
}
