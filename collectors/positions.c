/* positions.c - see positions.h. Few files and the newest last: a search from the end finds the usual one at once. */
#include "collectors/positions.h"

#include "agent/base/mem.h"
#include "agent/base/str.h"

static struct position *entry(struct list *n)
{
	return list_entry(n, struct position, link);
}

/* ---- one of them ------------------------------------------------------------------------------------------------------- */

/* A file's path seldom changes: what is there already stays. */
static void set(struct telemetry_source *to, const struct telemetry_source *from)
{
	const char *path = to->path;

	if (!str_eq(path, from->path)) {
		mem_free((char *)path);
		path = mem_str(from->path);
	}
	*to = *from;
	to->path = path;
}

static void clear(struct telemetry_source *s)
{
	mem_free((char *)s->path);
	*s = (struct telemetry_source){ 0 };
}

static struct position *find(struct positions *p, uint64_t dev, uint64_t ino)
{
	for (struct list *n = p->all.prev; n != &p->all; n = n->prev) {
		const struct telemetry_source *s = entry(n)->is_left ? &entry(n)->left : &entry(n)->durable;

		if (s->dev == dev && s->ino == ino)
			return entry(n);
	}
	return NULL;
}

/* A walk that stands on it goes on behind it. */
static void take_out(struct positions *p, struct position *pos)
{
	if (p->at == &pos->link)
		p->at = pos->link.next;
	list_del(&pos->link);
}

/* A walk that has come to the end has this one before it: it must not be missed because it moved. */
static void put_last(struct positions *p, struct position *pos)
{
	list_add(&p->all, &pos->link);
	if (p->at == &p->all)
		p->at = &pos->link;
}

static struct position *find_or_make_last(struct positions *p, const struct telemetry_source *s)
{
	struct position *pos = find(p, s->dev, s->ino);

	if (pos == NULL)
		pos = mem_new(struct position);
	else
		take_out(p, pos);
	put_last(p, pos);
	return pos;
}

static void drop_durable(struct positions *p, struct position *pos)
{
	p->durable_n -= pos->is_durable;
	pos->is_durable = false;
	clear(&pos->durable);
}

static void drop_left(struct positions *p, struct position *pos)
{
	p->left_n -= pos->is_left;
	p->let_go_n -= pos->is_left && pos->let_go;
	pos->is_left = false;
	clear(&pos->left);
}

static void free_if_empty(struct positions *p, struct position *pos)
{
	if (pos->is_durable || pos->is_left)
		return;
	take_out(p, pos);
	mem_free(pos);
}

/* ---- for whoever commits ----------------------------------------------------------------------------------------------- */

static struct position *first_to_go(struct positions *p)
{
	struct position *quietest = NULL;

	list_each(n, &p->all) {
		if (entry(n)->is_durable && entry(n)->let_go)
			return entry(n);
		if (entry(n)->is_durable && quietest == NULL)
			quietest = entry(n);
	}
	return quietest;
}

static void make_room(struct positions *p)
{
	struct position *pos = first_to_go(p);

	drop_durable(p, pos);
	free_if_empty(p, pos);
}

static void on_committed(void *ctx, const struct telemetry_source *s)
{
	struct positions *p = ctx;
	struct position *pos = find_or_make_last(p, s);

	if (!pos->is_durable && p->durable_n == POSITIONS_MAX)
		make_room(p);
	p->durable_n += !pos->is_durable;
	pos->is_durable = true;
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

		if (pos->is_left)
			continue;
		pos->is_left = true;
		p->left_n++;
		set(&pos->left, &pos->durable);
	}
}

struct position *positions_find(struct positions *p, uint64_t dev, uint64_t ino)
{
	struct position *pos = find(p, dev, ino);

	return pos != NULL && pos->is_left ? pos : NULL;
}

void positions_claim(struct positions *p, struct position *pos)
{
	drop_left(p, pos);
	pos->let_go = false;
	free_if_empty(p, pos);
}

void positions_leave(struct positions *p, const struct telemetry_source *s, uint64_t seen)
{
	struct position *pos = find_or_make_last(p, s);

	drop_left(p, pos);
	set(&pos->left, s);
	pos->is_left = pos->let_go = true;
	pos->seen = seen;
	p->left_n++;
	p->let_go_n++;
}

void positions_drop(struct positions *p, struct position *pos)
{
	drop_left(p, pos);
	free_if_empty(p, pos);
}

void positions_forget(struct positions *p, struct position *pos)
{
	drop_durable(p, pos);
	drop_left(p, pos);
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
