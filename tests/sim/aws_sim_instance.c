/* aws_sim_instance.c - instances: how they stand, what is told of them, how they end. */
#include "agent/base/stamp.h"
#include "tests/sim/aws_sim_impl.h"
#include "tests/sim/vendor_sim.h"

#define LAG_MS 20000      /* how long a state of before may be told */
#define LINGER_MS 3600000 /* how long a terminated instance is still described */

/* ---- how an instance stands, which is a question of time alone ---- */

static uint64_t ended_ms(const struct aws_instance *i)
{
	return i->stopping_ms != 0 ? i->stopping_ms : i->stillborn_ms;
}

const char *aws_state_of(const struct aws_sim *a, const struct aws_instance *i)
{
	uint64_t now = aws_now(a), ended = ended_ms(i);

	if (ended != 0 && now >= ended)
		return now >= i->terminated_ms ? "terminated" : "shutting-down";
	if (aws_is_stopped(a, i))
		return now >= i->stopped_ms ? "stopped" : "stopping";
	return now >= i->running_ms ? "running" : "pending";
}

static int state_code(const char *state)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = { { "pending", 0 }, { "running", 16 }, { "terminated", 48 }, { "stopping", 64 }, { "stopped", 80 } };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_eq(codes[i].name, state))
			return codes[i].code;
	return 32;
}

bool aws_is_alive(const struct aws_sim *a, const struct aws_instance *i)
{
	uint64_t ended = ended_ms(i);

	return aws_is_there(a, &i->t) && (ended == 0 || aws_now(a) < ended);
}

bool aws_is_stopped(const struct aws_sim *a, const struct aws_instance *i)
{
	return aws_is_alive(a, i) && i->stop_ms != 0 && aws_now(a) >= i->stop_ms;
}

bool aws_is_running(const struct aws_sim *a, const struct aws_instance *i)
{
	return aws_is_alive(a, i) && aws_now(a) >= i->running_ms && !aws_is_stopped(a, i);
}

void aws_end_instance(struct aws_sim *a, struct aws_instance *i, uint64_t at_ms)
{
	i->terminated_ms = at_ms + odds_between(a->odds, 2000, 40000);
	i->interface_ms = i->terminated_ms + odds_between(a->odds, 0, 20000);
	if (odds_hit(a->odds, TALLY_AWS_LINGERS))
		i->interface_ms += odds_between(a->odds, 60, 600) * 1000;
	i->t.gone_ms = i->terminated_ms + (odds_hit(a->odds, TALLY_AWS_VANISHED) ? 1000 : LINGER_MS);
}

/* ---- what is told ---- */

struct aws_instance *aws_instance_of(const struct aws_sim *a, const char *id)
{
	for (size_t i = 0; i < a->instances_n; i++)
		if (str_eq(a->instances[i]->t.id, id))
			return a->instances[i];
	return NULL;
}

static void write_reason(struct aws_sim *a, const struct aws_instance *i, struct buf *b)
{
	if (aws_is_alive(a, i) && !aws_is_stopped(a, i))
		return;
	xmlw_open(b, "stateReason");
	if (i->stillborn_ms != 0) {
		aws_write_death(i, b);
	} else {
		xmlw_text(b, "code", "Client.UserInitiatedShutdown");
		xmlw_text(b, "message", "Client.UserInitiatedShutdown: User initiated shutdown");
	}
	xmlw_close(b, "stateReason");
}

/* What is attached is told once it is, which takes about as long as the start, and stays attached while the node is stopped. */
static void write_volumes(const struct aws_sim *a, const struct aws_instance *i, struct buf *b)
{
	bool is_told = aws_is_running(a, i) || aws_is_stopped(a, i);

	xmlw_text(b, "rootDeviceName", AWS_IMAGE_ROOT);
	xmlw_open(b, "blockDeviceMapping");
	for (size_t n = 0; n < a->volumes_n && is_told; n++)
		if (aws_is_mapped(a, a->volumes[n], i))
			aws_write_mapping(a->volumes[n], b);
	xmlw_close(b, "blockDeviceMapping");
}

/* A copy that lags behind: EC2 Developer Guide, "Eventual consistency in the Amazon EC2 API". */
static const char *state_shown(struct aws_sim *a, const struct aws_instance *i)
{
	bool may_lag = i->was != NULL && aws_is_alive(a, i) && aws_now(a) < i->turned_ms + LAG_MS;

	return may_lag && odds_hit(a->odds, TALLY_AWS_STALE) ? i->was : aws_state_of(a, i);
}

void aws_write_instance(struct aws_sim *a, const struct aws_instance *i, struct buf *b)
{
	const char *state = state_shown(a, i);
	char address[16];
	char stamp[STAMP_RFC3339_LEN];

	xmlw_open(b, "item");
	xmlw_text(b, "instanceId", "%s", i->t.id);
	xmlw_text(b, "imageId", "%s", i->image);
	xmlw_open(b, "instanceState");
	xmlw_text(b, "code", "%d", state_code(state));
	xmlw_text(b, "name", "%s", state);
	xmlw_close(b, "instanceState");
	write_reason(a, i, b);
	xmlw_text(b, "instanceType", "%s", i->type);
	xmlw_text(b, "launchTime", "%s", stamp_rfc3339(aws_sim_wall_ms(a) - (int64_t)(aws_now(a) - i->t.made_ms), stamp));
	xmlw_text(b, "subnetId", "%s", i->subnet);
	xmlw_text(b, "vpcId", "%s", AWS_VPC);
	aws_node_address(a, i, address);
	xmlw_text(b, "privateIpAddress", "%s", address);
	xmlw_open(b, "placement");
	xmlw_text(b, "availabilityZone", "%s", aws_zone_of(i->subnet));
	xmlw_close(b, "placement");
	if (i->profile[0] != '\0') {
		xmlw_open(b, "iamInstanceProfile");
		xmlw_text(b, "arn", "arn:aws:iam::" AWS_ACCOUNT ":instance-profile/%s", i->profile);
		xmlw_text(b, "id", "AIPASIMULATED0000001");
		xmlw_close(b, "iamInstanceProfile");
	}
	xmlw_text(b, "clientToken", "%s", i->token);
	xmlw_open(b, "groupSet");
	for (size_t g = 0; g < i->groups_n; g++) {
		xmlw_open(b, "item");
		xmlw_text(b, "groupId", "%s", i->group_ids[g]);
		xmlw_close(b, "item");
	}
	xmlw_close(b, "groupSet");
	write_volumes(a, i, b);
	aws_write_tags(b, &i->t);
	xmlw_close(b, "item");
}

static bool in_a_group(const struct aws_ask *q, const struct aws_instance *i, unsigned filter)
{
	for (size_t g = 0; g < i->groups_n; g++)
		if (aws_filter_has(q, filter, i->group_ids[g]))
			return true;
	return false;
}

static enum aws_fits fits(struct aws_ask *q, const void *thing, const char *name, unsigned filter)
{
	const struct aws_instance *i = thing;

	if (str_eq(name, "instance-id"))
		return aws_filter_has(q, filter, i->t.id);
	if (str_eq(name, "instance-state-name"))
		return aws_filter_has(q, filter, aws_state_of(q->a, i));
	if (str_eq(name, "client-token"))
		return aws_filter_has(q, filter, i->token);
	if (str_eq(name, "subnet-id"))
		return aws_filter_has(q, filter, i->subnet);
	if (str_eq(name, "vpc-id"))
		return aws_filter_has(q, filter, AWS_VPC);
	if (str_eq(name, "instance.group-id") || str_eq(name, "network-interface.group-id"))
		return in_a_group(q, i, filter);
	return AWS_NO_FILTER;
}

void aws_describe_instances(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "NextToken", "MaxResults");

	xmlw_open(q->xml, "reservationSet");
	for (size_t i = p.at; i < a->instances_n; i++) {
		struct aws_instance *in = a->instances[i];

		if (!aws_passes(q, &in->t, fits, in) || !aws_shows(a, &in->t))
			continue;
		if (aws_page_misses(q, &p, &in->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		xmlw_open(q->xml, "item");
		xmlw_text(q->xml, "reservationId", "r-%llx", (unsigned long long)in->reservation);
		xmlw_open(q->xml, "instancesSet");
		aws_write_instance(a, in, q->xml);
		xmlw_close(q->xml, "instancesSet");
		xmlw_close(q->xml, "item");
	}
	xmlw_close(q->xml, "reservationSet");
	if (p.more)
		xmlw_text(q->xml, "nextToken", "t%zu", p.at);
}

static void write_value(struct aws_ask *q, const char *attribute, const char *value)
{
	xmlw_open(q->xml, attribute);
	if (value != NULL)
		xmlw_text(q->xml, "value", "%s", value);
	xmlw_close(q->xml, attribute);
}

void aws_describe_instance_attribute(struct aws_ask *q)
{
	const char *id = form_sim_get(q->f, "InstanceId"), *attribute = form_sim_get(q->f, "Attribute");
	const struct aws_instance *i = aws_instance_of(q->a, id);

	if (i == NULL || !aws_knows(q->a, &i->t)) {
		aws_refuse(q, 400, "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id);
		return;
	}
	xmlw_text(q->xml, "instanceId", "%s", id);
	if (str_eq(attribute, "disableApiTermination"))
		write_value(q, attribute, i->is_protected ? "true" : "false");
	else if (str_eq(attribute, "disableApiStop"))
		write_value(q, attribute, i->is_stop_protected ? "true" : "false");
	else if (str_eq(attribute, "userData"))
		write_value(q, attribute, i->user_data);
	else
		aws_refuse(q, 400, "InvalidParameterValue", "Value (%s) for parameter attribute is invalid.", attribute);
}

/* The n-th of the request, or NULL: there is no such one. */
static struct aws_instance *asked(const struct aws_ask *q, unsigned n)
{
	struct aws_instance *i = aws_instance_of(q->a, form_sim_get(q->f, "InstanceId.%u", n));

	return i != NULL && aws_knows(q->a, &i->t) ? i : NULL;
}

/* One that is not there: nothing is done of all. */
static void refuse_unknown(struct aws_ask *q)
{
	CLEANUP(buf_close) struct buf ids = BUF_MAX(4096);
	unsigned unknown = 0, n = 1;

	for (; form_sim_get(q->f, "InstanceId.%u", n) != NULL; n++)
		if (asked(q, n) == NULL)
			buf_addf(&ids, "%s%s", unknown++ == 0 ? "" : ", ", form_sim_get(q->f, "InstanceId.%u", n));
	if (unknown == 0)
		return;
	if (unknown < n - 1)
		odds_came(q->a->odds, TALLY_AWS_BAD_MEMBER);
	aws_refuse(q, 400, "InvalidInstanceID.NotFound", "The instance ID%s '%s' do%s not exist", unknown == 1 ? "" : "s",
		   buf_str(&ids), unknown == 1 ? "es" : "");
}

/* The role may end what carries our tags; one without them and the call is denied as a whole. */
static void refuse_taken(struct aws_ask *q)
{
	unsigned taken = 0, n = 1;

	for (; q->code == NULL && form_sim_get(q->f, "InstanceId.%u", n) != NULL; n++) {
		if (asked(q, n)->foreign)
			odds_broken(q->a->odds, "%s of an instance of somebody else", q->action);
		taken += !str_eq(aws_tag_of(&asked(q, n)->t, "reeve:installation"), VENDOR_INSTALLATION);
	}
	if (taken == 0)
		return;
	if (taken < n - 1)
		odds_came(q->a->odds, TALLY_AWS_BAD_MEMBER);
	aws_refuse(q, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
}

bool aws_is_ours(const struct aws_instance *i)
{
	return str_eq(aws_tag_of(&i->t, "reeve:installation"), VENDOR_INSTALLATION);
}

void aws_refuse_members(struct aws_ask *q)
{
	refuse_unknown(q);
	refuse_taken(q);
}

/* One that is protected keeps all of its zone alive (EC2 API reference, TerminateInstances). */
static const struct aws_instance *protector_of(const struct aws_ask *q, const struct aws_instance *i)
{
	for (unsigned n = 1; form_sim_get(q->f, "InstanceId.%u", n) != NULL; n++) {
		const struct aws_instance *other = asked(q, n);

		if (other->is_protected && aws_is_alive(q->a, other) && str_eq(aws_zone_of(other->subnet), aws_zone_of(i->subnet)))
			return other;
	}
	return NULL;
}

static void terminate(struct aws_ask *q, struct aws_instance *i)
{
	struct aws_sim *a = q->a;

	if (aws_is_alive(a, i)) {
		q->changed = true;
		i->stopping_ms = aws_now(a);
		i->stillborn_ms = 0;
		aws_end_instance(a, i, i->stopping_ms);
	}
	xmlw_open(q->xml, "item");
	xmlw_text(q->xml, "instanceId", "%s", i->t.id);
	xmlw_close(q->xml, "item");
}

/* The zones without a protected one are done, and the call is refused for the others. */
void aws_terminate_instances(struct aws_ask *q)
{
	const struct aws_instance *held_by[64] = { NULL };
	unsigned n = 1;

	aws_refuse_members(q);
	if (q->code != NULL)
		return;
	xmlw_open(q->xml, "instancesSet");
	for (; form_sim_get(q->f, "InstanceId.%u", n) != NULL && n < ARRAY_LEN(held_by); n++)
		held_by[n] = protector_of(q, asked(q, n));
	for (unsigned k = 1; k < n; k++)
		if (held_by[k] == NULL)
			terminate(q, asked(q, k));
	xmlw_close(q->xml, "instancesSet");
	for (unsigned k = 1; k < n && q->code == NULL; k++)
		if (held_by[k] != NULL) {
			odds_came(q->a->odds, TALLY_AWS_PROTECTED);
			if (q->changed)
				odds_came(q->a->odds, TALLY_AWS_PART_DONE);
			aws_refuse(q, 400, "OperationNotPermitted",
				   "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute "
				   "and try again.",
				   held_by[k]->t.id);
		}
}
