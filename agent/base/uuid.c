/* uuid.c - see uuid.h. */
#include "agent/base/uuid.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/digest.h"
#include "agent/base/enc.h"

void uuid_v7(int64_t wall_ms, const uint8_t random[10], uint8_t to[UUID_LEN])
{
	for (int i = 0; i < 6; i++)
		to[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
	memcpy(to + 6, random, 10);
	to[6] = (uint8_t)((to[6] & 0x0f) | 0x70); /* version 7 */
	to[8] = (uint8_t)((to[8] & 0x3f) | 0x80); /* the variant of RFC 9562 */
}

void uuid_v8(const char *text, uint8_t to[UUID_LEN])
{
	struct digest d = digest_of(text, strlen(text));

	memcpy(to, d.b, UUID_LEN);
	to[6] = (uint8_t)((to[6] & 0x0f) | 0x80); /* version 8 */
	to[8] = (uint8_t)((to[8] & 0x3f) | 0x80);
}

int64_t uuid_v7_ms(const uint8_t id[UUID_LEN])
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id[i];
	return ms;
}

bool uuid_is_v7(const uint8_t id[UUID_LEN])
{
	return (id[6] & 0xf0) == 0x70 && (id[8] & 0xc0) == 0x80;
}

const char *uuid_text(const uint8_t id[UUID_LEN], char to[UUID_TEXT_LEN])
{
	char hex[ENC_HEX_LEN(UUID_LEN)];

	enc_hex(id, UUID_LEN, hex);
	snprintf(to, UUID_TEXT_LEN, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return to;
}

int uuid_parse(const char *s, uint8_t to[UUID_LEN])
{
	char hex[ENC_HEX_LEN(UUID_LEN)];
	size_t n = 0;

	if (strlen(s) != UUID_TEXT_LEN - 1)
		return -ERR_INVALID;
	for (size_t i = 0; s[i] != '\0'; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return -ERR_INVALID;
			continue;
		}
		hex[n++] = s[i];
	}
	hex[n] = '\0';
	return enc_unhex(hex, to, UUID_LEN);
}
