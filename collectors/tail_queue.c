/* tail_queue.c - names that wait to be taken: those with a position first, then the oldest first.
 *
 * A binary heap, since a folder may hold very many names: adding and taking one are cheap each, where a sort of all would
 * hold up the loop. */
#include "collectors/tail_impl.h"

#include <string.h>

#include "agent/base/mem.h"

static bool is_before(const struct tail_candidate *a, const struct tail_candidate *b)
{
	if (a->claims != b->claims)
		return a->claims;
	if (a->mtime_ms != b->mtime_ms)
		return a->mtime_ms < b->mtime_ms;
	return strcmp(a->name, b->name) < 0;
}

static void swap(struct tail_queue *q, size_t i, size_t j)
{
	struct tail_candidate c = q->v[i];

	q->v[i] = q->v[j];
	q->v[j] = c;
}

static void sink_down(struct tail_queue *q, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < q->n; child++)
			if (is_before(&q->v[child], &q->v[least]))
				least = child;
		if (least == i)
			return;
		swap(q, i, least);
		i = least;
	}
}

void tail_queue_add(struct tail_queue *q, const struct tail_candidate *c)
{
	if (q->n == q->cap) {
		q->cap = q->cap > 0 ? 2 * q->cap : 16;
		q->v = mem_grow(q->v, q->cap, sizeof(*q->v));
	}
	q->v[q->n] = *c;
	q->v[q->n].as = mem_str(c->as);
	for (size_t i = q->n++; i > 0 && is_before(&q->v[i], &q->v[(i - 1) / 2]); i = (i - 1) / 2)
		swap(q, i, (i - 1) / 2);
}

bool tail_queue_take(struct tail_queue *q, struct tail_candidate *ret)
{
	if (q->n == 0)
		return false;
	*ret = q->v[0];
	q->v[0] = q->v[--q->n];
	sink_down(q, 0);
	return true;
}

void tail_queue_close(struct tail_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		mem_free(q->v[i].as);
	mem_free(q->v);
	*q = (struct tail_queue){ 0 };
}
