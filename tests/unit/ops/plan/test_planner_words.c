/* test_planner_words.c - what people call target groups and load balancers, whose names in AWS are hashes; and the titles of steps.
 * */
#include "agent/ops/plan/planner_impl.h"
#include "tests/unit/cases.h"
#include "tests/unit/ops/board.h"

static struct ec2_tag of_sql[] = { { "reeve:step", "base/tg-sql" } };
static struct ec2_tag of_main[] = { { "reeve:step", "base/lb-main" } };

static void the_tag_of_a_step_tells_the_word_and_else_aws_does(void **state)
{
	struct balancers_target_group groups[] = {
		{ .g = { .name = "rv-a", .tags = { of_sql, 1 } } },
		{ .g = { .name = "rv-b" } },
		{ .g = { .name = "rv-c", .tags = { of_main, 1 } } },
	};
	struct balancers_lb lbs[] = { { .lb = { .name = "rv-d", .tags = { of_main, 1 } } }, { .lb = { .name = "rv-e" } } };
	struct inventory *inv = inventory_new();
	struct planning p = { .inv = inv };

	(void)state;
	*balancers_in(inv) = (struct balancers){ .target_groups = groups, .target_groups_n = 3, .lbs = lbs, .lbs_n = 2 };
	assert_string_equal(planner_target_group_word(&p, &groups[0]), "sql");
	assert_string_equal(planner_target_group_word(&p, &groups[1]), "rv-b");
	assert_string_equal(planner_target_group_word(&p, &groups[2]), "rv-c"); /* a balancer's tag */
	assert_string_equal(planner_lb_word(&p, &lbs[0]), "main");
	assert_string_equal(planner_lb_word(&p, &lbs[1]), "rv-e");
	inventory_free(inv);
}

/* A tag that somebody copied must not make two steps of one name, which no plan may have. */
static void a_word_that_two_claim_is_nobodys(void **state)
{
	struct balancers_target_group groups[] = {
		{ .g = { .name = "rv-a", .tags = { of_sql, 1 } } },
		{ .g = { .name = "rv-b", .tags = { of_sql, 1 } } },
	};
	struct inventory *inv = inventory_new();
	struct planning p = { .inv = inv };

	(void)state;
	*balancers_in(inv) = (struct balancers){ .target_groups = groups, .target_groups_n = 2 };
	assert_string_equal(planner_target_group_word(&p, &groups[0]), "rv-a");
	assert_string_equal(planner_target_group_word(&p, &groups[1]), "rv-b");
	inventory_free(inv);
}

/* Of a plan with all that a specification can ask for. */
static void every_step_has_a_title_in_words(void **state)
{
	struct plans *p = board_apply(*state);

	assert_true(plans_steps(p) > 5);
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++) {
			const struct step *s = &p->v[i].steps[k];

			assert_string_not_equal(s->title, s->name);
			assert_non_null(strchr(s->title, ' '));
			assert_null(strstr(s->title, "rv-"));
			assert_null(strchr(s->title, '@'));
		}
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tag_of_a_step_tells_the_word_and_else_aws_does),
		cmocka_unit_test(a_word_that_two_claim_is_nobodys),
		cmocka_unit_test_setup_teardown(every_step_has_a_title_in_words, board_start, board_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
