/* test_world_sim.c - the simulated world keeps the promises of world.h and none beyond them: above all, what a disk may do
 * to bytes that were not synced. Properties hold for many seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "tests/sim/world_sim.h"

#define SEEDS 1000
#define HOUR_MS 3600000u

static struct world *w; /* for callbacks */
static unsigned fired;
static int last_rc;

static struct sim_http *arrived[16];
static unsigned arrived_n;

static int setup(void **state)
{
	(void)state;
	w = sim_new(1);
	fired = arrived_n = 0;
	last_rc = 1;
	return 0;
}

static void drop(void)
{
	sim_free(w);
	w = NULL;
}

static int teardown(void **state)
{
	(void)state;
	drop();
	return 0;
}

static void on_timer(struct timer *t)
{
	(void)t;
	fired++;
}

static void on_timer_again(struct timer *t)
{
	fired++;
	timer_start(w, t, 24 * HOUR_MS, on_timer_again);
}

static void years_pass_in_a_moment(void **state)
{
	struct timer t = { 0 };
	uint64_t start_ms = world_now_ms(w);
	int64_t wall = world_wall_ms(w);

	(void)state;
	timer_start(w, &t, 24 * HOUR_MS, on_timer_again);
	assert_int_equal(sim_run_until(w, NULL, NULL, 3650ull * 24 * HOUR_MS), SIM_LIMIT);
	assert_int_equal(fired, 3650);
	assert_int_equal(world_now_ms(w) - start_ms, 3650ull * 24 * HOUR_MS);
	assert_int_equal(world_wall_ms(w) - wall, 3650ull * 24 * HOUR_MS);
	timer_stop(w, &t);
	assert_int_equal(sim_run_until(w, NULL, NULL, 1000), SIM_IDLE);
}

static void the_wall_clock_steps_and_timers_do_not_notice(void **state)
{
	struct timer t = { 0 };

	(void)state;
	timer_start(w, &t, 1000, on_timer);
	sim_wall_step(w, -5 * (int64_t)HOUR_MS);
	sim_run_until(w, NULL, NULL, 999);
	assert_int_equal(fired, 0);
	sim_wall_set(w, 42);
	assert_int_equal(world_wall_ms(w), 42);
	sim_run_until(w, NULL, NULL, 1);
	assert_int_equal(fired, 1);
	assert_null(t.cb);
}

static void on_order(struct timer *t)
{
	sim_trace(w, "%s", t->due_ms % 2 ? "odd" : "even");
	fired = fired * 10 + (unsigned)(uintptr_t)t->link.next;
}

static unsigned order_of_ties(uint64_t seed)
{
	struct timer t[3] = { 0 };

	w = sim_new(seed);
	fired = 0;
	for (unsigned i = 0; i < 3; i++) {
		timer_start(w, &t[i], 5, on_order);
		t[i].link.next = (struct list *)(uintptr_t)(i + 1); /* the simulated world keeps its own lists */
	}
	sim_run_until(w, NULL, NULL, 10);
	drop();
	return fired;
}

static void ties_are_broken_by_the_seed(void **state)
{
	bool seen[400] = { false };
	unsigned kinds = 0;

	(void)state;
	drop();
	for (uint64_t seed = 0; seed < 60; seed++) {
		unsigned o = order_of_ties(seed);

		assert_true(o < 400 && o == order_of_ties(seed));
		kinds += !seen[o];
		seen[o] = true;
	}
	assert_int_equal(kinds, 6);
}

/* ---- http ---------------------------------------------------------------------------------------------------------------- */

static void on_request(void *ctx, struct sim_http *x)
{
	(void)ctx;
	arrived[arrived_n++ % ARRAY_LEN(arrived)] = x;
	if (strstr(x->url, "/hang") != NULL)
		return;
	sim_http_answer(x, 201, "X-A: b\n", x->body, x->body_len, 10);
}

static void on_http(struct http_req *r, int rc)
{
	(void)r;
	last_rc = rc;
	fired++;
}

static int run_http(struct http_req *r)
{
	last_rc = 1;
	http_start(w, r, on_http);
	assert_int_equal(last_rc, 1);
	sim_run_until(w, NULL, NULL, HOUR_MS);
	return last_rc;
}

static void http_goes_to_the_handler_and_back(void **state)
{
	struct http_req r = { .method = "POST", .url = "http://h/p", .send = "hello", .send_len = 5, .body.max = 5 };
	struct buf v = BUF_MAX(10);

	(void)state;
	assert_int_equal(run_http(&r), -ERR_NET); /* nobody there */
	sim_http_handle(w, on_request, NULL);
	assert_int_equal(run_http(&r), 0);
	assert_int_equal(r.status, 201);
	assert_string_equal(buf_str(&r.body), "hello");
	assert_true(http_header_get(&r, "x-a", &v));
	r.body.max = 4;
	assert_int_equal(run_http(&r), -ERR_LIMIT);
	assert_non_null(strstr(r.err.text, "POST h: "));
	buf_close(&v);
	http_req_close(&r);
}

static void http_hangs_times_out_and_can_be_cancelled(void **state)
{
	struct http_req r = { .method = "GET", .url = "http://h/hang", .total_ms = 5000, .body.max = 5 };
	uint64_t start_ms = world_now_ms(w);

	(void)state;
	sim_http_handle(w, on_request, NULL);
	last_rc = 1;
	http_start(w, &r, on_http);
	sim_run_until(w, NULL, NULL, 4999);
	assert_int_equal(last_rc, 1);
	assert_false(sim_http_gone(arrived[0]));
	sim_run_until(w, NULL, NULL, 1);
	assert_int_equal(last_rc, -ERR_TIMEOUT);
	assert_int_equal(world_now_ms(w) - start_ms, 5000);
	assert_true(sim_http_gone(arrived[0]));
	sim_http_answer(arrived[0], 200, NULL, "late", 4, 0); /* reaches nobody */
	last_rc = 1;
	http_start(w, &r, on_http);
	http_cancel(w, &r);
	http_cancel(w, &r);
	assert_int_equal(last_rc, 1);
	sim_run_until(w, NULL, NULL, HOUR_MS);
	assert_int_equal(last_rc, -ERR_CANCELED);
	assert_int_equal(fired, 2);
	http_req_close(&r);
}

static void a_failing_request_may_or_may_not_have_arrived(void **state)
{
	unsigned before, unseen = 0, seen = 0;

	(void)state;
	sim_http_handle(w, on_request, NULL);
	for (unsigned i = 0; i < 100; i++) {
		struct http_req r = { .method = "GET", .url = "http://h/", .body.max = 5 };

		before = arrived_n;
		sim_fail_nth(w, SIM_HTTP, 1, 0);
		assert_int_equal(run_http(&r), -ERR_NET);
		seen += arrived_n > before;
		unseen += arrived_n == before;
		http_req_close(&r);
	}
	assert_true(seen > 20 && unseen > 20);
	assert_int_equal(sim_counts(w, SIM_HTTP), 100);
	assert_int_equal(sim_calls(w, SIM_HTTP), 100);
}

/* ---- disk ---------------------------------------------------------------------------------------------------------------- */

#define F "/var/lib/reeve/f"

static void on_disk(struct disk_req *r, int rc)
{
	(void)r;
	last_rc = rc;
}

static int finished(void)
{
	last_rc = 1;
	sim_run_until(w, NULL, NULL, HOUR_MS);
	return last_rc;
}

static int append(uint64_t offset, const char *text)
{
	struct disk_req r = { 0 };

	disk_append(w, &r, F, offset, text, strlen(text), on_disk);
	return finished();
}

static void assert_content(const char *path, const char *text)
{
	struct buf b = BUF_MAX(1 << 20);

	assert_true(sim_file_get(w, path, &b));
	assert_string_equal(buf_str(&b), text);
	buf_close(&b);
}

static void the_disk_does_what_the_real_one_does(void **state)
{
	struct disk_req r = { 0 };
	struct disk_stat st;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(append(1, "x"), -ERR_CORRUPT);
	assert_int_equal(append(0, "one two"), 0);
	assert_int_equal(append(4, "three"), 0);
	assert_content(F, "one three");
	assert_int_equal(append(10, "x"), -ERR_CORRUPT);
	disk_replace(w, &r, "/none/f", "a", 1, 0, on_disk);
	assert_int_equal(finished(), -ERR_NOTFOUND);
	disk_replace(w, &r, F, "new", 3, 0640, on_disk);
	assert_int_equal(finished(), 0);
	assert_content(F, "new");
	assert_int_equal(w->disk_stat(w, F, &st, &e), 0);
	assert_int_equal(st.mode, 0640);
	assert_true(st.is_file && st.ours_to_write && st.size == 3 && st.nlink == 1);
	disk_truncate(w, &r, F, 1, on_disk);
	assert_int_equal(finished(), 0);
	disk_rename(w, &r, F, F "2", on_disk);
	assert_int_equal(finished(), 0);
	assert_content(F "2", "n");
	assert_false(disk_exists(w, F));
	for (unsigned i = 0; i < 2; i++) {
		disk_unlink(w, &r, F "2", on_disk);
		assert_int_equal(finished(), 0);
	}
}

static void a_full_disk_says_so_and_leaves_no_half_new_file(void **state)
{
	struct disk_req r = { 0 };
	char big[4096];

	(void)state;
	memset(big, 'x', sizeof(big));
	sim_disk_space(w, 2048);
	disk_replace(w, &r, F, big, sizeof(big), 0, on_disk);
	assert_int_equal(finished(), -ERR_NOSPACE);
	assert_false(disk_exists(w, F ".tmp"));
	r = (struct disk_req){ .op = DISK_STATVFS, .path = "/var/lib/reeve" };
	w->disk_start(w, &r, on_disk);
	assert_int_equal(finished(), 0);
	assert_int_equal(r.fs.blocks * r.fs.frsize, 2048);
	assert_int_equal(r.fs.bavail * r.fs.frsize, 2048);
}

static void a_folder_is_listed_up_to_the_limit_of_the_names(void **state)
{
	CLEANUP(buf_close) struct buf names = BUF_MAX(4);
	struct disk_req r = { 0 };

	(void)state;
	sim_file_puts(w, "/var/lib/reeve/d/one", "");
	disk_list(w, &r, "/var/lib/reeve/d", &names, on_disk);
	assert_int_equal(finished(), 0);
	assert_string_equal(names.data, "one");
	sim_file_puts(w, "/var/lib/reeve/d/two", "");
	disk_list(w, &r, "/var/lib/reeve/d", &names, on_disk);
	assert_int_equal(finished(), -ERR_LIMIT);
	disk_list(w, &r, "/var/lib/reeve/none", &names, on_disk);
	assert_int_equal(finished(), -ERR_NOTFOUND);
}

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

	w = sim_new(seed);
	prepare();
	crash_at = n;
	sim_set_crash_hook(w, die_at, &death);
	last_rc = 1;
	start(r);
	end = sim_run_until(w, NULL, NULL, HOUR_MS);
	sim_set_crash_hook(w, NULL, NULL);
	if (end != SIM_CRASHED)
		sim_crash(w); /* also what was acknowledged must live through the next one */
	mem_free(r);
	return end == SIM_CRASHED;
}

static void put_old(void)
{
	assert_int_equal(append(0, "old old old"), 0);
}

static void start_replace(struct disk_req *r)
{
	disk_replace(w, r, F, "new new new new", 15, 0, on_disk);
}

static void a_replaced_file_is_old_or_new_whole_and_new_once_acknowledged(void **state)
{
	unsigned olds = 0, news = 0;

	(void)state;
	drop();
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct buf b = BUF_MAX(100);
		bool died = crash_in(seed, (unsigned)(seed % 8), seed % 5 ? SIM_POWER : SIM_KILL, put_old, start_replace);

		assert_true(sim_file_get(w, F, &b));
		assert_true(str_eq(buf_str(&b), "old old old") || str_eq(buf_str(&b), "new new new new"));
		if (!died)
			assert_string_equal(buf_str(&b), "new new new new");
		olds += buf_str(&b)[0] == 'o';
		news += buf_str(&b)[0] == 'n';
		buf_close(&b);
		drop();
	}
	assert_true(olds > 20 && news > 20);
}

static void start_append(struct disk_req *r)
{
	disk_append(w, r, F, 7, "journal line\n", 13, on_disk);
}

static void appended_bytes_survive_once_acknowledged_and_may_be_torn_before(void **state)
{
	unsigned torn = 0, zeros = 0;

	(void)state;
	drop();
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct buf b = BUF_MAX(100);
		bool died = crash_in(seed, (unsigned)(seed % 7), SIM_POWER, put_old, start_append);

		assert_true(sim_file_get(w, F, &b));
		assert_true(b.len >= 7 && memcmp(b.data, "old old", 7) == 0);
		if (!died)
			assert_string_equal(buf_str(&b), "old oldjournal line\n");
		torn += b.len > 11 && b.len < 20;
		zeros += memchr(buf_str(&b), '\0', b.len) != NULL;
		buf_close(&b);
		drop();
	}
	assert_true(torn > 5 && zeros > 5);
}

static void put_nothing(void)
{
}

static void start_append_new(struct disk_req *r)
{
	disk_append(w, r, F, 0, "whole", 5, on_disk);
}

static void a_new_file_is_there_once_acknowledged_and_maybe_before(void **state)
{
	unsigned gone = 0, there = 0;

	(void)state;
	drop();
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct buf b = BUF_MAX(100);
		bool died = crash_in(seed, (unsigned)(seed % 7), SIM_POWER, put_nothing, start_append_new);
		bool is = sim_file_get(w, F, &b);

		if (!died)
			assert_string_equal(buf_str(&b), "whole");
		gone += !is;
		there += is;
		buf_close(&b);
		drop();
	}
	assert_true(gone > 20 && there > 20);
}

static void start_unlink(struct disk_req *r)
{
	disk_unlink(w, r, F, on_disk);
}

static void start_rename(struct disk_req *r)
{
	disk_rename(w, r, F, F "2", on_disk);
}

static void names_change_for_good_once_acknowledged_and_a_rename_loses_nothing(void **state)
{
	unsigned kept = 0;

	(void)state;
	drop();
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		bool renames = seed % 2;
		bool died = crash_in(seed, (unsigned)(seed / 2 % 4), SIM_POWER, put_old, renames ? start_rename : start_unlink);

		if (!died)
			assert_false(disk_exists(w, F));
		if (renames)
			assert_true(disk_exists(w, F) != disk_exists(w, F "2"));
		kept += disk_exists(w, F);
		drop();
	}
	assert_true(kept > 20);
}

static void a_kill_leaves_the_disk_as_the_process_saw_it(void **state)
{
	struct buf b = BUF_MAX(100);

	(void)state;
	drop();
	assert_true(crash_in(7, 3, SIM_KILL, put_nothing, start_append_new)); /* before the sync of the data */
	assert_content(F, "whole");
	for (uint64_t seed = 0; seed < 50 && sim_file_get(w, F, &b); seed++) {
		drop();
		buf_reset(&b);
		crash_in(seed, 3, SIM_KILL, put_nothing, start_append_new);
		sim_crash(w); /* and now the power: it was never synced */
	}
	assert_false(sim_file_get(w, F, &b));
	buf_close(&b);
}

static void every_failing_disk_request_is_told_and_keeps_what_was_acknowledged(void **state)
{
	(void)state;
	drop();
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct buf b = BUF_MAX(100);

		w = sim_new(seed);
		put_old();
		sim_fail_nth(w, SIM_DISK, 1, 0);
		assert_true(append(7, "journal line\n") < 0);
		assert_int_equal(sim_counts(w, SIM_DISK), 1);
		assert_true(sim_file_get(w, F, &b));
		assert_true(b.len >= 7 && memcmp(b.data, "old old", 7) == 0);
		assert_int_equal(append(7, "again"), 0);
		sim_crash(w);
		assert_content(F, "old oldagain");
		buf_close(&b);
		drop();
	}
}

static int add_name(void *ctx, const char *name)
{
	return buf_addf(ctx, "%s ", name);
}

static void other_processes_write_rename_and_link(void **state)
{
	struct buf b = BUF_MAX(100);
	struct disk_file *f = NULL;
	struct disk_stat st, st2;
	struct err e = { 0 };
	char to[8] = "";

	(void)state;
	sim_file_puts(w, "/var/log/a.log", "one\n");
	sim_file_append(w, "/var/log/a.log", "two\n", 4);
	assert_int_equal(w->file_open(w, "/var/log/a.log", &f, &e), 0);
	sim_file_rename(w, "/var/log/a.log", "/var/log/a.log.1");
	sim_file_puts(w, "/var/log/a.log", "three\n");
	assert_int_equal(w->file_read(w, f, 4, to, sizeof(to), &e), 4);
	assert_string_equal(to, "two\n");
	assert_int_equal(w->file_stat(w, f, &st, &e), 0);
	assert_int_equal(w->disk_stat(w, "/var/log/a.log", &st2, &e), 0);
	assert_true(st.ino != st2.ino && st.nlink == 1);
	sim_file_unlink(w, "/var/log/a.log.1");
	assert_int_equal(w->file_stat(w, f, &st, &e), 0);
	assert_int_equal(st.nlink, 0);
	assert_int_equal(w->file_path(w, f, &b, &e), -ERR_NOTFOUND);
	w->file_close(w, f);
	sim_file_link(w, "/var/log/link", "/var/log/a.log");
	assert_int_equal(w->file_open(w, "/var/log/link", &f, &e), 0);
	assert_int_equal(w->file_path(w, f, &b, &e), 0);
	assert_string_equal(buf_str(&b), "/var/log/a.log");
	buf_reset(&b);
	w->file_close(w, f);
	assert_int_equal(w->disk_realpath(w, "/var/log/link", &b, &e), 0);
	assert_string_equal(buf_str(&b), "/var/log/a.log");
	buf_reset(&b);
	assert_int_equal(w->disk_list(w, "/var/log", add_name, &b, &e), 0);
	assert_int_equal(b.len, strlen("a.log link "));
	buf_reset(&b);
	assert_int_equal(w->disk_read(w, "/var/log/link", &b, &e), 0);
	assert_string_equal(buf_str(&b), "three\n");
	sim_file_truncate(w, "/var/log/a.log", 2);
	assert_content("/var/log/a.log", "th");
	sim_file_puts(w, "/etc/reeve/policy.yaml", "x");
	assert_int_equal(w->disk_stat(w, "/etc/reeve/policy.yaml", &st, &e), 0);
	assert_false(st.ours_to_write);
	sim_file_ours(w, "/etc/reeve", true);
	assert_int_equal(w->disk_stat(w, "/etc/reeve/policy.yaml", &st, &e), 0);
	assert_true(st.ours_to_write);
	buf_close(&b);
}

static void a_lock_ends_with_the_process(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(w->disk_lock(w, "/run/reeve/lock", &e), 0);
	assert_int_equal(w->disk_lock(w, "/run/reeve/lock", &e), -ERR_EXISTS);
	sim_kill(w);
	assert_int_equal(w->disk_lock(w, "/run/reeve/lock", &e), 0);
}

/* ---- sockets, watches, death ------------------------------------------------------------------------------------------------ */

static struct conn served;

static void on_served_closed(struct conn *c)
{
	(void)c;
	fired += 100;
}

static void on_served_wrote(struct conn *c, int rc)
{
	last_rc = rc;
	w->conn_close(w, c, on_served_closed);
}

static void on_served_read(struct conn *c, const char *data, size_t len)
{
	if (data == NULL)
		w->conn_close(w, c, on_served_closed);
	else if (memchr(data, '!', len) != NULL)
		w->conn_write(w, c, "bye", 3, on_served_wrote);
	fired++;
}

static struct conn *on_conn(struct listener *l)
{
	(void)l;
	served = (struct conn){ .on_read = on_served_read };
	return &served;
}

static void sockets_carry_bytes_both_ways_in_order(void **state)
{
	struct listener l = { .on_conn = on_conn, .path = "/run/reeve/reeve.sock" };
	struct sim_conn *sc;
	struct err e = { 0 };

	(void)state;
	assert_null(sim_connect(w, l.path, 0, 0, false));
	assert_int_equal(w->serve(w, &l, 0660, &e), 0);
	sc = sim_connect(w, l.path, 7, 8, true);
	sim_send(sc, "hi", 2);
	sim_send(sc, "you!", 4);
	sim_run_until(w, NULL, NULL, 100);
	assert_true(served.peer_uid == 7 && served.peer_gid == 8 && served.peer_in_group);
	assert_string_equal(buf_str(sim_received(sc)), "bye");
	assert_true(sim_closed(sc));
	assert_int_equal(fired, 102);
	sim_hangup(sc);
	sc = sim_connect(w, l.path, 7, 8, true);
	sim_hangup(sc);
	sim_run_until(w, NULL, NULL, 100);
	assert_int_equal(fired, 203);
	w->unserve(w, &l);
	w->unserve(w, &l);
}

static void on_watch(struct watch *wt)
{
	(void)wt;
	fired++;
}

static void on_sig(struct sig *sg)
{
	(void)sg;
	fired++;
}

static void watches_and_signals_come_as_events(void **state)
{
	struct watch wt = { .dir = "/var/log" };
	struct sig sg = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(w->watch_start(w, &wt, on_watch, &e), -ERR_NOTFOUND);
	sim_dir_make(w, "/var/log");
	assert_int_equal(w->watch_start(w, &wt, on_watch, &e), 0);
	sim_file_puts(w, "/var/log/x", "a");
	sim_file_puts(w, "/var/elsewhere", "a");
	assert_int_equal(fired, 0);
	sim_run_until(w, NULL, NULL, 10);
	assert_int_equal(fired, 1);
	sim_file_append(w, "/var/log/x", "b", 1);
	sim_run_until(w, NULL, NULL, 10);
	assert_int_equal(fired, 2);
	w->watch_stop(w, &wt);
	assert_int_equal(w->sig_start(w, &sg, 15, on_sig, &e), 0);
	sim_signal(w, 15);
	sim_signal(w, 1);
	sim_run_until(w, NULL, NULL, 10);
	assert_int_equal(fired, 3);
	w->sig_stop(w, &sg);
}

static void on_never(struct timer *t)
{
	(void)t;
	fail_msg("a dead agent was called");
}

static void a_crash_takes_everything_of_the_agent_and_nothing_of_the_world(void **state)
{
	static struct timer t;
	static struct http_req r = { .method = "GET", .url = "http://h/", .body.max = 10 };
	static struct disk_req d;
	static struct watch wt = { .dir = "/run/reeve" };
	static struct listener l = { .on_conn = on_conn, .path = "/run/reeve/reeve.sock" };
	struct disk_file *f;
	struct err e = { 0 };
	unsigned before = arrived_n;

	(void)state;
	sim_http_handle(w, on_request, NULL);
	timer_start(w, &t, 10, on_never);
	http_start(w, &r, on_http);
	disk_append(w, &d, F, 0, "x", 1, on_disk);
	sim_file_puts(w, "/etc/f", "x");
	assert_int_equal(w->file_open(w, "/etc/f", &f, &e), 0);
	assert_int_equal(w->watch_start(w, &wt, on_watch, &e), 0);
	assert_int_equal(w->serve(w, &l, 0660, &e), 0);
	sim_crash(w);
	assert_int_equal(sim_disk_open(w), 0);
	assert_int_equal(sim_run_until(w, NULL, NULL, HOUR_MS), SIM_IDLE);
	assert_int_equal(fired, 0);
	assert_int_equal(last_rc, 1);
	assert_int_equal(arrived_n, before + 1); /* what was on its way arrived */
	timer_start(w, &(struct timer){ 0 }, 10, on_timer);
	assert_int_equal(sim_run_until(w, NULL, NULL, HOUR_MS), SIM_IDLE);
	assert_int_equal(fired, 1);
}

/* ---- the same again ---------------------------------------------------------------------------------------------------------- */

static void busy_run(uint64_t seed, char digest[65])
{
	struct disk_req d[4] = { 0 };
	struct http_req r[4] = { 0 };
	uint64_t random;

	w = sim_new(seed);
	sim_http_handle(w, on_request, NULL);
	sim_fail_rate(w, SIM_DISK, 200);
	sim_fail_rate(w, SIM_HTTP, 200);
	for (unsigned i = 0; i < 4; i++) {
		disk_append(w, &d[i], i % 2 ? F : F "2", 0, "hello", 5, on_disk);
		r[i] = (struct http_req){ .method = "GET", .url = "http://h/", .body.max = 5 };
		http_start(w, &r[i], on_http);
	}
	random = world_random64(w);
	sim_trace(w, "%llx", (unsigned long long)random);
	sim_run_until(w, NULL, NULL, HOUR_MS);
	strcpy(digest, sim_digest_hex(w));
	for (unsigned i = 0; i < 4; i++)
		http_req_close(&r[i]);
	drop();
}

static void the_same_seed_is_the_same_run_and_another_is_not(void **state)
{
	char a[65], b[65], last[65] = "";

	(void)state;
	drop();
	for (uint64_t seed = 0; seed < 20; seed++) {
		busy_run(seed, a);
		busy_run(seed, b);
		assert_string_equal(a, b);
		assert_string_not_equal(a, last);
		strcpy(last, a);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(years_pass_in_a_moment),
		T(the_wall_clock_steps_and_timers_do_not_notice),
		T(ties_are_broken_by_the_seed),
		T(http_goes_to_the_handler_and_back),
		T(http_hangs_times_out_and_can_be_cancelled),
		T(a_failing_request_may_or_may_not_have_arrived),
		T(the_disk_does_what_the_real_one_does),
		T(a_full_disk_says_so_and_leaves_no_half_new_file),
		T(a_folder_is_listed_up_to_the_limit_of_the_names),
		T(a_replaced_file_is_old_or_new_whole_and_new_once_acknowledged),
		T(appended_bytes_survive_once_acknowledged_and_may_be_torn_before),
		T(a_new_file_is_there_once_acknowledged_and_maybe_before),
		T(names_change_for_good_once_acknowledged_and_a_rename_loses_nothing),
		T(a_kill_leaves_the_disk_as_the_process_saw_it),
		T(every_failing_disk_request_is_told_and_keeps_what_was_acknowledged),
		T(other_processes_write_rename_and_link),
		T(a_lock_ends_with_the_process),
		T(sockets_carry_bytes_both_ways_in_order),
		T(watches_and_signals_come_as_events),
		T(a_crash_takes_everything_of_the_agent_and_nothing_of_the_world),
		T(the_same_seed_is_the_same_run_and_another_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
