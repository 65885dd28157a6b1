/* shop.h - operations from the signed command to AWS and back, in the simulated world: the desk of the control tests with a
 * pretend AWS behind it, in which nothing goes wrong but what a test asks for. */
#pragma once
#include "agent/aws/imds.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/str.h"
#include "tests/sim/aws_sim.h"
#include "tests/unit/control/desk.h"
#include "tests/unit/ops/specs.h"

/* What the good specification names, beside types, counts and rules. */
#define SHOP_BOUNDS                                                                                                                \
	"images: [ami-1], subnets: [subnet-0001, subnet-0002], warehouses: [wh-1, wh-2, wh-9], balancers: 4, volumes_per_node: "   \
	"8, "                                                                                                                      \
	"volume_types: [gp3], tag_keys: [sdb-*], "

#define SHOP_POLICY                                                                                                                \
	"commands: {warehouse.apply: auto, warehouse.delete: auto}\n"                                                              \
	"bounds: {" SHOP_BOUNDS                                                                                                    \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "               \
	"ports: [1-65535]}\n"                                                                                                      \
	"delete_hold: 0s\n"

/* The same with these hashes of user data, and that of "abc" (FIPS 180-2, B.1). */
#define SHOP_USER_DATA(hashes)                                                                                                     \
	"commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS "user_data_sha256: [" hashes                                    \
	"], instance_types: [r6i.xlarge], "                                                                                        \
	"nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535]}\n"
#define SHOP_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

enum shop_fault {
	SHOP_FINE,
	SHOP_LOST,       /* the call never arrives */
	SHOP_SLOW,       /* no answer for half a minute */
	SHOP_LOST_AFTER, /* it is carried out and the answer is lost; what it made is not shown for hidden_ms */
	SHOP_QUOTA,      /* SecurityGroupLimitExceeded */
	SHOP_THROTTLED,  /* Throttling, as ELB says it */
	SHOP_DENIED,     /* AccessDenied, as ELB says it */
	SHOP_TOLD,       /* answered with `answer` */
	SHOP_ENCODED,    /* UnauthorizedOperation with `answer`, as EC2 says it */
};

struct shop {
	struct desk d;          /* first: a shop is a desk */
	const uint8_t *watched; /* a command's id, for who waits for something of it */
	struct odds odds;
	struct aws_sim *sim;
	struct imds *im;
	struct creds *creds;
	struct aws *aws;
	struct specs k;
	enum shop_fault (*break_at)(struct shop *s, const char *body); /* asked for every call with a body */
	const char *answer;                                            /* of SHOP_TOLD and SHOP_ENCODED: the whole document */
	bool is_mute;                                                  /* no node answers */
	unsigned broke;
	unsigned slow;       /* answers that a test made late */
	uint64_t lost_ms;    /* when it lost one */
	uint64_t hidden_ms;  /* of SHOP_LOST_AFTER; 0: 30 s */
	uint64_t longest_ms; /* between two calls, where a test measures it */
	struct buf seen;     /* "Action " of each mutating call that acted or tried */
	struct buf log;      /* "event pairs" lines, from shop_listen on */
};

static inline void shop_on_call(void *ctx, const struct aws_entry *e)
{
	struct shop *s = ctx;

	buf_addf(&s->seen, "%s ", e->action);
}

static inline void shop_on_log(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)level;
	buf_addf(&((struct shop *)ctx)->log, "%s %s\n", event, pairs);
}

static inline void shop_listen(struct shop *s)
{
	buf_reset(&s->log);
	log_set(LOG_INFO, shop_on_log, s);
}

static inline void shop_lose_after(struct shop *s, struct sim_http *x)
{
	size_t groups = s->sim->groups_n, instances = s->sim->instances_n;
	uint64_t shown_ms = world_now_ms(s->d.w) + (s->hidden_ms > 0 ? s->hidden_ms : 30000);

	s->odds.calm = false;
	s->odds.per_mille[TALLY_AWS_LOST_AFTER] = 1000;
	aws_sim_request(s->sim, x);
	s->odds.calm = true;
	for (; groups < s->sim->groups_n; groups++)
		s->sim->groups[groups]->t.shown_ms = shown_ms;
	for (; instances < s->sim->instances_n; instances++)
		s->sim->instances[instances]->t.shown_ms = shown_ms;
}

static inline void shop_refuse(struct sim_http *x, int status, const char *code)
{
	CLEANUP(mem_close)
	char *body = str_starts(code, "Security") ? mem_printf("<Response><Errors><Error><Code>%s</Code><Message>no</Message></"
							       "Error></Errors><RequestID>req-1</RequestID></Response>",
							       code)
						  : mem_printf("<ErrorResponse><Error><Code>%s</Code><Message>no</Message></"
							       "Error><RequestId>req-1</RequestId></ErrorResponse>",
							       code);

	sim_http_answer(x, status, "", body, strlen(body), 0);
}

/* A node that is asked: "GET " or "POST " among what was seen, once for each row of the same. */
static inline void shop_on_node(struct shop *s, struct sim_http *x)
{
	CLEANUP(mem_close) char *word = mem_printf("%s ", x->method);

	if (!str_ends(buf_str(&s->seen), word))
		buf_adds(&s->seen, word);
	if (!s->is_mute)
		aws_node_request(s->sim, x);
	else
		sim_http_fail(x, -ERR_NET, 0);
}

static inline void shop_on_request(void *ctx, struct sim_http *x)
{
	struct shop *s = ctx;

	if (aws_node_is_for(x->url)) {
		shop_on_node(s, x);
		return;
	}
	switch (s->break_at != NULL && x->body_len > 0 ? s->break_at(s, x->body) : SHOP_FINE) {
	case SHOP_FINE:
		aws_sim_request(s->sim, x);
		break;
	case SHOP_LOST:
		sim_http_fail(x, -ERR_NET, 0);
		break;
	case SHOP_SLOW:
		sim_http_fail(x, -ERR_TIMEOUT, 29900);
		break;
	case SHOP_LOST_AFTER:
		shop_lose_after(s, x);
		break;
	case SHOP_QUOTA:
		shop_refuse(x, 400, "SecurityGroupLimitExceeded");
		break;
	case SHOP_THROTTLED:
		shop_refuse(x, 400, "Throttling");
		break;
	case SHOP_DENIED:
		shop_refuse(x, 403, "AccessDenied");
		break;
	case SHOP_TOLD:
		sim_http_answer(x, 200, "", s->answer, strlen(s->answer), 0);
		break;
	case SHOP_ENCODED:
		sim_http_answer(x, 403, "", s->answer, strlen(s->answer), 0);
		break;
	}
}

static inline void shop_policy(struct shop *s, const char *text)
{
	sim_file_puts(s->d.w, "/etc/reeve/policy.yaml", text);
}

/* ... and it has been the same for long enough to count. */
static inline void shop_policy_counts(struct shop *s, const char *text)
{
	shop_policy(s, text);
	ops_policy_read(s->d.ops);
	desk_pass(&s->d, 2100);
}

static inline void shop_open(struct shop *s)
{
	desk_open(&s->d);
	ops_set_aws(s->d.ops, s->aws, s->creds, AWS_OPERATE);
}

static inline int shop_start(void **state)
{
	struct shop *s = mem_new(struct shop);
	struct aws_config cfg = { .region = AWS_REGION, .suffix = "amazonaws.com", .version = "1" };

	s->d.w = sim_new(9);
	s->odds.w = s->d.w;
	s->odds.calm = true;
	sim_wall_set(s->d.w, DESK_NOW);
	s->sim = aws_sim_new(s->d.w, &s->odds);
	s->sim->watch = shop_on_call;
	s->sim->watch_ctx = s;
	s->seen = BUF_MAX(65536);
	s->log = BUF_MAX(1u << 20);
	sim_http_handle(s->d.w, shop_on_request, s);
	desk_key(&s->d, &s->d.command, 1, TRUST_COMMAND);
	desk_key(&s->d, &s->d.release, 2, TRUST_RELEASE);
	desk_key(&s->d, &s->d.head, 3, TRUST_HEAD);
	s->im = imds_new(s->d.w, "http://169.254.169.254");
	s->creds = creds_new_imds(s->d.w, s->im);
	s->aws = aws_new(s->d.w, &cfg);
	shop_policy(s, SHOP_POLICY);
	shop_open(s);
	specs_good(&s->k);
	s->k.s.vpc_id = (char *)AWS_VPC;
	s->k.clients.cidr = (char *)AWS_VPC_CIDR;
	s->k.cluster.subnet_id = s->k.subnets[0] = (char *)"subnet-0001";
	*state = s;
	return 0;
}

static inline void shop_wait(struct shop *s)
{
	assert_int_equal(sim_run_until(s->d.w, desk_is_done, &s->d, 600000), SIM_TRUE);
	s->d.done = false;
}

static inline int shop_end(void **state)
{
	struct shop *s = *state;

	desk_shut(&s->d);
	s->d.done = false;
	creds_close(s->creds, desk_closed, &s->d);
	shop_wait(s);
	imds_close(s->im, desk_closed, &s->d);
	shop_wait(s);
	aws_free(s->aws);
	sim_free(s->d.w);
	aws_sim_free(s->sim);
	buf_close(&s->seen);
	log_set(LOG_INFO, NULL, NULL);
	buf_close(&s->log);
	mem_free(s);
	return 0;
}

static inline int shop_replay(struct ops *o, const char *type, json_t *obj, struct err *e)
{
	struct journal_entry entry = {
		.type = type, .time = "2026-01-01T00:00:00.000Z", .obj = obj, .segment = "x.jsonl", .line_number = 3
	};
	int rc = ops_replay(o, &entry, e);

	json_decref(obj);
	return rc;
}

static inline void shop_reopen(struct shop *s)
{
	desk_shut(&s->d);
	shop_open(s);
}

static inline void shop_on_awake(struct timer *t)
{
	(void)t;
}

/* The agent does not run for so long, and meanwhile AWS goes on. */
static inline void shop_away(struct shop *s, uint64_t ms)
{
	struct timer t = { 0 };

	desk_shut(&s->d);
	/* Without an event that is due then, pretended time stands still. */
	timer_start(s->d.w, &t, ms, shop_on_awake);
	sim_run_until(s->d.w, NULL, NULL, ms);
	shop_open(s);
}

/* ---- commands ---- */

static inline void shop_apply(struct shop *s, struct desk_command *k, uint64_t seq)
{
	Reeve__Control__V1__WarehouseApply a = REEVE__CONTROL__V1__WAREHOUSE_APPLY__INIT;

	desk_command(k, seq);
	a.spec = &s->k.s;
	k->c.verb = REEVE__CONTROL__V1__VERB__WAREHOUSE_APPLY;
	k->c.args.len = reeve__control__v1__warehouse_apply__pack(&a, k->args);
	k->c.not_before = 0;
}

static inline void shop_delete(struct desk_command *k, uint64_t seq)
{
	desk_command(k, seq);
	k->c.not_before = 0;
}

static inline void shop_send(struct shop *s, const struct desk_command *k, bool both_keys)
{
	signed_t *one = desk_sign_command(k, &s->d.command);

	if (both_keys)
		desk_sign(one, &s->d.release, SIGN_DOMAIN_COMMAND);
	desk_give_one(&s->d, one);
}

/* nodes.replace of the node number `at` of those that were ever launched; the command is seq 2. */
static inline void shop_replace_one(struct shop *s, struct desk_command *k, size_t at)
{
	Reeve__Control__V1__NodesReplace r = REEVE__CONTROL__V1__NODES_REPLACE__INIT;
	char *ids[] = { (char *)s->sim->instances[at]->t.id };

	desk_command(k, 2);
	r.warehouse = (char *)"wh-1";
	r.cluster = (char *)"be";
	r.instances = ids;
	r.n_instances = 1;
	r.spec = &s->k.s;
	k->c.verb = REEVE__CONTROL__V1__VERB__NODES_REPLACE;
	k->c.args.len = reeve__control__v1__nodes_replace__pack(&r, k->args);
	k->c.not_before = 0;
	shop_send(s, k, false);
}

/* A fresh head, without which nothing of high risk begins. */
static inline void shop_head(struct shop *s)
{
	head_t h;
	uint8_t body[512];

	reeve__control__v1__head__init(&h);
	h.installation = (char *)"inst-1";
	h.epoch = 1;
	h.issued_at = world_wall_ms(s->d.w);
	h.expires_at = h.issued_at + 600000;
	desk_give(&s->d, NULL, 0, desk_signed(body, reeve__control__v1__head__pack(&h, body), &s->d.head, SIGN_DOMAIN_HEAD));
}

static inline void shop_run(struct shop *s, struct desk_command *k)
{
	shop_apply(s, k, 1);
	shop_send(s, k, false);
}

#define ANY_END 0 /* a state of the wire that no command is in */

struct shop_want {
	struct shop *s;
	const uint8_t *id;
	int state; /* of the wire, or ANY_END */
};

static inline bool shop_is(void *ctx)
{
	struct shop_want *want = ctx;
	struct op *op = ops_find(want->s->d.ops, want->id);

	if (op == NULL)
		return false;
	return want->state == ANY_END ? op_fields(op)->is_ended : (int)op_fields(op)->state == want->state;
}

static inline bool shop_until(struct shop *s, const struct desk_command *k, int state, uint64_t ms)
{
	struct shop_want want = { s, k->id, state };

	return sim_run_until(s->d.w, shop_is, &want, ms) == SIM_TRUE;
}

static inline Reeve__Control__V1__Status *shop_status(struct shop *s, const struct desk_command *k, struct arena *m)
{
	Reeve__Control__V1__Status *st = arena_new(m, Reeve__Control__V1__Status);
	struct op *op = ops_find(s->d.ops, k->id);

	assert_non_null(op);
	op_status(op, m, st);
	return st;
}

/* Runs the command to its end and tells the state and the message of its error, "" if none. */
static inline int shop_ends(struct shop *s, const struct desk_command *k, char message[512])
{
	struct arena *m = arena_new_sized(8u << 20);
	Reeve__Control__V1__Status *st;
	int state;

	if (!shop_until(s, k, ANY_END, 7200000))
		fail_msg("the command does not end");
	st = shop_status(s, k, m);
	state = (int)st->state;
	if (message != NULL)
		snprintf(message, 512, "%s", st->error != NULL ? st->error->message : "");
	arena_free(m);
	return state;
}

static inline unsigned shop_alive(const struct shop *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->instances_n; i++)
		n += aws_is_alive(s->sim, s->sim->instances[i]) && !s->sim->instances[i]->foreign;
	return n;
}

/* Groups, target groups and load balancers that the command has made and that stand. */
static inline unsigned shop_stands(const struct shop *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->groups_n; i++)
		n += aws_is_there(s->sim, &s->sim->groups[i]->t) && aws_tag_of(&s->sim->groups[i]->t, "reeve:command") != NULL;
	for (size_t i = 0; i < s->sim->target_groups_n; i++)
		n += aws_is_there(s->sim, &s->sim->target_groups[i]->t);
	for (size_t i = 0; i < s->sim->lbs_n; i++)
		n += aws_is_there(s->sim, &s->sim->lbs[i]->t);
	return n;
}

static inline unsigned shop_count(const struct shop *s, const char *action)
{
	unsigned n = 0;

	for (const char *at = buf_str(&s->seen); (at = strstr(at, action)) != NULL; at++)
		n++;
	return n;
}

static inline bool shop_made_a_balancer(void *ctx)
{
	return shop_count(ctx, "CreateLoadBalancer") > 0;
}

#define SHOP(f) cmocka_unit_test_setup_teardown(f, shop_start, shop_end)
#define DONE REEVE__CONTROL__V1__STATE__SUCCEEDED
#define STATE_OF(name) REEVE__CONTROL__V1__STATE__##name
