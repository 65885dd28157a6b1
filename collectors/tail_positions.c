/* tail_positions.c - where files were left: by an earlier process (restored) or by this one, which read them to their end and
 * let them go.
 *
 * A position is forgotten when its file is followed again. What was restored waits for that however long, for its folder may
 * be mounted tomorrow; there are no more of them than the owner had. Of those let go LET_GO_MAX are kept: from SWEEP_AT on
 * scans look at every name, and those go whose file is no longer in its folder; where there are too many of the others too,
 * the oldest goes, counted: should its file come back under a pattern, it is read again. */
#include "collectors/tail_impl.h"

#include <inttypes.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"

#define LET_GO_MAX 4096
#define SWEEP_AT (LET_GO_MAX / 2) /* until then a copy of a file that is gone is known for what it is */

void tail_position_forget(struct tail *t, size_t i)
{
	t->let_go_n -= t->restored[i].let_go;
	mem_free((char *)t->restored[i].s.path);
	memmove(&t->restored[i], &t->restored[i + 1], (t->restored_n - i - 1) * sizeof(*t->restored));
	t->restored_n--;
	t->index.stale = true;
}

static void drop_oldest_let_go(struct tail *t)
{
	size_t i = 0;

	while (!t->restored[i].let_go)
		i++;
	if (t->stats.positions_dropped++ == 0)
		log_warn("tail.position.dropped",
			 "path=\"%s\" ino=%" PRIu64 " max=%d next=\"read again should it come back; others are only counted\"",
			 t->restored[i].s.path, t->restored[i].s.ino, LET_GO_MAX);
	tail_position_forget(t, i);
}

void tail_remember(struct tail *t, const struct telemetry_source *s, bool let_go)
{
	if (let_go && t->let_go_n >= LET_GO_MAX)
		drop_oldest_let_go(t);
	t->restored = mem_grow(t->restored, t->restored_n + 1, sizeof(*t->restored));
	t->restored[t->restored_n] = (struct tail_position){ .s = *s, .let_go = let_go, .seen = t->scan.number };
	t->restored[t->restored_n++].s.path = mem_str(s->path);
	t->let_go_n += let_go;
	t->index.stale = true;
}

bool tail_is_known(struct tail *t, uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < t->restored_n; i++)
		if (t->restored[i].s.dev == dev && t->restored[i].s.ino == ino)
			return true;
	return tail_file_of(t, dev, ino) != NULL;
}

bool tail_positions_want_all_names(const struct tail *t)
{
	return t->restored_n > t->let_go_n || t->let_go_n >= SWEEP_AT;
}

static bool was_looked_at(const struct tail *t, const char *path)
{
	for (size_t i = 0; i < t->sources_n; i++)
		if (t->sources[i].real != NULL && tail_name_in(t->sources[i].real, path) != NULL)
			return true;
	return false;
}

static bool is_gone(const struct tail *t, const struct tail_position *p)
{
	return p->let_go && p->seen != t->scan.number && was_looked_at(t, p->s.path);
}

void tail_positions_sweep(struct tail *t)
{
	size_t kept = 0;

	if (t->let_go_n < SWEEP_AT)
		return;
	for (size_t i = 0; i < t->restored_n; i++) {
		if (!is_gone(t, &t->restored[i])) {
			t->restored[kept++] = t->restored[i];
			continue;
		}
		mem_free((char *)t->restored[i].s.path);
		t->let_go_n--;
	}
	t->restored_n = kept;
	t->index.stale = true;
}

void tail_positions_close(struct tail *t)
{
	for (size_t i = 0; i < t->restored_n; i++)
		mem_free((char *)t->restored[i].s.path);
	mem_free(t->restored);
}
