/* world_uv_trust.c - whose certificates count: those of a file, read and parsed by a thread, once for all connections.
 *
 * curl would parse the file on the loop, for each new connection: 15 ms for the bundle of a system. Here a file is one store of
 * OpenSSL's, shared by all that is judged by it.
 *
 * Happy path: asked -> looked at -> known. At each question a thread looks at the file with stat(2); while it is the one that was
 * read, the store is handed out, else it is read again first. Other bytes are another store of another generation, by which http
 * keeps connections apart. A time stamp tells little of the moments in which the file was just written, so a young file is read
 * again at each question, and parsed only when its bytes differ.
 *
 * When the file is gone, empty, too large or damaged, those who asked get an error with its path and what is wrong, and the next
 * question looks again. A disk that hangs holds up those who ask for this file, and nobody else; each asker has its own timeout.
 * Closing forgets who waits; a file that a thread has begun is told of by world_uv_trust_is_busy. */
#include "agent/io/world_uv.h"
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

/* A file as it was read. */
struct seen {
	char *path;
	struct stat file;
	bool is_sure; /* the same stat means the same bytes */
	struct digest digest;
};

/* What a thread makes of the file; between queue and callback nobody else looks at it. */
struct look {
	struct world *w;
	const char *ca_file;      /* NULL: the system's */
	const struct seen *known; /* NULL: nothing was read yet */
	struct seen seen;
	X509_STORE *store; /* NULL: the bytes are the known ones */
	int rc;
	struct err err;
};

struct uv_certs {
	struct list link;
	struct world_uv *u; /* NULL: the world is closed, and only a thread still has this */
	char *ca_file;
	struct list waiters, served; /* served: those who asked before the thread began */
	uv_work_t work;
	bool is_looking;
	struct look look;

	X509_STORE *store; /* NULL: none yet */
	struct seen seen;
	unsigned generation;
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

	/* OpenSSL keeps errors by thread: one of an earlier piece of work would be taken for this file's. */
	ERR_clear_error();
	for (n = 0; (x = PEM_read_bio_X509_AUX(pem, NULL, no_password, NULL)) != NULL; n++) {
		X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	why = ERR_peek_last_error();
	ERR_clear_error();
	/* The end of a file is this error, too: no further beginning of a certificate was found. */
	if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
		return err_set(e, ERR_INVALID, "%s: its certificate number %zu is damaged (%s)", path, n + 1,
			       ERR_reason_error_string(why));
	return n > 0 ? 0 : err_set(e, ERR_INVALID, "%s holds no certificate, expected certificates in PEM", path);
}

/* A store is sorted when it is first searched: here, and not by the first connection. */
static void sort(X509_STORE *store)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	X509_NAME *nobody = X509_NAME_new();

	assert(c != NULL && nobody != NULL);
	if (X509_STORE_CTX_init(c, store, NULL, NULL) == 1)
		X509_OBJECT_free(X509_STORE_CTX_get_obj_by_subject(c, X509_LU_X509, nobody));
	X509_NAME_free(nobody);
	X509_STORE_CTX_free(c);
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
	if (rc != 0) {
		X509_STORE_free(store);
		return rc;
	}
	sort(store);
	*ret = store;
	return 0;
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

/* Where distributions keep all certificates of authorities in one file. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Amazon Linux, Fedora */
};

static int find(const char *ca_file, struct seen *s, struct err *e)
{
	if (ca_file != NULL) {
		s->path = mem_str(ca_file);
		return stat(ca_file, &s->file) == 0 ? 0 : err_errno(e, errno, "%s", ca_file);
	}
	for (size_t i = 0; i < ARRAY_LEN(bundles); i++)
		if (stat(bundles[i], &s->file) == 0) {
			s->path = mem_str(bundles[i]);
			return 0;
		}
	return err_set(e, ERR_NOTFOUND, "the system has no file of certificates: %s and %s are not there", bundles[0], bundles[1]);
}

static bool is_known(const struct look *l)
{
	return l->known != NULL && l->known->is_sure && str_eq(l->known->path, l->seen.path) &&
	       is_same_file(&l->known->file, &l->seen.file);
}

static int read_file(struct look *l)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(FILE_MAX);
	struct seen *s = &l->seen;
	struct stat after;

	TRY(disk_read_all(l->w, s->path, &b, &l->err));
	if (b.len == 0)
		return err_set(&l->err, ERR_INVALID, "%s is empty, expected certificates in PEM", s->path);
	/* Looked at once more: the file may have been replaced between the first look and the read. */
	s->is_sure = stat(s->path, &after) == 0 && is_same_file(&s->file, &after) && !is_young(l->w, &after);
	s->digest = digest_of(b.data, b.len);
	/* Other bytes alone make a new generation, which costs all connections: a package that writes the same file again does
	 * not. */
	if (l->known != NULL && digest_eq(&l->known->digest, &s->digest))
		return 0;
	return make_store(&b, s->path, &l->store, &l->err);
}

static int look(struct look *l)
{
	TRY(find(l->ca_file, &l->seen, &l->err));
	if (!is_known(l))
		return read_file(l);
	l->seen.is_sure = true;
	l->seen.digest = l->known->digest;
	return 0;
}

int world_uv_trust_check(struct world *w, const char *ca_file, struct err *e)
{
	struct look l = { .w = w, .ca_file = ca_file };
	int rc = look(&l);

	if (rc != 0)
		err_set(e, l.err.code, "%s", l.err.text);
	X509_STORE_free(l.store);
	mem_free(l.seen.path);
	return rc;
}

static void do_look(uv_work_t *work)
{
	struct look *l = &container_of(work, struct uv_certs, work)->look;

	l->rc = look(l);
}

/* ---- on the loop ----------------------------------------------------------------------------------------------------- */

static void forget(struct uv_certs *t)
{
	list_del(&t->link);
	X509_STORE_free(t->store);
	X509_STORE_free(t->look.store);
	mem_free(t->seen.path);
	mem_free(t->look.seen.path);
	mem_free(t->ca_file);
	mem_free(t);
}

static void hand_out(struct uv_certs *t, struct trust_ask *a)
{
	/* A reference of the asker's own: a new store may take this one's place while the request runs. */
	X509_STORE_up_ref(t->store);
	a->store = t->store;
	a->generation = t->generation;
}

static void tell_all(struct uv_certs *t, struct list *waiters, int rc)
{
	const struct err why = t->look.err; /* a callback may begin the next look */
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

static void accept_look(struct uv_certs *t)
{
	struct look *l = &t->look;

	mem_free(t->seen.path);
	t->seen = l->seen;
	l->seen.path = NULL;
	if (l->store == NULL)
		return;
	X509_STORE_free(t->store);
	t->store = l->store;
	l->store = NULL;
	t->generation = ++t->u->generations;
	log_debug("net.trust.read", "path=%s generation=%u", t->seen.path, t->generation);
}

static void on_look(uv_work_t *work, int status);

static int begin_look(struct uv_certs *t)
{
	int rc;

	mem_free(t->look.seen.path);
	t->look = (struct look){ .w = &t->u->w, .ca_file = t->ca_file, .known = t->store != NULL ? &t->seen : NULL };
	rc = uv_queue_work(&t->u->loop, &t->work, do_look, on_look);
	if (rc != 0)
		return world_uv_err(&t->look.err, rc, "cannot look at",
				    t->ca_file != NULL ? t->ca_file : "the system's certificates");
	t->is_looking = true;
	list_move(&t->served, &t->waiters);
	return 0;
}

/* Whoever asked while the thread was reading may know of a change that the thread did not see, and is served by a new look. */
static void on_look(uv_work_t *work, int status)
{
	struct uv_certs *t = container_of(work, struct uv_certs, work);
	int rc;

	(void)status; /* it is called off by a closing world alone */
	t->is_looking = false;
	if (t->u == NULL) {
		forget(t);
		return;
	}
	if (t->look.rc == 0)
		accept_look(t);
	tell_all(t, &t->served, t->look.rc);
	if (list_empty(&t->waiters) || t->is_looking)
		return;
	rc = begin_look(t);
	if (rc != 0)
		tell_all(t, &t->waiters, rc);
}

/* Paths come from the configuration and are few. */
static struct uv_certs *find_or_make(struct world_uv *u, const char *ca_file)
{
	struct uv_certs *t;

	list_each(n, &u->trusts) {
		t = list_entry(n, struct uv_certs, link);
		if (str_eq(t->ca_file, ca_file))
			return t;
	}
	t = mem_new(struct uv_certs);
	t->u = u;
	t->ca_file = mem_str(ca_file);
	list_init(&t->waiters);
	list_init(&t->served);
	list_add(&u->trusts, &t->link);
	return t;
}

int world_uv_trust_ask(struct world_uv *u, struct trust_ask *a, trust_cb *cb)
{
	struct uv_certs *t = find_or_make(u, a->ca_file);
	int rc = 0;

	assert(a->trust == NULL && a->store == NULL);
	a->cb = cb;
	a->trust = t;
	list_add(&t->waiters, &a->link);
	if (!t->is_looking)
		rc = begin_look(t);
	if (rc == 0)
		return 0;
	a->err = t->look.err;
	a->trust = NULL;
	list_del(&a->link);
	return rc;
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

/* All waiters have been dropped by their owners before. What is left after this is in use by a thread. */
void world_uv_trust_close(struct world_uv *u)
{
	list_each_safe(n, &u->trusts) {
		struct uv_certs *t = list_entry(n, struct uv_certs, link);

		assert(list_empty(&t->waiters) && list_empty(&t->served));
		t->u = NULL;
		if (!t->is_looking)
			forget(t);
		else if (uv_cancel((uv_req_t *)&t->work) != 0)
			log_debug("net.trust.held", "path=%s", t->ca_file != NULL ? t->ca_file : "(the system's)");
	}
}
