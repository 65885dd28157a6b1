/* cloud.h - a scripted AWS and metadata service in the simulated world. A rule answers requests that contain a text in
 * "METHOD url body"; the first rule that fits and is not used up answers. What was asked is kept. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/aws/imds.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define CLOUD_MAX 4096
#define IMDS_URL "http://169.254.169.254"

struct rule {
	const char *match;
	int status;       /* 0: hangs; negative: an -ERR_ of the network */
	const char *body; /* NULL: empty */
	const char *head;
	unsigned times; /* 0: for ever */
	uint32_t delay_ms;
	unsigned used;
};

struct seen {
	char *line; /* "METHOD url body" */
	char *headers;
	uint64_t at_ms;
};

struct cloud {
	struct world *w;
	struct rule rules[64];
	size_t rules_n;
	struct seen seen[CLOUD_MAX];
	size_t seen_n;
};

static inline void cloud_note(struct cloud *c, const struct sim_http *x)
{
	struct buf b = BUF_MAX(1 << 20);

	for (size_t i = 0; i < x->headers_n; i++)
		buf_addf(&b, "%s: %s\n", x->headers[i].name, x->headers[i].value);
	assert_true(c->seen_n < CLOUD_MAX);
	c->seen[c->seen_n++] = (struct seen){ .line = mem_printf("%s %s %s", x->method, x->url, (const char *)x->body),
					      .headers = buf_take(&b, NULL),
					      .at_ms = world_now_ms(x->w) };
}

static inline void cloud_answer(struct sim_http *x, const struct rule *r)
{
	if (r->status > 0)
		sim_http_answer(x, r->status, r->head, r->body, r->body != NULL ? strlen(r->body) : 0, r->delay_ms);
	else if (r->status < 0)
		sim_http_fail(x, r->status, r->delay_ms);
}

static inline void cloud_on_request(void *ctx, struct sim_http *x)
{
	struct cloud *c = ctx;

	cloud_note(c, x);
	for (size_t i = 0; i < c->rules_n; i++) {
		struct rule *r = &c->rules[i];

		if ((r->times > 0 && r->used >= r->times) || strstr(c->seen[c->seen_n - 1].line, r->match) == NULL)
			continue;
		r->used++;
		cloud_answer(x, r);
		return;
	}
	sim_http_answer(x, 404, NULL, "", 0, 0);
}

static inline struct rule *cloud_rule(struct cloud *c, struct rule r)
{
	assert_true(c->rules_n < ARRAY_LEN(c->rules));
	c->rules[c->rules_n] = r;
	return &c->rules[c->rules_n++];
}
#define CLOUD(c, ...) cloud_rule((c), (struct rule){ __VA_ARGS__ })

static inline unsigned cloud_count(const struct cloud *c, const char *match)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->seen_n; i++)
		n += strstr(c->seen[i].line, match) != NULL;
	return n;
}

/* The n-th (from 0) request that holds the text. */
static inline const struct seen *cloud_seen(const struct cloud *c, const char *match, unsigned n)
{
	for (size_t i = 0; i < c->seen_n; i++)
		if (strstr(c->seen[i].line, match) != NULL && n-- == 0)
			return &c->seen[i];
	fail_msg("no such request: %s", match);
	return NULL;
}

/* The value of a header line of a request, up to its end; lives until eight more were asked for. */
static inline const char *seen_header(const struct seen *s, const char *name)
{
	static char values[8][4096];
	static unsigned next;
	char *value = values[next++ % 8];
	char key[128];
	const char *at;

	snprintf(key, sizeof(key), "%s: ", name);
	at = strstr(s->headers, key);
	if (at == NULL)
		return "";
	at += strlen(key);
	snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at, "\n"), at);
	return value;
}

/* Keys as the metadata service writes them; expires_in_ms counts from the virtual now. The text lives as long as `c`. */
static inline const char *cloud_keys_json(struct cloud *c, const char *id, int64_t expires_in_ms)
{
	static char texts[16][512];
	static unsigned next;
	char stamp[STAMP_RFC3339_LEN];
	char *to = texts[next++ % 16];

	snprintf(to, sizeof(texts[0]),
		 "{\"Code\":\"Success\",\"LastUpdated\":\"2026-01-01T00:00:00Z\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"%s\","
		 "\"SecretAccessKey\":\"secret\",\"Token\":\"token-%s\",\"Expiration\":\"%s\"}",
		 id, id, stamp_rfc3339(world_wall_ms(c->w) + expires_in_ms, stamp));
	return to;
}

#define TOKEN_HEAD "X-aws-ec2-metadata-token-ttl-seconds: 21600\n"
#define HOUR_MS INT64_C(3600000)

/* A metadata service that works, behind whatever rules were added first. */
static inline void cloud_imds(struct cloud *c)
{
	CLOUD(c, .match = "PUT " IMDS_URL "/latest/api/token", .status = 200, .head = TOKEN_HEAD, .body = "TOKEN==");
	CLOUD(c, .match = "security-credentials/ ", .status = 200, .body = "node-role");
	CLOUD(c, .match = "security-credentials/node-role ", .status = 200, .body = cloud_keys_json(c, "ASIA1", 6 * HOUR_MS));
	CLOUD(c, .match = "services/domain ", .status = 200, .body = "amazonaws.com");
	CLOUD(c, .match = "instance-identity/document ", .status = 200,
	      .body =
		  "{\"accountId\":\"123456789012\",\"region\":\"us-east-1\",\"availabilityZone\":\"us-east-1a\",\"instanceId\":"
		  "\"i-1\",\"instanceType\":\"t3.small\",\"imageId\":\"ami-1\",\"architecture\":\"x86_64\",\"devpayProductCodes\":"
		  "null}");
}

static inline void cloud_forget(struct cloud *c)
{
	for (size_t i = 0; i < c->seen_n; i++) {
		mem_free(c->seen[i].line);
		mem_free(c->seen[i].headers);
	}
	c->seen_n = 0;
}

static inline int cloud_setup(void **state)
{
	struct cloud *c = mem_new(struct cloud);

	c->w = sim_new(7);
	sim_http_handle(c->w, cloud_on_request, c);
	*state = c;
	return 0;
}

static inline int cloud_teardown(void **state)
{
	struct cloud *c = *state;

	sim_run_until(c->w, NULL, NULL, 1000);
	sim_free(c->w);
	cloud_forget(c);
	mem_free(c);
	return 0;
}

static inline void cloud_wait(struct cloud *c, bool *flag)
{
	assert_int_equal(sim_run_until(c->w, flag_is_set, flag, 24 * HOUR_MS), SIM_TRUE);
}

/* Lets virtual time pass, whatever else happens. */
static inline void cloud_pass(struct cloud *c, uint64_t ms)
{
	bool passed = false;

	sim_at(c->w, ms, flag_set, &passed);
	cloud_wait(c, &passed);
}

static inline void cloud_close_imds(struct cloud *c, struct imds *im)
{
	bool done = false;

	imds_close(im, flag_set, &done);
	assert_false(done);
	cloud_wait(c, &done);
}

#define CLOUD_TEST(f) cmocka_unit_test_setup_teardown(f, cloud_setup, cloud_teardown)
