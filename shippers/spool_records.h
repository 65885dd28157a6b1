/* spool_records.h - the log of commit records read in slices: positions and sequence into the spool, the rest to the bodies
 * found. In a window, so that a log of any size takes no more memory than its longest line. */
#pragma once
#include <stdbool.h>

#include "shippers/spool_found.h"
#include "shippers/spool_impl.h"

struct spool_records {
	struct spool *s;
	struct spool_found *found; /* in order */
	struct disk_file *log;     /* NULL: there is none */
	struct buf window;         /* from the first line not yet read */
	uint64_t offset;           /* of the window's end */
	bool skipping;             /* in a line longer than any record */
};

int spool_records_open(struct spool_records *r, struct spool *s, struct spool_found *found, struct err *e);
/* Some of them. Damage is counted and passed by. ret_ends: that was the last; a torn line behind it is for the next append to
 * cut. */
int spool_records_read(struct spool_records *r, bool *ret_ends, struct err *e);
void spool_records_close(struct spool_records *r);
