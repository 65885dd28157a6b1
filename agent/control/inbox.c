/* inbox.c - see inbox.h. Order of the checks: signature, decoding, the form of its members, binding, epoch, sequence;
 * only then what it says. */
#include "agent/control/inbox_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/pbguard.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "agent/ops/known.h"
#include "agent/ops/op.h"

#define SIGNED_MAX (512u << 10)
#define COMMANDS_MAX 32
#define NUMBER_MAX (1ull << 53)      /* what JSON can hold: these numbers stand in records */
#define AGE_MAX_MS (2ll * 60 * 1000) /* docs/wire.md section 11: how much older than its first start a young agent believes in */
#define BAD_MAX 4                    /* after so many commands without a valid signature the rest is not read: each costs */
/* Fields, at any depth: several times what the largest legal one has. */
#define INTENT_FIELDS 2048
#define COMMAND_FIELDS 256

void inbox_init(struct inbox *in, struct world *w, struct ops *ops, const struct trust *trust, const struct inbox_binding *b)
{
	*in = (struct inbox){ .w = w,
			      .ops = ops,
			      .trust = trust,
			      .binding = *b,
			      .last = BUF_MAX(INBOX_INTENT_MAX),
			      .cancelled = BUF_MAX(INBOX_CANCELLED_MAX) };
}

void inbox_close(struct inbox *in)
{
	buf_close(&in->last);
	buf_close(&in->cancelled);
}

/* ---- refusals: told to the vendor, and once each to the journal ---- */

static bool is_known_refusal(const struct inbox *in, const struct digest *d, const char *reason)
{
	for (size_t i = 0; i < in->refusals_n; i++)
		if (digest_eq(&in->refusals[i].digest, d) && str_eq(in->refusals[i].reason, reason))
			return true;
	return false;
}

static void push(struct inbox *in, const struct digest *body, const char *reason)
{
	struct inbox_refusal *r = in->refusals;

	memmove(r + 1, r, (INBOX_REFUSALS - 1) * sizeof(*r));
	*r = (struct inbox_refusal){ .digest = *body, .time_ms = world_wall_ms(in->w) };
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	if (in->refusals_n < INBOX_REFUSALS)
		in->refusals_n++;
}

void inbox_refuse(struct inbox *in, const struct digest *body, const char *reason)
{
	char hex[DIGEST_HEX_LEN];

	if (is_known_refusal(in, body, reason))
		return;
	/* The vendor is told in any case. The record takes a bounded number an hour (ops_note),
	 * because outsiders can cause refusals. */
	push(in, body, reason);
	digest_hex(body, hex);
	if (ops_note(in->ops, "command.refused", json_pack("{s:s, s:o}", "body_sha256", hex, "reason", json_text(reason))))
		log_warn("control.refused", "sha256=%s err=%s", hex, reason);
}

void inbox_refuse_quietly(struct inbox *in, const struct digest *body, const char *reason)
{
	/* A head that is signed anew has another digest each time: one row stands for all that fail alike, or they would
	 * push the refusals of commands out. */
	for (size_t i = 0; i < in->refusals_n; i++)
		if (str_eq(in->refusals[i].reason, reason)) {
			in->refusals[i].digest = *body;
			in->refusals[i].time_ms = world_wall_ms(in->w);
			return;
		}
	push(in, body, reason);
}

bool inbox_is_release_signed(const struct inbox *in, const void *signed_bytes, size_t len)
{
	signed_t *s = reeve__control__v1__signed__unpack(NULL, len, signed_bytes);
	struct digest d;
	bool yes;

	/* What cannot be read is signed by nobody: a command of high risk is denied then, never let through. */
	if (s == NULL)
		return false;
	d = digest_of(s->body.data, s->body.len);
	yes = trust_verify(in->trust, TRUST_RELEASE, SIGN_DOMAIN_COMMAND, &d, s);
	reeve__control__v1__signed__free_unpacked(s, NULL);
	return yes;
}

/* ---- binding, epoch, sequence ---- */

static bool is_bound_to_us(const struct inbox *in, const Reeve__Control__V1__Binding *b)
{
	return b != NULL && str_eq(b->installation, in->binding.installation) && str_eq(b->account, in->binding.account) &&
	       str_eq(b->region, in->binding.region) && str_eq(b->role_id, in->binding.role_id);
}

/* An agent without a past cannot tell an old command from a new one, except by the time in its id. */
static bool is_of_another_life(const struct inbox *in, const signed_t *s, const struct digest *d, const command_t *c)
{
	/* Old commands stay well signed until they expire. Without this, whoever kept them could have an agent that lost its
	 * journal carry them out again. The time lies inside what was signed. */
	return uuid_v7_ms(c->command_id.data) < ops_first_start_ms(in->ops) - AGE_MAX_MS &&
	       !trust_verify(in->trust, TRUST_RELEASE, SIGN_DOMAIN_COMMAND, d, s);
}

/* The first row that fits; then NULL: its epoch and number are right.
 *
 *   our epoch     of the command                                   what is done
 *   any           epoch or number is 0 or above 2^53               refused: records could not hold it
 *   any           an older epoch                                   refused
 *   none yet      a number other than 1                            refused
 *   none yet      its id is much older than this agent             refused, unless a release key signed it too
 *   we have one   a higher epoch                                   refused, unless its number is 1 and a release key signed it
 */
static const char *epoch_wrong(const struct inbox *in, const signed_t *s, const struct digest *d, const command_t *c)
{
	uint64_t epoch = ops_epoch(in->ops);

	if (c->epoch == 0 || c->epoch > NUMBER_MAX)
		return "its epoch is 0 or above 2^53";
	if (c->seq == 0 || c->seq > NUMBER_MAX)
		return "its sequence number is 0 or above 2^53";
	if (c->epoch < epoch)
		return "an older epoch";
	if (epoch == 0 && c->seq != 1)
		return "the first command of an epoch must have sequence number 1";
	if (epoch == 0 && is_of_another_life(in, s, d, c))
		return "older than this agent, which has no memory of it: sign it anew, or with a release key beside";
	if (epoch != 0 && c->epoch > epoch && (c->seq != 1 || !trust_verify(in->trust, TRUST_RELEASE, SIGN_DOMAIN_COMMAND, d, s)))
		return "a higher epoch needs a release signature and sequence number 1";
	return NULL;
}

static void note_waiting(struct inbox *in, uint64_t seq)
{
	in->is_left = true;
	if (in->waiting_n < ARRAY_LEN(in->waiting))
		in->waiting[in->waiting_n++] = seq;
}

/* Strings of protobuf-c are not checked for UTF-8; what we put into JSON must be. */
static bool is_text(const char *s, size_t most)
{
	return strlen(s) <= most && str_is_utf8(s, strlen(s));
}

/* What RFC 3339 can write; and no time before 1970. */
static bool is_time(int64_t ms)
{
	return ms >= 0 && ms <= STAMP_MAX_MS;
}

/* Which of its members cannot be what it is for; NULL: none. */
static const char *member_wrong(const command_t *c)
{
	/* Only an id of version 7 has a time in it, and that time must stand for ids that are no
	 * longer remembered (taken_wrong). */
	if (c->command_id.len != UUID_LEN || !uuid_is_v7(c->command_id.data))
		return "command_id is no UUIDv7 of 16 bytes";
	if (!is_text(c->target, 256) || !is_text(c->requested_by, 256) || !is_text(c->reason, 1024))
		return "target, requested_by or reason is too long or not UTF-8: at most 256, 256 and 1,024 bytes";
	if (!is_time(c->not_before) || !is_time(c->expires_at))
		return "not_before or expires_at is before 1970 or after 9999: they are Unix milliseconds";
	return NULL;
}

static void accept(struct inbox *in, const signed_t *s, command_t *c)
{
	CLEANUP(mem_close) uint8_t *bytes = mem_alloc(reeve__control__v1__signed__get_packed_size(s));
	size_t len = reeve__control__v1__signed__pack(s, bytes);
	struct err e = { 0 };
	int state = inbox_command_judge(in, c, &e);

	/* The intent is one message, so the Signed is packed again. The signature is over `body`, and
	 * those bytes stay as they came. */
	ops_accept(in->ops, c, bytes, len, state, err_text(&e));
}

/*  id             number                        what it is
    known          its own, and its own bytes    a repetition: passed over
    known          its own, on other bytes       reused or forged
    known          another one                   reused or forged
    not known      at or below the highest one   the number is taken
    not known      above that                    new, unless it may be one that is forgotten
 */
static bool is_repeated(struct inbox *in, const struct digest *d, const command_t *c)
{
	const struct known_command *k = known_by_id(ops_known(in->ops), c->command_id.data);

	return k != NULL && k->epoch == c->epoch && k->seq == c->seq && known_is_body(k, d);
}

static const char *taken_wrong(struct inbox *in, const command_t *c, char text[128])
{
	const struct known *all = ops_known(in->ops);
	const struct known_command *by = known_by_seq(all, c->epoch, c->seq);
	char id[UUID_TEXT_LEN];

	if (known_by_id(all, c->command_id.data) != NULL)
		return "the id of another command";
	/* In a higher epoch numbers begin anew, so none of it is taken yet. */
	if (c->epoch == ops_epoch(in->ops) && c->seq <= ops_accepted(in->ops)) {
		snprintf(text, 128, "sequence number %llu is taken already, by %s", (unsigned long long)c->seq,
			 by != NULL ? uuid_text(by->id, id) : "a command whose id is no longer remembered");
		return text;
	}
	/* An id that is no longer remembered cannot be compared. Whatever is not newer than the
	 * newest of those may be one of them. */
	if (uuid_v7_ms(c->command_id.data) <= all->forgotten_ms)
		return "an id no newer than those that are no longer remembered: sign it anew";
	return NULL;
}

/* Before the first command is durable there is no epoch by which another one could be judged. */
static bool is_early(const struct inbox *in)
{
	return ops_epoch(in->ops) == 0 && ops_is_accepting(in->ops);
}

/* Takes the command or leaves it; c is freed here unless it was taken. The first row that fits:
 *
 *   the journal's very first command is being accepted      left for inbox_again
 *   malformed, bound elsewhere, or of a wrong epoch         refused
 *   its id is known, with its own bytes                     passed over: a repetition
 *   its id or its number is taken, or its id is too old     refused
 *   it is the next one, and there is room                   accepted
 *   it is the next one, and another is being accepted       left for inbox_again
 *   it is the next one and has no room, or a later one      reported as waiting
 */
static bool consider(struct inbox *in, const signed_t *s, const struct digest *d, command_t *c)
{
	const char *wrong = member_wrong(c);
	char text[128];
	uint64_t next = c->epoch == ops_epoch(in->ops) ? ops_accepted(in->ops) + 1 : 1;

	if (wrong == NULL && !is_bound_to_us(in, c->binding))
		wrong = "bound to another installation, account, region or role";
	if (wrong == NULL)
		wrong = epoch_wrong(in, s, d, c);
	/* Which epoch is right is known when the first acceptance is durable. What looks wrong now may be
	 * right then, so it is not refused. */
	if (is_early(in)) {
		in->is_left = true;
		return false;
	}
	/* Before taken_wrong: a plane offers a command until it knows that it was accepted, and that
	 * would be refused as a used number. */
	if (wrong == NULL && is_repeated(in, d, c))
		return false;
	if (wrong == NULL)
		wrong = taken_wrong(in, c, text);
	if (wrong != NULL) {
		inbox_refuse(in, d, wrong);
	} else if (c->seq == next && ops_has_room_for(in->ops, reeve__control__v1__signed__get_packed_size(s))) {
		accept(in, s, c);
		return true;
	} else if (c->seq == next && ops_is_accepting(in->ops)) {
		in->is_left = true; /* it is being accepted right now, or comes behind that one */
	} else if (c->seq >= next) {
		note_waiting(in, c->seq);
	}
	return false;
}

static command_t *decode_command(const ProtobufCBinaryData *body)
{
	const ProtobufCMessageDescriptor *d = &reeve__control__v1__command__descriptor;

	/* A signed body has a limit as well: whoever holds the key can make mistakes, too. `args` is bytes here, and what is
	 * in them is counted where they are decoded. */
	if (pbguard_check(d, body->data, body->len, COMMAND_FIELDS, "a command", NULL) != 0)
		return NULL;
	return reeve__control__v1__command__unpack(NULL, body->len, body->data);
}

/* Tells whether a command key has signed it. */
static bool take_command(struct inbox *in, const signed_t *s)
{
	struct digest d = digest_of(s->body.data, s->body.len);
	struct err e = { 0 };
	command_t *c;

	/* The accepting record holds all of it as base64, and no record may be larger than JOURNAL_RECORD_MAX. */
	if (reeve__control__v1__signed__get_packed_size(s) > SIGNED_MAX) {
		inbox_refuse(in, &d, "a command that is too large, its signatures included");
		return false;
	}
	if (!trust_verify(in->trust, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, &d, s)) {
		inbox_refuse(in, &d, "a command without a valid signature of a command key");
		return false;
	}
	/* Decoded only now, so that nothing looks into a command that no trusted key has signed. */
	c = decode_command(&s->body);
	if (c != NULL && pbguard_texts(&reeve__control__v1__command__descriptor, s->body.data, s->body.len, "a command", &e) != 0) {
		inbox_refuse(in, &d, err_text(&e));
		reeve__control__v1__command__free_unpacked(c, NULL);
	} else if (c == NULL)
		inbox_refuse(in, &d, "a command that cannot be decoded");
	else if (!consider(in, s, &d, c))
		reeve__control__v1__command__free_unpacked(c, NULL);
	return true;
}

static void take_all(struct inbox *in, const intent_t *i)
{
	unsigned bad = 0;

	/* The head comes first: a command and its cancel may come in one intent, and then the command is accepted
	 * as cancelled and never starts. */
	if (i->head != NULL)
		inbox_head_take(in, i->head);
	/* A number means something within its epoch alone. Results of older epochs are acknowledged by their ids. */
	if (i->epoch == ops_epoch(in->ops))
		ops_acked(in->ops, i->result_acked_through);
	ops_acked_ids(in->ops, i->results_acked, i->n_results_acked);
	in->waiting_n = 0;
	in->is_left = false;
	for (size_t k = 0; k < i->n_commands && k < COMMANDS_MAX && bad < BAD_MAX; k++)
		bad += !take_command(in, i->commands[k]);
}

/* A large intent that leaves nothing to do is not kept. */
static void keep(struct inbox *in, const void *intent, size_t len)
{
	/* Kept as bytes: decoded it may take many times as much memory, and it is kept for as long as there is no room. */
	if (!in->is_left) {
		buf_close(&in->last);
		in->last = BUF_MAX(INBOX_INTENT_MAX);
	} else if (intent != in->last.data) {
		buf_reset(&in->last);
		buf_add(&in->last, intent, len);
	}
}

int inbox_take(struct inbox *in, const void *intent, size_t len, struct err *e)
{
	const ProtobufCMessageDescriptor *d = &reeve__control__v1__intent__descriptor;
	intent_t *i;

	if (len > INBOX_INTENT_MAX)
		return err_set(e, ERR_LIMIT, "an intent of %zu bytes; at most %u are read", len, INBOX_INTENT_MAX);
	/* Counted before it is unpacked: on the wire a field may be two bytes, in memory it is a struct. */
	TRY(pbguard_check(d, intent, len, INTENT_FIELDS, "the vendor's intent", e));
	i = reeve__control__v1__intent__unpack(NULL, len, intent);
	if (i == NULL)
		return err_set(e, ERR_INVALID, "the vendor's intent cannot be decoded");
	take_all(in, i);
	reeve__control__v1__intent__free_unpacked(i, NULL);
	keep(in, intent, len);
	return 0;
}

void inbox_again(struct inbox *in)
{
	/* Commands are accepted one at a time. Without this each would wait for a poll of its own,
	 * although it came with the others. */
	if (in->is_left && ops_has_room(in->ops))
		err_ignore(inbox_take(in, in->last.data, in->last.len, NULL), "it was decodable when it came");
}
