/* lost.h - a line in the log of commit records: so many records of a body will never reach a destination, and why. It is durable
 * before the body leaves the folder, so that no crash forgets it, and none counts it twice: a body of which the log says this is
 * not wanted there any more.
 *
 *     {"lost":17,"kind":"logs","by":"customer","id":"0123456789abcdef","counts":[["/var/log/x.log","quota",40]],
 *      "sum":"89abcdef"}
 *
 * The sum is that of a commit record (commit.h). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shippers/account.h"
#include "shippers/batch.h"
#include "shippers/taken.h"

#define LOST_COUNTS_MAX (ACCOUNT_SHARES_MAX + 2)

struct lost {
	uint64_t seq;
	enum telemetry_kind kind;
	char by[TAKEN_NAME_LEN];
	char id[BATCH_ID_LEN];
	struct lost_count {
		char source[ACCOUNT_NAME_MAX + 1];
		enum account_lost why;
		uint64_t records;
	} counts[LOST_COUNTS_MAX];
	size_t counts_n;
};

int lost_format(const struct lost *l, struct buf *b); /* with its sum and its LF */
bool lost_is(const char *line, size_t len);
int lost_parse(const char *line, size_t len, struct lost *ret, struct err *e);
/* Into the account, under the destination of that index; and out of it again. */
void lost_add(const struct lost *l, struct account *a, unsigned dest);
void lost_take_back(const struct lost *l, struct account *a, unsigned dest);
bool lost_is_of_receiver(
    const struct lost *l); /* refused or unread, and not by our own bounds: a body that is still there may be tried again */
