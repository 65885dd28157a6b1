/* left.c - see left.h. The lines are read once, file by file, and nothing of them is kept but sums.
 *
 * A line that is no JSON is counted and passed by; of the last one it means that it is being written, or was torn. */
#include "agent/cli/left.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "shippers/ledger.h"

#define STEP (64u << 10)
#define LINE_MAX_BYTES (512u << 10)
#define NAMES_MAX (1u << 20)

struct left {
	const struct left_period *of;
	json_t *sums, *dests, *sources, *rules;
	json_t *before, *last; /* rows of the account by source and kind: before the period, and the last in it */
	json_t *seen;          /* of each destination and kind: records acknowledged, by the account and the lines since */
	json_t *told;          /* of each rule: as the last line of the account had it */
	bool knows_account, is_torn;
	struct ledger_file *files;
	size_t files_n;
};

/* ---- sums ---------------------------------------------------------------------------------------------------------------- */

static json_t *object_of(json_t *o, const char *member)
{
	json_t *found = json_object_get(o, member);

	if (!json_is_object(found)) {
		found = json_object();
		json_object_set_new(o, member, found);
	}
	return found;
}

static void add(json_t *o, const char *member, int64_t n)
{
	if (n != 0)
		json_object_set_new(o, member, json_integer(json_int_or(o, member, 0) + n));
}

static void add_sources(struct left *l, const json_t *line, const char *to, const char *kind)
{
	json_t *of = json_object_get(line, "sources"), *n;
	const char *source;

	json_object_foreach(of, source, n)
		add(object_of(object_of(object_of(l->sources, source), kind), "sent"), to, json_integer_value(n));
}

static void take_sent(struct left *l, const json_t *line, json_t *sum, const char *to, const char *kind)
{
	add(sum, "batches", 1);
	add(sum, "records", json_int_or(line, "records", 0));
	add(sum, "rejected", json_int_or(line, "rejected", 0));
	add_sources(l, line, to, kind);
}

static void take_batch(struct left *l, const json_t *line, bool is_in)
{
	const char *to = json_str_or(line, "to", "?"), *kind = json_str_or(line, "kind", "?");
	const char *outcome = json_str_or(line, "outcome", "");
	int64_t records = json_int_or(line, "records", 0), tries = json_int_or(line, "tries", 0);
	json_t *sum;

	if (str_eq(outcome, "sent"))
		add(object_of(l->seen, to), kind, records - json_int_or(line, "rejected", 0));
	if (!is_in)
		return;
	sum = object_of(object_of(l->dests, to), kind);
	add(sum, "raw", json_int_or(line, "raw", 0));
	add(sum, "wire", json_int_or(line, "wire", 0) * (tries > 1 ? tries : 1));
	add(sum, "again", tries > 1 ? tries - 1 : 0);
	if (str_eq(outcome, "sent")) {
		take_sent(l, line, sum, to, kind);
		return;
	}
	add(sum, str_eq(outcome, "refused") ? "refused_batches" : "lost_batches", 1);
	add(sum, str_eq(outcome, "refused") ? "refused_records" : "lost_records", records);
}

/* ---- the account --------------------------------------------------------------------------------------------------------- */

static void keep_rows(struct left *l, const json_t *line, bool is_in)
{
	const json_t *rows = json_object_get(line, "rows");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		CLEANUP(mem_close)
		char *key = mem_printf("%s %s", json_str_or(row, "kind", "?"), json_str_or(row, "source", "?"));

		json_object_set(is_in ? l->last : l->before, key, row);
		/* What was counted before the oldest line that is kept was counted at a time that nobody knows any more. */
		if (is_in && !l->knows_account && !json_is_true(json_object_get(line, "start")))
			json_object_set(l->before, key, row);
	}
	l->knows_account = true;
}

static void keep_rules(struct left *l, const json_t *line, bool is_in)
{
	const json_t *rules = json_object_get(line, "rules");

	/* They count from the start of the agent. */
	if (json_is_true(json_object_get(line, "start")))
		json_object_clear(l->told);
	for (size_t i = 0; i < json_array_size(rules); i++) {
		json_t *rule = json_array_get(rules, i);
		const char *name = json_str_or(rule, "rule", "?");
		const json_t *was = json_object_get(l->told, name);
		static const char *const members[] = { "masked", "dropped", "failed" };

		for (size_t m = 0; is_in && m < ARRAY_LEN(members); m++)
			add(object_of(l->rules, name), members[m],
			    json_int_or(rule, members[m], 0) - json_int_or(was, members[m], 0));
		json_object_set(l->told, name, rule);
	}
}

/* More was acknowledged than stands in the lines since the last account that we know. */
static void find_unlisted(struct left *l, const json_t *line, bool is_in)
{
	json_t *by = json_object_get(line, "acknowledged"), *kinds, *n;
	bool is_start = json_is_true(json_object_get(line, "start"));
	const char *to, *kind;

	json_object_foreach(by, to, kinds) {
		json_t *seen = json_object_get(l->seen, to);

		json_object_foreach(kinds, kind, n) {
			int64_t more = json_integer_value(n) - json_int_or(seen, kind, 0);

			if (is_in && is_start && l->knows_account && seen != NULL && more > 0)
				add(object_of(object_of(l->dests, to), kind), "unlisted", more);
			if (is_start || !l->knows_account || seen == NULL)
				json_object_set(object_of(l->seen, to), kind, n);
		}
	}
}

static void take_account(struct left *l, const json_t *line, bool is_in)
{
	find_unlisted(l, line, is_in);
	keep_rules(l, line, is_in);
	keep_rows(l, line, is_in);
}

static void subtract(json_t *to, const json_t *now, const json_t *was)
{
	const char *member;
	json_t *n;

	json_object_foreach((json_t *)now, member, n)
		if (json_is_integer(n))
			add(to, member, json_integer_value(n) - json_int_or(was, member, 0));
}

static void sum_rows(struct left *l)
{
	const char *key;
	json_t *row;

	json_object_foreach(l->last, key, row) {
		const json_t *was = json_object_get(l->before, key);
		json_t *to = object_of(object_of(l->sources, json_str_or(row, "source", "?")), json_str_or(row, "kind", "?"));
		json_t *by = json_object_get(row, "lost"), *counts;
		const char *dest;

		subtract(to, row, was);
		json_object_foreach(by, dest, counts)
			subtract(object_of(object_of(to, "lost"), dest), counts,
				 json_object_get(json_object_get(was, "lost"), dest));
	}
}

/* ---- lines --------------------------------------------------------------------------------------------------------------- */

static void take_line(struct left *l, const json_t *line)
{
	const char *type = json_str_or(line, "type", ""), *time = json_str_or(line, "time", "");
	int64_t ms = 0;
	bool is_in;

	if (stamp_parse_iso(time, &ms, NULL) != 0 || ms > l->of->until_ms)
		return;
	if (json_object_get(l->sums, "oldest") == NULL)
		json_object_set_new(l->sums, "oldest", json_string(time));
	is_in = ms >= l->of->since_ms;
	if (str_eq(type, "batch"))
		take_batch(l, line, is_in);
	else if (str_eq(type, "account"))
		take_account(l, line, is_in);
	else if (str_eq(type, "left_out") && is_in)
		add(l->sums, "left_out", json_int_or(line, "lines", 0));
	else if (str_eq(type, "removed"))
		json_array_append(json_object_get(l->sums, "removed"), (json_t *)line);
}

static void take_text(struct left *l, const char *text, size_t len)
{
	CLEANUP(json_close) json_t *line = NULL;

	if (json_parse(text, len, "a line of the ledger", &line, NULL) == 0)
		take_line(l, line);
	else
		add(l->sums, "damaged", 1);
}

static int read_more(struct world *w, struct disk_file *f, uint64_t *at, struct buf *window, struct err *e)
{
	ssize_t n = w->file_read(w, f, *at, buf_room(window, STEP), STEP, e);

	if (n > 0) {
		buf_grew(window, (size_t)n);
		*at += (uint64_t)n;
	}
	return (int)n;
}

static int read_lines(struct left *l, struct world *w, struct disk_file *f, struct err *e)
{
	CLEANUP(buf_close) struct buf window = BUF_MAX(LINE_MAX_BYTES + STEP);
	uint64_t at = 0;
	int n;

	while ((n = read_more(w, f, &at, &window, e)) > 0) {
		size_t from = 0;
		const char *lf;

		while ((lf = memchr(window.data + from, '\n', window.len - from)) != NULL) {
			take_text(l, window.data + from, (size_t)(lf - window.data) - from);
			from = (size_t)(lf - window.data) + 1;
		}
		buf_cut(&window, from);
		if (window.len > LINE_MAX_BYTES)
			return err_set(e, ERR_CORRUPT, "a line of the ledger is longer than any of ours");
	}
	l->is_torn = window.len > 0;
	return n;
}

static int read_file(struct left *l, struct world *w, const char *dir, const struct ledger_file *of, struct err *e)
{
	CLEANUP(mem_close) char *path = NULL;
	struct disk_file *f = NULL;
	char name[LEDGER_NAME_MAX];
	int rc;

	ledger_name(of, name);
	path = mem_printf("%s/%s", dir, name);
	rc = w->file_open(w, path, &f, e);
	if (rc == -ERR_NOTFOUND)
		return 0; /* the daemon has removed it a moment ago */
	if (rc == 0)
		rc = read_lines(l, w, f, e);
	w->file_close(w, f);
	return rc < 0 ? rc : 0;
}

static int on_name(void *ctx, const char *name)
{
	struct left *l = ctx;
	struct ledger_file f;

	if (!ledger_name_read(name, &f))
		return 0;
	l->files = mem_grow(l->files, l->files_n + 1, sizeof(*l->files));
	l->files[l->files_n++] = f;
	return 0;
}

static int by_day(const void *a, const void *b)
{
	return ledger_is_before(a, b) ? -1 : ledger_is_before(b, a);
}

static int read_all(struct left *l, struct world *w, const char *dir, struct err *e)
{
	int rc = w->disk_list(w, dir, on_name, l, e);

	if (rc == -ERR_NOTFOUND || (rc == 0 && l->files_n == 0))
		return err_set(e, ERR_NOTFOUND, "%s holds no ledger: no agent that keeps one has run here", dir);
	TRY(rc);
	qsort(l->files, l->files_n, sizeof(*l->files), by_day);
	for (size_t i = 0; i < l->files_n; i++)
		TRY(read_file(l, w, dir, &l->files[i], e));
	sum_rows(l);
	json_object_set_new(l->sums, "torn", json_boolean(l->is_torn));
	return 0;
}

int left_read(struct world *w, const char *dir, const struct left_period *of, json_t **ret, struct err *e)
{
	CLEANUP(json_close) json_t *sums = json_pack("{s:{}, s:{}, s:{}, s:[]}", "destinations", "sources", "rules", "removed");
	CLEANUP(json_close) json_t *before = json_object(), *last = json_object(), *seen = json_object(), *told = json_object();
	struct left l = { .of = of, .sums = sums, .before = before, .last = last, .seen = seen, .told = told };
	int rc;

	l.dests = json_object_get(sums, "destinations");
	l.sources = json_object_get(sums, "sources");
	l.rules = json_object_get(sums, "rules");
	rc = read_all(&l, w, dir, e);
	mem_free(l.files);
	if (rc == 0)
		*ret = json_incref(sums);
	return rc;
}
