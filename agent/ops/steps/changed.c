/* changed.c - see changed.h. */
#include "agent/ops/steps/changed.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define DAY_MS INT64_C(86400000)

static struct changed_volume *find(const struct changed *c, const char *volume)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->v[i].id, volume))
			return &c->v[i];
	return NULL;
}

const struct changed_volume *changed_of(const struct changed *c, const char *volume)
{
	return find(c, volume);
}

static void drop(struct changed *c, struct changed_volume *v)
{
	struct changed_volume *end = c->v + c->n--;

	memmove(v, v + 1, (size_t)(end - v - 1) * sizeof(*v));
}

static void put(struct changed *c, const struct changed_volume *v)
{
	/* The one that was changed longest ago. */
	if (c->n == CHANGED_MAX)
		drop(c, &c->v[0]);
	c->v = mem_grow(c->v, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = *v;
}

void changed_add(struct changed *c, int64_t at_ms, const char *volume)
{
	struct changed_volume v = { 0 }, *old = find(c, volume);

	if (volume == NULL || strlen(volume) >= sizeof(v.id))
		return; /* EC2's are of 21 characters */
	if (old != NULL) {
		v = *old;
		drop(c, old);
	}
	snprintf(v.id, sizeof(v.id), "%s", volume);
	memmove(v.at_ms + 1, v.at_ms, sizeof(v.at_ms) - sizeof(v.at_ms[0]));
	v.at_ms[0] = at_ms;
	put(c, &v);
}

static void keep_one(struct changed_volume *v, int64_t now_ms)
{
	for (size_t i = 0; i < CHANGED_A_DAY; i++) {
		if (v->at_ms[i] > now_ms)
			v->at_ms[i] = now_ms;
		if (v->at_ms[i] + DAY_MS <= now_ms)
			v->at_ms[i] = 0;
	}
}

void changed_keep_time(struct changed *c, int64_t now_ms)
{
	for (size_t i = c->n; i-- > 0;) {
		keep_one(&c->v[i], now_ms);
		if (c->v[i].at_ms[0] == 0)
			drop(c, &c->v[i]);
	}
}

void changed_close(struct changed *c)
{
	mem_free(c->v);
	*c = (struct changed){ 0 };
}

json_t *changed_list(const struct changed *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++) {
		json_t *one = json_pack("[s]", c->v[i].id);

		for (size_t k = 0; k < CHANGED_A_DAY && c->v[i].at_ms[k] != 0; k++)
			json_array_append_new(one, json_integer(c->v[i].at_ms[k]));
		json_array_append_new(list, one);
	}
	return list;
}

void changed_replay(struct changed *c, const json_t *list)
{
	changed_close(c);
	for (size_t i = 0; i < json_array_size(list) && c->n < CHANGED_MAX; i++) {
		const json_t *one = json_array_get(list, i);
		const char *id = json_string_value(json_array_get(one, 0));

		for (size_t k = json_array_size(one); id != NULL && k-- > 1;)
			changed_add(c, json_integer_value(json_array_get(one, k)), id);
	}
}
