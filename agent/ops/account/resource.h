/* resource.h - a kind of thing that steps make and remove: what holds for it whichever step it is of. Each stands in the file of
 * its step kinds, and the catalogue (catalogue.h) lists them. */
#pragma once
#include <stdbool.h>

struct aws_call;
struct err;
struct inventory;
struct inventory_read;
struct request;

/* How AWS is asked whether it refuses to end one: one call for one thing. */
struct resource_guard {
	const char *action; /* IAM's */
	void (*ask)(struct request *req, const char *id);
	int (*read)(const struct aws_call *c, bool *ret, struct err *e);
};

struct resource {
	const char *kind;   /* as records and reports call it: "security-group"; it is never given another meaning */
	bool counts_in_all; /* a plan counts those of every warehouse, not of its own alone */
	/* How a taking learns of those of ours (inventory_read.h), ended by one without a name. NULL: it is shown with another
	 * thing, or the inventory itself knows it (instances). */
	const struct inventory_read *reads;
	const struct resource_guard *guard; /* asked for before a plan ends one; NULL: nothing protects it */
	/* Does the inventory show that one was made, or (made is false) that it was removed? NULL: it comes and goes with another
	 * thing, and that one is looked for. */
	bool (*is_shown)(const struct inventory *inv, const char *id, bool made);
	/* The command on its tags; NULL when the inventory does not show it. NULL: nobody asks, for no two commands make the
	 * same. */
	const char *(*maker)(const struct inventory *inv, const char *id);
	/* Is it gone when that thing of another kind was removed? NULL: never. */
	bool (*goes_with)(const char *id, const char *kind, const char *other_id);
	/* AWS's codes for one that it does not know, and the arguments of steps that name one, or hold its name. */
	const char *unknown[3], *args[4];
	/* Is this thing the one that a step calls by its argument "name"? NULL: steps name none. */
	bool (*is_called)(const char *id, const char *name);
};
