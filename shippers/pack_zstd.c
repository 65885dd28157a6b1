/* pack_zstd.c - zstd by its own library, level 1: smaller bodies than gzip's for about the same time. A frame carries its checksum,
 * so that `zstd -t` tells a torn one, and the size of what is in it. */
#include <assert.h>
#include <zstd.h>

#include "shippers/pack_impl.h"

#define LEVEL 1
#define SLICE (256u << 10)
/* Of what is unpacked: the memory that a body may ask for is 2 MiB. And of what is packed: a body of the usual size lies in the
 * window as a whole, which takes a tenth less time than one that goes round in a window of 512 KiB, as level 1 has it. */
#define WINDOW_LOG 21

/* ---- in ---- */

struct in {
	ZSTD_CCtx *c;
};

static void begin_in(void *state, size_t all)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();

	assert(c != NULL);
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setPledgedSrcSize(c, all);
	((struct in *)state)->c = c;
}

static void again_in(void *state, size_t all)
{
	ZSTD_CCtx *c = ((struct in *)state)->c;

	ZSTD_CCtx_reset(c, ZSTD_reset_session_only);
	ZSTD_CCtx_setPledgedSrcSize(c, all);
}

static int slice_in(void *state, const char *p, size_t n, bool is_last, struct buf *to, size_t *ret_used)
{
	ZSTD_CCtx *c = ((struct in *)state)->c;
	ZSTD_inBuffer in = { p, n, 0 };
	ZSTD_outBuffer out;
	size_t left;

	do {
		out = (ZSTD_outBuffer){ 0 };
		out.dst = pack_room(to, &out.size);
		if (out.dst == NULL)
			return -ERR_LIMIT;
		left = ZSTD_compressStream2(c, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
		assert(!ZSTD_isError(left)); /* all errors speak of how it was called (zstd.h) */
		buf_grew(to, out.pos);
	} while (in.pos < in.size || (is_last && left > 0));
	*ret_used = in.pos;
	return is_last;
}

static void end_in(void *state)
{
	ZSTD_freeCCtx(((struct in *)state)->c);
}

uint64_t pack_zstd_raw_size(const struct buf *b)
{
	unsigned long long size = ZSTD_getFrameContentSize(b->data, b->len);

	return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? 0 : size;
}

const struct pack_codec pack_zstd_in = { sizeof(struct in), SLICE, begin_in, again_in, slice_in, end_in };

/* ---- out ---- */

struct out {
	ZSTD_DCtx *d;
};

static void begin_out(void *state, size_t all)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();

	(void)all;
	assert(d != NULL);
	ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, WINDOW_LOG);
	((struct out *)state)->d = d;
}

static int slice_out(void *state, const char *p, size_t n, bool is_last, struct buf *to, size_t *ret_used)
{
	ZSTD_DCtx *d = ((struct out *)state)->d;
	ZSTD_inBuffer in = { p, n, 0 };
	ZSTD_outBuffer out;
	size_t had = to->len, left;

	do {
		out = (ZSTD_outBuffer){ 0 };
		out.dst = pack_room(to, &out.size);
		if (out.dst == NULL)
			return -ERR_LIMIT;
		left = ZSTD_decompressStream(d, &out, &in);
		if (ZSTD_isError(left))
			return -ERR_INVALID;
		buf_grew(to, out.pos);
	} while (left > 0 && out.pos == out.size && to->len - had < SLICE);
	*ret_used = in.pos;
	if (left == 0)
		return 1;
	/* There was room, all is in, and the frame has not ended: its end is missing. */
	return is_last && out.pos < out.size ? -ERR_INVALID : 0;
}

static void end_out(void *state)
{
	ZSTD_freeDCtx(((struct out *)state)->d);
}

const struct pack_codec pack_zstd_out = { sizeof(struct out), SIZE_MAX, begin_out, NULL, slice_out, end_out };
