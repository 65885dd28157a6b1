/* hmac_key.c - see hmac_key.h. */
#include "agent/ops/hmac_key.h"

#include "agent/base/mem.h"
#include "agent/io/secret_file.h"

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

static int take(const struct secret *s, const char *path, struct secret *ret, struct err *e)
{
	size_t len = s->len;

	if (len > 0 && s->bytes[len - 1] == '\n')
		len--;
	if (len < HMAC_KEY_MIN)
		return err_set(e, ERR_INVALID, "%s has fewer than %d bytes, which can be guessed", path, HMAC_KEY_MIN);
	secret_set(ret, s->bytes, len);
	return 0;
}

int hmac_key_read(struct world *w, const char *path, const struct telemetry_rules *t, struct secret *ret, struct err *e)
{
	CLEANUP(secret_close) struct secret s = { 0 };
	int rc;

	if (path == NULL || !hmac_key_is_wanted(t))
		return 0;
	rc = secret_file_read(w, path, &s, e);
	if (rc == 0)
		rc = take(&s, path, ret, e);
	return rc == 0 ? 0 : err_wrap(e, rc, "telemetry.hmac_key_file");
}
