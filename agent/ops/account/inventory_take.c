/* inventory_take.c - one read after the other, page by page, all with the instance role.
 *
 * Happy path: VPCs, instances, security groups (by filter, and looked at again: a filter that the service ignores shows the
 * whole account), then every target group and load balancer with their tags, of which ours stay, then the listeners of each with
 * their tags, and the health of each; for a plan also what it stands on and is not ours (inventory_beside.c), and what protects that
 * which it would end (inventory_guard.c). A list of several pages is read more than once (pages.h). Failure: the first call that
 * fails ends the taking with its class and sentence; nothing half-seen is ever handed out. */
#include "agent/ops/account/inventory_impl.h"

#include <assert.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/pages.h"

#define PAGES_MAX 1000
#define TAGS_A_CALL 20

/*  vpcs -> instances -> groups -> tgs -> lbs -> tags -> listeners -> listener tags -> health -> subnets -> images -> types -> names -> s3
 *  -> protections -> done      any -> failed  */
enum {
	V_VPCS,
	V_INSTANCES,
	V_GROUPS,
	V_TGS,
	V_LBS,
	V_TAGS,
	V_LISTENERS,
	V_LISTENER_TAGS,
	V_HEALTH,
	V_SUBNETS,
	V_IMAGES,
	V_TYPES,
	V_NAMES,
	V_S3,
	V_GUARDS,
	V_DONE,
	V_FAILED
};
#define OR_FAILED(s) (SM_TO(s) | SM_TO(V_FAILED))
static const struct sm_state take_states[] = {
	[V_VPCS] = { "vpcs", OR_FAILED(V_INSTANCES) },
	[V_INSTANCES] = { "instances", OR_FAILED(V_GROUPS) },
	[V_GROUPS] = { "groups", OR_FAILED(V_TGS) },
	[V_TGS] = { "target groups", OR_FAILED(V_LBS) },
	[V_LBS] = { "load balancers", OR_FAILED(V_TAGS) },
	[V_TAGS] = { "tags", OR_FAILED(V_LISTENERS) },
	[V_LISTENERS] = { "listeners", OR_FAILED(V_LISTENER_TAGS) },
	[V_LISTENER_TAGS] = { "tags of listeners", OR_FAILED(V_HEALTH) },
	[V_HEALTH] = { "health", OR_FAILED(V_SUBNETS) },
	[V_SUBNETS] = { "subnets", OR_FAILED(V_IMAGES) },
	[V_IMAGES] = { "images", OR_FAILED(V_TYPES) },
	[V_TYPES] = { "instance types", OR_FAILED(V_NAMES) },
	[V_NAMES] = { "names of security groups", OR_FAILED(V_S3) },
	[V_S3] = { "prefix lists", OR_FAILED(V_GUARDS) },
	[V_GUARDS] = { "protections", OR_FAILED(V_DONE) },
	[V_DONE] = { "done", SM_END },
	[V_FAILED] = { "failed", SM_END },
};
static const struct sm_machine take_machine = SM_MACHINE("inventory", take_states, NULL);

struct take {
	struct world *w;
	struct aws *aws;
	struct creds *creds;
	struct owner owner;
	struct inventory_req *req;
	struct inventory *inv;
	struct sm sm;
	struct aws_call call;
	struct timer timer;
	char *token; /* of the next page, or NULL */
	unsigned pages;
	struct pages list;     /* that at hand */
	size_t at;             /* where one call is for some of a list: which one is next */
	struct elb_groups tgs; /* all of the account's, until their tags are known */
	struct elb_lbs lbs;
	struct { /* what is asked for by name in each of the states from V_SUBNETS on */
		const char *const *v;
		size_t n;
	} beside[BESIDE_KINDS];
	bool wants_beside;
	const char **(*ends)(void *ctx, const struct inventory *inv, size_t *ret_n);
	void *ends_ctx;
	bool canceled;
};

/* ---- asking ---- */

static void ask_by_tags(struct take *t, void (*build)(struct request *, const struct ec2_describe *))
{
	const struct ec2_filter filters[] = {
		{ "tag:resource-created-by", &t->owner.vendor, 1 },
		{ "tag:reeve:installation", &t->owner.installation, 1 },
	};

	build(&t->call.req, &(struct ec2_describe){ .filters = filters, .filters_n = ARRAY_LEN(filters), .next_token = t->token });
}

static void ask_vpcs(struct take *t)
{
	ec2_describe_vpcs(&t->call.req, &(struct ec2_describe){ .next_token = t->token });
}

/* ARNs of the next batch of target groups, then load balancers, counted as one list. */
static size_t arns_total(const struct take *t)
{
	return t->tgs.n + t->lbs.n;
}

static void ask_tags(struct take *t)
{
	const char *arns[TAGS_A_CALL];
	size_t n = 0;

	for (size_t i = t->at; i < arns_total(t) && n < TAGS_A_CALL; i++)
		arns[n++] = i < t->tgs.n ? t->tgs.v[i].arn : t->lbs.v[i - t->tgs.n].arn;
	elb_describe_tags(&t->call.req, arns, n);
}

/* Listeners of all load balancers, counted as one list. */
static size_t listeners_total(const struct take *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->inv->lbs_n; i++)
		n += t->inv->lbs[i].listeners.n;
	return n;
}

static struct elb_listener *listener_at(const struct take *t, size_t at)
{
	struct inventory_lb *lb = t->inv->lbs;

	for (; at >= lb->listeners.n; lb++)
		at -= lb->listeners.n;
	return &lb->listeners.v[at];
}

static void ask_listener_tags(struct take *t)
{
	size_t total = listeners_total(t), n = 0;
	const char *arns[TAGS_A_CALL];

	while (t->at + n < total && n < TAGS_A_CALL) {
		arns[n] = listener_at(t, t->at + n)->arn;
		n++;
	}
	elb_describe_tags(&t->call.req, arns, n);
}

static bool is_beside(const struct take *t)
{
	return t->sm.now >= V_SUBNETS && t->sm.now <= V_S3;
}

static enum beside beside_now(const struct take *t)
{
	return (enum beside)(t->sm.now - V_SUBNETS);
}

static void ask_beside(struct take *t)
{
	enum beside what = beside_now(t);

	inventory_beside_ask(what, t->beside[what].v + t->at, t->beside[what].n - t->at, t->token, &t->call.req);
}

static void ask(struct take *t)
{
	if (is_beside(t)) {
		ask_beside(t);
		return;
	}
	switch (t->sm.now) {
	case V_VPCS:
		ask_vpcs(t);
		break;
	case V_INSTANCES:
		ask_by_tags(t, ec2_describe_instances);
		break;
	case V_GROUPS:
		ask_by_tags(t, ec2_describe_security_groups);
		break;
	case V_TGS:
		elb_describe_target_groups(&t->call.req, NULL, t->token);
		break;
	case V_LBS:
		elb_describe_load_balancers(&t->call.req, NULL, t->token);
		break;
	case V_TAGS:
		ask_tags(t);
		break;
	case V_LISTENERS:
		elb_describe_listeners(&t->call.req, t->inv->lbs[t->at].lb.arn, t->token);
		break;
	case V_LISTENER_TAGS:
		ask_listener_tags(t);
		break;
	case V_GUARDS:
		inventory_guard_ask(&t->inv->guards.v[t->at], &t->call.req);
		break;
	default:
		elb_describe_target_health(&t->call.req, t->inv->tgs[t->at].g.arn);
		break;
	}
}

/* ---- taking in ---- */

static void set_tags(struct take *t, const struct elb_tagged *tagged)
{
	for (size_t i = 0; i < t->tgs.n; i++)
		if (str_eq(t->tgs.v[i].arn, tagged->arn))
			t->tgs.v[i].tags = tagged->tags;
	for (size_t i = 0; i < t->lbs.n; i++)
		if (str_eq(t->lbs.v[i].arn, tagged->arn))
			t->lbs.v[i].tags = tagged->tags;
	for (size_t i = 0; t->sm.now == V_LISTENER_TAGS && i < listeners_total(t); i++)
		if (str_eq(listener_at(t, i)->arn, tagged->arn))
			listener_at(t, i)->tags = tagged->tags;
}

static int take_tags(struct take *t, const struct xml_node *root, struct err *e)
{
	struct elb_taggeds list = { 0 };

	TRY(elb_read_tags(root, t->inv->arena, &list, e));
	for (size_t i = 0; i < list.n; i++)
		set_tags(t, &list.v[i]);
	return 0;
}

static int take_groups(struct inventory *inv, const struct xml_node *root, struct err *e)
{
	TRY(ec2_read_security_groups(root, inv->arena, &inv->groups, e));
	for (size_t i = 0; i < inv->groups.n; i++)
		for (size_t k = 0; k < inv->groups.v[i].rules_n; k++)
			inventory_rule_spell(inv->arena, &inv->groups.v[i].rules[k]);
	return 0;
}

static int take_in(struct take *t, const struct xml_node *root, struct err *e)
{
	struct inventory *inv = t->inv;

	if (is_beside(t))
		return inventory_beside_read(beside_now(t), root, t->beside[beside_now(t)].v[0], inv, e);
	switch (t->sm.now) {
	case V_VPCS:
		return ec2_read_vpcs(root, inv->arena, &inv->vpcs, e);
	case V_INSTANCES:
		return ec2_read_instances(root, inv->arena, &inv->instances, e);
	case V_GROUPS:
		return take_groups(inv, root, e);
	case V_TGS:
		return elb_read_target_groups(root, inv->arena, &t->tgs, e);
	case V_LBS:
		return elb_read_load_balancers(root, inv->arena, &t->lbs, e);
	case V_TAGS:
	case V_LISTENER_TAGS:
		return take_tags(t, root, e);
	case V_LISTENERS:
		return elb_read_listeners(root, inv->arena, &inv->lbs[t->at].listeners, e);
	case V_GUARDS:
		return inventory_guard_read(root, &inv->guards.v[t->at], e);
	default:
		return elb_read_target_health(root, inv->arena, &inv->tgs[t->at].targets, e);
	}
}

/* What a filter let through that is not ours. */
static void drop_foreign(struct take *t)
{
	struct inventory *inv = t->inv;
	size_t instances = 0, groups = 0;

	for (size_t i = 0; i < inv->instances.n; i++)
		if (inventory_is_ours(&t->owner, &inv->instances.v[i].tags))
			inv->instances.v[instances++] = inv->instances.v[i];
	for (size_t i = 0; i < inv->groups.n; i++)
		if (inventory_is_ours(&t->owner, &inv->groups.v[i].tags))
			inv->groups.v[groups++] = inv->groups.v[i];
	if (instances < inv->instances.n || groups < inv->groups.n)
		log_warn("inventory.foreign", "instances=%zu groups=%zu next=\"EC2 ignored our filter; they are left out\"",
			 inv->instances.n - instances, inv->groups.n - groups);
	inv->instances.n = instances;
	inv->groups.n = groups;
}

/* Of all target groups and load balancers, ours; of the others the rows stay, for their names. */
static void keep_ours(struct take *t)
{
	struct inventory *inv = t->inv;

	drop_foreign(t);
	inv->other_tgs = (struct elb_groups){ arena_alloc(inv->arena, (t->tgs.n + 1) * sizeof(*t->tgs.v)), 0 };
	inv->other_lbs = (struct elb_lbs){ arena_alloc(inv->arena, (t->lbs.n + 1) * sizeof(*t->lbs.v)), 0 };
	inv->tgs = arena_alloc(inv->arena, (t->tgs.n + 1) * sizeof(*inv->tgs));
	for (size_t i = 0; i < t->tgs.n; i++)
		if (inventory_is_ours(&t->owner, &t->tgs.v[i].tags))
			inv->tgs[inv->tgs_n++].g = t->tgs.v[i];
		else
			inv->other_tgs.v[inv->other_tgs.n++] = t->tgs.v[i];
	inv->lbs = arena_alloc(inv->arena, (t->lbs.n + 1) * sizeof(*inv->lbs));
	for (size_t i = 0; i < t->lbs.n; i++)
		if (inventory_is_ours(&t->owner, &t->lbs.v[i].tags))
			inv->lbs[inv->lbs_n++].lb = t->lbs.v[i];
		else
			inv->other_lbs.v[inv->other_lbs.n++] = t->lbs.v[i];
}

/* ---- walking ---- */

static void finish(struct take *t, int rc)
{
	struct inventory_req *req = t->req;

	timer_stop(t->w, &t->timer);
	if (rc == 0) {
		t->inv->taken_ms = world_wall_ms(t->w);
		req->inv = t->inv;
	} else {
		inventory_free(t->inv);
	}
	aws_call_close(&t->call);
	mem_free(t->token);
	mem_free(t);
	req->priv = NULL;
	req->cb(req, rc);
}

static void fail(struct take *t, int rc)
{
	struct err *e = &t->req->err;

	err_wrap(e, rc, "inventory, %s", sm_name(&t->sm));
	sm_move(&t->sm, V_FAILED);
	finish(t, rc);
}

static void on_call(struct aws_call *c);

static void call(struct take *t)
{
	aws_call_close(&t->call);
	t->call = (struct aws_call){ 0 };
	ask(t);
	aws_call_start(t->aws, &t->call, t->creds, on_call);
}

/* How many of them one call asks for. */
static size_t batch(const struct take *t)
{
	if (t->sm.now == V_TAGS || t->sm.now == V_LISTENER_TAGS)
		return TAGS_A_CALL;
	return is_beside(t) ? BESIDE_A_CALL : 1;
}

/* How many things the state walks through; 0: nothing to ask. */
static size_t items(const struct take *t)
{
	switch (t->sm.now) {
	case V_TAGS:
		return arns_total(t);
	case V_LISTENERS:
		return t->inv->lbs_n;
	case V_LISTENER_TAGS:
		return listeners_total(t);
	case V_HEALTH:
		return t->inv->tgs_n;
	case V_GUARDS:
		return t->inv->guards.n;
	default:
		return is_beside(t) ? t->beside[beside_now(t)].n : 1;
	}
}

/* Around what is protected others would go: of them it is asked, too. */
static void want_guards(struct take *t)
{
	const char **ids;
	size_t n;

	if (t->ends == NULL || t->at < t->inv->guards.n)
		return;
	ids = t->ends(t->ends_ctx, t->inv, &n);
	inventory_guard_want(t->inv, ids, n);
}

static void next_state(struct take *t)
{
	do {
		if (t->sm.now == V_TAGS)
			keep_ours(t);
		if (t->sm.now == V_INSTANCES && t->wants_beside)
			t->beside[BESIDE_TYPES].v = inventory_beside_types(t->inv, t->beside[BESIDE_TYPES].v,
									   t->beside[BESIDE_TYPES].n, &t->beside[BESIDE_TYPES].n);
		sm_move(&t->sm, t->sm.now + 1);
		t->at = 0;
		if (t->sm.now == V_GUARDS)
			want_guards(t);
	} while (t->sm.now != V_DONE && items(t) == 0);
	if (t->sm.now == V_DONE)
		finish(t, 0);
	else
		call(t);
}

/* ---- lists of several pages ---- */

struct rows {
	const void *v;
	size_t *n, size;
};
#define ROWS(list)                                                                                                                 \
	(struct rows)                                                                                                              \
	{                                                                                                                          \
		(list).v, &(list).n, sizeof(*(list).v)                                                                             \
	}

/* Those of which something may be missing without a word; what is asked for by name is missed by name. */
static struct rows rows_of(struct take *t)
{
	switch (t->sm.now) {
	case V_VPCS:
		return ROWS(t->inv->vpcs);
	case V_INSTANCES:
		return ROWS(t->inv->instances);
	case V_GROUPS:
		return ROWS(t->inv->groups);
	case V_TGS:
		return ROWS(t->tgs);
	case V_LBS:
		return ROWS(t->lbs);
	case V_LISTENERS:
		return ROWS(t->inv->lbs[t->at].listeners);
	default:
		return (struct rows){ 0 };
	}
}

/* Of a list that is whole the next batch is asked for; one that is not is read again from its first page. */
static int end_of_page(struct take *t, struct err *e)
{
	struct rows rows = rows_of(t);
	bool is_whole = true;

	if (rows.n != NULL)
		TRY(pages_read(&t->list, rows.v, *rows.n, rows.size, t->token == NULL, &is_whole, e));
	if (t->token == NULL && is_whole)
		t->at += batch(t);
	else if (t->token == NULL)
		*rows.n = 0;
	return 0;
}

static void set_token(struct take *t, const struct xml_node *root)
{
	const char *token = t->call.req.service == AWS_EC2 ? ec2_next_token(root) : elb_next_marker(root);
	char *copy = mem_str(token);

	mem_free(t->token);
	t->token = copy;
}

/* Ended by somebody else since we saw it: nothing protects it. */
static bool is_gone(const struct take *t, const struct aws_call *c)
{
	return t->sm.now == V_GUARDS && c->class == AWS_NOTFOUND;
}

static void on_call(struct aws_call *c)
{
	struct take *t = container_of(c, struct take, call);
	const struct xml_node *root = c->xml != NULL ? xml_root(c->xml) : NULL;
	int rc = 0;

	t->req->class = c->class;
	if (t->canceled)
		rc = err_set(&t->req->err, ERR_CANCELED, "canceled");
	else if (c->class != AWS_OK && !is_gone(t, c))
		rc = err_set(&t->req->err, ERR_SERVICE, "%s", err_text(&c->err));
	else if (t->sm.now != V_GUARDS && ++t->pages > PAGES_MAX)
		rc = err_set(&t->req->err, ERR_LIMIT, "more than %d pages", PAGES_MAX);
	else if (c->class == AWS_OK)
		rc = take_in(t, root, &t->req->err);
	if (rc == 0) {
		set_token(t, root);
		rc = end_of_page(t, &t->req->err);
	}
	if (rc != 0) {
		fail(t, rc);
		return;
	}
	if (t->sm.now == V_GUARDS)
		want_guards(t);
	if (t->token != NULL || t->at < items(t))
		call(t);
	else
		next_state(t);
}

static void want(struct take *t, enum beside what, const char *const *names, size_t n)
{
	const char **v = arena_alloc(t->inv->arena, (n + 1) * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = arena_str(t->inv->arena, names[i]);
	t->beside[what].v = v;
	t->beside[what].n = n;
}

/* Of the prefix lists AWS alone may call its own so. */
static void want_beside(struct take *t, const struct inventory_wants *wants)
{
	const char *s3, *names[ARRAY_LEN(wants->group_names)];

	s3 = arena_printf(t->inv->arena, "com.amazonaws.%s.s3", aws_region(t->aws));
	for (size_t i = 0; i < wants->group_names_n; i++)
		names[i] = wants->group_names[i];
	t->wants_beside = true;
	t->ends = wants->ends;
	t->ends_ctx = wants->ends_ctx;
	want(t, BESIDE_SUBNETS, wants->subnets, wants->subnets_n);
	want(t, BESIDE_IMAGES, wants->images, wants->images_n);
	want(t, BESIDE_TYPES, wants->types, wants->types_n);
	want(t, BESIDE_NAMES, names, wants->group_names_n);
	want(t, BESIDE_S3, &s3, 1);
}

void inventory_take(struct world *w, struct aws *aws, struct creds *creds, const struct owner *owner,
		    const struct inventory_wants *wants, struct inventory_req *req, inventory_cb *cb)
{
	struct take *t = mem_new(struct take);

	assert(req->priv == NULL);
	inventory_req_close(req);
	*req = (struct inventory_req){ .cb = cb, .priv = t };
	t->w = w;
	t->aws = aws;
	t->creds = creds;
	t->owner = *owner;
	t->req = req;
	t->inv = inventory_new();
	if (wants != NULL)
		want_beside(t, wants);
	sm_init(&t->sm, &take_machine, V_VPCS);
	call(t);
}

void inventory_cancel(struct inventory_req *req)
{
	struct take *t = req->priv;

	if (t == NULL)
		return;
	t->canceled = true;
	aws_call_cancel(&t->call);
}

void inventory_req_close(struct inventory_req *req)
{
	assert(req->priv == NULL);
	inventory_free(req->inv);
	req->inv = NULL;
}
