/* tally.c - see tally.h. */
#include "shippers/tally.h"

#include <stdio.h>

#include "agent/base/str.h"

struct tally_one *tally_of(struct tally *t, const char *name)
{
	struct tally_one *one;
	char cut[TALLY_NAME_MAX + 1];

	snprintf(cut, sizeof(cut), "%s", name);
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i].name, cut))
			return &t->v[i];
	one = &t->v[t->n < TALLY_NAMES ? t->n : TALLY_NAMES];
	snprintf(one->name, sizeof(one->name), "%s", t->n < TALLY_NAMES ? cut : "others");
	t->n += t->n <= TALLY_NAMES;
	return one;
}

json_t *tally_json(const struct tally *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->n; i++) {
		const struct tally_one *one = &t->v[i];

		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I}", "rule", one->name, "masked", (json_int_t)one->masked,
						      "dropped", (json_int_t)one->dropped, "failed", (json_int_t)one->failed));
	}
	return list;
}
