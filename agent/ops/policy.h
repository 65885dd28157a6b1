/* policy.h - the customer's last word: a file that only the customer can write (docs/formats.md section 3).
 *
 * Read again before each plan and each call that changes something. One that is missing, broken, or writable by the agent's
 * own user (file or folder) counts as none: nothing is mutated, no telemetry leaves, and `reason` says why.
 *
 * What is judged is the file, its folder, and each folder above that up to the root: whoever can rename one of them can put
 * another policy in its place. None may be a symbolic link, so the name says where the policy lies and there is nothing else
 * to judge. Above the folder, one like /tmp may be written by all: root's sticky bit keeps what lies in it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/digest.h"
#include "agent/base/err.h"
#include "agent/base/telemetry.h"
#include "agent/io/world.h"
#include "agent/ops/bounds.h"
#include "agent/ops/customer_tags.h"
#include "agent/ops/rates.h"
#include "agent/ops/verb.h"

struct faults;

#define POLICY_MAX_BYTES (64u << 10)

struct policy {
	bool present; /* false: there is none, and reason tells why */
	struct err reason;
	char told[160];                /* what the vendor is told of the reason where that quotes the policy; else "" */
	bool frozen;                   /* mode: off */
	enum policy_mode verbs[VERBS]; /* by enum verb_index */
	struct bounds bounds;
	struct rates rates;
	uint64_t delete_hold_ms;
	json_t *customer_tags;         /* NULL: none; bounds.tag_keys holds their keys, too */
	struct telemetry_rules export; /* texts belong to the policy */
	struct digest digest;          /* of the file's bytes */
};

/* Never fails: trouble makes a policy that is not present. */
void policy_load(struct world *w, const char *path, struct policy *ret);
/* The same for another than the agent's own user, whose eyes do not see who may write: that alone is not judged. */
void policy_load_as_other(struct world *w, const char *path, struct policy *ret);
/* With all that is wrong; is_agents: with the eyes of the agent's own user. */
void policy_check(struct world *w, const char *path, bool is_agents, struct policy *ret, struct faults *f);
/* The text of the file alone, for tests. */
int policy_parse(const char *file, const char *text, size_t len, struct policy *ret, struct err *e);
void policy_close(struct policy *p);

/* Of one that is not present: the reason without any of its content. */
const char *policy_told(const struct policy *p);
const char *policy_mode_name(enum policy_mode m);
