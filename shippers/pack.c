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

int pack_slice(struct pack *p, const struct buf *from, struct buf *to)
{
	size_t left = from->len - p->at, n = left > p->codec->slice ? p->codec->slice : left, used;
	int rc = p->codec->slice_in(p->state, from->data + p->at, n, n == left, to, &used);

	if (rc >= 0)
		p->at += used;
	return rc;
}

void pack_end(struct pack *p)
{
	if (p->state != NULL && p->codec->end != NULL)
		p->codec->end(p->state);
	mem_free(p->state);
	p->state = NULL;
}
