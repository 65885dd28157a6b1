/* test_stocktake.c - the account's inventory for several askers: one taking for all of them, what is ours alone, and a close at
 * any moment. Run under ASan: nothing that is closed may be used. */
#include "agent/daemon/stocktake.h"
#include "agent/ops/steps/catalogue.h"
#include "tests/unit/ops/shop.h"

static const struct owner owner = { "velodb", "inst-1" };
static unsigned takings;

static enum shop_fault count_takings(struct shop *s, const char *body)
{
	(void)s;
	takings += str_starts(body, "Action=DescribeInstances&");
	return SHOP_FINE;
}

static enum shop_fault deny_volumes(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=DescribeVolumes&") ? SHOP_DENIED : SHOP_FINE;
}

static enum shop_fault answer_nothing(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=Describe") ? SHOP_SLOW : SHOP_FINE;
}

static struct stocktake *open_in(struct shop *s)
{
	takings = 0;
	return stocktake_new(&(struct inventory_source){ s->d.w, s->aws, s->creds, &owner, catalogue_resources() });
}

static void on_gone(void *ctx)
{
	*(bool *)ctx = true;
}

static bool is_gone(void *ctx)
{
	return *(bool *)ctx;
}

static void close_in(struct shop *s, struct stocktake *st)
{
	bool gone = false;

	stocktake_close(st, on_gone, &gone);
	assert_false(gone);
	assert_int_equal(sim_run_until(s->d.w, is_gone, &gone, 60000), SIM_TRUE);
}

/* Asks as the socket does, until there is an answer or `most_ms` are over. */
static int ask_since(struct shop *s, struct stocktake *st, uint64_t since_ms, uint64_t most_ms, const json_t **ret, struct err *e)
{
	int rc = stocktake_ask(st, since_ms, ret, e);

	for (uint64_t ms = 0; rc == -ERR_AGAIN && ms < most_ms; ms += 100) {
		sim_run_until(s->d.w, NULL, NULL, 100);
		rc = stocktake_ask(st, since_ms, ret, e);
	}
	return rc;
}

static size_t nodes_in(const json_t *j, size_t *ret_clusters)
{
	const json_t *w = json_array_get(json_object_get(j, "warehouses"), 0), *clusters = json_object_get(w, "clusters");

	*ret_clusters = json_array_size(clusters);
	return json_array_size(json_object_get(json_array_get(clusters, 0), "nodes"));
}

static void what_is_told_is_ours_alone_also_where_a_filter_is_ignored(void **state)
{
	struct shop *s = *state;
	struct stocktake *st = open_in(s);
	struct desk_command k;
	const json_t *j;
	char *text;
	size_t clusters;

	aws_add_foreign(s->sim);
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	s->sim->ignores_filters = true;
	assert_int_equal(ask_since(s, st, world_now_ms(s->d.w), 60000, &j, NULL), 0);
	assert_int_equal(json_array_size(json_object_get(j, "warehouses")), 1);
	assert_int_equal(nodes_in(j, &clusters), 2);
	assert_int_equal(clusters, 1);
	text = json_dumps(j, 0);
	assert_non_null(strstr(text, s->sim->instances[1]->t.id));
	assert_null(strstr(text, s->sim->instances[0]->t.id));
	free(text);
	close_in(s, st);
}

static void all_who_ask_meanwhile_share_one_taking(void **state)
{
	struct shop *s = *state;
	struct stocktake *st = open_in(s);
	const json_t *j;
	uint64_t now_ms = world_now_ms(s->d.w);

	s->break_at = count_takings;
	for (int i = 0; i < 5; i++)
		assert_int_equal(stocktake_ask(st, now_ms, &j, NULL), -ERR_AGAIN);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask_since(s, st, now_ms, 60000, &j, NULL), 0);
	assert_int_equal(takings, 1);
	/* One who comes a moment later is told the same; one who comes later yet has it taken again. */
	assert_int_equal(stocktake_ask(st, world_now_ms(s->d.w), &j, NULL), 0);
	sim_run_until(s->d.w, NULL, NULL, STOCKTAKE_FRESH_MS + 200);
	assert_int_equal(ask_since(s, st, world_now_ms(s->d.w), 60000, &j, NULL), 0);
	assert_int_equal(takings, 2);
	close_in(s, st);
}

static void a_taking_that_fails_is_told_with_what_aws_said_and_the_next_asker_has_another(void **state)
{
	struct shop *s = *state;
	struct stocktake *st = open_in(s);
	struct err e = { 0 };
	const json_t *j;

	s->break_at = deny_volumes;
	assert_int_equal(ask_since(s, st, world_now_ms(s->d.w), 60000, &j, &e), -ERR_SERVICE);
	assert_non_null(strstr(err_text(&e), "inventory, volumes"));
	s->break_at = NULL;
	sim_run_until(s->d.w, NULL, NULL, STOCKTAKE_FRESH_MS + 200);
	assert_int_equal(ask_since(s, st, world_now_ms(s->d.w), 60000, &j, &e), 0);
	close_in(s, st);
}

static void while_aws_does_not_answer_it_says_what_holds_it_up(void **state)
{
	struct shop *s = *state;
	struct stocktake *st = open_in(s);
	struct err e = { 0 };
	const json_t *j;

	s->break_at = answer_nothing;
	assert_int_equal(ask_since(s, st, world_now_ms(s->d.w), 35000, &j, &e), -ERR_AGAIN);
	assert_non_null(strstr(err_text(&e), "inventory, vpcs"));
	close_in(s, st);
}

static void what_was_told_is_let_go_after_a_minute(void **state)
{
	struct shop *s = *state;
	struct stocktake *st = open_in(s);
	const json_t *j;
	uint64_t now_ms = world_now_ms(s->d.w);

	assert_int_equal(ask_since(s, st, now_ms, 60000, &j, NULL), 0);
	sim_run_until(s->d.w, NULL, NULL, 61000);
	assert_int_equal(stocktake_ask(st, now_ms, &j, NULL), -ERR_AGAIN);
	close_in(s, st);
}

static void it_closes_at_any_moment_of_a_taking(void **state)
{
	struct shop *s = *state;
	const json_t *j;

	for (unsigned ms = 0; ms < 1500; ms += 7) {
		struct stocktake *st = open_in(s);

		err_ignore(stocktake_ask(st, world_now_ms(s->d.w), &j, NULL), "it is closed all the same");
		sim_run_until(s->d.w, NULL, NULL, ms);
		close_in(s, st);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(what_is_told_is_ours_alone_also_where_a_filter_is_ignored),
		SHOP(all_who_ask_meanwhile_share_one_taking),
		SHOP(a_taking_that_fails_is_told_with_what_aws_said_and_the_next_asker_has_another),
		SHOP(while_aws_does_not_answer_it_says_what_holds_it_up),
		SHOP(what_was_told_is_let_go_after_a_minute),
		SHOP(it_closes_at_any_moment_of_a_taking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
