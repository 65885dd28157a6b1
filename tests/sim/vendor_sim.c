/* vendor_sim.c - the OpAMP end and what goes wrong there. */
#include "tests/sim/vendor_sim.h"

#include "agent/base/gzip.h"
#include "proto/opamp.pb-c.h"
#include "tests/sim/vendor_sim_impl.h"

#define CAPABILITY "dev.reeve.control/v1"
#define HOLD_MS 20000

/* ---- the answer to a poll ---- */

static void pack_answer(struct vendor_sim *v, const uint8_t uid[UUID_LEN], bool is_error, struct buf *to)
{
	CLEANUP(buf_close) struct buf intent = BUF_MAX(4u << 20), message = BUF_MAX(4u << 20);
	Opamp__V1__ServerToAgent m = OPAMP__V1__SERVER_TO_AGENT__INIT;
	Opamp__V1__CustomMessage c = OPAMP__V1__CUSTOM_MESSAGE__INIT;
	Opamp__V1__ServerErrorResponse err = OPAMP__V1__SERVER_ERROR_RESPONSE__INIT;
	Opamp__V1__RetryInfo retry = OPAMP__V1__RETRY_INFO__INIT;
	char *room;
	size_t len;

	m.instance_uid = (ProtobufCBinaryData){ UUID_LEN, (uint8_t *)uid };
	if (is_error) {
		err.type = OPAMP__V1__SERVER_ERROR_RESPONSE_TYPE__UNAVAILABLE;
		err.error_message = (char *)"busy";
		retry.retry_after_nanoseconds = 7000000000ull;
		err.retry_info = &retry;
		m.error_response = &err;
	} else {
		vendor_intent(v, &intent);
		c.capability = (char *)CAPABILITY;
		c.type = (char *)"intent";
		c.data = (ProtobufCBinaryData){ intent.len, (uint8_t *)intent.data };
		m.custom_message = &c;
	}
	len = opamp__v1__server_to_agent__get_packed_size(&m);
	room = buf_room(&message, len);
	opamp__v1__server_to_agent__pack(&m, (uint8_t *)room);
	buf_grew(&message, len);
	gzip_pack(message.data, message.len, to, NULL);
}

static void send_answer(struct vendor_sim *v, struct sim_http *x, const uint8_t uid[UUID_LEN])
{
	CLEANUP(buf_close) struct buf body = BUF_MAX(4u << 20);
	uint32_t delay = (uint32_t)odds_between(v->odds, 5, 60);

	if (odds_hit(v->odds, TALLY_VENDOR_LOST)) {
		sim_http_fail(x, -ERR_NET, delay);
		return;
	}
	if (odds_hit(v->odds, TALLY_VENDOR_GARBAGE)) {
		sim_http_answer(x, 200, "Content-Type: application/x-protobuf\n", "\x0a\xff\xff garbage", 11, delay);
		return;
	}
	pack_answer(v, uid, odds_hit(v->odds, TALLY_VENDOR_ERROR), &body);
	if (odds_hit(v->odds, TALLY_VENDOR_LATE))
		delay += (uint32_t)odds_between(v->odds, 2000, 50000);
	v->news = false;
	sim_http_answer(x, 200, "Content-Type: application/x-protobuf\nContent-Encoding: gzip\n", body.data, body.len, delay);
}

static void on_hold(void *ctx)
{
	struct vendor_hold *h = ctx;

	if (!vendor_is_news(h->v) && world_now_ms(h->v->w) < h->until_ms) {
		sim_at(h->v->w, 1000, on_hold, h);
		return;
	}
	list_del(&h->link);
	send_answer(h->v, h->x, h->uid);
	mem_free(h);
}

static void hold(struct vendor_sim *v, struct sim_http *x, const uint8_t uid[UUID_LEN])
{
	struct vendor_hold *h = mem_new(struct vendor_hold);

	tally(TALLY_VENDOR_HELD);
	*h = (struct vendor_hold){ .v = v, .x = x, .until_ms = world_now_ms(v->w) + HOLD_MS };
	memcpy(h->uid, uid, UUID_LEN);
	list_add(&v->holds, &h->link);
	sim_at(v->w, 1000, on_hold, h);
}

/* ---- a poll ---- */

static const char *message_wrong(const struct sim_http *x, const Opamp__V1__AgentToServer *m)
{
	if (!str_eq(sim_http_header(x, "Content-Type"), "application/x-protobuf"))
		return "another content type";
	if (m == NULL)
		return "no AgentToServer";
	if (m->instance_uid.len != UUID_LEN)
		return "no instance uid";
	if (m->custom_message == NULL || !str_eq(m->custom_message->capability, CAPABILITY) ||
	    !str_eq(m->custom_message->type, "report"))
		return "no report";
	if (m->agent_description == NULL || m->health == NULL || m->effective_config == NULL)
		return "not the whole state";
	return NULL;
}

static void poll(struct vendor_sim *v, struct sim_http *x)
{
	CLEANUP(buf_close) struct buf body = BUF_MAX(4u << 20);
	Opamp__V1__AgentToServer *m = NULL;
	const char *wrong, *prefer = sim_http_header(x, "Prefer");

	if (vendor_session_of(v, x) == NULL)
		return;
	if (gzip_unpack(x->body, x->body_len, &body, NULL) == 0)
		m = opamp__v1__agent_to_server__unpack(NULL, body.len, (const uint8_t *)buf_str(&body));
	wrong = message_wrong(x, m);
	if (wrong != NULL) {
		odds_broken(v->odds, "an OpAMP message with %s", wrong);
		vendor_text(v, x, 400, NULL, "");
	} else {
		vendor_take_report(v, m->custom_message->data.data, m->custom_message->data.len);
		if (prefer != NULL && str_starts(prefer, "wait=") && !vendor_is_news(v))
			hold(v, x, m->instance_uid.data);
		else
			send_answer(v, x, m->instance_uid.data);
	}
	if (m != NULL)
		opamp__v1__agent_to_server__free_unpacked(m, NULL);
}

/* Metrics and logs: the proof must fit, and the body must be what it says. */
static void otlp(struct vendor_sim *v, struct sim_http *x)
{
	CLEANUP(buf_close) struct buf body = BUF_MAX(64u << 20);

	if (vendor_session_of(v, x) == NULL)
		return;
	if (gzip_unpack(x->body, x->body_len, &body, NULL) != 0)
		odds_broken(v->odds, "a telemetry body that is not gzip");
	sim_http_answer(x, 200, "Content-Type: application/x-protobuf\n", "", 0, 10);
}

/* A bundle: proved, gzip, and what its name says. */
static void diag(struct vendor_sim *v, struct sim_http *x, const char *name)
{
	struct digest d = digest_of(x->body, x->body_len);
	char hex[DIGEST_HEX_LEN];

	if (vendor_session_of(v, x) == NULL)
		return;
	if (!str_eq(digest_hex(&d, hex), name))
		odds_broken(v->odds, "a bundle that is not what its name says");
	v->bundles++;
	sim_http_answer(x, odds_one_in(v->odds, 3) ? 409 : 204, "", "", 0, 10);
}

static bool fails(struct vendor_sim *v, struct sim_http *x)
{
	if (odds_hit(v->odds, TALLY_VENDOR_RESTART))
		vendor_forget_sessions(v);
	if (odds_hit(v->odds, TALLY_VENDOR_503))
		vendor_text(v, x, 503, "Retry-After: 12\n", "");
	else if (odds_hit(v->odds, TALLY_VENDOR_429))
		vendor_text(v, x, 429, "Retry-After: 3\n", "");
	else if (odds_hit(v->odds, TALLY_VENDOR_RESET))
		sim_http_fail(x, -ERR_NET, (uint32_t)odds_between(v->odds, 1, 2000));
	else
		return false;
	return true;
}

bool vendor_sim_is_for(const char *url)
{
	return str_starts(url, VENDOR_URL "/");
}

void vendor_sim_request(struct vendor_sim *v, struct sim_http *x)
{
	const char *path = x->url + strlen(VENDOR_URL);

	if (fails(v, x))
		return;
	if (str_eq(path, "/v1/opamp")) {
		poll(v, x);
	} else if (str_eq(path, "/v1/metrics") || str_eq(path, "/v1/logs")) {
		otlp(v, x);
	} else if (str_starts(path, "/reeve/v1/diag/")) {
		diag(v, x, path + strlen("/reeve/v1/diag/"));
	} else if (odds_hit(v->odds, TALLY_VENDOR_NO_LOGIN)) {
		vendor_text(v, x, 500, NULL, "{\"error\":\"database\"}");
	} else if (str_eq(path, "/reeve/v1/challenge")) {
		vendor_challenge(v, x);
	} else if (str_eq(path, "/reeve/v1/login")) {
		vendor_login(v, x);
	} else {
		odds_broken(v->odds, "the vendor has no %s", path);
		vendor_text(v, x, 404, NULL, "");
	}
}

uint64_t vendor_bundles(const struct vendor_sim *v)
{
	return v->bundles;
}

/* ---- life ---- */

static void new_key(struct vendor_sim *v, struct sign_key *k)
{
	uint64_t seed[4];

	for (size_t i = 0; i < ARRAY_LEN(seed); i++)
		seed[i] = sim_random(v->w);
	sign_key_init(k, (const uint8_t *)seed, NULL);
}

struct vendor_sim *vendor_sim_new(struct world *w, struct odds *odds, struct aws_sim *aws)
{
	struct vendor_sim *v = mem_new(struct vendor_sim);

	v->w = w;
	v->odds = odds;
	v->aws = aws;
	v->epoch = v->next_seq = 1;
	v->head_packed = BUF_MAX(65536);
	list_init(&v->holds);
	new_key(v, &v->command);
	new_key(v, &v->release);
	new_key(v, &v->head);
	new_key(v, &v->stranger);
	return v;
}

void vendor_sim_free(struct vendor_sim *v)
{
	list_each_safe(n, &v->holds)
		mem_free(list_entry(n, struct vendor_hold, link));
	for (size_t i = 0; i < v->n; i++) {
		buf_close(&v->commands[i].packed);
		buf_close(&v->commands[i].with_release);
		buf_close(&v->commands[i].result);
	}
	for (size_t i = 0; i < v->locals_n; i++)
		buf_close(&v->locals[i].result);
	for (size_t i = 0; i < VENDOR_OLD_MAX; i++)
		buf_close(&v->old[i]);
	buf_close(&v->head_packed);
	mem_free(v);
}

const char *vendor_public(const struct vendor_sim *v, const char *role, char to[64])
{
	const struct sign_key *k = str_eq(role, "command") ? &v->command : str_eq(role, "release") ? &v->release : &v->head;

	return enc_base64(k->pub.b, SIGN_KEY_LEN, to);
}
