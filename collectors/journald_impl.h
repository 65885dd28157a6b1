/* journald_impl.h - what the files of the journal's reader know of each other. */
#pragma once
#include "agent/base/buf.h"
#include "agent/io/ending.h"
#include "agent/io/journald_entry.h"
#include "collectors/journald.h"

#define JOURNALD_ATTRS 10

/* In hand: an entry, or several that are joined; not handed over yet. */
struct journald_record {
	bool is_there;
	bool is_due;             /* nothing is joined to it any more */
	struct buf body, values; /* values: each with its NUL */
	struct {
		const char *key;
		size_t at; /* in values */
	} attrs[JOURNALD_ATTRS];
	size_t attrs_n, unit, lines;
	uint64_t lost, bytes, mended; /* bytes cut; of its messages; entries of them mended */
	uint64_t pid;
	int64_t time_ms;
	uint32_t time_ns;
	uint8_t severity;
	const char *word;
	char cursor[JOURNALD_CURSOR_MAX]; /* of its last entry */
	uint64_t to_ms;                   /* the time of that */
	uint64_t since_ms;                /* when that came, by our clock */
};

struct journald_source {
	struct journald *j;
	const struct journald_source_config *c;
	char *name;                       /* "journald:SERVICE" */
	struct telemetry_origin *origins; /* of each unit */
	struct telemetry_attr *units;     /* what those point at */
	struct framing *framing;          /* NULL: each entry is a record */
	struct journald_stats stats;
	struct err why; /* code 0: it can be read */

	/* the place: journald_place.c */
	uint64_t key;
	char cursor[JOURNALD_CURSOR_MAX]; /* of the last entry that was handed over; "": none was */
	bool has_place;                   /* with an empty cursor: from the beginning on */
	uint64_t seen_ms, told_ms;        /* Unix: up to there all was read; as last told to the sink */
	bool was_damaged;                 /* a file of it was let go */
	unsigned fruitless;               /* reads that failed at this place */
	uint64_t skip_us;                 /* where it is looked for next; 0: at the cursor */

	/* reading: journald.c */
	struct journald_req req;
	bool is_reading;
	size_t at;            /* in the request's entries */
	unsigned quiet_polls; /* since a change was told */
	uint64_t asked_wall_ms;
	struct journald_record record;
	struct timer timer;
	struct telemetry_wait wait;
	uint64_t hold_ms, held_ms; /* is_held: how long it waits for the sink, and since when */
	bool is_held;
};

struct journald {
	struct world *w;
	struct telemetry_sink sink;
	struct positions *positions;
	struct journald_source *v;
	size_t n;
	struct buf text; /* of the message in hand */
	struct ending end;
};

/* journald_place.c */
void journald_place_init(struct journald_source *s);
void journald_place_find(struct journald_source *s); /* where an earlier process left it */
void journald_place_ask(struct journald_source *s);  /* into the request: where it goes on */
void journald_place_sought(struct journald_source *s);
void journald_place_damaged(struct journald_source *s);
void journald_place_failed(struct journald_source *s);
void journald_place_idle(struct journald_source *s); /* all was read that was there when it was asked for */
void journald_place_pass(struct journald_source *s, const char *cursor);
bool journald_place_is_last(const struct journald_source *s, const char *cursor);
struct telemetry_source journald_place_to(const struct journald_source *s, const char *cursor, uint64_t to_ms);
void journald_place_took(struct journald_source *s, const struct telemetry_source *to);

/* journald_record.c */
void journald_record_init(struct journald_record *r);
void journald_record_close(struct journald_record *r);
void journald_record_drop(struct journald_record *r);
/* Takes the entry in; false: the record in hand must be handed over before. */
bool journald_record_add(struct journald_source *s, const struct journald_entry *en);
bool journald_record_hand_over(struct journald_source *s); /* false: the sink is full */
