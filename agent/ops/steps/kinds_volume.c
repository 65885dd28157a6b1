/* kinds_volume.c - volumes, and the step kinds that change them where they stand. */
#include <string.h>

#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/steps/kinds_impl.h"
#include "agent/ops/steps/volume_where.h"
#include "agent/ops/steps/volumes.h"

/* A data volume is made with its node, and goes with it unless it is kept. */
const struct resource resource_volume = {
	.kind = "volume",
	.reads = volumes_reads,
	.unknown = { "InvalidVolume.NotFound" },
	.args = { "volume" },
};

/* ---- modify-volume: larger, faster, gp3; there is no way back, so it stands behind the pivot ---- */

/* As arguments tell a form: the spec's, in which 0 and what is not there are gp3's own. */
static struct volumes_form wanted(const json_t *args)
{
	return (struct volumes_form){ json_str_or(args, "type", "gp3"), (uint32_t)json_int_or(args, "size_gib", 0),
				      (uint32_t)json_int_or(args, "iops", VOLUMES_IOPS),
				      (uint32_t)json_int_or(args, "throughput", VOLUMES_THROUGHPUT) };
}

/* As it stood when this was planned: 0 and "" are not told. */
static struct volumes_form stood(const json_t *args)
{
	const json_t *from = json_object_get(args, "from");

	return (struct volumes_form){ json_str_or(from, "type", ""), (uint32_t)json_int_or(from, "size_gib", 0),
				      (uint32_t)json_int_or(from, "iops", 0), (uint32_t)json_int_or(from, "throughput", 0) };
}

static bool is_new(uint32_t from, uint32_t to)
{
	return from > 0 && from != to;
}

/* Only what differs is asked for: the rest stays as it is. Another type brings figures of its own, so they are all named. */
static int modify_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	struct volumes_form from = stood(x->args), to = wanted(x->args);
	bool is_other = !str_eq(from.type, to.type);
	struct ec2_modify_args a = {
		.type = is_other ? to.type : NULL,
		.size_gib = is_new(from.size_gib, to.size_gib) ? to.size_gib : 0,
		.iops = is_other || is_new(from.iops, to.iops) ? to.iops : 0,
		.throughput = is_other || is_new(from.throughput, to.throughput) ? to.throughput : 0,
	};

	TRY(arg_str(x, "volume", &a.volume, e));
	ec2_modify_volume(req, &a);
	return 0;
}

/* A volume that goes with its node is gone when that has ended. What EC2 does not show may only not be shown yet, so that is
 * believed when settle_s has passed since the first call. */
static bool is_gone(const struct step_ctx *x, const char *id)
{
	return x->patient && volume_where_row(x, id) == NULL;
}

static const char gone[] = "is not there any more, or not ours";

static enum step_verdict modify_meet(const struct step_ctx *x, struct err *e)
{
	const char *id = json_str_or(x->args, "volume", "");

	(void)e;
	if (!is_gone(x, id))
		return STEP_MORE;
	step_leave_out(x, id, gone);
	return STEP_DONE;
}

/*  taken                                             done: the wait for it comes next
 *  still being changed (IncorrectModificationState)  look: it may be this very change; else that one ends, and this one is made
 *  EC2 does not know it                              again, until settle_s has passed: then it is known to be gone
 *  else                                              as any other refusal */
static enum step_verdict modify_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK)
		return STEP_DONE;
	if (c->class != AWS_CONFLICT && (x->patient || !str_eq(c->code, resource_volume.unknown[0])))
		return step_judge_refusal(x, c, e);
	err_set(e, ERR_AGAIN, "%s", err_text(&c->err));
	return c->class == AWS_CONFLICT ? STEP_LOOK : STEP_AGAIN;
}

static bool modify_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct ec2_volume *v = volumes_by_id(inv, json_str_or(x->args, "volume", ""));
	struct volumes_form have, want = wanted(x->args);

	if (v == NULL)
		return false;
	have = volumes_form(inv, v);
	return !volumes_differ(&have, &want);
}

/* What the policy bounds is what the volume is to be, also where this step leaves it as it is. gp3's own figures need no bound. */
static void modify_demand(const json_t *args, struct demand *d)
{
	demand_name(d, &bound_volume_types, json_str_or(args, "type", ""));
	demand_count(d, &bound_volume_gib, (uint32_t)json_int_or(args, "size_gib", 0));
	demand_count(d, &bound_iops, (uint32_t)json_int_or(args, "iops", 0));
	demand_count(d, &bound_throughput, (uint32_t)json_int_or(args, "throughput", 0));
}

static void print_change(uint32_t from, uint32_t to, const char *unit, struct buf *b)
{
	if (is_new(from, to))
		buf_addf(b, ", %u -> %u %s", from, to, unit);
}

/* "vol-1, /dev/sdf of i-1: grow 100 -> 200 GiB, 3000 -> 6000 iops" */
static void modify_print(const json_t *args, struct buf *to)
{
	struct volumes_form from = stood(args), want = wanted(args);
	CLEANUP(buf_close) struct buf b = BUF_MAX(256);

	if (is_new(from.size_gib, want.size_gib))
		buf_addf(&b, ", grow %u -> %u GiB", from.size_gib, want.size_gib);
	if (*from.type != '\0' && !str_eq(from.type, want.type))
		buf_addf(&b, ", %s -> %s", from.type, want.type);
	print_change(from.iops, want.iops, "iops", &b);
	print_change(from.throughput, want.throughput, "MiB/s", &b);
	buf_addf(to, "%s, %s of %s: %s", json_str_or(args, "volume", "?"), json_str_or(args, "device", "?"),
		 json_str_or(args, "instance", "?"), b.len > 2 ? buf_str(&b) + 2 : "as it is");
}

static void modify_changes(const json_t *args, const json_t *left, json_t *pairs)
{
	step_add_pairs(pairs, &resource_volume, json_object_get(args, "volume"), left);
}

static const struct iam_statement modify_grants[] = {
	{ IAM_VOLUMES, "Grow", IAM_OWNED, IAM_TEXTS("ec2:ModifyVolume"), IAM_TEXTS(IAM_EC2("volume/*")) },
	{ 0 },
};

const struct step_kind kind_modify_volume = {
	.name = "modify-volume",
	.action = "ec2:ModifyVolume",
	.field = "volumes",
	.grants = modify_grants,
	.repeat = REPEAT_NATURAL,
	.settle_s = 120,
	.deadline_s = 900,
	.poll_s = 15,
	.where = &volume_where,
	.meet = modify_meet,
	.ask = modify_ask,
	.judge = modify_judge,
	.find = modify_find,
	.changes = modify_changes,
	.demand = modify_demand,
	.print = modify_print,
};

/* ---- wait-modified ----
 *
 * From `optimizing` on a volume has its size and is as fast as one of the two; EC2 takes the next change when it is completed,
 * and a terabyte may take it many hours to get there. So completed is waited for as long as a command may take, and then a volume
 * that optimizes is good, and said to. */

#define OPTIMIZING_MS 2400000ull

struct changes {
	size_t modifying, optimizing;
	struct buf seen; /* of those that are not completed */
	char failed[256];
};

/* Is it the change that is waited for? EC2 shows an older one until it shows the newest. */
static bool is_it(const struct ec2_modification *m, const json_t *to)
{
	struct volumes_form have, want = wanted(to);

	if (m == NULL)
		return false;
	have = (struct volumes_form){ m->type, m->size_gib, m->iops, m->throughput };
	return !volumes_differ(&have, &want);
}

static void add_seen(struct changes *s, const char *volume, const char *state)
{
	buf_addf(&s->seen, "%s%s is %s", s->seen.len > 0 ? ", " : "", volume, state);
}

/* A change of this form that had failed before this one was planned. */
static bool is_before(const struct ec2_modification *m, const json_t *to)
{
	return str_eq(m->state, "failed") && strcmp(m->start, json_str_or(to, "before", "")) <= 0;
}

/*  the change is not shown yet      modifying
 *  completed                        over
 *  failed                           failed
 *  optimizing                       optimizing
 *  else                             modifying */
static void see_one(const struct ec2_modification *m, const char *volume, const json_t *to, struct changes *s)
{
	CLEANUP(mem_close) char *percent = NULL;

	if (!is_it(m, to) || is_before(m, to)) {
		s->modifying++;
		add_seen(s, volume, "not shown as changed yet");
	} else if (str_eq(m->state, "failed")) {
		snprintf(s->failed, sizeof(s->failed), "%s: %s", volume, *m->why != '\0' ? m->why : "EC2 says no more than failed");
	} else if (str_eq(m->state, "optimizing")) {
		percent = mem_printf("optimizing (%u %%)", m->percent);
		s->optimizing++;
		add_seen(s, volume, percent);
	} else if (!str_eq(m->state, "completed")) {
		s->modifying++;
		add_seen(s, volume, "modifying");
	}
}

static enum step_verdict changed(const struct step_ctx *x, const struct changes *s, struct err *e)
{
	if (s->failed[0] != '\0') {
		err_set(e, ERR_SERVICE, "a volume was not changed: %s", s->failed);
		return STEP_FAILED;
	}
	if (s->modifying > 0 || (s->optimizing > 0 && x->age_ms < OPTIMIZING_MS)) {
		err_set(e, ERR_AGAIN, "%s", buf_str(&s->seen));
		return STEP_AGAIN;
	}
	if (s->optimizing > 0)
		buf_addf(x->note, "%zu volume(s) still optimizing: the size is there, all of the speed is not yet", s->optimizing);
	/* The node grows the file system by a timer of its own, and nothing tells how far it is. */
	if (json_is_true(json_object_get(x->args, "grows")))
		buf_addf(x->note, "%sfile system growth unverified", x->note->len > 0 ? "; " : "");
	return STEP_DONE;
}

/* For those that are gone nobody waits: EC2 shows no change of theirs any more, or for ever the same one. */
static enum step_verdict modified_meet(const struct step_ctx *x, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "volumes");

	(void)e;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (is_gone(x, id))
			step_leave_out(x, id, gone);
	}
	return json_object_size(x->left) < json_array_size(ids) ? STEP_MORE : STEP_DONE;
}

static int modified_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	struct ec2_filter filter = { .name = "volume-id" };

	TRY(step_members(x, "volumes", &ids, &filter.n, e));
	filter.values = ids;
	ec2_describe_modifications(req, &(struct ec2_describe){ .filters = &filter, .filters_n = 1, .whole = true });
	return 0;
}

static enum step_verdict modified_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "volumes"), *to = json_object_get(x->args, "to");
	struct changes s = { .seen = BUF_MAX(400) };
	struct ec2_modifications list = { 0 };
	enum step_verdict v = STEP_AGAIN;
	struct arena *m;

	if (c->class != AWS_OK)
		return step_judge_unseen(x, c, e);
	m = read_arena();
	if (ec2_read_modifications(xml_root(c->xml), m, &list, e) == 0) {
		for (size_t i = 0; i < json_array_size(ids); i++) {
			const char *id = json_string_value(json_array_get(ids, i));

			if (!step_is_left(x, id))
				see_one(volumes_newest(&list, id), id, json_object_get(to, id), &s);
		}
		v = changed(x, &s, e);
	}
	buf_close(&s.seen);
	arena_free(m);
	return v;
}

static void modified_print(const json_t *args, struct buf *to)
{
	arg_print_strs(args, "volumes", to);
}

const struct step_kind kind_wait_modified = {
	.name = "wait-modified",
	.action = "ec2:DescribeVolumesModifications",
	.repeat = REPEAT_READ,
	.settle_s = 120,
	.deadline_s = 3600,
	.poll_s = 15,
	.where = &volume_where,
	.meet = modified_meet,
	.ask = modified_ask,
	.judge = modified_judge,
	.print = modified_print,
};
