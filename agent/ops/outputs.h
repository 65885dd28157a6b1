/* outputs.h - what commands have found and the vendor has not acknowledged: a file each, `<command id>.gz` in one folder.
 *
 * A result's record names the digest of the file, which is durable before it. A file whose command is no longer in the list is
 * nobody's: it was acknowledged, or a crash came between the two. A sweep takes it away, so neither needs a record of its own. */
#pragma once
#include "agent/base/digest.h"
#include "agent/io/world.h"

#define OUTPUT_BYTES (128u << 10) /* of one: beside its result it fits into a report (report.h) */

struct outputs {
	/* the owner's */
	struct world *w;
	const char *dir; /* it exists */
	void *ctx;
	bool (*is_wanted)(void *ctx, const char *id);
	void (*rested)(void *ctx); /* a sweep is over */
	/* zero at birth */
	struct disk_req req;
	struct buf names;
	size_t at; /* in names: what is looked at next */
	bool is_busy, is_asked_again;
	char *path; /* of what is being taken away */
};

char *outputs_path(const struct outputs *o, const char *id);
/* -ERR_CORRUPT: these are not the bytes of that digest. */
int outputs_read(const struct outputs *o, const char *id, const struct digest *want, struct buf *to, struct err *e);
/* What has come to be nobody's before this call is gone when it rests; asked for while one is under way, another one follows. */
void outputs_sweep(struct outputs *o);
bool outputs_is_busy(const struct outputs *o);
void outputs_stop(struct outputs *o);  /* no file more: it rests when the disk has answered */
void outputs_close(struct outputs *o); /* while it rests */
