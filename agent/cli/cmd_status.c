/* cmd_status.c - reeve status: what the agent does now, what is wrong with what to do, and then the rest, for whoever is called at
 * 3 a.m. The same words at each call, so that a script may look for them; `--json` is made for that. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/ask.h"
#include "agent/cli/cli.h"
#include "agent/cli/counts.h"
#include "agent/cli/drifts.h"
#include "agent/cli/page.h"
#include "agent/cli/verdict.h"
#include "agent/io/world_uv.h"

#define HANG 15
#define LISTED_MAX 10

static void line(const char *label, const char *value)
{
	if (*value != '\0')
		page_line(HANG, "%-14s %s", label, value);
}

static bool is_true(const json_t *j, const char *member)
{
	return json_is_true(json_object_get(j, member));
}

/* ---- now ---- */

/* " (accepted 3 s ago)" */
static void add_age(const json_t *s, const char *what, const char *when, struct buf *to)
{
	int64_t age_ms = verdict_age_ms(s, when), age_s = age_ms > 0 ? age_ms / 1000 : 0;

	if (age_ms == INT64_MAX)
		return;
	if (age_s < 120)
		buf_addf(to, " (%s%lld s ago)", what, (long long)age_s);
	else
		buf_addf(to, " (%s%lld min ago)", what, (long long)age_s / 60);
}

static void print_steps(const json_t *o, struct buf *to)
{
	long long done = (long long)json_int_or(o, "steps_done", 0), all = (long long)json_int_or(o, "steps_total", 0);

	if (all > 0)
		buf_addf(to, ", %lld of %lld steps", done, all);
	if (*json_str_or(o, "step", "") != '\0')
		buf_addf(to, ", at %s", json_str_or(o, "step", ""));
}

static void print_op(const json_t *s, const char *label, const json_t *o)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(4096);

	/* One of the agent's own has no number. */
	if (json_int_or(o, "seq", 0) > 0)
		buf_addf(&text, "%lld  ", (long long)json_int_or(o, "seq", 0));
	buf_addf(&text, "%s of %s: %s", json_str_or(o, "verb", "?"), json_str_or(o, "warehouse", "?"),
		 json_str_or(o, "state", "?"));
	print_steps(o, &text);
	add_age(s, "accepted ", json_str_or(o, "accepted", ""), &text);
	line(label, buf_str(&text));
	line("", json_str_or(o, "note", ""));
	if (*json_str_or(o, "error", "") != '\0')
		page_line(HANG, "%-14s error: %s", "", json_str_or(o, "error", ""));
	if (json_int_or(o, "seq", 0) > 0)
		page_line(HANG, "%-14s id %s; reeve plan show %lld", "", json_str_or(o, "id", "?"),
			  (long long)json_int_or(o, "seq", 0));
	else
		page_line(HANG, "%-14s reeve plan show %s", "", json_str_or(o, "id", "?"));
}

static size_t print_ops(const json_t *s, const char *label, bool ended)
{
	const json_t *ops = json_object_get(s, "operations");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(ops); i++) {
		const json_t *o = json_array_get(ops, i);

		if (is_true(o, "ended") == ended && n++ < LISTED_MAX)
			print_op(s, n == 1 ? label : "", o);
	}
	if (n > LISTED_MAX)
		page_line(HANG, "%-14s and %zu more: reeve status --json", "", n - LISTED_MAX);
	return n;
}

static void print_now(const json_t *s)
{
	const char *mode = json_str_or(s, "mode", ""), *trouble = json_str_or(s, "start_trouble", "");

	if (str_eq(mode, "STARTING") || *mode == '\0')
		line("now", json_str_or(s, "summary", "?"));
	else if (print_ops(s, "now", false) == 0)
		line("now", "nothing is under way");
	if (json_int_or(s, "operations_left_out", 0) > 0)
		page_line(HANG, "%-14s and %lld more than an answer has room for", "",
			  (long long)json_int_or(s, "operations_left_out", 0));
	if (str_eq(mode, "STARTING") && strstr(json_str_or(s, "summary", ""), trouble) == NULL)
		line("", trouble);
}

static void print_problems(const json_t *problems)
{
	if (json_array_size(problems) == 0)
		line("wrong", "nothing");
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *p = json_array_get(problems, i);

		line(i == 0 ? "wrong" : "", json_str_or(p, "what", "?"));
		page_line(HANG + 4, "%-14s do: %s", "", json_str_or(p, "do", "?"));
	}
}

/* The message is of no use before it is decoded, and who may do that is the account's to say. */
static void print_refused(const json_t *r)
{
	if (r == NULL)
		return;
	page_line(HANG, "%-14s %s %s/%s; why, AWS tells to who may sts:DecodeAuthorizationMessage:", "refused",
		  json_str_or(r, "id", "?"), json_str_or(r, "plan", "?"), json_str_or(r, "step", "?"));
	page_line(HANG, "%-14s aws sts decode-authorization-message --query DecodedMessage --output text --encoded-message %s", "",
		  json_str_or(r, "aws_encoded_message", ""));
}

/* ---- the rest ---- */

static void print_identity(const json_t *s)
{
	page_line(HANG, "%-14s %s, reeve %s, since %s", "installation", json_str_or(s, "installation", "?"),
		  json_str_or(s, "version", "?"), json_str_or(s, "started", "?"));
	if (json_object_get(s, "account") != NULL)
		page_line(HANG, "%-14s %s in %s, %s, role %s", "identity", json_str_or(s, "account", "?"),
			  json_str_or(s, "region", "?"), json_str_or(s, "instance", "?"), json_str_or(s, "role", "?"));
}

/* The first boot of the stack (deploy/cloudformation) waits for ", connected, last answer ". */
static void print_vendor(const json_t *s)
{
	const json_t *v = json_object_get(s, "vendor");
	const char *last = json_str_or(v, "last_answer", "");
	CLEANUP(buf_close) struct buf text = BUF_MAX(2048);

	buf_addf(&text, "%s, %s%s%s", json_str_or(v, "url", "?"), is_true(v, "connected") ? "connected" : "NOT connected",
		 *last != '\0' ? ", last answer " : ", no answer yet", last);
	add_age(s, "", last, &text);
	if (json_is_false(json_object_get(v, "logged_in")))
		buf_adds(&text, ", not logged in");
	if (json_object_get(v, "proxy") != NULL && !is_true(v, "connected"))
		buf_addf(&text, ", by the proxy %s", json_str_or(v, "proxy", "?"));
	line("vendor", buf_str(&text));
}

static void print_missing(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);

		page_line(HANG, "%-14s bounds.%s is not given, which stops %s", i == 0 ? "policy" : "",
			  json_string_value(json_array_get(one, 0)), json_string_value(json_array_get(one, 1)));
	}
}

/* Their names alone: it is the customer's will, and no news at night. */
static void name_missing(const json_t *list)
{
	CLEANUP(buf_close) struct buf names = BUF_MAX(2048);

	for (size_t i = 0; i < json_array_size(list); i++)
		buf_addf(&names, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(json_array_get(list, i), 0)));
	if (names.len > 0)
		page_line(HANG, "%-14s bounds that are not given: %s (what that stops: reeve status -v)", "policy",
			  buf_str(&names));
}

static void print_policy(const json_t *s, bool verbose)
{
	const json_t *list = json_object_get(s, "bounds_missing");
	const char *why = json_str_or(s, "why", "");

	page_line(HANG, "%-14s %s%s%s", "mode", json_str_or(s, "mode", "not known yet"), *why != '\0' ? ": " : "", why);
	if (verbose)
		print_missing(list);
	else
		name_missing(list);
}

static void print_rates(const json_t *r)
{
	if (r != NULL)
		page_line(HANG, "%-14s %lld of %lld changes in the last hour, %lld of %lld deletions in the last day", "rates",
			  (long long)json_int_or(r, "mutations", 0), (long long)json_int_or(r, "mutations_per_hour", 0),
			  (long long)json_int_or(r, "deletions", 0), (long long)json_int_or(r, "deletions_per_day", 0));
}

static void print_journal(const json_t *j)
{
	if (json_object_get(j, "seq") != NULL)
		page_line(HANG, "%-14s record %lld, head %.16s...%s", "journal", (long long)json_int_or(j, "seq", 0),
			  json_str_or(j, "sha256", ""), is_true(j, "disk_is_full") ? ", THE DISK IS FULL" : "");
	else if (json_object_get(j, "damaged") != NULL)
		page_line(HANG, "%-14s DAMAGED, the agent is read-only: %s", "journal", json_str_or(j, "damaged", ""));
}

static void print_status(const json_t *s, const json_t *problems, bool verbose)
{
	print_now(s);
	print_problems(problems);
	print_refused(json_object_get(s, "refused"));
	page_text("\n");
	print_ops(s, "ended", true);
	drifts_print(s, verbose, HANG);
	print_policy(s, verbose);
	print_identity(s);
	print_vendor(s);
	print_rates(json_object_get(s, "rates"));
	print_journal(json_object_get(s, "journal"));
	counts_print(s, verbose);
}

/* ---- the command ---- */

struct status_question {
	const char *config;
	bool is_json, is_verbose;
};

static void tell(const struct status_question *q, json_t *s, json_t *problems, int exit_status)
{
	char *text;

	if (!q->is_json) {
		print_status(s, problems, q->is_verbose);
		return;
	}
	json_object_set(s, "problems", problems);
	json_object_set_new(s, "exit_status", json_integer(exit_status));
	text = json_dumps(s, JSON_INDENT(2));
	page_text(text != NULL ? text : "");
	page_text("\n");
	free(text);
}

static int answer(const struct status_question *q, const struct config *c, struct world *w)
{
	CLEANUP(json_close) json_t *s = NULL, *problems = NULL;
	struct err e = { 0 };
	int status = 0, exit_status, rc = ask(w, c, "/v1/status", &status, &s, &e);

	if (rc != 0) {
		cli_fail(&e);
		/* Not to be let in says nothing of the daemon. A script that starts one for "no daemon" must not be misled. */
		return rc == -ERR_DENIED ? 1 : CLI_NO_DAEMON;
	}
	if (status != 200) {
		err_set(&e, ERR_SERVICE, "the daemon answers %d: %s", status, json_str_or(s, "error", "no reason"));
		return cli_fail(&e);
	}
	problems = verdict_of(s, &exit_status);
	tell(q, s, problems, exit_status);
	return exit_status;
}

static int run(int argc, char **argv)
{
	struct status_question q = { .is_json = cli_take_flag(&argc, argv, "--json"),
				     .is_verbose = cli_take_flag(&argc, argv, "-v") };
	struct config c = { 0 };
	struct err e = { 0 };
	struct world *w;
	int rc;

	if (cli_config_path(&argc, argv, &q.config) != 0 || cli_no_more(argc, argv, 0) != 0)
		return 2;
	w = world_uv_new(&e);
	if (w == NULL)
		return cli_fail(&e);
	rc = config_load(w, q.config, &c, &e) == 0 ? answer(&q, &c, w) : cli_fail(&e);
	config_close(&c);
	world_uv_free(w);
	return rc;
}

const struct cli_command cli_status = {
	.name = "status",
	.about = "what it does now, what is wrong, and what to do",
	.usage = "[-v] [--json] [-c FILE]",
	.page = "  -v       zero counters too, and what each bound that is not given stops\n"
		"  --json   the same as JSON (docs/status.schema.json), with the problems and the exit status in it\n"
		"  -c FILE  the configuration (" CONFIG_PATH "), which names the daemon's socket\n"
		"\n"
		"Root, the service's user and the group reeve may ask.\n"
		"\n"
		"exit status (the highest that applies)\n"
		"  0  fine: at work, idle, or starting\n"
		"  1  the question failed: no configuration, or this user may not ask\n"
		"  2  it was asked wrongly\n"
		"  3  degraded: no policy, a full disk, no fresh signed head, telemetry lost within 15 minutes or not taken,\n"
		"     a command that AWS does not let on or whose end nobody knows, a start that fails for more than ten minutes\n"
		"  4  stopped or frozen: STOP, mode: off, or a damaged journal\n"
		"  5  the vendor cannot be reached, or does not let it in\n"
		"  6  no daemon answers\n"
		"\n"
		"examples\n"
		"  reeve status\n"
		"  reeve status >/dev/null || echo \"look at me: $?\"\n"
		"  reeve status --json | jq -r '.problems[] | \"\\(.exit) \\(.what)\"'\n",
	.run = run,
};
