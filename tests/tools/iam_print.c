/* iam_print.c - prints an IAM document as `make iam` and the lint want it.
 *
 *     iam_print agent         or a power: that document with CloudFormation's placeholders, for deploy/iam
 *     iam_print stack         all of them as the stack carries them, lists being placeholders too, for fill.py */
#include <stdio.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/policy_iam.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/iam.h"

/* The stack's lists are its parameters: fill.py spreads them. */
static const struct {
	const struct bound *of;
	const char *member;
} stack[] = {
	{ &bound_instance_types, "${NodeTypes}" },
	{ &bound_images, "${NodeImages}" },
	{ &bound_images, "owner:${NodeImageOwners}" },
	{ &bound_subnets, "${NodeSubnets}" },
	{ &bound_instance_profiles, "${Vendor}-role-${Installation}-node" },
	{ &bound_kms_keys, "${NodeKmsKeys}" },
	{ &bound_tag_keys, "${NodeTagKeys}" },
	{ &bound_warehouses, "${Warehouses}" },
};

static const struct bound *const some[] = { &bound_nodes_per_cluster, &bound_nodes_total, &bound_balancers, &bound_volumes_per_node,
					    &bound_volume_gib };

static void fill(struct bounds *b)
{
	for (size_t i = 0; i < ARRAY_LEN(stack); i++) {
		struct bound_texts *to = &b->of[catalogue_place_of(stack[i].of)].texts;

		to->v = mem_grow(to->v, to->n + 1, sizeof(*to->v));
		to->v[to->n++] = mem_str(stack[i].member);
	}
	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		b->of[catalogue_place_of(some[i])].number = 1;
}

static int print_stack(void)
{
	struct policy p = { .present = true, .verbs = { POLICY_AUTO, POLICY_AUTO } };
	CLEANUP(buf_close) struct buf agent = BUF_MAX(64u << 10), operate = BUF_MAX(64u << 10);
	struct iam_lists l;

	fill(&p.bounds);
	policy_iam_lists(&p, &l);
	if (iam_agent(&(struct iam_args){ 0 }, &agent, NULL) != 0 ||
	    iam_operate(&(struct iam_args){ .lists = &l }, &operate, NULL) != 0)
		return 1;
	iam_lists_close(&l);
	bounds_close(&p.bounds);
	printf("{\"agent\": %s, \"operate\": %s}\n", buf_str(&agent), buf_str(&operate));
	return 0;
}

static int print_document(const char *which)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);
	const struct iam_args a = { 0 };
	int rc = -ERR_INVALID;

	if (str_eq(which, "agent"))
		rc = iam_agent(&a, &b, NULL);
	for (enum iam_power p = 0; p < IAM_POWERS; p++)
		if (str_eq(which, iam_lists_power(p)))
			rc = iam_power(&a, p, &b, NULL);
	fputs(buf_str(&b), stdout);
	return rc == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "iam_print agent|POWER|stack\n");
		return 2;
	}
	return str_eq(argv[1], "stack") ? print_stack() : print_document(argv[1]);
}
