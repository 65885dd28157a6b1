/* volumes.h - the data volumes of ours that an inventory shows, whose they are and how they are being changed. */
#pragma once
#include "agent/aws/ec2_volume.h"
#include "agent/ops/account/inventory_read.h"
#include "agent/ops/steps/changed.h"

struct volumes {
	struct ec2_volumes all; /* root volumes of nodes too: a launch tags all its volumes alike */
	struct ec2_modifications modifications;
};
struct volumes *volumes_in(const struct inventory *inv);
const struct ec2_volume *volumes_by_id(const struct inventory *inv, const char *id); /* or NULL */
/* That stands at the device of an instance, whatever the kernel calls it (/dev/sdf is /dev/xvdf); or NULL. */
const struct ec2_volume *volumes_at(const struct inventory *inv, const char *instance, const char *device);

/* Nothing has it, or a node that has ended and leaves it: it costs money and holds data, and nobody here deletes it. */
bool volumes_is_left(const struct inventory *inv, const struct ec2_volume *v);
uint32_t volumes_left(const struct inventory *inv, const char *warehouse); /* how many of its are */

/* The node that a step attach-volume gives it to, by its arguments without an "@"; NULL: fewer have come up than were launched. */
const char *volumes_given_to(const json_t *args);

/* What a volume is, or is about to be: a change that EC2 has taken is not undone any more. 0 and "": not told. */
struct volumes_form {
	const char *type;
	uint32_t size_gib, iops, throughput;
};
struct volumes_form volumes_form(const struct inventory *inv, const struct ec2_volume *v);
/* Of gp3 where nobody names them, whatever its size. */
#define VOLUMES_IOPS 3000
#define VOLUMES_THROUGHPUT 125
/* Does it differ in what EC2 tells of it? */
bool volumes_differ(const struct volumes_form *have, const struct volumes_form *want);
/* Its newest change, or NULL: it has none that EC2 shows. Of two of one moment it is the one that is shown later. */
const struct ec2_modification *volumes_newest(const struct ec2_modifications *all, const char *id);
const struct ec2_modification *volumes_change(const struct inventory *inv, const char *id);
bool volumes_is_changing(const struct ec2_modification *m); /* EC2 takes no other one yet; of NULL false */

/* Since when another change of it is possible, in Unix ms by AWS's clock, as far as is certain: counted over the changes that EC2
 * shows and those that it has taken from us; 0: it is now, unless somebody else has used them up. ours: with its time kept; NULL:
 * nothing is known. now_ms: the time of the inventory by the clock of `ours`. */
int64_t volumes_change_from_ms(const struct inventory *inv, const struct changed *ours, int64_t now_ms, const char *id);

extern const struct inventory_read volumes_reads[]; /* how a taking learns of them (inventory_read.h) */
