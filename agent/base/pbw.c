/* pbw.c - see pbw.h. Lengths are minimal varints: pbw_begin leaves one byte, and pbw_end moves the content when the length needs
 * more. Most messages of telemetry are shorter than 128 bytes, so the content seldom moves. */
#include "agent/base/pbw.h"

#include <string.h>

#define VARINT_MAX 10

static size_t put_varint(uint8_t to[VARINT_MAX], uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		to[n++] = (uint8_t)(v | 0x80);
	to[n++] = (uint8_t)v;
	return n;
}

static void add_varint(struct buf *b, uint64_t v)
{
	uint8_t bytes[VARINT_MAX];

	buf_add(b, bytes, put_varint(bytes, v));
}

static void add_tag(struct buf *b, unsigned field, enum pbr_type type)
{
	add_varint(b, (uint64_t)field << 3 | (unsigned)type);
}

void pbw_varint(struct buf *b, unsigned field, uint64_t v)
{
	add_tag(b, field, PBR_VARINT);
	add_varint(b, v);
}

void pbw_fixed64(struct buf *b, unsigned field, uint64_t v)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(v >> 8 * i);
	add_tag(b, field, PBR_FIXED64);
	buf_add(b, bytes, sizeof(bytes));
}

void pbw_double(struct buf *b, unsigned field, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	pbw_fixed64(b, field, bits);
}

void pbw_bytes(struct buf *b, unsigned field, const void *p, size_t len)
{
	add_tag(b, field, PBR_BYTES);
	add_varint(b, len);
	buf_add(b, p, len);
}

void pbw_str(struct buf *b, unsigned field, const char *s)
{
	pbw_bytes(b, field, s, strlen(s));
}

size_t pbw_bytes_len(size_t len)
{
	size_t n = 2 + len; /* the tag, and the last byte of the length */

	for (size_t more = len >> 7; more > 0; more >>= 7)
		n++;
	return n;
}

char *pbw_put_varint(char *at, uint64_t v)
{
	return at + put_varint((uint8_t *)at, v);
}

size_t pbw_begin(struct buf *b, unsigned field)
{
	add_tag(b, field, PBR_BYTES);
	buf_addc(b, '\0');
	return b->len;
}

void pbw_end(struct buf *b, size_t mark)
{
	uint8_t bytes[VARINT_MAX];
	size_t len, n;

	/* Where the buffer was over before pbw_begin, the byte before `mark` is not the one that was left for the length. */
	if (b->over)
		return;
	len = b->len - mark;
	n = put_varint(bytes, len);
	if (n > 1) {
		if (buf_room(b, n - 1) == NULL)
			return;
		buf_grew(b, n - 1);
		memmove(b->data + mark + n - 1, b->data + mark, len);
	}
	memcpy(b->data + mark - 1, bytes, n);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static int get_varint(struct pbr *r, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (r->at == r->end)
			return -ERR_INVALID;
		byte = *r->at++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = v;
			return 0;
		}
	}
	return -ERR_INVALID;
}

static int get_fixed(struct pbr *r, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	if ((size_t)(r->end - r->at) < len)
		return -ERR_INVALID;
	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)r->at[i] << 8 * i;
	r->at += len;
	*ret = v;
	return 0;
}

static int get_bytes(struct pbr *r, struct pbr_field *f)
{
	uint64_t len;

	TRY(get_varint(r, &len));
	if (len > (uint64_t)(r->end - r->at))
		return -ERR_INVALID;
	f->p = r->at;
	f->len = (size_t)len;
	r->at += len;
	return 0;
}

static int get_value(struct pbr *r, struct pbr_field *f)
{
	switch (f->type) {
	case PBR_VARINT:
		return get_varint(r, &f->value);
	case PBR_FIXED64:
		return get_fixed(r, 8, &f->value);
	case PBR_FIXED32:
		return get_fixed(r, 4, &f->value);
	case PBR_BYTES:
		return get_bytes(r, f);
	}
	/* Groups (wire types 3 and 4) and types that protobuf does not have. */
	return -ERR_INVALID;
}

int pbr_next(struct pbr *r, struct pbr_field *ret)
{
	struct pbr_field f = { 0 };
	uint64_t tag;

	if (r->at == r->end)
		return 0;
	TRY(get_varint(r, &tag));
	if (tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
		return -ERR_INVALID;
	f.number = (unsigned)(tag >> 3);
	f.type = (enum pbr_type)(tag & 7);
	TRY(get_value(r, &f));
	*ret = f;
	return 1;
}
