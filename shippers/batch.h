/* batch.h - what travels in one POST: the encoded body, and the file ranges that its commit record will keep.
 *
 * A batch belongs to whoever filled it until the spool takes it. One without records carries ranges alone: lines that the
 * rules kept here still move the position. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/list.h"
#include "agent/base/telemetry.h"
#include "shippers/account.h"
#include "shippers/pieces.h"

#define BATCH_BYTES (1u << 20)     /* closes here, uncompressed */
#define BATCH_BYTES_MAX (4u << 20) /* never larger */
#define BATCH_RECORDS 5000
#define BATCH_RANGES 1024                 /* as many as are formatted in one go */
#define BATCH_RANGES_ANY 160              /* that fit a commit record, whatever their paths: so that it can be read again */
#define BATCH_RANGE_MOST (6 * 4096 + 320) /* bytes there: a path may be control characters alone, each of them six bytes */
#define BATCH_BUCKETS 256
#define BATCH_ID_LEN 17                         /* 16 hex digits and NUL */
#define BATCH_SEQ_MAX UINT64_C(999999999999999) /* a name has room for one digit more; a body a second reaches it never */

struct batch {
	struct list link;
	enum telemetry_kind kind;
	uint32_t records;
	struct pieces raw; /* an OTLP export request */
	struct telemetry_source *ranges;
	char (*befores)[TELEMETRY_BEFORE_BYTES]; /* of each: the bytes before its end, where before_at says that they lie here */
	size_t ranges_n, ranges_bytes;           /* at most so many bytes in a commit record */
	uint16_t *same; /* of each range the number of the one before it of its bucket, from 1 on; 0: none */
	uint16_t buckets[BATCH_BUCKETS];
	struct account_part *parts; /* what it adds to the account */
	size_t parts_n;
};

struct batch *batch_new(enum telemetry_kind kind);
void batch_free(struct batch *b);
/* Adds a range; one that goes on where the file's last one ended makes that longer. */
void batch_note(struct batch *b, const struct telemetry_source *s);
void batch_settle(struct batch *b); /* when all ranges are noted: what stands before their ends becomes its fingerprint */
/* So many more of a source. */
void batch_count(struct batch *b, const char *source, enum account_count c, uint64_t n);
bool batch_is_full_of_ranges(const struct batch *b);                 /* one more might be one too many */
const char *batch_kind_name(enum telemetry_kind kind);               /* "metrics", "logs": file names, commit records, paths */
bool batch_kind_of(const char *name, enum telemetry_kind *ret_kind); /* false: neither */
