/* aws_sim_elb.c - what balancers and target groups share: finding, names, tags; the table of all that ELB is asked. */
#include "tests/sim/aws_sim_impl.h"

#include <stdarg.h>

/* ---- finding ---- */

struct aws_tg *aws_tg_of(const struct aws_sim *a, const char *arn)
{
	for (size_t i = 0; i < a->target_groups_n; i++)
		if (str_eq(a->target_groups[i]->t.id, arn))
			return a->target_groups[i];
	return NULL;
}

struct aws_lb *aws_lb_of(const struct aws_sim *a, const char *arn)
{
	for (size_t i = 0; i < a->lbs_n; i++)
		if (str_eq(a->lbs[i]->t.id, arn))
			return a->lbs[i];
	return NULL;
}

struct aws_listener *aws_listener_of(const struct aws_sim *a, const char *arn)
{
	for (size_t i = 0; i < a->listeners_n; i++)
		if (str_eq(a->listeners[i]->t.id, arn))
			return a->listeners[i];
	return NULL;
}

struct aws_tg *aws_tg_asked(struct aws_ask *q, const char *param)
{
	struct aws_tg *g = aws_tg_of(q->a, form_sim_get(q->f, "%s", param));

	if (g != NULL && aws_knows(q->a, &g->t))
		return g;
	aws_refuse(q, 400, "TargetGroupNotFound", "One or more target groups not found");
	return NULL;
}

struct aws_lb *aws_lb_asked(struct aws_ask *q)
{
	struct aws_lb *lb = aws_lb_of(q->a, form_sim_get(q->f, "LoadBalancerArn"));

	if (lb != NULL && aws_knows(q->a, &lb->t))
		return lb;
	aws_refuse(q, 400, "LoadBalancerNotFound", "One or more load balancers not found");
	return NULL;
}

bool aws_names(const struct aws_listener *l, const struct aws_tg *g)
{
	return l->tg == g || l->beside == g;
}

bool aws_tg_is_used(const struct aws_sim *a, const struct aws_tg *g)
{
	for (size_t i = 0; i < a->listeners_n; i++)
		if (aws_names(a->listeners[i], g) && aws_is_there(a, &a->listeners[i]->t))
			return true;
	return false;
}

void aws_duplicate(struct aws_ask *q, const char *code)
{
	odds_came(q->a->odds, TALLY_AWS_DUPLICATE);
	aws_refuse(q, 400, code, "There is one of that name with other settings");
}

/* The same settings again are answered with what is there; tags count as settings. */
bool aws_same_tags(const struct aws_thing *t, const struct form_sim *f)
{
	struct aws_thing asked = { 0 };
	bool same;

	aws_thing_tags(&asked, f, "Tags.member.");
	same = asked.tags_n == t->tags_n;
	for (size_t i = 0; same && i < t->tags_n; i++)
		same = str_eq(aws_tag_of(&asked, t->tags[i].key), t->tags[i].value);
	aws_thing_close(&asked);
	return same;
}

/* Is it of a list "<list>.member.n"? Without that list all are. */
static bool is_listed(const struct aws_ask *q, const char *list, const char *text)
{
	for (unsigned n = 1;; n++) {
		const char *asked = form_sim_get(q->f, "%s.member.%u", list, n);

		if (asked == NULL || str_eq(asked, text))
			return asked != NULL || n == 1;
	}
}

bool aws_is_named(const struct aws_ask *q, const char *arns, const struct aws_thing *t)
{
	return is_listed(q, "Names", t->name) && is_listed(q, arns, t->id);
}

/* One that is named and not there fails the whole call. */
void aws_none_found(struct aws_ask *q, const char *arns, size_t found, const char *code, const char *what)
{
	bool asked = form_sim_get(q->f, "Names.member.1") != NULL || form_sim_get(q->f, "%s.member.1", arns) != NULL;

	if (found == 0 && asked)
		aws_refuse(q, 400, code, "One or more %s not found", what);
}

void aws_write_attribute(struct buf *b, const char *key, const char *fmt, ...)
{
	char value[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	xmlw_open(b, "member");
	xmlw_text(b, "Key", "%s", key);
	xmlw_text(b, "Value", "%s", value);
	xmlw_close(b, "member");
}

/* ---- tags ---- */

static void write_tagged(const struct aws_thing *t, struct buf *b)
{
	xmlw_open(b, "member");
	xmlw_text(b, "ResourceArn", "%s", t->id);
	xmlw_open(b, "Tags");
	for (size_t i = 0; i < t->tags_n; i++) {
		xmlw_open(b, "member");
		xmlw_text(b, "Key", "%s", t->tags[i].key);
		xmlw_text(b, "Value", "%s", t->tags[i].value);
		xmlw_close(b, "member");
	}
	xmlw_close(b, "Tags");
	xmlw_close(b, "member");
}

/* One that is gone fails the whole call. */
static void describe_tags(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *arn;

	xmlw_open(q->xml, "TagDescriptions");
	for (unsigned n = 1; (arn = form_sim_get(q->f, "ResourceArns.member.%u", n)) != NULL; n++) {
		struct aws_tg *g = aws_tg_of(a, arn);
		struct aws_lb *lb = aws_lb_of(a, arn);
		struct aws_listener *l = aws_listener_of(a, arn);
		const struct aws_thing *t = g != NULL ? &g->t : lb != NULL ? &lb->t : l != NULL ? &l->t : NULL;

		if (n > 20)
			aws_refuse(q, 400, "ValidationError", "at most 20 resources");
		if (t == NULL || !aws_is_there(a, t))
			aws_refuse(q, 400, strstr(arn, ":targetgroup/") != NULL ? "TargetGroupNotFound" : "LoadBalancerNotFound",
				   "One or more resources not found");
		else
			write_tagged(t, q->xml);
	}
	xmlw_close(q->xml, "TagDescriptions");
}

const struct aws_action aws_elb_actions[] = {
	{ "CreateTargetGroup", true, aws_create_tg },
	{ "DescribeTargetGroups", false, aws_describe_tgs },
	{ "DescribeTargetGroupAttributes", false, aws_describe_tg_attributes },
	{ "DeleteTargetGroup", true, aws_delete_tg },
	{ "CreateLoadBalancer", true, aws_create_lb },
	{ "DescribeLoadBalancers", false, aws_describe_lbs },
	{ "DescribeLoadBalancerAttributes", false, aws_describe_lb_attributes },
	{ "DeleteLoadBalancer", true, aws_delete_lb },
	{ "CreateListener", true, aws_create_listener },
	{ "DescribeListeners", false, aws_describe_listeners },
	{ "ModifyListener", true, aws_modify_listener },
	{ "DeleteListener", true, aws_delete_listener },
	{ "RegisterTargets", true, aws_register_targets },
	{ "DeregisterTargets", true, aws_deregister_targets },
	{ "DescribeTargetHealth", false, aws_describe_health },
	{ "DescribeTags", false, describe_tags },
	{ "AddTags", true, aws_add_tags },
	{ "RemoveTags", true, aws_remove_tags },
	{ NULL, false, NULL },
};
