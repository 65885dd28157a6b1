/* world_sim_impl.h - what the files of the simulated world know of each other. */
#pragma once
#include <stdio.h>

#include "agent/base/digest.h"
#include "agent/base/mem.h"
#include "tests/sim/world_sim.h"

typedef void sim_run(void *ctx);

struct sim_event {
	struct list link;
	uint64_t due_ms, tie;
	const char *name;
	bool mortal; /* belongs to the agent's process */
	sim_run *run;
	void *ctx;
};

/* The plan of failures for one kind of call. */
struct sim_plan {
	uint64_t calls, failed, nth;
	int nth_code;
	unsigned per_mille;
};

struct world_sim {
	struct world w; /* first */
	uint64_t now_ms;
	int64_t wall_offset_ms;
	uint64_t chance_agent, chance_world, chance_test; /* splitmix64 states */
	struct list events;                               /* the next one first */
	struct digest digest;
	char digest_hex[DIGEST_HEX_LEN];
	FILE *trace_to;
	struct sim_plan plans[SIM_KINDS];
	sim_crash_hook *hook;
	void *hook_ctx;
	bool crashed;

	sim_http_handler *handler;
	void *handler_ctx;
	uint32_t net_least_ms, net_most_ms;
	struct list https; /* struct exchange */

	struct list inodes, names, metas, ours; /* fs_sim.c */
	uint64_t next_ino;
	uint64_t capacity;
	bool disk_hangs;
	struct list jobs;  /* struct disk_req, running */
	struct list files; /* struct disk_file */
	struct list locks;

	struct list listeners, conns, watches, sigs; /* serve_sim.c */

	struct list journal, journals; /* entries; struct open_journal: journald_sim.c */
	uint64_t journal_number, journal_files;
	bool journal_absent;
};

static inline struct world_sim *sim_of(struct world *w)
{
	return container_of(w, struct world_sim, w);
}

struct sim_event *sim_event_add(struct world_sim *s, uint64_t delay_ms, const char *name, bool mortal, sim_run *run, void *ctx);
void sim_event_drop(struct sim_event *ev); /* NULL is fine */
uint64_t sim_chance(struct world_sim *s);  /* the world's own stream */
uint64_t sim_between(struct world_sim *s, uint64_t least, uint64_t most);
bool sim_one_in(struct world_sim *s, unsigned n);
/* 0, or the -ERR_ that this call fails with; fits: what the seed may choose from, ended by 0. */
int sim_fault(struct world_sim *s, enum sim_kind kind, const int *fits);
/* True: the agent is dead now, touch nothing of it. */
bool sim_crash_point(struct world_sim *s, const char *where, const char *what);

void sim_http_init(struct world_sim *s);
void sim_http_crash(struct world_sim *s);
void sim_http_close(struct world_sim *s);

/* One file, directory or symbolic link. `now` is what processes see, `durable` what the disk surely has. */
struct inode {
	struct list link;
	unsigned refs;
	uint64_t ino;
	bool is_dir;
	char *target; /* of a symbolic link */
	unsigned mode;
	int64_t mtime_ms;
	struct buf now, durable;
	size_t dirty_from; /* the first byte in which they may differ; SIZE_MAX: none */
};

void sim_fs_init(struct world_sim *s);
void sim_fs_close(struct world_sim *s);
void sim_fs_power(struct world_sim *s); /* the power fails */
struct inode *sim_fs_find(struct world_sim *s, const char *path, bool follow);
int sim_fs_why_none(struct world_sim *s, const char *path); /* what sim_fs_find did not find: the code of the error */
char *sim_fs_real(struct world_sim *s, const char *path);   /* with links followed; the caller's */
char *sim_fs_dir(const char *path);                         /* the folder a path lies in; the caller's */
struct inode *sim_fs_make(struct world_sim *s, const char *path, unsigned mode); /* a new file, entry not synced */
struct inode *sim_fs_mkdir(struct world_sim *s, const char *path, unsigned mode);
void sim_fs_unlink(struct world_sim *s, const char *path);
void sim_fs_rename(struct world_sim *s, const char *path, const char *to);
void sim_fs_sync_dir(struct world_sim *s, const char *dir);
void sim_fs_cut(struct world_sim *s, struct inode *i, size_t len);                    /* longer: filled with zeros */
int sim_fs_write(struct world_sim *s, struct inode *i, const void *data, size_t len); /* at the end; -ERR_NOSPACE: in part */
void sim_fs_sync(struct inode *i);
void sim_fs_tear(struct world_sim *s, struct inode *i); /* what was not synced becomes what the seed says */
unsigned sim_fs_nlink(struct world_sim *s, const struct inode *i);
int sim_fs_list(struct world_sim *s, const char *dir, disk_name_cb *cb, void *ctx);
bool sim_fs_ours(struct world_sim *s, const char *path);
uint64_t sim_fs_used(struct world_sim *s);
struct inode *sim_inode_ref(struct inode *i);
void sim_inode_unref(struct inode *i); /* NULL is fine */

void sim_disk_init(struct world_sim *s);
void sim_disk_crash(struct world_sim *s);
void sim_file_init(struct world_sim *s);
void sim_file_crash(struct world_sim *s);

void sim_serve_init(struct world_sim *s);
void sim_serve_crash(struct world_sim *s);
void sim_serve_close(struct world_sim *s);
void sim_watch_touch(struct world_sim *s, const char *path, bool names); /* what is behind it, or that it is there */

void sim_journald_init(struct world_sim *s);
void sim_journald_crash(struct world_sim *s);
void sim_journald_close(struct world_sim *s);
