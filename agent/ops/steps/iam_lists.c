/* iam_lists.c - see iam_lists.h. */
#include "agent/ops/steps/iam_lists.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

const char *iam_lists_power(enum iam_power p)
{
	static const char *const names[] = { "launch", "delete", "groups", "balancers", "tags", "power", "volumes" };

	return names[p];
}

struct iam_texts *iam_lists_of(struct iam_lists *l, const struct bound *b)
{
	return &l->of[catalogue_place_of(b)];
}

static void add_text(struct iam_texts *to, const char *text)
{
	to->v = mem_grow(to->v, to->n + 1, sizeof(*to->v));
	to->v[to->n++] = text;
}

void iam_lists_add(struct iam_lists *l, const struct bound *to, const char *text)
{
	if (to->apart != NULL && str_starts(text, to->apart))
		add_text(&l->apart[catalogue_place_of(to)], text + strlen(to->apart));
	else
		add_text(iam_lists_of(l, to), text);
}

/* Any of this account, and the profile and role that the stack makes. What is told apart names nobody: it would only add to
 * "any". */
void iam_lists_open(struct iam_lists *l)
{
	const struct bound *const *rows = catalogue_bounds();

	*l = (struct iam_lists){ 0 };
	for (size_t i = 0; rows[i] != NULL; i++) {
		const char *one = rows[i]->ours != NULL ? rows[i]->ours : rows[i]->any;

		l->of[i].is_open = rows[i]->ours == NULL;
		if (one != NULL)
			add_text(&l->of[i], one);
	}
}

void iam_lists_close(struct iam_lists *l)
{
	for (size_t i = 0; i < BOUNDS_MAX; i++) {
		mem_free(l->of[i].v);
		mem_free(l->apart[i].v);
	}
	*l = (struct iam_lists){ 0 };
}
