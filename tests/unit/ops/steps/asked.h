/* asked.h - a step that asks nodes, without an engine: where EC2 says they are, and what each of them answers. */
#pragma once
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/asking.h"
#include "agent/ops/steps/catalogue.h"

#define ASKED(more)                                                                                                                \
	"{\"cluster\": \"a\", \"instances\": [\"i-1\", \"i-2\"], \"vpc_id\": \"vpc-1\", \"cidrs\": [\"10.0.0.0/16\", "             \
	"\"2600:1f18:1::/56\"], \"port\": 8040, \"path\": \"/health\", \"fact\": \"nodes.a\"" more "}"
#define OUR_TAGS                                                                                                                   \
	"<tagSet><item><key>resource-created-by</key><value>velodb</value></item><item><key>reeve:installation</key>"              \
	"<value>inst-1</value></item></tagSet>"
#define AT_TAGS(id, state, vpc, address, tags)                                                                                     \
	"<item><instanceId>" id "</instanceId><instanceState><name>" state "</name></instanceState><vpcId>" vpc                    \
	"</vpcId>" address tags "</item>"
#define AT(id, state, ip) AT_TAGS(id, state, "vpc-1", "<privateIpAddress>" ip "</privateIpAddress>", OUR_TAGS)
#define WHERE(items) "<R><reservationSet><item><instancesSet>" items "</instancesSet></item></reservationSet></R>"
#define BOTH WHERE(AT("i-1", "running", "10.0.0.1") AT("i-2", "running", "10.0.0.2"))

static const struct owner asked_owner = { "velodb", "inst-1" };

static inline void asked_start(struct kinds *t, const struct step_kind *k, const char *args, const char *where)
{
	kinds_start(t, k, args);
	t->x.told = json_object();
	t->x.owner = &asked_owner;
	assert_true(kinds_see(t, k->where, where));
}

static inline void asked_end(struct kinds *t)
{
	json_decref(t->x.told);
	kinds_end(t);
}

static inline enum step_verdict asked_meet(struct kinds *t)
{
	t->e = (struct err){ 0 };
	t->cause = (struct step_cause){ 0 };
	return t->k->meet(&t->x, &t->e);
}

/* The url of the next question. */
static inline const char *asked_url(struct kinds *t)
{
	kinds_ask(t);
	return t->req.node_url;
}

/* Asks the next one, which answers with this status; 0: not at all. */
static inline enum step_verdict asked_says(struct kinds *t, int status)
{
	struct aws_call c = { .class = status / 100 == 2 ? AWS_OK : status == 0 ? AWS_AMBIGUOUS : AWS_INVALID, .status = status };

	kinds_ask(t);
	if (c.class != AWS_OK)
		err_set(&c.err, ERR_SERVICE, "a body that nobody is to see");
	t->e = (struct err){ 0 };
	t->cause = (struct step_cause){ 0 };
	return t->k->judge(&t->x, &c, &t->e);
}
