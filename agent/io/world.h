/* world.h - the only way to the outside. One struct of functions: clock, wall time, random, timers, http, disk, serve, watch,
 * journald, signals.
 *
 * Nothing else in Reeve reads a clock, draws a random number or touches a socket or a file. world_uv is the real one;
 * tests/sim/world_sim has virtual time, a seed, and a disk that keeps only what was synced.
 *
 * Requests: the caller owns the struct, embeds it, and keeps it where it is until the callback has run. A callback comes
 * exactly once, never from inside the call that started the request, and the request may be started again from there.
 * A cancelled request still calls back, with -ERR_CANCELED. One thread; nothing here blocks longer than a small read. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/base/backoff.h"
#include "agent/base/buf.h"
#include "agent/base/digest.h"
#include "agent/base/err.h"
#include "agent/base/list.h"
#include "agent/base/secret.h"

struct world;

/* ---- time and chance -------------------------------------------------------------------------------------------- */

/* One shot. Starting a running timer moves it. Stopping an idle one is harmless; after stop no callback comes. */
struct timer;
typedef void timer_cb(struct timer *t);
struct timer {
	timer_cb *cb; /* NULL: idle */
	void *impl;   /* the world's; zero at birth */
	uint64_t due_ms;
	struct list link;
};

/* ---- http --------------------------------------------------------------------------------------------------------- */

struct http_req;
typedef void http_cb(struct http_req *req, int rc);

struct http_header {
	const char *name, *value;
};

/* A forward proxy. It is asked to CONNECT to the host of the url, whose name is its to look up, and hears nothing else: TLS goes
 * through it, the name in the url is verified at its other end, and no header of ours is for it. */
struct http_proxy {
	const char *place;  /* "host:port" */
	struct secret pair; /* "user:password", at most HTTP_PAIR_MAX bytes; empty: none is told */
};

/* How far a request may go. */
enum http_reach {
	HTTP_ANYWHERE,
	HTTP_INSIDE,       /* url_is_inside, and no way round: anything else is -ERR_DENIED, and nothing is sent */
	HTTP_INSIDE_OR_US, /* the same, and loopback */
};

#define HTTP_HEADERS_MAX 24
#define HTTP_PAIR_MAX 1024

/* One request and its answer. rc is 0 when an HTTP answer came, whatever its status; else -ERR_NET (no answer: refused, reset,
 * name, TLS, a ca_file that cannot be used), -ERR_DENIED (it would go beyond `reach`), -ERR_TIMEOUT, -ERR_LIMIT (the answer is
 * larger than `body` allows; its status is there unless its head was too large), -ERR_CANCELED. A peer that vanishes without a word
 * is noticed within a minute and a half, however large total_ms is; behind a proxy it is the proxy's to notice. It is sent once: a
 * connection that is lost without an answer is -ERR_NET, also one that was kept from an earlier request. Redirects are not
 * followed, there is no proxy but the one that is given, and nothing counts that stands in the environment. `url`, header texts,
 * `send` and `proxy` are the caller's and stay until the callback. `Expect` and `Accept` are sent only if given here; Host is taken
 * from the headers if given, else from the url. connect_ms is for the name and the connection. */
struct http_req {
	/* the question */
	const char *method, *url;
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t headers_n;
	const void *send;
	size_t send_len;
	const struct digest
	    *send_digest;              /* of those bytes, where the caller has it already: whoever signs takes it. NULL: not yet */
	uint32_t connect_ms, total_ms; /* 0: 3 s (10 s by a proxy, which connects in turn), 30 s */
	const char *ca_file;           /* the only certificates that count, looked at for each request; NULL: the system's bundle */
	const char *connect_to;        /* "host:port" to connect to instead; the name in url is verified. NULL: none */
	const struct http_proxy *proxy; /* NULL: none */
	enum http_reach reach;
	const char *unix_socket; /* talk to this socket instead of the network; the url still names host and path */
	/* the answer */
	struct buf body; /* the caller sets its max; emptied at start */
	struct buf head; /* header lines "Name: value\n", at most 64 KiB */
	int status;
	struct err err;
	http_cb *cb;
	void *impl; /* the world's */
	struct list link;
};

/* ---- disk --------------------------------------------------------------------------------------------------------- */

struct disk_req;
typedef void disk_cb(struct disk_req *req, int rc);

enum disk_op {
	DISK_APPEND,   /* write data at `offset` of an existing or new file, then fdatasync; a new file's directory entry is
	                  synced too. What lay behind offset is cut first. A file shorter than offset is -ERR_CORRUPT. */
	DISK_REPLACE,  /* write path + ".tmp" anew, fdatasync, rename over path, then fsync of the directory: old or new, whole */
	DISK_TRUNCATE, /* to `offset` bytes, synced */
	DISK_UNLINK,   /* and fsync of the directory; a file that is not there is no error */
	DISK_RENAME,   /* path to `to`, and fsync of the directory (both lie in the same one) */
	DISK_STATVFS,  /* fills blocks, bfree, bavail, frsize; in a worker, because a network file system can hang */
	DISK_LIST,     /* the names in a folder, each followed by a NUL, unsorted, no dots, added to `names`; for folders that may
	                  be large; -ERR_LIMIT when they do not fit */
};

/* What a callback with rc 0 says is durable. After any other rc the file's bytes behind `offset` are unknown, the rest is
 * untouched. `data`, `path`, `to`, `names` stay the caller's until the callback. Requests on one path run in the order started. */
struct disk_req {
	enum disk_op op;
	const char *path, *to;
	const void *data;
	size_t len;
	uint64_t offset;
	unsigned mode; /* of a new file; 0: 0600 */
	bool lazy;     /* an append that is not synced: a kill leaves it, a loss of power may take it */
	struct {
		uint64_t blocks, bfree, bavail, frsize;
	} fs;
	struct buf *names;
	struct err err;
	uint64_t asked_ms; /* when the disk was asked: world_now_ms */
	disk_cb *cb;
	void *impl; /* NULL: the disk owes no answer */
	struct list link;
};

struct disk_stat {
	uint64_t dev, ino, size, nlink;
	int64_t mtime_ms;
	unsigned mode;
	uid_t uid;
	bool is_file, is_dir, is_link; /* is_link: of disk_lstat alone */
	bool ours_to_write;            /* this process could change it: it may write it, or owns it and so could allow itself to */
};

/* A file open for reading; it stays readable after a rename or an unlink. */
struct disk_file;
typedef int disk_name_cb(void *ctx, const char *name); /* non-zero stops */

/* ---- streams we serve (unix sockets now; TCP later) ------------------------------------------------------------------ */

struct conn;
/* data NULL: the peer is gone or the connection failed; conn_close must follow. Data lives during the call. */
typedef void conn_read_cb(struct conn *c, const char *data, size_t len);
typedef void conn_wrote_cb(struct conn *c, int rc);

struct conn {
	conn_read_cb *on_read;
	void *ctx;
	uid_t peer_uid;
	gid_t peer_gid;
	bool peer_in_group; /* the socket's group, primary or supplementary as far as /proc and getgrouplist can tell */
	void *impl;
	struct world *w;
};

#define SOCKET_PATH_MAX 107 /* bytes; what unix(7) has room for */

struct listener;
/* The owner puts the conn it was handed into its own memory: return where, or NULL to refuse. Then set on_read. */
typedef struct conn *listener_cb(struct listener *l);
struct listener {
	listener_cb *on_conn;
	const char *path; /* the owner's */
	void *impl;
};

/* ---- watches, signals ------------------------------------------------------------------------------------------------ */

struct watch;
/* Something changed in the directory: which names are in it (by names; look for yourself), or what is behind `name` alone, which is
 * written to. What is lost nobody tells. */
typedef void watch_cb(struct watch *wt, const char *name, bool names);
struct watch {
	watch_cb *cb;
	const char *dir;
	void *impl;
};

struct sig;
typedef void sig_cb(struct sig *s);
struct sig {
	sig_cb *cb;
	int signum;
	void *impl;
};

/* ---- the machine's journal ------------------------------------------------------------------------------------------------ */

enum journald_place {
	JOURNALD_BEGIN,
	JOURNALD_END,    /* behind all that is there */
	JOURNALD_CURSOR, /* behind that entry */
	JOURNALD_TIME,   /* the first entry that is not older */
};

struct journald_req;
typedef void journald_cb(struct journald_req *r, int rc);
typedef void journald_changed_cb(struct journald_req *r);

/* A journal, and what was read of it last. The first read opens it and looks for the place; so does one behind a read that failed.
 * A read goes on behind the one before, but when files of the journal came or went: then it looks for the place again, which the
 * reader therefore keeps at what it has read. It works in a thread, and takes a few hundred entries at most. An entry is of a unit
 * if it wrote it, or if systemd, or another of root's services, says it of the unit: as with `journalctl -u`.
 * rc: -ERR_NOTFOUND, no library (libsystemd.h) or no file of a journal that could be read; -ERR_CORRUPT, a damaged file. */
struct journald_req {
	/* the question: the reader's, and dir and units the same for all reads */
	const char *dir; /* NULL: the machine's own journal */
	const char *const *units;
	size_t units_n;
	enum journald_place place;
	const char *cursor;
	uint64_t time_us; /* Unix */
	/* the answer */
	struct buf entries; /* journald_entry.h; emptied at start, the reader closes it */
	char *newest;       /* is_sought for JOURNALD_END: cursor of the entry that stands last, "": there is none. Lent */
	bool is_sought;     /* what is in `entries` begins at the place */
	bool is_gone;       /* ... and the entry of the cursor is not there any more */
	uint64_t oldest_us; /* is_gone: of all entries that are there, whosever, the time of the oldest; 0: not known */
	bool is_damaged;    /* a file was found damaged, and what was not read of it is passed over */
	bool is_more;       /* there may be: read again */
	struct err err;
	journald_cb *cb;
	journald_changed_cb *changed; /* there may be something to read again; behind a read without is_more, once */
	void *impl;                   /* the world's; zero at birth */
};

/* ---- the struct of functions ------------------------------------------------------------------------------------------ */

struct world {
	uint64_t (*now_ms)(struct world *w); /* monotonic */
	int64_t (*wall_ms)(struct world *w); /* Unix time */
	void (*random)(struct world *w, void *to, size_t len);
	void (*timer_start)(struct world *w, struct timer *t, uint64_t delay_ms, timer_cb *cb);
	void (*timer_stop)(struct world *w, struct timer *t);

	void (*http_start)(struct world *w, struct http_req *r, http_cb *cb);
	void (*http_cancel)(struct world *w, struct http_req *r); /* the callback follows; harmless when idle */

	void (*disk_start)(struct world *w, struct disk_req *r, disk_cb *cb);
	/* small and synchronous: /proc, configuration, the journal at start */
	int (*disk_read)(struct world *w, const char *path, struct buf *b, struct err *e);          /* whole; appends to b */
	int (*disk_stat)(struct world *w, const char *path, struct disk_stat *ret, struct err *e);  /* follows links */
	int (*disk_lstat)(struct world *w, const char *path, struct disk_stat *ret, struct err *e); /* a link is looked at itself */
	int (*disk_list)(struct world *w, const char *dir, disk_name_cb *cb, void *ctx, struct err *e); /* unsorted, no dots */
	int (*disk_mkdir)(struct world *w, const char *dir, unsigned mode,
			  struct err *e); /* there already is fine; dir and the names in it become durable */
	int (*disk_lock)(struct world *w, const char *path, struct err *e); /* held until the process ends; -ERR_EXISTS if taken */
	int (*disk_realpath)(struct world *w, const char *path, struct buf *b, struct err *e);
	int (*file_open)(struct world *w, const char *path, struct disk_file **ret, struct err *e); /* regular files only */
	int (*file_stat)(struct world *w, struct disk_file *f, struct disk_stat *ret, struct err *e);
	ssize_t (*file_read)(struct world *w, struct disk_file *f, uint64_t offset, void *to, size_t len, struct err *e);
	/* Where it is, links resolved, told by the open file itself and not by the name it was opened by; -ERR_NOTFOUND when
	 * that name leads to it no more. */
	int (*file_path)(struct world *w, struct disk_file *f, struct buf *b, struct err *e);
	void (*file_close)(struct world *w, struct disk_file *f); /* NULL is fine */

	int (*serve)(struct world *w, struct listener *l, unsigned mode, struct err *e); /* replaces a stale socket file */
	void (*unserve)(struct world *w, struct listener *l);
	void (*conn_write)(struct world *w, struct conn *c, const void *data, size_t len, conn_wrote_cb *cb); /* copies */
	void (*conn_close)(struct world *w, struct conn *c, void (*done)(struct conn *c)); /* done: the memory is yours again */

	void (*journald_read)(struct world *w, struct journald_req *r, journald_cb *cb);
	void (*journald_close)(struct world *w, struct journald_req *r); /* from here on no callback comes; harmless when closed */

	int (*watch_start)(struct world *w, struct watch *wt, watch_cb *cb, struct err *e);
	void (*watch_stop)(struct world *w, struct watch *wt);
	int (*sig_start)(struct world *w, struct sig *s, int signum, sig_cb *cb, struct err *e);
	void (*sig_stop)(struct world *w, struct sig *s);
};

/* ---- shorthands, in world.c ------------------------------------------------------------------------------------------- */

static inline uint64_t world_now_ms(struct world *w)
{
	return w->now_ms(w);
}

static inline int64_t world_wall_ms(struct world *w)
{
	return w->wall_ms(w);
}

uint64_t world_random64(struct world *w);

static inline void timer_start(struct world *w, struct timer *t, uint64_t delay_ms, timer_cb *cb)
{
	w->timer_start(w, t, delay_ms, cb);
}

static inline void timer_stop(struct world *w, struct timer *t)
{
	w->timer_stop(w, t);
}

/* Adds a header; more than HTTP_HEADERS_MAX is a bug. A header that is there already (any case) is replaced. */
void http_header_set(struct http_req *r, const char *name, const char *value);
/* From the answer: copies the value of the first header of that name into b (emptied first); false if there is none. */
bool http_header_get(const struct http_req *r, const char *name, struct buf *b);
/* Retry-After in the answer; a date counts from that of the answer if it has one, because our clock may be wrong, else from
 * wall_ms. */
struct backoff_ask http_retry_after(const struct http_req *r, int64_t wall_ms);
static inline void http_start(struct world *w, struct http_req *r, http_cb *cb)
{
	w->http_start(w, r, cb);
}
static inline void http_cancel(struct world *w, struct http_req *r)
{
	w->http_cancel(w, r);
}
void http_req_close(struct http_req *r); /* frees the answer; not while the request runs */
/* For worlds: may it go where it would? The sentence is in r->err. */
int http_req_check(struct http_req *r);
/* For worlds: takes the request as its own and forgets the answer before. */
void http_req_begin(struct http_req *r, void *impl, http_cb *cb);

void disk_append(struct world *w, struct disk_req *r, const char *path, uint64_t offset, const void *data, size_t len, disk_cb *cb);
/* is_durable: else it is lazy. */
void disk_append_how(struct world *w, struct disk_req *r, const char *path, uint64_t offset, const void *data, size_t len,
		     bool is_durable, disk_cb *cb);
void disk_replace(struct world *w, struct disk_req *r, const char *path, const void *data, size_t len, unsigned mode, disk_cb *cb);
void disk_truncate(struct world *w, struct disk_req *r, const char *path, uint64_t len, disk_cb *cb);
void disk_unlink(struct world *w, struct disk_req *r, const char *path, disk_cb *cb);
void disk_rename(struct world *w, struct disk_req *r, const char *path, const char *to, disk_cb *cb);
void disk_list(struct world *w, struct disk_req *r, const char *dir, struct buf *names, disk_cb *cb);
/* Whole file, terminated, at most b->max. */
static inline int disk_read_all(struct world *w, const char *path, struct buf *b, struct err *e)
{
	return w->disk_read(w, path, b, e);
}
bool disk_exists(struct world *w, const char *path);
