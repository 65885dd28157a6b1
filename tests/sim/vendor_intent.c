/* vendor_intent.c - commands out, reports in. */
#include "tests/sim/vendor_sim_impl.h"

#define HEAD_LIVES_MS 600000
#define HEAD_EACH_MS 60000
#define CANCELS_MAX 32

typedef Reeve__Control__V1__Signed signed_t;
typedef Reeve__Control__V1__Sig sig_t;
typedef Reeve__Control__V1__Status status_t;
typedef Reeve__Control__V1__State state_t;

const char *vendor_state_name(state_t state)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&reeve__control__v1__state__descriptor, (int)state);

	return v != NULL ? v->name : "?";
}

/* ---- signing ---- */

static void add_sig(sig_t *sig, uint8_t room[SIGN_ID_LEN + SIGN_SIG_LEN], const struct sign_key *k, const char *domain,
		    const struct buf *body)
{
	reeve__control__v1__sig__init(sig);
	sign_key_id(&k->pub, room);
	sign_body(k, domain, body->data, body->len, room + SIGN_ID_LEN, NULL);
	sig->key_id = (ProtobufCBinaryData){ SIGN_ID_LEN, room };
	sig->alg = REEVE__CONTROL__V1__ALG__ED25519;
	sig->sig = (ProtobufCBinaryData){ SIGN_SIG_LEN, room + SIGN_ID_LEN };
}

static void pack_signed(const struct buf *body, sig_t *const *sigs, size_t n, struct buf *to)
{
	signed_t s = REEVE__CONTROL__V1__SIGNED__INIT;
	size_t len;

	s.body = (ProtobufCBinaryData){ body->len, (uint8_t *)body->data };
	s.sigs = (sig_t **)sigs;
	s.n_sigs = n;
	len = reeve__control__v1__signed__get_packed_size(&s);
	reeve__control__v1__signed__pack(&s, (uint8_t *)buf_room(to, len));
	buf_grew(to, len);
}

static void pack_command(struct vendor_sim *v, const struct vendor_command *c, const struct vendor_order *o, struct buf *to)
{
	Reeve__Control__V1__Command m = REEVE__CONTROL__V1__COMMAND__INIT;
	Reeve__Control__V1__Binding b = REEVE__CONTROL__V1__BINDING__INIT;
	size_t len;

	b.installation = (char *)(o->flaw == FLAW_BINDING ? "inst-2" : VENDOR_INSTALLATION);
	b.account = (char *)AWS_ACCOUNT;
	b.region = (char *)AWS_REGION;
	b.role_id = (char *)AWS_ROLE_ID;
	m.schema = 1;
	m.binding = &b;
	m.epoch = c->epoch;
	m.seq = c->seq;
	m.command_id = (ProtobufCBinaryData){ UUID_LEN, (uint8_t *)c->id };
	m.verb = (Reeve__Control__V1__Verb)o->verb;
	m.args = (ProtobufCBinaryData){ o->args_len, (uint8_t *)o->args };
	m.target = (char *)o->target;
	m.expires_at = aws_sim_wall_ms(v->aws) + o->lives_ms;
	m.deadline_s = o->deadline_s;
	m.mode = o->plan_only ? REEVE__CONTROL__V1__MODE__PLAN : REEVE__CONTROL__V1__MODE__EXECUTE;
	m.requested_by = (char *)"sim";
	len = reeve__control__v1__command__get_packed_size(&m);
	reeve__control__v1__command__pack(&m, (uint8_t *)buf_room(to, len));
	buf_grew(to, len);
}

static uint64_t accepted(const struct vendor_sim *v)
{
	return v->agent_epoch == v->epoch ? v->agent_accepted : 0;
}

bool vendor_may_raise_epoch(const struct vendor_sim *v)
{
	return accepted(v) > 0 && accepted(v) == v->next_seq - 1;
}

void vendor_raise_epoch(struct vendor_sim *v)
{
	v->epoch++;
	v->next_seq = 1;
	v->acked = 0;
}

/* A flawed command takes the number of a good one. That of a higher epoch would be a good one as well for an agent that knows
 * no epoch yet, and so the scene gives it only once the agent does. */
static void number(struct vendor_sim *v, struct vendor_command *c)
{
	c->epoch = v->epoch + (c->flaw == FLAW_EPOCH);
	c->seq = c->flaw == FLAW_EPOCH ? 1 : v->next_seq;
	v->next_seq += c->flaw == FLAW_NONE;
}

struct vendor_command *vendor_issue(struct vendor_sim *v, const struct vendor_order *o)
{
	CLEANUP(buf_close) struct buf body = BUF_MAX(1u << 20);
	struct vendor_command *c = &v->commands[v->n++];
	uint8_t random[10], room[2][SIGN_ID_LEN + SIGN_SIG_LEN];
	sig_t sigs[2], *list[2] = { &sigs[0], &sigs[1] };

	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)sim_random(v->w);
	*c = (struct vendor_command){
		.flaw = o->flaw, .packed = BUF_MAX(1u << 20), .with_release = BUF_MAX(1u << 20), .result = BUF_MAX(1u << 20)
	};
	c->verb = o->verb;
	c->plan_only = o->plan_only;
	snprintf(c->target, sizeof(c->target), "%s", o->target);
	number(v, c);
	uuid_v7(aws_sim_wall_ms(v->aws), random, c->id);
	uuid_text(c->id, c->id_text);
	pack_command(v, c, o, &body);
	add_sig(&sigs[0], room[0], o->flaw == FLAW_KEY ? &v->stranger : &v->command, SIGN_DOMAIN_COMMAND, &body);
	add_sig(&sigs[1], room[1], &v->release, SIGN_DOMAIN_COMMAND, &body);
	if (o->flaw == FLAW_SIGNATURE)
		room[0][SIGN_ID_LEN + 7] ^= 4;
	pack_signed(&body, list, o->two_keys && o->flaw != FLAW_EPOCH ? 2 : 1, &c->packed);
	c->body = digest_of(body.data, body.len);
	pack_signed(&body, list, 2, &c->with_release);
	v->news = true;
	return c;
}

void vendor_cancel(struct vendor_sim *v, struct vendor_command *c)
{
	c->cancelled = true;
	v->news = true;
}

/* ---- the intent ---- */

static void sign_head(struct vendor_sim *v)
{
	Reeve__Control__V1__Head h = REEVE__CONTROL__V1__HEAD__INIT;
	CLEANUP(buf_close) struct buf body = BUF_MAX(65536);
	ProtobufCBinaryData cancels[CANCELS_MAX];
	uint8_t room[SIGN_ID_LEN + SIGN_SIG_LEN];
	sig_t sig, *list[1] = { &sig };
	size_t len;

	h.installation = (char *)VENDOR_INSTALLATION;
	h.epoch = v->head_epoch = v->epoch;
	h.last_seq = v->next_seq - 1;
	h.issued_at = aws_sim_wall_ms(v->aws);
	h.expires_at = h.issued_at + HEAD_LIVES_MS;
	h.cancelled = cancels;
	for (size_t i = 0; i < v->n && h.n_cancelled < CANCELS_MAX; i++)
		if (v->commands[i].cancelled)
			cancels[h.n_cancelled++] = (ProtobufCBinaryData){ UUID_LEN, v->commands[i].id };
	len = reeve__control__v1__head__get_packed_size(&h);
	reeve__control__v1__head__pack(&h, (uint8_t *)buf_room(&body, len));
	buf_grew(&body, len);
	add_sig(&sig, room, &v->head, SIGN_DOMAIN_HEAD, &body);
	buf_reset(&v->head_packed);
	pack_signed(&body, list, 1, &v->head_packed);
	v->head_ms = world_now_ms(v->w);
	v->head_cancels = h.n_cancelled;
}

static bool is_head_old(const struct vendor_sim *v)
{
	size_t cancels = 0;

	for (size_t i = 0; i < v->n; i++)
		cancels += v->commands[i].cancelled;
	return v->head_packed.len == 0 || v->head_epoch != v->epoch || world_now_ms(v->w) - v->head_ms > HEAD_EACH_MS ||
	       cancels != v->head_cancels;
}

static bool is_offered(const struct vendor_sim *v, const struct vendor_command *c)
{
	bool is_open = c->flaw == FLAW_NONE ? c->epoch == v->epoch && c->seq > accepted(v) : !c->seen;

	return world_now_ms(v->w) >= c->shown_ms && is_open;
}

static void shuffle(struct vendor_sim *v, signed_t **list, size_t n)
{
	tally(TALLY_VENDOR_SHUFFLED);
	for (size_t i = n; i > 1; i--) {
		size_t k = sim_random(v->w) % i;
		signed_t *t = list[i - 1];

		list[i - 1] = list[k];
		list[k] = t;
	}
}

static void keep(struct vendor_sim *v, const struct buf *intent)
{
	struct buf *old = &v->old[v->old_n++ % VENDOR_OLD_MAX];

	*old = old->max != 0 ? *old : BUF_MAX(4u << 20);
	buf_reset(old);
	buf_add(old, intent->data, intent->len);
}

/* What is stored of those in the newest report and the number leaves out: behind a gap, or of another epoch. */
static size_t add_acked_ids(struct vendor_sim *v, ProtobufCBinaryData ids[VENDOR_COMMANDS_MAX + VENDOR_LOCALS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		struct vendor_command *c = &v->commands[i];

		if (c->is_told && vendor_has_result(c) && (c->epoch != v->epoch || c->seq > v->acked))
			ids[n++] = (ProtobufCBinaryData){ UUID_LEN, c->id };
	}
	return vendor_add_locals(v, ids, n);
}

static void pack_intent(struct vendor_sim *v, signed_t **list, size_t n, signed_t *head, struct buf *to)
{
	Reeve__Control__V1__Intent m = REEVE__CONTROL__V1__INTENT__INIT;
	ProtobufCBinaryData ids[VENDOR_COMMANDS_MAX + VENDOR_LOCALS_MAX];
	size_t len;

	m.epoch = v->epoch;
	m.head = head;
	m.commands = list;
	m.n_commands = n;
	m.result_acked_through = v->acked;
	m.results_acked = ids;
	m.n_results_acked = add_acked_ids(v, ids);
	len = reeve__control__v1__intent__get_packed_size(&m);
	reeve__control__v1__intent__pack(&m, (uint8_t *)buf_room(to, len));
	buf_grew(to, len);
}

void vendor_intent(struct vendor_sim *v, struct buf *to)
{
	signed_t *list[VENDOR_COMMANDS_MAX + 1], *head;
	size_t n = 0;

	if (v->old_n >= VENDOR_OLD_MAX && odds_hit(v->odds, TALLY_VENDOR_STALE)) {
		const struct buf *old = &v->old[sim_random(v->w) % VENDOR_OLD_MAX];

		buf_add(to, old->data, old->len);
		return;
	}
	if (is_head_old(v) && !(v->head_packed.len > 0 && odds_hit(v->odds, TALLY_VENDOR_NO_HEAD)))
		sign_head(v);
	for (size_t i = 0; i < v->n; i++)
		if (is_offered(v, &v->commands[i]))
			list[n++] = reeve__control__v1__signed__unpack(NULL, v->commands[i].packed.len,
								       (const uint8_t *)v->commands[i].packed.data);
	head = reeve__control__v1__signed__unpack(NULL, v->head_packed.len, (const uint8_t *)v->head_packed.data);
	if (n > 1 && odds_hit(v->odds, TALLY_VENDOR_SHUFFLED))
		shuffle(v, list, n);
	if (n > 0 && odds_hit(v->odds, TALLY_VENDOR_TWICE)) {
		list[n] = list[0];
		pack_intent(v, list, n + 1, head, to);
	} else {
		pack_intent(v, list, n, head, to);
	}
	keep(v, to);
	for (size_t i = 0; i < n; i++)
		reeve__control__v1__signed__free_unpacked(list[i], NULL);
	reeve__control__v1__signed__free_unpacked(head, NULL);
}

bool vendor_is_news(const struct vendor_sim *v)
{
	if (v->news)
		return true;
	for (size_t i = 0; i < v->n; i++)
		if (v->commands[i].flaw == FLAW_NONE && is_offered(v, &v->commands[i]))
			return true;
	return false;
}

/* ---- the report ---- */

static bool is_terminal(state_t state)
{
	return state >= REEVE__CONTROL__V1__STATE__SUCCEEDED;
}

bool vendor_has_result(const struct vendor_command *c)
{
	return c->result.len > 0;
}

static struct vendor_command *command_of(struct vendor_sim *v, const ProtobufCBinaryData *id)
{
	for (size_t i = 0; i < v->n; i++)
		if (id->len == UUID_LEN && memcmp(v->commands[i].id, id->data, UUID_LEN) == 0)
			return &v->commands[i];
	return NULL;
}

static void keep_result(struct vendor_sim *v, struct vendor_command *c, const status_t *s, const struct buf *packed)
{
	buf_add(&c->result, packed->data, packed->len);
	snprintf(c->note, sizeof(c->note), "%s", s->note);
	snprintf(c->error, sizeof(c->error), "%s", s->error != NULL ? s->error->message : "");
	c->error_class = s->error != NULL ? (int)s->error->class_ : 0;
	v->news = true; /* the acknowledgement */
}

/* n of m: never more than all, and all of it where a plan was carried out to its end. */
static void see_progress(struct vendor_sim *v, const struct vendor_command *c, const status_t *s)
{
	bool is_whole = s->steps_done == s->steps_total;

	if (s->steps_done > s->steps_total || (s->state == REEVE__CONTROL__V1__STATE__SUCCEEDED && s->started_at != 0 && !is_whole))
		odds_broken(v->odds, "command %llu %s with %u of %u steps", (unsigned long long)c->seq, vendor_state_name(s->state),
			    s->steps_done, s->steps_total);
}

static void take_status(struct vendor_sim *v, const status_t *s)
{
	CLEANUP(buf_close) struct buf packed = BUF_MAX(1u << 20);
	struct vendor_command *c = command_of(v, &s->command_id);
	size_t len = reeve__control__v1__status__get_packed_size(s);

	reeve__control__v1__status__pack(s, (uint8_t *)buf_room(&packed, len));
	buf_grew(&packed, len);
	if (c == NULL && vendor_take_local(v, s, &packed))
		return;
	if (c == NULL || c->flaw != FLAW_NONE || s->seq != c->seq || s->epoch != c->epoch) {
		odds_broken(v->odds, "a status of a command that was never validly sent");
		return;
	}
	if (vendor_has_result(c) && !is_terminal(s->state))
		odds_broken(v->odds, "command %llu had ended %s and is now %s", (unsigned long long)c->seq,
			    vendor_state_name(c->state), vendor_state_name(s->state));
	else if (vendor_has_result(c) && (packed.len != c->result.len || memcmp(packed.data, c->result.data, packed.len) != 0))
		odds_broken(v->odds, "the result of command %llu reads differently the second time", (unsigned long long)c->seq);
	else if (!vendor_has_result(c) && is_terminal(s->state))
		keep_result(v, c, s, &packed);
	if (is_terminal(s->state) && !c->is_told && c->epoch < v->agent_epoch)
		tally(TALLY_EPOCH_RESULT);
	if (c->state != s->state)
		sim_trace(v->w, "status %llu %s %s", (unsigned long long)c->seq, vendor_state_name(s->state),
			  s->error != NULL ? s->error->message : "");
	see_progress(v, c, s);
	c->state = s->state;
	c->seen = c->is_told = true;
}

/* All of an epoch is accepted before the next one begins. */
static void take_accepted(struct vendor_sim *v, const Reeve__Control__V1__Report *r)
{
	if (r->epoch < v->agent_epoch || r->epoch > v->epoch)
		odds_broken(v->odds, "a report of epoch %llu, was %llu, of %llu", (unsigned long long)r->epoch,
			    (unsigned long long)v->agent_epoch, (unsigned long long)v->epoch);
	if (r->epoch > v->agent_epoch)
		v->agent_accepted = 0;
	v->agent_epoch = r->epoch;
	if (r->accepted_through < v->agent_accepted || (r->epoch == v->epoch && r->accepted_through >= v->next_seq) ||
	    (r->epoch < v->epoch && r->accepted_through > v->agent_accepted))
		odds_broken(v->odds, "accepted through %llu, was %llu, of %llu", (unsigned long long)r->accepted_through,
			    (unsigned long long)v->agent_accepted, (unsigned long long)v->next_seq - 1);
	v->agent_accepted = r->accepted_through;
}

static void take_journal(struct vendor_sim *v, const Reeve__Control__V1__JournalHead *h)
{
	if (h == NULL || h->sha256.len != DIGEST_LEN)
		return;
	if (h->seq < v->journal_seq)
		odds_broken(v->odds, "the journal went back from %llu to %llu", (unsigned long long)v->journal_seq,
			    (unsigned long long)h->seq);
	if (h->seq == v->journal_seq && memcmp(h->sha256.data, v->journal_sha.b, DIGEST_LEN) != 0)
		odds_broken(v->odds, "journal record %llu was written twice", (unsigned long long)h->seq);
	v->journal_seq = h->seq;
	memcpy(v->journal_sha.b, h->sha256.data, DIGEST_LEN);
}

static void ack(struct vendor_sim *v)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (size_t i = 0; i < v->n; i++)
			if (v->commands[i].flaw == FLAW_NONE && v->commands[i].epoch == v->epoch &&
			    v->commands[i].seq == v->acked + 1 && vendor_has_result(&v->commands[i])) {
				v->acked++;
				moved = true;
			}
	}
}

/* What is older than the agent's first record wants the release key's signature as well (docs/wire.md section 11). */
static void take_refusal(struct vendor_sim *v, const Reeve__Control__V1__Refusal *r)
{
	for (size_t k = 0; k < v->n; k++) {
		struct vendor_command *c = &v->commands[k];
		bool is_it = r->digest.len == DIGEST_LEN && memcmp(r->digest.data, c->body.b, DIGEST_LEN) == 0;

		if (c->flaw != FLAW_NONE) {
			c->seen = true;
		} else if (is_it && !c->is_old && str_starts(r->reason, "older than this agent")) {
			c->is_old = true;
			buf_close(&c->packed);
			c->packed = c->with_release;
			c->with_release = (struct buf){ 0 };
			v->news = true;
		}
	}
}

void vendor_take_report(struct vendor_sim *v, const void *p, size_t len)
{
	Reeve__Control__V1__Report *r = reeve__control__v1__report__unpack(NULL, len, p);

	if (r == NULL) {
		odds_broken(v->odds, "a report that cannot be decoded");
		return;
	}
	take_accepted(v, r);
	take_journal(v, r->journal_head);
	for (size_t i = 0; i < v->n; i++)
		v->commands[i].is_told = false;
	for (size_t i = 0; i < v->locals_n; i++)
		v->locals[i].is_told = false;
	for (size_t i = 0; i < r->n_statuses; i++)
		take_status(v, r->statuses[i]);
	for (size_t i = 0; i < r->n_refusals; i++)
		take_refusal(v, r->refusals[i]);
	vendor_see_warehouses(v, r);
	ack(v);
	reeve__control__v1__report__free_unpacked(r, NULL);
}

bool vendor_is_told(const struct vendor_sim *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->commands[i].is_told)
			return true;
	return vendor_tells_locals(v);
}

bool vendor_has_all(const struct vendor_sim *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->commands[i].flaw == FLAW_NONE && !vendor_has_result(&v->commands[i]))
			return false;
	return true;
}
