/* aws_sim_status.c - status checks of instances (EC2 User Guide, "Status checks for Amazon EC2 instances"). */
#include "tests/sim/aws_sim_impl.h"

void aws_check_from(struct aws_sim *a, struct aws_instance *i, uint64_t from_ms)
{
	i->unchecked_ms = from_ms;
	i->checked_ms = from_ms + odds_between(a->odds, 20, 180) * 1000;
	i->check = odds_hit(a->odds, TALLY_AWS_NO_CHECK) ? "insufficient-data" : "initializing";
	i->is_system_check = odds_one_in(a->odds, 2);
	if (!odds_hit(a->odds, TALLY_AWS_IMPAIRED))
		return;
	i->check = "impaired";
	i->checked_ms = from_ms + odds_between(a->odds, 60, 1500) * 1000;
}

static const char *check_of(const struct aws_sim *a, const struct aws_instance *i, bool is_system)
{
	uint64_t now = aws_now(a);

	if (!str_eq(aws_state_of(a, i), "running"))
		return "not-applicable";
	if (now < i->unchecked_ms || now >= i->checked_ms || (str_eq(i->check, "impaired") && i->is_system_check != is_system))
		return "ok";
	return i->check;
}

static void write_check(struct aws_ask *q, const char *name, const char *check)
{
	xmlw_open(q->xml, name);
	xmlw_text(q->xml, "status", "%s", check);
	xmlw_close(q->xml, name);
}

/* One that is over is shown, too: it is before the other. */
static void write_notice(struct aws_ask *q, const struct aws_instance *i)
{
	if (i->notice == NULL)
		return;
	xmlw_open(q->xml, "eventsSet");
	for (unsigned n = 0; n < 2; n++) {
		xmlw_open(q->xml, "item");
		xmlw_text(q->xml, "code", "%s", n == 0 ? "instance-stop" : i->notice);
		xmlw_text(q->xml, "description", "%sThe instance is running on degraded hardware", n == 0 ? "[Completed] " : "");
		xmlw_text(q->xml, "notBefore", "2027-01-20T00:00:00.000Z");
		xmlw_close(q->xml, "item");
	}
	xmlw_close(q->xml, "eventsSet");
}

static void write_status(struct aws_ask *q, const struct aws_instance *i)
{
	xmlw_open(q->xml, "item");
	xmlw_text(q->xml, "instanceId", "%s", i->t.id);
	xmlw_open(q->xml, "instanceState");
	xmlw_text(q->xml, "name", "%s", aws_state_of(q->a, i));
	xmlw_close(q->xml, "instanceState");
	write_check(q, "systemStatus", check_of(q->a, i, true));
	write_check(q, "instanceStatus", check_of(q->a, i, false));
	write_notice(q, i);
	xmlw_close(q->xml, "item");
}

/* By ids alone, as the agent asks: one that is unknown, and nothing is told. */
void aws_describe_status(struct aws_ask *q)
{
	const char *id;

	for (unsigned n = 1; q->code == NULL && (id = form_sim_get(q->f, "InstanceId.%u", n)) != NULL; n++)
		if (aws_instance_of(q->a, id) == NULL || !aws_knows(q->a, &aws_instance_of(q->a, id)->t))
			aws_refuse(q, 400, "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id);
	if (form_sim_get(q->f, "InstanceId.1") == NULL)
		odds_broken(q->a->odds, "the status of every instance of the account is asked for");
	xmlw_open(q->xml, "instanceStatusSet");
	for (unsigned n = 1; q->code == NULL && (id = form_sim_get(q->f, "InstanceId.%u", n)) != NULL; n++)
		write_status(q, aws_instance_of(q->a, id));
	xmlw_close(q->xml, "instanceStatusSet");
}
