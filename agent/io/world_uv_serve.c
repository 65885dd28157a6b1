/* world_uv_serve.c - unix sockets we serve: listeners, and the connections that come in over them.
 *
 * A socket file of a process that is gone is replaced; one that still answers is left alone, and so is, when we close, a file that
 * somebody else has put in the place of ours. The file gets its mode before anybody can connect. The kernel says who the peer is:
 * SO_PEERCRED and, for its further groups, SO_PEERGROUPS. A connection that fails or ends tells its reader once, with data NULL;
 * writes still under way call back with their error before conn_close's done. Closing the world closes all of them without
 * callbacks. */
#include "agent/io/world_uv_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64
#define GROUPS_MAX 1024

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* A listener's or a connection's handle. The owner's struct is let go before the handle is closed. */
struct pipe {
	uv_pipe_t h;
	struct list link;
	struct world_uv *u;
	struct listener *l;
	struct conn *c;
	void (*done)(struct conn *c);
	/* a listener's: the socket file as it was made, and who owns it; path "": none */
	char path[SOCKET_PATH_MAX + 1];
	dev_t dev;
	ino_t ino;
	gid_t gid;
	char in[16384];
};

struct write {
	uv_write_t req;
	struct conn *c;
	conn_wrote_cb *cb; /* NULL: none is wanted */
	char data[];
};

static struct pipe *pipe_new(struct world_uv *u)
{
	struct pipe *p = mem_new(struct pipe);

	p->u = u;
	uv_pipe_init(&u->loop, &p->h, 0);
	list_add(&u->pipes, &p->link);
	return p;
}

static void on_closed(uv_handle_t *h)
{
	struct pipe *p = container_of((uv_pipe_t *)h, struct pipe, h);
	struct conn *c = p->c;
	void (*done)(struct conn *) = p->done;

	mem_free(p);
	if (done != NULL)
		done(c);
}

/* libuv would remove whatever stands there. */
static void remove_file(const struct pipe *p)
{
	struct stat st;

	if (p->path[0] != '\0' && lstat(p->path, &st) == 0 && st.st_dev == p->dev && st.st_ino == p->ino && unlink(p->path) != 0)
		err_ignore(-ERR_IO, "the next start replaces it");
}

static void pipe_close(struct pipe *p)
{
	list_del(&p->link);
	remove_file(p);
	uv_close((uv_handle_t *)&p->h, on_closed);
}

/* ---- connections --------------------------------------------------------------------------------------------------- */

static bool in_group(int fd, gid_t primary, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (primary == gid)
		return true;
	/* More groups than there is room for (ERANGE), and a kernel without the option: then it counts as outside. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static int ask_peer(struct pipe *p, gid_t gid, struct conn *c)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&p->h, &fd) != 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return -ERR_IO;
	c->peer_uid = cred.uid;
	c->peer_gid = cred.gid;
	c->peer_in_group = in_group(fd, cred.gid, gid);
	return 0;
}

static void on_room(uv_handle_t *h, size_t wish, uv_buf_t *b)
{
	struct pipe *p = container_of((uv_pipe_t *)h, struct pipe, h);

	(void)wish;
	*b = uv_buf_init(p->in, sizeof(p->in));
}

static void on_data(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = container_of((uv_pipe_t *)s, struct pipe, h)->c;

	/* 0 is no end: libuv found nothing to read after all. */
	if (n > 0) {
		c->on_read(c, b->base, (size_t)n);
	} else if (n < 0) {
		uv_read_stop(s);
		c->on_read(c, NULL, 0);
	}
}

/* The peer is known before the owner's first on_read, but not before on_conn has returned where the conn is. */
static void on_incoming(uv_stream_t *s, int status)
{
	struct pipe *at = container_of((uv_pipe_t *)s, struct pipe, h);
	struct conn peer = { 0 };
	struct pipe *p;
	struct conn *c;

	if (status != 0)
		return;
	p = pipe_new(at->u);
	/* A peer that the kernel does not name is not served. */
	if (uv_accept(s, (uv_stream_t *)&p->h) != 0 || ask_peer(p, at->gid, &peer) != 0 || (c = at->l->on_conn(at->l)) == NULL) {
		pipe_close(p);
		return;
	}
	c->peer_uid = peer.peer_uid;
	c->peer_gid = peer.peer_gid;
	c->peer_in_group = peer.peer_in_group;
	c->w = &at->u->w;
	c->impl = p;
	p->c = c;
	uv_read_start((uv_stream_t *)&p->h, on_room, on_data);
}

static void on_wrote(uv_write_t *req, int status)
{
	struct write *wr = container_of(req, struct write, req);
	struct conn *c = wr->c;
	conn_wrote_cb *cb = wr->cb;
	struct pipe *p = container_of((uv_pipe_t *)req->handle, struct pipe, h);

	mem_free(wr);
	if (cb != NULL && p->c != NULL)
		cb(c, status == 0 ? 0 : status == UV_ECANCELED ? -ERR_CANCELED : -ERR_NET);
}

static void conn_write(struct world *w, struct conn *c, const void *data, size_t len, conn_wrote_cb *cb)
{
	struct pipe *p = c->impl;
	struct write *wr = mem_alloc(sizeof(*wr) + len);
	uv_buf_t b = uv_buf_init(wr->data, (unsigned)len);
	int rc;

	(void)w;
	assert(p->done == NULL && !uv_is_closing((uv_handle_t *)&p->h));
	if (len > 0)
		memcpy(wr->data, data, len);
	wr->c = c;
	wr->cb = cb;
	rc = uv_write(&wr->req, (uv_stream_t *)&p->h, &b, 1, on_wrote);
	assert(rc == 0); /* it fails at once only for a stream that we have shut; what the peer does reaches on_wrote */
	(void)rc;
}

static void conn_close(struct world *w, struct conn *c, void (*done)(struct conn *c))
{
	struct pipe *p = c->impl;

	(void)w;
	assert(p->done == NULL && done != NULL);
	p->done = done;
	pipe_close(p);
}

/* ---- listeners ------------------------------------------------------------------------------------------------------- */

static bool answers(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* EAGAIN: its backlog is full (connect(2)), so it lives. What cannot be found out counts as alive: nothing is taken from
	 * a server that may be there. */
	bool yes = fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno == EAGAIN;

	if (fd >= 0)
		close(fd);
	return yes;
}

static int clear_path(const char *path, struct sockaddr_un *ret, struct err *e)
{
	struct stat st;

	static_assert(sizeof(ret->sun_path) == SOCKET_PATH_MAX + 1, "as unix(7) has it");
	if (strlen(path) > SOCKET_PATH_MAX)
		return err_set(e, ERR_LIMIT, "%s: a socket's path has at most %d bytes", path, SOCKET_PATH_MAX);
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_errno(e, errno, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_EXISTS, "%s is there and is no socket", path);
	if (answers(ret))
		return err_set(e, ERR_EXISTS, "%s: another process serves it", path);
	return unlink(path) == 0 ? 0 : err_errno(e, errno, "%s: unlink", path);
}

/* The pipe closes the socket from here on, also where this fails. */
static int open_socket(struct pipe *p, const struct sockaddr_un *a, struct err *e)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return err_errno(e, errno, "%s: socket", a->sun_path);
	rc = uv_pipe_open(&p->h, fd);
	if (rc != 0) {
		close(fd);
		return world_uv_err(e, rc, "cannot open a socket for", a->sun_path);
	}
	/* Not by uv_pipe_bind: libuv would then remove the file at close, also one that is no longer ours. */
	return bind(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ? 0 : err_errno(e, errno, "cannot bind %s", a->sun_path);
}

static int bind_and_listen(struct pipe *p, const struct sockaddr_un *a, unsigned mode, struct err *e)
{
	struct stat st;
	int rc;

	TRY(open_socket(p, a, e));
	if (lstat(a->sun_path, &st) != 0)
		return err_errno(e, errno, "%s: stat", a->sun_path);
	/* From here on a failure removes the file that was made. */
	memcpy(p->path, a->sun_path, sizeof(p->path));
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	p->gid = st.st_gid;
	/* Between bind and listen every connect is refused, so nobody comes in under the mode of the umask. */
	if (chmod(a->sun_path, mode) != 0)
		return err_errno(e, errno, "%s: chmod", a->sun_path);
	rc = uv_listen((uv_stream_t *)&p->h, BACKLOG, on_incoming);
	return rc == 0 ? 0 : world_uv_err(e, rc, "cannot listen at", a->sun_path);
}

static int serve(struct world *w, struct listener *l, unsigned mode, struct err *e)
{
	struct sockaddr_un a;
	struct pipe *p;
	int rc;

	assert(l->impl == NULL && l->on_conn != NULL);
	TRY(clear_path(l->path, &a, e));
	p = pipe_new(world_uv_of(w));
	rc = bind_and_listen(p, &a, mode, e);
	if (rc != 0) {
		pipe_close(p);
		return rc;
	}
	p->l = l;
	l->impl = p;
	return 0;
}

static void unserve(struct world *w, struct listener *l)
{
	(void)w;
	if (l->impl == NULL)
		return;
	pipe_close(l->impl);
	l->impl = NULL;
}

void world_uv_serve_init(struct world_uv *u)
{
	list_init(&u->pipes);
	u->w.serve = serve;
	u->w.unserve = unserve;
	u->w.conn_write = conn_write;
	u->w.conn_close = conn_close;
}

void world_uv_serve_close(struct world_uv *u)
{
	while (!list_empty(&u->pipes)) {
		struct pipe *p = list_entry(u->pipes.next, struct pipe, link);

		p->c = NULL; /* a write under way calls back no more */
		pipe_close(p);
	}
}
