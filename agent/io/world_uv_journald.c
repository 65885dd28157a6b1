/* world_uv_journald.c - the machine's journal: read by a thread, because its files are mapped and a page may have to come from the
 * disk; between two reads the loop waits for it to change.
 *
 *     read: a thread opens, or goes on --> the answer --> waits until its descriptor is readable --> changed
 *
 * Closing while the thread is at it lets go of the reader at once; the thread's end frees the journal. */
#include <assert.h>
#include <stdlib.h>

#include "agent/io/journald_reader.h"
#include "agent/io/world_uv_impl.h"

#define ENTRIES_MAX (1u << 20)

struct uv_journald {
	struct list link;
	struct world_uv *u;
	struct journald_req *r; /* whose it is; NULL: closed, and a thread is still at it */
	struct journald_reader reader;
	struct journald_req q; /* what the thread has in hand: its texts are the journal's own */
	char **units;
	uv_work_t work;
	bool is_working;
	int rc;
	uv_poll_t *poll; /* NULL: nothing is waited for */
};

static void on_poll_closed(uv_handle_t *h)
{
	mem_free(h);
}

static void stop_waiting(struct uv_journald *j)
{
	if (j->poll != NULL)
		uv_close((uv_handle_t *)j->poll, on_poll_closed);
	j->poll = NULL;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct uv_journald *j = poll->data;

	(void)status; /* an error is a change, too: the next read finds out */
	(void)events;
	stop_waiting(j);
	j->r->changed(j->r);
}

static void wait(struct uv_journald *j)
{
	if (j->reader.fd < 0)
		return;
	j->poll = mem_new(uv_poll_t);
	if (uv_poll_init(&j->u->loop, j->poll, j->reader.fd) != 0) {
		mem_free(j->poll);
		j->poll = NULL;
		return;
	}
	j->poll->data = j;
	uv_poll_start(j->poll, UV_READABLE, on_readable);
}

static void journal_free(struct uv_journald *j)
{
	stop_waiting(j);
	list_del(&j->link);
	journald_reader_close(&j->reader);
	for (size_t i = 0; i < j->q.units_n; i++)
		mem_free(j->units[i]);
	mem_free(j->units);
	mem_free((char *)j->q.dir);
	mem_free((char *)j->q.cursor);
	free(j->q.newest);
	buf_close(&j->q.entries);
	mem_free(j);
}

static struct uv_journald *journal_new(struct world_uv *u, struct journald_req *r)
{
	struct uv_journald *j = mem_new(struct uv_journald);

	j->u = u;
	j->r = r;
	j->reader.fd = -1;
	j->units = mem_alloc(r->units_n * sizeof(*j->units));
	for (size_t i = 0; i < r->units_n; i++)
		j->units[i] = mem_str(r->units[i]);
	j->q = (struct journald_req){ .dir = mem_str(r->dir),
				      .units = (const char *const *)j->units,
				      .units_n = r->units_n,
				      .entries = BUF_MAX(ENTRIES_MAX) };
	list_add(&u->journals, &j->link);
	r->impl = j;
	return j;
}

static void do_read(uv_work_t *work)
{
	struct uv_journald *j = container_of(work, struct uv_journald, work);

	j->rc = journald_reader_slice(&j->reader, &j->q);
}

static void on_read(uv_work_t *work, int status)
{
	struct uv_journald *j = container_of(work, struct uv_journald, work);
	struct journald_req *r = j->r;
	struct buf old;

	(void)status; /* it is called off by a closing world alone */
	j->is_working = false;
	if (r == NULL) {
		journal_free(j);
		return;
	}
	old = r->entries;
	r->entries = j->q.entries;
	j->q.entries = old.max > 0 ? old : BUF_MAX(ENTRIES_MAX);
	r->newest = j->q.newest;
	r->is_sought = j->q.is_sought;
	r->is_gone = j->q.is_gone;
	r->oldest_us = j->q.oldest_us;
	r->is_damaged = j->q.is_damaged;
	r->is_more = j->q.is_more;
	r->err = j->q.err;
	if (j->rc == 0 && !r->is_more)
		wait(j);
	r->cb(r, j->rc);
}

static void journald_read(struct world *w, struct journald_req *r, journald_cb *cb)
{
	struct uv_journald *j = r->impl != NULL ? r->impl : journal_new(world_uv_of(w), r);
	struct journald_req *q = &j->q;

	assert(!j->is_working);
	r->cb = cb;
	stop_waiting(j);
	mem_free((char *)q->cursor);
	free(q->newest);
	q->place = r->place;
	q->cursor = mem_str(r->cursor);
	q->time_us = r->time_us;
	q->newest = NULL;
	q->is_sought = q->is_gone = q->is_damaged = q->is_more = false;
	q->oldest_us = 0;
	q->err.code = 0;
	buf_reset(&q->entries);
	j->is_working = true;
	uv_queue_work(&j->u->loop, &j->work, do_read, on_read);
}

static void let_go(struct uv_journald *j)
{
	j->r->impl = NULL;
	j->r = NULL;
	stop_waiting(j);
	if (!j->is_working)
		journal_free(j);
}

static void journald_close(struct world *w, struct journald_req *r)
{
	(void)w;
	if (r->impl != NULL)
		let_go(r->impl);
}

void world_uv_journald_init(struct world_uv *u)
{
	list_init(&u->journals);
	u->w.journald_read = journald_read;
	u->w.journald_close = journald_close;
}

bool world_uv_journald_is_busy(const struct world_uv *u)
{
	return !list_empty(&u->journals);
}

/* What is left after this is in use by a thread. */
void world_uv_journald_close(struct world_uv *u)
{
	list_each_safe(n, &u->journals) {
		struct uv_journald *j = list_entry(n, struct uv_journald, link);

		if (j->is_working)
			uv_cancel((uv_req_t *)&j->work);
		if (j->r != NULL)
			let_go(j);
	}
}
