/* pack_zlib.c - gzip by zlib: it unpacks in every build, and packs where ISA-L was not there when the agent was built. Level 1, as
 * in agent/base/gzip.c. */
#include <assert.h>
#include <zlib.h>

#include "shippers/pack_impl.h"

#define GZIP_WINDOW (15 + 16)
#define SLICE (192u << 10)

/* ---- in ---- */

static void begin_in(void *state, size_t all)
{
	int rc = deflateInit2((z_stream *)state, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);

	assert(rc == Z_OK);
	(void)rc;
	(void)all;
}

/* A step of output. Z_BUF_ERROR is not fatal (zlib's manual): it wants more room or more input. */
static int step(z_stream *z, struct buf *to, int (*go)(z_stream *z, int flush), int flush)
{
	size_t room;
	char *at = pack_room(to, &room);
	int rc;

	if (at == NULL)
		return Z_MEM_ERROR;
	z->next_out = (Bytef *)at;
	z->avail_out = (uInt)room;
	rc = go(z, flush);
	buf_grew(to, room - z->avail_out);
	return rc == Z_BUF_ERROR ? Z_OK : rc;
}

/* Whether the end is missing: all is in, there is room, and no end came. */
static int what_came(int rc, bool is_missing)
{
	if (rc == Z_STREAM_END)
		return 1;
	if (rc == Z_MEM_ERROR)
		return -ERR_LIMIT;
	return rc != Z_OK || is_missing ? -ERR_INVALID : 0;
}

static int slice_in(void *state, const char *p, size_t n, bool is_last, struct buf *to, size_t *ret_used)
{
	z_stream *z = state;
	int rc;

	z->next_in = (Bytef *)p;
	z->avail_in = (uInt)n;
	do
		rc = step(z, to, deflate, is_last ? Z_FINISH : Z_NO_FLUSH);
	while (rc == Z_OK && z->avail_out == 0);
	*ret_used = n - z->avail_in;
	return what_came(rc, false);
}

static void again_in(void *state, size_t all)
{
	(void)all;
	deflateReset((z_stream *)state);
}

static void end_in(void *state)
{
	deflateEnd((z_stream *)state);
}

const struct pack_codec pack_zlib_in = { sizeof(z_stream), SLICE, begin_in, again_in, slice_in, end_in };

/* ---- out ---- */

static void begin_out(void *state, size_t all)
{
	int rc = inflateInit2((z_stream *)state, GZIP_WINDOW);

	assert(rc == Z_OK);
	(void)rc;
	(void)all;
}

static int slice_out(void *state, const char *p, size_t n, bool is_last, struct buf *to, size_t *ret_used)
{
	z_stream *z = state;
	size_t had = to->len;
	int rc;

	z->next_in = (Bytef *)p;
	z->avail_in = (uInt)n;
	do
		rc = step(z, to, inflate, Z_NO_FLUSH);
	while (rc == Z_OK && z->avail_out == 0 && to->len - had < SLICE);
	*ret_used = n - z->avail_in;
	return what_came(rc, is_last && z->avail_out > 0);
}

static void end_out(void *state)
{
	inflateEnd((z_stream *)state);
}

const struct pack_codec pack_zlib_out = { sizeof(z_stream), SIZE_MAX, begin_out, NULL, slice_out, end_out };
