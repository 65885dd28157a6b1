/* status.c - reeve status, reeve plan show: what the daemon says, laid out for a person. */
#include <stdio.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"

static void line(const char *label, const char *value)
{
	if (value != NULL && *value != '\0')
		printf("%-14s %s\n", label, value);
}

static void print_vendor(const json_t *v)
{
	const char *last = json_str_or(v, "last_answer", "");
	char text[700];

	snprintf(text, sizeof(text), "%s, %s%s%s%s", json_str_or(v, "url", "?"),
		 json_is_true(json_object_get(v, "connected")) ? "connected" : "NOT connected",
		 *last != '\0' ? ", last answer " : ", no answer yet", last,
		 json_is_false(json_object_get(v, "head_is_fresh")) ? ", no fresh signed head" : "");
	line("vendor", text);
	line("", json_str_or(v, "trouble", ""));
}

static void print_journal(const json_t *j)
{
	char text[300];

	if (json_object_get(j, "damaged") != NULL) {
		line("journal", "DAMAGED, the agent is read-only:");
		line("", json_str_or(j, "damaged", ""));
		return;
	}
	snprintf(text, sizeof(text), "record %lld, head %.16s...%s", (long long)json_int_or(j, "seq", 0),
		 json_str_or(j, "sha256", ""), json_is_true(json_object_get(j, "disk_is_full")) ? ", THE DISK IS FULL" : "");
	line("journal", text);
}

static long long num(const json_t *j, const char *key)
{
	return (long long)json_int_or(j, key, 0);
}

/* The second line is what was lost or kept back, by the reason why; zeros too, so that a person sees that they are. */
static void print_kind(const char *label, const json_t *k)
{
	printf("%-14s %lld records sent, %lld kept here by the policy, %lld dropped for want of room\n", label,
	       num(k, "sent_records"), num(k, "not_allowed_by_policy"), num(k, "dropped_for_room"));
	printf(
	    "%-14s %lld rejected by the vendor, %lld dropped by a rule, %lld withheld as a rule failed, %lld in damaged bodies\n",
	    "", num(k, "rejected"), num(k, "dropped_by_rule"), num(k, "failed_by_rule"), num(k, "damaged_records"));
	if (num(k, "rests_by_rule") > 0)
		printf("%-14s %lld ends of lines dropped or masked for the sake of the whole\n", "", num(k, "rests_by_rule"));
}

static void print_spool(const json_t *t)
{
	printf("%-14s %lld bodies or commit records damaged, %lld bodies never committed, %lld writes failed, %lld sendings "
	       "repeated\n",
	       "spool", num(t, "damaged"),
	       num(json_object_get(t, "metrics"), "uncommitted_bodies") + num(json_object_get(t, "logs"), "uncommitted_bodies"),
	       num(t, "write_failures"), num(t, "retries"));
}

static void print_collectors(const json_t *t)
{
	const json_t *tail = json_object_get(t, "tail"), *host = json_object_get(t, "host");

	if (tail != NULL) {
		printf("%-14s %lld followed, %lld lines read, %lld lines cut as too long, %lld files truncated, %lld errors, "
		       "%lld positions dropped\n",
		       "log files", num(tail, "files"), num(tail, "lines"), num(tail, "truncated_lines"),
		       num(tail, "truncated_files"), num(tail, "read_errors"), num(tail, "positions_dropped"));
		printf("%-14s %lld lines without their end, %lld lines that are no text, %lld NUL bytes left out\n", "",
		       num(tail, "unfinished_lines"), num(tail, "no_text_lines"), num(tail, "nul_bytes"));
		printf(
		    "%-14s %lld not followed: %lld compressed, %lld no UTF-8 text, %lld links or no files, %lld we may not read, "
		    "%lld more than we can\n",
		    "", num(tail, "refused"), num(tail, "refused_compressed"), num(tail, "refused_no_text"),
		    num(tail, "refused_links"), num(tail, "refused_denied"), num(tail, "refused_limit"));
	}
	if (host == NULL)
		return;
	printf("%-14s %lld readings, %lld files of /proc not understood, %lld file systems without an answer, %lld with an error\n",
	       "machine", num(host, "scrapes"), num(host, "unread"), num(host, "file_systems_hung"),
	       num(host, "file_systems_failed"));
	printf("%-14s %lld rows not understood, %lld more than we tell, %lld counters held, %lld begun anew\n", "",
	       num(host, "rows_odd"), num(host, "rows_over"), num(host, "counters_held"), num(host, "counters_anew"));
}

static void print_telemetry(const json_t *t)
{
	print_kind("metrics", json_object_get(t, "metrics"));
	print_kind("logs", json_object_get(t, "logs"));
	print_spool(t);
	print_collectors(t);
	line("telemetry", json_str_or(t, "trouble", ""));
}

static void print_log(const json_t *s)
{
	if (num(s, "log_lines_dropped") > 0)
		printf("%-14s %lld lines dropped, as nobody took them from stderr: is journald well?\n", "log",
		       num(s, "log_lines_dropped"));
}

static void print_op(const json_t *o)
{
	printf("\n  %s  %s %s  %s", json_str_or(o, "id", "?"), json_str_or(o, "verb", "?"), json_str_or(o, "warehouse", "?"),
	       json_str_or(o, "state", "?"));
	if (json_int_or(o, "steps_total", 0) > 0)
		printf("  %lld of %lld steps", (long long)json_int_or(o, "steps_done", 0),
		       (long long)json_int_or(o, "steps_total", 0));
	putchar('\n');
	if (*json_str_or(o, "step", "") != '\0')
		printf("    now   %s\n", json_str_or(o, "step", ""));
	if (*json_str_or(o, "note", "") != '\0')
		printf("    note  %s\n", json_str_or(o, "note", ""));
	if (*json_str_or(o, "error", "") != '\0')
		printf("    error %s\n", json_str_or(o, "error", ""));
}

/* The message is of no use before it is decoded, and who may do that is the account's to say. */
static void print_refused(const json_t *r)
{
	char where[200];

	if (r == NULL)
		return;
	snprintf(where, sizeof(where),
		 "%s %s/%s; why, AWS tells to who may sts:DecodeAuthorizationMessage:", json_str_or(r, "id", "?"),
		 json_str_or(r, "plan", "?"), json_str_or(r, "step", "?"));
	line("refused", where);
	printf("%-14s aws sts decode-authorization-message --query DecodedMessage --output text --encoded-message %s\n", "",
	       json_str_or(r, "aws_encoded_message", ""));
}

static void print_missing(const json_t *list)
{
	char text[200];

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);

		snprintf(text, sizeof(text), "bounds.%s is not given, which stops %s", json_string_value(json_array_get(one, 0)),
			 json_string_value(json_array_get(one, 1)));
		line(i == 0 ? "policy" : "", text);
	}
}

static void print_rates(const json_t *r)
{
	char text[200];

	if (r == NULL)
		return;
	snprintf(text, sizeof(text), "%lld of %lld changes in the last hour, %lld of %lld deletions in the last day",
		 (long long)json_int_or(r, "mutations", 0), (long long)json_int_or(r, "mutations_per_hour", 0),
		 (long long)json_int_or(r, "deletions", 0), (long long)json_int_or(r, "deletions_per_day", 0));
	line("rates", text);
}

static void print_status(const json_t *s)
{
	const json_t *ops = json_object_get(s, "operations"), *t = json_object_get(s, "telemetry");
	char text[300];

	snprintf(text, sizeof(text), "%s, since %s", json_str_or(s, "version", "?"), json_str_or(s, "started", "?"));
	line("reeve", text);
	line("installation", json_str_or(s, "installation", ""));
	snprintf(text, sizeof(text), "%s in %s, %s, role %s", json_str_or(s, "account", "?"), json_str_or(s, "region", "?"),
		 json_str_or(s, "instance", "?"), json_str_or(s, "role", "?"));
	line("identity", json_object_get(s, "account") != NULL ? text : json_str_or(s, "summary", ""));
	line("mode", json_str_or(s, "mode", ""));
	line("", json_str_or(s, "why", ""));
	print_missing(json_object_get(s, "bounds_missing"));
	print_rates(json_object_get(s, "rates"));
	print_refused(json_object_get(s, "refused"));
	print_vendor(json_object_get(s, "vendor"));
	if (json_object_get(s, "journal") != NULL)
		print_journal(json_object_get(s, "journal"));
	if (t != NULL)
		print_telemetry(t);
	print_log(s);
	line("operations", json_array_size(ops) == 0 ? "none open" : "");
	if (json_array_size(ops) > 0)
		puts("operations");
	for (size_t i = 0; i < json_array_size(ops); i++)
		print_op(json_array_get(ops, i));
}

static int get_json(const char *config, const char *path, json_t **ret, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(2u << 20);
	int status = 0;

	TRY(cli_get(config, path, &status, &b, e));
	TRY(json_parse(buf_str(&b), b.len, "the daemon's answer", ret, e));
	if (status != 200)
		return err_set(e, ERR_DENIED, "the daemon says: %s", json_str_or(*ret, "error", "no"));
	return 0;
}

int cmd_status(int argc, char **argv)
{
	CLEANUP(json_close) json_t *j = NULL;
	const char *config;
	struct err e = { 0 };

	if (cli_config_path(&argc, argv, &config) != 0)
		return 2;
	if (argc > 1)
		return cli_usage("status: \"%s\" is not expected", argv[1]);
	if (get_json(config, "/v1/status", &j, &e) != 0)
		return cli_fail(&e);
	print_status(j);
	return 0;
}

int cmd_plan(int argc, char **argv)
{
	CLEANUP(json_close) json_t *j = NULL;
	const char *config;
	struct err e = { 0 };
	char path[128];

	if (cli_config_path(&argc, argv, &config) != 0)
		return 2;
	if (argc != 3 || !str_eq(argv[1], "show"))
		return cli_usage("plan wants: show ID");
	if (snprintf(path, sizeof(path), "/v1/plans/%s", argv[2]) >= (int)sizeof(path))
		return cli_usage("plan show: that is not a command id");
	if (get_json(config, path, &j, &e) != 0)
		return cli_fail(&e);
	fputs(json_str_or(j, "text", ""), stdout);
	return 0;
}
