/* fuzz_framing.c - which line begins a record: the beginning of a line says nothing that the whole line does not, whether the
 * format or a pattern decides. And what a record's head tells is a time that there is, and a severity that OTLP has. */
#include "collectors/record_head.h"
#include "tests/fuzz/fuzz.h"

static struct framing *of(size_t choice)
{
	static const struct framing_config configs[] = {
		{ .format = FRAMING_LINES },
		{ .format = FRAMING_LOG4J },
		{ .format = FRAMING_GLOG },
		{ .starts = "^\\[?\\d{4}(-\\d\\d){2}" },
		{ .continues = "^(\\s|Caused by:|\\.\\.\\.)" },
		{ .starts = "^(a+)+b" },
	};
	static struct framing *made[ARRAY_LEN(configs)];
	size_t i = choice % ARRAY_LEN(configs);

	if (made[i] == NULL)
		FUZZ_MUST(framing_new(&configs[i], &made[i], NULL) == 0);
	return made[i];
}

void fuzz_one(const char *s, size_t len)
{
	size_t choice = fuzz_choice(&s, &len);
	const struct framing *f = of(choice);
	enum framing_says whole = framing_says(f, s, len, true);
	struct record_head h;

	FUZZ_MUST(whole != FRAMING_UNKNOWN);
	for (size_t n = 0; n <= len && n < 700; n++) {
		enum framing_says part = framing_says(f, s, n, false);

		FUZZ_MUST(part == FRAMING_UNKNOWN || part == whole);
	}
	h = record_head_read((enum framing_format)(choice % 3), s, len, (int32_t)(choice % 50400), INT64_C(1796032800000));
	FUZZ_MUST(h.severity <= 24 && h.word != NULL && (h.severity == 0) == (*h.word == '\0'));
	FUZZ_MUST(h.time_ms == 0 || (h.time_ms > -51000000 && h.time_ms < INT64_C(253402400000000)));
}
