/* subject.c - see subject.h. */
#include "agent/ops/steps/subject.h"

#include "agent/base/buf.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define TOLD_MAX 4 /* ids; how many more there are is told */

/* A fact that nobody knows yet ("@new") is no id. */
static bool is_id(const json_t *j)
{
	return json_is_string(j) && *json_string_value(j) != '\0' && *json_string_value(j) != '@';
}

static void add_list(const json_t *list, const json_t *left, struct buf *to)
{
	size_t told = 0, more = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *id = json_array_get(list, i);

		if (!is_id(id) || json_object_get(left, json_string_value(id)) != NULL)
			continue;
		if (told == TOLD_MAX)
			more++;
		else
			buf_addf(to, "%s%s", told++ > 0 ? ", " : "", json_string_value(id));
	}
	if (more > 0)
		buf_addf(to, " and %zu more", more);
}

/* What it acts on stands before what it puts there, or leads to. */
static void add_ids(const json_t *args, const json_t *left, struct buf *to)
{
	static const char *const members[] = { "instances", "instance", "volumes",  "volume",   "things",
					       "arn",       "lb_arn",   "group_id", "group_arn" };

	for (size_t i = 0; i < ARRAY_LEN(members) && to->len == 0; i++) {
		const json_t *of = json_object_get(args, members[i]);

		if (is_id(of))
			buf_adds(to, json_string_value(of));
		else
			add_list(of, left, to);
	}
}

static void add_thing(const struct step_kind *k, const json_t *args, struct buf *to)
{
	CLEANUP(buf_close) struct buf name = BUF_MAX(SUBJECT_MAX);

	k->thing(args, &name);
	/* Of a group that is not made yet there is no id to name its rule by. */
	if (*buf_str(&name) != '@')
		buf_adds(to, buf_str(&name));
}

/* The first that is known:
 *
 *   the kind tells the name of its thing (a rule)       that
 *   it makes something, with a name                     the name: what else it speaks of is where that is to be
 *   it makes something of a cluster (nodes)             the cluster
 *   ids in its arguments                                these
 *   it speaks of a cluster, or of something by name     that
 *   else                                                the step */
void subject_of(const struct step_kind *k, const json_t *args, const json_t *left, const char *name, struct buf *to)
{
	const char *called = json_str_or(args, "name", ""), *cluster = json_str_or(args, "cluster", "");

	if (k->thing != NULL)
		add_thing(k, args, to);
	else if (k->makes != NULL && (*called != '\0' || *cluster != '\0'))
		buf_adds(to, *called != '\0' ? called : cluster);
	if (to->len == 0)
		add_ids(args, left, to);
	if (to->len == 0)
		buf_adds(to, *cluster != '\0' ? cluster : *called != '\0' ? called : name);
}
