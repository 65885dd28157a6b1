/* test_spool_each.c - every file and every record of the spool is damaged in turn, in every way: the rest is sent, the loss is
 * counted, and a person is told the name of the file. */
#include "tests/unit/shippers/dock.h"

#define BODIES 5
#define RECORDS 3 /* in each body */

static void text_of(unsigned body, unsigned record, char text[32])
{
	snprintf(text, 32, "<body %u record %u>", body, record);
}

/* How often it arrived. */
static unsigned times(unsigned body, unsigned record)
{
	const char *at = dock.bodies.data, *end = at + dock.bodies.len;
	char text[32];
	unsigned n = 0;

	text_of(body, record, text);
	for (; at != NULL && (at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL; at++)
		n++;
	return n;
}

static void fill(enum pack_format format)
{
	char text[32];

	dock.format = format;
	dock.logged_in = false;
	dock_open();
	for (unsigned body = 0; body < BODIES; body++) {
		for (unsigned record = 0; record < RECORDS; record++) {
			text_of(body, record, text);
			assert_true(dock_put(text));
		}
		dock_pass(5000);
	}
}

/* ---- bodies ---- */

struct found {
	unsigned at, n; /* the n-th body by name is at */
	char name[BODIES][64];
};

static int find(void *ctx, const char *name)
{
	struct found *f = ctx;

	if (!str_ends(name, ".pb.gz") && !str_ends(name, ".pb.zst"))
		return 0;
	assert_true(f->n < BODIES);
	snprintf(f->name[name[15] - '1'], sizeof(f->name[0]), "%s", name); /* its sequence: one digit */
	f->n++;
	return 0;
}

enum damage { FLIPPED_FIRST, FLIPPED_MIDDLE, FLIPPED_LAST, CUT, EMPTY, LONGER, ANOTHER, GONE, DAMAGES };

static void damage(const char *path, const char *other, enum damage how)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	size_t at[] = { [FLIPPED_FIRST] = 0, [FLIPPED_MIDDLE] = 0, [FLIPPED_LAST] = 0 };

	assert_true(sim_file_get(dock.w, how == ANOTHER ? other : path, &b));
	at[FLIPPED_MIDDLE] = b.len / 2;
	at[FLIPPED_LAST] = b.len - 1;
	if (how <= FLIPPED_LAST)
		b.data[at[how]] = (char)(b.data[at[how]] ^ 1);
	if (how == CUT)
		b.len--;
	if (how == EMPTY)
		b.len = 0;
	if (how == LONGER)
		buf_addc(&b, 0);
	if (how == GONE)
		sim_file_unlink(dock.w, path);
	else
		sim_file_put(dock.w, path, b.data, b.len);
}

static void send_the_rest(unsigned but, bool is_told)
{
	dock.logged_in = true;
	dock_pass(120000);
	for (unsigned body = 0; body < BODIES; body++)
		for (unsigned record = 0; record < RECORDS; record++)
			assert_int_equal(times(body, record), body == but ? 0 : 1);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].sent_records[TELEMETRY_LOG], (BODIES - 1) * RECORDS);
	if (is_told)
		assert_int_equal(shipper_stats(dock.ship).spool.damaged_records[TELEMETRY_LOG], RECORDS);
}

static void each_body(enum pack_format format, bool restarts)
{
	for (unsigned i = 0; i < BODIES * DAMAGES; i++) {
		unsigned body = i / DAMAGES;
		enum damage how = (enum damage)(i % DAMAGES);
		/* A start takes a body that is gone for one that was sent: the unlink is what says so. */
		bool is_told = how != GONE || !restarts;
		char path[256], other[256];
		struct found f = { 0 };

		dock_end(NULL);
		dock_start(NULL);
		fill(format);
		if (restarts)
			dock_close();
		assert_int_equal(dock.w->disk_list(dock.w, DOCK_DIR, find, &f, NULL), 0);
		assert_int_equal(f.n, BODIES);
		snprintf(path, sizeof(path), DOCK_DIR "/%s", f.name[body]);
		snprintf(other, sizeof(other), DOCK_DIR "/%s", f.name[(body + 1) % BODIES]);
		damage(path, other, how);
		if (restarts)
			dock_open();
		send_the_rest(body, is_told);
		dock_expect_files(0, 0, is_told && how != GONE);
		if (is_told)
			assert_non_null(strstr(shipper_trouble(dock.ship), f.name[body]));
	}
}

static void each_body_that_is_damaged_while_it_waits(void **state)
{
	(void)state;
	each_body(PACK_GZIP, false);
}

static void each_body_that_is_damaged_while_the_agent_is_down(void **state)
{
	(void)state;
	each_body(PACK_GZIP, true);
}

static void each_body_of_zstd_likewise(void **state)
{
	(void)state;
	each_body(PACK_ZSTD, false);
	each_body(PACK_ZSTD, true);
}

/* ---- the log of commit records ---- */

/* Up to and with the n-th LF. */
static size_t line_end(const struct buf *b, unsigned n)
{
	const char *at = b->data;

	for (; n > 0; n--)
		at = (const char *)memchr(at, '\n', b->len - (size_t)(at - b->data)) + 1;
	return (size_t)(at - b->data);
}

enum hurt { BIT, BLANKED, NO_LF, HURTS };

static void each_commit_record_that_is_damaged(void **state)
{
	(void)state;
	for (unsigned i = 0; i < (BODIES - 1) * HURTS; i++) {
		unsigned line = i / HURTS;
		CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
		size_t from, to;
		/* What stands behind the last whole record was never committed: those lines are read again. */
		unsigned known = i % HURTS == NO_LF && line == BODIES - 2 ? line : BODIES;

		dock_end(NULL);
		dock_start(NULL);
		fill(PACK_GZIP);
		dock_close();
		assert_true(sim_file_get(dock.w, DOCK_DIR "/commits", &b));
		from = line_end(&b, line);
		to = line_end(&b, line + 1);
		if (i % HURTS == BIT)
			b.data[(from + to) / 2] = (char)(b.data[(from + to) / 2] ^ 1);
		else if (i % HURTS == BLANKED)
			memset(b.data + from, 0, to - from - 1);
		else
			b.data[to - 1] = ' '; /* it and the next are one line, that none of both is */
		sim_file_put(dock.w, DOCK_DIR "/commits", b.data, b.len);
		dock.logged_in = true;
		dock_open();
		assert_int_equal(shipper_stats(dock.ship).spool.corrupt, 1);
		dock_pass(120000);
		for (unsigned body = 0; body < BODIES; body++)
			assert_int_equal(times(body, 0), body < known ? 1 : 0);
		assert_int_equal(shipper_stats(dock.ship).spool.uncommitted[TELEMETRY_LOG], BODIES - known);
		dock_expect_files(0, 0, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(each_body_that_is_damaged_while_it_waits),
		DOCK_TEST(each_body_that_is_damaged_while_the_agent_is_down),
		DOCK_TEST(each_body_of_zstd_likewise),
		DOCK_TEST(each_commit_record_that_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
