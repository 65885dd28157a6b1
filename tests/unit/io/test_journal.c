/* test_journal.c - what the record promises: durable when it says so, whole or read-only, on a full disk too. */
#include "tests/unit/io/owner.h"

static void what_was_written_is_there_at_the_next_start(void **state)
{
	struct owner *o = *state;
	struct digest head;

	assert_int_equal(owner_open(o, NULL), 0);
	for (int i = 0; i < 5; i++)
		owner_write_one(o);
	head = journal_head(o->j);
	owner_close(o);
	assert_int_equal(owner_open(o, NULL), 0);
	assert_int_equal(o->count, 5);
	assert_int_equal(journal_seq(o->j), 5);
	assert_true(memcmp(&head, &(struct digest){ 0 }, sizeof(head)) != 0);
	head = journal_head(o->j);
	owner_write_one(o);
	assert_int_equal(journal_seq(o->j), 6);
}

static void appends_that_come_together_travel_together(void **state)
{
	struct owner *o = *state;
	uint64_t before;

	assert_int_equal(owner_open(o, NULL), 0);
	owner_settle(o, 1000);
	before = sim_calls(o->w, SIM_DISK);
	for (size_t i = 0; i < 40; i++)
		owner_count_one(o, &o->many[i]);
	assert_int_equal(sim_run_until(o->w, owner_is_written, &o->many[39], 60000), SIM_TRUE);
	assert_int_equal(sim_calls(o->w, SIM_DISK) - before, 1);
	assert_int_equal(journal_seq(o->j), 40);
}

static void a_torn_last_line_is_cut_and_the_chain_goes_on(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf whole = BUF_MAX(1u << 20);

	assert_int_equal(owner_open(o, NULL), 0);
	owner_write_one(o);
	owner_write_one(o);
	owner_close(o);
	assert_true(sim_file_get(o->w, FIRST, &whole));
	for (size_t cut = 1; cut < 60; cut += 7) {
		sim_file_put(o->w, FIRST, whole.data, whole.len - cut);
		assert_int_equal(owner_open(o, NULL), 0);
		assert_int_equal(o->count, 1);
		owner_write_one(o);
		owner_close(o);
		assert_int_equal(owner_open(o, NULL), 0);
		assert_int_equal(o->count, 2);
		owner_close(o);
	}
}

static void damage_in_the_middle_is_never_skipped(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf whole = BUF_MAX(1u << 20);
	size_t first_line;

	assert_int_equal(owner_open(o, NULL), 0);
	for (int i = 0; i < 3; i++)
		owner_write_one(o);
	owner_close(o);
	assert_true(sim_file_get(o->w, FIRST, &whole));
	first_line = strcspn(whole.data, "\n");
	for (size_t at = 1; at < first_line; at += 13) {
		struct err e = { 0 };

		whole.data[at] ^= 1;
		sim_file_put(o->w, FIRST, whole.data, whole.len);
		assert_int_equal(owner_open(o, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "0000000000000001.jsonl line"));
		whole.data[at] ^= 1;
	}
}

static void write_of_schema(struct owner *o, json_t *schema)
{
	struct journal_append a = { 0 };

	owner_told = o;
	journal_append(o->j, &a, "agent.started", json_pack("{s:o}", "schema", schema), owner_on_durable);
	assert_int_equal(sim_run_until(o->w, owner_is_written, &a, 600000), SIM_TRUE);
}

/* An older program that was put back must not go on from records that it does not understand, nor write behind them. */
static void what_a_newer_version_has_written_is_neither_gone_on_from_nor_touched(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf before = BUF_MAX(1u << 20), after = BUF_MAX(1u << 20);
	struct err e = { 0 };

	assert_int_equal(owner_open(o, NULL), 0);
	write_of_schema(o, json_integer(JOURNAL_SCHEMA));
	owner_close(o);
	assert_int_equal(owner_open(o, NULL), 0); /* its own it reads */
	write_of_schema(o, json_integer(JOURNAL_SCHEMA + 1));
	owner_write_one(o);
	owner_close(o);
	assert_true(sim_file_get(o->w, FIRST, &before));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(owner_open(o, &e), -ERR_UNSUPPORTED);
		assert_non_null(
		    strstr(e.text, "0000000000000001.jsonl line 2: a newer version has written this journal (schema 2)"));
	}
	assert_true(sim_file_get(o->w, FIRST, &after));
	assert_string_equal(buf_str(&before), buf_str(&after));
}

static void a_schema_that_is_no_whole_number_is_a_newer_versions_too(void **state)
{
	struct owner *o = *state;
	struct err e = { 0 };

	assert_int_equal(owner_open(o, NULL), 0);
	write_of_schema(o, json_string("1"));
	owner_close(o);
	assert_int_equal(owner_open(o, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "(schema \"1\")"));
}

static void what_is_cut_is_kept_aside_as_it_was(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf whole = BUF_MAX(1u << 20);
	size_t second;

	assert_int_equal(owner_open(o, NULL), 0);
	owner_write_one(o);
	owner_write_one(o);
	owner_close(o);
	assert_true(sim_file_get(o->w, FIRST, &whole));
	second = strcspn(whole.data, "\n") + 1;
	for (int i = 0; i < 80; i++) { /* every tail has another length; beyond 64 copies the newest replaces one */
		CLEANUP(buf_close) struct buf copy = BUF_MAX(1u << 20);
		size_t len = second + 1 + (size_t)i;
		char path[128];

		sim_file_put(o->w, FIRST, whole.data, len);
		assert_int_equal(owner_open(o, NULL), 0);
		snprintf(path, sizeof(path), DIR "/0000000000000001-%zu.torn", second);
		owner_write_one(o);
		owner_close(o);
		assert_true(sim_file_get(o->w, path, &copy));
		assert_int_equal(copy.len, 1 + i);
		assert_memory_equal(copy.data, whole.data + second, copy.len);
	}
}

/* In the middle of writing, waiting, giving the reserve up, cutting a tail, beginning a segment: the sanitizer sees the rest. */
static void it_closes_at_any_step_and_leaves_nothing_behind(void **state)
{
	static const int codes[] = { 0, ERR_IO, ERR_NOSPACE };

	(void)state;
	for (unsigned n = 0; n < 3 * 80; n++) {
		struct owner o = { .w = sim_new(n), .oldest_open = UINT64_MAX };

		assert_int_equal(owner_open_sized(&o, 700, 2000, NULL), 0);
		sim_fail_nth(o.w, SIM_DISK, codes[n % 3] != 0 ? 2 + n / 30 : 0, codes[n % 3]);
		for (size_t i = 0; i < 12; i++)
			owner_count_one(&o, &o.many[i]);
		for (unsigned i = 0; i < n / 3 && sim_step(o.w); i++)
			;
		owner_close(&o);
		sim_free(o.w);
	}
}

static void it_closes_without_waiting_for_a_try_that_will_not_be_made(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 40; n++) {
		struct owner o = { .w = sim_new(n), .oldest_open = UINT64_MAX };
		uint64_t from_ms;

		assert_int_equal(owner_open(&o, NULL), 0);
		owner_settle(&o, 1000);
		sim_fail_rate(o.w, SIM_DISK, 1000);
		owner_count_one(&o, &o.many[0]);
		owner_settle(&o, 60000); /* the tries are seconds apart by now */
		for (unsigned i = 0; i < n; i++)
			sim_step(o.w);
		from_ms = world_now_ms(o.w);
		owner_close(&o);
		assert_in_range(world_now_ms(o.w) - from_ms, 0, 100);
		sim_free(o.w);
	}
}

static void on_a_full_disk_the_torn_tail_is_cut_without_a_copy(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf whole = BUF_MAX(1u << 20);
	struct journal_append a = { 0 };
	char tail[1000];

	assert_int_equal(owner_open(o, NULL), 0);
	owner_write_one(o);
	owner_write_one(o);
	owner_close(o);
	assert_true(sim_file_get(o->w, FIRST, &whole));
	memset(tail, 'x', sizeof(tail));
	sim_file_append(o->w, FIRST, tail, sizeof(tail));
	sim_file_unlink(o->w, DIR "/reserve");
	sim_disk_space(o->w, whole.len + sizeof(tail) + 100);
	assert_int_equal(owner_open(o, NULL), 0);
	owner_count_one(o, &a);
	owner_settle(o, 60000);
	assert_true(owner_is_written(&a)); /* there is room for it where the torn one was */
}

/* What a crash cannot have left is damage, and is not touched. */
static void a_newest_segment_without_a_good_line_is_damage_unless_it_is_the_beginning_of_one(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf whole = BUF_MAX(1u << 20), after = BUF_MAX(1u << 20);

	assert_int_equal(owner_open(o, NULL), 0);
	owner_write_one(o);
	owner_close(o);
	assert_true(sim_file_get(o->w, FIRST, &whole));
	for (size_t at = 0; at < 75; at += 5) { /* in prev: the name of what is before */
		struct err e = { 0 };

		whole.data[at] ^= 1;
		sim_file_put(o->w, FIRST, whole.data, whole.len);
		assert_int_equal(owner_open(o, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "0000000000000001.jsonl line 1"));
		sim_file_put(o->w, FIRST, whole.data, whole.len - 1); /* without its LF, too */
		assert_int_equal(owner_open(o, NULL), -ERR_CORRUPT);
		assert_true(sim_file_get(o->w, FIRST, &after));
		assert_int_equal(after.len, whole.len - 1);
		buf_reset(&after);
		whole.data[at] ^= 1;
	}
	for (size_t len = 0; len < whole.len; len += 9) {
		sim_file_put(o->w, FIRST, whole.data, len);
		assert_int_equal(owner_open(o, NULL), 0);
		owner_close(o);
	}
}

static void a_newest_segment_whose_name_does_not_fit_is_damage(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf after = BUF_MAX(1u << 20);

	assert_int_equal(owner_open(o, NULL), 0);
	owner_write_one(o);
	owner_close(o);
	sim_file_rename(o->w, FIRST, DIR "/0000000000000009.jsonl");
	assert_int_equal(owner_open(o, NULL), -ERR_CORRUPT);
	assert_true(sim_file_get(o->w, DIR "/0000000000000009.jsonl", &after));
	assert_true(after.len > 100);
	sim_file_put(o->w, FIRST, after.data, after.len);
	assert_int_equal(owner_open(o, NULL), -ERR_CORRUPT); /* a second one with the same content */
	sim_file_put(o->w, DIR "/0000000000000009.jsonl", "", 0);
	assert_int_equal(owner_open(o, NULL), -ERR_CORRUPT);
	sim_file_rename(o->w, DIR "/0000000000000009.jsonl", DIR "/0000000000000002.jsonl");
	assert_int_equal(owner_open(o, NULL), 0);
}

static void a_record_that_is_too_long_is_named_and_holds_nobody_else_up(void **state)
{
	struct owner *o = *state;
	struct journal_append a = { 0 };
	char *text = mem_alloc(JOURNAL_RECORD_MAX + 1);

	assert_int_equal(owner_open(o, NULL), 0);
	memset(text, 'x', JOURNAL_RECORD_MAX);
	owner_told = o;
	journal_append(o->j, &a, "step.outcome", json_pack("{s:s, s:s}", "op", "0190-op", "text", text), owner_on_durable);
	owner_write_one(o);
	assert_true(a.waiting);
	assert_int_equal(o->durable, 1);
	assert_non_null(strstr(journal_trouble(o->j), "step.outcome of 0190-op"));
	journal_forget(o->j, &a);
	assert_false(a.waiting);
	mem_free(text);
}

static void a_disk_that_refuses_is_asked_again_until_it_takes_the_record(void **state)
{
	struct owner *o = *state;
	struct journal_append a = { 0 };

	assert_int_equal(owner_open(o, NULL), 0);
	owner_settle(o, 1000);
	sim_fail_rate(o->w, SIM_DISK, 700);
	owner_count_one(o, &a);
	assert_int_equal(sim_run_until(o->w, owner_is_written, &a, 600000), SIM_TRUE);
	sim_fail_rate(o->w, SIM_DISK, 0);
	owner_settle(o, 120000);
	owner_close(o);
	assert_int_equal(owner_open(o, NULL), 0);
	assert_int_equal(o->count, 1);
}

static void a_full_disk_costs_the_reserve_and_no_record(void **state)
{
	struct owner *o = *state;
	struct journal_append a = { 0 };

	assert_int_equal(owner_open(o, NULL), 0);
	owner_settle(o, 1000);
	sim_fail_nth(o->w, SIM_DISK, 1, ERR_NOSPACE);
	owner_count_one(o, &a);
	assert_int_equal(sim_run_until(o->w, owner_is_written, &a, 60000), SIM_TRUE);
	assert_true(journal_is_tight(o->j));
	owner_settle(o, 120000);
	assert_false(journal_is_tight(o->j));
	assert_null(journal_trouble(o->j));
}

static void a_forgotten_append_does_not_call_back(void **state)
{
	struct owner *o = *state;
	struct journal_append a = { 0 };

	assert_int_equal(owner_open(o, NULL), 0);
	owner_count_one(o, &a);
	journal_forget(o->j, &a);
	assert_false(a.waiting);
	owner_settle(o, 1000);
	assert_int_equal(journal_seq(o->j), 0);
}

static struct {
	struct journal *j;
	struct journal_append a[2];
	unsigned told;
} pair;

static void forgets_the_other(struct journal_append *a)
{
	pair.told++;
	journal_forget(pair.j, &pair.a[a == &pair.a[0]]);
}

/* An owner that ends at its first record takes the other with it, though both landed together. */
static void what_a_callback_forgets_does_not_call_back(void **state)
{
	struct owner *o = *state;

	assert_int_equal(owner_open(o, NULL), 0);
	memset(&pair, 0, sizeof(pair));
	pair.j = o->j;
	for (size_t i = 0; i < 2; i++)
		journal_append(o->j, &pair.a[i], "n", json_object(), forgets_the_other);
	owner_settle(o, 1000);
	assert_int_equal(journal_seq(o->j), 2);
	assert_int_equal(pair.told, 1);
	assert_false(pair.a[1].waiting);
}

/* ---- the property: whatever was told durable is there after any crash, and nothing is there twice ---- */

struct dying {
	uint64_t countdown;
	enum sim_death death;
};

static enum sim_death die(void *ctx, const char *where, const char *what)
{
	struct dying *d = ctx;

	(void)where;
	(void)what;
	return d->countdown-- == 0 ? d->death : SIM_ALIVE;
}

/* What the dead agent held stays reachable, the records that never left included. */
static void bury_waiting(struct owner *o)
{
	struct owner *dead = copy_of(o, sizeof(*o));

	sim_bury(dead);
}

static void run_until_death(struct owner *o, struct dying *d, unsigned *made)
{
	sim_set_crash_hook(o->w, die, d);
	for (size_t i = 0; i < ARRAY_LEN(o->many); i++) {
		o->many[i] = (struct journal_append){ 0 };
		journal_append(o->j, &o->many[i], "count", json_object(), owner_on_durable);
		(*made)++;
		if (sim_run_until(o->w, NULL, NULL, 20 + i % 90) == SIM_CRASHED)
			break;
	}
	sim_set_crash_hook(o->w, NULL, NULL);
}

static void no_crash_loses_what_was_durable_or_doubles_it(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct owner *o = mem_new(struct owner);
		unsigned made = 0;

		o->w = sim_new(seed);
		o->oldest_open = UINT64_MAX;
		owner_told = o;
		for (uint64_t life = 0; life < 6; life++) {
			struct dying d = { .countdown = (seed * 7 + life * 3) % 23, .death = seed % 2 ? SIM_POWER : SIM_KILL };

			assert_int_equal(owner_open_sized(o, 900, 1u << 30, NULL), 0);
			assert_true(o->count >= o->durable && o->count <= made);
			owner_write_one(o); /* what a killed predecessor left unsynced is durable with the first record behind it */
			o->durable = made = (unsigned)o->count;
			run_until_death(o, &d, &made);
			bury_waiting(o);
		}
		sim_crash(o->w);
		assert_int_equal(owner_open_sized(o, 900, 1u << 30, NULL), 0);
		assert_true(o->count >= o->durable);
		owner_close(o);
		sim_free(o->w);
		mem_free(o);
	}
}

/* It never looks like damage: the first lines of a segment come whole or not at all. */
static void power_fails_at(uint64_t seed, uint64_t countdown, uint64_t segment_bytes)
{
	struct owner *o = mem_new(struct owner);
	struct dying d = { .countdown = countdown, .death = SIM_POWER };
	unsigned made = 0;
	struct err e = { 0 };

	o->w = sim_new(seed);
	o->oldest_open = UINT64_MAX;
	owner_told = o;
	assert_int_equal(owner_open_sized(o, segment_bytes, 1u << 30, NULL), 0);
	run_until_death(o, &d, &made);
	bury_waiting(o);
	sim_crash(o->w);
	if (owner_open_sized(o, segment_bytes, 1u << 30, &e) != 0)
		fail_msg("seed %u: %s", (unsigned)seed, err_text(&e));
	assert_true(o->count >= o->durable);
	owner_close(o);
	sim_free(o->w);
	mem_free(o);
}

static void a_power_failure_at_the_first_record_is_a_new_beginning(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 120; seed++)
		power_fails_at(seed, seed % 12, 1u << 20);
}

static void a_power_failure_at_the_first_line_of_a_segment_is_passed_by(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 600; seed++)
		power_fails_at(seed, 12 + seed % 30, 600);
}

static bool is_written_or_lost(void *ctx)
{
	struct owner *o = ctx;

	return o->lost > 0 || !o->many[0].waiting;
}

/* The first record of a life, on a disk that refuses half of what it is asked. True: it is durable, and so is what was read. */
static bool write_first(struct owner *o)
{
	bool lost;

	o->many[0] = (struct journal_append){ 0 };
	o->lost = 0;
	sim_fail_rate(o->w, SIM_DISK, 500);
	journal_append(o->j, &o->many[0], "count", json_object(), owner_on_durable);
	assert_int_equal(sim_run_until(o->w, is_written_or_lost, o, 3600000), SIM_TRUE);
	sim_fail_rate(o->w, SIM_DISK, 0);
	lost = o->lost > 0;
	assert_true(o->lost <= 1);
	if (lost)
		journal_forget(o->j, &o->many[0]);
	return !lost;
}

/* What a killed process had written is read, and its sync fails: the kernel forgets those pages, and the next sync succeeds without
 * them. They are written again, or whoever has read them is told to begin anew; never does a record stand behind a hole. */
static void a_sync_that_fails_at_the_start_leaves_no_hole(void **state)
{
	unsigned lost = 0, kept = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 80; seed++) {
		struct owner *o = mem_new(struct owner);
		unsigned made = 0, tries = 0;

		o->w = sim_new(seed);
		o->oldest_open = UINT64_MAX;
		owner_told = o;
		for (unsigned life = 0; life < 4; life++) {
			struct dying d = { .countdown = (seed * 5 + life * 3) % 17, .death = SIM_KILL };

			assert_int_equal(owner_open_sized(o, 4096, 1u << 30, NULL), 0);
			while (!write_first(o) && tries++ < 50) {
				owner_close(o);
				assert_int_equal(owner_open_sized(o, 4096, 1u << 30, NULL), 0);
				lost++;
			}
			kept++;
			o->durable = made = (unsigned)o->count;
			run_until_death(o, &d, &made);
			bury_waiting(o);
		}
		sim_crash(o->w);
		assert_int_equal(owner_open_sized(o, 4096, 1u << 30, NULL), 0);
		assert_true(o->count >= o->durable);
		owner_close(o);
		sim_free(o->w);
		mem_free(o);
	}
	assert_true(lost > 0 && kept > lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWNER_TEST(what_was_written_is_there_at_the_next_start),
		cmocka_unit_test(a_power_failure_at_the_first_record_is_a_new_beginning),
		cmocka_unit_test(a_power_failure_at_the_first_line_of_a_segment_is_passed_by),
		cmocka_unit_test(a_sync_that_fails_at_the_start_leaves_no_hole),
		OWNER_TEST(appends_that_come_together_travel_together),
		OWNER_TEST(a_torn_last_line_is_cut_and_the_chain_goes_on),
		OWNER_TEST(what_is_cut_is_kept_aside_as_it_was),
		cmocka_unit_test(it_closes_at_any_step_and_leaves_nothing_behind),
		cmocka_unit_test(it_closes_without_waiting_for_a_try_that_will_not_be_made),
		OWNER_TEST(on_a_full_disk_the_torn_tail_is_cut_without_a_copy),
		OWNER_TEST(a_newest_segment_without_a_good_line_is_damage_unless_it_is_the_beginning_of_one),
		OWNER_TEST(a_newest_segment_whose_name_does_not_fit_is_damage),
		OWNER_TEST(damage_in_the_middle_is_never_skipped),
		OWNER_TEST(what_a_newer_version_has_written_is_neither_gone_on_from_nor_touched),
		OWNER_TEST(a_schema_that_is_no_whole_number_is_a_newer_versions_too),
		OWNER_TEST(a_record_that_is_too_long_is_named_and_holds_nobody_else_up),
		OWNER_TEST(a_disk_that_refuses_is_asked_again_until_it_takes_the_record),
		OWNER_TEST(a_full_disk_costs_the_reserve_and_no_record),
		OWNER_TEST(a_forgotten_append_does_not_call_back),
		OWNER_TEST(what_a_callback_forgets_does_not_call_back),
		cmocka_unit_test(no_crash_loses_what_was_durable_or_doubles_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
