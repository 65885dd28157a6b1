/* test_diag_collect.c - a bundle put together by a whole agent: what is in it, how many are kept, and a close at any moment. */
#include "agent/base/buf.h"
#include "agent/daemon/diag_files.h"
#include "tests/unit/daemon/bundles.h"
#include "tests/unit/daemon/gunzip.h"

/* As gunzip does. */
static void text_of(struct stage *s, const struct digest *d, struct buf *to)
{
	CLEANUP(mem_close) char *path = diag_path(BUNDLES_DIR, d, ".gz");
	CLEANUP(buf_close) struct buf gz = BUF_MAX(16u << 20);

	assert_int_equal(disk_read_all(s->w, path, &gz, NULL), 0);
	gunzip(&gz, to);
}

static void every_part_is_in_it_and_no_signed_bytes(void **state)
{
	static const char *const parts[] = { "about",  "config", "policy", "status", "operation", "inventory.left_out",
					     "record", "errors", "end" };
	struct stage *s = *state;
	CLEANUP(buf_close) struct buf text = BUF_MAX(16u << 20);
	struct digest d = bundles_made(s);

	text_of(s, &d, &text);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		CLEANUP(mem_close) char *part = mem_printf("{\"part\":\"%s\"", parts[i]);

		if (strstr(buf_str(&text), part) == NULL)
			fail_msg("%s is not in it", part);
	}
	assert_non_null(strstr(buf_str(&text), "\"type\":\"command.accepted\""));
	assert_null(strstr(buf_str(&text), "\"signed\""));
	assert_null(strstr(buf_str(&text), "public_key: "));
}

/* The words of a policy are the customer's. */
static void a_customers_rules_hold_in_it(void **state)
{
	struct stage *s = *state;
	CLEANUP(buf_close) struct buf text = BUF_MAX(16u << 20);
	struct digest d;

	bundles_policy(s, BUNDLES_ON "export:\n  drop: [journal.created]\n  redact: [{name: vpc, pattern: \"inst-[0-9]\"}]\n");
	d = bundles_made(s);
	text_of(s, &d, &text);
	assert_null(strstr(buf_str(&text), "journal.created"));
	assert_null(strstr(buf_str(&text), "inst-1"));
	assert_non_null(strstr(buf_str(&text), "[REDACTED:vpc]"));
	assert_null(strstr(buf_str(&text), "\"kept_here_by_rules\":0"));
}

static void records_from_before_its_hours_are_not_in_it(void **state)
{
	struct stage *s = *state;
	CLEANUP(buf_close) struct buf text = BUF_MAX(16u << 20);
	struct digest d;

	sim_run_until(s->w, NULL, NULL, 25ull * 3600000);
	d = bundles_made(s);
	text_of(s, &d, &text);
	assert_null(strstr(buf_str(&text), "journal.created"));
	assert_non_null(strstr(buf_str(&text), "\"type\":\"command.accepted\""));
}

static int count_bundle(void *ctx, const char *name)
{
	*(unsigned *)ctx += str_ends(name, ".gz") || str_ends(name, ".rules") ? 1 : 100;
	return 0;
}

static void the_newest_four_are_kept(void **state)
{
	struct stage *s = *state;
	struct digest first = bundles_made(s), last = first;
	CLEANUP(mem_close) char *oldest = diag_path(BUNDLES_DIR, &first, ".gz"), *newest = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < DIAG_KEPT; i++) {
		sim_run_until(s->w, NULL, NULL, 5000);
		last = bundles_made(s);
	}
	newest = diag_path(BUNDLES_DIR, &last, ".gz");
	assert_false(disk_exists(s->w, oldest));
	assert_true(disk_exists(s->w, newest));
	assert_int_equal(s->w->disk_list(s->w, BUNDLES_DIR, count_bundle, &n, NULL), 0);
	assert_in_range(n, 2 * DIAG_KEPT, 2 * DIAG_KEPT + 1);
}

/* Trouble is what it is for: an account that does not answer is told in it. */
static void an_account_that_does_not_answer_is_told_in_it(void **state)
{
	struct stage *s = *state;
	CLEANUP(buf_close) struct buf text = BUF_MAX(16u << 20);
	struct digest d;

	s->is_ec2_gone = true;
	d = bundles_made(s);
	text_of(s, &d, &text);
	assert_non_null(strstr(buf_str(&text), "{\"part\":\"inventory.failed\""));
	assert_non_null(strstr(buf_str(&text), "{\"part\":\"record\""));
}

static void the_agent_closes_at_every_moment_of_it(void **state)
{
	(void)state;
	for (unsigned ms = 0; ms < 3000; ms = ms * 3 / 2 + 1) {
		struct vendor_command *c;
		struct stage *s;
		void *mine;

		bundles_open(&mine);
		s = mine;
		c = bundles_collect(s);
		while (c->state != STATE_OF(RUNNING) && !vendor_has_result(c))
			sim_run_until(s->w, NULL, NULL, 20);
		sim_run_until(s->w, NULL, NULL, ms);
		bundles_shut(&mine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BUNDLES(every_part_is_in_it_and_no_signed_bytes),       BUNDLES(a_customers_rules_hold_in_it),
		BUNDLES(records_from_before_its_hours_are_not_in_it),   BUNDLES(the_newest_four_are_kept),
		BUNDLES(an_account_that_does_not_answer_is_told_in_it), cmocka_unit_test(the_agent_closes_at_every_moment_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
