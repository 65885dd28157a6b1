/* cmd_export.c - reeve export show: what left in a period, by destination, kind and source; what stayed here, was lost and why,
 * and what the ledger no longer knows. From the files alone: the daemon may be gone. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"
#include "agent/cli/left.h"
#include "agent/cli/page.h"
#include "agent/cli/when.h"
#include "agent/config.h"
#include "agent/io/world_uv.h"

#define HANG 4
#define DAY_MS INT64_C(86400000)

struct export_question {
	struct world *w;
	const char *config, *dir, *since, *until;
	bool is_json;
	struct left_period period;
};

static long long num(const json_t *o, const char *member)
{
	return (long long)json_int_or(o, member, 0);
}

/* "3.1 MiB" */
static const char *bytes(long long n, char to[24])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)n;
	size_t u = 0;

	for (; v >= 1000 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1024;
	if (u == 0)
		snprintf(to, 24, "%lld B", n);
	else
		snprintf(to, 24, "%.*f %s", v < 10 ? 1 : 0, v, units[u]);
	return to;
}

/* "5 by their age, 2 over the quota" */
static void add_words(struct buf *to, const json_t *o, const char *const (*words)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (num(o, words[i][0]) > 0)
			buf_addf(to, "%s%lld %s", to->len > 0 ? ", " : "", num(o, words[i][0]), words[i][1]);
}

/* ---- destinations -------------------------------------------------------------------------------------------------------- */

static void print_kind(const char *kind, const json_t *k)
{
	char raw[24], wire[24];

	page_line(0, "  %-10s %10lld %14lld %12s %12s %10lld %10lld", kind, num(k, "batches"), num(k, "records"),
		  bytes(num(k, "raw"), raw), bytes(num(k, "wire"), wire), num(k, "refused_batches"), num(k, "again"));
	if (num(k, "refused_records") + num(k, "rejected") > 0)
		page_line(HANG, "    refused there: %lld records in whole bodies, %lld of bodies that were taken",
			  num(k, "refused_records"), num(k, "rejected"));
	if (num(k, "lost_batches") > 0)
		page_line(HANG, "    lost unsent: %lld records in %lld bodies", num(k, "lost_records"), num(k, "lost_batches"));
	if (num(k, "unlisted") > 0)
		page_line(HANG, "    NOT IN THE LEDGER: %lld records more left; a loss of power took their lines",
			  num(k, "unlisted"));
}

static void print_dests(const json_t *dests)
{
	const char *name, *kind;
	json_t *kinds, *k;

	if (json_object_size(dests) == 0)
		page_line(0, "nothing left");
	json_object_foreach((json_t *)dests, name, kinds) {
		page_line(0, "%-12s %10s %14s %12s %12s %10s %10s", name, "batches", "records", "raw", "on the wire", "refused",
			  "again");
		json_object_foreach(kinds, kind, k)
			print_kind(kind, k);
	}
}

/* ---- sources ------------------------------------------------------------------------------------------------------------- */

static const char *const kept_words[][2] = {
	{ "not_allowed", "not allowed by the policy" },
	{ "rule", "dropped by a rule" },
	{ "rule_failed", "withheld as a rule met its limits" },
	{ "series", "of series beyond the limit" },
	{ "no_text", "that are no text" },
	{ "no_room", "for want of room" },
	{ "oversize", "too large to encode" },
	{ "deleted", "files deleted before they were read" },
	{ "deleted_bytes", "bytes known to be missing of those" },
	{ "truncated", "files cut or rewritten between two reads" },
	{ "truncated_bytes", "bytes known to be missing of those" },
};
static const char *const lost_words[][2] = {
	{ "quota", "over the quota" },    { "age", "too old" },        { "refused", "refused" },
	{ "partial", "refused in part" }, { "damaged", "unreadable" },
};

static void print_lost(const json_t *lost)
{
	const char *to;
	json_t *counts;

	json_object_foreach((json_t *)lost, to, counts) {
		CLEANUP(buf_close) struct buf text = BUF_MAX(4096);

		add_words(&text, counts, lost_words, ARRAY_LEN(lost_words));
		if (text.len > 0)
			page_line(HANG + 2, "    lost for %s: %s", to, buf_str(&text));
	}
}

static void print_source(const char *source, const char *kind, const json_t *k)
{
	CLEANUP(buf_close) struct buf sent = BUF_MAX(4096), kept = BUF_MAX(4096);
	const char *to;
	json_t *n;

	json_object_foreach(json_object_get(k, "sent"), to, n)
		buf_addf(&sent, "%s%lld to %s", sent.len > 0 ? ", " : "", (long long)json_integer_value(n), to);
	page_line(HANG, "  %s, %s: %s", source, kind, sent.len > 0 ? buf_str(&sent) : "nothing sent");
	add_words(&kept, k, kept_words, ARRAY_LEN(kept_words));
	if (kept.len > 0)
		page_line(HANG + 2, "    stayed here: %s", buf_str(&kept));
	print_lost(json_object_get(k, "lost"));
}

static void print_sources(const json_t *sources)
{
	const char *source, *kind;
	json_t *kinds, *k;

	if (json_object_size(sources) > 0)
		page_text("\nrecords by source\n");
	json_object_foreach((json_t *)sources, source, kinds)
		json_object_foreach(kinds, kind, k)
			print_source(source, kind, k);
}

static void print_rules(const json_t *rules)
{
	static const char *const words[][2] = { { "masked", "texts masked" }, { "dropped", "dropped" }, { "failed", "failed" } };
	const char *name;
	json_t *rule;

	if (json_object_size(rules) > 0)
		page_text("\nredacted by rule\n");
	json_object_foreach((json_t *)rules, name, rule) {
		CLEANUP(buf_close) struct buf text = BUF_MAX(1024);

		add_words(&text, rule, words, ARRAY_LEN(words));
		page_line(HANG, "  %-24s %s", name, text.len > 0 ? buf_str(&text) : "nothing found");
	}
}

/* ---- what is not known --------------------------------------------------------------------------------------------------- */

static void print_gaps(const struct export_question *q, const json_t *s)
{
	const json_t *removed = json_object_get(s, "removed");
	const char *oldest = json_str_or(s, "oldest", "");
	int64_t ms;

	if (*oldest != '\0' && stamp_parse_iso(oldest, &ms, NULL) == 0 && ms > q->period.since_ms)
		page_line(HANG, "note: the ledger begins at %s; what left before is not in these sums", oldest);
	for (size_t i = 0; i < json_array_size(removed); i++)
		page_line(HANG, "note: %s was removed at %s (%s)", json_str_or(json_array_get(removed, i), "file", "?"),
			  json_str_or(json_array_get(removed, i), "time", "?"),
			  json_str_or(json_array_get(removed, i), "why", "?"));
	if (num(s, "left_out") > 0)
		page_line(HANG, "note: %lld lines could not be written and are missing here", num(s, "left_out"));
	if (num(s, "damaged") > 0)
		page_line(HANG, "note: %lld lines cannot be read and are missing here", num(s, "damaged"));
	if (json_is_true(json_object_get(s, "torn")))
		page_line(HANG, "note: the last line is not whole: it is being written, or a crash cut it off");
}

static void print(const struct export_question *q, const json_t *s)
{
	char since[STAMP_RFC3339_LEN], until[STAMP_RFC3339_LEN];

	page_line(0, "what left from %s to %s", stamp_rfc3339(q->period.since_ms, since), stamp_rfc3339(q->period.until_ms, until));
	page_text("\n");
	print_dests(json_object_get(s, "destinations"));
	print_sources(json_object_get(s, "sources"));
	print_rules(json_object_get(s, "rules"));
	page_text("\n");
	print_gaps(q, s);
}

static void print_json(const struct export_question *q, json_t *s)
{
	char when[STAMP_RFC3339_LEN];
	char *text;

	json_object_set_new(s, "since", json_string(stamp_rfc3339(q->period.since_ms, when)));
	json_object_set_new(s, "until", json_string(stamp_rfc3339(q->period.until_ms, when)));
	text = json_dumps(s, JSON_INDENT(2));
	page_text(text != NULL ? text : "");
	page_text("\n");
	free(text);
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static int answer(const struct export_question *q, struct err *e)
{
	CLEANUP(json_close) json_t *s = NULL;
	CLEANUP(mem_close) char *dir = NULL;
	struct config c = { 0 };

	if (q->dir == NULL)
		TRY(config_load(q->w, q->config, &c, e));
	dir = q->dir != NULL ? mem_str(q->dir) : mem_printf("%s/ledger", c.state_dir);
	config_close(&c);
	TRY(left_read(q->w, dir, &q->period, &s, e));
	if (q->is_json)
		print_json(q, s);
	else
		print(q, s);
	return 0;
}

static int check_times(struct export_question *q)
{
	static const char *const expected = "a time such as 2026-11-29T14:00:00Z, a date, or how long ago: 30m, 2h";
	int64_t now_ms = world_wall_ms(q->w);

	q->period = (struct left_period){ now_ms - DAY_MS, now_ms };
	if (q->since != NULL && !when_read(q->since, now_ms, &q->period.since_ms))
		return cli_usage("--since %.60s: expected %s", q->since, expected);
	if (q->until != NULL && !when_read(q->until, now_ms, &q->period.until_ms))
		return cli_usage("--until %.60s: expected %s", q->until, expected);
	if (q->period.since_ms > q->period.until_ms)
		return cli_usage("--since lies behind --until");
	return 0;
}

static int run(int argc, char **argv)
{
	struct export_question q = { .is_json = cli_take_flag(&argc, argv, "--json") };
	struct err e = { 0 };
	int rc;

	if (cli_config_path(&argc, argv, &q.config) != 0 || cli_take(&argc, argv, "--since", &q.since) != 0 ||
	    cli_take(&argc, argv, "--until", &q.until) != 0 || cli_no_more(argc, argv, 1) != 0)
		return 2;
	q.dir = argc > 1 ? argv[1] : NULL;
	q.w = world_uv_new(&e);
	if (q.w == NULL)
		return cli_fail(&e);
	rc = check_times(&q);
	if (rc == 0) {
		int found = answer(&q, &e);

		if (found == -ERR_DENIED)
			err_wrap(&e, found, "the ledger is for root and the agent's user");
		rc = found == 0 ? 0 : cli_fail(&e);
	}
	world_uv_free(q.w);
	return rc;
}

const struct cli_command cli_export_show = {
	.name = "export show",
	.about = "what left, was lost and was redacted (needs no daemon)",
	.usage = "[DIR] [--since WHEN] [--until WHEN] [--json] [-c FILE]",
	.page =
	    "  DIR           the ledger's folder; that of the configuration unless given\n"
	    "  --since WHEN  a time (2026-11-29T14:00:00Z), a date, or how long ago (30m, 2h, 7d); a day ago unless given\n"
	    "  --until WHEN  likewise; now unless given\n"
	    "  --json        the sums as JSON (docs/formats.md)\n"
	    "  -c FILE       the configuration (" CONFIG_PATH ")\n"
	    "\n"
	    "From the ledger, a line a body in ledger/ of the state folder, which jq reads too. Root and the service's user may\n"
	    "read it. Bytes on the wire count each try; what stayed here and what was lost is counted by the minute. What the\n"
	    "ledger does not hold any more, or lost with the power, is said.\n"
	    "\n"
	    "exit status\n"
	    "  0  shown\n"
	    "  1  there is no ledger, or it cannot be read\n"
	    "  2  it was asked wrongly\n"
	    "\n"
	    "examples\n"
	    "  reeve export show\n"
	    "  reeve export show --since 2026-11-29 --until 2026-11-30\n"
	    "  reeve export show --since 7d --json | jq '.destinations'\n",
	.run = run,
};
