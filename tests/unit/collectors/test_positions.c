/* test_positions.c - one position a file, what is durable and what is only known apart, and who goes when there are too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "collectors/positions.h"

static struct positions p;

static struct telemetry_source source_of(uint64_t ino, uint64_t to)
{
	return (struct telemetry_source){ .dev = 1, .ino = ino, .to = to, .path = "/var/log/x" };
}

static void commit(uint64_t ino, uint64_t to)
{
	const struct telemetry_source s = source_of(ino, to);

	p.durable.committed(p.durable.ctx, &s);
}

static void commit_all(uint64_t from, uint64_t to)
{
	for (uint64_t ino = from; ino < to; ino++)
		commit(ino, 1);
}

static void leave(uint64_t ino, uint64_t to)
{
	const struct telemetry_source s = source_of(ino, to);

	positions_leave(&p, &s, 0);
}

static void follow(uint64_t ino)
{
	struct position *pos = positions_find(&p, 1, ino);

	assert_non_null(pos);
	positions_claim(&p, pos);
}

static bool walk(struct telemetry_source *ret)
{
	return p.durable.next(p.durable.ctx, ret);
}

/* What the next process would know: how many, and of the last one all. */
static size_t durable(struct telemetry_source *last)
{
	size_t n = 0;

	for (p.durable.rewind(p.durable.ctx); walk(last);)
		n++;
	assert_int_equal(n, p.durable_n);
	return n;
}

static bool has(uint64_t ino)
{
	struct telemetry_source s;

	for (p.durable.rewind(p.durable.ctx); walk(&s);)
		if (s.ino == ino)
			return true;
	return false;
}

static int setup(void **state)
{
	(void)state;
	positions_init(&p);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	positions_close(&p);
	assert_int_equal(p.durable_n + p.left_n + p.let_go_n + p.may_go_n, 0);
	return 0;
}

/* The device counts too, and so do inodes that share a bucket. */
static void files_with_one_number_or_one_bucket_are_told_apart(void **state)
{
	const uint64_t inos[] = { 5, 5 + POSITIONS_BUCKETS, 5 + 2 * POSITIONS_BUCKETS };
	struct telemetry_source s = source_of(5 - 1, 77);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		commit(inos[i], 10 + i);
	s.dev = 2; /* of the same bucket */
	p.durable.committed(p.durable.ctx, &s);
	positions_wait(&p);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(positions_find(&p, 1, inos[i])->left.to, 10 + i);
	assert_int_equal(positions_find(&p, 2, 4)->left.to, 77);
	assert_null(positions_find(&p, 2, 5));
	positions_forget(&p, positions_find(&p, 1, inos[1]));
	assert_null(positions_find(&p, 1, inos[1]));
	assert_true(positions_find(&p, 1, inos[0]) != NULL && positions_find(&p, 1, inos[2]) != NULL);
	assert_non_null(positions_find(&p, 2, 4));
}

static void a_later_range_of_a_file_replaces_and_moves_to_the_end(void **state)
{
	struct telemetry_source last;

	(void)state;
	commit_all(1, 4);
	commit(1, 9);
	assert_int_equal(durable(&last), 3);
	assert_int_equal(last.ino, 1);
	assert_int_equal(last.to, 9);
	assert_string_equal(last.path, "/var/log/x");
}

static void of_too_many_those_let_go_go_first_and_then_the_quietest(void **state)
{
	struct telemetry_source last;

	(void)state;
	commit_all(0, POSITIONS_MAX);
	leave(10, 1);
	leave(20, 1);
	leave(30, 1);
	follow(20); /* it is back */
	commit_all(100000, 100002);
	assert_int_equal(durable(&last), POSITIONS_MAX);
	assert_false(has(10) || has(30));
	assert_true(has(0) && has(20));
	commit(100002, 1);
	assert_false(has(0));
	assert_true(has(1) && has(20) && has(100002));
	assert_non_null(positions_find(&p, 1, 10)); /* as long as this process lives it knows where it was */
}

static void the_last_lines_of_a_file_let_go_do_not_make_it_stay_but_new_ones_do(void **state)
{
	(void)state;
	commit_all(0, POSITIONS_MAX);
	leave(10, 1);
	leave(20, 1);
	commit(10, 2);                                 /* they were handed over before */
	positions_drop(&p, positions_find(&p, 1, 20)); /* too many of them */
	commit(20, 9);                                 /* it came back, and is read again */
	commit(100000, 1);
	assert_false(has(10));
	commit(100001, 1);
	assert_true(has(20));
	assert_false(has(0));
}

static void a_file_goes_on_where_it_was_let_go_and_the_next_process_where_it_was_committed(void **state)
{
	struct telemetry_source last;

	(void)state;
	commit(1, 5);
	assert_null(positions_find(&p, 1, 1)); /* it is followed */
	leave(1, 9);
	assert_int_equal(positions_find(&p, 1, 1)->left.to, 9);
	assert_int_equal(durable(&last), 1);
	assert_int_equal(last.to, 5);
	commit(1, 9);
	assert_int_equal(durable(&last), 1);
	assert_int_equal(last.to, 9);
	follow(1);
	assert_null(positions_find(&p, 1, 1));
	assert_int_equal(durable(&last), 1);
}

static void what_is_durable_when_the_tail_starts_waits_for_its_file(void **state)
{
	(void)state;
	commit(1, 5);
	commit(2, 6);
	positions_wait(&p);
	assert_int_equal(p.left_n, 2);
	assert_int_equal(p.let_go_n, 0);
	assert_int_equal(positions_find(&p, 1, 2)->left.to, 6);
	assert_null(positions_oldest_let_go(&p));
}

static void what_was_never_committed_is_gone_when_its_file_is_followed_again(void **state)
{
	(void)state;
	leave(1, 9);
	assert_int_equal(p.durable_n, 0);
	follow(1);
	assert_true(list_empty(&p.all));
}

static void the_log_that_is_read_from_its_beginning_tells_all_anew(void **state)
{
	struct telemetry_source last;

	(void)state;
	commit_all(1, 10);
	p.durable.forget(p.durable.ctx);
	assert_int_equal(durable(&last), 0);
	commit(3, 7);
	assert_int_equal(durable(&last), 1);
}

/* The log is written anew in slices, between which the tail goes on: what it does must not cost a position. */
static void a_walk_leaves_nothing_out_whatever_moves_or_goes_meanwhile(void **state)
{
	for (uint64_t after = 0; after <= 4; after++)
		for (uint64_t ino = 1; ino <= 4; ino++) {
			struct telemetry_source s;
			unsigned met = 0;
			uint64_t n = 0;

			setup(state);
			commit_all(1, 5);
			for (p.durable.rewind(p.durable.ctx); n < after && walk(&s); n++)
				met |= 1u << s.ino;
			leave(ino, 2);
			while (walk(&s)) {
				met |= 1u << s.ino;
				assert_true(++n < 20);
			}
			assert_int_equal(met, 0x1e);
			teardown(state);
		}
}

static void a_walk_passes_by_what_is_forgotten_before_its_turn(void **state)
{
	struct telemetry_source s;

	(void)state;
	commit_all(1, 4);
	positions_wait(&p);
	p.durable.rewind(p.durable.ctx);
	assert_true(walk(&s) && s.ino == 1);
	positions_forget(&p, positions_find(&p, 1, 2));
	assert_true(walk(&s) && s.ino == 3);
	assert_false(walk(&s));
}

#define POSITIONS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void a_place_in_the_journal_is_no_files_and_stays_however_many_files_there_are(void **state)
{
	struct telemetry_source s = { .ino = 7, .to = 1, .path = "journald:a", .cursor = "s=1;i=1" };

	(void)state;
	p.durable.committed(p.durable.ctx, &s);
	s.to = 2;
	s.cursor = "s=1;i=2";
	p.durable.committed(p.durable.ctx, &s);
	positions_wait(&p);
	assert_null(positions_find(&p, 0, 7)); /* it is not looked for among files */
	commit_all(1000, 1000 + POSITIONS_MAX + 5);
	assert_non_null(positions_get(&p, 0, 7));
	assert_string_equal(positions_get(&p, 0, 7)->durable.cursor, "s=1;i=2");
	assert_int_equal(p.durable_n, POSITIONS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POSITIONS_TEST(files_with_one_number_or_one_bucket_are_told_apart),
		POSITIONS_TEST(a_later_range_of_a_file_replaces_and_moves_to_the_end),
		POSITIONS_TEST(of_too_many_those_let_go_go_first_and_then_the_quietest),
		POSITIONS_TEST(the_last_lines_of_a_file_let_go_do_not_make_it_stay_but_new_ones_do),
		POSITIONS_TEST(a_file_goes_on_where_it_was_let_go_and_the_next_process_where_it_was_committed),
		POSITIONS_TEST(what_is_durable_when_the_tail_starts_waits_for_its_file),
		POSITIONS_TEST(what_was_never_committed_is_gone_when_its_file_is_followed_again),
		POSITIONS_TEST(the_log_that_is_read_from_its_beginning_tells_all_anew),
		POSITIONS_TEST(a_walk_leaves_nothing_out_whatever_moves_or_goes_meanwhile),
		POSITIONS_TEST(a_walk_passes_by_what_is_forgotten_before_its_turn),
		POSITIONS_TEST(a_place_in_the_journal_is_no_files_and_stays_however_many_files_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
