/* pack.c - see pack.h. Level 1, as in agent/base/gzip.c. */
#include "shippers/pack.h"

#include <assert.h>

#define SLICE (192u << 10) /* of what is not packed; unpacking stops there too */
#define STEP 16384
#define GZIP_WINDOW (15 + 16)

void pack_begin(struct pack *p, enum pack_way way)
{
	int rc;

	*p = (struct pack){ .way = way };
	if (way == PACK_IN)
		rc = deflateInit2(&p->z, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
	else
		rc = inflateInit2(&p->z, GZIP_WINDOW);
	p->is_open = rc == Z_OK;
	assert(p->is_open);
}

/* A step of output; Z_OK: there may be more to write of what is in hand. */
static int step(struct pack *p, struct buf *to, int flush)
{
	size_t room = to->max - to->len < STEP ? to->max - to->len : STEP;
	int rc;

	p->z.next_out = room > 0 ? (Bytef *)buf_room(to, room) : NULL;
	if (p->z.next_out == NULL)
		return Z_MEM_ERROR;
	p->z.avail_out = (uInt)room;
	rc = p->way == PACK_IN ? deflate(&p->z, flush) : inflate(&p->z, Z_NO_FLUSH);
	buf_grew(to, room - p->z.avail_out);
	/* zlib's manual: this one is not fatal, it wants more room or more input. Whether the end is missing, what_came tells. */
	return rc == Z_BUF_ERROR ? Z_OK : rc;
}

static int what_came(int rc, bool is_all_in)
{
	if (rc == Z_STREAM_END)
		return 1;
	if (rc == Z_MEM_ERROR)
		return -ERR_LIMIT;
	/* All is in, there is room, and no end came: the bytes break off. */
	return rc != Z_OK || is_all_in ? -ERR_INVALID : 0;
}

int pack_slice(struct pack *p, const struct buf *from, struct buf *to)
{
	size_t left = from->len - p->at, n = p->way == PACK_IN && left > SLICE ? SLICE : left, had = to->len;
	bool is_last = n == left;
	int rc;

	p->z.next_in = (Bytef *)from->data + p->at;
	p->z.avail_in = (uInt)n;
	do
		rc = step(p, to, is_last ? Z_FINISH : Z_NO_FLUSH);
	while (rc == Z_OK && p->z.avail_out == 0 && (p->way == PACK_IN || to->len - had < SLICE));
	p->at += n - p->z.avail_in;
	return what_came(rc, is_last && p->z.avail_out > 0);
}

void pack_end(struct pack *p)
{
	if (p->is_open && p->way == PACK_IN)
		deflateEnd(&p->z);
	else if (p->is_open)
		inflateEnd(&p->z);
	p->is_open = false;
}
