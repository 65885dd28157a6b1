/* pattern.c - see pattern.h. */
#include "agent/base/pattern.h"

int pattern_compile(const char *text, pcre2_code **ret, struct err *e)
{
	const uint32_t how = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	int code;
	pcre2_code *made = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, how, &code, &at, NULL);

	if (made == NULL) {
		pcre2_get_error_message(code, why, sizeof(why));
		return err_set(e, ERR_INVALID, "wrong at character %zu: %s", (size_t)at, (const char *)why);
	}
	*ret = made;
	return 0;
}

int pattern_check(const char *text, struct err *e)
{
	pcre2_code *made = NULL;

	TRY(pattern_compile(text, &made, e));
	pcre2_code_free(made);
	return 0;
}
