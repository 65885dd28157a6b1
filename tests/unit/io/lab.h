/* lab.h - one simulated world at a time, and what its callbacks tell: how many came, and with what. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "tests/sim/world_sim.h"

#define LAB_FILE "/var/lib/reeve/f"
#define HOUR_MS 3600000u

static struct {
	struct world *w;
	unsigned fired;
	int rc; /* 1: nothing has called back */
	struct sim_http *arrived[16];
	unsigned arrived_n;
	unsigned names; /* of what a watch told: that came or went */
} lab;

/* Another world in place of the one before. */
static inline void lab_new(uint64_t seed)
{
	sim_free(lab.w);
	memset(&lab, 0, sizeof(lab));
	lab.w = sim_new(seed);
	lab.rc = 1;
}

static inline void lab_free(void)
{
	sim_free(lab.w);
	lab.w = NULL;
}

static inline int lab_start(void **state)
{
	(void)state;
	lab_new(1);
	return 0;
}

static inline int lab_end(void **state)
{
	(void)state;
	lab_free();
	return 0;
}

/* ---- http: every request is answered with its own body, but for those to /hang ---- */

static inline void lab_on_request(void *ctx, struct sim_http *x)
{
	(void)ctx;
	lab.arrived[lab.arrived_n++ % ARRAY_LEN(lab.arrived)] = x;
	if (strstr(x->url, "/hang") != NULL)
		return;
	sim_http_answer(x, 201, "X-A: b\n", x->body, x->body_len, 10);
}

static inline void lab_on_http(struct http_req *r, int rc)
{
	(void)r;
	lab.rc = rc;
	lab.fired++;
}

/* ---- disk ---- */

static inline void lab_on_disk(struct disk_req *r, int rc)
{
	(void)r;
	lab.rc = rc;
}

/* What the request that was just started calls back with. */
static inline int lab_finish(void)
{
	lab.rc = 1;
	sim_run_until(lab.w, NULL, NULL, HOUR_MS);
	return lab.rc;
}

static inline int lab_append(uint64_t offset, const char *text)
{
	struct disk_req r = { 0 };

	disk_append(lab.w, &r, LAB_FILE, offset, text, strlen(text), lab_on_disk);
	return lab_finish();
}

static inline void lab_assert_file(const char *path, const char *text)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1 << 20);

	assert_true(sim_file_get(lab.w, path, &b));
	assert_string_equal(buf_str(&b), text);
}

#define LAB_TEST(f) cmocka_unit_test_setup_teardown(f, lab_start, lab_end)
