/* vectors.c - what our own code makes of the vectors in docs/wire.md. Reads one JSON object from standard input and prints one;
 * tests/docs/test_wire.py compares it with the document and with another implementation.
 *
 *     {"what":"session", "channel_seed", "journal_seed", "challenge", "token", "url", "installation", "time_ms", keys of the
 *      instance role, "requests":[{"url","body"}, ...]}         the login's body, and the two headers of each request
 *     {"what":"signed", "role", "public_key", "signed"}         does a key of that role sign it?
 *     {"what":"judge", "command"}                               what is wrong with its arguments; "": nothing
 *     {"what":"otlp", "status"}                                 what the exporter makes of an answer
 *     {"what":"opamp", "status", "head", "body", "delay_ms"}    how long after it the next poll comes (status 0: no answer) */
#include "tests/unit/aws/cloud.h"
#include "tests/unit/control/desk.h"

#include "agent/aws/call.h"
#include "agent/aws/creds.h"
#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/sign.h"
#include "agent/control/session.h"
#include "agent/ops/verb.h"
#include "shippers/answer.h"

static const char *text(const json_t *j, const char *name)
{
	const char *value = json_string_value(json_object_get(j, name));

	if (value == NULL) {
		fprintf(stderr, "vectors: %s is missing\n", name);
		exit(2);
	}
	return value;
}

static void bytes(const json_t *j, const char *name, void *to, size_t len)
{
	if (enc_unhex(text(j, name), to, len) != 0) {
		fprintf(stderr, "vectors: %s is not %zu bytes of hex\n", name, len);
		exit(2);
	}
}

/* ---- session --------------------------------------------------------------------------------------------------------- */

static uint8_t channel_seed[SIGN_KEY_LEN];

/* The only 32 bytes that are drawn here are the channel's seed. */
static void not_random(struct world *w, void *to, size_t len)
{
	(void)w;
	memset(to, 0, len);
	if (len == sizeof(channel_seed))
		memcpy(to, channel_seed, len);
}

static void set_flag(void *ctx)
{
	*(bool *)ctx = true;
}

static struct cloud *new_cloud(const json_t *in)
{
	void *state;
	struct cloud *c;

	cloud_setup(&state);
	c = state;
	sim_wall_set(c->w, json_integer_value(json_object_get(in, "time_ms")));
	c->w->random = not_random;
	CLOUD(c, .match = "security-credentials/node-role ", .status = 200,
	      .body = mem_printf(
		  "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\",\"Token\":\"%s\","
		  "\"Expiration\":\"2099-01-01T00:00:00Z\"}",
		  text(in, "access_key"), text(in, "secret_key"), text(in, "session_token")));
	cloud_imds(c);
	CLOUD(c, .match = "/reeve/v1/challenge", .status = 200,
	      .body = mem_printf("{\"challenge\":\"%s\",\"expires_in_s\":60}", text(in, "challenge")));
	CLOUD(c, .match = "/reeve/v1/login", .status = 200,
	      .body = mem_printf("{\"token\":\"%s\",\"expires_in_s\":3600}", text(in, "token")));
	return c;
}

static json_t *signed_requests(struct channel *ch, const json_t *requests)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(requests); i++) {
		const json_t *one = json_array_get(requests, i);
		struct http_req r = { .method = "POST", .url = text(one, "url"), .send = text(one, "body") };
		struct channel_proof p;

		r.send_len = strlen(r.send);
		if (channel_sign(ch, &r, &p, NULL) != 0)
			exit(2);
		json_array_append_new(list, json_pack("{s:s, s:s}", "Authorization", p.authorization, "Reeve-Proof", p.proof));
	}
	return list;
}

/* Nothing is closed: the process ends with it. */
static json_t *session(const json_t *in)
{
	static bool ready;
	struct aws_config aws = { .region = "us-east-1", .suffix = "amazonaws.com", .version = "1" };
	struct channel_config cfg = { .url = text(in, "url"), .host = text(in, "audience"), .ctx = &ready, .ready = set_flag };
	struct cloud *c = new_cloud(in);
	struct channel_proof p;
	struct http_req first = { .method = "POST", .url = cfg.url };
	struct channel *ch;
	struct sign_key journal;
	uint8_t seed[SIGN_KEY_LEN];

	bytes(in, "channel_seed", channel_seed, sizeof(channel_seed));
	bytes(in, "journal_seed", seed, sizeof(seed));
	sign_key_init(&journal, seed, NULL);
	cfg.installation = text(in, "installation");
	cfg.aws = aws_new(c->w, &aws);
	cfg.instance = creds_new_imds(c->w, imds_new(c->w, IMDS_URL));
	cfg.journal_key = journal.pub;
	ch = channel_new(c->w, &cfg);
	channel_sign(ch, &first, &p, NULL); /* not logged in: so it logs in */
	cloud_wait(c, &ready);
	return json_pack("{s:s, s:o}", "login", strchr(cloud_seen(c, "/reeve/v1/login", 0)->line, '{'), "requests",
			 signed_requests(ch, json_object_get(in, "requests")));
}

/* ---- the rest ---------------------------------------------------------------------------------------------------------- */

static enum trust_role role_of(const char *name)
{
	return strcmp(name, "command") == 0 ? TRUST_COMMAND : strcmp(name, "release") == 0 ? TRUST_RELEASE : TRUST_HEAD;
}

static json_t *verify(const json_t *in)
{
	enum trust_role role = role_of(text(in, "role"));
	struct buf b = BUF_MAX(1u << 20);
	struct sign_public pub;
	struct trust t = { 0 };
	struct digest d;
	Reeve__Control__V1__Signed *s;

	bytes(in, "public_key", pub.b, sizeof(pub.b));
	trust_add(&t, "the document's", role, &pub);
	if (enc_unbase64_buf(text(in, "signed"), &b) != 0)
		exit(2);
	s = reeve__control__v1__signed__unpack(NULL, b.len, (uint8_t *)b.data);
	if (s == NULL)
		exit(2);
	d = digest_of(s->body.data, s->body.len);
	return json_pack("{s:b}", "holds",
			 trust_verify(&t, role, role == TRUST_HEAD ? SIGN_DOMAIN_HEAD : SIGN_DOMAIN_COMMAND, &d, s));
}

static json_t *otlp(const json_t *in)
{
	static const char *const names[] = { [ANSWER_TAKEN] = "taken",
					     [ANSWER_LATER] = "later",
					     [ANSWER_ABOUT_US] = "about us",
					     [ANSWER_TOO_LARGE] = "too large",
					     [ANSWER_REFUSED] = "refused" };
	struct http_req r = { .status = (int)json_integer_value(json_object_get(in, "status")) };

	return json_pack("{s:s}", "answer", names[answer_judge(&r, 0)]);
}

/* ---- a command ---------------------------------------------------------------------------------------------------------- */

static json_t *judge(const json_t *in)
{
	size_t len = strlen(text(in, "command")) / 2;
	CLEANUP(mem_close) uint8_t *body = mem_alloc(len + 1);
	Reeve__Control__V1__Command *c;
	struct err e = { 0 };
	json_t *out;

	bytes(in, "command", body, len);
	c = reeve__control__v1__command__unpack(NULL, len, body);
	out = json_pack("{s:s}", "says", verb_judge(verb_of(c->verb), c, &e) == 0 ? "" : err_text(&e));
	reeve__control__v1__command__free_unpacked(c, NULL);
	return out;
}

/* ---- the answer to a poll ------------------------------------------------------------------------------------------------ */

#define POLL "POST https://control.example.test/v1/opamp"

static void kick(void *ctx)
{
	session_kick(*(struct session **)ctx);
}

static void is_well(void *ctx, struct opamp_state *s)
{
	(void)ctx;
	s->is_healthy = true;
	s->health_status = "running";
	s->health_error = "";
}

static void add_answers(struct cloud *c, const json_t *in)
{
	int status = (int)json_integer_value(json_object_get(in, "status"));

	cloud_imds(c);
	CLOUD(c, .match = "/reeve/v1/challenge", .status = 200,
	      .body = "{\"challenge\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}");
	CLOUD(c, .match = "/reeve/v1/login", .status = 200, .body = "{\"token\":\"tok-1\",\"expires_in_s\":3600}");
	CLOUD(c, .match = POLL, .status = status != 0 ? status : -ERR_NET, .head = text(in, "head"), .body = text(in, "body"),
	      .delay_ms = (uint32_t)json_integer_value(json_object_get(in, "delay_ms")), .times = 1);
	CLOUD(c, .match = POLL, .status = 200);
}

static struct session *new_session(struct cloud *c, struct desk *d, struct session **s)
{
	static const struct aws_config aws = { .region = "us-east-1", .suffix = "amazonaws.com", .version = "1" };
	struct channel_config ch = { .url = "https://control.example.test",
				     .host = "control.example.test",
				     .installation = "inst-1",
				     .ctx = s,
				     .ready = kick };
	struct session_config cfg = { .url = ch.url, .idle_ms = 30000, .busy_ms = 2000, .inbox = &d->in, .health = is_well };

	d->w = c->w;
	desk_key(d, &d->command, 1, TRUST_COMMAND);
	desk_open(d);
	ch.aws = aws_new(c->w, &aws);
	ch.instance = creds_new_imds(c->w, imds_new(c->w, IMDS_URL));
	cfg.channel = channel_new(c->w, &ch);
	cfg.report = (struct report_args){ d->ops, &d->in, d->j, &d->command.pub };
	return session_new(c->w, &cfg);
}

static json_t *opamp(const json_t *in)
{
	static struct session *s;
	static struct desk d;
	void *state;
	struct cloud *c;

	cloud_setup(&state);
	c = state;
	add_answers(c, in);
	s = new_session(c, &d, &s);
	while (cloud_count(c, POLL) < 2)
		cloud_pass(c, 100);
	return json_pack("{s:I, s:i, s:s}", "next_ms",
			 (json_int_t)(cloud_seen(c, POLL, 1)->at_ms - cloud_seen(c, POLL, 0)->at_ms -
				      (uint64_t)json_integer_value(json_object_get(in, "delay_ms"))),
			 "logins", cloud_count(c, "/reeve/v1/login"), "prefer", seen_header(cloud_seen(c, POLL, 1), "Prefer"));
}

int main(void)
{
	json_t *in = json_loadf(stdin, 0, NULL), *out;
	const char *what = text(in, "what");

	out = strcmp(what, "session") == 0  ? session(in)
	      : strcmp(what, "signed") == 0 ? verify(in)
	      : strcmp(what, "judge") == 0  ? judge(in)
	      : strcmp(what, "opamp") == 0  ? opamp(in)
					    : otlp(in);
	json_dumpf(out, stdout, JSON_COMPACT);
	printf("\n");
	return 0;
}
