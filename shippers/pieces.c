/* pieces.c - see pieces.h. */
#include "shippers/pieces.h"

#include "agent/base/mem.h"

void pieces_take(struct pieces *p, struct buf *b)
{
	if (b->len > 0) {
		p->v = mem_grow(p->v, p->n + 1, sizeof(*p->v));
		p->v[p->n++] = *b;
		p->len += b->len;
		*b = BUF_MAX(b->max);
	} else {
		buf_close(b);
	}
}

void pieces_give(struct pieces *p, struct spare *to)
{
	for (size_t i = 0; i < p->n; i++)
		spare_give(to, &p->v[i]);
	mem_free(p->v);
	*p = (struct pieces){ 0 };
}

void pieces_close(struct pieces *p)
{
	for (size_t i = 0; i < p->n; i++)
		buf_close(&p->v[i]);
	mem_free(p->v);
	*p = (struct pieces){ 0 };
}
