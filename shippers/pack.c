/* pack.c - see pack.h. */
#include "shippers/pack.h"

#include "agent/base/mem.h"
#include "shippers/pack_impl.h"

static const struct pack_codec *codec_of(enum pack_way way)
{
	if (way == PACK_OUT)
		return &pack_zlib_out;
#ifdef REEVE_ISAL
	return &pack_isal_in;
#else
	return &pack_zlib_in;
#endif
}

void pack_begin(struct pack *p, enum pack_way way)
{
	*p = (struct pack){ .codec = codec_of(way) };
	p->state = mem_alloc(p->codec->state_size);
	p->codec->begin(p->state);
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
