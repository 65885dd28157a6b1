/* inventory_take.c - one read after the other, page by page, all with the instance role.
 *
 * Happy path: the reads of the table (inventory_reads.c) in their order: VPCs, instances, security groups (by filter, and looked at
 * again: a filter that the service ignores shows the whole account), then every target group and load balancer with their tags,
 * of which ours stay, then the listeners of each with their tags, and the health of each; for a plan also what it stands on and is
 * not ours, and what protects that which it would end. A list of several pages is read more than once (pages.h). Failure: the first
 * call that fails ends the taking with its class and sentence; nothing half-seen is ever handed out. */
#include "agent/ops/account/inventory_impl.h"

#include <assert.h>

#include "agent/base/mem.h"

#define PAGES_MAX 1000

static const struct inventory_read *row_of(const struct inventory_taking *t)
{
	return &inventory_reads[t->row];
}

/* ---- walking ---- */

static void finish(struct inventory_taking *t, int rc)
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

static void fail(struct inventory_taking *t, int rc)
{
	struct err *e = &t->req->err;

	t->req->action = row_of(t)->actions[0];
	err_wrap(e, rc, "inventory, %s", row_of(t)->name);
	finish(t, rc);
}

static void on_call(struct aws_call *c);

static void call(struct inventory_taking *t)
{
	aws_call_close(&t->call);
	t->call = (struct aws_call){ 0 };
	row_of(t)->ask(t);
	aws_call_start(t->aws, &t->call, t->creds, on_call);
}

static size_t things(const struct inventory_taking *t)
{
	return row_of(t)->things != NULL ? row_of(t)->things(t) : 1;
}

static void begin(struct inventory_taking *t)
{
	if (row_of(t)->begin != NULL)
		row_of(t)->begin(t);
}

static void next_read(struct inventory_taking *t)
{
	do {
		if (row_of(t)->end != NULL)
			row_of(t)->end(t);
		t->row++;
		t->at = 0;
		begin(t);
	} while (row_of(t)->name != NULL && things(t) == 0);
	if (row_of(t)->name == NULL)
		finish(t, 0);
	else
		call(t);
}

/* ---- lists of several pages ---- */

/* Of a list that is whole the next batch is asked for; one that is not is read again from its first page. */
static int end_of_page(struct inventory_taking *t, struct err *e)
{
	struct inventory_rows rows = row_of(t)->rows != NULL ? row_of(t)->rows(t) : (struct inventory_rows){ 0 };
	bool is_whole = true;

	if (rows.n != NULL)
		TRY(pages_read(&t->list, rows.v, *rows.n, rows.size, t->token == NULL, &is_whole, e));
	if (t->token == NULL && is_whole)
		t->at += row_of(t)->a_call;
	else if (t->token == NULL)
		*rows.n = 0;
	return 0;
}

static void set_token(struct inventory_taking *t, const struct xml_node *root)
{
	const char *token = t->call.req.service == AWS_EC2 ? ec2_next_token(root) : elb_next_marker(root);
	char *copy = mem_str(token);

	mem_free(t->token);
	t->token = copy;
}

/* Somebody else has ended it since we saw it, so nothing protects it. */
static bool is_gone(const struct inventory_taking *t, const struct aws_call *c)
{
	return row_of(t)->may_be_gone && c->class == AWS_NOTFOUND;
}

static void on_call(struct aws_call *c)
{
	struct inventory_taking *t = container_of(c, struct inventory_taking, call);
	const struct xml_node *root = c->xml != NULL ? xml_root(c->xml) : NULL;
	int rc = 0;

	t->req->class = c->class;
	if (t->canceled)
		rc = err_set(&t->req->err, ERR_CANCELED, "canceled");
	else if (c->class != AWS_OK && !is_gone(t, c))
		rc = err_set(&t->req->err, ERR_SERVICE, "%s", err_text(&c->err));
	else if (!row_of(t)->may_be_gone && ++t->pages > PAGES_MAX)
		rc = err_set(&t->req->err, ERR_LIMIT, "more than %d pages", PAGES_MAX);
	else if (c->class == AWS_OK)
		rc = row_of(t)->take_in(t, root, &t->req->err);
	if (rc == 0) {
		set_token(t, root);
		rc = end_of_page(t, &t->req->err);
	}
	if (rc != 0) {
		fail(t, rc);
		return;
	}
	begin(t);
	if (t->token != NULL || t->at < things(t))
		call(t);
	else
		next_read(t);
}

static void want(struct inventory_taking *t, enum beside what, const char *const *names, size_t n)
{
	const char **v = arena_alloc(t->inv->arena, (n + 1) * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = arena_str(t->inv->arena, names[i]);
	t->beside[what].v = v;
	t->beside[what].n = n;
}

/* Of the prefix lists AWS alone may call its own so. */
static void want_beside(struct inventory_taking *t, const struct inventory_wants *wants)
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
	struct inventory_taking *t = mem_new(struct inventory_taking);

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
	call(t);
}

void inventory_cancel(struct inventory_req *req)
{
	struct inventory_taking *t = req->priv;

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
