/* ledger.c - see ledger.h.
 *
 *     opening: the folder is listed, the end of its newest file looked at --> idle <--> writing
 *
 * A last line that is torn is cut: by the first write, which begins behind the last line feed.
 * Fails: lines that cannot be written are left out, and counted in the next one that can; who waits is told all the same.
 * Closing: one more try for what was added, synced. */
#include "shippers/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"

#define DAYS 31
#define BYTES_MAX (UINT64_C(256) << 20)
#define PENDING_MAX (1u << 20)
#define LINE_MAX_BYTES (256u << 10)
#define NAMES_MAX (1u << 20)
#define TAIL (64u << 10) /* in which the last line feed is looked for; our lines are shorter */
#define DAY_MS INT64_C(86400000)
#define PARTS 16 /* of the most: a file of a day is no larger */

struct ledger {
	struct world *w;
	char *dir, *path; /* path: of the file that is written */
	struct ledger_config c;
	struct ledger_file *files; /* the oldest first; the last one is written to */
	size_t files_n;
	struct buf names, pending, out; /* out: being written */
	size_t pending_n, out_n;        /* lines */
	uint64_t left_out;
	bool is_open, is_writing, wants_sync, is_removing;
	struct disk_req disk, removal;
	char *removed;
	struct list waiting, written_for; /* struct ledger_wait: of pending, of out */
	struct timer timer;
	char trouble[ERR_TEXT_MAX];
	struct ending end;
};

/* ---- names ---------------------------------------------------------------------------------------------------------------- */

bool ledger_name_read(const char *name, struct ledger_file *ret)
{
	char iso[32], again[LEDGER_NAME_MAX];
	unsigned part = 0;
	int64_t ms;

	if (strlen(name) >= LEDGER_NAME_MAX || strlen(name) < sizeof("2026-11-30.jsonl") - 1)
		return false;
	snprintf(iso, sizeof(iso), "%.10sT00:00:00Z", name);
	if (stamp_parse_iso(iso, &ms, NULL) != 0 || ms < 0)
		return false;
	if (name[10] == '-')
		part = (unsigned)strtoul(name + 11, NULL, 10);
	*ret = (struct ledger_file){ .day = ms / DAY_MS, .part = part };
	ledger_name(ret, again); /* to the letter, or it is no name of ours */
	return str_eq(name, again);
}

void ledger_name(const struct ledger_file *f, char to[LEDGER_NAME_MAX])
{
	char day[STAMP_RFC3339_LEN];

	stamp_rfc3339(f->day * DAY_MS, day);
	if (f->part == 0)
		snprintf(to, LEDGER_NAME_MAX, "%.10s.jsonl", day);
	else
		snprintf(to, LEDGER_NAME_MAX, "%.10s-%02u.jsonl", day, f->part);
}

bool ledger_is_before(const struct ledger_file *a, const struct ledger_file *b)
{
	return a->day != b->day ? a->day < b->day : a->part < b->part;
}

static char *path_of(const struct ledger *l, const struct ledger_file *f)
{
	char name[LEDGER_NAME_MAX];

	ledger_name(f, name);
	return mem_printf("%s/%s", l->dir, name);
}

/* ---- lines ---------------------------------------------------------------------------------------------------------------- */

static void write_more(struct ledger *l);
static void on_due(struct timer *t);

json_t *ledger_line(struct ledger *l, const char *type)
{
	char when[STAMP_RFC3339_LEN];

	return json_pack("{s:s, s:s}", "time", stamp_rfc3339(world_wall_ms(l->w), when), "type", type);
}

static void add_line(struct ledger *l, json_t *line)
{
	size_t from = l->pending.len;

	if (json_size(line) < LINE_MAX_BYTES && json_write(line, &l->pending) == 0 && buf_addc(&l->pending, '\n') == 0) {
		l->pending_n++;
	} else {
		l->pending.len = from;
		l->pending.over = false;
		l->left_out++;
	}
	json_decref(line);
}

void ledger_add(struct ledger *l, json_t *line)
{
	add_line(l, line);
	timer_start(l->w, &l->timer, 0, on_due); /* one write for all of a turn of the loop */
}

void ledger_sync(struct ledger *l)
{
	l->wants_sync = true;
}

void ledger_after(struct ledger *l, struct ledger_wait *wt, void (*cb)(struct ledger_wait *wt))
{
	wt->cb = cb;
	list_add(&l->waiting, &wt->link);
	timer_start(l->w, &l->timer, 0, on_due);
}

static void tell(struct list *waits)
{
	struct list now;

	list_init(&now);
	while (!list_empty(waits)) /* from the callback another wait may be added */
		list_add(&now, list_pop(waits));
	while (!list_empty(&now)) {
		struct ledger_wait *wt = list_entry(list_pop(&now), struct ledger_wait, link);

		wt->cb(wt);
	}
}

/* ---- bounds --------------------------------------------------------------------------------------------------------------- */

static uint64_t bytes_of_all(const struct ledger *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->files_n; i++)
		n += l->files[i].bytes;
	return n;
}

static const char *why_oldest_goes(const struct ledger *l)
{
	if (l->files_n < 2)
		return NULL;
	if (l->files[0].day + l->c.days <= l->files[l->files_n - 1].day)
		return "days";
	return bytes_of_all(l) > l->c.max ? "bytes" : NULL;
}

static void remove_oldest(struct ledger *l);

static void on_removed(struct disk_req *r, int rc)
{
	struct ledger *l = container_of(r, struct ledger, removal);

	err_ignore(rc, "the next start finds it again");
	mem_free(l->removed);
	l->removed = NULL;
	l->is_removing = false;
	remove_oldest(l);
	ending_step(&l->end);
}

static void remove_oldest(struct ledger *l)
{
	const char *why = why_oldest_goes(l);
	char name[LEDGER_NAME_MAX];
	json_t *line;

	if (why == NULL || l->is_removing || ending_is_on(&l->end))
		return;
	ledger_name(&l->files[0], name);
	line = ledger_line(l, "removed");
	json_object_set_new(line, "file", json_string(name));
	json_object_set_new(line, "bytes", json_integer((json_int_t)l->files[0].bytes));
	json_object_set_new(line, "why", json_string(why));
	ledger_add(l, line);
	log_info("ledger.removed", "file=%s bytes=%" PRIu64 " why=%s", name, l->files[0].bytes, why);
	l->removed = path_of(l, &l->files[0]);
	l->files_n--;
	memmove(l->files, l->files + 1, l->files_n * sizeof(*l->files));
	l->is_removing = true;
	disk_unlink(l->w, &l->removal, l->removed, on_removed);
}

/* ---- writing -------------------------------------------------------------------------------------------------------------- */

static void begin_file(struct ledger *l, struct ledger_file f)
{
	l->files = mem_grow(l->files, l->files_n + 1, sizeof(*l->files));
	l->files[l->files_n++] = f;
	mem_free(l->path);
	l->path = path_of(l, &f);
	remove_oldest(l);
	if (l->c.began != NULL && !ending_is_on(&l->end))
		l->c.began(l->c.ctx);
}

/* A clock that was set back does not go back to yesterday's file. */
static void choose_file(struct ledger *l)
{
	int64_t day = world_wall_ms(l->w) / DAY_MS;
	const struct ledger_file *f = l->files_n > 0 ? &l->files[l->files_n - 1] : NULL;

	if (f == NULL || day > f->day)
		begin_file(l, (struct ledger_file){ .day = day > 0 ? day : 0 });
	else if (f->bytes > l->c.max / PARTS && f->part < 99)
		begin_file(l, (struct ledger_file){ .day = f->day, .part = f->part + 1 });
}

static void on_written(struct disk_req *r, int rc)
{
	struct ledger *l = container_of(r, struct ledger, disk);
	struct ledger_file *f = &l->files[l->files_n - 1];

	l->is_writing = false;
	if (rc == 0) {
		f->bytes += l->out.len;
		l->trouble[0] = '\0';
	} else {
		if (l->trouble[0] == '\0')
			log_warn("ledger.write.failed", "path=%s err=%s next=\"its lines are left out and counted\"", r->path,
				 err_text(&r->err));
		snprintf(l->trouble, sizeof(l->trouble), "the ledger of what leaves cannot be written: %.300s", err_text(&r->err));
		l->left_out += l->out_n;
		/* Somebody has cut or removed it: it begins anew, or another part does. */
		if (rc == -ERR_CORRUPT)
			begin_file(l, (struct ledger_file){ .day = f->day, .part = f->part + 1 });
	}
	buf_reset(&l->out);
	tell(&l->written_for);
	remove_oldest(l);
	if (l->pending.len > 0 || !list_empty(&l->waiting))
		write_more(l);
	ending_step(&l->end);
}

static void say_left_out(struct ledger *l)
{
	json_t *line;

	if (l->left_out == 0)
		return;
	line = ledger_line(l, "left_out");
	json_object_set_new(line, "lines", json_integer((json_int_t)l->left_out));
	l->left_out = 0;
	add_line(l, line);
}

static void write_more(struct ledger *l)
{
	struct buf was = l->out;

	if (!l->is_open || l->is_writing)
		return;
	say_left_out(l);
	choose_file(l);
	l->out = l->pending;
	l->out_n = l->pending_n;
	l->pending = was;
	l->pending_n = 0;
	while (!list_empty(&l->waiting))
		list_add(&l->written_for, list_pop(&l->waiting));
	if (l->out.len == 0) {
		tell(&l->written_for);
		return;
	}
	l->is_writing = true;
	disk_append_how(l->w, &l->disk, l->path, l->files[l->files_n - 1].bytes, l->out.data, l->out.len,
			l->wants_sync || ending_is_on(&l->end), on_written);
	l->wants_sync = false;
}

static void on_due(struct timer *t)
{
	write_more(container_of(t, struct ledger, timer));
}

/* ---- opening -------------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return ledger_is_before(a, b) ? -1 : ledger_is_before(b, a);
}

/* Whole lines alone: the next append begins behind them. */
static uint64_t whole_of(struct ledger *l, const char *path, uint64_t size)
{
	CLEANUP(mem_close) char *tail = mem_alloc(TAIL);
	uint64_t from = size > TAIL ? size - TAIL : 0;
	struct disk_file *f = NULL;
	const char *lf = NULL;
	ssize_t n = -1;

	if (l->w->file_open(l->w, path, &f, NULL) == 0)
		n = l->w->file_read(l->w, f, from, tail, (size_t)(size - from), NULL);
	l->w->file_close(l->w, f);
	if (n > 0)
		lf = memrchr(tail, '\n', (size_t)n);
	return lf != NULL ? from + (uint64_t)(lf - tail) + 1 : n >= 0 ? from : size;
}

static void take_names(struct ledger *l)
{
	for (size_t at = 0; at < l->names.len; at += strlen(l->names.data + at) + 1) {
		CLEANUP(mem_close) char *path = mem_printf("%s/%s", l->dir, l->names.data + at);
		struct ledger_file f;
		struct disk_stat st;

		if (!ledger_name_read(l->names.data + at, &f) || l->w->disk_stat(l->w, path, &st, NULL) != 0 || !st.is_file)
			continue;
		f.bytes = st.size;
		l->files = mem_grow(l->files, l->files_n + 1, sizeof(*l->files));
		l->files[l->files_n++] = f;
	}
	if (l->files_n == 0)
		return;
	qsort(l->files, l->files_n, sizeof(*l->files), by_name);
	l->path = path_of(l, &l->files[l->files_n - 1]);
	l->files[l->files_n - 1].bytes = whole_of(l, l->path, l->files[l->files_n - 1].bytes);
}

static void on_listed(struct disk_req *r, int rc)
{
	struct ledger *l = container_of(r, struct ledger, disk);

	if (rc == 0)
		take_names(l);
	else
		log_warn("ledger.unreadable", "err=%s next=\"a file of its own begins\"", err_text(&r->err));
	buf_close(&l->names);
	l->is_open = true;
	remove_oldest(l);
	write_more(l);
	ending_step(&l->end);
}

struct ledger *ledger_new(struct world *w, const struct ledger_config *c)
{
	struct ledger *l = mem_new(struct ledger);

	l->w = w;
	l->c = *c;
	l->c.days = c->days > 0 ? c->days : DAYS;
	l->c.max = c->max > 0 ? c->max : BYTES_MAX;
	l->dir = mem_str(c->dir);
	l->names = BUF_MAX(NAMES_MAX);
	l->pending = l->out = BUF_MAX(PENDING_MAX);
	list_init(&l->waiting);
	list_init(&l->written_for);
	err_ignore(w->disk_mkdir(w, l->dir, 0700, NULL), "the list tells what is wrong");
	disk_list(w, &l->disk, l->dir, &l->names, on_listed);
	return l;
}

const char *ledger_trouble(const struct ledger *l)
{
	return l->trouble[0] != '\0' ? l->trouble : NULL;
}

/* ---- the end -------------------------------------------------------------------------------------------------------------- */

static bool is_out(struct closing *c)
{
	const struct ledger *l = container_of(c, struct ledger, end.closing);

	return !l->is_open || l->is_writing || l->is_removing;
}

static void ledger_free(struct closing *c)
{
	struct ledger *l = container_of(c, struct ledger, end.closing);

	timer_stop(l->w, &l->timer);
	buf_close(&l->names);
	buf_close(&l->pending);
	buf_close(&l->out);
	mem_free(l->files);
	mem_free(l->removed);
	mem_free(l->path);
	mem_free(l->dir);
	mem_free(l);
}

static const struct closing_how ledger_how = { is_out, ledger_free };

void ledger_close(struct ledger *l, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&l->end, l->w, &ledger_how, done, ctx);
	write_more(l);
}
