/* test_account.c - every way in which a record is lost is counted, by reason and source, and a restart knows it. */
#include "shippers/account.h"

#include "tests/unit/shippers/dock.h"

#define X "/var/log/x"

static unsigned index_of(const char *source)
{
	const struct account *a = shipper_account(dock.ship);

	for (unsigned i = 0; i <= ACCOUNT_SOURCES; i++)
		if (str_eq(a->sources[i], source))
			return i;
	return ACCOUNT_OTHERS;
}

static uint64_t counted(const char *source, enum telemetry_kind kind, enum account_count c)
{
	return shipper_account(dock.ship)->rows[index_of(source)][kind].n[c];
}

static uint64_t lost(const char *source, unsigned dest, enum account_lost why)
{
	return shipper_account(dock.ship)->rows[index_of(source)][TELEMETRY_LOG].lost[dest][why];
}

static void restart(void)
{
	dock_close();
	dock_open();
	dock_pass(3000);
}

static void rules(char *allow, char *metrics, char *drop)
{
	const struct telemetry_rules r = {
		.logs = &allow, .logs_n = 1, .metrics = &metrics, .metrics_n = metrics != NULL, .drop = &drop, .drop_n = 1
	};

	assert_int_equal(shipper_rules(dock.ship, &r, NULL, NULL), 0);
}

static void what_the_rules_keep_here_is_counted(void **state)
{
	char all[] = "*", other[] = "/etc/*", hush[] = "^hush", slow[] = "(a+)+$";

	(void)state;
	dock_open();
	rules(all, NULL, hush);
	assert_true(dock_put("hush"));
	assert_true(dock_put("said"));
	rules(other, NULL, hush);
	assert_true(dock_put("said elsewhere"));
	rules(all, NULL, slow);
	assert_true(dock_put("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
	dock_scrape();
	dock_pass(3000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(counted(X, TELEMETRY_LOG, ACCOUNT_RULE), 1);
		assert_int_equal(counted(X, TELEMETRY_LOG, ACCOUNT_DENIED), 1);
		assert_int_equal(counted(X, TELEMETRY_LOG, ACCOUNT_LIMIT), 1);
		assert_int_equal(counted(X, TELEMETRY_LOG, ACCOUNT_TAKEN), 1);
		assert_int_equal(counted("host", TELEMETRY_METRIC, ACCOUNT_DENIED), 1);
		restart();
	}
}

static void lines_that_are_no_text_are_counted_with_the_next_one(void **state)
{
	const struct telemetry_origin origin = { 9, "s", "/var/log/b/1", NULL, 0, "/var/log/b/*" };
	const struct telemetry_source at = { .dev = 1, .ino = 3, .to = 2, .path = "/var/log/b/1" };
	const struct telemetry_line l = { .body = "x", .len = 1, .origin = &origin, .no_text = 3, .source = &at };

	(void)state;
	dock_open();
	assert_true(shipper_sink(dock.ship)->line(shipper_sink(dock.ship)->ctx, &l));
	dock_pass(3000);
	restart();
	assert_int_equal(counted("/var/log/b/*", TELEMETRY_LOG, ACCOUNT_NO_TEXT), 3);
	assert_int_equal(counted("/var/log/b/*", TELEMETRY_LOG, ACCOUNT_TAKEN), 1);
}

static void bytes_that_nobody_will_read_are_counted_with_the_place_where_the_file_goes_on(void **state)
{
	const struct telemetry_sink *sink;
	struct telemetry_source at = { .dev = 1, .ino = 2, .generation = 1, .path = X };

	(void)state;
	dock_open();
	sink = shipper_sink(dock.ship);
	sink->lost(sink->ctx, X, TELEMETRY_TRUNCATED, 100, &at);
	at.ino = 3;
	at.to = 50;
	sink->lost(sink->ctx, X, TELEMETRY_DELETED, 50, &at);
	dock_pass(3000);
	restart();
	assert_int_equal(counted(X, TELEMETRY_LOG, ACCOUNT_TRUNCATED), 1);
	assert_int_equal(counted(X, TELEMETRY_LOG, ACCOUNT_TRUNCATED_BYTES), 100);
	assert_int_equal(counted(X, TELEMETRY_LOG, ACCOUNT_DELETED), 1);
	assert_int_equal(counted(X, TELEMETRY_LOG, ACCOUNT_DELETED_BYTES), 50);
	assert_int_equal(positions_get(&dock.positions, 1, 2)->durable.generation, 1);
	assert_int_equal(positions_get(&dock.positions, 1, 3)->durable.to, 50);
}

static void what_is_too_old_is_counted(void **state)
{
	(void)state;
	dock_answer(503, 503);
	dock.max_age_s = 60;
	dock_open();
	assert_true(dock_put("x"));
	assert_true(dock_put("y"));
	dock_pass(200000);
	dock_expect_files(0, 0, 0);
	restart();
	assert_int_equal(lost(X, 0, ACCOUNT_AGE), 2);
	assert_int_equal(account_arrived(shipper_account(dock.ship), 0, TELEMETRY_LOG, 0), 0);
}

static void what_one_destination_has_no_room_for_is_counted_there_alone(void **state)
{
	(void)state;
	dock.has_customer = true;
	dock.customer_answer = 0;
	dock.customer_logs_max = 2 * 4096;
	dock_open();
	for (int i = 0; i < 6; i++) {
		assert_true(dock_put("x"));
		dock_pass(3000);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lost(X, 1, ACCOUNT_QUOTA), 4);
		assert_int_equal(lost(X, 0, ACCOUNT_QUOTA), 0);
		assert_int_equal(account_arrived(shipper_account(dock.ship), 0, TELEMETRY_LOG, 0), 6);
		restart();
	}
	dock.customer_answer = 200;
	dock_pass(120000);
	assert_int_equal(account_arrived(shipper_account(dock.ship), 1, TELEMETRY_LOG, 0), 2);
}

static void what_the_receiver_refuses_is_counted(void **state)
{
	(void)state;
	dock_answer(400, 200);
	dock_open();
	assert_true(dock_put("x"));
	dock_pass(3000);
	dock_expect_files(0, 1, 0);
	buf_add(&dock.answer_body, "\x0a\x02\x08\x01", 4);
	assert_true(dock_put("y"));
	assert_true(dock_put("z"));
	dock_pass(3000);
	dock_expect_files(0, 1, 0);
	restart();
	assert_int_equal(lost(X, 0, ACCOUNT_REFUSED), 1);
	assert_int_equal(lost(X, 0, ACCOUNT_PARTIAL), 1);
	assert_int_equal(account_arrived(shipper_account(dock.ship), 0, TELEMETRY_LOG, 0), 1);
}

static char body_path[128];

static int on_name(void *ctx, const char *name)
{
	(void)ctx;
	if (str_ends(name, ".pb.gz"))
		snprintf(body_path, sizeof(body_path), DOCK_DIR "/%s", name);
	return 0;
}

static void what_cannot_be_read_is_counted(void **state)
{
	(void)state;
	dock_answer(503, 200);
	dock_open();
	assert_true(dock_put("x"));
	dock_pass(1200);
	dock.w->disk_list(dock.w, DOCK_DIR, on_name, NULL, NULL);
	sim_file_put(dock.w, body_path, "not it", 6);
	dock_pass(60000);
	dock_expect_files(0, 0, 1);
	restart();
	assert_int_equal(lost(X, 0, ACCOUNT_DAMAGED), 1);
}

static void of_several_sources_each_has_its_own(void **state)
{
	struct account a;
	struct account_part *parts = NULL;
	const char *const dest = "vendor";
	struct account_shares s;
	size_t n = 0;

	(void)state;
	account_init(&a, &dest, 1);
	for (int i = 0; i < 100; i++) {
		char name[200];

		snprintf(name, sizeof(name), "/var/log/%d-%0120d", i, 0); /* longer than a name may be */
		account_part_of(&parts, &n, name)->n[ACCOUNT_TAKEN] += 2;
		account_part_of(&parts, &n, name)->n[ACCOUNT_TAKEN] += 1;
	}
	account_add(&a, TELEMETRY_LOG, parts, n);
	assert_int_equal(account_sum(&a, TELEMETRY_LOG, ACCOUNT_TAKEN), 300);
	assert_int_equal(a.rows[3][TELEMETRY_LOG].n[ACCOUNT_TAKEN], 3);
	assert_int_equal(a.rows[ACCOUNT_OTHERS][TELEMETRY_LOG].n[ACCOUNT_TAKEN], 36 * 3);
	s = account_shares_of(&a, parts, n);
	assert_int_equal(s.n, ACCOUNT_SHARES_MAX);
	assert_int_equal(s.v[0].records, 3);
	assert_int_equal(s.v[ACCOUNT_SHARES_MAX - 1].records, 300 - 7 * 3);
	mem_free(parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(what_the_rules_keep_here_is_counted),
		DOCK_TEST(lines_that_are_no_text_are_counted_with_the_next_one),
		DOCK_TEST(bytes_that_nobody_will_read_are_counted_with_the_place_where_the_file_goes_on),
		DOCK_TEST(what_is_too_old_is_counted),
		DOCK_TEST(what_one_destination_has_no_room_for_is_counted_there_alone),
		DOCK_TEST(what_the_receiver_refuses_is_counted),
		DOCK_TEST(what_cannot_be_read_is_counted),
		cmocka_unit_test(of_several_sources_each_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
