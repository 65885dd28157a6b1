/* op_rates.c - an operation judged by the bounds and rates of the policy: what it may not do at all, what it waits for, what it
 * spends. */
#include "agent/ops/op_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/gone.h"
#include "agent/ops/spent.h"

/* ---- what a plan would take ---- */

struct toll {
	uint32_t mutations, deletions;
};

static void add_step(struct toll *t, const struct step *s)
{
	t->mutations += step_mutates(s->kind) && !step_asks_node(s->kind); /* the rates are of what changes AWS */
	t->deletions += step_deletes(s->kind, s->args);
}

static struct toll toll_of(const struct plans *p)
{
	struct toll t = { 0 };

	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			add_step(&t, &p->v[i].steps[k]);
	return t;
}

/* How much of a cluster a step ends: n of the nodes that it had when it was planned. To end all of them is judged elsewhere (a
 * second key). */
static bool ends_part(const struct step *s, uint32_t *n, uint32_t *of)
{
	*n = step_deletes(s->kind, s->args);
	*of = (uint32_t)json_int_or(s->args, "of", 0);
	/* Without "of" the step takes back what it launched itself, or is of an older version. */
	return s->kind->ends_nodes && *of != 0 && *n != *of;
}

/* ---- refused ---- */

static int judge_ended(const struct rates *r, const struct step *s, struct err *e)
{
	uint32_t n, of;

	if (!ends_part(s, &n, &of) || n <= rates_ended_most(r, of))
		return 0;
	return err_set(e, ERR_DENIED,
		       "policy rates.ended_at_once is %u/%u, the plan ends %u of %u nodes of a cluster; end %u at a time",
		       r->ended_part, r->ended_of, n, of, rates_ended_most(r, of));
}

static int judge_rates(const struct op *op, const struct policy *p, struct err *e)
{
	struct toll t = toll_of(op->plans);

	/* The plan is refused and not kept waiting: no time will come at which the rate has room for the whole plan. */
	if (t.mutations > p->rates.mutations_per_hour)
		return err_set(e, ERR_DENIED, "policy rates.mutations_per_hour is %u, the plan makes %u changes",
			       p->rates.mutations_per_hour, t.mutations);
	if (t.deletions > p->rates.deletions_per_day)
		return err_set(e, ERR_DENIED, "policy rates.deletions_per_day is %u, the plan deletes %u",
			       p->rates.deletions_per_day, t.deletions);
	for (size_t i = 0; i < op->plans->n; i++)
		for (size_t k = 0; k < op->plans->v[i].n; k++)
			TRY(judge_ended(&p->rates, &op->plans->v[i].steps[k], e));
	return 0;
}

int op_judge(const struct op *op, const struct policy *p, uint32_t nodes_now, struct err *e)
{
	struct demand d = { 0 };
	int rc;

	plans_demand(op->plans, &d);
	rc = bounds_judge(&p->bounds, &d, nodes_now, e);
	demand_close(&d);
	return rc == 0 ? judge_rates(op, p, e) : rc;
}

/* ---- waited for ---- */

struct rate {
	const char *name;
	enum spent_what what;
	int64_t window_ms;
	uint32_t most;
};

/* What the running operations have still to spend. */
static void count_aside(void *ctx, struct op *other)
{
	if (other->started_ms == 0 || other->f.is_ended || other->plans == NULL)
		return; /* started_ms: also while the record of its start is on its way to the disk */
	for (size_t i = 0; i < other->plans->n; i++)
		for (size_t k = 0; k < other->plans->v[i].n; k++)
			if (other->runs == NULL || other->runs[i] == NULL || run_is_unspent(other->runs[i], k))
				add_step(ctx, &other->plans->v[i].steps[k]);
}

/* How much it wants of a rate, and how much of it is set aside for others. */
struct want {
	uint32_t n, aside;
};

static void tell_used_up(struct op *op, const struct rate *r, const struct want *want, uint32_t used)
{
	uint64_t first = (uint64_t)want->n + want->aside;
	char until[STAMP_RFC3339_LEN], aside[64] = "";
	int64_t until_ms;

	if (want->aside > 0)
		snprintf(aside, sizeof(aside), ", %u set aside for running commands", want->aside);
	/* Even an hour, or day, with nothing spent would not be enough: it waits for running commands to end, and when that is
	 * nobody knows. */
	if (first > r->most) {
		snprintf(op->waiting, sizeof(op->waiting), "policy rates.%s is %u, %u are used%s and %u wanted: waits for those",
			 r->name, r->most, used, aside, want->n);
		return;
	}
	until_ms =
	    spent_until(&op->env->shared->spent, op_env_rates_now(op->env), r->window_ms, r->what, r->most - (uint32_t)first);
	snprintf(op->waiting, sizeof(op->waiting), "policy rates.%s is %u, %u are used%s and %u wanted: waits until %s", r->name,
		 r->most, used, aside, want->n, stamp_rfc3339(until_ms, until));
}

static bool is_used_up(struct op *op, const struct rate *r, struct want want)
{
	uint32_t used = spent_in(&op->env->shared->spent, op_env_rates_now(op->env), r->window_ms, r->what);

	/* Who wants nothing of a rate does not wait because others have used it up. */
	if (want.n == 0 || (uint64_t)used + want.aside + want.n <= r->most)
		return false;
	tell_used_up(op, r, &want, used);
	return true;
}

static bool waits(struct op *op, const struct rates *r, const struct toll *t, const struct toll *aside)
{
	const struct rate hour = { "mutations_per_hour", SPENT_MUTATIONS, SPENT_HOUR_MS, r->mutations_per_hour };
	const struct rate day = { "deletions_per_day", SPENT_DELETIONS, SPENT_DAY_MS, r->deletions_per_day };

	return is_used_up(op, &hour, (struct want){ t->mutations, aside->mutations }) ||
	       is_used_up(op, &day, (struct want){ t->deletions, aside->deletions });
}

/* Nodes of one cluster end in plans of several names: too many of those that stay, all of it, or one that is replaced, whose step
 * tells the cluster. They count as one. */
static struct gone_by cluster_of(const struct op *op, const struct plan *plan, const struct step *s, char to[GONE_NAME_LEN])
{
	const char *cluster = json_str_or(s->args, "cluster", NULL);

	if (cluster != NULL)
		snprintf(to, GONE_NAME_LEN, "cluster-%s", cluster);
	else if (str_starts(plan->name, "end-"))
		snprintf(to, GONE_NAME_LEN, "cluster-%s", plan->name + strlen("end-"));
	else
		snprintf(to, GONE_NAME_LEN, "%s", plan->name);
	return (struct gone_by){ op_warehouse(op), to, op->f.id_text };
}

static bool ends_too_soon(struct op *op, const struct rates *r, const struct plan *plan, const struct step *s)
{
	char cluster[GONE_NAME_LEN];
	const struct gone_by by = cluster_of(op, plan, s, cluster);
	int64_t now_ms = op_env_rates_now(op->env), until_ms;
	char until[STAMP_RFC3339_LEN];
	uint32_t n, of, gone;

	if (!ends_part(s, &n, &of))
		return false;
	/* Only what other commands have ended counts: what this one has ended itself is within the share that its plan was judged
	 * by. */
	gone = gone_in(&op->env->shared->gone, now_ms, &by);
	until_ms = gone_until(&op->env->shared->gone, now_ms, &by, r, n, of);
	if (until_ms == now_ms)
		return false;
	snprintf(op->waiting, sizeof(op->waiting),
		 "policy rates.ended_at_once is %u/%u, %u of %u nodes ended within an hour, %u wanted: waits until %s",
		 r->ended_part, r->ended_of, gone, of + gone, n, stamp_rfc3339(until_ms, until));
	return true;
}

/* The plan that a step is of; NULL: none, it takes back. */
static const struct plan *plan_of(const struct op *op, const struct step *s)
{
	for (size_t i = 0; i < op->plans->n; i++)
		for (size_t k = 0; k < op->plans->v[i].n; k++)
			/* The step is found by its arguments, which the plan owns: steps of two plans may bear one name, and the
			 * undo has arguments of its own. */
			if (op->plans->v[i].steps[k].args == s->args)
				return &op->plans->v[i];
	return NULL;
}

static bool some_ends_too_soon(struct op *op, const struct rates *r)
{
	for (size_t i = 0; i < op->plans->n; i++)
		for (size_t k = 0; k < op->plans->v[i].n; k++)
			if (ends_too_soon(op, r, &op->plans->v[i], &op->plans->v[i].steps[k]))
				return true;
	return false;
}

/* It is not started before the rates have room for all of it, beside what running operations still need: else it, or one of those,
 * would stop half done for an hour. */
bool op_waits_for_rates(struct op *op, const struct policy *p)
{
	struct toll t = toll_of(op->plans), aside = { 0 };

	op->env->each(op->env->ctx, count_aside, &aside);
	return waits(op, &p->rates, &t, &aside) || some_ends_too_soon(op, &p->rates);
}

bool op_is_step_too_soon(struct op *op, const struct policy *p, const struct step *s)
{
	const struct plan *plan = plan_of(op, s);
	struct toll t = { 0 }, none = { 0 };

	/* Nothing is set aside here: what others set aside for running commands is meant for this step, too. */
	add_step(&t, s);
	return waits(op, &p->rates, &t, &none) || (plan != NULL && ends_too_soon(op, &p->rates, plan, s));
}

void op_spends(struct op *op, const struct step *s, int64_t time_ms)
{
	const struct plan *plan = plan_of(op, s);
	char cluster[GONE_NAME_LEN];
	struct gone_by by;
	struct toll t = { 0 };

	if (time_ms == 0)
		time_ms = op_env_rates_now(op->env);
	add_step(&t, s);
	/* Nodes that an undo ends were launched by the same plan: the cluster loses none that served. */
	if (plan != NULL && s->kind->ends_nodes) {
		by = cluster_of(op, plan, s, cluster);
		gone_add(&op->env->shared->gone, time_ms, &by, t.deletions);
	}
	spent_add(&op->env->shared->spent, time_ms, SPENT_MUTATIONS, t.mutations);
	spent_add(&op->env->shared->spent, time_ms, SPENT_DELETIONS, t.deletions);
}
