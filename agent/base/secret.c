/* secret.c - wiping that the compiler may not remove. */
#include "agent/base/secret.h"

#include <string.h>

#include "agent/base/mem.h"

void secret_wipe(void *p, size_t len)
{
	if (p != NULL)
		explicit_bzero(p, len);
}

void secret_set(struct secret *s, const void *p, size_t len)
{
	/* p may lie in s itself, so it is copied before the old bytes are wiped. */
	char *copy = mem_strn(p, len);

	secret_close(s);
	s->bytes = copy;
	s->len = len;
}

void secret_copy(struct secret *to, const struct secret *from)
{
	secret_set(to, from->bytes != NULL ? from->bytes : "", from->len);
}

bool secret_empty(const struct secret *s)
{
	return s->len == 0;
}

void secret_close(struct secret *s)
{
	if (s == NULL)
		return;
	secret_wipe(s->bytes, s->len);
	mem_free(s->bytes);
	*s = (struct secret){ 0 };
}
