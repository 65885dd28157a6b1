/* kinds_elb_undo.c - what a plan that is taken back waits for between its undos: who was let in again is to serve before who came
 * for it leaves, and who leaves is to have served what was connected before it ends.
 *
 * A taking back never fails for them. Who does not serve within the time is left out, and the engine keeps what came in its place
 * (run_keep.c); who has not left by then is told in the result, and it goes on. */
#include <string.h>

#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/kinds_elb_impl.h"
#include "agent/ops/steps/kinds_impl.h"

#define SERVING_MS 300000
#define LEFT_MS 600000

/* ---- the answer ---- */

/* Reads who is in the group into `list`, which was empty. NULL: AWS does not tell. A group that is gone has nobody in it. */
static const struct elb_targets *targets_told(const struct aws_call *c, struct arena *m, struct elb_targets *list, struct err *e)
{
	if (c->class == AWS_NOTFOUND)
		return list;
	return c->class == AWS_OK && elb_read_target_health(xml_root(c->xml), m, list, e) == 0 ? list : NULL;
}

static void add_seen(struct buf *seen, const char *id, const struct elb_target *t)
{
	buf_addf(seen, "%s%s is %s", seen->len > 0 ? ", " : "", id, t != NULL ? t->state : "not registered");
}

/* ---- serving ---- */

static bool is_for(const struct elb_target *t, const char *reason)
{
	return t != NULL && str_eq(t->state, "unused") && str_eq(t->reason, reason);
}

/* No listener leads to it, as AWS says of one that is in it: of one that has left, or ended, AWS says nothing of the kind. */
static bool is_unled(const struct elb_targets *list)
{
	bool some = false;

	for (size_t i = 0; i < list->n; i++) {
		if (!str_eq(list->v[i].state, "unused") && !str_eq(list->v[i].state, "draining"))
			return false;
		some = some || is_for(&list->v[i], "Target.NotInUse");
	}
	return some;
}

/* It was let in a moment ago, so that it is not shown, or not as in use, says nothing before settle_s is over. A node that has
 * stopped or ended (Target.InvalidState) does not come. */
static bool may_yet_serve(const struct step_ctx *x, const struct elb_target *t)
{
	if (is_for(t, "Target.InvalidState"))
		return false;
	return !x->patient || (t != NULL && !str_eq(t->state, "unused"));
}

static void leave_out(const struct step_ctx *x, const char *id, const struct elb_target *t, bool is_told)
{
	CLEANUP(mem_close)
	char *why = mem_printf("does not serve again (%s)", !is_told    ? "AWS does not tell"
							    : t != NULL ? t->state
									: "not registered");

	step_leave_out(x, id, why);
}

/* Those that do not serve: leave them out, or add those to `seen` for which it is worth to wait. */
static void each_idle(const struct step_ctx *x, const struct elb_targets *list, struct buf *seen)
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct elb_target *t = list != NULL ? elb_target_in(list, id) : NULL;

		if (t != NULL && str_eq(t->state, "healthy"))
			continue;
		if (seen == NULL)
			leave_out(x, id, t, list != NULL);
		else if (list == NULL || may_yet_serve(x, t))
			add_seen(seen, id, t);
	}
}

/*   the group is gone, or (settle_s is over) no listener leads to it      done: nobody serves there
 *   some do not serve, may yet, and there is time                         again
 *   else                                                                  done: who does not serve is left out  */
static enum step_verdict serving_in(const struct step_ctx *x, const struct elb_targets *list, struct err *e)
{
	CLEANUP(buf_close) struct buf seen = BUF_MAX(400);

	if (list != NULL && x->patient && is_unled(list))
		return STEP_DONE;
	each_idle(x, list, &seen);
	if (seen.len > 0 && x->age_ms < SERVING_MS) {
		err_set(e, ERR_AGAIN, "%s", list != NULL ? buf_str(&seen) : "AWS does not tell");
		return STEP_AGAIN;
	}
	each_idle(x, list, NULL);
	return STEP_DONE;
}

static enum step_verdict serving_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct arena *m = read_arena();
	struct elb_targets list = { 0 };
	enum step_verdict v = c->class == AWS_NOTFOUND ? STEP_DONE : serving_in(x, targets_told(c, m, &list, e), e);

	arena_free(m);
	return v;
}

/* ---- left ---- */

/* Right behind the call the old state may still be shown. */
static bool has_left(const struct step_ctx *x, const struct elb_target *t)
{
	return t == NULL || str_eq(t->state, "unused") || (x->patient && !str_eq(t->state, "draining"));
}

static void each_still_in(const struct step_ctx *x, const struct elb_targets *list, struct buf *seen)
{
	const json_t *ids = json_object_get(x->args, "instances");

	if (list == NULL)
		buf_adds(seen, "AWS does not tell");
	for (size_t i = 0; list != NULL && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct elb_target *t = elb_target_in(list, id);

		if (!has_left(x, t))
			add_seen(seen, id, t);
	}
}

static enum step_verdict left_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	CLEANUP(buf_close) struct buf seen = BUF_MAX(400);
	struct arena *m = read_arena();
	struct elb_targets list = { 0 };

	each_still_in(x, targets_told(c, m, &list, e), &seen);
	arena_free(m);
	if (seen.len > 0 && x->age_ms < LEFT_MS) {
		err_set(e, ERR_AGAIN, "%s", buf_str(&seen));
		return STEP_AGAIN;
	}
	if (seen.len > 0)
		buf_addf(x->note, "taken back all the same: %s", buf_str(&seen));
	return STEP_DONE;
}

const struct step_kind kind_wait_serving = {
	.name = "wait-serving",
	.action = "elasticloadbalancing:DescribeTargetHealth",
	.repeat = REPEAT_READ,
	.vouches = true,
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
	.takes_out = true,
	.settle_s = 60,
	.deadline_s = 2 * LEFT_MS / 1000,
	.poll_s = 5,
	.ask = kinds_elb_ask_health,
	.judge = left_judge,
	.print = kinds_elb_print_targets,
};
