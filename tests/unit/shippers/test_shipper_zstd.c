/* test_shipper_zstd.c - bodies of zstd, and receivers that take none: nothing is lost by that, and nothing comes twice. */
#include "tests/unit/shippers/dock.h"

/* Lines put while nobody is logged in wait in the spool as what the configuration says. */
static void spool_lines(const char *const *texts, size_t n)
{
	dock.logged_in = false;
	for (size_t i = 0; i < n; i++) {
		assert_true(dock_put(texts[i]));
		dock_pass(5000); /* a batch each */
	}
}

static unsigned times(const struct buf *all, const char *text)
{
	const char *at = all->data, *end = at + all->len;
	unsigned n = 0;

	for (; at != NULL && (at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL; at++)
		n++;
	return n;
}

/* The bodies of zstd in the spool's folder. */
struct zstds {
	unsigned n;
	char first[128];
};

static int take_zstd(void *ctx, const char *name)
{
	struct zstds *z = ctx;

	if (!str_ends(name, ".pb.zst"))
		return 0;
	z->n++;
	if (z->first[0] == '\0' || strcmp(name, z->first) < 0)
		snprintf(z->first, sizeof(z->first), "%s", name);
	return 0;
}

static struct zstds zstds_there(void)
{
	struct zstds z = { 0 };

	assert_int_equal(dock.w->disk_list(dock.w, DOCK_DIR, take_zstd, &z, NULL), 0);
	return z;
}

static const char *const three[] = { "one", "two", "three" };

static void expect_three(const struct buf *all)
{
	for (size_t i = 0; i < ARRAY_LEN(three); i++)
		assert_int_equal(times(all, three[i]), 1);
}

static void where_the_configuration_says_so_bodies_are_zstd_on_disk_and_on_the_wire(void **state)
{
	(void)state;
	dock.format = PACK_ZSTD;
	dock_open();
	spool_lines(three, ARRAY_LEN(three));
	assert_int_equal(zstds_there().n, 3);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].format, PACK_ZSTD);
	dock.logged_in = true;
	dock_pass(60000);
	expect_three(&dock.bodies);
	assert_int_equal(dock.zstds, 3);
	dock_expect_files(0, 0, 0);
}

/* The first is answered, and the two behind it are not asked for in zstd any more. */
static void refused_so(int status)
{
	dock.format = PACK_ZSTD;
	dock.no_zstd = status;
	dock_open();
	spool_lines(three, ARRAY_LEN(three));
	dock.logged_in = true;
	dock_pass(60000);
	expect_three(&dock.bodies);
	assert_int_equal(dock.zstds, 0);
	assert_int_equal(dock.zstds_refused, 1);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].format, PACK_GZIP);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 0);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].retries, 0);
	dock_expect_files(0, 0, 0);

	dock.logged_in = false;
	assert_true(dock_put("four"));
	dock_pass(5000);
	dock_expect_files(1, 0, 0);
	assert_int_equal(zstds_there().n, 0);
	dock.logged_in = true;
	dock_pass(60000);
	assert_true(dock_has("four"));
}

static void a_415_to_the_first_body_turns_back_to_gzip_and_nothing_is_lost(void **state)
{
	(void)state;
	refused_so(415);
}

static void a_400_to_the_first_body_turns_back_to_gzip_and_nothing_is_lost(void **state)
{
	(void)state;
	refused_so(400);
}

static void the_body_that_was_refused_comes_as_gzip_under_its_id(void **state)
{
	struct zstds z;

	(void)state;
	dock.format = PACK_ZSTD;
	dock.no_zstd = 415;
	dock_open();
	spool_lines(three, 1);
	z = zstds_there();
	dock.logged_in = true;
	dock_pass(60000);
	assert_int_equal(dock.arrived, 1);
	assert_non_null(strstr(z.first, dock.ids[0]));
}

static void a_400_after_a_body_of_zstd_was_taken_is_about_the_body(void **state)
{
	(void)state;
	dock.format = PACK_ZSTD;
	dock_open();
	spool_lines(three, ARRAY_LEN(three));
	dock_answer(200, 400);
	dock.logged_in = true;
	dock_pass(60000);
	assert_int_equal(dock.zstds, 3);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 2);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].format, PACK_ZSTD);
	dock_expect_files(0, 2, 0);
}

static void a_415_counts_also_after_a_body_of_zstd_was_taken(void **state)
{
	(void)state;
	dock.format = PACK_ZSTD;
	dock_open();
	assert_true(dock_put(three[0]));
	dock_pass(10000);
	assert_int_equal(dock.zstds, 1);
	spool_lines(three + 1, 2);
	dock.no_zstd = 415;
	dock.logged_in = true;
	dock_pass(60000);
	expect_three(&dock.bodies);
	assert_int_equal(dock.zstds_refused, 1);
	dock_expect_files(0, 0, 0);
}

static void what_is_refused_as_gzip_too_was_refused_for_its_own_sake(void **state)
{
	(void)state;
	dock.format = PACK_ZSTD;
	dock_answer(400, 200);
	dock_open();
	spool_lines(three, ARRAY_LEN(three));
	dock.no_zstd = 400;
	dock.logged_in = true;
	dock_pass(60000);
	assert_int_equal(dock.zstds_refused, 1);
	assert_int_equal(dock.arrived, 3);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 1);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].sent_records[TELEMETRY_LOG], 2);
	dock_expect_files(0, 1, 0);
}

/* The operator's way out: what lies there as zstd is never sent so again. */
static void with_gzip_configured_again_the_backlog_of_zstd_leaves_as_gzip(void **state)
{
	(void)state;
	dock.format = PACK_ZSTD;
	dock_open();
	spool_lines(three, ARRAY_LEN(three));
	dock_close();
	dock.format = PACK_GZIP;
	dock.no_zstd = 500;
	dock_open();
	assert_int_equal(zstds_there().n, 3);
	dock.logged_in = true;
	dock_pass(60000);
	expect_three(&dock.bodies);
	assert_int_equal(dock.zstds_refused, 0);
	dock_expect_files(0, 0, 0);
}

static void one_that_is_away_just_then_gets_it_as_gzip_when_it_is_back(void **state)
{
	(void)state;
	dock.format = PACK_ZSTD;
	dock.no_zstd = 415;
	dock_answer(503, 200);
	dock_open();
	spool_lines(three, ARRAY_LEN(three));
	dock.logged_in = true;
	dock_pass(600000);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].retries, 1);
	assert_int_equal(times(&dock.bodies, three[0]), 2); /* the answer of 503 came after its bytes */
	assert_int_equal(times(&dock.bodies, three[2]), 1);
	dock_expect_files(0, 0, 0);
}

static void of_two_destinations_the_one_that_takes_zstd_gets_what_is_spooled_so(void **state)
{
	(void)state;
	dock.format = PACK_ZSTD;
	dock.no_zstd = 415;
	dock.has_customer = true;
	dock_open();
	spool_lines(three, ARRAY_LEN(three));
	dock.customer_answer = 200;
	dock.logged_in = true;
	dock_pass(120000);
	expect_three(&dock.bodies);
	expect_three(&dock.customer_bodies);
	assert_int_equal(dock.zstds, 0);
	assert_int_equal(dock.customer_zstds, 3);
	dock_expect_files(0, 0, 0);
}

/* Halves, and the halves of those: each in what the receiver takes. */
static void a_body_of_zstd_that_is_too_large_comes_in_parts(int no_zstd)
{
	static uint64_t chance = 1;
	static char text[400];

	dock.format = PACK_ZSTD;
	dock.no_zstd = no_zstd;
	dock.most = 1500;
	dock_open();
	for (unsigned i = 0; i < 40; i++) {
		size_t n = (size_t)snprintf(text, sizeof(text), "<%u>", i);

		for (; n < sizeof(text) - 1; n++) {
			chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			text[n] = (char)('A' + (chance >> 40) % 50);
		}
		assert_true(dock_put(text));
	}
	dock_pass(120000);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "<%u>", i);
		assert_int_equal(times(&dock.bodies, text), 1);
	}
	assert_true(dock.too_large > 0);
	assert_int_equal(dock.zstds, no_zstd > 0 ? 0 : dock.arrived);
	dock_expect_files(0, 0, 0);
}

static void parts_of_a_body_of_zstd_are_zstd(void **state)
{
	(void)state;
	a_body_of_zstd_that_is_too_large_comes_in_parts(0);
}

static void parts_of_a_body_of_zstd_turn_back_to_gzip_too(void **state)
{
	(void)state;
	a_body_of_zstd_that_is_too_large_comes_in_parts(415);
}

/* A file under the name of a format that it is not: set aside, and the others go. */
static void what_is_no_zstd_is_set_aside(void **state)
{
	char path[256];
	struct zstds z;

	(void)state;
	dock.format = PACK_ZSTD;
	dock_open();
	spool_lines(three, ARRAY_LEN(three));
	z = zstds_there();
	snprintf(path, sizeof(path), DOCK_DIR "/%s", z.first);
	sim_file_puts(dock.w, path, "no zstd, and not what was written");
	dock.logged_in = true;
	dock_pass(120000);
	assert_false(dock_has(three[0]));
	assert_int_equal(times(&dock.bodies, three[1]), 1);
	assert_int_equal(times(&dock.bodies, three[2]), 1);
	dock_expect_files(0, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(where_the_configuration_says_so_bodies_are_zstd_on_disk_and_on_the_wire),
		DOCK_TEST(a_415_to_the_first_body_turns_back_to_gzip_and_nothing_is_lost),
		DOCK_TEST(a_400_to_the_first_body_turns_back_to_gzip_and_nothing_is_lost),
		DOCK_TEST(the_body_that_was_refused_comes_as_gzip_under_its_id),
		DOCK_TEST(a_400_after_a_body_of_zstd_was_taken_is_about_the_body),
		DOCK_TEST(a_415_counts_also_after_a_body_of_zstd_was_taken),
		DOCK_TEST(what_is_refused_as_gzip_too_was_refused_for_its_own_sake),
		DOCK_TEST(with_gzip_configured_again_the_backlog_of_zstd_leaves_as_gzip),
		DOCK_TEST(one_that_is_away_just_then_gets_it_as_gzip_when_it_is_back),
		DOCK_TEST(of_two_destinations_the_one_that_takes_zstd_gets_what_is_spooled_so),
		DOCK_TEST(parts_of_a_body_of_zstd_are_zstd),
		DOCK_TEST(parts_of_a_body_of_zstd_turn_back_to_gzip_too),
		DOCK_TEST(what_is_no_zstd_is_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
