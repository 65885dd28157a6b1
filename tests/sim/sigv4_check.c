/* sigv4_check.c - see sigv4_check.h. Written from "Create a signed AWS API request" (IAM User Guide), not from our signer. */
#include "tests/sim/sigv4_check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agent/base/digest.h"
#include "agent/base/mem.h"

const char *sigv4_header_of(const struct sigv4_seen *s, const char *name)
{
	for (size_t i = 0; i < s->headers_n; i++)
		if (strcasecmp(s->headers[i].name, name) == 0)
			return s->headers[i].value;
	return NULL;
}

const char *sigv4_read(const struct sigv4_seen *s, struct sigv4_claim *c)
{
	const char *a = sigv4_header_of(s, "Authorization");
	char tail[16], rest[2];

	*c = (struct sigv4_claim){ 0 };
	if (a == NULL)
		return "no Authorization header";
	if (sscanf(a,
		   "AWS4-HMAC-SHA256 Credential=%131[A-Z0-9]/%8[0-9]/%31[a-z0-9-]/%31[a-z0-9-]/%15[a-z0-9_], "
		   "SignedHeaders=%511[a-z0-9;-], Signature=%64[0-9a-f]%1s",
		   c->key_id, c->day, c->region, c->service, tail, c->signed_headers, c->signature, rest) != 7 ||
	    strcmp(tail, "aws4_request") != 0 || strlen(c->signature) != 64)
		return "an Authorization header of another form";
	return NULL;
}

int64_t sigv4_date_ms(const struct sigv4_seen *s)
{
	const char *d = sigv4_header_of(s, "X-Amz-Date"), *end;
	struct tm tm = { 0 };

	if (d == NULL)
		return 0;
	end = strptime(d, "%Y%m%dT%H%M%SZ", &tm);
	return end != NULL && *end == '\0' ? (int64_t)timegm(&tm) * 1000 : 0;
}

/* One canonical header line: name, colon, the value trimmed and its runs of blanks made one. */
static void canonical_header(struct buf *to, const char *name, const char *value)
{
	bool blank = false;

	buf_addf(to, "%s:", name);
	while (*value == ' ')
		value++;
	for (; *value != '\0'; value++) {
		if (*value == ' ') {
			blank = true;
			continue;
		}
		if (blank)
			buf_addc(to, ' ');
		blank = false;
		buf_addc(to, *value);
	}
	buf_addc(to, '\n');
}

static const char *must_be_signed(const struct sigv4_seen *s, const char *list)
{
	static const char *const musts[] = { "host", "x-amz-date", "content-type", "x-amz-security-token" };
	CLEANUP(mem_close) char *fenced = mem_printf(";%s;", list);

	for (size_t i = 0; i < ARRAY_LEN(musts); i++) {
		CLEANUP(mem_close) char *name = mem_printf(";%s;", musts[i]);

		if (sigv4_header_of(s, musts[i]) == NULL)
			return musts[i];
		if (strstr(fenced, name) == NULL)
			return "a header that must be signed is not";
	}
	return NULL;
}

static const char *canonical_request(const struct sigv4_seen *s, const struct sigv4_claim *c, struct buf *to)
{
	CLEANUP(mem_close) char *list = mem_str(c->signed_headers);
	struct digest body = digest_of(s->body, s->body_len);
	char hex[DIGEST_HEX_LEN];
	const char *last = "";

	buf_addf(to, "%s\n%s\n\n", s->method, s->path);
	for (char *name = list, *rest = list; (name = strsep(&rest, ";")) != NULL; last = name) {
		const char *value = sigv4_header_of(s, name);

		if (value == NULL)
			return "SignedHeaders names a header that is not there";
		if (strcmp(last, name) >= 0)
			return "SignedHeaders is not in order";
		canonical_header(to, name, value);
	}
	buf_addf(to, "\n%s\n%s", c->signed_headers, digest_hex(&body, hex));
	return NULL;
}

static struct digest hmac(const struct digest *key, const char *text)
{
	return digest_hmac(key->b, sizeof(key->b), text, strlen(text));
}

static struct digest signing_key(const struct sigv4_claim *c, const char *secret)
{
	CLEANUP(mem_close) char *first = mem_printf("AWS4%s", secret);
	struct digest k = digest_hmac(first, strlen(first), c->day, strlen(c->day));

	k = hmac(&k, c->region);
	k = hmac(&k, c->service);
	return hmac(&k, "aws4_request");
}

const char *sigv4_check(const struct sigv4_seen *s, const struct sigv4_claim *c, const char *secret)
{
	CLEANUP(buf_close) struct buf request = BUF_MAX(1u << 20), to_sign = BUF_MAX(4096);
	const char *date = sigv4_header_of(s, "X-Amz-Date"), *wrong = must_be_signed(s, c->signed_headers);
	char hex[DIGEST_HEX_LEN];
	struct digest d, key;

	if (wrong == NULL)
		wrong = canonical_request(s, c, &request);
	if (wrong != NULL)
		return wrong;
	if (strncmp(date, c->day, 8) != 0)
		return "X-Amz-Date is of another day than the scope";
	d = digest_of(buf_str(&request), request.len);
	buf_addf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", date, c->day, c->region, c->service,
		 digest_hex(&d, hex));
	key = signing_key(c, secret);
	d = hmac(&key, buf_str(&to_sign));
	return strcmp(digest_hex(&d, hex), c->signature) == 0 ? NULL : "the signature does not match";
}
