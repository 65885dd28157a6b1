/* stamp.c - see stamp.h. timegm (GNU) depends on neither locale nor TZ. */
#include "agent/base/stamp.h"
#include "agent/base/str.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct tm utc(int64_t wall_ms)
{
	/* C divides toward zero, which before 1970 would be the second after. */
	time_t s = (time_t)(wall_ms >= 0 ? wall_ms / 1000 : (wall_ms - 999) / 1000);
	struct tm tm = { 0 };

	gmtime_r(&s, &tm);
	return tm;
}

static int64_t within_years(int64_t wall_ms)
{
	return wall_ms < STAMP_MIN_MS ? STAMP_MIN_MS : wall_ms > STAMP_MAX_MS ? STAMP_MAX_MS : wall_ms;
}

const char *stamp_rfc3339(int64_t wall_ms, char to[STAMP_RFC3339_LEN])
{
	struct tm tm = utc(within_years(wall_ms));
	int ms = (int)(((within_years(wall_ms) % 1000) + 1000) % 1000);
	char sec[32];

	strftime(sec, sizeof(sec), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to, STAMP_RFC3339_LEN, "%.19s.%03dZ", sec, ms);
	return to;
}

const char *stamp_basic(int64_t wall_ms, char to[STAMP_BASIC_LEN])
{
	struct tm tm = utc(within_years(wall_ms));

	strftime(to, STAMP_BASIC_LEN, "%Y%m%dT%H%M%SZ", &tm);
	return to;
}

/* .5, .123, .123456789: milliseconds of a fraction, the rest is cut. */
static const char *parse_fraction(const char *s, int *ret_ms)
{
	int scale = 100;

	*ret_ms = 0;
	if (*s != '.')
		return s;
	for (s++; isdigit((unsigned char)*s); s++, scale /= 10)
		*ret_ms += (*s - '0') * scale; /* from the fourth digit on the scale is 0 */
	return s;
}

/* strptime takes the 30th of February, timegm makes it a day in March. Second 60 is a leap second, written by few. */
static int seconds_of(const struct tm *tm, int64_t *ret)
{
	struct tm copy = *tm;
	time_t s = timegm(&copy);

	if (copy.tm_mday != tm->tm_mday && tm->tm_sec < 60)
		return -ERR_INVALID;
	*ret = s;
	return 0;
}

/* "Z", "+02:00", "-03:30": how far it is ahead of UTC; -ERR_INVALID: none of these. */
static int parse_offset(const char *s, int *ret_s)
{
	int h, m;

	*ret_s = 0;
	if (str_eq(s, "Z"))
		return 0;
	if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' || strspn(s + 1, "0123456789") != 2 ||
	    strspn(s + 4, "0123456789") != 2)
		return -ERR_INVALID;
	h = (s[1] - '0') * 10 + s[2] - '0';
	m = (s[4] - '0') * 10 + s[5] - '0';
	if (h > 23 || m > 59)
		return -ERR_INVALID;
	*ret_s = (s[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return 0;
}

int stamp_parse_iso(const char *s, int64_t *ret_ms, struct err *e)
{
	struct tm tm = { 0 };
	const char *rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t seconds;
	int ms = 0, ahead_s = 0;

	if (rest != NULL)
		rest = parse_fraction(rest, &ms);
	if (rest == NULL || parse_offset(rest, &ahead_s) != 0 || seconds_of(&tm, &seconds) != 0)
		return err_set(e, ERR_INVALID, "not an ISO 8601 time with Z or an offset: \"%.40s\"", s);
	*ret_ms = (seconds - ahead_s) * 1000 + ms;
	return 0;
}

/* The year nearest to now with these last two digits: one that would be more than 50 years ahead is in the past. */
static void set_century(struct tm *tm, int64_t now_ms)
{
	int now = utc(within_years(now_ms)).tm_year;

	/* strptime(3) has put the two digits into a century of its own (69 to 99 are of the 1900s): only they count. */
	tm->tm_year = now - now % 100 + tm->tm_year % 100;
	if (tm->tm_year > now + 50)
		tm->tm_year -= 100;
	else if (tm->tm_year < now - 50)
		tm->tm_year += 100;
}

static bool is_form(const char *s, const char *form, struct tm *ret)
{
	const char *rest;

	/* strptime leaves alone what its format does not name. */
	*ret = (struct tm){ 0 };
	rest = strptime(s, form, ret);
	return rest != NULL && *rest == '\0';
}

static int http_ms(const char *s, const struct tm *tm, int64_t *ret_ms, struct err *e)
{
	int64_t seconds;

	if (seconds_of(tm, &seconds) != 0)
		return err_set(e, ERR_INVALID, "not an HTTP date: \"%.40s\"", s);
	*ret_ms = seconds * 1000;
	return 0;
}

#define IMF_FIXDATE "%a, %d %b %Y %H:%M:%S GMT"

int stamp_parse_http(const char *s, int64_t *ret_ms, struct err *e)
{
	struct tm tm;

	if (!is_form(s, IMF_FIXDATE, &tm))
		return err_set(e, ERR_INVALID, "not an HTTP date: \"%.40s\"", s);
	return http_ms(s, &tm, ret_ms, e);
}

int stamp_parse_http_any(const char *s, int64_t now_ms, int64_t *ret_ms, struct err *e)
{
	struct tm tm;

	/* asctime writes the 5th as " 5"; strptime passes over such blanks. */
	if (is_form(s, IMF_FIXDATE, &tm) || is_form(s, "%a %b %d %H:%M:%S %Y", &tm))
		return http_ms(s, &tm, ret_ms, e);
	if (!is_form(s, "%A, %d-%b-%y %H:%M:%S GMT", &tm))
		return err_set(e, ERR_INVALID, "not an HTTP date: \"%.40s\"", s);
	set_century(&tm, now_ms);
	return http_ms(s, &tm, ret_ms, e);
}
