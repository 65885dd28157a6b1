/* standing.c - see standing.h. */
#include "agent/ops/steps/standing.h"

#include <stdio.h>

#include "agent/base/json.h"
#include "agent/ops/steps/kinds_impl.h"

#define SEEN_MAX 400 /* bytes: it goes into a sentence */

void standing_open(struct standing *s)
{
	*s = (struct standing){ .up = json_array(), .seen = BUF_MAX(SEEN_MAX) };
}

void standing_close(struct standing *s)
{
	json_decref(s->up);
	buf_close(&s->seen);
}

void standing_is_up(struct standing *s, const char *id)
{
	json_array_append_new(s->up, json_string(id));
}

static void add_seen(struct standing *s, const char *id, const char *state)
{
	buf_addf(&s->seen, "%s%s is %s", s->seen.len > 0 ? ", " : "", id, state);
}

void standing_is_coming(struct standing *s, const char *id, const char *state)
{
	add_seen(s, id, state);
	s->coming++;
}

void standing_is_lost(struct standing *s, const char *id, const char *why, struct code_death d)
{
	s->lost++;
	if (s->why[0] != '\0' && d.class == AWS_OK)
		return;
	snprintf(s->why, sizeof(s->why), "%s is %s", id, why);
	s->death = d;
}

/*  some are lost, the cluster is atomic                        failed
 *  some are lost, none is up, none is coming                   failed
 *  some are coming                                             again
 *  else                                                        done; a note tells if some are lost */
enum step_verdict standing_verdict(const struct step_ctx *x, const struct standing *s, const char *what, struct err *e)
{
	/* An atomic cluster comes up whole or not at all; of any other one, not a single node would be left. */
	if (s->lost > 0 && (kinds_is_atomic(x) || (json_array_size(s->up) == 0 && s->coming == 0))) {
		step_blame(x, s->death.class, s->death.code);
		err_set(e, ERR_SERVICE, "a node did not %s: %s", what, s->why);
		return STEP_FAILED;
	}
	if (s->coming > 0) {
		err_set(e, ERR_AGAIN, "%s", buf_str(&s->seen));
		return STEP_AGAIN;
	}
	/* The fact that the launch has left now names those that are up: later steps neither register nor wait for the others. */
	fact_set(x, json_incref(s->up));
	/* The command goes on with fewer nodes, and its result says so. */
	if (s->lost > 0)
		buf_addf(x->note, "short: %zu node(s) of %s did not %s (%s)", s->lost, json_str_or(x->args, "cluster", "?"), what,
			 s->why);
	return STEP_DONE;
}
