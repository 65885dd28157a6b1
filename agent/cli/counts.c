/* counts.c - see counts.h. */
#include "agent/cli/counts.h"

#include "agent/base/buf.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/cli/page.h"

#define HANG 15

struct count_row {
	const char *member, *means;
};

#define COUNTS(...) ((const struct count_row[]){ __VA_ARGS__, { NULL, NULL } })

static long long num(const json_t *j, const char *key)
{
	return (long long)json_int_or(j, key, 0);
}

static void print(const char *label, const json_t *j, const struct count_row *c, bool zeros_too)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(4096);

	for (; j != NULL && c->member != NULL; c++)
		if (zeros_too || num(j, c->member) != 0)
			buf_addf(&text, "%s%lld %s", text.len > 0 ? ", " : "", num(j, c->member), c->means);
	if (text.len > 0)
		page_line(HANG, "%-14s %s", label, buf_str(&text));
}

static void print_kind(const char *label, const json_t *k, bool zeros_too)
{
	print(label, k,
	      COUNTS({ "sent_records", "records sent" }, { "not_allowed_by_policy", "kept here by the policy" },
		     { "dropped_for_room", "dropped for want of room" }, { "dropped_for_age", "dropped as too old" },
		     { "rejected", "rejected by the vendor" }, { "dropped_by_rule", "dropped by a rule" },
		     { "failed_by_rule", "withheld as a rule failed" },
		     { "rests_by_rule", "ends of lines dropped or masked for the sake of the whole" },
		     { "damaged_records", "in damaged bodies" }, { "waiting_bodies", "bodies waiting to be sent" }),
	      zeros_too);
}

static void print_spool(const json_t *t, bool zeros_too)
{
	CLEANUP(json_close)
	json_t *sums = json_pack("{s:I, s:I, s:I, s:I}", "damaged", (json_int_t)num(t, "damaged"), "uncommitted",
				 (json_int_t)num(json_object_get(t, "metrics"), "uncommitted_bodies") +
				     num(json_object_get(t, "logs"), "uncommitted_bodies"),
				 "write_failures", (json_int_t)num(t, "write_failures"), "retries", (json_int_t)num(t, "retries"));

	print("spool", sums,
	      COUNTS({ "damaged", "bodies or commit records damaged" }, { "uncommitted", "bodies never committed" },
		     { "write_failures", "writes failed" }, { "retries", "sendings repeated" }),
	      zeros_too);
}

/* The lines above are of the vendor's; the customer's own receiver has two of its own. */
static void print_customer(const json_t *t, bool zeros_too)
{
	const json_t *dests = json_object_get(t, "destinations");

	for (size_t i = 1; i < json_array_size(dests); i++) {
		const json_t *one = json_array_get(dests, i);
		const char *const kinds[] = { "metrics", "logs" };

		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			CLEANUP(mem_close) char *label = mem_printf("  to %s", json_str_or(one, "name", ""));

			print(label, json_object_get(one, kinds[k]),
			      COUNTS({ "sent_records", k == 0 ? "points sent" : "lines sent" }, { "rejected", "rejected there" },
				     { "dropped_for_room", "dropped above its quota" }, { "dropped_for_age", "dropped as too old" },
				     { "waiting_bodies", "bodies waiting for it" }),
			      zeros_too);
		}
	}
}

/* The customer's rules by their names; which lines they are about stays here. */
static void print_rules(const json_t *t, bool zeros_too)
{
	const json_t *rules = json_object_get(t, "rules");

	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *one = json_array_get(rules, i);
		CLEANUP(mem_close) char *label = mem_printf("rule %s", json_str_or(one, "rule", ""));

		print(label, one,
		      COUNTS({ "masked", "texts masked" }, { "dropped", "texts dropped" },
			     { "failed", "texts withheld, as it met its limits" }),
		      zeros_too);
	}
}

static void print_journald(const json_t *t, bool zeros_too)
{
	const json_t *sources = json_object_get(t, "journald");

	for (size_t i = 0; i < json_array_size(sources); i++) {
		const json_t *one = json_array_get(sources, i);
		CLEANUP(mem_close) char *label = mem_printf("journal %s", json_str_or(one, "service", ""));
		const char *trouble = json_str_or(one, "trouble", "");

		print(label, one,
		      COUNTS({ "entries", "entries read" }, { "joined_entries", "joined to the one before" },
			     { "truncated_entries", "cut as too long" }, { "mended_entries", "with bytes that are no text" },
			     { "no_text_entries", "that are no text" }, { "repeated_entries", "left out, as they came twice" },
			     { "damaged_entries", "damaged" }, { "gaps_vacuumed", "gaps, as journald deleted what was not read" },
			     { "gaps_damaged", "gaps, as its files are damaged" }, { "read_errors", "errors" }),
		      zeros_too);
		if (*trouble != '\0')
			page_line(HANG, "%-14s cannot be read: %s", label, trouble);
	}
}

static void print_collectors(const json_t *t, bool zeros_too)
{
	print("log files", json_object_get(t, "tail"),
	      COUNTS({ "files", "followed" }, { "lines", "lines read" }, { "truncated_lines", "lines cut as too long" },
		     { "truncated_files", "files truncated" }, { "read_errors", "errors" },
		     { "positions_dropped", "positions dropped" }, { "unfinished_lines", "lines without their end" },
		     { "joined_lines", "lines joined to the one before" }, { "no_text_lines", "lines that are no text" },
		     { "foreign_lines", "lines in another format than configured" }, { "nul_bytes", "NUL bytes left out" },
		     { "folders", "folders looked at" }, { "refused_folders", "folders too many" },
		     { "unwatched_folders", "folders without inotify, looked at every 10 s" }, { "refused", "not followed" },
		     { "refused_compressed", "of them compressed" }, { "refused_no_text", "of them no UTF-8 text" },
		     { "refused_links", "of them links or no files" }, { "refused_denied", "of them we may not read" },
		     { "refused_old", "of them older than ignore_older" }, { "refused_limit", "of them more than we can" },
		     { "passed_files", "files passed over unread, in whole or in part" }, { "passed_bytes", "bytes of them" }),
	      zeros_too);
	print_journald(t, zeros_too);
	print("machine", json_object_get(t, "host"),
	      COUNTS({ "scrapes", "readings" }, { "unread", "files of /proc not understood" },
		     { "file_systems_hung", "file systems without an answer" }, { "file_systems_failed", "with an error" },
		     { "rows_odd", "rows not understood" }, { "rows_over", "more than we tell" },
		     { "counters_held", "counters held" }, { "counters_anew", "begun anew" }),
	      zeros_too);
}

void counts_print(const json_t *status, bool zeros_too)
{
	const json_t *t = json_object_get(status, "telemetry");

	if (t != NULL) {
		print_kind("metrics", json_object_get(t, "metrics"), zeros_too);
		print_kind("logs", json_object_get(t, "logs"), zeros_too);
		print_customer(t, zeros_too);
		print_rules(t, zeros_too);
		print_spool(t, zeros_too);
		print_collectors(t, zeros_too);
	}
	print("log", status, COUNTS({ "log_lines_dropped", "lines dropped, as nobody took them from stderr (is journald well?)" }),
	      zeros_too);
}
