/* room.h - how much may be open at once, in bytes: what a checkpoint of the journal holds, and memory with it.
 *
 * Commands and results share one limit, plans and the records of their steps another: so what was accepted can always be planned,
 * one after the other. An open command counts with the largest result it may have. Beyond the first limit a command stays
 * unaccepted and is reported as waiting; beyond the second it waits to be planned. */
#pragma once
#include <stddef.h>

#include "agent/ops/plan/plan.h"

#define ROOM_COMMANDS (8u << 20)
#define ROOM_PLANS (12u << 20)
#define ROOM_RESULT (192u << 10)    /* one result; with all that stands around it, it fits into a report */
#define ROOM_CHECKPOINT (32u << 20) /* whatever is open, a checkpoint is smaller */

size_t room_of_command(size_t signed_len); /* its record, at most, and its result */
/* Its record and, at most, those of its steps. A plan that is larger than ROOM_PLANS has room when it is alone. */
size_t room_of_plan(const json_t *planned, const struct plans *p);
/* Makes a result fit: without its plan for people, then with the first few of each list. A note says so. */
void room_cut_result(json_t *result);
