/* test_trust.c - which key may sign what. */
#include "tests/unit/control/desk.h"

static bool fits(const struct trust *t, enum trust_role role, const char *domain, const signed_t *s)
{
	struct digest d = digest_of(s->body.data, s->body.len);

	return trust_verify(t, role, domain, &d, s);
}

static void a_role_is_served_by_its_own_keys_alone(void **state)
{
	struct desk *d = *state;
	signed_t *s = desk_signed("body", 4, &d->command, SIGN_DOMAIN_COMMAND);

	assert_true(fits(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s));
	assert_false(fits(&d->trust, TRUST_RELEASE, SIGN_DOMAIN_COMMAND, s));
	assert_false(fits(&d->trust, TRUST_HEAD, SIGN_DOMAIN_COMMAND, s));
	assert_false(fits(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_HEAD, s));
	desk_sign(s, &d->release, SIGN_DOMAIN_COMMAND);
	assert_true(fits(&d->trust, TRUST_RELEASE, SIGN_DOMAIN_COMMAND, s));
	reeve__control__v1__signed__free_unpacked(s, NULL);
}

static void without_a_key_of_the_role_nothing_is_valid(void **state)
{
	struct desk *d = *state;
	struct trust none = { 0 };
	signed_t *s = desk_signed("body", 4, &d->command, SIGN_DOMAIN_COMMAND);

	assert_false(fits(&none, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s));
	reeve__control__v1__signed__free_unpacked(s, NULL);
}

static void an_unknown_algorithm_is_no_signature(void **state)
{
	struct desk *d = *state;
	signed_t *s = desk_signed("body", 4, &d->command, SIGN_DOMAIN_COMMAND);

	s->sigs[0]->alg = 2;
	assert_false(fits(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s));
	reeve__control__v1__signed__free_unpacked(s, NULL);
}

static void at_most_eight_signatures_are_looked_at(void **state)
{
	struct desk *d = *state;
	signed_t *s = desk_signed("body", 4, &d->stranger, SIGN_DOMAIN_COMMAND);

	for (int i = 0; i < 7; i++)
		desk_sign(s, &d->stranger, SIGN_DOMAIN_COMMAND);
	desk_sign(s, &d->command, SIGN_DOMAIN_COMMAND);
	assert_false(fits(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s));
	reeve__control__v1__signed__free_unpacked(s, NULL);
}

/* Each check costs a tenth of a millisecond, and whoever has seen a public key can write its id. */
static void two_signatures_of_a_key_are_checked_and_no_third(void **state)
{
	struct desk *d = *state;

	for (int bad = 1; bad <= 2; bad++) {
		signed_t *s = desk_signed("body", 4, &d->command, SIGN_DOMAIN_HEAD);

		for (int i = 1; i < bad; i++)
			desk_sign(s, &d->command, SIGN_DOMAIN_HEAD);
		desk_sign(s, &d->command, SIGN_DOMAIN_COMMAND);
		desk_sign(s, &d->release, SIGN_DOMAIN_COMMAND);
		assert_int_equal(fits(&d->trust, TRUST_COMMAND, SIGN_DOMAIN_COMMAND, s), bad == 1);
		assert_true(fits(&d->trust, TRUST_RELEASE, SIGN_DOMAIN_COMMAND, s));
		reeve__control__v1__signed__free_unpacked(s, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_role_is_served_by_its_own_keys_alone, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(without_a_key_of_the_role_nothing_is_valid, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(an_unknown_algorithm_is_no_signature, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(two_signatures_of_a_key_are_checked_and_no_third, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(at_most_eight_signatures_are_looked_at, desk_start, desk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
