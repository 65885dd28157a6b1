/* framing.c - see framing.h. The formats are matched byte by byte, patterns by PCRE2's interpreter under limits. */
#include "collectors/framing.h"

#include "agent/base/mem.h"
#include "agent/base/pattern.h"
#include "agent/base/str.h"

#define MATCH_LIMIT 20000
#define DEPTH_LIMIT 2000
#define HEAP_LIMIT_KIB 512

struct framing {
	enum framing_format format;
	pcre2_code *pattern; /* NULL: by the format */
	bool is_of_starts;   /* the pattern is of lines that begin a record, not of those that go on */
	pcre2_match_context *limits;
	pcre2_match_data *found;
};

int framing_new(const struct framing_config *c, struct framing **ret, struct err *e)
{
	const char *pattern = c->starts != NULL ? c->starts : c->continues;
	struct framing *f = mem_new(struct framing);
	int rc = pattern != NULL ? pattern_compile(pattern, &f->pattern, e) : 0;

	f->format = c->format;
	f->is_of_starts = c->starts != NULL;
	if (rc != 0) {
		framing_free(f);
		return err_wrap(e, rc, "%s", c->starts != NULL ? "starts" : "continues");
	}
	f->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(f->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(f->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(f->limits, HEAP_LIMIT_KIB);
	f->found = pcre2_match_data_create(1, NULL);
	*ret = f;
	return 0;
}

void framing_free(struct framing *f)
{
	if (f == NULL)
		return;
	pcre2_code_free(f->pattern);
	pcre2_match_context_free(f->limits);
	pcre2_match_data_free(f->found);
	mem_free(f);
}

bool framing_joins(const struct framing *f)
{
	return f != NULL && (f->pattern != NULL || f->format == FRAMING_LOG4J || f->format == FRAMING_GLOG);
}

/* ---- the formats ---------------------------------------------------------------------------------------------------------- */

/* One byte a place: '0' stands for a digit, 'S' for one of IWEF, 'T' for a blank or T, ',' for a comma or full stop; all others for
 * themselves. */
static bool fits(char place, char c)
{
	switch (place) {
	case '0':
		return c >= '0' && c <= '9';
	case 'S':
		return c == 'I' || c == 'W' || c == 'E' || c == 'F';
	case 'T':
		return c == ' ' || c == 'T';
	case ',':
		return c == ',' || c == '.';
	default:
		return c == place;
	}
}

static enum framing_says match(const char *shape, const char *line, size_t len, bool is_whole)
{
	size_t n = 0;

	for (; shape[n] != '\0' && n < len; n++)
		if (!fits(shape[n], line[n]))
			return FRAMING_GOES_ON;
	if (shape[n] == '\0')
		return FRAMING_BEGINS;
	return is_whole ? FRAMING_GOES_ON : FRAMING_UNKNOWN;
}

/* With the year, or without it. */
static enum framing_says glog_says(const char *line, size_t len, bool is_whole)
{
	enum framing_says says = match("S00000000 00:00:00.000000", line, len, is_whole);

	return says != FRAMING_GOES_ON ? says : match("S0000 00:00:00.000000", line, len, is_whole);
}

enum framing_says framing_format_says(enum framing_format format, const char *line, size_t len, bool is_whole)
{
	switch (format) {
	case FRAMING_LOG4J:
		return match("0000-00-00T00:00:00,000", line, len, is_whole);
	case FRAMING_GLOG:
		return glog_says(line, len, is_whole);
	case FRAMING_LINES:
	case FRAMING_CRI:
	case FRAMING_DOCKER:
		break;
	}
	return FRAMING_BEGINS;
}

/* ---- patterns -------------------------------------------------------------------------------------------------------------- */

/* Up to where it is UTF-8: a character that the look has torn is no part of it. */
static size_t text_len(const char *s, size_t len)
{
	size_t at = 0, n;

	for (; at < len; at += n) {
		n = str_ascii_len(s + at, len - at);
		if (n == 0)
			n = str_utf8_len(s + at, len - at);
		if (n == 0)
			break;
	}
	return at;
}

static enum framing_says pattern_says(const struct framing *f, const char *line, size_t len, bool is_whole)
{
	size_t look = text_len(line, len < FRAMING_LOOK ? len : FRAMING_LOOK);
	int rc;

	if (!is_whole && len < FRAMING_LOOK)
		return FRAMING_UNKNOWN;
	rc = pcre2_match(f->pattern, (PCRE2_SPTR)line, look, 0, PCRE2_NO_UTF_CHECK, f->found, f->limits);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		return FRAMING_BEGINS;
	return (rc >= 0) == f->is_of_starts ? FRAMING_BEGINS : FRAMING_GOES_ON;
}

enum framing_says framing_says(const struct framing *f, const char *line, size_t len, bool is_whole)
{
	return f->pattern != NULL ? pattern_says(f, line, len, is_whole) : framing_format_says(f->format, line, len, is_whole);
}
