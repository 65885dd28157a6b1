/* budget.c - see budget.h. Its file is one line: {"day":"2026-11-30","reserved":{"vendor":1048576}}, replaced as a whole.
 *
 * Fails: what cannot be reserved is not sent where there is a budget; it is tried again every ten seconds. A file that is not what
 * was written counts as a day that is spent. Closing: a write that is under way, and one more. */
#include "shippers/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"

#define DAY_MS INT64_C(86400000)
#define SHARE_MIN (UINT64_C(64) << 10)
#define SHARE_MAX (UINT64_C(16) << 20)
#define LOOK_MS 30000 /* has the day changed? */
#define AGAIN_MS 10000
#define FILE_MAX 4096
#define ALL_SPENT (UINT64_C(1) << 52) /* more than any day can be */

struct account_of_day {
	char *name;
	uint64_t spent, reserved, wanted; /* reserved: durable; wanted: to be reserved next */
	bool is_over;
};

struct budget {
	struct world *w;
	struct budget_config c;
	char *path;
	uint64_t limit;
	int64_t day;
	uint64_t behind_ms; /* since when the clock shows an earlier day; 0: it does not */
	struct account_of_day dests[BUDGET_DESTS_MAX];
	struct buf out;
	uint64_t writing[BUDGET_DESTS_MAX];
	int64_t writing_day;
	bool is_writing, is_final;
	struct disk_req disk;
	struct timer timer;
	char trouble[ERR_TEXT_MAX];
	struct ending end;
};

static void write_out(struct budget *b);

static int64_t today(const struct budget *b)
{
	return world_wall_ms(b->w) / DAY_MS;
}

static uint64_t share_of(const struct budget *b)
{
	uint64_t share = b->limit > 0 ? b->limit / 100 : SHARE_MAX;

	return share < SHARE_MIN ? SHARE_MIN : share > SHARE_MAX ? SHARE_MAX : share;
}

/* ---- the day --------------------------------------------------------------------------------------------------------------- */

static void begin_day(struct budget *b, int64_t day)
{
	b->day = day;
	b->behind_ms = 0;
	for (unsigned i = 0; i < b->c.n; i++) {
		struct account_of_day *d = &b->dests[i];

		if (d->is_over)
			log_info("export.budget.renewed", "destination=%s bytes_per_day=%" PRIu64, d->name, b->limit);
		d->spent = d->reserved = d->wanted = 0;
		d->is_over = false;
	}
}

static void look_at_day(struct budget *b)
{
	int64_t day = today(b);
	uint64_t now_ms = world_now_ms(b->w) + 1;

	if (day > b->day)
		begin_day(b, day);
	else if (day == b->day)
		b->behind_ms = 0;
	else if (b->behind_ms == 0)
		b->behind_ms = now_ms;
	else if (now_ms - b->behind_ms >= (uint64_t)DAY_MS)
		begin_day(b, day);
}

static void on_look(struct timer *t)
{
	struct budget *b = container_of(t, struct budget, timer);
	bool was_over = false, is_over = false;

	for (unsigned i = 0; i < b->c.n; i++)
		was_over |= b->dests[i].is_over;
	look_at_day(b);
	for (unsigned i = 0; i < b->c.n; i++)
		is_over |= b->dests[i].is_over;
	timer_start(b->w, &b->timer, b->trouble[0] != '\0' ? AGAIN_MS : LOOK_MS, on_look);
	write_out(b);
	if (was_over && !is_over)
		b->c.changed(b->c.ctx);
}

/* ---- the file -------------------------------------------------------------------------------------------------------------- */

static void on_written(struct disk_req *r, int rc)
{
	struct budget *b = container_of(r, struct budget, disk);

	b->is_writing = false;
	if (rc == 0) {
		b->trouble[0] = '\0';
		for (unsigned i = 0; i < b->c.n && b->writing_day == b->day; i++)
			b->dests[i].reserved = b->writing[i];
	} else if (b->trouble[0] == '\0') {
		log_warn("export.budget.unwritten", "err=%s next=%s", err_text(&r->err),
			 b->limit > 0 ? "nothing is sent until it can be written" : "it is tried again");
		snprintf(b->trouble, sizeof(b->trouble),
			 "what was sent today cannot be noted (%.250s), and the policy has a budget", err_text(&r->err));
		timer_start(b->w, &b->timer, AGAIN_MS, on_look);
	}
	if (ending_is_on(&b->end)) {
		write_out(b);
		ending_step(&b->end);
		return;
	}
	if (rc == 0) {
		write_out(b);
		b->c.changed(b->c.ctx);
	}
}

static bool wants_more(const struct budget *b)
{
	for (unsigned i = 0; i < b->c.n; i++)
		if (b->dests[i].wanted > b->dests[i].reserved)
			return true;
	return false;
}

/* With the end near what was spent, and else what is to be reserved. */
static void write_out(struct budget *b)
{
	CLEANUP(json_close) json_t *o = NULL;
	json_t *reserved = json_object();
	char day[STAMP_RFC3339_LEN];
	bool ends = ending_is_on(&b->end);

	if (b->is_writing || (ends ? b->is_final : !wants_more(b))) {
		json_decref(reserved);
		return;
	}
	b->is_final = ends;
	b->writing_day = b->day;
	for (unsigned i = 0; i < b->c.n; i++) {
		struct account_of_day *d = &b->dests[i];

		b->writing[i] = ends ? d->spent : d->wanted > d->reserved ? d->wanted : d->reserved;
		json_object_set_new(reserved, d->name, json_integer((json_int_t)b->writing[i]));
	}
	stamp_rfc3339(b->day * DAY_MS, day);
	day[10] = '\0';
	o = json_pack("{s:s, s:o}", "day", day, "reserved", reserved);
	buf_reset(&b->out);
	err_ignore(json_write(o, &b->out), "two short names fit");
	buf_addc(&b->out, '\n');
	b->is_writing = true;
	disk_replace(b->w, &b->disk, b->path, b->out.data, b->out.len, 0600, on_written);
}

static int parse(struct budget *b, const struct buf *text, struct err *e)
{
	CLEANUP(json_close) json_t *o = NULL;
	char iso[STAMP_RFC3339_LEN + 8];
	const char *day;
	int64_t ms;

	TRY(json_parse(buf_str(text), text->len, b->path, &o, e));
	TRY(json_get_str(o, "day", &day, e));
	snprintf(iso, sizeof(iso), "%.10sT00:00:00Z", day);
	TRY(stamp_parse_iso(iso, &ms, e));
	b->day = ms / DAY_MS;
	for (unsigned i = 0; i < b->c.n; i++) {
		int64_t n = json_int_or(json_object_get(o, "reserved"), b->dests[i].name, 0);

		if (n < 0)
			return err_set(e, ERR_CORRUPT, "%s: a number is wrong", b->path);
		b->dests[i].spent = b->dests[i].reserved = b->dests[i].wanted = (uint64_t)n;
	}
	return 0;
}

static void read_file(struct budget *b)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(FILE_MAX);
	struct err e = { 0 };
	int rc = disk_read_all(b->w, b->path, &text, &e);

	b->day = today(b);
	if (rc == -ERR_NOTFOUND)
		return;
	if (rc == 0)
		rc = parse(b, &text, &e);
	if (rc == 0)
		return;
	log_warn("export.budget.unread", "err=%s next=\"where the policy has a budget, today counts as spent\"", err_text(&e));
	b->day = today(b);
	for (unsigned i = 0; i < b->c.n; i++)
		b->dests[i].spent = b->dests[i].reserved = b->dests[i].wanted = ALL_SPENT;
}

/* ---- asked ----------------------------------------------------------------------------------------------------------------- */

static void note_over(struct budget *b, struct account_of_day *d)
{
	if (!d->is_over)
		log_warn("export.budget.spent", "destination=%s bytes_per_day=%" PRIu64 " next=\"the rest waits until 00:00 UTC\"",
			 d->name, b->limit);
	d->is_over = true;
}

/*  there is no budget                          yes: it is noted behind the sending
 *  all of it is spent                          no, until the day is over
 *  what is reserved reaches so far             yes
 *  else                                        no, until more of it is reserved  */
bool budget_take(struct budget *b, unsigned dest, uint64_t bytes)
{
	struct account_of_day *d = &b->dests[dest];

	look_at_day(b);
	if (b->limit > 0 && d->spent >= b->limit) {
		note_over(b, d);
		return false;
	}
	if (d->spent + bytes > d->reserved) {
		d->wanted = d->spent + bytes + share_of(b);
		/* No more than can be spent: what is reserved and not sent is lost by a kill. */
		if (b->limit > 0 && d->wanted > b->limit)
			d->wanted = d->spent + bytes > b->limit ? d->spent + bytes : b->limit;
		write_out(b);
		if (b->limit > 0)
			return false;
	}
	d->spent += bytes;
	return true;
}

void budget_set(struct budget *b, uint64_t limit)
{
	if (limit == b->limit)
		return;
	b->limit = limit;
	for (unsigned i = 0; i < b->c.n; i++)
		b->dests[i].is_over &= limit > 0 && b->dests[i].spent >= limit;
	b->c.changed(b->c.ctx);
}

uint64_t budget_limit(const struct budget *b)
{
	return b->limit;
}

uint64_t budget_spent(const struct budget *b, unsigned dest)
{
	return b->dests[dest].spent;
}

bool budget_is_over(const struct budget *b, unsigned dest)
{
	return b->dests[dest].is_over;
}

const char *budget_trouble(const struct budget *b)
{
	if (b->limit == 0)
		return NULL;
	for (unsigned i = 0; i < b->c.n; i++)
		if (b->dests[i].is_over)
			return "the budget of bytes_per_day in the policy is spent for today: what is more waits in the spool "
			       "until 00:00 UTC";
	return b->trouble[0] != '\0' ? b->trouble : NULL;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------- */

struct budget *budget_new(struct world *w, const struct budget_config *c)
{
	struct budget *b = mem_new(struct budget);

	b->w = w;
	b->c = *c;
	b->path = mem_str(c->path);
	b->out = BUF_MAX(FILE_MAX);
	for (unsigned i = 0; i < c->n; i++)
		b->dests[i].name = mem_str(c->names[i]);
	read_file(b);
	timer_start(w, &b->timer, LOOK_MS, on_look);
	return b;
}

static bool is_out(struct closing *c)
{
	return container_of(c, struct budget, end.closing)->is_writing;
}

static void budget_free(struct closing *c)
{
	struct budget *b = container_of(c, struct budget, end.closing);

	timer_stop(b->w, &b->timer);
	buf_close(&b->out);
	for (unsigned i = 0; i < b->c.n; i++)
		mem_free(b->dests[i].name);
	mem_free(b->path);
	mem_free(b);
}

static const struct closing_how budget_how = { is_out, budget_free };

void budget_close(struct budget *b, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&b->end, b->w, &budget_how, done, ctx);
	write_out(b);
}
