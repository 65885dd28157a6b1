/* hmac_key.c - see hmac_key.h. */
#include "agent/ops/hmac_key.h"

#include "agent/base/buf.h"
#include "agent/base/mem.h"

bool hmac_key_is_wanted(const struct telemetry_rules *t)
{
	for (size_t i = 0; i < t->redact_n; i++)
		if (t->redact[i].action == TELEMETRY_HMAC)
			return true;
	for (size_t i = 0; i < TELEMETRY_DETECTORS; i++)
		if (t->detect[i].is_on && t->detect[i].action == TELEMETRY_HMAC)
			return true;
	return false;
}

static int check_mode(struct world *w, const char *path, struct err *e)
{
	struct disk_stat st;

	TRY(w->disk_stat(w, path, &st, e));
	if ((st.mode & 077) != 0)
		return err_set(e, ERR_DENIED, "%s is open to others than its owner (mode %04o); let it be 0600", path,
			       st.mode & 07777);
	return 0;
}

static int take(const struct buf *b, const char *path, struct secret *ret, struct err *e)
{
	size_t len = b->len;

	if (len > 0 && b->data[len - 1] == '\n')
		len--;
	if (len < HMAC_KEY_MIN)
		return err_set(e, ERR_INVALID, "%s has fewer than %d bytes, which can be guessed", path, HMAC_KEY_MIN);
	secret_set(ret, b->data, len);
	return 0;
}

int hmac_key_read(struct world *w, const char *path, const struct telemetry_rules *t, struct secret *ret, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(HMAC_KEY_MAX);
	int rc;

	if (path == NULL || !hmac_key_is_wanted(t))
		return 0;
	rc = check_mode(w, path, e);
	if (rc == 0)
		rc = disk_read_all(w, path, &b, e);
	if (rc == 0)
		rc = take(&b, path, ret, e);
	secret_wipe(b.data, b.cap);
	return rc == 0 ? 0 : err_wrap(e, rc, "telemetry.hmac_key_file");
}
