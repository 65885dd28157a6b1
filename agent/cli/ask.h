/* ask.h - a question to the running daemon, by the local socket that reeve.yaml names. */
#pragma once
#include <jansson.h>

#include "agent/base/err.h"
#include "agent/config.h"

/* GET path. 0: it answered, whatever the status; `ret` is its JSON. -ERR_NET and so on: no daemon answers, and the sentence says
 * where it was looked for; -ERR_DENIED: it does not let this user ask. */
int ask(struct world *w, const struct config *c, const char *path, int *ret_status, json_t **ret, struct err *e);
/* The same of what takes its time; ask waits for 10 s. */
int ask_within(struct world *w, const struct config *c, const char *path, uint32_t total_ms, int *ret_status, json_t **ret,
	       struct err *e);
