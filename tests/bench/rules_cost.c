/* rules_cost.c - what the customer's rules cost a line: `rules_cost FILE [PATTERN...]` reads a log and goes over its lines with
 * none, with ten rules that have a literal each (or these patterns), with all detectors, and with both.
 *
 * Prints nanoseconds a line of each, and how many lines it changed or kept: a measurement of clean lines shows none. Then the same
 * for one line of 64 KiB made of them. `tests/bench/lines.py` writes the lines of the benchmark. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/base/mem.h"
#include "shippers/rules.h"

#define LINES_MAX 20000
#define LONG_LINE (64u << 10)
#define TIMES 60
#define PATTERNS_MAX 64

static const struct telemetry_redact ten[] = {
	{ .name = "aws-key", .pattern = "(?:ASIA|AKIA)[A-Z0-7]{16}" },
	{ .name = "bearer", .pattern = "(?i)bearer\\s+[a-z0-9._~+/-]{20,}" },
	{ .name = "password", .pattern = "(?i)\\b(?:password|passwd|pwd)\\s*[=:]\\s*\\S+" },
	{ .name = "private-key", .pattern = "-----BEGIN [A-Z ]*PRIVATE KEY-----" },
	{ .name = "e-mail", .pattern = "[\\w.+-]+@[\\w-]+\\.[\\w.-]+" },
	{ .name = "ip", .pattern = "\\b(?:\\d{1,3}\\.){3}\\d{1,3}\\b" },
	{ .name = "card", .pattern = "\\b\\d{4}(?:[ -]?\\d{4}){3}\\b" },
	{ .name = "jwt", .pattern = "\\beyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+" },
	{ .name = "quoted", .pattern = "'[^']*'" },
	{ .name = "compared", .pattern = "[=<>]\\s*\\d+" },
};

struct lines {
	const char *at[LINES_MAX];
	size_t len[LINES_MAX];
	size_t n;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_lines(const char *path, struct buf *text, struct lines *l)
{
	FILE *f = fopen(path, "r");
	char *room = buf_room(text, text->max);

	if (f == NULL || room == NULL) {
		fprintf(stderr, "rules_cost: %s cannot be read\n", path);
		exit(1);
	}
	buf_grew(text, fread(room, 1, text->max, f));
	fclose(f);
	for (const char *at = text->data, *lf; l->n < LINES_MAX && (lf = strchr(at, '\n')) != NULL; at = lf + 1) {
		l->at[l->n] = at;
		l->len[l->n++] = (size_t)(lf - at);
	}
}

static void measure(const char *name, const struct lines *l, const struct telemetry_rules *t)
{
	struct rules *r = NULL;
	struct buf room = BUF_MAX(RULES_TEXT_MAX);
	struct err e = { 0 };
	size_t changed = 0, kept = 0;
	double best = 1e9;

	if (rules_new(t, NULL, NULL, &r, &e) != 0) {
		fprintf(stderr, "rules_cost: %s\n", err_text(&e));
		exit(1);
	}
	for (int n = 0; n < TIMES; n++) {
		double start = now_s(), took;

		changed = kept = 0;
		for (size_t i = 0; i < l->n; i++) {
			const char *text = l->at[i];
			size_t len = l->len[i];

			rules_begin(r);
			kept += rules_line(r, &text, &len, &room) != RULES_PASS;
			changed += text != l->at[i];
		}
		took = now_s() - start;
		best = took < best ? took : best;
	}
	printf("%-28s %9.1f ns a line, %zu of %zu changed, %zu kept here\n", name, best * 1e9 / (double)l->n, changed, l->n, kept);
	buf_close(&room);
	rules_free(r);
}

static void measure_all(const struct lines *l, const struct telemetry_rules *given)
{
	struct telemetry_rules t = { 0 };
	struct telemetry_redact one;

	measure("none", l, &t);
	for (size_t i = 0; i < given->redact_n; i++) {
		one = given->redact[i];
		t.redact = &one;
		t.redact_n = 1;
		measure(one.name, l, &t);
	}
	measure("these together", l, given);
	t = (struct telemetry_rules){ 0 };
	for (size_t i = 0; i < TELEMETRY_DETECTORS; i++) {
		static const char *const names[] = TELEMETRY_DETECTOR_NAMES;
		struct telemetry_rules alone = { 0 };

		alone.detect[i].is_on = t.detect[i].is_on = true;
		measure(names[i], l, &alone);
	}
	measure("all detectors", l, &t);
	t.redact = given->redact;
	t.redact_n = given->redact_n;
	measure("both", l, &t);
}

int main(int argc, char **argv)
{
	struct telemetry_redact given[PATTERNS_MAX];
	struct telemetry_rules t = { .redact = given };
	struct buf text = BUF_MAX(64u << 20), whole = BUF_MAX(LONG_LINE);
	static struct lines l, longest;

	if (argc < 2 || argc - 2 > PATTERNS_MAX) {
		fprintf(stderr, "usage: rules_cost FILE [PATTERN...]\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		given[t.redact_n++] = (struct telemetry_redact){ .name = argv[i], .pattern = argv[i] };
	if (t.redact_n == 0) {
		memcpy(given, ten, sizeof(ten));
		t.redact_n = ARRAY_LEN(ten);
	}
	read_lines(argv[1], &text, &l);
	measure_all(&l, &t);
	for (size_t i = 0; i < l.n && whole.len + l.len[i] < LONG_LINE; i++)
		buf_add(&whole, l.at[i], l.len[i]);
	longest = (struct lines){ .at = { buf_str(&whole) }, .len = { whole.len }, .n = 1 };
	printf("one line of %zu bytes\n", whole.len);
	measure_all(&longest, &t);
	buf_close(&text);
	buf_close(&whole);
	return 0;
}
