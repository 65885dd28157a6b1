/* patrol.c - see patrol.h.
 *
 *   resting --PATROL_MS--> taking --> looking (a warehouse a turn) --> resting
 *
 * Failure: an inventory that cannot be had is told of each warehouse, and taken again at the next time. */
#include "agent/ops/patrol.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"
#include "agent/ops/plan/drift.h"
#include "agent/ops/plan/planner.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/volumes.h"
#include "agent/ops/patrol_nodes.h"
#include "agent/ops/patrol_orphans.h"
#include "agent/ops/resource_status.h"

/* Of one warehouse, as long as it stands in wanted.h. */
struct patrolled {
	char warehouse[33], op[37]; /* op: whose spec the rest is of */
	bool is_asked;              /* what it stands on is in the inventory of this look */
	uint64_t generation;
	int64_t looked_ms;
	json_t *drifts;
	uint32_t total;
	bool knows_orphans;
	uint32_t orphans;
	json_t *seen; /* its nodes by cluster; NULL: not since its last operation has ended */
	char unknown[ERR_TEXT_MAX];
	struct patrol_nodes nodes;
};

struct patrol {
	struct patrol_config cfg;
	struct timer timer;
	uint64_t due_ms; /* monotonic: when the timer fires */
	struct inventory_req req;
	uint64_t asked_ms;
	bool is_looking;
	size_t at;    /* of the warehouses in wanted.h: the one that is looked at next */
	size_t first; /* of them: the one whose wants are asked for first, as not all may fit into one look */
	struct patrolled v[WANTED_MAX];
	size_t n;
	json_t *beside; /* patrol_orphans_beside, of the last look; NULL: not known */
	struct ending end;
};

static struct op_env *env(const struct patrol *w)
{
	return w->cfg.env;
}

static struct wanted *wanted(const struct patrol *w)
{
	return &env(w)->shared->wanted;
}

static const struct fates *fates(const struct patrol *w)
{
	return &env(w)->shared->fates;
}

/* Nothing was ever made: whoever installs the agent and sends it nothing has it ask AWS for nothing. Nor is there anything where
 * the list stands without AWS. */
static bool has_nothing(const struct patrol *w)
{
	return env(w)->aws == NULL || (wanted(w)->n == 0 && fates(w)->n == 0);
}

/* ---- when ---- */

static void on_timer(struct timer *t);

static void rest(struct patrol *w, uint64_t ms)
{
	w->due_ms = world_now_ms(env(w)->w) + ms;
	timer_start(env(w)->w, &w->timer, ms, on_timer);
}

static bool is_at_work(const struct patrol *w)
{
	return w->req.priv != NULL || w->is_looking;
}

static void soon(struct patrol *w)
{
	/* One that is under way may show the account as it was before. */
	if (!ending_is_on(&w->end) && (is_at_work(w) || w->due_ms > world_now_ms(env(w)->w) + PATROL_SOON_MS))
		w->due_ms = world_now_ms(env(w)->w) + PATROL_SOON_MS;
	if (!ending_is_on(&w->end) && !is_at_work(w))
		rest(w, w->due_ms - world_now_ms(env(w)->w));
}

/* ---- one warehouse ---- */

static void close_patrolled(struct patrol *w, struct patrolled *one)
{
	json_decref(one->drifts);
	json_decref(one->seen);
	patrol_nodes_close(env(w)->journal, &one->nodes);
	*one = (struct patrolled){ 0 };
}

static struct patrolled *patrolled_of(struct patrol *w, const char *warehouse)
{
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->v[i].warehouse, warehouse))
			return &w->v[i];
	return NULL;
}

void patrol_changed(struct patrol *w, const char *warehouse)
{
	struct patrolled *one = patrolled_of(w, warehouse);

	if (one != NULL)
		json_close(&one->seen);
	soon(w);
}

/* Those that stand no more are forgotten, and new ones get a place; the places do not move while a record of one is written. */
static void follow_wanted(struct patrol *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].warehouse[0] != '\0' && wanted_of(wanted(w), w->v[i].warehouse) == NULL)
			close_patrolled(w, &w->v[i]);
	for (size_t i = 0; i < wanted(w)->n; i++) {
		const char *name = wanted(w)->v[i].warehouse;
		struct patrolled *one = patrolled_of(w, name);

		if (one == NULL)
			one = patrolled_of(w, "");
		if (one == NULL)
			one = &w->v[w->n++];
		snprintf(one->warehouse, sizeof(one->warehouse), "%s", name);
	}
}

static int64_t since_of(const json_t *before, const json_t *drift, int64_t now_ms)
{
	const json_t *old;
	size_t i;

	json_array_foreach(before, i, old)
		if (json_equal(json_object_get(old, "resource"), json_object_get(drift, "resource")) &&
		    json_equal(json_object_get(old, "field"), json_object_get(drift, "field")))
			return json_int_or(old, "since_ms", now_ms);
	return now_ms;
}

/* Is it news for the vendor? Differences that came or went are; that they are still there is not. */
static bool take_drifts(struct patrolled *one, const json_t *found, int64_t now_ms)
{
	json_t *drifts = json_object_get(found, "drifts"), *drift;
	uint32_t total = (uint32_t)json_int_or(found, "total", 0);
	bool is_news;
	size_t i;

	json_array_foreach(drifts, i, drift)
		json_object_set_new(drift, "since_ms", json_integer(since_of(one->drifts, drift, now_ms)));
	is_news = one->drifts == NULL || one->total != total || !json_equal(one->drifts, drifts);
	json_decref(one->drifts);
	one->drifts = json_incref(drifts);
	one->total = total;
	one->unknown[0] = '\0';
	return is_news;
}

static void log_drifts(const struct patrolled *one)
{
	const json_t *first = json_array_get(one->drifts, 0);

	if (one->total == 0)
		log_info("drift.over", "warehouse=%s generation=%llu", one->warehouse, (unsigned long long)one->generation);
	else
		log_warn("drift.found", "warehouse=%s generation=%llu n=%u resource=%s field=%s difference=%s", one->warehouse,
			 (unsigned long long)one->generation, one->total, json_str_or(first, "resource", "?"),
			 json_str_or(first, "field", "?"), json_str_or(first, "difference", "?"));
}

static void set_unknown(struct patrol *w, struct patrolled *one, const char *why)
{
	if (str_eq(one->unknown, why))
		return;
	snprintf(one->unknown, sizeof(one->unknown), "%s", why);
	env(w)->changed(env(w)->ctx);
}

static void begin_anew(struct patrol *w, struct patrolled *one, const struct wanted_one *s, const spec_t *spec)
{
	snprintf(one->op, sizeof(one->op), "%s", s->op);
	json_close(&one->drifts);
	one->total = 0;
	one->looked_ms = 0;
	one->generation = spec->generation;
	env(w)->changed(env(w)->ctx);
}

static void compare(struct patrol *w, struct patrolled *one, const struct wanted_one *s, const spec_t *spec)
{
	struct planner_args a = { .owner = env(w)->owner,
				  .command = s->op,
				  .verb = s->verb->name,
				  .inv = w->req.inv,
				  .customer_tags = env(w)->policy(env(w)->ctx)->customer_tags,
				  .left = s->left,
				  .homes = s->homes };
	CLEANUP(json_close) json_t *found = NULL;
	struct err e = { 0 };

	if (!str_eq(one->op, s->op))
		begin_anew(w, one, s, spec);
	if (drift_of(&a, spec, &found, &e) != 0) {
		set_unknown(w, one, err_text(&e));
		return;
	}
	one->looked_ms = w->req.inv->taken_ms;
	if (take_drifts(one, found, one->looked_ms)) {
		log_drifts(one);
		env(w)->changed(env(w)->ctx);
	}
}

static void tell_lost(void *ctx, const struct patrol_lost *lost)
{
	const struct patrol *w = ctx;

	w->cfg.lost(w->cfg.ctx, lost);
}

/* Why it is left for the next look; NULL: it is not. The first that holds:
 *
 *   an operation is changing it                      that
 *   AWS does not show yet what was just changed      what is missing  */
static const char *why_left(struct patrol *w, const struct patrolled *one, struct buf *lag)
{
	if (w->cfg.is_changing(w->cfg.ctx, one->warehouse))
		return "an operation is changing it";
	if (!recent_is_shown(&env(w)->shared->recent, w->asked_ms, w->req.inv, one->warehouse, lag))
		return buf_str(lag);
	return NULL;
}

static void look_at_known(struct patrol *w, struct patrolled *one, struct wanted_one *s, const spec_t *spec)
{
	compare(w, one, s, spec);
	patrol_nodes_look(&(struct patrol_look){ env(w), w->req.inv, s, spec, tell_lost, w }, &one->nodes);
}

/* Whatever the spec is, and whoever is changing it: a volume is left or it is not. */
static void count_orphans(const struct patrol *w, struct patrolled *one)
{
	one->orphans = patrol_orphans_count(w->req.inv, one->warehouse, one->orphans);
	one->knows_orphans = true;
}

/* What the status of the warehouse follows from (resource_status.h). */
static void see_nodes(struct patrol *w, struct patrolled *one)
{
	json_t *seen = resource_status_nodes(w->req.inv, one->warehouse);
	bool is_news = one->seen == NULL || !json_equal(one->seen, seen);

	json_decref(one->seen);
	one->seen = seen;
	if (is_news)
		env(w)->changed(env(w)->ctx);
}

static void look_at_one(struct patrol *w, struct patrolled *one, struct wanted_one *s, const spec_t *spec)
{
	CLEANUP(buf_close) struct buf lag = BUF_MAX(1024);
	const char *why = why_left(w, one, &lag);

	count_orphans(w, one);
	if (why == NULL)
		see_nodes(w, one);
	if (why == NULL && spec != NULL && !one->is_asked)
		why = "this look has no room for it";
	if (spec == NULL)
		set_unknown(w, one, s->why[0] != '\0' ? s->why : "this version cannot read the spec that stands");
	else if (why == NULL)
		look_at_known(w, one, s, spec);
	if (why != NULL)
		log_debug("patrol.left", "warehouse=%s waits_for=%s", one->warehouse, why);
}

static void look_at(struct patrol *w, struct wanted_one *s)
{
	struct patrolled *one = patrolled_of(w, s->warehouse);
	ProtobufCMessage *args = wanted_args(s);

	if (one != NULL) /* else it came while this look was under way */
		look_at_one(w, one, s, args != NULL ? s->verb->spec(args) : NULL);
	verb_args_free(args);
}

/* ---- a look ---- */

static void end_look(struct patrol *w)
{
	uint64_t now = world_now_ms(env(w)->w);

	/* It may hold hundreds of MiB. */
	inventory_req_close(&w->req);
	w->is_looking = false;
	rest(w, w->due_ms > now ? w->due_ms - now : PATROL_MS);
}

static void look_on(struct patrol *w)
{
	if (w->at >= wanted(w)->n) {
		end_look(w);
		return;
	}
	look_at(w, &wanted(w)->v[w->at++]);
	timer_start(env(w)->w, &w->timer, 0, on_timer);
}

static void look_from_first(struct patrol *w)
{
	json_t *before = w->beside;

	w->beside = patrol_orphans_beside(w->req.inv, wanted(w), fates(w), before);
	json_decref(before);
	w->at = 0;
	w->is_looking = true;
	look_on(w);
}

static void failed(struct patrol *w)
{
	char why[ERR_TEXT_MAX];

	json_close(&w->beside);
	log_warn("patrol.failed", "err=%s retry_in_ms=%llu", err_text(&w->req.err), PATROL_MS);
	snprintf(why, sizeof(why), "the account could not be looked at: %.180s", err_text(&w->req.err));
	for (size_t i = 0; i < w->n; i++) {
		w->v[i].knows_orphans = false;
		if (w->v[i].warehouse[0] != '\0')
			set_unknown(w, &w->v[i], why);
	}
	end_look(w);
}

static void on_inventory(struct inventory_req *req, int rc)
{
	struct patrol *w = container_of(req, struct patrol, req);

	if (ending_is_on(&w->end)) {
		inventory_req_close(req);
		ending_step(&w->end);
	} else if (rc != 0) {
		failed(w);
	} else {
		look_from_first(w);
	}
}

/* False: it does not fit beside the others, and has its turn in another look. */
static bool want(struct patrol *w, const spec_t *spec, struct inventory_wants *wants)
{
	struct inventory_wants more = *wants;

	if (!planner_wants_more(&env(w)->owner, spec, &more))
		return false;
	*wants = more;
	return true;
}

/* The specs are unpacked until the inventory has copied what they name. */
struct patrol_asking {
	ProtobufCMessage *args[WANTED_MAX];
	struct inventory_wants wants;
};

static void ask_for(struct patrol *w, struct patrol_asking *a)
{
	size_t n = wanted(w)->n, first = n > 0 ? w->first % n : 0;
	bool is_full = false;

	for (size_t i = 0; i < n; i++) {
		const struct wanted_one *s = &wanted(w)->v[(first + i) % n];
		struct patrolled *one = patrolled_of(w, s->warehouse);

		a->args[i] = wanted_args(s);
		one->is_asked = a->args[i] != NULL && want(w, s->verb->spec(a->args[i]), &a->wants);
		if (a->args[i] != NULL && !one->is_asked && !is_full) {
			is_full = true;
			w->first = (first + i) % n;
		}
	}
}

static void take(struct patrol *w)
{
	struct patrol_asking a = { .wants.statuses = true };

	w->due_ms = 0;
	follow_wanted(w);
	ask_for(w, &a);
	w->asked_ms = world_now_ms(env(w)->w);
	/* Of one whose spec is not known its nodes are looked at all the same: its status follows from them. And of one that was
	 * deleted what it has left. */
	if (!has_nothing(w))
		inventory_take(
		    &(struct inventory_source){ env(w)->w, env(w)->aws, env(w)->instance, &env(w)->owner, catalogue_resources() },
		    &a.wants, &w->req, on_inventory);
	for (size_t i = 0; i < wanted(w)->n; i++)
		verb_args_free(a.args[i]);
	if (has_nothing(w))
		end_look(w);
}

static void on_timer(struct timer *t)
{
	struct patrol *w = container_of(t, struct patrol, timer);

	if (w->is_looking)
		look_on(w);
	else
		take(w);
}

/* ---- life ---- */

struct patrol *patrol_new(const struct patrol_config *cfg)
{
	struct patrol *w = mem_new(struct patrol);

	w->cfg = *cfg;
	return w;
}

void patrol_start(struct patrol *w)
{
	rest(w, PATROL_SOON_MS);
}

static bool is_out(struct closing *c)
{
	return container_of(c, struct patrol, end.closing)->req.priv != NULL;
}

static void patrol_free(struct closing *c)
{
	struct patrol *w = container_of(c, struct patrol, end.closing);

	for (size_t i = 0; i < w->n; i++)
		close_patrolled(w, &w->v[i]);
	json_decref(w->beside);
	mem_free(w);
}

static const struct closing_how patrol_how = { is_out, patrol_free };

void patrol_close(struct patrol *w, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&w->end, env(w)->w, &patrol_how, done, ctx);
	timer_stop(env(w)->w, &w->timer);
	/* Before the journal goes: no record of these comes back any more. */
	for (size_t i = 0; i < w->n; i++)
		patrol_nodes_close(env(w)->journal, &w->v[i].nodes);
	if (w->req.priv != NULL)
		inventory_cancel(&w->req);
	else
		inventory_req_close(&w->req);
}

static void tell(const struct patrolled *one, struct patrol_seen *ret)
{
	*ret = (struct patrol_seen){ .warehouse = one->warehouse,
				     .stands_on = one->op,
				     .generation = one->generation,
				     .looked_ms = one->looked_ms,
				     .drifts = one->drifts,
				     .total = one->total,
				     .knows_orphans = one->knows_orphans,
				     .orphans = one->orphans,
				     .nodes = one->seen,
				     .unknown = one->unknown };
}

static void tell_beside(const char *warehouse, const json_t *n, struct patrol_seen *ret)
{
	*ret = (struct patrol_seen){ .warehouse = warehouse,
				     .stands_on = "",
				     .knows_orphans = true,
				     .orphans = (uint32_t)json_integer_value(n),
				     .unknown = "" };
}

bool patrol_at(const struct patrol *w, size_t i, struct patrol_seen *ret)
{
	const char *warehouse;
	json_t *n;

	if (w == NULL || i >= w->n + json_object_size(w->beside))
		return false;
	if (i < w->n) {
		tell(&w->v[i], ret);
		return true;
	}
	i -= w->n;
	json_object_foreach(w->beside, warehouse, n)
		if (i-- == 0)
			tell_beside(warehouse, n, ret);
	return true;
}

bool patrol_of(const struct patrol *w, const char *warehouse, struct patrol_seen *ret)
{
	for (size_t i = 0; w != NULL && i < w->n; i++)
		if (str_eq(w->v[i].warehouse, warehouse)) {
			tell(&w->v[i], ret);
			return true;
		}
	if (w == NULL || json_object_get(w->beside, warehouse) == NULL)
		return false;
	tell_beside(warehouse, json_object_get(w->beside, warehouse), ret);
	return true;
}
