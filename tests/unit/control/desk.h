/* desk.h - the agent's side of the control protocol in the simulated world: operations with a journal and no AWS (commands
 * wait for their not_before), keys of each role, and what signs like the vendor does. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/base/uuid.h"
#include "agent/control/inbox.h"
#include "agent/ops/op.h"
#include "tests/sim/copy.h"
#include "tests/sim/world_sim.h"

#define DESK_JOURNAL "/var/lib/reeve/journal"
#define DESK_OUTPUTS "/var/lib/reeve/outputs"
#define DESK_NOW 1800000000000ll

typedef Reeve__Control__V1__Command command_t;
typedef Reeve__Control__V1__Signed signed_t;
typedef Reeve__Control__V1__Intent intent_t;
typedef Reeve__Control__V1__Head head_t;

struct desk {
	struct world *w;
	struct ops *ops;
	struct journal *j;
	struct deed_diag *diag; /* what operations are lent; NULL: nothing */
	struct trust trust;
	struct sign_key command, release, head, stranger;
	struct inbox in;
	bool done;
	unsigned changes; /* how often there was something to report */
};

static inline void desk_key(struct desk *d, struct sign_key *k, uint8_t fill, int role)
{
	uint8_t seed[SIGN_KEY_LEN];

	memset(seed, fill, sizeof(seed));
	assert_int_equal(sign_key_init(k, seed, NULL), 0);
	if (role >= 0)
		trust_add(&d->trust, "k", (enum trust_role)role, &k->pub);
}

static inline void desk_changed(void *ctx)
{
	((struct desk *)ctx)->changes++;
}

static inline bool desk_fresh(void *ctx)
{
	return inbox_head_is_fresh(&((struct desk *)ctx)->in);
}

static inline bool desk_release(void *ctx, const void *bytes, size_t len)
{
	return inbox_is_release_signed(&((struct desk *)ctx)->in, bytes, len);
}

static inline json_t *desk_checkpoint(void *ctx)
{
	return ops_checkpoint(((struct desk *)ctx)->ops);
}

static inline uint64_t desk_oldest(void *ctx)
{
	return ops_oldest_open(((struct desk *)ctx)->ops);
}

static inline void desk_lost(void *ctx, const struct err *e)
{
	(void)ctx;
	fail_msg("%s", err_text(e));
}

static inline int desk_replay(void *ctx, const struct journal_entry *entry, struct err *e)
{
	return ops_replay(((struct desk *)ctx)->ops, entry, e);
}

static inline void desk_open(struct desk *d)
{
	struct ops_config cfg = { .w = d->w,
				  .owner = { "velodb", "inst-1" },
				  .policy_path = "/etc/reeve/policy.yaml",
				  .stop_path = "/etc/reeve/STOP",
				  .outputs_dir = DESK_OUTPUTS,
				  .diag = d->diag,
				  .ctx = d,
				  .changed = desk_changed,
				  .head_is_fresh = desk_fresh,
				  .is_release_signed = desk_release };
	struct journal_config j = { .dir = DESK_JOURNAL,
				    .segment_bytes = 1u << 20,
				    .max_bytes = 1u << 28,
				    .ctx = d,
				    .checkpoint = desk_checkpoint,
				    .oldest_open = desk_oldest,
				    .lost = desk_lost };
	struct inbox_binding b = { "inst-1", "123456789012", "us-east-1", "AROAX" };
	bool is_empty;

	d->ops = ops_new(&cfg);
	assert_int_equal(d->w->disk_mkdir(d->w, DESK_OUTPUTS, 0700, NULL), 0);
	assert_int_equal(d->w->disk_mkdir(d->w, DESK_JOURNAL, 0700, NULL), 0);
	assert_int_equal(journal_open(d->w, &j, desk_replay, d, &is_empty, &d->j, NULL), 0);
	inbox_init(&d->in, d->w, d->ops, &d->trust, &b);
	ops_start(d->ops, d->j);
}

static inline void desk_closed(void *ctx)
{
	((struct desk *)ctx)->done = true;
}

static inline bool desk_is_done(void *ctx)
{
	return ((struct desk *)ctx)->done;
}

static inline void desk_shut(struct desk *d)
{
	inbox_close(&d->in);
	d->done = false;
	ops_close(d->ops, desk_closed, d);
	assert_int_equal(sim_run_until(d->w, desk_is_done, d, 60000), SIM_TRUE);
	d->done = false;
	journal_close(d->j, desk_closed, d);
	assert_int_equal(sim_run_until(d->w, desk_is_done, d, 60000), SIM_TRUE);
}

static inline int desk_start(void **state)
{
	struct desk *d = mem_new(struct desk);

	d->w = sim_new(5);
	sim_wall_set(d->w, DESK_NOW);
	desk_key(d, &d->command, 1, TRUST_COMMAND);
	desk_key(d, &d->release, 2, TRUST_RELEASE);
	desk_key(d, &d->head, 3, TRUST_HEAD);
	desk_key(d, &d->stranger, 4, -1);
	desk_open(d);
	*state = d;
	return 0;
}

static inline int desk_end(void **state)
{
	struct desk *d = *state;

	desk_shut(d);
	sim_free(d->w);
	mem_free(d);
	return 0;
}

static inline void desk_settle(struct desk *d)
{
	sim_run_until(d->w, NULL, NULL, 3000);
}

static inline void desk_nothing(void *ctx)
{
	(void)ctx;
}

/* Time goes from event to event, so there must be one. */
static inline void desk_pass(struct desk *d, uint64_t ms)
{
	sim_at(d->w, ms, desk_nothing, NULL);
	sim_run_until(d->w, NULL, NULL, ms);
}

/* ---- what the vendor signs ---- */

static inline void desk_sign(signed_t *s, const struct sign_key *k, const char *domain)
{
	Reeve__Control__V1__Sig *sig = mem_new(Reeve__Control__V1__Sig);
	uint8_t id[SIGN_ID_LEN], *bytes = mem_alloc(SIGN_SIG_LEN);

	reeve__control__v1__sig__init(sig);
	sign_key_id(&k->pub, id);
	assert_int_equal(sign_body(k, domain, s->body.data, s->body.len, bytes, NULL), 0);
	sig->alg = REEVE__CONTROL__V1__ALG__ED25519;
	sig->key_id = (ProtobufCBinaryData){ SIGN_ID_LEN, copy_of(id, SIGN_ID_LEN) };
	sig->sig = (ProtobufCBinaryData){ SIGN_SIG_LEN, bytes };
	s->sigs = mem_grow(s->sigs, s->n_sigs + 1, sizeof(*s->sigs));
	s->sigs[s->n_sigs++] = sig;
}

static inline signed_t *desk_signed(const void *body, size_t len, const struct sign_key *k, const char *domain)
{
	signed_t *s = mem_new(signed_t);

	reeve__control__v1__signed__init(s);
	s->body = (ProtobufCBinaryData){ len, copy_of(body, len) };
	desk_sign(s, k, domain);
	return s;
}

struct desk_command {
	command_t c;
	Reeve__Control__V1__Binding b;
	uint8_t id[16], args[4096];
};

/* A good warehouse.delete for tomorrow, number seq of epoch 1; a test bends what it wants. */
static inline void desk_command(struct desk_command *k, uint64_t seq)
{
	Reeve__Control__V1__WarehouseDelete a = REEVE__CONTROL__V1__WAREHOUSE_DELETE__INIT;

	reeve__control__v1__command__init(&k->c);
	reeve__control__v1__binding__init(&k->b);
	k->b.installation = (char *)"inst-1";
	k->b.account = (char *)"123456789012";
	k->b.region = (char *)"us-east-1";
	k->b.role_id = (char *)"AROAX";
	a.warehouse = a.confirm = (char *)"wh-1";
	memset(k->args, (int)seq, 10);
	uuid_v7(DESK_NOW, k->args, k->id);
	k->c.schema = 1;
	k->c.binding = &k->b;
	k->c.epoch = 1;
	k->c.seq = seq;
	k->c.command_id = (ProtobufCBinaryData){ sizeof(k->id), k->id };
	k->c.verb = REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE;
	k->c.target = (char *)"wh-1";
	k->c.mode = REEVE__CONTROL__V1__MODE__EXECUTE;
	k->c.not_before = DESK_NOW + 86400000;
	k->c.expires_at = DESK_NOW + 2 * 86400000;
	k->c.args = (ProtobufCBinaryData){ reeve__control__v1__warehouse_delete__pack(&a, k->args), k->args };
}

static inline signed_t *desk_sign_command(const struct desk_command *k, const struct sign_key *by)
{
	CLEANUP(mem_close) uint8_t *body = mem_alloc(reeve__control__v1__command__get_packed_size(&k->c));
	size_t len = reeve__control__v1__command__pack(&k->c, body);

	return desk_signed(body, len, by, SIGN_DOMAIN_COMMAND);
}

static inline void desk_give(struct desk *d, signed_t **commands, size_t n, signed_t *head)
{
	intent_t i = REEVE__CONTROL__V1__INTENT__INIT;
	CLEANUP(mem_close) uint8_t *bytes = NULL;
	size_t len;

	i.epoch = 1;
	i.head = head;
	i.commands = commands;
	i.n_commands = n;
	len = reeve__control__v1__intent__get_packed_size(&i);
	bytes = mem_alloc(len);
	reeve__control__v1__intent__pack(&i, bytes);
	assert_int_equal(inbox_take(&d->in, bytes, len, NULL), 0);
	for (size_t k = 0; k < n; k++)
		reeve__control__v1__signed__free_unpacked(commands[k], NULL);
	if (head != NULL)
		reeve__control__v1__signed__free_unpacked(head, NULL);
	desk_settle(d);
}

static inline void desk_give_one(struct desk *d, signed_t *s)
{
	desk_give(d, &s, 1, NULL);
}

/* Signed as it stands, by the command key alone. */
static inline void desk_give_command(struct desk *d, const struct desk_command *k)
{
	desk_give_one(d, desk_sign_command(k, &d->command));
}

static inline const char *desk_refusal(const struct desk *d) /* the newest one */
{
	return d->in.refusals_n > 0 ? d->in.refusals[0].reason : "";
}

/* ---- results ---- */

static inline void desk_written(struct journal_append *a)
{
	(void)a;
}

/* Command seq has ended with a plan of that many characters: true from the next desk_open on. */
static inline void desk_finish(struct desk *d, uint64_t seq, size_t text_len)
{
	struct journal_append rec = { 0 };
	CLEANUP(mem_close) char *text = mem_alloc(text_len + 1);
	struct desk_command k;
	char id[UUID_TEXT_LEN];

	desk_command(&k, seq);
	desk_give_one(d, desk_sign_command(&k, &d->command));
	uuid_text(k.id, id);
	memset(text, 'x', text_len);
	journal_append(d->j, &rec, "command.result",
		       json_pack("{s:s, s:s, s:i, s:s}", "op", id, "state", "SUCCEEDED", "code",
				 REEVE__CONTROL__V1__STATE__SUCCEEDED, "plan_text", text),
		       desk_written);
	desk_settle(d);
}

#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, desk_start, desk_end)
