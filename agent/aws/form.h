/* form.h - the body of a query call: "Action=...&Version=...&Key=value", percent-encoded, at most 1 MiB.
 * A form remembers that something did not fit; the call that sends it says so. */
#pragma once
#include <stdint.h>

#include "agent/base/buf.h"

#define FORM_MAX_BYTES (1u << 20)

struct form {
	struct buf b;
	const char *action; /* as given: a literal */
};

void form_start(struct form *f, const char *action, const char *version); /* initialises */
/* Key from a format: form_add(f, "vpc-1", "Filter.%u.Value.%u", i, j). An empty value is sent as "Key=". */
void form_add(struct form *f, const char *value, const char *key_fmt, ...) __attribute__((format(printf, 3, 4)));
void form_add_u(struct form *f, uint64_t value, const char *key_fmt, ...) __attribute__((format(printf, 3, 4)));
void form_close(struct form *f);

/* Everything but RFC 3986's unreserved characters, and those in `keep`, becomes %XX: the one encoding AWS signs. */
void form_encode(struct buf *to, const char *s, size_t len, const char *keep);
