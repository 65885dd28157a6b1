/* spool_account.c - the account in the log of commit records: what the records before the log was last written anew had added, a
 * line of each source and kind; and whose the records of a body are.
 *
 *     {"account":{"source":"/var/log/x.log","kind":"logs","taken":40,"lost":{"vendor":{"age":5}}},"sum":"89abcdef"}
 *     {"account":{"by":"vendor","metrics":0,"logs":0},"sum":"89abcdef"}        what was taken before there was this destination
 */
#include "shippers/spool_impl.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "shippers/commit.h"

static const char begins[] = "{\"account\":";

static void say(json_t *of, struct buf *line)
{
	CLEANUP(json_close) json_t *o = json_pack("{s:o}", "account", of);
	size_t from = line->len;

	err_ignore(json_write(o, line), "the caller looks whether the line is over");
	err_ignore(commit_seal(line, from), "the same");
}

void spool_account_say(struct spool *s, struct buf *line)
{
	const struct account *a = &s->account;

	for (unsigned i = 0; i < s->dests_n; i++)
		say(json_pack("{s:s, s:I, s:I}", "by", s->dests[i].name, "metrics", (json_int_t)a->before[i][TELEMETRY_METRIC],
			      "logs", (json_int_t)a->before[i][TELEMETRY_LOG]),
		    line);
	for (unsigned i = 0; i <= ACCOUNT_SOURCES; i++)
		for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
			json_t *row = account_row_json(a, i, (enum telemetry_kind)kind);

			if (row != NULL)
				say(row, line);
		}
}

bool spool_account_is(const char *line, size_t len)
{
	return len >= sizeof(begins) - 1 && memcmp(line, begins, sizeof(begins) - 1) == 0;
}

static int take_dest(struct spool *s, const json_t *o, struct err *e)
{
	const char *by;

	TRY(json_get_str(o, "by", &by, e));
	for (unsigned i = 0; i < s->dests_n; i++) {
		if (!str_eq(s->dests[i].name, by))
			continue;
		TRY(json_get_u64(o, "metrics", &s->account.before[i][TELEMETRY_METRIC], e));
		TRY(json_get_u64(o, "logs", &s->account.before[i][TELEMETRY_LOG], e));
		s->account.is_known[i] = true;
	}
	return 0;
}

int spool_account_take(struct spool *s, const char *line, size_t len, struct err *e)
{
	CLEANUP(json_close) json_t *o = NULL;
	const json_t *of;

	TRY(commit_check(line, len, e));
	TRY(json_parse(line, len, "record of the account", &o, e));
	of = json_object_get(o, "account");
	return json_object_get(of, "by") != NULL ? take_dest(s, of, e) : account_row_read(&s->account, of, e);
}

uint64_t spool_waiting(const struct spool *s, unsigned dest, enum telemetry_kind kind)
{
	uint64_t n = 0;

	for (const struct list *at = s->entries[kind].next; at != &s->entries[kind]; at = at->next) {
		const struct spool_entry *en = list_entry((struct list *)at, struct spool_entry, link);

		n += spool_is_wanted_by(en, dest) ? en->records : 0;
	}
	return n;
}

/* A log that names none was never written anew: it begins with the first record of all. */
void spool_account_meet(struct spool *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->dests_n; i++)
		any |= s->account.is_known[i];
	for (unsigned i = 0; i < s->dests_n; i++)
		for (int kind = 0; kind < TELEMETRY_KINDS && any && !s->account.is_known[i]; kind++)
			account_meet(&s->account, i, (enum telemetry_kind)kind, spool_waiting(s, i, (enum telemetry_kind)kind));
	for (unsigned i = 0; i < s->dests_n; i++)
		s->account.is_known[i] = true;
}

void spool_account_own(struct spool_entry *en, const struct account_part *parts, size_t n)
{
	struct account_shares of = account_shares_of(&en->s->account, parts, n);

	en->source = of.n > 0 ? (uint8_t)of.v[0].source : ACCOUNT_OTHERS;
	en->shares = NULL;
	if (of.n <= 1)
		return;
	en->shares = mem_alloc(sizeof(of));
	*en->shares = of;
}
