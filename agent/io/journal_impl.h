/* journal_impl.h - what the files of the journal share: journal.c (lines, batches, the reserve, the turn), journal_open.c
 * (recovery), journal_segment.c (a new segment with its checkpoint, and the end of old ones). Nobody else includes this. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "agent/base/backoff.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/sm.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"
#include "agent/io/journal.h"

#define RESERVE_BYTES (256u << 10)
#define BATCH_MAX 64
#define BATCH_BYTES (1u << 20) /* no further record once a batch holds this much */
#define PART_MAX (256u << 10)  /* nor in a part of a checkpoint */

/*  idle --> append --> idle         append, segment --> wait --> append, segment
    idle --> segment --> idle        idle --> prune --> idle */
enum { JOURNAL_IDLE, JOURNAL_CUT, JOURNAL_APPEND, JOURNAL_SEGMENT, JOURNAL_PRUNE, JOURNAL_WAIT, JOURNAL_CLOSED };
extern const struct sm_machine journal_machine;

/* The checkpoint that is being written: what was open when it began. No other line comes between its parts, so the state
 * cannot change under it. */
struct checkpoint {
	json_t *members, *records; /* the first part's own; what is spread */
	size_t at;                 /* records that are in lines already */
	int part;                  /* the newest one, from 1 */
	uint64_t first, size;      /* of the segment that it begins; durable bytes in that */
};

struct journal {
	struct world *w;
	struct journal_config cfg;
	struct sm sm;
	unsigned retry; /* the state to go back to from JOURNAL_WAIT */
	struct disk_req disk;
	struct timer timer; /* retry, or the next turn */
	struct backoff backoff;
	struct list queue; /* not yet lines */
	struct journal_append *batch[BATCH_MAX];
	size_t batch_n;
	struct buf lines; /* of the batch, or of the new segment */
	char path[512];   /* the segment that is written */
	char new_path[512];
	struct buf tail; /* the torn one that was found in it, until a copy of it is durable */
	char tail_path[512];
	struct buf again;                      /* the segment as it is written anew */
	bool is_doubted;                       /* a sync of what was found in it failed: it is written anew */
	bool is_cut;                           /* what was found in it is durable, and its torn tail is gone */
	uint64_t size;                         /* good bytes in it */
	uint64_t base;                         /* of them the checkpoint that it begins with */
	struct journal_chain durable, written; /* behind the last durable line; behind the lines in flight */
	struct journal_segments sealed;        /* older segments, for pruning */
	uint64_t first;                        /* of the current segment; 0: there is none */
	uint64_t anchor;                       /* first of the segment that recovery would begin with */
	struct err trouble;
	struct err unfit; /* a record that is no line: its owner waits for ever */
	struct checkpoint checkpoint;
	bool checkpoint_due; /* the one that was found is torn */
	/* the reserve */
	char reserve[512];
	bool tight;
	struct disk_req reserve_disk;
	struct timer reserve_timer;
	char *zeros;
	/* prune */
	struct journal_append prune_record;
	char prune_path[512];
	bool prune_due;         /* recorded, or about to be; not yet removed */
	uint64_t prune_refused; /* the current segment's first when one could not be recorded: not again before the next */
	struct ending end;
};

void journal_turn(struct journal *j);
/* One line more behind j->lines; -ERR_LIMIT, and nothing is changed, if it would be too long for a record. */
int journal_add_line(struct journal *j, const char *type, json_t *members);
void journal_failed(struct journal *j, int rc); /* the request will be made again after a back-off */
void journal_landed(struct journal *j);         /* the lines are durable; idle */
void journal_reserve_start(struct journal *j);
void journal_path(const struct journal *j, uint64_t first, char to[512]);

/* journal_open.c */
void journal_cut(struct journal *j);

/* journal_segment.c */
void journal_segment_start(struct journal *j);
void journal_segment_write(struct journal *j); /* the part that is in j->lines */
void journal_segment_drop(struct journal *j);  /* what a checkpoint holds that was not finished */
bool journal_may_prune(const struct journal *j);
void journal_prune_record(struct journal *j);
void journal_prune(struct journal *j);
