/* spool_impl.h - what the files of the spool know of each other. */
#pragma once
#include "agent/base/sm.h"
#include "agent/io/ending.h"
#include "shippers/lost.h"
#include "shippers/pack.h"
#include "shippers/spool.h"
#include "shippers/spool_aside.h"
#include "shippers/taken.h"

/* One that bodies are sent to, see spool_dest.c. */
struct spool_dest {
	char *name;
	uint64_t max[TELEMETRY_KINDS];
	uint64_t taken[TELEMETRY_KINDS];                           /* a sequence: up to it all have ended here, which is durable */
	struct list *first[TELEMETRY_KINDS];                       /* none before it is wanted here; the list's head: none is */
	uint64_t bytes[TELEMETRY_KINDS], entries[TELEMETRY_KINDS]; /* that are wanted here */
	uint64_t dropped[TELEMETRY_KINDS], aged[TELEMETRY_KINDS];  /* records */
};

/* The log of commit records while it is written anew, see spool_compact.c. */
struct spool_compact {
	struct sm sm;     /* see spool_compact.c */
	int kind;         /* whose entries are being written */
	struct list *at;  /* the next of them; moves on when it goes */
	uint64_t written; /* bytes of the new log that are durable */
	char *path;
};

enum { JOB_NEW, JOB_PACKING, JOB_WRITING, JOB_FAILED, JOB_DURABLE };

/* A batch on its way to the disk, see spool_body.c. */
struct spool_job {
	struct list link; /* in the order put */
	struct spool *s;
	struct batch *b;
	struct spool_entry *entry; /* what it becomes; NULL: it has not begun */
	char *path;
	struct buf packed;
	struct disk_req disk;
	struct sm sm;
};

struct spool_start;

struct spool {
	struct world *w;
	char *dir, *commits; /* path of the log of commit records */
	struct spool_config c;
	struct spool_stats stats;
	struct account account;               /* what is durable of it */
	struct list entries[TELEMETRY_KINDS]; /* by seq */
	const struct telemetry_positions *positions;
	int64_t born_ms;           /* Unix ms, when the monotonic clock read zero: as it was told at the start */
	uint64_t seq;              /* the last one committed */
	uint64_t came;             /* bytes of bodies that were committed by this process */
	uint64_t next_seq;         /* never given to a body before, committed or not */
	struct spool_start *start; /* NULL: open */
	char trouble[ERR_TEXT_MAX];

	struct spool_dest dests[SPOOL_DESTS_MAX];
	unsigned dests_n;

	/* bodies on their way out, see spool_ending.c, spool_sweep.c */
	struct list losses; /* struct loss, see spool_loss.c */
	size_t losing;      /* so many of the first are in what is being written */
	struct list noted;  /* struct spool_ending: others still need the body, so a record is to say who does not */
	size_t noting;      /* so many of the first are in the record that is being written */
	struct timer note_timer;
	struct list sweeps;      /* struct sweep: names that nobody will ask for again */
	struct list late_sweeps; /* the same, once what was found at start is durable */
	struct disk_req sweep;
	char *sweep_path;
	unsigned endings; /* of entries */
	struct spool_aside aside;
	char damage[ERR_TEXT_MAX]; /* the last body that could not be sent, for a person; "": none */
	uint64_t damage_ms;        /* when that was */

	/* bodies, see spool_body.c */
	struct list jobs;                                            /* struct spool_job */
	unsigned queued[TELEMETRY_KINDS], unpacked[TELEMETRY_KINDS]; /* of them, those not packed yet */
	struct spool_job *packs;                                     /* whose turn it is; NULL: nobody's */
	struct pack pack;
	struct timer pack_timer, rest_timer; /* rest: what was kept for the next body is not kept any longer */
	unsigned writing;                    /* bodies that the disk has in hand */

	/* the writer, see spool_write.c */
	struct sm sm;
	size_t committing; /* so many of the first jobs are in the record that is being written */
	bool must_wait;    /* a body could not be written meanwhile */
	struct buf line;
	struct disk_req disk;
	struct timer timer;
	struct spool_compact compact;
	uint64_t commits_len;   /* whole, durable lines */
	uint64_t commits_least; /* after the last compaction */
	bool commits_unsure;    /* must be written anew before anything is appended */
	bool settled;           /* what was found at start is durable by now: bodies may be sent */

	struct timer space_timer;
	struct disk_req space;
	bool space_asked, space_low;

	struct ending end;
};

struct spool_entry *spool_entry_new(struct spool *s, enum telemetry_kind kind, uint64_t seq, const char *id);
void spool_entry_free(struct spool_entry *en); /* out of its list and the counts too */
void spool_entry_add(struct spool_entry *en);  /* to the list, at its place */
void spool_drop_entry(struct spool_entry *en); /* with its file, in the background: of one that the log does not have */
uint32_t spool_now_s(const struct spool *s);   /* Unix time, which no step of the clock has changed since the start */
uint64_t spool_blocks(uint64_t bytes);         /* what a file of that size takes on disk */
void spool_watch_space(struct spool *s);       /* from now on */

/* spool_dest.c */
void spool_dest_init(struct spool *s, const struct spool_config *c);
void spool_dest_close(struct spool *s);
void spool_dest_forget(struct spool *s);                       /* how far each has come: the log is read once more */
void spool_dest_found(struct spool *s, const struct taken *t); /* which it says */
uint8_t spool_dest_wants(const struct spool *s, enum telemetry_kind kind, uint64_t seq); /* a bit for each that does */
struct taken spool_dest_taken(const struct spool *s, unsigned dest, enum telemetry_kind kind, uint64_t seq);
void spool_dest_add(struct spool_entry *en);                 /* it has come into its list */
void spool_dest_took(struct spool_entry *en, unsigned dest); /* it has ended there */
void spool_dest_gone(struct spool_entry *en);                /* it is about to leave its list */
bool spool_is_wanted_by(const struct spool_entry *en, unsigned dest);
bool spool_is_wanted_by_others(const struct spool_entry *en, unsigned dest);
void spool_enforce_quota(struct spool *s);
void spool_enforce_age(struct spool *s); /* now and then */

/* spool_account.c */
void spool_account_say(struct spool *s, struct buf *line); /* all of it */
bool spool_account_is(const char *line, size_t len);
int spool_account_take(struct spool *s, const char *line, size_t len, struct err *e);
void spool_account_meet(struct spool *s);                                                   /* destinations that are new */
void spool_account_own(struct spool_entry *en, const struct account_part *parts, size_t n); /* whose its records are */

/* spool_loss.c: bodies that a destination lost unsent */
void spool_loss_add(const struct spool_entry *en, unsigned dest, enum account_lost why);
bool spool_loss_waits(const struct spool *s);
bool spool_loss_waits_of(const struct spool_entry *en);                /* some destination's, which is not durable yet */
size_t spool_loss_say(struct spool *s, struct buf *line, size_t most); /* how many more are said; 0: all are */
void spool_loss_said(struct spool *s);                                 /* which is durable */
void spool_loss_close(struct spool *s);
void spool_loss_of(struct spool_entry *en, unsigned dest, enum account_lost why, uint32_t records, struct lost *to);

/* spool_ending.c */
void spool_ending_say(struct spool *s, struct buf *line); /* those that are noted, into a record */
void spool_ending_said(struct spool *s, int rc);          /* it was written, or could not be */
void spool_ending_refuse(struct spool *s);                /* nothing can be written for a while */

void spool_sweep(struct spool *s, const char *name); /* unlinks a file of the folder in the background */
void spool_sweep_body(const struct spool_entry *en); /* not before what was found at start is durable */
void spool_sweep_settled(struct spool *s);           /* it is now */
void spool_sweep_drop(struct spool *s);              /* forgets what has not begun */
void spool_aside_trim(struct spool *s);              /* deletes what has no room any more, the oldest first */
bool spool_sweep_idle(const struct spool *s);

struct spool_job *spool_job_new(struct spool *s, struct batch *b);
void spool_job_free(struct spool_job *j); /* out of its list, with its batch; not its entry */
void spool_pack_next(struct spool *s);
void spool_bodies_again(struct spool *s); /* those that the disk refused */

void spool_write_init(struct spool *s);
void spool_write_kick(struct spool *s);
void spool_write_close(struct spool *s);
bool spool_write_idle(const struct spool *s);
void spool_write_failed(struct spool *s, const struct disk_req *r); /* waits and tries again */
void spool_write_wait(struct spool *s);
bool spool_write_waits(const struct spool *s);
void spool_write_done(struct spool *s); /* goes on with what comes next */

void spool_compact(struct spool *s); /* then spool_write_done or _failed */
void spool_compact_skip(struct spool *s, const struct spool_entry *en);

void spool_start(struct spool *s);
void spool_start_close(struct spool *s);
bool spool_start_idle(const struct spool *s);
