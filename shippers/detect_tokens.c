/* detect_tokens.c - what lets one in: tokens that are known by how they begin (JSON web tokens, those of GitHub, GitLab, Slack,
 * Stripe, npm, Google and their like), what stands behind `Bearer`, the password of a URL, and the value behind a key whose name
 * ends in password, passwd, pwd, passphrase, secret, token, api key, access key, credentials, authorization or X-Amz-Signature, or
 * goes on from there by _, -, a digit or a capital (secret_key, tokenValue). Key and value are joined by = or :, by => or :=, or
 * as --password VALUE and IDENTIFIED BY 'VALUE' do it. A value in quotes ends with them, another at a blank or what separates
 * values.
 *
 * Left: tokenizer=standard, tokens: 512, `bearer authentication`, null, true, stars, and masks. */
#include "shippers/detect_impl.h"

#define BEARER_MIN 8
#define BEARER_SURE 20 /* that long it needs no digit */
#define JWT_MIN 20
#define KEY_MORE 32 /* of a key's name behind the word */
#define BLANKS_MAX 8
#define TOKEN_MAX 4096
#define USER_MAX 256

struct prefix {
	const char *text;
	unsigned more; /* so many characters of a token at least */
};

/* By the documents of those who give them out. */
static const struct prefix prefixes[] = {
	{ "ghp_", 36 },     { "gho_", 36 },     { "ghu_", 36 },     { "ghs_", 36 },    { "ghr_", 36 },     { "github_pat_", 22 },
	{ "glpat-", 20 },   { "xoxb-", 10 },    { "xoxp-", 10 },    { "xoxa-", 10 },   { "xoxr-", 10 },    { "xoxs-", 10 },
	{ "xoxe-", 10 },    { "xoxe.", 10 },    { "xapp-", 10 },    { "sk-ant-", 16 }, { "sk-proj-", 16 }, { "sk_live_", 16 },
	{ "sk_test_", 16 }, { "rk_live_", 16 }, { "rk_test_", 16 }, { "npm_", 36 },    { "AIza", 35 },
};

/* Words that a key's name may hold, in lower case; - in one is _, - or nothing. */
static const char *const words[] = { "password",    "passwd",     "passwort",      "passphrase",     "passcode",
				     "pwd",         "secret",     "token",         "api-key",        "access-key",
				     "credentials", "credential", "authorization", "x-amz-signature" };

/* Values that tell nothing. */
static const char *const nothings[] = { "null", "nil", "none", "true", "false", "undefined", "empty" };

/* ---- known by how they begin ---- */

static bool find_prefix(const struct detect *d, size_t at, size_t *to)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const struct prefix *p = &prefixes[i];
		size_t n, end;

		if (p->text[0] != d->s[at])
			continue;
		n = strlen(p->text);
		if (d->len - at < n || memcmp(d->s + at, p->text, n) != 0)
			continue;
		end = detect_run(d, at + n, DETECT_WORD | DETECT_DASH, TOKEN_MAX);
		*to = end;
		if (end - at - n >= p->more)
			return true;
	}
	return false;
}

static bool find_jwt(const struct detect *d, size_t at, size_t *to)
{
	size_t end, part;

	if (d->len - at < JWT_MIN || memcmp(d->s + at, "eyJ", 3) != 0)
		return false;
	part = detect_run(d, at, DETECT_WORD | DETECT_DASH, TOKEN_MAX);
	if (!detect_has(d, part, '.') || !detect_at(d, part + 1, DETECT_WORD | DETECT_DASH))
		return false;
	for (end = part; detect_has(d, end, '.') && detect_at(d, end + 1, DETECT_WORD | DETECT_DASH);)
		end = detect_run(d, end + 1, DETECT_WORD | DETECT_DASH, TOKEN_MAX);
	*to = end;
	return end - at >= JWT_MIN;
}

static bool has_digit(const struct detect *d, size_t from, size_t to)
{
	while (from < to && !detect_is(DETECT_DIGIT, d->s[from]))
		from++;
	return from < to;
}

static size_t skip_blanks(const struct detect *d, size_t at)
{
	size_t end = at;

	while (end - at < BLANKS_MAX && (detect_has(d, end, ' ') || detect_has(d, end, '\t')))
		end++;
	return end;
}

static bool find_bearer(const struct detect *d, size_t at, size_t *from, size_t *to)
{
	size_t begin = skip_blanks(d, at + 6), end;

	if (begin == at + 6)
		return false;
	end = detect_run(d, begin, DETECT_TOKEN, TOKEN_MAX);
	*from = begin;
	*to = end;
	return end - begin >= BEARER_SURE || (end - begin >= BEARER_MIN && has_digit(d, begin, end));
}

/* At "://" of scheme://user:password@host: the password. */
static bool find_in_url(const struct detect *d, size_t at, size_t *from, size_t *to)
{
	size_t user = detect_run(d, at + 3, DETECT_WORD | DETECT_TOKEN, USER_MAX), end;

	if (!detect_has(d, user, ':'))
		return false;
	for (end = user + 1; end < d->len && end - user < USER_MAX && !detect_at(d, end, DETECT_SPACE); end++)
		if (d->s[end] == '@' || d->s[end] == '/' || d->s[end] == '"' || d->s[end] == '\'')
			break;
	*from = user + 1;
	*to = end;
	return detect_has(d, end, '@') && end > user + 1;
}

/* ---- a key and its value ---- */

/* Where the word ends; 0: another stands here. */
static size_t word_ends(const struct detect *d, size_t at, const char *word)
{
	for (; *word != '\0'; word++) {
		if (*word == '-') {
			at += detect_at(d, at, DETECT_UNDER | DETECT_DASH);
			continue;
		}
		if (!detect_at(d, at, DETECT_LETTER) || (d->s[at] | 0x20) != *word)
			return 0;
		at++;
	}
	return at;
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* A key whose name holds one of the words: where its name ends; 0: none. */
static size_t key_ends(const struct detect *d, size_t at)
{
	char second = at + 1 < d->len ? (char)(d->s[at + 1] | 0x20) : '\0';

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t end = words[i][0] == (d->s[at] | 0x20) && (words[i][1] == second || words[i][1] == '-')
				 ? word_ends(d, at, words[i])
				 : 0;

		if (end == 0)
			continue;
		/* tokenizer and TOKENIZER are other words; tokenValue is the token's value. */
		if (detect_at(d, end, DETECT_LETTER) && (is_lower(d->s[end]) || !is_lower(d->s[end - 1])))
			continue;
		return detect_run(d, end, DETECT_WORD | DETECT_DASH, KEY_MORE);
	}
	return 0;
}

static size_t skip_quote(const struct detect *d, size_t at)
{
	at += detect_has(d, at, '\\');
	return at + (detect_has(d, at, '"') || detect_has(d, at, '\'') || detect_has(d, at, '`'));
}

/* Behind what joins a key, which began at `key`, with its value; 0: nothing does. */
static size_t join_ends(const struct detect *d, size_t key, size_t at)
{
	size_t end = skip_blanks(d, skip_quote(d, at));
	bool is_option = detect_has(d, key, '-') && detect_has(d, key + 1, '-'); /* --password */

	if (detect_has(d, end, ':') || detect_has(d, end, '=')) {
		end++;
		end += detect_has(d, end, '=') || detect_has(d, end, '>');
		return skip_blanks(d, end);
	}
	if (detect_has(d, end, '(') && (detect_has(d, end + 1, '\'') || detect_has(d, end + 1, '"'))) /* PASSWORD('...') */
		return end + 1;
	return is_option && end > at ? end : 0;
}

/* Basic, Digest and so on: the value is behind it. */
static size_t skip_scheme(const struct detect *d, size_t at)
{
	static const char *const schemes[] = { "basic", "bearer", "digest", "negotiate", "token", "apikey", "reeve" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t end = at + strlen(schemes[i]);

		if (detect_word(d, at, schemes[i]) && (detect_has(d, end, ' ') || detect_has(d, end, '\t')))
			return skip_blanks(d, end);
	}
	return at;
}

/* In quotes, whose ends may be written \" (JSON in JSON). One that does not end goes to the end of the text. */
static size_t quoted_ends(const struct detect *d, size_t at, char quote, bool is_escaped)
{
	for (size_t i = at; i < d->len; i++) {
		if (d->s[i] == quote)
			return is_escaped && i > at && d->s[i - 1] == '\\' ? i - 1 : i;
		i += d->s[i] == '\\' && !is_escaped;
	}
	return d->len;
}

static bool ends_value(char c)
{
	return detect_is(DETECT_SPACE, c) || (c != '\0' && strchr(",;&)]}\"'`<>|", c) != NULL);
}

static size_t plain_ends(const struct detect *d, size_t at)
{
	while (at < d->len && !ends_value(d->s[at]))
		at++;
	return at;
}

static bool is_nothing(const struct detect *d, size_t from, size_t to)
{
	size_t stars = from;

	while (stars < to && d->s[stars] == '*')
		stars++;
	if (stars == to || detect_mask(d, from) == to)
		return true;
	for (size_t i = 0; i < sizeof(nothings) / sizeof(nothings[0]); i++)
		if (to - from == strlen(nothings[i]) && detect_word(d, from, nothings[i]))
			return true;
	return false;
}

static bool find_value(const struct detect *d, size_t at, size_t *from, size_t *to)
{
	bool is_escaped = detect_has(d, at, '\\');
	size_t quote = at + is_escaped;

	if (detect_has(d, quote, '"') || detect_has(d, quote, '\'') || detect_has(d, quote, '`')) {
		*from = skip_scheme(d, quote + 1);
		*to = quoted_ends(d, *from, d->s[quote], is_escaped);
	} else {
		*from = skip_scheme(d, at);
		*to = detect_mask(d, *from);
		if (*from < d->len && *to == 0)
			*to = plain_ends(d, *from);
	}
	return *to > *from && !is_nothing(d, *from, *to);
}

static bool find_pair(const struct detect *d, size_t at, size_t *from, size_t *to)
{
	size_t end = key_ends(d, at), begin = at, value;

	if (end == 0)
		return false;
	while (at - begin < KEY_MORE && detect_before(d, begin, DETECT_WORD | DETECT_DASH))
		begin--;
	value = join_ends(d, begin, end);
	return value != 0 && find_value(d, value, from, to);
}

/* SQL says it without a sign. */
static bool find_identified(const struct detect *d, size_t at, size_t *from, size_t *to)
{
	size_t end = at + 10, value;

	if (!detect_word(d, at, "identified"))
		return false;
	value = skip_blanks(d, end);
	if (value == end || !detect_word(d, value, "by"))
		return false;
	end = value + 2;
	value = skip_blanks(d, end);
	if (detect_word(d, value, "password"))
		value = skip_blanks(d, value + 8);
	return value > end && (detect_has(d, value, '\'') || detect_has(d, value, '"')) && find_value(d, value, from, to);
}

static bool find_at(const struct detect *d, size_t at, size_t *from, size_t *to)
{
	char c = d->s[at];

	if (c == ':')
		return d->len - at > 3 && d->s[at + 1] == '/' && d->s[at + 2] == '/' && find_in_url(d, at, from, to);
	*from = at;
	if (!detect_before(d, at, DETECT_WORD | DETECT_DASH) && find_jwt(d, at, to))
		return true;
	if (strchr("gxskrnA", c) != NULL && !detect_before(d, at, DETECT_WORD) && find_prefix(d, at, to))
		return true;
	if ((c | 0x20) == 'b')
		return detect_word(d, at, "bearer") && find_bearer(d, at, from, to);
	if ((c | 0x20) == 'i')
		return find_identified(d, at, from, to);
	return strchr("acpstxACPSTX", c) != NULL && find_pair(d, at, from, to);
}

bool detect_tokens_next(struct detect *d, size_t *from, size_t *to)
{
	/* What something here can begin with. */
	static const char heads[] = "abceginprstxABCEGINPRSTX:";

	for (; d->at < d->len; d->at++) {
		if (d->s[d->at] == '\0' || memchr(heads, d->s[d->at], sizeof(heads) - 1) == NULL)
			continue;
		if (find_at(d, d->at, from, to)) {
			d->at = *to;
			return true;
		}
	}
	return false;
}
