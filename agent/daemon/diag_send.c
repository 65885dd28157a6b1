/* diag_send.c - a bundle on its way to the vendor.
 *
 *   may it? --> POST --> there    no session, no answer, 429, 503: again after a while, by the customer's leave each time
 * The bundle is read, and its rules are compared with the policy's, before each try: what was allowed a minute ago may not be
 * now. */
#include "agent/daemon/agent_impl.h"
#include "agent/daemon/diag.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/config.h"
#include "agent/control/words.h"
#include "agent/daemon/diag_bundle.h"
#include "agent/daemon/diag_files.h"
#include "agent/ops/op_env.h"

#define WAIT_MS 1000
#define ANSWER_BYTES 4096
#define TOTAL_MS 120000

struct sending {
	struct deed_req *req;
	struct agent *a;
	const char *dir;
	struct digest digest;
	struct buf bundle;
	char *url;
	struct http_req http;
	struct channel_proof proof;
	struct backoff backoff;
	struct timer timer;
	bool is_out, is_cancelled;
};

static struct world *world_of(const struct sending *s)
{
	return s->req->env->w;
}

static void end(struct sending *s)
{
	struct deed_req *req = s->req;

	timer_stop(world_of(s), &s->timer);
	http_req_close(&s->http);
	buf_close(&s->bundle);
	mem_free(s->url);
	mem_free(s);
	req->priv = NULL;
	req->cb(req);
}

static void fail(struct sending *s, const char *class, const struct err *e)
{
	s->req->error = json_pack("{s:s, s:o}", "class", class, "message", json_text(err_text(e)));
	end(s);
}

static void on_try(struct timer *t);

static void again(struct sending *s, struct backoff_ask ask, const char *why)
{
	uint64_t wait = backoff_asked_ms(&s->backoff, world_random64(world_of(s)), ask, CHANNEL_CAPS);

	log_warn("diag.send.failed", "op=%s err=%s retry_in_ms=%llu", s->req->id, why, (unsigned long long)wait);
	s->req->again(s->req, why);
	timer_start(world_of(s), &s->timer, wait, on_try);
}

static void succeed(struct sending *s, const char *how)
{
	char hex[DIGEST_HEX_LEN];

	snprintf(s->req->note, sizeof(s->req->note), "the vendor %s bundle %s of %zu bytes", how, digest_hex(&s->digest, hex),
		 s->bundle.len);
	end(s);
}

/*  200, 204            it is there
 *  409                 it was there already
 *  no answer           again, with back-off
 *  401                 again, after a new login
 *  429, 503            again, and no earlier than Retry-After
 *  anything else       the vendor does not want it: failed  */
static void on_answer(struct http_req *r, int rc)
{
	struct sending *s = container_of(r, struct sending, http);
	char words[WORDS_MAX] = "";
	struct err e = { 0 };

	s->is_out = false;
	if (s->is_cancelled) {
		fail(s, "INTERNAL", &(struct err){ .code = ERR_CANCELED, .text = "called off" });
		return;
	}
	if (rc != 0) {
		again(s, (struct backoff_ask){ 0 }, err_text(&r->err));
		return;
	}
	if (r->status == 200 || r->status == 204 || r->status == 409) {
		channel_authorized(s->a->channel, s->proof.authorization);
		succeed(s, r->status == 409 ? "had already" : "has");
		return;
	}
	words_of(buf_str(&r->body), r->body.len, words);
	err_set(&e, ERR_SERVICE, "the vendor answered %d to %s%s%s", r->status, s->url, *words != '\0' ? ": " : "", words);
	if (r->status == 401)
		channel_unauthorized(s->a->channel, s->proof.authorization);
	if (r->status == 401 || r->status == 429 || r->status == 503)
		again(s, http_retry_after(r, world_wall_ms(world_of(s))), err_text(&e));
	else
		fail(s, "INTERNAL", &e);
}

static void set_request(struct sending *s)
{
	const struct config *c = s->a->cfg;
	struct http_req *r = &s->http;

	http_req_close(r);
	*r = (struct http_req){ .method = "POST",
				.url = s->url,
				.send = s->bundle.data,
				.send_len = s->bundle.len,
				.ca_file = c->ca_file,
				.connect_to = c->vendor_connect_to,
				.proxy = config_proxy(c),
				.total_ms = TOTAL_MS };
	r->head = BUF_MAX(65536);
	r->body = BUF_MAX(ANSWER_BYTES);
	http_header_set(r, "Content-Type", "application/gzip");
	http_header_set(r, "User-Agent", "reeve/" REEVE_VERSION);
}

static void post(struct sending *s)
{
	struct err e = { 0 };

	set_request(s);
	if (channel_sign(s->a->channel, &s->http, &s->proof, &e) != 0) {
		s->req->again(s->req, err_text(&e));
		timer_start(world_of(s), &s->timer, WAIT_MS, on_try);
		return;
	}
	http_header_set(&s->http, "Authorization", s->proof.authorization);
	http_header_set(&s->http, "Reeve-Proof", s->proof.proof);
	s->is_out = true;
	http_start(world_of(s), &s->http, on_answer);
}

static void try(struct sending *s)
{
	const struct op_env *env = s->req->env;
	struct err e = { 0 };

	buf_reset(&s->bundle);
	if (diag_read(env->w, s->dir, &s->digest, &env->policy(env->ctx)->export, &s->bundle, &e) != 0)
		fail(s, "PRECONDITION", &e);
	else
		post(s);
}

static void on_try(struct timer *t)
{
	struct sending *s = container_of(t, struct sending, timer);
	struct err e = { 0 };

	if (s->is_cancelled) {
		fail(s, "INTERNAL", &(struct err){ .code = ERR_CANCELED, .text = "called off" });
		return;
	}
	switch (s->req->may(s->req, &e)) {
	case DEED_GO:
		try(s);
		break;
	case DEED_WAIT:
		timer_start(world_of(s), &s->timer, WAIT_MS, on_try);
		break;
	case DEED_DENY:
		fail(s, "POLICY", &e);
		break;
	}
}

void diag_send_start(struct agent *a, const char *dir, struct deed_req *req)
{
	const ProtobufCBinaryData *id = &((const Reeve__Control__V1__DiagSend *)req->args)->sha256;
	struct sending *s = mem_new(struct sending);
	char hex[DIGEST_HEX_LEN];

	s->req = req;
	s->a = a;
	s->dir = dir;
	if (id->len == DIGEST_LEN)
		memcpy(s->digest.b, id->data, DIGEST_LEN);
	s->bundle = BUF_MAX(DIAG_BYTES);
	s->backoff = BACKOFF(1000, 60000);
	s->url = mem_printf("%s/reeve/v1/diag/%s", a->cfg->vendor_url, digest_hex(&s->digest, hex));
	req->priv = s;
	timer_start(req->env->w, &s->timer, 0, on_try);
}

void diag_send_cancel(struct deed_req *req)
{
	struct sending *s = req->priv;

	if (s == NULL || s->is_cancelled)
		return;
	s->is_cancelled = true;
	if (s->is_out)
		http_cancel(world_of(s), &s->http);
	else
		timer_start(world_of(s), &s->timer, 0, on_try);
}
