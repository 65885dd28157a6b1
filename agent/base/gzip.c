/* gzip.c - see gzip.h. Level 1 takes a quarter of the CPU time of level 6, and its output is 19 % larger: that is worth it. */
#include "agent/base/gzip.h"

#include <string.h>
#include <zlib.h>
#ifdef REEVE_ISAL
#include <isa-l/crc.h>
#endif

#define GZIP_WINDOW (15 + 16) /* 32 KiB, with a gzip header */
#define GZIP_CHUNK 16384

static int pump(z_stream *z, int (*step)(z_stream *, int), struct buf *to, int *ret_z)
{
	do {
		size_t room = to->max - to->len < GZIP_CHUNK ? to->max - to->len : GZIP_CHUNK;
		char *at = buf_room(to, room);

		/* zlib can do nothing with 0 bytes of room and would be called for ever: a full buffer is the limit. */
		if (at == NULL || room == 0) {
			to->over = true;
			return -ERR_LIMIT;
		}
		z->next_out = (Bytef *)at;
		z->avail_out = (uInt)room;
		/* All input was given with the first call. Z_OK, and Z_BUF_ERROR with no room left, ask for more room;
		 * Z_BUF_ERROR with room left says that the input ends too early (zlib.h, deflate and inflate). */
		*ret_z = step(z, Z_FINISH);
		buf_grew(to, room - z->avail_out);
	} while (*ret_z == Z_OK || (*ret_z == Z_BUF_ERROR && z->avail_out == 0));
	return 0;
}

int gzip_pack(const void *p, size_t len, struct buf *to, struct err *e)
{
	z_stream z = { .next_in = (Bytef *)p, .avail_in = (uInt)len };
	int zrc, rc;

	if (deflateInit2(&z, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(e, ERR_IO, "zlib cannot start");
	rc = pump(&z, deflate, to, &zrc);
	deflateEnd(&z);
	if (rc != 0)
		return err_set(e, ERR_LIMIT, "the packed data is larger than %zu bytes", to->max);
	return zrc == Z_STREAM_END ? 0 : err_set(e, ERR_IO, "zlib stopped with %d", zrc);
}

int gzip_unpack(const void *p, size_t len, struct buf *to, struct err *e)
{
	z_stream z = { .next_in = (Bytef *)p, .avail_in = (uInt)len };
	int zrc, rc;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return err_set(e, ERR_IO, "zlib cannot start");
	rc = pump(&z, inflate, to, &zrc);
	inflateEnd(&z);
	if (rc != 0)
		return err_set(e, ERR_LIMIT, "the unpacked data is larger than %zu bytes", to->max);
	if (zrc != Z_STREAM_END)
		return err_set(e, ERR_INVALID, "not gzip data, or cut short");
	/* RFC 1952 allows further members behind the first. Here one body is one member, so that all of it was looked at. */
	if (z.avail_in != 0)
		return err_set(e, ERR_INVALID, "%u bytes follow the gzip data", z.avail_in);
	return 0;
}

uint32_t gzip_crc32(const void *p, size_t len)
{
#ifdef REEVE_ISAL
	return crc32_gzip_refl(0, p, len); /* a tenth of zlib's time */
#else
	return (uint32_t)crc32_z(0, p, len);
#endif
}
