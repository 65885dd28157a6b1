/* series.c - see series.h. Two open hash tables of 64-bit fingerprints: who makes series on purpose to meet another's place gets
 * nothing for it but that place. The set is swept once in a while: what did not come for an hour leaves it. */
#include "shippers/series.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define SLOTS 32768 /* three quarters may be full */
#define NAME_SLOTS 2048
#define HOUR_MS UINT64_C(3600000)
#define SWEEP_MS UINT64_C(300000)

struct slot {
	uint64_t hash; /* 0: free */
	uint32_t seen_s, name;
};

struct series {
	struct slot slots[SLOTS];
	size_t n;
	uint64_t names[NAME_SLOTS]; /* fingerprints; 0: free */
	uint32_t counts[NAME_SLOTS];
	size_t names_n;
	uint64_t swept_ms;
	struct series_over over[SERIES_TOLD + 1];
	size_t over_n;
};

struct series *series_new(void)
{
	return mem_new(struct series);
}

void series_free(struct series *s)
{
	mem_free(s);
}

/* FNV-1a, with the NUL between two texts. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	do {
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++ != '\0');
	return h;
}

static uint64_t finish(uint64_t h)
{
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	return h != 0 ? h : 1;
}

static uint64_t hash_of(const struct telemetry_point *p)
{
	uint64_t h = hash_text(UINT64_C(0xcbf29ce484222325), p->name);

	for (size_t i = 0; i < p->attrs_n; i++)
		h = hash_text(hash_text(h, p->attrs[i].key), p->attrs[i].value);
	return finish(h);
}

/* NAME_SLOTS: there is no place for one more. */
static uint32_t name_place(struct series *s, uint64_t hash)
{
	size_t at = hash % NAME_SLOTS;

	while (s->names[at] != 0 && s->names[at] != hash)
		at = (at + 1) % NAME_SLOTS;
	if (s->names[at] == hash)
		return (uint32_t)at;
	if (s->names_n == SERIES_NAMES)
		return NAME_SLOTS;
	s->names[at] = hash;
	s->names_n++;
	return (uint32_t)at;
}

static uint32_t name_of(struct series *s, const char *name)
{
	return name_place(s, finish(hash_text(UINT64_C(0xcbf29ce484222325), name)));
}

static struct slot *place_of(struct series *s, uint64_t hash)
{
	size_t at = hash % SLOTS;

	while (s->slots[at].hash != 0 && s->slots[at].hash != hash)
		at = (at + 1) % SLOTS;
	return &s->slots[at];
}

static void keep(struct series *s, const struct series *was, const struct slot *slot)
{
	struct slot *to = place_of(s, slot->hash);

	*to = *slot;
	to->name = name_place(s, was->names[slot->name]);
	s->counts[to->name]++;
	s->n++;
}

/* Into tables of their own, because one that is taken out of the middle would cut the way to others. */
static void sweep(struct series *s, uint64_t now_ms)
{
	struct series *was = mem_new(struct series);

	*was = *s;
	memset(s->slots, 0, sizeof(s->slots));
	memset(s->counts, 0, sizeof(s->counts));
	memset(s->names, 0, sizeof(s->names));
	s->n = s->names_n = 0;
	for (size_t i = 0; i < SLOTS; i++)
		if (was->slots[i].hash != 0 && now_ms - was->slots[i].seen_s * UINT64_C(1000) <= HOUR_MS)
			keep(s, was, &was->slots[i]);
	mem_free(was);
	s->swept_ms = now_ms;
}

static void count_over(struct series *s, const char *name, uint64_t most)
{
	struct series_over *o;

	for (size_t i = 0; i < s->over_n; i++)
		if (strncmp(s->over[i].name, name, SERIES_NAME_MAX) == 0) {
			s->over[i].dropped++;
			return;
		}
	o = &s->over[s->over_n < SERIES_TOLD ? s->over_n++ : SERIES_TOLD];
	if (o == &s->over[SERIES_TOLD])
		name = "others";
	else
		log_warn("telemetry.series.over", "metric=%s most=%llu next=\"its further series are dropped and counted\"", name,
			 (unsigned long long)most);
	snprintf(o->name, sizeof(o->name), "%.*s", SERIES_NAME_MAX, name);
	o->dropped++;
}

bool series_take(struct series *s, const struct telemetry_point *p, uint64_t most, uint64_t now_ms)
{
	struct slot *slot = place_of(s, hash_of(p));
	uint32_t name;

	if (slot->hash != 0) {
		slot->seen_s = (uint32_t)(now_ms / 1000);
		return true;
	}
	name = name_of(s, p->name);
	if ((name == NAME_SLOTS || s->n == SERIES_ALL || s->counts[name] >= most) && now_ms - s->swept_ms >= SWEEP_MS) {
		sweep(s, now_ms);
		slot = place_of(s, hash_of(p));
		name = name_of(s, p->name);
	}
	if (name == NAME_SLOTS || s->n == SERIES_ALL || s->counts[name] >= most) {
		count_over(s, p->name, most);
		return false;
	}
	*slot = (struct slot){ hash_of(p), (uint32_t)(now_ms / 1000), name };
	s->counts[name]++;
	s->n++;
	return true;
}

size_t series_over(const struct series *s, const struct series_over **ret)
{
	*ret = s->over;
	return s->over_n + (s->over[SERIES_TOLD].dropped > 0);
}
