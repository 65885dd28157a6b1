/* positions.c - see positions.h. Found by inode through buckets: a log of commit records may name thousands of files in one slice,
 * and a search through all of them for each would hold up the loop. */
#include "collectors/positions.h"

#include "agent/base/mem.h"
#include "agent/base/str.h"

static struct position *entry(struct list *n)
{
	return list_entry(n, struct position, link);
}

/* ---- one of them ------------------------------------------------------------------------------------------------------- */

/* A file's path seldom changes: what is there already stays. */
static const char *text_of(const char *old, const char *text)
{
	if (str_eq(old, text))
		return old;
	mem_free((char *)old);
	return mem_str(text);
}

static void set(struct telemetry_source *to, const struct telemetry_source *from)
{
	const char *path = text_of(to->path, from->path), *cursor = text_of(to->cursor, from->cursor);

	*to = *from;
	to->path = path;
	to->cursor = cursor;
}

static void clear(struct telemetry_source *s)
{
	mem_free((char *)s->path);
	mem_free((char *)s->cursor);
	*s = (struct telemetry_source){ 0 };
}

/* Where the pointer to it is, or would be. */
static struct position **place_of(struct positions *p, uint64_t dev, uint64_t ino)
{
	struct position **at = &p->buckets[(ino + dev) % POSITIONS_BUCKETS];

	while (*at != NULL && ((*at)->dev != dev || (*at)->ino != ino))
		at = &(*at)->same;
	return at;
}

/* A walk (see `next`) whose next entry is this one goes on with the one behind it. */
static void take_out(struct positions *p, struct position *pos)
{
	if (p->at == &pos->link)
		p->at = pos->link.next;
	list_del(&pos->link);
}

/* For a walk that has come to the end this one is next: it must not be missed because it was moved to the end. */
static void put_last(struct positions *p, struct position *pos)
{
	list_add(&p->all, &pos->link);
	if (p->at == &p->all)
		p->at = &pos->link;
}

static struct position *find_or_make_last(struct positions *p, const struct telemetry_source *s)
{
	struct position **at = place_of(p, s->dev, s->ino);

	if (*at == NULL) {
		*at = mem_new(struct position);
		(*at)->dev = s->dev;
		(*at)->ino = s->ino;
	}
	take_out(p, *at);
	put_last(p, *at);
	return *at;
}

/* Keeps the numbers of each sort: a position is taken out of them before it changes, and added again afterwards. */
static void count(struct positions *p, const struct position *pos, size_t by)
{
	p->durable_n += pos->is_durable ? by : 0;
	p->left_n += pos->is_left ? by : 0;
	p->let_go_n += pos->is_left && pos->let_go ? by : 0;
	p->may_go_n += pos->is_durable && pos->let_go ? by : 0;
}

static void change(struct positions *p, struct position *pos, bool is_durable, bool is_left, bool let_go)
{
	count(p, pos, (size_t)-1);
	pos->is_durable = is_durable;
	pos->is_left = is_left;
	pos->let_go = let_go;
	count(p, pos, 1);
	if (!is_durable)
		clear(&pos->durable);
	if (!is_left)
		clear(&pos->left);
}

static void free_if_empty(struct positions *p, struct position *pos)
{
	if (pos->is_durable || pos->is_left)
		return;
	take_out(p, pos);
	*place_of(p, pos->dev, pos->ino) = pos->same;
	mem_free(pos);
}

/* ---- for whoever commits ----------------------------------------------------------------------------------------------- */

static void make_room(struct positions *p)
{
	list_each(n, &p->all) {
		struct position *pos = entry(n);

		if (!pos->is_durable || pos->durable.cursor != NULL || (p->may_go_n > 0 && !pos->let_go))
			continue;
		change(p, pos, false, pos->is_left, pos->let_go);
		free_if_empty(p, pos);
		return;
	}
}

/* The last lines of a file that was let go may be committed later than that: it stays let go. If its place was forgotten meanwhile,
 * it counts as a file that is followed. */
static void on_committed(void *ctx, const struct telemetry_source *s)
{
	struct positions *p = ctx;
	struct position *pos = find_or_make_last(p, s);

	if (!pos->is_durable && p->durable_n == POSITIONS_MAX)
		make_room(p);
	change(p, pos, true, pos->is_left, pos->is_left && pos->let_go);
	set(&pos->durable, s);
}

static void forget_all(void *ctx)
{
	struct positions *p = ctx;

	while (!list_empty(&p->all))
		positions_forget(p, entry(p->all.next));
}

static void rewind_to_first(void *ctx)
{
	struct positions *p = ctx;

	p->at = p->all.next;
}

static bool next(void *ctx, struct telemetry_source *ret)
{
	struct positions *p = ctx;

	while (p->at != &p->all) {
		const struct position *pos = entry(p->at);

		p->at = p->at->next;
		if (!pos->is_durable)
			continue;
		*ret = pos->durable;
		return true;
	}
	return false;
}

/* ---- for the tail ------------------------------------------------------------------------------------------------------ */

void positions_wait(struct positions *p)
{
	list_each(n, &p->all) {
		struct position *pos = entry(n);

		if (pos->is_left || pos->durable.cursor != NULL)
			continue;
		change(p, pos, true, true, false);
		set(&pos->left, &pos->durable);
	}
}

struct position *positions_get(struct positions *p, uint64_t dev, uint64_t ino)
{
	return *place_of(p, dev, ino);
}

struct position *positions_find(struct positions *p, uint64_t dev, uint64_t ino)
{
	struct position *pos = positions_get(p, dev, ino);

	return pos != NULL && pos->is_left ? pos : NULL;
}

void positions_claim(struct positions *p, struct position *pos)
{
	change(p, pos, pos->is_durable, false, false);
	free_if_empty(p, pos);
}

void positions_leave(struct positions *p, const struct telemetry_source *s, uint64_t seen)
{
	struct position *pos = find_or_make_last(p, s);

	change(p, pos, pos->is_durable, true, true);
	set(&pos->left, s);
	pos->seen = seen;
}

void positions_drop(struct positions *p, struct position *pos)
{
	change(p, pos, pos->is_durable, false, pos->let_go);
	free_if_empty(p, pos);
}

void positions_forget(struct positions *p, struct position *pos)
{
	change(p, pos, false, false, false);
	free_if_empty(p, pos);
}

struct position *positions_oldest_let_go(struct positions *p)
{
	list_each(n, &p->all)
		if (entry(n)->is_left && entry(n)->let_go)
			return entry(n);
	return NULL;
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

void positions_init(struct positions *p)
{
	*p = (struct positions){ .durable = { p, on_committed, forget_all, rewind_to_first, next } };
	list_init(&p->all);
	p->at = &p->all;
}

void positions_close(struct positions *p)
{
	forget_all(p);
}
