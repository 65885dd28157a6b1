/* aws_sim_target.c - target groups and their targets. */
#include "tests/sim/aws_sim_impl.h"

#define SICK_LAST_MS 60000 /* in the last minute of an illness no connection is left to drain */

/* ---- target groups ---- */

static void write_tg(const struct aws_sim *a, const struct aws_tg *g, struct buf *b)
{
	xmlw_open(b, "member");
	xmlw_text(b, "TargetGroupArn", "%s", g->t.id);
	xmlw_text(b, "TargetGroupName", "%s", g->t.name);
	xmlw_text(b, "Protocol", "%s", g->protocol);
	xmlw_text(b, "Port", "%u", g->port);
	xmlw_text(b, "VpcId", "%s", AWS_VPC);
	xmlw_text(b, "HealthCheckProtocol", "TCP");
	xmlw_text(b, "HealthCheckPort", "traffic-port");
	xmlw_text(b, "HealthCheckEnabled", "true");
	xmlw_text(b, "TargetType", "instance");
	xmlw_text(b, "IpAddressType", "ipv4");
	xmlw_open(b, "LoadBalancerArns");
	for (size_t i = 0; i < a->listeners_n; i++)
		if (aws_names(a->listeners[i], g) && aws_is_there(a, &a->listeners[i]->t))
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
	for (size_t i = 0; i < a->target_groups_n; i++)
		if (str_eq(a->target_groups[i]->t.name, name) && aws_is_there(a, &a->target_groups[i]->t))
			return a->target_groups[i];
	return NULL;
}

void aws_create_tg(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *name = form_sim_get(q->f, "Name"), *protocol = form_sim_get(q->f, "Protocol");
	unsigned port = (unsigned)form_sim_int(q->f, "Port", 0);
	struct aws_tg *g = tg_by_name(a, name);

	if (g != NULL && (g->port != port || !str_eq(g->protocol, protocol) || !aws_same_tags(&g->t, q->f))) {
		aws_duplicate(q, "DuplicateTargetGroupName");
		return;
	}
	if (g == NULL) {
		char prefix[128];

		snprintf(prefix, sizeof(prefix), AWS_ELB_ARN "targetgroup/%s/", name);
		g = mem_new(struct aws_tg);
		aws_thing_init(a, &g->t, prefix, aws_command_of(q));
		aws_thing_tags(&g->t, q->f, "Tags.member.");
		snprintf(g->t.name, sizeof(g->t.name), "%s", name);
		snprintf(g->protocol, sizeof(g->protocol), "%s", protocol);
		g->port = port;
		g->delay_s = odds_hit(a->odds, TALLY_AWS_DELAY) ? (unsigned)odds_between(a->odds, 0, 900) : a->delay_s;
		a->target_groups = mem_grow(a->target_groups, a->target_groups_n + 1, sizeof(*a->target_groups));
		a->target_groups[a->target_groups_n++] = g;
		q->changed = true;
	}
	write_one_tg(q, g);
}

void aws_describe_tgs(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "Marker", "PageSize");
	size_t n = 0;

	xmlw_open(q->xml, "TargetGroups");
	for (size_t i = p.at; i < a->target_groups_n; i++) {
		if (!aws_is_named(q, "TargetGroupArns", &a->target_groups[i]->t) || !aws_shows(a, &a->target_groups[i]->t))
			continue;
		n++;
		if (aws_page_misses(q, &p, &a->target_groups[i]->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		write_tg(a, a->target_groups[i], q->xml);
	}
	xmlw_close(q->xml, "TargetGroups");
	if (p.more)
		xmlw_text(q->xml, "NextMarker", "t%zu", p.at);
	aws_none_found(q, "TargetGroupArns", n, "TargetGroupNotFound", "target groups");
}

void aws_describe_tg_attributes(struct aws_ask *q)
{
	const struct aws_tg *g = aws_tg_asked(q, "TargetGroupArn");

	if (g == NULL)
		return;
	xmlw_open(q->xml, "Attributes");
	aws_write_attribute(q->xml, "deregistration_delay.timeout_seconds", "%u", g->delay_s);
	aws_write_attribute(q->xml, "deregistration_delay.connection_termination.enabled", "false");
	aws_write_attribute(q->xml, "stickiness.enabled", "false");
	xmlw_close(q->xml, "Attributes");
}

void aws_delete_tg(struct aws_ask *q)
{
	struct aws_tg *g = aws_tg_of(q->a, form_sim_get(q->f, "TargetGroupArn"));

	if (g == NULL || !aws_is_there(q->a, &g->t))
		return; /* deleting what is not there is a success */
	if (!aws_knows(q->a, &g->t)) {
		aws_refuse(q, 400, "TargetGroupNotFound", "One or more target groups not found");
	} else if (aws_tg_is_used(q->a, g) || aws_now(q->a) < g->in_use_ms) {
		odds_came(q->a->odds, TALLY_AWS_IN_USE);
		aws_refuse(q, 400, "ResourceInUse", "Target group is currently in use by a listener or a rule");
	} else {
		g->t.gone_ms = aws_now(q->a);
		q->changed = true;
	}
}

/* ---- targets ---- */

static struct aws_target *target_of(struct aws_tg *g, const char *id)
{
	for (size_t i = 0; i < g->targets_n; i++)
		if (str_eq(g->targets[i].id, id))
			return &g->targets[i];
	return NULL;
}

/* One that does not run: nothing is done of all, and the bad ones are named. */
static void refuse_bad(struct aws_ask *q)
{
	CLEANUP(buf_close) struct buf ids = BUF_MAX(4096);
	unsigned bad = 0, n = 1;
	const char *id;

	for (; (id = form_sim_get(q->f, "Targets.member.%u.Id", n)) != NULL; n++) {
		const struct aws_instance *i = aws_instance_of(q->a, id);

		if (i == NULL || !aws_knows(q->a, &i->t) || !aws_is_running(q->a, i))
			buf_addf(&ids, "%s'%s'", bad++ == 0 ? "" : ", ", id);
	}
	if (bad > 0 && bad < n - 1)
		odds_came(q->a->odds, TALLY_AWS_BAD_MEMBER);
	if (bad > 0)
		aws_refuse(q, 400, "InvalidTarget", "The following targets are not in a running state and cannot be registered: %s",
			   buf_str(&ids));
}

void aws_register_targets(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_tg *g = aws_tg_asked(q, "TargetGroupArn");
	const char *id;

	if (g != NULL)
		refuse_bad(q);
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

struct health {
	const char *state, *reason, *text; /* state NULL: it is not registered */
};

/* A terminated instance leaves its groups by itself. */
static struct health health_of(const struct aws_sim *a, const struct aws_tg *g, const struct aws_target *t)
{
	const struct aws_instance *i = aws_instance_of(a, t->id);
	const char *state = i != NULL ? aws_state_of(a, i) : "terminated";

	if (t->draining_ms != 0 && aws_now(a) < t->gone_ms)
		return (struct health){ "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress" };
	if (t->draining_ms != 0 || i == NULL || (i->terminated_ms != 0 && aws_now(a) > i->terminated_ms + 5000))
		return (struct health){ NULL, NULL, NULL };
	if (!aws_tg_is_used(a, g))
		return (struct health){ "unused", "Target.NotInUse",
					"Target group is not configured to receive traffic from the load balancer" };
	if (str_eq(state, "stopping") || str_eq(state, "stopped"))
		return (struct health){ "unused", "Target.InvalidState", "Target is in the stopped state" };
	if (!aws_is_running(a, i))
		return (struct health){ "unhealthy", "Target.FailedHealthChecks", "Health checks failed" };
	if (aws_now(a) + SICK_LAST_MS < t->sick_ms)
		return (struct health){ "unhealthy.draining", "Target.FailedHealthChecks", "Health checks failed" };
	if (aws_now(a) < t->sick_ms)
		return (struct health){ "unhealthy", "Target.FailedHealthChecks", "Health checks failed" };
	if (aws_now(a) >= t->healthy_ms)
		return (struct health){ "healthy", NULL, NULL };
	if (aws_now(a) < t->since_ms + 3000)
		return (struct health){ "initial", "Elb.RegistrationInProgress", "Target registration is in progress" };
	return (struct health){ "initial", "Elb.InitialHealthChecking", "Initial health checks in progress" };
}

bool aws_serves(const struct aws_sim *a, const struct aws_tg *g, const struct aws_target *t)
{
	return str_eq(health_of(a, g, t).state, "healthy");
}

/* "The specified target does not exist" (ELB API reference, DeregisterTargets) */
static bool is_no_target(const struct aws_sim *a, const char *id)
{
	const struct aws_instance *i = aws_instance_of(a, id);

	return i == NULL || !aws_is_alive(a, i);
}

void aws_deregister_targets(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_tg *g = aws_tg_asked(q, "TargetGroupArn");
	const char *id;

	for (unsigned n = 1; g != NULL && (id = form_sim_get(q->f, "Targets.member.%u.Id", n)) != NULL; n++)
		if (is_no_target(a, id) && odds_hit(a->odds, TALLY_AWS_BAD_TARGET))
			aws_refuse(q, 400, "InvalidTarget", "The following targets do not exist: '%s'", id);
	for (unsigned n = 1; q->code == NULL && (id = form_sim_get(q->f, "Targets.member.%u.Id", n)) != NULL; n++) {
		struct aws_target *t = target_of(g, id);

		if (t == NULL || t->draining_ms != 0)
			continue;
		t->draining_ms = aws_now(a);
		t->gone_ms = aws_now(a) + g->delay_s * 1000ull;
		q->changed = true;
	}
}

/* What is healthy may fall ill as it is looked at, or nobody knows how it is. */
static struct health looked_at(struct aws_sim *a, const struct aws_tg *g, struct aws_target *t)
{
	struct health h = health_of(a, g, t);

	if (!str_eq(h.state, "healthy"))
		return h;
	if (odds_hit(a->odds, TALLY_AWS_UNAVAILABLE))
		return (struct health){ "unavailable", "Elb.InternalError",
					"Target health is unavailable due to an internal error" };
	if (odds_hit(a->odds, TALLY_AWS_UNHEALTHY))
		t->sick_ms = aws_now(a) + odds_between(a->odds, 10000, 2 * SICK_LAST_MS);
	return health_of(a, g, t);
}

static void write_health(struct buf *b, const char *id, unsigned port, struct health h)
{
	xmlw_open(b, "member");
	xmlw_open(b, "Target");
	xmlw_text(b, "Id", "%s", id);
	xmlw_text(b, "Port", "%u", port);
	xmlw_close(b, "Target");
	xmlw_open(b, "TargetHealth");
	xmlw_text(b, "State", "%s", h.state);
	if (h.reason != NULL) {
		xmlw_text(b, "Reason", "%s", h.reason);
		xmlw_text(b, "Description", "%s", h.text);
	}
	xmlw_close(b, "TargetHealth");
	xmlw_close(b, "member");
}

/* One that is asked for by its id and is not registered is told, too. */
static void write_asked(struct aws_ask *q, struct aws_tg *g)
{
	static const struct health none = { "unused", "Target.NotRegistered", "Target is not registered to the target group" };
	const char *id;

	for (unsigned n = 1; (id = form_sim_get(q->f, "Targets.member.%u.Id", n)) != NULL; n++) {
		struct aws_target *t = target_of(g, id);
		struct health h = t != NULL ? looked_at(q->a, g, t) : none;

		write_health(q->xml, id, g->port, h.state != NULL ? h : none);
	}
}

void aws_describe_health(struct aws_ask *q)
{
	struct aws_tg *g = aws_tg_asked(q, "TargetGroupArn");
	bool all = form_sim_get(q->f, "Targets.member.1.Id") == NULL;

	if (g == NULL)
		return;
	xmlw_open(q->xml, "TargetHealthDescriptions");
	for (size_t i = 0; all && i < g->targets_n; i++) {
		struct health h = looked_at(q->a, g, &g->targets[i]);

		if (h.state != NULL)
			write_health(q->xml, g->targets[i].id, g->port, h);
	}
	write_asked(q, g);
	xmlw_close(q->xml, "TargetHealthDescriptions");
}
