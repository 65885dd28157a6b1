/* test_diag_send.c - a bundle on its way: what each answer of the vendor does, and what the customer may still say meanwhile. */
#include "tests/unit/daemon/bundles.h"

/* Stored, or there already: both are what was asked for. */
static void a_bundle_that_the_vendor_has_is_sent(void **state)
{
	static const int answers[] = { 200, 204, 409 };
	struct stage *s = *state;
	struct digest d = bundles_made(s);

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		status_t *st;

		s->diag_status = answers[i];
		st = bundles_result(s, bundles_send(s, &d, 0));
		assert_int_equal(st->state, STATE_OF(SUCCEEDED));
		assert_non_null(strstr(st->note, answers[i] == 409 ? "the vendor had already bundle " : "the vendor has bundle "));
		assert_null(st->output);
		reeve__control__v1__status__free_unpacked(st, NULL);
	}
	assert_int_equal(s->diags, 3);
}

static void an_answer_that_refuses_it_ends_it_with_the_vendors_words(void **state)
{
	static const int answers[] = { 400, 403, 404, 413, 500, 502, 301 };
	struct stage *s = *state;
	struct digest d = bundles_made(s);

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		char wanted[64];
		status_t *st;

		s->diag_status = answers[i];
		st = bundles_result(s, bundles_send(s, &d, 0));
		snprintf(wanted, sizeof(wanted), "the vendor answered %d to ", answers[i]);
		assert_int_equal(st->state, STATE_OF(FAILED));
		assert_non_null(strstr(st->error->message, wanted));
		assert_non_null(strstr(st->error->message, ": no room"));
		reeve__control__v1__status__free_unpacked(st, NULL);
	}
}

/* Within its deadline: each try is as far from the one before as the vendor asks for. */
static void a_busy_vendor_is_asked_again_when_it_wants_and_until_the_deadline(void **state)
{
	static const int answers[] = { 429, 503 };
	struct stage *s = *state;
	struct digest d = bundles_made(s);

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct vendor_command *c;
		unsigned before = s->diags;
		status_t *st;

		s->diag_status = answers[i];
		c = bundles_send(s, &d, 600);
		sim_run_until(s->w, NULL, NULL, 200000);
		assert_false(vendor_has_result(c));
		assert_in_range(s->diags - before, 2, 3);
		s->diag_status = 204;
		st = bundles_result(s, c);
		assert_int_equal(st->state, STATE_OF(SUCCEEDED));
		reeve__control__v1__status__free_unpacked(st, NULL);
		s->diag_status = answers[i];
		st = bundles_result(s, bundles_send(s, &d, 30));
		assert_int_equal(st->state, STATE_OF(FAILED));
		assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
		reeve__control__v1__status__free_unpacked(st, NULL);
	}
}

static void rules_that_have_changed_want_it_collected_again(void **state)
{
	struct stage *s = *state;
	struct digest d = bundles_made(s);
	status_t *st;

	bundles_policy(s, BUNDLES_ON "export: {drop: [secret]}\n");
	st = bundles_result(s, bundles_send(s, &d, 0));
	assert_int_equal(st->state, STATE_OF(FAILED));
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__PRECONDITION);
	assert_non_null(strstr(st->error->message, "collect again"));
	reeve__control__v1__status__free_unpacked(st, NULL);
	assert_int_equal(s->diags, 0);
	d = bundles_made(s);
	st = bundles_result(s, bundles_send(s, &d, 0));
	assert_int_equal(st->state, STATE_OF(SUCCEEDED));
	reeve__control__v1__status__free_unpacked(st, NULL);
}

/* Between two tries the customer may change their mind: STOP holds it, another policy ends it. */
static void the_customer_is_asked_before_each_try(void **state)
{
	struct stage *s = *state;
	struct digest d = bundles_made(s);
	struct vendor_command *c;
	unsigned before;
	status_t *st;

	s->diag_status = 503;
	c = bundles_send(s, &d, 3000);
	sim_run_until(s->w, NULL, NULL, 30000);
	before = s->diags;
	assert_true(before > 0);
	sim_file_puts(s->w, "/etc/reeve/STOP", "");
	s->diag_status = 204;
	sim_run_until(s->w, NULL, NULL, 600000);
	assert_false(vendor_has_result(c));
	assert_int_equal(s->diags, before);
	bundles_policy(s, "commands: {diag.send: off}\n");
	sim_file_unlink(s->w, "/etc/reeve/STOP");
	st = bundles_result(s, c);
	assert_int_equal(st->state, STATE_OF(FAILED));
	assert_string_equal(st->error->message, "the policy now says off for diag.send");
	assert_int_equal(s->diags, before);
	reeve__control__v1__status__free_unpacked(st, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BUNDLES(a_bundle_that_the_vendor_has_is_sent),
		BUNDLES(an_answer_that_refuses_it_ends_it_with_the_vendors_words),
		BUNDLES(a_busy_vendor_is_asked_again_when_it_wants_and_until_the_deadline),
		BUNDLES(rules_that_have_changed_want_it_collected_again),
		BUNDLES(the_customer_is_asked_before_each_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
