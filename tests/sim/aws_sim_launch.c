/* aws_sim_launch.c - RunInstances: what is refused, what is made, and the same token again. */
#include "tests/sim/aws_sim_impl.h"

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

static void check_profile(struct aws_ask *q)
{
	const char *name = form_sim_get(q->f, "IamInstanceProfile.Name");

	if (name == NULL || q->a->odds->calm)
		return;
	if (q->a->profile_seen_ms == 0)
		q->a->profile_seen_ms = aws_now(q->a);
	if (aws_now(q->a) >= q->a->profile_seen_ms + q->a->profile_delay_ms)
		return;
	odds_came(q->a->odds, TALLY_AWS_PROFILE_NEW);
	aws_refuse(q, 400, "InvalidParameterValue",
		   "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", name);
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
	check_profile(q);
	if (form_sim_get(f, "NetworkInterface.1.SecurityGroupId.%u", q->a->groups_max + 1) != NULL) {
		odds_came(q->a->odds, TALLY_AWS_GROUPS_FULL);
		aws_refuse(q, 400, "SecurityGroupsPerInterfaceLimitExceeded",
			   "The maximum number of security groups per interface has been reached.");
	}
	for (unsigned n = 1; form_sim_get(f, "NetworkInterface.1.SecurityGroupId.%u", n) != NULL; n++) {
		const struct aws_group *g = aws_group_of(q->a, form_sim_get(f, "NetworkInterface.1.SecurityGroupId.%u", n));

		if (g == NULL || !aws_knows(q->a, &g->t))
			aws_refuse(q, 400, "InvalidGroup.NotFound", "The security group does not exist");
		else if (aws_is_open(g) && !q->a->wide_is_fine)
			odds_broken(q->a->odds, "an instance in a group from which everything may leave");
	}
	if (!str_eq(form_sim_get(f, "ImageId"), AWS_IMAGE) && !str_eq(form_sim_get(f, "ImageId"), "ami-3"))
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

	if (odds_hit(a->odds, TALLY_AWS_CAPACITY) || str_eq(form_sim_get(q->f, "NetworkInterface.1.SubnetId"), a->full_subnet))
		room = min - 1;
	if (room >= max)
		return max;
	if (room >= min) {
		odds_came(q->a->odds, TALLY_AWS_SHORT);
		return room;
	}
	odds_came(q->a->odds, TALLY_AWS_CAPACITY);
	aws_refuse(q, 500, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity");
	return 0;
}

void aws_tags_of_kind(struct aws_ask *q, const char *kind, struct aws_thing *t)
{
	char prefix[64];

	for (unsigned n = 1; form_sim_get(q->f, "TagSpecification.%u.ResourceType", n) != NULL; n++) {
		snprintf(prefix, sizeof(prefix), "TagSpecification.%u.Tag.", n);
		if (str_eq(form_sim_get(q->f, "TagSpecification.%u.ResourceType", n), kind))
			aws_thing_tags(t, q->f, prefix);
	}
}

static struct aws_instance *launch_one(struct aws_ask *q, uint64_t reservation)
{
	struct aws_sim *a = q->a;
	struct aws_instance *i = mem_new(struct aws_instance);

	aws_thing_init(a, &i->t, "i-", aws_command_of(q));
	aws_tags_of_kind(q, "instance", &i->t);
	snprintf(i->interface.id, sizeof(i->interface.id), "eni-%.40s", i->t.id + strlen("i-"));
	i->interface.made_ms = i->t.made_ms;
	aws_tags_of_kind(q, "network-interface", &i->interface);
	snprintf(i->type, sizeof(i->type), "%s", form_sim_get(q->f, "InstanceType"));
	snprintf(i->image, sizeof(i->image), "%s", form_sim_get(q->f, "ImageId"));
	snprintf(i->subnet, sizeof(i->subnet), "%s", form_sim_get(q->f, "NetworkInterface.1.SubnetId"));
	snprintf(i->token, sizeof(i->token), "%s", form_sim_get(q->f, "ClientToken"));
	if (form_sim_get(q->f, "IamInstanceProfile.Name") != NULL)
		snprintf(i->profile, sizeof(i->profile), "%s", form_sim_get(q->f, "IamInstanceProfile.Name"));
	if (form_sim_get(q->f, "UserData") != NULL)
		i->user_data = mem_str(form_sim_get(q->f, "UserData"));
	for (unsigned n = 1; n <= ARRAY_LEN(i->group_ids); n++) {
		const char *id = form_sim_get(q->f, "NetworkInterface.1.SecurityGroupId.%u", n);

		if (id != NULL)
			snprintf(i->group_ids[i->groups_n++], sizeof(i->group_ids[0]), "%s", id);
	}
	i->reservation = reservation;
	aws_birth(a, i);
	aws_make_volumes(q, i);
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

	odds_came(q->a->odds, TALLY_AWS_TOKEN_AGAIN);
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
		aws_write_instance(a, a->instances[i], q->xml);
	xmlw_close(q->xml, "instancesSet");
}

void aws_run_instances(struct aws_ask *q)
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
		aws_write_instance(a, launch_one(q, reservation), q->xml);
	xmlw_close(q->xml, "instancesSet");
	a->launches = mem_grow(a->launches, a->launches_n + 1, sizeof(*a->launches));
	a->launches[a->launches_n++] = l;
	q->changed = true;
}
