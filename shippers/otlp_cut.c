/* otlp_cut.c - see otlp_cut.h. A record lies in messages that lie in each other; `ways` says by which fields. On the way down
 * all other fields are copied as they are; a message in which no record is left is taken back. */
#include "shippers/otlp_cut.h"

#include <stdbool.h>

#include "agent/base/mem.h"
#include "agent/base/pbw.h"

#define DEPTH_MAX 5

/* request > ResourceLogs > ScopeLogs > LogRecord; request > ResourceMetrics > ScopeMetrics > Metric > Gauge, Sum, Histogram,
 * ExponentialHistogram or Summary > point. One bit a field. */
static const struct way {
	unsigned depth;
	uint32_t fields[DEPTH_MAX];
} ways[TELEMETRY_KINDS] = {
	[TELEMETRY_LOG] = { 3, { 1u << 1, 1u << 2, 1u << 2 } },
	[TELEMETRY_METRIC] = { 5, { 1u << 1, 1u << 2, 1u << 2, 1u << 5 | 1u << 7 | 1u << 9 | 1u << 10 | 1u << 11, 1u << 1 } },
};

struct cut {
	const struct way *way;
	uint32_t from, to;
	uint32_t at, taken; /* records seen, copied */
	struct buf *out;
};

static int cut_message(struct cut *c, const void *p, size_t len, unsigned level);

static bool is_on_the_way(const struct cut *c, const struct pbr_field *f, unsigned level)
{
	/* A number that the mask has no bit for is copied, as all that is not on the way. */
	return f->type == PBR_BYTES && f->number < 32 && (c->way->fields[level] >> f->number & 1) != 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): the way has an end */
static int cut_inside(struct cut *c, const struct pbr_field *f, unsigned level)
{
	struct buf *out = c->out;
	size_t before = out->len, mark = pbw_begin(out, f->number);
	uint32_t taken = c->taken;

	TRY(cut_message(c, f->p, f->len, level));
	/* A message without a record of this part is taken back: its resource or name would stand there for nothing. */
	if (c->taken > taken) {
		pbw_end(out, mark);
	} else if (out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return 0;
}

static void cut_record(struct cut *c, const void *p, size_t len)
{
	bool is_wanted = c->at >= c->from && c->at < c->to;

	if (is_wanted)
		buf_add(c->out, p, len);
	c->taken += is_wanted;
	c->at++;
}

/* NOLINTNEXTLINE(misc-no-recursion): the way has an end */
static int cut_message(struct cut *c, const void *p, size_t len, unsigned level)
{
	struct pbr in = pbr_of(p, len);
	const uint8_t *start = in.at;
	struct pbr_field f;
	int rc;

	for (; (rc = pbr_next(&in, &f)) > 0; start = in.at) {
		if (!is_on_the_way(c, &f, level))
			buf_add(c->out, start, (size_t)(in.at - start));
		else if (level + 1 == c->way->depth)
			cut_record(c, start, (size_t)(in.at - start));
		else
			TRY(cut_inside(c, &f, level + 1));
	}
	return rc;
}

int otlp_cut(enum telemetry_kind kind, const struct buf *request, uint32_t from, uint32_t to, struct buf *out, uint32_t *ret_n)
{
	struct cut c = { .way = &ways[kind], .from = from, .to = to, .out = out };

	TRY(cut_message(&c, request->data, request->len, 0));
	*ret_n = c.at;
	return out->over ? -ERR_LIMIT : 0;
}
