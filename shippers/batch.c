/* batch.c - see batch.h. */
#include "shippers/batch.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

static const char *const kind_names[TELEMETRY_KINDS] = { [TELEMETRY_METRIC] = "metrics", [TELEMETRY_LOG] = "logs" };

struct batch *batch_new(enum telemetry_kind kind)
{
	struct batch *b = mem_new(struct batch);

	b->kind = kind;
	return b;
}

void batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->ranges_n; i++) {
		mem_free((char *)b->ranges[i].path);
		mem_free((char *)b->ranges[i].cursor);
	}
	mem_free(b->ranges);
	mem_free(b->befores);
	mem_free(b->same);
	mem_free(b->parts);
	pieces_close(&b->raw);
	mem_free(b);
}

static bool goes_on(const struct telemetry_source *r, const struct telemetry_source *s)
{
	return r->dev == s->dev && r->ino == s->ino && r->generation == s->generation && r->to == s->from;
}

bool batch_is_full_of_ranges(const struct batch *b)
{
	return b->ranges_n >= BATCH_RANGES || b->ranges_bytes > (BATCH_RANGES_ANY - 1ul) * BATCH_RANGE_MOST;
}

/* As JSON has it. */
static size_t text_bytes(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (unsigned char)*s < 0x20 || *s == 0x7f || *s == '"' || *s == '\\' ? 6 : 1;
	return n;
}

static size_t range_bytes(const struct telemetry_source *s)
{
	return 320 + text_bytes(s->path) + (s->cursor != NULL ? 16 + text_bytes(s->cursor) : 0);
}

static uint16_t *bucket_of(struct batch *b, const struct telemetry_source *s)
{
	return &b->buckets[(s->ino + s->dev) % BATCH_BUCKETS];
}

/* Most ends are those of the next line a moment later, so their fingerprints are not made. */
static void keep_before(struct batch *b, size_t i, const struct telemetry_source *s)
{
	struct telemetry_source *r = &b->ranges[i];

	r->before = s->before;
	r->before_len = s->before_len;
	r->before_at = s->before_at;
	if (s->before_at == NULL)
		return;
	if (s->before_len == TELEMETRY_BEFORE_BYTES) /* the usual size, which is copied without a call */
		memcpy(b->befores[i], s->before_at, TELEMETRY_BEFORE_BYTES);
	else
		memcpy(b->befores[i], s->before_at, s->before_len);
}

void batch_settle(struct batch *b)
{
	for (size_t i = 0; i < b->ranges_n; i++) {
		struct telemetry_source *r = &b->ranges[i];

		if (r->before_at != NULL)
			r->before = telemetry_before(b->befores[i], r->before_len);
		r->before_at = NULL;
	}
}

void batch_note(struct batch *b, const struct telemetry_source *s)
{
	struct telemetry_source *r;
	uint16_t *bucket = bucket_of(b, s);

	/* From the newest on: a file's lines mostly go on where its last one ended. */
	for (size_t i = *bucket; i > 0; i = b->same[i - 1]) {
		r = &b->ranges[i - 1];
		if (!goes_on(r, s))
			continue;
		r->to = s->to;
		r->size = s->size;
		r->fp = s->fp;
		r->fp_len = s->fp_len;
		keep_before(b, i - 1, s);
		if (s->cursor != NULL) {
			mem_free((char *)r->cursor);
			r->cursor = mem_str(s->cursor);
		}
		return;
	}
	b->ranges = mem_grow(b->ranges, b->ranges_n + 1, sizeof(*b->ranges));
	b->befores = mem_grow(b->befores, b->ranges_n + 1, sizeof(*b->befores));
	b->same = mem_grow(b->same, b->ranges_n + 1, sizeof(*b->same));
	b->same[b->ranges_n] = *bucket;
	r = &b->ranges[b->ranges_n++];
	*bucket = (uint16_t)b->ranges_n;
	b->ranges_bytes += range_bytes(s);
	*r = *s;
	r->path = mem_str(s->path);
	r->cursor = mem_str(s->cursor);
	keep_before(b, b->ranges_n - 1, s);
}

void batch_count(struct batch *b, const char *source, enum account_count c, uint64_t n)
{
	if (n > 0)
		account_part_of(&b->parts, &b->parts_n, source)->n[c] += n;
}

const char *batch_kind_name(enum telemetry_kind kind)
{
	return kind_names[kind];
}

bool batch_kind_of(const char *name, enum telemetry_kind *ret_kind)
{
	for (enum telemetry_kind k = 0; k < TELEMETRY_KINDS; k++)
		if (str_eq(kind_names[k], name)) {
			*ret_kind = k;
			return true;
		}
	return false;
}
