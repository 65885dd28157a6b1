/* run_ask.c - what looking tells beyond "it is there" and "it is not": who is in the way, which members are bad, what of a call
 * that failed has happened all the same.
 *
 * Asking: a look was in vain, and the step's kind may make something of it (miss): members that are gone are left out and the
 * others are asked for, a launch whose nodes have died is made again or given up. Where AWS spoke of a conflict the kind's own
 * reads come first. One that fails is left out: the kind then knows no more than before, and waits.
 *
 * Part: a refusal of a call on many proves nothing for each of them. Before such a step ends failed the inventory is taken, twice,
 * for the first may come too soon, and the outcome names what has happened. When the inventory cannot be had for a minute, the
 * outcome says so and names nothing. */
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/ops/engine/run_impl.h"

#define PART_POLL_MS 5000
#define PART_LOOKS 2
#define PART_MS 60000

/* ---- asking ---- */

static enum run_state found(struct run *r, bool done)
{
	r->a.in_doubt = false;
	return run_step_ends(r, done, done ? "found" : "looked");
}

/* All reads are done and the effect is not there: the step's kind decides what follows, unless the step is leaving.
 *
 *   failed, in doubt, last answer a denial     as after any denial (run_fail): that tells nothing of the call before it
 *   done, failed                               the step ends so
 *   smaller                                    the next generation; nothing is in doubt of that one
 *   again, with more members left out          another request: to the guard at once
 *   again                                      the same one, after poll_s
 *   look                                       it was looked for in vain (run_not_found)  */
static enum run_state missed(struct run *r)
{
	const struct step_kind *k = run_now(r)->s.kind;
	size_t left = json_object_size(r->a.left);
	char token[53];
	struct step_ctx x = run_ctx(r, token);
	/* A step that is leaving makes no more calls, so what its kind would try next is not asked. */
	enum step_verdict v = k->miss != NULL && r->a.leaving == STAYS ? k->miss(&x, r->inv.inv, &r->a.err) : STEP_LOOK;

	run_blame(r);
	if (v == STEP_FAILED && r->a.in_doubt && r->a.class == AWS_DENIED)
		return run_fail(r); /* a denial tells nothing of the call before it, so it looks until that is known */
	if (v == STEP_DONE || v == STEP_FAILED)
		return found(r, v == STEP_DONE);
	if (v == STEP_SMALLER) {
		r->a.in_doubt = false;
		return run_smaller(r);
	}
	/* With members left out it is another request, whose answer need not wait; the same one again does. */
	if (v == STEP_AGAIN)
		return json_object_size(r->a.left) > left ? RUN_AT_GUARD : run_again(r, RUN_AT_POLL);
	return run_not_found(r, &x);
}

static const struct step_look *next_look(struct run *r)
{
	const struct step_look *const *looks = run_now(r)->s.kind->looks;

	/* Only a conflict has somebody in the way: for anything else these reads would be calls for nothing. */
	return looks != NULL && r->a.class == AWS_CONFLICT && r->a.leaving == STAYS ? looks[r->a.shown_n] : NULL;
}

enum run_state run_asked(struct run *r)
{
	const struct aws_call *c = &r->call;
	const struct step_look *look = next_look(r);
	json_t *rows = c->class == AWS_OK ? look->read(c) : NULL;

	/* A read that was taken back has no rows to let go of: a canceled call is never AWS_OK. */
	if (run_has_heard(r))
		return run_relook(r);
	if (rows != NULL)
		json_object_set_new(r->a.shown, look->name, rows);
	else
		log_warn("op.step.ask.failed",
			 "op=%s step=%s/%s action=%s err=%s next=\"the step waits, and does not know who is in the way\"",
			 r->env->command, r->plan->name, run_now(r)->s.name, look->action, err_text(&c->err));
	r->a.shown_n++;
	return next_look(r) != NULL ? RUN_AT_ASK : missed(r);
}

enum run_state run_ask(struct run *r)
{
	const struct step_look *look = next_look(r);
	char token[53];
	struct step_ctx x = run_ctx(r, token);

	aws_call_close(&r->call);
	r->call = (struct aws_call){ .command = r->env->command };
	look->ask(&x, &r->call.req);
	return run_send(r, r->env->reader);
}

enum run_state run_looked_in_vain(struct run *r)
{
	/* The rows of an earlier look tell who was in the way then, and not who is now. */
	json_decref(r->a.shown);
	r->a.shown = json_object();
	r->a.shown_n = 0;
	return next_look(r) != NULL ? RUN_AT_ASK : missed(r);
}

/* ---- part ---- */

bool run_has_part(struct run *r)
{
	const struct doing *d = run_now(r);

	return d->s.kind->part != NULL && d->standing == INTENDED && r->a.part == NULL;
}

uint64_t run_part_ends_ms(const struct run *r)
{
	return r->a.part_ms + PART_MS;
}

/* What the call was refused is its outcome's; from here on it is looks that may be. */
enum run_state run_part(struct run *r)
{
	run_gets_on(r);
	r->a.part_ms = world_now_ms(r->env->w);
	r->a.part_looks = 0;
	return run_take_inventory(r);
}

/* The inventory is taken again a little later, when it may show more. */
static void take_part(struct run *r)
{
	char token[53];
	struct step_ctx x = run_ctx(r, token);

	/* The newest taking alone counts: what the first one shows too early, or not yet, the second one corrects. */
	json_decref(r->a.part);
	r->a.part = run_now(r)->s.kind->part(&x, r->inv.inv);
	r->a.part_looks++;
}

enum run_state run_part_seen(struct run *r)
{
	if (r->inv_rc == 0) {
		run_sees(r);
		take_part(r);
	} else {
		run_look_refused(r);
	}
	if (r->a.part_looks < PART_LOOKS && world_now_ms(r->env->w) <= run_part_ends_ms(r))
		return run_wait(r, PART_POLL_MS);
	/* The outcome must not look as if nothing had happened when nobody could look. */
	if (r->a.part == NULL)
		buf_addf(&r->a.note, "%s failed, and nobody could look what of it has happened all the same",
			 run_now(r)->s.kind->action);
	r->a.part = r->a.part != NULL ? r->a.part : json_array();
	return RUN_AT_OUTCOME;
}
