/* spare.h - large buffers that were let go of and are kept for the next ones of their size. Memory that comes fresh from the kernel
 * costs a page fault for every 4 KiB of it: for the bodies of a log that is read quickly that is half the time of packing them.
 *
 *     spare_take(&s, &buf, n)      buf, which has no memory, gets room for n bytes: that of a spare one, where there is one
 *     spare_give(&s, &buf)         buf has none then; a small one is freed
 *     spare_close(&s)              when the work is over, and at the end */
#pragma once
#include <stddef.h>

#include "agent/base/buf.h"

#define SPARE_FROM (128u << 10) /* bytes: what is smaller has its memory from the heap, which keeps it */
#define SPARE_TO (2u << 20)     /* what is larger is rare, and not kept */
#define SPARE_MOST 3

struct spare {
	struct buf v[SPARE_MOST];
	size_t n;
};

void spare_take(struct spare *s, struct buf *b, size_t want);
void spare_give(struct spare *s, struct buf *b);
void spare_close(struct spare *s);
