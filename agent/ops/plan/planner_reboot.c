/* planner_reboot.c - the nodes of a cluster are rebooted, some at a time: a plan and a stage for each batch.
 *
 * First one waits until others serve in each target group that listeners lead to, then the batch leaves its groups, drained, is
 * drained itself where the command says how, and when one has seen that the others serve still, rebooted, and let in again; the
 * next batch follows when it is healthy. What fails before the batch is back lets it in again; a reboot itself cannot be taken
 * back, and leaves nothing that would have to be. There is no spec: the groups are those that the nodes are in, and they are asked
 * by HTTP in the VPC in which they stand. */
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

#define BATCHES_MAX 128 /* a plan each (PLANS_MAX) */

/* One batch: nodes `from` to `to` of those that run. */
struct reboot_batch {
	const struct planner_rebooted *r;
	const struct planner_nodes *all;
	size_t from, to;
	json_t *ids;
	bool is_sick; /* all of them are ill */
};

/* A listener leads there: only then does ELB look at the health of its targets. */
static bool is_led_to(const struct planning *p, const struct balancers_target_group *g)
{
	for (size_t i = 0; i < balancers_in(p->inv)->lbs_n; i++)
		for (size_t k = 0; k < balancers_in(p->inv)->lbs[i].listeners.n; k++)
			if (str_eq(balancers_in(p->inv)->lbs[i].listeners.v[k].target_group_arn, g->g.arn))
				return true;
	return false;
}

static bool is_in(const struct balancers_target_group *g, const char *id)
{
	const struct elb_target *t = elb_target_in(&g->targets, id);

	return t != NULL && !str_starts(t->state, "draining");
}

/* Of the batch, or of all others, those that are in the group, or are leaving it, too. */
static json_t *members(const struct reboot_batch *b, const struct balancers_target_group *g, bool of_batch, bool and_leaving)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < b->all->n; i++)
		if ((i >= b->from && i < b->to) == of_batch &&
		    (is_in(g, b->all->v[i]->id) || (and_leaving && elb_target_in(&g->targets, b->all->v[i]->id) != NULL)))
			json_array_append_new(ids, json_string(b->all->v[i]->id));
	return ids;
}

struct group_step {
	const struct step_kind *kind;
	const char *name, *title;
	bool of_batch, led_alone; /* led_alone: only in groups that a listener leads to */
	bool and_leaving;         /* also those that were taken out before, and still serve what was connected */
	bool is_again;            /* others that were waited for before */
};

static json_t *group_args(struct planning *p, const struct group_step *s, const struct balancers_target_group *g, json_t *ids)
{
	json_t *args = json_pack("{s:s, s:O}", "group_arn", g->g.arn, "instances", ids);
	const char *word = planner_target_group_word(p, g);

	if (p->sick != NULL && s->is_again)
		json_object_set_new(args, "instances", planner_for_sick(p, word));
	else if (p->sick != NULL && !s->of_batch)
		planner_leave_sick(p, word, args);
	/* The batch goes, or the next one does, only with all of them. */
	if (s->kind == &kind_wait_healthy)
		json_object_set_new(args, "atomic", json_true());
	return args;
}

/* A step for each group that some are in. */
static void each_group(struct planning *p, const struct reboot_batch *b, const struct group_step *s)
{
	for (size_t i = 0; i < balancers_in(p->inv)->target_groups_n; i++) {
		const struct balancers_target_group *g = &balancers_in(p->inv)->target_groups[i];
		const char *word = planner_target_group_word(p, g);
		json_t *ids = members(b, g, s->of_batch, s->and_leaving), *batch = members(b, g, true, s->and_leaving);

		/* Others are waited for only where some of the batch leave. */
		if (json_array_size(ids) > 0 && json_array_size(batch) > 0 && (!s->led_alone || is_led_to(p, g))) {
			plan_add(p->b, s->kind, group_args(p, s, g, ids), "%s-%s", s->name, word);
			plan_title(p->b, "%s %s/%s", s->title, b->all->cluster, word);
		}
		json_decref(ids);
		json_decref(batch);
	}
}

static bool is_of_batch(const struct reboot_batch *b, const char *id)
{
	for (size_t i = b->from; i < b->to; i++)
		if (str_eq(b->all->v[i]->id, id))
			return true;
	return false;
}

/* Of whatever cluster: the batch is all that is in the group. */
static bool empties(const struct reboot_batch *b, const struct balancers_target_group *g)
{
	bool some = false;

	for (size_t i = 0; i < g->targets.n; i++) {
		const struct elb_target *t = &g->targets.v[i];

		if (!str_starts(t->state, "draining") && !is_of_batch(b, t->id))
			return false;
		some = some || is_of_batch(b, t->id);
	}
	return some;
}

static void add_emptied(struct planning *p, const struct reboot_batch *b, json_t *args)
{
	json_t *words = json_array();

	for (size_t i = 0; i < balancers_in(p->inv)->target_groups_n; i++) {
		const struct balancers_target_group *g = &balancers_in(p->inv)->target_groups[i];

		if (is_led_to(p, g) && empties(b, g))
			json_array_append_new(words, json_string(planner_target_group_word(p, g)));
	}
	if (json_array_size(words) > 0)
		json_object_set(args, "empties", words);
	json_decref(words);
}

static void plan_reboot(struct planning *p, const struct reboot_batch *b)
{
	CLEANUP(mem_close) char *fact = mem_printf("%s.%s", p->plan, b->all->cluster);
	CLEANUP(mem_close) char *title = mem_printf("wait until nodes of %s are back", b->all->cluster);
	json_t *args = json_pack("{s:O}", "instances", b->ids);

	if (b->to - b->from == b->all->n)
		json_object_set_new(args, "interrupts", json_true());
	else
		add_emptied(p, b, args);
	plan_add(p->b, &kind_reboot, args, "reboot");
	plan_title(p->b, "reboot nodes of %s", b->all->cluster);
	planner_wait_ready(p, &(struct planner_ready){ .cluster = b->all->cluster,
						       .step = "up",
						       .fact = fact,
						       .title = title,
						       .ids = b->ids,
						       .is_rebooted = true,
						       .health = b->r->health });
}

/* To drain takes up to an hour, and the last one must not go. */
static void see_others(struct planning *p, const struct reboot_batch *b)
{
	static const struct group_step still = {
		&kind_wait_healthy, "still-ready", "see that others are still healthy:", false, true, false, true
	};
	CLEANUP(mem_close) char *fact = mem_printf("staying.%s.%s", p->plan, b->all->cluster);
	json_t *ids = json_array();

	for (size_t i = 0; i < b->all->n; i++)
		if (i < b->from || i >= b->to)
			json_array_append_new(ids, json_string(b->all->v[i]->id));
	/* Who need not serve need not run; whether anybody must is known of each group. */
	if (p->sick == NULL)
		planner_see_others(p, b->all->cluster, ids, fact, b->r->health);
	each_group(p, b, &still);
	json_decref(ids);
}

static void plan_batch(struct planning *p, const struct reboot_batch *b, unsigned number)
{
	static const struct group_step ready = {
		&kind_wait_healthy, "ready", "wait until others are healthy:", false, true, false, false
	};
	static const struct group_step out = { &kind_deregister, "deregister", "deregister", true, false, false, false };
	static const struct group_step drained = { &kind_wait_drained, "drained", "wait until drained:", true, false, true, false };
	static const struct group_step in = { &kind_register, "register", "register", true, false, false, false };
	static const struct group_step healthy = { &kind_wait_healthy, "healthy", "wait until healthy:", true, true, false, false };
	CLEANUP(mem_close) char *name = mem_printf("reboot-%u", number + 1);

	planning_begin(p, name, number);
	p->sick = b->is_sick ? b->ids : NULL;
	each_group(p, b, &ready);
	each_group(p, b, &out);
	each_group(p, b, &drained);
	planner_plan_drain(p, b->r->drain, b->all->cluster, b->ids);
	see_others(p, b);
	plan_reboot(p, b);
	plan_pivot(p->b);
	each_group(p, b, &in);
	each_group(p, b, &healthy);
	p->sick = NULL;
}

/* Those that run come first; the others are named. One that a heal has left may never be well again, and keeps no other waiting. */
static void keep_running(struct planning *p, struct planner_nodes *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (planner_is_left(p, all->v[i]))
			plan_note(p->b, "a heal has left %s, and it is not rebooted", all->v[i]->id);
		else if (str_eq(all->v[i]->state, "running"))
			all->v[n++] = all->v[i];
		else
			plan_note(p->b, "%s is %s, and is not rebooted", all->v[i]->id, all->v[i]->state);
	}
	all->n = n;
}

/* One that stands elsewhere than the others, or where AWS shows nothing, would be asked nowhere, and so pass as drained. */
static void choose_vpc(struct planning *p, const struct planner_nodes *all)
{
	bool is_shown = false;

	p->asked_vpc = all->v[0]->vpc_id;
	for (size_t i = 1; i < all->n; i++)
		if (!str_eq(all->v[i]->vpc_id, p->asked_vpc))
			planning_refuse(p, ERR_INVALID,
					"cluster %s: %s stands in %s and %s in %s, and nodes of one VPC alone are asked by HTTP",
					all->cluster, all->v[0]->id, p->asked_vpc, all->v[i]->id, all->v[i]->vpc_id);
	for (size_t i = 0; i < p->inv->vpcs.n; i++)
		is_shown = is_shown || str_eq(p->inv->vpcs.v[i].id, p->asked_vpc);
	if (!is_shown)
		planning_refuse(p, ERR_INVALID,
				"cluster %s: %s stands in VPC \"%s\", which EC2 does not show: nobody can be asked by HTTP",
				all->cluster, all->v[0]->id, p->asked_vpc);
}

static void plan_batches(struct planning *p, const struct planner_nodes *all, const struct planner_rebooted *r, size_t size)
{
	if (r->health != NULL || planner_drains(r->drain))
		choose_vpc(p, all);
	if (all->n > 0)
		plan_tell(p->b, "~ cluster %s: %zu node%s reboot%s, %zu at once", all->cluster, all->n, all->n > 1 ? "s" : "",
			  all->n > 1 ? "" : "s", size < all->n ? size : all->n);
	/* Who serves least goes first: it is the last one in the order of by_rank. */
	for (size_t to = all->n, number = 0; to > 0; to -= to < size ? to : size, number++) {
		struct reboot_batch b = { r, all, to > size ? to - size : 0, to, json_array(), true };

		for (size_t i = b.from; i < b.to; i++) {
			json_array_append_new(b.ids, json_string(all->v[i]->id));
			b.is_sick = b.is_sick && planner_is_sick(p, all->v[i]);
		}
		plan_batch(p, &b, (unsigned)number);
		json_decref(b.ids);
	}
}

void planner_plan_reboot(struct planning *p, const struct planner_rebooted *r)
{
	struct planner_nodes all = planner_nodes_of(p, r->cluster, 0);
	size_t size = r->batch > 0 ? r->batch : 1, there = all.n;

	keep_running(p, &all);
	if (there == 0)
		planning_refuse(p, ERR_INVALID, "%s has no node of a cluster %s", p->warehouse, r->cluster);
	else if (all.n == 0)
		planning_refuse(p, ERR_INVALID, "no node of cluster %s of %s runs: there is nothing to reboot", r->cluster,
				p->warehouse);
	else if ((all.n + size - 1) / size > BATCHES_MAX)
		planning_refuse(p, ERR_INVALID, "batch: %zu nodes in batches of %zu are more than %d batches; let more go at once",
				all.n, size, BATCHES_MAX);
	else
		plan_batches(p, &all, r, size);
	mem_free(all.v);
}
