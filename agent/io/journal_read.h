/* journal_read.h - reading a journal folder: segments in order, each line checked against the chain (docs/formats.md section 1).
 * Used at start, and by `reeve journal verify|show` without a daemon. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/digest.h"
#include "agent/base/err.h"
#include "agent/io/world.h"

#define JOURNAL_LINE_MAX (4u << 20)   /* any line */
#define JOURNAL_RECORD_MAX (2u << 20) /* one record; two of them are less than a line, so each fits into a checkpoint's */
#define JOURNAL_SEGMENT_READ_MAX (96u << 20)
/* What this version writes as `schema` into the first record of all, each start and each checkpoint. A journal with a higher one
 * has records that mean what this version does not know: nothing may go on from it. Without one it is 1. */
#define JOURNAL_SCHEMA 1

struct journal_entry {
	uint64_t seq;
	const char *type, *time;
	const json_t *obj; /* the whole line */
	const char *line;  /* without its LF */
	size_t len;
	const char *segment;  /* file name */
	unsigned line_number; /* in the segment, from 1 */
};

/* Non-zero stops the reading and is returned. */
typedef int journal_visit(void *ctx, const struct journal_entry *entry, struct err *e);

/* Names of the segments in order; `first` of each is the number in its name. */
struct journal_segments {
	struct journal_segment {
		char name[24]; /* 0000000000000001.jsonl */
		uint64_t first;
		uint64_t size;
	} * v;
	size_t n;
};

int journal_list(struct world *w, const char *dir, struct journal_segments *ret, struct err *e);
void journal_segments_close(struct journal_segments *s);

/* The state of the chain between two lines. */
struct journal_chain {
	uint64_t next_seq;  /* 0: not known yet, the first line decides */
	struct digest prev; /* of the line before; all zeros before the first */
	bool any_prev;      /* the first line's prev is taken as it is: what it names has been deleted */
};

/* Reads one segment. *good_len is where the last good line ends; *torn says that a torn tail follows it. Damage (a bad line
 * with a good record behind it, or a bad line in a segment that is not the last) is -ERR_CORRUPT naming file and line. */
int journal_read_segment(struct world *w, const char *dir, const struct journal_segment *seg, bool last,
			 struct journal_chain *chain, journal_visit *visit, void *ctx, uint64_t *good_len, bool *torn,
			 struct err *e);

/* All of it, from the oldest segment that is there. */
int journal_read_all(struct world *w, const char *dir, journal_visit *visit, void *ctx, struct journal_chain *ret, bool *torn,
		     struct err *e);
