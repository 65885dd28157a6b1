/* world.c - shorthands that are the same in every world. */
#include "agent/io/world.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "agent/base/mem.h"
#include "agent/base/retry_after.h"
#include "agent/base/stamp.h"
#include "agent/base/url.h"

#define HEAD_MAX (64u << 10)

uint64_t world_random64(struct world *w)
{
	uint64_t r;

	w->random(w, &r, sizeof(r));
	return r;
}

void http_header_set(struct http_req *r, const char *name, const char *value)
{
	for (size_t i = 0; i < r->headers_n; i++)
		if (strcasecmp(r->headers[i].name, name) == 0) {
			r->headers[i].value = value;
			return;
		}
	assert(r->headers_n < HTTP_HEADERS_MAX);
	r->headers[r->headers_n++] = (struct http_header){ name, value };
}

bool http_header_get(const struct http_req *r, const char *name, struct buf *b)
{
	size_t n = strlen(name);

	buf_reset(b);
	for (const char *line = buf_str(&r->head); *line != '\0';) {
		size_t len = strcspn(line, "\n");

		if (len > n && line[n] == ':' && strncasecmp(line, name, n) == 0) {
			const char *v = line + n + 1;
			const char *end = line + len;

			while (v < end && (*v == ' ' || *v == '\t'))
				v++;
			/* Blanks around a value do not belong to it (RFC 9110, 5.5). */
			while (end > v && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
				end--;
			return buf_add(b, v, (size_t)(end - v)) == 0;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}

struct backoff_ask http_retry_after(const struct http_req *r, int64_t wall_ms)
{
	CLEANUP(buf_close) struct buf v = BUF_MAX(64), date = BUF_MAX(64);
	int64_t at = wall_ms;

	if (!http_header_get(r, "Retry-After", &v))
		return (struct backoff_ask){ 0 };
	if (http_header_get(r, "Date", &date))
		err_ignore(stamp_parse_http_any(buf_str(&date), wall_ms, &at, NULL), "our own clock counts then");
	return retry_after(buf_str(&v), at);
}

int http_req_check(struct http_req *r)
{
	bool goes_round = r->connect_to != NULL || r->proxy != NULL || r->unix_socket != NULL;

	if (r->reach == HTTP_ANYWHERE || (!goes_round && url_is_inside(r->url, r->reach == HTTP_INSIDE_OR_US)))
		return 0;
	return err_set(&r->err, ERR_DENIED, "%s is not sent: its url is no address inside the VPC", r->method);
}

void http_req_begin(struct http_req *r, void *impl, http_cb *cb)
{
	assert(r->impl == NULL && cb != NULL);
	r->impl = impl;
	r->cb = cb;
	r->status = 0;
	r->err = (struct err){ 0 };
	r->head.max = HEAD_MAX;
	buf_reset(&r->head);
	buf_reset(&r->body);
}

void http_req_close(struct http_req *r)
{
	assert(r->impl == NULL);
	buf_close(&r->body);
	buf_close(&r->head);
}

static void start(struct world *w, struct disk_req *r, struct disk_req ask, disk_cb *cb)
{
	assert(r->impl == NULL);
	/* Every member is set anew, so that nothing of an earlier request (an offset, a mode, an error) is left in this one. */
	*r = ask;
	r->asked_ms = world_now_ms(w);
	w->disk_start(w, r, cb);
}

void disk_append(struct world *w, struct disk_req *r, const char *path, uint64_t offset, const void *data, size_t len, disk_cb *cb)
{
	start(w, r, (struct disk_req){ .op = DISK_APPEND, .path = path, .offset = offset, .data = data, .len = len }, cb);
}

void disk_append_how(struct world *w, struct disk_req *r, const char *path, uint64_t offset, const void *data, size_t len,
		     bool is_durable, disk_cb *cb)
{
	struct disk_req d = { .op = DISK_APPEND, .path = path, .offset = offset, .data = data, .len = len, .lazy = !is_durable };

	start(w, r, d, cb);
}

void disk_replace(struct world *w, struct disk_req *r, const char *path, const void *data, size_t len, unsigned mode, disk_cb *cb)
{
	start(w, r, (struct disk_req){ .op = DISK_REPLACE, .path = path, .data = data, .len = len, .mode = mode }, cb);
}

void disk_truncate(struct world *w, struct disk_req *r, const char *path, uint64_t len, disk_cb *cb)
{
	start(w, r, (struct disk_req){ .op = DISK_TRUNCATE, .path = path, .offset = len }, cb);
}

void disk_unlink(struct world *w, struct disk_req *r, const char *path, disk_cb *cb)
{
	start(w, r, (struct disk_req){ .op = DISK_UNLINK, .path = path }, cb);
}

void disk_rename(struct world *w, struct disk_req *r, const char *path, const char *to, disk_cb *cb)
{
	start(w, r, (struct disk_req){ .op = DISK_RENAME, .path = path, .to = to }, cb);
}

void disk_list(struct world *w, struct disk_req *r, const char *dir, struct buf *names, disk_cb *cb)
{
	start(w, r, (struct disk_req){ .op = DISK_LIST, .path = dir, .names = names }, cb);
}

bool disk_exists(struct world *w, const char *path)
{
	struct disk_stat st;

	return w->disk_stat(w, path, &st, NULL) == 0;
}
