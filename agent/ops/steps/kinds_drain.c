/* kinds_drain.c - before a node goes it is drained: by a POST to it, or by waiting.
 *
 * A node that is asked twice drains as one that is asked once: so it is asked again after any doubt. It changes nothing in AWS and
 * is not taken back: what becomes of the plan, the node's target groups decide. One that is lost (args.goes_anyway) is asked as any
 * other, but may be too sick to answer: then it goes undrained, and the result's note says so. */
#include <string.h>

#include "agent/aws/ec2.h"
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/asking.h"
#include "agent/ops/steps/kinds_impl.h"

#define MOST_S 3600

static uint64_t wait_ms(const struct step_ctx *x)
{
	return (uint64_t)json_int_or(x->args, "wait_s", 0) * 1000;
}

static bool goes_anyway(const struct step_ctx *x)
{
	return json_is_true(json_object_get(x->args, "goes_anyway"));
}

/* Who is gone has nothing left to drain. */
static bool is_over(const struct step_ctx *x, const char *id)
{
	const char *why;

	return asking_is_done(x, id) || asking_how_is(x, id, &why) == ASKING_GONE;
}

static void tell_seen(const struct step_ctx *x, const char *id, struct buf *seen)
{
	const char *said = asking_said(x, id);

	buf_addf(seen, "%s%s is not drained yet: %s", seen->len > 0 ? ", " : "", id, said != NULL ? said : "not asked");
}

/*   all are drained or gone         done
 *   wait_s is over, it goes anyway  done, and told
 *   wait_s is over                  failed
 *   else                            the next one, or another round */
static enum step_verdict drain_meet(const struct step_ctx *x, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "instances");
	CLEANUP(buf_close) struct buf seen = BUF_MAX(400);

	for (size_t i = 0; i < json_array_size(ids); i++)
		if (!is_over(x, json_string_value(json_array_get(ids, i))))
			tell_seen(x, json_string_value(json_array_get(ids, i)), &seen);
	if (seen.len == 0)
		return STEP_DONE;
	if (x->age_ms >= wait_ms(x) && goes_anyway(x)) {
		buf_addf(x->note, "within %u s %s; it goes undrained", (unsigned)(wait_ms(x) / 1000), buf_str(&seen));
		return STEP_DONE;
	}
	if (x->age_ms >= wait_ms(x)) {
		step_blame(x, AWS_AMBIGUOUS, "");
		err_set(e, ERR_SERVICE, "within %u s %s", (unsigned)(wait_ms(x) / 1000), buf_str(&seen));
		return STEP_FAILED;
	}
	err_set(e, ERR_AGAIN, "%s", buf_str(&seen));
	return asking_go_on(x);
}

static int drain_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	return asking_ask(x, "POST", req, e);
}

/*   2xx but 202                    drained
 *   202, 409, 503, no answer       again
 *   else, a redirect too           asked no more where it goes anyway, and told; or else failed */
static enum step_verdict drain_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	bool is_drained = c->status / 100 == 2 && c->status != 202;
	bool is_again = c->status == 202 || c->status == 409 || c->status == 503 || (c->status == 0 && c->err.code != ERR_DENIED);
	char status[64];

	asking_status(c, status);
	asking_note(x, status, is_drained || (!is_again && goes_anyway(x)));
	*e = (struct err){ 0 };
	if (is_drained || is_again)
		return drain_meet(x, e);
	if (goes_anyway(x)) {
		buf_addf(x->note, "%s goes undrained: it answered %s", asking_now(x), status);
		return drain_meet(x, e);
	}
	step_blame(x, AWS_INVALID, "");
	err_set(e, ERR_SERVICE, "%s does not drain: it answered POST %s with %s", asking_now(x), json_str_or(x->args, "path", "?"),
		status);
	return STEP_FAILED;
}

/* No look tells that a node has drained. */
static bool drain_find(const struct step_ctx *x, const struct inventory *inv)
{
	(void)x;
	(void)inv;
	return false;
}

const struct step_kind kind_drain = {
	.name = "drain",
	.action = "node:POST",
	.repeat = REPEAT_NATURAL,
	.settle_s = 1,
	.deadline_s = MOST_S + 300, /* its own is args.wait_s */
	.poll_s = 5,
	.where = &asking_where,
	.meet = drain_meet,
	.ask = drain_ask,
	.judge = drain_judge,
	.find = drain_find,
	.demand = kinds_endpoint_demand,
	.print = kinds_endpoint_print,
};

/* ---- by waiting ---- */

/* All of them are shown, and as ended: one that is not shown may only not be shown this time. */
static bool have_all_ended(const struct step_ctx *x, const struct aws_call *c)
{
	const json_t *ids = json_object_get(x->args, "instances");
	struct ec2_instances list = { 0 };
	struct arena *m = read_arena();
	bool have = c->class == AWS_OK && ec2_read_instances(xml_root(c->xml), m, &list, NULL) == 0;

	for (size_t i = 0; have && i < json_array_size(ids); i++) {
		const struct ec2_instance *in = inventory_instance_in(&list, json_string_value(json_array_get(ids, i)));

		have = in != NULL && !inventory_is_alive(in);
	}
	arena_free(m);
	return have;
}

/* The look is for those that end meanwhile: when none is left nobody waits. */
static enum step_verdict time_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (x->age_ms >= wait_ms(x) || have_all_ended(x, c)) {
		*e = (struct err){ 0 };
		return STEP_DONE;
	}
	err_set(e, ERR_AGAIN, "%u s of %u s are over", (unsigned)(x->age_ms / 1000), (unsigned)(wait_ms(x) / 1000));
	return STEP_AGAIN;
}

static void time_print(const json_t *args, struct buf *to)
{
	arg_print_strs(args, "instances", to);
	buf_addf(to, " for %u s", (unsigned)json_int_or(args, "wait_s", 0));
}

const struct step_kind kind_wait_time = {
	.name = "wait-time",
	.action = "ec2:DescribeInstances",
	.is_once = true,
	.repeat = REPEAT_READ,
	.deadline_s = MOST_S + 300,
	.poll_s = 5,
	.ask = kinds_nodes_ask,
	.judge = time_judge,
	.print = time_print,
};
