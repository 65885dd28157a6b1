/* account.h - what became of every record, by the source that it came from: how many were taken into the spool, how many stayed
 * here before it and why, how many were lost behind it and why, for each destination.
 *
 * The log of commit records keeps it (commit.h, lost.h): what a record says of its batch is in the account if and only if the
 * batch exists and its lines count as read. So it is exact across a kill and a loss of power at any instant:
 *
 *     taken + what stayed here = what was read;     taken - lost at a destination - waiting for it = what arrived there
 *
 * Sources are few: from ACCOUNT_SOURCES on all that come are counted as one, "others". */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/base/telemetry.h"

#define ACCOUNT_SOURCES 64  /* and the others */
#define ACCOUNT_NAME_MAX 96 /* bytes of a source's name; what is longer is cut */
#define ACCOUNT_DESTS_MAX 2
#define ACCOUNT_OTHERS ACCOUNT_SOURCES

/* Records, but where the name says otherwise. Their names in JSON: account_count_name. */
enum account_count {
	ACCOUNT_TAKEN,
	ACCOUNT_DENIED,   /* not on the policy's allow-list */
	ACCOUNT_RULE,     /* a drop rule matched */
	ACCOUNT_LIMIT,    /* a pattern met its limits, or the masked text did */
	ACCOUNT_SERIES,   /* a series more than the policy lets a metric have */
	ACCOUNT_OVERSIZE, /* encoded, the batch was over its size */
	ACCOUNT_NO_ROOM,  /* metrics alone: the disk or the queue was full */
	ACCOUNT_NO_TEXT,  /* lines that are no text */
	ACCOUNT_DELETED,  /* files that were gone before they were read to their end; and the bytes that are known to be missing */
	ACCOUNT_DELETED_BYTES,
	ACCOUNT_TRUNCATED, /* files that were cut or rewritten between two reads; and the bytes that are known to be missing */
	ACCOUNT_TRUNCATED_BYTES,
	ACCOUNT_COUNTS
};

/* Records that one destination will never get. */
enum account_lost { ACCOUNT_QUOTA, ACCOUNT_AGE, ACCOUNT_REFUSED, ACCOUNT_PARTIAL, ACCOUNT_DAMAGED, ACCOUNT_LOSTS };

/* What a batch adds for one source. */
struct account_part {
	char source[ACCOUNT_NAME_MAX + 1];
	uint64_t n[ACCOUNT_COUNTS];
};

struct account_row {
	uint64_t n[ACCOUNT_COUNTS];
	uint64_t lost[ACCOUNT_DESTS_MAX][ACCOUNT_LOSTS];
};

struct account {
	char sources[ACCOUNT_SOURCES + 1][ACCOUNT_NAME_MAX + 1]; /* the last: the others */
	unsigned sources_n;                                      /* without them */
	struct account_row rows[ACCOUNT_SOURCES + 1][TELEMETRY_KINDS];
	const char *dests[ACCOUNT_DESTS_MAX]; /* whose names stay where they are */
	unsigned dests_n;
	/* Of each destination: records that had been taken when it was first heard of, and did not wait for it. */
	bool is_known[ACCOUNT_DESTS_MAX];
	uint64_t before[ACCOUNT_DESTS_MAX][TELEMETRY_KINDS];
};

/* Whose the records of a waiting body are: mostly one source's. */
#define ACCOUNT_SHARES_MAX 8 /* what is beyond is the others' */
struct account_shares {
	unsigned n;
	struct account_share {
		unsigned source;
		uint32_t records;
	} v[ACCOUNT_SHARES_MAX];
};

extern const char *const account_count_names[ACCOUNT_COUNTS], *const account_lost_names[ACCOUNT_LOSTS];

void account_init(struct account *a, const char *const *dests, unsigned n);
void account_name(char to[ACCOUNT_NAME_MAX + 1], const char *source); /* cut, and clean */
unsigned account_source(struct account *a, const char *name);         /* its index, from here on */
/* In a list of parts: the one of this source, which grows it. */
struct account_part *account_part_of(struct account_part **v, size_t *n, const char *source);
void account_add(struct account *a, enum telemetry_kind kind, const struct account_part *parts, size_t n);
/* Of the records in `parts`, whose are how many? */
struct account_shares account_shares_of(struct account *a, const struct account_part *parts, size_t n);
uint64_t account_lost_of(const struct account *a, unsigned dest, enum telemetry_kind kind);
/* Acknowledged there, where so many wait for it. */
uint64_t account_arrived(const struct account *a, unsigned dest, enum telemetry_kind kind, uint64_t waiting);
void account_meet(struct account *a, unsigned dest, enum telemetry_kind kind, uint64_t waiting); /* it is new */
uint64_t account_sum(const struct account *a, enum telemetry_kind kind, enum account_count c);

/* ---- as JSON: members that are zero are left out ---- */
void account_counts_set(json_t *o, const uint64_t n[ACCOUNT_COUNTS]);
int account_counts_get(const json_t *o, uint64_t n[ACCOUNT_COUNTS], struct err *e);
json_t *account_row_json(const struct account *a, unsigned source, enum telemetry_kind kind); /* NULL: all of it is zero */
/* Into the row, which it replaces; of destinations that are not configured nothing is kept. */
int account_row_read(struct account *a, const json_t *o, struct err *e);
json_t *account_parts_json(const struct account_part *parts, size_t n);
int account_parts_read(const json_t *list, struct account_part **ret, size_t *ret_n, struct err *e);
