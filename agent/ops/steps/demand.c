/* demand.c - see demand.h. */
#include "agent/ops/steps/demand.h"

#include "agent/base/mem.h"
#include "agent/base/str.h"

/* Adds it unless it is there already. */
void demand_name(struct demand *d, enum demand_kind kind, const char *text)
{
	struct demand_texts *t = &d->named[kind];

	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i], text))
			return;
	t->v = mem_grow(t->v, t->n + 1, sizeof(*t->v));
	t->v[t->n++] = text;
}

void demand_count(struct demand *d, enum demand_count what, uint32_t n)
{
	if (n > d->most[what])
		d->most[what] = n;
}

void demand_rule(struct demand *d, const struct demand_rule *r)
{
	d->rules = mem_grow(d->rules, d->rules_n + 1, sizeof(*d->rules));
	d->rules[d->rules_n++] = *r;
}

void demand_image(struct demand *d, const struct demand_image *i)
{
	d->images = mem_grow(d->images, d->images_n + 1, sizeof(*d->images));
	d->images[d->images_n++] = *i;
}

void demand_close(struct demand *d)
{
	for (size_t i = 0; i < DEMAND_KINDS; i++)
		mem_free(d->named[i].v);
	mem_free(d->rules);
	mem_free(d->images);
	*d = (struct demand){ 0 };
}
