/* test_record_head.c - when a record was written and how grave it is, as its own beginning says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "agent/base/mem.h"
#include "collectors/record_head.h"

#define NOW INT64_C(1796032800000) /* 2026-11-30T10:00:00Z */

static void formats_tell_time_and_severity(void **state)
{
	static const struct {
		enum framing_format format;
		const char *record;
		int32_t offset_s;
		int64_t time_ms;
		uint8_t severity;
		const char *word;
	} rows[] = {
		{ FRAMING_LOG4J, "2026-11-30 10:00:00,123 WARN (a) b", 0, NOW + 123, 13, "WARN" },
		{ FRAMING_LOG4J, "2026-11-30 18:00:00,123 ERROR b", 8 * 3600, NOW + 123, 17, "ERROR" },
		{ FRAMING_LOG4J, "2026-11-30 04:30:00.000 [INFO] b", -19800, NOW, 9, "INFO" },
		{ FRAMING_LOG4J, "2026-11-30 10:00:00,000 FATAL", 0, NOW, 21, "FATAL" },
		{ FRAMING_LOG4J, "2026-11-30 10:00:00,000 DEBUG x", 0, NOW, 5, "DEBUG" },
		{ FRAMING_LOG4J, "2026-11-30 10:00:00,000 TRACE x", 0, NOW, 1, "TRACE" },
		{ FRAMING_LOG4J, "2026-11-30 10:00:00,000 INFORMED x", 0, NOW, 0, "" },
		{ FRAMING_LOG4J, "2026-11-30 10:00:00,000", 0, NOW, 0, "" },
		{ FRAMING_LOG4J, "2026-11-31 10:00:00,000 INFO", 0, 0, 9, "INFO" }, /* no such day */
		{ FRAMING_LOG4J, "2026-13-01 10:00:00,000 INFO", 0, 0, 9, "INFO" },
		{ FRAMING_LOG4J, "2026-11-30 24:00:00,000 INFO", 0, 0, 9, "INFO" },
		{ FRAMING_LOG4J, "2028-02-29 00:00:00,000 INFO", 0, INT64_C(1835395200000), 9, "INFO" },
		{ FRAMING_LOG4J, "2027-02-29 00:00:00,000 INFO", 0, 0, 9, "INFO" },
		{ FRAMING_LOG4J, "\tat a.b.C", 0, 0, 0, "" },
		{ FRAMING_GLOG, "W20261130 10:00:00.123456 4711 a.cpp:1] b", 0, NOW + 123, 13, "W" },
		{ FRAMING_GLOG, "I20261130 10:00:00.999999 4711 a.cpp:1] b", 0, NOW + 999, 9, "I" },
		{ FRAMING_GLOG, "E20261130 10:00:00.000000", 0, NOW, 17, "E" },
		{ FRAMING_GLOG, "F20261130 18:00:00.000000 1 x", 8 * 3600, NOW, 21, "F" },
		{ FRAMING_GLOG, "I1130 10:00:00.000000 1 x", 0, NOW, 9, "I" },
		{ FRAMING_GLOG, "I0101 00:00:00.000000 1 x", 0, INT64_C(1798761600000), 9, "I" }, /* the coming year's */
		{ FRAMING_GLOG, "I0731 00:00:00.000000 1 x", 0, INT64_C(1785456000000), 9, "I" },
		{ FRAMING_GLOG, "I0229 00:00:00.000000 1 x", 0, 0, 9, "I" }, /* none of the three years has one */
		{ FRAMING_GLOG, "*** Aborted at", 0, 0, 0, "" },
		{ FRAMING_LINES, "2026-11-30 10:00:00,123 WARN", 0, 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct record_head st =
		    record_head_read(rows[i].format, rows[i].record, strlen(rows[i].record), rows[i].offset_s, NOW);

		if (st.time_ms != rows[i].time_ms || st.severity != rows[i].severity || strcmp(st.word, rows[i].word) != 0)
			fail_msg("row %zu: %s: %lld %d %s", i, rows[i].record, (long long)st.time_ms, st.severity, st.word);
	}
}

/* The C library's calendar is another hand's. */
static void every_day_of_four_centuries_is_the_librarys(void **state)
{
	(void)state;
	for (time_t day = 0; day < (time_t)400 * 366; day++) {
		time_t t = day * 86400 + 3661;
		char record[40];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(record, sizeof(record), "%Y-%m-%d %H:%M:%S,000 INFO", &tm);
		if (tm.tm_year + 1900 > 9999)
			break;
		assert_int_equal(record_head_read(FRAMING_LOG4J, record, strlen(record), 0, NOW).time_ms, (int64_t)t * 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_tell_time_and_severity),
		cmocka_unit_test(every_day_of_four_centuries_is_the_librarys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
