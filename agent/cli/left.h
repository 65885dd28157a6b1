/* left.h - what left in a period, as the ledger tells it (shippers/ledger.h), without the daemon.
 *
 * {"oldest": time of the first line that is kept, "destinations": {"vendor": {"logs": {"batches", "records", "rejected", "raw",
 * "wire", "again", "refused_batches", "refused_records", "lost_batches", "lost_records", "unlisted"}}},
 * "sources": {"/var/log/x": {"logs": {"sent": {"vendor": 40}, "taken": 40, "rule": 2, "lost": {"vendor": {"age": 5}}}}},
 * "rules": {"email": {"masked": 7, "dropped": 0, "failed": 0}}, "removed": [{"file", "bytes", "why"}], "left_out": lines,
 * "damaged": lines, "torn": bool}
 *
 * unlisted: records that a destination has acknowledged and of which the lines are missing, as the account of a start tells: a loss
 * of power took them. Counts of the account are those between the last line before the period and the last in it. */
#pragma once
#include <jansson.h>
#include <stdint.h>

#include "agent/io/world.h"

struct left_period {
	int64_t since_ms, until_ms; /* Unix ms; since 0: from the beginning */
};

int left_read(struct world *w, const char *dir, const struct left_period *of, json_t **ret, struct err *e);
