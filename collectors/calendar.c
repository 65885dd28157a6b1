/* calendar.c - see calendar.h. */
#include "collectors/calendar.h"

#define DAY_S INT64_C(86400)
#define NS_PER_MS 1000000

int64_t calendar_number(const char *s, size_t n)
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

int64_t calendar_ms(const struct calendar *t, int32_t utc_offset_s)
{
	int64_t second = t->second == 60 ? 59 : t->second;

	if (t->year < 1970 || t->month < 1 || t->month > 12 || t->day < 1 || t->day > days_in(t->year, t->month))
		return 0;
	if (t->hour < 0 || t->hour > 23 || t->minute < 0 || t->minute > 59 || second < 0 || second > 59 || t->nano < 0)
		return 0;
	return (days_of(t->year, t->month, t->day) * DAY_S + t->hour * 3600 + t->minute * 60 + second - utc_offset_s) * 1000 +
	       t->nano / NS_PER_MS;
}

/* ---- RFC 3339 -------------------------------------------------------------------------------------------------------------- */

/* The digits behind the full stop; how many bytes they take with it, 0: there are none, or too many. */
static size_t fraction(const char *s, size_t len, int64_t *ret_nano)
{
	size_t n = 1;
	int64_t v = 0;

	for (; n < len && n <= 9 && s[n] >= '0' && s[n] <= '9'; n++)
		v = v * 10 + (s[n] - '0');
	if (n == 1)
		return 0;
	for (size_t i = n; i <= 9; i++)
		v *= 10;
	*ret_nano = v;
	return n;
}

static bool zone(const char *s, size_t len, int32_t *ret_s)
{
	int64_t hours, minutes;

	*ret_s = 0;
	if (len == 1 && s[0] == 'Z')
		return true;
	if (len != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':')
		return false;
	hours = calendar_number(s + 1, 2);
	minutes = calendar_number(s + 4, 2);
	*ret_s = (int32_t)((s[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60));
	return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
}

bool calendar_rfc3339(const char *s, size_t len, int64_t *ret_ms, uint32_t *ret_ns)
{
	size_t at = 19;
	struct calendar t;
	int32_t offset_s;

	if (len <= at || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':')
		return false;
	t = (struct calendar){ calendar_number(s, 4),
			       calendar_number(s + 5, 2),
			       calendar_number(s + 8, 2),
			       calendar_number(s + 11, 2),
			       calendar_number(s + 14, 2),
			       calendar_number(s + 17, 2),
			       0 };
	if (s[at] == '.') {
		size_t n = fraction(s + at, len - at, &t.nano);

		if (n == 0)
			return false;
		at += n;
	}
	if (!zone(s + at, len - at, &offset_s))
		return false;
	*ret_ms = calendar_ms(&t, offset_s);
	*ret_ns = (uint32_t)(t.nano % NS_PER_MS);
	return *ret_ms != 0;
}
