/* aws_sim_ec2.c - instances, security groups, VPCs. */
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

static bool passes(struct aws_ask *q, const struct aws_thing *t)
{
	for (unsigned n = 1;; n++) {
		const char *name = form_sim_get(q->f, "Filter.%u.Name", n);

		if (name == NULL)
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

static void write_tags(struct buf *b, const struct aws_thing *t)
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

	xmlw_text(b, "rootDeviceName", "/dev/xvda");
	xmlw_open(b, "blockDeviceMapping");
	if (aws_is_running(a, i)) {
		write_volume(i, "/dev/xvda", 0, b);
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
	write_tags(b, &i->t);
	xmlw_close(b, "item");
}

static const struct aws_group *group_of(const struct aws_sim *a, const char *id)
{
	for (size_t i = 0; i < a->groups_n; i++)
		if (str_eq(a->groups[i]->t.id, id))
			return a->groups[i];
	return NULL;
}

/* What the customer's security team would not forgive. */
static void check_launch(struct aws_ask *q)
{
	const struct form_sim *f = q->f;

	if (!str_eq(form_sim_get(f, "MetadataOptions.HttpTokens"), "required"))
		odds_broken(q->a->odds, "a node that allows IMDSv1");
	if (!str_eq(form_sim_get(f, "NetworkInterface.1.AssociatePublicIpAddress"), "false"))
		odds_broken(q->a->odds, "a node with a public address");
	for (unsigned n = 1; form_sim_get(f, "BlockDeviceMapping.%u.DeviceName", n) != NULL; n++)
		if (!str_eq(form_sim_get(f, "BlockDeviceMapping.%u.Ebs.Encrypted", n), "true"))
			odds_broken(q->a->odds, "a volume that is not encrypted");
	for (unsigned n = 1; form_sim_get(f, "NetworkInterface.1.SecurityGroupId.%u", n) != NULL; n++) {
		const struct aws_group *g = group_of(q->a, form_sim_get(f, "NetworkInterface.1.SecurityGroupId.%u", n));

		if (g == NULL || !aws_knows(q->a, &g->t))
			aws_refuse(q, 400, "InvalidGroup.NotFound", "The security group does not exist");
	}
	if (!str_eq(form_sim_get(f, "ImageId"), "ami-1"))
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
	while (str_eq(form_sim_get(q->f, "BlockDeviceMapping.%u.Ebs.DeleteOnTermination", i->volumes + 1), "true"))
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

		if (!passes(q, &in->t) || !aws_shows(a, &in->t))
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

/* ---- security groups ---- */

bool aws_rule_stands(const struct aws_rule *r)
{
	return r->revoked_ms == 0;
}

static bool same_rule(const struct aws_rule *x, const struct aws_rule *y)
{
	return str_eq(x->protocol, y->protocol) && str_eq(x->source, y->source) && x->is_group == y->is_group &&
	       (str_eq(x->protocol, "-1") || (x->from == y->from && x->to == y->to));
}

static struct aws_rule *standing_rule(struct aws_group *g, const struct aws_rule *r)
{
	for (size_t i = 0; i < g->rules_n; i++)
		if (aws_rule_stands(&g->rules[i]) && same_rule(&g->rules[i], r))
			return &g->rules[i];
	return NULL;
}

/* The n-th rule of the request; false: there is none. */
static bool rule_asked(const struct form_sim *f, unsigned n, struct aws_rule *r)
{
	static const char *const sources[] = { "IpRanges.1.CidrIp", "Ipv6Ranges.1.CidrIpv6", "PrefixListIds.1.PrefixListId",
					       "Groups.1.GroupId" };
	char name[64];

	*r = (struct aws_rule){ 0 };
	if (form_sim_get(f, "IpPermissions.%u.IpProtocol", n) == NULL)
		return false;
	snprintf(r->protocol, sizeof(r->protocol), "%s", form_sim_get(f, "IpPermissions.%u.IpProtocol", n));
	snprintf(name, sizeof(name), "IpPermissions.%u.FromPort", n);
	r->from = (int)form_sim_int(f, name, -1);
	snprintf(name, sizeof(name), "IpPermissions.%u.ToPort", n);
	r->to = (int)form_sim_int(f, name, -1);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		const char *source = form_sim_get(f, "IpPermissions.%u.%s", n, sources[i]);

		if (source != NULL) {
			snprintf(r->source, sizeof(r->source), "%s", source);
			r->is_group = i == 3;
		}
	}
	return true;
}

static void create_security_group(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	const char *name = form_sim_get(q->f, "GroupName");
	struct aws_group *g;

	for (size_t i = 0; i < a->groups_n; i++)
		if (aws_is_there(a, &a->groups[i]->t) && str_eq(a->groups[i]->t.name, name)) {
			tally(TALLY_AWS_DUPLICATE);
			aws_refuse(q, 400, "InvalidGroup.Duplicate", "The security group '%s' already exists", name);
			return;
		}
	if (!str_eq(form_sim_get(q->f, "VpcId"), AWS_VPC)) {
		aws_refuse(q, 400, "InvalidVpcID.NotFound", "The vpc ID does not exist");
		return;
	}
	g = mem_new(struct aws_group);
	aws_thing_init(a, &g->t, "sg-", aws_command_of(q));
	aws_thing_tags(&g->t, q->f, "TagSpecification.1.Tag.");
	snprintf(g->t.name, sizeof(g->t.name), "%s", name);
	snprintf(g->vpc, sizeof(g->vpc), "%s", AWS_VPC);
	snprintf(g->description, sizeof(g->description), "%s", form_sim_get(q->f, "GroupDescription"));
	a->groups = mem_grow(a->groups, a->groups_n + 1, sizeof(*a->groups));
	a->groups[a->groups_n++] = g;
	xmlw_text(q->xml, "return", "true");
	xmlw_text(q->xml, "groupId", "%s", g->t.id);
	q->changed = true;
}

static void write_rule(const struct aws_rule *r, struct buf *b)
{
	bool v6 = strchr(r->source, ':') != NULL, list = str_starts(r->source, "pl-");
	const char *set = r->is_group ? "groups" : list ? "prefixListIds" : v6 ? "ipv6Ranges" : "ipRanges";

	xmlw_open(b, "item");
	xmlw_text(b, "ipProtocol", "%s", r->protocol);
	if (!str_eq(r->protocol, "-1")) {
		xmlw_text(b, "fromPort", "%d", r->from);
		xmlw_text(b, "toPort", "%d", r->to);
	}
	xmlw_open(b, set);
	xmlw_open(b, "item");
	xmlw_text(b, r->is_group ? "groupId" : list ? "prefixListId" : v6 ? "cidrIpv6" : "cidrIp", "%s", r->source);
	xmlw_close(b, "item");
	xmlw_close(b, set);
	xmlw_close(b, "item");
}

static void write_group(struct aws_sim *a, const struct aws_group *g, struct buf *b)
{
	xmlw_open(b, "item");
	xmlw_text(b, "ownerId", "%s", AWS_ACCOUNT);
	xmlw_text(b, "groupId", "%s", g->t.id);
	xmlw_text(b, "groupName", "%s", g->t.name);
	xmlw_text(b, "groupDescription", "%s", g->description);
	xmlw_text(b, "vpcId", "%s", g->vpc);
	xmlw_open(b, "ipPermissions");
	for (size_t i = 0; i < g->rules_n; i++) {
		const struct aws_rule *r = &g->rules[i];

		if (aws_now(a) >= r->shown_ms && (r->revoked_ms == 0 || aws_now(a) < r->hidden_ms))
			write_rule(r, b);
	}
	xmlw_close(b, "ipPermissions");
	write_tags(b, &g->t);
	xmlw_close(b, "item");
}

static void describe_security_groups(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "NextToken", "MaxResults");

	xmlw_open(q->xml, "securityGroupInfo");
	for (size_t i = p.at; i < a->groups_n; i++) {
		if (!passes(q, &a->groups[i]->t) || !aws_shows(a, &a->groups[i]->t))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		write_group(a, a->groups[i], q->xml);
	}
	xmlw_close(q->xml, "securityGroupInfo");
	if (p.more)
		xmlw_text(q->xml, "nextToken", "t%zu", p.at);
}

static struct aws_group *group_asked(struct aws_ask *q)
{
	const char *id = form_sim_get(q->f, "GroupId");
	struct aws_group *g = (struct aws_group *)group_of(q->a, id);

	if (g == NULL || !aws_knows(q->a, &g->t)) {
		aws_refuse(q, 400, "InvalidGroup.NotFound", "The security group '%s' does not exist", id);
		return NULL;
	}
	if (aws_tag_of(&g->t, "reeve:installation") == NULL)
		odds_broken(q->a->odds, "%s on a group of somebody else", q->action);
	return g;
}

static void authorize_ingress(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_group *g = group_asked(q);
	struct aws_rule r;

	if (g == NULL)
		return;
	for (unsigned n = 1; rule_asked(q->f, n, &r); n++)
		if (standing_rule(g, &r) != NULL) {
			tally(TALLY_AWS_DUPLICATE);
			aws_refuse(q, 400, "InvalidPermission.Duplicate", "the specified rule already exists");
			return;
		}
	for (unsigned n = 1; rule_asked(q->f, n, &r); n++) {
		r.shown_ms = aws_now(a) + (a->odds->calm ? 0 : odds_between(a->odds, 0, 3) * odds_between(a->odds, 0, 3000));
		g->rules = mem_grow(g->rules, g->rules_n + 1, sizeof(*g->rules));
		g->rules[g->rules_n++] = r;
		q->changed = true;
	}
	xmlw_text(q->xml, "return", "true");
}

static void revoke_ingress(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_group *g = group_asked(q);
	struct aws_rule r;

	if (g == NULL)
		return;
	for (unsigned n = 1; rule_asked(q->f, n, &r); n++)
		if (standing_rule(g, &r) == NULL) {
			aws_refuse(q, 400, "InvalidPermission.NotFound", "The specified rule does not exist");
			return;
		}
	for (unsigned n = 1; rule_asked(q->f, n, &r); n++) {
		struct aws_rule *there = standing_rule(g, &r);

		there->revoked_ms = aws_now(a);
		there->hidden_ms = aws_now(a) + (a->odds->calm ? 0 : odds_between(a->odds, 0, 5000));
		q->changed = true;
	}
	xmlw_text(q->xml, "return", "true");
}

static bool group_in_use(const struct aws_sim *a, const struct aws_group *g)
{
	for (size_t i = 0; i < a->instances_n; i++)
		for (size_t k = 0; k < a->instances[i]->groups_n; k++)
			if (str_eq(a->instances[i]->group_ids[k], g->t.id) &&
			    (a->instances[i]->interface_ms == 0 || aws_now(a) < a->instances[i]->interface_ms))
				return true;
	for (size_t i = 0; i < a->groups_n; i++)
		for (size_t k = 0; k < a->groups[i]->rules_n; k++) {
			const struct aws_rule *r = &a->groups[i]->rules[k];

			if (a->groups[i] != g && aws_is_there(a, &a->groups[i]->t) && r->is_group && aws_rule_stands(r) &&
			    str_eq(r->source, g->t.id))
				return true;
		}
	return false;
}

static void delete_security_group(struct aws_ask *q)
{
	struct aws_group *g = group_asked(q);

	if (g == NULL)
		return;
	if (group_in_use(q->a, g)) {
		tally(TALLY_AWS_IN_USE);
		aws_refuse(q, 400, "DependencyViolation", "resource %s has a dependent object", g->t.id);
		return;
	}
	g->t.gone_ms = aws_now(q->a);
	q->changed = true;
	xmlw_text(q->xml, "return", "true");
}

/* ---- VPCs ---- */

static void describe_vpcs(struct aws_ask *q)
{
	buf_adds(q->xml, "<vpcSet><item><vpcId>" AWS_VPC "</vpcId><state>available</state><cidrBlock>" AWS_VPC_CIDR "</cidrBlock>"
			 "<cidrBlockAssociationSet><item><cidrBlock>" AWS_VPC_CIDR "</cidrBlock><cidrBlockState><state>associated"
			 "</state></cidrBlockState></item></cidrBlockAssociationSet></item></vpcSet>");
}

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
	{ "CreateSecurityGroup", true, create_security_group },
	{ "DescribeSecurityGroups", false, describe_security_groups },
	{ "AuthorizeSecurityGroupIngress", true, authorize_ingress },
	{ "RevokeSecurityGroupIngress", true, revoke_ingress },
	{ "DeleteSecurityGroup", true, delete_security_group },
	{ "DescribeVpcs", false, describe_vpcs },
	{ NULL, false, NULL },
};
