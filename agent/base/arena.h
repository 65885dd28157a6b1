/* arena.h - memory that dies together: what belongs to one command, one plan, one answer. Nothing in it is freed alone. */
#pragma once
#include <stddef.h>

struct arena;

struct arena *arena_new_sized(size_t max);       /* beyond max bytes the agent stops: the owner caps its input before */
void arena_free(struct arena *a);                /* NULL is fine */
size_t arena_left(const struct arena *a);        /* bytes that it may still take: by it an owner caps what goes on for long */
void *arena_alloc(struct arena *a, size_t len);  /* zeroed, aligned for anything */
char *arena_str(struct arena *a, const char *s); /* NULL stays NULL */
char *arena_strn(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
