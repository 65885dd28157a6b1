/* test_sm.c - a state moves only where its table allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/sm.h"
#include "tests/unit/base/aborts.h"

enum { OPEN, BUSY, DONE };

static const struct sm_state states[] = {
	[OPEN] = { "open", SM_TO(BUSY) | SM_TO(DONE) },
	[BUSY] = { "busy", SM_TO(BUSY) | SM_TO(OPEN) },
	[DONE] = { "done", SM_END },
};

static void allowed_moves_are_made(void **state)
{
	struct sm m;

	(void)state;
	sm_init(&m, states, OPEN);
	assert_string_equal(sm_name(&m), "open");
	sm_move(&m, BUSY);
	sm_move(&m, BUSY);
	sm_move(&m, OPEN);
	sm_move(&m, DONE);
	assert_string_equal(sm_name(&m), "done");
}

static void go_to_done(void)
{
	struct sm m;

	sm_init(&m, states, BUSY);
	sm_move(&m, DONE);
}

static void rise_again(void)
{
	struct sm m;

	sm_init(&m, states, DONE);
	sm_move(&m, OPEN);
}

static void any_other_move_stops_the_program(void **state)
{
	(void)state;
	assert_aborts(go_to_done);
	assert_aborts(rise_again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowed_moves_are_made),
		cmocka_unit_test(any_other_move_stops_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
