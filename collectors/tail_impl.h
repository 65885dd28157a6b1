/* tail_impl.h - what the files of the tail know of each other. */
#pragma once
#include "agent/base/list.h"
#include "collectors/tail.h"

#define TAIL_FP_BYTES 1024

/* One entry of the configuration. */
struct tail_source {
	struct tail *t;
	char *dir, *glob, *service; /* glob: the last component */
	struct watch watch;
	bool watched;
};

/* One inode that is followed. offset is where the next line begins; up to `scanned` there is no LF behind it. */
struct tail_file {
	struct list link; /* in the order found: of one path the old one stands before the new one */
	struct tail_source *src;
	struct disk_file *f;
	char *path; /* resolved, at the time it was first seen */
	char *name; /* log.file.name: its last component */
	uint64_t dev, ino, generation, offset, scanned, size;
	uint64_t fp;
	uint32_t fp_len;
	uint64_t grown_ms, checked_ms; /* when it was last seen to grow, was last compared with fp */
	bool found;                    /* by the scan that runs */
	bool rotated;                  /* no longer found under the pattern */
	bool at_end;                   /* nothing more to read when last looked */
};

/* Where an inode was left: by an earlier process, or by this one, which let it go. */
struct tail_position {
	struct telemetry_source s; /* the path is owned */
	bool let_go;
};

struct tail {
	struct world *w;
	struct telemetry_sink sink;
	uint32_t line_max;
	bool start_at_end; /* true during the very first scan alone */
	struct tail_source *sources;
	size_t sources_n;
	struct tail_position *restored; /* not claimed by a file that is followed */
	size_t restored_n;
	struct list files;
	size_t files_n;
	struct timer read_timer, scan_timer;
	uint64_t scanned_ms; /* when the last scan was */
	uint64_t hold_ms;    /* how long the sink was waited for; 0: it takes lines */
	bool scan_wanted, list_failed;
	char *chunk;      /* shared by all files */
	size_t chunk_len; /* more than two lines of the largest size */
	struct buf text;  /* the line in hand, clean */
	struct tail_stats stats;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

enum tail_read { TAIL_END, TAIL_MORE, TAIL_HOLD, TAIL_FAILED };

/* tail_file.c */
struct tail_file *tail_file_new(struct tail_source *src, const char *path, struct disk_file *f, const struct disk_stat *st);
void tail_file_free(struct tail_file *tf);
/* 1: yes, 0: no, negative: not known. */
int tail_file_is_at(struct tail *t, struct disk_file *f, const struct disk_stat *st, const struct telemetry_source *position);
/* Looks at the size and, after a pause, at the first bytes: a file that began anew is read from 0. */
int tail_file_look(struct tail_file *tf);
enum tail_read tail_file_read(struct tail_file *tf);  /* one chunk's worth of lines */
enum tail_read tail_file_flush(struct tail_file *tf); /* the unfinished last line of a file that nobody continues */

/* tail_open.c */
/* Opens and follows a file under the name `as`, where a claimed position says or from 0; NULL: not now, or not at all. */
struct tail_file *tail_take(struct tail_source *src, const char *path, const char *as, const struct disk_stat *seen);
bool tail_is_known(struct tail *t, const struct disk_stat *st); /* followed, restored or let go */
struct tail_file *tail_file_of(struct tail *t, const struct disk_stat *st);
void tail_remember(struct tail *t, const struct telemetry_source *s, bool let_go);

/* tail_scan.c */
void tail_scan(struct tail *t);

/* tail_seek.c */
void tail_find_orphans(struct tail *t); /* restored positions whose file has another name now */
/* Files that were made and renamed behind `tf`, which is rotated, and that nobody ever saw under their own name. */
void tail_find_successors(struct tail_file *tf);

struct tail_candidate {
	char *path; /* owned */
	struct disk_stat st;
};

struct tail_candidates {
	struct tail_candidate *v;
	size_t n;
};

void tail_candidate_add(struct tail_candidates *c, char *path, const struct disk_stat *st); /* takes path */
void tail_candidates_sort(struct tail_candidates *c);                                       /* oldest first */
void tail_candidates_close(struct tail_candidates *c);
