/* kinds_answers.c - a node is healthy when its endpoint says so: GET, and 200. Anything else, a redirect too, is not healthy yet,
 * until settle_s is over; then the node is lost, as one that does not come up is (standing.h). */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/asking.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/steps/kinds_impl.h"
#include "agent/ops/steps/standing.h"

void kinds_endpoint_demand(const json_t *args, struct demand *d)
{
	demand_endpoint(d, &(struct demand_endpoint){ (uint32_t)json_int_or(args, "port", 0), json_str_or(args, "path", "") });
}

void kinds_endpoint_print(const json_t *args, struct buf *to)
{
	arg_print_strs(args, "instances", to);
	buf_addf(to, " at port %u, %s", (unsigned)json_int_or(args, "port", 0), json_str_or(args, "path", "?"));
}

/*   it has answered 200                                    up
 *   it is gone                                             lost
 *   it was asked, and settle_s is over                     lost, with what it said last
 *   else                                                   coming */
static void stand_one(const struct step_ctx *x, const char *id, struct standing *s)
{
	const char *said = asking_said(x, id), *why;
	enum asking_is is = asking_how_is(x, id, &why);
	CLEANUP(mem_close) char *text = mem_printf("not healthy yet: %s", said != NULL ? said : "not asked");

	if (asking_is_done(x, id))
		standing_is_up(s, id);
	else if (is == ASKING_GONE)
		standing_is_lost(s, id, why, (struct code_death){ .class = AWS_INVALID });
	else if (x->patient && (said != NULL || is == ASKING_COMING))
		standing_is_lost(s, id, is == ASKING_COMING ? why : text, (struct code_death){ .class = AWS_AMBIGUOUS });
	else
		standing_is_coming(s, id, is == ASKING_COMING ? why : text);
}

/* Where the answers only confirm what stands already, a node that gives none fails nothing: that is told. */
static enum step_verdict confirmed(const struct step_ctx *x, const struct standing *s, struct err *e)
{
	if (s->coming > 0) {
		err_set(e, ERR_AGAIN, "%s", buf_str(&s->seen));
		return STEP_AGAIN;
	}
	if (s->lost > 0)
		buf_addf(x->note, "%s unverified: %s", step_confirms(x->args), s->why);
	return STEP_DONE;
}

static enum step_verdict answers_meet(const struct step_ctx *x, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "instances");
	struct standing s;
	enum step_verdict v;

	standing_open(&s);
	for (size_t i = 0; i < json_array_size(ids); i++)
		stand_one(x, json_string_value(json_array_get(ids, i)), &s);
	v = step_confirms(x->args) != NULL ? confirmed(x, &s, e) : standing_verdict(x, &s, "become healthy", e);
	standing_close(&s);
	return v == STEP_AGAIN ? asking_go_on(x) : v;
}

static int answers_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	return asking_ask(x, "GET", req, e);
}

static enum step_verdict answers_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	char status[64];

	asking_status(c, status);
	asking_note(x, status, c->status == 200);
	*e = (struct err){ 0 };
	return answers_meet(x, e);
}

const struct step_kind kind_wait_answers = {
	.name = "wait-answers",
	.action = "node:GET",
	.repeat = REPEAT_READ,
	.settle_s = 600,
	.deadline_s = 1800, /* those that are silent take ten seconds each, and each is asked once at least */
	.poll_s = 10,
	.where = &asking_where,
	.meet = answers_meet,
	.ask = answers_ask,
	.judge = answers_judge,
	.demand = kinds_endpoint_demand,
	.print = kinds_endpoint_print,
};
