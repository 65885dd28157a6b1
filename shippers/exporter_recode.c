/* exporter_recode.c - a receiver that takes no zstd: it gets gzip, of what is spooled as zstd too, under the same ids.
 *
 *     400 or 415 to the first zstd body, 415 to a later one --> told; bodies are packed as gzip from here on
 *     a body that is spooled as zstd --> opened --> packed --> sent
 *
 * On the disk a body stays as it is: another destination may take it so. It is asked for zstd again with the next start, for it
 * may have learnt it. A body that is refused as gzip, too, was refused for its own sake.
 * Fails: what cannot be unpacked is not what was written. Closing: between two slices; the next start has the body still. */
#include "shippers/exporter_impl.h"

#include "agent/base/log.h"

enum pack_format exporter_format(const struct lane *l)
{
	return l->x->no_zstd ? PACK_GZIP : (enum pack_format)l->entry->format;
}

/* 415 speaks of the encoding alone. A 400 may also speak of the body: it counts until one was taken. */
bool exporter_refuses_zstd(const struct lane *l)
{
	int status = l->http.status;

	return l->format == PACK_ZSTD && (status == 415 || (status == 400 && !l->x->zstd_taken));
}

void exporter_turn_back(struct lane *l)
{
	log_warn("export.zstd.off", "url=%s status=%d next=\"gzip from here on\"", l->url, l->http.status);
	l->x->no_zstd = true;
	spool_pack_as(l->x->s, PACK_GZIP);
	if (l->parts.is_on)
		exporter_cut(l);
	else
		exporter_recode(l);
}

void exporter_recode(struct lane *l)
{
	sm_move(&l->sm, LANE_OPENING);
	l->cut = BUF_MAX(EXPORT_RAW_MAX);
	pack_begin(&l->pack, PACK_OUT, l->format, 0);
	exporter_later(l, 0);
}

void exporter_open(struct lane *l)
{
	int rc;

	if (exporter_is_over(l)) {
		buf_close(&l->cut);
		return;
	}
	rc = pack_slice(&l->pack, &l->body, &l->cut);
	if (rc == 0) {
		exporter_later(l, 0);
		return;
	}
	pack_end(&l->pack);
	if (rc > 0 && l->cut.len > 0) {
		exporter_pack_cut(l);
		return;
	}
	buf_close(&l->cut);
	exporter_bad(l);
}
