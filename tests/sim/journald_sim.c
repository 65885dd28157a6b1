/* journald_sim.c - the machine's journal in memory: entries that other processes write, and that vacuums, damage and a new
 * file take away. It belongs to the machine: it outlives the agent.
 *
 * The same rules as the library's hold: a place is looked for at the first read and behind a change of files, an entry belongs to a
 * unit by four ways, and a cursor names one entry of one file. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/str.h"
#include "agent/io/journald_entry.h"
#include "tests/sim/world_sim_impl.h"

#define SLICE 8 /* entries of a read */

struct entry {
	struct list link;
	uint64_t number, time_us, x;
	unsigned file;                  /* number of the file it is in, which changes when it is copied to another */
	struct buf fields;              /* each with its length in front */
	bool is_damaged, blocks, hides; /* hides: its file is let go where it is read */
};

struct open_journal {
	struct list link;
	struct world_sim *s;
	struct journald_req *r;
	struct sim_event *due;
	uint64_t at;      /* number of the last entry that was read */
	uint64_t sought;  /* the change of files that its place was looked for behind; 0: none */
	bool waits;       /* for a change */
	uint64_t until;   /* it sees nothing newer */
	uint64_t dropped; /* number of the last entry whose file was let go */
	char newest[JOURNALD_CURSOR_MAX];
};

static struct entry *entry_of(struct list *n)
{
	return list_entry(n, struct entry, link);
}

static const char *cursor_of(const struct entry *en, char to[JOURNALD_CURSOR_MAX])
{
	snprintf(to, JOURNALD_CURSOR_MAX, "s=%032x;i=%llx;b=%032x;m=%llx;t=%llx;x=%llx", en->file, (unsigned long long)en->number,
		 7, (unsigned long long)en->time_us / 2, (unsigned long long)en->time_us, (unsigned long long)en->x);
	return to;
}

/* ---- other processes ---- */

static void on_changed(void *ctx)
{
	struct open_journal *j = ctx;

	j->due = NULL;
	j->r->changed(j->r);
}

static void changed(struct world_sim *s)
{
	list_each(n, &s->journals) {
		struct open_journal *j = list_entry(n, struct open_journal, link);

		if (!j->waits || s->journal_number > j->until)
			continue;
		j->waits = false;
		j->due = sim_event_add(s, sim_between(s, 0, 250), "journal", true, on_changed, j);
	}
}

static void files_changed(struct world_sim *s)
{
	s->journal_files++;
	changed(s);
}

void sim_journal_begin(struct world *w)
{
	struct world_sim *s = sim_of(w);
	struct entry *en = mem_new(struct entry);

	en->number = ++s->journal_number;
	en->time_us = (uint64_t)w->wall_ms(w) * 1000;
	if (!list_empty(&s->journal) && en->time_us <= entry_of(s->journal.prev)->time_us)
		en->time_us = entry_of(s->journal.prev)->time_us + 1;
	en->x = sim_chance(s);
	en->fields = BUF_MAX(64u << 20);
	list_add(&s->journal, &en->link);
}

void sim_journal_field(struct world *w, const void *field, size_t len)
{
	struct entry *en = entry_of(sim_of(w)->journal.prev);

	buf_add(&en->fields, &len, sizeof(len));
	buf_add(&en->fields, field, len);
}

void sim_journal_end(struct world *w)
{
	changed(sim_of(w));
}

void sim_journal_add(struct world *w, const char *lines)
{
	sim_journal_begin(w);
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		sim_journal_field(w, lines, len);
		lines += len + (lines[len] == '\n');
	}
	sim_journal_end(w);
}

static void drop(struct entry *en)
{
	list_del(&en->link);
	buf_close(&en->fields);
	mem_free(en);
}

void sim_journal_vacuum(struct world *w, unsigned n)
{
	for (; n > 0; n--)
		drop(entry_of(sim_of(w)->journal.next));
	files_changed(sim_of(w));
}

void sim_journal_copy(struct world *w)
{
	list_each(n, &sim_of(w)->journal) {
		entry_of(n)->file++;
		entry_of(n)->number += 1000;
	}
	sim_of(w)->journal_number += 1000;
	files_changed(sim_of(w));
}

void sim_journal_rotate(struct world *w)
{
	files_changed(sim_of(w));
}

void sim_journal_damage(struct world *w)
{
	entry_of(sim_of(w)->journal.prev)->is_damaged = true;
}

void sim_journal_hide(struct world *w)
{
	entry_of(sim_of(w)->journal.prev)->hides = true;
}

void sim_journal_block(struct world *w)
{
	entry_of(sim_of(w)->journal.prev)->blocks = true;
}

void sim_journal_quiet(struct world *w, bool is_quiet)
{
	struct world_sim *s = sim_of(w);

	list_each(n, &s->journals)
		list_entry(n, struct open_journal, link)->until = is_quiet ? s->journal_number : UINT64_MAX;
}

unsigned sim_journal_open(struct world *w)
{
	unsigned n = 0;

	list_each(l, &sim_of(w)->journals)
		n++;
	return n;
}

void sim_journal_absent(struct world *w, bool is_absent)
{
	sim_of(w)->journal_absent = is_absent;
}

/* ---- what a read sees ---- */

static bool has(const struct entry *en, const char *name, const char *value)
{
	CLEANUP(mem_close) char *want = mem_printf("%s=%s", name, value);

	for (size_t at = 0, len; at < en->fields.len; at += sizeof(len) + len) {
		memcpy(&len, en->fields.data + at, sizeof(len));
		if (len == strlen(want) && memcmp(en->fields.data + at + sizeof(len), want, len) == 0)
			return true;
	}
	return false;
}

static bool is_of(const struct entry *en, const char *unit)
{
	return has(en, "_SYSTEMD_UNIT", unit) || (has(en, "_PID", "1") && has(en, "UNIT", unit)) ||
	       (has(en, "_UID", "0") && has(en, "OBJECT_SYSTEMD_UNIT", unit)) ||
	       (has(en, "_UID", "0") && has(en, "COREDUMP_UNIT", unit) &&
		has(en, "MESSAGE_ID", "fc2e22bc6ee647b6b90729ab34a250b1"));
}

static bool is_wanted(const struct journald_req *r, const struct entry *en)
{
	for (size_t i = 0; i < r->units_n; i++)
		if (is_of(en, r->units[i]))
			return true;
	return false;
}

/* The last entry of the units; NULL: none. */
static struct entry *last_of(struct open_journal *j)
{
	struct entry *last = NULL;

	list_each(n, &j->s->journal)
		if (is_wanted(j->r, entry_of(n)))
			last = entry_of(n);
	return last;
}

static void seek_cursor(struct open_journal *j)
{
	struct journald_req *r = j->r;
	char cursor[JOURNALD_CURSOR_MAX];
	const char *t = strstr(r->cursor, ";t=");
	uint64_t time_us = strtoull(t + 3, NULL, 16);

	r->is_gone = true;
	j->at = j->s->journal_number;
	for (struct list *n = j->s->journal.prev; n != &j->s->journal; n = n->prev) {
		struct entry *en = entry_of(n);

		if (is_wanted(r, en) && str_eq(cursor_of(en, cursor), r->cursor)) {
			r->is_gone = false;
			j->at = en->number;
			return;
		}
		if (en->time_us >= time_us)
			j->at = en->number - 1;
	}
	r->oldest_us = list_empty(&j->s->journal) ? 0 : entry_of(j->s->journal.next)->time_us;
}

static void seek_time(struct open_journal *j)
{
	j->at = j->s->journal_number;
	for (struct list *n = j->s->journal.prev; n != &j->s->journal; n = n->prev)
		if (entry_of(n)->time_us >= j->r->time_us)
			j->at = entry_of(n)->number - 1;
}

static void seek(struct open_journal *j)
{
	const struct entry *last = last_of(j);

	j->sought = j->s->journal_files;
	j->r->is_sought = true;
	j->dropped = 0;
	j->at = 0;
	switch (j->r->place) {
	case JOURNALD_BEGIN:
		break;
	case JOURNALD_END:
		j->at = last != NULL ? last->number : 0;
		j->r->newest = j->newest;
		j->newest[0] = '\0';
		if (last != NULL)
			cursor_of(last, j->newest);
		break;
	case JOURNALD_CURSOR:
		seek_cursor(j);
		break;
	case JOURNALD_TIME:
		seek_time(j);
		break;
	}
}

static void put(struct open_journal *j, const struct entry *en)
{
	char cursor[JOURNALD_CURSOR_MAX];
	uint32_t seen = 0;

	j->at = en->number;
	journald_entry_begin(&j->r->entries, en->time_us, cursor_of(en, cursor));
	for (size_t at = 0, len; at < en->fields.len && !en->is_damaged; at += sizeof(len) + len) {
		memcpy(&len, en->fields.data + at, sizeof(len));
		journald_entry_add(&j->r->entries, &seen, en->fields.data + at + sizeof(len), len);
	}
	journald_entry_end(&j->r->entries, en->is_damaged);
}

static bool is_hidden(struct open_journal *j, const struct entry *en)
{
	if (!en->hides)
		return false;
	if (en->number > j->dropped)
		j->r->is_damaged = true;
	j->dropped = en->number;
	return true;
}

static int read_slice(struct open_journal *j)
{
	unsigned taken = 0;

	list_each(n, &j->s->journal) {
		struct entry *en = entry_of(n);

		if (en->number <= j->at || en->number > j->until || !is_wanted(j->r, en) || is_hidden(j, en))
			continue;
		if (taken == 0 && en->blocks)
			return err_set(&j->r->err, ERR_CORRUPT, "cannot read the journal: a file of it is damaged");
		if (taken++ == SLICE || en->blocks) {
			j->r->is_more = true;
			return 0;
		}
		put(j, en);
	}
	j->waits = true;
	return 0;
}

static int serve(struct open_journal *j)
{
	static const int fits[] = { ERR_CORRUPT, 0 };
	int rc = sim_fault(j->s, SIM_JOURNAL, fits);

	if (rc != 0)
		return err_set(&j->r->err, -rc, "cannot read the journal: a file of it is damaged");
	if (j->s->journal_absent)
		return err_set(&j->r->err, ERR_NOTFOUND, "the machine's library for journald's files is not there");
	if (j->sought != j->s->journal_files)
		seek(j);
	return read_slice(j);
}

static void on_read(void *ctx)
{
	struct open_journal *j = ctx;
	int rc;

	j->due = NULL;
	rc = serve(j);
	if (rc != 0)
		j->sought = 0;
	j->r->cb(j->r, rc);
}

static void journald_read(struct world *w, struct journald_req *r, journald_cb *cb)
{
	struct open_journal *j = r->impl;

	if (j == NULL) {
		r->impl = j = mem_new(struct open_journal);
		j->s = sim_of(w);
		j->r = r;
		j->until = UINT64_MAX;
		list_add(&j->s->journals, &j->link);
	}
	assert(j->due == NULL || j->due->run == on_changed);
	sim_event_drop(j->due);
	j->waits = false;
	if (r->entries.max == 0)
		r->entries = BUF_MAX(8u << 20);
	buf_reset(&r->entries);
	r->is_sought = r->is_gone = r->is_damaged = r->is_more = false;
	r->oldest_us = 0;
	r->newest = NULL;
	r->err.code = 0;
	r->cb = cb;
	j->due = sim_event_add(j->s, sim_between(j->s, 0, 3), "journal", true, on_read, j);
}

static void let_go(struct open_journal *j)
{
	list_del(&j->link);
	mem_free(j);
}

static void journald_close(struct world *w, struct journald_req *r)
{
	struct open_journal *j = r->impl;

	(void)w;
	if (j == NULL)
		return;
	sim_event_drop(j->due);
	r->impl = NULL;
	let_go(j);
}

void sim_journald_init(struct world_sim *s)
{
	list_init(&s->journal);
	list_init(&s->journals);
	s->journal_files = 1;
	s->w.journald_read = journald_read;
	s->w.journald_close = journald_close;
}

void sim_journald_crash(struct world_sim *s)
{
	list_each_safe(n, &s->journals) {
		struct open_journal *j = list_entry(n, struct open_journal, link);

		sim_bury(j->r);
		let_go(j);
	}
}

void sim_journald_close(struct world_sim *s)
{
	while (!list_empty(&s->journal))
		drop(entry_of(s->journal.next));
}
