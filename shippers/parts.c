/* parts.c - see parts.h. */
#include "shippers/parts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/digest.h"
#include "agent/base/enc.h"
#include "shippers/otlp_cut.h"

int parts_begin(struct parts *p, enum telemetry_kind kind, uint64_t seq)
{
	struct buf none = BUF_MAX(BATCH_BYTES_MAX);
	uint32_t n = 0;
	/* Nothing is cut here: it counts the records, and tells whether this is a request at all. */
	int rc = otlp_cut(kind, &p->raw, 0, 0, &none, &n);

	buf_close(&none);
	TRY(rc);
	p->is_on = true;
	p->kind = kind;
	p->seq = seq;
	p->from = 0;
	p->ends[0] = n;
	p->depth = 1;
	p->any_refused = false;
	return 0;
}

uint32_t parts_records(const struct parts *p)
{
	return p->ends[p->depth - 1] - p->from;
}

bool parts_halve(struct parts *p)
{
	uint32_t n = parts_records(p);

	if (n < 2)
		return false;
	assert(p->depth < PARTS_DEPTH);
	p->ends[p->depth++] = p->from + n / 2;
	return true;
}

bool parts_next(struct parts *p)
{
	p->from = p->ends[--p->depth];
	return p->depth > 0;
}

int parts_cut(const struct parts *p, struct buf *to)
{
	uint32_t n;

	return otlp_cut(p->kind, &p->raw, p->from, p->ends[p->depth - 1], to, &n);
}

void parts_id(const struct parts *p, const char *body, char to[BATCH_ID_LEN])
{
	char text[64];
	struct digest d;

	snprintf(text, sizeof(text), "%s|%" PRIu32 "|%" PRIu32, body, p->from, p->ends[p->depth - 1]);
	d = digest_of(text, strlen(text));
	enc_hex(d.b, (BATCH_ID_LEN - 1) / 2, to);
}

void parts_close(struct parts *p)
{
	buf_close(&p->raw);
	*p = (struct parts){ 0 };
}
