/* world_uv_trust.c - whose certificates count: those of a file, read and parsed by a thread, once for all connections.
 *
 * curl would parse the file on the loop, for each new connection: 15 ms for the bundle of a system. Here a file is one store of
 * OpenSSL's, shared by all that is judged by it.
 *
 * Happy path: asked -> read -> known. At each question the file is looked at with stat(2); while it is the one that was read, the
 * store is handed out at once, else a thread reads it again and who asks waits. Other bytes are another store of another
 * generation, by which http keeps connections apart. A time stamp tells little of the moments in which the file was just
 * written, so a young file is read again at each question, and parsed only when its bytes differ.
 *
 * A file that is gone, empty, too large or damaged fails who asks, with its path and what is wrong, and the next question reads
 * it again. Closing forgets who waits; a file that a thread has begun is told of by world_uv_trust_is_busy. */
#include "agent/io/world_uv_impl.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/base/digest.h"
#include "agent/base/log.h"
#include "agent/base/str.h"

#define FILE_MAX (1u << 20)
#define YOUNG_S 2 /* file systems count in steps of up to two seconds */

/* What a thread makes of the file; between queue and callback nobody else looks at it. */
struct reading {
	struct world *w;
	const char *path;
	struct digest known; /* bytes that need no parsing */
	bool has_known;
	struct stat file; /* as it was before */
	bool is_sure;     /* the same stat will mean the same bytes */
	struct digest digest;
	X509_STORE *store; /* NULL: the bytes are the known ones */
	int rc;
	struct err err;
};

struct trust {
	struct list link;
	struct world_uv *u; /* NULL: the world is closed, and only a thread still has this */
	char *path;
	struct list waiters, served; /* served: those who asked before the thread began */
	uv_work_t work;
	bool is_reading;
	struct reading reading;

	X509_STORE *store; /* NULL: none yet */
	struct digest digest;
	unsigned generation;
	struct stat file;
	bool is_sure;
};

/* ---- in a thread ----------------------------------------------------------------------------------------------------- */

/* OpenSSL's own would ask a terminal. */
static int no_password(char *to, int size, int writes, void *ctx)
{
	(void)to, (void)size, (void)writes, (void)ctx;
	return -1;
}

/* What else a file of certificates may hold, like lists of revoked ones, is passed by. */
static int add_all(X509_STORE *store, BIO *pem, const char *path, struct err *e)
{
	unsigned long why;
	size_t n;
	X509 *x;

	ERR_clear_error();
	for (n = 0; (x = PEM_read_bio_X509_AUX(pem, NULL, no_password, NULL)) != NULL; n++) {
		X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	why = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
		return err_set(e, ERR_INVALID, "%s: its certificate number %zu is damaged (%s)", path, n + 1,
			       ERR_reason_error_string(why));
	return n > 0 ? 0 : err_set(e, ERR_INVALID, "%s holds no certificate, expected certificates in PEM", path);
}

/* What a certificate in the file has signed counts, whether it is a root or an authority between. */
static int make_store(const struct buf *pem, const char *path, X509_STORE **ret, struct err *e)
{
	X509_STORE *store = X509_STORE_new();
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	int rc;

	assert(store != NULL && bio != NULL);
	X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	rc = add_all(store, bio, path, e);
	BIO_free(bio);
	if (rc == 0)
		*ret = store;
	else
		X509_STORE_free(store);
	return rc;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

/* A clock that is behind the file's makes it young, too. */
static bool is_young(struct world *w, const struct stat *file)
{
	return world_wall_ms(w) / 1000 - file->st_ctim.tv_sec <= YOUNG_S;
}

static int read_file(struct reading *r)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(FILE_MAX);
	struct stat after;

	if (stat(r->path, &r->file) != 0)
		return err_errno(&r->err, errno, "%s", r->path);
	TRY(disk_read_all(r->w, r->path, &b, &r->err));
	if (b.len == 0)
		return err_set(&r->err, ERR_INVALID, "%s is empty, expected certificates in PEM", r->path);
	r->is_sure = stat(r->path, &after) == 0 && is_same_file(&r->file, &after) && !is_young(r->w, &after);
	r->digest = digest_of(b.data, b.len);
	if (r->has_known && digest_eq(&r->known, &r->digest))
		return 0;
	return make_store(&b, r->path, &r->store, &r->err);
}

static void do_read(uv_work_t *work)
{
	struct reading *r = &container_of(work, struct trust, work)->reading;

	r->rc = read_file(r);
}

/* ---- on the loop ----------------------------------------------------------------------------------------------------- */

static void forget(struct trust *t)
{
	list_del(&t->link);
	X509_STORE_free(t->store);
	X509_STORE_free(t->reading.store);
	mem_free(t->path);
	mem_free(t);
}

static bool is_known(const struct trust *t)
{
	struct stat now;

	return t->store != NULL && t->is_sure && stat(t->path, &now) == 0 && is_same_file(&now, &t->file);
}

static void hand_out(struct trust *t, struct trust_ask *a)
{
	X509_STORE_up_ref(t->store);
	a->store = t->store;
	a->generation = t->generation;
}

static void tell_all(struct trust *t, struct list *waiters, int rc)
{
	const struct err why = t->reading.err; /* a callback may begin the next reading */
	struct list now, *n;

	list_init(&now);
	list_move(&now, waiters);
	while ((n = list_pop(&now)) != NULL) {
		struct trust_ask *a = list_entry(n, struct trust_ask, link);

		a->trust = NULL;
		if (rc == 0)
			hand_out(t, a);
		else
			a->err = why;
		a->cb(a, rc);
	}
}

static void accept_reading(struct trust *t)
{
	struct reading *r = &t->reading;

	t->file = r->file;
	t->is_sure = r->is_sure;
	if (r->store == NULL)
		return;
	X509_STORE_free(t->store);
	t->store = r->store;
	r->store = NULL;
	t->digest = r->digest;
	t->generation = ++t->u->generations;
	log_debug("net.trust.read", "path=%s generation=%u", t->path, t->generation);
}

static int begin_reading(struct trust *t);

/* Who asked while the thread was at it may know of a change that it did not see. */
static void serve_late(struct trust *t)
{
	int rc = 0;

	if (list_empty(&t->waiters) || t->is_reading)
		return;
	if (!is_known(t)) {
		rc = begin_reading(t);
		if (rc == 0)
			return;
	}
	tell_all(t, &t->waiters, rc);
}

static void on_read(uv_work_t *work, int status)
{
	struct trust *t = container_of(work, struct trust, work);

	(void)status; /* it is called off by a closing world alone */
	t->is_reading = false;
	if (t->u == NULL) {
		forget(t);
		return;
	}
	if (t->reading.rc == 0)
		accept_reading(t);
	tell_all(t, &t->served, t->reading.rc);
	serve_late(t);
}

static int begin_reading(struct trust *t)
{
	int rc;

	t->reading = (struct reading){ .w = &t->u->w, .path = t->path, .known = t->digest, .has_known = t->store != NULL };
	rc = uv_queue_work(&t->u->loop, &t->work, do_read, on_read);
	if (rc != 0)
		return world_uv_err(&t->reading.err, rc, "cannot read", t->path);
	t->is_reading = true;
	list_move(&t->served, &t->waiters);
	return 0;
}

/* Paths come from the configuration and are few. */
static struct trust *find_or_make(struct world_uv *u, const char *path)
{
	struct trust *t;

	list_each(n, &u->trusts) {
		t = list_entry(n, struct trust, link);
		if (str_eq(t->path, path))
			return t;
	}
	t = mem_new(struct trust);
	t->u = u;
	t->path = mem_str(path);
	list_init(&t->waiters);
	list_init(&t->served);
	list_add(&u->trusts, &t->link);
	return t;
}

/* Where distributions keep all certificates of authorities in one file. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Amazon Linux, Fedora */
};

static const char *bundle(void)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(bundles); i++)
		if (stat(bundles[i], &st) == 0)
			return bundles[i];
	return NULL;
}

int world_uv_trust_ask(struct world_uv *u, struct trust_ask *a, trust_cb *cb)
{
	const char *path = a->ca_file != NULL ? a->ca_file : bundle();
	struct trust *t;

	assert(a->trust == NULL && a->store == NULL);
	if (path == NULL)
		return err_set(&a->err, ERR_NOTFOUND, "the system has no file of certificates: %s and %s are not there", bundles[0],
			       bundles[1]);
	t = find_or_make(u, path);
	if (!t->is_reading && is_known(t)) {
		hand_out(t, a);
		return 1;
	}
	a->cb = cb;
	a->trust = t;
	list_add(&t->waiters, &a->link);
	if (!t->is_reading && begin_reading(t) != 0) {
		a->err = t->reading.err;
		a->trust = NULL;
		list_del(&a->link);
		return -a->err.code;
	}
	return 0;
}

void world_uv_trust_drop(struct trust_ask *a)
{
	if (a->trust != NULL)
		list_del(&a->link);
	a->trust = NULL;
	X509_STORE_free(a->store);
	a->store = NULL;
}

/* ---- the world's ----------------------------------------------------------------------------------------------------- */

void world_uv_trust_init(struct world_uv *u)
{
	list_init(&u->trusts);
}

bool world_uv_trust_is_busy(const struct world_uv *u)
{
	return !list_empty(&u->trusts);
}

/* Who waits has been forgotten by his own part before. What is left after this is with a thread. */
void world_uv_trust_close(struct world_uv *u)
{
	list_each_safe(n, &u->trusts) {
		struct trust *t = list_entry(n, struct trust, link);

		assert(list_empty(&t->waiters) && list_empty(&t->served));
		if (!t->is_reading)
			forget(t);
		else if (uv_cancel((uv_req_t *)&t->work) != 0)
			log_debug("net.trust.held", "path=%s", t->path);
	}
}
