/* run_ask.c - what looking tells beyond "it is there" and "it is not": who is in the way, which members are bad, what of a call that
 * failed has happened all the same.
 *
 * Asking: a look was in vain, and the step's kind may make something of it (miss): members that are gone are left out and the others
 * are asked for, a launch whose nodes have died is made again or given up. Where AWS spoke of a conflict the kind's own reads come
 * first. One that fails is left out: the kind then knows no more than before, and waits.
 *
 * Part: a refusal of a call on many proves nothing for each of them. Before such a step ends failed the inventory is taken, twice,
 * for the first may come too soon, and the outcome names what has happened. When nobody can look for a minute it says so, and ends without. */
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/ops/engine/run_impl.h"

#define PART_POLL_MS 5000
#define PART_LOOKS 2
#define PART_MS 60000

/* ---- asking ---- */

static void found_done(struct run *r, bool done)
{
	r->in_doubt = false;
	run_outcome(r, done, done ? "found" : "looked");
}

static void missed(struct run *r)
{
	const struct step_kind *k = run_now(r)->s.kind;
	size_t left = json_object_size(r->left);
	char token[53];
	struct step_ctx x = run_ctx(r, token);
	enum step_verdict v = k->miss != NULL && r->leaving == STAYS ? k->miss(&x, r->inv.inv, &r->err) : STEP_LOOK;

	run_blame(r);
	if (v == STEP_FAILED && r->in_doubt && r->class == AWS_DENIED) {
		run_fail(r); /* a denial tells nothing of the call before it, so it looks until that is known */
	} else if (v == STEP_DONE || v == STEP_FAILED) {
		found_done(r, v == STEP_DONE);
	} else if (v == STEP_SMALLER) {
		r->in_doubt = false;
		run_smaller(r);
	} else if (v == STEP_AGAIN && json_object_size(r->left) > left) {
		run_guard(r);
	} else if (v == STEP_AGAIN) {
		run_poll(r, false);
	} else {
		run_not_found(r, &x);
	}
}

static const struct step_look *next_look(struct run *r)
{
	const struct step_look *const *looks = run_now(r)->s.kind->looks;

	return looks != NULL && r->class == AWS_CONFLICT && r->leaving == STAYS ? looks[r->shown_n] : NULL;
}

static void ask_next(struct run *r);

static void on_ask(struct aws_call *c)
{
	struct run *r = container_of(c, struct run, call);
	const struct step_look *look;
	json_t *rows;

	if (run_stopping(r))
		return;
	look = next_look(r);
	rows = c->class == AWS_OK ? look->read(xml_root(c->xml)) : NULL;
	if (rows != NULL)
		json_object_set_new(r->shown, look->name, rows);
	else
		log_warn("op.step.ask.failed", "op=%s step=%s/%s action=%s err=\"%s\" next=\"it waits without knowing\"",
			 r->env->command, r->plan->name, run_now(r)->s.name, look->action, err_text(&c->err));
	r->shown_n++;
	ask_next(r);
}

static void ask_next(struct run *r)
{
	const struct step_look *look = next_look(r);
	char token[53];
	struct step_ctx x = run_ctx(r, token);

	if (look == NULL) {
		missed(r);
		return;
	}
	if (r->sm.now != R_ASK)
		sm_move(&r->sm, R_ASK);
	aws_call_close(&r->call);
	r->call = (struct aws_call){ .service = look->service, .command = r->env->command };
	look->ask(&x, &r->call.form);
	aws_call_start(r->env->aws, &r->call, r->env->reader, on_ask);
}

void run_ask(struct run *r)
{
	json_decref(r->shown);
	r->shown = json_object();
	r->shown_n = 0;
	ask_next(r);
}

/* ---- part ---- */

static void take_inventory(struct run *r);

static void on_part_timer(struct timer *t)
{
	struct run *r = container_of(t, struct run, timer);

	if (!run_stopping(r))
		take_inventory(r);
}

/* Later looks know more. */
static void take_part(struct run *r)
{
	char token[53];
	struct step_ctx x = run_ctx(r, token);

	json_decref(r->part);
	r->part = run_now(r)->s.kind->part(&x, r->inv.inv);
	r->part_looks++;
}

static void on_part(struct inventory_req *req, int rc)
{
	struct run *r = container_of(req, struct run, inv);

	if (run_stopping(r))
		return;
	if (rc == 0)
		take_part(r);
	if (r->part_looks < PART_LOOKS && world_now_ms(r->env->w) - r->part_ms <= PART_MS) {
		timer_start(r->env->w, &r->timer, PART_POLL_MS, on_part_timer);
		return;
	}
	if (r->part == NULL)
		buf_addf(&r->note, "%s failed, and nobody could look what of it has happened all the same",
			 run_now(r)->s.kind->action);
	r->part = r->part != NULL ? r->part : json_array();
	run_outcome(r, false, r->part_how);
}

static void take_inventory(struct run *r)
{
	inventory_take(r->env->w, r->env->aws, r->env->reader, &r->env->owner, NULL, &r->inv, on_part);
}

bool run_part(struct run *r, const char *how)
{
	const struct doing *d = run_now(r);

	if (d->s.kind->part == NULL || d->standing != INTENDED || r->part != NULL)
		return false;
	r->part_how = how;
	r->part_ms = world_now_ms(r->env->w);
	r->part_looks = 0;
	sm_move(&r->sm, R_PART);
	take_inventory(r);
	return true;
}
