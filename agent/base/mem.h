/* mem.h - small allocations, which cannot fail: without memory the agent stops, and a stop is something the journal
 * survives. Whatever arrives from outside goes into a `buf`, which states its largest size at birth. */
#pragma once
#include <stdarg.h>
#include <stddef.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define mem_new(type) ((type *)mem_alloc(sizeof(type)))

void *mem_alloc(size_t len);                        /* zeroed */
void *mem_grow(void *p, size_t count, size_t size); /* realloc of an array, checked for overflow */
char *mem_str(const char *s);                       /* a copy; NULL stays NULL */
char *mem_strn(const char *s, size_t len);          /* a copy of len bytes, whatever they are, and a NUL */
char *mem_vprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p);
void mem_close(void *pp); /* for CLEANUP on any pointer variable */
