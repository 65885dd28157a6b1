/* test_agent_pairs.c - every two of the components that agent.c wires, closed in both orders, in each state that they can be
 * in when a stop comes. Run under ASan: nothing that is closed may be used.
 *
 * At once: one's close and the other's in the same event, whoever asks whom. Apart: the first is gone before the second is told,
 * and the second works on in between; that is only for those who ask nothing of the first. Where one asks the other, it must be
 * gone first: a test holds the wiring to it. What has no close that takes time (inbox, aws) goes with the agent itself. */
#include "agent/daemon/agent_impl.h"
#include "agent/daemon/socket.h"
#include "tests/unit/daemon/stage.h"

/* ---- the components ---- */

enum { FINDING, SESSION, TELEMETRY, STOCKTAKE, OPS, JOURNAL, CHANNEL, CREDS, IMDS, PARTS };

#define PART(name, close)                                                                                                          \
	static void close_##name(struct agent *a, void (*done)(void *ctx), void *ctx)                                              \
	{                                                                                                                          \
		void *it = a->name;                                                                                                \
                                                                                                                                   \
		a->name = NULL;                                                                                                    \
		close(it, done, ctx);                                                                                              \
	}                                                                                                                          \
	static bool has_##name(const struct agent *a)                                                                              \
	{                                                                                                                          \
		return a->name != NULL;                                                                                            \
	}

PART(finding, identity_close)
PART(session, session_close)
PART(telemetry, telemetry_close)
PART(stocktake, stocktake_close)
PART(ops, ops_close)
PART(journal, journal_close)
PART(channel, channel_close)
PART(creds, creds_close)
PART(imds, imds_close)

#define ASKS(part) (1u << (part))

static const struct part {
	const char *name;
	bool (*has)(const struct agent *a);
	void (*close)(struct agent *a, void (*done)(void *ctx), void *ctx);
	unsigned asks; /* so these may be gone only after it */
} parts[PARTS] = {
	[FINDING] = { "identity", has_finding, close_finding, ASKS(CREDS) | ASKS(IMDS) },
	[SESSION] = { "session", has_session, close_session, ASKS(CHANNEL) | ASKS(OPS) | ASKS(JOURNAL) },
	[TELEMETRY] = { "telemetry", has_telemetry, close_telemetry, ASKS(CHANNEL) },
	[STOCKTAKE] = { "stocktake", has_stocktake, close_stocktake, ASKS(CREDS) },
	[OPS] = { "ops", has_ops, close_ops, ASKS(JOURNAL) | ASKS(CREDS) },
	[JOURNAL] = { "journal", has_journal, close_journal, ASKS(OPS) }, /* for checkpoints: it is told as ops is gone */
	[CHANNEL] = { "channel", has_channel, close_channel, ASKS(CREDS) },
	[CREDS] = { "creds", has_creds, close_creds, ASKS(IMDS) },
	[IMDS] = { "imds", has_imds, close_imds, 0 },
};

/* ---- the states ---- */

static void lose_sts(struct stage *s)
{
	s->is_sts_gone = true;
}

static void lose_vendor(struct stage *s)
{
	s->is_vendor_gone = true;
}

static void spoil_disk(struct stage *s)
{
	s->cfg.journal_segment = 600;
	sim_fail_rate(s->w, SIM_DISK, 500);
}

static void order_warehouse(struct stage *s)
{
	stage_order_warehouse(s);
}

static bool is_made(void *ctx)
{
	return ((struct stage *)ctx)->agent->finding != NULL;
}

static bool is_up(void *ctx)
{
	return agent_is_up(((struct stage *)ctx)->agent);
}

static bool is_unknown(void *ctx)
{
	return is_made(ctx) && *identity_trouble(((struct stage *)ctx)->agent->finding) != '\0';
}

static void ask_for_inventory(struct stage *s)
{
	json_t *j = NULL;

	assert_int_equal(agent_inventory(s->agent, world_now_ms(s->w), false, &j), 0);
}

static bool is_connected(void *ctx)
{
	return is_up(ctx) && session_is_connected(((struct stage *)ctx)->agent->session);
}

static bool is_cut_off(void *ctx)
{
	return is_up(ctx) && !is_connected(ctx) && session_trouble(((struct stage *)ctx)->agent->session)->err.code != 0;
}

static bool is_asked(void *ctx)
{
	return ((struct stage *)ctx)->has_come;
}

static const struct state {
	const char *name;
	sim_until *first; /* and then */
	void (*change)(struct stage *s);
	const char *awaited;
	sim_until *until;
} states[] = {
	{ "not begun", is_made, NULL, NULL, is_made },
	{ "asking the metadata service", is_made, NULL, "/latest/", is_asked },
	{ "asking for keys", is_made, NULL, "/security-credentials/", is_asked },
	{ "asking STS", is_made, NULL, "GetCallerIdentity", is_asked },
	{ "waiting for STS", is_made, lose_sts, NULL, is_unknown },
	{ "just up", is_up, NULL, NULL, is_up },
	{ "logging in", is_up, NULL, "/v1/login", is_asked },
	{ "waiting for a login", is_up, lose_vendor, NULL, is_cut_off },
	{ "polling and sending telemetry", is_connected, NULL, "/v1/metrics", is_asked },
	{ "waiting for the vendor", is_connected, lose_vendor, NULL, is_cut_off },
	{ "changing the account", is_connected, order_warehouse, "Action=CreateSecurityGroup", is_asked },
	{ "looking at the account", is_connected, ask_for_inventory, "Action=DescribeInstances", is_asked },
	{ "on a bad disk", is_connected, spoil_disk, "/v1/opamp", is_asked },
};

static struct stage *stage_in(const struct state *st)
{
	struct stage *s = stage_new();

	if (sim_run_until(s->w, st->first, s, 600000) != SIM_TRUE)
		fail_msg("it does not begin to be %s", st->name);
	if (st->change != NULL)
		st->change(s);
	s->awaited = st->awaited;
	if (sim_run_until(s->w, st->until, s, 600000) != SIM_TRUE)
		fail_msg("it is never %s", st->name);
	return s;
}

#define CLOSE_MOST_MS 4000 /* of virtual time: a body under way has three seconds (exporter) */

/* ---- the pairs ---- */

struct ending {
	struct stage *s;
	unsigned begun, gone; /* closes */
};

static void on_gone(void *ctx)
{
	((struct ending *)ctx)->gone++;
}

static bool is_over(void *ctx)
{
	struct ending *end = ctx;

	return end->gone == end->begun;
}

static void close_part(struct ending *end, unsigned part)
{
	struct agent *a = end->s->agent;

	if (!parts[part].has(a))
		return;
	if (part == JOURNAL) {
		journal_forget(a->journal, &a->created_rec);
		journal_forget(a->journal, &a->started_rec);
	}
	end->begun++;
	parts[part].close(a, on_gone, end);
}

/* Those who ask any of these, directly or through others; a set, and these are in it. */
static unsigned askers_of(unsigned set)
{
	for (unsigned i = 0; i < PARTS; i++)
		for (unsigned p = 0; p < PARTS; p++)
			if ((parts[p].asks & set) != 0)
				set |= ASKS(p);
	return set;
}

/* In one event: this one, and whoever asks it. */
static void close_with_askers(struct ending *end, unsigned part)
{
	unsigned set = askers_of(ASKS(part));

	close_part(end, part);
	for (unsigned p = 0; p < PARTS; p++)
		if ((set & ASKS(p)) != 0)
			close_part(end, p);
}

static void finish(struct stage *s)
{
	s->agent->sm.now = AGENT_UP;
	agent_close(s->agent, stage_on_closed, s);
	while (s->agent != NULL)
		assert_true(sim_step(s->w));
	stage_free(s);
}

static void run_to_the_end(struct ending *end, const char *state, unsigned first, unsigned second)
{
	if (sim_run_until(end->s->w, is_over, end, CLOSE_MOST_MS) != SIM_TRUE)
		fail_msg("%s: %s, then %s, do not end", state, parts[first].name, parts[second].name);
}

static void close_both(const struct state *st, unsigned first, unsigned second, bool is_apart)
{
	struct ending end = { .s = stage_in(st) };
	struct agent *a = end.s->agent;

	a->sm.now = AGENT_ENDING; /* nobody begins anything new */
	if (!is_apart) {
		close_part(&end, first);
		close_part(&end, second);
		close_with_askers(&end, first);
		close_with_askers(&end, second);
	} else {
		close_with_askers(&end, first);
		run_to_the_end(&end, st->name, first, second);
		sim_run_until(end.s->w, NULL, NULL, 500);
		close_with_askers(&end, second);
	}
	run_to_the_end(&end, st->name, first, second);
	finish(end.s);
}

static unsigned parts_in(const struct agent *a)
{
	unsigned set = 0;

	for (unsigned p = 0; p < PARTS; p++)
		set |= parts[p].has(a) ? ASKS(p) : 0;
	return set;
}

static unsigned parts_of(const struct state *st)
{
	struct stage *s = stage_in(st);
	unsigned set = parts_in(s->agent);

	finish(s);
	return set;
}

static void each_pair_in(const struct state *st, bool is_apart)
{
	unsigned has = parts_of(st);

	for (unsigned a = 0; a < PARTS; a++)
		for (unsigned b = 0; b < PARTS; b++)
			if (a != b && (has & ASKS(a)) != 0 && (has & ASKS(b)) != 0 &&
			    !(is_apart && (askers_of(ASKS(a)) & ASKS(b)) != 0))
				close_both(st, a, b, is_apart);
}

static void each_pair(bool is_apart)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		each_pair_in(&states[i], is_apart);
}

static void any_two_components_close_at_once_in_both_orders_in_each_state(void **state)
{
	(void)state;
	each_pair(false);
}

static void a_component_works_on_and_closes_after_any_that_it_does_not_ask_in_each_state(void **state)
{
	(void)state;
	each_pair(true);
}

/* ---- the wiring ---- */

static void check_askers(const struct stage *s, const struct state *st, unsigned had)
{
	for (unsigned asker = 0; s->agent != NULL && asker < PARTS; asker++)
		for (unsigned asked = 0; asked < PARTS; asked++)
			if ((parts[asker].asks & had & ASKS(asked)) != 0 && parts[asker].has(s->agent) &&
			    !parts[asked].has(s->agent))
				fail_msg("%s: %s closes before %s", st->name, parts[asked].name, parts[asker].name);
}

static void the_agent_closes_no_component_before_those_that_ask_it_in_any_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct stage *s = stage_in(&states[i]);
		unsigned had = parts_in(s->agent);

		agent_close(s->agent, stage_on_closed, s);
		while (s->agent != NULL) {
			assert_true(sim_step(s->w));
			check_askers(s, &states[i], had);
		}
		stage_free(s);
	}
}

/* ---- the local socket, which asks the agent itself ---- */

static void close_beside_socket(const struct state *st, const char *question, bool is_local_first)
{
	struct ending end = { .s = stage_in(st), .begun = 2 };
	struct world *w = end.s->w;
	struct socket *l = socket_new(w, end.s->cfg.socket, end.s->agent);
	struct sim_conn *client = sim_connect(w, end.s->cfg.socket, 0, 0, false);

	assert_non_null(client);
	sim_run_until(w, NULL, NULL, 2);
	sim_send(client, question, strlen(question));
	if (is_local_first)
		socket_close(l, on_gone, &end);
	agent_close(end.s->agent, on_gone, &end);
	if (!is_local_first)
		socket_close(l, on_gone, &end);
	if (sim_run_until(w, is_over, &end, CLOSE_MOST_MS) != SIM_TRUE)
		fail_msg("%s: the local socket and the agent do not end", st->name);
	sim_hangup(client);
	sim_run_until(w, NULL, NULL, 100); /* it is told, or nobody is there any more */
	stage_free(end.s);
}

static void the_local_socket_closes_at_once_with_the_agent_in_both_orders_in_each_state(void **state)
{
	static const char *const questions[] = { "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
						 "GET /v1/inventory HTTP/1.1\r\nHost: x\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		for (size_t k = 0; k < ARRAY_LEN(questions); k++) {
			close_beside_socket(&states[i], questions[k], true);
			close_beside_socket(&states[i], questions[k], false);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_two_components_close_at_once_in_both_orders_in_each_state),
		cmocka_unit_test(a_component_works_on_and_closes_after_any_that_it_does_not_ask_in_each_state),
		cmocka_unit_test(the_local_socket_closes_at_once_with_the_agent_in_both_orders_in_each_state),
		cmocka_unit_test(the_agent_closes_no_component_before_those_that_ask_it_in_any_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
