/* known.h - the commands that were taken: their ids and numbers, longer than the commands themselves are kept.
 *
 * A command that has ended and is acknowledged leaves the list of operations; its id must not be taken again all the same, and its
 * number names it. The newest KNOWN_MAX are remembered, through restarts by a record in each checkpoint. Of what is forgotten the
 * time in its UUIDv7 stays: an id with the same or an earlier time may be one of those. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/digest.h"
#include "agent/base/uuid.h"

#define KNOWN_MAX 1000

#define KNOWN_BODY_LEN 8

struct known_command {
	uint8_t id[UUID_LEN];
	uint8_t body[KNOWN_BODY_LEN]; /* the first bytes of SHA-256(body); all zero: not known, from an older record */
	uint64_t epoch, seq;
};

/* Nothing yet: zeroes. */
struct known {
	struct known_command *v; /* the oldest first */
	size_t n;
	int64_t forgotten_ms; /* Unix ms: no forgotten id is newer; 0: none is forgotten */
};

/* One that is known changes nothing. now_ms: an id from the future does not make all others look old. */
void known_add(struct known *k, const struct known_command *c, int64_t now_ms);
bool known_is_body(const struct known_command *c, const struct digest *body); /* these bytes, as far as is known? */
const struct known_command *known_by_id(const struct known *k, const uint8_t id[UUID_LEN]);
const struct known_command *known_by_seq(const struct known *k, uint64_t epoch, uint64_t seq);
void known_records(const struct known *k, json_t *to); /* [["known", members, 0]] for a checkpoint, or nothing */
void known_replay(struct known *k, const json_t *record);
void known_close(struct known *k);
