/* cmd_plan.c - reeve plan show: what a command does, call by call. The daemon has the plans of what is open, the journal all
 * others:
 *
 *   the daemon knows it, with a plan             that plan
 *   the daemon knows it, not planned yet         says so, and why it waits
 *   the daemon knows it no more, or its plan     the journal's last plan of it, and how it ended
 *   no daemon                                    the journal alone
 *   several                                      a list to choose from */
#include "agent/ops/plan/plan.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/ask.h"
#include "agent/cli/cli.h"
#include "agent/cli/page.h"
#include "agent/cli/past.h"
#include "agent/io/world_uv.h"

#define TEXT_MAX (16u << 20)
#define HANG 4

struct plan_question {
	struct world *w;
	const struct config *c;
	struct handle handle;
	const char *typed;
	bool is_json;
};

static void print_state(const char *state, uint64_t seq, const char *why)
{
	page_line(HANG, "Number %llu, %s%s%s", (unsigned long long)seq, state, *why != '\0' ? ": " : "", why);
}

/* "  + launch  ec2:RunInstances  2 x ..." */
static bool is_step(const char *line, unsigned column)
{
	return strlen(line) > column && strncmp(line, "  ", 2) == 0 && line[2] != '\0' && line[3] == ' ' && line[4] != ' ' &&
	       line[column - 1] == ' ' && line[column] != ' ';
}

/* What a step does stands in the third column, or where that leaves it less than half of the terminal, in the next line. */
static void print_line(char *line, unsigned column, bool is_narrow)
{
	if (!is_step(line, column) || !is_narrow) {
		page_line(is_step(line, column) ? column : HANG, "%s", line);
		return;
	}
	for (unsigned end = column; line[end - 1] == ' '; end--)
		line[end - 1] = '\0';
	page_line(2 * HANG, "%s", line);
	page_line(2 * HANG, "        %s", line + column);
}

static void print_lines(char *text, unsigned column)
{
	unsigned width = page_width();

	for (char *line = text, *lf; *line != '\0'; line = lf + 1) {
		lf = strchr(line, '\n');
		*lf = '\0';
		print_line(line, column, width > 0 && column > width / 2);
	}
}

static int print_plan(const struct plan_question *q, json_t *plan, struct err *e)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(TEXT_MAX);
	struct plans *p = NULL;

	TRY(plans_from_json(plan, &p, e));
	plans_print(p, &text);
	if (!q->is_json)
		print_lines(text.data, plans_column(p));
	plans_free(p);
	return buf_check(&text, "the plan", e);
}

/* As it is recorded and hashed. */
static void print_json(json_t *plan)
{
	char *text = json_dumps(plan, JSON_INDENT(2));

	page_text(text != NULL ? text : "");
	page_text("\n");
	free(text);
}

/* What reads JSON is given JSON. */
static void print_none(const struct plan_question *q, const char *sentence)
{
	if (q->is_json)
		page_text("null\n");
	else
		page_line(HANG, "%s", sentence);
}

static int show(const struct plan_question *q, json_t *plan, struct err *e)
{
	/* Read also where JSON is wanted: what this version does not understand is an error, not handed on as a plan. */
	TRY(print_plan(q, plan, e));
	if (q->is_json)
		print_json(plan);
	return 0;
}

/* ---- from the daemon ---- */

static const char *why_of(const json_t *j)
{
	return json_str_or(j, "error", json_str_or(j, "note", ""));
}

static void list_several(const json_t *j)
{
	const json_t *list = json_object_get(j, "several");

	fprintf(stderr, "reeve: several commands are called so; say more of the id:\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		page_line(4, "  %lld  %s  %s of %s  %s", (long long)json_int_or(o, "seq", 0), json_str_or(o, "id", "?"),
			  json_str_or(o, "verb", "?"), json_str_or(o, "warehouse", "?"), json_str_or(o, "state", "?"));
	}
	if (json_int_or(j, "left_out", 0) > 0)
		page_line(0, "  and %lld more", (long long)json_int_or(j, "left_out", 0));
}

static int show_open(const struct plan_question *q, const json_t *j, struct err *e)
{
	json_t *plan = json_object_get(j, "plan");
	const char *high = json_str_or(j, "high_risk", "");
	CLEANUP(mem_close)
	char *none = mem_printf("Command %s: %s of %s is not planned yet.", json_str_or(j, "id", "?"), json_str_or(j, "verb", "?"),
				json_str_or(j, "warehouse", "?"));

	if (!q->is_json)
		print_state(json_str_or(j, "state", "?"), (uint64_t)json_int_or(j, "seq", 0), why_of(j));
	if (plan != NULL)
		TRY(show(q, plan, e));
	else
		print_none(q, none);
	if (*high != '\0' && !q->is_json)
		page_line(HANG, "[HIGH RISK: needs a release signature] %s", high);
	return 0;
}

/* ---- from the journal ---- */

static int show_past(const struct plan_question *q, const struct past *p, struct err *e)
{
	const json_t *error = json_object_get(p->result, "error");
	CLEANUP(mem_close)
	char *none = mem_printf("Command %s: %s of %s was never planned, or its plan is in a part of the journal that is gone.",
				p->id, p->verb, p->warehouse);

	if (!q->is_json)
		print_state(json_str_or(p->result, "state", "not ended"), p->seq,
			    json_str_or(error, "message", json_str_or(p->result, "note", "")));
	if (p->plan != NULL)
		return show(q, p->plan, e);
	print_none(q, none);
	return 0;
}

/* `unasked`: why the daemon did not answer, or NULL. */
static int search_past(const struct plan_question *q, const char *unasked, struct err *e)
{
	CLEANUP(mem_close) char *dir = mem_printf("%s/journal", q->c->state_dir);
	struct past_list l;
	int rc = past_find(q->w, dir, &q->handle, &l, e);

	if (rc != 0 && l.n == 0)
		rc = err_wrap(e, rc, "%s", unasked != NULL ? unasked : "the daemon has no plan of it; the journal");
	else if (l.n == 0)
		rc = err_set(e, ERR_NOTFOUND, "there is no command %s, neither open nor in %s", q->typed, dir);
	else if (rc != 0)
		fprintf(stderr, "reeve: note: %s; this is what stands before that\n", err_text(e));
	if (l.n == 1)
		rc = show_past(q, &l.v[0], e);
	if (l.n > 1) {
		past_print(&l);
		rc = err_set(e, ERR_INVALID, "several commands are called so; say more of the id");
	}
	past_close(&l);
	return rc;
}

/* ---- the command ---- */

/* Not a number, which means that of the present epoch, and not a whole id. */
static bool is_beginning(const struct handle *h)
{
	return !h->is_number && strlen(h->hex) < sizeof(h->hex) - 1;
}

/* The daemon knows one of that name; the journal, for who may read it, knows those that are over, too. */
static bool has_others(const struct plan_question *q)
{
	CLEANUP(mem_close) char *dir = mem_printf("%s/journal", q->c->state_dir);
	struct past_list l;
	bool any;

	err_ignore(past_find(q->w, dir, &q->handle, &l, NULL), "not everybody may read it, and the daemon has answered");
	any = l.n > 1;
	if (any)
		past_print(&l);
	past_close(&l);
	return any;
}

static bool is_in_journal(const json_t *j)
{
	return json_object_get(j, "plan") == NULL &&
	       (json_is_true(json_object_get(j, "ended")) || json_is_true(json_object_get(j, "plan_is_large")));
}

static int answer(const struct plan_question *q, struct err *e)
{
	CLEANUP(json_close) json_t *j = NULL;
	CLEANUP(mem_close) char *path = mem_printf("/v1/plans/%s", q->typed);
	int status = 0, rc = ask(q->w, q->c, path, &status, &j, e);

	/* Whom the socket does not let in, the journal does not either: it is for root and the agent's user alone. */
	if (rc == -ERR_DENIED)
		return rc;
	if (rc != 0) {
		/* A copy, because the search writes its own error there. */
		const struct err unasked = *e;

		return search_past(q, err_text(&unasked), e);
	}
	if (status == 200 && is_beginning(&q->handle) && has_others(q))
		return err_set(e, ERR_INVALID, "several commands are called so; say more of the id");
	if (status == 200 && !is_in_journal(j))
		return show_open(q, j, e);
	if (status == 409) {
		list_several(j);
		return err_set(e, ERR_INVALID, "%s is the beginning of several ids, or a number of several epochs", q->typed);
	}
	return search_past(q, NULL, e);
}

static int run_with(struct plan_question *q, const char *config, struct err *e)
{
	struct config c = { 0 };
	int rc;

	q->w = world_uv_new(e);
	if (q->w == NULL)
		return -e->code;
	q->c = &c;
	rc = config_load(q->w, config, &c, e);
	if (rc == 0)
		rc = answer(q, e);
	config_close(&c);
	world_uv_free(q->w);
	q->c = NULL;
	q->w = NULL;
	return rc;
}

static int run(int argc, char **argv)
{
	struct plan_question q = { .is_json = cli_take_flag(&argc, argv, "--json") };
	struct err e = { 0 };
	const char *config;

	if (cli_config_path(&argc, argv, &config) != 0 || cli_no_more(argc, argv, 1) != 0)
		return 2;
	if (argc != 2)
		return cli_usage("plan show wants a command: its number, its id, or the beginning of one");
	q.typed = argv[1];
	if (handle_parse(q.typed, &q.handle, &e) != 0)
		return cli_usage("plan show: %s", err_text(&e));
	return run_with(&q, config, &e) == 0 ? 0 : cli_fail(&e);
}

const struct cli_command cli_plan_show = {
	.name = "plan show",
	.about = "what a command does, call by call",
	.usage = "ID [--json] [-c FILE]",
	.page = "  ID       the command's number (as in reeve status), its id with or without dashes, or the beginning of one\n"
		"  --json   the plan as it is recorded and hashed; null: there is none\n"
		"  -c FILE  the configuration (" CONFIG_PATH "), which names the daemon's socket and the journal\n"
		"\n"
		"The daemon tells the plans of what is open. What has ended, or was planned and denied, is found in the journal, "
		"which\n"
		"root and the service's user may read; no daemon is needed for that.\n"
		"\n"
		"In front of a step: + makes, - removes, ~ changes, nothing looks.\n"
		"\n"
		"exit status\n"
		"  0  the plan, or that there is none yet\n"
		"  1  no such command, several, or it cannot be read\n"
		"  2  it was asked wrongly\n"
		"\n"
		"examples\n"
		"  reeve plan show 7\n"
		"  reeve plan show 01a3185c-5000\n"
		"  reeve plan show 7 --json | jq -r '.plans[].steps[].name'\n",
	.run = run,
};
