/* auth_file.c - see auth_file.h. */
#include "shippers/auth_file.h"

#include <string.h>
#include <strings.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/io/secret_file.h"

/* RFC 9110, a token. */
#define NAME_BYTES "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What a request is made of, and what names a batch. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = { "Host",           "Content-Type",      "Content-Encoding",
					    "Content-Length", "Transfer-Encoding", "TE",
					    "Trailer",        "Connection",        "Upgrade",
					    "Expect",         "Accept-Encoding",   "User-Agent",
					    "Reeve-Batch-Id", "Reeve-Proof" };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcasecmp(name, ours[i]) == 0)
			return true;
	return false;
}

static bool is_value(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
			return false;
	return true;
}

/* One line, without its end; it is written to. The sentence never shows the line: it may be the secret alone. */
static int take_line(char *line, struct export_proof *ret, struct err *e)
{
	char *colon, *value;

	line[strcspn(line, "\r")] = '\0';
	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return 0;
	colon = strchr(line, ':');
	if (colon == NULL || colon == line || strspn(line, NAME_BYTES) != (size_t)(colon - line))
		return err_set(e, ERR_INVALID, "no header such as `Authorization: Bearer ...`");
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	for (size_t n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
		value[n - 1] = '\0';
	if (is_ours(line))
		return err_set(e, ERR_INVALID, "the agent sets %s itself", line);
	if (*value == '\0' || !is_value(value))
		return err_set(e, ERR_INVALID, "the value of this header is empty or has bytes that are not printable ASCII");
	if (exporter_proof_add(ret, line, value) != 0)
		return err_set(e, ERR_INVALID,
			       "at most %d headers, each name shorter than %zu and each value shorter than %zu bytes",
			       EXPORT_HEADERS_MAX, sizeof(ret->headers[0].name), sizeof(ret->headers[0].value));
	return 0;
}

static int take(char *text, const char *path, struct export_proof *ret, struct err *e)
{
	unsigned n = 1;

	for (char *line = text, *next; line != NULL; line = next, n++) {
		int rc;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		rc = take_line(line, ret, e);
		if (rc != 0)
			return err_wrap(e, rc, "%s:%u", path, n);
	}
	return ret->headers_n > 0 ? 0 : err_set(e, ERR_INVALID, "%s has no header", path);
}

int auth_file_read(struct world *w, const char *path, struct export_proof *ret, struct err *e)
{
	CLEANUP(secret_close) struct secret s = { 0 };

	*ret = (struct export_proof){ 0 };
	TRY(secret_file_read(w, path, &s, e));
	if (memchr(s.bytes, '\0', s.len) != NULL)
		return err_set(e, ERR_INVALID, "%s has a NUL in it", path);
	return take((char *)s.bytes, path, ret, e);
}

int auth_file_sign(void *ctx, struct http_req *req, struct export_proof *p, struct err *e)
{
	const struct auth_file *a = ctx;

	(void)req;
	return auth_file_read(a->w, a->path, p, e);
}
