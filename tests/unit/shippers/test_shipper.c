/* test_shipper.c - spool, exporter and shipper together in the simulated world: what is durable when, what is sent how
 * often, what is kept, dropped, counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/gzip.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "shippers/commit.h"
#include "shippers/shipper.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define DIR "/var/lib/reeve/spool"

static struct world *w;
static struct shipper *ship;
static unsigned arrived, answers_n;
static int answers[16]; /* statuses to give, the last one for ever; 0: the answer is lost */
static const char *answer_headers;
static struct buf answer_body;
static uint64_t arrived_ms[64];
static char ids[64][17];
static struct buf bodies; /* all that arrived, unpacked */
static bool logged_in;
static unsigned signs, unauthorized;
static uint64_t offset;

static void on_http(void *ctx, struct sim_http *x)
{
	int status = answers[arrived < answers_n ? arrived : answers_n - 1];

	(void)ctx;
	assert_true(arrived < 64);
	arrived_ms[arrived] = world_now_ms(w);
	snprintf(ids[arrived], sizeof(ids[0]), "%s", sim_http_header(x, "Reeve-Batch-Id"));
	assert_string_equal(sim_http_header(x, "Content-Type"), "application/x-protobuf");
	assert_string_equal(sim_http_header(x, "Content-Encoding"), "gzip");
	assert_int_equal(gzip_unpack(x->body, x->body_len, &bodies, NULL), 0);
	arrived++;
	if (status == 0)
		sim_http_fail(x, -ERR_NET, 0);
	else
		sim_http_answer(x, status, answer_headers, answer_body.data, answer_body.len, 0);
}

static int sign(void *ctx, struct http_req *req, struct export_proof *p, struct err *e)
{
	(void)ctx;
	assert_non_null(req->send);
	if (!logged_in)
		return err_set(e, ERR_NOTYET, "not logged in");
	snprintf(p->authorization, sizeof(p->authorization), "Reeve token");
	snprintf(p->proof, sizeof(p->proof), "v1 %u", ++signs);
	return 0;
}

static void on_unauthorized(void *ctx, const struct export_proof *p)
{
	(void)ctx;
	assert_string_equal(p->authorization, "Reeve token");
	unauthorized++;
}

static char *everything[] = { (char[]){ "*" } };
static struct telemetry_redact secret = { "secret", "hunter2" };
static uint64_t metrics_max, logs_max;

static void say_more(void *ctx, struct shipper *s)
{
	(void)ctx;
	shipper_own(s, "reeve.other.things", "{thing}", TELEMETRY_COUNTER, 7);
}

static void open_shipper(void)
{
	const struct telemetry_attr resource[] = { { "service.name", "reeve" } };
	bool opened = false;
	struct shipper_config c = {
		.dir = DIR, .resource = resource, .resource_n = 1, .metrics_max = metrics_max, .logs_max = logs_max
	};
	const struct telemetry_rules rules = {
		.metrics = everything, .metrics_n = 1, .logs = everything, .logs_n = 1, .redact = &secret, .redact_n = 1
	};

	c.to = (struct exporter_config){ .url = "https://vendor.example/", .auth = { NULL, sign, on_unauthorized } };
	c.own = say_more;
	c.opened = flag_set;
	c.opened_ctx = &opened;
	ship = shipper_new(w, &c);
	assert_int_equal(shipper_rules(ship, &rules, NULL), 0);
	assert_int_equal(sim_run_until(w, flag_is_set, &opened, 60000), SIM_TRUE);
}

static void close_shipper(void)
{
	bool closed = false;

	shipper_close(ship, flag_set, &closed);
	assert_int_equal(sim_run_until(w, flag_is_set, &closed, 60000), SIM_TRUE);
	ship = NULL;
}

static void answer_with(int first, int then)
{
	answers[0] = first;
	answers[1] = then;
	answers_n = 2;
}

static int setup(void **state)
{
	(void)state;
	w = sim_new(11);
	sim_http_handle(w, on_http, NULL);
	sim_dir_make(w, "/var/lib/reeve");
	answer_with(200, 200);
	answer_headers = NULL;
	answer_body = BUF_MAX(4096);
	bodies = BUF_MAX(64u << 20);
	arrived = signs = unauthorized = 0;
	logged_in = true;
	offset = metrics_max = logs_max = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (ship != NULL)
		close_shipper();
	buf_close(&bodies);
	buf_close(&answer_body);
	sim_free(w);
	return 0;
}

static bool put(const char *text)
{
	struct telemetry_line l = { .body = text, .len = strlen(text), .observed_ms = 1, .service = "s" };
	const struct telemetry_sink *sink = shipper_sink(ship);

	l.source = (struct telemetry_source){ .dev = 1, .ino = 2, .from = offset, .to = offset + l.len + 1, .path = "/var/log/x" };
	if (!sink->line(sink->ctx, &l))
		return false;
	offset += l.len + 1;
	return true;
}

static void scrape(void)
{
	const struct telemetry_sink *sink = shipper_sink(ship);
	const struct telemetry_attr attr = { "note", "it is hunter2" };
	const struct telemetry_point p = { .name = "system.x", .unit = "1", .i = 1, .time_ms = 1, .attrs = &attr, .attrs_n = 1 };

	sink->point(sink->ctx, &p);
	sink->scrape_done(sink->ctx);
}

static void pass(uint64_t ms)
{
	sim_run_until(w, NULL, NULL, ms);
}

static bool has(const char *text)
{
	return bodies.len > 0 && memmem(bodies.data, bodies.len, text, strlen(text)) != NULL;
}

static int count_name(void *ctx, const char *name)
{
	unsigned *n = ctx;

	n[0] += str_ends(name, ".pb.gz");
	n[1] += str_ends(name, ".rejected");
	n[2] += str_ends(name, ".bad");
	return 0;
}

static void expect_files(unsigned ready, unsigned rejected, unsigned bad)
{
	unsigned n[3] = { 0 };

	assert_int_equal(w->disk_list(w, DIR, count_name, n, NULL), 0);
	assert_int_equal(n[0], ready);
	assert_int_equal(n[1], rejected);
	assert_int_equal(n[2], bad);
}

static void what_arrives_is_masked_and_gone_from_the_spool(void **state)
{
	(void)state;
	open_shipper();
	put("the password is hunter2");
	scrape();
	pass(5000);
	assert_int_equal(arrived, 2);
	assert_true(has("the password is [REDACTED:secret]") && has("it is [REDACTED:secret]"));
	assert_false(has("hunter2"));
	assert_true(has("reeve.telemetry.records")); /* of itself, by the same way */
	assert_true(has("damaged") && has("reeve.spool.uncommitted"));
	assert_true(has("reeve.other.things")); /* and of its neighbours */
	expect_files(0, 0, 0);
}

static void without_rules_nothing_leaves_and_lines_wait_in_their_file(void **state)
{
	(void)state;
	open_shipper();
	shipper_rules(ship, NULL, NULL);
	assert_false(put("x"));
	scrape();
	pass(60000);
	assert_int_equal(arrived, 0);
	assert_true(shipper_stats(ship).denied[TELEMETRY_METRIC] > 0);
}

static void a_lost_answer_is_followed_by_the_same_body_with_the_same_id(void **state)
{
	(void)state;
	answer_with(0, 200);
	open_shipper();
	put("x");
	pass(120000);
	assert_int_equal(arrived, 2);
	assert_string_equal(ids[0], ids[1]);
	assert_int_equal(strlen(ids[0]), 16);
	assert_int_equal(signs, 2); /* a new proof for each attempt */
}

static void retry_after_is_kept_but_not_for_ever(void **state)
{
	(void)state;
	answer_with(429, 200);
	answer_headers = "Retry-After: 30\n";
	open_shipper();
	put("x");
	pass(120000);
	assert_int_equal(arrived, 2);
	assert_true(arrived_ms[1] - arrived_ms[0] >= 30000 && arrived_ms[1] - arrived_ms[0] < 31000);
	arrived = 0;
	answer_headers = "Retry-After: 999999999\n";
	put("y");
	pass(700000);
	assert_int_equal(arrived, 2);
	assert_true(arrived_ms[1] - arrived_ms[0] >= 600000);
}

static void a_body_that_is_refused_is_set_aside_and_the_next_one_goes(void **state)
{
	(void)state;
	answer_with(400, 200);
	open_shipper();
	put("first");
	pass(5000);
	put("second");
	pass(5000);
	assert_int_equal(arrived, 2);
	expect_files(0, 1, 0);
	assert_int_equal(shipper_stats(ship).exporter.rejected_records[TELEMETRY_LOG], 1);
}

static void what_is_wrong_with_us_keeps_the_body(void **state)
{
	static const int about_us[] = { 401, 403, 404, 302 };

	(void)state;
	open_shipper();
	for (size_t i = 0; i < ARRAY_LEN(about_us); i++) {
		arrived = 0;
		answer_with(about_us[i], 200);
		put("x");
		pass(5000);
		if (about_us[i] != 401)
			assert_int_equal(arrived, 1);
		pass(120000);
		assert_int_equal(arrived, 2);
		assert_string_equal(ids[0], ids[1]);
	}
	expect_files(0, 0, 0);
	assert_int_equal(unauthorized, 1);
}

static void a_partial_success_is_counted_and_not_repeated(void **state)
{
	(void)state;
	buf_add(&answer_body, "\x0a\x06\x08\x01\x12\x02no", 8); /* rejected 1, "no" */
	open_shipper();
	put("x");
	put("y");
	pass(60000);
	assert_int_equal(arrived, 1);
	assert_int_equal(shipper_stats(ship).exporter.rejected_records[TELEMETRY_LOG], 1);
	assert_int_equal(shipper_stats(ship).exporter.sent_records[TELEMETRY_LOG], 1);
}

static void nothing_is_sent_before_the_login(void **state)
{
	(void)state;
	logged_in = false;
	open_shipper();
	put("x");
	pass(60000);
	assert_int_equal(arrived, 0);
	logged_in = true;
	pass(2000);
	assert_int_equal(arrived, 1);
}

static void what_was_open_at_the_end_is_sent_by_the_next(void **state)
{
	(void)state;
	logged_in = false;
	open_shipper();
	put("x");
	close_shipper();
	expect_files(1, 0, 0);
	logged_in = true;
	open_shipper();
	pass(5000);
	assert_int_equal(arrived, 1);
	assert_true(has("x"));
}

static struct telemetry_source found;
static unsigned found_n;

static void on_position(void *ctx, const struct telemetry_source *p)
{
	(void)ctx;
	found = *p;
	found_n++;
}

static unsigned positions(void)
{
	found_n = 0;
	shipper_positions(ship, on_position, NULL);
	return found_n;
}

static void lines_that_the_rules_keep_here_move_the_position_too(void **state)
{
	const struct telemetry_rules nothing = { 0 };

	(void)state;
	open_shipper();
	sim_file_puts(w, "/var/log/x", "12345\n");
	shipper_rules(ship, &nothing, NULL);
	assert_true(put("12345"));
	pass(5000);
	expect_files(0, 0, 0);
	assert_int_equal(arrived, 0);
	assert_int_equal(positions(), 1);
	assert_int_equal(found.to, 6);
}

static void find(unsigned from, unsigned to, const char *dir)
{
	const struct telemetry_sink *sink = shipper_sink(ship);

	for (unsigned i = from; i < to; i++) {
		CLEANUP(mem_close) char *path = mem_printf("%s/%u", dir, i);

		sink->found(sink->ctx, &(struct telemetry_source){ .dev = 9, .ino = i, .path = path });
	}
}

static void (*really_start)(struct world *w, struct disk_req *r, disk_cb *cb);
static unsigned appends;
static size_t line_most;

static void measure_lines(const char *at, size_t len)
{
	for (const char *end = at + len, *lf; (lf = memchr(at, '\n', (size_t)(end - at))) != NULL; at = lf + 1)
		line_most = (size_t)(lf - at) > line_most ? (size_t)(lf - at) : line_most;
}

static void count_appends(struct world *world, struct disk_req *r, disk_cb *cb)
{
	if (r->op == DISK_APPEND) {
		appends++;
		measure_lines(r->data, r->len);
	}
	really_start(world, r, cb);
}

static void open_shipper_counting(void)
{
	open_shipper();
	really_start = w->disk_start;
	w->disk_start = count_appends;
	appends = 0;
	line_most = 0;
}

/* As many as are ever followed, with paths as long as they can be, each byte of them six in JSON, while a batch is open. */
static void files_found_beside_a_line_make_no_commit_record_longer_than_one_may_be(void **state)
{
	char dir[4000];

	(void)state;
	memset(dir, '\x01', sizeof(dir));
	dir[0] = '/';
	dir[sizeof(dir) - 1] = '\0';
	open_shipper_counting();
	put("x");
	find(1000, 2024, dir);
	pass(5000);
	assert_int_equal(positions(), 1025);
	assert_in_range(line_most, 1, COMMIT_LINE_MAX);
	w->disk_start = really_start;
	close_shipper();
	open_shipper();
	assert_int_equal(shipper_stats(ship).spool.corrupt, 0);
	assert_int_equal(positions(), 1025);
}

static void files_found_together_share_commit_records(void **state)
{
	(void)state;
	open_shipper_counting();
	find(1000, 1001, "/mnt");
	pass(100);
	assert_int_equal(positions(), 1); /* at once */
	find(1001, 2024, "/mnt");
	pass(1000);
	assert_int_equal(positions(), 1024);
	assert_in_range(appends, 1, 10);
	assert_int_equal(shipper_stats(ship).spool.entries[TELEMETRY_LOG], 0); /* they take nothing of the quota */
	put("x");
	pass(5000);
	assert_int_equal(arrived, 1);
	w->disk_start = really_start;
}

static void files_found_while_the_disk_takes_nothing_do_not_fill_the_memory(void **state)
{
	(void)state;
	open_shipper();
	log_set(LOG_ERROR, NULL, NULL);
	sim_fail_rate(w, SIM_DISK, 1000);
	find(1000, 5000, "/mnt");
	pass(60000);
	log_set(LOG_INFO, NULL, NULL);
	sim_fail_rate(w, SIM_DISK, 0);
	pass(60000);
	assert_in_range(positions(), 1024, 3000);
	find(6000, 6001, "/mnt");
	pass(1000);
	positions();
	assert_int_equal(found.ino, 6000);
}

static uint64_t costs_ms, spent_ms;
static uint64_t (*really_now)(struct world *w);

/* A line takes its time: the clock goes on inside the tick. */
static uint64_t slow_now(struct world *world)
{
	return really_now(world) + (spent_ms += costs_ms);
}

static void lines_take_a_few_milliseconds_of_a_turn_and_no_more(void **state)
{
	unsigned taken = 0;

	(void)state;
	open_shipper();
	really_now = w->now_ms;
	w->now_ms = slow_now;
	spent_ms = 0;
	costs_ms = 2;
	while (put("x"))
		taken++;
	assert_true(taken >= 2 && taken <= 5);
	assert_false(put("x"));
	costs_ms = 0;
	pass(1);
	assert_true(put("x")); /* the next turn */
	w->now_ms = really_now;
	pass(3000);
	assert_int_equal(shipper_stats(ship).exporter.sent_records[TELEMETRY_LOG], taken + 1);
}

static void a_full_disk_pushes_back_and_loses_nothing(void **state)
{
	unsigned taken = 0;

	(void)state;
	open_shipper();
	pass(1000);
	sim_disk_space(w, 1);
	for (int i = 0; i < 100; i++) {
		char text[32];

		snprintf(text, sizeof(text), "line-%03d", i);
		taken += put(text);
		pass(1000);
	}
	assert_true(taken < 100);
	assert_true(shipper_stats(ship).spool.full);
	sim_disk_space(w, UINT64_C(64) << 30);
	pass(30000);
	assert_true(put("after"));
	pass(30000);
	assert_int_equal(shipper_stats(ship).exporter.sent_records[TELEMETRY_LOG], taken + 1);
	assert_true(has("line-000") && has("after"));
}

static void metrics_over_their_quota_lose_the_oldest_counted(void **state)
{
	(void)state;
	logged_in = false;
	metrics_max = 12288;
	open_shipper();
	for (int i = 0; i < 50; i++) {
		scrape();
		pass(500);
	}
	assert_true(shipper_stats(ship).spool.bytes[TELEMETRY_METRIC] <= 12288);
	assert_true(shipper_stats(ship).spool.dropped_records[TELEMETRY_METRIC] > 0);
	logged_in = true;
	pass(5000);
	assert_true(arrived > 0);
}

static void logs_over_their_quota_wait_in_their_file(void **state)
{
	(void)state;
	logged_in = false;
	logs_max = 100;
	open_shipper();
	assert_true(put("x"));
	pass(3000);
	assert_false(put("y"));
	logged_in = true;
	pass(5000);
	assert_true(put("y"));
}

static int spoil(void *ctx, const char *name)
{
	char *path = mem_printf(DIR "/%s", name);

	(void)ctx;
	if (str_ends(name, ".pb.gz"))
		sim_file_puts(w, path, "not what was written");
	mem_free(path);
	return 0;
}

static void a_damaged_body_is_set_aside_and_stops_nobody(void **state)
{
	(void)state;
	logged_in = false;
	open_shipper();
	put("x");
	pass(3000);
	w->disk_list(w, DIR, spoil, NULL, NULL);
	put("y");
	pass(3000);
	logged_in = true;
	pass(10000);
	assert_int_equal(arrived, 1);
	assert_true(has("y"));
	expect_files(0, 0, 1);
	assert_int_equal(shipper_stats(ship).spool.corrupt, 1);
}

/* ---- a body that cannot be read ---------------------------------------------------------------------------------------- */

static int (*really_read)(struct world *w, const char *path, struct buf *b, struct err *e);
static const char *bad_place; /* part of a path */

static int read_badly(struct world *world, const char *path, struct buf *b, struct err *e)
{
	return strstr(path, bad_place) != NULL ? err_set(e, ERR_IO, "%s: Input/output error", path)
					       : really_read(world, path, b, e);
}

static void on_refused(void *ctx)
{
	struct disk_req *r = ctx;

	r->impl = NULL;
	r->cb(r, err_set(&r->err, ERR_DENIED, "%s: not permitted", r->path));
}

static void rename_badly(struct world *world, struct disk_req *r, disk_cb *cb)
{
	if (r->op != DISK_RENAME || strstr(r->path, bad_place) == NULL) {
		really_start(world, r, cb);
		return;
	}
	r->impl = r;
	r->cb = cb;
	sim_at(w, 1, on_refused, r);
}

static void put_around_a_bad_place(void)
{
	really_read = w->disk_read;
	w->disk_read = read_badly;
	bad_place = "/0000000000000001-";
	put("x");
	pass(3000);
	put("y");
	pass(60000);
	w->disk_read = really_read;
	assert_int_equal(arrived, 1);
	assert_true(has("y"));
	assert_int_equal(shipper_stats(ship).spool.damaged_records[TELEMETRY_LOG], 1);
	assert_non_null(strstr(shipper_trouble(ship), "could not be read"));
}

static void a_body_that_cannot_be_read_is_set_aside_and_stops_nobody(void **state)
{
	(void)state;
	open_shipper();
	put_around_a_bad_place();
	expect_files(0, 0, 1);
	pass(UINT64_C(25) * 3600000);
	assert_null(shipper_trouble(ship));
}

static void while_nothing_can_be_read_no_body_is_given_up(void **state)
{
	(void)state;
	open_shipper();
	really_read = w->disk_read;
	w->disk_read = read_badly;
	bad_place = ".pb.gz";
	put("x");
	pass(2000);
	sim_fail_rate(w, SIM_READ, 1000);
	pass(600000);
	sim_fail_rate(w, SIM_READ, 0);
	w->disk_read = really_read;
	pass(10000);
	assert_int_equal(arrived, 1);
	assert_int_equal(shipper_stats(ship).spool.damaged_records[TELEMETRY_LOG], 0);
}

static void a_body_that_cannot_even_be_set_aside_is_passed_by(void **state)
{
	(void)state;
	open_shipper();
	really_start = w->disk_start;
	w->disk_start = rename_badly;
	put_around_a_bad_place();
	w->disk_start = really_start;
	expect_files(1, 0, 0);
	close_shipper();
	open_shipper(); /* it is well again: nothing was lost by that */
	pass(10000);
	assert_int_equal(arrived, 2);
	assert_true(has("x"));
}

/* Nothing is lost by that: it was refused. A restart asks once more. */
static void a_refused_body_that_cannot_be_set_aside_is_passed_by(void **state)
{
	(void)state;
	answer_with(400, 200);
	open_shipper();
	really_start = w->disk_start;
	w->disk_start = rename_badly;
	bad_place = "/0000000000000001-";
	put("first");
	pass(3000);
	put("second");
	pass(60000);
	w->disk_start = really_start;
	assert_int_equal(arrived, 2);
	assert_true(has("second"));
	expect_files(1, 0, 0);
	assert_int_equal(shipper_stats(ship).exporter.rejected_records[TELEMETRY_LOG], 1);
	assert_int_equal(shipper_stats(ship).spool.damaged_records[TELEMETRY_LOG], 0); /* it could be read */
	assert_null(shipper_trouble(ship));
	close_shipper();
	open_shipper();
	pass(10000);
	assert_int_equal(arrived, 3);
	assert_string_equal(ids[2], ids[0]);
}

static void unlink_badly(struct world *world, struct disk_req *r, disk_cb *cb)
{
	if (r->op != DISK_UNLINK) {
		really_start(world, r, cb);
		return;
	}
	r->impl = r;
	r->cb = cb;
	sim_at(w, 1, on_refused, r);
}

static void an_accepted_body_stays_in_hand_until_it_is_gone(void **state)
{
	(void)state;
	open_shipper();
	really_start = w->disk_start;
	w->disk_start = unlink_badly;
	put("first");
	pass(3000);
	put("second");
	pass(600000);
	assert_int_equal(arrived, 1);
	w->disk_start = really_start;
	pass(20000);
	assert_int_equal(arrived, 2);
	expect_files(0, 0, 0);
}

/* Nothing that gzip could make small. */
static void put_a_megabyte(void)
{
	static char text[60001];

	for (int n = 0; n < 18; n++) {
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = (char)('0' + sim_random(w) % 64);
		assert_true(put(text));
	}
	pass(3000);
}

static const char *sought;

static int is_sought(void *ctx, const char *name)
{
	*(bool *)ctx |= strstr(name, sought) != NULL && str_ends(name, ".rejected");
	return 0;
}

static bool is_aside(const char *id)
{
	bool there = false;

	sought = id;
	w->disk_list(w, DIR, is_sought, &there, NULL);
	return there;
}

static int count_aside(void *ctx, const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf(DIR "/%s", name);
	struct disk_stat st;

	assert_int_equal(w->disk_stat(w, path, &st, NULL), 0);
	if (str_ends(name, ".rejected"))
		*(uint64_t *)ctx += st.size;
	return 0;
}

static void of_the_bodies_set_aside_the_oldest_go_first(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	answer_with(400, 400);
	open_shipper();
	put("the first one");
	pass(3000);
	expect_files(0, 1, 0);
	for (int i = 0; i < 24; i++)
		put_a_megabyte();
	assert_int_equal(shipper_stats(ship).exporter.rejected_records[TELEMETRY_LOG], 1 + 24 * 18);
	w->disk_list(w, DIR, count_aside, &bytes, NULL);
	assert_true(bytes > 15u << 20 && bytes <= 16u << 20);
	assert_false(is_aside(ids[0]));
	assert_true(is_aside(ids[arrived - 1]));
}

static void a_damaged_commit_record_keeps_the_bodies_before_it(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);

	(void)state;
	logged_in = false;
	open_shipper();
	for (int i = 0; i < 3; i++) {
		put("x");
		pass(3000);
	}
	close_shipper();
	assert_true(sim_file_get(w, DIR "/commits", &b));
	memset(strchr(b.data, '\n') + 1, '#', 20); /* the second record */
	buf_adds(&b, "{\"seq\":4,\"torn");
	sim_file_put(w, DIR "/commits", b.data, b.len);
	sim_file_puts(w, DIR "/0000000000000004-logs-0123456789abcdef.pb.gz", "never committed");
	sim_file_puts(w, DIR "/anything.tmp", "left by a crash");
	logged_in = true;
	open_shipper();
	assert_int_equal(shipper_stats(ship).spool.corrupt, 1);
	assert_int_equal(shipper_stats(ship).spool.uncommitted[TELEMETRY_LOG], 1);
	pass(10000);
	assert_int_equal(arrived, 3);
	expect_files(0, 0, 0);
	put("y");
	pass(3000);
	assert_int_equal(arrived, 4);
}

static void the_log_of_commit_records_stays_small(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(16u << 20);

	(void)state;
	open_shipper();
	sim_file_puts(w, "/var/log/x", "");
	for (int i = 0; i < 6000; i++) {
		arrived = 0;
		buf_reset(&bodies);
		put("x");
		pass(1300);
	}
	assert_true(sim_file_get(w, DIR "/commits", &b));
	assert_true(b.len < (1u << 20) + 4096);
	close_shipper();
	open_shipper();
	arrived = 0;
	put("y");
	pass(5000);
	assert_int_equal(arrived, 1);
}

static void batches_close_at_their_limits(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc(60001);

	(void)state;
	open_shipper();
	for (int i = 0; i < 5001; i++)
		assert_true(put("small"));
	pass(100);
	assert_int_equal(arrived, 1); /* by number */
	pass(3000);
	assert_int_equal(arrived, 2); /* by time */
	memset(big, 'b', 60000);
	for (int i = 0; i < 18; i++)
		assert_true(put(big));
	pass(200);
	assert_int_equal(arrived, 3); /* by size */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_arrives_is_masked_and_gone_from_the_spool, setup, teardown),
		cmocka_unit_test_setup_teardown(without_rules_nothing_leaves_and_lines_wait_in_their_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lost_answer_is_followed_by_the_same_body_with_the_same_id, setup, teardown),
		cmocka_unit_test_setup_teardown(retry_after_is_kept_but_not_for_ever, setup, teardown),
		cmocka_unit_test_setup_teardown(a_body_that_is_refused_is_set_aside_and_the_next_one_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_with_us_keeps_the_body, setup, teardown),
		cmocka_unit_test_setup_teardown(a_partial_success_is_counted_and_not_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_sent_before_the_login, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_open_at_the_end_is_sent_by_the_next, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_that_the_rules_keep_here_move_the_position_too, setup, teardown),
		cmocka_unit_test_setup_teardown(files_found_beside_a_line_make_no_commit_record_longer_than_one_may_be, setup,
						teardown),
		cmocka_unit_test_setup_teardown(files_found_together_share_commit_records, setup, teardown),
		cmocka_unit_test_setup_teardown(files_found_while_the_disk_takes_nothing_do_not_fill_the_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_take_a_few_milliseconds_of_a_turn_and_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_pushes_back_and_loses_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(metrics_over_their_quota_lose_the_oldest_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(logs_over_their_quota_wait_in_their_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_body_is_set_aside_and_stops_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(a_body_that_cannot_be_read_is_set_aside_and_stops_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(while_nothing_can_be_read_no_body_is_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(a_body_that_cannot_even_be_set_aside_is_passed_by, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_body_that_cannot_be_set_aside_is_passed_by, setup, teardown),
		cmocka_unit_test_setup_teardown(an_accepted_body_stays_in_hand_until_it_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(of_the_bodies_set_aside_the_oldest_go_first, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_commit_record_keeps_the_bodies_before_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_of_commit_records_stays_small, setup, teardown),
		cmocka_unit_test_setup_teardown(batches_close_at_their_limits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
