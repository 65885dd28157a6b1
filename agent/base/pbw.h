/* pbw.h - protobuf written straight into a buf, and read field by field; no tree, no generated code.
 *
 * Adders never fail by themselves: the buf remembers that something did not fit. Messages nest: what is added between
 * pbw_begin and pbw_end is the message's content, and they pair like brackets. */
#pragma once
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/base/buf.h"

void pbw_varint(struct buf *b, unsigned field, uint64_t v);
void pbw_fixed64(struct buf *b, unsigned field, uint64_t v); /* fixed64, sfixed64 */
void pbw_double(struct buf *b, unsigned field, double v);
void pbw_bytes(struct buf *b, unsigned field, const void *p, size_t len);
void pbw_str(struct buf *b, unsigned field, const char *s);
size_t pbw_begin(struct buf *b, unsigned field); /* a mark for pbw_end */
void pbw_end(struct buf *b, size_t mark);

/* The same into memory that has room, where lengths are known before: each answers with the place behind what it wrote. */
#define PBW_FIXED64_LEN 9         /* of a field below 16 */
size_t pbw_bytes_len(size_t len); /* of a field below 16: tag, length and so many bytes */
char *pbw_put_varint(char *at, uint64_t v);

enum pbr_type { PBR_VARINT = 0, PBR_FIXED64 = 1, PBR_BYTES = 2, PBR_FIXED32 = 5 };

/* Tag and length of a PBR_BYTES field. In the header, as the next one, because each line of a log passes them. */
static inline char *pbw_put_head(char *at, unsigned field, size_t len)
{
	if (field >= 16 || len >= 1u << 14)
		return pbw_put_varint(pbw_put_varint(at, (uint64_t)field << 3 | PBR_BYTES), len);
	*at++ = (char)(field << 3 | PBR_BYTES);
	if (len >= 1u << 7) {
		*at++ = (char)(len | 0x80);
		len >>= 7;
	}
	*at++ = (char)len;
	return at;
}

static inline char *pbw_put_fixed64(char *at, unsigned field, uint64_t v)
{
	at = pbw_put_varint(at, (uint64_t)field << 3 | PBR_FIXED64);
	v = htole64(v);
	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

struct pbr {
	const uint8_t *at, *end;
};

struct pbr_field {
	unsigned number;
	enum pbr_type type;
	uint64_t value; /* of all but PBR_BYTES */
	const void *p;
	size_t len;
};

static inline struct pbr pbr_of(const void *p, size_t n) /* p may be NULL when n is 0, as protobuf-c has it */
{
	const uint8_t *at = p != NULL ? p : (const uint8_t *)"";

	return (struct pbr){ at, at + n };
}

int pbr_next(struct pbr *r, struct pbr_field *ret); /* 1: a field, 0: the end, -ERR_INVALID */
