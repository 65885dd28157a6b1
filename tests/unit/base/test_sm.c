/* test_sm.c - a state moves only where its table allows, and only while what the machine promises holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "agent/base/list.h"
#include "agent/base/log.h"
#include "agent/base/sm.h"
#include "tests/unit/base/aborts.h"

enum { OPEN, BUSY, DONE, NONE, LAST };

static const struct sm_state states[] = {
	[OPEN] = { "open", SM_TO(BUSY) | SM_TO(DONE) },
	[BUSY] = { "busy", SM_TO(BUSY) | SM_TO(OPEN) | SM_TO(NONE) },
	[DONE] = { "all done", SM_END },
	[LAST] = { "last", SM_END },
};

struct door {
	struct sm sm;
	int guests;
};

static const char *door_broken(const struct sm *m)
{
	const struct door *d = container_of(m, const struct door, sm);

	return d->sm.now == DONE && d->guests > 0 ? "somebody is still inside" : NULL;
}

static const struct sm_machine door = SM_MACHINE("door", states, door_broken);
static const struct sm_machine hatch = SM_MACHINE("hatch", states, NULL);

static void move(const struct sm_machine *machine, unsigned from, unsigned to)
{
	struct door d = { .guests = 1 };

	sm_init(&d.sm, machine, from);
	sm_move(&d.sm, to);
}

static void allowed_moves_are_made(void **state)
{
	struct door d = { .guests = 0 };

	(void)state;
	sm_init(&d.sm, &door, OPEN);
	assert_string_equal(sm_name(&d.sm), "open");
	sm_move(&d.sm, BUSY);
	sm_move(&d.sm, BUSY);
	sm_move(&d.sm, OPEN);
	sm_move(&d.sm, DONE);
	assert_string_equal(sm_name(&d.sm), "all done");
}

static void go_to_done(void)
{
	move(&hatch, BUSY, DONE);
}

static void rise_again(void)
{
	move(&door, DONE, OPEN);
}

static void any_other_move_stops_the_program_with_all_three_names(void **state)
{
	(void)state;
	assert_aborts_saying(go_to_done, "machine=hatch from=busy to=\"all done\" err=\"there is no such move\"");
	assert_aborts_saying(rise_again, "machine=door from=\"all done\" to=open err=\"there is no such move\"");
}

static void go_beyond_the_table(void)
{
	move(&door, OPEN, LAST + 1);
}

static void go_beyond_what_a_mask_holds(void)
{
	move(&door, OPEN, 32 + BUSY); /* the bit of BUSY, to a processor that shifts by 32 less */
}

static void go_into_a_hole(void)
{
	move(&door, BUSY, NONE);
}

static void begin_beyond_the_table(void)
{
	move(&door, 77, OPEN);
}

static void a_number_that_is_no_state_stops_the_program_with_what_is_known(void **state)
{
	(void)state;
	assert_aborts_saying(go_beyond_the_table, "machine=door from=open to=\"number 5\" err=\"there is no such state\"");
	assert_aborts_saying(go_beyond_what_a_mask_holds, "machine=door from=open to=\"number 33\"");
	assert_aborts_saying(go_into_a_hole, "machine=door from=busy to=\"number 3\"");
	assert_aborts_saying(begin_beyond_the_table, "machine=door from=\"\" to=\"number 77\"");
}

static void close_on_a_guest(void)
{
	move(&door, OPEN, DONE);
}

static void a_move_that_breaks_what_must_hold_stops_the_program_with_its_sentence(void **state)
{
	(void)state;
	assert_aborts_saying(close_on_a_guest, "machine=door from=open to=\"all done\" err=\"somebody is still inside\"");
	move(&hatch, OPEN, DONE); /* the same, but nothing is promised */
	move(&door, OPEN, BUSY);
}

static void keep(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	snprintf(ctx, 256, "%d %s %s", level, event, pairs);
}

static void a_move_is_traced_at_debug_level_alone(void **state)
{
	char said[256] = "";
	struct sm m;

	(void)state;
	log_set(LOG_INFO, keep, said);
	move(&door, OPEN, BUSY);
	assert_string_equal(said, "");
	log_set(LOG_DEBUG, keep, said);
	move(&door, OPEN, BUSY);
	assert_string_equal(said, "3 sm.move machine=door of=- from=open to=busy");
	sm_init(&m, &door, OPEN);
	m.of = "cellar";
	sm_move(&m, BUSY);
	log_set(LOG_INFO, NULL, NULL);
	assert_string_equal(said, "3 sm.move machine=door of=cellar from=open to=busy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowed_moves_are_made),
		cmocka_unit_test(any_other_move_stops_the_program_with_all_three_names),
		cmocka_unit_test(a_number_that_is_no_state_stops_the_program_with_what_is_known),
		cmocka_unit_test(a_move_that_breaks_what_must_hold_stops_the_program_with_its_sentence),
		cmocka_unit_test(a_move_is_traced_at_debug_level_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
