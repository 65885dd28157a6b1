/* exporter_cut.c - a body that was too large, in parts.
 *
 *     413 --> unpack the body --> halve --> cut, pack, send --> taken: the next part ... --> the end
 *                                   ^--- 413 ---'
 *
 * The body stays in the spool until its last part was answered; its records, unpacked, stay in memory so long. Both ways are in
 * slices, so that no tick is long.
 * Fails: what is no export request is not what was written; a single record that is too large is refused, and the next part goes.
 * Closing: at once, between two slices; the next start begins with the whole body again, and its parts have the same ids. */
#include "shippers/exporter_impl.h"

#include "agent/base/log.h"
#include "agent/base/mem.h"

bool exporter_is_over(struct lane *l)
{
	if (!ending_is_on(&l->x->end))
		return false;
	pack_end(&l->pack);
	exporter_wait(l, 0);
	return true;
}

static void halve(struct lane *l)
{
	if (!parts_halve(&l->parts)) {
		exporter_refused(l);
		return;
	}
	l->x->stats.halved++;
	exporter_cut(l);
}

/* ---- a part as a body -------------------------------------------------------------------------------------------------------- */

void exporter_cut(struct lane *l)
{
	l->cut = BUF_MAX(EXPORT_RAW_MAX);
	if (parts_cut(&l->parts, &l->cut) != 0) {
		buf_close(&l->cut);
		exporter_bad(l);
		return;
	}
	l->asked = 0;
	parts_id(&l->parts, l->entry->id, l->id);
	exporter_pack_cut(l);
}

void exporter_pack_cut(struct lane *l)
{
	sm_move(&l->sm, LANE_PACKING);
	buf_reset(&l->body);
	l->is_hashed = false;
	l->format = exporter_format(l);
	pack_begin(&l->pack, PACK_IN, l->format, l->cut.len);
	exporter_later(l, 0);
}

void exporter_pack(struct lane *l)
{
	int rc = pack_slice(&l->pack, &l->cut, &l->body);

	if (rc == 0 && !ending_is_on(&l->x->end)) {
		exporter_later(l, 0);
		return;
	}
	pack_end(&l->pack);
	buf_close(&l->cut);
	if (exporter_is_over(l))
		return;
	if (rc < 0)
		exporter_bad(l);
	else
		exporter_ask(l);
}

/* ---- the whole, unpacked ----------------------------------------------------------------------------------------------------- */

void exporter_unpack(struct lane *l)
{
	int rc;

	if (exporter_is_over(l))
		return;
	rc = pack_slice(&l->pack, &l->body, &l->parts.raw);
	if (rc == 0) {
		exporter_later(l, 0);
		return;
	}
	pack_end(&l->pack);
	/* The bytes had the right sum when they were loaded: that they are no export request, no retry mends. */
	if (rc < 0 || parts_begin(&l->parts, l->kind, l->entry->seq) != 0)
		exporter_bad(l);
	else
		halve(l);
}

void exporter_too_large(struct lane *l)
{
	log_info("export.too_large", "kind=%s batch=%s bytes=%zu next=\"in parts\"", batch_kind_name(l->kind), l->id, l->body.len);
	if (l->parts.is_on) {
		halve(l);
		return;
	}
	sm_move(&l->sm, LANE_UNPACKING);
	l->parts.raw = BUF_MAX(EXPORT_RAW_MAX);
	pack_begin(&l->pack, PACK_OUT, l->format, 0);
	exporter_later(l, 0);
}
