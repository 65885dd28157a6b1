/* report_warehouses.h - what a report says of the warehouses: their statuses, and how the account differs from what each is to be
 * like. */
#pragma once
#include "agent/base/arena.h"
#include "agent/ops/ops.h"

#define REPORT_WAREHOUSES_MAX (24u << 10) /* bytes of all of them, packed */
#define REPORT_DRIFTS_MAX 32              /* of one; drifts_total counts all */

/* Every warehouse that has room, and as many of its differences as have; all is in the arena. Returns how many bytes they take. */
size_t report_add_warehouses(Reeve__Control__V1__Report *r, struct ops *ops, struct arena *m);
