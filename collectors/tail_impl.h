/* tail_impl.h - what the files of the tail know of each other. */
#pragma once
#include "agent/base/list.h"
#include "agent/base/sm.h"
#include "agent/io/ending.h"
#include "collectors/path_pieces.h"
#include "collectors/tail.h"

#define TAIL_FP_BYTES 1024
#define TAIL_FILES_MAX 10240 /* one descriptor each: LimitNOFILE of the unit is more */
#define TAIL_FOLDERS_MAX 1024
#define TAIL_NAMES_MAX (32u << 20) /* bytes of the names of a folder */
#define TAIL_GROUP_MAX 32          /* records of several streams that lie one in another: tail_wrapped.c */
#define TAIL_LATER_MS 1000         /* so long until a file is read again that waits for something to pass */
#define TAIL_RECORD_MS 2000        /* so long before a record of several lines counts as whole */
#define TAIL_SILENT_MS 60000       /* so long nobody adds to a file before its last line is taken without its LF */

/* Why a file under a pattern is not followed. */
enum tail_refusal { TAIL_COMPRESSED, TAIL_NO_TEXT, TAIL_LINK, TAIL_FULL, TAIL_DENIED, TAIL_OLD, TAIL_REFUSALS };

/* One entry of the configuration. */
struct tail_pattern {
	char *path;
	char *pieces;                /* NULL: none */
	char *keys[PATH_PIECES_MAX]; /* the names in it */
	bool unlike_told;            /* a path that is not like them */
	char *dir, *glob, *service;  /* glob: the last component */
	bool is_wide;                /* dir has globs too */
	struct framing *framing;     /* NULL: each line is a record */
	enum framing_format format;
	int32_t utc_offset_s;
	bool starts_at_end; /* until the first scan of all has ended */
	uint64_t ignore_older_ms;
	uint64_t refused[TAIL_REFUSALS]; /* in all of its folders */
	bool is_partial;                 /* not all that its dir leads to was seen by the last search */
};

/* A folder that is looked at, for files or for folders; nothing says that it is there. */
struct tail_folder {
	struct list link;
	struct tail *t;
	char *dir; /* without links */
	struct watch watch;
	bool watched;
	bool is_used;              /* by the search that runs, or that was the last one */
	bool has_folders;          /* a pattern's next component is looked for in it */
	bool is_dirty, is_scanned; /* changed since it was last entered; had its turn in the scan that runs */
};

/* A folder in which a pattern has its files. */
struct tail_source {
	struct tail *t;
	struct tail_pattern *of;
	char *dir;                                                /* as the pattern leads to it */
	struct tail_folder *folder;                               /* where that is; NULL: it is not there */
	bool is_found;                                            /* by the search that runs, or that was the last one */
	size_t files_n;                                           /* that bear it */
	uint64_t refused[TAIL_REFUSALS], refusing[TAIL_REFUSALS]; /* at the last look at its folder, at the one that runs */
};

/* A record in pieces that is longer than a chunk: its end is looked for, and only its beginning is kept. */
struct tail_run {
	bool is_on, is_whole;
	uint8_t stream;
	size_t pieces;
	uint64_t at, end; /* the next line to look at; where the record ends, 0: not known yet */
	uint64_t more;    /* bytes of text behind the first chunk */
};

/* One inode that is followed. offset is where the next line begins; up to `scanned` there is no LF behind it. */
struct tail_file {
	struct list link; /* in the order found: of one path the old one stands before the new one */
	struct tail_source *src;
	struct disk_file *f;
	char *path;                                       /* resolved, at the time it was first seen */
	char *name;                                       /* its last component */
	struct telemetry_attr attrs[2 + PATH_PIECES_MAX]; /* log.file.name, log.file.path, and pieces of that */
	size_t attrs_n;
	struct telemetry_origin origin;
	uint64_t dev, ino, generation, offset, scanned, size;
	uint64_t fp;
	uint32_t fp_len;
	uint64_t before; /* fingerprint of what stands in front of offset */
	uint32_t before_len;
	const char *before_at; /* while its lines are taken from a chunk: that, and the fingerprint is made at the end; else NULL */
	uint32_t no_text;      /* lines among them */
	uint64_t passed;       /* bytes in front of offset that were passed over since the last line: NULs, and what is no text */
	bool goes_on; /* what stands at offset goes on with a line that begins at line_at: so far it was taken unfinished */
	uint64_t line_at;
	uint64_t head_at;              /* where its head begins: behind the NULs in front */
	uint32_t head_len;             /* how many bytes of it were judged */
	bool is_judged;                /* a text, as far as head_len says */
	uint64_t grown_ms, checked_ms; /* when it was last seen to grow, was last compared with fp */
	struct list awake;             /* in the tail's list of that name, or of those to be read later, or in none: tail_awake.c */
	bool is_awake;
	char *here; /* the name in its source's folder under which the last scan found it; NULL: none */
	struct tail_file *same_inode, *same_name, *same_path; /* the next ones of their buckets: tail_table.c */
	struct tail_file *older, *newer;                      /* of the same path, in the order found */
	uint64_t turn;                                        /* the last round of reading that it had its turn in */
	bool found;                                           /* by the scan that runs */
	bool rotated;                                         /* no longer found under the pattern */
	bool at_end;                                          /* nothing more to read when last looked */
	struct tail_run run;                                  /* what begins at offset */
	bool is_open;                                         /* whole lines stand at offset, of a record that may go on */
};

#define TAIL_BUCKETS 4096

/* Where a file that is followed is found by what is known of it. */
struct tail_table {
	struct tail_file *by_inode[TAIL_BUCKETS], *by_name[TAIL_BUCKETS], *by_path[TAIL_BUCKETS];
};

/* A file that is no text or too old, remembered: it is opened once and not by each scan. seen: the last scan that found it. */
struct tail_archive {
	uint64_t dev, ino, seen;
	int64_t mtime_ms;
	enum tail_refusal why;
};

/* An inode that is known: by a file that is followed, by a position, or as an archive. */
struct tail_known {
	uint64_t dev, ino;
	struct tail_file *file;
	struct position *position;
	struct tail_archive *archive;
};

struct tail_index {
	struct tail_known *v; /* by number */
	size_t n;
	const char **names; /* of those that lie in dir */
	size_t names_n;
	const char *dir;
	bool stale;
};

/* A name of the folder that is scanned. */
struct tail_candidate {
	struct tail_source *src;
	const char *name; /* in the listing */
	char *as;         /* owned: the path it had when it was last known; NULL: this one */
	uint64_t dev, ino, size;
	int64_t mtime_ms;
	bool claims; /* a position names it */
};

struct tail_queue {
	struct tail_candidate *v;
	size_t n, cap;
};

/* A rotated file, for its successors; since_ms: when it was last written. */
struct tail_after {
	struct tail_source *src;
	char *path;
	int64_t since_ms;
};

/* The search for folders that runs, as a part of a scan. */
struct tail_find {
	size_t pattern, source; /* the next ones */
	struct tail_way {
		char *dir;        /* owned */
		const char *rest; /* of the pattern's dir: what is to be found below it */
	} * ways;                 /* still to go */
	size_t ways_n;
	struct tail_way now; /* whose names are gone through; dir NULL: none */
	char *glob;          /* that they must match */
	bool is_listing;     /* a worker is */
	uint64_t refused;    /* folders too many */
};

/* The scan that runs, folder by folder. */
struct tail_scan {
	struct sm sm;  /* see tail_scan.c */
	bool is_whole; /* of all folders, which are searched for before; else of those that changed */
	struct tail_find find;
	struct tail_folder *folder; /* in hand */
	bool failed;                /* not all of the folder was seen */
	bool partial;               /* one of its folders failed */
	bool seeks;                 /* it looks at every name: for orphans, and to find which files that were let go are gone */
	struct timer timer;
	struct disk_req disk; /* a worker that lists has it, and `names` */
	const char *dir;      /* the real name of the folder in hand */
	struct buf names;
	size_t at; /* the next name */
	struct tail_queue orphans, beside, successors, fresh;
	struct tail_after *afters;
	size_t afters_n;
	uint64_t began_ms, number;
};

enum tail_read { TAIL_END, TAIL_MORE, TAIL_HOLD, TAIL_FAILED, TAIL_REFUSED };

struct tail {
	struct world *w;
	struct telemetry_sink sink;
	uint32_t line_max, files_max;
	struct tail_pattern *patterns;
	size_t patterns_n;
	struct tail_source **sources;
	size_t sources_n;
	struct list folders; /* struct tail_folder */
	size_t folders_n;
	bool unwatched_told;
	struct positions *positions;
	struct tail_archive *archives;
	size_t archives_n;
	struct list files;
	size_t files_n;
	struct tail_table table;
	struct list awake, later; /* files to be read now, and when later_ms comes */
	uint64_t later_ms;
	bool strangers; /* a name was written to that no file bears */
	struct tail_index index;
	struct tail_scan scan;
	struct timer read_timer, scan_timer;
	uint64_t scanned_ms, rest_ms;   /* when the last scan ended, how long after it none begins */
	struct telemetry_wait wait;     /* for the sink to take lines again; in its list while it is full */
	uint64_t hold_ms;               /* how long the sink was waited for; 0: it takes lines */
	uint64_t turn;                  /* of reading: the round that runs */
	enum tail_read said;            /* by those who had their turn in it: the most urgent */
	bool scan_wanted, scan_again;   /* again: something failed, not at once */
	bool whole_wanted, seek_wanted; /* of all folders; of all their names */
	struct telemetry_source place;  /* of the line in hand */
	char *chunk;                    /* shared by all files */
	size_t chunk_len;               /* more than two lines of the largest size */
	struct buf text;                /* the line in hand, clean */
	struct buf pieces;              /* the record in hand, joined of what a runtime has cut */
	struct tail_stats stats;
	struct ending end;
};

/* tail_file.c: which file it is, and is it still the same */
struct tail_file *tail_file_new(struct tail_source *src, const char *path, struct disk_file *f, const struct disk_stat *st);
void tail_file_free(struct tail_file *tf);
void tail_file_rotate(struct tail_file *tf); /* it is no longer found under the pattern */
/* 1: the bytes in front of `to` are those, 0: they are not, negative: not known. */
int tail_file_is_before(struct world *w, struct disk_file *f, uint64_t to, uint64_t before, uint32_t len);
/* 1: yes, 0: no, negative: not known. */
int tail_file_is_at(struct tail *t, struct disk_file *f, const struct disk_stat *st, const struct telemetry_source *position);
/* Looks at the size and, after a pause, at the first bytes and at those before offset: a file that began anew is read from 0. */
int tail_file_look(struct tail_file *tf);
int tail_file_place(struct tail_file *tf, uint64_t offset);                      /* goes on there */
void tail_file_begin_anew(struct tail_file *tf, const char *why, uint64_t size); /* from 0; size: at the last look before */
void tail_file_lost(struct tail_file *tf, uint64_t from, uint64_t size);         /* what lay between was not read, and is gone */
struct telemetry_source tail_file_source(const struct tail_file *tf, uint64_t from, uint64_t to);
void tail_file_source_in(const struct tail_file *tf, uint64_t from, uint64_t to, struct telemetry_source *ret); /* in place */

/* tail_judge.c: is it a text? is_final: no more bytes are awaited. TAIL_MORE: go on; TAIL_END: nothing to judge yet. */
enum tail_read tail_file_judge(struct tail_file *tf, bool is_final);
/* Of a file that is only open: false: it is none, *ret_why says what. What cannot be read, or not be told yet, passes. */
bool tail_may_be_text(struct tail *t, struct disk_file *f, enum tail_refusal *ret_why);

/* tail_lines.c: its lines */
enum tail_read tail_file_read(struct tail_file *tf);  /* one chunk's worth of lines */
enum tail_read tail_file_close(struct tail_file *tf); /* the record that may go on, as it is */
enum tail_read tail_file_flush(struct tail_file *tf); /* the last line without its LF, marked */

/* tail_record.c */
/* Where the record ends whose first line ends at `lf`, and how many lines it joins; NULL: what stands before `end` does not tell.
 * is_final: nobody adds to that any more, so it ends with its last whole line.
 *
 *   the next line begins a record                          it ends before that
 *   with the next line it would be longer than it may be   it ends before that
 *   the next line goes on, and is whole                    that belongs to it; on with the one behind it
 *   the next line goes on, or may, and is not whole        not told */
const char *tail_record_end(const struct tail_file *tf, const char *at, const char *lf, const char *end, bool is_final,
			    size_t *ret_joined);

/* tail.c */
void tail_wake(struct tail *t, uint64_t delay_ms); /* reads then, or earlier */

/* tail_awake.c: which files have something to read, as far as is known */
void tail_awake(struct tail_file *tf);
void tail_awake_later(struct tail_file *tf);
void tail_awake_all(struct tail *t);
void tail_awake_due(struct tail *t);                              /* those for whom it is time */
void tail_awake_written(struct tail_folder *f, const char *name); /* what is behind the name was written to */

/* tail_table.c */
void tail_table_add(struct tail_file *tf);
void tail_table_drop(struct tail_file *tf);                   /* harmless for one that is not in it */
void tail_table_name(struct tail_file *tf, const char *name); /* NULL: it has none there any more */
struct tail_file *tail_table_by_name(const struct tail *t, const struct tail_folder *f, const char *name);
struct tail_file *tail_table_by_path(const struct tail *t, const char *path); /* that was found last */

/* tail_open.c */
/* Opens a file, to be followed under the name `as` from where a claimed position says or from 0; NULL: not now, or not at all. */
struct tail_file *tail_open(struct tail_source *src, const char *path, const char *as, const struct tail_candidate *seen);
void tail_keep(struct tail_file *tf); /* follows it, and says so; or tail_file_free lets it go unmentioned */
struct tail_file *tail_file_of(struct tail *t, uint64_t dev, uint64_t ino);

/* tail_positions.c */
bool tail_is_known(struct tail *t, uint64_t dev, uint64_t ino);             /* followed, or left somewhere */
void tail_position_leave(struct tail *t, const struct telemetry_source *s); /* its file is let go */
void tail_position_claim(struct tail *t, struct position *pos);             /* its file is followed again */
bool tail_positions_want_all_names(const struct tail *t);
/* When many files have been let go, forgets those that are gone; after a scan that looked at every name of every folder. */
void tail_positions_sweep(struct tail *t);

/* tail_pass.c */
void tail_pass_begin(struct tail *t);      /* the positions are known: what was seen before is not passed over */
void tail_pass_end(struct tail *t);        /* a scan of all has ended */
int tail_pass_first(struct tail_file *tf); /* one that nothing is known of begins where it is to begin */
bool tail_pass_old(struct tail *t, const struct tail_candidate *c, const char *path); /* true: it is too old */

/* tail_refuse.c */
void tail_refuse(struct tail_source *src, enum tail_refusal why, const char *path);
/* Does rc speak of this one path and not of the disk? Then it is refused (src NULL: in silence), until the next scan. */
bool tail_refuse_if_path(struct tail_source *src, int rc, const char *path);
/* Its folder was looked at, whole or in part: what was refused meanwhile counts now. */
void tail_refused(struct tail_source *src, bool whole);
void tail_archive_add(struct tail *t, const struct tail_candidate *c, enum tail_refusal why);
void tail_archives_sweep(struct tail *t); /* forgets those that this scan did not find */

/* tail_pattern.c: patterns, and the folders in which they have files */
void tail_patterns_init(struct tail *t, const struct tail_config *c);
void tail_patterns_free(struct tail *t);
bool tail_source_add(struct tail *t, struct tail_pattern *p, const char *dir); /* or finds it; false: too many */
void tail_sources_sweep(struct tail *t); /* lets go of those that the last search did not find */

/* tail_folder.c */
struct tail_folder *tail_folder_use(struct tail *t, const char *dir); /* real; watched from now on. NULL: too many */
void tail_folders_unuse(struct tail *t);                              /* all of them, before a search */
void tail_folders_sweep(struct tail *t);                              /* forgets those that are not used */
size_t tail_folders_unwatched(const struct tail *t);                  /* how many inotify tells nothing of */
void tail_folders_unwatch(struct tail *t);
void tail_folders_free(struct tail *t);
struct tail_source *tail_folder_source(const struct tail_folder *f, const char *name); /* whose pattern the name matches */
void tail_folder_again(struct tail_folder *f);                                         /* a scan of it is wanted; NULL: none is */

/* tail_find.c */
void tail_find_begin(struct tail *t);
bool tail_find_step(struct tail *t); /* false: all were found. While a worker lists there is no step */
void tail_find_close(struct tail_find *f);

/* tail_scan.c */
void tail_scan_step_later(struct tail *t);
void tail_scan_init(struct tail_scan *s);
bool tail_scan_runs(const struct tail *t);
bool tail_scan_is_listing(const struct tail *t);                           /* a worker is */
bool tail_scan_is_of(const struct tail *t, const struct tail_source *src); /* does it lie in the folder in hand? */
void tail_scan_start(struct tail *t);                                      /* not while one runs */
void tail_scan_close(struct tail *t); /* not while a worker lists; ending_step follows when it is done */
char *tail_scan_path(const struct tail_scan *s, const char *name);

/* tail_seek.c */
bool tail_seek_orphan(struct tail *t); /* takes one: false when there is none left */
void tail_seek_after(struct tail *t);  /* which files were renamed, since the folder was listed */
bool tail_seek_successor(struct tail *t);
/* A name of the folder leads to an inode that a position names: was it another name when the position was written? */
void tail_seek_position(struct tail *t, const struct tail_candidate *c, const struct telemetry_source *position);

/* tail_index.c */
void tail_index_for(struct tail *t, const char *dir); /* makes it anew if it is stale */
const struct tail_known *tail_index_find(const struct tail_index *x, uint64_t dev, uint64_t ino);
/* Is it the name of a known file, a dot or dash, a digit, and whatever follows? */
bool tail_index_is_beside(const struct tail_index *x, const char *name);
bool tail_name_is_beside(const char *name, size_t len);      /* behind its first len bytes */
const char *tail_name_in(const char *dir, const char *path); /* the last component of a path in dir; NULL: not there */
void tail_index_close(struct tail_index *x);

/* tail_queue.c */
void tail_queue_add(struct tail_queue *q, const struct tail_candidate *c); /* copies `as` */
bool tail_queue_take(struct tail_queue *q, struct tail_candidate *ret);    /* the next one; its `as` is the caller's */
void tail_queue_close(struct tail_queue *q);
