/* demand.c - see demand.h. */
#include "agent/ops/steps/demand.h"

#include "agent/base/mem.h"
#include "agent/base/str.h"

static void add_need(struct demand *d, const struct demand_need *need)
{
	d->needs = mem_grow(d->needs, d->needs_n + 1, sizeof(*d->needs));
	d->needs[d->needs_n++] = *need;
}

void demand_name(struct demand *d, const struct bound *of, const char *text)
{
	if (text == NULL)
		text = ""; /* no list holds it: refused, not forgotten */
	for (size_t i = 0; i < d->needs_n; i++)
		if (d->needs[i].of == of && str_eq(d->needs[i].text, text))
			return;
	add_need(d, &(struct demand_need){ .of = of, .text = text });
}

static struct demand_need *number_of(struct demand *d, const struct bound *of)
{
	for (size_t i = 0; i < d->needs_n; i++)
		if (d->needs[i].of == of)
			return &d->needs[i];
	add_need(d, &(struct demand_need){ .of = of });
	return &d->needs[d->needs_n - 1];
}

void demand_count(struct demand *d, const struct bound *of, uint32_t n)
{
	struct demand_need *need = number_of(d, of);

	need->most = n > need->most ? n : need->most;
}

/* No sum goes round to a small one. */
static uint32_t sum(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

void demand_add(struct demand *d, const struct bound *of, uint32_t n)
{
	struct demand_need *need = number_of(d, of);

	need->most = sum(need->most, n);
}

void demand_pass(struct demand *d, const struct bound *of, uint32_t n)
{
	struct demand_need *need = number_of(d, of);

	need->passing_now = sum(need->passing_now, n);
	need->passing = need->passing_now > need->passing ? need->passing_now : need->passing;
}

void demand_passed(struct demand *d)
{
	for (size_t i = 0; i < d->needs_n; i++)
		d->needs[i].passing_now = 0;
}

static const struct demand_need *need_of(const struct demand *d, const struct bound *of)
{
	for (size_t i = 0; i < d->needs_n; i++)
		if (d->needs[i].of == of)
			return &d->needs[i];
	return NULL;
}

uint32_t demand_number(const struct demand *d, const struct bound *of)
{
	const struct demand_need *need = need_of(d, of);

	return need != NULL ? sum(need->most, need->passing) : 0;
}

uint32_t demand_passing(const struct demand *d, const struct bound *of)
{
	const struct demand_need *need = need_of(d, of);

	return need != NULL ? need->passing : 0;
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

void demand_endpoint(struct demand *d, const struct demand_endpoint *e)
{
	d->endpoints = mem_grow(d->endpoints, d->endpoints_n + 1, sizeof(*d->endpoints));
	d->endpoints[d->endpoints_n++] = *e;
}

void demand_close(struct demand *d)
{
	mem_free(d->needs);
	mem_free(d->rules);
	mem_free(d->images);
	mem_free(d->endpoints);
	*d = (struct demand){ 0 };
}
