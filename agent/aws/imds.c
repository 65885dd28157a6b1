/* imds.c - the flow behind every question to the metadata service.
 *
 *   idle --> token --> role --> keys --> idle       any of them --> wait --> the same one again
 *              \-----> document ------> idle        any of them --> token    on 401, once a question
 *               \----> domain --------> idle        keys --> role            on 404, once a question
 *                                                          token --> token  at the other address
 *
 * The head of the queue is the question being answered; session token and role name are kept for the next one, so that a
 * renewal of keys is usually one GET. What can pass by itself (no answer, a hang, 429, 5xx, an HTML page where text was due)
 * is tried four times in all; what cannot (400, 403, 404) ends the question at once. A container with hop limit 1 sees the PUT
 * hang: connect works and the answer never comes, hence the total time. Closing cancels the questions, waits for the
 * request that is under way, and only then tells. */
#include "agent/aws/imds.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/backoff.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/sm.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"

#define ANSWER_MAX (64u << 10)
#define CONNECT_MS 1000
#define TOTAL_MS 3000 /* connect, and 2 s for the answer */
#define TRIES 4
#define TOKEN_TTL_S 21600
#define TOKEN_EARLY_S 120

enum { IMDS_IDLE, IMDS_TOKEN, IMDS_ROLE, IMDS_KEYS, IMDS_DOCUMENT, IMDS_DOMAIN, IMDS_WAIT, IMDS_STATES };

#define ASKS (SM_TO(IMDS_ROLE) | SM_TO(IMDS_KEYS) | SM_TO(IMDS_DOCUMENT) | SM_TO(IMDS_DOMAIN))

static const struct sm_state imds_table[IMDS_STATES] = {
	[IMDS_IDLE] = { "idle", SM_TO(IMDS_TOKEN) | ASKS },
	[IMDS_TOKEN] = { "token", SM_TO(IMDS_TOKEN) | ASKS | SM_TO(IMDS_WAIT) | SM_TO(IMDS_IDLE) },
	[IMDS_ROLE] = { "role", SM_TO(IMDS_KEYS) | SM_TO(IMDS_TOKEN) | SM_TO(IMDS_WAIT) | SM_TO(IMDS_IDLE) },
	[IMDS_KEYS] = { "keys", SM_TO(IMDS_ROLE) | SM_TO(IMDS_TOKEN) | SM_TO(IMDS_WAIT) | SM_TO(IMDS_IDLE) },
	[IMDS_DOCUMENT] = { "document", SM_TO(IMDS_TOKEN) | SM_TO(IMDS_WAIT) | SM_TO(IMDS_IDLE) },
	[IMDS_DOMAIN] = { "domain", SM_TO(IMDS_TOKEN) | SM_TO(IMDS_WAIT) | SM_TO(IMDS_IDLE) },
	[IMDS_WAIT] = { "wait", SM_TO(IMDS_TOKEN) | ASKS | SM_TO(IMDS_IDLE) },
};
static const struct sm_machine imds_machine = SM_MACHINE("imds", imds_table, NULL);

struct imds {
	struct world *w;
	char *given; /* without a slash at its end; NULL: one of the two */
	const char *endpoint;
	bool is_found;      /* it has answered; one that was given counts as found */
	bool looks_again;   /* the next question begins at IPv4 */
	struct err on_ipv4; /* why IPv4 did not answer in this attempt */
	struct sm sm;
	struct list queue;   /* the first is the one we work on */
	struct list dropped; /* canceled, to be told from the loop */
	struct imds_req *now;
	struct timer wait, drop;
	struct http_req http;
	char url[256];
	struct secret token;
	uint64_t token_until_ms; /* monotonic */
	char role[65];           /* "" until we know it */
	/* of this question */
	struct backoff backoff;
	bool asked_again; /* after a 401 */
	bool role_again;  /* after a 404 */
	struct ending end;
};

static void step(struct imds *im);
static void finish(struct imds *im, int rc);
static void on_http(struct http_req *req, int rc);

/* ---- asking -------------------------------------------------------------------------------------------------------------- */

static void ask(struct imds *im, unsigned state, const char *path, const char *leaf)
{
	struct http_req *r = &im->http;

	sm_move(&im->sm, state);
	snprintf(im->url, sizeof(im->url), "%s/latest/%s%s", im->endpoint, path, leaf);
	http_req_close(r);
	*r = (struct http_req){ .method = state == IMDS_TOKEN ? "PUT" : "GET",
				.url = im->url,
				.connect_ms = CONNECT_MS,
				.total_ms = TOTAL_MS,
				.body = BUF_MAX(ANSWER_MAX),
				.head = BUF_MAX(ANSWER_MAX) };
	if (state == IMDS_TOKEN)
		http_header_set(r, "x-aws-ec2-metadata-token-ttl-seconds", "21600");
	else
		http_header_set(r, "x-aws-ec2-metadata-token", im->token.bytes);
	http_start(im->w, r, on_http);
}

/* Whatever the question at the head needs next. */
static void step(struct imds *im)
{
	if (secret_empty(&im->token) || world_now_ms(im->w) >= im->token_until_ms)
		ask(im, IMDS_TOKEN, "api/token", "");
	else if (im->now->what == IMDS_WHAT_IDENTITY)
		ask(im, IMDS_DOCUMENT, "dynamic/instance-identity/document", "");
	else if (im->now->what == IMDS_WHAT_DOMAIN)
		ask(im, IMDS_DOMAIN, "meta-data/services/domain", "");
	else if (im->role[0] == '\0')
		ask(im, IMDS_ROLE, "meta-data/iam/security-credentials/", "");
	else
		ask(im, IMDS_KEYS, "meta-data/iam/security-credentials/", im->role);
}

/* The session token is the address's that gave it. */
static void turn_to(struct imds *im, const char *endpoint)
{
	im->endpoint = endpoint;
	secret_close(&im->token);
}

static void lose(struct imds *im)
{
	im->is_found = im->looks_again = false;
	turn_to(im, IMDS_IPV4);
}

static void begin(struct imds *im)
{
	if (im->now != NULL || im->sm.now != IMDS_IDLE || list_empty(&im->queue))
		return;
	if (im->looks_again)
		lose(im);
	im->now = list_entry(im->queue.next, struct imds_req, link);
	im->backoff = BACKOFF(200, 4000);
	im->asked_again = im->role_again = false;
	step(im);
}

static void on_wait(struct timer *t)
{
	struct imds *im = container_of(t, struct imds, wait);

	if (im->now == NULL)
		finish(im, -ERR_CANCELED);
	else
		step(im);
}

static const char *where(const struct imds *im)
{
	return im->is_found ? im->endpoint : IMDS_IPV4 " or " IMDS_IPV6;
}

static bool is_silence(int rc)
{
	return rc == -ERR_NET || rc == -ERR_TIMEOUT;
}

bool imds_lacks_ipv4(const struct imds *im)
{
	return imds_is_ipv6(im) && im->on_ipv4.code != ERR_TIMEOUT;
}

bool imds_is_ipv6(const struct imds *im)
{
	return strchr(im->endpoint, '[') != NULL;
}

void imds_look_again(struct imds *im)
{
	im->looks_again = im->given == NULL;
}

/* The question's error is set; is there another try? */
static void again(struct imds *im, int rc)
{
	/* backoff.tries counts waits, one fewer than tries. All steps of a question share its TRIES. */
	if (im->backoff.tries + 1 >= TRIES) {
		err_wrap(&im->now->err, rc, "the metadata service at %s (%d tries)", where(im), TRIES);
		if (is_silence(rc) && im->given == NULL)
			lose(im);
		finish(im, rc);
		return;
	}
	sm_move(&im->sm, IMDS_WAIT);
	timer_start(im->w, &im->wait, backoff_next_ms(&im->backoff, world_random64(im->w)), on_wait);
}

static void give_up(struct imds *im, int rc)
{
	finish(im, err_wrap(&im->now->err, rc, "the metadata service at %s", where(im)));
}

/* Nobody answers there:
 *
 *   it has answered before, or was given     tried again
 *   none has answered yet, and this was IPv4  IPv6 at once, in the same attempt
 *   none has answered yet, and this was IPv6  tried again, IPv4 first */
static void unanswered(struct imds *im, int rc, const char *why)
{
	struct err *e = &im->now->err;

	if (im->is_found) {
		again(im, err_set(e, -rc, "%s", why));
	} else if (!imds_is_ipv6(im)) {
		err_set(&im->on_ipv4, -rc, "%s", why);
		turn_to(im, IMDS_IPV6);
		step(im);
	} else {
		turn_to(im, IMDS_IPV4);
		again(im, err_set(e, -rc, "%s; %s", err_text(&im->on_ipv4), why));
	}
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

/* The whole of an answer that is one line of these characters, without its line feed. */
static int one_line(const struct buf *b, const char *more, char *to, size_t size, struct err *e)
{
	size_t n = b->len;
	const char *s = buf_str(b);

	while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && (s[i] == '\0' || strchr(more, s[i]) == NULL))
			return err_set(e, ERR_INVALID, "not the short text that was due but something else (a page?)");
	if (n == 0 || n >= size)
		return err_set(e, ERR_INVALID, "%zu bytes where a short text was due", n);
	memcpy(to, s, n);
	to[n] = '\0';
	return 0;
}

static int token_answered(struct imds *im, struct err *e)
{
	CLEANUP(buf_close) struct buf ttl = BUF_MAX(32);
	uint64_t ttl_s = TOKEN_TTL_S, told;
	char token[2048];

	TRY(one_line(&im->http.body, "+/=_-.~", token, sizeof(token), e));
	/* A shorter life than the one asked for counts; a longer one, or none told, does not. */
	if (http_header_get(&im->http, "x-aws-ec2-metadata-token-ttl-seconds", &ttl) && str_u64(buf_str(&ttl), &told) == 0 &&
	    told < ttl_s)
		ttl_s = told;
	secret_set(&im->token, token, strlen(token));
	secret_wipe(token, sizeof(token));
	/* A life shorter than our margin is used for the one question at hand. */
	im->token_until_ms = world_now_ms(im->w) + (ttl_s > TOKEN_EARLY_S ? ttl_s - TOKEN_EARLY_S : 1) * 1000;
	return -ERR_AGAIN;
}

static int role_answered(struct imds *im, struct err *e)
{
	/* The characters of a role's name; an instance has one role, so a list of one. */
	TRY(one_line(&im->http.body, "+=,.@_-", im->role, sizeof(im->role), e));
	return -ERR_AGAIN;
}

static int keys_answered(struct imds *im, struct err *e)
{
	CLEANUP(json_close) json_t *j = NULL;
	const char *code;

	TRY(json_parse(buf_str(&im->http.body), im->http.body.len, "the keys of the role", &j, e));
	code = json_str_or(j, "Code", "Success");
	/* It answers 200 also when it has no keys, and says why in Code. */
	if (!str_eq(code, "Success"))
		return err_set(e, ERR_SERVICE, "no keys for role %s: %.64s: %.200s", im->role, code, json_str_or(j, "Message", ""));
	TRY(keys_set(&im->now->keys, json_str_or(j, "AccessKeyId", ""), json_str_or(j, "SecretAccessKey", ""),
		     json_str_or(j, "Token", ""), json_str_or(j, "Expiration", ""), e));
	return str_copy(im->now->role, sizeof(im->now->role), im->role);
}

static int member(const json_t *j, const char *key, char *to, size_t size, struct err *e)
{
	const char *s;

	TRY(json_get_str(j, key, &s, e));
	if (*s == '\0' || strpbrk(s, " /\n\r\t") != NULL || str_copy(to, size, s) != 0)
		return err_set(e, ERR_INVALID, "member \"%s\" of the identity document is \"%.40s\"", key, s);
	return 0;
}

static int document_answered(struct imds *im, struct err *e)
{
	CLEANUP(json_close) json_t *j = NULL;
	struct imds_identity id = { 0 };

	TRY(json_parse(buf_str(&im->http.body), im->http.body.len, "the identity document", &j, e));
	TRY(member(j, "accountId", id.account, sizeof(id.account), e));
	TRY(member(j, "region", id.region, sizeof(id.region), e));
	TRY(member(j, "availabilityZone", id.az, sizeof(id.az), e));
	TRY(member(j, "instanceId", id.instance_id, sizeof(id.instance_id), e));
	TRY(member(j, "instanceType", id.instance_type, sizeof(id.instance_type), e));
	TRY(member(j, "imageId", id.image_id, sizeof(id.image_id), e));
	TRY(member(j, "architecture", id.arch, sizeof(id.arch), e));
	im->now->identity = id;
	return 0;
}

static int domain_answered(struct imds *im, struct err *e)
{
	return one_line(&im->http.body, ".-", im->now->domain, sizeof(im->now->domain), e);
}

/* 0: the question is answered; -ERR_AGAIN: on to the next step; else the answer is not what it should be. */
static int (*const answered[IMDS_STATES])(struct imds *im, struct err *e) = {
	[IMDS_TOKEN] = token_answered,       [IMDS_ROLE] = role_answered,     [IMDS_KEYS] = keys_answered,
	[IMDS_DOCUMENT] = document_answered, [IMDS_DOMAIN] = domain_answered,
};

/* What the state's function has made of a 200:
 *
 *   -ERR_AGAIN                             the next step of the question
 *   0                                      the question is answered
 *   the service says why there is nothing  the end: asking sooner does not help
 *   not what was due, like a page          tried again */
static void take_answer(struct imds *im)
{
	int rc = answered[im->sm.now](im, &im->now->err);

	if (rc == -ERR_AGAIN)
		step(im);
	else if (rc == 0)
		finish(im, 0);
	else if (im->now->err.code == ERR_SERVICE)
		give_up(im, rc); /* the service works and says why there are no keys: asking sooner does not help */
	else
		again(im, rc);
}

static void unauthorized(struct imds *im)
{
	secret_close(&im->token);
	if (!im->asked_again && im->sm.now != IMDS_TOKEN) {
		im->asked_again = true;
		step(im);
	} else {
		give_up(im, err_set(&im->now->err, ERR_DENIED, "401, also with a new session token"));
	}
}

static void not_found(struct imds *im)
{
	static const char *const what[IMDS_STATES] = {
		[IMDS_TOKEN] = "it has no version 2",          [IMDS_ROLE] = "the instance has no role",
		[IMDS_KEYS] = "the role has no keys",          [IMDS_DOCUMENT] = "there is no identity document",
		[IMDS_DOMAIN] = "it does not know the domain",
	};

	/* Another profile may hang on the instance by now. Also where this question ends, the next one reads the name anew. */
	if (im->sm.now == IMDS_KEYS)
		im->role[0] = '\0';
	if (im->sm.now == IMDS_KEYS && !im->role_again) {
		im->role_again = true;
		step(im);
	} else {
		give_up(im, err_set(&im->now->err, ERR_NOTFOUND, "404: %s", what[im->sm.now]));
	}
}

/*  401             once a question with a new session token, then the end
 *  404             of the keys' path: once a question with the role's name read anew; else the end
 *  429, 5xx        tried again
 *  403, any other  the end
 */
static void take_refusal(struct imds *im)
{
	struct err *e = &im->now->err;
	int status = im->http.status;

	if (status == 401)
		unauthorized(im);
	else if (status == 404)
		not_found(im);
	else if (status == 429 || status >= 500)
		again(im, err_set(e, ERR_SERVICE, "HTTP %d", status));
	else if (status == 403)
		give_up(im, err_set(e, ERR_DENIED, "403: it is switched off for this instance"));
	else
		give_up(im, err_set(e, ERR_SERVICE, "HTTP %d", status));
}

/* What has come of a request:
 *
 *   the question was canceled  the next one
 *   200                        take_answer
 *   any other status           take_refusal
 *   no answer, or not in time  tried again, and at the other address
 *   any other failure          the end */
static void on_http(struct http_req *req, int rc)
{
	struct imds *im = container_of(req, struct imds, http);

	if (im->now == NULL) {
		finish(im, -ERR_CANCELED);
		return;
	}
	im->now->err = (struct err){ 0 };
	im->is_found = im->is_found || rc == 0;
	if (rc == 0 && req->status == 200)
		take_answer(im);
	else if (rc == 0)
		take_refusal(im);
	else if (is_silence(rc))
		unanswered(im, rc, err_text(&req->err));
	else
		give_up(im, err_set(&im->now->err, -rc, "%s", err_text(&req->err)));
}

/* ---- ends ---------------------------------------------------------------------------------------------------------------- */

static void tell(struct imds_req *req, int rc)
{
	req->im = NULL;
	req->cb(req, rc);
}

static bool is_out(struct closing *c)
{
	struct imds *im = container_of(c, struct imds, end.closing);

	return im->sm.now != IMDS_IDLE || !list_empty(&im->dropped);
}

static void imds_free(struct closing *c)
{
	struct imds *im = container_of(c, struct imds, end.closing);

	timer_stop(im->w, &im->drop);
	timer_stop(im->w, &im->wait);
	http_req_close(&im->http);
	secret_close(&im->token);
	mem_free(im->given);
	mem_free(im);
}

static const struct closing_how imds_how = { is_out, imds_free };

static void on_drop(struct timer *t)
{
	struct imds *im = container_of(t, struct imds, drop);
	struct list *n;

	while ((n = list_pop(&im->dropped)) != NULL) {
		struct imds_req *req = list_entry(n, struct imds_req, link);

		tell(req, err_set(&req->err, ERR_CANCELED, "canceled"));
	}
	ending_step(&im->end);
}

/* The keys came in an answer, and its memory goes back to the heap. */
static void forget_answer(struct imds *im)
{
	secret_wipe(im->http.body.data, im->http.body.cap);
	buf_close(&im->http.body);
}

static void finish(struct imds *im, int rc)
{
	struct imds_req *req = im->now;

	forget_answer(im);
	sm_move(&im->sm, IMDS_IDLE);
	/* From here on the next question may begin, also from inside the callback. */
	im->now = NULL;
	ending_step(&im->end);
	if (req != NULL) {
		list_del(&req->link);
		tell(req, rc);
	}
	begin(im);
}

struct imds *imds_new(struct world *w, const char *endpoint)
{
	struct imds *im = mem_new(struct imds);
	size_t len = endpoint != NULL ? strlen(endpoint) : 0;

	im->w = w;
	if (endpoint != NULL)
		im->given = mem_strn(endpoint, len > 0 && endpoint[len - 1] == '/' ? len - 1 : len);
	im->endpoint = im->given != NULL ? im->given : IMDS_IPV4;
	im->is_found = im->given != NULL;
	list_init(&im->queue);
	list_init(&im->dropped);
	sm_init(&im->sm, &imds_machine, IMDS_IDLE);
	return im;
}

void imds_get(struct imds *im, struct imds_req *req, enum imds_what what, imds_cb *cb)
{
	assert(req->im == NULL);
	req->what = what;
	req->cb = cb;
	req->im = im;
	req->err = (struct err){ 0 };
	list_add(ending_is_on(&im->end) ? &im->dropped : &im->queue, &req->link);
	if (ending_is_on(&im->end))
		timer_start(im->w, &im->drop, 0, on_drop);
	else
		begin(im);
}

void imds_cancel(struct imds_req *req)
{
	struct imds *im = req->im;

	if (im == NULL)
		return;
	list_del(&req->link);
	list_add(&im->dropped, &req->link);
	timer_start(im->w, &im->drop, 0, on_drop);
	if (req != im->now)
		return;
	/* The request under way is let end first; then the next question begins. */
	im->now = NULL;
	if (im->sm.now == IMDS_WAIT)
		timer_start(im->w, &im->wait, 0, on_wait);
	else
		http_cancel(im->w, &im->http);
}

void imds_close(struct imds *im, void (*done)(void *ctx), void *ctx)
{
	while (!list_empty(&im->queue))
		imds_cancel(list_entry(im->queue.next, struct imds_req, link));
	ending_begin(&im->end, im->w, &imds_how, done, ctx);
}
