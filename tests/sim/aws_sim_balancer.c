/* aws_sim_balancer.c - network load balancers and their listeners. */
#include "tests/sim/aws_sim_impl.h"

/* ---- load balancers ---- */

/* The subnets of "internal|subnet-1|subnet-2|". */
static void write_zones(const struct aws_lb *lb, struct buf *b)
{
	const char *at = strchr(lb->settings, '|');

	xmlw_open(b, "AvailabilityZones");
	while (at != NULL && *++at != '\0') {
		char subnet[64];

		snprintf(subnet, sizeof(subnet), "%.*s", (int)strcspn(at, "|"), at);
		xmlw_open(b, "member");
		xmlw_text(b, "ZoneName", "%s", aws_zone_of(subnet));
		xmlw_text(b, "SubnetId", "%s", subnet);
		xmlw_close(b, "member");
		at = strchr(at, '|');
	}
	xmlw_close(b, "AvailabilityZones");
}

static void write_lb(const struct aws_sim *a, const struct aws_lb *lb, struct buf *b)
{
	xmlw_open(b, "member");
	xmlw_text(b, "LoadBalancerArn", "%s", lb->t.id);
	xmlw_text(b, "LoadBalancerName", "%s", lb->t.name);
	xmlw_text(b, "DNSName", "%s.elb." AWS_REGION ".amazonaws.com", lb->t.name);
	xmlw_text(b, "Scheme", "internal");
	xmlw_text(b, "VpcId", "%s", AWS_VPC);
	xmlw_text(b, "Type", "network");
	xmlw_text(b, "IpAddressType", "ipv4");
	xmlw_open(b, "State");
	xmlw_text(b, "Code", "%s", aws_now(a) >= lb->active_ms ? "active" : "provisioning");
	xmlw_close(b, "State");
	write_zones(lb, b);
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

void aws_create_lb(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *name = form_sim_get(q->f, "Name");
	struct aws_lb *lb = lb_by_name(a, name);
	char settings[512];

	lb_settings(q->f, settings);
	if (!str_starts(settings, "internal|"))
		odds_broken(a->odds, "a load balancer that faces the internet");
	if (lb != NULL && (!str_eq(lb->settings, settings) || !aws_same_tags(&lb->t, q->f))) {
		aws_duplicate(q, "DuplicateLoadBalancerName");
		return;
	}
	if (shares_a_zone(q->f)) {
		aws_refuse(q, 400, "InvalidConfigurationRequest", "Two subnets are of the same Availability Zone");
		return;
	}
	if (lb == NULL) {
		char prefix[128];

		snprintf(prefix, sizeof(prefix), AWS_ELB_ARN "loadbalancer/net/%s/", name);
		lb = mem_new(struct aws_lb);
		aws_thing_init(a, &lb->t, prefix, aws_command_of(q));
		aws_thing_tags(&lb->t, q->f, "Tags.member.");
		snprintf(lb->t.name, sizeof(lb->t.name), "%s", name);
		memcpy(lb->settings, settings, sizeof(settings));
		lb->active_ms = aws_now(a) + odds_between(a->odds, 10, 180) * 1000;
		if (odds_hit(a->odds, TALLY_AWS_LB_SLOW))
			lb->active_ms += odds_between(a->odds, 180, 420) * 1000;
		a->lbs = mem_grow(a->lbs, a->lbs_n + 1, sizeof(*a->lbs));
		a->lbs[a->lbs_n++] = lb;
		q->changed = true;
	}
	xmlw_open(q->xml, "LoadBalancers");
	write_lb(a, lb, q->xml);
	xmlw_close(q->xml, "LoadBalancers");
}

void aws_describe_lbs(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "Marker", "PageSize");
	size_t n = 0;

	xmlw_open(q->xml, "LoadBalancers");
	for (size_t i = p.at; i < a->lbs_n; i++) {
		if (!aws_is_named(q, "LoadBalancerArns", &a->lbs[i]->t) || !aws_shows(a, &a->lbs[i]->t))
			continue;
		n++;
		if (aws_page_misses(q, &p, &a->lbs[i]->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		write_lb(a, a->lbs[i], q->xml);
	}
	xmlw_close(q->xml, "LoadBalancers");
	if (p.more)
		xmlw_text(q->xml, "NextMarker", "t%zu", p.at);
	aws_none_found(q, "LoadBalancerArns", n, "LoadBalancerNotFound", "load balancers");
}

void aws_describe_lb_attributes(struct aws_ask *q)
{
	const struct aws_lb *lb = aws_lb_asked(q);

	if (lb == NULL)
		return;
	xmlw_open(q->xml, "Attributes");
	aws_write_attribute(q->xml, "deletion_protection.enabled", "%s", lb->is_protected ? "true" : "false");
	aws_write_attribute(q->xml, "load_balancing.cross_zone.enabled", "false");
	aws_write_attribute(q->xml, "access_logs.s3.enabled", "false");
	xmlw_close(q->xml, "Attributes");
}

/* It counts as in use for a while longer. */
static void let_go(struct aws_sim *a, struct aws_tg *g)
{
	g->in_use_ms = aws_now(a) + (a->odds->calm ? 0 : odds_between(a->odds, 0, 15000));
}

static void drop_listener(struct aws_sim *a, struct aws_listener *l)
{
	l->t.gone_ms = aws_now(a);
	let_go(a, l->tg);
	if (l->beside != NULL)
		let_go(a, l->beside);
}

void aws_delete_lb(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_lb *lb = aws_lb_of(a, form_sim_get(q->f, "LoadBalancerArn"));

	if (lb == NULL || !aws_is_there(a, &lb->t))
		return; /* deleting what is not there is a success */
	if (!aws_knows(a, &lb->t)) {
		aws_refuse(q, 400, "LoadBalancerNotFound", "One or more load balancers not found");
		return;
	}
	if (lb->is_protected) {
		odds_came(q->a->odds, TALLY_AWS_LB_PROTECTED);
		aws_refuse(q, 400, "OperationNotPermitted",
			   "Load balancer '%s' cannot be deleted because deletion protection is enabled", lb->t.id);
		return;
	}
	for (size_t i = 0; i < a->listeners_n; i++)
		if (a->listeners[i]->lb == lb && aws_is_there(a, &a->listeners[i]->t))
			drop_listener(a, a->listeners[i]);
	lb->t.gone_ms = aws_now(a);
	q->changed = true;
}

#define WEIGHED "DefaultActions.member.1.ForwardConfig.TargetGroups.member."

/* ---- listeners ---- */

static void write_weighed(const struct aws_tg *g, unsigned weight, struct buf *b)
{
	xmlw_open(b, "member");
	xmlw_text(b, "TargetGroupArn", "%s", g->t.id);
	xmlw_text(b, "Weight", "%u", weight);
	xmlw_close(b, "member");
}

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
	if (l->beside == NULL)
		xmlw_text(b, "TargetGroupArn", "%s", l->tg->t.id);
	xmlw_open(b, "ForwardConfig");
	xmlw_open(b, "TargetGroups");
	write_weighed(l->tg, 1, b);
	if (l->beside != NULL)
		write_weighed(l->beside, 0, b);
	xmlw_close(b, "TargetGroups");
	xmlw_close(b, "ForwardConfig");
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

/* Targets that nobody checked until now are checked from now on. */
static void check_health(struct aws_sim *a, struct aws_tg *g)
{
	for (size_t i = 0; !aws_tg_is_used(a, g) && i < g->targets_n; i++)
		g->targets[i].healthy_ms = aws_now(a) + odds_between(a->odds, 5000, 90000);
}

static void lead_to(struct aws_sim *a, struct aws_listener *l, struct aws_tg *g)
{
	check_health(a, g);
	l->tg = g;
}

static struct aws_listener *new_listener(struct aws_ask *q, struct aws_lb *lb, struct aws_tg *g, unsigned port)
{
	struct aws_sim *a = q->a;
	struct aws_listener *l = mem_new(struct aws_listener);
	char prefix[128];

	snprintf(prefix, sizeof(prefix), AWS_ELB_ARN "listener/net/%.32s/", lb->t.name);
	aws_thing_init(a, &l->t, prefix, aws_command_of(q));
	aws_thing_tags(&l->t, q->f, "Tags.member.");
	l->lb = lb;
	l->port = port;
	lead_to(a, l, g);
	a->listeners = mem_grow(a->listeners, a->listeners_n + 1, sizeof(*a->listeners));
	a->listeners[a->listeners_n++] = l;
	q->changed = true;
	return l;
}

static bool leads_to(const struct aws_sim *a, const struct aws_lb *lb, const struct aws_tg *g, const struct aws_listener *but)
{
	for (size_t i = 0; i < a->listeners_n; i++)
		if (a->listeners[i] != but && a->listeners[i]->lb == lb && aws_names(a->listeners[i], g) &&
		    aws_is_there(a, &a->listeners[i]->t))
			return true;
	return false;
}

/* Is there room for a target group that the balancer does not have yet? `moved` leads nowhere else from now on; or NULL. */
static void check_room(struct aws_ask *q, const struct aws_lb *lb, const struct aws_tg *g, const struct aws_listener *moved)
{
	const struct aws_sim *a = q->a;
	unsigned target_groups = 0;

	for (size_t i = 0; i < a->target_groups_n; i++)
		target_groups += a->target_groups[i] != g && leads_to(a, lb, a->target_groups[i], moved);
	if (target_groups >= a->tgs_max) {
		odds_came(q->a->odds, TALLY_AWS_TGS_FULL);
		aws_refuse(q, 400, "TooManyUniqueTargetGroupsPerLoadBalancer",
			   "The maximum number of unique target groups per load balancer has been reached");
	}
}

/* And for another listener (moved NULL)? */
static void check_limits(struct aws_ask *q, const struct aws_lb *lb, const struct aws_tg *g, const struct aws_listener *moved)
{
	const struct aws_sim *a = q->a;
	unsigned listeners = 0;

	for (size_t i = 0; i < a->listeners_n; i++)
		listeners += a->listeners[i] != moved && a->listeners[i]->lb == lb && aws_is_there(a, &a->listeners[i]->t);
	if (listeners >= a->listeners_max) {
		odds_came(q->a->odds, TALLY_AWS_LISTENERS_FULL);
		aws_refuse(q, 400, "TooManyListeners", "The maximum number of listeners has been reached");
		return;
	}
	check_room(q, lb, g, moved);
}

static bool is_behind_another(const struct aws_sim *a, const struct aws_tg *g, const struct aws_lb *lb)
{
	for (size_t i = 0; i < a->listeners_n; i++)
		if (aws_names(a->listeners[i], g) && a->listeners[i]->lb != lb && aws_is_there(a, &a->listeners[i]->t))
			return true;
	return false;
}

void aws_create_listener(struct aws_ask *q)
{
	struct aws_lb *lb = aws_lb_asked(q);
	struct aws_tg *g = aws_tg_asked(q, "DefaultActions.member.1.TargetGroupArn");
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
		aws_duplicate(q, "DuplicateListener");
		return;
	}
	if (l == NULL)
		check_limits(q, lb, g, NULL);
	if (q->code != NULL)
		return;
	if (l == NULL)
		l = new_listener(q, lb, g, port);
	xmlw_open(q->xml, "Listeners");
	write_listener(l, q->xml);
	xmlw_close(q->xml, "Listeners");
}

static struct aws_listener *listener_asked(struct aws_ask *q)
{
	struct aws_listener *l = aws_listener_of(q->a, form_sim_get(q->f, "ListenerArn"));

	if (l != NULL && aws_knows(q->a, &l->t))
		return l;
	aws_refuse(q, 400, "ListenerNotFound", "One or more listeners not found");
	return NULL;
}

/* The group of weight 0 comes beside the one that the listener leads to, which must stay. */
static void stand_beside(struct aws_ask *q, struct aws_listener *l)
{
	struct aws_tg *g = aws_tg_asked(q, WEIGHED "2.TargetGroupArn");

	if (q->code == NULL && is_behind_another(q->a, g, l->lb))
		aws_refuse(q, 400, "TargetGroupAssociationLimit", "The target group is behind another load balancer");
	if (q->code == NULL && (!str_eq(form_sim_get(q->f, WEIGHED "1.TargetGroupArn"), l->tg->t.id) ||
				form_sim_int(q->f, WEIGHED "1.Weight", 0) < 1 || form_sim_int(q->f, WEIGHED "2.Weight", 1) != 0))
		odds_broken(q->a->odds, "a listener is led to two groups");
	if (q->code == NULL && !leads_to(q->a, l->lb, g, NULL))
		check_room(q, l->lb, g, NULL);
	if (q->code != NULL || l->beside == g)
		return;
	check_health(q->a, g);
	l->beside = g;
	q->changed = true;
}

/* What is not named stays as it is. */
static void lead_elsewhere(struct aws_ask *q, struct aws_listener *l)
{
	struct aws_sim *a = q->a;
	struct aws_tg *g = aws_tg_asked(q, "DefaultActions.member.1.TargetGroupArn");

	if (q->code == NULL && is_behind_another(a, g, l->lb))
		aws_refuse(q, 400, "TargetGroupAssociationLimit", "The target group is behind another load balancer");
	if (q->code == NULL && l->tg != g)
		check_limits(q, l->lb, g, l);
	if (q->code != NULL || (l->tg == g && l->beside == NULL))
		return;
	if (l->tg != g)
		let_go(a, l->tg);
	if (l->beside != NULL && l->beside != g)
		let_go(a, l->beside);
	lead_to(a, l, g);
	l->beside = NULL;
	q->changed = true;
}

void aws_modify_listener(struct aws_ask *q)
{
	struct aws_listener *l = listener_asked(q);

	if (q->code == NULL && form_sim_get(q->f, WEIGHED "2.TargetGroupArn") != NULL)
		stand_beside(q, l);
	else if (q->code == NULL && form_sim_get(q->f, "DefaultActions.member.1.TargetGroupArn") != NULL)
		lead_elsewhere(q, l);
	if (q->code != NULL)
		return;
	xmlw_open(q->xml, "Listeners");
	write_listener(l, q->xml);
	xmlw_close(q->xml, "Listeners");
}

void aws_describe_listeners(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_lb *lb = aws_lb_of(a, form_sim_get(q->f, "LoadBalancerArn"));
	struct aws_page p = aws_page_start(q, "Marker", "PageSize");

	if (lb == NULL || !aws_is_there(a, &lb->t)) {
		aws_refuse(q, 400, "LoadBalancerNotFound", "One or more load balancers not found");
		return;
	}
	xmlw_open(q->xml, "Listeners");
	for (size_t i = p.at; i < a->listeners_n; i++) {
		if (a->listeners[i]->lb != lb || !aws_shows(a, &a->listeners[i]->t))
			continue;
		if (aws_page_misses(q, &p, &a->listeners[i]->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		write_listener(a->listeners[i], q->xml);
	}
	xmlw_close(q->xml, "Listeners");
	if (p.more)
		xmlw_text(q->xml, "NextMarker", "t%zu", p.at);
}

void aws_delete_listener(struct aws_ask *q)
{
	struct aws_listener *l = listener_asked(q);

	if (l == NULL)
		return;
	drop_listener(q->a, l);
	q->changed = true;
}
