/* scene_given.c - GIVEN: no node is launched with a volume of its own where an ended one of its cluster has left one that it could
 * get.
 *
 * Held against each launch of an apply; a node that comes in the place of one that stands gets a new one. What a heal leaves is
 * counted when it is over (scene_heal.c). That no volume has two nodes, and none a node of somebody else, the pretend EC2 tells
 * (aws_sim_volume.c), and that no node has two volumes, want_differs.c. */
#include "tests/sim/scene_impl.h"

#define KNOWN_MS 10000

static bool is_of(const struct aws_thing *t, const char *warehouse, const char *cluster)
{
	return str_eq(aws_tag_of(t, "reeve:installation"), VENDOR_INSTALLATION) &&
	       str_eq(aws_tag_of(t, "reeve:warehouse"), warehouse) && str_eq(aws_tag_of(t, "reeve:cluster"), cluster);
}

/* Free since before that; 0: now. */
static bool is_free_since(const struct scene *s, const struct aws_volume *v, uint64_t ms)
{
	return v->is_kept && !v->is_root && aws_volume_is_free(s->aws, v) &&
	       (ms == 0 || v->node->terminated_ms + v->lingers_ms + KNOWN_MS < ms);
}

unsigned scene_left_volumes(const struct scene *s, const char *warehouse, const char *cluster)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->aws->volumes_n; i++)
		n += is_of(&s->aws->volumes[i]->t, warehouse, cluster) && is_free_since(s, s->aws->volumes[i], 0);
	return n;
}

unsigned scene_leaving_volumes(const struct scene *s, const char *warehouse, const char *cluster)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->aws->volumes_n; i++) {
		const struct aws_volume *v = s->aws->volumes[i];

		n += is_of(&v->t, warehouse, cluster) && v->is_kept && !v->is_root && v->node != NULL &&
		     !aws_is_alive(s->aws, v->node) && !aws_volume_is_free(s->aws, v);
	}
	return n;
}

static bool has_data(const struct scene *s, const struct aws_instance *i)
{
	for (size_t n = 0; n < s->aws->volumes_n; n++)
		if (s->aws->volumes[n]->node == i && !s->aws->volumes[n]->is_root)
			return true;
	return false;
}

/* One is on its way to each of them. */
static unsigned waiting_in(const struct scene *s, const char *warehouse, const char *cluster, const char *zone)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->aws->instances_n; i++) {
		const struct aws_instance *in = s->aws->instances[i];

		n += is_of(&in->t, warehouse, cluster) && aws_is_alive(s->aws, in) && str_eq(aws_zone_of(in->subnet), zone) &&
		     !has_data(s, in);
	}
	return n;
}

static const char *tag_of(const struct form_sim *f, const char *key)
{
	for (unsigned n = 1; form_sim_get(f, "TagSpecification.1.Tag.%u.Key", n) != NULL; n++)
		if (str_eq(form_sim_get(f, "TagSpecification.1.Tag.%u.Key", n), key))
			return form_sim_get(f, "TagSpecification.1.Tag.%u.Value", n);
	return "";
}

void scene_given_call(struct scene *s, const struct scene_order *o, const struct form_sim *f)
{
	const char *warehouse = tag_of(f, "reeve:warehouse"), *cluster = tag_of(f, "reeve:cluster"),
		   *step = tag_of(f, "reeve:step");
	const char *subnet = form_sim_get(f, "NetworkInterface.1.SubnetId"), *own = strstr(step, "subnet-");
	unsigned size = (unsigned)form_sim_int(f, "BlockDeviceMapping.2.Ebs.VolumeSize", 0), n = 0;

	/* Elsewhere for want of room, the volumes there are somebody's already. */
	if (!str_eq(form_sim_get(f, "BlockDeviceMapping.2.Ebs.DeleteOnTermination"), "false") || o->replace != NULL ||
	    o->is_upgrade || (own != NULL && !str_eq(own, subnet)))
		return;
	for (size_t i = 0; i < s->aws->volumes_n; i++) {
		const struct aws_volume *v = s->aws->volumes[i];

		n += is_of(&v->t, warehouse, cluster) && str_eq(v->zone, aws_zone_of(subnet)) &&
		     is_free_since(s, v, o->issued_ms) && aws_volume_form(s->aws, v).size_gib <= size;
	}
	if (n == 0)
		return;
	tally(TALLY_CHECK_GIVEN);
	if (n > waiting_in(s, warehouse, cluster, aws_zone_of(subnet)) && !scene_may_be_short(s) && fault_is_on(TALLY_CHECK_GIVEN))
		odds_broken(&s->odds, "a node of %s is launched with a volume of its own, and %u that others have left lie there",
			    cluster, n);
}
