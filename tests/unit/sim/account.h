/* account.h - one pretend account at a time, asked without signatures and without chance. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "tests/sim/aws_sim.h"
#include "tests/sim/flag.h"
#include "tests/sim/vendor_sim.h"

#define OURS "&TagSpecification.1.Tag.1.Key=reeve:installation&TagSpecification.1.Tag.1.Value=inst-1"

static struct {
	struct world *w;
	struct odds odds;
	struct aws_sim *a;
	struct buf answer;
	int status;
	char lb[200], tg[200], other_tg[200], listener[200], group[64], node[64], other[64]; /* what account_ready made */
} account;

static inline int account_start(void **state)
{
	(void)state;
	memset(&account, 0, sizeof(account));
	account.w = account.odds.w = sim_new(1);
	account.odds.calm = true;
	account.a = aws_sim_new(account.w, &account.odds);
	account.a->least_up_s = account.a->most_up_s = 1;
	account.answer = BUF_MAX(8u << 20);
	return 0;
}

static inline int account_end(void **state)
{
	(void)state;
	assert_string_equal(account.odds.broken, "");
	buf_close(&account.answer);
	sim_free(account.w);
	aws_sim_free(account.a);
	return 0;
}

static inline void account_wait_s(unsigned s)
{
	bool over = false;

	sim_at(account.w, s * 1000ull, flag_set, &over);
	sim_run_until(account.w, flag_is_set, &over, s * 1000ull);
}

/* The status; account.answer has the XML. */
static inline int ask(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline int ask(const char *fmt, ...)
{
	char form[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(form, sizeof(form), fmt, ap);
	va_end(ap);
	buf_reset(&account.answer);
	account.status = aws_sim_console(account.a, form, &account.answer);
	return account.status;
}

static inline bool told(const char *text)
{
	return strstr(buf_str(&account.answer), text) != NULL;
}

static inline unsigned times_told(const char *text)
{
	unsigned n = 0;

	for (const char *at = buf_str(&account.answer); (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

/* The text of the first such element. */
static inline const char *text_of(const char *element, char *to, size_t room)
{
	CLEANUP(mem_close) char *tag = mem_printf("<%s>", element);
	const char *at = strstr(buf_str(&account.answer), tag);

	at = at != NULL ? at + strlen(tag) : "";
	snprintf(to, room, "%.*s", (int)strcspn(at, "<"), at);
	return to;
}

static inline bool refused(const char *code)
{
	char got[128];

	return account.status >= 400 && str_eq(text_of("Code", got, sizeof(got)), code);
}

/* "" is the status of a target that nobody knows of */
static inline const char *target_state(const char *tg, const char *id)
{
	static char state[64];

	assert_int_equal(ask("Action=DescribeTargetHealth&TargetGroupArn=%s&Targets.member.1.Id=%s", tg, id), 200);
	return text_of("State", state, sizeof(state));
}

static inline void launch(const char *subnet, const char *token, char id[64])
{
	assert_int_equal(ask("Action=RunInstances&MinCount=1&MaxCount=1&ClientToken=%s&InstanceType=m6i.large&ImageId=ami-1"
			     "&NetworkInterface.1.SubnetId=%s&NetworkInterface.1.AssociatePublicIpAddress=false"
			     "&MetadataOptions.HttpTokens=required&BlockDeviceMapping.1.DeviceName=" AWS_IMAGE_ROOT
			     "&BlockDeviceMapping.1.Ebs.Encrypted=true&NetworkInterface.1.SecurityGroupId.1=%s"
			     "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=reeve%%3Ainstallation"
			     "&TagSpecification.1.Tag.1.Value=" VENDOR_INSTALLATION,
			     token, subnet, account.group),
			 200);
	text_of("instanceId", id, 64);
}

static inline void make_tg(const char *name, char arn[200])
{
	assert_int_equal(ask("Action=CreateTargetGroup&Name=%s&Protocol=TCP&Port=9030", name), 200);
	text_of("TargetGroupArn", arn, 200);
}

/* A balancer whose listener leads to the first of two target groups, two nodes in two zones that are registered there and
 * healthy, and their group. */
static inline void account_ready(void)
{
	account.a->wide_is_fine = true;
	ask("Action=CreateSecurityGroup&GroupName=node&GroupDescription=d&VpcId=" AWS_VPC OURS);
	text_of("groupId", account.group, sizeof(account.group));
	launch("subnet-0001", "t1", account.node);
	launch("subnet-0002", "t2", account.other);
	account_wait_s(2);
	make_tg("fe", account.tg);
	make_tg("be", account.other_tg);
	ask("Action=CreateLoadBalancer&Name=front&Scheme=internal&Subnets.member.1=subnet-0001&Subnets.member.2=subnet-0002");
	text_of("LoadBalancerArn", account.lb, sizeof(account.lb));
	ask("Action=CreateListener&LoadBalancerArn=%s&Port=9030&DefaultActions.member.1.TargetGroupArn=%s", account.lb, account.tg);
	text_of("ListenerArn", account.listener, sizeof(account.listener));
	ask("Action=RegisterTargets&TargetGroupArn=%s&Targets.member.1.Id=%s&Targets.member.2.Id=%s", account.tg, account.node,
	    account.other);
	account_wait_s(100);
	assert_string_equal(target_state(account.tg, account.node), "healthy");
}
