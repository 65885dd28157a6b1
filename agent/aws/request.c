/* request.c - see request.h. Keys are ours and short; values may be anything. */
#include "agent/aws/request.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/mem.h"

#define KEY_MAX 128

/* A blank is "+", as HTML forms have it: AWS takes that and %20 alike, moto's check of signatures takes this alone. */
static void add_text(struct buf *to, const char *s, size_t len)
{
	for (size_t word; len > 0; s += word, len -= word) {
		const char *blank = memchr(s, ' ', len);

		word = blank == s ? 1 : blank != NULL ? (size_t)(blank - s) : len;
		if (blank == s)
			buf_addc(to, '+');
		else
			enc_percent(to, s, word, "");
	}
}

static void add_pair(struct request *r, const char *value, const char *key_fmt, va_list ap)
{
	char key[KEY_MAX];
	int n = vsnprintf(key, sizeof(key), key_fmt, ap);

	assert(n > 0 && n < KEY_MAX);
	if (r->body.len > 0)
		buf_addc(&r->body, '&');
	add_text(&r->body, key, (size_t)n);
	buf_addc(&r->body, '=');
	add_text(&r->body, value, strlen(value));
}

void request_query(struct request *r, const struct aws_service *service, const char *action, const char *version)
{
	*r = (struct request){ .service = service,
			       .action = action,
			       .method = "POST",
			       .content_type = "application/x-www-form-urlencoded; charset=utf-8",
			       .path = "/",
			       .query = "",
			       .body = BUF_MAX(REQUEST_MAX_BYTES) };
	request_add(r, action, "Action");
	request_add(r, version, "Version");
}

void request_add(struct request *r, const char *value, const char *key_fmt, ...)
{
	va_list ap;

	va_start(ap, key_fmt);
	add_pair(r, value, key_fmt, ap);
	va_end(ap);
}

void request_add_u(struct request *r, uint64_t value, const char *key_fmt, ...)
{
	char text[24];
	va_list ap;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	va_start(ap, key_fmt);
	add_pair(r, text, key_fmt, ap);
	va_end(ap);
}

void request_node(struct request *r, const char *method, const char *action, const char *url)
{
	*r = (struct request){ .action = action,
			       .method = method,
			       .path = "",
			       .query = "",
			       .node_url = url,
			       .body = BUF_MAX(REQUEST_MAX_BYTES),
			       .shape = REQUEST_STATUS };
}

const char *request_keep(struct request *r, char *text)
{
	size_t i = 0;

	while (i < REQUEST_TEXTS && r->texts[i] != NULL)
		i++;
	assert(i < REQUEST_TEXTS);
	return r->texts[i] = text;
}

void request_close(struct request *r)
{
	if (r == NULL)
		return;
	buf_close(&r->body);
	for (size_t i = 0; i < REQUEST_TEXTS; i++)
		mem_close(&r->texts[i]);
}
