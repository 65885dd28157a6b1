/* tail_refuse.c - files under a pattern that are not followed: counted by reason, and told once. A folder that cannot be looked
 * into for a reason of its own counts as one.
 *
 * What counts is the last look at the folder. A reason is told when a pattern's first file turns up, and again only after looks
 * that found none in any of its folders. */
#include "collectors/tail_impl.h"

#include <inttypes.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"

#define ARCHIVES_MAX 4096 /* more are opened by each scan: the index of all is sorted in one go */

static const struct {
	enum log_level level;
	const char *why;
} reasons[TAIL_REFUSALS] = {
	[TAIL_COMPRESSED] = { LOG_INFO, "compressed" }, /* as rotation leaves them: nothing is wrong */
	[TAIL_NO_TEXT] = { LOG_WARN, "no UTF-8 text: another encoding, or binary" },
	[TAIL_LINK] = { LOG_WARN,
			"it is no regular file, a link in place of a rotated one, a link that can lead nowhere, or no folder" },
	[TAIL_FULL] = { LOG_WARN, "too many files" },
	[TAIL_DENIED] = { LOG_WARN, "permission denied" },
	[TAIL_OLD] = { LOG_INFO, "older than ignore_older" }, /* read should it be written again */
};

void tail_refuse(struct tail_source *src, enum tail_refusal why, const char *path)
{
	if (src->refusing[why]++ == 0 && src->of->refused[why] == 0)
		log_event(reasons[why].level, "tail.refused", "pattern=%s path=%s why=%s files_max=%u next=\"not read\"",
			  src->of->path, path, reasons[why].why, src->t->files_max);
}

bool tail_refuse_if_path(struct tail_source *src, int rc, const char *path)
{
	bool is_denied = rc == -ERR_DENIED;

	if (!is_denied && rc != -ERR_INVALID && rc != -ERR_LIMIT) /* INVALID: links in a circle, no file; LIMIT: a path too long */
		return false;
	if (src != NULL)
		tail_refuse(src, is_denied ? TAIL_DENIED : TAIL_LINK, path);
	return true;
}

void tail_archive_add(struct tail *t, const struct tail_candidate *c, enum tail_refusal why)
{
	if (t->archives_n >= ARCHIVES_MAX)
		return;
	t->archives = mem_grow(t->archives, t->archives_n + 1, sizeof(*t->archives));
	t->archives[t->archives_n++] = (struct tail_archive){ c->dev, c->ino, t->scan.number, c->mtime_ms, why };
	t->index.stale = true;
}

void tail_archives_sweep(struct tail *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->archives_n; i++)
		if (t->archives[i].seen == t->scan.number)
			t->archives[kept++] = t->archives[i];
	t->archives_n = kept;
	t->index.stale = true;
}

void tail_refused(struct tail_source *src, bool whole)
{
	for (unsigned i = 0; i < TAIL_REFUSALS; i++) {
		src->of->refused[i] -= src->refused[i];
		/* A look at a part of the folder can show that there are more, never that there are fewer. */
		if (whole || src->refusing[i] > src->refused[i])
			src->refused[i] = src->refusing[i];
		src->of->refused[i] += src->refused[i];
		src->refusing[i] = 0;
	}
}
