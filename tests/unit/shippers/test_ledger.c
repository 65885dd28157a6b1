/* test_ledger.c - each body that left, was refused or was lost has its line, before it is gone; the files are bounded and whole. */
#include "shippers/ledger.h"

#include "agent/base/digest.h"
#include "agent/base/json.h"
#include "tests/unit/shippers/dock.h"

static char today[64];
static unsigned files;

static int on_file(void *ctx, const char *name)
{
	struct ledger_file f;

	(void)ctx;
	assert_true(ledger_name_read(name, &f));
	snprintf(today, sizeof(today), DOCK_LEDGER "/%s", name);
	files++;
	return 0;
}

static void list_files(void)
{
	files = 0;
	dock.w->disk_list(dock.w, DOCK_LEDGER, on_file, NULL, NULL);
}

/* The n-th line of a type from the end; NULL: there is none. All of them must be JSON. */
static json_t *line_of(const char *type, unsigned n)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4u << 20);
	json_t *found[256] = { 0 };
	unsigned at = 0;
	json_t *ret;

	list_files();
	assert_true(sim_file_get(dock.w, today, &b));
	for (char *line = b.data, *lf; (lf = strchr(line, '\n')) != NULL; line = lf + 1) {
		json_t *o = NULL;

		assert_int_equal(json_parse(line, (size_t)(lf - line), "line", &o, NULL), 0);
		if (str_eq(json_str_or(o, "type", ""), type) && at < 256)
			found[at++] = o;
		else
			json_decref(o);
	}
	ret = n < at ? json_incref(found[at - 1 - n]) : NULL;
	for (unsigned i = 0; i < at; i++)
		json_decref(found[i]);
	return ret;
}

static int start(void **state)
{
	dock_start(state);
	dock.has_ledger = true;
	return 0;
}

static void a_body_that_was_sent_has_its_digest_and_its_sources(void **state)
{
	CLEANUP(json_close) json_t *o = NULL;

	(void)state;
	dock_answer(503, 200);
	dock_open();
	assert_true(dock_put("x"));
	assert_true(dock_put("y"));
	dock_pass(10000);
	dock_expect_files(0, 0, 0);
	o = line_of("batch", 0);
	assert_string_equal(json_str_or(o, "outcome", ""), "sent");
	assert_string_equal(json_str_or(o, "to", ""), "vendor");
	assert_string_equal(json_str_or(o, "kind", ""), "logs");
	assert_string_equal(json_str_or(o, "id", ""), dock.ids[1]);
	assert_int_equal(json_int_or(o, "records", 0), 2);
	assert_int_equal(json_int_or(o, "tries", 0), 2);
	assert_int_equal(json_int_or(o, "status", 0), 200);
	assert_int_equal(json_int_or(o, "raw", 0), dock.bodies.len / 2);
	assert_int_equal(strlen(json_str_or(o, "sha256", "")), 64);
	assert_true(json_int_or(o, "wire", 0) > 0);
	assert_int_equal(json_int_or(json_object_get(o, "sources"), "/var/log/x", 0), 2);
}

static void what_was_refused_and_what_was_lost_unsent_have_theirs(void **state)
{
	CLEANUP(json_close) json_t *refused = NULL, *aged = NULL, *account = NULL;

	(void)state;
	dock_answer(400, 503);
	dock.max_age_s = 60;
	dock_open();
	assert_true(dock_put("x"));
	dock_pass(3000);
	assert_true(dock_put("y"));
	dock_pass(300000);
	refused = line_of("batch", 1);
	aged = line_of("batch", 0);
	assert_string_equal(json_str_or(refused, "outcome", ""), "refused");
	assert_int_equal(json_int_or(refused, "status", 0), 400);
	assert_string_equal(json_str_or(aged, "outcome", ""), "age");
	assert_true(json_int_or(aged, "bytes", 0) > 0);
	account = line_of("account", 0);
	assert_int_equal(json_array_size(json_object_get(account, "rows")), 1); /* what has changed */
}

/* A kill, not a loss of power: what was written is there, also where it was not synced. */
static enum sim_death on_point(void *ctx, const char *where, const char *what)
{
	(void)ctx;
	(void)where;
	(void)what;
	return sim_random(dock.w) % 100 == 0 ? SIM_KILL : SIM_ALIVE;
}

static void no_kill_leaves_a_body_without_its_line(void **state)
{
	(void)state;
	for (unsigned lives = 0; lives < 20; lives++) {
		dock_open();
		sim_set_crash_hook(dock.w, on_point, NULL);
		for (bool dead = false; !dead;) {
			dock_put("x");
			dead = sim_run_until(dock.w, NULL, NULL, 1500) == SIM_CRASHED;
		}
		sim_set_crash_hook(dock.w, NULL, NULL);
		sim_bury(dock.ship);
	}
	dock_open();
	dock_pass(60000);
	for (unsigned i = 0; i < dock.arrived; i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(4u << 20);

		list_files();
		assert_true(sim_file_get(dock.w, today, &b));
		assert_non_null(strstr(b.data, dock.ids[i]));
	}
}

static void a_torn_last_line_is_cut(void **state)
{
	CLEANUP(json_close) json_t *o = NULL;

	(void)state;
	dock_open();
	assert_true(dock_put("x"));
	dock_pass(3000);
	dock_close();
	list_files();
	sim_file_append(dock.w, today, "{\"time\":\"20", 11);
	dock_open();
	assert_true(dock_put("y"));
	dock_pass(3000);
	o = line_of("batch", 1);
	assert_non_null(o);
}

static void the_oldest_day_goes_and_that_is_told(void **state)
{
	CLEANUP(json_close) json_t *o = NULL;
	static char much[600000];

	(void)state;
	memset(much, ' ', sizeof(much));
	much[sizeof(much) - 1] = '\n';
	dock.w->disk_mkdir(dock.w, DOCK_LEDGER, 0700, NULL);
	sim_file_put(dock.w, DOCK_LEDGER "/2020-01-01.jsonl", much, sizeof(much));
	sim_file_put(dock.w, DOCK_LEDGER "/2020-01-01-01.jsonl", "{}\n", 3);
	dock_open();
	assert_true(dock_put("x"));
	dock_pass(3000);
	list_files();
	assert_int_equal(files, 1);
	o = line_of("removed", 1);
	assert_string_equal(json_str_or(o, "file", ""), "2020-01-01.jsonl");
	assert_string_equal(json_str_or(o, "why", ""), "days");
}

static void names_are_read_to_the_letter(void **state)
{
	struct ledger_file f;
	char name[LEDGER_NAME_MAX];

	(void)state;
	assert_true(ledger_name_read("2026-11-30-07.jsonl", &f));
	assert_int_equal(f.part, 7);
	ledger_name(&f, name);
	assert_string_equal(name, "2026-11-30-07.jsonl");
	assert_false(ledger_name_read("2026-11-30-7.jsonl", &f));
	assert_false(ledger_name_read("2026-11-31.jsonl", &f));
	assert_false(ledger_name_read("2026-11-30.jsonl.tmp", &f));
	assert_false(ledger_name_read("x", &f));
}

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, start, dock_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(a_body_that_was_sent_has_its_digest_and_its_sources),
		LEDGER_TEST(what_was_refused_and_what_was_lost_unsent_have_theirs),
		LEDGER_TEST(no_kill_leaves_a_body_without_its_line),
		LEDGER_TEST(a_torn_last_line_is_cut),
		LEDGER_TEST(the_oldest_day_goes_and_that_is_told),
		cmocka_unit_test(names_are_read_to_the_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
