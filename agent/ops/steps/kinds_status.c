/* kinds_status.c - a node that runs is ready when EC2's two status checks say so: that of the system under it, and that of the
 * instance itself.
 *
 * EC2 looks once a minute, so an answer may be of the minute before: behind a reboot, which is only asked for and begins a while
 * later, the checks count after args.quiet_s alone. What they say until settle_s is over is not final: "initializing" and
 * "insufficient-data" are no answer yet, and a node that is booting may be "impaired" for a while. Then it is lost, as one that
 * does not come up is: the command goes on with the others, unless the cluster is atomic. */
#include <ctype.h>
#include <string.h>

#include "agent/aws/ec2_status.h"
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/kinds_impl.h"
#include "agent/ops/steps/standing.h"

static int status_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	size_t n;

	TRY(step_members(x, "instances", &ids, &n, e));
	ec2_describe_status(req, ids, n);
	return 0;
}

static const struct ec2_status *status_in(const struct ec2_statuses *all, const char *id)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].id, id))
			return &all->v[i];
	return NULL;
}

static void checks_text(const struct ec2_status *st, struct buf *to)
{
	if (st == NULL)
		buf_adds(to, "not shown");
	else if (!str_eq(st->state, "running") && *st->state != '\0')
		buf_adds(to, st->state);
	else
		buf_addf(to, "not ok yet (system check %s, instance check %s)", *st->system != '\0' ? st->system : "untold",
			 *st->instance != '\0' ? st->instance : "untold");
}

static bool is_over(const char *state)
{
	return str_eq(state, "shutting-down") || str_eq(state, "terminated");
}

/* Of a state: an older one than that which the wait before has seen may be shown, but a node is never shown as ended too early. */
static bool is_lost(const struct step_ctx *x, const struct ec2_status *st)
{
	bool is_started = json_is_true(json_object_get(x->args, "started"));

	if (x->patient)
		return true;
	return st != NULL && (is_over(st->state) || (str_starts(st->state, "stop") && !is_started));
}

/*   EC2 does not know it                                  lost
 *   both checks are ok                                    up
 *   it has ended, or somebody has stopped it              lost
 *   settle_s has passed                                   lost
 *   else (not shown, pending, a check that is not ok)     coming */
static void stand_one(const struct step_ctx *x, const char *id, const struct ec2_status *st, struct standing *s)
{
	CLEANUP(buf_close) struct buf how = BUF_MAX(160);

	checks_text(st, &how);
	if (step_is_left(x, id))
		standing_is_lost(s, id, "not there any more", (struct code_death){ .class = AWS_NOTFOUND });
	else if (st != NULL && str_eq(st->system, "ok") && str_eq(st->instance, "ok"))
		standing_is_up(s, id);
	else if (is_lost(x, st))
		standing_is_lost(s, id, buf_str(&how), (struct code_death){ .class = x->patient ? AWS_AMBIGUOUS : AWS_INVALID });
	else
		standing_is_coming(s, id, buf_str(&how));
}

static enum step_verdict stand(const struct step_ctx *x, const struct ec2_statuses *all, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "instances");
	struct standing s;
	enum step_verdict v;

	standing_open(&s);
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		stand_one(x, id, status_in(all, id), &s);
	}
	v = standing_verdict(x, &s, "pass its status checks", e);
	standing_close(&s);
	return v;
}

/* A longer id may begin as this one does. */
static bool names(const char *sentence, const char *id)
{
	const char *at = sentence;

	while ((at = strstr(at, id)) != NULL)
		if (!isalnum((unsigned char)*(at += strlen(id))))
			return true;
	return false;
}

/* EC2 names those that it does not know in its sentence. One that this command has just launched may be known a moment later;
 * without the others the call is made again.
 *
 *   all are left out by now                     what follows from that: nobody is up
 *   else                                        again */
static enum step_verdict leave_unknown(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (names(err_text(&c->err), id) && (x->patient || !step_made_here(x, id)))
			step_leave_out(x, id, "is not there any more");
	}
	*e = (struct err){ 0 };
	if (json_object_size(x->left) == json_array_size(ids))
		return stand(x, &(struct ec2_statuses){ 0 }, e);
	err_set(e, ERR_AGAIN, "EC2 does not know all of them");
	return STEP_AGAIN;
}

static enum step_verdict status_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct ec2_statuses all = { 0 };
	struct arena *m;
	enum step_verdict v = STEP_AGAIN;

	if (c->class == AWS_NOTFOUND)
		return leave_unknown(x, c, e);
	if (c->class != AWS_OK)
		return step_judge_unseen(x, c, e);
	if (x->age_ms < (uint64_t)json_int_or(x->args, "quiet_s", 0) * 1000) {
		err_set(e, ERR_AGAIN, "what the checks say may still be of before the reboot");
		return STEP_AGAIN;
	}
	m = read_arena();
	if (ec2_read_statuses(xml_root(c->xml), m, &all, e) == 0)
		v = stand(x, &all, e);
	arena_free(m);
	return v;
}

static void status_print(const json_t *args, struct buf *to)
{
	arg_print_strs(args, "instances", to);
}

const struct step_kind kind_wait_status_ok = {
	.name = "wait-status-ok",
	.action = "ec2:DescribeInstanceStatus",
	.repeat = REPEAT_READ,
	.settle_s = 600, /* as long as AWS's own waiter waits (botocore, InstanceStatusOk: 40 times 15 s) */
	.deadline_s = 900,
	.poll_s = 15,
	.ask = status_ask,
	.judge = status_judge,
	.print = status_print,
};
