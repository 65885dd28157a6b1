/* scene_cause.c - what came in this run that lets a command fail, and of which class its error may then be. */
#include "tests/sim/scene_impl.h"

#define CLASS(name) (1u << REEVE__CONTROL__V1__ERROR_CLASS__##name)

static const struct {
	enum tally_kind kind;
	unsigned classes;
} causes[] = {
	{ TALLY_AWS_QUOTA, CLASS(QUOTA) },
	{ TALLY_AWS_CAPACITY, CLASS(CAPACITY) },
	{ TALLY_AWS_SHORT, CLASS(CAPACITY) },
	{ TALLY_AWS_STILLBORN, CLASS(INTERNAL) | CLASS(CAPACITY) },
	{ TALLY_AWS_DEAD_KMS, CLASS(PRECONDITION) | CLASS(DENIED_BY_AWS) },
	{ TALLY_AWS_DEAD_CLIENT, CLASS(PRECONDITION) | CLASS(DENIED_BY_AWS) },
	{ TALLY_AWS_DEAD_VOLUMES, CLASS(QUOTA) },
	{ TALLY_AWS_DEAD_CAPACITY, CLASS(CAPACITY) },
	/* What is not shown any more cannot say of what it died; of a launch that no node is shown of AWS says that its token is
	 * used. */
	{ TALLY_AWS_VANISHED, CLASS(PRECONDITION) | CLASS(CONFLICT) },
	{ TALLY_AWS_STOPPED, CLASS(PRECONDITION) | CLASS(CONFLICT) },
	{ TALLY_AWS_ENDED, CLASS(PRECONDITION) | CLASS(CONFLICT) },
	{ TALLY_AWS_RETAGGED, CLASS(PRECONDITION) | CLASS(CONFLICT) },
	{ TALLY_AWS_PROTECTED, CLASS(PRECONDITION) | CLASS(CONFLICT) | CLASS(DENIED_BY_AWS) },
	{ TALLY_AWS_PART_DONE, CLASS(PRECONDITION) | CLASS(CONFLICT) | CLASS(DENIED_BY_AWS) },
	{ TALLY_AWS_LB_PROTECTED, CLASS(PRECONDITION) | CLASS(CONFLICT) | CLASS(DENIED_BY_AWS) },
	{ TALLY_AWS_IMPAIRED, CLASS(TIMEOUT) },
	{ TALLY_HELD_KEYS, CLASS(TIMEOUT) },
	{ TALLY_NODE_SICK, CLASS(TIMEOUT) },
	{ TALLY_NODE_STAYS, CLASS(TIMEOUT) },
	{ TALLY_NODE_REFUSES, CLASS(PRECONDITION) },
	{ TALLY_AWS_HELD, CLASS(PRECONDITION) | CLASS(CONFLICT) },
	{ TALLY_AWS_RULES_FULL, CLASS(QUOTA) },
	{ TALLY_AWS_GROUPS_FULL, CLASS(QUOTA) },
	{ TALLY_AWS_LISTENERS_FULL, CLASS(QUOTA) },
	{ TALLY_AWS_TGS_FULL, CLASS(QUOTA) },
	{ TALLY_AWS_CHANGES_FULL, CLASS(QUOTA) },
	{ TALLY_AWS_VOLUME_HELD, CLASS(TIMEOUT) },  /* a node that ends for as long as a step waits */
	{ TALLY_WANT_GROWN, CLASS(CONFLICT) },      /* the change before is not completed, or a node still comes up */
	{ TALLY_WANT_LAUNCH, CLASS(PRECONDITION) }, /* what has no step yet */
	{ TALLY_WANT_SUBNETS, CLASS(PRECONDITION) },
	{ TALLY_WANT_TAGS, CLASS(PRECONDITION) },
};

/* What makes fewer nodes come up than were asked for. */
static const enum tally_kind shorts[] = { TALLY_AWS_QUOTA,        TALLY_AWS_CAPACITY,      TALLY_AWS_SHORT,
					  TALLY_AWS_STILLBORN,    TALLY_AWS_DEAD_KMS,      TALLY_AWS_DEAD_CLIENT,
					  TALLY_AWS_DEAD_VOLUMES, TALLY_AWS_DEAD_CAPACITY, TALLY_AWS_STOPPED,
					  TALLY_AWS_ENDED,        TALLY_AWS_RETAGGED,      TALLY_AWS_IMPAIRED,
					  TALLY_NODE_SICK };

static bool has_come(const struct scene *s, enum tally_kind kind)
{
	return s->odds.hits[kind] > 0;
}

/* What is on its way may already be met by who looks ahead. */
static bool is_dealt(const struct scene *s, enum tally_kind kind)
{
	bool is_foreseen = (kind >= TALLY_AWS_RULES_FULL && kind <= TALLY_AWS_TGS_FULL) ||
			   (kind >= TALLY_WANT_LAUNCH && kind <= TALLY_WANT_TAGS) || kind == TALLY_WANT_GROWN;

	return has_come(s, kind) || (is_foreseen && s->odds.per_mille[kind] > 0);
}

unsigned scene_causes(const struct scene *s)
{
	unsigned classes = 0;

	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (is_dealt(s, causes[i].kind))
			classes |= causes[i].classes;
	return classes;
}

bool scene_may_be_short(const struct scene *s)
{
	for (size_t i = 0; i < ARRAY_LEN(shorts); i++)
		if (has_come(s, shorts[i]))
			return true;
	return false;
}
