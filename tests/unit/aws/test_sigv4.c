/* test_sigv4.c - the published vectors of AWS (Apache-2.0, kept beside the repository: $REEVE_SHARED), in header and query
 * form, and what they leave out: double encoding, S3's paths, a host with a port, headers that are not ours to sign. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/aws/request.h"
#include "agent/aws/sigv4.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"

#define HEADERS_MAX 16

/* One vector: its texts live in `request`, which is cut in place. */
struct vector {
	char dir[600];
	char *request;
	json_t *context;
	struct sigv4_header headers[HEADERS_MAX];
	struct keys keys;
	struct sigv4_req req;
};

static char *slurp(const char *dir, const char *name)
{
	char path[1024];
	char *text = mem_alloc(65536);
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(text, 1, 65535, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* "METHOD raw target HTTP/1.1": the target may hold blanks. */
static void parse_request_line(struct vector *v, char *line)
{
	char *target = strchr(line, ' ') + 1;
	char *query;

	target[-1] = '\0';
	*strrchr(target, ' ') = '\0';
	query = strchr(target, '?');
	if (query != NULL)
		*query++ = '\0';
	v->req.method = line;
	v->req.path = target;
	v->req.query = query != NULL ? query : "";
}

/* A line that begins with a blank goes on with the one before it. */
static void parse_request(struct vector *v)
{
	char *head = v->request, *body = strstr(head, "\n\n");
	char *at;

	if (body != NULL)
		*body = '\0';
	v->req.body = body != NULL ? body + 2 : "";
	v->req.body_len = strlen(v->req.body);
	for (char *c = head; *c != '\0'; c++)
		if (c[0] == '\n' && c[1] == ' ')
			c[0] = ' ';
	parse_request_line(v, strsep(&head, "\n"));
	while ((at = strsep(&head, "\n")) != NULL && *at != '\0') {
		char *value = strchr(at, ':');

		*value = '\0';
		v->headers[v->req.headers_n++] = (struct sigv4_header){ at, value + 1 };
	}
	v->req.headers = v->headers;
}

static void load(struct vector *v, const char *dir)
{
	json_t *creds;
	char *text = slurp(dir, "context.json");
	const char *token;

	*v = (struct vector){ 0 };
	snprintf(v->dir, sizeof(v->dir), "%s", dir);
	assert_int_equal(json_parse(text, strlen(text), "context.json", &v->context, NULL), 0);
	mem_free(text);
	creds = json_object_get(v->context, "credentials");
	snprintf(v->keys.id, sizeof(v->keys.id), "%s", json_str_or(creds, "access_key_id", ""));
	text = (char *)json_str_or(creds, "secret_access_key", "");
	secret_set(&v->keys.secret, text, strlen(text));
	token = json_str_or(creds, "token", "");
	secret_set(&v->keys.token, token, strlen(token));
	v->request = slurp(dir, "request.txt");
	v->req.keys = &v->keys;
	v->req.region = json_str_or(v->context, "region", "");
	v->req.service = json_str_or(v->context, "service", "");
	assert_int_equal(stamp_parse_iso(json_str_or(v->context, "timestamp", ""), &v->req.time_ms, NULL), 0);
	v->req.normalize = json_is_true(json_object_get(v->context, "normalize"));
	v->req.sign_body = json_is_true(json_object_get(v->context, "sign_body"));
	v->req.omit_token = json_is_true(json_object_get(v->context, "omit_session_token"));
	v->req.expires_s = (uint32_t)json_int_or(v->context, "expiration_in_seconds", 0);
	parse_request(v);
}

static void unload(struct vector *v)
{
	json_decref(v->context);
	mem_free(v->request);
	keys_close(&v->keys);
}

static void expect_file(struct vector *v, const char *form, const char *what, const char *got)
{
	char name[64];
	char *want;

	snprintf(name, sizeof(name), "%s-%s.txt", form, what);
	want = slurp(v->dir, name);
	if (strcmp(want, got) != 0)
		print_error("%s: %s\n", v->dir, name);
	assert_string_equal(got, want);
	mem_free(want);
}

static void run_form(struct vector *v, bool as_query)
{
	const char *form = as_query ? "query" : "header";
	CLEANUP(buf_close) struct buf canonical = BUF_MAX(65536), text = BUF_MAX(1024), whole = BUF_MAX(65536);
	char signature[65];
	struct err e = { 0 };

	assert_int_equal(sigv4_canonical(&v->req, as_query, &canonical, &e), 0);
	expect_file(v, form, "canonical-request", buf_str(&canonical));
	assert_int_equal(sigv4_string_to_sign(&v->req, canonical.data, canonical.len, &text, &e), 0);
	expect_file(v, form, "string-to-sign", buf_str(&text));
	assert_int_equal(sigv4_signature(&v->req, text.data, signature, &e), 0);
	expect_file(v, form, "signature", signature);
	assert_int_equal(as_query ? sigv4_sign_query(&v->req, &whole, &e) : sigv4_sign_headers(&v->req, &whole, &e), 0);
	assert_non_null(strstr(buf_str(&whole), signature));
	assert_int_equal(strstr(buf_str(&whole), "Security-Token") != NULL, !secret_empty(&v->keys.token));
}

static DIR *open_vectors(char *dir, size_t size)
{
	const char *shared = getenv("REEVE_SHARED");
	const char *const places[] = { shared != NULL ? shared : "../shared", "../../shared" };
	DIR *d = NULL;

	for (size_t i = 0; i < ARRAY_LEN(places) && d == NULL; i++) {
		snprintf(dir, size, "%s/data/sigv4-test-suite/v4", places[i]);
		d = opendir(dir);
	}
	return d;
}

static void every_published_vector_gives_the_published_bytes(void **state)
{
	char root[256], dir[600];
	DIR *d = open_vectors(root, sizeof(root));
	unsigned n = 0;

	(void)state;
	if (d == NULL) {
		print_message("38 published vectors skipped: set REEVE_SHARED\n");
		assert_null(getenv("CI"));
		skip();
	}
	for (struct dirent *de; (de = readdir(d)) != NULL;) {
		struct vector v;

		if (de->d_name[0] == '.')
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", root, de->d_name);
		load(&v, dir);
		run_form(&v, false);
		run_form(&v, true);
		unload(&v);
		n++;
	}
	closedir(d);
	assert_int_equal(n, 38);
}

/* ---- what the vectors leave out ------------------------------------------------------------------------------------------ */

static struct keys test_keys(void)
{
	struct keys k = { .id = "AKIDEXAMPLE" };

	secret_set(&k.secret, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40);
	return k;
}

static const struct sigv4_header host_only[] = { { "Host", "example.amazonaws.com" } };

static struct sigv4_req test_req(const struct keys *k)
{
	return (struct sigv4_req){ .method = "GET",
				   .path = "/",
				   .query = "",
				   .headers = host_only,
				   .headers_n = 1,
				   .region = "us-east-1",
				   .service = "service",
				   .time_ms = 1440938160000,
				   .keys = k,
				   .normalize = true,
				   .double_encode = true };
}

/* The canonical path is the second line. */
static void expect_path(struct sigv4_req *r, const char *want)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(65536);
	char *line, *rest;

	assert_int_equal(sigv4_canonical(r, false, &b, NULL), 0);
	rest = b.data;
	strsep(&rest, "\n");
	line = strsep(&rest, "\n");
	assert_string_equal(line, want);
}

static void a_path_is_encoded_twice_except_for_s3(void **state)
{
	static const struct {
		const char *wire, *twice, *s3;
	} cases[] = {
		{ "/", "/", "/" },
		{ "/a%20b", "/a%2520b", "/a%20b" },
		{ "/a%2fb", "/a%252fb", "/a%2fb" }, /* of S3 no slash: so botocore signs it */
		{ "/a//b/../c/", "/a/c/", "/a//b/../c/" },
		{ "/../..", "/", "/../.." },
		{ "/%", "/%25", "/%25" },
		{ "/%4", "/%254", "/%254" },
		{ "/%zz", "/%25zz", "/%25zz" },
		{ "/function:name", "/function%3Aname", "/function%3Aname" },
	};
	struct keys k = test_keys();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sigv4_req r = test_req(&k);

		r.path = cases[i].wire;
		expect_path(&r, cases[i].twice);
		r.normalize = r.double_encode = false;
		expect_path(&r, cases[i].s3);
	}
	keys_close(&k);
}

static void a_host_with_a_port_is_signed_with_it(void **state)
{
	static const struct sigv4_header headers[] = { { "HOST", " 127.0.0.1:5000 " } };
	CLEANUP(buf_close) struct buf b = BUF_MAX(65536);
	struct keys k = test_keys();
	struct sigv4_req r = test_req(&k);

	(void)state;
	r.headers = headers;
	assert_int_equal(sigv4_canonical(&r, false, &b, NULL), 0);
	assert_non_null(strstr(b.data, "\nhost:127.0.0.1:5000\n"));
	keys_close(&k);
}

static void headers_that_hops_may_change_are_not_signed(void **state)
{
	static const struct sigv4_header headers[] = {
		{ "Host", "h" },       { "User-Agent", "reeve" },     { "Connection", "close" }, { "Expect", "100-continue" },
		{ "Proxy-Auth", "x" }, { "X-Amzn-Trace-Id", "Root" }, { "TE", "trailers" },      { "X-Kept", "yes" },
	};
	CLEANUP(buf_close) struct buf b = BUF_MAX(65536);
	struct keys k = test_keys();
	struct sigv4_req r = test_req(&k);

	(void)state;
	r.headers = headers;
	r.headers_n = ARRAY_LEN(headers);
	assert_int_equal(sigv4_sign_headers(&r, &b, NULL), 0);
	assert_non_null(strstr(b.data, "SignedHeaders=host;x-amz-date;x-kept,"));
	keys_close(&k);
}

static void what_the_signer_writes_is_refused_from_a_caller(void **state)
{
	static const struct sigv4_header bad[] = {
		{ "Authorization", "x" },
		{ "x-amz-date", "x" },
		{ "X-AMZ-Security-Token", "x" },
		{ "X-Amz-Content-Sha256", "x" },
		{ "X-A\nB", "x" },
		{ "X-A", "b\r\nHost: evil" },
		{ "X:A", "x" },
		{ "", "x" },
	};
	static const char *const params[] = { "X-Amz-Signature=1",     "a=b&x-amz-date=1",         "X-Amz-Credential",
					      "X-Amz-Algorithm=1",     "X-Amz-SignedHeaders=host", "X-Amz-Security-Token=1",
					      "X%2DAmz%2DExpires=9999" };
	CLEANUP(buf_close) struct buf b = BUF_MAX(65536);
	struct keys k = test_keys();
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sigv4_header headers[] = { host_only[0], bad[i] };
		struct sigv4_req r = test_req(&k);

		r.headers = headers;
		r.headers_n = 2;
		assert_int_equal(sigv4_sign_headers(&r, &b, &e), -ERR_INVALID);
	}
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		struct sigv4_req r = test_req(&k);

		r.query = params[i];
		assert_int_equal(sigv4_sign_query(&r, &b, &e), -ERR_INVALID);
	}
	assert_int_equal(b.len, 0);
	keys_close(&k);
}

static void what_cannot_be_signed_is_an_error(void **state)
{
	CLEANUP(mem_close) char *long_path = mem_alloc(70000);
	CLEANUP(buf_close) struct buf b = BUF_MAX(65536);
	struct keys none = { 0 }, k = test_keys();
	struct sigv4_req r = test_req(&k);
	struct err e;

	(void)state;
	r.headers_n = 0;
	assert_int_equal(sigv4_sign_headers(&r, &b, &e), -ERR_INVALID); /* no host */
	r = test_req(&none);
	assert_int_equal(sigv4_sign_headers(&r, &b, &e), -ERR_INVALID);
	r = test_req(&k);
	r.path = "no-slash";
	assert_int_equal(sigv4_sign_headers(&r, &b, &e), -ERR_INVALID);
	memset(long_path, '/', 69999);
	r.path = long_path;
	assert_int_equal(sigv4_sign_headers(&r, &b, &e), -ERR_LIMIT);
	assert_int_equal(b.len, 0);
	keys_close(&k);
}

static void a_query_of_thousands_of_pairs_is_sorted(void **state)
{
	CLEANUP(buf_close) struct buf q = BUF_MAX(65536), b = BUF_MAX(1 << 20);
	struct keys k = test_keys();
	struct sigv4_req r = test_req(&k);

	(void)state;
	for (int i = 0; i < 16000; i++)
		buf_addf(&q, "%c&", 'z' - i % 26);
	r.query = q.data;
	assert_int_equal(sigv4_canonical(&r, false, &b, NULL), 0);
	assert_non_null(strstr(b.data, "GET\n/\na=&a=&a="));
	keys_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_published_vector_gives_the_published_bytes),
		cmocka_unit_test(a_path_is_encoded_twice_except_for_s3),
		cmocka_unit_test(a_host_with_a_port_is_signed_with_it),
		cmocka_unit_test(headers_that_hops_may_change_are_not_signed),
		cmocka_unit_test(what_the_signer_writes_is_refused_from_a_caller),
		cmocka_unit_test(what_cannot_be_signed_is_an_error),
		cmocka_unit_test(a_query_of_thousands_of_pairs_is_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
