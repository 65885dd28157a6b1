/* pack.h - a body packed and unpacked in slices, so that no tick is long: a slice takes a millisecond or two. By gzip, or by zstd
 * where the configuration asks for it.
 *
 *     pack_begin(&p, PACK_IN, PACK_GZIP, all)      PACK_OUT: unpacks, and all says nothing
 *     while ((rc = pack_slice(&p, from, to)) == 0) ... the next tick
 *     pack_begin(&p, ...)          another one: the library's memory of the last one serves again, where it was of the same kind
 *     pack_end(&p)                 at any time, also twice */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "shippers/pieces.h"

struct pack_codec;

enum pack_way { PACK_IN, PACK_OUT };
enum pack_format { PACK_GZIP, PACK_ZSTD };
#define PACK_FORMATS 2

struct pack {
	const struct pack_codec *codec;
	void *state;      /* of the library; NULL: none, or ended */
	size_t piece, at; /* what went in: so many pieces, and so many bytes of the next one */
};

const char *pack_name(enum pack_format f);                       /* as Content-Encoding calls it */
const char *pack_suffix(enum pack_format f);                     /* of a file: ".gz" */
bool pack_is(enum pack_format f, const struct buf *b);           /* by its first bytes and its length */
uint64_t pack_raw_size(enum pack_format f, const struct buf *b); /* of what was packed, as it says itself; 0: it does not */
void pack_begin(struct pack *p, enum pack_way way, enum pack_format f,
		size_t all); /* p: zero at first; all: bytes that will go in */
/* 1: that was all; 0: there is more; -ERR_LIMIT: `to` is full, -ERR_INVALID: it was not of that format, or not all of it. */
int pack_slice(struct pack *p, const struct buf *from, struct buf *to);
int pack_pieces(struct pack *p, const struct pieces *from, struct buf *to); /* the same of several buffers */
void pack_end(struct pack *p);
