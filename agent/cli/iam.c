/* iam.c - reeve iam agent|operate: the policies as the code asks for them. With -c the names of that installation are put
 * in as far as its configuration tells them; without, CloudFormation's placeholders stand for them (deploy/iam). */
#include "agent/ops/iam.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"
#include "agent/config.h"
#include "agent/io/world_uv.h"

static int load(const char *path, struct config *c, struct err *e)
{
	struct world *w = world_uv_new(e);
	int rc;

	if (w == NULL)
		return -e->code;
	rc = config_load(w, path, c, e);
	world_uv_free(w);
	return rc;
}

static int print(const char *which, const struct iam_args *args, struct err *e)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(4 * IAM_DOCUMENT_MAX);
	int rc = str_eq(which, "agent") ? iam_agent(args, &text) : iam_operate(args, &text);

	if (rc != 0)
		return err_set(e, -rc, "the policy of the %s role cannot be made", which);
	fputs(buf_str(&text), stdout);
	return 0;
}

int cmd_iam(int argc, char **argv)
{
	struct config c = { 0 };
	struct iam_args args = { 0 };
	struct err e = { 0 };
	const char *path;
	int given = argc, rc = 0;

	if (cli_config_path(&argc, argv, &path) != 0)
		return 2;
	if (argc != 2 || (!str_eq(argv[1], "agent") && !str_eq(argv[1], "operate")))
		return cli_usage("iam wants: agent, or operate");
	if (given != argc) {
		rc = load(path, &c, &e);
		args = (struct iam_args){
			.vendor = c.vendor_name, .installation = c.installation, .account = c.account, .region = c.region
		};
	}
	if (rc == 0)
		rc = print(argv[1], &args, &e);
	config_close(&c);
	return rc == 0 ? 0 : cli_fail(&e);
}
