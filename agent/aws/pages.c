/* pages.c - see pages.h. One call struct serves all pages: its cb takes the page and starts it again with the next token. */
#include "agent/aws/pages.h"

#include <assert.h>
#include <string.h>

#define TOKEN_MAX (16u << 10)

static void finish(struct aws_pages *p, enum aws_class class)
{
	p->class = class;
	p->running = false;
	aws_call_close(&p->call);
	p->call = (struct aws_call){ 0 };
	buf_close(&p->token);
	p->cb(p);
}

static void on_page(struct aws_call *c);

static void ask_page(struct aws_pages *p, const char *token)
{
	aws_call_close(&p->call);
	p->call = (struct aws_call){ .service = p->service, .command = p->command };
	p->ask(p->ctx, token, &p->call.form);
	aws_call_start(p->aws, &p->call, p->creds, on_page);
}

/* 0: there is another page, and its token is kept; -ERR_NOTFOUND: that was the last. */
static int keep_token(struct aws_pages *p)
{
	const char *next = p->next(xml_root(p->call.xml));
	const char *action = p->call.form.action;

	if (next == NULL)
		return -ERR_NOTFOUND;
	if (strcmp(next, buf_str(&p->token)) == 0)
		return err_set(&p->err, ERR_INVALID, "%s gives the same token twice", action);
	if (p->count >= PAGES_MAX)
		return err_set(&p->err, ERR_LIMIT, "%s has more than %d pages", action, PAGES_MAX);
	buf_reset(&p->token);
	if (buf_adds(&p->token, next) != 0)
		return err_set(&p->err, ERR_LIMIT, "%s gives a token of more than %u bytes", action, TOKEN_MAX);
	return 0;
}

static void on_page(struct aws_call *c)
{
	struct aws_pages *p = container_of(c, struct aws_pages, call);
	int rc;

	p->canceled = p->canceled || c->canceled;
	p->err = c->err;
	if (c->class != AWS_OK || p->canceled) {
		finish(p, c->class != AWS_OK ? c->class : AWS_AMBIGUOUS);
		return;
	}
	p->count++;
	rc = p->take(p->ctx, xml_root(c->xml), &p->err);
	if (rc == 0)
		rc = keep_token(p);
	if (rc == 0)
		ask_page(p, buf_str(&p->token));
	else
		finish(p, rc == -ERR_NOTFOUND && p->err.code == 0 ? AWS_OK : AWS_INVALID);
}

void aws_pages_start(struct aws *a, struct aws_pages *p, struct creds *creds, aws_pages_cb *cb)
{
	assert(!p->running);
	p->aws = a;
	p->creds = creds;
	p->cb = cb;
	p->count = 0;
	p->canceled = false;
	p->running = true;
	p->err = (struct err){ 0 };
	p->token = BUF_MAX(TOKEN_MAX);
	ask_page(p, NULL);
}

void aws_pages_cancel(struct aws_pages *p)
{
	if (!p->running)
		return;
	p->canceled = true;
	aws_call_cancel(&p->call);
}

void aws_pages_close(struct aws_pages *p)
{
	assert(!p->running);
	aws_call_close(&p->call);
}
