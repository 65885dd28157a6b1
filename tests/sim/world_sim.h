/* world_sim.h - a world of our own: virtual time, chance from a seed, a network that is a function, a disk that keeps only
 * what was synced, and crashes. The agent cannot tell it from the real one; the same seed is the same run.
 *
 *     struct world *w = sim_new(seed);
 *     sim_http_handle(w, on_request, me);          what answers the agent's requests
 *     agent_start(w); sim_run_until(w, done, me, 60000);
 *     sim_free(w);                                 aborts if the agent left anything open
 *
 * A crash comes by sim_crash, sim_kill or the crash hook. Timers, requests, handles, watches, listeners and connections
 * vanish without a callback; what the agent held in memory is simply forgotten (reachable, so no leak is reported), and a
 * new agent may start on the same world. Requests that had left still reach their handler; answers to the dead vanish. */
#pragma once
#include "agent/io/world.h"

struct world *sim_new(uint64_t seed);
void sim_free(struct world *w);

/* ---- running ------------------------------------------------------------------------------------------------------- */

enum sim_end {
	SIM_IDLE,    /* nothing is left that could happen */
	SIM_LIMIT,   /* the virtual time is up */
	SIM_TRUE,    /* what was waited for is true */
	SIM_CRASHED, /* the crash hook said so; the agent is gone */
};

typedef bool sim_until(void *ctx);
/* until may be NULL. limit_ms counts from now. */
enum sim_end sim_run_until(struct world *w, sim_until *until, void *ctx, uint64_t limit_ms);
bool sim_step(struct world *w); /* one event; false when there is none, or when it was a crash */
/* For the other side (vendor, AWS): a timer that no crash takes away. */
void sim_at(struct world *w, uint64_t delay_ms, void (*run)(void *ctx), void *ctx);

void sim_wall_set(struct world *w, int64_t wall_ms);
void sim_wall_step(struct world *w, int64_t by_ms);
uint64_t sim_random(struct world *w); /* the test's own stream of chance; the agent's is another */

/* Every event folds into a running digest; a test may add its own. 64 hex digits, valid until the next call. */
void sim_trace(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *sim_digest_hex(struct world *w);
void sim_trace_to(struct world *w, void *file); /* a FILE * that each traced line is also written to; NULL: none */

/* ---- faults and crashes ---------------------------------------------------------------------------------------------- */

enum sim_kind {
	SIM_HTTP,    /* requests: half of the failing ones never arrive, of the other half the answer is lost */
	SIM_DISK,    /* disk requests: fail in a stage that the seed picks, with what that leaves behind */
	SIM_READ,    /* disk_read, disk_list, disk_mkdir, disk_lock, file_open, file_read */
	SIM_STAT,    /* disk_stat, disk_lstat, file_stat, file_path, disk_realpath */
	SIM_SERVE,   /* serve */
	SIM_WATCH,   /* watch_start */
	SIM_JOURNAL, /* journald_read */
	SIM_KINDS
};

void sim_fail_nth(struct world *w, enum sim_kind kind, uint64_t n, int code); /* the n-th call from now, 1 the next; 0: none.
	code: an ERR_; 0 lets the seed choose what fits */
void sim_fail_rate(struct world *w, enum sim_kind kind, unsigned per_mille);
uint64_t sim_calls(struct world *w, enum sim_kind kind);  /* made so far */
uint64_t sim_counts(struct world *w, enum sim_kind kind); /* made to fail so far */

enum sim_death { SIM_ALIVE = 0, SIM_POWER = 1, SIM_KILL = 2 };

/* Asked before, inside and after each durable write, and as each http request arrives and each answer comes back.
 * `where`: "before", "inside", "after", "request", "answer"; `what`: the path or the url. */
typedef enum sim_death sim_crash_hook(void *ctx, const char *where, const char *what);
void sim_set_crash_hook(struct world *w, sim_crash_hook *hook, void *ctx); /* NULL: none */
void sim_crash(struct world *w); /* the power fails: what was not synced survives, vanishes or is torn, as the seed says */
void sim_kill(struct world *w);  /* kill -9: the disk stays as the process saw it, and what was not synced still is not */
void sim_bury(const void *p);    /* keeps the dead agent's memory reachable: for whatever roots the test held */

/* ---- http ------------------------------------------------------------------------------------------------------------ */

/* A request as it arrived; all of it is a copy. It stays until it is answered, also when the asker is gone. */
struct sim_http {
	struct world *w;
	const char *method, *url;
	const struct http_header *headers;
	size_t headers_n;
	const void *body; /* followed by a NUL */
	size_t body_len;
	const char *connect_to, *ca_file, *unix_socket, *proxy; /* NULL: none; of a proxy the place */
	void *user;                                             /* the handler's */
};

/* Answers now or later, once; never answered is a request that hangs until its total_ms. */
typedef void sim_http_handler(void *ctx, struct sim_http *x);
void sim_http_handle(struct world *w, sim_http_handler *handler, void *ctx); /* none: every request is refused */
/* headers: "Name: value\n" lines, NULL for none. body NULL with len 0 is empty. The answer travels after delay_ms. */
void sim_http_answer(struct sim_http *x, int status, const char *headers, const void *body, size_t len, uint32_t delay_ms);
void sim_http_fail(struct sim_http *x, int rc, uint32_t delay_ms);       /* -ERR_NET, -ERR_TIMEOUT */
const char *sim_http_header(const struct sim_http *x, const char *name); /* NULL: not there */
bool sim_http_gone(const struct sim_http *x);                            /* nobody waits for the answer any more */
void sim_net(struct world *w, uint32_t least_ms, uint32_t most_ms);      /* one way; 1 and 30 at birth */

/* ---- the disk, seen from outside the agent ----------------------------------------------------------------------------- */

/* As if another process did it; durable at once; folders are made as needed. */
void sim_file_put(struct world *w, const char *path, const void *data, size_t len);
void sim_file_puts(struct world *w, const char *path, const char *text);
void sim_file_append(struct world *w, const char *path, const void *data, size_t len);
void sim_file_truncate(struct world *w, const char *path, size_t len);
void sim_file_rename(struct world *w, const char *path, const char *to);
void sim_file_unlink(struct world *w, const char *path);
void sim_file_chmod(struct world *w, const char *path, unsigned mode);
void sim_file_link(struct world *w, const char *path, const char *target); /* a symbolic link */
void sim_dir_make(struct world *w, const char *path);
bool sim_file_get(struct world *w, const char *path, struct buf *b); /* appends the current content; false: none */
void sim_file_ours(struct world *w, const char *path, bool ours);    /* ours_to_write; at birth all but / and /etc is ours */
void sim_disk_space(struct world *w, uint64_t bytes);                /* of the whole disk; 64 GiB at birth */
void sim_disk_hang(struct world *w, bool hangs);                     /* requests get no answer until it hangs no more */
unsigned sim_disk_open(struct world *w);                             /* files that the agent holds open */

/* ---- the machine's journal: one for all folders -------------------------------------------------------------------------- */

void sim_journal_add(struct world *w, const char *lines); /* an entry, with its fields: "NAME=value" each */
/* The same piece by piece, for values with a LF or a NUL in them. */
void sim_journal_begin(struct world *w);
void sim_journal_field(struct world *w, const void *field, size_t len);
void sim_journal_end(struct world *w);
void sim_journal_vacuum(struct world *w, unsigned n); /* the oldest n entries are deleted */
void sim_journal_rotate(struct world *w);             /* a new file; no entry is lost */
void sim_journal_copy(struct world *w);               /* all is copied to other files, under other numbers */
void sim_journal_damage(struct world *w);             /* the newest entry cannot be read any more */
void sim_journal_hide(struct world *w); /* the newest entry is in a file that is let go as damaged whenever it is come to */
void sim_journal_block(
    struct world *w); /* the newest entry cannot be read, and no read comes past it: it must be passed by its time */
void sim_journal_quiet(struct world *w, bool is_quiet);   /* what is open now sees and hears of nothing new */
unsigned sim_journal_open(struct world *w);               /* journals that the agent holds open */
void sim_journal_absent(struct world *w, bool is_absent); /* there is no library */

/* ---- sockets, signals ---------------------------------------------------------------------------------------------------- */

struct sim_conn;
/* A client of a socket that the agent serves; NULL: nobody serves it. Lives until sim_hangup. */
struct sim_conn *sim_connect(struct world *w, const char *path, uid_t uid, gid_t gid, bool in_group);
void sim_send(struct sim_conn *sc, const void *data, size_t len);
const struct buf *sim_received(const struct sim_conn *sc); /* all that the agent wrote */
bool sim_closed(const struct sim_conn *sc);                /* the agent has closed it, or died */
void sim_hangup(struct sim_conn *sc);
void sim_signal(struct world *w, int signum);
