/* retry_after.c - see retry_after.h. */
#include "agent/base/retry_after.h"

#include <string.h>

#include "agent/base/stamp.h"
#include "agent/base/str.h"

static bool read_digits(const char *s, uint64_t *ret)
{
	if (*s == '\0' || strspn(s, "0123456789") != strlen(s))
		return false;
	if (str_u64(s, ret) != 0)
		*ret = UINT64_MAX;
	return true;
}

struct backoff_ask retry_after_in_ms(const char *value)
{
	struct backoff_ask ask = { 0 };

	ask.is_said = read_digits(value, &ask.ms);
	return ask;
}

struct backoff_ask retry_after(const char *value, int64_t now_ms)
{
	struct backoff_ask ask = retry_after_in_ms(value);
	int64_t at;

	if (ask.is_said) {
		ask.ms = ask.ms <= UINT64_MAX / 1000 ? ask.ms * 1000 : UINT64_MAX;
	} else if (stamp_parse_http_any(value, now_ms, &at, NULL) == 0) {
		ask.is_said = ask.is_moment = true;
		/* A date that has passed asks for nothing, and then our own wait alone counts. */
		ask.ms = at > now_ms ? (uint64_t)at - (uint64_t)now_ms : 0;
	}
	return ask;
}
