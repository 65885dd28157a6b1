/* inventory_json.h - an inventory as it is told to whoever asks: warehouse by warehouse, by docs/inventory.schema.json.
 *
 * Nothing that is not ours is in it, and no user data. Pure. */
#pragma once
#include <jansson.h>

struct inventory;

/* A new object whose text (json_write) has at most `most_bytes`, of which an empty one takes a few hundred. What that leaves no
 * room for is left out, thing by thing, and counted by its kind in "left_out"; "truncated" says whether anything was. */
json_t *inventory_json(const struct inventory *inv, size_t most_bytes);
json_t *inventory_json_of(const struct inventory *inv, const char *warehouse, size_t most_bytes); /* of one; NULL: of all */
