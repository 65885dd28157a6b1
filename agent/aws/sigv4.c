/* sigv4.c - Signature Version 4 as "AWS IAM User Guide, Create a signed AWS API request" has it.
 *
 * A request is first taken apart into a `work`: encoded, sorted query parameters and lower-case, sorted, joined headers. The
 * three stages are then plain concatenation and hashing. Everything that stands between request and signature lives in
 * the work's arena; derived keys are wiped. A request fails only for what its caller put in: a header or parameter that is
 * ours to write, a line break in a header, no Host, or more than 64 KiB of path, query or headers. */
#include "agent/aws/sigv4.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/aws/request.h"
#include "agent/base/arena.h"
#include "agent/base/digest.h"
#include "agent/base/enc.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define PART_MAX (64u << 10) /* path, query, all headers together: each */
#define ARENA_MAX (32u << 20)
#define EXTRA_MAX 6 /* pairs that signing itself adds */
#define CANONICAL_MAX (1u << 20)

/* A parameter or a header, ready to be written: `order` is where it stood, for headers of one name. */
struct pair {
	const char *name, *value;
	size_t order;
};

struct pairs {
	struct pair *v;
	size_t n;
};

struct work {
	struct arena *arena;
	struct pairs params, headers; /* headers: also the ones that are not in r->headers yet */
	const char *signed_names;     /* "host;x-amz-date" */
	char date[STAMP_BASIC_LEN], scope[160], body_hash[DIGEST_HEX_LEN];
};

/* Hops may change or drop these (botocore and libcurl do), so a signature over them would not hold. */
static const char *const unsigned_names[] = { "connection",        "expect",     "keep-alive",     "te", "trailer", "upgrade",
					      "transfer-encoding", "user-agent", "x-amzn-trace-id" };
/* Signing writes these itself. */
static const char *const forbidden_names[] = { "authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token" };
static const char *const forbidden_params[] = { "x-amz-signature", "x-amz-date",          "x-amz-credential",
						"x-amz-algorithm", "x-amz-signedheaders", "x-amz-security-token",
						"x-amz-expires" };

static bool is_in(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static void work_close(struct work *w)
{
	arena_free(w->arena);
}

/* ---- path and query ------------------------------------------------------------------------------------------------------ */

/* A text that is still a buf moves into the arena, so that one free ends it. */
static const char *keep(struct work *w, struct buf *b)
{
	const char *s = arena_strn(w->arena, buf_str(b), b->len);

	buf_close(b);
	return s;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is no %XX stays as it is. */
static void decode(struct buf *to, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool coded = s[i] == '%' && len - i > 2 && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0;

		if (!coded) {
			buf_addc(to, s[i]);
			continue;
		}
		buf_addc(to, (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2])));
		i += 2;
	}
}

/* Encoded exactly once, however it came. */
static const char *recode(struct work *w, const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf plain = BUF_MAX(PART_MAX);
	struct buf coded = BUF_MAX(3ul * PART_MAX);

	decode(&plain, s, len);
	enc_percent(&coded, buf_str(&plain), plain.len, "");
	return keep(w, &coded);
}

struct segment {
	const char *s;
	size_t len;
};

/* RFC 3986 dot segments, and empty ones; a slash at the end stays. Returns how many segments are left. */
static size_t split_path(const char *path, struct segment *v)
{
	size_t n = 0;

	while (*path != '\0') {
		size_t len = strcspn(++path, "/");

		if (len == 2 && strncmp(path, "..", 2) == 0)
			/* ".." at the top stays at the top. */
			n -= n > 0;
		else if (len > 0 && !(len == 1 && *path == '.'))
			v[n++] = (struct segment){ path, len };
		path += len;
	}
	return n;
}

static void normalize(struct work *w, const char *path, struct buf *to)
{
	struct segment *v = arena_alloc(w->arena, (strlen(path) + 1) * sizeof(*v));
	size_t n = split_path(path, v);

	for (size_t i = 0; i < n; i++) {
		buf_addc(to, '/');
		buf_add(to, v[i].s, v[i].len);
	}
	if (n == 0 || path[strlen(path) - 1] == '/')
		buf_addc(to, '/');
}

static bool is_escape(const char *s)
{
	return s[0] == '%' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2]);
}

/* What is an escape already stays as it is written: "%2F" is no slash. */
static void encode_once(struct buf *to, const char *path)
{
	for (size_t n; *path != '\0'; path += n) {
		n = is_escape(path) ? 3 : 1;
		if (n == 3)
			buf_add(to, path, n);
		else
			enc_percent(to, path, n, "/");
	}
}

/* Not S3: what is on the wire is encoded once more, "/a%20b" is signed as "/a%2520b". S3: as it is on the wire. The published
 * vectors have raw paths, which S3's rule encodes. */
static void canonical_path(struct work *w, const struct sigv4_req *r, struct buf *to)
{
	CLEANUP(buf_close) struct buf path = BUF_MAX(PART_MAX + 1);

	if (r->normalize)
		normalize(w, r->path, &path);
	else
		buf_adds(&path, r->path);
	if (r->double_encode)
		enc_percent(to, buf_str(&path), path.len, "/");
	else
		encode_once(to, buf_str(&path));
}

static void add_pair(struct pairs *p, const char *name, const char *value)
{
	p->v[p->n] = (struct pair){ name, value, p->n };
	p->n++;
}

static int by_name_and_value(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	/* By the bytes of the encoded texts, as AWS sorts them, and not by a locale. */
	int d = strcmp(x->name, y->name);

	return d != 0 ? d : strcmp(x->value, y->value);
}

static int by_name_and_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d != 0 ? d : (x->order > y->order) - (x->order < y->order);
}

static int take_query(struct work *w, const struct sigv4_req *r, bool as_query, struct err *e)
{
	const char *s = r->query;
	size_t most = 1 + EXTRA_MAX; /* the last parameter has no '&' behind it */

	for (const char *c = s; *c != '\0'; c++)
		most += *c == '&';
	w->params.v = arena_alloc(w->arena, most * sizeof(*w->params.v));
	for (size_t len; *s != '\0'; s += len + (s[len] == '&')) {
		size_t name_len;
		const char *name;

		len = strcspn(s, "&");
		name_len = strcspn(s, "=&");
		if (len == 0)
			continue; /* of "&&" */
		name = recode(w, s, name_len);
		if (as_query && is_in(name, forbidden_params, ARRAY_LEN(forbidden_params)))
			return err_set(e, ERR_INVALID, "the query parameter %s is written by the signer alone", name);
		add_pair(&w->params, name, name_len < len ? recode(w, s + name_len + 1, len - name_len - 1) : "");
	}
	return 0;
}

static void write_query(const struct work *w, struct buf *to)
{
	for (size_t i = 0; i < w->params.n; i++)
		buf_addf(to, "%s%s=%s", i > 0 ? "&" : "", w->params.v[i].name, w->params.v[i].value);
}

/* ---- headers ------------------------------------------------------------------------------------------------------------- */

static const char *lower(struct work *w, const char *s)
{
	char *copy = arena_str(w->arena, s);

	for (char *c = copy; *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
	return copy;
}

/* Without blanks at both ends, and with one where several stood. */
static const char *squeeze(struct work *w, const char *s)
{
	char *copy = arena_str(w->arena, s), *to = copy;

	for (s += strspn(s, " \t"); *s != '\0';) {
		size_t word = strcspn(s, " \t"), gap = strspn(s + word, " \t");

		memmove(to, s, word);
		to += word;
		s += word + gap;
		if (gap > 0 && *s != '\0')
			*to++ = ' ';
	}
	*to = '\0';
	return copy;
}

static int take_header(struct work *w, const struct sigv4_header *h, struct err *e)
{
	if (h->name[0] == '\0' || strpbrk(h->name, ":\r\n \t") != NULL || strpbrk(h->value, "\r\n") != NULL)
		return err_set(e, ERR_INVALID, "a header to be signed has a blank in its name or a line break");
	if (is_in(h->name, forbidden_names, ARRAY_LEN(forbidden_names)))
		return err_set(e, ERR_INVALID, "the header %s is written by the signer alone", h->name);
	if (is_in(h->name, unsigned_names, ARRAY_LEN(unsigned_names)) || strncasecmp(h->name, "proxy-", 6) == 0)
		return 0;
	add_pair(&w->headers, lower(w, h->name), squeeze(w, h->value));
	return 0;
}

/* Sorted; several of one name become one line, in the order in which they came. */
static void join_headers(struct work *w)
{
	struct pairs *h = &w->headers;
	size_t n = 0;

	qsort(h->v, h->n, sizeof(*h->v), by_name_and_order);
	for (size_t i = 0; i < h->n; i++)
		if (n > 0 && str_eq(h->v[n - 1].name, h->v[i].name))
			h->v[n - 1].value = arena_printf(w->arena, "%s,%s", h->v[n - 1].value, h->v[i].value);
		else
			h->v[n++] = h->v[i];
	h->n = n;
}

static int name_headers(struct work *w, struct err *e)
{
	struct buf names = BUF_MAX(PART_MAX);
	bool has_host = false;

	for (size_t i = 0; i < w->headers.n; i++) {
		buf_addf(&names, "%s%s", i > 0 ? ";" : "", w->headers.v[i].name);
		has_host = has_host || str_eq(w->headers.v[i].name, "host");
	}
	w->signed_names = keep(w, &names);
	return has_host ? 0 : err_set(e, ERR_INVALID, "a request without a Host header cannot be signed");
}

static int take_headers(struct work *w, const struct sigv4_req *r, bool as_query, struct err *e)
{
	w->headers.v = arena_alloc(w->arena, (r->headers_n + EXTRA_MAX) * sizeof(*w->headers.v));
	for (size_t i = 0; i < r->headers_n; i++)
		TRY(take_header(w, &r->headers[i], e));
	if (!as_query) {
		add_pair(&w->headers, "x-amz-date", w->date);
		if (r->sign_body)
			add_pair(&w->headers, "x-amz-content-sha256", w->body_hash);
		if (!secret_empty(&r->keys->token) && !r->omit_token)
			add_pair(&w->headers, "x-amz-security-token", r->keys->token.bytes);
	}
	join_headers(w);
	return name_headers(w, e);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static void add_query_auth(struct work *w, const struct sigv4_req *r)
{
	const char *credential = arena_printf(w->arena, "%s/%s", r->keys->id, w->scope);

	add_pair(&w->params, "X-Amz-Algorithm", ALGORITHM);
	add_pair(&w->params, "X-Amz-Credential", recode(w, credential, strlen(credential)));
	add_pair(&w->params, "X-Amz-Date", w->date);
	add_pair(&w->params, "X-Amz-Expires", arena_printf(w->arena, "%u", r->expires_s));
	add_pair(&w->params, "X-Amz-SignedHeaders", recode(w, w->signed_names, strlen(w->signed_names)));
	if (!secret_empty(&r->keys->token) && !r->omit_token)
		add_pair(&w->params, "X-Amz-Security-Token", recode(w, r->keys->token.bytes, r->keys->token.len));
}

static int check_sizes(const struct sigv4_req *r, struct err *e)
{
	size_t headers = r->keys->token.len;

	for (size_t i = 0; i < r->headers_n; i++)
		headers += strlen(r->headers[i].name) + strlen(r->headers[i].value) + 2;
	if (strlen(r->path) > PART_MAX || strlen(r->query) > PART_MAX || headers > PART_MAX || r->headers_n > 256)
		return err_set(e, ERR_LIMIT, "path, query or headers are too large to be signed");
	if (r->path[0] != '/')
		return err_set(e, ERR_INVALID, "a path to be signed does not begin with \"/\"");
	if (r->keys->id[0] == '\0' || secret_empty(&r->keys->secret))
		return err_set(e, ERR_INVALID, "there is no key to sign with");
	return 0;
}

static int scope(const struct sigv4_req *r, char *to, size_t size, struct err *e)
{
	char date[STAMP_BASIC_LEN];
	int n = snprintf(to, size, "%.8s/%s/%s/aws4_request", stamp_basic(r->time_ms, date), r->region, r->service);

	return n > 0 && n < (int)size ? 0 : err_set(e, ERR_LIMIT, "region and service are too long to be signed");
}

static int work_init(struct work *w, const struct sigv4_req *r, bool as_query, struct err *e)
{
	struct digest d = digest_of(r->body, r->body_len);

	TRY(check_sizes(r, e));
	TRY(scope(r, w->scope, sizeof(w->scope), e));
	w->arena = arena_new_sized(ARENA_MAX);
	stamp_basic(r->time_ms, w->date);
	digest_hex(&d, w->body_hash);
	TRY(take_headers(w, r, as_query, e));
	TRY(take_query(w, r, as_query, e));
	if (as_query)
		add_query_auth(w, r);
	/* Behind add_query_auth: the signer's own parameters are sorted among the others. */
	qsort(w->params.v, w->params.n, sizeof(*w->params.v), by_name_and_value);
	return 0;
}

static int write_canonical(struct work *w, const struct sigv4_req *r, struct buf *to, struct err *e)
{
	buf_addf(to, "%s\n", r->method);
	canonical_path(w, r, to);
	buf_addc(to, '\n');
	write_query(w, to);
	buf_addc(to, '\n');
	for (size_t i = 0; i < w->headers.n; i++)
		buf_addf(to, "%s:%s\n", w->headers.v[i].name, w->headers.v[i].value);
	buf_addf(to, "\n%s\n%s", w->signed_names, w->body_hash);
	return buf_check(to, "the canonical request", e);
}

int sigv4_canonical(const struct sigv4_req *r, bool as_query, struct buf *ret, struct err *e)
{
	CLEANUP(work_close) struct work w = { 0 };

	TRY(work_init(&w, r, as_query, e));
	return write_canonical(&w, r, ret, e);
}

int sigv4_string_to_sign(const struct sigv4_req *r, const char *canonical, size_t len, struct buf *ret, struct err *e)
{
	struct digest d = digest_of(canonical, len);
	char date[STAMP_BASIC_LEN], hex[DIGEST_HEX_LEN], in[160];

	TRY(scope(r, in, sizeof(in), e));
	buf_addf(ret, ALGORITHM "\n%s\n%s\n%s", stamp_basic(r->time_ms, date), in, digest_hex(&d, hex));
	return buf_check(ret, "the string to sign", e);
}

static struct digest hmac(struct digest *key, const char *text)
{
	struct digest d = digest_hmac(key->b, sizeof(key->b), text, strlen(text));

	secret_wipe(key, sizeof(*key));
	return d;
}

static void wipe_buf(struct buf *b)
{
	secret_wipe(b->data, b->cap);
	buf_close(b);
}

int sigv4_signature(const struct sigv4_req *r, const char *string_to_sign, char ret[65], struct err *e)
{
	CLEANUP(wipe_buf) struct buf first = BUF_MAX(1024);
	char date[STAMP_BASIC_LEN];
	struct digest d;

	buf_adds(&first, "AWS4");
	buf_add(&first, r->keys->secret.bytes, r->keys->secret.len);
	TRY(buf_check(&first, "the secret key", e));
	d = digest_hmac(first.data, first.len, stamp_basic(r->time_ms, date), 8);
	/* Each key is wiped as the next one is made of it; the last digest is the signature, which is no secret. */
	d = hmac(&d, r->region);
	d = hmac(&d, r->service);
	d = hmac(&d, "aws4_request");
	d = hmac(&d, string_to_sign);
	digest_hex(&d, ret);
	return 0;
}

static int sign(struct work *w, const struct sigv4_req *r, char ret[65], struct err *e)
{
	CLEANUP(wipe_buf) struct buf canonical = BUF_MAX(CANONICAL_MAX); /* it holds the session token */
	CLEANUP(buf_close) struct buf text = BUF_MAX(1024);

	TRY(write_canonical(w, r, &canonical, e));
	TRY(sigv4_string_to_sign(r, canonical.data, canonical.len, &text, e));
	return sigv4_signature(r, text.data, ret, e);
}

int sigv4_sign_headers(const struct sigv4_req *r, struct buf *ret, struct err *e)
{
	CLEANUP(work_close) struct work w = { 0 };
	char signature[65];

	TRY(work_init(&w, r, false, e));
	TRY(sign(&w, r, signature, e));
	buf_addf(ret, "X-Amz-Date: %s\n", w.date);
	if (!secret_empty(&r->keys->token))
		buf_addf(ret, "X-Amz-Security-Token: %s\n", r->keys->token.bytes);
	if (r->sign_body)
		buf_addf(ret, "X-Amz-Content-Sha256: %s\n", w.body_hash);
	buf_addf(ret, "Authorization: " ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s\n", r->keys->id, w.scope,
		 w.signed_names, signature);
	return buf_check(ret, "the signed headers", e);
}

int sigv4_sign_query(const struct sigv4_req *r, struct buf *ret, struct err *e)
{
	CLEANUP(work_close) struct work w = { 0 };
	char signature[65];

	TRY(work_init(&w, r, true, e));
	TRY(sign(&w, r, signature, e));
	write_query(&w, ret);
	if (!secret_empty(&r->keys->token) && r->omit_token) {
		buf_adds(ret, "&X-Amz-Security-Token=");
		enc_percent(ret, r->keys->token.bytes, r->keys->token.len, "");
	}
	buf_addf(ret, "&X-Amz-Signature=%s", signature);
	return buf_check(ret, "the signed query", e);
}
