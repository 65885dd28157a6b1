/* gone.c - see gone.h. */
#include "agent/ops/gone.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/str.h"

static void drop(struct gone *g, size_t i)
{
	memmove(g->v + i, g->v + i + 1, (--g->n - i) * sizeof(*g->v));
}

/* What is older than the window goes. What lies ahead was written before a restart, by a clock that was ahead: it counts as ended
 * now. */
static void keep_time(struct gone *g, int64_t now_ms)
{
	while (g->n > 0 && g->v[0].at_ms + GONE_WINDOW_MS <= now_ms)
		drop(g, 0);
	for (size_t i = g->n; i > 0 && g->v[i - 1].at_ms > now_ms; i--)
		g->v[i - 1].at_ms = now_ms;
}

static struct gone_nodes entry_of(int64_t at_ms, const struct gone_by *by, uint32_t n)
{
	struct gone_nodes e = { .at_ms = at_ms, .n = n };

	snprintf(e.warehouse, sizeof(e.warehouse), "%s", by->warehouse);
	snprintf(e.plan, sizeof(e.plan), "%s", by->plan);
	snprintf(e.command, sizeof(e.command), "%s", by->command);
	return e;
}

static bool is_cluster(const struct gone_nodes *a, const struct gone_nodes *b)
{
	return str_eq(a->warehouse, b->warehouse) && str_eq(a->plan, b->plan);
}

static void make_room(struct gone *g)
{
	if (g->n < GONE_MAX)
		return;
	g->dropped++;
	log_warn("rates.ended.dropped", "warehouse=%s plan=%s nodes=%u dropped=%llu", g->v[0].warehouse, g->v[0].plan, g->v[0].n,
		 (unsigned long long)g->dropped);
	drop(g, 0);
}

void gone_add(struct gone *g, int64_t now_ms, const struct gone_by *by, uint32_t n)
{
	struct gone_nodes e = entry_of(now_ms, by, n);

	if (n == 0)
		return;
	if (g->n > 0 && g->v[g->n - 1].at_ms > e.at_ms)
		e.at_ms = g->v[g->n - 1].at_ms; /* records are read back in their order, whatever the clock was */
	/* A second intent of the same command names the nodes of its first one again: the newer number stands for both. */
	for (size_t i = g->n; i > 0; i--)
		if (is_cluster(&g->v[i - 1], &e) && str_eq(g->v[i - 1].command, e.command))
			drop(g, i - 1);
	make_room(g);
	g->v[g->n++] = e;
}

static bool is_of_others(const struct gone_nodes *e, const struct gone_nodes *own)
{
	return is_cluster(e, own) && !str_eq(e->command, own->command);
}

uint32_t gone_in(struct gone *g, int64_t now_ms, const struct gone_by *by)
{
	struct gone_nodes own = entry_of(now_ms, by, 0);
	uint32_t n = 0;

	keep_time(g, now_ms);
	for (size_t i = 0; i < g->n; i++)
		n += is_of_others(&g->v[i], &own) ? g->v[i].n : 0;
	return n;
}

int64_t gone_until(struct gone *g, int64_t now_ms, const struct gone_by *by, const struct rates *r, uint32_t n, uint32_t of)
{
	struct gone_nodes own = entry_of(now_ms, by, 0);
	uint32_t left = gone_in(g, now_ms, by);
	int64_t until_ms = now_ms;

	/* The list is full, so nodes may have been dropped from it, and nobody knows of which cluster: until its oldest entry is an
	 * hour old nothing ends. Where the policy's share is the whole cluster, no count is needed. */
	if (g->n == GONE_MAX && r->ended_part < r->ended_of)
		until_ms = g->v[0].at_ms + GONE_WINDOW_MS;
	for (size_t i = 0; i < g->n && left > 0 && left + n > rates_ended_most(r, of + left); i++)
		if (is_of_others(&g->v[i], &own)) {
			left -= g->v[i].n;
			until_ms = g->v[i].at_ms + GONE_WINDOW_MS;
		}
	return until_ms;
}

json_t *gone_list(const struct gone *g)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->n; i++) {
		const struct gone_nodes *e = &g->v[i];

		json_array_append_new(list, json_pack("[I, o, o, s, I]", (json_int_t)e->at_ms, json_text(e->warehouse),
						      json_text(e->plan), e->command, (json_int_t)e->n));
	}
	return list;
}

static const char *text_at(const json_t *entry, size_t i)
{
	const char *s = json_string_value(json_array_get(entry, i));

	return s != NULL ? s : "";
}

void gone_replay(struct gone *g, const json_t *list)
{
	/* What a checkpoint says stands for all that the records before it have added. */
	g->n = 0;
	for (size_t i = 0; i < json_array_size(list) && g->n < GONE_MAX; i++) {
		const json_t *e = json_array_get(list, i);
		struct gone_by by = { text_at(e, 1), text_at(e, 2), text_at(e, 3) };

		g->v[g->n++] =
		    entry_of(json_integer_value(json_array_get(e, 0)), &by, (uint32_t)json_integer_value(json_array_get(e, 4)));
	}
}
