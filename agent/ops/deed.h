/* deed.h - what a verb does that changes nothing in AWS: it looks, and keeps what it has found as a file of the agent's own.
 *
 * It stands in the place of a plan's steps: the command is planned (without any), considered, started on the record and ended like
 * any other, and the operate role is not assumed for it. After a crash it is begun anew, so doing it twice must be harmless. */
#pragma once
#include <jansson.h>

#include "proto/control.pb-c.h"

#define DEED_NOTE_LEN 256

struct deed_req;
struct op_env;
struct err;

enum deed_may { DEED_GO, DEED_WAIT, DEED_DENY };

typedef void deed_cb(struct deed_req *req);

/* The owner's until cb, zero at birth. */
struct deed_req {
	/* the question: all of it stays until cb */
	const struct op_env *env;
	const char *id; /* of the command, as text */
	const Reeve__Control__V1__Command *cmd;
	const ProtobufCMessage *args;                         /* of the verb */
	void (*again)(struct deed_req *req, const char *why); /* something has failed and is tried again */
	/* Asked each time before anything leaves: the customer's switches, the policy, the keys. DENY: with the sentence. */
	enum deed_may (*may)(struct deed_req *req, struct err *e);
	/* the answer; its owner frees it (deed_req_close) */
	json_t *error;  /* {class, message, ...} as of a step; NULL: it is done */
	json_t *output; /* {kind, sha256, size_bytes, more_elsewhere}; NULL: there is none */
	char note[DEED_NOTE_LEN];
	deed_cb *cb;
	void *priv; /* NULL: nothing is under way */
};

struct deed {
	const char *says;                                                   /* what it does, for people: "It looks at ..." */
	void (*tell)(const ProtobufCMessage *args, char to[DEED_NOTE_LEN]); /* what of it depends on its arguments; or NULL */
	void (*start)(struct deed_req *req, deed_cb *cb);                   /* cb: once, and never from inside */
	void (*cancel)(struct deed_req *req);                               /* cb follows, soon; harmless when idle */
};

static inline void deed_req_close(struct deed_req *req)
{
	json_decref(req->error);
	json_decref(req->output);
	req->error = req->output = NULL;
}
