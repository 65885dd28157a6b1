/* detect.c - see detect.h: the table of detectors, and what their scanners share. */
#include "shippers/detect_impl.h"

#include <assert.h>

struct detector {
	bool (*next)(struct detect *d, size_t *from, size_t *to);
	const struct detect_clue *clues;
};

/* How grams and sets are written: sieve.h, byteset.h. */
/* clang-format off */
#define CLUES(...) ((const struct detect_clue[]){ __VA_ARGS__ { NULL, NULL, 0 } })
#define GRAM(text) { text, NULL, 0 }
#define HEX "[0-9A-Fa-f]"
#define SPACE " \t\r\n"

static const struct detector detectors[TELEMETRY_DETECTORS] = {
	[TELEMETRY_AWS_KEYS] = { detect_aws_next, CLUES({ "A[A-Z][A-Z]A", "[0-9A-Z]", 20 }, GRAM("~s~e~c~r"),) },
	[TELEMETRY_TOKENS] = { detect_tokens_next, CLUES(
		GRAM("eyJ"), GRAM("~b~e~a~r"), GRAM("gh[oprsu]_"), GRAM("_pat"), GRAM("lpat"), GRAM("xox[a-z]"), GRAM("xapp"),
		GRAM("k-[pa][rn]"), GRAM("[kr]k_[lt]"), GRAM("npm_"), GRAM("AIza"), GRAM("~p~a~s~s"), GRAM("~p~w~d"), GRAM("~s~e~c~r"),
		GRAM("~t~o~k~e"), GRAM("~a~p~i[_.kK-]"), GRAM("~s~s[_.kK-][kKeE]"), GRAM("~r~i~z~a"), GRAM("~c~r~e~d"), GRAM("~n~t~i~f"),
		GRAM("~n~a~t~u"), GRAM("://"),) },
	[TELEMETRY_PRIVATE_KEYS] = { detect_pem_next, CLUES(GRAM("--[BE][EN]"),) },
	[TELEMETRY_EMAIL] = { detect_email_next, CLUES(GRAM("[^ ]@[^ ]"),) },
	/* An address in full is longer than two numbers of eight hex digits with a colon between. */
	[TELEMETRY_IP] = { detect_ip_next, CLUES(
		GRAM("[0-9].[0-9][0-9.]"), GRAM("::" HEX), GRAM(HEX "::[^A-Za-z_]"), { HEX HEX HEX ":", "[0-9A-Fa-f:]", 18 },
		GRAM("~i~p-[0-9]"),) },
	[TELEMETRY_CARD_NUMBERS] = { detect_card_next, CLUES() },
	[TELEMETRY_SQL_LITERALS] = { detect_sql_next, CLUES(
		GRAM("'"), GRAM("[=<>][0-9.+\"-]"), GRAM("[=<>][" SPACE "][0-9.+\"" SPACE "-]"), GRAM("~i~n("),
		GRAM("~i~n[" SPACE "][(" SPACE "]"), GRAM("~u~e~s[(" SPACE "]"), GRAM("~l~i~k~e"),) },
};

#define D (DETECT_DIGIT | DETECT_HEX | DETECT_BASE64 | DETECT_TOKEN)
#define H (DETECT_LETTER | DETECT_HEX | DETECT_BASE64 | DETECT_TOKEN)
#define L (DETECT_LETTER | DETECT_BASE64 | DETECT_TOKEN)

const unsigned char detect_classes[256] = {
	['0' ... '9'] = D,
	['A' ... 'F'] = H, ['G' ... 'Z'] = L,
	['a' ... 'f'] = H, ['g' ... 'z'] = L,
	['_'] = DETECT_UNDER | DETECT_TOKEN,
	['-'] = DETECT_DASH | DETECT_TOKEN,
	['+'] = DETECT_BASE64 | DETECT_TOKEN, ['/'] = DETECT_BASE64 | DETECT_TOKEN,
	['.'] = DETECT_TOKEN, ['~'] = DETECT_TOKEN, ['='] = DETECT_TOKEN,
	[' '] = DETECT_SPACE, ['\t'] = DETECT_SPACE, ['\n'] = DETECT_SPACE, ['\r'] = DETECT_SPACE,
};
/* clang-format on */

struct detect detect_of(const char *s, size_t len)
{
	return (struct detect){ .s = s, .len = len };
}

bool detect_next(enum telemetry_detector which, struct detect *d, size_t *from, size_t *to)
{
	assert(which < TELEMETRY_DETECTORS);
	return d->at < d->len && detectors[which].next(d, from, to);
}

const char *detect_name(enum telemetry_detector which)
{
	static const char *const names[TELEMETRY_DETECTORS] = TELEMETRY_DETECTOR_NAMES;

	return names[which];
}

const struct detect_clue *detect_clues(enum telemetry_detector which)
{
	return detectors[which].clues;
}

/* ---- for the scanners ------------------------------------------------------------------------------------------------ */

size_t detect_run(const struct detect *d, size_t at, unsigned classes, size_t most)
{
	size_t end = d->len - at < most ? d->len : at + most;

	while (at < end && detect_is(classes, d->s[at]))
		at++;
	return at;
}

bool detect_word(const struct detect *d, size_t at, const char *word)
{
	for (; *word != '\0'; word++, at++)
		if (at >= d->len || (detect_is(DETECT_LETTER, d->s[at]) ? d->s[at] | 0x20 : d->s[at]) != *word)
			return false;
	return true;
}

#define MASK_MAX 128 /* of a rule's name and what stands around it */

size_t detect_mask(const struct detect *d, size_t at)
{
	size_t left = d->len - at;
	const char *s = d->s + at, *end;

	if (left < 8 || (memcmp(s, "[HMAC:", 6) != 0 && (left < 12 || memcmp(s, "[REDACTED:", 10) != 0)))
		return 0;
	end = memchr(s, ']', left < MASK_MAX ? left : MASK_MAX);
	if (end == NULL || memchr(s, ' ', (size_t)(end - s)) != NULL)
		return 0;
	return at + (size_t)(end - s) + 1;
}
