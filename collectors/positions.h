/* positions.h - how far each file was taken: all that is known of it, in one place.
 *
 *     positions_init(&p);                         empty; the shipper is given &p.durable and tells what its log says
 *     positions_wait(&p);                         at the tail's start: where an earlier process left its files
 *     positions_find, _claim, _leave              a file is looked for, followed, let go
 *     positions_close(&p);                        behind shipper and tail
 *
 * Of each file two places are known, and either may be missing. `durable` is what the newest commit record says, and what the
 * next process begins with; it moves when the shipper has committed lines. `left` is where this process goes on should the file
 * come under a pattern again; a file that is followed has none, for the tail itself knows where it is.
 * A place in the machine's journal (telemetry_source.cursor) is durable alone, and stays: there are few of them.
 * Nothing here looks at a disk; positions_gone.h does. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/list.h"
#include "agent/base/telemetry.h"

/* Durable ones; above it the oldest of those let go is forgotten, and only where there is none, the one that moved least recently:
 * it may be quiet, or its folder not mounted, and would be read again from its start. */
#define POSITIONS_MAX 16384
#define POSITIONS_BUCKETS 4096

struct position {
	struct list link;
	struct position *same; /* the next one of its bucket */
	uint64_t dev, ino;
	struct telemetry_source durable, left; /* each owns its path */
	bool is_durable, is_left;              /* one of them at least */
	bool let_go;                           /* by this process, which read it to its end, and not followed again */
	uint64_t seen;                         /* let go: the last scan that found its file under a name that it looked at */
	bool is_looked_for, is_there;          /* by positions_gone; there: or that is not known */
};

struct positions {
	struct list all;                             /* struct position, one of each inode; the one that moved last is last */
	size_t durable_n, left_n;                    /* of all */
	size_t let_go_n, may_go_n;                   /* let go: of those left, of the durable ones */
	struct list *at;                             /* the next one that `durable` answers with */
	struct telemetry_positions durable;          /* for whoever commits */
	struct position *buckets[POSITIONS_BUCKETS]; /* by inode */
};

void positions_init(struct positions *p);
void positions_close(struct positions *p);

void positions_wait(struct positions *p); /* what is durable and not followed was left there */
struct position *positions_get(struct positions *p, uint64_t dev, uint64_t ino);            /* NULL: nothing is known of it */
struct position *positions_find(struct positions *p, uint64_t dev, uint64_t ino);           /* among those left; NULL: none */
void positions_claim(struct positions *p, struct position *pos);                            /* its file is followed again */
void positions_leave(struct positions *p, const struct telemetry_source *s, uint64_t seen); /* its file is let go */
void positions_drop(struct positions *p, struct position *pos);   /* the place where it was left; durable ones stay */
void positions_forget(struct positions *p, struct position *pos); /* all of it: there is no such file any more */
struct position *positions_oldest_let_go(struct positions *p);    /* NULL: none */
