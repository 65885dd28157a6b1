/* vendor_sim_impl.h - what the files of the pretend vendor know of each other. */
#pragma once
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "tests/sim/vendor_sim.h"

#define VENDOR_SESSIONS_MAX 64
#define VENDOR_PROOF_WINDOW 1024
#define VENDOR_OLD_MAX 8

struct vendor_session {
	char token[64];
	struct sign_public key;
	uint64_t until_ms, highest;
	uint64_t seen[VENDOR_PROOF_WINDOW]; /* counter at counter % window */
};

/* What the agent has begun by itself. */
struct vendor_local {
	uint8_t id[UUID_LEN];
	char id_text[UUID_TEXT_LEN];
	bool is_told; /* in the newest report */
	Reeve__Control__V1__State state;
	struct buf result; /* empty: none yet */
};
#define VENDOR_LOCALS_MAX 32

/* A poll that is kept until there is something to say, or until its time is over. */
struct vendor_hold {
	struct list link;
	struct vendor_sim *v;
	struct sim_http *x;
	uint64_t until_ms;
	uint8_t uid[UUID_LEN];
};

struct vendor_sim {
	uint64_t bundles;
	struct world *w;
	struct odds *odds;
	struct aws_sim *aws;
	struct sign_key command, release, head, stranger;
	char challenges[VENDOR_SESSIONS_MAX][64];
	uint64_t challenges_n;
	struct vendor_session sessions[VENDOR_SESSIONS_MAX];
	uint64_t sessions_n;
	struct vendor_command commands[VENDOR_COMMANDS_MAX];
	size_t n;
	struct vendor_local locals[VENDOR_LOCALS_MAX];
	size_t locals_n;
	uint64_t epoch, next_seq, acked, journal_seq;
	uint64_t agent_epoch, agent_accepted; /* as it reports them */
	struct digest journal_sha;
	struct buf head_packed;
	uint64_t head_ms, head_epoch;
	size_t head_cancels;
	bool news; /* since the last intent */
	struct buf old[VENDOR_OLD_MAX];
	size_t old_n;
	struct list holds;
	char at_work[80]; /* vendor_at_work */
};

void vendor_text(struct vendor_sim *v, struct sim_http *x, int status, const char *head, const char *body);
void vendor_challenge(struct vendor_sim *v, struct sim_http *x);
void vendor_login(struct vendor_sim *v, struct sim_http *x);
/* The session that made the request, its proof checked; or NULL, and a 401 has been answered. */
struct vendor_session *vendor_session_of(struct vendor_sim *v, struct sim_http *x);
void vendor_forget_sessions(struct vendor_sim *v);
void vendor_take_report(struct vendor_sim *v, const void *p, size_t len);
/* vendor_local.c. False: it is no status of such a one. */
bool vendor_take_local(struct vendor_sim *v, const Reeve__Control__V1__Status *s, const struct buf *packed);
size_t vendor_add_locals(struct vendor_sim *v, ProtobufCBinaryData *ids, size_t n); /* those to acknowledge, behind n */
bool vendor_tells_locals(const struct vendor_sim *v);
/* vendor_status.c, when the statuses of the report are taken */
void vendor_see_warehouses(struct vendor_sim *v, const Reeve__Control__V1__Report *r);
void vendor_intent(struct vendor_sim *v, struct buf *to);
bool vendor_is_news(const struct vendor_sim *v); /* is there something that the agent has not heard? */
