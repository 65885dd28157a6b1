/* gzip.h - a thin file over zlib: whole buffers in gzip format (RFC 1952). A bomb stops at the output's maximum. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"

int gzip_pack(const void *p, size_t len, struct buf *to, struct err *e);
int gzip_unpack(const void *p, size_t len, struct buf *to, struct err *e); /* one member, whole, nothing behind it */
uint32_t gzip_crc32(const void *p, size_t len);                            /* the sum that stands in a gzip trailer */
