/* record_head.c - see record_head.h. */
#include "collectors/record_head.h"

#include <string.h>

#include "agent/base/mem.h"
#include "collectors/calendar.h"

#define DAY_S INT64_C(86400)

static const struct word {
	const char *text;
	uint8_t severity;
} words[] = { { "TRACE", 1 }, { "DEBUG", 5 }, { "INFO", 9 }, { "WARN", 13 }, { "ERROR", 17 }, { "FATAL", 21 } },
  letters[] = { { "I", 9 }, { "W", 13 }, { "E", 17 }, { "F", 21 } };

/* "2026-11-30 10:00:00,123 WARN ..." */
static struct record_head log4j(const char *s, size_t len, int32_t utc_offset_s)
{
	struct record_head st = { .word = "" };
	struct calendar t;
	size_t at = 23, n;

	if (len < at)
		return st;
	t = (struct calendar){ calendar_number(s, 4),      calendar_number(s + 5, 2),  calendar_number(s + 8, 2),
			       calendar_number(s + 11, 2), calendar_number(s + 14, 2), calendar_number(s + 17, 2),
			       calendar_number(s + 20, 3) };
	t.nano *= 1000000;
	st.time_ms = calendar_ms(&t, utc_offset_s);
	while (at < len && (s[at] == ' ' || s[at] == '['))
		at++;
	for (n = 0; at + n < len && s[at + n] >= 'A' && s[at + n] <= 'Z'; n++)
		;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (n == strlen(words[i].text) && memcmp(s + at, words[i].text, n) == 0) {
			st.severity = words[i].severity;
			st.word = words[i].text;
		}
	return st;
}

/* The year in which it comes nearest to now: a log of December is read in January. */
static void find_year(struct calendar *t, int32_t utc_offset_s, int64_t now_ms)
{
	int64_t year = 1970 + now_ms / 1000 / DAY_S * 400 / 146097, best = INT64_MAX;
	struct calendar w = *t;

	for (w.year = year - 1; w.year <= year + 1; w.year++) {
		int64_t ms = calendar_ms(&w, utc_offset_s), away = ms > now_ms ? ms - now_ms : now_ms - ms;

		if (ms != 0 && away < best) {
			best = away;
			t->year = w.year;
		}
	}
}

/* "W20261130 10:00:00.123456 ...", or "W1130 10:00:00.123456 ..." */
static struct record_head glog(const char *s, size_t len, int32_t utc_offset_s, int64_t now_ms)
{
	bool has_year = len > 5 && s[5] != ' ';
	size_t date = has_year ? 5 : 1, clock = has_year ? 10 : 6;
	struct record_head st = { .word = "" };
	struct calendar t = { 0 };

	if (len < clock + 15)
		return st;
	t = (struct calendar){ has_year ? calendar_number(s + 1, 4) : 0, calendar_number(s + date, 2),
			       calendar_number(s + date + 2, 2),         calendar_number(s + clock, 2),
			       calendar_number(s + clock + 3, 2),        calendar_number(s + clock + 6, 2),
			       calendar_number(s + clock + 9, 6) };
	t.nano *= 1000;
	if (!has_year)
		find_year(&t, utc_offset_s, now_ms);
	st.time_ms = calendar_ms(&t, utc_offset_s);
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (s[0] == letters[i].text[0]) {
			st.severity = letters[i].severity;
			st.word = letters[i].text;
		}
	return st;
}

struct record_head record_head_read(enum framing_format format, const char *record, size_t len, int32_t utc_offset_s,
				    int64_t now_ms)
{
	/* What does not begin as the format says has no head: the rest of a record that was too long, for one. */
	static const struct record_head none = { .word = "" };

	if (framing_format_says(format, record, len, true) != FRAMING_BEGINS)
		return none;
	switch (format) {
	case FRAMING_LOG4J:
		return log4j(record, len, utc_offset_s);
	case FRAMING_GLOG:
		return glog(record, len, utc_offset_s, now_ms);
	case FRAMING_LINES:
	case FRAMING_CRI: /* around it stands when, and nothing says how grave */
	case FRAMING_DOCKER:
		break;
	}
	return none;
}
