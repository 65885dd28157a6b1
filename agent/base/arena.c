/* arena.c - a chain of chunks, the newest first. */
#include "agent/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"

#define CHUNK 4096

struct chunk {
	struct chunk *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

struct arena {
	struct chunk *chunks;
	size_t total, max;
};

struct arena *arena_new_sized(size_t max)
{
	struct arena *a = mem_new(struct arena);

	a->max = max;
	return a;
}

void arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (a == NULL)
		return;
	for (c = a->chunks; c != NULL; c = next) {
		next = c->next;
		mem_free(c);
	}
	mem_free(a);
}

size_t arena_left(const struct arena *a)
{
	return a->max - a->total;
}

void *arena_alloc(struct arena *a, size_t len)
{
	size_t need = (len + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct chunk *c = a->chunks;
	void *p;

	/* A length near SIZE_MAX rounds up to a small one, hence the first comparison. More than max is a mistake of the owner,
	 * who caps its input before: a piece of an arena has no way to fail. */
	if (need < len || need > a->max - a->total) {
		log_error("bug.arena", "bytes=%zu err=\"an arena wants more than it may have\"", a->max);
		abort();
	}
	if (c == NULL || c->size - c->used < need) {
		/* The rest of the chunk before is given up; it dies with the arena anyway. A large piece gets a chunk of its own
		 * size. */
		size_t size = need > CHUNK ? need : CHUNK;

		c = mem_alloc(sizeof(*c) + size);
		c->size = size;
		c->next = a->chunks;
		a->chunks = c;
	}
	/* Chunks come zeroed and no byte is handed out twice, so the piece is zeroed without a memset. */
	p = c->bytes + c->used;
	c->used += need;
	a->total += need;
	return p;
}

char *arena_strn(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *arena_str(struct arena *a, const char *s)
{
	return s != NULL ? arena_strn(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *s;
	int n;

	va_start(ap, fmt);
	/* The first pass only measures. A va_list that was walked cannot be walked again, hence the copy. */
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = arena_alloc(a, (size_t)(n > 0 ? n : 0) + 1);
	vsnprintf(s, (size_t)(n > 0 ? n : 0) + 1, fmt, again);
	va_end(again);
	return s;
}
