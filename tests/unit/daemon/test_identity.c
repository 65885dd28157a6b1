/* test_identity.c - who this machine is, and at which hosts AWS is asked, in each partition and on each kind of subnet. */
#include "tests/unit/aws/cloud.h"

#include "agent/aws/creds.h"
#include "agent/aws/region.h"
#include "agent/base/log.h"
#include "agent/daemon/identity.h"

/* A machine somewhere in AWS. */
struct place {
	const char *region, *partition;
	const char *domain; /* as the metadata service says; NULL: it does not know, 404 */
	bool is_ipv6_only, is_ipv4_silent;
	bool is_ipv4_late; /* the network has no IPv4 at the first question, and no way to dual-stack hosts ever */
	enum config_choice dualstack;
	const char *sts; /* the host that is to be asked */
};

struct finding {
	struct identity id;
	struct aws *aws;
	bool done;
	int rc;
};

static void on_found(void *ctx, int rc, const struct err *e)
{
	struct finding *f = ctx;

	(void)e;
	f->rc = rc;
	f->done = true;
}

static void silent(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)level;
	(void)event;
	(void)pairs;
	(void)ctx;
}

/* The texts are `texts`' own: rules keep what they are given. */
static void set_up(struct cloud *c, const struct place *p, char *texts[2])
{
	texts[0] =
	    mem_printf("{\"accountId\":\"123456789012\",\"region\":\"%s\",\"availabilityZone\":\"%sa\",\"instanceId\":\"i-1\","
		       "\"instanceType\":\"t3.small\",\"imageId\":\"ami-1\",\"architecture\":\"x86_64\"}",
		       p->region, p->region);
	texts[1] = mem_printf("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:%s:sts::123456789012:assumed-role/r/i-1"
			      "</Arn><UserId>AROA1:i-1</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
			      "</GetCallerIdentityResponse>",
			      p->partition);
	if (p->is_ipv4_late) {
		CLOUD(c, .match = " " IMDS_IPV4, .status = -ERR_NET, .times = 1);
		CLOUD(c, .match = ".api.aws/", .status = -ERR_NET);
	} else if (p->is_ipv4_silent)
		CLOUD(c, .match = " " IMDS_IPV4, .status = -ERR_TIMEOUT, .delay_ms = 1000);
	else if (p->is_ipv6_only)
		CLOUD(c, .match = " " IMDS_IPV4, .status = -ERR_NET);
	else
		CLOUD(c, .match = " " IMDS_IPV6, .status = -ERR_NET);
	CLOUD(c, .match = "PUT ", .status = 200, .head = TOKEN_HEAD, .body = "TOKEN==");
	CLOUD(c, .match = "instance-identity/document ", .status = 200, .body = texts[0]);
	if (p->domain != NULL)
		CLOUD(c, .match = "services/domain ", .status = 200, .body = p->domain);
	else
		CLOUD(c, .match = "services/domain ", .status = 404);
	CLOUD(c, .match = "Action=GetCallerIdentity", .status = 200, .body = texts[1]);
	cloud_imds(c);
}

static void check(struct cloud *c, const struct place *p)
{
	const struct config cfg = { .path = "reeve.yaml", .dualstack = p->dualstack };
	struct finding f = { 0 };
	struct imds *im = imds_new(c->w, NULL);
	struct creds *creds = creds_new_imds(c->w, im);
	CLEANUP(mem_close) char *asked = mem_printf("POST https://%s/ ", p->sts);
	CLEANUP(mem_close) char *role = mem_printf("arn:%s:iam::123456789012:role/r-operate", p->partition);
	bool closed = false, no_keys = false;
	struct identity_flow *flow;
	char *texts[2];

	set_up(c, p, texts);
	flow = identity_find(c->w, &cfg, im, creds, &f.id, &f.aws, on_found, &f);
	cloud_wait(c, &f.done);
	assert_int_equal(f.rc, 0);
	if (cloud_count(c, asked) != 1)
		fail_msg("%s, domain %s, %s: %s was not asked", p->region, p->domain != NULL ? p->domain : "unknown",
			 p->is_ipv6_only ? "IPv6 alone" : "IPv4", p->sts);
	assert_string_equal(f.id.operate_role, role);
	identity_close(flow, flag_set, &closed);
	cloud_wait(c, &closed);
	creds_close(creds, flag_set, &no_keys);
	cloud_wait(c, &no_keys);
	cloud_close_imds(c, im);
	aws_free(f.aws);
	mem_free(texts[0]);
	mem_free(texts[1]);
	cloud_forget(c);
	c->rules_n = 0;
}

#define CHECK(c, ...) check((c), &(const struct place){ __VA_ARGS__ })

/* Hosts as AWS publishes them; tests/docs/test_regions.py compares the names of all regions and services with botocore's. */
static void each_partition_is_asked_at_its_own_hosts_whether_the_metadata_service_knows_its_domain_or_not(void **state)
{
	static const struct {
		const char *region, *partition, *domain, *usual, *dual;
	} rows[] = {
		{ "us-east-1", "aws", "amazonaws.com", "sts.us-east-1.amazonaws.com", "sts.us-east-1.api.aws" },
		{ "cn-north-1", "aws-cn", "amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn",
		  "sts.cn-north-1.api.amazonwebservices.com.cn" },
		{ "us-gov-west-1", "aws-us-gov", "amazonaws.com", "sts.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.api.aws" },
		{ "us-iso-east-1", "aws-iso", "c2s.ic.gov", "sts.us-iso-east-1.c2s.ic.gov", "sts.us-iso-east-1.api.aws.ic.gov" },
		{ "us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov", "sts.us-isob-east-1.sc2s.sgov.gov",
		  "sts.us-isob-east-1.api.aws.scloud" },
		{ "eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk", "sts.eu-isoe-west-1.cloud.adc-e.uk",
		  "sts.eu-isoe-west-1.api.cloud-aws.adc-e.uk" },
		{ "us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov", "sts.us-isof-south-1.csp.hci.ic.gov",
		  "sts.us-isof-south-1.api.aws.hci.ic.gov" },
		{ "eusc-de-east-1", "aws-eusc", "amazonaws.eu", "sts.eusc-de-east-1.amazonaws.eu",
		  "sts.eusc-de-east-1.api.amazonwebservices.eu" },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct place p = { .region = rows[i].region, .partition = rows[i].partition, .sts = rows[i].usual };

		check(c, &p);
		p.domain = rows[i].domain;
		check(c, &p);
		p.is_ipv6_only = true;
		p.sts = rows[i].dual;
		check(c, &p);
		p.domain = NULL;
		check(c, &p);
	}
}

/* A partition that is newer than this program: its suffix is what the metadata service says, and no other. */
static void the_metadata_services_answer_counts_before_the_published_list(void **state)
{
	struct cloud *c = *state;

	CHECK(c, .region = "us-new-east-1", .partition = "aws-new", .domain = "aws.new.example",
	      .sts = "sts.us-new-east-1.aws.new.example");
	CHECK(c, .region = "cn-north-1", .partition = "aws-cn", .domain = "amazonaws.new.example",
	      .sts = "sts.cn-north-1.amazonaws.new.example");
	/* Whose dual-stack suffix nobody has published: the one of another suffix would be a guess. */
	CHECK(c, .region = "us-new-east-1", .partition = "aws-new", .domain = "aws.new.example", .is_ipv6_only = true,
	      .sts = "sts.us-new-east-1.aws.new.example");
}

static void the_configuration_decides_on_dual_stack_hosts_where_it_says_anything(void **state)
{
	struct cloud *c = *state;

	CHECK(c, .region = "eu-west-1", .partition = "aws", .domain = "amazonaws.com", .dualstack = CONFIG_YES,
	      .sts = "sts.eu-west-1.api.aws");
	CHECK(c, .region = "eu-west-1", .partition = "aws", .domain = "amazonaws.com", .dualstack = CONFIG_NO, .is_ipv6_only = true,
	      .sts = "sts.eu-west-1.amazonaws.com");
}

/* One slow answer must not lead a machine past its VPC endpoints, whose private names are the usual ones. */
static void a_metadata_service_that_was_only_slow_over_ipv4_leaves_the_usual_hosts(void **state)
{
	struct cloud *c = *state;

	CHECK(c, .region = "eu-west-1", .partition = "aws", .domain = "amazonaws.com", .is_ipv4_silent = true,
	      .sts = "sts.eu-west-1.amazonaws.com");
	CHECK(c, .region = "eu-west-1", .partition = "aws", .domain = "amazonaws.com", .is_ipv4_silent = true,
	      .dualstack = CONFIG_YES, .sts = "sts.eu-west-1.api.aws");
}

/* A boot in a dual-stack subnet, where IPv6 was there first. */
static void an_ipv4_that_comes_later_is_found_and_the_usual_hosts_with_it(void **state)
{
	struct cloud *c = *state;

	CHECK(c, .region = "eu-west-1", .partition = "aws", .domain = "amazonaws.com", .is_ipv4_late = true,
	      .sts = "sts.eu-west-1.amazonaws.com");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(each_partition_is_asked_at_its_own_hosts_whether_the_metadata_service_knows_its_domain_or_not),
		CLOUD_TEST(the_metadata_services_answer_counts_before_the_published_list),
		CLOUD_TEST(a_metadata_service_that_was_only_slow_over_ipv4_leaves_the_usual_hosts),
		CLOUD_TEST(an_ipv4_that_comes_later_is_found_and_the_usual_hosts_with_it),
		CLOUD_TEST(the_configuration_decides_on_dual_stack_hosts_where_it_says_anything),
	};

	log_set(LOG_ERROR, silent, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
