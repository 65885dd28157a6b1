/* fuzz_rules.c - redaction: a pattern of the input's own, or of the table, on the rest of it. With the sieve and without it the
 * verdict and the text are the same; what comes out is UTF-8; a detector finds from left to right, and never the same byte twice.
 * */
#include "agent/base/str.h"
#include "shippers/detect.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/shippers/patterns.h"

static void must_find_in_order(const char *s, size_t len)
{
	for (enum telemetry_detector which = 0; which < TELEMETRY_DETECTORS; which++) {
		struct detect d = detect_of(s, len);
		size_t from, to, kept = 0;

		while (detect_next(which, &d, &from, &to)) {
			FUZZ_MUST(from >= kept && from < to && to <= len);
			FUZZ_MUST(str_is_utf8(s + from, to - from));
			kept = to;
		}
	}
}

/* The pattern ends with the first NUL. */
void fuzz_one(const char *s, size_t len)
{
	unsigned choice = fuzz_choice(&s, &len), one = fuzz_choice(&s, &len);
	const char *pattern = patterns[one % ARRAY_LEN(patterns)].text;
	bool is_drop = (choice & 1) != 0;

	(void)pieces;
	if ((choice & 2) != 0 && memchr(s, '\0', len) != NULL && strlen(s) < 64) {
		pattern = s;
		s += strlen(pattern) + 1;
		len -= strlen(pattern) + 1;
	}
	if (str_is_utf8(s, len))
		must_find_in_order(s, len);
	FUZZ_MUST(patterns_agree(is_drop ? pattern : NULL, is_drop ? NULL : pattern, (choice & 4) != 0, s, len));
}
