/* test_elb.c - awsQuery requests of the load balancers, and their answers. */
#include "tests/unit/aws/answers.h"

#include "agent/aws/elb.h"

static const struct ec2_tag tags[] = { { "k", "v" } };

static void close_form(struct request *f)
{
	request_close(f);
}

static void creating_requests_carry_names_places_and_tags(void **state)
{
	static const char *const subnets[] = { "subnet-1", "subnet-2" };
	CLEANUP(close_form) struct request group, lb, listener;

	(void)state;
	elb_create_target_group(&group, "tg", "TCP", 3306, "vpc-1", tags, 1);
	EXPECT_PAIRS(&group, "Action=CreateTargetGroup", "Version=2015-12-01", "Name=tg", "Protocol=TCP", "Port=3306",
		     "VpcId=vpc-1", "TargetType=instance", "Tags.member.1.Key=k", "Tags.member.1.Value=v");
	elb_create_load_balancer(&lb, "lb", true, subnets, 2, tags, 1);
	EXPECT_PAIRS(&lb, "Action=CreateLoadBalancer", "Type=network", "Scheme=internal", "Subnets.member.2=subnet-2",
		     "Tags.member.1.Key=k");
	elb_create_listener(&listener, "arn:lb", "TLS", 443, "arn:tg", tags, 1);
	EXPECT_PAIRS(&listener, "Action=CreateListener", "LoadBalancerArn=arn%3Alb", "Protocol=TLS", "Port=443",
		     "DefaultActions.member.1.Type=forward", "DefaultActions.member.1.TargetGroupArn=arn%3Atg");
}

static void targets_have_a_port_only_when_it_is_theirs(void **state)
{
	static const struct elb_target t[] = { { .id = "i-1" }, { .id = "i-2", .port = 3307 } };
	CLEANUP(close_form) struct request in, out;

	(void)state;
	elb_register_targets(&in, "arn:tg", t, 2);
	EXPECT_PAIRS(&in, "Action=RegisterTargets", "TargetGroupArn=arn%3Atg", "Targets.member.1.Id=i-1", "Targets.member.2.Id=i-2",
		     "Targets.member.2.Port=3307");
	assert_null(strstr(buf_str(&in.body), "Targets.member.1.Port"));
	elb_deregister_targets(&out, "arn:tg", t, 1);
	EXPECT_PAIRS(&out, "Action=DeregisterTargets", "Targets.member.1.Id=i-1");
}

static void describes_have_a_name_or_a_page_size(void **state)
{
	static const char *const arns[] = { "arn:1", "arn:2" };
	CLEANUP(close_form) struct request named, all, listeners, health, tagged;

	(void)state;
	elb_describe_target_groups(&named, "tg", NULL);
	EXPECT_PAIRS(&named, "Action=DescribeTargetGroups", "Names.member.1=tg");
	assert_null(strstr(buf_str(&named.body), "PageSize"));
	elb_describe_load_balancers(&all, NULL, "m");
	EXPECT_PAIRS(&all, "Action=DescribeLoadBalancers", "PageSize=400", "Marker=m");
	elb_describe_listeners(&listeners, "arn:lb", NULL);
	EXPECT_PAIRS(&listeners, "Action=DescribeListeners", "LoadBalancerArn=arn%3Alb", "PageSize=400");
	elb_describe_target_health(&health, "arn:tg");
	EXPECT_PAIRS(&health, "Action=DescribeTargetHealth", "TargetGroupArn=arn%3Atg");
	elb_describe_tags(&tagged, arns, 2);
	EXPECT_PAIRS(&tagged, "Action=DescribeTags", "ResourceArns.member.1=arn%3A1", "ResourceArns.member.2=arn%3A2");
}

static void deletes_name_one_arn(void **state)
{
	CLEANUP(close_form) struct request listener, lb, group;

	(void)state;
	elb_delete_listener(&listener, "a");
	EXPECT_PAIRS(&listener, "Action=DeleteListener", "ListenerArn=a");
	elb_delete_load_balancer(&lb, "b");
	EXPECT_PAIRS(&lb, "Action=DeleteLoadBalancer", "LoadBalancerArn=b");
	elb_delete_target_group(&group, "c");
	EXPECT_PAIRS(&group, "Action=DeleteTargetGroup", "TargetGroupArn=c");
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

#define GROUP(name)                                                                                                                \
	"<member><TargetGroupArn>arn:" name "</TargetGroupArn><TargetGroupName>" name "</TargetGroupName><Protocol>TCP</Protocol>" \
	"<Port>3306</Port><VpcId>vpc-1</VpcId><LoadBalancerArns><member>arn:lb</member></LoadBalancerArns></member>"

static void groups_are_read_from_describe_and_from_create(void **state)
{
	ANSWER(d,
	       "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups>" GROUP("a") GROUP(
		   "b") "</TargetGroups><NextMarker>m2</NextMarker></DescribeTargetGroupsResult></DescribeTargetGroupsResponse>");
	ANSWER(c, "<CreateTargetGroupResponse><CreateTargetGroupResult><TargetGroups>" GROUP(
		      "c") "</TargetGroups></CreateTargetGroupResult></CreateTargetGroupResponse>");
	struct elb_target_groups all = { 0 };

	(void)state;
	assert_int_equal(elb_read_target_groups(d.root, d.arena, &all, NULL), 0);
	assert_string_equal(elb_next_marker(d.root), "m2");
	assert_int_equal(elb_read_target_groups(c.root, d.arena, &all, NULL), 0);
	assert_null(elb_next_marker(c.root));
	assert_int_equal(all.n, 3);
	assert_string_equal(all.v[2].name, "c");
	assert_int_equal(all.v[0].port, 3306);
	assert_int_equal(all.v[0].lb_arns_n, 1);
	assert_string_equal(all.v[0].lb_arns[0], "arn:lb");
}

static void balancers_and_listeners_are_read(void **state)
{
	ANSWER(b,
	       "<R><DescribeLoadBalancersResult><LoadBalancers><member><LoadBalancerArn>arn:lb</LoadBalancerArn>"
	       "<LoadBalancerName>lb</LoadBalancerName><DNSName>lb.elb.amazonaws.com</DNSName><Scheme>internal</Scheme><State>"
	       "<Code>provisioning</Code></State><VpcId>vpc-1</VpcId></member></LoadBalancers></DescribeLoadBalancersResult></R>");
	ANSWER(l,
	       "<R><DescribeListenersResult><Listeners><member><ListenerArn>arn:l1</ListenerArn><LoadBalancerArn>arn:lb"
	       "</LoadBalancerArn><Port>443</Port><Protocol>TLS</Protocol><DefaultActions><member><Type>forward</Type>"
	       "<TargetGroupArn>arn:tg</TargetGroupArn></member></DefaultActions></member><member><ListenerArn>arn:l2</ListenerArn>"
	       "<LoadBalancerArn>arn:lb</LoadBalancerArn><Port>80</Port><Protocol>TCP</Protocol><DefaultActions><member>"
	       "<Type>redirect</Type></member><member><Type>forward</Type><ForwardConfig><TargetGroups><member>"
	       "<TargetGroupArn>arn:tg2</TargetGroupArn></member></TargetGroups></ForwardConfig></member></DefaultActions></member>"
	       "</Listeners></DescribeListenersResult></R>");
	struct elb_lbs lbs = { 0 };
	struct elb_listeners listeners = { 0 };

	(void)state;
	assert_int_equal(elb_read_load_balancers(b.root, b.arena, &lbs, NULL), 0);
	assert_string_equal(lbs.v[0].state, "provisioning");
	assert_string_equal(lbs.v[0].reason, "");
	assert_string_equal(lbs.v[0].dns_name, "lb.elb.amazonaws.com");
	assert_int_equal(elb_read_listeners(l.root, l.arena, &listeners, NULL), 0);
	assert_int_equal(listeners.n, 2);
	assert_string_equal(listeners.v[0].target_group_arn, "arn:tg");
	assert_string_equal(listeners.v[1].target_group_arn, "arn:tg2");
	assert_int_equal(listeners.v[1].port, 80);
}

#define WEIGHED(arn, weight) "<member><TargetGroupArn>" arn "</TargetGroupArn><Weight>" weight "</Weight></member>"
#define LEADS(arn, to)                                                                                                             \
	"<member><ListenerArn>" arn                                                                                                \
	"</ListenerArn><LoadBalancerArn>arn:lb</LoadBalancerArn><Port>80</Port><DefaultActions><member>"                           \
	"<Type>forward</Type><ForwardConfig><TargetGroups>" to                                                                     \
	"</TargetGroups></ForwardConfig></member></DefaultActions></member>"

static void of_several_groups_the_heaviest_is_where_a_listener_leads(void **state)
{
	ANSWER(l, "<R><DescribeListenersResult><Listeners>" LEADS("arn:1", WEIGHED("arn:a", "1") WEIGHED("arn:b", "0"))
		      LEADS("arn:2", WEIGHED("arn:a", "0") WEIGHED("arn:b", "7"))
			  LEADS("arn:3", WEIGHED("arn:a", "")) "</Listeners></DescribeListenersResult></R>");
	struct elb_listeners listeners = { 0 };

	(void)state;
	assert_int_equal(elb_read_listeners(l.root, l.arena, &listeners, NULL), 0);
	assert_string_equal(listeners.v[0].target_group_arn, "arn:a");
	assert_string_equal(listeners.v[0].beside_arn, "arn:b");
	assert_string_equal(listeners.v[1].target_group_arn, "arn:b");
	assert_string_equal(listeners.v[1].beside_arn, "arn:a");
	assert_string_equal(listeners.v[2].target_group_arn, "arn:a");
	assert_null(listeners.v[2].beside_arn);
}

static void health_and_tags_are_read(void **state)
{
	ANSWER(h, "<R><DescribeTargetHealthResult><TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>3306</Port></Target>"
		  "<TargetHealth><State>unhealthy</State><Reason>Target.Timeout</Reason></TargetHealth></member>"
		  "</TargetHealthDescriptions></DescribeTargetHealthResult></R>");
	ANSWER(t,
	       "<R><DescribeTagsResult><TagDescriptions><member><ResourceArn>arn:1</ResourceArn><Tags><member><Key>k</Key>"
	       "<Value>v</Value></member></Tags></member><member><ResourceArn>arn:2</ResourceArn><Tags/></member></TagDescriptions>"
	       "</DescribeTagsResult></R>");
	struct elb_targets targets = { 0 };
	struct elb_taggeds tagged = { 0 };

	(void)state;
	assert_int_equal(elb_read_target_health(h.root, h.arena, &targets, NULL), 0);
	assert_string_equal(targets.v[0].state, "unhealthy");
	assert_string_equal(targets.v[0].reason, "Target.Timeout");
	assert_int_equal(targets.v[0].port, 3306);
	assert_int_equal(elb_read_tags(t.root, t.arena, &tagged, NULL), 0);
	assert_int_equal(tagged.n, 2);
	assert_string_equal(ec2_tag_get(&tagged.v[0].tags, "k"), "v");
	assert_int_equal(tagged.v[1].tags.n, 0);
}

typedef int read_any(const struct xml_node *root, struct arena *m, void *ret, struct err *e);

static int any_groups(const struct xml_node *root, struct arena *m, void *ret, struct err *e)
{
	return elb_read_target_groups(root, m, ret, e);
}

static int any_lbs(const struct xml_node *root, struct arena *m, void *ret, struct err *e)
{
	return elb_read_load_balancers(root, m, ret, e);
}

static int any_listeners(const struct xml_node *root, struct arena *m, void *ret, struct err *e)
{
	return elb_read_listeners(root, m, ret, e);
}

static int any_targets(const struct xml_node *root, struct arena *m, void *ret, struct err *e)
{
	return elb_read_target_health(root, m, ret, e);
}

static int any_tags(const struct xml_node *root, struct arena *m, void *ret, struct err *e)
{
	return elb_read_tags(root, m, ret, e);
}

static void an_answer_that_is_not_what_elb_says_adds_nothing(void **state)
{
	static const struct {
		read_any *read;
		const char *text;
	} cases[] = {
		{ any_groups, "<R/>" },
		{ any_groups, "<R><XResult/></R>" },
		{ any_groups, "<R><XResult><TargetGroups>" GROUP("a") "<member/></TargetGroups></XResult></R>" },
		{ any_groups,
		  "<R><XResult><TargetGroups><member><TargetGroupArn>a</TargetGroupArn><TargetGroupName>n</TargetGroupName>"
		  "<Port>port</Port></member></TargetGroups></XResult></R>" },
		{ any_lbs, "<R><XResult><LoadBalancers><member><LoadBalancerArn>a</LoadBalancerArn></member></LoadBalancers></"
			   "XResult></R>" },
		{ any_lbs, "<R><XResult><LoadBalancers><member><LoadBalancerArn>a</LoadBalancerArn><LoadBalancerName>n"
			   "</LoadBalancerName><State>active</State></member></LoadBalancers></XResult></R>" },
		{ any_listeners, "<R><XResult><Listeners><member><ListenerArn>a</ListenerArn></member></Listeners></XResult></R>" },
		{ any_targets, "<R><XResult><TargetHealthDescriptions><member><Target>i-1</Target></member>"
			       "</TargetHealthDescriptions></XResult></R>" },
		{ any_tags, "<R><XResult><TagDescriptions><member/></TagDescriptions></XResult></R>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ANSWER(a, cases[i].text);
		struct elb_target_groups none = { 0 }; /* all lists have this shape */
		struct err e;

		assert_int_equal(cases[i].read(a.root, a.arena, &none, &e), -ERR_INVALID);
		assert_int_equal(none.n, 0);
		assert_null(none.v);
	}
}

#define ATTRIBUTE(key, value) "<member><Key>" key "</Key><Value>" value "</Value></member>"
#define ATTRIBUTES(list)                                                                                                           \
	"<R><DescribeLoadBalancerAttributesResult><Attributes>" list "</Attributes></DescribeLoadBalancerAttributesResult></R>"

static void deletion_protection_is_one_of_the_attributes_of_a_balancer(void **state)
{
	ANSWER(on, ATTRIBUTES(ATTRIBUTE("deletion_protection.enabled", "true") ATTRIBUTE("access_logs.s3.enabled", "false")));
	ANSWER(off, ATTRIBUTES(ATTRIBUTE("access_logs.s3.enabled", "true") ATTRIBUTE("deletion_protection.enabled", "false")));
	ANSWER(none, ATTRIBUTES(ATTRIBUTE("access_logs.s3.enabled", "true")));
	CLEANUP(close_form) struct request f;
	struct err e = { 0 };
	bool is = false;

	(void)state;
	elb_describe_load_balancer_attributes(&f, "arn:lb");
	EXPECT_PAIRS(&f, "Action=DescribeLoadBalancerAttributes", "LoadBalancerArn=arn%3Alb");
	assert_int_equal(elb_read_deletion_protection(on.root, &is, NULL), 0);
	assert_true(is);
	assert_int_equal(elb_read_deletion_protection(off.root, &is, NULL), 0);
	assert_false(is);
	assert_int_equal(elb_read_deletion_protection(none.root, &is, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "R: deletion_protection.enabled is \"\", neither true nor false");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creating_requests_carry_names_places_and_tags),
		cmocka_unit_test(targets_have_a_port_only_when_it_is_theirs),
		cmocka_unit_test(describes_have_a_name_or_a_page_size),
		cmocka_unit_test(deletes_name_one_arn),
		cmocka_unit_test(groups_are_read_from_describe_and_from_create),
		cmocka_unit_test(balancers_and_listeners_are_read),
		cmocka_unit_test(of_several_groups_the_heaviest_is_where_a_listener_leads),
		cmocka_unit_test(health_and_tags_are_read),
		cmocka_unit_test(an_answer_that_is_not_what_elb_says_adds_nothing),
		cmocka_unit_test(deletion_protection_is_one_of_the_attributes_of_a_balancer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
