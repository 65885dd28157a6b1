/* call.c - the flow of one call.
 *
 *   keys --> ask --> done          ask --> wait --> keys     a retry: new keys perhaps, always a new signature
 *                                  ask --> keys              at once, after a renewal or with another idea of the time
 *   wait --> ask --> done          to a node of ours: it needs no keys, so each attempt, the first too, leaves from a wait
 *   refused (a request that did not fit) --> done               any state --> done, when canceled
 *
 * Keys are copied when they come, so that a renewal elsewhere never mixes two sets in one signature. The signature covers
 * the host that is really sent (with an override: its host and port), the content type, the date and the token; what a
 * proxy or a retry may change (User-Agent, amz-sdk-*) stays outside. A read has three attempts, a mutating call one. Which
 * refusal means what: code.c. What cannot be explained is told as AWS_AMBIGUOUS. */
#include "agent/aws/call_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agent/aws/code.h"
#include "agent/aws/sigv4.h"
#include "agent/aws/read.h"
#include "agent/base/backoff.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/retry_after.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"

#define ATTEMPTS 3
#define CONNECT_MS 3000
#define TOTAL_MS 30000
#define NODE_TOTAL_MS 10000
#define RUN_TOTAL_MS 60000 /* RunInstances answers when it has found the room */
#define READ_MAX READ_BODY_MAX
#define MUTATE_MAX (1u << 20)
#define NODE_MAX 1024 /* of a node the status counts alone: what is beyond this is not waited for */
#define THROTTLE_BASE_MS 1000
#define OTHER_BASE_MS 50
#define CAP_MS 20000
#define HINT_CAPS ((struct backoff_caps){ .beyond_ms = 5000 }) /* how far beyond our own delay we follow AWS's hint */
#define SKEW_MS INT64_C(240000) /* AWS allows 5 minutes; less than 4 is not the reason for a refusal */

enum { CALL_IDLE, CALL_REFUSED, CALL_KEYS, CALL_ASK, CALL_WAIT, CALL_DONE, CALL_STATES };

static const struct sm_state call_table[CALL_STATES] = {
	[CALL_IDLE] = { "idle", SM_TO(CALL_KEYS) | SM_TO(CALL_WAIT) | SM_TO(CALL_REFUSED) },
	[CALL_REFUSED] = { "refused", SM_TO(CALL_DONE) }, /* it was too large to be sent: told from the loop */
	[CALL_KEYS] = { "keys", SM_TO(CALL_ASK) | SM_TO(CALL_DONE) },
	[CALL_ASK] = { "ask", SM_TO(CALL_WAIT) | SM_TO(CALL_KEYS) | SM_TO(CALL_DONE) },
	[CALL_WAIT] = { "wait", SM_TO(CALL_KEYS) | SM_TO(CALL_ASK) | SM_TO(CALL_DONE) },
	[CALL_DONE] = { "done", SM_END },
};

/* The code that a class gives to c->err. */
static const int class_err[AWS_CLASSES] = {
	[AWS_THROTTLED] = ERR_AGAIN,  [AWS_AMBIGUOUS] = ERR_SERVICE, [AWS_EXPIRED] = ERR_SERVICE,   [AWS_DENIED] = ERR_DENIED,
	[AWS_CAPACITY] = ERR_SERVICE, [AWS_QUOTA] = ERR_LIMIT,       [AWS_NOTFOUND] = ERR_NOTFOUND, [AWS_DUPLICATE] = ERR_EXISTS,
	[AWS_CONFLICT] = ERR_SERVICE, [AWS_INVALID] = ERR_INVALID,
};

struct aws_attempt {
	struct buf url, host, path, agent;
	struct buf signature; /* lines of the signer, cut into texts; it holds the session token */
	char invocation[UUID_TEXT_LEN], number[48];
	struct keys keys;
	bool renewed, reclocked; /* each is tried once */
};

/* Its keys and its signature live as long as it is under way, and no longer. */
static const char *call_broken(const struct sm *m)
{
	const struct aws_call *c = container_of(m, const struct aws_call, sm);

	if ((m->now == CALL_DONE) != (c->attempt == NULL))
		return "an attempt is kept from the start to the end, and only so long";
	return NULL;
}

static const struct sm_machine call_machine = SM_MACHINE("call", call_table, call_broken);

/* ---- the end ------------------------------------------------------------------------------------------------------------- */

static void wipe_buf(struct buf *b)
{
	secret_wipe(b->data, b->cap);
	buf_close(b);
}

static void attempt_free(struct aws_attempt *t)
{
	if (t == NULL)
		return;
	keys_close(&t->keys);
	wipe_buf(&t->signature);
	buf_close(&t->url);
	buf_close(&t->host);
	buf_close(&t->path);
	buf_close(&t->agent);
	mem_free(t);
}

/* The cb may close the call, or start it again, or free what it lies in. */
static void finish(struct aws_call *c, enum aws_class class)
{
	c->class = class;
	if (class != AWS_OK && c->err.code == 0)
		c->err.code = class_err[class];
	timer_stop(c->aws->w, &c->timer);
	wipe_buf(&c->http.body); /* AssumeRole answers with keys */
	attempt_free(c->attempt);
	c->attempt = NULL;
	/* All that is the attempt's own is gone before the callback, which comes last: behind it c may be gone, too. */
	c->aws->running--;
	sm_move(&c->sm, CALL_DONE);
	c->cb(c);
}

/* By its owner, or by a source of keys or a world that closes. */
static void finish_canceled(struct aws_call *c)
{
	c->canceled = true;
	err_set(&c->err, ERR_CANCELED, "%s was canceled", c->req.action);
	/* It may have reached AWS before it was called off. */
	finish(c, AWS_AMBIGUOUS);
}

/* ---- one attempt --------------------------------------------------------------------------------------------------------- */

static void on_keys(struct creds_req *req, int rc);
static void on_keys_again(struct creds_req *req);

static void get_keys(struct aws_call *c)
{
	sm_move(&c->sm, CALL_KEYS);
	c->keys.again = on_keys_again;
	creds_get(c->creds, &c->keys, on_keys);
}

static bool is_for_node(const struct aws_call *c)
{
	return c->req.node_url != NULL;
}

static void send_it(struct aws_call *c);

static void on_wait(struct timer *t)
{
	struct aws_call *c = container_of(t, struct aws_call, timer);

	if (c->canceled)
		finish_canceled(c);
	else if (is_for_node(c))
		send_it(c);
	else
		get_keys(c);
}

static void wait_and_retry(struct aws_call *c, uint64_t wait_ms)
{
	log_debug("aws.retry", "action=%s attempt=%u code=%s status=%d retry_in_ms=%llu", c->req.action, c->attempts,
		  c->code[0] != '\0' ? c->code : "-", c->status, (unsigned long long)wait_ms);
	sm_move(&c->sm, CALL_WAIT);
	timer_start(c->aws->w, &c->timer, wait_ms, on_wait);
}

/* Cuts "Name: value\n" lines into texts and hands them to the request. */
static void add_signature(struct aws_call *c)
{
	char *line = c->attempt->signature.data, *rest = line;

	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		/* The lines are the signer's own: each has a colon and a blank. */
		char *value = strchr(line, ':');

		*value = '\0';
		http_header_set(&c->http, line, value + 2);
	}
}

static size_t own_headers(const struct aws_call *c)
{
	size_t n = 0;

	while (n < REQUEST_HEADERS && c->req.headers[n].name != NULL)
		n++;
	return n;
}

static int sign(struct aws_call *c)
{
	struct sigv4_header headers[2 + REQUEST_HEADERS] = { { "Host", buf_str(&c->attempt->host) } };
	struct sigv4_req r = {
		.method = c->req.method,
		.path = buf_str(&c->attempt->path),
		.query = c->req.query,
		.headers = headers,
		.headers_n = 1,
		.body = c->req.body.data,
		.body_len = c->req.body.len,
		.region = c->aws->region,
		.service = c->req.service->name,
		.time_ms = world_wall_ms(c->aws->w) + c->aws->offset_ms,
		.keys = &c->attempt->keys,
		.normalize = !c->req.is_for_s3,
		.double_encode = !c->req.is_for_s3,
		.sign_body = c->req.is_for_s3,
	};

	/* Signed are Host, the content type and the request's own headers. User-Agent and amz-sdk-* stay outside: a proxy may
	 * change them. */
	if (c->req.content_type != NULL)
		headers[r.headers_n++] = (struct sigv4_header){ "Content-Type", c->req.content_type };
	for (size_t i = 0; i < own_headers(c); i++)
		headers[r.headers_n++] = (struct sigv4_header){ c->req.headers[i].name, c->req.headers[i].value };
	/* The headers of the attempt before point into it. prepare sets all of them anew before anything is sent. */
	wipe_buf(&c->attempt->signature);
	return sigv4_sign_headers(&r, &c->attempt->signature, &c->err);
}

/* What AWS's services want beside a protocol's own headers. */
static void add_aws_headers(struct aws_call *c)
{
	struct aws_attempt *t = c->attempt;

	snprintf(t->number, sizeof(t->number), "attempt=%u; max=%u", c->attempts, c->mutating ? 1 : ATTEMPTS);
	http_header_set(&c->http, "Host", buf_str(&t->host));
	http_header_set(&c->http, "amz-sdk-invocation-id", t->invocation);
	http_header_set(&c->http, "amz-sdk-request", t->number);
	add_signature(c);
}

static uint32_t total_ms(const struct aws_call *c)
{
	if (c->total_ms > 0)
		return c->total_ms;
	if (is_for_node(c))
		return NODE_TOTAL_MS;
	return str_eq(c->req.action, "RunInstances") ? RUN_TOTAL_MS : TOTAL_MS;
}

static size_t body_max(const struct aws_call *c)
{
	return is_for_node(c) ? NODE_MAX : c->mutating ? MUTATE_MAX : READ_MAX;
}

static void prepare(struct aws_call *c)
{
	struct aws_attempt *t = c->attempt;

	http_req_close(&c->http);
	c->http = (struct http_req){ .method = c->req.method,
				     .url = buf_str(&t->url),
				     .send = c->req.body.data,
				     .send_len = c->req.body.len,
				     .connect_ms = CONNECT_MS,
				     .total_ms = total_ms(c),
				     .ca_file = c->aws->ca_file,
				     .body = BUF_MAX(body_max(c)),
				     .head = BUF_MAX(64u << 10) };
	if (c->req.content_type != NULL)
		http_header_set(&c->http, "Content-Type", c->req.content_type);
	for (size_t i = 0; i < own_headers(c); i++)
		http_header_set(&c->http, c->req.headers[i].name, c->req.headers[i].value);
	http_header_set(&c->http, "User-Agent", buf_str(&t->agent));
	if (!is_for_node(c))
		add_aws_headers(c);
	else
		c->http.reach = c->aws->insecure ? HTTP_INSIDE_OR_US : HTTP_INSIDE;
}

static void on_http(struct http_req *req, int rc);

/* Without keys nothing was sent: also a mutating call surely did not happen. */
static void no_keys(struct aws_call *c, int rc)
{
	c->unsent = true;
	c->code[0] = c->request_id[0] = '\0';
	c->err = c->keys.err;
	err_wrap(&c->err, rc, "%s was not sent, there are no keys", c->req.action);
	c->class = rc == -ERR_DENIED ? AWS_DENIED : AWS_EXPIRED;
}

static void on_keys_again(struct creds_req *req)
{
	struct aws_call *c = container_of(req, struct aws_call, keys);

	if (c->again == NULL || c->canceled)
		return;
	no_keys(c, -ERR_SERVICE);
	c->again(c);
}

static void on_keys(struct creds_req *req, int rc)
{
	struct aws_call *c = container_of(req, struct aws_call, keys);

	if (rc == 0) {
		keys_copy(&c->attempt->keys, &req->keys);
		keys_close(&req->keys);
	}
	/* The keys may have come in the same turn as the cancel. */
	if (c->canceled || rc == -ERR_CANCELED) {
		finish_canceled(c);
		return;
	}
	if (rc != 0) {
		no_keys(c, rc);
		finish(c, c->class);
	} else {
		c->unsent = false;
		send_it(c);
	}
}

static void send_it(struct aws_call *c)
{
	/* The last thing before it leaves, because keys and back-off may have taken minutes. */
	if (c->may_send != NULL && !c->may_send(c)) {
		c->withheld = true;
		err_set(&c->err, ERR_CANCELED, "%s was not sent: its time was over", c->req.action);
		finish(c, AWS_EXPIRED);
		return;
	}
	/* If AWS refuses these keys, creds_reject must know which ones it refused: by then others may be cached. */
	memcpy(c->key_id, c->attempt->keys.id, sizeof(c->key_id));
	c->attempts++;
	if (!is_for_node(c) && sign(c) != 0) {
		finish(c, AWS_INVALID);
		return;
	}
	prepare(c);
	sm_move(&c->sm, CALL_ASK);
	http_start(c->aws->w, &c->http, on_http);
}

/* ---- judging an answer --------------------------------------------------------------------------------------------------- */

/* AWS's clock against ours, from the Date header; true when what we believed so far is off by more than a refusal needs. */
static bool learn_clock(struct aws_call *c)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64);
	int64_t date_ms, skew_ms;

	if (!http_header_get(&c->http, "Date", &b) || stamp_parse_http(buf_str(&b), &date_ms, NULL) != 0)
		return false;
	skew_ms = date_ms - world_wall_ms(c->aws->w);
	if (skew_ms - c->aws->offset_ms <= SKEW_MS && c->aws->offset_ms - skew_ms <= SKEW_MS)
		return false;
	/* Within SKEW_MS our own clock is good enough for AWS, and the offset goes back to 0: Date has whole seconds and is as
	 * old as the answer's way. */
	c->aws->offset_ms = skew_ms > SKEW_MS || skew_ms < -SKEW_MS ? skew_ms : 0;
	log_warn("aws.clock", "offset_ms=%lld effect=\"requests are signed with the time of AWS\"", (long long)c->aws->offset_ms);
	return true;
}

static uint64_t delay_ms(struct aws_call *c, enum code_act act)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(32);
	struct backoff backoff = BACKOFF(act == CODE_THROTTLE ? THROTTLE_BASE_MS : OTHER_BASE_MS, CAP_MS);
	struct backoff_ask ask = { 0 };

	/* attempts counts the one that has just failed. */
	backoff.tries = c->earlier + c->attempts - 1;
	if (http_header_get(&c->http, "x-amz-retry-after", &b))
		ask = retry_after_in_ms(buf_str(&b));
	return backoff_asked_ms(&backoff, world_random64(c->aws->w), ask, HINT_CAPS);
}

/* A refused key or a refused time: is there something to change that we have not tried? */
static bool has_mended(struct aws_call *c, enum code_act act)
{
	if (act != CODE_KEYS && act != CODE_CLOCK)
		return false;
	/* The clock first: Date is there already, and a clock that is off makes good keys look expired, while new keys do not
	 * mend a clock. */
	if (!c->attempt->reclocked && learn_clock(c)) {
		c->attempt->reclocked = true;
		return true;
	}
	if (act != CODE_KEYS || c->attempt->renewed)
		return false;
	/* Once a call: keys that are refused as well when they are new are refused for another reason. */
	c->attempt->renewed = true;
	creds_reject(c->creds, c->key_id);
	return true;
}

static void tell_and_retry(struct aws_call *c, struct code_meaning is)
{
	wait_and_retry(c, is.act == CODE_THROTTLE ? c->retry_after_ms : delay_ms(c, is.act));
	/* The wait has begun already, so whoever looks at the call from `again` sees it waiting. */
	c->class = is.class;
	if (c->again != NULL)
		c->again(c);
}

/* An attempt has failed; the first that fits:
 *
 *   a call that mutates, to a node, or the last attempt     the end, as the class says
 *   keys or a clock refused, and something could be mended  at once, with other keys or another idea of the time
 *   throttled, or AWS does not know what happened           after a delay, with a new signature
 *   any other refusal                                       the end, as the class says */
static void judge(struct aws_call *c, struct code_meaning is)
{
	bool has_more = !c->mutating && !is_for_node(c) && c->attempts < ATTEMPTS;
	/* Asked for a call that mutates, too: what its refusal teaches is put to use by the next one. */
	bool mended = has_mended(c, is.act);

	if (is.act == CODE_THROTTLE)
		c->retry_after_ms = delay_ms(c, is.act);
	if (mended && has_more)
		get_keys(c);
	else if (has_more && (is.act == CODE_THROTTLE || is.act == CODE_TRANSIENT))
		tell_and_retry(c, is);
	else
		finish(c, is.class);
}

/* Where the status alone is the answer, a body that is too large to read keeps nothing back. */
static bool is_status_enough(const struct aws_call *c, int rc)
{
	return rc == -ERR_LIMIT && c->req.shape == REQUEST_STATUS && c->http.status != 0;
}

/* What has come of an attempt:
 *
 *   canceled meanwhile           AWS_AMBIGUOUS, canceled
 *   an answer that is too large  AWS_AMBIGUOUS at once, for it would be as large again; unless its status is enough
 *   not to be sent to that place AWS_INVALID: nothing has left
 *   no answer                    AWS_AMBIGUOUS; a read is tried again
 *   what the action answers      AWS_OK
 *   any other answer             by its code, else by its status (code.c) */
static void on_http(struct http_req *req, int rc)
{
	struct aws_call *c = container_of(req, struct aws_call, http);

	if (is_status_enough(c, rc))
		rc = 0;

	c->status = rc == 0 ? req->status : 0;
	c->code[0] = c->request_id[0] = '\0';
	mem_close(&c->encoded);
	c->err = (struct err){ 0 };
	if (c->canceled || rc == -ERR_CANCELED) {
		finish_canceled(c);
	} else if (rc == -ERR_DENIED) {
		err_set(&c->err, ERR_DENIED, "%s: %s", c->req.action, err_text(&req->err));
		finish(c, AWS_INVALID);
	} else if (rc != 0) {
		err_set(&c->err, -rc, "%s: no answer: %s", c->req.action, err_text(&req->err));
		judge(c, (struct code_meaning){ rc == -ERR_LIMIT ? CODE_FINAL : CODE_TRANSIENT, AWS_AMBIGUOUS });
	} else if (call_read(c)) {
		c->err = (struct err){ 0 };
		finish(c, AWS_OK);
	} else {
		judge(c, code_judge(c->req.service != NULL ? c->req.service->codes : NULL, c->code, c->status));
	}
}

/* ---- from outside -------------------------------------------------------------------------------------------------------- */

static void set_attempt(struct aws_call *c)
{
	struct aws_attempt *t = mem_new(struct aws_attempt);
	uint8_t random[10], id[UUID_LEN];

	c->attempt = t;
	t->url = t->host = t->path = t->agent = BUF_MAX(1024);
	t->signature = BUF_MAX(64u << 10);
	if (is_for_node(c))
		buf_adds(&t->url, c->req.node_url);
	else
		aws_place(c->aws, &c->req, &t->url, &t->host, &t->path);
	buf_addf(&t->agent, "reeve/%s", c->aws->version);
	if (c->command != NULL)
		buf_addf(&t->agent, " cmd/%s", c->command);
	/* One id for all attempts of a call, as AWS's own SDKs send it. */
	c->aws->w->random(c->aws->w, random, sizeof(random));
	uuid_v7(world_wall_ms(c->aws->w), random, id);
	uuid_text(id, t->invocation);
}

static void on_refused(struct timer *t)
{
	struct aws_call *c = container_of(t, struct aws_call, timer);

	if (c->canceled)
		finish_canceled(c);
	else
		finish(c, AWS_INVALID);
}

/* The cb never comes from inside aws_call_start, not even when `may_send` says no. */
static void begin(struct aws_call *c)
{
	if (is_for_node(c)) {
		sm_move(&c->sm, CALL_WAIT);
		timer_start(c->aws->w, &c->timer, 0, on_wait);
	} else {
		get_keys(c);
	}
}

bool aws_call_is_running(const struct aws_call *c)
{
	return c->sm.machine != NULL && c->sm.now != CALL_DONE;
}

bool aws_call_is_unsent(const struct aws_call *c)
{
	return c->sm.machine != NULL && c->sm.now == CALL_KEYS;
}

void aws_call_start(struct aws *a, struct aws_call *c, struct creds *creds, aws_call_cb *cb)
{
	assert(!aws_call_is_running(c) && c->req.action != NULL);
	xml_close(&c->xml);
	json_close(&c->json);
	mem_close(&c->encoded);
	c->code[0] = c->request_id[0] = c->key_id[0] = '\0';
	c->err = (struct err){ 0 };
	c->class = AWS_AMBIGUOUS;
	c->status = 0;
	c->attempts = 0;
	c->retry_after_ms = 0;
	c->canceled = c->withheld = c->unsent = false;
	c->aws = a;
	c->creds = creds;
	c->cb = cb;
	a->running++;
	sm_init(&c->sm, &call_machine, CALL_IDLE);
	set_attempt(c);
	if (buf_check(&c->req.body, "the request", &c->err) == 0 && buf_check(&c->attempt->url, "the URL", &c->err) == 0) {
		begin(c);
	} else {
		sm_move(&c->sm, CALL_REFUSED);
		timer_start(a->w, &c->timer, 0, on_refused);
	}
}

void aws_call_cancel(struct aws_call *c)
{
	if (!aws_call_is_running(c) || c->canceled)
		return;
	c->canceled = true;
	/* Each state has one thing out, and its callback ends the call: the cb comes from there, never from here. */
	switch (c->sm.now) {
	case CALL_KEYS:
		creds_cancel(&c->keys);
		break;
	case CALL_ASK:
		http_cancel(c->aws->w, &c->http);
		break;
	case CALL_WAIT:
		timer_start(c->aws->w, &c->timer, 0, on_wait);
		break;
	default: /* refused: its timer runs already */
		break;
	}
}

void aws_call_close(struct aws_call *c)
{
	assert(!aws_call_is_running(c));
	xml_close(&c->xml);
	json_close(&c->json);
	mem_close(&c->encoded);
	request_close(&c->req);
	keys_close(&c->keys.keys);
	http_req_close(&c->http);
}
