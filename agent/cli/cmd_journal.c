/* cmd_journal.c - reeve journal verify, reeve journal show: the record, without the daemon.
 *
 * Show reads the journal twice where -n asks for the end of it: once to count. With -f it goes on looking twice a second, from the
 * segment that holds the next record; a line that is not whole yet is read again at the next look. */
#include "agent/io/journal_read.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/handle.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/cli/cli.h"
#include "agent/cli/page.h"
#include "agent/cli/past.h"
#include "agent/cli/sentence.h"
#include "agent/config.h"
#include "agent/io/world_uv.h"

#define LOOK_MS 500
#define SENTENCE_MAX (64u << 10)
#define HANG 34

struct journal_question {
	struct world *w;
	char *dir;
	const char *count, *op, *since;
	bool is_json, follows, verifies;
	struct handle handle; /* of op */
	char op_id[37];       /* "": all */
	bool is_ago;          /* since is no time, but how long ago: */
	uint64_t ago_ms;
	int64_t since_ms; /* 0: all */
};

struct show {
	struct journal_question *q;
	struct sentence sentence;
	uint64_t matching, skip; /* skip: of those that match, so many are not shown */
	bool only_counts;
	uint64_t next_seq;     /* behind the last that was read */
	uint64_t seen_size;    /* of the last segment */
	char seen_segment[24]; /* its name */
	struct timer look;
	struct err err;
	int rc;
};

/* ---- which ---- */

static bool names_op(const json_t *record, const char *id)
{
	const json_t *ops = json_object_get(record, "ops");

	for (size_t i = 0; i < json_array_size(ops); i++)
		if (json_is_string(json_array_get(ops, i)) && str_eq(json_string_value(json_array_get(ops, i)), id))
			return true;
	return str_eq(json_str_or(record, "op", ""), id);
}

static bool is_wanted(const struct journal_question *q, const struct journal_entry *entry)
{
	int64_t ms;

	if (q->op_id[0] != '\0' && !names_op(entry->obj, q->op_id))
		return false;
	return q->since_ms == 0 || stamp_parse_iso(entry->time, &ms, NULL) != 0 || ms >= q->since_ms;
}

/* ---- one record ---- */

static void print(struct show *s, const struct journal_entry *entry, const struct buf *sentence)
{
	if (s->q->is_json) {
		/* The line to the byte, as it is hashed: what is written anew could not be verified. */
		CLEANUP(mem_close) char *line = mem_printf("%.*s\n", (int)entry->len, entry->line);

		page_text(line);
		return;
	}
	page_line(HANG, "%6llu  %s  %s", (unsigned long long)entry->seq, entry->time, buf_str(sentence));
}

/* Every record is made a sentence, also one that is not shown: it may name a command for those behind it. */
static int on_record(void *ctx, const struct journal_entry *entry, struct err *e)
{
	CLEANUP(buf_close) struct buf sentence = BUF_MAX(SENTENCE_MAX);
	struct show *s = ctx;

	if (entry->seq < s->next_seq)
		return 0; /* of a segment that is read again */
	s->next_seq = entry->seq + 1;
	if (!s->q->is_json && !s->only_counts)
		sentence_of(&s->sentence, entry->type, entry->obj, &sentence);
	if (!is_wanted(s->q, entry))
		return 0;
	if (!s->only_counts && s->matching >= s->skip)
		print(s, entry, &sentence);
	s->matching++;
	return page_is_closed() ? err_set(e, ERR_CANCELED, "the reader has gone") : 0;
}

/* ---- all ---- */

static int read_all(struct show *s, struct err *e)
{
	struct journal_chain chain;
	bool torn;

	s->matching = 0;
	s->next_seq = 0;
	TRY(journal_read_all(s->q->w, s->q->dir, on_record, s, &chain, &torn, e));
	if (chain.next_seq == 0)
		return err_set(e, ERR_NOTFOUND, "%s holds no journal", s->q->dir);
	if (torn && !s->only_counts && !s->q->follows)
		fprintf(stderr, "reeve: note: the last line is not whole: it is being written, or a crash cut it off\n");
	return 0;
}

static int count_first(struct show *s, struct err *e)
{
	uint64_t most = 0;

	if (s->q->count == NULL || str_u64(s->q->count, &most) != 0)
		return 0; /* it was checked that it is a number */
	s->only_counts = true;
	TRY(read_all(s, e));
	s->skip = s->matching > most ? s->matching - most : 0;
	s->only_counts = false;
	return 0;
}

/* ---- following ---- */

static int read_from(struct show *s, const struct journal_segments *segs, size_t at, struct err *e)
{
	for (; at < segs->n; at++) {
		/* The line that a segment's first one names is not read again here. Within the segment the chain is checked. */
		struct journal_chain chain = { .next_seq = segs->v[at].first, .any_prev = true };
		uint64_t good;
		bool torn;

		TRY(journal_read_segment(s->q->w, s->q->dir, &segs->v[at], at + 1 == segs->n, &chain, on_record, s, &good, &torn,
					 e));
	}
	return 0;
}

static int look(struct show *s, struct err *e)
{
	CLEANUP(journal_segments_close) struct journal_segments segs = { 0 };
	const struct journal_segment *last;
	size_t at;

	TRY(journal_list(s->q->w, s->q->dir, &segs, e));
	if (segs.n == 0)
		return 0;
	last = &segs.v[segs.n - 1];
	/* Nothing was written since the last look: twice a second only the folder is read. */
	if (str_eq(last->name, s->seen_segment) && last->size == s->seen_size)
		return 0;
	snprintf(s->seen_segment, sizeof(s->seen_segment), "%s", last->name);
	s->seen_size = last->size;
	at = segs.n - 1;
	/* Back to the segment that holds the next record: between two looks more than one may have begun. */
	while (at > 0 && segs.v[at].first > s->next_seq)
		at--;
	return read_from(s, &segs, at, e);
}

static void on_look(struct timer *t)
{
	struct show *s = container_of(t, struct show, look);

	s->rc = look(s, &s->err);
	if (s->rc != 0 || !page_has_reader())
		world_uv_stop(s->q->w);
	else
		timer_start(s->q->w, t, LOOK_MS, on_look);
}

static int follow(struct show *s, struct err *e)
{
	timer_start(s->q->w, &s->look, 0, on_look);
	world_uv_run(s->q->w);
	return s->rc == 0 ? 0 : err_set(e, s->err.code, "%s", s->err.text);
}

static int show(struct journal_question *q, struct err *e)
{
	struct show s = { .q = q };
	int rc = count_first(&s, e);

	if (rc == 0)
		rc = read_all(&s, e);
	if (rc == 0 && q->follows)
		rc = follow(&s, e);
	sentence_close(&s.sentence);
	/* The reading was stopped by an error when the reader went, yet it has what it wanted. */
	return page_is_closed() ? 0 : rc;
}

/* ---- verify ---- */

static int verify(const struct journal_question *q, struct err *e)
{
	struct journal_chain chain;
	char hex[DIGEST_HEX_LEN];
	bool torn;

	TRY(journal_read_all(q->w, q->dir, NULL, NULL, &chain, &torn, e));
	if (chain.next_seq == 0)
		return err_set(e, ERR_NOTFOUND, "%s holds no journal", q->dir);
	if (torn)
		fprintf(stderr,
			"reeve: the last line is torn: it is being written, or a crash cut it off and the next start cuts it\n");
	page_line(0, "ok: %llu records, the chain is whole, head %s", (unsigned long long)chain.next_seq - 1,
		  digest_hex(&chain.prev, hex));
	return 0;
}

/* ---- the commands ---- */

/* A time, a date, or how long ago. */
static bool read_since(struct journal_question *q)
{
	CLEANUP(mem_close) char *midnight = mem_printf("%.64sT00:00:00Z", q->since);

	if (stamp_parse_iso(q->since, &q->since_ms, NULL) == 0 || stamp_parse_iso(midnight, &q->since_ms, NULL) == 0)
		return true;
	q->is_ago = str_duration(q->since, &q->ago_ms) == 0 && q->ago_ms <= INT64_MAX / 2;
	return q->is_ago;
}

/* What is written wrongly is told before anything is read. 2: it was. */
static int check_arguments(struct journal_question *q)
{
	struct err e = { 0 };
	uint64_t n;

	if (q->count != NULL && str_u64(q->count, &n) != 0)
		return cli_usage("journal show: -n wants a number, not \"%s\"", q->count);
	if (q->since != NULL && !read_since(q))
		return cli_usage("--since %.60s: expected a time such as 2026-11-29T14:00:00Z, a date, or how long ago: 30m, 2h",
				 q->since);
	if (q->op != NULL && handle_parse(q->op, &q->handle, &e) != 0)
		return cli_usage("journal show: --op: %s", err_text(&e));
	return 0;
}

static int find_op(struct journal_question *q, struct err *e)
{
	struct past_list l;
	int rc;

	if (q->op == NULL)
		return 0;
	rc = past_find(q->w, q->dir, &q->handle, &l, e);
	if (l.n == 0 && rc == 0)
		rc = err_set(e, ERR_NOTFOUND, "there is no command %.60s in %s", q->op, q->dir);
	if (l.n > 1) {
		past_print(&l);
		rc = err_set(e, ERR_INVALID, "several commands are called so; say more of the id");
	}
	if (l.n == 1) {
		memcpy(q->op_id, l.v[0].id, sizeof(q->op_id));
		rc = 0; /* damage behind it is told when it is reached */
	}
	past_close(&l);
	return rc;
}

static int find_dir(struct journal_question *q, const char *given, const char *config, struct err *e)
{
	struct config c = { 0 };

	if (given != NULL) {
		q->dir = mem_str(given);
		return 0;
	}
	TRY(config_load(q->w, config, &c, e));
	q->dir = mem_printf("%s/journal", c.state_dir);
	config_close(&c);
	return 0;
}

static int answer(struct journal_question *q, const char *dir, const char *config, struct err *e)
{
	TRY(find_dir(q, dir, config, e));
	if (q->verifies)
		return verify(q, e);
	if (q->is_ago)
		q->since_ms = world_wall_ms(q->w) - (int64_t)q->ago_ms;
	TRY(find_op(q, e));
	return show(q, e);
}

static int run_with(struct journal_question *q, const char *dir, const char *config)
{
	struct err e = { 0 };
	int rc;

	q->w = world_uv_new(&e);
	if (q->w == NULL)
		return cli_fail(&e);
	rc = answer(q, dir, config, &e);
	if (rc == -ERR_DENIED)
		err_wrap(&e, rc, "the journal is for root and the agent's user");
	mem_free(q->dir);
	world_uv_free(q->w);
	return rc == 0 ? 0 : cli_fail(&e);
}

static int run_show(int argc, char **argv)
{
	struct journal_question q = { .is_json = cli_take_flag(&argc, argv, "--json"),
				      .follows = cli_take_flag(&argc, argv, "-f") };
	const char *config;
	int rc;

	if (cli_config_path(&argc, argv, &config) != 0 || cli_take(&argc, argv, "-n", &q.count) != 0 ||
	    cli_take(&argc, argv, "--op", &q.op) != 0 || cli_take(&argc, argv, "--since", &q.since) != 0 ||
	    cli_no_more(argc, argv, 1) != 0)
		return 2;
	rc = check_arguments(&q);
	return rc != 0 ? rc : run_with(&q, argc > 1 ? argv[1] : NULL, config);
}

static int run_verify(int argc, char **argv)
{
	struct journal_question q = { .verifies = true };
	const char *config;

	if (cli_config_path(&argc, argv, &config) != 0 || cli_no_more(argc, argv, 1) != 0)
		return 2;
	return run_with(&q, argc > 1 ? argv[1] : NULL, config);
}

#define DIR_HELP                                                                                                                   \
	"  DIR           the journal's folder; that of the configuration unless given\n"                                           \
	"  -c FILE       the configuration (" CONFIG_PATH ")\n"

const struct cli_command cli_journal_verify = {
	.name = "journal verify",
	.about = "is the record whole? (needs no daemon)",
	.usage = "[DIR] [-c FILE]",
	.page = DIR_HELP
	"\n"
	"Each line names the SHA-256 of the line before it; a line that was changed, cut out or put in breaks the chain. The\n"
	"head that it prints can be compared with the one that the vendor, or a copy, has.\n"
	"\n"
	"exit status\n"
	"  0  whole\n"
	"  1  damaged, and the line is named; or it cannot be read\n"
	"  2  it was asked wrongly\n"
	"\n"
	"examples\n"
	"  reeve journal verify\n"
	"  reeve journal verify /mnt/copy/journal\n",
	.run = run_verify,
};

const struct cli_command cli_journal_show = {
	.name = "journal show",
	.about = "the record, one sentence each, the newest last",
	.usage = "[DIR] [-n N] [--op ID] [--since WHEN] [-f] [--json] [-c FILE]",
	.page = DIR_HELP "  -n N          the last N of those that are asked for\n"
			 "  --op ID       of one command: its number, its id with or without dashes, or the beginning of one\n"
			 "  --since WHEN  a time (2026-11-29T14:00:00Z), a date, or how long ago (30m, 2h, 7d)\n"
			 "  -f            goes on with what is written from now on\n"
			 "  --json        the lines themselves\n"
			 "\n"
			 "Root and the service's user may read it; no daemon is needed. The chain is checked on the way.\n"
			 "\n"
			 "exit status\n"
			 "  0  shown, or the reader has gone\n"
			 "  1  damaged, or it cannot be read\n"
			 "  2  it was asked wrongly\n"
			 "\n"
			 "examples\n"
			 "  reeve journal show -n 20 -f\n"
			 "  reeve journal show --op 7\n"
			 "  reeve journal show --since 2h --json | jq -r 'select(.type == \"step.outcome\") | .step'\n",
	.run = run_show,
};
