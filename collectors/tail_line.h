/* tail_line.h - one line of a file in hand, on its way to the sink: judged, cut, cleaned, and handed over or passed over. */
#pragma once
#include "collectors/tail_impl.h"
#include "collectors/wrapped.h"

/* What the bytes of a line may be, as far as it is known of all that was read with it. */
enum tail_bytes {
	TAIL_BYTES_ANY,   /* NULs among them */
	TAIL_BYTES_TEXT,  /* no NUL */
	TAIL_BYTES_PLAIN, /* ASCII without NUL: it may leave as it is */
};

/* `raw` of `len` bytes, which the file holds from its offset to `to`. In front of raw stand the `begun` bytes of the same line that
 * were taken before. */
struct tail_line {
	const char *raw;
	size_t len, begun;
	uint64_t to;
	uint64_t lost;      /* bytes that were cut */
	const char *behind; /* where `to` is in the chunk; NULL: elsewhere */
	bool is_of_chunk;   /* the chunk stays until its last line was taken, and only then is the place behind it looked at */
	bool is_unfinished; /* it, or the record that it is, has no end */
	bool is_within;     /* `to` lies in a line: that goes on there, or its record has others beside it (tail_wrapped.c) */
	bool is_foreign;    /* not written as the source's format says */
	enum tail_bytes bytes;
	size_t joined;                 /* lines behind the first one */
	const struct wrapped *wrapped; /* what a container's runtime says of it; NULL: it stands in the file as it is */
};

uint64_t tail_line_begun(const struct tail_file *tf); /* of the line at offset, what was taken before */

/* tail_take.c: true: taken, and offset is behind it; false: the sink is full */
bool tail_take_line(struct tail_file *tf, struct tail_line *l); /* as it stands in the file, without its LF */
/* Cut at the limit; `all`: bytes of the whole line without its end, of which raw may hold less. */
bool tail_take_text(struct tail_file *tf, struct tail_line *l, uint64_t all);
/* A line that begins beyond the limit is passed over: there is nothing more to take of it. false: it does not. */
bool tail_take_beyond(struct tail_file *tf, const struct tail_line *l);
void tail_take_none(struct tail_file *tf, uint64_t n); /* so many bytes are passed over */

/* tail_wrapped.c */
bool tail_wraps(const struct tail_file *tf); /* is its source's format one of wrapped.h? */
/* The record that begins with the line from `at` to `lf`, and those that lie in it. TAIL_MORE: taken, up to *ret_stop; TAIL_END:
 * what stands before `end` does not tell; TAIL_HOLD: the sink is full; TAIL_REFUSED: it is no such line. */
enum tail_read tail_wrapped_take(struct tail_file *tf, const char *at, const char *lf, const char *end, bool is_final,
				 const char **ret_stop);
enum tail_read tail_wrapped_run(struct tail_file *tf, bool is_final); /* goes on with one that is longer than a chunk */
