/* test_pages.c - a listing is whole, or it is an error. */
#include "tests/unit/aws/cloud.h"

#include "agent/aws/ec2.h"
#include "agent/aws/pages.h"
#include "agent/base/arena.h"

#define EC2_URL "https://ec2.us-east-1.amazonaws.com/"
#define PAGE(vpc, token)                                                                                                           \
	"<DescribeVpcsResponse><vpcSet><item><vpcId>" vpc                                                                          \
	"</vpcId><cidrBlock>10.0.0.0/16</cidrBlock></item></vpcSet><nextToken>" token "</nextToken></DescribeVpcsResponse>"
#define EMPTY_PAGE(token) "<DescribeVpcsResponse><vpcSet/><nextToken>" token "</nextToken></DescribeVpcsResponse>"

struct listing {
	struct cloud *c;
	struct imds *im;
	struct creds *creds;
	struct aws *aws;
	struct aws_pages pages;
	struct arena *arena;
	struct ec2_vpcs vpcs;
	bool done;
	unsigned turn; /* of the server with the endless list */
};

static void ask(void *ctx, const char *token, struct form *f)
{
	(void)ctx;
	ec2_describe_vpcs(f, &(struct ec2_describe){ .next_token = token });
}

static int take(void *ctx, const struct xml_node *root, struct err *e)
{
	struct listing *l = ctx;

	return ec2_read_vpcs(root, l->arena, &l->vpcs, e);
}

static void on_done(struct aws_pages *p)
{
	struct listing *l = container_of(p, struct listing, pages);

	assert_false(l->done);
	l->done = true;
}

static void begin(struct listing *l, struct cloud *c)
{
	const struct aws_config cfg = { .region = "us-east-1", .suffix = "amazonaws.com", .version = "0" };

	*l = (struct listing){
		.c = c, .im = imds_new(c->w, IMDS_URL), .aws = aws_new(c->w, &cfg), .arena = arena_new_sized(16u << 20)
	};
	l->creds = creds_new_imds(c->w, l->im);
	cloud_imds(c);
	l->pages.service = AWS_EC2;
	l->pages.ask = ask;
	l->pages.take = take;
	l->pages.next = ec2_next_token;
	l->pages.ctx = l;
	aws_pages_start(l->aws, &l->pages, l->creds, on_done);
	assert_false(l->done);
}

static void end(struct listing *l)
{
	bool done = false;

	aws_pages_close(&l->pages);
	creds_close(l->creds, cloud_done, &done);
	cloud_wait(l->c, &done);
	cloud_close_imds(l->c, l->im);
	aws_free(l->aws);
	arena_free(l->arena);
}

static void all_pages_are_taken_in_order_also_empty_ones(void **state)
{
	struct cloud *c = *state;
	struct listing l;

	CLOUD(c, .match = "NextToken=t3", .status = 200, .body = PAGE("vpc-3", ""));
	CLOUD(c, .match = "NextToken=t2", .status = 200, .body = EMPTY_PAGE("t3"));
	CLOUD(c, .match = EC2_URL, .status = 200, .body = PAGE("vpc-1", "t2"));
	begin(&l, c);
	cloud_wait(c, &l.done);
	assert_int_equal(l.pages.class, AWS_OK);
	assert_int_equal(l.pages.count, 3);
	assert_int_equal(l.vpcs.n, 2);
	assert_string_equal(l.vpcs.v[1].id, "vpc-3");
	end(&l);
}

static void a_throttled_page_is_retried_and_a_denied_one_ends_the_listing(void **state)
{
	struct cloud *c = *state;
	struct listing l;

	CLOUD(c, .match = "NextToken=t2", .status = 403,
	      .body =
		  "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>");
	CLOUD(c, .match = EC2_URL, .status = 503,
	      .body = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>", .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = PAGE("vpc-1", "t2"));
	begin(&l, c);
	cloud_wait(c, &l.done);
	assert_int_equal(l.pages.class, AWS_DENIED);
	assert_int_equal(l.pages.count, 1);
	assert_non_null(strstr(l.pages.err.text, "UnauthorizedOperation"));
	end(&l);
}

static void a_page_that_cannot_be_read_ends_the_listing(void **state)
{
	struct cloud *c = *state;
	struct listing l;

	CLOUD(c, .match = "NextToken=t2", .status = 200, .body = "<DescribeVpcsResponse/>");
	CLOUD(c, .match = EC2_URL, .status = 200, .body = PAGE("vpc-1", "t2"));
	begin(&l, c);
	cloud_wait(c, &l.done);
	assert_int_equal(l.pages.class, AWS_INVALID);
	assert_string_equal(l.pages.err.text, "DescribeVpcsResponse has no vpcSet");
	end(&l);
}

static void the_same_token_twice_is_an_error(void **state)
{
	struct cloud *c = *state;
	struct listing l;

	CLOUD(c, .match = EC2_URL, .status = 200, .body = PAGE("vpc-1", "same"));
	begin(&l, c);
	cloud_wait(c, &l.done);
	assert_int_equal(l.pages.class, AWS_INVALID);
	assert_non_null(strstr(l.pages.err.text, "same token twice"));
	assert_int_equal(l.pages.count, 2);
	end(&l);
}

static void serve_endless(void *ctx, struct sim_http *x)
{
	struct listing *l = ctx;
	char text[256];

	if (strstr(x->url, EC2_URL) == NULL) {
		cloud_on_request(l->c, x);
		return;
	}
	snprintf(text, sizeof(text), "<DescribeVpcsResponse><vpcSet/><nextToken>t%u</nextToken></DescribeVpcsResponse>", l->turn++);
	sim_http_answer(x, 200, NULL, text, strlen(text), 0);
}

static void a_listing_without_an_end_is_given_up(void **state)
{
	struct cloud *c = *state;
	struct listing l;

	sim_http_handle(c->w, serve_endless, &l);
	begin(&l, c);
	cloud_wait(c, &l.done);
	assert_int_equal(l.pages.class, AWS_INVALID);
	assert_int_equal(l.pages.err.code, ERR_LIMIT);
	assert_int_equal(l.pages.count, PAGES_MAX);
	end(&l);
	sim_http_handle(c->w, cloud_on_request, c);
}

static void a_listing_can_be_canceled_at_any_step(void **state)
{
	struct cloud *c = *state;

	CLOUD(c, .match = "NextToken=t2", .status = 200, .body = PAGE("vpc-2", ""));
	CLOUD(c, .match = EC2_URL, .status = 200, .body = PAGE("vpc-1", "t2"));
	for (unsigned steps = 0; steps < 25; steps++) {
		struct listing l;

		c->rules_n = 2;
		begin(&l, c);
		for (unsigned i = 0; i < steps && !l.done; i++)
			sim_step(c->w);
		if (!l.done) {
			aws_pages_cancel(&l.pages);
			assert_false(l.done);
			cloud_wait(c, &l.done);
			assert_true(l.pages.canceled);
			assert_int_not_equal(l.pages.class, AWS_OK);
		}
		aws_pages_cancel(&l.pages);
		end(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(all_pages_are_taken_in_order_also_empty_ones),
		CLOUD_TEST(a_throttled_page_is_retried_and_a_denied_one_ends_the_listing),
		CLOUD_TEST(a_page_that_cannot_be_read_ends_the_listing),
		CLOUD_TEST(the_same_token_twice_is_an_error),
		CLOUD_TEST(a_listing_without_an_end_is_given_up),
		CLOUD_TEST(a_listing_can_be_canceled_at_any_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
