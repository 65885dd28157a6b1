/* test_shipper_parts.c - a receiver that takes no body as large as ours: what reaches it, in which order, and how often. */
#include "agent/base/pbw.h"
#include "shippers/otlp_cut.h"
#include "shippers/pack.h"
#include "shippers/parts.h"
#include "tests/unit/shippers/dock.h"

#define LINES 200
#define NOISE 400

/* A line that does not pack: its number, then letters by chance; the lone one is ten times as long. */
static void put_noise(unsigned number, unsigned lone)
{
	static uint64_t chance = 1;
	char text[NOISE * 10 + 64];
	size_t n = number == lone ? NOISE * 10 : NOISE, at = (size_t)snprintf(text, sizeof(text), "<%u>", number);

	while (at < n) {
		chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		text[at++] = (char)('A' + (chance >> 40) % 50);
	}
	text[at] = '\0';
	assert_true(dock_put(text));
}

static void put_lines(unsigned lone)
{
	for (unsigned i = 0; i < LINES; i++)
		put_noise(i, lone);
}

/* How often a line arrived; its place in all that did: *ret_at. */
static unsigned times(unsigned number, size_t *ret_at)
{
	char text[16];
	const char *at = dock.bodies.data, *end = at + dock.bodies.len;
	unsigned n = 0;

	snprintf(text, sizeof(text), "<%u>", number);
	for (; at != NULL && (at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL; at++, n++)
		*ret_at = (size_t)(at - dock.bodies.data);
	return n;
}

static void expect_each_once(unsigned but)
{
	size_t at = 0, last = 0;

	for (unsigned i = 0; i < LINES; i++) {
		assert_int_equal(times(i, &at), i == but ? 0 : 1);
		assert_true(at >= last);
		last = at;
	}
}

static void a_body_that_is_too_large_comes_in_parts_each_record_once_and_in_order(void **state)
{
	(void)state;
	dock.most = 12000;
	dock_open();
	put_lines(LINES);
	dock_pass(60000);
	expect_each_once(LINES);
	dock_expect_files(0, 0, 0);
	assert_true(dock.too_large > 0 && dock.too_large < 20);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].halved, dock.too_large);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].sent_records[TELEMETRY_LOG], LINES);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 0);
}

static void only_the_record_that_is_too_large_alone_is_set_aside(void **state)
{
	(void)state;
	dock.most = 2500;
	dock_open();
	put_lines(77);
	dock_pass(60000);
	expect_each_once(77);
	dock_expect_files(0, 1, 0);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].sent_records[TELEMETRY_LOG], LINES - 1);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 1);
	dock_put("the next body");
	dock_pass(60000);
	assert_true(dock_has("the next body"));
}

static void a_part_without_an_answer_is_sent_again_with_its_id(void **state)
{
	(void)state;
	dock.most = 50000;
	dock_answer(0, 200);
	dock_open();
	put_lines(LINES);
	dock_pass(120000);
	assert_int_equal(dock.arrived, 3); /* two halves, the first one twice */
	assert_string_equal(dock.ids[0], dock.ids[1]);
	assert_string_not_equal(dock.ids[1], dock.ids[2]);
	dock_expect_files(0, 0, 0);
}

/* The receiver knows the parts that it has by their ids. */
static void after_a_restart_the_parts_have_the_ids_that_they_had(void **state)
{
	(void)state;
	dock.most = 50000;
	dock_answer(200, 503);
	dock_open();
	put_lines(LINES);
	dock_pass(30000);
	assert_true(dock.arrived > 1);
	assert_string_not_equal(dock.ids[0], dock.ids[1]);
	dock_close();
	dock_expect_files(1, 0, 0);
	memcpy(dock.ids[200], dock.ids[0], 2 * sizeof(dock.ids[0]));
	dock.arrived = 0;
	dock_answer(200, 200);
	dock_open();
	dock_pass(60000);
	assert_int_equal(dock.arrived, 2);
	assert_memory_equal(dock.ids[0], dock.ids[200], 2 * sizeof(dock.ids[0]));
	dock_expect_files(0, 0, 0);
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

/* Whatever it is doing at that moment: unpacking, cutting, sending, waiting. */
static void it_ends_at_any_moment_of_cutting_and_loses_nothing(void **state)
{
	(void)state;
	for (uint64_t ms = 0; ms < 40; ms++) {
		bool closed = false;

		dock_end(NULL);
		dock_start(NULL);
		dock.most = 12000;
		dock_open();
		put_lines(LINES);
		dock_pass(1000 + ms);
		shipper_close(dock.ship, on_closed, &closed);
		assert_int_equal(sim_run_until(dock.w, flag_is_set, &closed, 60000), SIM_TRUE);
		dock.ship = NULL;
		dock_open();
		dock_pass(60000);
		for (unsigned i = 0; i < LINES; i++)
			assert_true(times(i, &(size_t){ 0 }) > 0);
		dock_expect_files(0, 0, 0);
		dock_close();
	}
}

/* ---- cutting ----------------------------------------------------------------------------------------------------------------- */

static void add_metric(struct buf *b, const char *name, unsigned data_field, unsigned points)
{
	size_t metric = pbw_begin(b, 2), data;

	pbw_str(b, 1, name);
	data = pbw_begin(b, data_field);
	for (unsigned i = 0; i < points; i++)
		pbw_end(b, (pbw_varint(b, 15, i), pbw_begin(b, 1)));
	pbw_varint(b, 2, 2);
	pbw_end(b, data);
	pbw_end(b, metric);
}

static bool says(const struct buf *b, const char *text)
{
	return b->len > 0 && memmem(b->data, b->len, text, strlen(text)) != NULL;
}

static void points_are_cut_with_their_metric_and_resource_around_them(void **state)
{
	struct buf b = BUF_MAX(4096), one = BUF_MAX(4096);
	size_t resource = pbw_begin(&b, 1), scope;
	uint32_t n;

	(void)state;
	pbw_str(&b, 1, "the resource");
	scope = pbw_begin(&b, 2);
	add_metric(&b, "gauge", 5, 2);
	add_metric(&b, "nothing", 7, 0);
	add_metric(&b, "sum", 7, 1);
	add_metric(&b, "histogram", 9, 3);
	pbw_end(&b, scope);
	pbw_str(&b, 3, "the schema");
	pbw_end(&b, resource);
	assert_int_equal(otlp_cut(TELEMETRY_METRIC, &b, 2, 4, &one, &n), 0);
	assert_int_equal(n, 6);
	assert_true(says(&one, "the resource") && says(&one, "the schema") && says(&one, "sum") && says(&one, "histogram"));
	assert_false(says(&one, "gauge") || says(&one, "nothing"));
	buf_reset(&one);
	assert_int_equal(otlp_cut(TELEMETRY_METRIC, &b, 0, 6, &one, &n), 0);
	assert_int_equal(otlp_cut(TELEMETRY_METRIC, &one, 0, 0, &b, &n), 0);
	assert_int_equal(n, 6);
	buf_close(&b);
	buf_close(&one);
}

static void what_is_no_export_request_is_not_cut(void **state)
{
	struct buf b = BUF_MAX(64), out = BUF_MAX(64);
	uint32_t n;

	(void)state;
	buf_add(&b, "\x0a\x05xx", 4);
	assert_int_equal(otlp_cut(TELEMETRY_LOG, &b, 0, 1, &out, &n), -ERR_INVALID);
	buf_close(&b);
	buf_close(&out);
}

static void halves_cover_all_and_nothing_twice(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 70; n++) {
		struct parts p = { .is_on = true, .ends = { n }, .depth = 1 };
		uint32_t at = 0;

		do {
			assert_int_equal(p.from, at);
			while (parts_halve(&p))
				;
			at += parts_records(&p);
		} while (parts_next(&p));
		assert_int_equal(at, n);
	}
}

static void what_is_packed_in_slices_is_unpacked_in_slices(void **state)
{
	struct buf raw = BUF_MAX(2u << 20), packed = BUF_MAX(4u << 20), again = BUF_MAX(2u << 20);
	unsigned slices[2] = { 1, 1 };
	uint64_t chance = 7;
	struct pack p = { 0 };

	(void)state;
	while (raw.len < (2u << 20) - 5) {
		chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		buf_add(&raw, &chance, raw.len < (1u << 20) ? 5 : 1);
	}
	pack_begin(&p, PACK_IN, PACK_GZIP, 0);
	for (; pack_slice(&p, &raw, &packed) == 0; slices[0]++)
		;
	pack_end(&p);
	pack_begin(&p, PACK_OUT, PACK_GZIP, 0);
	for (; pack_slice(&p, &packed, &again) == 0; slices[1]++)
		;
	pack_end(&p);
	assert_true(slices[0] >= 4 && slices[1] > 8);
	assert_int_equal(again.len, raw.len);
	assert_memory_equal(again.data, raw.data, raw.len);
	packed.len--;
	buf_reset(&again);
	pack_begin(&p, PACK_OUT, PACK_GZIP, 0);
	while ((slices[0] = (unsigned)pack_slice(&p, &packed, &again)) == 0)
		;
	pack_end(&p);
	assert_int_equal((int)slices[0], -ERR_INVALID);
	buf_close(&raw);
	buf_close(&packed);
	buf_close(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(a_body_that_is_too_large_comes_in_parts_each_record_once_and_in_order),
		DOCK_TEST(only_the_record_that_is_too_large_alone_is_set_aside),
		DOCK_TEST(a_part_without_an_answer_is_sent_again_with_its_id),
		DOCK_TEST(after_a_restart_the_parts_have_the_ids_that_they_had),
		DOCK_TEST(it_ends_at_any_moment_of_cutting_and_loses_nothing),
		cmocka_unit_test(points_are_cut_with_their_metric_and_resource_around_them),
		cmocka_unit_test(what_is_no_export_request_is_not_cut),
		cmocka_unit_test(halves_cover_all_and_nothing_twice),
		cmocka_unit_test(what_is_packed_in_slices_is_unpacked_in_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
