/* test_policy.c - the customer's last word: what the file may say, who may have written it, what it allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/policy.h"
#include "tests/sim/world_sim.h"
#include "tests/unit/cases.h"

#define PATH "/etc/reeve/policy.yaml"

static const char good[] =
    "commands:\n  warehouse.apply: auto\n  warehouse.delete: plan-only\n"
    "bounds:\n  instance_types: [r6i.large, r6i.xlarge]\n  nodes_per_cluster: 4\n  nodes_total: 6\n  volume_gib: 200\n"
    "  cidrs: [10.0.0.0/8]\n  ports: [443, 8000-9000]\n"
    "delete_hold: 2h\nexport:\n  metrics: [\"system.*\"]\n  logs: [/var/log/x]\n  drop: [secret]\n"
    "  redact: [{name: key, pattern: AKIA}, {name: user, pattern: u, action: hmac}]\n"
    "  detect: [email, {name: ip, action: hmac}, {name: tokens}]\n"
    "  bytes_per_day: 10GiB\n"
    "  series_per_metric: 1000\n";

static struct policy parsed(const char *text)
{
	struct policy p;

	assert_int_equal(policy_parse(PATH, text, strlen(text), &p, NULL), 0);
	return p;
}

static void a_whole_file_is_read(void **state)
{
	struct policy p = parsed(good);

	(void)state;
	assert_true(p.present);
	assert_false(p.frozen);
	assert_int_equal(p.verbs[VERB_WAREHOUSE_APPLY], POLICY_AUTO);
	assert_int_equal(p.verbs[VERB_WAREHOUSE_DELETE], POLICY_PLAN_ONLY);
	assert_int_equal(bounds_of(&p.bounds, &bound_instance_types)->texts.n, 2);
	assert_int_equal(p.delete_hold_ms, 7200000);
	assert_int_equal(p.export.metrics_n, 1);
	assert_string_equal(p.export.redact[0].pattern, "AKIA");
	assert_int_equal(p.export.redact[0].action, TELEMETRY_MASK);
	assert_int_equal(p.export.redact[1].action, TELEMETRY_HMAC);
	assert_int_equal(p.export.bytes_per_day, 10ull << 30);
	assert_int_equal(p.export.series_per_metric, 1000);
	assert_true(p.export.detect[TELEMETRY_EMAIL].is_on && p.export.detect[TELEMETRY_TOKENS].is_on);
	assert_int_equal(p.export.detect[TELEMETRY_EMAIL].action, TELEMETRY_MASK);
	assert_int_equal(p.export.detect[TELEMETRY_IP].action, TELEMETRY_HMAC);
	assert_false(p.export.detect[TELEMETRY_SQL_LITERALS].is_on);
	policy_close(&p);
}

static void a_mark_of_utf8_at_the_head_is_as_if_it_were_not_there(void **state)
{
	char text[4096];
	FILE *f = cases_open("bom.policy.yaml");
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	struct policy p;

	(void)state;
	fclose(f);
	text[n] = '\0';
	assert_memory_equal(text, "\xEF\xBB\xBF", 3);
	p = parsed(text);
	assert_int_equal(p.verbs[VERB_WAREHOUSE_APPLY], POLICY_AUTO);
	policy_close(&p);
}

static void what_is_not_said_is_off_allows_nothing_and_holds_a_day(void **state)
{
	struct policy p = parsed("commands: {}\n");
	struct demand d = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(p.verbs[VERB_WAREHOUSE_APPLY], POLICY_OFF);
	assert_int_equal(p.verbs[VERB_WAREHOUSE_DELETE], POLICY_OFF);
	assert_int_equal(p.delete_hold_ms, 86400000);
	assert_int_equal(p.export.metrics_n + p.export.logs_n, 0);
	demand_add(&d, &bound_nodes_total, 1);
	assert_int_equal(bounds_judge(&p.bounds, &d, 0, &e), -ERR_DENIED);
	demand_close(&d);
	policy_close(&p);
}

static void a_broken_file_names_its_line_and_leaves_nothing(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "comands: {}\n", ":1: key \"comands\" is not known" },
		{ "commands:\n  warehouse.apply: yes\n", ":2: " },
		{ "commands:\n  warehouse.destroy: auto\n", ":2: key \"warehouse.destroy\" is not known" },
		{ "bounds:\n  cidrs: [10.0.0.1/8]\n", "expected an address block" },
		{ "bounds:\n  ports: [9000-8000]\n", "expected a port" },
		{ "bounds:\n  ports: [70000]\n", "expected a port" },
		{ "bounds:\n  nodes_total: many\n", "expected a number" },
		{ "bounds: [1]\n", "expected a mapping" },
		{ "delete_hold: soon\n", "expected a duration" },
		{ "mode: maybe\n", "expected one of" },
		{ "export:\n  redact: [{name: x}]\n", "policy.yaml:2: key \"pattern\" is missing, expected name and pattern" },
		{ "export:\n  redact: [{name: 'a b', pattern: x}]\n",
		  "policy.yaml:2: name: found \"a b\", expected 1 to 64 of letters, digits, dot, dash and underscore" },
		{ "export:\n  redact: [{name: x, pattern: x, action: hash}]\n",
		  "policy.yaml:2: action: found \"hash\", expected one of mask, hmac" },
		{ "export:\n  detect: [email, phone]\n", "policy.yaml:2: found \"phone\", expected one of aws_keys" },
		{ "export:\n  detect: [{name: email, action: drop}]\n",
		  "policy.yaml:2: action: found \"drop\", expected one of mask, hmac" },
		{ "export:\n  detect: [{action: mask}]\n",
		  "policy.yaml:2: key \"name\" is missing, expected the name of a detector" },
		{ "export:\n  detect: [ip, {name: ip}]\n", "policy.yaml:2: found a mapping, expected each detector once" },
		{ "export:\n  bytes_per_day: 512KiB\n", "policy.yaml:2: bytes_per_day: found \"512KiB\", expected at least 1MiB" },
		{ "export:\n  series_per_metric: 0\n", "policy.yaml:2: series_per_metric: found \"0\", expected 1 to 20000" },
		{ "export:\n  series_per_metric: 20001\n", "policy.yaml:2: series_per_metric" },
		{ "export:\n  detect: email\n", "policy.yaml:2: detect: found \"email\", expected a list" },
		{ "export:\n  redact:\n    - name: x\n      pattern: '(('\n",
		  "policy.yaml:4: pattern: found \"((\", expected a PCRE2 pattern (wrong at character 2: missing closing "
		  "parenthesis)" },
		{ "export:\n  drop:\n    - fine\n    - '*'\n", "policy.yaml:4: found \"*\", expected a PCRE2 pattern (wrong at" },
		{ "commands: {}\ncommands: {}\n", "stands twice" },
		{ "a: &x 1\n", "anchors are not allowed" },
		{ "", "empty" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct policy p = { .delete_hold_ms = 42 };
		struct err e = { 0 };

		assert_int_not_equal(policy_parse(PATH, cases[i].text, strlen(cases[i].text), &p, &e), 0);
		if (strstr(e.text, cases[i].says) == NULL)
			fail_msg("case %zu says: %s", i, e.text);
		assert_int_equal(p.delete_hold_ms, 42);
	}
}

static void a_policy_that_the_agent_could_write_counts_as_none(void **state)
{
	struct world *w = sim_new(1);
	struct policy p;

	(void)state;
	policy_load(w, PATH, &p);
	assert_false(p.present);
	sim_file_puts(w, PATH, good);
	policy_load(w, PATH, &p);
	assert_true(p.present);
	policy_close(&p);
	sim_file_ours(w, PATH, true);
	policy_load(w, PATH, &p);
	assert_false(p.present);
	assert_non_null(strstr(p.reason.text, "can be written by the agent's own user"));
	sim_file_ours(w, "/etc/reeve", true);
	sim_file_ours(w, PATH, false);
	policy_load(w, PATH, &p);
	assert_false(p.present);
	assert_non_null(strstr(p.reason.text, "the folder of"));
	sim_free(w);
}

static void assert_none(struct world *w, const char *path, const char *says)
{
	struct policy p;

	policy_load(w, path, &p);
	assert_false(p.present);
	if (strstr(p.reason.text, says) == NULL)
		fail_msg("says: %s", p.reason.text);
}

static void a_policy_reached_by_a_link_counts_as_none_wherever_the_link_is(void **state)
{
	struct world *w = sim_new(1);

	(void)state;
	sim_file_puts(w, "/var/lib/reeve/policy.yaml", good);
	sim_file_ours(w, "/var/lib/reeve/policy.yaml", false); /* a file of root's in a folder of the agent's */
	sim_file_link(w, PATH, "/var/lib/reeve/policy.yaml");
	assert_none(w, PATH, PATH " is a symbolic link");
	sim_file_puts(w, "/etc/real/policy.yaml", good);
	sim_file_link(w, PATH, "/etc/real/policy.yaml");
	assert_none(w, PATH, PATH " is a symbolic link");
	sim_file_link(w, PATH, "/etc/none");
	assert_none(w, PATH, PATH " is a symbolic link");
	sim_free(w);
}

/* check-config by root, where the service's user does not exist. */
static void who_may_write_is_the_agents_own_question_and_a_link_is_everybodys(void **state)
{
	struct world *w = sim_new(1);
	struct policy p;

	(void)state;
	sim_file_puts(w, PATH, good);
	sim_file_ours(w, PATH, true);
	policy_load_as_other(w, PATH, &p);
	assert_true(p.present);
	policy_close(&p);
	sim_file_puts(w, "/etc/real/policy.yaml", good);
	sim_file_link(w, PATH, "/etc/real/policy.yaml");
	policy_load_as_other(w, PATH, &p);
	assert_false(p.present);
	assert_non_null(strstr(p.reason.text, PATH " is a symbolic link"));
	sim_free(w);
}

/* As a file system with links to folders would answer; the pretend one knows links to files. */
static struct {
	const char *link, *sticky;
	uid_t uid;
	int (*really)(struct world *w, const char *path, struct disk_stat *ret, struct err *e);
} marks;

static int marked_lstat(struct world *w, const char *path, struct disk_stat *ret, struct err *e)
{
	TRY(marks.really(w, path, ret, e));
	ret->is_link = marks.link != NULL && strcmp(path, marks.link) == 0;
	if (marks.sticky != NULL && strcmp(path, marks.sticky) == 0) {
		ret->mode = 01777;
		ret->ours_to_write = true;
		ret->uid = marks.uid;
	}
	return 0;
}

static void a_folder_above_the_policys_is_judged_too(void **state)
{
	static const char path[] = "/etc/customer/reeve/policy.yaml";
	struct world *w = sim_new(1);
	struct policy p;

	(void)state;
	marks.link = marks.sticky = NULL;
	marks.uid = 0;
	marks.really = w->disk_lstat;
	w->disk_lstat = marked_lstat;
	sim_file_puts(w, path, good);
	policy_load(w, path, &p);
	assert_true(p.present);
	policy_close(&p);
	marks.link = "/etc/customer";
	assert_none(w, path, "/etc/customer is a symbolic link");
	marks.link = NULL;
	marks.sticky = "/etc/customer"; /* as /tmp is: what root put there stays where it is */
	policy_load(w, path, &p);
	assert_true(p.present);
	policy_close(&p);
	marks.uid = 990; /* its owner may rename all that lies in it */
	assert_none(w, path, "/etc/customer, above /etc/customer/reeve/policy.yaml, can be written");
	marks.sticky = "/etc/customer/reeve";
	marks.uid = 0;
	assert_none(w, path, "the folder of");
	marks.sticky = NULL;
	sim_file_ours(w, "/", true);
	assert_none(w, path, "/, above /etc/customer/reeve/policy.yaml, can be written");
	sim_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_file_is_read),
		cmocka_unit_test(a_mark_of_utf8_at_the_head_is_as_if_it_were_not_there),
		cmocka_unit_test(what_is_not_said_is_off_allows_nothing_and_holds_a_day),
		cmocka_unit_test(a_broken_file_names_its_line_and_leaves_nothing),
		cmocka_unit_test(a_policy_that_the_agent_could_write_counts_as_none),
		cmocka_unit_test(a_policy_reached_by_a_link_counts_as_none_wherever_the_link_is),
		cmocka_unit_test(who_may_write_is_the_agents_own_question_and_a_link_is_everybodys),
		cmocka_unit_test(a_folder_above_the_policys_is_judged_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
