/* dock.h - a shipper in the simulated world, from the sink that collectors see to the receiver that its bodies reach. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "collectors/positions.h"
#include "shippers/pack.h"
#include "shippers/shipper.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define DOCK_DIR "/var/lib/reeve/spool"
#define DOCK_LEDGER "/var/lib/reeve/ledger"
#define DOCK_BUDGET "/var/lib/reeve/budget"
#define DOCK_ARRIVALS 256

static struct {
	struct world *w;
	struct shipper *ship; /* NULL: closed */
	struct positions positions;
	bool logged_in;
	bool has_ledger, has_budget;
	uint64_t bytes_per_day;
	uint64_t ledger_max;
	uint64_t metrics_max, logs_max, max_age_s; /* of the next dock_open */
	uint64_t offset;                           /* of the next line in its file */

	int answers[2]; /* statuses to give: the first, then the second for ever; 0: the answer is lost */
	size_t most;    /* a larger body is answered with 413, and no byte of it arrives; 0: all are taken */
	const char *answer_headers;
	struct buf answer_body;
	enum pack_format format; /* of the next dock_open */
	uint64_t catch_up;       /* likewise */
	int no_zstd;             /* a body of zstd is answered with it, and no byte arrives; 0: it is taken as any */
	unsigned zstds;          /* bodies that arrived so; what is refused is not among them */
	unsigned zstds_refused;

	unsigned arrived, too_large, signs, unauthorized;
	uint64_t arrived_ms[DOCK_ARRIVALS], arrived_bytes[DOCK_ARRIVALS], arrived_whole;
	char ids[DOCK_ARRIVALS][17];
	struct buf bodies; /* all that arrived, unpacked */

	/* a second destination: the customer's */
	bool has_customer;
	int customer_answer;        /* 0: it is away */
	uint64_t customer_logs_max; /* of the next dock_open */
	struct buf customer_bodies, customer_ids;
	unsigned customer_zstds;

	void (*disk_start)(struct world *w, struct disk_req *r, disk_cb *cb); /* the world's own, while a hook is there */
} dock;

/* ---- the receiver ---- */

static inline bool dock_is_zstd(const struct sim_http *x)
{
	return str_eq(sim_http_header(x, "Content-Encoding"), "zstd");
}

/* True: it was of zstd. */
static inline bool dock_unpack(const struct sim_http *x, struct buf *to)
{
	bool is_zstd = dock_is_zstd(x);
	CLEANUP(buf_close) struct buf raw = BUF_MAX(64u << 20);
	CLEANUP(buf_close) struct buf body = BUF_MAX(64u << 20);
	struct pack p = { 0 };
	int rc;

	assert_true(is_zstd || str_eq(sim_http_header(x, "Content-Encoding"), "gzip"));
	buf_add(&body, x->body, x->body_len);
	pack_begin(&p, PACK_OUT, is_zstd ? PACK_ZSTD : PACK_GZIP, 0);
	do
		rc = pack_slice(&p, &body, &raw);
	while (rc == 0);
	pack_end(&p);
	assert_int_equal(rc, 1);
	buf_add(to, raw.data, raw.len);
	return is_zstd;
}

static inline void dock_on_customer(struct sim_http *x)
{
	if (dock.customer_answer == 0) {
		sim_http_fail(x, -ERR_NET, 0);
		return;
	}
	assert_null(sim_http_header(x, "Reeve-Proof")); /* what proves us to the vendor is the vendor's alone */
	dock.customer_zstds += dock_unpack(x, &dock.customer_bodies);
	buf_addf(&dock.customer_ids, "%s ", sim_http_header(x, "Reeve-Batch-Id"));
	sim_http_answer(x, dock.customer_answer, NULL, NULL, 0, 0);
}

static inline void dock_on_http(void *ctx, struct sim_http *x)
{
	int status = dock.answers[dock.arrived > 0];

	(void)ctx;
	if (str_starts(x->url, "https://customer.example/")) {
		dock_on_customer(x);
		return;
	}
	if (dock.most > 0 && x->body_len > dock.most) {
		dock.too_large++;
		sim_http_answer(x, 413, "", "", 0, 0);
		return;
	}
	if (dock.no_zstd > 0 && dock_is_zstd(x)) {
		dock.zstds_refused++;
		sim_http_answer(x, dock.no_zstd, "", "", 0, 0);
		return;
	}
	assert_true(dock.arrived < DOCK_ARRIVALS);
	dock.arrived_ms[dock.arrived] = world_now_ms(dock.w);
	dock.arrived_bytes[dock.arrived] = x->body_len;
	snprintf(dock.ids[dock.arrived], sizeof(dock.ids[0]), "%s", sim_http_header(x, "Reeve-Batch-Id"));
	assert_string_equal(sim_http_header(x, "Content-Type"), "application/x-protobuf");
	dock.zstds += dock_unpack(x, &dock.bodies);
	dock.arrived++;
	dock.arrived_whole += x->body_len;
	if (status == 0)
		sim_http_fail(x, -ERR_NET, 0);
	else
		sim_http_answer(x, status, dock.answer_headers, dock.answer_body.data, dock.answer_body.len, 0);
}

static inline void dock_answer(int first, int then)
{
	dock.answers[0] = first;
	dock.answers[1] = then;
}

static inline bool dock_has(const char *text)
{
	return dock.bodies.len > 0 && memmem(dock.bodies.data, dock.bodies.len, text, strlen(text)) != NULL;
}

/* ---- the shipper ---- */

static inline int dock_sign(void *ctx, struct http_req *req, struct export_proof *p, struct err *e)
{
	char proof[16];

	(void)ctx;
	assert_non_null(req->send);
	if (!dock.logged_in)
		return err_set(e, ERR_NOTYET, "not logged in");
	snprintf(proof, sizeof(proof), "v1 %u", ++dock.signs);
	TRY(exporter_proof_add(p, "Authorization", "Reeve token"));
	return exporter_proof_add(p, "Reeve-Proof", proof);
}

static inline void dock_on_unauthorized(void *ctx, const struct export_proof *p)
{
	(void)ctx;
	assert_string_equal(p->headers[0].value, "Reeve token");
	dock.unauthorized++;
}

static inline void dock_say_more(void *ctx, struct shipper *s)
{
	(void)ctx;
	shipper_own(s, "reeve.other.things", "{thing}", TELEMETRY_COUNTER, 7);
}

static inline void dock_open(void)
{
	static char all[] = "*", *everything[] = { all };
	static struct telemetry_redact secret = { .name = "secret", .pattern = "hunter2" };
	const struct telemetry_attr resource[] = { { "service.name", "reeve" } };
	const struct telemetry_rules rules = { .metrics = everything,
					       .metrics_n = 1,
					       .logs = everything,
					       .logs_n = 1,
					       .redact = &secret,
					       .redact_n = 1,
					       .bytes_per_day = dock.bytes_per_day };
	bool opened = false;
	struct shipper_config c = { .dir = DOCK_DIR,
				    .resource = resource,
				    .resource_n = 1,
				    .positions = &dock.positions.durable,
				    .max_age_s = dock.max_age_s,
				    .format = dock.format,
				    .catch_up = dock.catch_up,
				    .ledger_dir = dock.has_ledger ? DOCK_LEDGER : NULL,
				    .ledger_max = dock.ledger_max,
				    .budget_path = dock.has_budget ? DOCK_BUDGET : NULL,
				    .own = dock_say_more,
				    .opened = flag_set,
				    .opened_ctx = &opened };

	c.dests[c.dests_n++] = (struct shipper_dest){
		.name = "vendor",
		.to = { .url = "https://vendor.example/", .auth = { NULL, dock_sign, dock_on_unauthorized } },
		.logs_max = dock.logs_max,
		.metrics_max = dock.metrics_max,
	};
	if (dock.has_customer)
		c.dests[c.dests_n++] = (struct shipper_dest){
			.name = "customer",
			.to = { .url = "https://customer.example/" },
			.logs_max = dock.customer_logs_max,
			.metrics_max = dock.metrics_max,
		};
	positions_close(&dock.positions); /* of the process before */
	dock.ship = shipper_new(dock.w, &c);
	assert_int_equal(shipper_rules(dock.ship, &rules, NULL, NULL), 0);
	assert_int_equal(sim_run_until(dock.w, flag_is_set, &opened, 60000), SIM_TRUE);
}

static inline void dock_close(void)
{
	bool closed = false;

	shipper_close(dock.ship, flag_set, &closed);
	assert_int_equal(sim_run_until(dock.w, flag_is_set, &closed, 60000), SIM_TRUE);
	dock.ship = NULL;
}

static inline int dock_start(void **state)
{
	(void)state;
	memset(&dock, 0, sizeof(dock));
	dock.w = sim_new(11);
	positions_init(&dock.positions);
	sim_http_handle(dock.w, dock_on_http, NULL);
	sim_dir_make(dock.w, "/var/lib/reeve");
	dock_answer(200, 200);
	dock.answer_body = BUF_MAX(4096);
	dock.bodies = dock.customer_bodies = BUF_MAX(64u << 20);
	dock.customer_ids = BUF_MAX(1u << 20);
	dock.logged_in = true;
	return 0;
}

static inline int dock_end(void **state)
{
	(void)state;
	if (dock.ship != NULL)
		dock_close();
	positions_close(&dock.positions);
	buf_close(&dock.bodies);
	buf_close(&dock.customer_bodies);
	buf_close(&dock.customer_ids);
	buf_close(&dock.answer_body);
	sim_free(dock.w);
	return 0;
}

static inline void dock_pass(uint64_t ms)
{
	sim_run_until(dock.w, NULL, NULL, ms);
}

/* ---- what collectors hand over ---- */

/* A line whose first bytes were handed over before. */
static inline bool dock_put_rest(const char *text, size_t begun)
{
	static const struct telemetry_attr name = { "log.file.name", "x" };
	static const struct telemetry_origin origin = { 7, "s", "/var/log/x", &name, 1, NULL };
	struct telemetry_line l = { .body = text, .len = strlen(text), .begun = begun, .origin = &origin };
	const struct telemetry_sink *sink = shipper_sink(dock.ship);
	uint64_t end = dock.offset + l.len + 1;
	struct telemetry_source at;

	at = (struct telemetry_source){ .dev = 1, .ino = 2, .from = dock.offset, .to = end, .path = "/var/log/x" };
	l.source = &at;
	l.is_ascii = str_plain_len(text, l.len) == l.len; /* as the tail says it */
	if (!sink->line(sink->ctx, &l))
		return false;
	dock.offset = end;
	return true;
}

static inline bool dock_put(const char *text)
{
	return dock_put_rest(text, 0);
}

static inline void dock_scrape(void)
{
	const struct telemetry_sink *sink = shipper_sink(dock.ship);
	const struct telemetry_attr attr = { "note", "it is hunter2" };
	const struct telemetry_point p = { .name = "system.x", .unit = "1", .i = 1, .time_ms = 1, .attrs = &attr, .attrs_n = 1 };

	sink->point(sink->ctx, &p);
	sink->scrape_done(sink->ctx);
}

/* ---- the spool's folder ---- */

static inline int dock_count_name(void *ctx, const char *name)
{
	unsigned *n = ctx;

	n[0] += str_ends(name, ".pb.gz") || str_ends(name, ".pb.zst");
	n[1] += str_ends(name, ".rejected");
	n[2] += str_ends(name, ".bad");
	return 0;
}

static inline void dock_expect_files(unsigned ready, unsigned rejected, unsigned bad)
{
	unsigned n[3] = { 0 };

	assert_int_equal(dock.w->disk_list(dock.w, DOCK_DIR, dock_count_name, n, NULL), 0);
	assert_int_equal(n[0], ready);
	assert_int_equal(n[1], rejected);
	assert_int_equal(n[2], bad);
}

/* Disk requests go to `start`, which may hand them on to dock.disk_start. */
static inline void dock_hook_disk(void (*start)(struct world *w, struct disk_req *r, disk_cb *cb))
{
	dock.disk_start = dock.w->disk_start;
	dock.w->disk_start = start;
}

static inline void dock_unhook_disk(void)
{
	dock.w->disk_start = dock.disk_start;
}

#define DOCK_TEST(f) cmocka_unit_test_setup_teardown(f, dock_start, dock_end)
