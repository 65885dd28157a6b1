/* lost.c - see lost.h. */
#include "shippers/lost.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/str.h"
#include "shippers/commit.h"

static const char begins[] = "{\"lost\":";

int lost_format(const struct lost *l, struct buf *b)
{
	CLEANUP(json_close) json_t *o = json_object();
	json_t *counts = json_array();
	size_t from = b->len;

	json_object_set_new(o, "lost", json_integer((json_int_t)l->seq));
	json_object_set_new(o, "kind", json_string(batch_kind_name(l->kind)));
	json_object_set_new(o, "by", json_string(l->by));
	json_object_set_new(o, "id", json_string(l->id));
	for (size_t i = 0; i < l->counts_n; i++)
		json_array_append_new(counts, json_pack("[s, s, I]", l->counts[i].source, account_lost_names[l->counts[i].why],
							(json_int_t)l->counts[i].records));
	json_object_set_new(o, "counts", counts);
	TRY(json_write(o, b));
	return commit_seal(b, from);
}

bool lost_is(const char *line, size_t len)
{
	return len >= sizeof(begins) - 1 && memcmp(line, begins, sizeof(begins) - 1) == 0;
}

static bool why_of(const char *name, enum account_lost *ret)
{
	for (int i = 0; i < ACCOUNT_LOSTS; i++)
		if (str_eq(account_lost_names[i], name)) {
			*ret = (enum account_lost)i;
			return true;
		}
	return false;
}

static int parse_count(const json_t *o, struct lost_count *c, struct err *e)
{
	const char *source = json_string_value(json_array_get(o, 0)), *why = json_string_value(json_array_get(o, 1));
	json_int_t n = json_integer_value(json_array_get(o, 2));

	if (source == NULL || why == NULL || n < 0 || !why_of(why, &c->why))
		return err_set(e, ERR_INVALID, "a count is wrong");
	account_name(c->source, source);
	c->records = (uint64_t)n;
	return 0;
}

int lost_parse(const char *line, size_t len, struct lost *ret, struct err *e)
{
	CLEANUP(json_close) json_t *o = NULL;
	const char *kind, *by, *id;
	const json_t *counts;
	struct lost l = { 0 };

	TRY(commit_check(line, len, e));
	TRY(json_parse(line, len, "record of what was lost", &o, e));
	TRY(json_get_u64(o, "lost", &l.seq, e));
	TRY(json_get_str(o, "kind", &kind, e));
	TRY(json_get_str(o, "by", &by, e));
	TRY(json_get_str(o, "id", &id, e));
	counts = json_object_get(o, "counts");
	if (l.seq > BATCH_SEQ_MAX || !batch_kind_of(kind, &l.kind) || json_array_size(counts) > LOST_COUNTS_MAX)
		return err_set(e, ERR_INVALID, "lost, kind or counts is wrong");
	if (str_copy(l.by, sizeof(l.by), by) != 0 || str_copy(l.id, sizeof(l.id), id) != 0)
		return err_set(e, ERR_INVALID, "by or id is wrong");
	for (; l.counts_n < json_array_size(counts); l.counts_n++)
		TRY(parse_count(json_array_get(counts, l.counts_n), &l.counts[l.counts_n], e));
	*ret = l;
	return 0;
}

static uint64_t *place(const struct lost_count *c, const struct lost *l, struct account *a, unsigned dest)
{
	return &a->rows[account_source(a, c->source)][l->kind].lost[dest][c->why];
}

void lost_add(const struct lost *l, struct account *a, unsigned dest)
{
	for (size_t i = 0; i < l->counts_n; i++)
		*place(&l->counts[i], l, a, dest) += l->counts[i].records;
}

void lost_take_back(const struct lost *l, struct account *a, unsigned dest)
{
	for (size_t i = 0; i < l->counts_n; i++)
		*place(&l->counts[i], l, a, dest) -= l->counts[i].records;
}

bool lost_is_of_receiver(const struct lost *l)
{
	for (size_t i = 0; i < l->counts_n; i++)
		if (l->counts[i].why == ACCOUNT_REFUSED || l->counts[i].why == ACCOUNT_DAMAGED)
			return true;
	return false;
}
