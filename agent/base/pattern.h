/* pattern.h - a thin file over PCRE2: how the customer's patterns are compiled, for the policy, which reads them, and for the
 * shipper, which runs them. */
#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "agent/base/err.h"

/* UTF-8, without \C, and with a callout before each item, which is how a match is counted. The sentence says where it is
 * wrong and why; whoever knows the pattern's name puts it in front. pcre2_code_free is the caller's. */
int pattern_compile(const char *text, pcre2_code **ret, struct err *e);
int pattern_check(const char *text, struct err *e); /* would it compile? */
