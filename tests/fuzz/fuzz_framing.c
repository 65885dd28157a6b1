/* fuzz_framing.c - which line begins a record: the beginning of a line says nothing that the whole line does not, whether the
 * format or a pattern decides. What a record's head tells is a time that there is, and a severity that OTLP has. And of a line that
 * a container's runtime has wrapped the text is what JSON says it is, as long as it is said to be, and lies in the line. */
#include "agent/base/json.h"
#include "collectors/record_head.h"
#include "collectors/wrapped.h"
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
		{ .format = FRAMING_CRI },
		{ .format = FRAMING_DOCKER },
	};
	static struct framing *made[ARRAY_LEN(configs)];
	size_t i = choice % ARRAY_LEN(configs);

	if (made[i] == NULL)
		FUZZ_MUST(framing_new(&configs[i], &made[i], NULL) == 0);
	return made[i];
}

static void check(enum framing_format format, const char *s, size_t len, struct buf *text)
{
	struct wrapped w;

	buf_reset(text);
	if (!wrapped_read(format, s, len, &w)) {
		buf_adds(text, "?");
		return;
	}
	FUZZ_MUST(w.text >= s && w.text + w.len <= s + len && w.time_ns < 1000000 && w.stream < WRAPPED_STREAMS);
	FUZZ_MUST(wrapped_text(&w, text) == text->len && wrapped_text(&w, NULL) == text->len && text->len <= w.len);
	if (!w.is_piece)
		buf_addc(text, '\n');
}

/* What jansson takes for such a line we must take for one too, and for the same text. It knows no NUL, and no half of a pair. */
static void check_json(const char *s, size_t len, const struct buf *text)
{
	json_t *j = json_loadb(s, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *log = json_object_get(j, "log"), *stream = json_object_get(j, "stream"), *time = json_object_get(j, "time");
	const char *want = json_string_value(log);
	size_t n = json_string_length(log);

	if (want != NULL && memchr(s, '\n', len) == NULL && (stream == NULL || json_is_string(stream)) &&
	    (time == NULL || json_is_string(time))) {
		if (n >= 2 && want[n - 1] == '\n' && want[n - 2] == '\r') { /* the CR in front of the end is left out */
			FUZZ_MUST(text->len == n - 1 && memcmp(buf_str(text), want, n - 2) == 0);
		} else {
			FUZZ_MUST(text->len == n && memcmp(buf_str(text), want, n) == 0);
		}
	}
	json_decref(j);
}

static void wrapped(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);

	check(FRAMING_CRI, s, len, &text);
	check(FRAMING_DOCKER, s, len, &text);
	check_json(s, len, &text);
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
	h = record_head_read((enum framing_format)(choice % 5), s, len, (int32_t)(choice % 50400), INT64_C(1796032800000));
	FUZZ_MUST(h.severity <= 24 && h.word != NULL && (h.severity == 0) == (*h.word == '\0'));
	FUZZ_MUST(h.time_ms == 0 || (h.time_ms > -51000000 && h.time_ms < INT64_C(253402400000000)));
	wrapped(s, len);
}
