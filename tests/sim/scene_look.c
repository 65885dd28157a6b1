/* scene_look.c - commands that change nothing in AWS, between all others and through every trouble: each ends, whatever happens;
 * a look that ended well brought the bytes whose digest it names (that they read the same each time they are told the vendor sees
 * to), and a bundle that was sent with both keys, and no other, has come. */
#include "agent/base/gzip.h"
#include "agent/base/json.h"
#include "tests/sim/scene_impl.h"
#include "tests/sim/tally.h"

#define LIVES_MS (12ll * 3600 * 1000)
#define STATE(name) REEVE__CONTROL__V1__STATE__##name
#define VERB(name) REEVE__CONTROL__V1__VERB__##name

typedef Reeve__Control__V1__Status status_t;

static void issue(struct scene *s, struct vendor_order v)
{
	struct scene_look *l = &s->looks[s->looks_n++];

	v.lives_ms = LIVES_MS;
	l->verb = v.verb;
	l->two_keys = v.two_keys;
	l->cmd = vendor_issue(s->vendor, &v);
}

static void issue_inventory(struct scene *s)
{
	Reeve__Control__V1__InventoryGet g = REEVE__CONTROL__V1__INVENTORY_GET__INIT;
	uint8_t bytes[64];

	g.warehouse = (char *)(odds_one_in(&s->odds, 2) ? "wh-1" : "");
	issue(s, (struct vendor_order){ .verb = VERB(INVENTORY_GET),
					.target = g.warehouse,
					.args = bytes,
					.args_len = reeve__control__v1__inventory_get__pack(&g, bytes) });
	tally(TALLY_WANT_LOOK);
}

static void issue_collect(struct scene *s)
{
	Reeve__Control__V1__DiagCollect c = REEVE__CONTROL__V1__DIAG_COLLECT__INIT;
	uint8_t bytes[64];

	c.hours = (uint32_t)odds_between(&s->odds, 0, 48);
	issue(s, (struct vendor_order){ .verb = VERB(DIAG_COLLECT),
					.target = "",
					.args = bytes,
					.args_len = reeve__control__v1__diag_collect__pack(&c, bytes) });
	tally(TALLY_WANT_DIAG);
}

/* Of the bundle that was made last. */
static void issue_send(struct scene *s)
{
	Reeve__Control__V1__DiagSend d = REEVE__CONTROL__V1__DIAG_SEND__INIT;
	bool two_keys = !odds_one_in(&s->odds, 4);
	uint8_t bytes[64];

	d.sha256 = (ProtobufCBinaryData){ DIGEST_LEN, s->bundle.b };
	issue(s, (struct vendor_order){ .verb = VERB(DIAG_SEND),
					.target = "",
					.two_keys = two_keys,
					.args = bytes,
					.args_len = reeve__control__v1__diag_send__pack(&d, bytes) });
	s->has_bundle = false;
}

static bool is_whole(const Reeve__Control__V1__Output *o)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(4u << 20);
	CLEANUP(json_close) json_t *j = NULL;
	struct digest d;

	if (o == NULL || o->gzip.len == 0 || o->sha256.len != DIGEST_LEN || o->size_bytes != o->gzip.len)
		return false;
	d = digest_of(o->gzip.data, o->gzip.len);
	return memcmp(d.b, o->sha256.data, DIGEST_LEN) == 0 && gzip_unpack(o->gzip.data, o->gzip.len, &text, NULL) == 0 &&
	       json_parse(text.data, text.len, "it", &j, NULL) == 0 && json_is_array(json_object_get(j, "warehouses"));
}

static void judge_done(struct scene *s, const struct scene_look *l, const status_t *st)
{
	if (l->verb == VERB(INVENTORY_GET)) {
		if (!is_whole(st->output))
			odds_broken(&s->odds, "look %llu ended well, and its bytes are not those that it names",
				    (unsigned long long)l->cmd->seq);
		tally(TALLY_LOOK_WHOLE);
	} else if (l->verb == VERB(DIAG_COLLECT)) {
		if (st->output == NULL || st->output->sha256.len != DIGEST_LEN || st->output->gzip.len > 0)
			odds_broken(&s->odds, "bundle %llu ended well without a digest, or with its bytes",
				    (unsigned long long)l->cmd->seq);
		else
			memcpy(s->bundle.b, st->output->sha256.data, DIGEST_LEN);
		s->has_bundle = true;
	} else {
		if (!l->two_keys || vendor_bundles(s->vendor) == 0)
			odds_broken(&s->odds, "bundle %llu was sent with %d keys, %llu have come", (unsigned long long)l->cmd->seq,
				    l->two_keys + 1, (unsigned long long)vendor_bundles(s->vendor));
		tally(TALLY_DIAG_SENT);
	}
}

/*  SUCCEEDED            judged above
 *  FAILED               AWS, the vendor or the disk did not let it
 *  EXPIRED              it had no policy, or another clock, for so long
 *  DENIED               a bundle, by the policy or for want of a key
 *  anything else        broken: nobody has cancelled it */
static void judge(struct scene *s, const struct scene_look *l)
{
	status_t *st = reeve__control__v1__status__unpack(NULL, l->cmd->result.len, (const uint8_t *)l->cmd->result.data);
	bool may_be_denied = l->verb != VERB(INVENTORY_GET);

	if (st->state == STATE(SUCCEEDED))
		judge_done(s, l, st);
	else if (st->state != STATE(FAILED) && st->state != STATE(EXPIRED) && !(st->state == STATE(DENIED) && may_be_denied))
		odds_broken(&s->odds, "look %llu ended %s", (unsigned long long)l->cmd->seq, vendor_state_name(st->state));
	reeve__control__v1__status__free_unpacked(st, NULL);
}

void scene_look_tick(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);

	/* Only while something else is still to come: the end of the script does not wait for new ones. */
	if (s->looks_n < s->looks_wanted && now >= s->next_look_ms && s->issued > 0 && s->issued < s->orders_n) {
		if (s->has_bundle)
			issue_send(s);
		else if (odds_one_in(&s->odds, 2))
			issue_collect(s);
		else
			issue_inventory(s);
		s->next_look_ms = now + odds_between(&s->odds, 1000, 300000);
	}
	for (; s->looks_judged < s->looks_n && vendor_has_result(s->looks[s->looks_judged].cmd); s->looks_judged++)
		judge(s, &s->looks[s->looks_judged]);
}

void scene_look_make(struct scene *s)
{
	if (s->odds.per_mille[TALLY_WANT_LOOK] > 0)
		s->looks_wanted = (size_t)odds_between(&s->odds, 1, SCENE_LOOKS_MAX);
	s->next_look_ms = odds_between(&s->odds, 1000, 120000);
}
