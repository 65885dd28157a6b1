/* test_standing.c - how nodes stand decides the same way for every wait: who is lost makes the cluster short, or an atomic one
 * fail. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/standing.h"

#define DEATH(of) ((struct code_death){ .class = (of), .code = "X" })

struct stood {
	struct kinds t;
	struct standing s;
};

static void stand(struct stood *d, const char *args)
{
	kinds_start(&d->t, &kind_wait_running, args);
	standing_open(&d->s);
}

static enum step_verdict verdict(struct stood *d)
{
	d->t.e = (struct err){ 0 };
	return standing_verdict(&d->t.x, &d->s, "come up", &d->t.e);
}

static void end(struct stood *d)
{
	standing_close(&d->s);
	kinds_end(&d->t);
}

static void those_that_are_up_are_left_in_the_fact(void **state)
{
	struct stood d;

	(void)state;
	stand(&d, "{\"cluster\": \"a\", \"fact\": \"f\"}");
	standing_is_up(&d.s, "i-1");
	standing_is_coming(&d.s, "i-2", "pending");
	assert_int_equal(verdict(&d), STEP_AGAIN);
	assert_string_equal(d.t.e.text, "i-2 is pending");
	assert_null(kinds_fact(&d.t, "f"));
	d.s.coming = 0;
	assert_int_equal(verdict(&d), STEP_DONE);
	assert_string_equal(kinds_fact(&d.t, "f"), "[\"i-1\"]");
	assert_string_equal(kinds_note(&d.t), "");
	end(&d);
}

static void one_that_is_lost_makes_the_cluster_short_or_an_atomic_one_fail(void **state)
{
	struct stood d;

	(void)state;
	stand(&d, "{\"cluster\": \"a\", \"fact\": \"f\"}");
	standing_is_up(&d.s, "i-1");
	standing_is_lost(&d.s, "i-2", "gone", DEATH(AWS_QUOTA));
	assert_int_equal(verdict(&d), STEP_DONE);
	assert_string_equal(kinds_note(&d.t), "short: 1 node(s) of a did not come up (i-2 is gone)");
	end(&d);
	stand(&d, "{\"cluster\": \"a\", \"fact\": \"f\", \"atomic\": true}");
	standing_is_up(&d.s, "i-1");
	standing_is_lost(&d.s, "i-2", "gone", DEATH(AWS_QUOTA));
	assert_int_equal(verdict(&d), STEP_FAILED);
	assert_int_equal(d.t.cause.class, AWS_QUOTA);
	assert_string_equal(d.t.e.text, "a node did not come up: i-2 is gone");
	end(&d);
}

static void when_none_is_left_the_gravest_cause_is_told(void **state)
{
	struct stood d;

	(void)state;
	stand(&d, "{\"cluster\": \"a\", \"fact\": \"f\"}");
	standing_is_lost(&d.s, "i-1", "full", DEATH(AWS_CAPACITY));
	standing_is_lost(&d.s, "i-2", "broken", DEATH(AWS_OK));
	standing_is_coming(&d.s, "i-3", "pending");
	assert_int_equal(verdict(&d), STEP_AGAIN); /* one may still come */
	d.s.coming = 0;
	assert_int_equal(verdict(&d), STEP_FAILED);
	assert_int_equal(d.t.cause.class, AWS_CAPACITY);
	assert_has(d.t.e.text, "i-1 is full");
	end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_are_up_are_left_in_the_fact),
		cmocka_unit_test(one_that_is_lost_makes_the_cluster_short_or_an_atomic_one_fail),
		cmocka_unit_test(when_none_is_left_the_gravest_cause_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
