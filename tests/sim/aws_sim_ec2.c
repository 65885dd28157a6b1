/* aws_sim_ec2.c - instances; the table of all that EC2 is asked. */
#include "agent/base/stamp.h"
#include "tests/sim/aws_sim_impl.h"

#define LINGER_MS 3600000 /* how long a terminated instance is still described */

/* ---- how an instance stands, which is a question of time alone ---- */

static uint64_t ended_ms(const struct aws_instance *i)
{
	return i->stopping_ms != 0 ? i->stopping_ms : i->stillborn_ms;
}

static const char *state_of(const struct aws_sim *a, const struct aws_instance *i)
{
	uint64_t now = aws_now(a), ended = ended_ms(i);

	if (ended != 0 && now >= ended)
		return now >= i->terminated_ms ? "terminated" : "shutting-down";
	return now >= i->running_ms ? "running" : "pending";
}

static int state_code(const char *state)
{
	return str_eq(state, "pending") ? 0 : str_eq(state, "running") ? 16 : str_eq(state, "terminated") ? 48 : 32;
}

bool aws_is_alive(const struct aws_sim *a, const struct aws_instance *i)
{
	uint64_t ended = ended_ms(i);

	return aws_is_there(a, &i->t) && (ended == 0 || aws_now(a) < ended);
}

bool aws_is_running(const struct aws_sim *a, const struct aws_instance *i)
{
	return aws_is_alive(a, i) && aws_now(a) >= i->running_ms;
}

static void end_instance(struct aws_sim *a, struct aws_instance *i, uint64_t at_ms)
{
	i->terminated_ms = at_ms + odds_between(a->odds, 2000, 40000);
	i->interface_ms = i->terminated_ms + odds_between(a->odds, 0, 20000);
	i->t.gone_ms = i->terminated_ms + LINGER_MS;
}

/* ---- filters ---- */

static bool value_fits(const struct aws_ask *q, unsigned filter, const char *have)
{
	for (unsigned v = 1; have != NULL; v++) {
		const char *want = form_sim_get(q->f, "Filter.%u.Value.%u", filter, v);

		if (want == NULL)
			return false;
		if (str_eq(want, have))
			return true;
	}
	return false;
}

bool aws_passes(struct aws_ask *q, const struct aws_thing *t)
{
	for (unsigned n = 1;; n++) {
		const char *name = form_sim_get(q->f, "Filter.%u.Name", n);

		if (name == NULL || q->a->ignores_filters)
			return true;
		if (str_starts(name, "tag:")) {
			if (!value_fits(q, n, aws_tag_of(t, name + 4)))
				return false;
		} else if (str_eq(name, "instance-id") || str_eq(name, "group-id")) {
			if (!value_fits(q, n, t->id))
				return false;
		} else {
			aws_refuse(q, 400, "InvalidParameterValue", "The filter '%s' is invalid", name);
			return false;
		}
	}
}

void aws_write_tags(struct buf *b, const struct aws_thing *t)
{
	xmlw_open(b, "tagSet");
	for (size_t i = 0; i < t->tags_n; i++) {
		xmlw_open(b, "item");
		xmlw_text(b, "key", "%s", t->tags[i].key);
		xmlw_text(b, "value", "%s", t->tags[i].value);
		xmlw_close(b, "item");
	}
	xmlw_close(b, "tagSet");
}

/* ---- instances ---- */

static struct aws_instance *instance_of(const struct aws_sim *a, const char *id)
{
	for (size_t i = 0; i < a->instances_n; i++)
		if (str_eq(a->instances[i]->t.id, id))
			return a->instances[i];
	return NULL;
}

static void write_reason(struct aws_sim *a, const struct aws_instance *i, struct buf *b)
{
	if (aws_is_alive(a, i))
		return;
	xmlw_open(b, "stateReason");
	xmlw_text(b, "code", "%s", i->stillborn_ms != 0 ? "Server.InternalError" : "Client.UserInitiatedShutdown");
	xmlw_text(b, "message", "%s", i->stillborn_ms != 0 ? "Internal error on launch" : "User initiated shutdown");
	xmlw_close(b, "stateReason");
}

static void write_volume(const struct aws_instance *i, const char *device, unsigned number, struct buf *b)
{
	xmlw_open(b, "item");
	xmlw_text(b, "deviceName", "%s", device);
	xmlw_open(b, "ebs");
	xmlw_text(b, "volumeId", "vol-%s-%u", i->t.id, number);
	xmlw_text(b, "status", "attached");
	xmlw_text(b, "deleteOnTermination", "true");
	xmlw_close(b, "ebs");
	xmlw_close(b, "item");
}

/* What is attached is told once it is, which takes about as long as the start. */
static void write_volumes(const struct aws_sim *a, const struct aws_instance *i, struct buf *b)
{
	char device[] = "/dev/sdf";

	xmlw_text(b, "rootDeviceName", AWS_IMAGE_ROOT);
	xmlw_open(b, "blockDeviceMapping");
	if (aws_is_running(a, i)) {
		write_volume(i, AWS_IMAGE_ROOT, 0, b);
		for (unsigned n = 1; n <= i->volumes; n++, device[7]++)
			write_volume(i, device, n, b);
	}
	xmlw_close(b, "blockDeviceMapping");
}

static void write_instance(struct aws_sim *a, const struct aws_instance *i, struct buf *b)
{
	const char *state = state_of(a, i);
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

/* The customer's own policy says ec2:Encrypted of every volume, so of the root too, whatever its snapshot is. */
static void check_volumes(struct aws_ask *q)
{
	const struct form_sim *f = q->f;
	const char *device;
	bool root = false;

	for (unsigned n = 1; (device = form_sim_get(f, "BlockDeviceMapping.%u.DeviceName", n)) != NULL; n++) {
		root = root || str_eq(device, AWS_IMAGE_ROOT);
		if (!str_eq(form_sim_get(f, "BlockDeviceMapping.%u.Ebs.Encrypted", n), "true"))
			odds_broken(q->a->odds, "a volume that is not encrypted");
	}
	if (!root)
		odds_broken(q->a->odds, "a root volume that nobody says is encrypted");
}

/* What the customer's security team would not forgive. */
static void check_launch(struct aws_ask *q)
{
	const struct form_sim *f = q->f;

	if (!str_eq(form_sim_get(f, "MetadataOptions.HttpTokens"), "required"))
		odds_broken(q->a->odds, "a node that allows IMDSv1");
	if (!str_eq(form_sim_get(f, "NetworkInterface.1.AssociatePublicIpAddress"), "false"))
		odds_broken(q->a->odds, "a node with a public address");
	check_volumes(q);
	for (unsigned n = 1; form_sim_get(f, "NetworkInterface.1.SecurityGroupId.%u", n) != NULL; n++) {
		const struct aws_group *g = aws_group_of(q->a, form_sim_get(f, "NetworkInterface.1.SecurityGroupId.%u", n));

		if (g == NULL || !aws_knows(q->a, &g->t))
			aws_refuse(q, 400, "InvalidGroup.NotFound", "The security group does not exist");
		else if (aws_is_open(g) && !q->a->wide_is_fine)
			odds_broken(q->a->odds, "an instance in a group from which everything may leave");
	}
	if (!str_eq(form_sim_get(f, "ImageId"), AWS_IMAGE))
		aws_refuse(q, 400, "InvalidAMIID.NotFound", "The image id does not exist");
	if (!str_starts(form_sim_get(f, "NetworkInterface.1.SubnetId"), "subnet-000"))
		aws_refuse(q, 400, "InvalidSubnetID.NotFound", "The subnet does not exist");
}

static unsigned alive(const struct aws_sim *a)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->instances_n; i++)
		n += !a->instances[i]->foreign && aws_is_alive(a, a->instances[i]);
	return n;
}

/* How many there is room for; 0 and a refusal when fewer than MinCount. */
static unsigned room_for(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	unsigned min = (unsigned)form_sim_int(q->f, "MinCount", 1), max = (unsigned)form_sim_int(q->f, "MaxCount", 1);
	unsigned have = alive(a), room = a->capacity > have ? a->capacity - have : 0;

	if (odds_hit(a->odds, TALLY_AWS_CAPACITY))
		room = min - 1;
	if (room >= max)
		return max;
	if (room >= min) {
		tally(TALLY_AWS_SHORT);
		return room;
	}
	tally(TALLY_AWS_CAPACITY);
	aws_refuse(q, 500, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity");
	return 0;
}

static void time_of_birth(struct aws_sim *a, struct aws_instance *i)
{
	i->running_ms = aws_now(a) + odds_between(a->odds, a->least_up_s, a->most_up_s) * 1000;
	if (!odds_hit(a->odds, TALLY_AWS_STILLBORN))
		return;
	i->stillborn_ms = odds_between(a->odds, aws_now(a) + 1000, i->running_ms);
	end_instance(a, i, i->stillborn_ms);
}

static struct aws_instance *launch_one(struct aws_ask *q, uint64_t reservation)
{
	struct aws_sim *a = q->a;
	struct aws_instance *i = mem_new(struct aws_instance);

	aws_thing_init(a, &i->t, "i-", aws_command_of(q));
	for (unsigned n = 1; form_sim_get(q->f, "TagSpecification.%u.ResourceType", n) != NULL; n++)
		if (str_eq(form_sim_get(q->f, "TagSpecification.%u.ResourceType", n), "instance")) {
			char prefix[64];

			snprintf(prefix, sizeof(prefix), "TagSpecification.%u.Tag.", n);
			aws_thing_tags(&i->t, q->f, prefix);
		}
	snprintf(i->type, sizeof(i->type), "%s", form_sim_get(q->f, "InstanceType"));
	snprintf(i->image, sizeof(i->image), "%s", form_sim_get(q->f, "ImageId"));
	snprintf(i->subnet, sizeof(i->subnet), "%s", form_sim_get(q->f, "NetworkInterface.1.SubnetId"));
	snprintf(i->token, sizeof(i->token), "%s", form_sim_get(q->f, "ClientToken"));
	for (unsigned n = 1; n <= ARRAY_LEN(i->group_ids); n++) {
		const char *id = form_sim_get(q->f, "NetworkInterface.1.SecurityGroupId.%u", n);

		if (id != NULL)
			snprintf(i->group_ids[i->groups_n++], sizeof(i->group_ids[0]), "%s", id);
	}
	while (str_eq(form_sim_get(q->f, "BlockDeviceMapping.%u.Ebs.DeleteOnTermination", i->volumes + 2), "true"))
		i->volumes++;
	i->reservation = reservation;
	time_of_birth(a, i);
	a->instances = mem_grow(a->instances, a->instances_n + 1, sizeof(*a->instances));
	a->instances[a->instances_n++] = i;
	return i;
}

static struct aws_launch *launch_by_token(struct aws_sim *a, const char *token)
{
	for (size_t i = 0; i < a->launches_n; i++)
		if (str_eq(a->launches[i].token, token))
			return &a->launches[i];
	return NULL;
}

/* Same token, same question: what was launched then. IdempotentInstanceTerminated when all of it is gone. */
static void launched_before(struct aws_ask *q, const struct aws_launch *l)
{
	struct aws_sim *a = q->a;
	bool some = false;

	tally(TALLY_AWS_TOKEN_AGAIN);
	if (!digest_eq(&l->asked, &q->form_digest)) {
		aws_refuse(q, 400, "IdempotentParameterMismatch", "The request uses the same client token as a previous one");
		return;
	}
	for (size_t i = l->first; i < l->first + l->n; i++)
		some = some || aws_is_alive(a, a->instances[i]);
	if (!some) {
		aws_refuse(q, 400, "IdempotentInstanceTerminated", "The instances of this token are terminated");
		return;
	}
	xmlw_open(q->xml, "instancesSet");
	for (size_t i = l->first; i < l->first + l->n; i++)
		write_instance(a, a->instances[i], q->xml);
	xmlw_close(q->xml, "instancesSet");
}

static void run_instances(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *token = form_sim_get(q->f, "ClientToken");
	const struct aws_launch *before = token != NULL ? launch_by_token(a, token) : NULL;
	struct aws_launch l = { .asked = q->form_digest, .first = a->instances_n };
	uint64_t reservation = ++a->next_id;

	if (token == NULL || strlen(token) > 64)
		odds_broken(a->odds, "RunInstances without a ClientToken");
	if (before != NULL) {
		launched_before(q, before);
		return;
	}
	check_launch(q);
	l.n = q->code == NULL ? room_for(q) : 0;
	if (q->code != NULL)
		return;
	snprintf(l.token, sizeof(l.token), "%s", token);
	xmlw_text(q->xml, "reservationId", "r-%llx", (unsigned long long)reservation);
	xmlw_open(q->xml, "instancesSet");
	for (size_t i = 0; i < l.n; i++)
		write_instance(a, launch_one(q, reservation), q->xml);
	xmlw_close(q->xml, "instancesSet");
	a->launches = mem_grow(a->launches, a->launches_n + 1, sizeof(*a->launches));
	a->launches[a->launches_n++] = l;
	q->changed = true;
}

static void describe_instances(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "NextToken", "MaxResults");

	xmlw_open(q->xml, "reservationSet");
	for (size_t i = p.at; i < a->instances_n; i++) {
		struct aws_instance *in = a->instances[i];

		if (!aws_passes(q, &in->t) || !aws_shows(a, &in->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		xmlw_open(q->xml, "item");
		xmlw_text(q->xml, "reservationId", "r-%llx", (unsigned long long)in->reservation);
		xmlw_open(q->xml, "instancesSet");
		write_instance(a, in, q->xml);
		xmlw_close(q->xml, "instancesSet");
		xmlw_close(q->xml, "item");
	}
	xmlw_close(q->xml, "reservationSet");
	if (p.more)
		xmlw_text(q->xml, "nextToken", "t%zu", p.at);
}

static void terminate_instances(struct aws_ask *q)
{
	struct aws_sim *a = q->a;

	for (unsigned n = 1; form_sim_get(q->f, "InstanceId.%u", n) != NULL; n++) {
		const struct aws_instance *i = instance_of(a, form_sim_get(q->f, "InstanceId.%u", n));

		if (i == NULL || !aws_knows(a, &i->t))
			aws_refuse(q, 400, "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist",
				   form_sim_get(q->f, "InstanceId.%u", n));
	}
	if (q->code != NULL)
		return;
	xmlw_open(q->xml, "instancesSet");
	for (unsigned n = 1; form_sim_get(q->f, "InstanceId.%u", n) != NULL; n++) {
		struct aws_instance *i = instance_of(a, form_sim_get(q->f, "InstanceId.%u", n));

		if (i->foreign)
			odds_broken(a->odds, "an instance of somebody else is terminated");
		if (aws_is_alive(a, i)) {
			q->changed = true;
			i->stopping_ms = aws_now(a);
			i->stillborn_ms = 0;
			end_instance(a, i, i->stopping_ms);
		}
		xmlw_open(q->xml, "item");
		xmlw_text(q->xml, "instanceId", "%s", i->t.id);
		xmlw_close(q->xml, "item");
	}
	xmlw_close(q->xml, "instancesSet");
}

/* ---- things of somebody else ---- */

static void add_tag(struct aws_thing *t, const char *key, const char *value)
{
	t->tags = mem_grow(t->tags, t->tags_n + 1, sizeof(*t->tags));
	t->tags[t->tags_n++] = (struct aws_tag){ mem_str(key), mem_str(value) };
}

/* An instance and a group with half of our tags: not ours. */
struct aws_group *aws_add_foreign(struct aws_sim *a)
{
	struct aws_instance *i = mem_new(struct aws_instance);
	struct aws_group *g = mem_new(struct aws_group);

	aws_thing_init(a, &g->t, "sg-", "");
	snprintf(g->t.name, sizeof(g->t.name), "default");
	snprintf(g->vpc, sizeof(g->vpc), "%s", AWS_VPC);
	add_tag(&g->t, "resource-created-by", "velodb");
	a->groups = mem_grow(a->groups, a->groups_n + 1, sizeof(*a->groups));
	a->groups[a->groups_n++] = g;
	aws_thing_init(a, &i->t, "i-", "");
	add_tag(&i->t, "resource-created-by", "velodb");
	add_tag(&i->t, "reeve:installation", "inst-2");
	add_tag(&i->t, "reeve:warehouse", "wh-1");
	add_tag(&i->t, "reeve:cluster", "c1");
	i->foreign = true;
	snprintf(i->group_ids[i->groups_n++], sizeof(i->group_ids[0]), "%s", g->t.id);
	a->instances = mem_grow(a->instances, a->instances_n + 1, sizeof(*a->instances));
	a->instances[a->instances_n++] = i;
	return g;
}

const struct aws_action aws_ec2_actions[] = {
	{ "RunInstances", true, run_instances },
	{ "DescribeInstances", false, describe_instances },
	{ "TerminateInstances", true, terminate_instances },
	{ "CreateSecurityGroup", true, aws_create_security_group },
	{ "DescribeSecurityGroups", false, aws_describe_security_groups },
	{ "AuthorizeSecurityGroupIngress", true, aws_authorize },
	{ "RevokeSecurityGroupIngress", true, aws_revoke },
	{ "AuthorizeSecurityGroupEgress", true, aws_authorize },
	{ "RevokeSecurityGroupEgress", true, aws_revoke },
	{ "DeleteSecurityGroup", true, aws_delete_security_group },
	{ "DescribeVpcs", false, aws_describe_vpcs },
	{ "DescribeSubnets", false, aws_describe_subnets },
	{ "DescribeImages", false, aws_describe_images },
	{ "DescribeInstanceTypes", false, aws_describe_instance_types },
	{ "DescribePrefixLists", false, aws_describe_prefix_lists },
	{ NULL, false, NULL },
};
