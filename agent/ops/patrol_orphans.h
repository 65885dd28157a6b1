/* patrol_orphans.h - how many volumes no node has, by the warehouses that they are of, also of those that are not looked after any
 * more: a volume outlives the command that deletes its warehouse. */
#pragma once
#include <jansson.h>

#include "agent/ops/account/inventory.h"
#include "agent/ops/fates.h"

#define PATROL_ORPHANS_MAX 32 /* warehouses beside those that are looked after */

uint32_t patrol_orphans_count(const struct inventory *inv, const char *warehouse, uint32_t before); /* news are logged */
/* {"wh-1": 2}: of warehouses of which no command has laid down what they are to be like: those whose fate is known, and each that a
 * left volume is of. before: what the last look has found; NULL: nothing. */
json_t *patrol_orphans_beside(const struct inventory *inv, struct wanted *wanted, const struct fates *fates, const json_t *before);
