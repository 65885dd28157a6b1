/* test_diag_bundle.c - what gets into a bundle: nothing that the customer's rules keep here, and never what is secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/daemon/diag_bundle.h"
#include "shippers/rules.h"
#include "tests/unit/daemon/gunzip.h"

static struct rules *rules_of(const char *drop, const char *redact)
{
	char *drops[] = { (char *)drop };
	struct telemetry_redact masks[] = { { .name = "it", .pattern = redact } };
	struct telemetry_rules t = { .drop = drops, .drop_n = drop != NULL, .redact = masks, .redact_n = redact != NULL };
	struct rules *r = NULL;

	assert_int_equal(rules_new(&t, NULL, NULL, &r, NULL), 0);
	return r;
}

/* The text of a bundle with these lines, "|" between them. */
static const char *bundle(struct buf *text, struct rules *r, const char *lines)
{
	struct diag_bundle b;

	diag_bundle_init(&b, r);
	for (const char *at = lines; *at != '\0'; at += strspn(at, "|")) {
		json_t *j = NULL;

		assert_int_equal(json_parse(at, strcspn(at, "|"), "line", &j, NULL), 0);
		diag_bundle_add(&b, j);
		at += strcspn(at, "|");
	}
	assert_int_equal(diag_bundle_end(&b, NULL), 0);
	gunzip(&b.gz, text);
	diag_bundle_close(&b);
	rules_free(r);
	return buf_str(text);
}

static void rules_hold_for_every_text_of_a_bundle(void **state)
{
	static const struct {
		const char *drop, *redact, *lines, *wanted;
	} cases[] = {
		{ NULL, NULL, "{\"part\":\"a\"}|{\"part\":\"b\"}",
		  "{\"part\":\"a\"}\n{\"part\":\"b\"}\n"
		  "{\"part\":\"end\",\"lines\":2,\"kept_here_by_rules\":0,\"left_out_for_room\":0}\n" },
		{ NULL, "s[0-9]+", "{\"x\":[{\"y\":\"a s12 b\"},7,true]}",
		  "{\"x\":[{\"y\":\"a [REDACTED:it] b\"},7,true]}\n"
		  "{\"part\":\"end\",\"lines\":1,\"kept_here_by_rules\":0,\"left_out_for_room\":0}\n" },
		/* a name is a text, too: a tag's is the customer's */
		{ NULL, "s[0-9]+", "{\"tags\":{\"s1\":\"v\"}}",
		  "{\"tags\":{\"[REDACTED:it]\":\"v\"}}\n"
		  "{\"part\":\"end\",\"lines\":1,\"kept_here_by_rules\":0,\"left_out_for_room\":0}\n" },
		{ "password", NULL, "{\"a\":{\"b\":[\"the password\"]}}|{\"c\":1}",
		  "{\"c\":1}\n{\"part\":\"end\",\"lines\":1,\"kept_here_by_rules\":1,\"left_out_for_room\":0}\n" },
		/* of a name and its value together */
		{ "\"pin\":\"[0-9]+\"", NULL, "{\"pin\":\"1234\"}",
		  "{\"part\":\"end\",\"lines\":0,\"kept_here_by_rules\":1,\"left_out_for_room\":0}\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);

		assert_string_equal(bundle(&text, rules_of(cases[i].drop, cases[i].redact), cases[i].lines), cases[i].wanted);
	}
}

static void what_is_signed_user_data_and_what_only_the_customer_can_decode_never_get_in(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);

	(void)state;
	bundle(&text, rules_of(NULL, NULL),
	       "{\"record\":{\"signed\":\"XX\",\"op\":\"1\",\"plan\":{\"plans\":[{\"steps\":[{\"args\":{\"user_data\":\"XX\","
	       "\"n\":2}}]}]},\"error\":{\"aws_encoded_message\":\"XX\",\"class\":\"QUOTA\"}}}");
	assert_null(strstr(buf_str(&text), "XX"));
	assert_non_null(strstr(buf_str(&text), "\"args\":{\"n\":2}"));
	assert_non_null(strstr(buf_str(&text), "\"class\":\"QUOTA\""));
}

/* The bytes of a heal, and of the spec that stands, hold the same user data; a printed plan shows the first lines of it. */
static void user_data_does_not_get_in_by_another_name(void **state)
{
	static const char id[] = "01a3185c-5000-7101-8101-010101010101";
	CLEANUP(mem_close)
	char *lines = mem_printf("{\"record\":{\"type\":\"local.accepted\",\"command\":\"XXXX\",\"verb\":\"heal\"}}|"
				 "{\"record\":{\"type\":\"wanted\",\"args\":\"XXXX\",\"op\":\"1\"}}|"
				 "{\"record\":{\"type\":\"command.result\",\"plan_text\":\"XXXX\",\"code\":7}}|"
				 "{\"part\":\"about\",\"command\":\"%s\"}",
				 id);
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);

	(void)state;
	bundle(&text, rules_of(NULL, NULL), lines);
	assert_null(strstr(buf_str(&text), "XX"));
	assert_non_null(strstr(buf_str(&text), "\"verb\":\"heal\""));
	assert_non_null(strstr(buf_str(&text), "\"code\":7"));
	assert_non_null(strstr(buf_str(&text), id));
}

/* Without rules that could be compiled nothing leaves. */
static void without_rules_nothing_gets_in(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);

	(void)state;
	assert_null(strstr(bundle(&text, NULL, "{\"a\":\"b\"}"), "\"a\""));
}

static void a_bundle_stays_within_its_size_and_counts_what_had_no_room(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(64u << 20);
	struct rules *r = rules_of(NULL, NULL);
	struct diag_bundle b;
	uint64_t seed = 3, n = 0;
	char noise[32769];

	(void)state;
	diag_bundle_init(&b, r);
	while (b.no_room < 40 && n < 2000) {
		for (size_t i = 0; i < sizeof(noise) - 1; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			noise[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"[seed >> 58];
		}
		noise[sizeof(noise) - 1] = '\0';
		diag_bundle_add(&b, json_pack("{s:s}", "n", noise));
		n++;
	}
	assert_int_equal(diag_bundle_end(&b, NULL), 0);
	assert_true(b.gz.len <= DIAG_BYTES && b.gz.len > DIAG_BYTES / 2);
	assert_int_equal(b.lines + b.no_room, n);
	gunzip(&b.gz, &text);
	assert_non_null(strstr(buf_str(&text), "\"left_out_for_room\":40}"));
	diag_bundle_close(&b);
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_hold_for_every_text_of_a_bundle),
		cmocka_unit_test(what_is_signed_user_data_and_what_only_the_customer_can_decode_never_get_in),
		cmocka_unit_test(user_data_does_not_get_in_by_another_name),
		cmocka_unit_test(without_rules_nothing_gets_in),
		cmocka_unit_test(a_bundle_stays_within_its_size_and_counts_what_had_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
