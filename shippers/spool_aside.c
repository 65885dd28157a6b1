/* spool_aside.c - see spool_aside.h. */
#include "shippers/spool_aside.h"

#include <stddef.h>
#include <string.h>

#include "agent/base/mem.h"

#define BLOCK 4096

struct aside {
	struct list link;
	uint64_t bytes;
	char name[];
};

static struct aside *first(const struct spool_aside *a)
{
	return list_entry(a->names.next, struct aside, link);
}

void spool_aside_init(struct spool_aside *a)
{
	list_init(&a->names);
	a->bytes = 0;
}

static void insert(struct spool_aside *a, struct list *before, const char *name, uint64_t bytes)
{
	size_t len = strlen(name) + 1;
	struct aside *as = mem_alloc(sizeof(*as) + len);

	as->bytes = bytes > BLOCK ? bytes : BLOCK;
	memcpy(as->name, name, len);
	list_add(before, &as->link);
	a->bytes += as->bytes;
}

void spool_aside_add(struct spool_aside *a, const char *name, uint64_t bytes)
{
	insert(a, &a->names, name, bytes);
}

void spool_aside_found(struct spool_aside *a, const char *name, uint64_t bytes)
{
	struct list *at = a->names.prev;

	while (at != &a->names && strcmp(list_entry(at, struct aside, link)->name, name) > 0)
		at = at->prev;
	insert(a, at->next, name, bytes);
}

/* The last one stays, however large: it is what happened just now. */
const char *spool_aside_oldest(const struct spool_aside *a)
{
	if (a->bytes <= SPOOL_ASIDE_MAX || a->names.next == a->names.prev)
		return NULL;
	return first(a)->name;
}

void spool_aside_drop(struct spool_aside *a)
{
	struct aside *as = first(a);

	a->bytes -= as->bytes;
	list_del(&as->link);
	mem_free(as);
}

void spool_aside_close(struct spool_aside *a)
{
	while (!list_empty(&a->names))
		spool_aside_drop(a);
}
