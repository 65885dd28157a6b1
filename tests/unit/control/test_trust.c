/* test_trust.c - which key may sign what. */
#include "tests/unit/control/desk.h"

static void a_role_is_served_by_its_own_keys_alone(void **state)
{
	struct desk *d = *state;
	signed_t *s = desk_signed("body", 4, &d->command, SIGN_DOMAIN_COMMAND);

	assert_true(trust_verify(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s));
	assert_false(trust_verify(&d->trust, TRUST_RELEASE, SIGN_DOMAIN_COMMAND, s));
	assert_false(trust_verify(&d->trust, TRUST_HEAD, SIGN_DOMAIN_COMMAND, s));
	assert_false(trust_verify(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_HEAD, s));
	desk_sign(s, &d->release, SIGN_DOMAIN_COMMAND);
	assert_true(trust_verify(&d->trust, TRUST_RELEASE, SIGN_DOMAIN_COMMAND, s));
	reeve__control__v1__signed__free_unpacked(s, NULL);
}

static void without_a_key_of_the_role_nothing_is_valid(void **state)
{
	struct desk *d = *state;
	struct trust none = { 0 };
	signed_t *s = desk_signed("body", 4, &d->command, SIGN_DOMAIN_COMMAND);

	assert_false(trust_verify(&none, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s));
	reeve__control__v1__signed__free_unpacked(s, NULL);
}

static void an_unknown_algorithm_is_no_signature(void **state)
{
	struct desk *d = *state;
	signed_t *s = desk_signed("body", 4, &d->command, SIGN_DOMAIN_COMMAND);

	s->sigs[0]->alg = 2;
	assert_false(trust_verify(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s));
	reeve__control__v1__signed__free_unpacked(s, NULL);
}

static void at_most_eight_signatures_are_looked_at(void **state)
{
	struct desk *d = *state;
	signed_t *s = desk_signed("body", 4, &d->stranger, SIGN_DOMAIN_COMMAND);

	for (int i = 0; i < 7; i++)
		desk_sign(s, &d->stranger, SIGN_DOMAIN_COMMAND);
	desk_sign(s, &d->command, SIGN_DOMAIN_COMMAND);
	assert_false(trust_verify(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s));
	reeve__control__v1__signed__free_unpacked(s, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_role_is_served_by_its_own_keys_alone, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(without_a_key_of_the_role_nothing_is_valid, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(an_unknown_algorithm_is_no_signature, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(at_most_eight_signatures_are_looked_at, desk_start, desk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
