/* bench.h - the real world on a bench: a fresh folder under /tmp and a guard, so that a test that hangs fails. A callback ends
 * the loop with bench_stop. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/io/world.h"
#include "agent/io/world_uv.h"

struct bench {
	struct world *w; /* NULL: freed before the end */
	char dir[64];
	struct timer guard;
	unsigned calls; /* of bench_stop, since bench_run */
	int rc;         /* of the last one */
};

static struct bench *bench_here; /* for callbacks: one bench at a time */

static inline void bench_on_guard(struct timer *t)
{
	(void)t;
	fail_msg("nothing came within ten seconds");
}

static inline void bench_open(struct bench *b)
{
	struct err e = { 0 };

	strcpy(b->dir, "/tmp/reeve-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->w = world_uv_new(&e);
	assert_non_null(b->w);
	timer_start(b->w, &b->guard, 10000, bench_on_guard);
	bench_here = b;
}

static inline void bench_free_world(struct bench *b)
{
	world_uv_free(b->w);
	b->w = NULL;
}

static inline void bench_close(struct bench *b)
{
	CLEANUP(mem_close) char *cmd = mem_printf("rm -rf '%s'", b->dir);

	bench_free_world(b);
	assert_int_equal(system(cmd), 0);
}

static inline int bench_start(void **state)
{
	struct bench *b = mem_new(struct bench);

	bench_open(b);
	*state = b;
	return 0;
}

static inline int bench_end(void **state)
{
	bench_close(*state);
	mem_free(*state);
	return 0;
}

/* ---- the loop ---- */

static inline void bench_stop(int rc)
{
	bench_here->rc = rc;
	bench_here->calls++;
	world_uv_stop(bench_here->w);
}

/* Runs until something has called back, once and not before, and tells with what. */
static inline int bench_run(struct bench *b)
{
	assert_int_equal(b->calls, 0);
	world_uv_run(b->w);
	assert_int_equal(b->calls, 1);
	b->calls = 0;
	return b->rc;
}

static inline void bench_on_disk(struct disk_req *r, int rc)
{
	(void)r;
	bench_stop(rc);
}

static inline void bench_on_http(struct http_req *r, int rc)
{
	(void)r;
	bench_stop(rc);
}

static inline int bench_http(struct bench *b, struct http_req *r)
{
	http_start(b->w, r, bench_on_http);
	return bench_run(b);
}

/* ---- files ---- */

/* A path in the folder; it lives until four more were asked for. */
static inline const char *bench_path(const struct bench *b, const char *name)
{
	static char paths[4][128];
	static unsigned i;
	char *p = paths[i++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", b->dir, name);
	return p;
}

static inline void bench_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline void bench_assert_file(struct bench *b, const char *path, const char *text)
{
	CLEANUP(buf_close) struct buf buf = BUF_MAX(65536);

	assert_int_equal(b->w->disk_read(b->w, path, &buf, NULL), 0);
	assert_string_equal(buf_str(&buf), text);
}

#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
