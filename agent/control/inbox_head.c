/* inbox_head.c - the head: it can only slow down or stop, so no rule stands between a valid signature and its cancels.
 *
 * | signed by a head key | its cancels                  | fresh                                                             |
 * |----------------------|------------------------------|-------------------------------------------------------------------|
 * | no                   | none                         | no                                                                |
 * | yes                  | all; of more than 1,024 the  | if it can be read to its end, is ours, of the present epoch or a  |
 * |                      | first 1,024, and that is told | newer one, at most 2 minutes ahead and valid for 10 at most        |
 *
 * It is read field by field, without memory of its own, so its length costs nothing and what is broken behind a cancel takes
 * nothing from it. */
#include <assert.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/pbw.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "agent/control/inbox_impl.h"

#define CANCELS_MAX 1024
#define KEPT_MAX (2 * CANCELS_MAX) /* ids that are remembered, for commands that have not come yet */
#define HEAD_MAX_MS (10ll * 60 * 1000)
#define HEAD_AHEAD_MS (2ll * 60 * 1000)
#define TIME_MAX_MS (1ll << 53)
#define TOLD_EVERY_MS (60ull * 60 * 1000) /* a head is signed anew at each poll: what is wrong with it is no news each time */

struct head {
	const void *installation;
	size_t installation_len;
	uint64_t epoch;
	int64_t issued_ms, expires_ms;
	const uint8_t *ids[CANCELS_MAX];
	size_t ids_n;
	bool is_cut, has_more; /* its bytes break off; it names more ids than we take */
};

/* ---- reading ---- */

static void take_id(struct head *h, const struct pbr_field *f)
{
	/* What is no id names no command. It is passed over, so that it does not keep the other cancels from counting. */
	if (f->type != PBR_BYTES || f->len != UUID_LEN)
		return;
	if (h->ids_n == CANCELS_MAX)
		h->has_more = true;
	else
		h->ids[h->ids_n++] = f->p;
}

static void take_field(struct head *h, const struct pbr_field *f)
{
	if (f->number == 6) {
		take_id(h, f);
	} else if (f->number == 1 && f->type == PBR_BYTES) {
		h->installation = f->p;
		h->installation_len = f->len;
	} else if (f->type == PBR_VARINT) {
		/* Of a field that stands twice the last one counts, as for every decoder of proto3. */
		h->epoch = f->number == 2 ? f->value : h->epoch;
		h->issued_ms = f->number == 4 ? (int64_t)f->value : h->issued_ms;
		h->expires_ms = f->number == 5 ? (int64_t)f->value : h->expires_ms;
	}
}

static void read_head(const ProtobufCBinaryData *body, struct head *h)
{
	struct pbr r = pbr_of(body->data, body->len);
	struct pbr_field f;
	int rc;

	*h = (struct head){ 0 };
	while ((rc = pbr_next(&r, &f)) > 0)
		take_field(h, &f);
	h->is_cut = rc != 0;
}

/* ---- what it is worth ---- */

static bool is_ours(const struct inbox *in, const struct head *h)
{
	size_t len = strlen(in->binding.installation);

	return h->installation != NULL && h->installation_len == len && memcmp(h->installation, in->binding.installation, len) == 0;
}

/* Why this head does not count as fresh. */
static const char *stale_because(const struct inbox *in, const struct head *h)
{
	uint64_t epoch = ops_epoch(in->ops);

	if (h->is_cut)
		return "a head that cannot be decoded";
	if (!is_ours(in, h))
		return "a head for another installation";
	/* A newer epoch is right: the plane raises it before the command comes that brings it here. */
	if (epoch != 0 && h->epoch < epoch)
		return "a head of an older epoch";
	/* Bounded before they are subtracted from each other, so that nothing overflows. */
	if (h->issued_ms <= 0 || h->issued_ms > TIME_MAX_MS || h->expires_ms > TIME_MAX_MS)
		return "a head without a time";
	if (h->expires_ms <= h->issued_ms || h->expires_ms - h->issued_ms > HEAD_MAX_MS)
		return "a head that is valid for more than 10 minutes";
	/* One that is far ahead would also keep every later head from counting as newer (freshen) until its time has come. */
	if (h->issued_ms - world_wall_ms(in->w) > HEAD_AHEAD_MS)
		return "a head issued more than 2 minutes ahead of our clock";
	return NULL;
}

/* The same head, received again, does not count as younger. */
static void freshen(struct inbox *in, const struct head *h)
{
	if (h->issued_ms <= in->head_issued_ms)
		return;
	in->head_issued_ms = h->issued_ms;
	in->head_expires_ms = h->expires_ms;
	/* Measured by the monotonic clock as well: setting the wall clock back must not make an old head fresh again. */
	in->head_until_ms = world_now_ms(in->w) + HEAD_MAX_MS;
}

/* ---- cancels ---- */

bool inbox_head_calls_off(const struct inbox *in, const uint8_t id[UUID_LEN])
{
	for (size_t at = 0; at + UUID_LEN <= in->cancelled.len; at += UUID_LEN)
		if (memcmp(in->cancelled.data + at, id, UUID_LEN) == 0)
			return true;
	return false;
}

/* Room is made first, so that no id of this head pushes out another id of the same head. */
static void make_room(struct inbox *in, size_t ids)
{
	size_t max = (size_t)KEPT_MAX * UUID_LEN, want = ids * UUID_LEN, drop;

	if (in->cancelled.len + want <= max)
		return;
	drop = in->cancelled.len + want - max;
	memmove(in->cancelled.data, in->cancelled.data + drop, in->cancelled.len - drop);
	in->cancelled.len -= drop;
}

/* For commands that come later: a cancel counts before its command, or with it. */
static void remember(struct inbox *in, const struct head *h)
{
	make_room(in, h->ids_n);
	for (size_t i = 0; i < h->ids_n; i++)
		if (!inbox_head_calls_off(in, h->ids[i]))
			buf_add(&in->cancelled, h->ids[i], UUID_LEN);
}

/* Most heads are the one before once more. A cancel is asked for again all the same: its record may have had no room. */
static void cancel(struct inbox *in, const struct head *h, const struct digest *body)
{
	for (size_t i = 0; i < h->ids_n; i++)
		ops_cancel(in->ops, h->ids[i]);
	if (!digest_eq(&in->head_digest, body))
		remember(in, h);
	in->head_digest = *body;
}

/* ---- the head ---- */

static void complain(struct inbox *in, const struct digest *body, const char *reason)
{
	uint64_t now = world_now_ms(in->w);
	struct inbox_told *t = in->told;

	while (t->reason != NULL && t->reason != reason) /* they are constants */
		t++;
	assert(t < in->told + ARRAY_LEN(in->told));
	if (t->reason == reason && now - t->at_ms < TOLD_EVERY_MS) {
		inbox_refuse_quietly(in, body, reason);
		return;
	}
	*t = (struct inbox_told){ reason, now };
	inbox_refuse(in, body, reason);
}

void inbox_head_take(struct inbox *in, const signed_t *s)
{
	struct digest d = digest_of(s->body.data, s->body.len);
	const char *stale;
	struct head h;

	if (!trust_verify(in->trust, TRUST_HEAD, SIGN_DOMAIN_HEAD, &d, s)) {
		complain(in, &d, "a head without a valid signature of a head key");
		return;
	}
	read_head(&s->body, &h);
	/* Before anything about clock and epoch is asked: a machine with a wrong clock must hear a cancel, too. */
	cancel(in, &h, &d);
	stale = stale_because(in, &h);
	if (stale == NULL)
		freshen(in, &h);
	else
		complain(in, &d, stale);
	if (h.has_more)
		complain(in, &d, "a head with more than 1,024 cancels: those behind them do not count");
}

bool inbox_head_is_fresh(const struct inbox *in)
{
	return in->head_expires_ms > world_wall_ms(in->w) && in->head_until_ms > world_now_ms(in->w);
}
