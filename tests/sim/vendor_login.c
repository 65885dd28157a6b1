/* vendor_login.c - challenge, login by a forwarded GetCallerIdentity, and the proof that each request carries. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "agent/base/json.h"
#include "tests/sim/vendor_sim_impl.h"

#define TTL_MAX_S 3600

void vendor_text(struct vendor_sim *v, struct sim_http *x, int status, const char *head, const char *body)
{
	sim_http_answer(x, status, head, body, strlen(body), (uint32_t)odds_between(v->odds, 5, 60));
}

void vendor_challenge(struct vendor_sim *v, struct sim_http *x)
{
	char *c = v->challenges[v->challenges_n++ % VENDOR_SESSIONS_MAX];
	uint64_t random[4];
	char body[128];

	for (size_t i = 0; i < ARRAY_LEN(random); i++)
		random[i] = sim_random(v->w);
	enc_base64url(random, sizeof(random), c);
	snprintf(body, sizeof(body), "{\"challenge\":\"%s\",\"expires_in_s\":60}", c);
	vendor_text(v, x, 200, NULL, body);
}

static bool take_challenge(struct vendor_sim *v, const char *c)
{
	for (size_t i = 0; i < VENDOR_SESSIONS_MAX; i++)
		if (*c != '\0' && str_eq(v->challenges[i], c)) {
			v->challenges[i][0] = '\0';
			return true;
		}
	return false;
}

static size_t read_headers(const json_t *list, struct http_header *to, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < max; i++)
		to[n++] = (struct http_header){ json_string_value(json_array_get(json_array_get(list, i), 0)),
						json_string_value(json_array_get(json_array_get(list, i), 1)) };
	return n;
}

/* STS does not look at our headers: that they are signed is for the vendor to see. */
static const char *headers_wrong(struct vendor_sim *v, const struct sigv4_seen *s, const char *host, const uint8_t *channel_key)
{
	static const char *const musts[] = { "x-reeve-audience", "x-reeve-challenge", "x-reeve-channel" };
	struct digest d = digest_of(channel_key, SIGN_KEY_LEN);
	char hash[ENC_BASE64_LEN(DIGEST_LEN)], fenced[600], name[64];
	struct sigv4_claim c;
	const char *wrong = sigv4_read(s, &c);

	if (wrong != NULL)
		return wrong;
	snprintf(fenced, sizeof(fenced), ";%s;", c.signed_headers);
	for (size_t i = 0; i < ARRAY_LEN(musts); i++) {
		snprintf(name, sizeof(name), ";%s;", musts[i]);
		if (strstr(fenced, name) == NULL || sigv4_header_of(s, musts[i]) == NULL)
			return "a header of ours is not signed";
	}
	if (!str_eq(sigv4_header_of(s, "Host"), host) ||
	    (!str_eq(host, "sts." AWS_REGION AWS_SUFFIX) && !str_eq(host, "sts." AWS_REGION AWS_DUAL_SUFFIX)))
		return "another STS host";
	if (!str_eq(sigv4_header_of(s, "X-Reeve-Audience"), VENDOR_HOST))
		return "another audience";
	if (!str_eq(sigv4_header_of(s, "X-Reeve-Channel"), enc_base64url(d.b, sizeof(d.b), hash)))
		return "another channel key";
	if (!take_challenge(v, sigv4_header_of(s, "X-Reeve-Challenge")))
		return "a challenge that is not open";
	return NULL;
}

static void open_session(struct vendor_sim *v, struct sim_http *x, const uint8_t *channel_key)
{
	struct vendor_session *s = &v->sessions[v->sessions_n++ % VENDOR_SESSIONS_MAX];
	uint64_t ttl_s = odds_between(v->odds, 300, TTL_MAX_S);
	char body[256];

	*s = (struct vendor_session){ .until_ms = world_now_ms(v->w) + ttl_s * 1000 };
	memcpy(s->key.b, channel_key, SIGN_KEY_LEN);
	snprintf(s->token, sizeof(s->token), "session-%016llx", (unsigned long long)sim_random(v->w));
	snprintf(body, sizeof(body), "{\"token\":\"%s\",\"expires_in_s\":%llu}", s->token, (unsigned long long)ttl_s);
	vendor_text(v, x, 200, NULL, body);
}

/* What a time that is off or keys that ended do to a login is no mistake; all else is. */
static const char *ask_sts(struct vendor_sim *v, const char *host, const struct sigv4_seen *s)
{
	CLEANUP(buf_close) struct buf body = BUF_MAX(65536);

	if (aws_sim_forward(v->aws, host, s, &body) != 200)
		return "STS refuses";
	if (strstr(buf_str(&body), ":assumed-role/" AWS_ROLE "/") == NULL || strstr(buf_str(&body), AWS_ROLE_ID ":") == NULL)
		return "not the installation's role";
	return NULL;
}

void vendor_login(struct vendor_sim *v, struct sim_http *x)
{
	CLEANUP(json_close) json_t *j = json_loads(x->body, 0, NULL);
	const json_t *sts = json_object_get(j, "sts");
	const char *host = json_str_or(sts, "host", ""), *body = json_str_or(sts, "body", ""), *wrong = NULL;
	struct http_header headers[32];
	struct sigv4_seen s = { .method = "POST", .path = "/", .headers = headers, .body = body, .body_len = strlen(body) };
	uint8_t channel_key[SIGN_KEY_LEN];

	s.headers_n = read_headers(json_object_get(sts, "headers"), headers, ARRAY_LEN(headers));
	if (!str_eq(json_str_or(j, "installation", ""), VENDOR_INSTALLATION))
		wrong = "no such installation";
	else if (enc_unbase64(json_str_or(j, "channel_key", ""), channel_key, sizeof(channel_key)) != 0)
		wrong = "no channel key";
	else if (!str_eq(body, "Action=GetCallerIdentity&Version=2011-06-15"))
		wrong = "not exactly GetCallerIdentity";
	else
		wrong = headers_wrong(v, &s, host, channel_key);
	if (wrong != NULL && strcmp(wrong, "a challenge that is not open") != 0)
		odds_broken(v->odds, "login: %s", wrong);
	if (wrong == NULL)
		wrong = ask_sts(v, host, &s);
	if (wrong != NULL)
		vendor_text(v, x, 403, NULL, "{\"error\":\"refused\"}");
	else
		open_session(v, x, channel_key);
}

/* ---- proof ---- */

static const char *path_of(const char *url)
{
	const char *at = strstr(url, "://");

	at = strchr(at != NULL ? at + 3 : url, '/');
	return at != NULL ? at : "/";
}

static bool proof_fits(const struct vendor_session *s, const struct sim_http *x, uint64_t counter, const char *sig_text)
{
	CLEANUP(buf_close) struct buf msg = BUF_MAX(4096);
	struct digest body = digest_of(x->body, x->body_len), token = digest_of(s->token, strlen(s->token));
	char body_hex[DIGEST_HEX_LEN], token_hex[DIGEST_HEX_LEN];
	uint8_t sig[SIGN_SIG_LEN];

	if (enc_unbase64(sig_text, sig, sizeof(sig)) != 0)
		return false;
	buf_add(&msg, "reeve-proof-v1", sizeof("reeve-proof-v1"));
	buf_addf(&msg, "%s\n%s\n%s\n%" PRIu64 "\n%s", x->method, path_of(x->url), digest_hex(&body, body_hex), counter,
		 digest_hex(&token, token_hex));
	return sign_raw_verify(&s->key, msg.data, msg.len, sig);
}

static bool is_fresh_counter(struct vendor_session *s, uint64_t counter)
{
	if (counter == 0 || counter + VENDOR_PROOF_WINDOW <= s->highest || s->seen[counter % VENDOR_PROOF_WINDOW] == counter)
		return false;
	s->seen[counter % VENDOR_PROOF_WINDOW] = counter;
	if (counter > s->highest)
		s->highest = counter;
	return true;
}

static struct vendor_session *session_by_token(struct vendor_sim *v, const char *authorization)
{
	for (size_t i = 0; authorization != NULL && i < VENDOR_SESSIONS_MAX; i++)
		if (v->sessions[i].token[0] != '\0' && str_starts(authorization, "Reeve ") &&
		    str_eq(authorization + 6, v->sessions[i].token))
			return &v->sessions[i];
	return NULL;
}

struct vendor_session *vendor_session_of(struct vendor_sim *v, struct sim_http *x)
{
	struct vendor_session *s = session_by_token(v, sim_http_header(x, "Authorization"));
	const char *proof = sim_http_header(x, "Reeve-Proof");
	unsigned long long counter = 0;
	char sig[128] = "";

	if (s == NULL || world_now_ms(v->w) >= s->until_ms) {
		vendor_text(v, x, 401, NULL, "");
		return NULL;
	}
	if (proof == NULL || sscanf(proof, "v1 %llu %127s", &counter, sig) != 2 || !proof_fits(s, x, counter, sig)) {
		odds_broken(v->odds, "a request whose proof does not fit");
		vendor_text(v, x, 401, NULL, "");
		return NULL;
	}
	if (!is_fresh_counter(s, counter)) {
		odds_broken(v->odds, "counter %llu of a session comes twice", counter);
		vendor_text(v, x, 401, NULL, "");
		return NULL;
	}
	return s;
}

void vendor_forget_sessions(struct vendor_sim *v)
{
	memset(v->sessions, 0, sizeof(v->sessions));
	memset(v->challenges, 0, sizeof(v->challenges));
}
