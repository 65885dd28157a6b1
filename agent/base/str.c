/* str.c - see str.h. */
#include "agent/base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool str_eq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && str_eq(s + n - m, suffix);
}

int str_copy(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (n >= size) {
		to[0] = '\0';
		return -ERR_LIMIT;
	}
	memcpy(to, from, n + 1);
	return 0;
}

bool str_is_id(const char *s, size_t max)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= max && s[n] == '\0' && s[0] != '-';
}

size_t str_utf8_len(const char *text, size_t left)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t n = s[0] < 0x80                   ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : (s[0] & 0xf0) == 0xe0       ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Behind E0 a byte below A0 makes an overlong form; behind ED one above 9F makes a surrogate (RFC 3629, section 4). */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
		return 0;
	/* Behind F0 a byte below 90 makes an overlong form; behind F4 one above 8F is beyond U+10FFFF. */
	if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* ---- ASCII, a row of words at a time: every line of a log passes here ---- */

typedef uint64_t words __attribute__((vector_size(16))); /* what each processor of ours has a register for */

#define ROW_BYTES 64
#define EACH(byte) (UINT64_MAX / 0xff * (byte))

static words load(const char *s)
{
	words w;

	memcpy(&w, s, sizeof(w));
	return w;
}

/* A byte's highest bit tells that it is not ASCII. With `no_nul` a NUL shows there, too: 1 is taken from each byte, and only of NUL
 * that leaves 0xff. (It borrows from the byte above it, so a row that is refused says nothing of where.) */
static bool is_row_ascii(const char *s, uint64_t less)
{
	words a = load(s), b = load(s + 16), c = load(s + 32), d = load(s + 48), bad;

	bad = (a | (a - less)) | (b | (b - less)) | (c | (c - less)) | (d | (d - less));
	return ((bad[0] | bad[1]) & EACH(0x80)) == 0;
}

static size_t ascii_len(const char *s, size_t len, bool no_nul)
{
	uint64_t less = no_nul ? EACH(0x01) : 0;
	size_t n = 0;

	while (len - n >= ROW_BYTES && is_row_ascii(s + n, less))
		n += ROW_BYTES;
	for (uint64_t w; len - n >= sizeof(w); n += sizeof(w)) {
		memcpy(&w, s + n, sizeof(w));
		if (((w | (w - less)) & EACH(0x80)) != 0)
			break;
	}
	while (n < len && (unsigned char)s[n] < 0x80 && !(no_nul && s[n] == '\0'))
		n++;
	return n;
}

size_t str_ascii_len(const char *s, size_t len)
{
	return ascii_len(s, len, false);
}

size_t str_plain_len(const char *s, size_t len)
{
	return ascii_len(s, len, true);
}

bool str_is_utf8(const char *s, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = str_ascii_len(s + at, len - at);
		if (n == 0)
			n = str_utf8_len(s + at, len - at);
		if (n == 0)
			return false;
	}
	return true;
}

/* C0, DELETE, and C1, which a terminal may obey too. */
bool str_is_control(const char *text)
{
	const uint8_t *s = (const uint8_t *)text;

	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/* U+202A to U+202E and U+2066 to U+2069: what follows is shown in another order than it stands. */
static bool turns_direction(const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text;

	return n == 3 && s[0] == 0xe2 &&
	       ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) || (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

bool str_turns_direction(const char *s, size_t len)
{
	for (size_t n; len > 0; s += n, len -= n) {
		n = str_utf8_len(s, len);
		if (turns_direction(s, n))
			return true;
		n = n == 0 ? 1 : n;
	}
	return false;
}

static void mend(char *s, bool to_one_line)
{
	for (size_t left = strlen(s), n; left > 0; s += n, left -= n) {
		n = str_utf8_len(s, left);
		if (n == 0)
			*s = '?';
		else if (turns_direction(s, n))
			memset(s, '?', n);
		else if (to_one_line && str_is_control(s))
			memset(s, ' ', n);
		n = n == 0 ? 1 : n;
	}
}

void str_mend(char *s)
{
	mend(s, false);
}

void str_one_line(char *s)
{
	mend(s, true);
}

int str_u64(const char *s, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	/* strtoull(3) passes over blanks, takes signs, and makes the largest number of "-1". */
	if (*s < '0' || *s > '9')
		return -ERR_INVALID;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno != 0 || *end != '\0')
		return -ERR_INVALID;
	*ret = v;
	return 0;
}

int str_i64(const char *s, int64_t *ret)
{
	char *end;
	long long v;

	/* strtoll(3) would pass over blanks and take a plus. */
	if (*s != '-' && (*s < '0' || *s > '9'))
		return -ERR_INVALID;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0')
		return -ERR_INVALID;
	*ret = v;
	return 0;
}

int str_double(const char *s, double *ret)
{
	char *end;
	double v;

	/* strtod(3) would take blanks, hexadecimal digits, "inf" and "nan". */
	if (*s == '\0' || strspn(s, "0123456789.-+eE") != strlen(s))
		return -ERR_INVALID;
	v = strtod(s, &end);
	if (*end != '\0' || !isfinite(v)) /* 1e999 is infinite */
		return -ERR_INVALID;
	*ret = v;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int number_with_unit(const char *s, const struct unit *units, uint64_t *ret)
{
	size_t digits = strspn(s, "0123456789");
	char number[24];
	uint64_t v;

	if (digits == 0 || digits >= sizeof(number))
		return -ERR_INVALID;
	memcpy(number, s, digits);
	number[digits] = '\0';
	TRY(str_u64(number, &v));
	for (const struct unit *u = units; u->name != NULL; u++) {
		if (!str_eq(s + digits, u->name))
			continue;
		if (v > UINT64_MAX / u->factor)
			return -ERR_INVALID;
		*ret = v * u->factor;
		return 0;
	}
	return -ERR_INVALID;
}

int str_duration(const char *s, uint64_t *ret_ms)
{
	static const struct unit units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
	};

	if (str_eq(s, "0")) {
		*ret_ms = 0;
		return 0;
	}
	return number_with_unit(s, units, ret_ms);
}

int str_size(const char *s, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "KiB", 1u << 10 }, { "MiB", 1u << 20 }, { "GiB", 1u << 30 }, { NULL, 0 },
	};

	return number_with_unit(s, units, ret_bytes);
}

/* Only the last star is ever tried again, so no pattern takes longer than its length times that of s. */
bool str_glob(const char *pattern, const char *s)
{
	const char *star = NULL, *tried = NULL;

	while (*s != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			tried = s;
		} else if (*pattern == '?' || *pattern == *s) {
			pattern++;
			s++;
		} else if (star != NULL) {
			pattern = star + 1;
			s = ++tried;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
