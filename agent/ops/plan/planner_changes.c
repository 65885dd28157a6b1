/* planner_changes.c - what becomes of each cluster, from and to, for whoever reads the plan: the steps say how. */
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"

struct census {
	size_t n, down, other_type; /* alive; of these stopped, or of a type that the spec does not name */
	size_t left;                /* beside them: those that a heal has left */
	const char *type;           /* the first such */
};

static struct census census_of(const struct planning *p, const char *cluster, const cluster_t *c)
{
	struct census s = { 0 };

	for (size_t i = 0; i < p->inv->instances.n; i++) {
		const struct ec2_instance *in = &p->inv->instances.v[i];

		if (!planner_is_node(p, in, cluster))
			continue;
		if (planner_is_left(p, in)) {
			s.left++;
			continue;
		}
		s.n++;
		s.down += planner_is_stopped(in);
		if (c == NULL || str_eq(planner_one_of_types(c, in->type), in->type))
			continue;
		s.type = s.other_type++ == 0 ? in->type : s.type;
	}
	return s;
}

/* The rows that hold, one line each:
 *
 *   nobody is there, and it is to run                + its nodes, type and image
 *   there are more or fewer                          ~ from how many to how many
 *   a heal has left some                             ~ they end
 *   some are of another type                         ~ from which to which
 *   it is paused, and some run                       ~ running -> paused
 *   it is not, and some are stopped                  ~ stopped -> running  */
static void tell_cluster(struct planning *p, const cluster_t *c)
{
	struct census s = census_of(p, c->name, c);
	size_t up = s.n - s.down;

	if (s.n == 0 && c->nodes > 0 && !planner_is_paused(c))
		plan_tell(p->b, "+ cluster %s: %u node%s, %s, %s", c->name, c->nodes, c->nodes > 1 ? "s" : "", c->instance_type,
			  c->image_id);
	else if (s.n != c->nodes && (!planner_is_paused(c) || s.n > c->nodes))
		plan_tell(p->b, "~ cluster %s: %zu -> %u nodes", c->name, s.n, c->nodes);
	if (s.left > 0)
		plan_tell(p->b, "~ cluster %s: %zu node%s that a heal has left end%s", c->name, s.left, s.left > 1 ? "s" : "",
			  s.left > 1 ? "" : "s");
	if (s.other_type > 0)
		plan_tell(p->b, "~ cluster %s: %zu node%s from %s to %s", c->name, s.other_type, s.other_type > 1 ? "s" : "",
			  s.type, c->instance_type);
	if (planner_is_paused(c) && up > 0)
		plan_tell(p->b, "~ cluster %s: running -> paused: %zu node%s stop%s, and their volumes stay", c->name, up,
			  up > 1 ? "s" : "", up > 1 ? "" : "s");
	if (!planner_is_paused(c) && s.down > 0)
		plan_tell(p->b, "~ cluster %s: stopped -> running: %zu node%s", c->name, s.down, s.down > 1 ? "s" : "");
}

static bool is_first_of(const struct planning *p, size_t at, const char *cluster)
{
	for (size_t i = 0; i < at; i++)
		if (planner_is_node(p, &p->inv->instances.v[i], cluster))
			return false;
	return planner_is_node(p, &p->inv->instances.v[at], cluster);
}

void planner_tell_changes(struct planning *p)
{
	for (size_t i = 0; p->spec != NULL && i < p->spec->n_clusters; i++)
		tell_cluster(p, p->spec->clusters[i]);
	for (size_t i = 0; i < p->inv->instances.n; i++) {
		struct census s;
		const char *cluster = ec2_tag_get(&p->inv->instances.v[i].tags, "reeve:cluster");

		if (cluster == NULL || planner_wants_cluster(p, cluster) || !is_first_of(p, i, cluster))
			continue;
		s = census_of(p, cluster, NULL);
		plan_tell(p->b, "- cluster %s: %zu nodes -> none", cluster, s.n + s.left);
	}
}
