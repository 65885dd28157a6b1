/* test_closing.c - a component ends once, from the loop, and not before everything of it is home. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/closing.h"
#include "agent/base/mem.h"
#include "tests/unit/base/aborts.h"

/* A component with so many things out, on the heap so that the sanitizer sees who looks at it afterwards. */
struct part {
	struct closing closing;
	unsigned out;
};

static unsigned asked, freed, told;

static bool is_out(struct closing *c)
{
	return container_of(c, struct part, closing)->out > 0;
}

static void part_free(struct closing *c)
{
	assert_int_equal(told, 0);
	freed++;
	mem_free(container_of(c, struct part, closing));
}

static const struct closing_how how = { is_out, part_free }, never_out = { NULL, part_free };

static void later(struct closing *c)
{
	(void)c;
	asked++;
}

/* The owner that is told frees what it was told about. */
static void done(void *ctx)
{
	assert_int_equal(freed, 1);
	told++;
	mem_free(ctx);
}

static struct part *part_new(unsigned out)
{
	struct part *p = mem_new(struct part);

	p->out = out;
	asked = freed = told = 0;
	return p;
}

static void begin(struct part *p, const struct closing_how *with)
{
	closing_begin(&p->closing, with, later, done, mem_alloc(8));
}

static void assert_is(unsigned times_asked, unsigned times_told)
{
	assert_int_equal(asked, times_asked);
	assert_int_equal(freed, times_told);
	assert_int_equal(told, times_told);
}

static void what_has_nothing_out_ends_from_the_loop_and_not_from_inside(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct part *p = part_new(0);

		assert_false(closing_is_on(&p->closing));
		begin(p, i == 0 ? &how : &never_out);
		assert_true(closing_is_on(&p->closing));
		assert_is(1, 0);
		closing_end(&p->closing);
		assert_is(1, 1);
	}
}

static void what_is_out_is_waited_for_to_the_last(void **state)
{
	struct part *p = part_new(2);

	(void)state;
	begin(p, &how);
	assert_is(0, 0);
	p->out--;
	closing_step(&p->closing);
	assert_is(0, 0);
	p->out--;
	closing_step(&p->closing);
	assert_is(1, 0); /* not from inside of who brought it home */
	closing_end(&p->closing);
	assert_is(1, 1);
}

static void the_loop_is_asked_once_however_many_steps_there_are(void **state)
{
	struct part *p = part_new(1);

	(void)state;
	begin(p, &how);
	p->out--;
	for (int i = 0; i < 3; i++)
		closing_step(&p->closing);
	assert_is(1, 0);
	closing_end(&p->closing);
	assert_is(1, 1);
}

static void what_goes_out_again_while_the_end_is_due_is_waited_for_too(void **state)
{
	struct part *p = part_new(0);

	(void)state;
	begin(p, &how);
	p->out++;
	closing_end(&p->closing);
	assert_is(1, 0);
	p->out--;
	closing_step(&p->closing);
	p->out++;
	closing_end(&p->closing);
	assert_is(2, 0);
	p->out--;
	closing_step(&p->closing);
	closing_end(&p->closing);
	assert_is(3, 1);
}

static void a_step_of_what_is_open_does_nothing(void **state)
{
	struct part *p = part_new(0);

	(void)state;
	closing_step(&p->closing);
	assert_is(0, 0);
	mem_free(p);
}

static void close_twice(void)
{
	struct part *p = part_new(1);

	begin(p, &how);
	begin(p, &how);
}

static void end_unasked(void)
{
	struct part *p = part_new(1);

	begin(p, &how);
	closing_end(&p->closing);
}

static void tell_nobody(void)
{
	closing_begin(&part_new(0)->closing, &how, later, NULL, NULL);
}

static void what_no_owner_may_do_stops_the_program(void **state)
{
	(void)state;
	assert_aborts(close_twice);
	assert_aborts(end_unasked);
	assert_aborts(tell_nobody);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_nothing_out_ends_from_the_loop_and_not_from_inside),
		cmocka_unit_test(what_is_out_is_waited_for_to_the_last),
		cmocka_unit_test(the_loop_is_asked_once_however_many_steps_there_are),
		cmocka_unit_test(what_goes_out_again_while_the_end_is_due_is_waited_for_too),
		cmocka_unit_test(a_step_of_what_is_open_does_nothing),
		cmocka_unit_test(what_no_owner_may_do_stops_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
