/* run_keep.c - a taking back ends nobody that serves for one that does not.
 *
 * Old nodes are let in again before the new ones go, and behind that a read (vouches) tells whether they serve. Whom it leaves out
 * does not: it has ended meanwhile, or is ill, and the new node may be the only one that serves. Then every undo behind it that
 * takes out of service or removes something is passed over: what it would take back stays, and the plan has failed. A node that
 * stays and is out of service by then is put back as it was: at the end of the list stand the steps that do so (taken), and where
 * nothing was passed over they are. All of this follows from the records alone, so that a restart comes to the same. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"
#include "agent/ops/steps/subject.h"

static bool takes_away(const struct step_kind *k)
{
	return k->takes_out || k->removes != NULL;
}

bool run_takes_away(const struct run *r)
{
	return r->undoing && takes_away(run_now(r)->s.kind);
}

/* In two groups it is told once. */
static void add_ids(const json_t *left_out, struct buf *to)
{
	const char *id;
	const json_t *why;

	json_object_foreach((json_t *)left_out, id, why) {
		CLEANUP(mem_close) char *again = mem_printf(", %s,", id), *all = mem_printf(", %s,", buf_str(to));

		(void)why;
		if (strstr(all, again) == NULL)
			buf_addf(to, "%s%s", to->len > 0 ? ", " : "", id);
	}
}

/* Who does not serve again, as far as it was looked. */
static void add_idle(const struct run *r, struct buf *to)
{
	for (size_t i = 0; i < r->at; i++) {
		const struct doing *d = &r->undo[i];

		if (d->s.kind->vouches && d->standing == DONE)
			add_ids(json_object_get(d->outcome, "left_out"), to);
		else if (d->s.kind->vouches && d->standing == FAILED)
			subject_of(d->s.kind, d->s.args, NULL, d->s.name, to);
	}
}

static const char *verb(const struct buf *ids, const char *one, const char *several)
{
	return strchr(buf_str(ids), ',') == NULL ? one : several;
}

static void tell(struct run *r, const struct buf *idle)
{
	const struct step *s = &run_now(r)->s;
	CLEANUP(buf_close) struct buf of = BUF_MAX(SUBJECT_MAX);
	CLEANUP(json_close) json_t *args = NULL;
	CLEANUP(mem_close) char *text = NULL;
	struct err e;

	if (facts_resolve(s->args, r->env->facts, &args, &e) != 0)
		args = json_incref(s->args);
	subject_of(s->kind, args, NULL, s->name, &of);
	text = mem_printf("%s %s, for %s %s", buf_str(&of), verb(&of, "stays", "stay"), buf_str(idle),
			  verb(idle, "does not serve again", "do not serve again"));
	/* Before all that is told of each group: how things stand is not to be cut off. */
	run_put_note(r, text);
	/* A cancel is no error, and that something stays is one. */
	if (r->error == NULL)
		r->error = run_told_json(&(struct run_told){
		    .class = "PRECONDITION", .message = text, .action = s->kind->action, .resource = buf_str(&of) });
}

/* ---- what stays is put back as it was ---- */

static bool shares_one(const json_t *a, const json_t *b)
{
	for (size_t i = 0; i < json_array_size(a); i++)
		for (size_t k = 0; k < json_array_size(b); k++)
			if (json_equal(json_array_get(a, i), json_array_get(b, k)))
				return true;
	return false;
}

/* That it is about; NULL: it is about none. The caller's. */
static json_t *nodes_of(const struct run *r, const struct doing *d)
{
	CLEANUP(json_close) json_t *args = NULL;
	struct err e;

	return facts_resolve(d->s.args, r->env->facts, &args, &e) == 0 ? json_incref(json_object_get(args, "instances")) : NULL;
}

/* It was to be taken away as well, behind what was done to it, and was not. */
static bool stays_behind(const struct run *r, const struct doing *done)
{
	CLEANUP(json_close) json_t *out = nodes_of(r, done);

	for (const struct doing *d = done + 1; d < &r->undo[r->at]; d++) {
		CLEANUP(json_close) json_t *nodes = takes_away(d->s.kind) && d->standing == FRESH ? nodes_of(r, d) : NULL;

		if (shares_one(out, nodes))
			return true;
	}
	return false;
}

/* What has failed may have had its effect on some; to do it again is harmless. */
static bool is_needless(const struct run *r)
{
	const struct doing *d = run_now(r);

	return d->taken->standing == FRESH || !stays_behind(r, d->taken);
}

bool run_keeps(struct run *r)
{
	CLEANUP(buf_close) struct buf idle = BUF_MAX(SUBJECT_MAX);

	if (run_now(r)->taken != NULL)
		return is_needless(r);
	/* What was begun is not passed over: it is in doubt, and looked for first. */
	if (!run_takes_away(r) || run_now(r)->standing != FRESH)
		return false;
	add_idle(r, &idle);
	if (idle.len == 0)
		return false;
	if (step_mutates(run_now(r)->s.kind))
		tell(r, &idle);
	r->some_stays = true;
	return true;
}
