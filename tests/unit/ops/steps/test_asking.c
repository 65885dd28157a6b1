/* test_asking.c - nodes are asked in turns, at the address that EC2 tells, and nobody is asked that is not ours. */
#include "tests/unit/ops/steps/asked.h"

static void ec2_is_asked_for_those_that_bear_both_tags(void **state)
{
	struct request f = { 0 };
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_answers, ASKED(""), BOTH);
	asking_where.ask(&t.x, &f);
	assert_has(buf_str(&f.body), "Filter.1.Name=instance-id&Filter.1.Value.1=i-1&Filter.1.Value.2=i-2");
	assert_has(buf_str(&f.body), "Filter.2.Name=tag%3Aresource-created-by&Filter.2.Value.1=velodb");
	assert_has(buf_str(&f.body), "Filter.3.Name=tag%3Areeve%3Ainstallation&Filter.3.Value.1=inst-1");
	request_close(&f);
	asked_end(&t);
}

static void who_may_be_asked_is_there_is_ours_and_has_an_address_inside(void **state)
{
	static const struct {
		const char *item, *args;
		bool patient;
		enum asking_is is;
	} cases[] = {
		{ AT("i-1", "running", "10.0.0.1"), "", false, ASKING_THERE },
		{ AT("i-1", "pending", "10.0.0.1"), "", false, ASKING_COMING },
		{ AT("i-1", "stopped", "10.0.0.1"), "", false, ASKING_GONE },
		{ AT("i-1", "stopped", "10.0.0.1"), ", \"started\": true", false, ASKING_COMING },
		{ AT("i-1", "stopped", "10.0.0.1"), ", \"started\": true", true, ASKING_GONE },
		{ AT("i-1", "shutting-down", "10.0.0.1"), ", \"started\": true", false, ASKING_GONE },
		{ AT("i-1", "terminated", "10.0.0.1"), "", false, ASKING_GONE },
		{ "", "", false, ASKING_GONE },
		/* an EC2 that ignores the filter */
		{ AT_TAGS("i-1", "running", "vpc-1", "<privateIpAddress>10.0.0.1</privateIpAddress>", ""), "", false, ASKING_GONE },
		{ AT_TAGS("i-1", "running", "vpc-1", "<privateIpAddress>10.0.0.1</privateIpAddress>",
			  "<tagSet><item><key>resource-created-by</key><value>velodb</value></item></tagSet>"),
		  "", false, ASKING_GONE },
		{ AT_TAGS("i-1", "running", "vpc-1", "<privateIpAddress>10.0.0.1</privateIpAddress>",
			  "<tagSet><item><key>resource-created-by</key><value>other</value></item>"
			  "<item><key>reeve:installation</key><value>inst-1</value></item></tagSet>"),
		  "", false, ASKING_GONE },
		{ AT_TAGS("i-1", "running", "vpc-2", "<privateIpAddress>10.0.0.1</privateIpAddress>", OUR_TAGS), "", false,
		  ASKING_GONE },
		/* addresses */
		{ AT("i-1", "running", "10.1.0.1"), "", false, ASKING_GONE },
		{ AT("i-1", "running", "169.254.169.254"), "", false, ASKING_GONE },
		{ AT("i-1", "running", "10.0.0.0/24"), "", false, ASKING_GONE },
		{ AT("i-1", "running", "node.example"), "", false, ASKING_GONE },
		{ AT_TAGS("i-1", "running", "vpc-1", "", OUR_TAGS), "", false, ASKING_GONE },
		{ AT_TAGS("i-1", "running", "vpc-1", "<ipv6Address>2600:1f18:1::7</ipv6Address>", OUR_TAGS), "", false,
		  ASKING_THERE },
		{ AT_TAGS("i-1", "running", "vpc-1", "<ipv6Address>2600:1f18:2::7</ipv6Address>", OUR_TAGS), "", false,
		  ASKING_GONE },
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *args = mem_printf(ASKED("%s"), cases[i].args);
		CLEANUP(mem_close) char *where = mem_printf(WHERE("%s"), cases[i].item);
		struct kinds t;

		asked_start(&t, &kind_wait_answers, args, where);
		t.x.patient = cases[i].patient;
		if (asking_how_is(&t.x, "i-1", &why) != cases[i].is)
			fail_msg("case %zu: %s", i, why);
		asked_end(&t);
	}
}

static void a_node_is_asked_at_its_own_address_in_brackets_where_that_is_ipv6(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_answers, ASKED(""),
		    WHERE(AT("i-1", "running", "10.0.0.1")
			      AT_TAGS("i-2", "running", "vpc-1", "<ipv6Address>2600:1f18:1::7</ipv6Address>", OUR_TAGS)));
	assert_string_equal(asked_url(&t), "http://10.0.0.1:8040/health");
	assert_string_equal(t.req.method, "GET");
	assert_int_equal(t.req.body.len, 0);
	assert_int_equal(asked_says(&t, 503), STEP_MORE);
	assert_string_equal(asked_url(&t), "http://[2600:1f18:1::7]:8040/health");
	asked_end(&t);
}

static void each_is_asked_once_in_a_round_and_who_is_done_no_more(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_answers, ASKED(""), BOTH);
	assert_int_equal(asked_says(&t, 200), STEP_MORE);
	assert_string_equal(asking_now(&t.x), "i-1");
	assert_int_equal(asked_says(&t, 503), STEP_AGAIN);
	assert_string_equal(asking_now(&t.x), "i-2");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(asked_says(&t, 503), STEP_AGAIN);
		assert_string_equal(asking_now(&t.x), "i-2");
	}
	assert_string_equal(asking_said(&t.x, "i-2"), "HTTP 503");
	asked_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ec2_is_asked_for_those_that_bear_both_tags),
		cmocka_unit_test(who_may_be_asked_is_there_is_ours_and_has_an_address_inside),
		cmocka_unit_test(a_node_is_asked_at_its_own_address_in_brackets_where_that_is_ipv6),
		cmocka_unit_test(each_is_asked_once_in_a_round_and_who_is_done_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
