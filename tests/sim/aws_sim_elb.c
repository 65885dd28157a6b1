/* aws_sim_elb.c - network load balancers, target groups, listeners, targets. */
#include "tests/sim/aws_sim_impl.h"

#define ARN "arn:aws:elasticloadbalancing:" AWS_REGION ":" AWS_ACCOUNT ":"

/* ---- finding ---- */

static struct aws_tg *tg_of(const struct aws_sim *a, const char *arn)
{
	for (size_t i = 0; i < a->tgs_n; i++)
		if (str_eq(a->tgs[i]->t.id, arn))
			return a->tgs[i];
	return NULL;
}

static struct aws_lb *lb_of(const struct aws_sim *a, const char *arn)
{
	for (size_t i = 0; i < a->lbs_n; i++)
		if (str_eq(a->lbs[i]->t.id, arn))
			return a->lbs[i];
	return NULL;
}

static struct aws_listener *listener_of(const struct aws_sim *a, const char *arn)
{
	for (size_t i = 0; i < a->listeners_n; i++)
		if (str_eq(a->listeners[i]->t.id, arn))
			return a->listeners[i];
	return NULL;
}

static struct aws_tg *tg_asked(struct aws_ask *q, const char *param)
{
	struct aws_tg *g = tg_of(q->a, form_sim_get(q->f, "%s", param));

	if (g != NULL && aws_knows(q->a, &g->t))
		return g;
	aws_refuse(q, 400, "TargetGroupNotFound", "One or more target groups not found");
	return NULL;
}

static struct aws_lb *lb_asked(struct aws_ask *q)
{
	struct aws_lb *lb = lb_of(q->a, form_sim_get(q->f, "LoadBalancerArn"));

	if (lb != NULL && aws_knows(q->a, &lb->t))
		return lb;
	aws_refuse(q, 400, "LoadBalancerNotFound", "One or more load balancers not found");
	return NULL;
}

static bool is_used(const struct aws_sim *a, const struct aws_tg *g)
{
	for (size_t i = 0; i < a->listeners_n; i++)
		if (a->listeners[i]->tg == g && aws_is_there(a, &a->listeners[i]->t))
			return true;
	return false;
}

static void duplicate(struct aws_ask *q, const char *code)
{
	tally(TALLY_AWS_DUPLICATE);
	aws_refuse(q, 400, code, "There is one of that name with other settings");
}

/* ---- target groups ---- */

static void write_tg(const struct aws_sim *a, const struct aws_tg *g, struct buf *b)
{
	xmlw_open(b, "member");
	xmlw_text(b, "TargetGroupArn", "%s", g->t.id);
	xmlw_text(b, "TargetGroupName", "%s", g->t.name);
	xmlw_text(b, "Protocol", "%s", g->protocol);
	xmlw_text(b, "Port", "%u", g->port);
	xmlw_text(b, "VpcId", "%s", AWS_VPC);
	xmlw_text(b, "TargetType", "instance");
	xmlw_open(b, "LoadBalancerArns");
	for (size_t i = 0; i < a->listeners_n; i++)
		if (a->listeners[i]->tg == g && aws_is_there(a, &a->listeners[i]->t))
			xmlw_text(b, "member", "%s", a->listeners[i]->lb->t.id);
	xmlw_close(b, "LoadBalancerArns");
	xmlw_close(b, "member");
}

static void write_one_tg(struct aws_ask *q, const struct aws_tg *g)
{
	xmlw_open(q->xml, "TargetGroups");
	write_tg(q->a, g, q->xml);
	xmlw_close(q->xml, "TargetGroups");
}

static struct aws_tg *tg_by_name(const struct aws_sim *a, const char *name)
{
	for (size_t i = 0; i < a->tgs_n; i++)
		if (str_eq(a->tgs[i]->t.name, name) && aws_is_there(a, &a->tgs[i]->t))
			return a->tgs[i];
	return NULL;
}

/* The same settings again are answered with what is there; tags count as settings. */
static bool same_tags(const struct aws_thing *t, const struct form_sim *f)
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

static void create_tg(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *name = form_sim_get(q->f, "Name"), *protocol = form_sim_get(q->f, "Protocol");
	unsigned port = (unsigned)form_sim_int(q->f, "Port", 0);
	struct aws_tg *g = tg_by_name(a, name);

	if (g != NULL && (g->port != port || !str_eq(g->protocol, protocol) || !same_tags(&g->t, q->f))) {
		duplicate(q, "DuplicateTargetGroupName");
		return;
	}
	if (g == NULL) {
		char prefix[128];

		snprintf(prefix, sizeof(prefix), ARN "targetgroup/%s/", name);
		g = mem_new(struct aws_tg);
		aws_thing_init(a, &g->t, prefix, aws_command_of(q));
		aws_thing_tags(&g->t, q->f, "Tags.member.");
		snprintf(g->t.name, sizeof(g->t.name), "%s", name);
		snprintf(g->protocol, sizeof(g->protocol), "%s", protocol);
		g->port = port;
		a->tgs = mem_grow(a->tgs, a->tgs_n + 1, sizeof(*a->tgs));
		a->tgs[a->tgs_n++] = g;
		q->changed = true;
	}
	write_one_tg(q, g);
}

static bool named(const struct aws_ask *q, const struct aws_thing *t)
{
	const char *name = form_sim_get(q->f, "Names.member.1");

	return name == NULL || str_eq(name, t->name);
}

static void describe_tgs(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "Marker", "PageSize");
	size_t n = 0;

	xmlw_open(q->xml, "TargetGroups");
	for (size_t i = p.at; i < a->tgs_n; i++) {
		if (!named(q, &a->tgs[i]->t) || !aws_shows(a, &a->tgs[i]->t))
			continue;
		n++;
		if (!aws_page_takes(&p, i))
			break;
		write_tg(a, a->tgs[i], q->xml);
	}
	xmlw_close(q->xml, "TargetGroups");
	if (p.more)
		xmlw_text(q->xml, "NextMarker", "t%zu", p.at);
	if (n == 0 && form_sim_get(q->f, "Names.member.1") != NULL)
		aws_refuse(q, 400, "TargetGroupNotFound", "One or more target groups not found");
}

static void delete_tg(struct aws_ask *q)
{
	struct aws_tg *g = tg_of(q->a, form_sim_get(q->f, "TargetGroupArn"));

	if (g == NULL || !aws_is_there(q->a, &g->t))
		return; /* deleting what is not there is a success */
	if (!aws_knows(q->a, &g->t)) {
		aws_refuse(q, 400, "TargetGroupNotFound", "One or more target groups not found");
	} else if (is_used(q->a, g) || aws_now(q->a) < g->in_use_ms) {
		tally(TALLY_AWS_IN_USE);
		aws_refuse(q, 400, "ResourceInUse", "Target group is currently in use by a listener or a rule");
	} else {
		g->t.gone_ms = aws_now(q->a);
		q->changed = true;
	}
}

/* ---- load balancers ---- */

static void write_lb(const struct aws_sim *a, const struct aws_lb *lb, struct buf *b)
{
	xmlw_open(b, "member");
	xmlw_text(b, "LoadBalancerArn", "%s", lb->t.id);
	xmlw_text(b, "LoadBalancerName", "%s", lb->t.name);
	xmlw_text(b, "DNSName", "%s.elb." AWS_REGION ".amazonaws.com", lb->t.name);
	xmlw_text(b, "Scheme", "internal");
	xmlw_text(b, "VpcId", "%s", AWS_VPC);
	xmlw_text(b, "Type", "network");
	xmlw_open(b, "State");
	xmlw_text(b, "Code", "%s", aws_now(a) >= lb->active_ms ? "active" : "provisioning");
	xmlw_close(b, "State");
	xmlw_close(b, "member");
}

static void lb_settings(const struct form_sim *f, char to[512])
{
	size_t used = (size_t)snprintf(to, 512, "%s|", form_sim_get(f, "Scheme"));

	for (unsigned n = 1; form_sim_get(f, "Subnets.member.%u", n) != NULL && used < 400; n++)
		used += (size_t)snprintf(to + used, 512 - used, "%s|", form_sim_get(f, "Subnets.member.%u", n));
}

static bool shares_a_zone(const struct form_sim *f)
{
	for (unsigned n = 1; form_sim_get(f, "Subnets.member.%u", n) != NULL; n++)
		for (unsigned k = 1; k < n; k++)
			if (str_eq(aws_zone_of(form_sim_get(f, "Subnets.member.%u", n)),
				   aws_zone_of(form_sim_get(f, "Subnets.member.%u", k))))
				return true;
	return false;
}

static struct aws_lb *lb_by_name(const struct aws_sim *a, const char *name)
{
	for (size_t i = 0; i < a->lbs_n; i++)
		if (str_eq(a->lbs[i]->t.name, name) && aws_is_there(a, &a->lbs[i]->t))
			return a->lbs[i];
	return NULL;
}

static void create_lb(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *name = form_sim_get(q->f, "Name");
	struct aws_lb *lb = lb_by_name(a, name);
	char settings[512];

	lb_settings(q->f, settings);
	if (!str_starts(settings, "internal|"))
		odds_broken(a->odds, "a load balancer that faces the internet");
	if (lb != NULL && (!str_eq(lb->settings, settings) || !same_tags(&lb->t, q->f))) {
		duplicate(q, "DuplicateLoadBalancerName");
		return;
	}
	if (shares_a_zone(q->f)) {
		aws_refuse(q, 400, "InvalidConfigurationRequest", "Two subnets are of the same Availability Zone");
		return;
	}
	if (lb == NULL) {
		char prefix[128];

		snprintf(prefix, sizeof(prefix), ARN "loadbalancer/net/%s/", name);
		lb = mem_new(struct aws_lb);
		aws_thing_init(a, &lb->t, prefix, aws_command_of(q));
		aws_thing_tags(&lb->t, q->f, "Tags.member.");
		snprintf(lb->t.name, sizeof(lb->t.name), "%s", name);
		memcpy(lb->settings, settings, sizeof(settings));
		lb->active_ms = aws_now(a) + odds_between(a->odds, 10, 180) * 1000;
		a->lbs = mem_grow(a->lbs, a->lbs_n + 1, sizeof(*a->lbs));
		a->lbs[a->lbs_n++] = lb;
		q->changed = true;
	}
	xmlw_open(q->xml, "LoadBalancers");
	write_lb(a, lb, q->xml);
	xmlw_close(q->xml, "LoadBalancers");
}

static void describe_lbs(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "Marker", "PageSize");
	size_t n = 0;

	xmlw_open(q->xml, "LoadBalancers");
	for (size_t i = p.at; i < a->lbs_n; i++) {
		if (!named(q, &a->lbs[i]->t) || !aws_shows(a, &a->lbs[i]->t))
			continue;
		n++;
		if (!aws_page_takes(&p, i))
			break;
		write_lb(a, a->lbs[i], q->xml);
	}
	xmlw_close(q->xml, "LoadBalancers");
	if (p.more)
		xmlw_text(q->xml, "NextMarker", "t%zu", p.at);
	if (n == 0 && form_sim_get(q->f, "Names.member.1") != NULL)
		aws_refuse(q, 400, "LoadBalancerNotFound", "One or more load balancers not found");
}

static void drop_listener(struct aws_sim *a, struct aws_listener *l)
{
	l->t.gone_ms = aws_now(a);
	l->tg->in_use_ms = aws_now(a) + (a->odds->calm ? 0 : odds_between(a->odds, 0, 15000));
}

static void delete_lb(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_lb *lb = lb_of(a, form_sim_get(q->f, "LoadBalancerArn"));

	if (lb == NULL || !aws_is_there(a, &lb->t))
		return; /* deleting what is not there is a success */
	if (!aws_knows(a, &lb->t)) {
		aws_refuse(q, 400, "LoadBalancerNotFound", "One or more load balancers not found");
		return;
	}
	for (size_t i = 0; i < a->listeners_n; i++)
		if (a->listeners[i]->lb == lb && aws_is_there(a, &a->listeners[i]->t))
			drop_listener(a, a->listeners[i]);
	lb->t.gone_ms = aws_now(a);
	q->changed = true;
}

/* ---- listeners ---- */

static void write_listener(const struct aws_listener *l, struct buf *b)
{
	xmlw_open(b, "member");
	xmlw_text(b, "ListenerArn", "%s", l->t.id);
	xmlw_text(b, "LoadBalancerArn", "%s", l->lb->t.id);
	xmlw_text(b, "Port", "%u", l->port);
	xmlw_text(b, "Protocol", "TCP");
	xmlw_open(b, "DefaultActions");
	xmlw_open(b, "member");
	xmlw_text(b, "Type", "forward");
	xmlw_text(b, "TargetGroupArn", "%s", l->tg->t.id);
	xmlw_close(b, "member");
	xmlw_close(b, "DefaultActions");
	xmlw_close(b, "member");
}

static struct aws_listener *listener_at(const struct aws_sim *a, const struct aws_lb *lb, unsigned port)
{
	for (size_t i = 0; i < a->listeners_n; i++)
		if (a->listeners[i]->lb == lb && a->listeners[i]->port == port && aws_is_there(a, &a->listeners[i]->t))
			return a->listeners[i];
	return NULL;
}

static struct aws_listener *new_listener(struct aws_ask *q, struct aws_lb *lb, struct aws_tg *g, unsigned port)
{
	struct aws_sim *a = q->a;
	struct aws_listener *l = mem_new(struct aws_listener);
	char prefix[128];

	snprintf(prefix, sizeof(prefix), ARN "listener/net/%.32s/", lb->t.name);
	aws_thing_init(a, &l->t, prefix, aws_command_of(q));
	aws_thing_tags(&l->t, q->f, "Tags.member.");
	l->lb = lb;
	l->tg = g;
	l->port = port;
	for (size_t i = 0; i < g->targets_n; i++)
		g->targets[i].healthy_ms = aws_now(a) + odds_between(a->odds, 5000, 90000);
	a->listeners = mem_grow(a->listeners, a->listeners_n + 1, sizeof(*a->listeners));
	a->listeners[a->listeners_n++] = l;
	q->changed = true;
	return l;
}

static bool is_behind_another(const struct aws_sim *a, const struct aws_tg *g, const struct aws_lb *lb)
{
	for (size_t i = 0; i < a->listeners_n; i++)
		if (a->listeners[i]->tg == g && a->listeners[i]->lb != lb && aws_is_there(a, &a->listeners[i]->t))
			return true;
	return false;
}

static void create_listener(struct aws_ask *q)
{
	struct aws_lb *lb = lb_asked(q);
	struct aws_tg *g = tg_asked(q, "DefaultActions.member.1.TargetGroupArn");
	unsigned port = (unsigned)form_sim_int(q->f, "Port", 0);
	struct aws_listener *l;

	if (q->code != NULL)
		return;
	if (is_behind_another(q->a, g, lb)) {
		aws_refuse(q, 400, "TargetGroupAssociationLimit", "The target group is behind another load balancer");
		return;
	}
	l = listener_at(q->a, lb, port);
	if (l != NULL && l->tg != g) {
		duplicate(q, "DuplicateListener");
		return;
	}
	if (l == NULL)
		l = new_listener(q, lb, g, port);
	xmlw_open(q->xml, "Listeners");
	write_listener(l, q->xml);
	xmlw_close(q->xml, "Listeners");
}

static void describe_listeners(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_lb *lb = lb_of(a, form_sim_get(q->f, "LoadBalancerArn"));
	struct aws_page p = aws_page_start(q, "Marker", "PageSize");

	if (lb == NULL || !aws_is_there(a, &lb->t)) {
		aws_refuse(q, 400, "LoadBalancerNotFound", "One or more load balancers not found");
		return;
	}
	xmlw_open(q->xml, "Listeners");
	for (size_t i = p.at; i < a->listeners_n; i++) {
		if (a->listeners[i]->lb != lb || !aws_shows(a, &a->listeners[i]->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		write_listener(a->listeners[i], q->xml);
	}
	xmlw_close(q->xml, "Listeners");
	if (p.more)
		xmlw_text(q->xml, "NextMarker", "t%zu", p.at);
}

static void delete_listener(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *arn = form_sim_get(q->f, "ListenerArn");

	for (size_t i = 0; i < a->listeners_n; i++)
		if (str_eq(a->listeners[i]->t.id, arn) && aws_knows(a, &a->listeners[i]->t)) {
			drop_listener(a, a->listeners[i]);
			q->changed = true;
			return;
		}
	aws_refuse(q, 400, "ListenerNotFound", "One or more listeners not found");
}

/* ---- targets ---- */

static struct aws_target *target_of(struct aws_tg *g, const char *id)
{
	for (size_t i = 0; i < g->targets_n; i++)
		if (str_eq(g->targets[i].id, id))
			return &g->targets[i];
	return NULL;
}

static const struct aws_instance *instance_of(const struct aws_sim *a, const char *id)
{
	for (size_t i = 0; i < a->instances_n; i++)
		if (str_eq(a->instances[i]->t.id, id))
			return a->instances[i];
	return NULL;
}

static void register_targets(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_tg *g = tg_asked(q, "TargetGroupArn");
	const char *id;

	for (unsigned n = 1; g != NULL && (id = form_sim_get(q->f, "Targets.member.%u.Id", n)) != NULL; n++) {
		const struct aws_instance *i = instance_of(a, id);

		if (i == NULL || !aws_knows(a, &i->t) || !aws_is_running(a, i))
			aws_refuse(q, 400, "InvalidTarget", "The following targets are not in a running state: '%s'", id);
	}
	for (unsigned n = 1; q->code == NULL && (id = form_sim_get(q->f, "Targets.member.%u.Id", n)) != NULL; n++) {
		struct aws_target *t = target_of(g, id);

		if (t == NULL) {
			g->targets = mem_grow(g->targets, g->targets_n + 1, sizeof(*g->targets));
			t = &g->targets[g->targets_n++];
			*t = (struct aws_target){ .draining_ms = 1 };
			snprintf(t->id, sizeof(t->id), "%s", id);
		}
		if (t->draining_ms == 0)
			continue;
		t->draining_ms = t->gone_ms = 0;
		t->since_ms = aws_now(a);
		t->healthy_ms = t->since_ms + odds_between(a->odds, 5000, 90000);
		q->changed = true;
	}
}

static void deregister_targets(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_tg *g = tg_asked(q, "TargetGroupArn");
	const char *id;

	for (unsigned n = 1; g != NULL && (id = form_sim_get(q->f, "Targets.member.%u.Id", n)) != NULL; n++) {
		struct aws_target *t = target_of(g, id);

		if (t == NULL || t->draining_ms != 0)
			continue;
		t->draining_ms = aws_now(a);
		t->gone_ms = aws_now(a) + odds_between(a->odds, 0, 60000);
		q->changed = true;
	}
}

/* A terminated instance leaves its groups by itself. */
static const char *health_of(const struct aws_sim *a, const struct aws_tg *g, const struct aws_target *t)
{
	const struct aws_instance *i = instance_of(a, t->id);

	if (t->draining_ms != 0)
		return aws_now(a) < t->gone_ms ? "draining" : NULL;
	if (i == NULL || (i->terminated_ms != 0 && aws_now(a) > i->terminated_ms + 5000))
		return NULL;
	if (!is_used(a, g))
		return "unused";
	if (!aws_is_alive(a, i))
		return "unhealthy";
	return aws_now(a) >= t->healthy_ms ? "healthy" : "initial";
}

static void describe_health(struct aws_ask *q)
{
	struct aws_tg *g = tg_asked(q, "TargetGroupArn");

	if (g == NULL)
		return;
	xmlw_open(q->xml, "TargetHealthDescriptions");
	for (size_t i = 0; i < g->targets_n; i++) {
		const char *state = health_of(q->a, g, &g->targets[i]);

		if (state == NULL)
			continue;
		xmlw_open(q->xml, "member");
		xmlw_open(q->xml, "Target");
		xmlw_text(q->xml, "Id", "%s", g->targets[i].id);
		xmlw_text(q->xml, "Port", "%u", g->port);
		xmlw_close(q->xml, "Target");
		xmlw_open(q->xml, "TargetHealth");
		xmlw_text(q->xml, "State", "%s", state);
		xmlw_close(q->xml, "TargetHealth");
		xmlw_close(q->xml, "member");
	}
	xmlw_close(q->xml, "TargetHealthDescriptions");
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
		struct aws_tg *g = tg_of(a, arn);
		struct aws_lb *lb = lb_of(a, arn);
		struct aws_listener *l = listener_of(a, arn);
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
	{ "CreateTargetGroup", true, create_tg },          { "DescribeTargetGroups", false, describe_tgs },
	{ "DeleteTargetGroup", true, delete_tg },          { "CreateLoadBalancer", true, create_lb },
	{ "DescribeLoadBalancers", false, describe_lbs },  { "DeleteLoadBalancer", true, delete_lb },
	{ "CreateListener", true, create_listener },       { "DescribeListeners", false, describe_listeners },
	{ "DeleteListener", true, delete_listener },       { "RegisterTargets", true, register_targets },
	{ "DeregisterTargets", true, deregister_targets }, { "DescribeTargetHealth", false, describe_health },
	{ "DescribeTags", false, describe_tags },          { NULL, false, NULL },
};
