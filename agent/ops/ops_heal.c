/* ops_heal.c - what the patrol finds, and what the agent does about it by itself: a lost node is replaced, if the spec that stands
 * wants that and the customer's policy lets it. Everything else waits for an apply. */
#include "agent/base/digest.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/pbpack.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "agent/ops/ops_impl.h"

#define AGAIN_MS (15ll * 60 * 1000) /* after one that has failed; after each further one twice as long, four hours at most */
#define AGAIN_TURNS 4
#define STARTED_TURNS 2 /* what was started may have met a shortage that passes: an hour at most */
#define LEFT_MAX 256
#define OPEN_SPARE 8 /* places that are left to the vendor's commands */

typedef Reeve__Control__V1__Heal heal_t;

static bool is_changing(void *ctx, const char *warehouse)
{
	const struct ops *o = ctx;

	for (size_t i = 0; i < o->n; i++)
		if (op_is_under_way(o->v[i]) && !op_is_read(o->v[i]) && str_eq(op_warehouse(o->v[i]), warehouse))
			return true;
	return false;
}

/* Monotonic: a wall clock that is set back must not keep a node unhealed. */
static int64_t now_ms(const struct ops *o)
{
	return (int64_t)world_now_ms(o->cfg.w);
}

static const char *policy_text(const struct ops *o, char to[DIGEST_HEX_LEN])
{
	return digest_hex(&ops_policy(o)->digest, to);
}

static bool is_same_policy(const struct ops *o, const json_t *begun)
{
	char hex[DIGEST_HEX_LEN];

	return str_eq(json_str_or(begun, "policy", ""), policy_text(o, hex));
}

/* How long after the last try the next one begins. By the first that holds:
 *
 *   the customer has changed the policy            at once: it may allow now what it did not
 *   it is lost in another way, or was healed       a quarter of an hour
 *   else                                           longer with each try that came to nothing: what has failed fails again  */
static int64_t wait_ms(const struct ops *o, const struct patrol_lost *lost, const json_t *begun)
{
	int64_t n = json_int_or(begun, "n", 1);

	if (!is_same_policy(o, begun))
		return 0;
	if (!str_eq(json_str_or(begun, "reason", ""), lost->reason) || n < 1)
		return AGAIN_MS;
	return AGAIN_MS << (n - 1 < AGAIN_TURNS ? n - 1 : AGAIN_TURNS);
}

/* What is open is not begun again, and what has failed only after a while: the next try has an id of its own. */
static bool is_begun(struct ops *o, const struct patrol_lost *lost, struct ops_local *l)
{
	const json_t *begun = json_object_get(o->healed, lost->instance);
	int64_t since_ms = now_ms(o) - json_int_or(begun, "ms", 0);
	uint8_t id[UUID_LEN];
	const struct op *op;

	l->number = wanted_tries(lost->wanted, lost->instance);
	ops_local_id(l, id);
	op = l->number > 0 ? ops_find(o, id) : NULL;
	l->number++;
	return (op != NULL && !op_fields(op)->is_ended) || (begun != NULL && since_ms < wait_ms(o, lost, begun));
}

/* Why the agent leaves it alone; NULL: it does not. The first that holds. */
static const char *why_not(struct ops *o, const struct patrol_lost *lost)
{
	const struct policy *p = ops_policy(o);
	const char *why;

	if (!lost->spec->self_heal)
		return "the spec does not want self_heal";
	if (ops_is_stopped(o, &why))
		return why;
	if (p->verbs[VERB_HEAL] != POLICY_AUTO)
		return "the policy does not say auto for heal";
	if (!o->cfg.head_is_fresh(o->cfg.ctx) && world_wall_ms(o->cfg.w) >= lost->spec->heal_until)
		return "the vendor is not heard, and heal_until of the spec is over";
	if (ops_open_count(o) + OPEN_SPARE >= OPS_OPEN_MAX)
		return "too much is open";
	return NULL;
}

/* Each look finds it again, and the same reason is told once. */
static bool is_news(struct ops *o, const struct patrol_lost *lost, const char *why)
{
	if (str_eq(json_str_or(o->left, lost->instance, ""), why))
		return false;
	if (json_object_size(o->left) >= LEFT_MAX)
		json_object_clear(o->left);
	json_object_set_new(o->left, lost->instance, json_text(why));
	return true;
}

static int pack(const struct patrol_lost *lost, struct buf *to)
{
	char *left[WANTED_LEFT_MAX];
	heal_t h = REEVE__CONTROL__V1__HEAL__INIT;
	const json_t *one;
	size_t i;

	h.spec = (spec_t *)lost->spec;
	h.cluster = (char *)lost->cluster;
	h.instance = (char *)lost->instance;
	h.reason = (char *)lost->reason;
	h.is_sick = lost->is_sick;
	h.left = left;
	json_array_foreach(lost->wanted->left, i, one)
		if (h.n_left < WANTED_LEFT_MAX && json_is_string(one))
			left[h.n_left++] = (char *)json_string_value(one);
	return pbpack_add(&h.base, to);
}

static void note_begun(struct ops *o, const struct patrol_lost *lost)
{
	const json_t *before = json_object_get(o->healed, lost->instance);
	bool is_same = before != NULL && is_same_policy(o, before) && str_eq(json_str_or(before, "reason", ""), lost->reason);
	json_int_t n = is_same ? json_int_or(before, "n", 0) + 1 : 1;
	char hex[DIGEST_HEX_LEN];
	const char *key;
	json_t *value;
	void *next;

	/* What is past the longest wait may be begun anyway. */
	json_object_foreach_safe(o->healed, next, key, value) if (now_ms(o) - json_int_or(value, "ms", 0) >=
								  2 * (AGAIN_MS << AGAIN_TURNS)) json_object_del(o->healed, key);
	json_object_set_new(o->healed, lost->instance,
			    json_pack("{s:I, s:I, s:s, s:o}", "ms", (json_int_t)now_ms(o), "n", n, "policy", policy_text(o, hex),
				      "reason", json_text(lost->reason)));
	json_object_del(o->left, lost->instance);
}

/* A command came between, and its spec stands now. */
static bool is_overtaken(struct ops *o, const struct op *op)
{
	const struct wanted_one *one = wanted_of(&o->shared.wanted, op_warehouse(op));

	return op_stands_on(op) != NULL && op_ended_unstarted(op) && one != NULL && !str_eq(one->op, op_stands_on(op));
}

/* One that has succeeded has not come to nothing: if the same node is found again, something has happened since. Nor has one that
 * was overtaken: the next is another spec's. */
void ops_heal_ended(struct ops *o, const struct op *op)
{
	json_t *begun = json_object_get(o->healed, json_str_or(op_accepted(op), "occurrence", ""));
	json_int_t most = op_fields(op)->state == REEVE__CONTROL__V1__STATE__SUCCEEDED ? 0 : STARTED_TURNS + 1;

	if (begun != NULL && !op_ended_unstarted(op) && json_int_or(begun, "n", 1) > most)
		json_object_set_new(begun, "n", json_integer(most));
	if (begun != NULL && is_overtaken(o, op))
		json_object_del(o->healed, json_str_or(op_accepted(op), "occurrence", ""));
}

static void begin(struct ops *o, const struct patrol_lost *lost, struct ops_local *l)
{
	CLEANUP(buf_close) struct buf args = BUF_MAX(JSON_MAX_BYTES / 2);
	char text[UUID_TEXT_LEN];
	uint8_t id[UUID_LEN];

	if (pack(lost, &args) != 0)
		return; /* its spec was smaller when it came */
	l->args = (ProtobufCBinaryData){ args.len, (uint8_t *)args.data };
	if (!ops_begin_local(o, l))
		return; /* the next look tells it again */
	note_begun(o, lost);
	ops_local_id(l, id);
	log_warn("heal.begun", "op=%s try=%u warehouse=%s cluster=%s instance=%s lost=%s", uuid_text(id, text), l->number,
		 l->warehouse, lost->cluster, lost->instance, lost->reason);
}

static void lost(void *ctx, const struct patrol_lost *lost)
{
	struct ops *o = ctx;
	const char *why = why_not(o, lost);
	struct ops_local l = { .verb = verb_at(VERB_HEAL),
			       .warehouse = lost->spec->warehouse,
			       .stands_on = lost->wanted->op,
			       .occurrence = lost->instance,
			       .reason = lost->reason };

	if (why != NULL && is_news(o, lost, why))
		log_warn("heal.left", "warehouse=%s cluster=%s instance=%s lost=%s err=%s", l.warehouse, lost->cluster,
			 lost->instance, lost->reason, why);
	else if (why == NULL && !is_begun(o, lost, &l))
		begin(o, lost, &l);
}

void ops_patrol_init(struct ops *o)
{
	o->healed = json_object();
	o->left = json_object();
	o->patrol = patrol_new(&(struct patrol_config){ .env = &o->env, .ctx = o, .is_changing = is_changing, .lost = lost });
}
