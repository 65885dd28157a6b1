/* report.c - see report.h. Built in one arena, packed, forgotten. */
#include "agent/control/report.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pbpack.h"
#include "agent/base/str.h"
#include "agent/control/report_warehouses.h"
#include "agent/ops/op.h"

#define ROOM_FOR_THE_REST 8192

typedef Reeve__Control__V1__Report report_t;
typedef Reeve__Control__V1__Status status_t;
typedef Reeve__Control__V1__Refusal refusal_t;

/* A command on its way into a report. */
struct report_line {
	const struct op *op;
	struct report_mark mark;
	size_t at;         /* in order of acceptance */
	status_t *status;  /* NULL: not written yet */
	struct digest now; /* what it is like */
	bool is_in;
	bool is_unreadable; /* its output, at present: its turn comes with a later report */
};

struct gathering {
	struct arena *m;
	const struct report_memory *memory;
	struct report_line lines[REPORT_COMMANDS_MAX];
	size_t lines_n;
	status_t *v[REPORT_COMMANDS_MAX];
	size_t n, bytes;
};

/* ---- what there is to tell ---- */

static bool has_ended(const struct report_line *l)
{
	return op_fields(l->op)->is_ended;
}

static bool is_news(const struct report_line *l)
{
	return !digest_eq(&l->now, &l->mark.known);
}

static bool is_open_news(const struct report_line *l)
{
	return !has_ended(l) && is_news(l);
}

static bool is_any(const struct report_line *l)
{
	(void)l;
	return true;
}

static status_t *status_of(struct gathering *g, struct report_line *l)
{
	if (l->status != NULL)
		return l->status;
	l->status = arena_new(g->m, status_t);
	op_status(l->op, g->m, l->status);
	/* The note may be cut inside a character, and a strict peer refuses the whole report for that. */
	str_mend(l->status->note);
	return l->status;
}

/* A result never changes, so one constant stands for all of them and none is packed for the comparison. */
static struct digest look_at(struct gathering *g, struct report_line *l)
{
	uint8_t *bytes;

	if (has_ended(l))
		return digest_of("ended", 5);
	bytes = arena_alloc(g->m, reeve__control__v1__status__get_packed_size(status_of(g, l)));
	return digest_of(bytes, reeve__control__v1__status__pack(l->status, bytes));
}

static struct report_mark mark_of(const struct report_memory *m, const uint8_t id[16])
{
	struct report_mark none = { .since_no = m->no };

	for (size_t i = 0; i < m->n; i++)
		if (memcmp(m->marks[i].id, id, sizeof(none.id)) == 0)
			return m->marks[i];
	memcpy(none.id, id, sizeof(none.id));
	return none;
}

static void gather(void *ctx, struct op *op)
{
	struct gathering *g = ctx;
	struct report_line *l = &g->lines[g->lines_n];

	if (g->lines_n == REPORT_COMMANDS_MAX)
		return; /* ops holds no more */
	*l = (struct report_line){ .op = op, .mark = mark_of(g->memory, op_fields(op)->id), .at = g->lines_n };
	l->now = look_at(g, l);
	g->lines_n++;
}

/* ---- what of it fits ---- */

static int by_wait(const void *a, const void *b)
{
	const struct report_line *x = a, *y = b;

	if (x->mark.since_no != y->mark.since_no)
		return x->mark.since_no < y->mark.since_no ? -1 : 1;
	/* qsort is not stable; those that waited equally long keep the order in which they were accepted. */
	return x->at < y->at ? -1 : x->at > y->at;
}

static void tell(struct gathering *g, struct report_line *l)
{
	/* Eight bytes more are enough for its tag and its length within the report, and another eight for those of an output. */
	size_t output = op_output_bytes(l->op);
	size_t size = reeve__control__v1__status__get_packed_size(status_of(g, l)) + output + 16;

	/* Only this one is left out: a smaller one behind it may still fit. */
	if (g->bytes + size > REPORT_MAX - ROOM_FOR_THE_REST)
		return;
	/* One that had no room is not even read. */
	if (l->status->output != NULL && op_output_load(l->op, g->m, l->status->output) != 0) {
		l->is_unreadable = true;
		return;
	}
	g->v[g->n++] = l->status;
	g->bytes += size;
	l->is_in = true;
}

static void tell_all(struct gathering *g, bool (*is_wanted)(const struct report_line *l))
{
	for (size_t i = 0; i < g->lines_n; i++)
		if (!g->lines[i].is_in && !g->lines[i].is_unreadable && is_wanted(&g->lines[i]))
			tell(g, &g->lines[i]);
}

/* The first one always fits (room.h). Without it, changes could fill every report and a large result wait for ever. */
static void choose(struct gathering *g)
{
	qsort(g->lines, g->lines_n, sizeof(*g->lines), by_wait);
	if (g->lines_n > 0)
		tell(g, &g->lines[0]);
	tell_all(g, is_open_news);
	tell_all(g, is_news);
	tell_all(g, is_any);
}

static bool is_news_left(const struct gathering *g)
{
	for (size_t i = 0; i < g->lines_n; i++)
		if (!g->lines[i].is_in && !g->lines[i].is_unreadable && is_news(&g->lines[i]))
			return true;
	return false;
}

/* Commands that are gone are forgotten with it. */
static void remember(const struct gathering *g, struct report_memory *m)
{
	m->no++;
	m->n = g->lines_n;
	for (size_t i = 0; i < g->lines_n; i++) {
		m->marks[i] = g->lines[i].mark;
		if (!g->lines[i].is_in)
			continue;
		m->marks[i].since_no = m->no;
		/* It is known to the vendor only when this report was answered (report_arrived); till then
		 * a lost report changes nothing. */
		m->marks[i].sent = g->lines[i].now;
	}
}

void report_arrived(struct report_memory *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->marks[i].since_no == m->no)
			m->marks[i].known = m->marks[i].sent;
}

/* ---- the rest of a report ---- */

static void add_refusals(report_t *r, const struct inbox *in, struct arena *m)
{
	r->refusals = arena_alloc(m, (in->refusals_n + 1) * sizeof(*r->refusals));
	for (size_t i = 0; i < in->refusals_n; i++) {
		refusal_t *f = arena_new(m, refusal_t);

		reeve__control__v1__refusal__init(f);
		f->digest = (ProtobufCBinaryData){ DIGEST_LEN, (uint8_t *)in->refusals[i].digest.b };
		f->reason = arena_str(m, in->refusals[i].reason);
		f->time = in->refusals[i].time_ms;
		r->refusals[r->n_refusals++] = f;
	}
}

static void add_policy(report_t *r, struct ops *ops, struct arena *m)
{
	const struct policy *p = ops_policy(ops);
	struct digest *d = arena_new(m, struct digest);

	*d = p->digest;
	if (p->present)
		r->policy_digest = (ProtobufCBinaryData){ DIGEST_LEN, d->b };
}

static void add_journal(report_t *r, const struct report_args *a, struct arena *m)
{
	struct digest *d = arena_new(m, struct digest);

	r->journal_key = (ProtobufCBinaryData){ SIGN_KEY_LEN, (uint8_t *)a->journal_key->b };
	/* A damaged journal has no head that anybody could compare, and one without a durable record has none yet. */
	if (a->journal == NULL || journal_seq(a->journal) == 0)
		return;
	*d = journal_head(a->journal);
	r->journal_head = arena_new(m, Reeve__Control__V1__JournalHead);
	reeve__control__v1__journal_head__init(r->journal_head);
	r->journal_head->seq = journal_seq(a->journal);
	r->journal_head->sha256 = (ProtobufCBinaryData){ DIGEST_LEN, d->b };
}

static void fill(report_t *r, const struct report_args *a, struct gathering *g)
{
	r->epoch = ops_epoch(a->ops);
	r->accepted_through = ops_accepted(a->ops);
	r->statuses = g->v;
	r->n_statuses = g->n;
	r->mode = (Reeve__Control__V1__AgentMode)ops_mode(a->ops);
	r->waiting = (uint64_t *)a->inbox->waiting;
	r->n_waiting = a->inbox->waiting_n;
	r->head_stale = !inbox_head_is_fresh(a->inbox);
	r->more = is_news_left(g);
	add_journal(r, a, g->m);
	add_policy(r, a->ops, g->m);
	add_refusals(r, a->inbox, g->m);
}

int report_build(const struct report_args *a, struct report_memory *m, struct buf *to, bool *ret_more, struct err *e)
{
	struct arena *arena = arena_new_sized(64u << 20);
	struct gathering *g = arena_new(arena, struct gathering);
	report_t r = REEVE__CONTROL__V1__REPORT__INIT;
	int rc;

	g->m = arena;
	g->memory = m;
	ops_each(a->ops, gather, g);
	g->bytes = report_add_warehouses(&r, a->ops, arena);
	choose(g);
	remember(g, m);
	fill(&r, a, g);
	rc = pbpack_add(&r.base, to);
	*ret_more = r.more;
	arena_free(arena);
	return rc == 0 ? 0 : err_set(e, ERR_LIMIT, "the report is larger than %zu bytes", to->max);
}
