/* spare.c - see spare.h. */
#include "shippers/spare.h"

#include <assert.h>

/* The smallest that does; SPARE_MOST: none does. */
static size_t fitting(const struct spare *s, size_t want)
{
	size_t best = SPARE_MOST;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].cap > want && (best == SPARE_MOST || s->v[i].cap < s->v[best].cap))
			best = i;
	return best;
}

void spare_take(struct spare *s, struct buf *b, size_t want)
{
	size_t i = want < SPARE_FROM ? SPARE_MOST : fitting(s, want), max = b->max;

	assert(b->data == NULL);
	if (i == SPARE_MOST) {
		buf_room(b, want);
		return;
	}
	*b = s->v[i];
	b->max = max;
	s->v[i] = s->v[--s->n];
	buf_reset(b);
}

void spare_give(struct spare *s, struct buf *b)
{
	if (b->cap < SPARE_FROM || b->cap > SPARE_TO || s->n == SPARE_MOST) {
		buf_close(b);
		return;
	}
	s->v[s->n++] = *b;
	*b = BUF_MAX(b->max);
}

void spare_close(struct spare *s)
{
	while (s->n > 0)
		buf_close(&s->v[--s->n]);
}
