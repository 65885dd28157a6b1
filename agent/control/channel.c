/* channel.c - login and proof.
 *
 * Happy path: out -> keys -> challenge -> login -> in. Failure: any answer but the right one goes to waiting (1 s .. 5 min,
 * full jitter, and no less than a Retry-After) and begins again with a new ephemeral key. A login that is refused may have
 * shown STS a wrong time or keys that ended, and nobody tells us: so before the next one we ask STS ourselves, which teaches
 * the clock and renews the keys. Close: cancels what is under way and wipes key and token. */
#include "agent/control/channel.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/aws/creds.h"
#include "agent/aws/sigv4.h"
#include "agent/aws/sts.h"
#include "agent/base/backoff.h"
#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/secret.h"
#include "agent/base/sm.h"
#include "agent/base/str.h"
#include "agent/control/words.h"
#include "agent/io/ending.h"

#define STS_BODY "Action=GetCallerIdentity&Version=2011-06-15"
#define SCHEME "Reeve "
#define ANSWER_MAX (64u << 10)
#define TOKEN_MAX 512
#define TOKEN_MAX_S 3600
#define RENEW_EARLY_MS 120000ull

/*  out --> keys --> challenge --> login --> in      keys, challenge, login --> waiting --> check, keys      check, in --> keys  */
enum { CHANNEL_OUT, CHANNEL_CHECK, CHANNEL_KEYS, CHANNEL_CHALLENGE, CHANNEL_LOGIN, CHANNEL_IN, CHANNEL_WAITING };
static const struct sm_state channel_states[] = {
	[CHANNEL_OUT] = { "out", SM_TO(CHANNEL_KEYS) },
	[CHANNEL_CHECK] = { "check", SM_TO(CHANNEL_KEYS) },
	[CHANNEL_KEYS] = { "keys", SM_TO(CHANNEL_CHALLENGE) | SM_TO(CHANNEL_WAITING) },
	[CHANNEL_CHALLENGE] = { "challenge", SM_TO(CHANNEL_LOGIN) | SM_TO(CHANNEL_WAITING) },
	[CHANNEL_LOGIN] = { "login", SM_TO(CHANNEL_IN) | SM_TO(CHANNEL_WAITING) },
	[CHANNEL_IN] = { "in", SM_TO(CHANNEL_KEYS) | SM_TO(CHANNEL_WAITING) },
	[CHANNEL_WAITING] = { "waiting", SM_TO(CHANNEL_CHECK) | SM_TO(CHANNEL_KEYS) },
};

struct channel {
	struct world *w;
	struct channel_config cfg;
	struct sm sm;
	struct creds_req keys;
	struct aws_call check; /* GetCallerIdentity, after a refused login */
	bool was_refused;
	struct backoff_ask asked; /* how long the vendor wants to be left alone */
	struct http_req http;
	struct timer timer; /* waiting, renewal */
	struct backoff backoff;
	struct sign_ready *key; /* of the session that is used */
	struct secret token;
	uint64_t counter;
	struct sign_key new_key; /* of the session that is being made */
	struct buf send;
	char url[512];
	struct trouble trouble;
	struct ending end;
};

static const char *channel_broken(const struct sm *m)
{
	const struct channel *c = container_of(m, const struct channel, sm);

	if (m->now == CHANNEL_IN && c->token.len == 0)
		return "who is in has a token";
	return NULL;
}

static const struct sm_machine channel_machine = SM_MACHINE("channel", channel_states, channel_broken);

static void begin(struct channel *c);
static void on_timer(struct timer *t);

/* ---- the signed request that is the proof of identity ---- */

static json_t *headers_json(const struct sigv4_header *given, size_t n, const char *added)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("[s, s]", given[i].name, given[i].value));
	for (const char *line = added; *line != '\0';) {
		size_t len = strcspn(line, "\n"), name = strcspn(line, ":");

		json_array_append_new(list, json_pack("[s%, s%]", line, name, line + name + 2, len - name - 2));
		line += len + (line[len] == '\n');
	}
	return list;
}

int channel_sts_json(const struct keys *k, const char *region, const char *host, const char *audience, const char *challenge,
		     const struct sign_public *channel_key, int64_t time_ms, struct buf *ret, struct err *e)
{
	CLEANUP(buf_close) struct buf added = BUF_MAX(16384);
	CLEANUP(json_close) json_t *j = NULL;
	struct digest hash = digest_of(channel_key->b, sizeof(channel_key->b));
	char channel[ENC_BASE64_LEN(DIGEST_LEN)];
	const struct sigv4_header headers[] = {
		{ "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
		{ "Host", host },
		{ "X-Reeve-Audience", audience },
		{ "X-Reeve-Challenge", challenge },
		{ "X-Reeve-Channel", enc_base64url(hash.b, sizeof(hash.b), channel) },
	};
	struct sigv4_req r = { .method = "POST",
			       .path = "/",
			       .query = "",
			       .headers = headers,
			       .headers_n = ARRAY_LEN(headers),
			       .body = STS_BODY,
			       .body_len = strlen(STS_BODY),
			       .region = region,
			       .service = sts_service.name,
			       .time_ms = time_ms,
			       .keys = k,
			       .normalize = true,
			       .double_encode = true };

	TRY(sigv4_sign_headers(&r, &added, e));
	j = json_pack("{s:s, s:o, s:s}", "host", host, "headers", headers_json(headers, ARRAY_LEN(headers), buf_str(&added)),
		      "body", STS_BODY);
	return json_write(j, ret);
}

/* ---- failure, waiting ---- */

static void failed(struct channel *c, const char *what, enum trouble_kind kind)
{
	uint64_t wait = backoff_asked_ms(&c->backoff, world_random64(c->w), c->asked, CHANNEL_CAPS);

	secret_wipe(&c->new_key, sizeof(c->new_key));
	c->trouble.kind = kind;
	err_wrap(&c->trouble.err, -c->trouble.err.code, "login, %s", what);
	log_warn("control.login.failed", "err=%s retry_in_ms=%" PRIu64, err_text(&c->trouble.err), wait);
	sm_move(&c->sm, CHANNEL_WAITING);
	timer_start(c->w, &c->timer, wait, on_timer);
}

/* A status that is not 200. */
static int refused(struct channel *c)
{
	char words[WORDS_MAX];

	c->was_refused = c->http.status == 403;
	if (c->http.status == 429 || c->http.status == 503)
		c->asked = http_retry_after(&c->http, world_wall_ms(c->w));
	words_of(buf_str(&c->http.body), c->http.body.len, words);
	return err_set(&c->trouble.err, ERR_DENIED, "the vendor answered %d to %s%s%s", c->http.status, c->url,
		       *words != '\0' ? ": " : "", words);
}

static int answer(struct channel *c, int rc, json_t **ret)
{
	if (rc != 0) {
		c->trouble.err = c->http.err;
		return err_wrap(&c->trouble.err, rc, "no answer from %s", c->url);
	}
	if (c->http.status != 200)
		return refused(c);
	rc = json_parse(buf_str(&c->http.body), c->http.body.len, "the vendor's answer", ret, &c->trouble.err);
	return rc == 0 ? 0 : err_wrap(&c->trouble.err, rc, "%s", c->url);
}

static void post(struct channel *c, const char *path, http_cb *cb)
{
	snprintf(c->url, sizeof(c->url), "%s%s", c->cfg.url, path);
	c->http.method = "POST";
	c->http.url = c->url;
	c->http.headers_n = 0;
	http_header_set(&c->http, "Content-Type", "application/json");
	http_header_set(&c->http, "User-Agent", "reeve/" REEVE_VERSION);
	c->http.send = buf_str(&c->send);
	c->http.send_len = c->send.len;
	c->http.ca_file = c->cfg.ca_file;
	c->http.connect_to = c->cfg.connect_to;
	c->http.proxy = c->cfg.proxy;
	c->http.body.max = ANSWER_MAX;
	http_start(c->w, &c->http, cb);
}

/* ---- login ---- */

static int take_token(struct channel *c, const json_t *j)
{
	struct sign_ready *key;
	const char *token;
	uint64_t expires;

	TRY(json_get_str(j, "token", &token, &c->trouble.err));
	TRY(json_get_u64(j, "expires_in_s", &expires, &c->trouble.err));
	if (*token == '\0' || strlen(token) > TOKEN_MAX ||
	    strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") != strlen(token))
		return err_set(&c->trouble.err, ERR_INVALID,
			       "the token is empty, over %d bytes, or has a character outside token68", TOKEN_MAX);
	if (expires == 0 || expires > TOKEN_MAX_S)
		return err_set(&c->trouble.err, ERR_INVALID, "a token for %llu s; at most %d s are allowed",
			       (unsigned long long)expires, TOKEN_MAX_S);
	key = sign_ready_new(&c->new_key, &c->trouble.err);
	if (key == NULL)
		return -ERR_UNSUPPORTED;
	secret_set(&c->token, token, strlen(token));
	sign_ready_free(c->key);
	c->key = key;
	c->counter = 0;
	secret_wipe(&c->new_key, sizeof(c->new_key));
	expires *= 1000;
	timer_start(c->w, &c->timer, expires > 2 * RENEW_EARLY_MS ? expires - RENEW_EARLY_MS : expires / 2, on_timer);
	return 0;
}

static void on_login(struct http_req *r, int rc)
{
	struct channel *c = container_of(r, struct channel, http);
	enum trouble_kind kind = trouble_kind_of(rc, r->status);
	CLEANUP(json_close) json_t *j = NULL;

	if (ending_is_on(&c->end)) {
		ending_step(&c->end);
		return;
	}
	rc = answer(c, rc, &j);
	if (rc == 0)
		rc = take_token(c, j);
	if (rc != 0) {
		failed(c, "token", kind);
		return;
	}
	sm_move(&c->sm, CHANNEL_IN);
	c->trouble = (struct trouble){ 0 };
	log_info("control.login", "vendor=%s", c->cfg.host);
	c->cfg.ready(c->cfg.ctx);
}

static int login_json(struct channel *c, const char *challenge)
{
	CLEANUP(json_close) json_t *j = json_object();
	CLEANUP(buf_close) struct buf sts = BUF_MAX(ANSWER_MAX), host = BUF_MAX(256);
	char channel[ENC_BASE64_LEN(SIGN_KEY_LEN)], journal[ENC_BASE64_LEN(SIGN_KEY_LEN)];
	int64_t now = world_wall_ms(c->w) + aws_clock_offset_ms(c->cfg.aws);
	json_t *sts_json = NULL;

	aws_host(c->cfg.aws, &sts_service, &host);
	TRY(channel_sts_json(&c->keys.keys, aws_region(c->cfg.aws), buf_str(&host), c->cfg.host, challenge, &c->new_key.pub, now,
			     &sts, &c->trouble.err));
	TRY(json_parse(buf_str(&sts), sts.len, "sts", &sts_json, &c->trouble.err));
	json_object_set_new(j, "installation", json_string(c->cfg.installation));
	json_object_set_new(j, "channel_key", json_string(enc_base64url(c->new_key.pub.b, SIGN_KEY_LEN, channel)));
	json_object_set_new(j, "journal_key", json_string(enc_base64url(c->cfg.journal_key.b, SIGN_KEY_LEN, journal)));
	json_object_set_new(j, "sts", sts_json);
	buf_reset(&c->send);
	return json_write(j, &c->send);
}

static int take_challenge(struct channel *c, const json_t *j)
{
	uint8_t bytes[32];
	const char *challenge;

	TRY(json_get_str(j, "challenge", &challenge, &c->trouble.err));
	if (enc_unbase64(challenge, bytes, sizeof(bytes)) != 0)
		return err_set(&c->trouble.err, ERR_INVALID, "the challenge is not 32 bytes of base64url");
	return login_json(c, challenge);
}

static void on_challenge(struct http_req *r, int rc)
{
	struct channel *c = container_of(r, struct channel, http);
	enum trouble_kind kind = trouble_kind_of(rc, r->status);
	CLEANUP(json_close) json_t *j = NULL;

	if (ending_is_on(&c->end)) {
		ending_step(&c->end);
		return;
	}
	rc = answer(c, rc, &j);
	if (rc == 0)
		rc = take_challenge(c, j);
	keys_close(&c->keys.keys);
	if (rc != 0) {
		failed(c, "challenge", kind);
		return;
	}
	sm_move(&c->sm, CHANNEL_LOGIN);
	post(c, "/reeve/v1/login", on_login);
}

static void on_keys(struct creds_req *req, int rc)
{
	struct channel *c = container_of(req, struct channel, keys);
	uint8_t seed[SIGN_KEY_LEN];

	if (ending_is_on(&c->end)) {
		ending_step(&c->end);
		return;
	}
	c->w->random(c->w, seed, sizeof(seed));
	if (rc != 0)
		c->trouble.err = req->err;
	else
		rc = sign_key_init(&c->new_key, seed, &c->trouble.err);
	secret_wipe(seed, sizeof(seed));
	if (rc != 0) {
		failed(c, "keys", TROUBLE_KEYS);
		return;
	}
	sm_move(&c->sm, CHANNEL_CHALLENGE);
	buf_reset(&c->send);
	buf_adds(&c->send, "{}");
	post(c, "/reeve/v1/challenge", on_challenge);
}

static void get_keys(struct channel *c)
{
	sm_move(&c->sm, CHANNEL_KEYS);
	creds_get(c->cfg.instance, &c->keys, on_keys);
}

static void on_check(struct aws_call *call)
{
	struct channel *c = container_of(call, struct channel, check);

	if (ending_is_on(&c->end))
		ending_step(&c->end);
	else
		get_keys(c); /* whatever came of it: what a refusal taught about clock or keys is in use now */
}

static void begin(struct channel *c)
{
	c->asked = (struct backoff_ask){ 0 }; /* what was wrong the last time is told until it goes well */
	if (!c->was_refused) {
		get_keys(c);
		return;
	}
	c->was_refused = false;
	sm_move(&c->sm, CHANNEL_CHECK);
	aws_call_close(&c->check);
	c->check = (struct aws_call){ 0 };
	sts_get_caller_identity(&c->check.req);
	aws_call_start(c->cfg.aws, &c->check, c->cfg.instance, on_check);
}

/* ---- life ---- */

static bool is_out(struct closing *closing)
{
	struct channel *c = container_of(closing, struct channel, end.closing);

	return c->keys.c != NULL || c->http.impl != NULL || aws_call_is_running(&c->check);
}

static void channel_free(struct closing *closing)
{
	struct channel *c = container_of(closing, struct channel, end.closing);

	timer_stop(c->w, &c->timer);
	keys_close(&c->keys.keys);
	aws_call_close(&c->check);
	http_req_close(&c->http);
	secret_close(&c->token);
	sign_ready_free(c->key);
	secret_wipe(&c->new_key, sizeof(c->new_key));
	buf_close(&c->send);
	mem_free(c);
}

static const struct closing_how channel_how = { is_out, channel_free };

static void on_timer(struct timer *t)
{
	begin(container_of(t, struct channel, timer));
}

struct channel *channel_new(struct world *w, const struct channel_config *cfg)
{
	struct channel *c = mem_new(struct channel);

	c->w = w;
	c->cfg = *cfg;
	c->backoff = BACKOFF(1000, 300000);
	c->send = BUF_MAX(ANSWER_MAX);
	c->http.head = BUF_MAX(65536);
	sm_init(&c->sm, &channel_machine, CHANNEL_OUT);
	return c;
}

/* The part of a url behind its host. */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = strchr(host != NULL ? host + 3 : url, '/');

	return path != NULL ? path : "/";
}

static void message_of(struct channel *c, const struct http_req *r, struct buf *to)
{
	char body[DIGEST_HEX_LEN], token[DIGEST_HEX_LEN];
	struct digest b = r->send_digest != NULL ? *r->send_digest : digest_of(r->send, r->send_len);
	struct digest t = digest_of(c->token.bytes, c->token.len);

	buf_add(to, SIGN_DOMAIN_PROOF, sizeof(SIGN_DOMAIN_PROOF)); /* with its NUL */
	buf_addf(to, "%s\n%s\n%s\n%" PRIu64 "\n%s", r->method, path_of(r->url), digest_hex(&b, body), c->counter,
		 digest_hex(&t, token));
}

int channel_sign(struct channel *c, const struct http_req *r, struct channel_proof *p, struct err *e)
{
	CLEANUP(buf_close) struct buf msg = BUF_MAX(4096);
	uint8_t sig[SIGN_SIG_LEN];
	char text[ENC_BASE64_LEN(SIGN_SIG_LEN)];

	if (ending_is_on(&c->end))
		return err_set(e, ERR_CANCELED, "the channel closes");
	if (c->token.len == 0) {
		if (c->sm.now == CHANNEL_OUT)
			begin(c);
		return err_set(e, ERR_NOTYET, "not logged in at the vendor%s%s", c->trouble.err.code != 0 ? ": " : "",
			       trouble_text(&c->trouble));
	}
	c->counter++;
	message_of(c, r, &msg);
	TRY(buf_check(&msg, "the request's path", e));
	TRY(sign_ready_raw(c->key, msg.data, msg.len, sig, e));
	snprintf(p->authorization, sizeof(p->authorization), SCHEME "%s", c->token.bytes);
	snprintf(p->proof, sizeof(p->proof), "v1 %" PRIu64 " %s", c->counter, enc_base64url(sig, sizeof(sig), text));
	return 0;
}

static bool is_of_token(const struct channel *c, const char *authorization)
{
	return c->token.len > 0 && str_starts(authorization, SCHEME) && str_eq(authorization + strlen(SCHEME), c->token.bytes);
}

void channel_authorized(struct channel *c, const char *authorization)
{
	if (is_of_token(c, authorization))
		backoff_reset(&c->backoff);
}

/* Back-off also here: a vendor that takes our login and then refuses its own token must not be hammered. Outside of CHANNEL_IN a
 * new login is under way, or waits for its turn, already. */
void channel_unauthorized(struct channel *c, const char *authorization)
{
	if (!is_of_token(c, authorization))
		return;
	secret_close(&c->token);
	if (c->sm.now != CHANNEL_IN || ending_is_on(&c->end))
		return;
	sm_move(&c->sm, CHANNEL_WAITING);
	timer_start(c->w, &c->timer, backoff_next_ms(&c->backoff, world_random64(c->w)), on_timer);
}

bool channel_is_in(const struct channel *c)
{
	return c->token.len > 0;
}

const struct trouble *channel_trouble(const struct channel *c)
{
	return &c->trouble;
}

void channel_close(struct channel *c, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&c->end, c->w, &channel_how, done, ctx);
	timer_stop(c->w, &c->timer);
	if (c->sm.now == CHANNEL_KEYS)
		creds_cancel(&c->keys);
	else if (c->sm.now == CHANNEL_CHECK)
		aws_call_cancel(&c->check);
	else if (c->sm.now == CHANNEL_CHALLENGE || c->sm.now == CHANNEL_LOGIN)
		http_cancel(c->w, &c->http);
}
