/* secret.h - bytes that must not stay behind: wiped on close, and without a printf format, so that no log line and no
 * error sentence can hold one by accident. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct secret {
	char *bytes; /* NULL when empty, else terminated */
	size_t len;
};

void secret_set(struct secret *s, const void *p, size_t len);
void secret_copy(struct secret *to, const struct secret *from);
bool secret_empty(const struct secret *s);
void secret_wipe(void *p, size_t len); /* for secrets in places of their own */
void secret_close(struct secret *s);
