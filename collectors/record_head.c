/* record_head.c - see record_head.h. Nothing is half believed: a date that no calendar has is no time. */
#include "collectors/record_head.h"

#include <string.h>

#include "agent/base/mem.h"

#define DAY_S INT64_C(86400)

static const struct word {
	const char *text;
	uint8_t severity;
} words[] = { { "TRACE", 1 }, { "DEBUG", 5 }, { "INFO", 9 }, { "WARN", 13 }, { "ERROR", 17 }, { "FATAL", 21 } },
  letters[] = { { "I", 9 }, { "W", 13 }, { "E", 17 }, { "F", 21 } };

struct when {
	int64_t year, month, day, hour, minute, second, micro;
};

/* Every one of n digits; -1: they are not. */
static int64_t number(const char *s, size_t n)
{
	int64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar: years are counted from March, so that a leap day is the last one. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t days_in(int64_t year, int64_t month)
{
	return days_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) - days_of(year, month, 1);
}

/* 0: there is no such time. A leap second is the last one of its minute. */
static int64_t ms_of(const struct when *t, int32_t utc_offset_s)
{
	int64_t second = t->second == 60 ? 59 : t->second;

	if (t->year < 1970 || t->month < 1 || t->month > 12 || t->day < 1 || t->day > days_in(t->year, t->month))
		return 0;
	if (t->hour < 0 || t->hour > 23 || t->minute < 0 || t->minute > 59 || second < 0 || second > 59 || t->micro < 0)
		return 0;
	return (days_of(t->year, t->month, t->day) * DAY_S + t->hour * 3600 + t->minute * 60 + second - utc_offset_s) * 1000 +
	       t->micro / 1000;
}

/* "2026-11-30 10:00:00,123 WARN ..." */
static struct record_head log4j(const char *s, size_t len, int32_t utc_offset_s)
{
	struct record_head st = { .word = "" };
	struct when t;
	size_t at = 23, n;

	if (len < at)
		return st;
	t = (struct when){ number(s, 4),      number(s + 5, 2),  number(s + 8, 2), number(s + 11, 2),
			   number(s + 14, 2), number(s + 17, 2), number(s + 20, 3) };
	t.micro *= 1000;
	st.time_ms = ms_of(&t, utc_offset_s);
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
static void find_year(struct when *t, int32_t utc_offset_s, int64_t now_ms)
{
	int64_t year = 1970 + now_ms / 1000 / DAY_S * 400 / 146097, best = INT64_MAX;
	struct when w = *t;

	for (w.year = year - 1; w.year <= year + 1; w.year++) {
		int64_t ms = ms_of(&w, utc_offset_s), away = ms > now_ms ? ms - now_ms : now_ms - ms;

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
	struct when t = { 0 };

	if (len < clock + 15)
		return st;
	t = (struct when){ has_year ? number(s + 1, 4) : 0, number(s + date, 2),      number(s + date + 2, 2), number(s + clock, 2),
			   number(s + clock + 3, 2),        number(s + clock + 6, 2), number(s + clock + 9, 6) };
	if (!has_year)
		find_year(&t, utc_offset_s, now_ms);
	st.time_ms = ms_of(&t, utc_offset_s);
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

	if (format == FRAMING_LINES || framing_format_says(format, record, len, true) != FRAMING_BEGINS)
		return none;
	return format == FRAMING_LOG4J ? log4j(record, len, utc_offset_s) : glog(record, len, utc_offset_s, now_ms);
}
