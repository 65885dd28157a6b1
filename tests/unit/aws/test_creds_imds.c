/* test_creds_imds.c - the instance role as a source: it may hand out refused keys again, and lets go at any step. */
#include "tests/unit/aws/askers.h"

static void a_source_that_hands_out_refused_keys_again_is_not_hammered(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", 6 * HOUR_MS);
	expect(c, &r, "ASIA1", 1);
	for (int i = 0; i < 20; i++) {
		creds_reject(r.creds, "ASIA1");
		expect(c, &r, "ASIA1", 2);
		cloud_pass(c, 10000);
	}
	serve_keys(c, "ASIA2", 6 * HOUR_MS);
	cloud_pass(c, 601000);
	expect(c, &r, "ASIA2", 3);
	close_role(c, &r);
}

static void closing_cancels_askers_at_any_step_of_a_renewal(void **state)
{
	struct cloud *c = *state;

	serve_keys(c, "ASIA1", HOUR_MS);
	for (unsigned steps = 0; steps < 12; steps++) {
		struct role r = open_role(c);
		struct ask a = { 0 };

		start(r.creds, &a);
		for (unsigned i = 0; i < steps; i++)
			sim_step(c->w);
		close_role(c, &r);
		assert_true(a.done);
		assert_true(a.rc == -ERR_CANCELED || a.rc == 0);
		keys_close(&a.req.keys);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(a_source_that_hands_out_refused_keys_again_is_not_hammered),
		CLOUD_TEST(closing_cancels_askers_at_any_step_of_a_renewal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
