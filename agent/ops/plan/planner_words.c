/* planner_words.c - what target groups and load balancers are called by people: their names in AWS are hashes of the spec's names.
 *
 * The tag reeve:step of each says which step of the spec made it ("base/tg-sql"). Where the tag is gone, or another thing of ours
 * claims the same word, the name in AWS is the word: a step's name must be one of a kind. */
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"

#include <string.h>

/* NULL: its tags do not tell. */
static const char *word_of(const struct ec2_tags *tags, const char *prefix)
{
	const char *step = ec2_tag_get(tags, "reeve:step"), *name = step != NULL ? strchr(step, '/') : NULL;

	return name != NULL && str_starts(name + 1, prefix) ? name + 1 + strlen(prefix) : NULL;
}

const char *planner_target_group_word(const struct planning *p, const struct balancers_target_group *g)
{
	const char *word = word_of(&g->g.tags, "tg-");

	/* Two that claim one word would give two steps one name, and the plan would be refused. */
	for (size_t i = 0; word != NULL && i < balancers_in(p->inv)->target_groups_n; i++)
		if (&balancers_in(p->inv)->target_groups[i] != g &&
		    str_eq(word, word_of(&balancers_in(p->inv)->target_groups[i].g.tags, "tg-")))
			return g->g.name;
	return word != NULL ? word : g->g.name;
}

const char *planner_lb_word(const struct planning *p, const struct balancers_lb *lb)
{
	const char *word = word_of(&lb->lb.tags, "lb-");

	for (size_t i = 0; word != NULL && i < balancers_in(p->inv)->lbs_n; i++)
		if (&balancers_in(p->inv)->lbs[i] != lb && str_eq(word, word_of(&balancers_in(p->inv)->lbs[i].lb.tags, "lb-")))
			return lb->lb.name;
	return word != NULL ? word : lb->lb.name;
}
