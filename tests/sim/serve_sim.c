/* serve_sim.c - sockets in memory, watches and signals of the simulated world.
 *
 * A test connects, sends and hangs up; the agent writes and closes. What happens on one connection is a queue of parcels
 * that keep their order, each delivered to the agent as an event of its own. The two ends go away alone: the agent's by
 * conn_close or death, the test's by sim_hangup; the connection is freed when both are gone. */
#include "tests/sim/world_sim_impl.h"

#include <assert.h>
#include <string.h>

enum parcel_kind { ACCEPT, DATA, HANGUP, WROTE, CLOSED };

struct parcel {
	struct list link;
	enum parcel_kind kind;
	conn_wrote_cb *wrote;
	size_t len;
	char data[];
};

struct sim_conn {
	struct list link;
	struct world_sim *s;
	struct listener *l; /* until it is accepted; NULL too when that is gone */
	struct conn *c;     /* the agent's end; NULL: not yet, or gone */
	struct conn peer;   /* who the test says it is */
	void (*done)(struct conn *c);
	bool hung_up, closed;
	struct buf received;
	struct list parcels;
	struct sim_event *pump; /* set while there are parcels */
};

/* A listener, a watch or a signal that the agent has. */
struct hook {
	struct list link;
	struct world_sim *s;
	void *owner;
	struct sim_event *due; /* a watch's or signal's callback */
	struct touch {
		char *name;
		bool names;
	} * touches; /* what a watch's callback will be told */
	size_t touches_n;
};

static struct hook *hook_new(struct world_sim *s, struct list *to, void *owner)
{
	struct hook *h = mem_new(struct hook);

	h->s = s;
	h->owner = owner;
	list_add(to, &h->link);
	return h;
}

static void hook_free(struct hook *h)
{
	if (h == NULL)
		return;
	list_del(&h->link);
	sim_event_drop(h->due);
	for (size_t i = 0; i < h->touches_n; i++)
		mem_free(h->touches[i].name);
	mem_free(h->touches);
	mem_free(h);
}

/* ---- parcels --------------------------------------------------------------------------------------------------------------- */

static void drop_parcels(struct sim_conn *sc)
{
	struct list *n;

	while ((n = list_pop(&sc->parcels)) != NULL)
		mem_free(list_entry(n, struct parcel, link));
	sim_event_drop(sc->pump);
	sc->pump = NULL;
}

static void release_if_done(struct sim_conn *sc)
{
	if (!sc->hung_up || !sc->closed)
		return;
	list_del(&sc->link);
	drop_parcels(sc);
	buf_close(&sc->received);
	mem_free(sc);
}

static void accept_conn(struct sim_conn *sc)
{
	struct conn *c = sc->l != NULL ? sc->l->on_conn(sc->l) : NULL;

	sc->l = NULL;
	if (c == NULL) {
		drop_parcels(sc);
		sc->closed = true;
		return;
	}
	c->peer_uid = sc->peer.peer_uid;
	c->peer_gid = sc->peer.peer_gid;
	c->peer_in_group = sc->peer.peer_in_group;
	c->impl = sc;
	c->w = &sc->s->w;
	sc->c = c;
}

static void end_conn(struct sim_conn *sc)
{
	struct conn *c = sc->c;

	sc->c = NULL;
	sc->closed = true;
	drop_parcels(sc);
	sc->done(c);
}

/* After conn_close only the writes under way and the end itself are told. */
static void deliver(struct sim_conn *sc, const struct parcel *p)
{
	bool closing = sc->done != NULL;

	if (p->kind == ACCEPT)
		accept_conn(sc);
	else if (p->kind == CLOSED)
		end_conn(sc);
	else if (p->kind == WROTE && p->wrote != NULL)
		p->wrote(sc->c, closing ? -ERR_CANCELED : sc->hung_up ? -ERR_NET : 0);
	else if (p->kind == DATA && !closing)
		sc->c->on_read(sc->c, p->data, p->len);
	else if (p->kind == HANGUP && !closing)
		sc->c->on_read(sc->c, NULL, 0);
}

static void on_pump(void *ctx)
{
	struct sim_conn *sc = ctx;
	struct parcel *p = list_entry(list_pop(&sc->parcels), struct parcel, link);

	sc->pump = list_empty(&sc->parcels) ? NULL : sim_event_add(sc->s, 1, "conn", true, on_pump, sc);
	deliver(sc, p);
	mem_free(p);
	release_if_done(sc);
}

static void post(struct sim_conn *sc, enum parcel_kind kind, const void *data, size_t len, conn_wrote_cb *wrote)
{
	struct parcel *p = mem_alloc(sizeof(*p) + len + 1);

	p->kind = kind;
	p->wrote = wrote;
	p->len = len;
	if (len > 0)
		memcpy(p->data, data, len);
	list_add(&sc->parcels, &p->link);
	if (sc->pump == NULL)
		sc->pump = sim_event_add(sc->s, 1, "conn", true, on_pump, sc);
}

/* ---- the agent's end ------------------------------------------------------------------------------------------------------- */

static int serve(struct world *w, struct listener *l, unsigned mode, struct err *e)
{
	static const int fits[] = { ERR_IO, ERR_DENIED, 0 };
	struct world_sim *s = sim_of(w);
	int rc = sim_fault(s, SIM_SERVE, fits);

	(void)mode;
	assert(l->impl == NULL);
	if (rc != 0)
		return err_set(e, -rc, "cannot listen at %s", l->path);
	list_each(n, &s->listeners) {
		const struct listener *other = list_entry(n, struct hook, link)->owner;

		if (strcmp(other->path, l->path) == 0)
			return err_set(e, ERR_EXISTS, "%s: another process serves it", l->path);
	}
	l->impl = hook_new(s, &s->listeners, l);
	return 0;
}

static void unserve(struct world *w, struct listener *l)
{
	if (l->impl == NULL)
		return;
	list_each(n, &sim_of(w)->conns) {
		struct sim_conn *sc = list_entry(n, struct sim_conn, link);

		if (sc->l == l)
			sc->l = NULL; /* refused when its turn comes */
	}
	hook_free(l->impl);
	l->impl = NULL;
}

static void conn_write(struct world *w, struct conn *c, const void *data, size_t len, conn_wrote_cb *cb)
{
	struct sim_conn *sc = c->impl;

	(void)w;
	assert(sc->done == NULL);
	if (!sc->hung_up)
		buf_add(&sc->received, data, len);
	post(sc, WROTE, NULL, 0, cb);
}

static void conn_close(struct world *w, struct conn *c, void (*done)(struct conn *c))
{
	struct sim_conn *sc = c->impl;

	(void)w;
	assert(sc->done == NULL && done != NULL);
	sc->done = done;
	post(sc, CLOSED, NULL, 0, NULL);
}

/* ---- the test's end -------------------------------------------------------------------------------------------------------- */

struct sim_conn *sim_connect(struct world *w, const char *path, uid_t uid, gid_t gid, bool in_group)
{
	struct world_sim *s = sim_of(w);

	list_each(n, &s->listeners) {
		struct listener *l = list_entry(n, struct hook, link)->owner;
		struct sim_conn *sc;

		if (strcmp(l->path, path) != 0)
			continue;
		sc = mem_new(struct sim_conn);
		sc->s = s;
		sc->l = l;
		sc->peer = (struct conn){ .peer_uid = uid, .peer_gid = gid, .peer_in_group = in_group };
		sc->received = BUF_MAX(64u << 20);
		list_init(&sc->parcels);
		list_add(&s->conns, &sc->link);
		post(sc, ACCEPT, NULL, 0, NULL);
		return sc;
	}
	return NULL;
}

void sim_send(struct sim_conn *sc, const void *data, size_t len)
{
	if (!sc->closed && !sc->hung_up && len > 0)
		post(sc, DATA, data, len, NULL);
}

const struct buf *sim_received(const struct sim_conn *sc)
{
	return &sc->received;
}

bool sim_closed(const struct sim_conn *sc)
{
	return sc->closed;
}

void sim_hangup(struct sim_conn *sc)
{
	if (!sc->closed)
		post(sc, HANGUP, NULL, 0, NULL);
	sc->hung_up = true;
	release_if_done(sc);
}

/* ---- watches and signals ----------------------------------------------------------------------------------------------------- */

static void on_watch(void *ctx)
{
	struct hook *h = ctx;
	struct watch *wt = h->owner;
	struct touch *touches = h->touches;
	size_t n = h->touches_n;

	h->due = NULL;
	h->touches = NULL;
	h->touches_n = 0;
	/* Who is told may stop the watch, and with it goes the hook. */
	for (size_t i = 0; i < n; i++) {
		if (wt->impl == h)
			wt->cb(wt, touches[i].name, touches[i].names);
		mem_free(touches[i].name);
	}
	mem_free(touches);
}

static void note_touch(struct hook *h, const char *name, bool names)
{
	const struct touch *last = h->touches_n > 0 ? &h->touches[h->touches_n - 1] : NULL;

	if (last != NULL && last->names == names && strcmp(last->name, name) == 0)
		return;
	h->touches = mem_grow(h->touches, h->touches_n + 1, sizeof(*h->touches));
	h->touches[h->touches_n++] = (struct touch){ mem_str(name), names };
}

/* Changes that come close together are told at once, and the same one once, as inotify's queue does. */
void sim_watch_touch(struct world_sim *s, const char *path, bool names)
{
	CLEANUP(mem_close) char *dir = sim_fs_dir(path);

	list_each(n, &s->watches) {
		struct hook *h = list_entry(n, struct hook, link);

		if (strcmp(((struct watch *)h->owner)->dir, dir) != 0)
			continue;
		note_touch(h, strrchr(path, '/') + 1, names);
		if (h->due == NULL)
			h->due = sim_event_add(s, sim_between(s, 0, 5), "watch", true, on_watch, h);
	}
}

static int watch_start(struct world *w, struct watch *wt, watch_cb *cb, struct err *e)
{
	static const int fits[] = { ERR_NOSPACE, ERR_IO, 0 }; /* the kernel's limit on watches, on instances */
	int rc = sim_fault(sim_of(w), SIM_WATCH, fits);

	assert(wt->impl == NULL);
	if (rc != 0)
		return err_set(e, -rc, "cannot watch %s", wt->dir);
	if (sim_fs_find(sim_of(w), wt->dir, true) == NULL)
		return err_set(e, ERR_NOTFOUND, "cannot watch %s: no such directory", wt->dir);
	wt->cb = cb;
	wt->impl = hook_new(sim_of(w), &sim_of(w)->watches, wt);
	return 0;
}

static void watch_stop(struct world *w, struct watch *wt)
{
	(void)w;
	hook_free(wt->impl);
	wt->impl = NULL;
}

static void on_signal(void *ctx)
{
	struct hook *h = ctx;
	struct sig *sg = h->owner;

	h->due = NULL;
	sg->cb(sg);
}

void sim_signal(struct world *w, int signum)
{
	struct world_sim *s = sim_of(w);

	list_each(n, &s->sigs) {
		struct hook *h = list_entry(n, struct hook, link);

		if (h->due == NULL && ((struct sig *)h->owner)->signum == signum)
			h->due = sim_event_add(s, 0, "signal", true, on_signal, h);
	}
}

static int sig_start(struct world *w, struct sig *sg, int signum, sig_cb *cb, struct err *e)
{
	(void)e;
	assert(sg->impl == NULL);
	sg->cb = cb;
	sg->signum = signum;
	sg->impl = hook_new(sim_of(w), &sim_of(w)->sigs, sg);
	return 0;
}

static void sig_stop(struct world *w, struct sig *sg)
{
	(void)w;
	hook_free(sg->impl);
	sg->impl = NULL;
}

void sim_serve_init(struct world_sim *s)
{
	list_init(&s->listeners);
	list_init(&s->conns);
	list_init(&s->watches);
	list_init(&s->sigs);
	s->w.serve = serve;
	s->w.unserve = unserve;
	s->w.conn_write = conn_write;
	s->w.conn_close = conn_close;
	s->w.watch_start = watch_start;
	s->w.watch_stop = watch_stop;
	s->w.sig_start = sig_start;
	s->w.sig_stop = sig_stop;
}

static void bury_hooks(struct list *of)
{
	list_each_safe(n, of) {
		struct hook *h = list_entry(n, struct hook, link);

		sim_bury(h->owner);
		h->due = NULL; /* went with the other mortal events */
		hook_free(h);
	}
}

void sim_serve_crash(struct world_sim *s)
{
	bury_hooks(&s->listeners);
	bury_hooks(&s->watches);
	bury_hooks(&s->sigs);
	list_each_safe(n, &s->conns) {
		struct sim_conn *sc = list_entry(n, struct sim_conn, link);

		if (sc->c != NULL)
			sim_bury(sc->c);
		sc->pump = NULL;
		sc->l = NULL;
		sc->c = NULL;
		sc->closed = true;
		drop_parcels(sc);
		release_if_done(sc);
	}
}

/* A test need not hang up what the agent has closed; what the agent has not closed was found by its events or here. */
void sim_serve_close(struct world_sim *s)
{
	list_each_safe(n, &s->conns) {
		struct sim_conn *sc = list_entry(n, struct sim_conn, link);

		assert(sc->closed || sc->c == NULL);
		sc->closed = sc->hung_up = true;
		release_if_done(sc);
	}
}
