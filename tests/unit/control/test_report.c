/* test_report.c - the snapshot that the vendor gets. */
#include "agent/control/report.h"
#include "tests/unit/control/desk.h"

typedef Reeve__Control__V1__Report report_t;

static report_t *build(struct desk *d, bool *more)
{
	struct report_args a = { d->ops, &d->in, d->j, &d->command.pub };
	struct buf b = BUF_MAX(REPORT_MAX);
	report_t *r;

	assert_int_equal(report_build(&a, &b, more, NULL), 0);
	r = reeve__control__v1__report__unpack(NULL, b.len, (uint8_t *)b.data);
	assert_non_null(r);
	buf_close(&b);
	return r;
}

static void a_new_agent_reports_an_empty_journal_and_no_policy(void **state)
{
	struct desk *d = *state;
	bool more;
	report_t *r = build(d, &more);

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_agent_reports_an_empty_journal_and_no_policy, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(what_was_accepted_refused_and_waits_is_told, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(a_result_reads_the_same_after_a_restart_until_it_is_acknowledged, desk_start,
						desk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
