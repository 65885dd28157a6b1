/* demand.c - see demand.h. */
#include "agent/ops/demand.h"

#include "agent/base/mem.h"

void demand_type(struct demand *d, const char *type)
{
	d->types = mem_grow(d->types, d->types_n + 1, sizeof(*d->types));
	d->types[d->types_n++] = type;
}

void demand_rule(struct demand *d, const struct demand_rule *r)
{
	d->rules = mem_grow(d->rules, d->rules_n + 1, sizeof(*d->rules));
	d->rules[d->rules_n++] = *r;
}

void demand_close(struct demand *d)
{
	mem_free(d->types);
	mem_free(d->rules);
	*d = (struct demand){ 0 };
}
