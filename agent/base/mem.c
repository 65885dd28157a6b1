/* mem.c - allocations that stop the agent instead of failing. */
#include "agent/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"

static void *or_stop(void *p)
{
	if (p == NULL) {
		/* Not log_error: a sink of the log might ask for memory itself. */
		log_line("<3>mem.none err=\"out of memory\" next=\"the agent stops, and goes on from its journal\"");
		abort();
	}
	return p;
}

void *mem_alloc(size_t len)
{
	/* calloc may answer 0 bytes with NULL, which would read as no memory (malloc(3)). */
	return or_stop(calloc(1, len > 0 ? len : 1));
}

void *mem_grow(void *p, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return or_stop(NULL);
	/* realloc to 0 bytes may free p and give NULL (malloc(3)). */
	return or_stop(realloc(p, count * size > 0 ? count * size : 1));
}

char *mem_str(const char *s)
{
	return s != NULL ? mem_strn(s, strlen(s)) : NULL;
}

char *mem_strn(const char *s, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *mem_vprintf(const char *fmt, va_list ap)
{
	char *s;
	int n = vasprintf(&s, fmt, ap);

	return or_stop(n < 0 ? NULL : s);
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = mem_vprintf(fmt, ap);
	va_end(ap);
	return s;
}

void mem_free(void *p)
{
	free(p);
}

void mem_close(void *pp)
{
	void **var = pp;

	free(*var);
	*var = NULL;
}
