/* pieces.h - bytes that lie in several buffers, one behind the other: so a body is packed from where its records were written, and
 * not from a copy.
 *
 *     pieces_take(&p, &buf) ...     each piece's memory is taken over
 *     pieces_close(&p)              all of it freed
 *     pieces_give(&p, &spare)       or kept for the next ones */
#pragma once
#include <stddef.h>

#include "shippers/spare.h"

struct pieces {
	struct buf *v; /* none is empty */
	size_t n, len; /* len: of all */
};

void pieces_take(struct pieces *p, struct buf *b); /* b is empty then, with the limit that it had */
void pieces_give(struct pieces *p, struct spare *to);
void pieces_close(struct pieces *p);
