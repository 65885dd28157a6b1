/* test_report_warehouses.c - how the account differs from the spec that stands is in each report, as far as there is room. */
#include "agent/control/report_warehouses.h"
#include "tests/unit/ops/patrolled.h"

static Reeve__Control__V1__Report told(const struct shop *s, struct arena *m, size_t *ret_bytes)
{
	Reeve__Control__V1__Report r = REEVE__CONTROL__V1__REPORT__INIT;

	*ret_bytes = report_add_warehouses(&r, s->d.ops, m);
	return r;
}

static void a_report_names_the_command_that_stands_and_what_differs(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(1u << 20);
	struct desk_command k;
	Reeve__Control__V1__Report r;
	size_t bytes;

	r = told(s, m, &bytes);
	assert_int_equal(r.n_warehouses, 0);
	patrolled_stand(s, SHOP_POLICY);
	desk_command(&k, 1);
	aws_hand_stop(s->sim, s->sim->instances[0]);
	desk_pass(&s->d, 2 * PATROL_MS);
	r = told(s, m, &bytes);
	assert_int_equal(r.n_warehouses, 1);
	assert_string_equal(r.warehouses[0]->warehouse, "wh-1");
	assert_int_equal(r.warehouses[0]->stands_on.len, 16);
	assert_memory_equal(r.warehouses[0]->stands_on.data, k.id, 16);
	assert_int_equal(r.warehouses[0]->generation, s->k.s.generation);
	assert_int_equal(r.warehouses[0]->drifts_total, 1);
	assert_string_equal(r.warehouses[0]->drifts[0]->field, "power");
	assert_true(bytes >= reeve__control__v1__report__get_packed_size(&r));
	arena_free(m);
}

/* Rules by the hundred were revoked: the first are told, and how many there are. */
static void what_does_not_fit_is_counted(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(1u << 20);
	Reeve__Control__V1__Rule rules[60], *list[60];
	Reeve__Control__V1__Report r;
	size_t bytes;

	for (size_t i = 0; i < 60; i++) {
		rules[i] = s->k.clients;
		rules[i].from_port = rules[i].to_port = (int32_t)(8000 + i);
		list[i] = &rules[i];
	}
	s->k.group.rules = list;
	s->k.group.n_rules = 60;
	patrolled_stand(s, SHOP_POLICY "rates: {mutations_per_hour: 500}\n");
	for (size_t i = 0; i < s->sim->groups[0]->rules_n; i++)
		s->sim->groups[0]->rules[i].revoked_ms = world_now_ms(s->d.w);
	desk_pass(&s->d, 3 * PATROL_MS);
	r = told(s, m, &bytes);
	assert_true(r.warehouses[0]->drifts_total >= 60);
	assert_int_equal(r.warehouses[0]->n_drifts, REPORT_DRIFTS_MAX);
	assert_true(bytes <= REPORT_WAREHOUSES_MAX);
	arena_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_report_names_the_command_that_stands_and_what_differs),
		SHOP(what_does_not_fit_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
