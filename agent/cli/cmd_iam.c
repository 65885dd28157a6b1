/* cmd_iam.c - reeve iam agent|operate: the policies as the code asks for them. With -c the names of that installation are put
 * in as far as its configuration tells them; without, CloudFormation's placeholders stand for them (deploy/iam). With --policy
 * the documents of the operate role are cut to the bounds of that file, which need not be the one that is in force. */
#include "agent/ops/steps/iam.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/aws/region.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"
#include "agent/cli/page.h"
#include "agent/config.h"
#include "agent/io/world_uv.h"
#include "agent/ops/policy_iam.h"

struct iam_question {
	const char *config, *policy, *vpc; /* NULL: not given */
	bool is_agent;
	enum iam_power power; /* of the operate role; IAM_POWERS: all */
};

static int load_policy(struct world *w, const char *path, struct policy *p, struct err *e)
{
	/* Whoever asks here is not the agent's user, and the file need not be in force: who may write it is not judged. */
	policy_load_as_other(w, path, p);
	return p->present ? 0 : err_set(e, p->reason.code, "%s", err_text(&p->reason));
}

static int load(const struct iam_question *q, struct config *c, struct policy *p, struct err *e)
{
	struct world *w = world_uv_new(e);
	int rc = 0;

	if (w == NULL)
		return -e->code;
	if (q->config != NULL)
		rc = config_load(w, q->config, c, e);
	if (rc == 0 && q->policy != NULL)
		rc = load_policy(w, q->policy, p, e);
	world_uv_free(w);
	return rc;
}

/* Which documents are not there, and why: on stderr, beside the others. */
static void tell_left_out(const struct iam_lists *l)
{
	for (enum iam_power i = 0; i < IAM_POWERS; i++)
		if (l->why_not[i][0] != '\0')
			fprintf(stderr, "reeve: note: no document for %s: %s\n", iam_lists_power(i), l->why_not[i]);
}

/* Without blanks, as IAM counts. */
static void tell_sum(const char *text)
{
	json_t *all = json_loads(text, 0, NULL), *document;
	const char *power;
	size_t sum = 0;

	json_object_foreach(all, power, document)
		sum += json_dumpb(document, NULL, 0, JSON_COMPACT);
	json_decref(all);
	if (sum > IAM_ROLE_MAX)
		fprintf(stderr,
			"reeve: note: together %zu bytes, and a role's inline policies may have %d: attach them as managed "
			"policies, or "
			"name fewer tag_keys, subnets and instance_types\n",
			sum, IAM_ROLE_MAX);
}

static int print(const struct iam_question *q, const struct iam_args *args, struct err *e)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(16ul * IAM_DOCUMENT_MAX);

	if (q->is_agent)
		TRY(iam_agent(args, &text, e));
	else if (q->power != IAM_POWERS)
		TRY(iam_power(args, q->power, &text, e));
	else
		TRY(iam_operate(args, &text, e));
	if (!q->is_agent && q->power == IAM_POWERS) {
		tell_left_out(args->lists);
		tell_sum(buf_str(&text));
	}
	page_text(buf_str(&text));
	return 0;
}

static int answer(const struct iam_question *q, struct err *e)
{
	struct config c = { 0 };
	struct policy p = { 0 };
	struct iam_lists lists;
	struct iam_args args = { .vpc = q->vpc, .lists = &lists };
	int rc = load(q, &c, &p, e);

	if (rc == 0 && q->config != NULL) {
		args.vendor = c.vendor_name;
		args.installation = c.installation;
		args.account = c.account;
		args.region = c.region;
		args.partition = c.region != NULL ? region_partition(c.region)->name : NULL;
		args.suffix = c.region != NULL ? region_partition(c.region)->suffix : NULL;
	}
	/* Made also after a failure, because the lists are closed below in any case. */
	policy_iam_lists(q->policy != NULL ? &p : NULL, &lists);
	if (rc == 0)
		rc = print(q, &args, e);
	iam_lists_close(&lists);
	policy_close(&p);
	config_close(&c);
	return rc;
}

static bool read_power(const char *name, enum iam_power *ret)
{
	for (enum iam_power p = 0; p < IAM_POWERS; p++)
		if (str_eq(name, iam_lists_power(p))) {
			*ret = p;
			return true;
		}
	return false;
}

/* 2 when it was said on stderr what is wrong. */
static int read_operate(int argc, char **argv, struct iam_question *q)
{
	*q = (struct iam_question){ .power = IAM_POWERS };
	if (cli_take(&argc, argv, "-c", &q->config) != 0 || cli_take(&argc, argv, "--policy", &q->policy) != 0 ||
	    cli_take(&argc, argv, "--vpc", &q->vpc) != 0 || cli_no_more(argc, argv, 1) != 0)
		return 2;
	if (argc == 2 && !read_power(argv[1], &q->power))
		return cli_usage("\"%s\" is no power: launch, delete, groups, balancers, tags, volumes", argv[1]);
	if (q->vpc != NULL && (!str_starts(q->vpc, "vpc-") || !str_is_id(q->vpc + 4, 32)))
		return cli_usage("--vpc wants the id of a VPC (vpc-...)");
	return 0;
}

static int run_operate(int argc, char **argv)
{
	struct iam_question q;
	struct err e = { 0 };
	int rc = read_operate(argc, argv, &q);

	if (rc != 0)
		return rc;
	return answer(&q, &e) == 0 ? 0 : cli_fail(&e);
}

/* It changes nothing, so no policy and no VPC cuts it. */
static int run_agent(int argc, char **argv)
{
	struct iam_question q = { .is_agent = true, .power = IAM_POWERS };
	struct err e = { 0 };

	if (cli_take(&argc, argv, "-c", &q.config) != 0 || cli_no_more(argc, argv, 0) != 0)
		return 2;
	return answer(&q, &e) == 0 ? 0 : cli_fail(&e);
}

const struct cli_command cli_iam_agent = {
	.name = "iam agent",
	.about = "the IAM policy of the instance role",
	.usage = "[-c FILE]",
	.page = "  -c FILE  puts in the names of that installation; without, CloudFormation's placeholders stand for them\n"
		"\n"
		"The instance role reads and changes nothing; it may assume the operate role.\n"
		"\n"
		"exit status\n"
		"  0  printed\n"
		"  1  the configuration cannot be read\n"
		"  2  it was asked wrongly\n"
		"\n"
		"examples\n"
		"  reeve iam agent -c /etc/reeve/reeve.yaml | jq .\n",
	.run = run_agent,
};

const struct cli_command cli_iam_operate = {
	.name = "iam operate",
	.about = "those of the operate role, one a power",
	.usage = "[POWER] [--policy FILE] [--vpc ID] [-c FILE]",
	.page = "  POWER          launch, delete, groups, balancers, tags or volumes: that document alone\n"
		"  --policy FILE  cuts them to the bounds of a policy.yaml, which need not be in force\n"
		"  --vpc ID       cuts them to that VPC\n"
		"  -c FILE        puts in the names of that installation; without, CloudFormation's placeholders stand for them\n"
		"\n"
		"Take a document away, and the agent has that power no more.\n"
		"\n"
		"exit status\n"
		"  0  printed; a power that the policy leaves nothing of has no document, which stderr says\n"
		"  1  the policy or the configuration cannot be read, or a document would be too large\n"
		"  2  it was asked wrongly\n"
		"\n"
		"examples\n"
		"  reeve iam operate launch --policy /etc/reeve/policy.yaml --vpc vpc-0123456789abcdef0\n",
	.run = run_operate,
};
