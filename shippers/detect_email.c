/* detect_email.c - e-mail addresses: a local part of at most 64 bytes, letters of any alphabet in it, and a domain with a dot whose
 * last label is letters. Left: user@host, Object@1a2b3c4d, an address by number (detect_ip.c finds that). */
#include "shippers/detect_impl.h"

#define LOCAL_MAX 64
#define DOMAIN_MAX 253
#define LABEL_MAX 63

static bool is_local(char c)
{
	return (unsigned char)c >= 0x80 || detect_is(DETECT_WORD, c) || (c != '\0' && strchr(".%+-'!#$&*/?^`{|}~", c) != NULL);
}

static bool is_letter(char c)
{
	return (unsigned char)c >= 0x80 || detect_is(DETECT_LETTER, c);
}

/* Quotes, slashes and the like are allowed there, but stand much more often before an address than in it: it begins with a letter
 * or a digit behind them. */
static size_t local_begins(const struct detect *d, size_t least, size_t at)
{
	size_t begin = at, end = at;

	while (begin > least && end - begin < LOCAL_MAX && is_local(d->s[begin - 1]))
		begin--;
	while (begin < at && ((unsigned char)d->s[begin] & 0xc0) == 0x80) /* not amid a character */
		begin++;
	while (begin < at && !is_letter(d->s[begin]) && !detect_is(DETECT_DIGIT | DETECT_UNDER, d->s[begin]))
		begin++;
	return begin;
}

static size_t label_ends(const struct detect *d, size_t at)
{
	size_t end = at;

	while (end < d->len && end - at < LABEL_MAX && (is_letter(d->s[end]) || detect_is(DETECT_DIGIT | DETECT_DASH, d->s[end])))
		end++;
	return end;
}

static bool is_last(const struct detect *d, size_t from, size_t to)
{
	if (to - from > 4 && memcmp(d->s + from, "xn--", 4) == 0)
		return true;
	for (size_t i = from; i < to; i++)
		if (!is_letter(d->s[i]))
			return false;
	return to - from >= 2;
}

/* Where the domain ends: behind the last label that may be the last of one; 0: it is none. */
static size_t domain_ends(const struct detect *d, size_t at)
{
	size_t first = at, found = 0;

	while (at < d->len && at - first < DOMAIN_MAX) {
		size_t end = label_ends(d, at);

		if (end == at)
			break;
		if (at > first && is_last(d, at, end))
			found = end;
		if (!detect_has(d, end, '.'))
			break;
		at = end + 1;
	}
	while (found > 0 && found < d->len &&
	       ((unsigned char)d->s[found] & 0xc0) == 0x80) /* a label too long ends amid a character */
		found--;
	return found;
}

bool detect_email_next(struct detect *d, size_t *from, size_t *to)
{
	size_t least = d->at;
	const char *next;

	while ((next = memchr(d->s + d->at, '@', d->len - d->at)) != NULL) {
		size_t at = (size_t)(next - d->s), begin = local_begins(d, least, at), end = domain_ends(d, at + 1);

		d->at = at + 1;
		if (begin == at || end == 0)
			continue;
		*from = begin;
		*to = d->at = end;
		return true;
	}
	d->at = d->len;
	return false;
}
