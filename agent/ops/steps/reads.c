/* reads.c - see reads.h. */
#include "agent/ops/steps/reads.h"

#include <assert.h>
#include <string.h>

#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/catalogue.h"

static void add(struct reads *r, const char *action)
{
	size_t at = 0;

	/* The list is sorted, and names each action once: the IAM document that is made of these must not change with the order of
	 * some table. */
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
	if (!step_mutates(k) && !step_asks_node(k))
		add(r, k->action);
	if (k->where != NULL)
		add(r, k->where->action);
	for (const struct step_look *const *l = k->looks; l != NULL && *l != NULL; l++)
		add(r, (*l)->action);
}

void reads_collect(struct reads *r, const struct step_kind *const *kinds, const struct resource *const *resources)
{
	const char *action;

	for (size_t i = 0; (action = inventory_action(resources, i)) != NULL; i++)
		add(r, action);
	for (; *kinds != NULL; kinds++)
		add_kind(r, *kinds);
}

const char *const *reads_all(void)
{
	static struct reads all;

	if (all.n == 0)
		reads_collect(&all, catalogue_all(), catalogue_resources());
	return all.v;
}
