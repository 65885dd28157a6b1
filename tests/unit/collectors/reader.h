/* reader.h - a tail in the simulated world, and the lines that came of it. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "collectors/tail.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define LOG "/var/log/x.log"

static struct {
	struct world *w;
	struct tail *tail; /* NULL: closed */
	struct positions positions;
	struct buf got;             /* bodies, each with an LF */
	struct telemetry_source at; /* of the last line; the path is a copy */
	char at_path[128];
	char truncated[32];
	char begun[128]; /* of the last line, what was handed over before */
	bool unfinished; /* the last line */
	unsigned continuations;
	bool refuse;
	struct framing_config framing; /* of what is opened next */
	uint32_t files_max;            /* the same */
	struct telemetry_line last;    /* its numbers and literals alone are valid */
	unsigned told;                 /* by reader_on_refused */
	unsigned found;                /* files that the sink was told of */
	unsigned losses[TELEMETRY_LOSSES];
	uint64_t lost_bytes; /* of the last one */
	struct telemetry_source lost_at;
} reader;

static inline bool reader_on_line(void *ctx, const struct telemetry_line *l)
{
	(void)ctx;
	if (reader.refuse)
		return false;
	buf_add(&reader.got, l->body + l->begun, l->len - l->begun);
	snprintf(reader.begun, sizeof(reader.begun), "%.*s", (int)l->begun, l->body);
	buf_addc(&reader.got, '\n');
	reader.at = *l->source;
	if (l->source->before_at != NULL)
		reader.at.before = telemetry_before(l->source->before_at, l->source->before_len);
	reader.at.before_at = NULL;
	snprintf(reader.at_path, sizeof(reader.at_path), "%s", l->source->path);
	reader.at.path = reader.at_path;
	reader.unfinished = false;
	reader.last = *l;
	for (size_t i = 0; i < l->attrs_n; i++) {
		if (strcmp(l->attrs[i].key, "reeve.log.truncated_bytes") == 0)
			snprintf(reader.truncated, sizeof(reader.truncated), "%s", l->attrs[i].value);
		reader.unfinished |= strcmp(l->attrs[i].key, "reeve.log.unfinished") == 0;
		reader.continuations += strcmp(l->attrs[i].key, "reeve.log.continuation") == 0;
	}
	return true;
}

static inline void reader_on_found(void *ctx, const struct telemetry_source *s)
{
	(void)ctx;
	(void)s;
	reader.found++;
}

static inline void reader_on_lost(void *ctx, const char *of, enum telemetry_loss what, uint64_t bytes,
				  const struct telemetry_source *at)
{
	(void)ctx;
	(void)of;
	reader.losses[what]++;
	reader.lost_bytes = bytes;
	reader.lost_at = *at;
}

static inline void reader_open(const char *pattern)
{
	const struct telemetry_sink sink = { .line = reader_on_line, .found = reader_on_found, .lost = reader_on_lost };
	const struct tail_path path = { .path = pattern, .service = "service", .framing = reader.framing };
	const struct tail_config c = {
		.paths = &path, .paths_n = 1, .positions = &reader.positions, .files_max = reader.files_max
	};

	positions_close(&reader.positions); /* what is not committed is not known to the next process */
	reader.tail = tail_new(reader.w, &c, &sink);
}

static inline void reader_close(void)
{
	bool closed = false;

	tail_close(reader.tail, flag_set, &closed);
	assert_int_equal(sim_run_until(reader.w, flag_is_set, &closed, 1000), SIM_TRUE);
	reader.tail = NULL;
}

static inline void reader_pass(uint64_t ms)
{
	sim_run_until(reader.w, NULL, NULL, ms);
}

static inline void reader_begin(const char *pattern)
{
	reader_open(pattern);
	tail_start(reader.tail);
}

static inline void reader_follow(const char *pattern, uint64_t ms)
{
	reader_begin(pattern);
	reader_pass(ms);
}

/* As a shipper that commits it, or finds it committed. */
static inline void reader_commit(const struct telemetry_source *s)
{
	reader.positions.durable.committed(&reader.positions, s);
}

/* The same, from a position. */
static inline void reader_resume(const char *pattern, const struct telemetry_source *from, uint64_t ms)
{
	reader_open(pattern);
	reader_commit(from);
	tail_start(reader.tail);
	reader_pass(ms);
}

static inline void reader_append(const char *path, const char *text)
{
	sim_file_append(reader.w, path, text, strlen(text));
}

/* For log_set: counts refusals; each must hold the texts of ctx, an array that NULL ends. */
static inline void reader_on_refused(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	if (strcmp(event, "tail.refused") != 0)
		return;
	assert_int_equal(level, LOG_WARN);
	for (const char **text = ctx; *text != NULL; text++)
		assert_non_null(strstr(pairs, *text));
	reader.told++;
}

static inline int reader_start(void **state)
{
	(void)state;
	memset(&reader, 0, sizeof(reader));
	reader.w = sim_new(5);
	reader.got = BUF_MAX(64u << 20);
	positions_init(&reader.positions);
	sim_dir_make(reader.w, "/var/log");
	return 0;
}

static inline int reader_end(void **state)
{
	(void)state;
	log_set(LOG_INFO, NULL, NULL); /* whatever the test has set */
	if (reader.tail != NULL)
		reader_close();
	positions_close(&reader.positions);
	buf_close(&reader.got);
	sim_free(reader.w);
	return 0;
}

#define READER_TEST(f) cmocka_unit_test_setup_teardown(f, reader_start, reader_end)
