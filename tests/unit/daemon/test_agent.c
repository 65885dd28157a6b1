/* test_agent.c - the whole agent in the simulated world, closed at every moment of its life and asked for its status all the
 * while. Run under ASan: nothing that is closed may be used. */
#include "tests/unit/daemon/stage.h"

#include "agent/daemon/agent_impl.h"

static void ask(struct stage *s)
{
	json_t *j;

	if (s->agent == NULL)
		return;
	assert_true(*agent_summary(s->agent) != '\0');
	(void)agent_is_ready(s->agent);
	j = agent_status(s->agent);
	assert_non_null(j);
	json_decref(j);
	if (agent_inventory(s->agent, world_now_ms(s->w), true, &j) != 0)
		json_decref(j);
}

/* Everything that happens while it closes may ask. */
static void stage_close(struct stage *s)
{
	agent_close(s->agent, stage_on_closed, s);
	ask(s);
	for (int i = 0; s->agent != NULL; i++) {
		assert_true(i < 100000);
		assert_true(sim_step(s->w));
		ask(s);
	}
	stage_free(s);
}

static void step(struct stage *s, unsigned events)
{
	while (events-- > 0)
		assert_true(sim_step(s->w));
}

static bool is_ready(void *ctx)
{
	return agent_is_ready(((struct stage *)ctx)->agent);
}

static void it_closes_at_every_moment_of_its_start_and_tells_its_status_all_the_while(void **state)
{
	(void)state;
	for (unsigned events = 0; events < 300; events++) {
		struct stage *s = stage_new();

		step(s, events);
		stage_close(s);
	}
}

/* In each order in which the answers can come: the disk fails half of the time, so that each close takes its own time, and an
 * identity, a login or a poll comes to its end while another component closes. */
static void it_closes_while_what_it_asked_for_still_arrives(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 120; i++) {
		struct stage *s = stage_new();

		s->cfg.journal_segment = 600; /* it begins another one now and then */
		s->is_sts_gone = i % 3 == 1;
		s->is_vendor_gone = i % 3 == 2;
		step(s, 20 + i * 3);
		s->is_sts_gone = s->is_vendor_gone = false;
		sim_fail_rate(s->w, SIM_DISK, 500);
		stage_close(s);
	}
}

static void it_is_ready_once_identity_journal_and_policy_are_known_and_says_that_it_starts_before(void **state)
{
	struct stage *s = stage_new();
	json_t *j;

	(void)state;
	s->is_sts_gone = true;
	assert_int_equal(sim_run_until(s->w, is_ready, s, 120000), SIM_LIMIT);
	j = agent_status(s->agent);
	assert_string_equal(json_string_value(json_object_get(j, "mode")), "STARTING");
	assert_string_equal(json_string_value(json_object_get(j, "why")), "the agent is starting");
	json_decref(j);
	s->is_sts_gone = false;
	assert_int_equal(sim_run_until(s->w, is_ready, s, 120000), SIM_TRUE);
	assert_true(str_starts(agent_summary(s->agent), "RUN"));
	stage_close(s);
}

static bool has_result(void *ctx)
{
	return vendor_has_result(ctx);
}

static void its_status_tells_of_a_command_and_of_the_warehouse_that_it_has_made(void **state)
{
	struct stage *s = stage_new();
	const json_t *of;
	json_t *j;

	(void)state;
	assert_int_equal(sim_run_until(s->w, is_ready, s, 120000), SIM_TRUE);
	assert_int_equal(sim_run_until(s->w, has_result, stage_order_warehouse(s), 3600000), SIM_TRUE);
	j = agent_status(s->agent); /* it is forgotten once the vendor has acknowledged its result */
	of = json_array_get(json_object_get(j, "operations"), 0);
	assert_non_null(of);
	assert_string_equal(json_string_value(json_object_get(of, "state")), "SUCCEEDED");
	assert_true(json_array_size(json_object_get(of, "created")) > 0);
	json_decref(j);
	sim_run_until(s->w, NULL, NULL, 600000); /* the patrol has looked */
	j = agent_status(s->agent);
	of = json_array_get(json_object_get(j, "warehouses"), 0);
	assert_non_null(of);
	assert_string_equal(json_string_value(json_object_get(of, "name")), "wh-1");
	assert_string_equal(json_string_value(json_object_get(of, "status")), "Running");
	assert_string_equal(json_string_value(json_object_get(json_object_get(of, "clusters"), "c1")), "Running");
	assert_non_null(json_object_get(of, "looked_at"));
	json_decref(j);
	stage_close(s);
}

static bool is_written(void *ctx)
{
	return journal_hangs_ms(((struct stage *)ctx)->agent->journal) > 0;
}

/* The watchdog's question: a disk that fails has answered, and a new process would find the same disk. */
static void it_makes_no_progress_while_the_disk_owes_the_journal_an_answer(void **state)
{
	struct stage *s = stage_new();

	(void)state;
	assert_int_equal(sim_run_until(s->w, is_ready, s, 120000), SIM_TRUE);
	sim_run_until(s->w, NULL, NULL, 10000);
	assert_true(agent_has_progressed(s->agent));
	assert_false(agent_has_progressed(s->agent)); /* no tick in between */
	sim_disk_hang(s->w, true);
	ops_note(s->agent->ops, "test.note", json_object());
	assert_int_equal(sim_run_until(s->w, is_written, s, 60000), SIM_TRUE);
	sim_run_until(s->w, NULL, NULL, AGENT_HUNG_MS - 5000);
	assert_true(agent_has_progressed(s->agent));
	sim_run_until(s->w, NULL, NULL, 10000);
	assert_false(agent_has_progressed(s->agent));
	assert_true(str_starts(agent_summary(s->agent), "the disk has owed the journal an answer for 3"));
	sim_disk_hang(s->w, false);
	sim_fail_rate(s->w, SIM_DISK, 1000);
	for (unsigned i = 0; i < 10; i++) {
		sim_run_until(s->w, NULL, NULL, 10000);
		assert_true(agent_has_progressed(s->agent));
	}
	sim_fail_rate(s->w, SIM_DISK, 0);
	stage_close(s);
}

/* What it says becomes a part of the hosts that our signed requests go to. */
static void what_the_metadata_service_says_is_believed_only_where_it_can_be(void **state)
{
	static const struct {
		const char *region, *domain, *account, *says; /* NULL: as it should be, and it starts */
		bool is_fatal;
	} cases[] = {
		{ .domain = "" }, /* 404: the published suffix */
		{ .region = "us-east-1.evil.example", .says = "region \"us-east-1.evil.example\", which is no part of a host" },
		{ .region = "evil.example#", .says = "region" },
		{ .region = "-x", .says = "region" },
		{ .region = "US-EAST-1", .says = "region" },
		{ .domain = "evil..example", .says = "domain \"evil..example\", which is no domain name" },
		{ .domain = ".example", .says = "domain" },
		{ .domain = "com", .says = "domain" },
		{ .domain = "a-.example", .says = "domain" },
		{ .account = "999999999999", .says = "the metadata service says account 999999999999, STS says", .is_fatal = true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stage *s = stage_new();
		bool is_good = cases[i].says == NULL;

		s->aws->imds_region = cases[i].region;
		s->aws->imds_domain = cases[i].domain;
		s->aws->imds_account = cases[i].account;
		if ((sim_run_until(s->w, is_ready, s, 120000) == SIM_TRUE) != is_good)
			fail_msg("case %zu: %s", i, agent_summary(s->agent));
		if (!is_good && strstr(cases[i].is_fatal ? s->fatal : agent_summary(s->agent), cases[i].says) == NULL)
			fail_msg("case %zu says: %s; %s", i, agent_summary(s->agent), s->fatal);
		assert_int_equal(s->fatal[0] != '\0', cases[i].is_fatal);
		stage_close(s);
	}
}

static bool is_connected(void *ctx)
{
	struct stage *s = ctx;

	return s->agent->session != NULL && session_is_connected(s->agent->session);
}

/* Identity, keys, login: what it needs of AWS until the vendor answers it. */
static void in_a_subnet_without_ipv4_it_starts_and_logs_in_by_the_hosts_that_answer_over_ipv6(void **state)
{
	struct stage *s = stage_new();

	(void)state;
	s->aws->is_ipv6_only = true;
	assert_int_equal(sim_run_until(s->w, is_connected, s, 120000), SIM_TRUE);
	assert_string_equal(s->agent->id.dual_suffix, "api.aws");
	stage_close(s);
}

static bool has_come(void *ctx)
{
	return ((struct stage *)ctx)->has_come;
}

/* Login, polls and telemetry are the vendor's; everything else is AWS's. */
static void a_proxy_is_for_the_vendor_and_for_nobody_else(void **state)
{
	struct stage *s = stage_new_by("proxy.example:3128");

	(void)state;
	s->awaited = "/v1/metrics";
	assert_int_equal(sim_run_until(s->w, has_come, s, 300000), SIM_TRUE);
	assert_int_equal(sim_run_until(s->w, is_connected, s, 60000), SIM_TRUE);
	assert_true(s->by_proxy > 3 && s->aws->requests > 3);
	assert_int_equal(s->past_proxy, 0);
	assert_int_equal(s->aws_by_proxy, 0);
	stage_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_metadata_service_says_is_believed_only_where_it_can_be),
		cmocka_unit_test(it_closes_at_every_moment_of_its_start_and_tells_its_status_all_the_while),
		cmocka_unit_test(it_closes_while_what_it_asked_for_still_arrives),
		cmocka_unit_test(a_proxy_is_for_the_vendor_and_for_nobody_else),
		cmocka_unit_test(in_a_subnet_without_ipv4_it_starts_and_logs_in_by_the_hosts_that_answer_over_ipv6),
		cmocka_unit_test(it_makes_no_progress_while_the_disk_owes_the_journal_an_answer),
		cmocka_unit_test(it_is_ready_once_identity_journal_and_policy_are_known_and_says_that_it_starts_before),
		cmocka_unit_test(its_status_tells_of_a_command_and_of_the_warehouse_that_it_has_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
