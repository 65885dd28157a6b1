/* detect_impl.h - what the scanners share: classes of bytes, and words found whatever their case. */
#pragma once
#include <string.h>

#include "shippers/detect.h"

enum {
	DETECT_DIGIT = 1,
	DETECT_HEX = 2,
	DETECT_LETTER = 4,
	DETECT_UNDER = 8,   /* _ */
	DETECT_DASH = 16,   /* - */
	DETECT_BASE64 = 32, /* letters, digits, + and / */
	DETECT_TOKEN = 64,  /* token68 of RFC 7235: letters, digits, -._~+/= */
	DETECT_SPACE = 128, /* blank, tab, line ends */
	DETECT_ALNUM = DETECT_DIGIT | DETECT_LETTER,
	DETECT_WORD = DETECT_ALNUM | DETECT_UNDER,
};

extern const unsigned char detect_classes[256];

static inline bool detect_is(unsigned classes, char c)
{
	return (detect_classes[(unsigned char)c] & classes) != 0;
}

/* Does the byte at `at` belong to one of these? There is none behind the text. */
static inline bool detect_at(const struct detect *d, size_t at, unsigned classes)
{
	return at < d->len && detect_is(classes, d->s[at]);
}

static inline bool detect_has(const struct detect *d, size_t at, char c)
{
	return at < d->len && d->s[at] == c;
}

/* The byte before `at`. */
static inline bool detect_before(const struct detect *d, size_t at, unsigned classes)
{
	return at > 0 && detect_is(classes, d->s[at - 1]);
}

/* Where the run of these classes that begins at `at` ends; it is not followed beyond `most` bytes. */
size_t detect_run(const struct detect *d, size_t at, unsigned classes, size_t most);
/* Does this word, given in lower case, stand here in whatever case? */
bool detect_word(const struct detect *d, size_t at, const char *word);
/* A mask of ours that begins here, [REDACTED:...] or [HMAC:...]: where it ends; 0: there is none. */
size_t detect_mask(const struct detect *d, size_t at);

bool detect_aws_next(struct detect *d, size_t *from, size_t *to);
bool detect_tokens_next(struct detect *d, size_t *from, size_t *to);
bool detect_pem_next(struct detect *d, size_t *from, size_t *to);
bool detect_email_next(struct detect *d, size_t *from, size_t *to);
bool detect_ip_next(struct detect *d, size_t *from, size_t *to);
bool detect_card_next(struct detect *d, size_t *from, size_t *to);
bool detect_sql_next(struct detect *d, size_t *from, size_t *to);
