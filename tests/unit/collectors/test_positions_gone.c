/* test_positions_gone.c - of files that are gone the position goes, of renamed ones and of those nobody can see it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "collectors/positions_gone.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define GONE_INO 100000 /* of files that never were */

static struct world *w;
static struct positions p;
static struct positions_gone gone;
static bool done;

static uint64_t ino_of(const char *path)
{
	struct disk_stat st;

	assert_int_equal(w->disk_stat(w, path, &st, NULL), 0);
	assert_int_equal(st.dev, 1);
	return st.ino;
}

static void commit(const char *path, uint64_t ino)
{
	const struct telemetry_source s = { .dev = 1, .ino = ino, .to = 10, .path = path };

	p.durable.committed(p.durable.ctx, &s);
}

static void commit_gone(unsigned n, const char *dir)
{
	for (unsigned i = 0; i < n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/gone-%u", dir, i);
		commit(path, GONE_INO + p.durable_n);
	}
}

static bool is_kept(uint64_t ino)
{
	return positions_get(&p, 1, ino) != NULL;
}

static void start(void)
{
	done = false;
	positions_gone_start(&gone, w, &p, NULL, flag_set, &done);
	assert_false(done);
}

static void find_out(void)
{
	start();
	assert_int_equal(sim_run_until(w, flag_is_set, &done, 60000), SIM_TRUE);
	assert_false(positions_gone_runs(&gone));
}

static void close_gone(void)
{
	bool closed = false;

	if (!positions_gone_runs(&gone))
		return;
	positions_gone_close(&gone, flag_set, &closed);
	assert_false(closed);
	assert_int_equal(sim_run_until(w, flag_is_set, &closed, 60000), SIM_TRUE);
}

static int setup(void **state)
{
	(void)state;
	w = sim_new(7);
	sim_dir_make(w, "/var/log");
	sim_dir_make(w, "/mnt");
	positions_init(&p);
	gone = (struct positions_gone){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_gone();
	positions_close(&p);
	sim_free(w);
	log_set(LOG_INFO, NULL, NULL);
	return 0;
}

static void files_that_are_gone_are_forgotten_and_renamed_ones_are_not(void **state)
{
	(void)state;
	sim_file_puts(w, "/var/log/y", "there");
	sim_file_puts(w, "/var/log/x.1", "renamed");
	commit("/var/log/y", ino_of("/var/log/y"));
	commit("/var/log/x", ino_of("/var/log/x.1"));
	commit_gone(300, "/var/log");
	commit_gone(300, "/mnt");
	find_out();
	assert_int_equal(p.durable_n, 2);
	assert_true(is_kept(ino_of("/var/log/y")) && is_kept(ino_of("/var/log/x.1")));
}

static uint64_t lost_bytes;
static struct telemetry_source lost_at;

static void on_lost(void *ctx, const struct telemetry_source *at, uint64_t bytes)
{
	(void)ctx;
	lost_bytes += bytes;
	lost_at = *at;
	lost_at.path = "/var/log/half";
}

static void what_was_seen_of_a_file_and_not_read_is_told_once(void **state)
{
	const struct telemetry_source read = { .dev = 1, .ino = GONE_INO, .to = 10, .size = 10, .path = "/var/log/read" };
	const struct telemetry_source half = { .dev = 1, .ino = GONE_INO + 1, .to = 10, .size = 30, .path = "/var/log/half" };

	(void)state;
	p.durable.committed(p.durable.ctx, &read);
	p.durable.committed(p.durable.ctx, &half);
	lost_bytes = 0;
	for (int i = 0; i < 2; i++) {
		done = false;
		positions_gone_start(&gone, w, &p, on_lost, flag_set, &done);
		assert_int_equal(sim_run_until(w, flag_is_set, &done, 60000), SIM_TRUE);
		assert_int_equal(lost_bytes, 20);
		assert_int_equal(p.durable_n, 0);
		p.durable.committed(p.durable.ctx, &lost_at); /* as a shipper does, with the count */
	}
}

static void a_name_that_another_file_bears_now_is_no_sign_of_life(void **state)
{
	(void)state;
	sim_file_puts(w, "/var/log/x", "another");
	commit("/var/log/x", GONE_INO);
	find_out();
	assert_int_equal(p.durable_n, 0);
}

static void of_a_folder_that_cannot_be_seen_all_are_kept(void **state)
{
	(void)state;
	commit_gone(3, "/not/mounted");
	commit_gone(3, "/var/log");
	find_out();
	assert_int_equal(p.durable_n, 3);
	assert_true(is_kept(GONE_INO) && is_kept(GONE_INO + 2));
}

static void a_disk_that_fails_costs_no_position(void **state)
{
	(void)state;
	sim_file_puts(w, "/var/log/y", "there");
	commit_gone(20, "/var/log");
	sim_fail_rate(w, SIM_STAT, 1000);
	find_out();
	assert_int_equal(p.durable_n, 20);
	sim_fail_rate(w, SIM_STAT, 0);
	sim_fail_rate(w, SIM_DISK, 1000);
	find_out();
	assert_int_equal(p.durable_n, 20);
}

/* Its path was no UTF-8 and so is not in the commit record. */
static void a_file_of_which_only_the_inode_is_known_is_kept(void **state)
{
	(void)state;
	commit("", GONE_INO);
	find_out();
	assert_int_equal(p.durable_n, 1);
}

static void without_positions_it_is_done_too(void **state)
{
	(void)state;
	find_out();
}

static void close_after(unsigned steps)
{
	bool runs;

	start();
	for (unsigned i = 0; i < steps; i++)
		sim_step(w);
	runs = positions_gone_runs(&gone);
	close_gone();
	sim_run_until(w, NULL, NULL, 60000);
	assert_true(done == !runs);
}

static void it_can_be_closed_at_any_moment_and_done_does_not_come_then(void **state)
{
	(void)state;
	for (unsigned steps = 0; steps < 1200; steps++) { /* the disk takes its time, now more and now less */
		positions_close(&p);
		commit_gone(500, "/var/log");
		close_after(steps % 12);
	}
}

#define GONE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void a_place_in_the_journal_is_no_file_that_could_be_gone(void **state)
{
	const struct telemetry_source s = { .ino = 7, .to = 10, .path = "/var/log/journald", .cursor = "s=1;i=1" };

	(void)state;
	p.durable.committed(p.durable.ctx, &s);
	commit("/var/log/gone", GONE_INO);
	find_out();
	assert_non_null(positions_get(&p, 0, 7));
	assert_false(is_kept(GONE_INO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GONE_TEST(files_that_are_gone_are_forgotten_and_renamed_ones_are_not),
		GONE_TEST(a_name_that_another_file_bears_now_is_no_sign_of_life),
		GONE_TEST(what_was_seen_of_a_file_and_not_read_is_told_once),
		GONE_TEST(of_a_folder_that_cannot_be_seen_all_are_kept),
		GONE_TEST(a_disk_that_fails_costs_no_position),
		GONE_TEST(a_file_of_which_only_the_inode_is_known_is_kept),
		GONE_TEST(without_positions_it_is_done_too),
		GONE_TEST(it_can_be_closed_at_any_moment_and_done_does_not_come_then),
		GONE_TEST(a_place_in_the_journal_is_no_file_that_could_be_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
