/* fault.c - see fault.h. */
#include "tests/sim/fault.h"

#include "agent/base/mem.h"
#include "agent/base/str.h"

static struct fault {
	enum tally_kind kind;
	bool on;
	unsigned one_in, per_mille; /* in one of so many runs; how often then */
	bool forced;                /* in every run */
} faults[] = {
	/* clang-format off */
	{ TALLY_AWS_BAD_TARGET,     true,   1, 1000, false },
	{ TALLY_AWS_DELAY,          true,   4, 500, false },
	{ TALLY_AWS_UNHEALTHY,      true,   6,  60, false },
	{ TALLY_AWS_UNAVAILABLE,    true,   6,  60, false },
	{ TALLY_AWS_STALE,          true,   2, 600, false },
	{ TALLY_AWS_IMPAIRED,       true,   6, 200, false },
	{ TALLY_AWS_NO_CHECK,       true,   3, 300, false },
	{ TALLY_NODE_SICK,          true,   4, 200, false },
	{ TALLY_NODE_REFUSES,       true,   3, 500, false },
	{ TALLY_NODE_STAYS,         true,   2, 500, false },
	{ TALLY_AWS_ROW_TWICE,      true,   3, 300, false },
	{ TALLY_AWS_ROW_MISSED,     true,   4, 200, false },
	{ TALLY_AWS_DEAD_KMS,       true,  15, 200, false },
	{ TALLY_AWS_DEAD_CLIENT,    true,  15, 200, false },
	{ TALLY_AWS_DEAD_VOLUMES,   true,  15, 200, false },
	{ TALLY_AWS_DEAD_CAPACITY,  true,  15, 200, false },
	{ TALLY_AWS_LB_SLOW,        true,   4, 500, false },
	{ TALLY_AWS_LINGERS,        true,   4, 300, false },
	{ TALLY_AWS_VANISHED,       true,   6, 300, false },
	{ TALLY_AWS_CHANGES_FULL,   true,   6, 500, false },
	{ TALLY_AWS_CHANGING,       true,   4, 300, false },
	{ TALLY_AWS_VOLUME_BUSY,    true,   3, 400, false },
	/* a node that comes into a cluster of another zone, and is protected as it is ended */
	{ TALLY_AWS_PART_DONE,      true,   4, 1000, false },
	/* of a world, an account, or somebody's hands: per_mille 1000 when they are in a run */
	{ TALLY_AWS_STOPPED,        true,  10, 1000, false },
	{ TALLY_AWS_ENDED,          true,   6, 1000, false },
	{ TALLY_HELD_UP,            true,   3, 1000, false },
	{ TALLY_AWS_RETAGGED,       true,  10, 1000, false },
	{ TALLY_AWS_PROTECTED,      true, 10, 1000, false },
	{ TALLY_AWS_LB_PROTECTED,   true, 10, 1000, false },
	{ TALLY_AWS_HELD,           true, 15, 1000, false },
	{ TALLY_AWS_RULES_FULL,     true, 15, 1000, false },
	{ TALLY_AWS_GROUPS_FULL,    true, 15, 1000, false },
	{ TALLY_AWS_LISTENERS_FULL, true,  15, 1000, false },
	{ TALLY_AWS_TGS_FULL,       true,  15, 1000, false },
	{ TALLY_AWS_PROFILE_NEW,    true,   8, 1000, false },
	{ TALLY_AWS_ROLE_NEW,       true,   8, 1000, false },
	/* what specs ask for */
	{ TALLY_WANT_PROFILE,       true,   4, 1000, false },
	{ TALLY_WANT_GROUPS,        true,   6, 1000, false },
	{ TALLY_WANT_FULL,          true,  40, 1000, false },
	{ TALLY_WANT_GROWN,         true,   2, 1000, false },
	{ TALLY_WANT_KEPT,          true,   3, 1000, false },
	{ TALLY_WANT_HEALTH,        true,   2, 1000, false },
	{ TALLY_WANT_DRAIN,         true,   1, 1000, false },
	{ TALLY_WANT_MOVED,         true,   4, 1000, false },
	{ TALLY_WANT_LAUNCH,        true,   6, 1000, false },
	{ TALLY_WANT_PAUSED,        true,   4, 1000, false },
	{ TALLY_WANT_TYPE,          true,   6, 1000, false },
	{ TALLY_WANT_REBOOT,        true,   4, 1000, false },
	{ TALLY_WANT_REPLACE,       true,   3, 1000, false },
	{ TALLY_WANT_UPGRADE,       true,   3, 1000, false },
	{ TALLY_WANT_MANY,          true,   8, 1000, false },
	{ TALLY_CLOSE_ASKED,        true,   3, 1000, false },
	{ TALLY_HEAL_ASKED,         true,   3, 1000, false },
	{ TALLY_WANT_LOOK,          true,   3, 1000, false },
	{ TALLY_WANT_MEMBERS,       true,   6, 1000, false },
	{ TALLY_WANT_SUBNETS,       true,   8, 1000, false },
	{ TALLY_WANT_TAGS,          true,   8, 1000, false },
	/* promises; they have no odds */
	{ TALLY_CHECK_SERVES,       true,   1, 0, false },
	{ TALLY_CHECK_LEFT,         true,   1, 0, false },
	{ TALLY_CHECK_WANTED,       true,  1, 0, false },
	{ TALLY_CHECK_HELD_UP,      true,  1, 0, false },
	{ TALLY_CHECK_GIVEN,        true,  1, 0, false },
	{ TALLY_CHECK_READY,        true,   1, 0, false },
	{ TALLY_CHECK_LET_GO,       true,   1, 0, false },
	{ TALLY_CHECK_DRAINED,      true,   1, 0, false },
	{ TALLY_CHECK_UNDONE,       true,   1, 0, false },
	{ TALLY_CHECK_TOLD,         true,  1, 0, false },
	{ TALLY_CHECK_CLASS,        true,   1, 0, false },
	{ TALLY_CHECK_RESOURCE,     true,   1, 0, false },
	{ TALLY_CHECK_STATUS,       true,   1, 0, false },
	/* clang-format on */
};

bool fault_switch(const char *name, bool on)
{
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		bool is_it = str_eq(name, tally_name(faults[i].kind));

		if (!is_it && !str_eq(name, "all"))
			continue;
		faults[i].on = on;
		faults[i].forced = on && is_it;
		found = true;
	}
	return found;
}

bool fault_is_on(enum tally_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (faults[i].kind == kind)
			return faults[i].on;
	return true;
}

void fault_deal(struct odds *o)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		bool is_in = faults[i].forced || (faults[i].on && faults[i].per_mille > 0 && odds_one_in(o, faults[i].one_in));

		o->per_mille[faults[i].kind] = is_in ? faults[i].per_mille : 0;
	}
}

void fault_tell(void)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		tally_is_off(faults[i].kind, !faults[i].on);
	/* Only where an upgrade has failed half way, and no command since has mended that: in one seed of some hundred. */
	tally_is_off(TALLY_CLOSE_UPGRADED, true);
}
