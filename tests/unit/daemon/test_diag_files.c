/* test_diag_files.c - bundles on the disk: the newest few stay, and one leaves only under the rules that it was made under. */
#include "agent/base/str.h"
#include "agent/daemon/diag_bundle.h"
#include "agent/daemon/diag_files.h"
#include "tests/unit/control/desk.h"

#define DIR "/var/lib/reeve/diag"

static struct telemetry_rules rules_of(char **drop)
{
	return (struct telemetry_rules){ .drop = drop, .drop_n = 1 };
}

static struct digest put(struct desk *d, const char *text, const struct telemetry_rules *r)
{
	struct digest digest = digest_of(text, strlen(text)), made = diag_rules_digest(r);
	CLEANUP(mem_close) char *gz = diag_path(DIR, &digest, ".gz"), *rules = diag_path(DIR, &digest, ".rules");
	char hex[DIGEST_HEX_LEN];

	sim_file_puts(d->w, gz, text);
	sim_file_puts(d->w, rules, digest_hex(&made, hex));
	return digest;
}

static void a_bundle_is_read_under_the_rules_that_it_was_made_under_alone(void **state)
{
	struct desk *d = *state;
	char *one[] = { (char *)"a" }, *other[] = { (char *)"b" };
	struct telemetry_rules then = rules_of(one), now = rules_of(other);
	CLEANUP(buf_close) struct buf b = BUF_MAX(DIAG_BYTES);
	struct digest digest = put(d, "bundle", &then), unknown = digest_of("x", 1);
	CLEANUP(mem_close) char *path = diag_path(DIR, &digest, ".gz");
	struct err e = { 0 };

	assert_int_equal(diag_read(d->w, DIR, &digest, &then, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "bundle");
	buf_reset(&b);
	assert_int_equal(diag_read(d->w, DIR, &digest, &now, &b, &e), -ERR_DENIED);
	assert_non_null(strstr(err_text(&e), "collect again"));
	buf_reset(&b);
	assert_int_equal(diag_read(d->w, DIR, &unknown, &then, &b, &e), -ERR_NOTFOUND);
	assert_non_null(strstr(err_text(&e), "there is no bundle"));
	buf_reset(&b);
	sim_file_puts(d->w, path, "changed");
	assert_int_equal(diag_read(d->w, DIR, &digest, &then, &b, &e), -ERR_CORRUPT);
	assert_non_null(strstr(err_text(&e), "has other bytes than its name says"));
}

/* Whatever is added, taken away or put elsewhere: "metrics a" is not "logs a". */
static void each_rule_is_in_the_digest_of_the_rules(void **state)
{
	char *a[] = { (char *)"a", (char *)"b" };
	struct telemetry_redact mask = { .name = "a", .pattern = "b" }, hmac = { "a", "b", TELEMETRY_HMAC };
	struct telemetry_rules r[] = {
		{ 0 },
		{ .metrics = a, .metrics_n = 1 },
		{ .logs = a, .logs_n = 1 },
		{ .drop = a, .drop_n = 1 },
		{ .drop = a, .drop_n = 2 },
		{ .redact = &mask, .redact_n = 1 },
		{ .redact = &hmac, .redact_n = 1 },
		{ .detect = { [TELEMETRY_IP] = { true, TELEMETRY_MASK } } },
		{ .detect = { [TELEMETRY_IP] = { true, TELEMETRY_HMAC } } },
		{ .detect = { [TELEMETRY_EMAIL] = { true, TELEMETRY_MASK } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		for (size_t k = 0; k < i; k++) {
			struct digest x = diag_rules_digest(&r[i]), y = diag_rules_digest(&r[k]);

			assert_false(digest_eq(&x, &y));
		}
}

static void the_oldest_of_too_many_goes_and_what_belongs_to_no_bundle(void **state)
{
	struct desk *d = *state;
	char *drop[] = { (char *)"a" };
	struct telemetry_rules r = rules_of(drop);
	struct digest first = { 0 };
	CLEANUP(mem_close) char *gone = NULL, *rules = NULL, *next = NULL, *wanted = NULL, *wanted_rules = NULL;

	for (unsigned i = 0; i <= DIAG_KEPT; i++) {
		char text[16];
		struct digest digest;

		next = diag_next_to_go(d->w, DIR);
		assert_null(next);
		snprintf(text, sizeof(text), "bundle %u", i);
		digest = put(d, text, &r);
		if (i == 0)
			first = digest;
		desk_pass(d, 5000);
	}
	sim_file_puts(d->w, DIR "/notes.txt", "somebody's");
	wanted = diag_path(DIR, &first, ".gz");
	wanted_rules = diag_path(DIR, &first, ".rules");
	gone = diag_next_to_go(d->w, DIR);
	assert_string_equal(gone, wanted);
	sim_file_unlink(d->w, gone);
	rules = diag_next_to_go(d->w, DIR);
	assert_string_equal(rules, wanted_rules);
	sim_file_unlink(d->w, rules);
	next = diag_next_to_go(d->w, DIR);
	assert_null(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_bundle_is_read_under_the_rules_that_it_was_made_under_alone),
		DESK_TEST(each_rule_is_in_the_digest_of_the_rules),
		DESK_TEST(the_oldest_of_too_many_goes_and_what_belongs_to_no_bundle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
