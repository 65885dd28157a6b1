/* tail_pass.c - what is passed over unread because the configuration wants it: what stands in a file that is there when its pattern
 * is first seen (start_at: end), and files that were last written too long ago (ignore_older).
 *
 * A pattern was seen before if a position lies under it: then what is new came while we were away, and is read. So is a file that
 * comes after the first look, and from its beginning; a position always says more than either. A file that is too old is read from
 * its beginning should it be written again.
 * All of it is counted, files and bytes, and told once a file; so many alone, that a folder of old files does not fill the log. */
#include "collectors/tail_impl.h"

#include <inttypes.h>

#include "agent/base/log.h"
#include "agent/base/str.h"

#define TOLD_MAX 100

void tail_pass_begin(struct tail *t)
{
	for (size_t i = 0; i < t->patterns_n; i++)
		list_each(n, &t->positions->all) {
			const struct position *pos = list_entry(n, struct position, link);

			if (pos->is_left && str_glob(t->patterns[i].path, pos->left.path))
				t->patterns[i].starts_at_end = false;
		}
}

void tail_pass_end(struct tail *t)
{
	for (size_t i = 0; i < t->patterns_n; i++)
		t->patterns[i].starts_at_end = false;
}

static void tell(struct tail *t, const char *path, uint64_t ino, uint64_t bytes, const char *why)
{
	uint64_t told = t->stats.passed_files++;

	t->stats.passed_bytes += bytes;
	if (told < TOLD_MAX)
		log_info("tail.passed", "path=%s ino=%" PRIu64 " size_bytes=%" PRIu64 " why=%s next=%s", path, ino, bytes, why,
			 told + 1 < TOLD_MAX ? "not read" : "not read; further ones are only counted");
}

int tail_pass_first(struct tail_file *tf)
{
	if (!tf->src->of->starts_at_end || tf->size == 0)
		return 0;
	TRY(tail_file_place(tf, tf->size));
	tell(tf->src->t, tf->path, tf->ino, tf->size, "start_at");
	return 0;
}

bool tail_pass_old(struct tail *t, const struct tail_candidate *c, const char *path)
{
	uint64_t most_ms = c->src->of->ignore_older_ms;
	int64_t age_ms = world_wall_ms(t->w) - c->mtime_ms;
	size_t known = t->archives_n;

	if (most_ms == 0 || age_ms <= 0 || (uint64_t)age_ms <= most_ms)
		return false;
	tail_refuse(c->src, TAIL_OLD, path);
	tail_archive_add(t, c, TAIL_OLD);
	/* One that there is no room to remember is seen anew by each scan, and must not be counted by each. */
	if (t->archives_n > known)
		tell(t, path, c->ino, c->size, "ignore_older");
	return true;
}
