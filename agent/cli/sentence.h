/* sentence.h - a record of the journal as one sentence for a person. Records come in their order: who was accepted is remembered,
 * so that later ones can call a command by its number; and what was planned, so that they can call a step by its title. */
#pragma once
#include <jansson.h>

#include "agent/base/buf.h"

struct sentence {
	json_t *names;  /* by id: "command 7" */
	json_t *titles; /* by id, then plan/step: "register be/sql"; of the newest plan of a command */
};

void sentence_of(struct sentence *s, const char *type, const json_t *record, struct buf *to);
void sentence_close(struct sentence *s);
