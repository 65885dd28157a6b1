/* detect_aws.c - keys of AWS.
 *
 * Ids: AKIA, ASIA, AROA, AIDA and their like, with the 16 or more capitals and digits behind them. What stands before does not
 * matter: %3DAKIA... is one, too. Secret keys: 40 characters of base64 by themselves, at most LOOK bytes behind the word `secret`.
 * Left: 40 characters that no such word announces (a SHA-1, a piece of a path). */
#include "shippers/detect_impl.h"

#define ID_LEN 20
#define ID_MAX 64
#define SECRET_LEN 40
#define LOOK 64

/* By the letters two and three: IAM's list of unique id prefixes. */
static bool is_prefix(const char *s)
{
	static const char all[][3] = { "BI", "CC", "GP", "ID", "IP", "KI", "NP", "NV", "PK", "RO", "SC", "SI" };

	if (s[3] != 'A')
		return false;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (s[1] == all[i][0] && s[2] == all[i][1])
			return true;
	return false;
}

static bool is_capital(char c)
{
	return detect_is(DETECT_DIGIT, c) || (c >= 'A' && c <= 'Z');
}

static bool find_id(struct detect *d, size_t at, size_t *to)
{
	size_t end = at;

	if (d->len - at < ID_LEN || !is_prefix(d->s + at))
		return false;
	while (end < d->len && end - at < ID_MAX && is_capital(d->s[end]))
		end++;
	*to = end;
	return end - at >= ID_LEN;
}

/* A word such as aws_secret_access_key before, and between them what joins a key and its value. */
static bool find_secret(struct detect *d, size_t at, size_t *from, size_t *to)
{
	size_t look = at + LOOK < d->len ? at + LOOK : d->len;

	while (at < look) {
		size_t end = detect_run(d, at, DETECT_BASE64, SECRET_LEN + 1);

		if (end - at == SECRET_LEN) {
			*from = at;
			*to = end;
			return true;
		}
		at = (end - at > SECRET_LEN ? look : end) + 1;
	}
	return false;
}

bool detect_aws_next(struct detect *d, size_t *from, size_t *to)
{
	for (; d->at < d->len; d->at++) {
		size_t at = d->at;

		if (d->s[at] == 'A' && find_id(d, at, to)) {
			*from = at;
			d->at = *to;
			return true;
		}
		if ((d->s[at] | 0x20) == 's' && detect_word(d, at, "secret") && find_secret(d, at + 6, from, to)) {
			d->at = *to;
			return true;
		}
	}
	return false;
}
