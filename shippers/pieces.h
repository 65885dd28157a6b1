/* pieces.h - bytes that lie in several buffers, one behind the other: so a body is packed from where its records were written, and
 * not from a copy.
 *
 *     pieces_take(&p, &buf) ...     each piece's memory is taken over
 *     pieces_close(&p)              all of it freed */
#pragma once
#include <stddef.h>

#include "agent/base/buf.h"

struct pieces {
	struct buf *v; /* none is empty */
	size_t n, len; /* len: of all */
};

void pieces_take(struct pieces *p, struct buf *b); /* b is empty then, with the limit that it had */
void pieces_close(struct pieces *p);
