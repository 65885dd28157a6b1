/* tail_text.c - see tail_text.h. */
#include "collectors/tail_text.h"

#include <stdint.h>
#include <string.h>

#include "agent/base/str.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

size_t tail_text_cut(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	for (size_t back = 0; back < 4 && back <= max; back++) {
		const uint8_t *at = (const uint8_t *)s + max - back;

		if ((*at & 0xc0) != 0x80) /* a sequence starts here: all before it is whole */
			return max - back;
	}
	return max; /* not UTF-8 anyway */
}

int tail_text_clean(struct buf *b, const char *s, size_t len)
{
	const uint8_t *at = (const uint8_t *)s, *end = at + len;

	while (at < end) {
		size_t n = str_plain_len((const char *)at, (size_t)(end - at)); /* the usual case, in one piece */

		if (n > 0) {
			buf_add(b, at, n);
		} else if (*at == 0) {
			n = 1;
		} else if ((n = str_utf8_len((const char *)at, (size_t)(end - at))) > 0) {
			buf_add(b, at, n);
		} else {
			buf_adds(b, REPLACEMENT);
			n = 1;
		}
		at += n;
	}
	return b->over ? -ERR_LIMIT : 0;
}

size_t tail_text_nuls(const char *s, size_t len)
{
	const char *end = s + len, *at = s;
	size_t n = 0;

	while (at < end && (at = memchr(at, '\0', (size_t)(end - at))) != NULL) {
		n++;
		at++;
	}
	return n;
}

size_t tail_text_nul_run(const char *s, size_t len)
{
	size_t n = 0;

	if (len > 1 && s[0] == '\0' && memcmp(s, s + 1, len - 1) == 0) /* a hole may be very large */
		return len;
	while (n < len && s[n] == '\0')
		n++;
	return n;
}
