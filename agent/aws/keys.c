/* keys.c - see keys.h. */
#include "agent/aws/keys.h"

#include <string.h>

#include "agent/base/stamp.h"
#include "agent/base/str.h"

#define SECRET_MAX 256
#define TOKEN_MAX (16u << 10)

static bool is_part(const char *s, size_t max)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return len > 0 && len <= max;
}

int keys_set(struct keys *k, const char *id, const char *secret, const char *token, const char *expires, struct err *e)
{
	int64_t expires_ms;

	if (!is_part(id, sizeof(k->id) - 1) || !is_part(secret, SECRET_MAX) || !is_part(token, TOKEN_MAX))
		return err_set(e, ERR_INVALID, "not a whole set of keys");
	TRY(stamp_parse_iso(expires, &expires_ms, e));
	if (expires_ms <= 0) /* 0 means never, which no answer may say */
		return err_set(e, ERR_INVALID, "keys that expired in %s", expires);
	/* Nothing is written before all parts are good: half a set beside half of the one before signs nothing. */
	str_copy(k->id, sizeof(k->id), id);
	secret_set(&k->secret, secret, strlen(secret));
	secret_set(&k->token, token, strlen(token));
	k->expires_ms = expires_ms;
	return 0;
}

void keys_copy(struct keys *to, const struct keys *from)
{
	/* Both may be the same set. */
	memmove(to->id, from->id, sizeof(to->id));
	secret_copy(&to->secret, &from->secret);
	secret_copy(&to->token, &from->token);
	to->expires_ms = from->expires_ms;
}

void keys_close(struct keys *k)
{
	if (k == NULL)
		return;
	secret_close(&k->secret);
	secret_close(&k->token);
	k->id[0] = '\0';
	k->expires_ms = 0;
}
