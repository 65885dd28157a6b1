/* aws_sim_power.c - instances that stay: stopped, started, rebooted, of another type. */
#include "tests/sim/aws_sim_impl.h"

static struct aws_instance *asked(const struct aws_ask *q, unsigned n)
{
	const char *id = form_sim_get(q->f, "InstanceId.%u", n);

	return id != NULL ? aws_instance_of(q->a, id) : NULL;
}

/* In one of these states; else the whole call is refused. */
static void refuse_unless(struct aws_ask *q, const char *const *states)
{
	for (unsigned n = 1; q->code == NULL && asked(q, n) != NULL; n++) {
		const char *state = aws_state_of(q->a, asked(q, n));
		bool fits = false;

		for (const char *const *s = states; *s != NULL; s++)
			fits = fits || str_eq(state, *s);
		if (!fits)
			aws_refuse(q, 400, "IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s",
				   asked(q, n)->t.id, q->action);
	}
}

void aws_stop_instances(struct aws_ask *q)
{
	static const char *const states[] = { "running", "stopping", "stopped", NULL };
	struct aws_sim *a = q->a;

	aws_refuse_members(q);
	refuse_unless(q, states);
	for (unsigned n = 1; q->code == NULL && asked(q, n) != NULL; n++)
		if (asked(q, n)->is_stop_protected)
			aws_refuse(q, 400, "OperationNotPermitted", "The instance '%s' may not be stopped.", asked(q, n)->t.id);
	for (unsigned n = 1; q->code == NULL && asked(q, n) != NULL; n++) {
		struct aws_instance *i = asked(q, n);

		if (!aws_is_running(a, i))
			continue;
		i->turned_ms = i->stop_ms = aws_now(a);
		i->was = "running";
		i->stopped_ms = i->stop_ms + odds_between(a->odds, 5, 60) * 1000;
		q->changed = true;
	}
}

void aws_start_instances(struct aws_ask *q)
{
	static const char *const states[] = { "pending", "running", "stopped", NULL };
	struct aws_sim *a = q->a;

	aws_refuse_members(q);
	refuse_unless(q, states);
	if (q->code == NULL && odds_hit(a->odds, TALLY_AWS_CAPACITY))
		aws_refuse(q, 500, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity");
	for (unsigned n = 1; q->code == NULL && asked(q, n) != NULL; n++) {
		struct aws_instance *i = asked(q, n);

		if (!aws_is_stopped(a, i))
			continue;
		i->stop_ms = i->stopped_ms = 0;
		i->turned_ms = aws_now(a);
		i->was = "stopped";
		i->running_ms = aws_now(a) + odds_between(a->odds, a->least_up_s, a->most_up_s) * 1000;
		aws_check_from(a, i, i->running_ms);
		aws_node_born(a, i, i->running_ms);
		q->changed = true;
	}
}

void aws_reboot_instances(struct aws_ask *q)
{
	static const char *const states[] = { "running", NULL };

	aws_refuse_members(q);
	refuse_unless(q, states);
	for (unsigned n = 1; q->code == NULL && asked(q, n) != NULL; n++) {
		uint64_t down_ms = aws_now(q->a) + odds_between(q->a->odds, 5, 90) * 1000;

		asked(q, n)->reboots++;
		/* It begins a while later, and what it and its checks said before counts until it is asked again. */
		aws_check_from(q->a, asked(q, n), down_ms);
		aws_node_reboots(q->a, asked(q, n), down_ms);
		q->changed = true;
	}
}

/* Of all attributes the agent may change this one. */
void aws_modify_instance_attribute(struct aws_ask *q)
{
	const char *id = form_sim_get(q->f, "InstanceId"), *type = form_sim_get(q->f, "InstanceType.Value");
	struct aws_instance *i = aws_instance_of(q->a, id);

	if (type == NULL)
		odds_broken(q->a->odds, "another attribute of an instance is changed than its type");
	if (i == NULL || !aws_knows(q->a, &i->t))
		aws_refuse(q, 400, "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id);
	else if (!aws_is_ours(i))
		aws_refuse(q, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
	else if (!str_eq(aws_state_of(q->a, i), "stopped"))
		aws_refuse(q, 400, "IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", id);
	else if (!str_eq(i->type, type)) {
		snprintf(i->type, sizeof(i->type), "%s", type);
		q->changed = true;
	}
	xmlw_text(q->xml, "return", "true");
}
