/* kinds_attach.c - the step kind that gives a new node the volume that an ended one has left.
 *
 * EC2 is asked how the volume stands before each call: it may hang on a node that is still about to end, and then it is waited for;
 * it may be attached already, and then nothing is called. AttachVolume has no token and needs none: a volume has one attachment,
 * so a repetition is refused. Where the new node runs no more nothing is attached, and the volume stays as it is.
 *
 * There is no way back but one: a launch that is taken back ends the node, and the volume outlives that as it outlived the first.
 */
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/steps/kinds_impl.h"
#include "agent/ops/steps/volume_where.h"
#include "agent/ops/steps/volumes.h"

static const char *volume_of(const struct step_ctx *x)
{
	return json_str_or(x->args, "volume", "");
}

/* ---- what follows ---- */

static enum step_verdict wait_for(const struct step_ctx *x, const json_t *row, struct err *e)
{
	const char *holder = json_str_or(row, "instance", "");

	if (*holder != '\0')
		err_set(e, ERR_AGAIN, "%s is %s, by %s", volume_of(x), json_str_or(row, "attachment", "?"), holder);
	else
		err_set(e, ERR_AGAIN, "%s is %s", volume_of(x), json_str_or(row, "state", "?"));
	return STEP_AGAIN;
}

/* The first that holds:
 *
 *   its node has not come up           done: the volume stays as it is
 *   not there, or not ours             failed: what ought to hold it would be without it
 *   attached to its node               done
 *   available                          the call
 *   else                               again: whoever has it may be about to end */
static enum step_verdict meet(const struct step_ctx *x, struct err *e)
{
	const json_t *row = volume_where_row(x, volume_of(x));
	const char *node = volumes_given_to(x->args);

	if (node == NULL) {
		step_leave_out(x, volume_of(x), "stays as it is: fewer nodes came up than were launched");
		return STEP_DONE;
	}
	if (row == NULL) {
		step_blame(x, AWS_NOTFOUND, "");
		err_set(e, ERR_SERVICE, "%s is not there any more, or not ours", volume_of(x));
		return STEP_FAILED;
	}
	if (str_eq(json_str_or(row, "instance", ""), node) && str_eq(json_str_or(row, "attachment", ""), "attached"))
		return STEP_DONE;
	if (str_eq(json_str_or(row, "state", ""), "available") && *json_str_or(row, "instance", "") == '\0')
		return STEP_MORE;
	return wait_for(x, row, e);
}

static int attach_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	const char *volume, *device, *node = volumes_given_to(x->args);

	TRY(arg_str(x, "volume", &volume, e));
	TRY(arg_str(x, "device", &device, e));
	if (node == NULL)
		return err_set(e, ERR_INVALID, "there is no node that %s is for", volume);
	ec2_attach_volume(req, volume, node, device);
	return 0;
}

/*  taken                                                again: it is attached when EC2 shows it so
 *  in use, not available yet, or the node does not run  again: EC2 is asked how it stands
 *  else                                                 as any other refusal, another zone too */
static enum step_verdict attach_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK) {
		err_set(e, ERR_AGAIN, "%s is attaching", volume_of(x));
		return STEP_AGAIN;
	}
	if (c->class != AWS_CONFLICT)
		return step_judge_refusal(x, c, e);
	err_set(e, ERR_AGAIN, "%s", err_text(&c->err));
	return STEP_AGAIN;
}

static bool attach_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct ec2_volume *v = volumes_by_id(inv, volume_of(x));
	const char *node = volumes_given_to(x->args);

	return v != NULL && node != NULL && str_eq(v->instance, node) && str_eq(v->attachment, "attached");
}

/* ---- for the policy, and for people ---- */

/* The node is launched with one volume less than it has in the end: all of them count here. */
static void attach_demand(const json_t *args, struct demand *d)
{
	const char *key = json_str_or(args, "kms_key_id", NULL);

	demand_count(d, &bound_volumes_per_node, (uint32_t)json_int_or(args, "of", 1));
	demand_name(d, &bound_volume_types, json_str_or(args, "type", ""));
	demand_count(d, &bound_volume_gib, (uint32_t)json_int_or(args, "size_gib", 0));
	demand_count(d, &bound_iops, (uint32_t)json_int_or(args, "iops", 0));
	demand_count(d, &bound_throughput, (uint32_t)json_int_or(args, "throughput", 0));
	if (key != NULL)
		demand_name(d, &bound_kms_keys, key);
}

/* "vol-1, 100 GiB on /dev/sdf, with what is on it" */
static void attach_print(const json_t *args, struct buf *to)
{
	buf_addf(to, "%s, %s %lld GiB on %s, with the data that is on it", json_str_or(args, "volume", "?"),
		 json_str_or(args, "type", "?"), (long long)json_int_or(args, "size_gib", 0), json_str_or(args, "device", "?"));
}

static void attach_changes(const json_t *args, const json_t *left, json_t *pairs)
{
	step_add_pairs(pairs, &resource_volume, json_object_get(args, "volume"), left);
}

static const struct iam_statement attach_grants[] = {
	{ IAM_VOLUMES, "Attach", IAM_OWNED, IAM_TEXTS("ec2:AttachVolume"), IAM_TEXTS(IAM_EC2("instance/*"), IAM_EC2("volume/*")) },
	KINDS_KEY,
	{ 0 },
};

const struct step_kind kind_attach_volume = {
	.name = "attach-volume",
	.action = "ec2:AttachVolume",
	.field = "volumes",
	.grants = attach_grants,
	.conditions = kinds_launch_conditions,
	.repeat = REPEAT_NATURAL,
	.settle_s = 120,
	.deadline_s = 900,
	.poll_s = 3,
	.where = &volume_where,
	.meet = meet,
	.ask = attach_ask,
	.judge = attach_judge,
	.find = attach_find,
	.changes = attach_changes,
	.goes_with = "instances",
	.demand = attach_demand,
	.print = attach_print,
};
