/* detecting.h - tables of lines for the detectors: what is found in each, between arrows; a line without arrows holds nothing.
 * That a line is found again with the sieve before the scanner is asked of each, too. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "shippers/detect.h"
#include "shippers/rules.h"

/* The line without arrows. */
static inline void detecting_plain(const char *line, struct buf *to)
{
	for (const char *at = line; *at != '\0';) {
		bool is_arrow = strncmp(at, "→", 3) == 0 || strncmp(at, "←", 3) == 0;

		if (!is_arrow)
			buf_addc(to, *at);
		at += is_arrow ? 3 : 1;
	}
}

static inline void detecting_marked(enum telemetry_detector which, const struct buf *plain, struct buf *to)
{
	struct detect d = detect_of(buf_str(plain), plain->len);
	size_t from, end, kept = 0;

	while (detect_next(which, &d, &from, &end)) {
		assert_true(from >= kept && from < end && end <= plain->len);
		buf_add(to, plain->data + kept, from - kept);
		buf_adds(to, "→");
		buf_add(to, plain->data + from, end - from);
		buf_adds(to, "←");
		kept = end;
	}
	buf_adds(to, buf_str(plain) + kept);
}

/* With rules that have only this detector the line changes, or does not. */
static inline void detecting_through_sieve(enum telemetry_detector which, const struct buf *plain, bool is_found)
{
	struct telemetry_rules t = { .logs_n = 0 };
	struct rules *r = NULL;
	struct buf room = BUF_MAX(RULES_TEXT_MAX);
	const char *text = buf_str(plain);
	size_t len = plain->len;

	t.detect[which].is_on = true;
	assert_int_equal(rules_new(&t, NULL, NULL, &r, NULL), 0);
	rules_begin(r);
	assert_int_equal(rules_line(r, &text, &len, &room), RULES_PASS);
	if (is_found != (room.len > 0))
		fail_msg("%s: the sieve does not let it through", buf_str(plain));
	rules_free(r);
	buf_close(&room);
}

static inline void detecting_all(enum telemetry_detector which, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(buf_close) struct buf plain = BUF_MAX(64u << 10), marked = BUF_MAX(64u << 10);

		detecting_plain(lines[i], &plain);
		detecting_marked(which, &plain, &marked);
		if (strcmp(buf_str(&marked), lines[i]) != 0)
			fail_msg("found   %s\n expected %s", buf_str(&marked), lines[i]);
		detecting_through_sieve(which, &plain, plain.len != strlen(lines[i]));
	}
}
