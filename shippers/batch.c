/* batch.c - see batch.h. */
#include "shippers/batch.h"

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
	for (size_t i = 0; i < b->ranges_n; i++)
		mem_free((char *)b->ranges[i].path);
	mem_free(b->ranges);
	pieces_close(&b->raw);
	mem_free(b);
}

static bool goes_on(const struct telemetry_source *r, const struct telemetry_source *s)
{
	return r->dev == s->dev && r->ino == s->ino && r->generation == s->generation && r->to == s->from;
}

void batch_note(struct batch *b, const struct telemetry_source *s)
{
	struct telemetry_source *r;

	/* From the newest on: lines of one file mostly come one after the other. */
	for (size_t i = b->ranges_n; i-- > 0;) {
		r = &b->ranges[i];
		if (!goes_on(r, s))
			continue;
		r->to = s->to;
		r->fp = s->fp;
		r->fp_len = s->fp_len;
		r->before = s->before;
		r->before_len = s->before_len;
		return;
	}
	b->ranges = mem_grow(b->ranges, b->ranges_n + 1, sizeof(*b->ranges));
	r = &b->ranges[b->ranges_n++];
	*r = *s;
	r->path = mem_str(s->path);
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
