/* spool_found.h - the bodies that a start finds in the folder, in any order, and then by sequence.
 *
 *     spool_found_name(name, &body)     what the name says
 *     spool_found_add(f, &body) ...     any number, in slices
 *     while (!spool_found_sort(f, n))   n of them a slice
 *     spool_found_get(f, seq, id)       by bisection
 *
 * A heap that is taken apart in place: n log n whatever the order, and no step longer than its slice. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/telemetry.h"
#include "shippers/pack.h"
#include "shippers/account.h"

struct lost;

struct spool_body {
	uint64_t seq, id; /* id: what stands in the name as 16 hex digits */
	uint64_t bytes;
	uint32_t records, crc, at_s;
	enum telemetry_kind kind;
	enum pack_format format;
	uint8_t ended;  /* by destinations, as the log says of this body alone */
	uint8_t source; /* as of an entry: whose its records are */
	struct account_shares *shares;
	struct lost *again[ACCOUNT_DESTS_MAX]; /* what its receiver refused, should it be there still: see spool_start.c */
	bool has_record;                       /* bytes, records, crc and at_s are its commit record's */
};

struct spool_found {
	struct spool_body *v;
	size_t n;
	size_t heap, room; /* the first `heap` are still one, the largest first; those behind it stand in order */
};

enum spool_name { SPOOL_NAME_OTHER, SPOOL_NAME_BODY, SPOOL_NAME_ASIDE };

/* "0000000000000007-logs-0123456789abcdef.pb.gz" to the letter, with ".why" behind it when it was set aside; seq, id, kind and
 * format are written unless it is another's file. */
enum spool_name spool_found_name(const char *name, struct spool_body *ret);
bool spool_found_id(const char *text, uint64_t *ret_id); /* of a commit record: false: not 16 hex digits, or more */
void spool_found_add(struct spool_found *f, const struct spool_body *b);
bool spool_found_sort(struct spool_found *f, size_t steps); /* true: in order, nothing may be added */
struct spool_body *spool_found_get(const struct spool_found *f, uint64_t seq, uint64_t id); /* in order; NULL: none */
void spool_found_close(struct spool_found *f);
