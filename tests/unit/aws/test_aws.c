/* test_aws.c - names and places: which host a service has, and what an override makes of it. */
#include "tests/unit/aws/cloud.h"

#include "agent/aws/call_impl.h"
#include "agent/aws/elb.h"
#include "agent/aws/sts.h"

static struct aws *aws_at(struct world *w, const char *region, const char *suffix, const char *ec2)
{
	const struct aws_endpoint at = { "ec2", ec2 };
	const struct aws_config cfg = {
		.region = region, .suffix = suffix, .version = "1", .endpoints = &at, .endpoints_n = ec2 != NULL
	};

	return aws_new(w, &cfg);
}

static void every_class_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < AWS_CLASSES; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(aws_class_name((enum aws_class)i), aws_class_name((enum aws_class)k));
}

static void what_the_config_says_is_copied(void **state)
{
	struct cloud *c = *state;
	char region[] = "eu-west-1", suffix[] = "amazonaws.com";
	struct aws *a = aws_at(c->w, region, suffix, NULL);
	CLEANUP(buf_close) struct buf b = BUF_MAX(256);

	memset(region, 'x', sizeof(region) - 1);
	memset(suffix, 'x', sizeof(suffix) - 1);
	aws_host(a, &elb_service, &b);
	assert_string_equal(buf_str(&b), "elasticloadbalancing.eu-west-1.amazonaws.com");
	assert_string_equal(aws_region(a), "eu-west-1");
	assert_int_equal(aws_clock_offset_ms(a), 0);
	aws_free(a);
}

static void a_place_is_a_url_with_the_host_and_path_that_are_signed(void **state)
{
	static const struct {
		const char *endpoint, *asked, *query, *url, *host, *path;
	} cases[] = {
		{ NULL, "/", "", "https://ec2.us-east-1.amazonaws.com/", "ec2.us-east-1.amazonaws.com", "/" },
		{ "http://127.0.0.1:5000", "/", "", "http://127.0.0.1:5000/", "127.0.0.1:5000", "/" },
		{ "http://LocalHost:80/", "/", "", "http://LocalHost:80/", "localhost", "/" },
		{ "HTTP://LocalHost:443/", "/", "", "HTTP://LocalHost:443/", "localhost:443", "/" },
		{ "https://gate:443/ec2/x", "/", "", "https://gate:443/ec2/x/", "gate", "/ec2/x/" },
		{ "https://gate/ec2/", "/", "", "https://gate/ec2/", "gate", "/ec2/" },
		{ "https://gate:80", "/", "", "https://gate:80/", "gate:80", "/" },
		{ NULL, "/a/b", "list-type=2", "https://ec2.us-east-1.amazonaws.com/a/b?list-type=2", "ec2.us-east-1.amazonaws.com",
		  "/a/b" },
		{ "https://gate/x/", "/a", "q", "https://gate/x/a?q", "gate", "/x/a" },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct aws *a = aws_at(c->w, "us-east-1", "amazonaws.com", cases[i].endpoint);
		CLEANUP(buf_close) struct buf url = BUF_MAX(256), host = BUF_MAX(256), path = BUF_MAX(256);

		aws_place(a, &(struct request){ .service = &ec2_service, .path = cases[i].asked, .query = cases[i].query }, &url,
			  &host, &path);
		assert_string_equal(buf_str(&url), cases[i].url);
		assert_string_equal(buf_str(&host), cases[i].host);
		assert_string_equal(buf_str(&path), cases[i].path);
		aws_free(a);
	}
}

static void an_override_of_one_service_leaves_the_others_where_they_are(void **state)
{
	struct cloud *c = *state;
	struct aws *a = aws_at(c->w, "cn-north-1", "amazonaws.com.cn", "http://127.0.0.1:1");
	CLEANUP(buf_close) struct buf url = BUF_MAX(256), host = BUF_MAX(256), path = BUF_MAX(256), own = BUF_MAX(256);

	aws_place(a, &(struct request){ .service = &sts_service, .path = "/", .query = "" }, &url, &host, &path);
	assert_string_equal(buf_str(&url), "https://sts.cn-north-1.amazonaws.com.cn/");
	aws_host(a, &ec2_service, &own);
	assert_string_equal(buf_str(&own), "ec2.cn-north-1.amazonaws.com.cn");
	aws_free(a);
}

/* S3 keeps its suffix: there a label tells it. */
static void a_dual_stack_host_has_another_suffix_and_of_s3_another_label(void **state)
{
	static const struct aws_service s3 = { .name = "s3", .dual_label = "dualstack" };
	static const struct {
		const char *dual_suffix, *ec2, *s3;
	} cases[] = {
		{ NULL, "ec2.cn-north-1.amazonaws.com.cn", "s3.cn-north-1.amazonaws.com.cn" },
		{ "api.amazonwebservices.com.cn", "ec2.cn-north-1.api.amazonwebservices.com.cn",
		  "s3.dualstack.cn-north-1.amazonaws.com.cn" },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct aws_config cfg = {
			.region = "cn-north-1", .suffix = "amazonaws.com.cn", .dual_suffix = cases[i].dual_suffix, .version = "1"
		};
		struct aws *a = aws_new(c->w, &cfg);
		CLEANUP(buf_close) struct buf b = BUF_MAX(256), other = BUF_MAX(256);

		aws_host(a, &ec2_service, &b);
		assert_string_equal(buf_str(&b), cases[i].ec2);
		aws_host(a, &s3, &other);
		assert_string_equal(buf_str(&other), cases[i].s3);
		aws_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_has_a_name_of_its_own),
		CLOUD_TEST(what_the_config_says_is_copied),
		CLOUD_TEST(a_place_is_a_url_with_the_host_and_path_that_are_signed),
		CLOUD_TEST(an_override_of_one_service_leaves_the_others_where_they_are),
		CLOUD_TEST(a_dual_stack_host_has_another_suffix_and_of_s3_another_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
