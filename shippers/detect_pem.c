/* detect_pem.c - private keys in PEM: from -----BEGIN ... PRIVATE KEY----- to the end of its -----END line, whatever stands
 * between: lines, or \n as JSON writes them. Of a key that is cut off all the rest of the text is found; of one whose beginning is
 * not there, the base64 before its END. Left: certificates and public keys. */
#include "shippers/detect_impl.h"

#define LABEL_MAX 64

static const char dashes[] = "-----";
#define DASHES (sizeof(dashes) - 1)

static bool has(const struct detect *d, size_t at, const char *text)
{
	size_t n = strlen(text);

	return d->len - at >= n && memcmp(d->s + at, text, n) == 0;
}

/* "-----BEGIN RSA PRIVATE KEY-----", or with END: where it ends; 0: it is none. */
static size_t border(const struct detect *d, size_t at, const char *word)
{
	size_t label, end;

	if (!has(d, at, dashes) || !has(d, at + DASHES, word))
		return 0;
	label = at + DASHES + strlen(word);
	for (end = label; end < d->len && end - label < LABEL_MAX && (d->s[end] == ' ' || detect_is(DETECT_ALNUM, d->s[end]));
	     end++)
		;
	if (!has(d, end, dashes) || memmem(d->s + label, end - label, "PRIVATE KEY", 11) == NULL)
		return 0;
	return end + DASHES;
}

/* Back over what a key consists of, as far as nothing was found before. */
static size_t body_begins(const struct detect *d, size_t least, size_t at)
{
	while (at > least && (detect_before(d, at, DETECT_BASE64 | DETECT_SPACE) || d->s[at - 1] == '=' || d->s[at - 1] == '\\'))
		at--;
	while (detect_at(d, at, DETECT_SPACE))
		at++;
	return at;
}

/* The END that belongs to a BEGIN which ends at `at`; a text that ends before is a key to its end. */
static size_t find_end(const struct detect *d, size_t at)
{
	const char *end = memmem(d->s + at, d->len - at, "-----END ", 9), *more;

	if (end == NULL)
		return d->len;
	more = memmem(end + 9, (size_t)(d->s + d->len - end - 9), dashes, DASHES);
	return more != NULL ? (size_t)(more - d->s) + DASHES : d->len;
}

bool detect_pem_next(struct detect *d, size_t *from, size_t *to)
{
	size_t least = d->at;
	const char *next;

	while ((next = memmem(d->s + d->at, d->len - d->at, dashes, DASHES)) != NULL) {
		size_t at = (size_t)(next - d->s), begin = border(d, at, "BEGIN "), end = begin != 0 ? 0 : border(d, at, "END ");

		if (begin == 0 && end == 0) {
			d->at = at + 1;
			continue;
		}
		*from = begin != 0 ? at : body_begins(d, least, at);
		*to = begin != 0 ? find_end(d, begin) : end;
		d->at = *to;
		return true;
	}
	d->at = d->len;
	return false;
}
