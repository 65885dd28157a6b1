/* proved.c - see proved.h. */
#include "agent/ops/proved.h"

#include <string.h>

#include "agent/base/str.h"

bool proved_has(const struct proved *p, const char *sha256_hex)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->v[i], sha256_hex))
			return true;
	return false;
}

static void add(struct proved *p, const char *hex)
{
	if (hex == NULL || strlen(hex) != DIGEST_HEX_LEN - 1 || proved_has(p, hex))
		return;
	/* The oldest goes: user data that was proved so long ago needs the second key again. */
	if (p->n == PROVED_MAX)
		memmove(p->v[0], p->v[1], --p->n * sizeof(p->v[0]));
	memcpy(p->v[p->n++], hex, DIGEST_HEX_LEN);
}

void proved_add(struct proved *p, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		add(p, json_string_value(json_array_get(list, i)));
}

json_t *proved_list(const struct proved *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(list, json_string(p->v[i]));
	return list;
}
