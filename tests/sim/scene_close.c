/* scene_close.c - the model: whatever a sequence of commands, faults and deaths has left, the spec that last succeeded can be
 * brought about again once nothing goes wrong any more, and asked for once more it changes nothing.
 *
 * The vendor does what an operator would do: it sends that spec by warehouse.apply; where the answer says so, by warehouse.upgrade,
 * and by apply again. A warehouse of which nothing has succeeded, or that was deleted, is deleted. scene_judge holds each success
 * against what AWS then shows. */
#include "tests/sim/scene_impl.h"
#include "tests/sim/want_impl.h"

#define ROUNDS_MAX 6
#define LIVES_MS (24ull * 3600 * 1000)
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

void scene_close_make(struct scene *s)
{
	s->close.is_wanted = s->odds.per_mille[TALLY_CLOSE_ASKED] > 0;
	if (s->close.is_wanted)
		tally(TALLY_CLOSE_ASKED);
}

static const char *name_of(size_t at)
{
	return at == 0 ? "wh-1" : "wh-2";
}

/* A larger volume stays so, whether its command has succeeded or not: none shrinks. */
static void keep_larger(struct want *w, const struct want *of)
{
	for (unsigned c = 0; c < WANT_CLUSTERS; c++)
		if (of->clusters[c].size > w->clusters[c].size)
			w->clusters[c].size = of->clusters[c].size;
}

/* False: there is nothing to be learned of that warehouse. */
static bool model_of(struct scene *s, size_t at, struct want *ret)
{
	bool is_known = false;

	*ret = s->have[at];
	ret->warehouse = name_of(at);
	ret->differs = false;
	for (size_t i = 0; i < s->issued; i++) {
		const struct scene_order *o = &s->orders[i];

		if (!str_eq(o->want.warehouse, ret->warehouse))
			continue;
		is_known = is_known || o->mutations > 0;
		keep_larger(ret, &o->want);
		if (o->want.generation >= ret->generation)
			ret->generation = o->want.generation + 1;
	}
	return is_known && !scene_is_touched(s, ret->warehouse, 0);
}

static void send(struct scene *s, bool is_upgrade)
{
	struct scene_order *o = &s->orders[s->orders_n++];

	*o = (struct scene_order){ .want = s->close.model,
				   .is_delete = s->close.model.gone,
				   .is_upgrade = is_upgrade,
				   .two_keys = true,
				   .lives_ms = LIVES_MS };
	s->close.order = o;
	s->close.rounds++;
}

/* True: it has begun with a warehouse. */
static bool begin(struct scene *s)
{
	for (; s->close.at < ARRAY_LEN(s->have); s->close.at++)
		if (model_of(s, s->close.at, &s->close.model)) {
			s->close.rounds = 0;
			s->close.is_done = false;
			send(s, false);
			return true;
		}
	return false;
}

static void next(struct scene *s)
{
	s->close.order = NULL;
	s->close.at++;
}

/* A day has passed for nobody: a volume that was changed four times may not be changed again. Nor has an
 * hour: some node that was told to drain takes so long. */
static bool is_excused(const struct scene *s, const struct scene_order *o)
{
	bool is_full = s->odds.hits[TALLY_AWS_CHANGES_FULL] > 0 && strstr(o->cmd->error, "four") != NULL;
	bool drains = s->odds.hits[TALLY_NODE_STAYS] > 0 && strstr(o->cmd->error, "is not drained yet") != NULL;
	bool is_beyond = o->cmd->state == STATE(DENIED) && s->nodes_total < SCENE_NODES_TOTAL;

	return is_full || is_beyond || drains || strstr(o->cmd->error, "not available yet") != NULL;
}

/*  done before, and succeeds again       it changed nothing: the next warehouse
 *  succeeded: a deletion                 the next warehouse
 *  succeeded: an upgrade                 the spec by apply
 *  succeeded: an apply                   once more
 *  "send ... by warehouse.upgrade"       so it is sent
 *  what no command can bring about       the next warehouse
 *  else                                  a promise is broken */
static void see(struct scene *s, const struct scene_order *o)
{
	bool is_good = o->cmd->state == STATE(SUCCEEDED) && strstr(o->cmd->note, "short") == NULL;

	if (s->close.is_done && (!is_good || o->mutations > 0)) {
		odds_broken(&s->odds, "the spec that stands, sent again, changed something (%s %s)",
			    vendor_state_name(o->cmd->state), o->cmd->error);
	} else if (is_good && (s->close.is_done || o->is_delete)) {
		tally(o->is_delete ? TALLY_CLOSE_DELETED : TALLY_CLOSE_STOOD);
		next(s);
	} else if (is_good) {
		s->close.is_done = !o->is_upgrade;
		send(s, false);
	} else if (is_excused(s, o)) {
		next(s);
	} else if (scene_wants_an_upgrade(o) && s->close.rounds < ROUNDS_MAX) {
		tally(TALLY_CLOSE_UPGRADED);
		send(s, true);
	} else {
		odds_broken(&s->odds, "the spec that last succeeded cannot be brought about again (%s %s %s)",
			    vendor_state_name(o->cmd->state), o->cmd->error, o->cmd->note);
	}
}

/* True: nothing of it is ahead. */
bool scene_close_tick(struct scene *s)
{
	const struct scene_order *o = s->close.order;

	if (!s->close.is_wanted)
		return true;
	if (!s->odds.calm)
		return false;
	if (o == NULL)
		return !begin(s);
	if (o->cmd != NULL && o->judged && vendor_has_result(o->cmd))
		see(s, o);
	return false;
}
