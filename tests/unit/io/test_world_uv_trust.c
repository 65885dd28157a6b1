/* test_world_uv_trust.c - files of certificates, read by a thread: when a file is read again, what is said of a bad one, and that
 * the loop goes on meanwhile. The disk is the test's own: it counts, and holds a reader for as long as the test wants. Who counts
 * as trusted on a real connection is tests/e2e/tls. */
#include "tests/unit/io/server.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "agent/base/str.h"
#include "agent/io/world_uv_impl.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t light;
	int (*read)(struct world *w, const char *path, struct buf *b, struct err *e);
	bool is_dark;
	unsigned reads, waiting, clocks; /* clocks: how often the time was asked for */
	pthread_t loop;
	bool held_the_loop; /* was asked by the loop's own thread */
	int64_t later_ms;   /* how far the test's clock is ahead */
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .light = PTHREAD_COND_INITIALIZER };

/* What was read is from before the dark, as it is with a slow disk. */
static int slow_read(struct world *w, const char *path, struct buf *b, struct err *e)
{
	int rc = disk.read(w, path, b, e);

	pthread_mutex_lock(&disk.lock);
	disk.reads++;
	disk.waiting++;
	disk.held_the_loop |= pthread_equal(pthread_self(), disk.loop);
	while (disk.is_dark)
		pthread_cond_wait(&disk.light, &disk.lock);
	disk.waiting--;
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

static void set_dark(bool is_dark)
{
	pthread_mutex_lock(&disk.lock);
	disk.is_dark = is_dark;
	pthread_cond_broadcast(&disk.light);
	pthread_mutex_unlock(&disk.lock);
}

static unsigned count(const unsigned *of)
{
	unsigned n;

	pthread_mutex_lock(&disk.lock);
	n = *of;
	pthread_mutex_unlock(&disk.lock);
	return n;
}

static int64_t later(struct world *w)
{
	(void)w;
	pthread_mutex_lock(&disk.lock);
	disk.clocks++;
	pthread_mutex_unlock(&disk.lock);
	return (int64_t)time(NULL) * 1000 + disk.later_ms;
}

static int trust_start(void **state)
{
	struct server *s;

	server_start(state);
	s = *state;
	disk.read = s->b.w->disk_read;
	disk.reads = 0;
	disk.loop = pthread_self();
	disk.later_ms = 0;
	s->b.w->disk_read = slow_read;
	s->b.w->wall_ms = later;
	return 0;
}

static int trust_end(void **state)
{
	set_dark(false);
	assert_false(disk.held_the_loop);
	return server_end(state);
}

#define TRUST_TEST(f) cmocka_unit_test_setup_teardown(f, trust_start, trust_end)

/* ---- certificates ---------------------------------------------------------------------------------------------------- */

/* One that signed itself, as PEM; each has a key of its own. */
static const char *certificate(void)
{
	static char pems[4][2048];
	static unsigned i;
	char *to = pems[i++ % 4];
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *x = X509_new();
	BIO *out = BIO_new(BIO_s_mem());
	int n;

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, NULL) > 0);
	assert_int_equal(PEM_write_bio_X509(out, x), 1);
	n = BIO_read(out, to, sizeof(pems[0]) - 1);
	assert_true(n > 0);
	to[n] = '\0';
	BIO_free(out);
	X509_free(x);
	EVP_PKEY_free(key);
	return to;
}

static void on_known(struct trust_ask *a, int rc)
{
	(void)a;
	bench_stop(rc);
}

static int ask(struct server *s, struct trust_ask *a, const char *path)
{
	*a = (struct trust_ask){ .ca_file = path };
	assert_int_equal(world_uv_trust_ask(world_uv_of(s->b.w), a, on_known), 0);
	return bench_run(&s->b);
}

/* The generation; 0: the file cannot be used. */
static unsigned generation(struct server *s, const char *path)
{
	struct trust_ask a;
	unsigned n = ask(s, &a, path) == 0 ? a.generation : 0;

	world_uv_trust_drop(&a);
	return n;
}

static const char *put(struct server *s, const char *text)
{
	const char *path = bench_path(&s->b, "ca.pem");

	bench_put(path, text);
	return path;
}

/* ---- when it is read ------------------------------------------------------------------------------------------------- */

static void a_file_that_is_not_young_is_read_once(void **state)
{
	struct server *s = *state;
	const char *path = put(s, certificate());
	unsigned first;

	disk.later_ms = 10000;
	first = generation(s, path);
	assert_true(first > 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(generation(s, path), first);
	assert_int_equal(disk.reads, 1);
}

/* Its time stamps may not tell the next change from the last. */
static void a_young_file_is_read_at_each_question(void **state)
{
	struct server *s = *state;
	const char *path = put(s, certificate());
	unsigned first = generation(s, path);

	assert_int_equal(generation(s, path), first);
	assert_int_equal(disk.reads, 2);
	disk.later_ms = -3600 * 1000; /* a clock that is behind the file's */
	assert_int_equal(generation(s, path), first);
	assert_int_equal(disk.reads, 3);
	disk.later_ms = 10000;
	assert_int_equal(generation(s, path), first);
	assert_int_equal(generation(s, path), first);
	assert_int_equal(disk.reads, 4);
}

static void other_bytes_are_another_generation_and_the_same_are_not(void **state)
{
	struct server *s = *state;
	const char *one = certificate();
	const char *path = put(s, one);
	unsigned first;

	disk.later_ms = 10000;
	first = generation(s, path);
	put(s, certificate());
	assert_true(generation(s, path) > first);
	put(s, one);
	assert_true(generation(s, path) > first + 1); /* it was away meanwhile */
	first = generation(s, path);
	put(s, one);
	assert_int_equal(generation(s, path), first);
}

static void each_file_has_a_store_of_its_own(void **state)
{
	struct server *s = *state;
	struct trust_ask a, b;

	bench_put(bench_path(&s->b, "other.pem"), certificate());
	assert_int_equal(ask(s, &a, put(s, certificate())), 0);
	assert_int_equal(ask(s, &b, bench_path(&s->b, "other.pem")), 0);
	assert_int_not_equal(a.generation, b.generation);
	assert_ptr_not_equal(a.store, b.store);
	world_uv_trust_drop(&a);
	world_uv_trust_drop(&b);
}

static unsigned ended, told[2];

static void on_late(struct trust_ask *a, int rc)
{
	assert_int_equal(rc, 0);
	told[ended++] = a->generation;
	if (ended == 2)
		bench_stop(0);
}

static void on_beat(struct timer *t)
{
	(void)t;
	bench_stop(0);
}

/* Turns of the loop, until so many readers wait in the dark. */
static void run_until_waiting(struct server *s, unsigned n)
{
	while (count(&disk.waiting) != n) {
		struct timer beat = { 0 };

		timer_start(s->b.w, &beat, 1, on_beat);
		assert_int_equal(bench_run(&s->b), 0);
	}
}

/* The thread has read the file already when it changes, and the second asker knows of the change. */
static void who_asks_while_the_file_is_read_gets_what_it_holds_then(void **state)
{
	struct server *s = *state;
	struct trust_ask early = { .ca_file = put(s, certificate()) }, late = early;

	disk.later_ms = 10000;
	ended = 0;
	set_dark(true);
	assert_int_equal(world_uv_trust_ask(world_uv_of(s->b.w), &early, on_late), 0);
	run_until_waiting(s, 1);
	put(s, certificate());
	assert_int_equal(world_uv_trust_ask(world_uv_of(s->b.w), &late, on_late), 0);
	set_dark(false);
	assert_int_equal(bench_run(&s->b), 0);
	assert_true(told[0] < told[1]);
	assert_int_equal(disk.reads, 2);
	assert_int_equal(generation(s, late.ca_file), told[1]);
	world_uv_trust_drop(&early);
	world_uv_trust_drop(&late);
}

/* ---- bad files ------------------------------------------------------------------------------------------------------- */

static void a_file_that_cannot_be_used_is_named_with_what_is_wrong(void **state)
{
	static const struct {
		const char *before, *behind, *says;
	} cases[] = {
		{ "", "", "is empty, expected certificates in PEM" },
		{ "no certificate", "", "holds no certificate, expected certificates in PEM" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "", "certificate number 1 is damaged" },
		{ NULL, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate number 2 is damaged" },
		{ NULL, "-----BEGIN CERTIFICATE-----\nMIIB", "certificate number 2 is damaged" },
		{ "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00000000000000000000000000000000\n\n"
		  "AAAAAAAAAAAAAAAAAAAAAA==\n-----END CERTIFICATE-----\n",
		  "", "certificate number 1 is damaged" },
	};
	struct server *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *before = cases[i].before != NULL ? cases[i].before : certificate();
		CLEANUP(mem_close) char *text = mem_printf("%s%s", before, cases[i].behind);
		const char *path = put(s, text);
		struct trust_ask a;

		assert_int_equal(ask(s, &a, path), -ERR_INVALID);
		assert_true(str_starts(a.err.text, path));
		assert_non_null(strstr(a.err.text, cases[i].says));
		assert_null(a.store);
	}
}

static void a_file_that_was_bad_counts_again_once_it_is_good(void **state)
{
	struct server *s = *state;
	const char *one = certificate(), *path = put(s, one);
	unsigned first;

	disk.later_ms = 10000;
	first = generation(s, path);
	unlink(path);
	assert_int_equal(generation(s, path), 0);
	put(s, "half");
	assert_int_equal(generation(s, path), 0);
	put(s, one);
	assert_int_equal(generation(s, path), first);
}

static void what_else_stands_in_the_file_is_passed_by(void **state)
{
	struct server *s = *state;
	CLEANUP(mem_close)
	char *text = mem_printf("# of the authority\n%s\n-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n%s# end\n",
				certificate(), certificate());

	assert_true(generation(s, put(s, text)) > 0);
}

/* ---- requests -------------------------------------------------------------------------------------------------------- */

static struct http_req https(struct server *s, const char *ca_file)
{
	static char url[64];

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", s->port);
	return (struct http_req){ .method = "GET", .url = url, .ca_file = ca_file, .body.max = 65536 };
}

static void on_refused(struct http_req *r, int rc)
{
	(void)r;
	assert_int_equal(rc, -ERR_TIMEOUT);
	bench_stop(rc);
}

/* A plain request needs no certificates, and the loop has time for it. */
static void a_disk_that_hangs_ends_a_request_in_time_and_holds_up_no_other(void **state)
{
	struct server *s = *state;
	struct http_req held = https(s, put(s, certificate())),
			plain = { .method = "GET", .url = server_url(s, "/"), .body.max = 100 };

	held.connect_ms = 300;
	set_dark(true);
	http_start(s->b.w, &held, on_refused);
	assert_int_equal(bench_http(&s->b, &plain), 0);
	assert_int_equal(bench_run(&s->b), -ERR_TIMEOUT);
	assert_non_null(strstr(held.err.text, "the file of certificates: no answer from the disk in 300 ms"));
	http_req_close(&held);
	http_req_close(&plain);
}

static void a_request_that_waits_for_certificates_can_be_cancelled(void **state)
{
	struct server *s = *state;
	struct http_req r = https(s, put(s, certificate()));

	set_dark(true);
	http_start(s->b.w, &r, bench_on_http);
	http_cancel(s->b.w, &r);
	assert_int_equal(bench_run(&s->b), -ERR_CANCELED);
	http_req_close(&r);
}

static void the_world_ends_also_while_a_file_is_read(void **state)
{
	struct server *s = *state;
	struct http_req r = https(s, put(s, certificate()));
	struct world *w = s->b.w;
	unsigned clocks;

	set_dark(true);
	http_start(w, &r, bench_on_http);
	run_until_waiting(s, 1);
	s->b.w = NULL;
	assert_false(world_uv_free(w)); /* the thread is still at it, and nobody waits for it */
	assert_int_equal(s->b.calls, 0);
	clocks = count(&disk.clocks);
	set_dark(false);
	while (count(&disk.clocks) == clocks) /* it goes on behind the read */
		usleep(1000);
	http_req_close(&r);
}

/* A good end waits for a thread that is nearly through, and nothing is left behind. */
static void the_world_ends_in_order_when_the_thread_is_quick(void **state)
{
	struct server *s = *state;
	struct http_req r = https(s, put(s, certificate()));
	struct world *w = s->b.w;

	http_start(w, &r, bench_on_http);
	s->b.w = NULL;
	assert_true(world_uv_free(w));
	http_req_close(&r);
}

/* Whatever is wrong with a file may be right at the next request: it is a failure of TLS, not of what was asked. */
static void a_file_that_cannot_be_used_is_a_failure_of_the_connection(void **state)
{
	struct server *s = *state;
	CLEANUP(mem_close) char *large = mem_alloc((1u << 20) + 2);
	const char *texts[] = { "", "nonsense", large };

	memset(large, '#', (1u << 20) + 1);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct http_req r = https(s, put(s, texts[i]));

		assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
		assert_non_null(strstr(r.err.text, "ca.pem"));
		http_req_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRUST_TEST(a_file_that_is_not_young_is_read_once),
		TRUST_TEST(a_young_file_is_read_at_each_question),
		TRUST_TEST(other_bytes_are_another_generation_and_the_same_are_not),
		TRUST_TEST(each_file_has_a_store_of_its_own),
		TRUST_TEST(who_asks_while_the_file_is_read_gets_what_it_holds_then),
		TRUST_TEST(a_file_that_cannot_be_used_is_named_with_what_is_wrong),
		TRUST_TEST(a_file_that_was_bad_counts_again_once_it_is_good),
		TRUST_TEST(what_else_stands_in_the_file_is_passed_by),
		TRUST_TEST(a_disk_that_hangs_ends_a_request_in_time_and_holds_up_no_other),
		TRUST_TEST(a_request_that_waits_for_certificates_can_be_cancelled),
		TRUST_TEST(the_world_ends_also_while_a_file_is_read),
		TRUST_TEST(the_world_ends_in_order_when_the_thread_is_quick),
		TRUST_TEST(a_file_that_cannot_be_used_is_a_failure_of_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
