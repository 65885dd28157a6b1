/* kinds_elb.c - what creations, deletions and waits of load balancing have in common. */
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/ops/steps/kinds_elb_impl.h"

/* Answered with the thing itself, or with "there is one of that name": then we look whether it is ours. */
static enum step_verdict made(const struct step_ctx *x, const struct aws_call *c, kinds_elb_arn_fn *arn_of)
{
	struct arena *m = read_arena();
	/* AWS has made it, whether we can read its ARN or not. */
	const char *arn = arn_of(xml_root(c->xml), m);

	if (arn != NULL)
		fact_set(x, json_string(arn));
	arena_free(m);
	return arn != NULL ? STEP_DONE : STEP_LOOK;
}

enum step_verdict kinds_elb_judge_created(const struct step_ctx *x, const struct aws_call *c, kinds_elb_arn_fn *arn_of,
					  struct err *e)
{
	if (c->class == AWS_DUPLICATE)
		return STEP_LOOK;
	return c->class == AWS_OK ? made(x, c, arn_of) : step_judge_refusal(x, c, e);
}

bool kinds_elb_found(const struct step_ctx *x, const char *arn)
{
	if (arn == NULL)
		return false;
	fact_set(x, json_string(arn));
	return true;
}

json_t *kinds_elb_arn_of_fact(const json_t *args)
{
	/* "fresh": it is as old as this plan, so "not found" may only mean that AWS does not know it everywhere yet. */
	return json_pack("{s:o, s:b}", "arn", json_sprintf("@%s", json_str_or(args, "fact", "?")), "fresh", 1);
}

int kinds_elb_ask_delete(const struct step_ctx *x, struct request *req, kinds_elb_delete_fn *build, struct err *e)
{
	const char *arn;

	TRY(arg_str(x, "arn", &arn, e));
	build(req, arn);
	return 0;
}

const char *kinds_elb_arn(const struct step_ctx *x)
{
	return json_str_or(x->args, "arn", "");
}

void kinds_elb_print_name(const json_t *args, struct buf *to)
{
	buf_addf(to, "%s (%s)", json_str_or(args, "purpose", "?"), json_str_or(args, "name", "?"));
}

void kinds_elb_print_arn(const json_t *args, struct buf *to)
{
	buf_adds(to, json_str_or(args, "arn", "?"));
}
