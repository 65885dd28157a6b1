/* test_world_sim_crash.c - what a disk may do to bytes that were not synced, and what it may not do to those that were.
 * Properties hold for many seeds. */
#include "tests/unit/io/lab.h"

#include "agent/base/str.h"

#define SEEDS 1000

static unsigned crash_at;

static enum sim_death die_at(void *ctx, const char *where, const char *what)
{
	(void)where;
	assert_int_equal(strncmp(what, "/var/lib/reeve/", 15), 0);
	return crash_at-- == 0 ? *(enum sim_death *)ctx : SIM_ALIVE;
}

/* Runs one request with the crash at its n-th point; false when it has no such point. */
static bool crash_in(uint64_t seed, unsigned n, enum sim_death death, void (*prepare)(void), void (*start)(struct disk_req *r))
{
	struct disk_req *r = mem_new(struct disk_req);
	enum sim_end end;

	lab_new(seed);
	prepare();
	crash_at = n;
	sim_set_crash_hook(lab.w, die_at, &death);
	lab.rc = 1;
	start(r);
	end = sim_run_until(lab.w, NULL, NULL, HOUR_MS);
	sim_set_crash_hook(lab.w, NULL, NULL);
	if (end != SIM_CRASHED)
		sim_crash(lab.w); /* also what was acknowledged must live through the next one */
	mem_free(r);
	return end == SIM_CRASHED;
}

static void put_old(void)
{
	assert_int_equal(lab_append(0, "old old old"), 0);
}

static void start_replace(struct disk_req *r)
{
	disk_replace(lab.w, r, LAB_FILE, "new new new new", 15, 0, lab_on_disk);
}

static void a_replaced_file_is_old_or_new_whole_and_new_once_acknowledged(void **state)
{
	unsigned olds = 0, news = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(100);
		bool died = crash_in(seed, (unsigned)(seed % 8), seed % 5 ? SIM_POWER : SIM_KILL, put_old, start_replace);

		assert_true(sim_file_get(lab.w, LAB_FILE, &b));
		assert_true(str_eq(buf_str(&b), "old old old") || str_eq(buf_str(&b), "new new new new"));
		if (!died)
			assert_string_equal(buf_str(&b), "new new new new");
		olds += buf_str(&b)[0] == 'o';
		news += buf_str(&b)[0] == 'n';
	}
	assert_true(olds > 20 && news > 20);
}

static void start_append(struct disk_req *r)
{
	disk_append(lab.w, r, LAB_FILE, 7, "journal line\n", 13, lab_on_disk);
}

static void appended_bytes_survive_once_acknowledged_and_may_be_torn_before(void **state)
{
	unsigned torn = 0, zeros = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(100);
		bool died = crash_in(seed, (unsigned)(seed % 7), SIM_POWER, put_old, start_append);

		assert_true(sim_file_get(lab.w, LAB_FILE, &b));
		assert_true(b.len >= 7 && memcmp(b.data, "old old", 7) == 0);
		if (!died)
			assert_string_equal(buf_str(&b), "old oldjournal line\n");
		torn += b.len > 11 && b.len < 20;
		zeros += memchr(buf_str(&b), '\0', b.len) != NULL;
	}
	assert_true(torn > 5 && zeros > 5);
}

static void put_nothing(void)
{
}

static void start_append_new(struct disk_req *r)
{
	disk_append(lab.w, r, LAB_FILE, 0, "whole", 5, lab_on_disk);
}

static void a_new_file_is_there_once_acknowledged_and_maybe_before(void **state)
{
	unsigned gone = 0, there = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(100);
		bool died = crash_in(seed, (unsigned)(seed % 7), SIM_POWER, put_nothing, start_append_new);
		bool is = sim_file_get(lab.w, LAB_FILE, &b);

		if (!died)
			assert_string_equal(buf_str(&b), "whole");
		gone += !is;
		there += is;
	}
	assert_true(gone > 20 && there > 20);
}

static void start_unlink(struct disk_req *r)
{
	disk_unlink(lab.w, r, LAB_FILE, lab_on_disk);
}

static void start_rename(struct disk_req *r)
{
	disk_rename(lab.w, r, LAB_FILE, LAB_FILE "2", lab_on_disk);
}

static void names_change_for_good_once_acknowledged_and_a_rename_loses_nothing(void **state)
{
	unsigned kept = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		bool renames = seed % 2;
		bool died = crash_in(seed, (unsigned)(seed / 2 % 4), SIM_POWER, put_old, renames ? start_rename : start_unlink);

		if (!died)
			assert_false(disk_exists(lab.w, LAB_FILE));
		if (renames)
			assert_true(disk_exists(lab.w, LAB_FILE) != disk_exists(lab.w, LAB_FILE "2"));
		kept += disk_exists(lab.w, LAB_FILE);
	}
	assert_true(kept > 20);
}

static void a_kill_leaves_the_disk_as_the_process_saw_it(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(100);

	(void)state;
	assert_true(crash_in(7, 3, SIM_KILL, put_nothing, start_append_new)); /* before the sync of the data */
	lab_assert_file(LAB_FILE, "whole");
	for (uint64_t seed = 0; seed < 50 && sim_file_get(lab.w, LAB_FILE, &b); seed++) {
		buf_reset(&b);
		crash_in(seed, 3, SIM_KILL, put_nothing, start_append_new);
		sim_crash(lab.w); /* and now the power: it was never synced */
	}
	assert_false(sim_file_get(lab.w, LAB_FILE, &b));
}

static void every_failing_disk_request_is_told_and_keeps_what_was_acknowledged(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(100);

		lab_new(seed);
		put_old();
		sim_fail_nth(lab.w, SIM_DISK, 1, 0);
		assert_true(lab_append(7, "journal line\n") < 0);
		assert_int_equal(sim_counts(lab.w, SIM_DISK), 1);
		assert_true(sim_file_get(lab.w, LAB_FILE, &b));
		assert_true(b.len >= 7 && memcmp(b.data, "old old", 7) == 0);
		assert_int_equal(lab_append(7, "again"), 0);
		sim_crash(lab.w);
		lab_assert_file(LAB_FILE, "old oldagain");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_replaced_file_is_old_or_new_whole_and_new_once_acknowledged),
		LAB_TEST(appended_bytes_survive_once_acknowledged_and_may_be_torn_before),
		LAB_TEST(a_new_file_is_there_once_acknowledged_and_maybe_before),
		LAB_TEST(names_change_for_good_once_acknowledged_and_a_rename_loses_nothing),
		LAB_TEST(a_kill_leaves_the_disk_as_the_process_saw_it),
		LAB_TEST(every_failing_disk_request_is_told_and_keeps_what_was_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
