/* opamp.h - the envelope: AgentToServer out, ServerToAgent in (OpAMP over plain HTTPS). Pure; everything OpAMP is here, so
 * that the same report and intent could travel otherwise. */
#pragma once
#include <stdbool.h>

#include "agent/base/buf.h"
#include "agent/base/uuid.h"

#define OPAMP_MESSAGE_MAX (3u << 20) /* an intent, and what a server may say beside it */
#define OPAMP_FIELDS_MAX 8192        /* in an answer, at any depth */

struct opamp_attr {
	const char *key, *value;
};

/* The whole state of the agent; every message carries all of it, so that a server that lost its memory needs no second. */
struct opamp_state {
	uint8_t instance_uid[UUID_LEN];
	uint64_t sequence_num; /* of the next message */
	const struct opamp_attr *identifying, *describing;
	size_t identifying_n, describing_n;
	bool is_healthy;
	const char *health_status; /* "running" */
	const char *health_error;  /* "" when healthy */
	int64_t started_ms;
	const char *config; /* effective configuration, YAML without secrets (there are none) */
	size_t config_len;
};

struct opamp_answer {
	bool is_error, is_bad_request;
	char error[256];
	uint64_t retry_after_ms; /* 0: none said */
	uint64_t heartbeat_ms;   /* 0: none said */
	bool has_new_uid;
	uint8_t new_uid[UUID_LEN];
	struct buf intent; /* the custom message's data; the caller sets max and closes it */
};

int opamp_pack(const struct opamp_state *s, const void *report, size_t len, struct buf *to, struct err *e);
/* An answer to another agent's uid, one beyond the limits, and one that cannot be decoded are errors. */
int opamp_unpack(const struct opamp_state *s, const void *body, size_t len, struct opamp_answer *ret, struct err *e);
