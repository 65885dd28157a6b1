/* journals.h - a reader of the simulated journal, and the records that came of it. */
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
#include "agent/base/str.h"
#include "collectors/journald.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

static struct {
	struct world *w;
	struct journald *j; /* NULL: closed */
	struct positions positions;
	struct buf got;                 /* bodies, each with an LF */
	struct buf attrs;               /* of the last record: "key=value " each */
	struct telemetry_line last;     /* its numbers and literals alone are valid */
	char path[128], unit[128];      /* of the last record */
	struct telemetry_source source; /* of what came last; its texts are copies */
	char cursor[256], name[128];
	unsigned found;                  /* places told without a record */
	bool refuse, loses;              /* the sink takes nothing; commits nothing */
	struct journald_source_config c; /* of what is opened next */
	char gaps[1024];                 /* each "why" */
} journals;

static inline void journals_commit(const struct telemetry_source *s)
{
	snprintf(journals.cursor, sizeof(journals.cursor), "%s", s->cursor);
	snprintf(journals.name, sizeof(journals.name), "%s", s->path);
	journals.source = *s;
	journals.source.cursor = journals.cursor;
	journals.source.path = journals.name;
	if (!journals.loses)
		journals.positions.durable.committed(&journals.positions, s);
}

static inline bool journals_on_line(void *ctx, const struct telemetry_line *l)
{
	(void)ctx;
	if (journals.refuse)
		return false;
	buf_add(&journals.got, l->body, l->len);
	buf_addc(&journals.got, '\n');
	buf_reset(&journals.attrs);
	for (size_t i = 0; i < l->attrs_n; i++)
		buf_addf(&journals.attrs, "%s=%s ", l->attrs[i].key, l->attrs[i].value);
	snprintf(journals.path, sizeof(journals.path), "%s", l->origin->path);
	snprintf(journals.unit, sizeof(journals.unit), "%s=%s", l->origin->attrs[0].key, l->origin->attrs[0].value);
	assert_string_equal(l->origin->service, journals.c.service);
	journals.last = *l;
	journals_commit(l->source);
	return true;
}

static inline void journals_on_found(void *ctx, const struct telemetry_source *s)
{
	(void)ctx;
	journals.found++;
	journals_commit(s);
}

static inline void journals_open(void)
{
	const struct telemetry_sink sink = { .line = journals_on_line, .found = journals_on_found };

	journals.j = journald_new(journals.w, &journals.c, 1, &journals.positions, &sink);
	journald_start(journals.j);
}

static inline void journals_pass(uint64_t ms)
{
	sim_run_until(journals.w, NULL, NULL, ms);
}

static inline void journals_follow(void)
{
	journals_open();
	journals_pass(1000);
}

static inline void journals_close(void)
{
	bool closed = false;

	journald_close(journals.j, flag_set, &closed);
	assert_int_equal(sim_run_until(journals.w, flag_is_set, &closed, 1000), SIM_TRUE);
	journals.j = NULL;
}

static inline void journals_say(const char *message)
{
	CLEANUP(mem_close) char *lines = mem_printf("_SYSTEMD_UNIT=a.service\n_PID=42\nMESSAGE=%s\n", message);

	sim_journal_add(journals.w, lines);
}

static inline void journals_expect(const char *bodies)
{
	assert_string_equal(buf_str(&journals.got), bodies);
}

static inline struct journald_stats journals_stats(void)
{
	return journald_stats(journals.j, 0);
}

static inline void journals_on_log(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	const char *why = strstr(pairs, "why=");

	(void)level;
	(void)ctx;
	if (strcmp(event, "journald.gap") == 0)
		snprintf(journals.gaps + strlen(journals.gaps), sizeof(journals.gaps) - strlen(journals.gaps), "%.*s ",
			 (int)strcspn(why + 4, " "), why + 4);
}

static inline int journals_start(void **state)
{
	static const char *const units[] = { "a.service", "b.service" };

	(void)state;
	memset(&journals, 0, sizeof(journals));
	journals.w = sim_new(5);
	journals.got = BUF_MAX(64u << 20);
	journals.attrs = BUF_MAX(1u << 20);
	journals.c = (struct journald_source_config){ .service = "app", .units = units, .units_n = 2 };
	positions_init(&journals.positions);
	log_set(LOG_INFO, journals_on_log, NULL);
	return 0;
}

static inline int journals_end(void **state)
{
	(void)state;
	log_set(LOG_INFO, NULL, NULL);
	if (journals.j != NULL)
		journals_close();
	positions_close(&journals.positions);
	buf_close(&journals.got);
	buf_close(&journals.attrs);
	sim_free(journals.w);
	return 0;
}

#define JOURNALS_TEST(f) cmocka_unit_test_setup_teardown(f, journals_start, journals_end)
