/* op_plan.c - an operation's plan: from the inventory to the record, and when it is to be made anew.
 *
 * Happy path: inventory -> plans -> recorded -> considered. An inventory that cannot be had is asked for again, with growing
 * patience; one that AWS denies ends the operation.
 *
 * bounds.nodes_total is for the whole installation while warehouses are changed beside each other: to the nodes that are there
 * a plan adds what the running operations have still to launch, and none starts with a count from before another's start. */
#include "agent/ops/op_impl.h"

#include <assert.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner.h"
#include "agent/ops/account/recent.h"
#include "agent/ops/resource_status.h"
#include "agent/ops/room.h"

#define PLAN_FRESH_MS 300000
#define LAG_POLL_MS 2000
#define ROOM_POLL_MS 15000 /* each look is a whole inventory */

static const json_t *customer_tags(const struct op *op)
{
	return op->env->policy(op->env->ctx)->customer_tags;
}

/* json_equal knows no NULL that equals NULL. */
static bool has_other_tags(const struct op *op)
{
	const json_t *now = customer_tags(op);

	return op->customer_tags != now && !json_equal(op->customer_tags, now);
}

bool op_plan_is_stale(const struct op *op)
{
	int64_t age = world_wall_ms(op_world(op)) - op->planned_ms;

	if (op_has_deed(op))
		return false; /* it was made from nothing that could be another by now */
	/* Four reasons: the clock was set back, so its age is not known; it is too old; another operation has started and
	 * counted nodes and rates that this plan knows nothing of; or the customer wants other tags on what it makes. One from
	 * before a restart has seen no start (0), and is stale. */
	return age < 0 || age > PLAN_FRESH_MS || op->starts_seen != op->env->shared->starts || has_other_tags(op);
}

/* ---- counting nodes ---- */

struct counting {
	const struct inventory *inv;
	uint32_t coming;
	uint32_t passing_now, passing; /* nodes that take the place of others: of one plan, and of the largest of one operation */
};

static uint32_t nodes_of(const struct inventory *inv, const char *command, const char *plan, const char *step)
{
	CLEANUP(mem_close) char *name = mem_printf("%s/%s", plan, step);
	uint32_t n = 0;

	for (size_t i = 0; i < inv->instances.n; i++) {
		const struct ec2_instance *in = &inv->instances.v[i];

		n += inventory_is_alive(in) && str_eq(ec2_tag_get(&in->tags, "reeve:command"), command) &&
		     str_eq(ec2_tag_get(&in->tags, "reeve:step"), name);
	}
	return n;
}

/* A launch that is done is seen or waited for (recent.h); one that is ahead, or whose fate is open, may be seen in part. */
static void count_step(struct counting *c, const struct op *other, const struct plan *plan, const struct step *step)
{
	struct demand d = { 0 };
	uint32_t seen, launched, more;

	if (step->kind->demand == NULL)
		return;
	step->kind->demand(step->args, &d);
	launched = demand_number(&d, &bound_nodes_total);
	seen = launched > 0 ? nodes_of(c->inv, other->f.id_text, plan->name, step->name) : 0;
	more = launched > seen ? launched - seen : 0;
	if (demand_passing(&d, &bound_nodes_total) == 0)
		c->coming += more;
	else
		c->passing_now += more;
	demand_close(&d);
}

static void count_coming(void *ctx, struct op *other)
{
	struct counting *c = ctx;

	if (other->started_ms == 0 || other->f.is_ended || other->plans == NULL)
		return; /* started_ms: also while the record of its start is on its way to the disk */
	for (size_t i = 0; i < other->plans->n; i++) {
		for (size_t k = 0; k < other->plans->v[i].n; k++)
			/* Without a run none of its steps has been made. */
			if (other->runs == NULL || other->runs[i] == NULL || run_is_ahead(other->runs[i], k))
				count_step(c, other, &other->plans->v[i], &other->plans->v[i].steps[k]);
		c->passing = c->passing_now > c->passing ? c->passing_now : c->passing;
		c->passing_now = 0;
	}
	c->coming += c->passing;
	c->passing = 0;
}

static uint32_t count_nodes(struct op *op, const struct inventory *inv)
{
	struct counting c = { .inv = inv };

	op->env->each(op->env->ctx, count_coming, &c);
	return planner_nodes(inv) + c.coming;
}

uint32_t op_nodes_now(const struct op *op)
{
	return (uint32_t)json_int_or(op->planned, "nodes_now", 0);
}

/* ---- the plan and its record ---- */

void op_planned_apply(struct op *op, json_t *m, int64_t time_ms)
{
	json_incref(m);
	json_decref(op->planned);
	op->planned = m;
	op->planned_ms = json_int_or(m, "planned_ms", time_ms);
	op->f.plan_bytes = op->plans != NULL ? room_of_plan(m, op->plans) : 0;
}

static enum op_state wait_for_room(struct op *op)
{
	/* The plan is not kept: it would fill the room that it waits for, and be out of date by then. */
	plans_free(op->plans);
	op->plans = NULL;
	snprintf(op->waiting, sizeof(op->waiting),
		 "waits to be planned: the plans of other commands fill what may be open at once");
	return op_wait(op, ROOM_POLL_MS);
}

/* What of its warehouse was there: its nodes by cluster, or null. By it is known afterwards whether the command was to make it. */
static json_t *found_json(const struct op *op, const struct inventory *inv)
{
	json_t *nodes = resource_status_nodes(inv, op_warehouse(op));

	if (json_object_size(nodes) > 0 || planner_generation(inv, op_warehouse(op)) > 0)
		return nodes;
	json_decref(nodes);
	return json_null();
}

/* inv NULL: a deed is made from none. */
static json_t *planned_json(const struct op *op, const struct inventory *inv, uint32_t nodes_now)
{
	json_t *m = json_object();
	char hex[DIGEST_HEX_LEN];

	assert(op->plans != NULL); /* a planner that says 0 has made them */
	json_object_set_new(m, "op", json_string(op->f.id_text));
	json_object_set_new(m, "plan_hash", json_string(digest_hex(&op->plans->hash, hex)));
	json_object_set_new(m, "nodes_now", json_integer(nodes_now));
	if (inv != NULL)
		json_object_set_new(m, "found", found_json(op, inv));
	json_object_set_new(m, "planned_ms", json_integer(world_wall_ms(op_world(op))));
	json_object_set(m, "plan", op->plans->json);
	return m;
}

/* What no node of the warehouse has, or will have: it goes on costing, and holds data. */
static void tell_volumes(const struct op *op)
{
	const json_t *list = json_object_get(op->plans->json, "preserved"), *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *pair = json_array_get(list, i);

		if (!str_eq(json_string_value(json_array_get(pair, 0)), "volume"))
			continue;
		first = first != NULL ? first : json_array_get(pair, 1);
		n++;
	}
	if (n > 0)
		log_info("op.volumes.left", "op=%s warehouse=%s n=%zu first=%s next=\"they stay until somebody deletes them\"",
			 op->f.id_text, op_warehouse(op), n, json_string_value(first));
}

static enum op_state keep_plan(struct op *op, const struct inventory *inv)
{
	CLEANUP(json_close) json_t *m = planned_json(op, inv, inv != NULL ? count_nodes(op, inv) : 0);

	/* A deed's plan is small, and a read waits for nobody. */
	if (!op_has_deed(op) && !op->env->has_room_for_plan(op->env->ctx, op, room_of_plan(m, op->plans)))
		return wait_for_room(op);
	op_planned_apply(op, m, 0);
	tell_volumes(op);
	/* This is as of when the inventory was asked for: a start since then is not in it. */
	op->starts_seen = op->asked_starts;
	return OP_RECORDING;
}

enum op_state op_record_plan(struct op *op)
{
	return op_record(op, "command.planned", json_incref(op->planned));
}

enum op_state op_plan_stands(struct op *op)
{
	op->env->changed(op->env->ctx);
	return OP_CONSIDERING;
}

static struct planner_args args_of(const struct op *op, const struct inventory *inv)
{
	const struct wanted_one *one = wanted_of(&op->env->shared->wanted, op_warehouse(op));
	int64_t now_ms = op_env_rates_now(op->env);

	changed_keep_time(&op->env->shared->changed, now_ms);
	return (struct planner_args){ .owner = op->env->owner,
				      .command = op->f.id_text,
				      .verb = op_verb(op),
				      .inv = inv,
				      .customer_tags = customer_tags(op),
				      .changed = &op->env->shared->changed,
				      .changed_now_ms = now_ms,
				      .left = one != NULL ? one->left : NULL,
				      .homes = one != NULL ? one->homes : NULL };
}

/* What the account tells by its groups, each of which bears the generation that made it; or the spec that stands, as the journal
 * has it, where that is newer: an apply may have made no group. */
static uint64_t generation_now(const struct op *op, const struct inventory *inv)
{
	const struct wanted_one *one = wanted_of(&op->env->shared->wanted, op_warehouse(op));
	ProtobufCMessage *args = one != NULL ? wanted_args(one) : NULL;
	const spec_t *spec = args != NULL ? one->verb->spec(args) : NULL;
	uint64_t held = planner_generation(inv, op_warehouse(op)), stands = spec != NULL ? spec->generation : 0;

	verb_args_free(args);
	return held > stands ? held : stands;
}

/* The vendor's picture of the warehouse is out of date. */
static int check_generation(const struct op *op, const struct inventory *inv, struct err *e)
{
	uint64_t have = generation_now(op, inv), want = op->cmd->expect_generation;
	const spec_t *spec = op_spec(op);

	if (want != 0 && want != have)
		return err_set(e, ERR_EXISTS, "the account holds generation %llu, the command expects %llu",
			       (unsigned long long)have, (unsigned long long)want);
	if (spec != NULL && spec->generation < have)
		return err_set(e, ERR_EXISTS, "the account holds generation %llu, the spec is of generation %llu",
			       (unsigned long long)have, (unsigned long long)spec->generation);
	return 0;
}

int op_check_stands_on(const struct op *op, struct err *e)
{
	const char *on = op_stands_on(op);
	const struct wanted_one *one = wanted_of(&op->env->shared->wanted, op_warehouse(op));

	if (on == NULL || (one != NULL && one->verb != NULL && str_eq(one->op, on)))
		return 0;
	return err_set(e, ERR_EXISTS, "the spec of command %s, which it carries on, is not the one that stands any more", on);
}

static int plan_now(struct op *op, const struct inventory *inv, struct err *e)
{
	struct planner_args a = args_of(op, inv);

	plans_free(op->plans);
	op->plans = NULL;
	json_decref(op->customer_tags);
	op->customer_tags = json_incref((json_t *)a.customer_tags);
	/* Before planning: no plan is made and none is told, an older one neither. */
	TRY(op_check_stands_on(op, e));
	TRY(check_generation(op, inv, e));
	return op->verb->plan(&a, op->args, &op->plans, e);
}

/* Kept until AWS shows what there is: whoever looks at the status reads how often, since when and until when. */
static void note_refused(struct op *op)
{
	run_failing_add(&op->failing, &op->inv, op->asked_wall_ms);
	op->env->changed(op->env->ctx);
}

static void log_failed(const struct op *op, uint32_t wait_ms)
{
	char since[STAMP_RFC3339_LEN], gives_up[STAMP_RFC3339_LEN];

	log_warn("op.inventory.failed", "op=%s err=%s tries=%u since=%s gives_up=%s retry_in_ms=%u", op->f.id_text,
		 err_text(&op->inv.err), op->failing.tries, stamp_rfc3339(op->failing.since_ms, since),
		 stamp_rfc3339(op->f.expires_ms, gives_up), wait_ms);
}

/* A read tries again by itself, and that may take minutes. */
void op_ask_again(struct op *op)
{
	note_refused(op);
	log_failed(op, 0);
}

static void gets_on(struct op *op)
{
	run_failing_close(&op->failing);
	backoff_reset(&op->backoff);
}

static enum op_state inventory_failed(struct op *op)
{
	uint32_t wait = backoff_next_ms(&op->backoff, world_random64(op_world(op)));

	/* It does not pass by itself: the instance role lacks a right, and somebody must give it. */
	if (op->inv.class == AWS_DENIED)
		return op_end_early(op, STATE(FAILED), "DENIED_BY_AWS", err_text(&op->inv.err));
	note_refused(op);
	snprintf(op->waiting, sizeof(op->waiting), "%.150s", err_text(&op->inv.err));
	log_failed(op, wait);
	return op_wait(op, wait);
}

/* A plan made from what EC2 no longer or not yet shows would be wrong. */
static bool lags_behind(struct op *op, const struct inventory *inv)
{
	CLEANUP(buf_close) struct buf why = BUF_MAX(1024);

	if (recent_is_shown(&op->env->shared->recent, op->asked_ms, inv, op_warehouse(op), &why))
		return false;
	log_info("op.inventory.lags", "op=%s why=%s retry_in_ms=%d", op->f.id_text, buf_str(&why), LAG_POLL_MS);
	snprintf(op->waiting, sizeof(op->waiting), "%.150s", buf_str(&why));
	return true;
}

static const char *class_of(int rc)
{
	return rc == -ERR_EXISTS || rc == -ERR_NOTYET ? "CONFLICT" : rc == -ERR_AGAIN ? "CAPACITY" : "PRECONDITION";
}

static enum op_state plan_from(struct op *op, const struct inventory *inv)
{
	struct err e = { 0 }, denied = { 0 };
	int rc = plan_now(op, inv, &e);

	op->waiting[0] = '\0';
	if (rc == 0)
		return keep_plan(op, inv);
	/* The policy is asked first: a command that it forbids does not learn from a sentence what there is in the account. */
	if (op->plans != NULL && op_is_beyond_bounds(op, count_nodes(op, inv), &denied))
		return op_end_early(op, STATE(DENIED), "POLICY", err_text(&denied));
	return op_end_early(op, STATE(FAILED), class_of(rc), err_text(&e));
}

enum op_state op_asked(struct op *op)
{
	enum op_state next;

	if (op->inv_rc == -ERR_CANCELED)
		return op_look(op); /* a cancel has come meanwhile */
	if (op->inv_rc != 0)
		return inventory_failed(op);
	gets_on(op);
	/* The whole look is made again: what was just made, or removed, must be in the list that the plan is made from. */
	next = lags_behind(op, op->inv.inv) ? op_wait(op, LAG_POLL_MS) : plan_from(op, op->inv.inv);
	inventory_req_close(&op->inv);
	return next;
}

static const struct inventory_thing *ends(void *ctx, const struct inventory *inv, size_t *ret_n)
{
	const struct op *op = ctx;
	struct planner_args a = args_of(op, inv);
	const struct inventory_thing *things;
	struct plans *plans = NULL;
	int rc = op->verb->ends_nothing ? 0 : op->verb->plan(&a, op->args, &plans, NULL);

	/* Of a plan that is refused as it is nothing is asked. */
	things = planner_ends(&a, rc == 0 ? plans : NULL, ret_n);
	plans_free(plans);
	return things;
}

static enum op_state plan_the_deed(struct op *op)
{
	struct err e = { 0 };

	return op_deed_plan(op, &e) == 0 ? keep_plan(op, NULL) : op_end_early(op, STATE(FAILED), "PRECONDITION", err_text(&e));
}

enum op_state op_ask(struct op *op)
{
	struct inventory_wants wants;

	if (op_has_deed(op))
		return plan_the_deed(op);
	planner_wants(&op->env->owner, op_spec(op), &wants);
	/* Who of a cluster's nodes goes and who stays follows from them. */
	wants.statuses = op_spec(op) != NULL;
	wants.ends = ends;
	wants.ends_ctx = op;
	/* All three are taken before it is asked for: what it shows may be as old as that. */
	op->asked_ms = world_now_ms(op_world(op));
	op->asked_wall_ms = world_wall_ms(op_world(op));
	op->asked_starts = op->env->shared->starts;
	return op_take_inventory(op, &wants);
}
