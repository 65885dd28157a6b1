/* wrapped.c - see wrapped.h. Docker's lines are read by hand: a parser that builds a tree of each would cost more than all else
 * that is done with a line, and jansson refuses the NUL that a program may print. */
#include "collectors/wrapped.h"

#include <string.h>

#include "agent/base/mem.h"
#include "collectors/calendar.h"

#define REPLACEMENT 0xfffdu
#define LF 10u
#define CR 13u

static const char *const streams[] = { [WRAPPED_STDOUT] = "stdout", [WRAPPED_STDERR] = "stderr" };

const char *wrapped_stream_name(enum wrapped_stream s)
{
	return streams[s];
}

static enum wrapped_stream stream_of(const char *s, size_t len)
{
	for (enum wrapped_stream i = WRAPPED_STDOUT; i < WRAPPED_STREAMS; i++)
		if (len == 6 && memcmp(s, streams[i], len) == 0)
			return i;
	return WRAPPED_NONE;
}

/* ---- CRI ------------------------------------------------------------------------------------------------------------------- */

/* P or F, and whatever other tags stand behind it, each after a colon. */
static bool read_tag(struct wrapped *w, const char *at, const char *end)
{
	if (at == end || (*at != 'P' && *at != 'F') || (at + 1 < end && at[1] != ' ' && at[1] != ':'))
		return false;
	w->is_piece = *at == 'P';
	while (at < end && *at != ' ')
		at++;
	w->text = at < end ? at + 1 : end;
	w->len = (size_t)(end - w->text);
	if (!w->is_piece && w->len > 0 && end[-1] == '\r')
		w->len--;
	return true;
}

static bool read_cri(const char *s, size_t len, struct wrapped *w)
{
	const char *end = s + len, *blank = memchr(s, ' ', len < 40 ? len : 40);

	if (blank == NULL || !calendar_rfc3339(s, (size_t)(blank - s), &w->time_ms, &w->time_ns))
		return false;
	if (end - blank < 8 || blank[7] != ' ')
		return false;
	w->stream = stream_of(blank + 1, 6);
	return w->stream != WRAPPED_NONE && read_tag(w, blank + 8, end);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------------ */

/* A string, without its quotes. */
struct text {
	const char *at;
	size_t len;
	bool has_escapes;
};

static int hex4(const char *s)
{
	int v = 0;

	for (size_t i = 0; i < 4; i++) {
		char c = s[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/* The escape at s: how many bytes it takes, 0: it is none. A \u is one unit of UTF-16. */
static size_t escape(const char *s, size_t len, unsigned *ret)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *name;
	int unit;

	if (len < 2)
		return 0;
	if (s[1] == 'u') {
		unit = len >= 6 ? hex4(s + 2) : -1;
		*ret = unit >= 0 ? (unsigned)unit : 0;
		return unit >= 0 ? 6 : 0;
	}
	name = s[1] != '\0' ? strchr(names, s[1]) : NULL;
	*ret = name != NULL ? (unsigned char)means[name - names] : 0;
	return name != NULL ? 2 : 0;
}

/* From its quote on; the place behind it, NULL: it is none. */
static const char *read_string(const char *at, const char *end, struct text *ret)
{
	const char *quote, *slash, *begin = at + 1;
	unsigned unit;
	size_t n;

	if (at >= end || *at != '"')
		return NULL;
	*ret = (struct text){ .at = begin };
	for (at = begin;; at = slash + n) {
		quote = memchr(at, '"', (size_t)(end - at));
		if (quote == NULL)
			return NULL;
		slash = memchr(at, '\\', (size_t)(quote - at));
		if (slash == NULL)
			break;
		ret->has_escapes = true;
		n = escape(slash, (size_t)(end - slash), &unit);
		if (n == 0)
			return NULL;
	}
	ret->len = (size_t)(quote - begin);
	return quote + 1;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* A value that nobody asks for: an object or a list is counted through by its brackets. */
static const char *skip_value(const char *at, const char *end)
{
	struct text unused;
	size_t depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = read_string(at, end, &unused);
			if (at == NULL)
				return NULL;
		} else if (depth == 0 && (*at == ',' || *at == '}')) {
			return at;
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			if (depth-- == 0)
				return NULL;
			at++;
		} else {
			at++;
		}
	}
	return NULL;
}

/* ---- Docker ---------------------------------------------------------------------------------------------------------------- */

struct docker {
	struct text log, stream, time; /* at NULL: not there */
};

static struct text *place_of(struct docker *d, const struct text *key)
{
	static const char *const keys[] = { "log", "stream", "time" };
	struct text *const places[] = { &d->log, &d->stream, &d->time };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (key->len == strlen(keys[i]) && memcmp(key->at, keys[i], key->len) == 0)
			return places[i];
	return NULL;
}

/* `"key":value`, and what comes behind it: a comma, or the end of the object. */
static const char *read_member(struct docker *d, const char *at, const char *end)
{
	struct text key, *place;

	at = read_string(at, end, &key);
	at = at != NULL ? skip_blanks(at, end) : end;
	if (at == end || *at != ':')
		return NULL;
	at = skip_blanks(at + 1, end);
	place = place_of(d, &key);
	if (place != NULL && place->at != NULL) /* twice: which one counts nobody knows */
		return NULL;
	at = place != NULL ? read_string(at, end, place) : skip_value(at, end);
	return at != NULL ? skip_blanks(at, end) : NULL;
}

static bool read_object(struct docker *d, const char *at, const char *end)
{
	at = skip_blanks(at, end);
	if (at == end || *at != '{')
		return false;
	do {
		at = read_member(d, skip_blanks(at + 1, end), end);
		if (at == NULL || at == end)
			return false;
	} while (*at == ',');
	return *at == '}' && skip_blanks(at + 1, end) == end;
}

/* The last escape of a text, where the text ends with it; 0: it does not. Backslashes are escapes themselves, so that is known only
 * from the first one on. */
static size_t ending(const struct text *t, unsigned *ret)
{
	const char *at = t->at, *end = t->at + t->len;
	size_t n = 0;

	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		n = escape(at, (size_t)(end - at), ret);
		at += n;
		if (at == end)
			return n;
	}
	return 0;
}

static bool ends_with(struct text *t, unsigned unit)
{
	unsigned last = 0;
	size_t n = t->has_escapes ? ending(t, &last) : 0;

	if (n == 0 || last != unit)
		return false;
	t->len -= n;
	return true;
}

static bool read_docker(const char *s, size_t len, struct wrapped *w)
{
	struct docker d = { 0 };

	if (!read_object(&d, s, s + len) || d.log.at == NULL)
		return false;
	w->is_piece = !ends_with(&d.log, LF);
	if (!w->is_piece)
		ends_with(&d.log, CR);
	w->text = d.log.at;
	w->len = d.log.len;
	w->has_escapes = d.log.has_escapes && memchr(w->text, '\\', w->len) != NULL;
	w->stream = d.stream.at != NULL ? stream_of(d.stream.at, d.stream.len) : WRAPPED_NONE;
	if (d.time.at != NULL && !calendar_rfc3339(d.time.at, d.time.len, &w->time_ms, &w->time_ns))
		w->time_ms = w->time_ns = 0;
	return true;
}

/* ---- both ------------------------------------------------------------------------------------------------------------------ */

bool wrapped_read(enum framing_format format, const char *line, size_t len, struct wrapped *ret)
{
	*ret = (struct wrapped){ 0 };
	return format == FRAMING_CRI ? read_cri(line, len, ret) : read_docker(line, len, ret);
}

static size_t put_utf8(struct buf *b, unsigned c)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3f));
	s[0] = (char)(n == 1 ? c : (0xf00u >> n) | c);
	if (b != NULL)
		buf_add(b, s, n);
	return n;
}

/* A character beyond the first 65,536 is two escapes. */
static size_t unescape(const char *at, const char *end, struct buf *b, size_t *ret_put)
{
	unsigned c = 0, low = 0;
	size_t n = escape(at, (size_t)(end - at), &c), more = 0;

	if (c >= 0xd800 && c < 0xdc00 && at + n < end && at[n] == '\\')
		more = escape(at + n, (size_t)(end - at) - n, &low);
	if (low >= 0xdc00 && low < 0xe000) {
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		n += more;
	} else if (c >= 0xd800 && c < 0xe000) {
		c = REPLACEMENT;
	}
	*ret_put += put_utf8(b, c);
	return n;
}

size_t wrapped_text(const struct wrapped *w, struct buf *b)
{
	const char *at = w->text, *end = at + w->len, *slash;
	size_t put = 0;

	while (at < end) {
		slash = w->has_escapes ? memchr(at, '\\', (size_t)(end - at)) : NULL;
		if (slash == NULL)
			slash = end;
		if (b != NULL)
			buf_add(b, at, (size_t)(slash - at));
		put += (size_t)(slash - at);
		at = slash;
		if (at < end)
			at += unescape(at, end, b, &put);
	}
	return put;
}
