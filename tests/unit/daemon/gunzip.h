/* gunzip.h - gzip of one piece or of several, as gunzip reads it. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <zlib.h>

#include "agent/base/buf.h"

static inline void gunzip(const struct buf *gz, struct buf *to)
{
	z_stream z = { .next_in = (uint8_t *)gz->data, .avail_in = (unsigned)gz->len };

	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	while (z.avail_in > 0) {
		char out[65536];
		int rc;

		z.next_out = (uint8_t *)out;
		z.avail_out = sizeof(out);
		rc = inflate(&z, Z_NO_FLUSH);
		assert_true(rc == Z_OK || rc == Z_STREAM_END);
		buf_add(to, out, sizeof(out) - z.avail_out);
		if (rc == Z_STREAM_END)
			inflateReset(&z);
	}
	inflateEnd(&z);
}
