/* aws_sim_tags.c - tags set and taken away later, at EC2 and at ELB. */
#include "tests/sim/aws_sim_impl.h"
#include "tests/sim/vendor_sim.h"

static struct aws_thing *ec2_thing(const struct aws_sim *a, const char *id)
{
	struct aws_instance *i = aws_instance_of(a, id);
	struct aws_group *g = aws_group_of(a, id);
	struct aws_volume *v = aws_volume_of(a, id);

	for (size_t k = 0; str_starts(id, "eni-") && k < a->instances_n; k++)
		if (str_eq(a->instances[k]->interface.id, id) && aws_is_alive(a, a->instances[k]))
			return &a->instances[k]->interface;
	return i != NULL ? &i->t : g != NULL ? &g->t : v != NULL ? &v->t : NULL;
}

static struct aws_thing *elb_thing(const struct aws_sim *a, const char *arn)
{
	struct aws_tg *g = aws_tg_of(a, arn);
	struct aws_lb *lb = aws_lb_of(a, arn);
	struct aws_listener *l = aws_listener_of(a, arn);

	return g != NULL ? &g->t : lb != NULL ? &lb->t : l != NULL ? &l->t : NULL;
}

static const char *unknown_code(const char *id)
{
	if (strstr(id, ":targetgroup/") != NULL)
		return "TargetGroupNotFound";
	if (strstr(id, ":loadbalancer/") != NULL)
		return "LoadBalancerNotFound";
	if (strstr(id, ":listener/") != NULL)
		return "ListenerNotFound";
	if (str_starts(id, "eni-"))
		return "InvalidNetworkInterfaceID.NotFound";
	if (str_starts(id, "vol-"))
		return "InvalidVolume.NotFound";
	return str_starts(id, "sg-") ? "InvalidGroup.NotFound" : "InvalidInstanceID.NotFound";
}

/* Of one that is not there, or not ours, nothing is done of all. */
static void check(struct aws_ask *q, const struct aws_thing *t, const char *id, bool is_ec2)
{
	if (t == NULL || !aws_knows(q->a, t))
		aws_refuse(q, 400, unknown_code(id), "'%s' does not exist", id);
	else if (!str_eq(aws_tag_of(t, "reeve:installation"), VENDOR_INSTALLATION))
		aws_refuse(q, 403, is_ec2 ? "UnauthorizedOperation" : "AccessDenied",
			   "You are not authorized to perform this operation.");
}

static const char *id_asked(const struct aws_ask *q, bool is_ec2, unsigned n)
{
	return form_sim_get(q->f, is_ec2 ? "ResourceId.%u" : "ResourceArns.member.%u", n);
}

static void check_all(struct aws_ask *q, bool is_ec2)
{
	const char *id;

	for (unsigned n = 1; q->code == NULL && (id = id_asked(q, is_ec2, n)) != NULL; n++)
		check(q, is_ec2 ? ec2_thing(q->a, id) : elb_thing(q->a, id), id, is_ec2);
}

/* Whose a thing is stays on it, whatever is asked. */
static void guard_key(struct aws_ask *q, const char *key)
{
	if (str_eq(key, "resource-created-by") || (str_starts(key, "reeve:") && !str_eq(key, "reeve:tags")))
		odds_broken(q->a->odds, "%s of the tag %s", q->action, key);
}

static void set(struct aws_ask *q, struct aws_thing *t, const char *prefix)
{
	const char *key;

	for (unsigned n = 1; (key = form_sim_get(q->f, "%s%u.Key", prefix, n)) != NULL; n++) {
		guard_key(q, key);
		aws_hand_tag(t, key, form_sim_get(q->f, "%s%u.Value", prefix, n));
	}
	if (t->tags_n > 50)
		odds_broken(q->a->odds, "%s has %zu tags", t->id, t->tags_n);
}

static void unset(struct aws_ask *q, struct aws_thing *t, const char *fmt)
{
	const char *key;
	unsigned n = 1;

	for (; (key = form_sim_get(q->f, fmt, n)) != NULL; n++) {
		guard_key(q, key);
		aws_drop_tag(t, key);
	}
	if (n == 1)
		odds_broken(q->a->odds, "%s without a key takes all of them", q->action);
}

static void each(struct aws_ask *q, bool is_ec2, void (*change)(struct aws_ask *q, struct aws_thing *t, const char *names),
		 const char *names)
{
	const char *id;

	check_all(q, is_ec2);
	for (unsigned n = 1; q->code == NULL && (id = id_asked(q, is_ec2, n)) != NULL; n++)
		change(q, is_ec2 ? ec2_thing(q->a, id) : elb_thing(q->a, id), names);
	q->changed = q->code == NULL;
	if (q->changed && is_ec2)
		xmlw_text(q->xml, "return", "true");
}

void aws_create_tags(struct aws_ask *q)
{
	each(q, true, set, "Tag.");
}

void aws_delete_tags(struct aws_ask *q)
{
	each(q, true, unset, "Tag.%u.Key");
}

void aws_add_tags(struct aws_ask *q)
{
	each(q, false, set, "Tags.member.");
}

void aws_remove_tags(struct aws_ask *q)
{
	each(q, false, unset, "TagKeys.member.%u");
}
