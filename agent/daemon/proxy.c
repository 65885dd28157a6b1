/* proxy.c - see proxy.h. What is read is shown by no sentence and wiped where it was read. */
#include "agent/daemon/proxy.h"

#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"

static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return true;
}

/* RFC 7617: the user's name has no colon, the password may, and neither has a control character. */
static int take(const char *s, size_t len, const char *path, struct http_proxy *p, struct err *e)
{
	size_t line, user;

	line = strcspn(s, "\r\n");
	user = strcspn(s, ":");
	if (user == 0 || user >= line || (line < len && s[line] == '\0') || !is_plain(s, line))
		return err_set(e, ERR_INVALID, "%s: its first line is not user:password", path);
	secret_set(&p->pair, s, line);
	return 0;
}

int proxy_load(struct world *w, const char *dir, struct http_proxy *p, struct err *e)
{
	CLEANUP(mem_close) char *path = NULL;
	CLEANUP(buf_close) struct buf b = BUF_MAX(HTTP_PAIR_MAX);
	int rc;

	if (dir == NULL || p->place == NULL)
		return 0;
	path = mem_printf("%s/" PROXY_CREDENTIAL, dir);
	rc = disk_read_all(w, path, &b, e);
	if (rc == 0)
		rc = take(buf_str(&b), b.len, path, p, e);
	if (b.data != NULL)
		secret_wipe(b.data, b.cap);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}
