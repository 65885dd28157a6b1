/* scene_look.c - commands that only look, between all others and through every trouble: whatever else happens, a look ends, and one
 * that ended well brought the bytes whose digest it names. That they read the same each time they are told the vendor sees to. */
#include "agent/base/gzip.h"
#include "agent/base/json.h"
#include "tests/sim/scene_impl.h"
#include "tests/sim/tally.h"

#define LIVES_MS (12ll * 3600 * 1000)
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

typedef Reeve__Control__V1__Status status_t;

static void issue(struct scene *s)
{
	Reeve__Control__V1__InventoryGet g = REEVE__CONTROL__V1__INVENTORY_GET__INIT;
	struct vendor_order v = { .verb = REEVE__CONTROL__V1__VERB__INVENTORY_GET, .lives_ms = LIVES_MS };
	uint8_t bytes[64];

	g.warehouse = (char *)(odds_one_in(&s->odds, 2) ? "wh-1" : "");
	v.target = g.warehouse;
	v.args = bytes;
	v.args_len = reeve__control__v1__inventory_get__pack(&g, bytes);
	s->looks[s->looks_n++] = vendor_issue(s->vendor, &v);
	tally(TALLY_WANT_LOOK);
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

/*  SUCCEEDED            its bytes are whole
 *  FAILED               AWS, or the disk, gave it nothing
 *  EXPIRED              it had no policy, or another clock, for so long
 *  anything else        broken: the policy allows it, it changes nothing, and nobody has cancelled it */
static void judge(struct scene *s, const struct vendor_command *c)
{
	status_t *st = reeve__control__v1__status__unpack(NULL, c->result.len, (const uint8_t *)c->result.data);

	if (st->state == STATE(SUCCEEDED) && !is_whole(st->output))
		odds_broken(&s->odds, "look %llu ended well, and its bytes are not those that it names",
			    (unsigned long long)c->seq);
	if (st->state != STATE(SUCCEEDED) && st->state != STATE(FAILED) && st->state != STATE(EXPIRED))
		odds_broken(&s->odds, "look %llu ended %s", (unsigned long long)c->seq, vendor_state_name(st->state));
	if (st->state == STATE(SUCCEEDED))
		tally(TALLY_LOOK_WHOLE);
	reeve__control__v1__status__free_unpacked(st, NULL);
}

void scene_look_tick(struct scene *s)
{
	uint64_t now = world_now_ms(s->w);

	/* Only while something else is still to come: the end of the script does not wait for new ones. */
	if (s->looks_n < s->looks_wanted && now >= s->next_look_ms && s->issued > 0 && s->issued < s->orders_n) {
		issue(s);
		s->next_look_ms = now + odds_between(&s->odds, 1000, 600000);
	}
	for (; s->looks_judged < s->looks_n && vendor_has_result(s->looks[s->looks_judged]); s->looks_judged++)
		judge(s, s->looks[s->looks_judged]);
}

void scene_look_make(struct scene *s)
{
	if (s->odds.per_mille[TALLY_WANT_LOOK] > 0)
		s->looks_wanted = (size_t)odds_between(&s->odds, 1, SCENE_LOOKS_MAX);
	s->next_look_ms = odds_between(&s->odds, 1000, 300000);
}
