/* kinds_elb_undo.c - what a plan that is taken back waits for between its undos: who was let in again is to serve before who came
 * for it leaves, and who leaves is to have served what was connected before it ends.
 *
 * A taking back never fails for them: what is not so within their time is told in the result, and it goes on. */
#include <string.h>

#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/steps/kinds_elb_impl.h"
#include "agent/ops/steps/kinds_impl.h"

#define SERVING_MS 300000
#define LEFT_MS 600000

typedef bool is_there(const struct step_ctx *x, const struct elb_target *t);

/* In a group that no listener leads to (unused) nobody serves, and of one that is not there, or whose node does not run, nothing
 * comes. */
static bool serves_or_never_will(const struct step_ctx *x, const struct elb_target *t)
{
	if (t == NULL)
		return x->patient; /* it was let in a moment ago, and is not shown yet */
	return str_eq(t->state, "healthy") ||
	       (str_eq(t->state, "unused") && (x->patient || str_eq(t->reason, "Target.InvalidState")));
}

/* Right behind the call the old state may still be shown. */
static bool has_left(const struct step_ctx *x, const struct elb_target *t)
{
	return t == NULL || str_eq(t->state, "unused") || (x->patient && !str_eq(t->state, "draining"));
}

static void see(const struct step_ctx *x, const struct elb_targets *list, is_there *there, struct buf *seen)
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct elb_target *t = elb_target_in(list, id);

		if (!there(x, t))
			buf_addf(seen, "%s%s is %s", seen->len > 0 ? ", " : "", id, t != NULL ? t->state : "not registered");
	}
}

static bool can_see(const struct aws_call *c, struct arena *m, struct elb_targets *ret, struct err *e)
{
	return c->class == AWS_OK && elb_read_target_health(xml_root(c->xml), m, ret, e) == 0;
}

static enum step_verdict judge(const struct step_ctx *x, const struct aws_call *c, is_there *there, uint64_t most_ms, struct err *e)
{
	CLEANUP(buf_close) struct buf seen = BUF_MAX(400);
	struct arena *m = read_arena();
	struct elb_targets list = { 0 };

	if (can_see(c, m, &list, e))
		see(x, &list, there, &seen);
	else if (c->class != AWS_NOTFOUND) /* a group that is gone has nobody in it */
		buf_adds(&seen, "AWS does not tell");
	arena_free(m);
	if (seen.len > 0 && x->age_ms < most_ms) {
		err_set(e, ERR_AGAIN, "%s", buf_str(&seen));
		return STEP_AGAIN;
	}
	if (seen.len > 0)
		buf_addf(x->note, "taken back all the same: %s", buf_str(&seen));
	return STEP_DONE;
}

static enum step_verdict serving_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return judge(x, c, serves_or_never_will, SERVING_MS, e);
}

static enum step_verdict left_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return judge(x, c, has_left, LEFT_MS, e);
}

const struct step_kind kind_wait_serving = {
	.name = "wait-serving",
	.action = "elasticloadbalancing:DescribeTargetHealth",
	.repeat = REPEAT_READ,
	.settle_s = 60,
	.deadline_s = 2 * SERVING_MS / 1000,
	.poll_s = 5,
	.ask = kinds_elb_ask_health,
	.judge = serving_judge,
	.print = kinds_elb_print_targets,
};

const struct step_kind kind_wait_left = {
	.name = "wait-left",
	.action = "elasticloadbalancing:DescribeTargetHealth",
	.repeat = REPEAT_READ,
	.settle_s = 60,
	.deadline_s = 2 * LEFT_MS / 1000,
	.poll_s = 5,
	.ask = kinds_elb_ask_health,
	.judge = left_judge,
	.print = kinds_elb_print_targets,
};
