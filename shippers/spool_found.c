/* spool_found.c - see spool_found.h. */
#include "shippers/spool_found.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "shippers/batch.h"

#define KIND_MAX 16

/* Digits of one base and nothing else: scanf would take blanks and signs, and fewer of them. */
static bool take_digits(const char **at, int base, uint64_t *ret)
{
	const char *digits = base == 10 ? "0123456789" : "0123456789abcdef";
	char text[17];

	if (strspn(*at, digits) != 16)
		return false;
	memcpy(text, *at, 16);
	text[16] = '\0';
	*ret = strtoull(text, NULL, base);
	*at += 16;
	return true;
}

bool spool_found_id(const char *text, uint64_t *ret_id)
{
	return take_digits(&text, 16, ret_id) && *text == '\0';
}

static bool take_kind(const char **at, enum telemetry_kind *ret)
{
	size_t len = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
	char text[KIND_MAX];

	if (len >= sizeof(text))
		return false;
	memcpy(text, *at, len);
	text[len] = '\0';
	if (!batch_kind_of(text, ret))
		return false;
	*at += len;
	return true;
}

static bool take_text(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool take_format(const char **at, enum pack_format *ret)
{
	for (int f = 0; f < PACK_FORMATS; f++)
		if (take_text(at, pack_suffix((enum pack_format)f))) {
			*ret = (enum pack_format)f;
			return true;
		}
	return false;
}

enum spool_name spool_found_name(const char *name, struct spool_body *ret)
{
	struct spool_body b = { 0 };

	if (!take_digits(&name, 10, &b.seq) || b.seq > BATCH_SEQ_MAX || !take_text(&name, "-") || !take_kind(&name, &b.kind))
		return SPOOL_NAME_OTHER;
	if (!take_text(&name, "-") || !take_digits(&name, 16, &b.id) || !take_text(&name, ".pb") || !take_format(&name, &b.format))
		return SPOOL_NAME_OTHER;
	if (*name != '\0' && *name != '.')
		return SPOOL_NAME_OTHER;
	*ret = b;
	return *name == '\0' ? SPOOL_NAME_BODY : SPOOL_NAME_ASIDE;
}

static bool is_before(const struct spool_body *a, const struct spool_body *b)
{
	return a->seq != b->seq ? a->seq < b->seq : a->id < b->id;
}

static void swap(struct spool_found *f, size_t a, size_t b)
{
	struct spool_body was = f->v[a];

	f->v[a] = f->v[b];
	f->v[b] = was;
}

void spool_found_add(struct spool_found *f, const struct spool_body *b)
{
	size_t at = f->heap;

	if (f->n == f->room) {
		f->room = f->room > 0 ? 2 * f->room : 64;
		f->v = mem_grow(f->v, f->room, sizeof(*f->v));
	}
	f->v[at] = *b;
	f->n = ++f->heap;
	for (; at > 0 && is_before(&f->v[(at - 1) / 2], &f->v[at]); at = (at - 1) / 2)
		swap(f, at, (at - 1) / 2);
}

static void sink_first(struct spool_found *f)
{
	size_t at = 0, child;

	while ((child = 2 * at + 1) < f->heap) {
		if (child + 1 < f->heap && is_before(&f->v[child], &f->v[child + 1]))
			child++;
		if (!is_before(&f->v[at], &f->v[child]))
			return;
		swap(f, at, child);
		at = child;
	}
}

bool spool_found_sort(struct spool_found *f, size_t steps)
{
	for (; f->heap > 1 && steps > 0; steps--) {
		swap(f, 0, --f->heap);
		sink_first(f);
	}
	return f->heap <= 1;
}

struct spool_body *spool_found_get(const struct spool_found *f, uint64_t seq, uint64_t id)
{
	const struct spool_body key = { .seq = seq, .id = id };
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (is_before(&f->v[mid], &key))
			low = mid + 1;
		else
			high = mid;
	}
	return low < f->n && f->v[low].seq == seq && f->v[low].id == id ? &f->v[low] : NULL;
}

void spool_found_close(struct spool_found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		mem_free(f->v[i].shares);
		for (int d = 0; d < ACCOUNT_DESTS_MAX; d++)
			mem_free(f->v[i].again[d]);
	}
	mem_free(f->v);
	*f = (struct spool_found){ 0 };
}
