/* tail_positions.c - what the tail does with the places where files were left: by an earlier process, or by this one, which read
 * them to their end and let them go.
 *
 * A place is given up when its file is followed again. Those of an earlier process wait for that however long, for the folder may
 * be mounted tomorrow; there are no more of them than were durable. Of those let go LET_GO_MAX are kept: from SWEEP_AT on scans
 * look at every name, and those go whose file is no longer in its folder; where there are too many of the others too, the oldest
 * goes, counted: should its file come back under a pattern, it is read again. */
#include "collectors/tail_impl.h"

#include <inttypes.h>

#include "agent/base/log.h"
#include "agent/base/str.h"

#define LET_GO_MAX 4096
#define SWEEP_AT (LET_GO_MAX / 2) /* until then a copy of a file that is gone is known for what it is */

static void drop_oldest_let_go(struct tail *t)
{
	struct position *pos = positions_oldest_let_go(t->positions);

	if (t->stats.positions_dropped++ == 0)
		log_warn("tail.position.dropped",
			 "path=%s ino=%" PRIu64
			 " max=%d next=\"read from its start should it come back; further ones are only counted\"",
			 pos->left.path, pos->left.ino, LET_GO_MAX);
	positions_drop(t->positions, pos);
}

void tail_position_leave(struct tail *t, const struct telemetry_source *s)
{
	if (t->positions->let_go_n >= LET_GO_MAX)
		drop_oldest_let_go(t);
	positions_leave(t->positions, s, t->scan.number);
	t->index.stale = true;
}

void tail_position_claim(struct tail *t, struct position *pos)
{
	positions_claim(t->positions, pos);
	t->index.stale = true;
}

bool tail_is_known(struct tail *t, uint64_t dev, uint64_t ino)
{
	return positions_find(t->positions, dev, ino) != NULL || tail_file_of(t, dev, ino) != NULL;
}

bool tail_positions_want_all_names(const struct tail *t)
{
	/* Files of an earlier process are still searched for, under whatever name; or so many were let go that it is time to see
	 * which of them are gone. */
	return t->positions->left_n > t->positions->let_go_n || t->positions->let_go_n >= SWEEP_AT;
}

static bool was_looked_at(const struct tail *t, const char *path)
{
	/* A folder that is not there now, such as one not mounted, says nothing of its files. */
	for (size_t i = 0; i < t->sources_n; i++)
		if (t->sources[i]->folder != NULL && tail_name_in(t->sources[i]->folder->dir, path) != NULL)
			return true;
	/* One that a search for folders did not find is gone with all that was in it. */
	for (size_t i = 0; i < t->patterns_n; i++)
		if (t->patterns[i].is_wide && !t->patterns[i].is_partial && str_glob(t->patterns[i].path, path))
			return true;
	return false;
}

static bool is_gone(const struct tail *t, const struct position *pos)
{
	return pos->is_left && pos->let_go && pos->seen != t->scan.number && was_looked_at(t, pos->left.path);
}

void tail_positions_sweep(struct tail *t)
{
	if (t->positions->let_go_n < SWEEP_AT)
		return;
	list_each_safe(n, &t->positions->all) {
		struct position *pos = list_entry(n, struct position, link);

		if (is_gone(t, pos))
			positions_drop(t->positions, pos);
	}
	t->index.stale = true;
}
