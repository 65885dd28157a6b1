/* inventory_take.c - one read after the other, page by page, all with the instance role.
 *
 * Happy path: the reads in their order (inventory_read_at): VPCs, instances, then what the kinds of things bring; for a plan also
 * what it stands on and is not ours, and what protects that which it would end. A list of several pages is read more than once
 * (pages.h). Failure: the first call that fails ends the taking with its class and sentence; nothing half-seen is ever handed out.
 */
#include "agent/ops/account/inventory_impl.h"

#include <assert.h>

#include "agent/aws/read.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"

#define PAGES_MAX 1000
#define KEPT_BYTES (64u << 20) /* of the arena, for what is made of the lists: no answer is read into it */
static_assert(INVENTORY_ARENA >= 2 * READ_ANSWER_BYTES + KEPT_BYTES, "more than one answer fits");

/* ---- walking ---- */

static void finish(struct inventory_taking *t, int rc)
{
	struct inventory_req *req = t->req;

	if (rc == 0) {
		t->inv->taken_ms = world_wall_ms(t->w);
		t->inv->aws_ms = t->inv->taken_ms + aws_clock_offset_ms(t->aws);
		req->inv = t->inv;
	} else {
		inventory_free(t->inv);
	}
	aws_call_close(&t->call);
	mem_free(t->token);
	mem_free(t);
	/* Everything is let go before this: cb may take the next inventory at once, with the same request. */
	req->priv = NULL;
	req->cb(req, rc);
}

static void fail(struct inventory_taking *t, int rc)
{
	struct err *e = &t->req->err;

	/* The page's action and not the read's: the read of protections serves several kinds, each with an action of its own. */
	t->req->action = t->page.action;
	err_wrap(e, rc, "inventory, %s", t->page.read->name);
	finish(t, rc);
}

static void on_call(struct aws_call *c);

static void tell_failure(struct inventory_req *req, const struct aws_call *c)
{
	req->class = c->class;
	req->unsent = c->unsent;
	req->why = c->keys.why;
}

static void on_again(struct aws_call *c)
{
	struct inventory_taking *t = container_of(c, struct inventory_taking, call);
	struct inventory_req *req = t->req;

	/* The asker of a canceled taking waits for its end alone. */
	if (t->canceled || req->again == NULL)
		return;
	tell_failure(req, c);
	req->action = t->page.action;
	err_set(&req->err, ERR_SERVICE, "inventory, %s: %s", t->page.read->name, err_text(&c->err));
	req->again(req);
}

static void call(struct inventory_taking *t)
{
	aws_call_close(&t->call);
	t->call = (struct aws_call){ .again = on_again };
	t->page.token = t->token;
	/* This comes before ask, which may name another action. */
	t->page.action = t->page.read->action;
	t->page.read->ask(&t->page, &t->call.req);
	aws_call_start(t->aws, &t->call, t->creds, on_call);
}

static size_t things(const struct inventory_page *p)
{
	return p->read->things != NULL ? p->read->things(p) : 1;
}

static void begin(struct inventory_page *p)
{
	if (p->read->begin != NULL)
		p->read->begin(p);
}

/* Turns to the read of that row; false: there is none. */
static bool turn_to(struct inventory_taking *t, size_t row)
{
	t->row = row;
	t->page = (struct inventory_page){
		.inv = t->inv, .owner = &t->owner, .read = inventory_read_at(t->resources, row), .region = aws_region(t->aws)
	};
	if (t->page.read == NULL)
		return false;
	begin(&t->page);
	return true;
}

static void next_read(struct inventory_taking *t)
{
	/* A read that has nothing to walk through makes no call: most looks want nothing by name, and end nothing. */
	do {
		if (t->page.read->end != NULL)
			t->page.read->end(&t->page);
		if (!turn_to(t, t->row + 1)) {
			finish(t, 0);
			return;
		}
	} while (things(&t->page) == 0);
	call(t);
}

/* ---- lists of several pages ---- */

/* Of a list that is whole the next batch is asked for; one that is not is read again from its first page. */
static int end_of_page(struct inventory_taking *t, struct err *e)
{
	struct inventory_page *p = &t->page;
	struct inventory_rows rows = p->read->rows != NULL ? p->read->rows(p) : (struct inventory_rows){ 0 };
	bool is_whole = true;

	if (rows.n != NULL)
		TRY(pages_read(&t->list, rows.v, *rows.n, rows.size, t->token == NULL, &is_whole, e));
	/* Only when all its pages are read can a list be judged. One that is not whole is emptied and read again by the same call:
	 * what has moved between two pages while they were read is on neither. */
	if (t->token == NULL && is_whole)
		p->at += p->read->a_call;
	else if (t->token == NULL)
		*rows.n = 0;
	return 0;
}

static void set_token(struct inventory_taking *t)
{
	/* An answer that the thing is gone is not AWS_OK and holds no list, so no page follows it. */
	char *copy = mem_str(t->call.class == AWS_OK && t->page.read->next != NULL ? t->page.read->next(&t->call) : NULL);

	mem_free(t->token);
	t->token = copy;
}

/* Somebody else has ended it since we saw it, so nothing protects it. */
static bool is_gone(const struct inventory_taking *t, const struct aws_call *c)
{
	return t->page.read->may_be_gone && c->class == AWS_NOTFOUND;
}

/* One thing that somebody else keeps from us must not hold up all plans: its kind sees that nothing came. */
static bool is_kept_from_us(const struct inventory_taking *t, const struct aws_call *c)
{
	if (!t->page.read->may_be_denied || c->class != AWS_DENIED)
		return false;
	log_warn("inventory.denied", "read=%s err=%s next=\"it counts as not there\"", t->page.read->name, err_text(&c->err));
	return true;
}

/* What becomes of an answer, the first that holds:
 *
 *   the taking was called off                        it ends
 *   a refusal, but of what may be gone or denied     it ends
 *   more pages than a list may have                  it ends; protections are one call a thing, and as many as the plan names
 *   the largest answer would not fit any more        it ends: asked before this one is read
 *   an answer                                        its read takes it in
 *   gone, or denied                                  nothing is taken in, and it goes on  */
static void on_call(struct aws_call *c)
{
	struct inventory_taking *t = container_of(c, struct inventory_taking, call);
	struct inventory_page *p = &t->page;
	int rc = 0;

	tell_failure(t->req, c);
	if (t->canceled)
		rc = err_set(&t->req->err, ERR_CANCELED, "canceled");
	else if (c->class != AWS_OK && !is_gone(t, c) && !is_kept_from_us(t, c))
		rc = err_set(&t->req->err, ERR_SERVICE, "%s", err_text(&c->err));
	else if (!p->read->may_be_gone && ++t->pages > PAGES_MAX)
		rc = err_set(&t->req->err, ERR_LIMIT, "more than %d pages", PAGES_MAX);
	else if (arena_left(t->inv->arena) < READ_ANSWER_BYTES + KEPT_BYTES)
		rc = err_set(&t->req->err, ERR_LIMIT, "more than %u MiB: the account shows too much",
			     (INVENTORY_ARENA - READ_ANSWER_BYTES - KEPT_BYTES) >> 20);
	else if (c->class == AWS_OK)
		rc = p->read->take_in(p, c, &t->req->err);
	if (rc == 0) {
		set_token(t);
		rc = end_of_page(t, &t->req->err);
	}
	if (rc != 0) {
		fail(t, rc);
		return;
	}
	begin(p);
	if (t->token != NULL || p->at < things(p))
		call(t);
	else
		next_read(t);
}

static void want(struct inventory_taking *t, enum beside what, const char *const *names, size_t n)
{
	const char **v = arena_alloc(t->inv->arena, (n + 1) * sizeof(*v));

	/* The names are copied: the asker's names need not stay until they are asked for, minutes later where AWS is slow. */
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
	t->wants_statuses = wants->statuses;
	/* What would end is not a list yet: it is asked for again and again, each time with what is known by then. */
	t->ends = wants->ends;
	t->ends_ctx = wants->ends_ctx;
	want(t, BESIDE_SUBNETS, wants->subnets, wants->subnets_n);
	want(t, BESIDE_IMAGES, wants->images, wants->images_n);
	want(t, BESIDE_TYPES, wants->types, wants->types_n);
	want(t, BESIDE_NAMES, names, wants->group_names_n);
	want(t, BESIDE_S3, &s3, 1);
}

void inventory_take(const struct inventory_source *from, const struct inventory_wants *wants, struct inventory_req *req,
		    inventory_cb *cb)
{
	struct inventory_taking *t = mem_new(struct inventory_taking);

	assert(req->priv == NULL);
	inventory_req_close(req);
	*req = (struct inventory_req){ .cb = cb, .again = req->again, .priv = t };
	t->w = from->w;
	t->aws = from->aws;
	t->creds = from->creds;
	t->owner = *from->owner;
	t->resources = from->resources;
	t->req = req;
	t->inv = inventory_new();
	if (wants != NULL)
		want_beside(t, wants);
	turn_to(t, 0);
	call(t);
}

void inventory_cancel(struct inventory_req *req)
{
	struct inventory_taking *t = req->priv;

	if (t == NULL)
		return;
	t->canceled = true;
	/* There is always a call under way between start and end, so this brings the callback. */
	aws_call_cancel(&t->call);
}

void inventory_req_close(struct inventory_req *req)
{
	assert(req->priv == NULL);
	inventory_free(req->inv);
	req->inv = NULL;
}
