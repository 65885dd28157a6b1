/* report.c - see report.h. Built in one arena, packed, forgotten. */
#include "agent/control/report.h"

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/op.h"

#define STATUSES_MAX 256
#define ROOM_FOR_THE_REST 8192

typedef Reeve__Control__V1__Report report_t;
typedef Reeve__Control__V1__Status status_t;
typedef Reeve__Control__V1__Refusal refusal_t;

struct gathering {
	struct arena *m;
	status_t *v[STATUSES_MAX];
	size_t n, bytes;
	bool more;
};

/* A status too long for the report even alone loses its plan text, which is for people. */
static void gather(void *ctx, struct op *op)
{
	struct gathering *g = ctx;
	status_t *s = arena_new(g->m, status_t);
	size_t size;

	op_status(op, g->m, s);
	str_mend(s->note); /* one that still waits may say so with a sentence that is cut; a strict peer refuses the whole report */
	size = reeve__control__v1__status__get_packed_size(s) + 8;
	if (g->n == STATUSES_MAX || g->bytes + size > REPORT_MAX - ROOM_FOR_THE_REST) {
		g->more = true;
		return;
	}
	g->v[g->n++] = s;
	g->bytes += size;
}

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
	if (a->journal == NULL || journal_seq(a->journal) == 0)
		return;
	*d = journal_head(a->journal);
	r->journal_head = arena_new(m, Reeve__Control__V1__JournalHead);
	reeve__control__v1__journal_head__init(r->journal_head);
	r->journal_head->seq = journal_seq(a->journal);
	r->journal_head->sha256 = (ProtobufCBinaryData){ DIGEST_LEN, d->b };
}

static int pack(const report_t *r, struct buf *to)
{
	size_t len = reeve__control__v1__report__get_packed_size(r);
	char *room = buf_room(to, len);

	if (room == NULL)
		return -ERR_LIMIT;
	reeve__control__v1__report__pack(r, (uint8_t *)room);
	buf_grew(to, len);
	return 0;
}

int report_build(const struct report_args *a, struct buf *to, bool *ret_more, struct err *e)
{
	struct gathering g = { .m = arena_new_sized(64u << 20) };
	report_t r = REEVE__CONTROL__V1__REPORT__INIT;
	int rc;

	ops_each(a->ops, gather, &g);
	r.epoch = ops_epoch(a->ops);
	r.accepted_through = ops_accepted(a->ops);
	r.statuses = g.v;
	r.n_statuses = g.n;
	r.mode = (Reeve__Control__V1__AgentMode)ops_mode(a->ops);
	r.waiting = (uint64_t *)a->inbox->waiting;
	r.n_waiting = a->inbox->waiting_n;
	r.head_stale = !inbox_head_is_fresh(a->inbox);
	r.more = g.more;
	add_journal(&r, a, g.m);
	add_policy(&r, a->ops, g.m);
	add_refusals(&r, a->inbox, g.m);
	rc = pack(&r, to);
	arena_free(g.m);
	*ret_more = g.more;
	return rc == 0 ? 0 : err_set(e, ERR_LIMIT, "the report is larger than %zu bytes", to->max);
}
