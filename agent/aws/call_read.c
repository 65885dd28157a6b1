/* call_read.c - an HTTP answer as AWS's answer: the XML of the action that was asked, an error in one of the two shapes, or
 * something that no AWS service wrote (a proxy's page, half a document), which is shown to people by its first bytes.
 *
 * A 200 alone proves nothing: the root element of a query protocol's answer must be "<Action>Response"; REST XML and JSON must be
 * well formed, or nothing at all. Texts that come from outside are cut and made
 * printable before they are kept. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/aws/call_impl.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define PEEK_LEN 120
#define MESSAGE_MAX 300
#define ENCODED "Encoded authorization failure message:"

static void set_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%.*s", (int)size - 1, from);
	for (char *s = to; *s != '\0'; s++)
		if (!isgraph((unsigned char)*s))
			*s = '?';
}

/* A pretty-printed document has blanks and line ends around its values. */
static void set_trimmed(char *to, size_t size, const char *from)
{
	static const char blanks[] = " \t\r\n";
	CLEANUP(mem_close) char *copy = mem_str(from + strspn(from, blanks));

	for (size_t n = strlen(copy); n > 0 && strchr(blanks, copy[n - 1]) != NULL;)
		copy[--n] = '\0';
	set_text(to, size, copy);
}

static void set_request_id(struct aws_call *c, const struct xml_node *root)
{
	/* In this order: an answer of EC2, an error of EC2, an error of the other query services and of S3, an answer of those. */
	static const char *const places[] = { "requestId", "RequestID", "RequestId", "ResponseMetadata/RequestId" };
	CLEANUP(buf_close) struct buf b = BUF_MAX(sizeof(c->request_id) - 1);

	for (size_t i = 0; i < ARRAY_LEN(places) && c->request_id[0] == '\0' && root != NULL; i++)
		set_trimmed(c->request_id, sizeof(c->request_id), xml_get(root, places[i]));
	/* The second is S3's. */
	if (c->request_id[0] == '\0' &&
	    (http_header_get(&c->http, "x-amzn-RequestId", &b) || http_header_get(&c->http, "x-amz-request-id", &b)))
		set_text(c->request_id, sizeof(c->request_id), buf_str(&b));
}

static bool is_answer(const struct aws_call *c, const struct xml_node *root)
{
	size_t n = strlen(c->req.action);

	return strncmp(xml_name(root), c->req.action, n) == 0 && str_eq(xml_name(root) + n, "Response");
}

/* The first bytes of an answer that cannot be read, fit for a log line. */
static const char *peek(const struct aws_call *c, char to[PEEK_LEN + 1])
{
	snprintf(to, PEEK_LEN + 1, "%s", buf_str(&c->http.body));
	for (char *s = to; *s != '\0'; s++)
		/* A quote would end those that stand around it in the sentence. */
		if (!isprint((unsigned char)*s) || *s == '"')
			*s = ' ';
	return to;
}

static void describe_stranger(struct aws_call *c)
{
	char start[PEEK_LEN + 1];

	err_set(&c->err, ERR_SERVICE, "%s: HTTP %d with a body that is no answer of AWS: \"%s\"", c->req.action, c->status,
		peek(c, start));
}

/* Where "Encoded authorization failure message: ..." stands in an error's message, at its end; NULL: nowhere. */
static const char *find_encoded(const char *message)
{
	return strcasestr(message, ENCODED);
}

/* Cut anywhere it can never be decoded again: it is kept whole, and the sentence goes without it. */
static void keep_encoded(struct aws_call *c, const char *at)
{
	size_t n;

	at += strlen(ENCODED);
	at += strspn(at, " \t\r\n");
	n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=");
	if (n > 0)
		c->encoded = mem_strn(at, n);
}

static void describe_error(struct aws_call *c, const struct xml_node *error)
{
	const char *message = xml_get(error, "Message"), *encoded = find_encoded(message);
	int n = encoded != NULL ? (int)(encoded - message) : (int)strlen(message);

	if (encoded != NULL)
		keep_encoded(c, encoded);
	while (n > 0 && isspace((unsigned char)message[n - 1]))
		n--;
	err_set(&c->err, 0, "%s: %s (HTTP %d): %.*s", c->req.action, c->code, c->status, n < MESSAGE_MAX ? n : MESSAGE_MAX,
		message);
}

static bool is_success(const struct aws_call *c)
{
	return c->status >= 200 && c->status <= 299;
}

/* Errors of JSON services: {"__type": "prefix#Code", "message": ...}. */
static void describe_json_error(struct aws_call *c, const json_t *j)
{
	const char *type = json_str_or(j, "__type", ""), *hash = strchr(type, '#');
	/* Some services write message, some Message. */
	const char *message = json_str_or(j, "message", json_str_or(j, "Message", ""));

	set_trimmed(c->code, sizeof(c->code), hash != NULL ? hash + 1 : type);
	if (c->code[0] != '\0')
		err_set(&c->err, 0, "%s: %s (HTTP %d): %.*s", c->req.action, c->code, c->status, MESSAGE_MAX, message);
	else
		describe_stranger(c);
}

static bool read_json(struct aws_call *c)
{
	CLEANUP(json_close) json_t *j = NULL;
	bool is_json = json_parse(buf_str(&c->http.body), c->http.body.len, "the answer", &j, NULL) == 0;

	set_request_id(c, NULL);
	if (is_success(c) && (is_json || c->http.body.len == 0)) {
		c->json = json_incref(j);
		return true;
	}
	describe_json_error(c, j);
	return false;
}

static bool is_good(const struct aws_call *c, const struct xml_node *root)
{
	if (c->req.shape == REQUEST_REST)
		return is_success(c) && (root != NULL ? !str_eq(xml_name(root), "Error") : c->http.body.len == 0);
	/* Of a query protocol any other 2xx is somebody else's, a proxy's. */
	return root != NULL && c->status == 200 && is_answer(c, root);
}

/* Of REST XML the root itself; of the query protocols inside of one. */
static const struct xml_node *error_in(const struct xml_node *root)
{
	const struct xml_node *error = xml_find(root, "Errors/Error"); /* ec2Query */

	if (root != NULL && str_eq(xml_name(root), "Error"))
		return root;
	return error != NULL ? error : xml_find(root, "Error"); /* awsQuery */
}

static bool read_xml(struct aws_call *c)
{
	CLEANUP(xml_close) struct xml *x = NULL;
	const struct xml_node *root = NULL, *error;

	if (xml_parse(buf_str(&c->http.body), c->http.body.len, &x, NULL) == 0)
		root = xml_root(x);
	set_request_id(c, root);
	if (is_good(c, root)) {
		c->xml = x;
		x = NULL;
		return true;
	}
	error = error_in(root);
	set_trimmed(c->code, sizeof(c->code), xml_get(error, "Code"));
	if (c->code[0] != '\0')
		describe_error(c, error);
	else
		describe_stranger(c);
	return false;
}

static bool read_status(struct aws_call *c)
{
	if (!is_success(c))
		err_set(&c->err, 0, "%s: HTTP %d", c->req.action, c->status);
	return is_success(c);
}

bool call_read(struct aws_call *c)
{
	if (c->req.shape == REQUEST_STATUS)
		return read_status(c);
	return c->req.shape == REQUEST_JSON ? read_json(c) : read_xml(c);
}
