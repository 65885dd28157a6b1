/* pack.c - see pack.h. */
#include "shippers/pack.h"

#include <string.h>

#include "agent/base/mem.h"
#include "shippers/pack_impl.h"

#ifdef REEVE_ISAL
#define GZIP_IN pack_isal_in
#else
#define GZIP_IN pack_zlib_in
#endif

static const struct format {
	const char *name, *suffix, *magic;
	size_t least;                       /* bytes: a header and what ends it */
	const struct pack_codec *codecs[2]; /* by enum pack_way */
} formats[PACK_FORMATS] = {
	[PACK_GZIP] = { "gzip", ".gz", "\x1f\x8b", 18, { [PACK_IN] = &GZIP_IN, [PACK_OUT] = &pack_zlib_out } },
	[PACK_ZSTD] = { "zstd", ".zst", "\x28\xb5\x2f\xfd", 13, { [PACK_IN] = &pack_zstd_in, [PACK_OUT] = &pack_zstd_out } },
};

const char *pack_name(enum pack_format f)
{
	return formats[f].name;
}

const char *pack_suffix(enum pack_format f)
{
	return formats[f].suffix;
}

bool pack_is(enum pack_format f, const struct buf *b)
{
	return b->len >= formats[f].least && memcmp(b->data, formats[f].magic, strlen(formats[f].magic)) == 0;
}

/* gzip's is the trailer's (RFC 1952, ISIZE). */
uint64_t pack_raw_size(enum pack_format f, const struct buf *b)
{
	const unsigned char *end;

	if (!pack_is(f, b))
		return 0;
	if (f == PACK_ZSTD)
		return pack_zstd_raw_size(b);
	end = (const unsigned char *)b->data + b->len - 4;
	return end[0] | (uint64_t)end[1] << 8 | (uint64_t)end[2] << 16 | (uint64_t)end[3] << 24;
}

void pack_begin(struct pack *p, enum pack_way way, enum pack_format f, size_t all)
{
	const struct pack_codec *codec = formats[f].codecs[way];

	p->piece = p->at = 0;
	if (p->state != NULL && p->codec == codec && codec->again != NULL) {
		codec->again(p->state, all);
		return;
	}
	pack_end(p);
	p->codec = codec;
	p->state = mem_alloc(codec->state_size);
	codec->begin(p->state, all);
}

/* A slice ends with a piece at the latest. */
static int slice(struct pack *p, const struct buf *piece, bool is_last, struct buf *to)
{
	size_t left = piece->len - p->at, n = left > p->codec->slice ? p->codec->slice : left, used = 0;
	int rc = p->codec->slice_in(p->state, buf_str(piece) + p->at, n, is_last && n == left, to, &used);

	if (rc >= 0)
		p->at += used;
	return rc;
}

int pack_slice(struct pack *p, const struct buf *from, struct buf *to)
{
	return slice(p, from, true, to);
}

int pack_pieces(struct pack *p, const struct pieces *from, struct buf *to)
{
	static const struct buf nothing;
	size_t n = 0;
	int rc;

	/* Many pieces are small. */
	do {
		const struct buf *piece = p->piece < from->n ? &from->v[p->piece] : &nothing;
		size_t had = p->at;

		rc = slice(p, piece, p->piece + 1 >= from->n, to);
		n += p->at - had;
		if (rc == 0 && p->at == piece->len && p->piece + 1 < from->n) {
			p->piece++;
			p->at = 0;
		}
	} while (rc == 0 && n < p->codec->slice);
	return rc;
}

void pack_end(struct pack *p)
{
	if (p->state != NULL && p->codec->end != NULL)
		p->codec->end(p->state);
	mem_free(p->state);
	p->state = NULL;
}
