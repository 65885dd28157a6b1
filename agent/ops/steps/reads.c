/* reads.c - see reads.h. */
#include "agent/ops/steps/reads.h"

#include <assert.h>
#include <string.h>

#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/catalogue.h"

#define READS_MAX 63

struct reads {
	const char *v[READS_MAX + 1];
	size_t n;
};

static void add(struct reads *r, const char *action)
{
	size_t at = 0;

	while (at < r->n && strcmp(r->v[at], action) < 0)
		at++;
	if (at < r->n && str_eq(r->v[at], action))
		return;
	assert(r->n < READS_MAX);
	memmove(r->v + at + 1, r->v + at, (r->n - at) * sizeof(*r->v));
	r->v[at] = action;
	r->n++;
}

static void add_kind(struct reads *r, const struct step_kind *k)
{
	if (!step_mutates(k))
		add(r, k->action);
	for (const struct step_look *const *l = k->looks; l != NULL && *l != NULL; l++)
		add(r, (*l)->action);
}

const char *const *reads_all(void)
{
	static struct reads all;
	const char *action;

	if (all.n > 0)
		return all.v;
	for (size_t i = 0; (action = inventory_action(catalogue_resources(), i)) != NULL; i++)
		add(&all, action);
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		add_kind(&all, *k);
	return all.v;
}
