/* step.c - how the answers of AWS are judged by all kinds alike: what may still come, what passes, and what ends at once. */
#include "agent/ops/steps/step.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

/* ---- members ---- */

bool step_is_left(const struct step_ctx *x, const char *id)
{
	return json_object_get(x->left, id) != NULL;
}

void step_leave_out(const struct step_ctx *x, const char *id, const char *why)
{
	if (!step_is_left(x, id))
		json_object_set_new(x->left, id, json_text(why));
}

int step_members(const struct step_ctx *x, const char *name, const char ***ret, size_t *ret_n, struct err *e)
{
	const char **all;
	size_t n, kept = 0;

	TRY(arg_strs(x, name, &all, &n, e));
	for (size_t i = 0; i < n; i++)
		if (!step_is_left(x, all[i]))
			all[kept++] = all[i];
	*ret = all;
	*ret_n = kept;
	return 0;
}

void step_add_pairs(json_t *pairs, const struct resource *of, const json_t *what, const json_t *left)
{
	bool is_list = json_is_array(what);
	size_t n = is_list ? json_array_size(what) : 1;

	for (size_t i = 0; i < n; i++) {
		const json_t *one = is_list ? json_array_get(what, i) : what;

		if (json_is_string(one) && json_object_get(left, json_string_value(one)) == NULL)
			json_array_append_new(pairs, json_pack("[s, O]", of->kind, one));
	}
}

/* ---- what this operation made ---- */

bool step_may_hide(const struct step_ctx *x)
{
	/* "fresh" is written into the arguments by whoever plans the end, or the change, of what the same plan makes. */
	return json_is_true(json_object_get(x->args, "fresh")) && !x->patient;
}

static bool is_fact(const json_t *fact, const char *id)
{
	if (json_is_string(fact))
		return str_eq(json_string_value(fact), id);
	for (size_t i = 0; i < json_array_size(fact); i++)
		if (str_eq(json_string_value(json_array_get(fact, i)), id))
			return true;
	return false;
}

bool step_made_here(const struct step_ctx *x, const char *id)
{
	const char *name;
	json_t *fact;

	/* Facts are of the whole operation: what another of its plans has made is as new as what this one made. */
	json_object_foreach((json_t *)x->known, name, fact) {
		if (is_fact(fact, id))
			return true;
	}
	return false;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a step's arguments, which kinds write */
static bool has_made_here(const struct step_ctx *x, const json_t *arg)
{
	const char *key;
	json_t *value;

	if (json_is_string(arg))
		return step_made_here(x, json_string_value(arg));
	for (size_t i = 0; i < json_array_size(arg); i++)
		if (has_made_here(x, json_array_get(arg, i)))
			return true;
	json_object_foreach((json_t *)arg, key, value) {
		if (has_made_here(x, value))
			return true;
	}
	return false;
}

static bool is_about(const struct resource *r, const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(r->unknown) && r->unknown[i] != NULL; i++)
		if (str_eq(r->unknown[i], code))
			return true;
	return false;
}

/* Is one of this kind that the step speaks of, by its id or by its name, of this operation's making? */
static bool is_ours(const struct step_ctx *x, const struct resource *r)
{
	const char *key, *name = json_str_or(x->args, "name", NULL);
	json_t *fact;

	for (size_t i = 0; i < ARRAY_LEN(r->args) && r->args[i] != NULL; i++)
		if (has_made_here(x, json_object_get(x->args, r->args[i])))
			return true;
	/* A step that waits for a thing may name it without its id; the fact that its creation left tells the id. */
	if (r->is_called == NULL || name == NULL)
		return false;
	json_object_foreach((json_t *)x->known, key, fact) {
		if (json_is_string(fact) && r->is_called(json_string_value(fact), name))
			return true;
	}
	return false;
}

/* A code of no kind here is about something that is never of our making: a subnet, an image, a VPC. */
static bool speaks_of_ours(const struct step_ctx *x, const char *code)
{
	for (const struct resource *const *r = catalogue_resources(); *r != NULL; r++)
		if (is_about(*r, code) && is_ours(x, *r))
			return true;
	return false;
}

bool step_is_coming(const struct step_ctx *x, const char *code)
{
	/* EC2 and ELB answer from copies that lag behind (Amazon EC2 Developer Guide, "Eventual consistency in the Amazon EC2
	 * API"): an id that one call has just returned may be unknown to the next. */
	return !x->patient && (speaks_of_ours(x, code) || json_is_true(json_object_get(x->args, "fresh")));
}

void step_blame(const struct step_ctx *x, enum aws_class class, const char *code)
{
	if (x->cause == NULL)
		return;
	x->cause->class = class;
	snprintf(x->cause->code, sizeof(x->cause->code), "%s", code);
}

/* ---- judging ---- */

/*  no answer                                             look: it may have been done
 *  throttled, or the keys are not accepted               again
 *  unknown, and this operation made it a moment ago      again, until settle_s is over
 *  protected                                             failed, and the sentence says what to do
 *  else                                                  failed, with AWS's sentence  */
enum step_verdict step_judge_refusal(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_AMBIGUOUS)
		return STEP_LOOK;
	if (c->class == AWS_THROTTLED || c->class == AWS_EXPIRED)
		return STEP_AGAIN; /* surely not done */
	if (c->class == AWS_NOTFOUND && step_is_coming(x, c->code))
		return STEP_AGAIN;
	if (str_eq(c->code, "OperationNotPermitted"))
		err_set(e, ERR_DENIED,
			"%s: it is protected (against termination, stop or deletion): take that off, and send the command again",
			err_text(&c->err));
	else
		err_set(e, ERR_SERVICE, "%s", err_text(&c->err));
	return STEP_FAILED;
}

enum step_verdict step_judge_unseen(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	/* A read that got no answer has done nothing, so there is nothing to look for. */
	return c->class == AWS_AMBIGUOUS ? STEP_AGAIN : step_judge_refusal(x, c, e);
}

/*  unknown, and this plan made it a moment ago           again: AWS may not know it everywhere yet
 *  unknown                                               look: the inventory tells whether it is gone
 *  done                                                  done
 *  something still holds on to it                        again, until settle_s has passed since the first call
 *  else                                                  as any other refusal  */
enum step_verdict step_judge_gone(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_NOTFOUND)
		return step_may_hide(x) ? STEP_AGAIN : STEP_LOOK;
	if (c->class == AWS_OK)
		return STEP_DONE;
	/* What was taken away a moment ago may hold on for a while; what still does after settle_s was not taken away by us. */
	if (c->class == AWS_CONFLICT && !x->patient)
		return STEP_AGAIN;
	return step_judge_refusal(x, c, e);
}

const char *step_confirms(const json_t *args)
{
	return json_str_or(args, "confirms", NULL);
}
