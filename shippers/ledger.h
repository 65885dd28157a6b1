/* ledger.h - the customer's own record of what left: a line of JSON for each body that was sent, refused or lost unsent, in a
 * file a UTC day (docs/formats.md, "The ledger").
 *
 *     ledger_add(l, object)             it becomes a line; the object is taken
 *     ledger_after(l, &wait, cb)        once all lines so far are written, or cannot be: then the body may go. So no kill, at any
 *                                       instant, leaves a body that left without its line
 *
 * Lines are written many at once and are not synced, but for once a minute (ledger_sync): the ledger costs the disk nothing that
 * a body waits for. What a loss of power takes of it is told by the next start: its lines of the account, which is exact, say how
 * much more was acknowledged than stands here.
 *
 * Bounded in days and bytes: the oldest file goes, which a line tells. It never holds anything up: lines that cannot be written are
 * counted, and a line tells how many. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/io/world.h"

struct ledger;

struct ledger_config {
	const char *dir;          /* copied; made if it is not there */
	unsigned days;            /* kept, today's too; 0: 31 */
	uint64_t max;             /* bytes of all files; 0: 256 MiB */
	void (*began)(void *ctx); /* a file begins: what each must hold is added now */
	void *ctx;
};

struct ledger_wait {
	struct list link;
	void (*cb)(struct ledger_wait *wt);
};

/* "2026-11-30.jsonl", and "2026-11-30-01.jsonl" for more of a day. */
struct ledger_file {
	int64_t day; /* since 1970 */
	unsigned part;
	uint64_t bytes;
};

#define LEDGER_NAME_MAX 32
bool ledger_name_read(const char *name, struct ledger_file *ret); /* false: another's */
void ledger_name(const struct ledger_file *f, char to[LEDGER_NAME_MAX]);
bool ledger_is_before(const struct ledger_file *a, const struct ledger_file *b);

struct ledger *ledger_new(struct world *w, const struct ledger_config *c);
json_t *ledger_line(struct ledger *l, const char *type); /* with its time and type: for ledger_add */
void ledger_add(struct ledger *l, json_t *line);
void ledger_sync(struct ledger *l);                                                              /* with what is written next */
void ledger_after(struct ledger *l, struct ledger_wait *wt, void (*cb)(struct ledger_wait *wt)); /* cb: once, never from inside */
const char *ledger_trouble(const struct ledger *l);                                              /* NULL: it is written */
void ledger_close(struct ledger *l, void (*done)(void *ctx), void *ctx); /* what was added is written, then done */
