/* agent.c - wiring, start and close.
 *
 * Happy path of the start: folders, lock, key (made once), journal (replayed into ops), socket; then identity; then channel,
 * inbox, session, telemetry, and ops goes on with what it finds. Damage in the journal: read-only, said everywhere. Close
 * goes the other way round, one after the other, each telling when it is done. */
#include "agent/daemon/agent_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/secret.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

#define TO(state) SM_TO(AGENT_##state)

static const struct sm_state agent_states[] = {
	[AGENT_KEY] = { "key", TO(FINDING) | TO(ENDING) },
	[AGENT_FINDING] = { "finding", TO(RECORDING) | TO(UP) | TO(ENDING) },
	[AGENT_RECORDING] = { "recording", TO(UP) | TO(ENDING) },
	[AGENT_UP] = { "up", TO(ENDING) },
	[AGENT_ENDING] = { "ending", TO(CLOSE_FINDING) },
	[AGENT_CLOSE_FINDING] = { "close-finding", TO(CLOSE_SIGNAL) },
	[AGENT_CLOSE_SIGNAL] = { "close-signal", TO(CLOSE_SESSION) },
	[AGENT_CLOSE_SESSION] = { "close-session", TO(CLOSE_TELEMETRY) },
	[AGENT_CLOSE_TELEMETRY] = { "close-telemetry", TO(CLOSE_STOCKTAKE) },
	[AGENT_CLOSE_STOCKTAKE] = { "close-stocktake", TO(CLOSE_OPS) },
	[AGENT_CLOSE_OPS] = { "close-ops", TO(CLOSE_JOURNAL) },
	[AGENT_CLOSE_JOURNAL] = { "close-journal", TO(CLOSE_CHANNEL) },
	[AGENT_CLOSE_CHANNEL] = { "close-channel", TO(CLOSE_CREDS) },
	[AGENT_CLOSE_CREDS] = { "close-creds", TO(CLOSE_IMDS) },
	[AGENT_CLOSE_IMDS] = { "close-imds", TO(CLOSED) },
	[AGENT_CLOSED] = { "closed", SM_END },
};

static const char *agent_broken(const struct sm *m)
{
	const struct agent *a = container_of((struct sm *)m, struct agent, sm);

	if (m->now == AGENT_UP && (a->session == NULL || a->channel == NULL || a->telemetry == NULL))
		return "one that is up has a session, a channel and telemetry";
	if (m->now > AGENT_CLOSE_OPS && a->ops != NULL)
		return "what the operations ask is closed after them";
	return NULL;
}

static const struct sm_machine agent_machine = SM_MACHINE("agent", agent_states, agent_broken);

/* ---- what ops and control ask of each other ---- */

static void on_changed(void *ctx)
{
	struct agent *a = ctx;

	/* Before that there is no inbox and no session to tell, and afterwards they are closing. */
	if (!agent_is_up(a))
		return;
	inbox_again(&a->inbox);
	session_kick(a->session);
}

static bool head_is_fresh(void *ctx)
{
	return inbox_head_is_fresh(&((struct agent *)ctx)->inbox);
}

static bool is_release_signed(void *ctx, const void *bytes, size_t len)
{
	return inbox_is_release_signed(&((struct agent *)ctx)->inbox, bytes, len);
}

static void on_policy(void *ctx, const struct policy *p)
{
	struct agent *a = ctx;

	/* Telemetry is closed before the operations, which read the policy until their end. */
	if (a->telemetry != NULL)
		telemetry_rules(a->telemetry, p);
}

static void on_ready(void *ctx)
{
	struct agent *a = ctx;

	if (a->session != NULL) /* a login may be done while the agent closes */
		session_kick(a->session);
}

/* Only the top of a flow logs; health is what the vendor's SRE sees first. */
static void on_health(void *ctx, struct opamp_state *s)
{
	struct agent *a = ctx;
	/* What stops most is told first: the journal, then what the customer's switches say, then telemetry. That the vendor's
	 * own head is missing comes last. */
	const char *trouble = a->journal == NULL ? err_text(&a->journal_err) : journal_trouble(a->journal);

	if (trouble == NULL && ops_mode_told(a->ops)[0] != '\0')
		trouble = ops_mode_told(a->ops);
	if (trouble == NULL && a->telemetry != NULL)
		trouble = telemetry_trouble(a->telemetry);
	snprintf(a->health, sizeof(a->health), "%s", trouble != NULL ? trouble : "");
	/* The copy may end inside a character. A text of proto3 must be UTF-8, and a strict plane would refuse
	 * the whole message for it. */
	str_mend(a->health);
	s->is_healthy = a->health[0] == '\0' && inbox_head_is_fresh(&a->inbox);
	s->health_status = s->is_healthy ? "running" : "degraded";
	if (a->health[0] == '\0' && !s->is_healthy)
		snprintf(a->health, sizeof(a->health), "no fresh signed head");
	s->health_error = a->health;
}

/* ---- the second half of the start: the identity is known ---- */

static json_t *started_json(const struct agent *a)
{
	const struct identity *id = &a->id;

	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "schema", JOURNAL_SCHEMA, "version", REEVE_VERSION,
			 "installation", a->cfg->installation, "instance_id", id->instance.instance_id, "account",
			 id->caller.account, "region", id->instance.region, "role", id->caller.role, "role_id", id->caller.role_id);
}

static void nothing(struct journal_append *r)
{
	(void)r;
}

static void describe(struct agent *a)
{
	const struct imds_identity *in = &a->id.instance;

	a->identifying[0] = (struct opamp_attr){ "service.name", "reeve" };
	a->identifying[1] = (struct opamp_attr){ "service.instance.id", in->instance_id };
	a->identifying[2] = (struct opamp_attr){ "service.version", REEVE_VERSION };
	a->identifying[3] = (struct opamp_attr){ "service.namespace", a->cfg->installation };
	a->describing[0] = (struct opamp_attr){ "cloud.provider", "aws" };
	a->describing[1] = (struct opamp_attr){ "cloud.platform", "aws_ec2" };
	a->describing[2] = (struct opamp_attr){ "cloud.account.id", a->id.caller.account };
	a->describing[3] = (struct opamp_attr){ "cloud.region", in->region };
	a->describing[4] = (struct opamp_attr){ "cloud.availability_zone", in->az };
	a->describing[5] = (struct opamp_attr){ "host.id", in->instance_id };
	a->describing[6] = (struct opamp_attr){ "host.type", in->instance_type };
	a->describing[7] = (struct opamp_attr){ "os.type", "linux" };
}

static void start_control(struct agent *a)
{
	const struct config *c = a->cfg;
	struct channel_config ch = { .url = c->vendor_url,
				     .host = c->vendor_host,
				     .installation = c->installation,
				     .ca_file = c->ca_file,
				     .connect_to = c->vendor_connect_to,
				     .proxy = config_proxy(c),
				     .aws = a->aws,
				     .instance = a->creds,
				     .journal_key = a->journal_key.pub,
				     .ctx = a,
				     .ready = on_ready };
	struct session_config s = { .url = c->vendor_url,
				    .ca_file = c->ca_file,
				    .connect_to = c->vendor_connect_to,
				    .proxy = config_proxy(c),
				    .idle_ms = c->poll_idle_ms,
				    .busy_ms = c->poll_busy_ms,
				    .inbox = &a->inbox,
				    .ctx = a,
				    .health = on_health };
	struct inbox_binding b = { c->installation, a->id.caller.account, a->id.instance.region, a->id.caller.role_id };

	describe(a);
	inbox_init(&a->inbox, a->w, a->ops, &c->trust, &b);
	a->channel = channel_new(a->w, &ch);
	s.channel = a->channel;
	s.report = (struct report_args){ a->ops, &a->inbox, a->journal, &a->journal_key.pub };
	s.state = (struct opamp_state){ .identifying = a->identifying,
					.identifying_n = ARRAY_LEN(a->identifying),
					.describing = a->describing,
					.describing_n = ARRAY_LEN(a->describing),
					.config = c->text,
					.config_len = strlen(c->text) };
	a->session = session_new(a->w, &s);
}

static void start_signal(struct agent *a)
{
	const struct stack_signal_config cfg = { .handle_path = a->cfg->wait_handle_path,
						 .state_dir = a->cfg->state_dir,
						 .unique_id = a->id.instance.instance_id };

	a->stack_signal = stack_signal_new(a->w, &cfg);
}

static void start_stocktake(struct agent *a)
{
	a->owner = (struct owner){ a->cfg->vendor_name, a->cfg->installation };
	a->stocktake = stocktake_new(&(struct inventory_source){ a->w, a->aws, a->creds, &a->owner, catalogue_resources() });
}

static void begin_work(struct agent *a)
{
	ops_set_aws(a->ops, a->aws, a->creds, a->id.operate_role);
	start_stocktake(a);
	start_control(a);
	a->telemetry = telemetry_new(a->w, a->cfg, a->paths[SPOOL_DIR], &a->id, a->channel);
	telemetry_also(a->telemetry, agent_own, a);
	start_signal(a);
	a->has_been_up = true;
	sm_move(&a->sm, AGENT_UP);
	/* Last, because it reads the policy at once, whose rules telemetry must hear, and may have
	 * something to tell the session. */
	ops_start(a->ops, a->journal);
}

/* What a killed predecessor wrote may be read and not yet durable. With the first record behind it, it is: only then may
 * anybody be told of it. */
static void on_started(struct journal_append *r)
{
	struct agent *a = container_of(r, struct agent, started_rec);

	if (!agent_is_closing(a))
		begin_work(a);
}

static void on_identity(void *ctx, int rc, const struct err *e)
{
	struct agent *a = ctx;

	if (agent_is_closing(a))
		return;
	if (rc != 0) {
		log_error("agent.refuses", "err=%s next=\"it stops\"", err_text(e));
		a->fatal(a->ctx, e);
		return;
	}
	log_info("agent.identity", "account=%s region=%s instance=%s role=%s role_id=%s hosts=%s", a->id.caller.account,
		 a->id.instance.region, a->id.instance.instance_id, a->id.caller.role, a->id.caller.role_id,
		 a->id.dual_suffix != NULL ? a->id.dual_suffix : a->id.domain);
	/* Nothing can be recorded in a damaged journal. The agent goes on all the same: it must be able to say
	 * what is wrong with it. */
	if (a->journal == NULL) {
		begin_work(a);
		return;
	}
	sm_move(&a->sm, AGENT_RECORDING);
	journal_append(a->journal, &a->started_rec, "agent.started", started_json(a), on_started);
}

/* ---- the first half: what lies on our own disk ---- */

static int on_record(void *ctx, const struct journal_entry *entry, struct err *e)
{
	struct agent *a = ctx;

	return ops_replay(a->ops, entry, e);
}

static json_t *on_checkpoint(void *ctx)
{
	return ops_checkpoint(((struct agent *)ctx)->ops);
}

static void on_journal_lost(void *ctx, const struct err *e)
{
	struct agent *a = ctx;

	/* Operations stand on records that were read and are gone now. Only a new start, which reads what is
	 * there, is right again. */
	if (!agent_is_closing(a))
		a->fatal(a->ctx, e);
}

static uint64_t on_oldest_open(void *ctx)
{
	return ops_oldest_open(((struct agent *)ctx)->ops);
}

static void new_ops(struct agent *a)
{
	struct ops_config cfg = { .w = a->w,
				  .owner = { a->cfg->vendor_name, a->cfg->installation },
				  .policy_path = a->cfg->policy_path,
				  .stop_path = a->cfg->stop_path,
				  .outputs_dir = a->paths[OUTPUTS_DIR],
				  .diag = a->diag = diag_new(a, a->paths[DIAG_DIR]),
				  .ctx = a,
				  .changed = on_changed,
				  .head_is_fresh = head_is_fresh,
				  .is_release_signed = is_release_signed,
				  .policy_read = on_policy };

	a->ops = ops_new(&cfg);
}

static void record_created(struct agent *a)
{
	char key[ENC_BASE64_LEN(SIGN_KEY_LEN)];

	journal_append(a->journal, &a->created_rec, "journal.created",
		       json_pack("{s:i, s:s, s:s}", "schema", JOURNAL_SCHEMA, "installation", a->cfg->installation, "public_key",
				 enc_base64(a->journal_key.pub.b, SIGN_KEY_LEN, key)),
		       nothing);
}

/* A damaged journal is not written and not trusted: no operation goes on from half a memory. */
static void open_journal(struct agent *a)
{
	struct journal_config cfg = { .dir = a->paths[JOURNAL_DIR],
				      .segment_bytes = a->cfg->journal_segment,
				      .max_bytes = a->cfg->journal_max,
				      .ctx = a,
				      .checkpoint = on_checkpoint,
				      .oldest_open = on_oldest_open,
				      .lost = on_journal_lost };
	bool is_empty = false;

	/* Operations are there first: the journal hands them each record while it opens. */
	new_ops(a);
	if (journal_open(a->w, &cfg, on_record, a, &is_empty, &a->journal, &a->journal_err) != 0) {
		if (a->journal_err.code == ERR_UNSUPPORTED)
			log_error("journal.newer", "err=%s next=\"read-only: install the version that has written it\"",
				  err_text(&a->journal_err));
		else
			log_error("journal.damaged", "err=%s next=\"read-only: nothing is changed until a person has looked\"",
				  err_text(&a->journal_err));
		a->journal = NULL;
		return;
	}
	if (is_empty)
		record_created(a);
}

static void begin(struct agent *a)
{
	sm_move(&a->sm, AGENT_FINDING);
	open_journal(a);
	a->imds = imds_new(a->w, a->cfg->imds_endpoint);
	a->creds = creds_new_imds(a->w, a->imds);
	a->finding = identity_find(a->w, a->cfg, a->imds, a->creds, &a->id, &a->aws, on_identity, a);
}

static void on_key_made(struct disk_req *r, int rc)
{
	struct agent *a = container_of(r, struct agent, key_disk);

	if (agent_is_closing(a))
		return;
	if (rc != 0) {
		log_error("agent.key.failed", "err=%s next=\"it stops\"", err_text(&r->err));
		a->fatal(a->ctx, &r->err);
		return;
	}
	begin(a);
}

static void on_begin(struct timer *t)
{
	begin(container_of(t, struct agent, timer));
}

static void on_tick(struct timer *t)
{
	struct agent *a = container_of(t, struct agent, ticker);

	/* The watchdog looks at this number: it says that the loop turns and timers fire. */
	a->ticks++;
	if (a->telemetry != NULL)
		telemetry_look(a->telemetry);
	/* The first answer to a poll is behind the login: the vendor has let it in. One that cannot record anything is no
	 * success. */
	if (a->stack_signal != NULL && a->journal != NULL && session_is_connected(a->session))
		stack_signal_send(a->stack_signal);
	if (agent_is_up(a))
		ops_policy_read(a->ops); /* export rules and the mode are seen within a tick also when nothing runs */
	timer_start(a->w, &a->ticker, 2000, on_tick);
}

/* The key is 32 bytes of seed, 0600. It signs journal heads and is no identity. */
static int load_key(struct agent *a, bool *ret_made, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(SIGN_KEY_LEN);
	int rc = disk_read_all(a->w, a->paths[KEY_PATH], &b, e);

	/* Only a file that is not there is made. One that cannot be read stops the start: a new key in its place would not be
	 * the one that the journal's first record names. */
	*ret_made = rc == -ERR_NOTFOUND;
	if (rc == -ERR_NOTFOUND) {
		a->w->random(a->w, a->journal_key.seed, SIGN_KEY_LEN);
		TRY(sign_key_init(&a->journal_key, a->journal_key.seed, e));
		/* whole or not at all: half a key would stop every later start */
		disk_replace(a->w, &a->key_disk, a->paths[KEY_PATH], a->journal_key.seed, SIGN_KEY_LEN, 0600, on_key_made);
		return 0;
	}
	TRY(rc);
	if (b.len != SIGN_KEY_LEN)
		return err_set(e, ERR_CORRUPT, "%s has %zu bytes, expected %d; move it away to have a new one made",
			       a->paths[KEY_PATH], b.len, SIGN_KEY_LEN);
	rc = sign_key_init(&a->journal_key, (const uint8_t *)b.data, e);
	secret_wipe(b.data, b.len);
	return rc;
}

static int prepare(struct agent *a, struct err *e)
{
	const char *dir = a->cfg->state_dir;
	bool made;

	a->paths[KEY_PATH] = mem_printf("%s/journal.key", dir);
	a->paths[JOURNAL_DIR] = mem_printf("%s/journal", dir);
	a->paths[SPOOL_DIR] = mem_printf("%s/spool", dir);
	a->paths[OUTPUTS_DIR] = mem_printf("%s/outputs", dir);
	a->paths[DIAG_DIR] = mem_printf("%s/diag", dir);
	a->paths[LOCK_PATH] = mem_printf("%s/lock", dir);
	TRY(a->w->disk_mkdir(a->w, dir, 0700, e));
	/* Before anything in the folder is read: two agents would write one journal. */
	TRY(a->w->disk_lock(a->w, a->paths[LOCK_PATH], e));
	TRY(a->w->disk_mkdir(a->w, a->paths[JOURNAL_DIR], 0700, e));
	TRY(a->w->disk_mkdir(a->w, a->paths[SPOOL_DIR], 0700, e));
	TRY(a->w->disk_mkdir(a->w, a->paths[OUTPUTS_DIR], 0700, e));
	TRY(a->w->disk_mkdir(a->w, a->paths[DIAG_DIR], 0700, e));
	TRY(load_key(a, &made, e));
	/* A new key first has to be durable; on_key_made begins then. Either way nothing calls back before
	 * agent_new has returned. */
	if (!made)
		timer_start(a->w, &a->timer, 0, on_begin);
	timer_start(a->w, &a->ticker, 2000, on_tick);
	return 0;
}

static void free_agent(struct agent *a)
{
	for (int i = 0; i < PATHS; i++)
		mem_free(a->paths[i]);
	secret_wipe(&a->journal_key, sizeof(a->journal_key));
	mem_free(a);
}

int agent_new(struct world *w, const struct config *cfg, void (*fatal)(void *ctx, const struct err *e), void *ctx,
	      struct agent **ret, struct err *e)
{
	struct agent *a = mem_new(struct agent);
	int rc;

	a->w = w;
	a->cfg = cfg;
	a->fatal = fatal;
	a->ctx = ctx;
	a->started_ms = world_wall_ms(w);
	sm_init(&a->sm, &agent_machine, AGENT_KEY);
	rc = prepare(a, e);
	if (rc != 0) {
		timer_stop(w, &a->timer);
		free_agent(a);
		return rc;
	}
	*ret = a;
	return 0;
}

/* ---- close: one after the other ---- */

static void close_next(void *ctx);

/* Each starts one close and answers true, or has nothing to close. From its start on the component is no longer in struct agent: it
 * may be freed at any moment, while those that close after it still call back and the status is asked for. */
#define CLOSER(name)                                                                                                               \
	static bool close_##name(struct agent *a)                                                                                  \
	{                                                                                                                          \
		void *it = a->name;                                                                                                \
                                                                                                                                   \
		if (it == NULL)                                                                                                    \
			return false;                                                                                              \
		a->name = NULL;                                                                                                    \
		name##_close(it, close_next, a);                                                                                   \
		return true;                                                                                                       \
	}

CLOSER(stack_signal)
CLOSER(session)
CLOSER(telemetry)
CLOSER(stocktake)
CLOSER(channel)
CLOSER(creds)
CLOSER(imds)

/* The journal may begin a segment until then, and asks for a checkpoint. */
static void on_ops_closed(void *ctx)
{
	struct agent *a = ctx;

	a->ops = NULL;
	close_next(a);
}

static bool close_ops(struct agent *a)
{
	if (a->ops == NULL)
		return false;
	ops_close(a->ops, on_ops_closed, a);
	return true;
}

static bool close_finding(struct agent *a)
{
	struct identity_flow *it = a->finding;

	if (it == NULL)
		return false;
	a->finding = NULL;
	identity_close(it, close_next, a);
	return true;
}

static bool close_journal(struct agent *a)
{
	struct journal *it = a->journal;

	if (it == NULL)
		return false;
	/* Who appends withdraws before the journal closes (journal.h). What the disk has already still becomes durable. */
	journal_forget(it, &a->created_rec);
	journal_forget(it, &a->started_rec);
	a->journal = NULL;
	journal_close(it, close_next, a);
	return true;
}

/* The order of closing: first the search for the identity, so that it starts nothing more; then each component before those that it
 * uses. The journal comes right after the operations, because it asks them for its checkpoints. */
static bool (*const closers[])(struct agent *a) = {
	[AGENT_CLOSE_FINDING] = close_finding,     [AGENT_CLOSE_SIGNAL] = close_stack_signal, [AGENT_CLOSE_SESSION] = close_session,
	[AGENT_CLOSE_TELEMETRY] = close_telemetry, [AGENT_CLOSE_STOCKTAKE] = close_stocktake, [AGENT_CLOSE_OPS] = close_ops,
	[AGENT_CLOSE_JOURNAL] = close_journal,     [AGENT_CLOSE_CHANNEL] = close_channel,     [AGENT_CLOSE_CREDS] = close_creds,
	[AGENT_CLOSE_IMDS] = close_imds,
};

static void close_next(void *ctx)
{
	struct agent *a = ctx;

	do
		sm_move(&a->sm, a->sm.now + 1);
	while (a->sm.now != AGENT_CLOSED && !closers[a->sm.now](a));
	closing_step(&a->closing);
}

static bool is_out(struct closing *c)
{
	return container_of(c, struct agent, closing)->sm.now != AGENT_CLOSED;
}

static void on_all_closed(struct closing *c)
{
	struct agent *a = container_of(c, struct agent, closing);

	timer_stop(a->w, &a->timer);
	timer_stop(a->w, &a->ticker);
	/* Only now: operations ask it until their end whether the head is fresh. */
	inbox_close(&a->inbox);
	diag_free(a->diag);
	if (a->aws != NULL)
		aws_free(a->aws);
	free_agent(a);
}

/* Each component's end comes from the loop, and ours follows the last of them, so it comes from the loop, too. */
static const struct closing_how agent_how = { is_out, on_all_closed };

static void on_close(struct timer *t)
{
	struct agent *a = container_of(t, struct agent, timer);

	if (a->key_disk.impl != NULL)
		timer_start(a->w, &a->timer, 10, on_close); /* the key is being written */
	else
		close_next(a);
}

void agent_close(struct agent *a, void (*done)(void *ctx), void *ctx)
{
	assert(!agent_is_closing(a));
	log_info("agent.stop", "next=\"the next start goes on from the journal\"");
	sm_move(&a->sm, AGENT_ENDING);
	closing_begin(&a->closing, &agent_how, closing_end, done, ctx);
	timer_stop(a->w, &a->ticker);
	/* This is the timer that a start may still wait for: starting it anew keeps on_begin from coming. */
	timer_start(a->w, &a->timer, 0, on_close);
}
