/* needs.h - what a demand holds of one bound. */
#pragma once
#include "agent/base/mem.h"
#include "agent/ops/steps/demand.h"

static inline size_t wanted_n(const struct demand *d, const struct bound *of)
{
	size_t n = 0;

	for (size_t i = 0; i < d->needs_n; i++)
		n += d->needs[i].of == of;
	return n;
}

/* The i-th text, or NULL. */
static inline const char *wanted_text(const struct demand *d, const struct bound *of, size_t i)
{
	for (size_t k = 0; k < d->needs_n; k++)
		if (d->needs[k].of == of && i-- == 0)
			return d->needs[k].text;
	return NULL;
}
