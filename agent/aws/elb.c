/* elb.c - see elb.h. awsQuery: lists are called X.member.N in requests, and answers stand in an <Action>Result. */
#include "agent/aws/elb.h"

#include <assert.h>
#include <string.h>

#include "agent/aws/code.h"
#include "agent/aws/read.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define VERSION "2015-12-01"
#define PAGE_SIZE 400
#define TAGGED_MAX 20 /* ELB API Reference, DescribeTags */

/* Elastic Load Balancing API Reference, the errors of CreateListener, CreateLoadBalancer and CreateTargetGroup. */
static const struct code_row codes[] = {
	{ "DuplicateListener", { CODE_FINAL, AWS_DUPLICATE } },
	{ "DuplicateLoadBalancerName", { CODE_FINAL, AWS_DUPLICATE } },
	{ "DuplicateTargetGroupName", { CODE_FINAL, AWS_DUPLICATE } },
	{ "TargetGroupAssociationLimit", { CODE_FINAL, AWS_QUOTA } },
	{ 0 },
};

const struct aws_service elb_service = { .name = "elasticloadbalancing", .codes = codes };

/* ---- requests ------------------------------------------------------------------------------------------------------------ */

static void add_tags(struct request *req, const struct ec2_tag *tags, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		request_add(req, tags[i].key, "Tags.member.%zu.Key", i + 1);
		request_add(req, tags[i].value, "Tags.member.%zu.Value", i + 1);
	}
}

void elb_create_target_group(struct request *req, const char *name, const char *protocol, uint32_t port, const char *vpc_id,
			     const struct ec2_tag *tags, size_t tags_n)
{
	request_query(req, &elb_service, "CreateTargetGroup", VERSION);
	request_add(req, name, "Name");
	request_add(req, protocol, "Protocol");
	request_add_u(req, port, "Port");
	request_add(req, vpc_id, "VpcId");
	request_add(req, "instance", "TargetType");
	add_tags(req, tags, tags_n);
}

void elb_create_load_balancer(struct request *req, const char *name, bool internal, const char *const *subnets, size_t subnets_n,
			      const struct ec2_tag *tags, size_t tags_n)
{
	request_query(req, &elb_service, "CreateLoadBalancer", VERSION);
	request_add(req, name, "Name");
	request_add(req, "network", "Type");
	request_add(req, internal ? "internal" : "internet-facing", "Scheme");
	for (size_t i = 0; i < subnets_n; i++)
		request_add(req, subnets[i], "Subnets.member.%zu", i + 1);
	add_tags(req, tags, tags_n);
}

void elb_create_listener(struct request *req, const char *lb_arn, const char *protocol, uint32_t port, const char *target_group_arn,
			 const struct ec2_tag *tags, size_t tags_n)
{
	request_query(req, &elb_service, "CreateListener", VERSION);
	request_add(req, lb_arn, "LoadBalancerArn");
	request_add(req, protocol, "Protocol");
	request_add_u(req, port, "Port");
	request_add(req, "forward", "DefaultActions.member.1.Type");
	request_add(req, target_group_arn, "DefaultActions.member.1.TargetGroupArn");
	add_tags(req, tags, tags_n);
}

#define ACTION "DefaultActions.member.1."
#define WEIGHED ACTION "ForwardConfig.TargetGroups.member."

void elb_modify_listener(struct request *req, const char *arn, const char *target_group_arn, const char *beside_arn)
{
	request_query(req, &elb_service, "ModifyListener", VERSION);
	request_add(req, arn, "ListenerArn");
	request_add(req, "forward", ACTION "Type");
	if (beside_arn == NULL) {
		request_add(req, target_group_arn, ACTION "TargetGroupArn");
		return;
	}
	request_add(req, target_group_arn, WEIGHED "1.TargetGroupArn");
	request_add_u(req, 1, WEIGHED "1.Weight");
	request_add(req, beside_arn, WEIGHED "2.TargetGroupArn");
	request_add_u(req, 0, WEIGHED "2.Weight");
}

static void targets(struct request *req, const char *action, const char *target_group_arn, const struct elb_target *t, size_t n)
{
	request_query(req, &elb_service, action, VERSION);
	request_add(req, target_group_arn, "TargetGroupArn");
	for (size_t i = 0; i < n; i++) {
		request_add(req, t[i].id, "Targets.member.%zu.Id", i + 1);
		if (t[i].port > 0)
			request_add_u(req, t[i].port, "Targets.member.%zu.Port", i + 1);
	}
}

void elb_register_targets(struct request *req, const char *target_group_arn, const struct elb_target *t, size_t n)
{
	targets(req, "RegisterTargets", target_group_arn, t, n);
}

void elb_deregister_targets(struct request *req, const char *target_group_arn, const struct elb_target *t, size_t n)
{
	targets(req, "DeregisterTargets", target_group_arn, t, n);
}

static void one(struct request *req, const char *action, const char *key, const char *arn)
{
	request_query(req, &elb_service, action, VERSION);
	request_add(req, arn, "%s", key);
}

void elb_delete_listener(struct request *req, const char *arn)
{
	one(req, "DeleteListener", "ListenerArn", arn);
}

void elb_delete_load_balancer(struct request *req, const char *arn)
{
	one(req, "DeleteLoadBalancer", "LoadBalancerArn", arn);
}

void elb_delete_target_group(struct request *req, const char *arn)
{
	one(req, "DeleteTargetGroup", "TargetGroupArn", arn);
}

/* A page size with a name in the same request is refused for some of these, so it is one or the other. */
static void by_name(struct request *req, const char *action, const char *name, const char *marker)
{
	request_query(req, &elb_service, action, VERSION);
	if (name != NULL)
		request_add(req, name, "Names.member.1");
	else
		request_add_u(req, PAGE_SIZE, "PageSize");
	if (marker != NULL)
		request_add(req, marker, "Marker");
}

void elb_describe_target_groups(struct request *req, const char *name, const char *marker)
{
	by_name(req, "DescribeTargetGroups", name, marker);
}

void elb_describe_load_balancers(struct request *req, const char *name, const char *marker)
{
	by_name(req, "DescribeLoadBalancers", name, marker);
}

void elb_describe_listeners(struct request *req, const char *lb_arn, const char *marker)
{
	one(req, "DescribeListeners", "LoadBalancerArn", lb_arn);
	request_add_u(req, PAGE_SIZE, "PageSize");
	if (marker != NULL)
		request_add(req, marker, "Marker");
}

void elb_describe_target_health(struct request *req, const char *target_group_arn)
{
	one(req, "DescribeTargetHealth", "TargetGroupArn", target_group_arn);
}

void elb_describe_load_balancer_attributes(struct request *req, const char *arn)
{
	one(req, "DescribeLoadBalancerAttributes", "LoadBalancerArn", arn);
}

void elb_add_tags(struct request *req, const char *arn, const struct ec2_tag *tags, size_t n)
{
	request_query(req, &elb_service, "AddTags", VERSION);
	request_add(req, arn, "ResourceArns.member.1");
	add_tags(req, tags, n);
}

void elb_remove_tags(struct request *req, const char *arn, const char *const *keys, size_t n)
{
	request_query(req, &elb_service, "RemoveTags", VERSION);
	request_add(req, arn, "ResourceArns.member.1");
	for (size_t i = 0; i < n; i++)
		request_add(req, keys[i], "TagKeys.member.%zu", i + 1);
}

void elb_describe_tags(struct request *req, const char *const *arns, size_t n)
{
	assert(n <= TAGGED_MAX);
	request_query(req, &elb_service, "DescribeTags", VERSION);
	for (size_t i = 0; i < n; i++)
		request_add(req, arns[i], "ResourceArns.member.%zu", i + 1);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

static const struct xml_node *result_of(const struct xml_node *root)
{
	const struct xml_node *c = NULL;

	while ((c = xml_next(root, c, NULL)) != NULL)
		if (str_ends(xml_name(c), "Result"))
			return c;
	return NULL;
}

static int result_list(const struct xml_node *root, const char *name, const struct xml_node **ret, struct err *e)
{
	const struct xml_node *result = result_of(root);

	if (result == NULL)
		return err_set(e, ERR_INVALID, "%s has no result in it", xml_name(root));
	return read_list(result, name, ret, e);
}

const char *elb_next_marker(const struct xml_node *root)
{
	const char *marker = xml_get(result_of(root), "NextMarker");

	return *marker != '\0' ? marker : NULL;
}

static const struct read_member group_members[] = {
	{ "TargetGroupArn", offsetof(struct elb_target_group, arn), READ_ARN, true },
	{ "TargetGroupName", offsetof(struct elb_target_group, name), READ_NAME, true },
	{ "Protocol", offsetof(struct elb_target_group, protocol), READ_WORD, false },
	{ "VpcId", offsetof(struct elb_target_group, vpc_id), READ_ID, false },
};

static int read_target_group(const struct xml_node *n, struct arena *m, struct elb_target_group *g, struct err *e)
{
	TRY(read_members(m, n, group_members, ARRAY_LEN(group_members), g, e));
	TRY(read_u32(n, "Port", &g->port, e));
	return read_texts(m, xml_find(n, "LoadBalancerArns"), "member", "", READ_ARN, &g->lb_arns, &g->lb_arns_n, e);
}

int elb_read_target_groups(const struct xml_node *root, struct arena *m, struct elb_target_groups *ret, struct err *e)
{
	const struct xml_node *list = NULL;

	TRY(result_list(root, "TargetGroups", &list, e));
	READ_ROWS(list, "member", read_target_group, NULL);
	return 0;
}

static const struct read_member lb_members[] = {
	{ "LoadBalancerArn", offsetof(struct elb_lb, arn), READ_ARN, true },
	{ "LoadBalancerName", offsetof(struct elb_lb, name), READ_NAME, true },
	{ "State/Code", offsetof(struct elb_lb, state), READ_WORD, true },
	{ "State/Reason", offsetof(struct elb_lb, reason), READ_SAYING, false },
	{ "DNSName", offsetof(struct elb_lb, dns_name), READ_ARN, false },
	{ "Scheme", offsetof(struct elb_lb, scheme), READ_WORD, false },
	{ "VpcId", offsetof(struct elb_lb, vpc_id), READ_ID, false },
};

static int read_lb(const struct xml_node *n, struct arena *m, struct elb_lb *lb, struct err *e)
{
	TRY(read_members(m, n, lb_members, ARRAY_LEN(lb_members), lb, e));
	return read_texts(m, xml_find(n, "AvailabilityZones"), "member", "SubnetId", READ_ID, &lb->subnet_ids, &lb->subnet_ids_n,
			  e);
}

int elb_read_load_balancers(const struct xml_node *root, struct arena *m, struct elb_lbs *ret, struct err *e)
{
	const struct xml_node *list = NULL;

	TRY(result_list(root, "LoadBalancers", &list, e));
	READ_ROWS(list, "member", read_lb, NULL);
	return 0;
}

/* The heaviest of a forward action's groups is the one that it leads to; another one stands beside it. */
static void weigh(const struct xml_node *list, const struct xml_node **group, const struct xml_node **beside)
{
	uint64_t most = 0;

	for (const struct xml_node *g = NULL; (g = xml_next(list, g, "member")) != NULL;) {
		const char *arn = xml_get(g, "TargetGroupArn");
		uint64_t weight = 0;

		(void)str_u64(xml_get(g, "Weight"), &weight);
		if (*xml_get(*group, "TargetGroupArn") == '\0' || weight > most) {
			*beside = *group;
			*group = g;
			most = weight;
		} else if (!str_eq(arn, xml_get(*group, "TargetGroupArn"))) {
			*beside = g;
		}
	}
}

/* The group stands in the action itself when it forwards to one, and in ForwardConfig always. */
static int read_forward(const struct xml_node *actions, struct arena *m, struct elb_listener *l, struct err *e)
{
	const struct xml_node *group = NULL, *beside = NULL;

	for (const struct xml_node *a = NULL; (a = xml_next(actions, a, "member")) != NULL;)
		if (str_eq(xml_get(a, "Type"), "forward")) {
			group = beside = NULL;
			weigh(xml_find(a, "ForwardConfig/TargetGroups"), &group, &beside);
			/* Where ForwardConfig names none, the action itself does. */
			group = *xml_get(group, "TargetGroupArn") == '\0' ? a : group;
		}
	TRY(read_text(m, group, "TargetGroupArn", READ_ARN, &l->target_group_arn, e));
	if (*xml_get(beside, "TargetGroupArn") != '\0')
		TRY(read_text(m, beside, "TargetGroupArn", READ_ARN, &l->beside_arn, e));
	return 0;
}

static const struct read_member listener_members[] = {
	{ "ListenerArn", offsetof(struct elb_listener, arn), READ_ARN, true },
	{ "LoadBalancerArn", offsetof(struct elb_listener, lb_arn), READ_ARN, true },
	{ "Protocol", offsetof(struct elb_listener, protocol), READ_WORD, false },
};

static int read_listener(const struct xml_node *n, struct arena *m, struct elb_listener *l, struct err *e)
{
	TRY(read_members(m, n, listener_members, ARRAY_LEN(listener_members), l, e));
	TRY(read_u32(n, "Port", &l->port, e));
	return read_forward(xml_find(n, "DefaultActions"), m, l, e);
}

const struct elb_target *elb_target_in(const struct elb_targets *t, const char *id)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i].id, id))
			return &t->v[i];
	return NULL;
}

int elb_read_listeners(const struct xml_node *root, struct arena *m, struct elb_listeners *ret, struct err *e)
{
	const struct xml_node *list = NULL;

	TRY(result_list(root, "Listeners", &list, e));
	READ_ROWS(list, "member", read_listener, NULL);
	return 0;
}

static const struct read_member target_members[] = {
	/* An instance; of other target types an address or an ARN (ELB API Reference, TargetDescription). */
	{ "Target/Id", offsetof(struct elb_target, id), READ_ARN, true },
	{ "TargetHealth/State", offsetof(struct elb_target, state), READ_WORD, true },
	{ "TargetHealth/Reason", offsetof(struct elb_target, reason), READ_WORD, false },
};

static int read_target(const struct xml_node *n, struct arena *m, struct elb_target *t, struct err *e)
{
	TRY(read_members(m, n, target_members, ARRAY_LEN(target_members), t, e));
	return read_u32(n, "Target/Port", &t->port, e);
}

/* An instance may be registered with several ports. */
static bool differ_in_port(const void *a, const void *b)
{
	return ((const struct elb_target *)a)->port != ((const struct elb_target *)b)->port;
}

int elb_read_target_health(const struct xml_node *root, struct arena *m, struct elb_targets *ret, struct err *e)
{
	const struct xml_node *list = NULL;

	TRY(result_list(root, "TargetHealthDescriptions", &list, e));
	READ_ROWS(list, "member", read_target, differ_in_port);
	return 0;
}

/* Every network load balancer has the attribute. */
int elb_read_deletion_protection(const struct xml_node *root, bool *ret, struct err *e)
{
	const struct xml_node *list = NULL, *a = NULL;
	const char *value = "";

	TRY(result_list(root, "Attributes", &list, e));
	while ((a = xml_next(list, a, "member")) != NULL)
		if (str_eq(xml_get(a, "Key"), "deletion_protection.enabled"))
			value = xml_get(a, "Value");
	if (!str_eq(value, "true") && !str_eq(value, "false"))
		return err_set(e, ERR_INVALID, "%s: deletion_protection.enabled is \"%.20s\", neither true nor false",
			       xml_name(root), value);
	*ret = str_eq(value, "true");
	return 0;
}

static int read_tagged(const struct xml_node *n, struct arena *m, struct elb_tagged *t, struct err *e)
{
	TRY(read_must(m, n, "ResourceArn", READ_ARN, &t->arn, e));
	return read_tags(m, xml_find(n, "Tags"), "member", "Key", "Value", &t->tags, e);
}

int elb_read_tags(const struct xml_node *root, struct arena *m, struct elb_taggeds *ret, struct err *e)
{
	const struct xml_node *list = NULL;

	TRY(result_list(root, "TagDescriptions", &list, e));
	READ_ROWS(list, "member", read_tagged, NULL);
	return 0;
}
