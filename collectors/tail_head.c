/* tail_head.c - see tail_head.h. */
#include "collectors/tail_head.h"

#include <stdint.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define TAR_BLOCK 512
#define TAR_SUM_AT 148
#define TAR_SUM_LEN 8
#define STRICT_LEAST 64 /* of fewer bytes a quarter says nothing about the encoding, unless no more come */
#define LOOSE_LEAST 8
#define PROOF_BYTES 64 /* a magic that may be text must be followed by what is none within so many */
#define CPIO_NAME_BY 512
#define CPIO_DIGITS 75 /* at least, in front of the name */
#define DIGITS "0123456789"
#define BASE64 DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"

/* ---- known formats --------------------------------------------------------------------------------------------------------- */

/* is_text: a line of text may begin with these bytes, so they are believed together with others that none has. */
struct magic {
	const char *bytes;
	size_t len;
	enum tail_head is;
	bool is_text;
};

#define ARCHIVE(text)                                                                                                              \
	{                                                                                                                          \
		text, sizeof(text) - 1, TAIL_HEAD_ARCHIVE, false                                                                   \
	}
#define ARCHIVE_IN_TEXT(text)                                                                                                      \
	{                                                                                                                          \
		text, sizeof(text) - 1, TAIL_HEAD_ARCHIVE, true                                                                    \
	}
#define OTHER_IN_TEXT(text)                                                                                                        \
	{                                                                                                                          \
		text, sizeof(text) - 1, TAIL_HEAD_OTHER, true                                                                      \
	}
#define OTHER(text)                                                                                                                \
	{                                                                                                                          \
		text, sizeof(text) - 1, TAIL_HEAD_OTHER, false                                                                     \
	}

/* Of what rotates, packs or keeps logs, and of programs and pictures that a wide pattern meets. */
static const struct magic magics[] = {
	ARCHIVE("\x1f\x8b"), /* gzip */
	ARCHIVE("\x1f\x9d"), /* compress */
	ARCHIVE("\x1f\xa0"), /* compress -H */
	ARCHIVE("\x1f\x1e"), /* pack */
	ARCHIVE("\x78\x01"), /* zlib, by its usual levels */
	ARCHIVE("\x78\x9c"),
	ARCHIVE("\x78\xda"),
	ARCHIVE("\x28\xb5\x2f\xfd"),            /* zstd */
	ARCHIVE("\xfd\x37\x7a\x58\x5a"),        /* xz */
	ARCHIVE("BZh"),                         /* bzip2; see is_magic */
	ARCHIVE("\x04\x22\x4d\x18"),            /* lz4 */
	ARCHIVE("\x02\x21\x4c\x18"),            /* lz4, legacy */
	ARCHIVE("\xff\x06\x00\x00sNaPpY"),      /* snappy, framed */
	ARCHIVE("PK\x03\x04"),                  /* zip */
	ARCHIVE("PK\x05\x06"),                  /* zip, empty */
	ARCHIVE("PK\x07\x08"),                  /* zip, spanned */
	ARCHIVE("7z\xbc\xaf\x27\x1c"),          /* 7z */
	ARCHIVE("Rar!\x1a\x07"),                /* rar */
	ARCHIVE("LZIP\x01"),                    /* lzip */
	ARCHIVE("\x89LZO\x00\x0d\x0a\x1a\x0a"), /* lzop */
	ARCHIVE("\x5d\x00\x00"),                /* lzma */
	ARCHIVE("MSCF\x00\x00\x00\x00"),        /* cab */
	ARCHIVE("\xed\xab\xee\xdb"),            /* rpm */
	ARCHIVE_IN_TEXT("\xce\xb2\xcf\x81"),    /* brotli, framed: two letters of Greek */
	ARCHIVE("\xc7\x71"),                    /* cpio, binary */
	ARCHIVE("\x60\xea"),                    /* arj */
	ARCHIVE("LRZI\x00"),                    /* lrzip */
	ARCHIVE_IN_TEXT("bvx2"),                /* lzfse */
	ARCHIVE("7kSt\xa0\x31"),                /* zpaq */
	ARCHIVE("xar!\x00"),                    /* xar */
	ARCHIVE_IN_TEXT("hsqs"),                /* squashfs */
	ARCHIVE_IN_TEXT("Salted__"),            /* of openssl enc: what was packed, most often */
	OTHER("\xff\xfe"),                      /* UTF-16, UTF-32: their marks of byte order */
	OTHER("\xfe\xff"),
	OTHER("\xf7\x64\x4c"),     /* UTF-1 */
	OTHER("\xdd\x73\x66\x73"), /* UTF-EBCDIC */
	OTHER("\x0e\xfe\xff"),     /* SCSU */
	OTHER("\xfb\xee\x28"),     /* BOCU-1 */
	OTHER("\x84\x31\x95\x33"), /* GB 18030 */
	OTHER("\x7f"
	      "ELF"),
	OTHER_IN_TEXT("LPKSHHRH"), /* a journal of systemd */
	OTHER("SQLite format 3\x00"),
	OTHER("\x89PNG"),
	OTHER("\xd4\xc3\xb2\xa1"), /* captured packets */
	OTHER("\xa1\xb2\xc3\xd4"),
	OTHER("\x4d\x3c\xb2\xa1"),
	OTHER("\xa1\xb2\x3c\x4d"),
	OTHER("PAR1\x15"), /* parquet */
	OTHER("Obj\x01"),  /* avro */
};

/* ---- what no text has ------------------------------------------------------------------------------------------------------ */

static bool is_strange(uint8_t c)
{
	return c < 0x07 || (c > '\r' && c < ' ' && c != 0x1b) || c == 0x7f; /* terminals ring, move and colour by the others */
}

static size_t nul_run(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] == '\0')
		n++;
	return n;
}

/* The NULs of a hole, of which the last bytes may be the beginning: longer than those between the letters of any encoding. */
static size_t hole_here(const char *s, size_t len)
{
	size_t n = nul_run(s, len);

	return n >= TAIL_HOLE_BYTES || (n == len && n > 3) ? n : 0;
}

/* Behind a magic of `at` bytes: 1: bytes that no line of text has, 0: none, -1: they may come. A magic in front of a hole is a
 * short line. */
static int is_proved(const char *s, size_t len, size_t at)
{
	uint8_t next = at < len ? (uint8_t)s[at] : 0;
	size_t n;

	if ((next >= 0x80 && next < 0xc2) || next > 0xf4) /* begins no character */
		return 1;
	for (; at < len && at < PROOF_BYTES; at += n) {
		n = nul_run(s + at, len - at);
		if (n > 0 ? n < TAIL_HOLE_BYTES && at + n < len : is_strange((uint8_t)s[at]))
			return 1;
		n = n > 0 ? n : 1;
	}
	return len < PROOF_BYTES ? -1 : 0;
}

/* Compared as far as both go: 1: it is, 0: it is not, -1: it may become one. */
static int is_magic(const struct magic *m, const char *s, size_t len)
{
	size_t n = len < m->len ? len : m->len;

	if (memcmp(s, m->bytes, n) != 0)
		return 0;
	if (n < m->len)
		return -1;
	if (!str_eq(m->bytes, "BZh")) /* else a digit, then the mark of a block, or of the end */
		return m->is_text ? is_proved(s, len, m->len) : 1;
	if (len < 10)
		return -1;
	return s[3] >= '1' && s[3] <= '9' && (memcmp(s + 4, "1AY&SY", 6) == 0 || memcmp(s + 4, "\x17rE8P\x90", 6) == 0);
}

/* How many bytes from `at` on are of the set. */
static size_t run_of(const char *s, size_t len, size_t at, const char *set)
{
	size_t n = 0;

	while (at + n < len && s[at + n] != '\0' && strchr(set, s[at + n]) != NULL)
		n++;
	return n;
}

/* ---- formats whose head is text ---------------------------------------------------------------------------------------------- */

/* Its mark of byte order, in UTF-7: it ends there, or letters follow in the same run of base64, which ends with a dash. */
static int is_utf7(const char *s, size_t len)
{
	size_t n;

	if (memcmp(s, "+/v", len < 3 ? len : 3) != 0 || (len > 3 && run_of(s, 4, 3, "89+/") == 0))
		return 0;
	n = 3 + run_of(s, len < PROOF_BYTES ? len : PROOF_BYTES, 3, BASE64);
	if (n >= len || n >= PROOF_BYTES)
		return len < PROOF_BYTES ? -1 : 0;
	return s[n] == '-' && (n > 6 || (n == 4 && s[3] == '8'));
}

/* Its version stands at the end of a line; then comes a comment of bytes that are no text, or the first object. */
static int is_pdf(const char *s, size_t len)
{
	size_t n = 8;

	if (memcmp(s, "%PDF-", len < 5 ? len : 5) != 0)
		return 0;
	n += run_of(s, len < PROOF_BYTES ? len : PROOF_BYTES, n, " \r\n");
	if (len < n + 2)
		return len < PROOF_BYTES ? -1 : 0;
	if (s[6] != '.' || run_of(s, n, 8, " ") == n - 8)
		return 0;
	if (s[n] == '%')
		return (uint8_t)s[n + 1] >= 0x80;
	n += run_of(s, len < PROOF_BYTES ? len : PROOF_BYTES, n, DIGITS);
	return len < n + 6 ? -1 : memcmp(s + n, " 0 obj", 6) == 0;
}

/* The heading of its first member ends with two fixed bytes. */
static int is_ar(const char *s, size_t len)
{
	if (memcmp(s, "!<arch>\n", len < 8 ? len : 8) != 0)
		return 0;
	return len < 68 ? -1 : s[66] == '`' && s[67] == '\n';
}

/* A frame of zstd or lz4 that carries what its maker likes: 0x184D2A50 to 5F. */
static bool is_skippable_frame(const char *s, size_t len)
{
	return len >= 4 && ((uint8_t)s[0] & 0xf0) == 0x50 && memcmp(s + 1, "\x2a\x4d\x18", 3) == 0;
}

/* cpio as text, old and new: numbers, then a name that a NUL ends. */
static int is_cpio(const char *s, size_t len)
{
	size_t digits = len < CPIO_DIGITS ? len : CPIO_DIGITS;

	if (memcmp(s, "07070", len < 5 ? len : 5) != 0 || run_of(s, digits, 0, DIGITS "abcdefABCDEF") < digits)
		return 0;
	if (len <= CPIO_DIGITS)
		return -1;
	if (memchr(s + CPIO_DIGITS, '\0', len - CPIO_DIGITS) != NULL)
		return 1;
	return len < CPIO_NAME_BY ? -1 : 0;
}

/* All kinds of tar have a sum of their first block in it, taken with blanks in its own place. */
static bool is_tar(const char *s, size_t len)
{
	unsigned sum = TAR_SUM_LEN * ' ', said = 0;
	const char *at = s + TAR_SUM_AT, *end = at + TAR_SUM_LEN;

	if (len < TAR_BLOCK)
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i < TAR_SUM_AT || i >= TAR_SUM_AT + TAR_SUM_LEN ? (uint8_t)s[i] : 0;
	while (at < end && *at == ' ')
		at++;
	for (; at < end && *at >= '0' && *at <= '7'; at++)
		said = said * 8 + (unsigned)(*at - '0');
	return said == sum;
}

/* ---- text ------------------------------------------------------------------------------------------------------------------ */

const char *tail_head_hole(const char *s, size_t len)
{
	const char *end = s + len, *at = s, *run;

	while ((at = memchr(at, '\0', (size_t)(end - at))) != NULL) {
		for (run = at; run < end && *run == '\0'; run++)
			if (run - at + 1 == TAIL_HOLE_BYTES)
				return at;
		at = run;
	}
	return NULL;
}

bool tail_head_is_text(const char *s, size_t len, bool is_strict)
{
	size_t strange = 0, all = 0, step;

	for (size_t at = 0; at < len; at += step) {
		step = hole_here(s + at, len - at);
		if (step > 0)
			continue;
		step = 1;
		if ((uint8_t)s[at] >= 0x80) {
			size_t whole = str_utf8_len(s + at, len - at);

			strange += is_strict && whole == 0;
			step = whole > 0 ? whole : 1;
		} else {
			strange += is_strange((uint8_t)s[at]);
		}
		all += step;
	}
	return all < LOOSE_LEAST || strange * 4 < all;
}

/* ---- the judgement ----------------------------------------------------------------------------------------------------------- */

/* 1: it is, 0: it is not, -1: it may become one. */
static const struct {
	int (*look)(const char *s, size_t len);
	enum tail_head is;
} formats[] = {
	{ is_cpio, TAIL_HEAD_ARCHIVE },
	{ is_ar, TAIL_HEAD_ARCHIVE },
	{ is_pdf, TAIL_HEAD_OTHER },
	{ is_utf7, TAIL_HEAD_OTHER },
};

/* WAIT: it may become a known format. */
static enum tail_head by_magic(const char *s, size_t len)
{
	enum tail_head is = TAIL_HEAD_TEXT;

	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		int rc = is_magic(&magics[i], s, len);

		if (rc > 0)
			return magics[i].is;
		if (rc < 0)
			is = TAIL_HEAD_WAIT;
	}
	if (is_skippable_frame(s, len) || is_tar(s, len))
		return TAIL_HEAD_ARCHIVE;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		int rc = formats[i].look(s, len);

		if (rc > 0)
			return formats[i].is;
		if (rc < 0)
			is = TAIL_HEAD_WAIT;
	}
	return is;
}

/* With NULs in it, it may be the first name of a tar; with others that no text has, the first bytes of anything. */
static bool is_doubtful(const char *s, size_t len)
{
	if (memchr(s, '\0', len) != NULL)
		return len < TAR_BLOCK;
	for (size_t i = 0; i < len && len < STRICT_LEAST; i++)
		if (is_strange((uint8_t)s[i]))
			return true;
	return false;
}

enum tail_head tail_head_judge(const char *s, size_t len, bool is_final)
{
	enum tail_head is;

	if (len == 0)
		return TAIL_HEAD_WAIT;
	is = by_magic(s, len);
	/* Where no more bytes come, what may have become an archive is judged as the text that it is so far. */
	if (is != TAIL_HEAD_TEXT && (is != TAIL_HEAD_WAIT || !is_final))
		return is;
	if (!tail_head_is_text(s, len, is_final || len >= STRICT_LEAST))
		return TAIL_HEAD_OTHER;
	return !is_final && is_doubtful(s, len) ? TAIL_HEAD_WAIT : TAIL_HEAD_TEXT;
}
