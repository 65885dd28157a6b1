/* test_report.c - the snapshot that the vendor gets. */
#include "agent/base/json.h"
#include "agent/control/report.h"
#include "agent/ops/outputs.h"
#include "tests/unit/control/desk.h"

typedef Reeve__Control__V1__Report report_t;

static report_t *build_next(struct desk *d, struct report_memory *m, bool *more)
{
	struct report_args a = { d->ops, &d->in, d->j, &d->command.pub };
	struct buf b = BUF_MAX(REPORT_MAX);
	report_t *r;

	assert_int_equal(report_build(&a, m, &b, more, NULL), 0);
	r = reeve__control__v1__report__unpack(NULL, b.len, (uint8_t *)b.data);
	assert_non_null(r);
	buf_close(&b);
	return r;
}

static report_t *build(struct desk *d, bool *more)
{
	struct report_memory nothing = { 0 };

	return build_next(d, &nothing, more);
}

static void a_new_agent_reports_that_it_starts_then_an_empty_journal_and_no_policy(void **state)
{
	struct desk *d = *state;
	bool more;
	report_t *r = build(d, &more);

	assert_int_equal(r->mode, REEVE__CONTROL__V1__AGENT_MODE__STARTING);
	reeve__control__v1__report__free_unpacked(r, NULL);
	desk_settle(d);
	r = build(d, &more);
	assert_int_equal(r->epoch, 0);
	assert_int_equal(r->accepted_through, 0);
	assert_int_equal(r->n_statuses, 0);
	assert_null(r->journal_head);
	assert_int_equal(r->policy_digest.len, 0);
	assert_int_equal(r->mode, REEVE__CONTROL__V1__AGENT_MODE__NO_POLICY);
	assert_true(r->head_stale);
	assert_false(more);
	assert_int_equal(r->journal_key.len, SIGN_KEY_LEN);
	reeve__control__v1__report__free_unpacked(r, NULL);
}

static void what_was_accepted_refused_and_waits_is_told(void **state)
{
	struct desk *d = *state;
	struct desk_command one, three;
	struct digest head;
	report_t *r;
	bool more;

	desk_command(&one, 1);
	desk_give_one(d, desk_sign_command(&one, &d->stranger));
	desk_give_one(d, desk_sign_command(&one, &d->command));
	desk_command(&three, 3);
	desk_give_one(d, desk_sign_command(&three, &d->command));
	r = build(d, &more);
	head = journal_head(d->j);
	assert_int_equal(r->epoch, 1);
	assert_int_equal(r->accepted_through, 1);
	assert_int_equal(r->n_statuses, 1);
	assert_memory_equal(r->statuses[0]->command_id.data, one.id, sizeof(one.id));
	assert_int_equal(r->statuses[0]->state, REEVE__CONTROL__V1__STATE__RECEIVED);
	assert_int_equal(r->n_waiting, 1);
	assert_int_equal(r->waiting[0], 3);
	assert_int_equal(r->n_refusals, 1);
	assert_int_equal(r->journal_head->seq, journal_seq(d->j));
	assert_memory_equal(r->journal_head->sha256.data, head.b, DIGEST_LEN);
	reeve__control__v1__report__free_unpacked(r, NULL);
}

/* The state is the journal's: a restart says the same, byte for byte, until the vendor has it. */
static void a_result_reads_the_same_after_a_restart_until_it_is_acknowledged(void **state)
{
	struct desk *d = *state;
	struct buf before = BUF_MAX(REPORT_MAX), after = BUF_MAX(REPORT_MAX);
	struct desk_command k;
	report_t *r;
	bool more;

	desk_command(&k, 1);
	k.c.verb = 99;
	desk_give_one(d, desk_sign_command(&k, &d->command));
	r = build(d, &more);
	buf_add(&before, r->statuses[0]->error->message, strlen(r->statuses[0]->error->message));
	reeve__control__v1__report__free_unpacked(r, NULL);
	desk_shut(d);
	desk_open(d);
	r = build(d, &more);
	assert_int_equal(r->n_statuses, 1);
	buf_add(&after, r->statuses[0]->error->message, strlen(r->statuses[0]->error->message));
	assert_string_equal(buf_str(&before), buf_str(&after));
	reeve__control__v1__report__free_unpacked(r, NULL);
	ops_acked(d->ops, 1);
	desk_settle(d);
	r = build(d, &more);
	assert_int_equal(r->n_statuses, 0);
	assert_int_equal(r->accepted_through, 1);
	reeve__control__v1__report__free_unpacked(r, NULL);
	buf_close(&before);
	buf_close(&after);
}

/* ---- more than fits ---- */

#define PLAN 60000

static void with_results(struct desk *d, uint64_t first, uint64_t last, size_t text_len)
{
	for (uint64_t seq = first; seq <= last; seq++)
		desk_finish(d, seq, text_len);
	desk_shut(d);
	desk_open(d);
}

/* Bit n: command n is in the next report, which arrives. */
static uint64_t told(struct desk *d, struct report_memory *m, bool *more)
{
	report_t *r = build_next(d, m, more);
	uint64_t seqs = 0;

	for (size_t i = 0; i < r->n_statuses; i++)
		seqs |= 1ull << r->statuses[i]->seq;
	assert_int_equal(r->more, *more);
	report_arrived(m);
	reeve__control__v1__report__free_unpacked(r, NULL);
	return seqs;
}

static void results_that_do_not_fit_are_told_in_turns_though_none_is_acknowledged(void **state)
{
	struct desk *d = *state;
	struct report_memory m = { 0 };
	const uint64_t all = 0x3fe;
	bool more;

	with_results(d, 1, 9, PLAN);
	assert_int_equal(told(d, &m, &more), 0x1e);
	assert_true(more);
	assert_int_equal(told(d, &m, &more), 0x1e0);
	assert_true(more);
	assert_int_equal(told(d, &m, &more) & 0x200, 0x200);
	assert_false(more); /* each was told as it is: nothing is urgent */
	for (int round = 0; round < 5; round++) {
		uint64_t seen = 0;

		for (int i = 0; i < 3; i++) {
			seen |= told(d, &m, &more);
			assert_false(more);
		}
		assert_int_equal(seen, all);
	}
}

static void what_is_open_and_changes_does_not_wait_behind_results(void **state)
{
	struct desk *d = *state;
	struct report_memory m = { 0 };
	struct desk_command k;
	bool more;

	with_results(d, 1, 9, PLAN);
	told(d, &m, &more);
	desk_command(&k, 10);
	desk_give_one(d, desk_sign_command(&k, &d->command));
	assert_int_equal(told(d, &m, &more) & 1 << 10, 1 << 10);
	assert_true(more);
}

static void a_new_result_is_told_before_those_that_were_told(void **state)
{
	struct desk *d = *state;
	struct report_memory m = { 0 };
	bool more = true;

	with_results(d, 1, 9, PLAN);
	while (more)
		told(d, &m, &more);
	with_results(d, 10, 10, PLAN);
	assert_int_equal(told(d, &m, &more) & 1 << 10, 1 << 10);
	assert_false(more);
}

static void a_large_result_has_its_turn_among_ever_new_ones(void **state)
{
	struct desk *d = *state;
	struct report_memory m = { 0 };
	bool more;

	with_results(d, 1, 1, 180000);
	told(d, &m, &more);
	for (uint64_t seq = 2; seq < 14; seq += 3) {
		with_results(d, seq, seq + 2, PLAN);
		if ((told(d, &m, &more) & 2) != 0)
			return;
	}
	fail_msg("command 1 starves");
}

/* Command seq has ended, and has found so many bytes: true from the next desk_open on. */
static void finish_with_output(struct desk *d, uint64_t seq, size_t len)
{
	struct journal_append rec = { 0 };
	CLEANUP(mem_close) char *bytes = mem_alloc(len + 1), *path = NULL;
	char id[UUID_TEXT_LEN], hex[DIGEST_HEX_LEN];
	struct desk_command k;
	struct digest digest;

	desk_command(&k, seq);
	desk_give_one(d, desk_sign_command(&k, &d->command));
	uuid_text(k.id, id);
	memset(bytes, (int)('a' + seq), len);
	digest = digest_of(bytes, len);
	path = mem_printf("%s/%s.gz", DESK_OUTPUTS, id);
	sim_file_puts(d->w, path, bytes);
	journal_append(d->j, &rec, "command.result",
		       json_pack("{s:s, s:s, s:i, s:{s:s, s:s, s:I}}", "op", id, "state", "SUCCEEDED", "code",
				 REEVE__CONTROL__V1__STATE__SUCCEEDED, "output", "kind", "inventory", "sha256",
				 digest_hex(&digest, hex), "size_bytes", (json_int_t)len),
		       desk_written);
	desk_settle(d);
}

/* One has room in a report, whatever else is in it, and the next one is told in the next report. */
static void the_largest_outputs_are_told_whole_and_in_turns(void **state)
{
	struct desk *d = *state;
	struct report_memory m = { 0 };
	bool has_come[4] = { false }, more;

	for (uint64_t seq = 1; seq <= 3; seq++)
		finish_with_output(d, seq, OUTPUT_BYTES);
	desk_shut(d);
	desk_open(d);
	desk_settle(d);
	for (unsigned no = 0; no < 3; no++) {
		report_t *r = build_next(d, &m, &more);

		assert_int_equal(r->n_statuses, 1);
		assert_int_equal(r->statuses[0]->output->gzip.len, OUTPUT_BYTES);
		assert_int_equal(r->statuses[0]->output->gzip.data[7], 'a' + r->statuses[0]->seq);
		assert_false(has_come[r->statuses[0]->seq]);
		has_come[r->statuses[0]->seq] = true;
		assert_int_equal(more, no < 2);
		report_arrived(&m);
		reeve__control__v1__report__free_unpacked(r, NULL);
	}
}

static void what_did_not_arrive_is_still_a_change(void **state)
{
	struct desk *d = *state;
	struct report_memory m = { 0 };
	bool more;

	with_results(d, 1, 5, PLAN);
	for (int i = 0; i < 4; i++) {
		reeve__control__v1__report__free_unpacked(build_next(d, &m, &more), NULL);
		assert_true(more);
	}
	told(d, &m, &more);
	told(d, &m, &more);
	assert_false(more);
}

static void what_is_gone_is_forgotten(void **state)
{
	struct desk *d = *state;
	struct report_memory m = { 0 };
	bool more;

	with_results(d, 1, 3, 10);
	assert_int_equal(told(d, &m, &more), 0xe);
	ops_acked(d->ops, 2);
	desk_settle(d);
	assert_int_equal(told(d, &m, &more), 8);
	assert_int_equal(m.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_new_agent_reports_that_it_starts_then_an_empty_journal_and_no_policy),
		DESK_TEST(what_was_accepted_refused_and_waits_is_told),
		DESK_TEST(a_result_reads_the_same_after_a_restart_until_it_is_acknowledged),
		DESK_TEST(results_that_do_not_fit_are_told_in_turns_though_none_is_acknowledged),
		DESK_TEST(what_is_open_and_changes_does_not_wait_behind_results),
		DESK_TEST(a_new_result_is_told_before_those_that_were_told),
		DESK_TEST(a_large_result_has_its_turn_among_ever_new_ones),
		DESK_TEST(the_largest_outputs_are_told_whole_and_in_turns),
		DESK_TEST(what_did_not_arrive_is_still_a_change),
		DESK_TEST(what_is_gone_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
