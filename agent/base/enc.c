/* enc.c - see enc.h. */
#include "agent/base/enc.h"

#include <string.h>

const char *enc_hex(const void *p, size_t len, char *to)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++) {
		to[2 * i] = digits[b[i] >> 4];
		to[2 * i + 1] = digits[b[i] & 15];
	}
	to[2 * len] = '\0';
	return to;
}

/* Any power-of-two base: the bits are taken `width` at a time, high ones first. */
static char *encode(const uint8_t *b, size_t len, unsigned width, const char *alphabet, char *to)
{
	uint32_t acc = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++) {
		acc = acc << 8 | b[i];
		for (bits += 8; bits >= width; bits -= width)
			*to++ = alphabet[acc >> (bits - width) & ((1u << width) - 1)];
		acc &= 0xffff;
	}
	if (bits > 0)
		*to++ = alphabet[acc << (width - bits) & ((1u << width) - 1)];
	*to = '\0';
	return to;
}

const char *enc_base64(const void *p, size_t len, char *to)
{
	char *end = encode(p, len, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", to);

	while ((end - to) % 4 != 0)
		*end++ = '=';
	*end = '\0';
	return to;
}

const char *enc_base64url(const void *p, size_t len, char *to)
{
	encode(p, len, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", to);
	return to;
}

const char *enc_base32(const void *p, size_t len, char *to)
{
	encode(p, len, 5, "abcdefghijklmnopqrstuvwxyz234567", to);
	return to;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int enc_unhex(const char *s, void *to, size_t len)
{
	uint8_t *b = to;

	if (strlen(s) != 2 * len)
		return -ERR_INVALID;
	for (size_t i = 0; i < len; i++) {
		int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -ERR_INVALID;
		b[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

int enc_unbase64_buf(const char *s, struct buf *b)
{
	size_t len = strlen(s);
	uint32_t acc = 0;
	unsigned bits = 0;

	while (len > 0 && s[len - 1] == '=')
		len--;
	/* Padding is there in full or not at all. A rest of one character has six bits, which are no byte. */
	if (len % 4 == 1 || (s[len] == '=' && strlen(s) != (len + 3) / 4 * 4))
		return -ERR_INVALID;
	for (size_t i = 0; i < len; i++) {
		int v = base64_digit(s[i]);

		if (v < 0)
			return -ERR_INVALID;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			TRY(buf_addc(b, (char)(acc >> bits)));
			acc &= (1u << bits) - 1;
		}
	}
	return acc == 0 ? 0 : -ERR_INVALID; /* bits beyond the last byte must be zero: else many texts say the same */
}

int enc_unbase64(const char *s, void *to, size_t len)
{
	struct buf b = BUF_MAX(len);
	/* A text that holds more than len bytes stops at the buffer's maximum. */
	int rc = enc_unbase64_buf(s, &b);

	if (rc == 0 && b.len != len)
		rc = -ERR_INVALID;
	if (rc == 0 && len > 0)
		memcpy(to, b.data, len);
	/* The bytes may be the secret half of a key. */
	if (b.data != NULL)
		explicit_bzero(b.data, b.cap);
	buf_close(&b);
	return rc == 0 ? 0 : -ERR_INVALID;
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	       c == '~';
}

void enc_percent(struct buf *to, const char *s, size_t len, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		/* A NUL is asked for by itself: strchr finds one at the end of any text. */
		if (is_unreserved(s[i]) || (c != '\0' && strchr(keep, c) != NULL))
			buf_addc(to, s[i]);
		else
			buf_add(to, (const char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
	}
}
