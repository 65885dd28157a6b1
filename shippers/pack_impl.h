/* pack_impl.h - what packs and unpacks: one library a file. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

#define PACK_STEP 16384u /* of output at a time */

/* One way of one library. Its state is one block of memory, zero when it begins. */
struct pack_codec {
	size_t state_size;
	size_t slice;                           /* bytes of input, or of output when it unpacks, that take about a millisecond */
	void (*begin)(void *state, size_t all); /* all: bytes that will go in; unpacking: nothing */
	void (*again)(void *state,
		      size_t all); /* the same, in the state that another body has left; NULL: it cannot be used again */
	/* `n` bytes of input at `p`, the last ones when is_last, into `to`; *ret_used: how many went in.
	 * 1: that was all; 0: there is more; -ERR_LIMIT, -ERR_INVALID as pack_slice. */
	int (*slice_in)(void *state, const char *p, size_t n, bool is_last, struct buf *to, size_t *ret_used);
	void (*end)(void *state); /* NULL: nothing but the block */
};

extern const struct pack_codec pack_zlib_in, pack_zlib_out;
extern const struct pack_codec pack_isal_in; /* of builds with ISA-L alone */
extern const struct pack_codec pack_zstd_in, pack_zstd_out;
uint64_t pack_zstd_raw_size(const struct buf *b);

/* Room for a step of output, at most what `to` may still take; NULL: it is full. */
static inline char *pack_room(struct buf *to, size_t *ret_room)
{
	*ret_room = to->max - to->len < PACK_STEP ? to->max - to->len : PACK_STEP;
	return *ret_room > 0 ? buf_room(to, *ret_room) : NULL;
}
