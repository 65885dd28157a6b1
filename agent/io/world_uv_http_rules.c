/* world_uv_http_rules.c - what curl is told of a request, and everything that it would else decide by itself.
 *
 * A setting narrows only when no wider default stays beside it: so each of curl's and OpenSSL's defaults that could send bytes to
 * another place, trust another certificate or read another file stands here, also where it is the one we want. From the
 * environment nothing counts: no proxy, no certificates (SSL_CERT_FILE, SSL_CERT_DIR), no key log (SSLKEYLOGFILE), no
 * configuration, engine or provider of OpenSSL (OPENSSL_CONF, OPENSSL_ENGINES, OPENSSL_MODULES), no other library for TLS
 * (CURL_SSL_BACKEND), no .netrc or .curlrc (CURL_HOME, NETRC), no other names for hosts (LOCALDOMAIN, RES_OPTIONS, HOSTALIASES). */
#include "agent/io/world_uv_http_impl.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "agent/base/enc.h"
#include "agent/base/str.h"

#define HOST_MAX 230 /* a name has 253 bytes at most, and an alias a few more than its name, of 255 at most */
/* A peer that is gone without a word: after KEEP_IDLE_S of silence it is probed each KEEP_EACH_S; what it leaves unanswered for
 * GONE_MS, a probe or our request, ends the connection. */
#define KEEP_IDLE_S 20L
#define KEEP_EACH_S 10L
#define GONE_MS 60000u

/* An option that this build of curl does not have cannot widen anything; any other refusal is our mistake. */
static void set(CURLcode rc)
{
	assert(rc == CURLE_OK || rc == CURLE_NOT_BUILT_IN || rc == CURLE_UNKNOWN_OPTION);
	(void)rc;
}

#define SET(c, option, value) set(curl_easy_setopt(c, option, value))

/* ---- before the first request ---------------------------------------------------------------------------------------- */

/* OpenSSL reads its configuration once, at the first use, unless it is told before that there is none: then no engine and no
 * provider is loaded either. The rest is looked up by name each time, or by a build of curl that is not ours. */
void world_uv_http_deaf(void)
{
	static const char *const unheard[] = {
		"SSLKEYLOGFILE",        "SSL_CERT_FILE", "SSL_CERT_DIR",    "CURL_CA_BUNDLE",  "OPENSSL_CONF",
		"OPENSSL_CONF_INCLUDE", "CURL_HOME",     "OPENSSL_ENGINES", "OPENSSL_MODULES", "NETRC",
		"CURL_SSL_BACKEND",     "LOCALDOMAIN",   "RES_OPTIONS",     "HOSTALIASES",
	};

	for (size_t i = 0; i < ARRAY_LEN(unheard); i++)
		unsetenv(unheard[i]);
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

/* ---- the question ---------------------------------------------------------------------------------------------------- */

static void add_line(struct transfer *t, const char *fmt, const char *name, const char *value)
{
	char *line = mem_printf(fmt, name, value);

	t->headers = curl_slist_append(t->headers, line);
	mem_free(line);
}

static bool has_header(const struct http_req *r, const char *name)
{
	for (size_t i = 0; i < r->headers_n; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return true;
	return false;
}

/* curl adds some headers of its own; "Name:" takes one away, "Name;" sends one without a value. */
static void set_headers(struct transfer *t)
{
	static const char *const own[] = { "Expect", "Accept", "Content-Type", "User-Agent" };
	const struct http_req *r = t->r;

	for (size_t i = 0; i < r->headers_n; i++) {
		const struct http_header *h = &r->headers[i];

		add_line(t, h->value[0] != '\0' ? "%s: %s" : "%s;%s", h->name, h->value);
	}
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (!has_header(r, own[i]))
			add_line(t, "%s:%s", own[i], "");
	SET(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void set_method(CURL *c, const struct http_req *r)
{
	bool sends = r->send_len > 0 || str_eq(r->method, "POST") || str_eq(r->method, "PUT");

	/* With HEAD as a custom method curl would wait for a body that never comes (CURLOPT_CUSTOMREQUEST(3)). */
	if (str_eq(r->method, "HEAD")) {
		SET(c, CURLOPT_NOBODY, 1L);
		return;
	}
	/* The number of bytes is told because they may hold NULs. A POST or PUT without a body says so by Content-Length: 0. */
	if (sends) {
		SET(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->send_len);
		SET(c, CURLOPT_POSTFIELDS, r->send_len > 0 ? r->send : "");
	}
	SET(c, CURLOPT_CUSTOMREQUEST, r->method);
}

/* ---- whom to believe ------------------------------------------------------------------------------------------------- */

/* curl calls it for each new connection. */
static CURLcode give_store(CURL *easy, void *ssl_ctx, void *ctx)
{
	const struct transfer *t = ctx;

	(void)easy;
	X509_STORE_up_ref(t->trust.store);
	SSL_CTX_set_cert_store(ssl_ctx, t->trust.store); /* it owns one reference, and drops what curl has put there */
	return CURLE_OK;
}

/* The store's certificates and no others: curl's own file and folder of the system's would go on counting beside them. A session is
 * not resumed: it was verified when it began, by the certificates of then. */
static int set_trust(struct transfer *t)
{
	CURL *c = t->easy;

	SET(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or newer */
	SET(c, CURLOPT_SSL_VERIFYPEER, 1L);
	SET(c, CURLOPT_SSL_VERIFYHOST, 2L);   /* 2: the certificate must name the host */
	SET(c, CURLOPT_SSL_VERIFYSTATUS, 0L); /* few servers staple, so a missing answer proves nothing */
	SET(c, CURLOPT_SSL_OPTIONS, 0L);
	SET(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(c, CURLOPT_CAINFO, NULL);
	SET(c, CURLOPT_CAPATH, NULL);
	SET(c, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	SET(c, CURLOPT_CRLFILE, NULL);
	SET(c, CURLOPT_SSLCERT, NULL);
	SET(c, CURLOPT_SSLKEY, NULL);
	if (curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, t) != CURLE_OK ||
	    curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, give_store) != CURLE_OK)
		return err_set(&t->r->err, ERR_UNSUPPORTED, "this libcurl is built without OpenSSL");
	return 0;
}

/* ---- where to go ------------------------------------------------------------------------------------------------------ */

/* Only to the host of the url, or to what connect_to names in its place. A proxy that was given stands here later (set_proxy). */
static void set_ways(CURL *c)
{
	SET(c, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(c, CURLOPT_DEFAULT_PROTOCOL, "https"); /* of a url without a scheme */
	SET(c, CURLOPT_FOLLOWLOCATION, 0L);        /* an answer must not send a signed request elsewhere */
	SET(c, CURLOPT_MAXREDIRS, 0L);
	SET(c, CURLOPT_PROXY, ""); /* "": none, whatever http_proxy, https_proxy and all_proxy say */
	SET(c, CURLOPT_PRE_PROXY, "");
	SET(c, CURLOPT_NOPROXY, "*");
	SET(c, CURLOPT_ALTSVC, NULL); /* the header Alt-Svc would name another host */
	SET(c, CURLOPT_HSTS_CTRL, 0L);
	SET(c, CURLOPT_DOH_URL, NULL); /* names are looked up by world_uv_name.c */
	SET(c, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_WHATEVER);
	SET(c, CURLOPT_INTERFACE, NULL);
}

/* No name and no password but what the owner puts into a header. */
static void set_secrets(CURL *c)
{
	SET(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_NONE);
	SET(c, CURLOPT_PROXYAUTH, (long)CURLAUTH_NONE);
	SET(c, CURLOPT_UNRESTRICTED_AUTH, 0L);
	SET(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L); /* refused aloud, instead of passed over */
	SET(c, CURLOPT_COOKIEFILE, NULL);
	SET(c, CURLOPT_COOKIEJAR, NULL);
}

/* Without TCP_USER_TIMEOUT the kernel repeats an unanswered request for a quarter of an hour and does not probe meanwhile. */
static int set_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	unsigned gone_ms = GONE_MS;

	(void)ctx;
	(void)purpose;
	if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof(gone_ms)) != 0)
		err_ignore(-ERR_IO, "a unix socket has none, and its peer cannot vanish");
	return CURL_SOCKOPT_OK;
}

static void set_wire(CURL *c)
{
	SET(c, CURLOPT_NOSIGNAL, 1L); /* curl installs no handlers: signals are the daemon's */
	SET(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(c, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(c, CURLOPT_PATH_AS_IS, 1L); /* a signature covers the path as it was written */
	SET(c, CURLOPT_ACCEPT_ENCODING, NULL);
	SET(c, CURLOPT_HTTP_CONTENT_DECODING, 0L); /* a packed body is unpacked by its owner, who has a limit for it */
	SET(c, CURLOPT_TRANSFER_ENCODING, 0L);
	SET(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(c, CURLOPT_TCP_KEEPALIVE, 1L);
	SET(c, CURLOPT_TCP_KEEPIDLE, KEEP_IDLE_S);
	SET(c, CURLOPT_TCP_KEEPINTVL, KEEP_EACH_S);
	SET(c, CURLOPT_SOCKOPTFUNCTION, set_socket);
}

/* curl sends a request again by itself when a connection that was used before is lost without an answer, because it may have been
 * lost before; but the peer may just as well have carried it out. Whether it is made again is the owner's to say: a policy is asked
 * before each call, and a proof counts once. */
static int on_about_to_send(void *ctx, char *from, char *to, int from_port, int to_port)
{
	struct transfer *t = ctx;

	(void)from, (void)to, (void)from_port, (void)to_port;
	t->is_lost = t->is_sent;
	t->is_sent = true;
	return t->is_lost ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int set_once(struct transfer *t)
{
	if (curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t) != CURLE_OK ||
	    curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_about_to_send) != CURLE_OK)
		return err_set(&t->r->err, ERR_UNSUPPORTED, "this libcurl would send requests again by itself");
	return 0;
}

int world_uv_http_rules(struct transfer *t)
{
	TRY(set_once(t));
	set_ways(t->easy);
	set_secrets(t->easy);
	set_wire(t->easy);
	set_headers(t);
	set_method(t->easy, t->r);
	return set_trust(t);
}

bool world_uv_http_is_tls(const struct transfer *t)
{
	return strncasecmp(t->r->url, "http:", 5) != 0; /* and without a scheme it is https */
}

/* ---- the address ------------------------------------------------------------------------------------------------------ */

static bool is_address(const char *host)
{
	struct in6_addr a;

	return host[0] == '[' || inet_pton(AF_INET, host, &a) == 1;
}

/* "host:port". */
static int aim_at(struct transfer *t, const char *place, size_t host_len, const char *port)
{
	uint64_t n;

	if (host_len == 0 || host_len > HOST_MAX || str_u64(port, &n) != 0 || n == 0 || n > UINT16_MAX)
		return err_set(&t->r->err, ERR_INVALID, "\"%.*s:%s\" is no host and port", (int)host_len, place, port);
	t->host = mem_strn(place, host_len);
	t->port = (unsigned)n;
	if (!is_address(t->host))
		t->ask.host = t->host;
	return 0;
}

static int aim_at_url(struct transfer *t)
{
	CURLU *url = curl_url();
	char *host = NULL, *port = NULL;
	int rc;

	if (curl_url_set(url, CURLUPART_URL, t->r->url, CURLU_PATH_AS_IS) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		rc = err_set(&t->r->err, ERR_NET, "cannot be started: no url that has a host and a port");
	else
		rc = aim_at(t, host, strlen(host), port);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
	return rc;
}

int world_uv_http_aim(struct transfer *t)
{
	const char *place = t->r->connect_to, *colon;

	if (t->r->proxy != NULL)
		place = t->r->proxy->place;
	if (t->r->proxy != NULL && (t->r->connect_to != NULL || t->r->unix_socket != NULL))
		return err_set(&t->r->err, ERR_UNSUPPORTED, "a proxy, and another place to connect to: only one can be meant");
	if (t->r->unix_socket != NULL)
		return world_uv_http_is_tls(t) ? err_set(&t->r->err, ERR_UNSUPPORTED, "a unix socket speaks plain http alone") : 0;
	colon = place != NULL ? strrchr(place, ':') : NULL;
	if (colon != NULL)
		return aim_at(t, place, (size_t)(colon - place), colon + 1);
	return aim_at_url(t);
}

static void connect_to(struct transfer *t, const char *host)
{
	/* An empty host and port in front fit whatever the url says (CURLOPT_CONNECT_TO(3)). */
	CLEANUP(mem_close) char *rule = mem_printf("::%s:%u", host, t->port);

	t->connect_to = curl_slist_append(NULL, rule);
	SET(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
}

/* RFC 7617. By a header, because curl takes %41 in a proxy's user or password for A, in some versions at least. */
static void set_pair(struct transfer *t, const struct secret *pair)
{
	char line[sizeof("Proxy-Authorization: Basic ") + ENC_BASE64_LEN(HTTP_PAIR_MAX)] = "Proxy-Authorization: Basic ";

	assert(pair->len <= HTTP_PAIR_MAX);
	enc_base64(pair->bytes, pair->len, line + strlen(line));
	t->to_proxy = curl_slist_append(NULL, line);
	SET(t->easy, CURLOPT_PROXYHEADER, t->to_proxy);
	secret_wipe(line, sizeof(line));
}

/* curl sends the alias to nobody: what it says to the proxy is the url's host. Headers of the request are not the proxy's, and its
 * own are for nobody else, which HEADEROPT says. */
/* A refusal is known by its status. What stands behind that curl would read to its end, byte by byte and without going back to the
 * loop while there is more (curl 7.88, Curl_proxyCONNECT; for a second round of NTLM and the like, which we never begin): a body
 * without an end would stop the agent. curl calls this for each byte of it. */
static int on_proxy_answer(void *ctx, curl_off_t down, curl_off_t downed, curl_off_t up, curl_off_t upped)
{
	const struct transfer *t = ctx;
	long code = 0;

	(void)down, (void)downed, (void)up, (void)upped;
	/* 0, not CURL_PROGRESSFUNC_CONTINUE: for that curl would draw its own meter, into our log. */
	return curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &code) == CURLE_OK && code >= 300 ? 1 : 0;
}

static void set_proxy(struct transfer *t, const char *host)
{
	CLEANUP(mem_close) char *url = mem_printf("http://%s:%u", host, t->port);

	SET(t->easy, CURLOPT_PROXY, url);
	SET(t->easy, CURLOPT_PROXYTYPE, (long)CURLPROXY_HTTP);
	SET(t->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	SET(t->easy, CURLOPT_NOPROXY, ""); /* "": for every host, whatever no_proxy says */
	SET(t->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	SET(t->easy, CURLOPT_XFERINFOFUNCTION, on_proxy_answer);
	SET(t->easy, CURLOPT_XFERINFODATA, t);
	SET(t->easy, CURLOPT_NOPROGRESS, 0L);
	if (!secret_empty(&t->r->proxy->pair))
		set_pair(t, &t->r->proxy->pair);
}

static void go_by(struct transfer *t, const char *host)
{
	if (t->r->proxy != NULL)
		set_proxy(t, host);
	else
		connect_to(t, host);
}

static void add_as_label(struct buf *b, const char *address)
{
	for (const char *at = address; *at != '\0'; at++)
		buf_addc(b, strchr("[]:", *at) != NULL ? '-' : *at);
}

/* By the alias curl knows a connection to addresses that no longer count, or judged by other certificates, from one that may be
 * used again. So an address has one, too, where certificates count. */
void world_uv_http_route(struct transfer *t)
{
	CLEANUP(buf_close) struct buf alias = BUF_MAX(256), resolve = BUF_MAX(4096);

	if (t->r->unix_socket != NULL) {
		SET(t->easy, CURLOPT_UNIX_SOCKET_PATH, t->r->unix_socket);
		return;
	}
	if (t->trust.store != NULL)
		buf_addf(&alias, "t%x.", t->trust.generation);
	/* "+" in front of a rule for CURLOPT_RESOLVE(3) has it time out like any other entry: without it curl keeps each alias
	 * for ever. */
	if (t->ask.host != NULL) {
		t->epoch = world_uv_name_place(t->u, t->host, t->port, &alias, &resolve);
	} else if (t->trust.store != NULL) {
		add_as_label(&alias, t->host);
		buf_addf(&resolve, "+%s:%u:%s", buf_str(&alias), t->port, t->host);
	} else {
		go_by(t, t->host);
		return;
	}
	go_by(t, buf_str(&alias));
	t->resolve = curl_slist_append(NULL, buf_str(&resolve));
	SET(t->easy, CURLOPT_RESOLVE, t->resolve);
}
