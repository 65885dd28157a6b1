/* scene_script.c - what a seed brings: the vendor's commands, the customer's and the machine's troubles, the odds of faults. */
#include <stdio.h>

#include "tests/sim/scene_impl.h"
#include "tests/sim/want_impl.h"
#include "tests/sim/world_sim_impl.h"

#define HOUR_MS 3600000ull
#define DISK_BYTES (64ull << 30)
#define FULL_BYTES 100        /* what is left of a full disk */
#define CALM_MS (2 * HOUR_MS) /* from then on nothing goes wrong any more */
#define PATIENCE_MS (8 * HOUR_MS)
#define MANY_MAX 14     /* commands of every kind; with all others fewer than SCENE_ORDERS_MAX */
#define TAIL_MS 120000  /* how long the end is watched, at least: the results must be acknowledged and forgotten */
#define REST_MS 1800000 /* by then it is known how each warehouse is */

/* ---- making ---- */

static void odds_make(struct scene *s)
{
	static const unsigned rates[] = { 5, 20, 60 };
	unsigned *odds = s->odds.per_mille;

	if (odds_one_in(&s->odds, 6))
		return; /* a quiet run */
	for (unsigned k = TALLY_AWS_THROTTLE; k <= TALLY_VENDOR_NO_LOGIN; k++)
		if (odds_one_in(&s->odds, 3))
			odds[k] = rates[odds_between(&s->odds, 0, 2)];
	odds[TALLY_VENDOR_NO_HEAD] = odds_one_in(&s->odds, 8) ? 970 : 0;
	odds[TALLY_AWS_RETRY_AFTER] = 300;
	odds[TALLY_AWS_QUOTA] = odds_one_in(&s->odds, 10) ? 150 : 0;
	odds[TALLY_AWS_HIDDEN] = odds_one_in(&s->odds, 2) ? 400 : 0;
	odds[TALLY_AWS_REVOKED] = odds_one_in(&s->odds, 3) ? 300 : 0;
	odds[TALLY_AWS_CAPACITY] = odds_one_in(&s->odds, 10) ? 300 : 0;
	odds[TALLY_AWS_STILLBORN] = odds_one_in(&s->odds, 10) ? 200 : 0;
	odds[TALLY_IMDS_HANG] = odds[TALLY_IMDS_HANG] > 0 ? 20 : 0;
	fault_deal(&s->odds);
	s->capacity_short = odds[TALLY_AWS_CAPACITY] > 0 || odds[TALLY_AWS_STILLBORN] > 0 || odds[TALLY_AWS_QUOTA] > 0;
	if (odds_one_in(&s->odds, 10)) {
		s->aws->capacity = (unsigned)odds_between(&s->odds, 0, 4);
		s->capacity_short = true;
	}
	if (odds_one_in(&s->odds, 8)) {
		s->aws->full_subnet = odds_one_in(&s->odds, 2) ? "subnet-0001" : "subnet-0002";
		s->capacity_short = true;
	}
	if (odds_one_in(&s->odds, 3))
		s->aws->page = (unsigned)odds_between(&s->odds, 1, 4);
	if (odds_one_in(&s->odds, 4))
		s->aws->keys_live_ms = odds_between(&s->odds, 10, 40) * 60000;
	if (odds_one_in(&s->odds, 3))
		sim_fail_rate(s->w, SIM_HTTP, rates[odds_between(&s->odds, 0, 2)]);
}

static void trouble_add(struct scene *s, enum trouble_kind kind)
{
	struct trouble *t = &s->troubles[s->troubles_n++];
	uint64_t longest = kind == TROUBLE_FULL || kind == TROUBLE_DISK ? 200000 : 600000;

	t->kind = kind;
	t->from_ms = odds_between(&s->odds, 5000, odds_one_in(&s->odds, 2) ? 300000 : 1800000);
	t->to_ms = t->from_ms + odds_between(&s->odds, 2000, longest);
}

static void troubles_make(struct scene *s)
{
	static const unsigned one_in[TROUBLE_KINDS] = {
		[TROUBLE_STOP] = 5, [TROUBLE_TIGHT] = 12, [TROUBLE_BROKEN] = 12, [TROUBLE_FULL] = 10,
		[TROUBLE_DISK] = 8, [TROUBLE_CLOCK] = 8,  [TROUBLE_RESTART] = 5, [TROUBLE_ROLE] = 20
	};

	for (unsigned k = 0; k < TROUBLE_KINDS; k++)
		if (odds_one_in(&s->odds, one_in[k]))
			trouble_add(s, (enum trouble_kind)k);
}

static struct scene_order *order_add(struct scene *s, const struct want *w)
{
	struct scene_order *o = &s->orders[s->orders_n++];

	o->want = *w;
	o->two_keys = !odds_one_in(&s->odds, 5);
	o->plan_only = odds_one_in(&s->odds, 10);
	o->cancel = odds_one_in(&s->odds, 8);
	o->hurried = odds_one_in(&s->odds, 4);
	o->lives_ms = odds_one_in(&s->odds, 5) ? odds_between(&s->odds, 5000, 100000) : 24 * HOUR_MS;
	return o;
}

/* Of a cluster that has nodes, and runs: any other is no legal one. */
static void order_replace(struct scene *s, const struct want *w)
{
	const char *cluster = want_cluster(&s->odds);

	if (want_nodes(w, cluster) == 0 || want_is_paused(w, cluster))
		return;
	tally(TALLY_WANT_REPLACE);
	order_add(s, w)->replace = cluster;
}

/* Some clusters get another image or other user data; whole, or between two of them, is what an earlier command has left. */
static void order_upgrade(struct scene *s, struct want *w)
{
	struct scene_order *o;

	tally(TALLY_WANT_UPGRADE);
	want_upgrade(w, &s->odds);
	o = order_add(s, w);
	o->is_upgrade = true;
	o->batch = (unsigned)odds_between(&s->odds, 0, 3);
	for (unsigned c = 0; c < WANT_CLUSTERS && o->order_n < ARRAY_LEN(o->order); c++)
		if (want_nodes(w, want_cluster_names[WANT_CLUSTERS - 1 - c]) > 0 && odds_one_in(&s->odds, 2))
			o->order[o->order_n++] = want_cluster_names[WANT_CLUSTERS - 1 - c];
}

static void order_apply(struct scene *s, struct want *w)
{
	struct scene_order *o;

	if (odds_one_in(&s->odds, 2))
		want_change(w, &s->odds);
	o = order_add(s, w);
	o->expired = odds_one_in(&s->odds, 16);
	o->unknown_verb = odds_one_in(&s->odds, 16);
	o->want.broken = odds_one_in(&s->odds, 16);
}

static void order_reboot(struct scene *s, const struct want *w)
{
	struct scene_order *o = order_add(s, w);

	tally(TALLY_WANT_REBOOT);
	o->reboot = want_cluster(&s->odds);
	o->batch = (unsigned)odds_between(&s->odds, 0, 3);
	o->asks_nodes = !odds_one_in(&s->odds, 4);
}

/* Commands of every kind, each upon what the one before has left. */
static void orders_make_many(struct scene *s, struct want *w)
{
	tally(TALLY_WANT_MANY);
	for (uint64_t n = odds_between(&s->odds, 6, MANY_MAX); n > 0; n--) {
		uint64_t kind = odds_between(&s->odds, 0, 5);

		if (kind == 0)
			order_reboot(s, w);
		else if (kind == 1)
			order_replace(s, w);
		else if (kind == 2)
			order_upgrade(s, w);
		else
			order_apply(s, w);
	}
}

static void orders_make(struct scene *s)
{
	struct want w;
	uint64_t changes = odds_between(&s->odds, 0, 3);

	want_random(&w, &s->odds, "wh-1");
	order_add(s, &w);
	if (s->odds.per_mille[TALLY_WANT_MANY] > 0)
		orders_make_many(s, &w);
	for (uint64_t i = 0; i < changes; i++)
		order_apply(s, &w);
	if (s->odds.per_mille[TALLY_WANT_REBOOT] > 0)
		order_reboot(s, &w);
	if (s->odds.per_mille[TALLY_WANT_REPLACE] > 0)
		order_replace(s, &w);
	for (unsigned n = 0; s->odds.per_mille[TALLY_WANT_UPGRADE] > 0 && n < 2; n++)
		order_upgrade(s, &w);
	if (odds_one_in(&s->odds, 4)) {
		want_random(&w, &s->odds, "wh-2");
		order_add(s, &w);
	}
	if (odds_one_in(&s->odds, 2)) {
		struct scene_order *o;

		w = s->orders[0].want;
		w.gone = true;
		o = order_add(s, &w);
		o->is_delete = true;
		o->two_keys = !odds_one_in(&s->odds, 3);
	}
}

void scene_script_make(struct scene *s)
{
	s->have[0] = s->have[1] = (struct want){ .gone = true };
	odds_make(s);
	s->nodes_total = odds_one_in(&s->odds, 5) ? (unsigned)odds_between(&s->odds, 2, 6) : SCENE_NODES_TOTAL;
	s->mutations_per_hour =
	    odds_one_in(&s->odds, 6) && s->odds.per_mille[TALLY_WANT_FULL] == 0 ? (unsigned)odds_between(&s->odds, 60, 90) : 1000;
	scene_policy_write(s, SCENE_OPEN);
	troubles_make(s);
	scene_hands_make(s);
	orders_make(s);
	scene_held_make(s);
	scene_look_make(s);
	scene_heal_make(s);
	scene_close_make(s);
	s->deaths_left = odds_one_in(&s->odds, 3) ? 0 : (unsigned)odds_between(&s->odds, 1, odds_one_in(&s->odds, 3) ? 10 : 3);
	s->next_issue_ms = odds_between(&s->odds, 1000, 60000);
	aws_add_foreign(s->aws);
}

/* ---- the customer's files ---- */

/* The customer is root, for whom a file system keeps some room also when it is full. */
static void put_as_root(struct scene *s, const char *path, const char *text)
{
	bool is_full = sim_of(s->w)->capacity < DISK_BYTES;

	sim_disk_space(s->w, DISK_BYTES);
	sim_file_puts(s->w, path, text);
	if (is_full)
		sim_disk_space(s->w, sim_fs_used(sim_of(s->w)) + FULL_BYTES);
}

void scene_policy_write(struct scene *s, enum scene_policy p)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "commands:\n  warehouse.apply: %s\n  warehouse.delete: %s\n  cluster.reboot: %s\n  nodes.replace: %s\n  "
		 "warehouse.upgrade: %s\n  diag.collect: %s\n  diag.send: %s\n  heal: %s\nbounds:\n  "
		 "instance_types: [%s]\n"
		 "  images: [ami-1, ami-3]\n  subnets: [subnet-0001, subnet-0002, subnet-0003]\n  instance_profiles: [nodes, "
		 "others]\n  user_data_sha256: [any]\n  warehouses: [wh-1, wh-2]\n  balancers: 4\n"
		 "  volumes_per_node: 8\n  volume_types: [gp3]\n  tag_keys: [\"*\"]\n"
		 "  nodes_per_cluster: 9\n  nodes_total: %u\n  volume_gib: 500\n  cidrs: [10.0.0.0/8]\n  ports: [8000-10000]\n  "
		 "node_http: [{port: 8040-8041, path: /*}]\n"
		 "rates: {mutations_per_hour: %u, deletions_per_day: 1000, ended_at_once: 100%%}\n"
		 "delete_hold: %ds\nexport:\n  metrics: [\"reeve.*\"]\n",
		 p == SCENE_PLAN_ONLY ? "plan-only" : "auto", p == SCENE_PLAN_ONLY ? "off" : "auto",
		 p == SCENE_PLAN_ONLY ? "off" : "auto", p == SCENE_PLAN_ONLY ? "off" : "auto",
		 p == SCENE_PLAN_ONLY ? "off" : "auto", p == SCENE_PLAN_ONLY ? "off" : "auto",
		 p == SCENE_PLAN_ONLY ? "off" : "auto", p == SCENE_HEALS ? "auto" : "off",
		 p == SCENE_NO_NODES ? "t3.nano" : "m6i.large, r6i.xlarge", s->nodes_total, s->mutations_per_hour, SCENE_HOLD_S);
	put_as_root(s, SCENE_POLICY, text);
	s->off_since_ms = p == SCENE_PLAN_ONLY ? world_now_ms(s->w) : 0;
	s->none_since_ms = p == SCENE_NO_NODES ? world_now_ms(s->w) : 0;
}

/* ---- troubles come and go ---- */

static void trouble_begin(struct scene *s, const struct trouble *t)
{
	sim_trace(s->w, "trouble %d begins", (int)t->kind);
	switch (t->kind) {
	case TROUBLE_STOP:
		tally(TALLY_STOP_FILE);
		sim_file_puts(s->w, SCENE_STOP, "");
		s->stop_since_ms = world_now_ms(s->w);
		break;
	case TROUBLE_TIGHT:
		tally(TALLY_POLICY_TIGHT);
		scene_policy_write(s, odds_one_in(&s->odds, 2) ? SCENE_PLAN_ONLY : SCENE_NO_NODES);
		s->policy_changed = true;
		break;
	case TROUBLE_BROKEN:
		tally(TALLY_POLICY_BROKEN);
		sim_file_puts(s->w, SCENE_POLICY, "commands: [");
		s->off_since_ms = world_now_ms(s->w);
		s->policy_changed = true;
		break;
	case TROUBLE_FULL:
		tally(TALLY_DISK_FULL);
		sim_disk_space(s->w, sim_fs_used(sim_of(s->w)) + FULL_BYTES);
		break;
	case TROUBLE_DISK:
		tally(TALLY_DISK_ERROR);
		sim_fail_rate(s->w, SIM_DISK, 300);
		break;
	case TROUBLE_CLOCK:
		tally(TALLY_CLOCK_STEP);
		s->clock_stepped = true;
		sim_wall_step(s->w, (int64_t)odds_between(&s->odds, 0, 4 * HOUR_MS) - 2 * (int64_t)HOUR_MS);
		break;
	case TROUBLE_RESTART:
		tally(TALLY_RESTART);
		s->restart = true;
		break;
	default:
		s->aws->role_gone = s->role_was_gone = true;
		break;
	}
}

static void trouble_end(struct scene *s, const struct trouble *t)
{
	sim_trace(s->w, "trouble %d ends", (int)t->kind);
	switch (t->kind) {
	case TROUBLE_STOP:
		sim_file_unlink(s->w, SCENE_STOP);
		s->stop_since_ms = 0;
		break;
	case TROUBLE_TIGHT:
	case TROUBLE_BROKEN:
		scene_policy_write(s, scene_heal_is_on(s) ? SCENE_HEALS : SCENE_OPEN);
		break;
	case TROUBLE_FULL:
		sim_disk_space(s->w, DISK_BYTES);
		break;
	case TROUBLE_DISK:
		sim_fail_rate(s->w, SIM_DISK, 0);
		break;
	case TROUBLE_CLOCK:
		sim_wall_set(s->w, aws_sim_wall_ms(s->aws));
		break;
	case TROUBLE_ROLE:
		s->aws->role_gone = false;
		break;
	default:
		break;
	}
}

static void troubles_tick(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);

	for (size_t i = 0; i < s->troubles_n; i++) {
		struct trouble *t = &s->troubles[i];

		if (!t->begun && now >= t->from_ms && !s->odds.calm) {
			t->begun = true;
			trouble_begin(s, t);
		}
		if (t->begun && !t->over && (now >= t->to_ms || s->odds.calm)) {
			t->over = true;
			trouble_end(s, t);
		}
	}
	if (!s->odds.calm && now > CALM_MS) {
		s->odds.calm = true;
		s->aws->capacity = 1000;
		s->aws->full_subnet = NULL;
		aws_limits_are_default(s->aws);
		sim_fail_rate(s->w, SIM_HTTP, 0);
	}
}

/* ---- the vendor's commands ---- */

static struct want *have_of(struct scene *s, const struct want *w)
{
	return &s->have[str_eq(w->warehouse, "wh-2")];
}

/* Something that nobody may obey, beside the command itself; it bears the same sequence number. */
static void issue_flawed(struct scene *s, struct vendor_order v)
{
	static const enum tally_kind kinds[] = { 0, TALLY_BAD_SIGNATURE, TALLY_BAD_KEY, TALLY_BAD_BINDING, TALLY_BAD_EPOCH };
	enum vendor_flaw last = vendor_may_raise_epoch(s->vendor) ? FLAW_EPOCH : FLAW_BINDING;
	enum vendor_flaw flaw = (enum vendor_flaw)odds_between(&s->odds, FLAW_SIGNATURE, last);

	tally(kinds[flaw]);
	v.flaw = flaw;
	vendor_issue(s->vendor, &v);
}

static void tally_order(const struct scene_order *o)
{
	if (o->expired)
		tally(TALLY_EXPIRED);
	if (o->plan_only)
		tally(TALLY_PLAN_MODE);
	if (o->unknown_verb)
		tally(TALLY_BAD_VERB);
	if (o->want.broken)
		tally(TALLY_BAD_SPEC);
	if (o->must_be_denied)
		tally(TALLY_ONE_KEY);
}

/* Only where nothing is under way is it sure what the command will meet. */
static bool is_sure(const struct scene *s)
{
	for (size_t i = 0; i < s->issued; i++)
		if (!vendor_has_result(s->orders[i].cmd))
			return false;
	return !s->policy_changed && !s->role_was_gone && !s->capacity_short && s->hands_n == 0 && scene_causes(s) == 0;
}

static unsigned nodes_there(const struct scene *s, const char *warehouse, const char *cluster)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];

		n += !in->foreign && aws_is_alive(s->aws, in) && str_eq(aws_tag_of(&in->t, "reeve:warehouse"), warehouse) &&
		     str_eq(aws_tag_of(&in->t, "reeve:cluster"), cluster);
	}
	return n;
}

/* Of what stood before it takes a second key to end. A cluster that never ran has fewer nodes than its spec names, or none. */
static bool is_high(const struct scene *s, const struct scene_order *o)
{
	struct want before = o->before;

	for (unsigned c = 0; c < WANT_CLUSTERS; c++) {
		unsigned n = nodes_there(s, before.warehouse, want_cluster_names[c]);

		if (before.clusters[c].nodes > n)
			before.clusters[c].nodes = n;
	}
	return want_is_high(&before, &o->want);
}

static void maybe_raise_epoch(struct scene *s, struct scene_order *o)
{
	if (!vendor_may_raise_epoch(s->vendor) || !odds_one_in(&s->odds, 5))
		return;
	tally(TALLY_EPOCH);
	vendor_raise_epoch(s->vendor);
	o->two_keys = true;
}

static void pack_reboot(const struct scene_order *o, struct buf *to)
{
	Reeve__Control__V1__ClusterReboot r = REEVE__CONTROL__V1__CLUSTER_REBOOT__INIT;
	CLEANUP(buf_close) struct buf apply = BUF_MAX(1u << 20);
	Reeve__Control__V1__WarehouseApply *of;

	want_pack(&o->want, &apply);
	of = reeve__control__v1__warehouse_apply__unpack(NULL, apply.len, (const uint8_t *)apply.data);
	r.warehouse = (char *)o->want.warehouse;
	r.cluster = (char *)o->reboot;
	r.batch = o->batch;
	for (size_t i = 0; o->asks_nodes && i < of->spec->n_clusters; i++)
		if (str_eq(of->spec->clusters[i]->name, o->reboot)) {
			r.health = of->spec->clusters[i]->health;
			r.drain = of->spec->clusters[i]->drain;
		}
	buf_grew(to, reeve__control__v1__cluster_reboot__pack(
			 &r, (uint8_t *)buf_room(to, reeve__control__v1__cluster_reboot__get_packed_size(&r))));
	reeve__control__v1__warehouse_apply__free_unpacked(of, NULL);
}

/* Some of the nodes that are there now; where there are none, one that never was. */
static void choose_replaced(struct scene *s, struct scene_order *o)
{
	size_t n = (size_t)odds_between(&s->odds, 1, ARRAY_LEN(o->replaced));

	for (size_t i = 0; i < s->aws->instances_n && o->replaced_n < n; i++) {
		const struct aws_instance *in = s->aws->instances[i];

		if (!in->foreign && in->lost_ms == 0 && aws_is_alive(s->aws, in) &&
		    str_eq(aws_tag_of(&in->t, "reeve:warehouse"), o->want.warehouse) &&
		    str_eq(aws_tag_of(&in->t, "reeve:cluster"), o->replace))
			snprintf(o->replaced[o->replaced_n++], sizeof(o->replaced[0]), "%.31s", in->t.id);
	}
	if (o->replaced_n == 0)
		snprintf(o->replaced[o->replaced_n++], sizeof(o->replaced[0]), "i-0");
}

static void pack_replace(const struct scene_order *o, struct buf *to)
{
	Reeve__Control__V1__NodesReplace r = REEVE__CONTROL__V1__NODES_REPLACE__INIT;
	CLEANUP(buf_close) struct buf apply = BUF_MAX(1u << 20);
	Reeve__Control__V1__WarehouseApply *of;
	char *ids[ARRAY_LEN(o->replaced)];

	want_pack(&o->want, &apply);
	of = reeve__control__v1__warehouse_apply__unpack(NULL, apply.len, (const uint8_t *)apply.data);
	for (size_t i = 0; i < o->replaced_n; i++)
		ids[i] = (char *)o->replaced[i];
	r.warehouse = (char *)o->want.warehouse;
	r.cluster = (char *)o->replace;
	r.instances = ids;
	r.n_instances = o->replaced_n;
	r.spec = of->spec;
	buf_grew(to, reeve__control__v1__nodes_replace__pack(
			 &r, (uint8_t *)buf_room(to, reeve__control__v1__nodes_replace__get_packed_size(&r))));
	reeve__control__v1__warehouse_apply__free_unpacked(of, NULL);
}

static void pack_upgrade(const struct scene_order *o, struct buf *to)
{
	Reeve__Control__V1__WarehouseUpgrade u = REEVE__CONTROL__V1__WAREHOUSE_UPGRADE__INIT;
	CLEANUP(buf_close) struct buf apply = BUF_MAX(1u << 20);
	Reeve__Control__V1__WarehouseApply *of;

	want_pack(&o->want, &apply);
	of = reeve__control__v1__warehouse_apply__unpack(NULL, apply.len, (const uint8_t *)apply.data);
	u.warehouse = (char *)o->want.warehouse;
	u.spec = of->spec;
	u.order = (char **)o->order;
	u.n_order = o->order_n;
	u.batch = o->batch;
	buf_grew(to, reeve__control__v1__warehouse_upgrade__pack(
			 &u, (uint8_t *)buf_room(to, reeve__control__v1__warehouse_upgrade__get_packed_size(&u))));
	reeve__control__v1__warehouse_apply__free_unpacked(of, NULL);
}

static int verb_of_order(const struct scene_order *o)
{
	if (o->unknown_verb)
		return 99;
	if (o->reboot != NULL)
		return REEVE__CONTROL__V1__VERB__CLUSTER_REBOOT;
	if (o->replace != NULL)
		return REEVE__CONTROL__V1__VERB__NODES_REPLACE;
	if (o->is_upgrade)
		return REEVE__CONTROL__V1__VERB__WAREHOUSE_UPGRADE;
	return o->is_delete ? REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE : REEVE__CONTROL__V1__VERB__WAREHOUSE_APPLY;
}

static void issue(struct scene *s, struct scene_order *o)
{
	CLEANUP(buf_close) struct buf args = BUF_MAX(1u << 20);
	Reeve__Control__V1__WarehouseDelete d = REEVE__CONTROL__V1__WAREHOUSE_DELETE__INIT;
	struct vendor_order v = { .target = o->want.warehouse, .plan_only = o->plan_only };

	maybe_raise_epoch(s, o);
	v.two_keys = o->two_keys;
	d.warehouse = d.confirm = (char *)o->want.warehouse;
	if (o->reboot != NULL) {
		pack_reboot(o, &args);
	} else if (o->replace != NULL) {
		choose_replaced(s, o);
		pack_replace(o, &args);
	} else if (o->is_upgrade) {
		pack_upgrade(o, &args);
	} else if (o->is_delete) {
		buf_grew(&args, reeve__control__v1__warehouse_delete__pack(
				    &d, (uint8_t *)buf_room(&args, reeve__control__v1__warehouse_delete__get_packed_size(&d))));
	} else {
		want_pack(&o->want, &args);
	}
	o->before = *have_of(s, &o->want);
	v.verb = verb_of_order(o);
	v.args = args.data;
	v.args_len = args.len;
	v.lives_ms = o->expired ? -1000 : (int64_t)o->lives_ms;
	v.deadline_s = 8 * 3600;
	o->must_be_denied = !o->two_keys && !o->plan_only && !o->expired && !o->unknown_verb && !o->want.broken && !o->cancel &&
			    o->lives_ms > HOUR_MS && o->reboot == NULL && o->replace == NULL && !o->is_upgrade && is_sure(s) &&
			    is_high(s, o);
	tally_order(o);
	if (odds_one_in(&s->odds, 6))
		issue_flawed(s, v);
	o->cmd = vendor_issue(s->vendor, &v);
	if (odds_one_in(&s->odds, 8)) {
		o->cmd->shown_ms = world_now_ms(s->w) + odds_between(&s->odds, 5000, 120000);
		tally(TALLY_GAP);
	}
	o->issued_ms = world_now_ms(s->w);
	sim_trace(s->w, "issued %s seq %llu %s gen %llu keys %d plan %d", o->cmd->id_text, (unsigned long long)o->cmd->seq,
		  o->reboot != NULL    ? "reboot"
		  : o->replace != NULL ? "replace"
		  : o->is_upgrade      ? "upgrade"
		  : o->is_delete       ? "delete"
				       : "apply",
		  (unsigned long long)o->want.generation, o->two_keys + 1, o->plan_only);
}

static bool may_issue(const struct scene *s)
{
	if (s->issued == s->orders_n || world_now_ms(s->w) < s->next_issue_ms)
		return false;
	return s->issued == 0 || s->orders[s->issued].hurried || vendor_has_result(s->orders[s->issued - 1].cmd);
}

static void orders_tick(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);

	if (may_issue(s)) {
		issue(s, &s->orders[s->issued]);
		s->issued++;
		s->next_issue_ms = now + odds_between(&s->odds, 1000, 90000);
	}
	for (size_t i = 0; i < s->issued; i++) {
		struct scene_order *o = &s->orders[i];

		if (o->cancel && !o->cmd->cancelled && !vendor_has_result(o->cmd) &&
		    now - o->issued_ms > sim_random(s->w) % 300000) {
			tally(TALLY_CANCEL);
			vendor_cancel(s->vendor, o->cmd);
		}
		if (!vendor_has_result(o->cmd) && now - o->issued_ms > PATIENCE_MS)
			odds_broken(&s->odds, "command %llu has no result after hours (%s %s)", (unsigned long long)o->cmd->seq,
				    vendor_state_name(o->cmd->state), o->cmd->error);
	}
}

void scene_script_tick(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);

	troubles_tick(s);
	orders_tick(s);
	scene_look_tick(s);
	if (s->issued < s->orders_n || !vendor_has_all(s->vendor) || !scene_close_tick(s) || !scene_heal_tick(s))
		return;
	s->over_ms = s->over_ms != 0 ? s->over_ms : now + TAIL_MS;
	/* A look that could not be had when the last command ended is made again within five minutes. */
	s->over =
	    now >= s->over_ms && !vendor_is_told(s->vendor) && (*vendor_at_work(s->vendor) == '\0' || now >= s->over_ms + REST_MS);
}
