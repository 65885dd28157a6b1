/* test_otlp.c - the encoders, read back field by field; tests/e2e decodes them with the official classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pbw.h"
#include "shippers/otlp.h"

static const struct telemetry_attr resource_attrs[] = { { "service.name", "reeve" }, { "host.id", "i-1" } };

/* The n-th field of that number, counted from 0. */
static struct pbr_field at(const void *p, size_t len, unsigned number, unsigned n)
{
	struct pbr r = pbr_of(p, len);
	struct pbr_field f;

	while (pbr_next(&r, &f) > 0)
		if (f.number == number && n-- == 0)
			return f;
	fail_msg("no field %u", number);
	return f;
}

static struct pbr_field in(struct pbr_field f, unsigned number, unsigned n)
{
	return at(f.p, f.len, number, n);
}

static bool is(struct pbr_field f, const char *text)
{
	return f.len == strlen(text) && memcmp(f.p, text, f.len) == 0;
}

static struct spare spare;

/* A finished request, in one piece. */
static void join(struct pieces *p, struct buf *to)
{
	for (size_t i = 0; i < p->n; i++)
		buf_add(to, p->v[i].data, p->v[i].len);
	assert_int_equal(to->len, p->len);
	pieces_give(p, &spare);
}

static void finish_logs(struct otlp_logs *o, struct buf *to)
{
	struct pieces p = { 0 };

	assert_int_equal(otlp_logs_finish(o, &p), 0);
	join(&p, to);
}

static unsigned count(struct pbr_field f, unsigned number)
{
	struct pbr r = pbr_of(f.p, f.len);
	struct pbr_field part;
	unsigned n = 0;

	while (pbr_next(&r, &part) > 0)
		n += part.number == number;
	return n;
}

static void each_service_has_its_own_resource(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	struct otlp_resource *r = otlp_resource_new(resource_attrs, 2);
	struct otlp_logs *o = otlp_logs_new(r, &spare);
	struct pbr_field group, record;

	(void)state;
	for (int i = 0; i < 300; i++) {
		const struct telemetry_attr attr = { "log.file.name", "x" };
		char body[300];
		const struct telemetry_line l = { .body = body, .len = (size_t)i };

		memset(body, 'x', sizeof(body));
		otlp_logs_add(o, otlp_logs_row(o, i % 3 == 0 ? "a" : "b", &attr, 1), &l, 5);
	}
	finish_logs(o, &b);
	group = at(b.data, b.len, 1, 1);
	assert_true(is(in(in(in(in(group, 1, 0), 1, 0), 2, 0), 1, 0), "b"));
	assert_int_equal(count(in(group, 1, 0), 1), 2);
	assert_true(is(in(group, 3, 0), OTLP_SCHEMA_URL));
	assert_int_equal(count(in(group, 2, 0), 2), 200);
	record = in(in(group, 2, 0), 2, 199);
	assert_int_equal(in(in(record, 5, 0), 1, 0).len, 299);
	assert_int_equal(in(record, 11, 0).value, 5000000);
	assert_int_equal(count(record, 1), 0); /* an unknown time stays unset */
	assert_int_equal(otlp_logs_size(o), 0);
	otlp_logs_free(o);
	spare_close(&spare);
	otlp_resource_free(r);
}

static size_t body_of(struct pbr_field record)
{
	return in(in(record, 5, 0), 1, 0).len;
}

/* Name and path of a file stand once in a batch, and not with each of its lines. */
static void files_of_a_service_have_scopes_of_their_own(void **state)
{
	static const struct telemetry_attr files[] = { { "log.file.path", "/a" }, { "log.file.path", "/b" } };
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	struct otlp_resource *r = otlp_resource_new(resource_attrs, 2);
	struct otlp_logs *o = otlp_logs_new(r, &spare);
	struct otlp_row *rows[3];
	struct pbr_field group;

	(void)state;
	for (size_t turn = 0; turn < 3; turn++) {
		buf_reset(&b);
		rows[0] = otlp_logs_row(o, "s", &files[0], 1);
		rows[1] = otlp_logs_row(o, "s", &files[1], 1);
		rows[2] = otlp_logs_row(o, NULL, &files[1], 1);
		assert_ptr_equal(rows[1], otlp_logs_row(o, "s", &files[1], 1));
		for (size_t i = 0; i < (turn == 1 ? 2 : 6); i++)
			otlp_logs_add(o, rows[turn == 1 ? 1 : i % 3], &(struct telemetry_line){ .body = "xxxxxx", .len = i }, 1);
		finish_logs(o, &b);
		group = at(b.data, b.len, 1, 0);
		assert_int_equal(count(group, 2), turn == 1 ? 1 : 2);
		if (turn > 0)
			continue; /* only the rows that go on are kept, and stand first */
		assert_true(is(in(in(in(in(in(group, 2, 0), 1, 0), 3, 0), 2, 0), 1, 0), "/a"));
		assert_true(is(in(in(in(in(in(group, 2, 1), 1, 0), 3, 0), 2, 0), 1, 0), "/b"));
		assert_int_equal(body_of(in(in(group, 2, 1), 2, 1)), 4);
		group = at(b.data, b.len, 1, 1);
		assert_true(is(in(in(in(in(group, 1, 0), 1, 0), 2, 0), 1, 0), "unknown_service"));
		assert_int_equal(body_of(in(in(group, 2, 0), 2, 1)), 5);
	}
	otlp_logs_free(o);
	spare_close(&spare);
	otlp_resource_free(r);
}

/* Written by lengths known before, so each length is tried on both sides of where a varint grows. */
static void a_record_of_any_length_is_read_back(void **state)
{
	static const struct telemetry_attr attr = { "reeve.log.truncated_bytes", "12" };
	static char body[40000];
	struct otlp_resource *r = otlp_resource_new(resource_attrs, 2);
	struct otlp_logs *o = otlp_logs_new(r, &spare);

	(void)state;
	memset(body, 'z', sizeof(body));
	for (size_t len = 0; len < sizeof(body); len += len < 300 || (len > 16300 && len < 16500) ? 1 : 59) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
		struct telemetry_line l = {
			body, len, .time_ms = len % 2 ? 7 : 0, .time_ns = 89, .attrs = &attr, .attrs_n = len % 3 == 0
		};
		struct pbr_field record;

		otlp_logs_add(o, otlp_logs_row(o, "s", NULL, 0), &l, 5);
		assert_true(otlp_logs_size(o) >= len);
		finish_logs(o, &b);
		record = in(in(at(b.data, b.len, 1, 0), 2, 0), 2, 0);
		assert_int_equal(body_of(record), len);
		assert_int_equal(count(record, 1), len % 2);
		assert_int_equal(count(record, 6), len % 3 == 0);
		assert_int_equal(in(record, 11, 0).value, 5000000);
		if (len % 2)
			assert_int_equal(in(record, 1, 0).value, 7000089);
		if (len % 3 == 0)
			assert_true(is(in(in(in(record, 6, 0), 2, 0), 1, 0), "12"));
	}
	otlp_logs_free(o);
	spare_close(&spare);
	otlp_resource_free(r);
}

static void points_of_one_name_share_a_metric(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	struct otlp_resource *r = otlp_resource_new(resource_attrs, 2);
	struct otlp_metrics *o = otlp_metrics_new(r);
	struct telemetry_point p = { .name = "a", .unit = "By", .shape = TELEMETRY_COUNTER, .i = -1, .start_ms = 1, .time_ms = 2 };
	struct pieces p2 = { 0 };
	struct pbr_field scope, metric;

	(void)state;
	otlp_metrics_add(o, &p);
	p.i = 7;
	otlp_metrics_add(o, &p);
	p = (struct telemetry_point){
		.name = "b", .unit = "1", .shape = TELEMETRY_GAUGE, .is_double = true, .d = 0.5, .time_ms = 2
	};
	otlp_metrics_add(o, &p);
	p = (struct telemetry_point){ .name = "c", .unit = "1", .shape = TELEMETRY_UPDOWN, .i = 1, .time_ms = 2 };
	otlp_metrics_add(o, &p);
	assert_int_equal(otlp_metrics_finish(o, &p2), 0);
	join(&p2, &b);
	scope = in(at(b.data, b.len, 1, 0), 2, 0);
	assert_int_equal(count(scope, 2), 3);
	metric = in(scope, 2, 0);
	assert_true(is(in(metric, 1, 0), "a") && is(in(metric, 3, 0), "By"));
	assert_int_equal(count(in(metric, 7, 0), 1), 2);
	assert_int_equal(in(in(metric, 7, 0), 2, 0).value, 2); /* cumulative */
	assert_int_equal(in(in(metric, 7, 0), 3, 0).value, 1); /* monotonic */
	assert_int_equal((int64_t)in(in(in(metric, 7, 0), 1, 0), 6, 0).value, -1);
	assert_int_equal(count(in(scope, 2, 1), 5), 1);
	assert_int_equal(count(in(in(scope, 2, 2), 7, 0), 3), 0);
	otlp_metrics_free(o);
	otlp_resource_free(r);
}

static void a_message_of_any_length_has_the_shortest_length_field(void **state)
{
	(void)state;
	for (size_t len = 0; len < 70000; len += len < 300 ? 1 : 777) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
		CLEANUP(mem_close) char *text = mem_alloc(len + 1);
		struct pbr r;
		struct pbr_field f;
		size_t mark = pbw_begin(&b, 1);

		memset(text, 'y', len);
		buf_add(&b, text, len);
		pbw_end(&b, mark);
		r = pbr_of(b.data, b.len);
		assert_int_equal(pbr_next(&r, &f), 1);
		assert_int_equal(f.len, len);
		assert_int_equal(b.len, 1 + (len < 128 ? 1u : len < 16384 ? 2u : 3u) + len);
		assert_int_equal(pbr_next(&r, &f), 0);
	}
}

static void bytes_that_are_no_message_are_refused(void **state)
{
	static const struct {
		const char *in;
		size_t len;
	} cases[] = { { "\x0a", 1 },
		      { "\x0a\x05x", 3 },
		      { "\x09\x01", 2 },
		      { "\x0b", 1 },
		      { "\x00", 1 },
		      { "\x08\x80", 2 },
		      { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pbr r = pbr_of(cases[i].in, cases[i].len);
		struct pbr_field f;

		assert_int_equal(pbr_next(&r, &f), -ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_service_has_its_own_resource),
		cmocka_unit_test(files_of_a_service_have_scopes_of_their_own),
		cmocka_unit_test(a_record_of_any_length_is_read_back),
		cmocka_unit_test(points_of_one_name_share_a_metric),
		cmocka_unit_test(a_message_of_any_length_has_the_shortest_length_field),
		cmocka_unit_test(bytes_that_are_no_message_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
