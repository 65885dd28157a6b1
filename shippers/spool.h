/* spool.h - a folder of bodies ready to POST, and the log of commit records that says which of them exist.
 *
 *     commits                                  one line of JSON a batch, see commit.h
 *     0000000000000007-logs-0123456789abcdef.pb.gz     `gunzip | protoc --decode` reads it; .pb.zst: by zstd
 *     ....pb.gz.rejected, ....pb.gz.bad        set aside for a person to look at; 16 MiB of them, the oldest go first
 *
 * A batch put here is packed, its body made durable, then its commit record; only then does it become an entry that may be
 * sent. Batches are committed in the order put. An entry goes by its unlink alone: no body means done. So a crash before
 * the commit record forgets the batch (its lines are read again), and a crash behind it sends it, with the same id.
 *
 * One body serves all destinations (two at most): each has its own place in the backlog and its own quota, and the body goes when
 * all are done with it. How far each has come is in the log, too, where there are two (taken.h).
 *
 * The backlog is bounded in bytes on disk and in entries, and so is what it takes in memory: an entry is 96 bytes, of each
 * kind there are at most SPOOL_ENTRIES_MAX, 9.6 MB in all; one of several sources has 80 more. What a start finds beyond that is
 * listed by name first (80 bytes a body, 32 MiB of names) and dropped, the oldest first. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/io/world.h"
#include "shippers/batch.h"
#include "shippers/pack.h"

#define SPOOL_ENTRIES_MAX 50000 /* of a kind: with a body a second the backlog of fourteen hours */

#define SPOOL_DESTS_MAX ACCOUNT_DESTS_MAX

struct spool;
struct lost;

struct spool_dest_config {
	const char *name;              /* in the log, for ever: below TAKEN_NAME_LEN, copied */
	uint64_t max[TELEMETRY_KINDS]; /* bytes on disk that may wait for it: above it metrics lose the oldest, logs push back */
};

struct spool_config {
	const char *dir; /* made if it is not there */
	struct spool_dest_config dests[SPOOL_DESTS_MAX];
	unsigned dests_n;           /* at least one; from here on a destination is its index */
	uint64_t reserve;           /* bytes that stay free on the disk; 0: 5 % of it, at least 1 GiB */
	enum pack_format format;    /* what bodies are packed as, from here on */
	uint64_t max_age_s;         /* of a body; 0: any. Told by the wall clock of a start, and by the monotonic one from there */
	void (*opened)(void *ctx);  /* once: what was there is read, all positions were told */
	void (*changed)(void *ctx); /* there is something to send, or room again */
	void *ctx;
	/* A body was lost unsent, which is durable; NULL: nobody asks. */
	void (*lost)(void *ctx, const struct lost *l, uint64_t bytes);
	const struct telemetry_positions *positions; /* what its log keeps beside the batches; it outlives the spool */
	struct spare *spare; /* large buffers, what batches are made of among them: kept from one large body to the next */
};

/* How the sending of a body ended; where two ended differently the later one of these counts. */
enum spool_how {
	SPOOL_TAKEN,
	SPOOL_REJECTED, /* set aside as *.rejected */
	SPOOL_BAD,      /* it cannot be read: set aside as *.bad, counted as damaged */
};

/* Records of a body that its receiver did not take. */
struct spool_loss {
	uint32_t refused, partial; /* by a status, or as a partial success */
};

/* One body. Who holds it (it is being sent there) decides how it ends for its destination; for one that does not hold it, it may
 * vanish under the quota. */
struct spool_entry {
	struct list link;
	struct spool *s;
	uint64_t seq, bytes;
	uint32_t records, crc;
	uint32_t at_s; /* Unix time when its batch was closed */
	enum telemetry_kind kind;
	char id[BATCH_ID_LEN];
	bool is_durable;               /* the body is on disk; bytes and crc say what it must be */
	uint8_t wanted, held;          /* by which destinations, a bit for each */
	uint8_t how;                   /* enum spool_how, of those for which it has ended */
	uint8_t told;                  /* the log has what these lose of it */
	uint8_t source;                /* whose all its records are, */
	uint8_t format;                /* enum pack_format */
	struct account_shares *shares; /* or NULL */
};

_Static_assert(sizeof(struct spool_entry) <= 88, "a whole backlog of entries, each with 8 bytes of the heap's, is kept in memory");

struct spool_stats {
	uint64_t bytes[TELEMETRY_KINDS]; /* on disk, in whole blocks */
	uint64_t entries[TELEMETRY_KINDS];
	uint64_t dropped_records[TELEMETRY_KINDS]; /* by the quota or the number of entries, for each destination that lost them */
	uint64_t aged_records[TELEMETRY_KINDS];    /* that became too old, likewise */
	uint64_t damaged_records[TELEMETRY_KINDS]; /* in bodies that could not be read */
	uint64_t corrupt;                          /* bodies and commit records */
	uint64_t uncommitted[TELEMETRY_KINDS];     /* bodies found without commit record at start, deleted: metrics are lost
						      by that, lines are read again */
	uint64_t write_failures;
	bool full; /* the disk's fault: nothing can be written at the moment */
};

struct spool_dest_stats {
	const char *name;
	uint64_t bytes[TELEMETRY_KINDS], entries[TELEMETRY_KINDS]; /* that wait for it */
	uint64_t dropped_records[TELEMETRY_KINDS], aged_records[TELEMETRY_KINDS];
};

/* What is there is read in slices; until `opened` there is no room and nothing to send. Damage is counted and passed by. A
 * folder or a log that cannot be read is told (spool_trouble) and tried again until it can. */
struct spool *spool_new(struct world *w, const struct spool_config *c);
/* Writes what was put as far as the disk lets it, then done. Entries must not be held any more. */
void spool_close(struct spool *s, void (*done)(void *ctx), void *ctx);

bool spool_has_room(const struct spool *s, enum telemetry_kind kind);   /* for one batch more */
unsigned spool_queued(const struct spool *s, enum telemetry_kind kind); /* batches not yet committed */
void spool_put(struct spool *s, struct batch *b);                       /* takes it */
void spool_pack_as(struct spool *s, enum pack_format f);                /* what is not packed yet; what is stays as it is */
enum pack_format spool_packs_as(const struct spool *s);
/* Of those that the destination needs and does not hold; NULL: none. */
struct spool_entry *spool_oldest(struct spool *s, unsigned dest, enum telemetry_kind kind);
void spool_hold(struct spool_entry *en, unsigned dest);
void spool_let_go(struct spool_entry *en, unsigned dest);
char *spool_entry_path(const struct spool_entry *en); /* the caller's */
/* The body, whole and as it was written: -ERR_CORRUPT when it is not, another error when that cannot be told. */
int spool_load(struct spool_entry *en, struct buf *to, struct err *e);
/* Is it the body alone that cannot be read? Where our own log cannot be opened either, the fault is the disk's or the process's. */
bool spool_can_read(const struct spool *s);
/* The end of an entry for a destination that holds it. What was lost of it is in the account
 * then. gone(ctx, 0): it is durable, the entry is freed or another's; else the
 * destination holds it still and may ask again. Never from inside this call. */
void spool_finish(struct spool_entry *en, unsigned dest, enum spool_how how, struct spool_loss loss,
		  void (*gone)(void *ctx, int rc), void *ctx);
/* The way out when that fails for ever: for this destination it has ended, a "bad" one counted as damaged. The file stays unless
 * another still needs it, and the next start may find it and send it again: not for what was accepted. */
void spool_pass_by(struct spool_entry *en, unsigned dest, enum spool_how how);
uint64_t spool_came(const struct spool *s);         /* bytes of all bodies that were put and committed */
uint32_t spool_age_s(const struct spool_entry *en); /* since its batch was closed */
uint64_t spool_waiting(const struct spool *s, unsigned dest, enum telemetry_kind kind); /* records */
const struct account *spool_account(const struct spool *s);                             /* what is durable of it */
struct spool_stats spool_stats(const struct spool *s);
struct spool_dest_stats spool_dest_stats(const struct spool *s, unsigned dest);
const char *spool_trouble(const struct spool *s); /* what is wrong and what to do, for a person; NULL: nothing */
