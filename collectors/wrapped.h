/* wrapped.h - log lines around which a container's runtime has put its own: CRI (containerd, CRI-O) and Docker's json-file. Pure.
 *
 *     2026-11-30T10:00:00.123456789Z stdout F the line
 *     {"log":"the line\n","stream":"stdout","time":"2026-11-30T10:00:00.123456789Z"}
 *
 *     wrapped_read(format, line, len, &w)      false: it is no such line
 *     wrapped_text(&w, b)                      its text, without escapes
 *
 * A line of more than 16 KiB comes from the runtime in pieces: P in CRI, a `log` without a line feed at its end in Docker's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "collectors/framing.h"

enum wrapped_stream { WRAPPED_NONE, WRAPPED_STDOUT, WRAPPED_STDERR, WRAPPED_STREAMS }; /* NONE: Docker's, which may not say */

struct wrapped {
	const char *text; /* in the line, as it stands there; the CR in front of a line's end is no part of it */
	size_t len;
	bool has_escapes; /* of JSON: the text must be asked for */
	bool is_piece;    /* the line goes on with the next one of its stream */
	enum wrapped_stream stream;
	int64_t time_ms; /* 0: it tells none */
	uint32_t time_ns;
};

/* `line` has no line feed. */
bool wrapped_read(enum framing_format format, const char *line, size_t len, struct wrapped *ret);
/* Appends the text to b, which may be NULL; how many bytes that are. Half of a surrogate pair becomes U+FFFD. */
size_t wrapped_text(const struct wrapped *w, struct buf *b);
const char *wrapped_stream_name(enum wrapped_stream s); /* "stdout"; NULL: NONE */
