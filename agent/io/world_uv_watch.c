/* world_uv_watch.c - what the kernel tells us by itself: directories that change (inotify), and signals.
 *
 * Both are a handle on the heap and a word to its owner; stopping lets go of the owner at once. A watch fails where the
 * kernel's limits on inotify are reached: its owner polls then. */
#include "agent/io/world_uv_impl.h"

#include <assert.h>

struct event {
	struct list link;
	union {
		uv_handle_t handle;
		uv_fs_event_t fs;
		uv_signal_t sig;
	};
	void *owner; /* struct watch, struct sig; NULL: closing */
};

static struct event *event_of(void *handle)
{
	return container_of((uv_handle_t *)handle, struct event, handle);
}

static void on_closed(uv_handle_t *h)
{
	mem_free(event_of(h));
}

static void event_close(struct event *ev)
{
	ev->owner = NULL;
	list_del(&ev->link);
	uv_close(&ev->handle, on_closed);
}

static void on_change(uv_fs_event_t *h, const char *name, int events, int status)
{
	struct watch *wt = event_of(h)->owner;

	/* An event that says nothing is a change too: the owner looks for itself. */
	if (wt != NULL)
		wt->cb(wt, name, status != 0 || name == NULL || (events & UV_RENAME) != 0);
}

static int watch_start(struct world *w, struct watch *wt, watch_cb *cb, struct err *e)
{
	struct world_uv *u = world_uv_of(w);
	struct event *ev = mem_new(struct event);
	int rc;

	assert(wt->impl == NULL);
	list_add(&u->events, &ev->link);
	uv_fs_event_init(&u->loop, &ev->fs);
	rc = uv_fs_event_start(&ev->fs, on_change, wt->dir, 0);
	if (rc != 0) {
		event_close(ev);
		return world_uv_err(e, rc, "cannot watch", wt->dir);
	}
	ev->owner = wt;
	wt->impl = ev;
	wt->cb = cb;
	return 0;
}

static void watch_stop(struct world *w, struct watch *wt)
{
	(void)w;
	if (wt->impl != NULL)
		event_close(wt->impl);
	wt->impl = NULL;
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct sig *s = event_of(h)->owner;

	(void)signum;
	if (s != NULL)
		s->cb(s);
}

static int sig_start(struct world *w, struct sig *s, int signum, sig_cb *cb, struct err *e)
{
	struct world_uv *u = world_uv_of(w);
	struct event *ev = mem_new(struct event);
	int rc;

	assert(s->impl == NULL);
	list_add(&u->events, &ev->link);
	uv_signal_init(&u->loop, &ev->sig);
	rc = uv_signal_start(&ev->sig, on_signal, signum);
	if (rc != 0) {
		event_close(ev);
		return err_errno(e, -rc, "signal %d", signum);
	}
	ev->owner = s;
	s->impl = ev;
	s->cb = cb;
	s->signum = signum;
	return 0;
}

static void sig_stop(struct world *w, struct sig *s)
{
	(void)w;
	if (s->impl != NULL)
		event_close(s->impl);
	s->impl = NULL;
}

void world_uv_watch_init(struct world_uv *u)
{
	list_init(&u->events);
	u->w.watch_start = watch_start;
	u->w.watch_stop = watch_stop;
	u->w.sig_start = sig_start;
	u->w.sig_stop = sig_stop;
}

void world_uv_watch_close(struct world_uv *u)
{
	while (!list_empty(&u->events))
		event_close(list_entry(u->events.next, struct event, link));
}
