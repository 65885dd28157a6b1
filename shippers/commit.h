/* commit.h - one commit record as a line of JSON: the point at which a batch exists and its lines count as taken.
 *
 *     {"seq":7,"kind":"logs","id":"0123456789abcdef","records":5000,"bytes":81234,"crc":305419896,"at":1796083200,"ranges":[
 *      {"dev":"103","ino":"4d2","generation":0,"from":0,"to":131072,"fp":"9f..","fp_len":1024,"before":"3c..",
 *       "before_len":64,"path":"/var/log/x.log"}],
 *      "sum":"89abcdef"}
 *
 * sum is the CRC-32 of all that stands before its comma, and the last member: one digit that changed on the disk could else
 * give a sequence that no body reaches, and what was never sent would count as sent.
 *
 * "account" has what the batch adds to the account (account.h), "of" whose its records are where the account has them already: in
 * a log that was written anew, where "ended" names the destinations for which the body has ended out of turn.
 *
 * dev, ino, fp and before are hex texts: they use all 64 bits, and numbers in JSON end at 2^53. before and before_len, of the
 * bytes in front of `to`, size of the file where that is beyond `to`, and at came later: a record without them is whole. kind
 * "positions" has no body. A range with a cursor is of the machine's journal (telemetry.h): "dev":"0","path":"journald:SERVICE",
 * "cursor":"s=..;i=..". */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/base/telemetry.h"
#include "shippers/batch.h"
#include "shippers/taken.h"

#define COMMIT_LINE_MAX (4u << 20)

struct commit {
	uint64_t seq;
	enum telemetry_kind kind; /* or COMMIT_POSITIONS */
	char id[BATCH_ID_LEN];
	uint32_t records, crc;
	uint32_t at_s; /* Unix time when its batch was closed; 0: of an older version */
	uint64_t bytes;
	struct telemetry_source *ranges; /* parsed: owned, with their paths */
	size_t ranges_n;
	struct account_part *parts; /* parsed: owned */
	size_t parts_n;
	bool is_said; /* the account has them already */
	char ended[ACCOUNT_DESTS_MAX][TAKEN_NAME_LEN];
	unsigned ended_n;
};

#define COMMIT_POSITIONS TELEMETRY_KINDS

int commit_format(const struct commit *c, struct buf *b); /* with its sum and its LF */
int commit_seal(struct buf *b, size_t from);              /* what formatting ends with: the object there becomes a record */
/* Is the line what was sealed? Before anything of it is looked at: a digit that changed on the disk may still be perfect JSON. */
int commit_check(const char *line, size_t len, struct err *e);
int commit_parse(const char *line, size_t len, struct commit *ret, struct err *e);
void commit_close(struct commit *c);
