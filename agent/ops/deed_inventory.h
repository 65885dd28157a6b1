/* deed_inventory.h - what inventory.get does: an inventory is taken, and kept as an output until the vendor has it.
 *
 * What does not fit into OUTPUT_BYTES is left out thing by thing and counted (inventory_json.h): the JSON is never cut. */
#pragma once
#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/ops/deed.h"

struct inventory;

extern const struct deed deed_inventory;

struct inventory_packed {
	json_t *output; /* of a deed_req; the taker's */
	char note[256]; /* what had no room */
};
/* Pure. The JSON of the inventory in gzip, at most OUTPUT_BYTES; gz is made anew. warehouse "": all of them. */
int deed_inventory_pack(const struct inventory *inv, const Reeve__Control__V1__Binding *b, const char *warehouse, struct buf *gz,
			struct inventory_packed *ret, struct err *e);
