/* fuzz_imds.c - documents of the metadata service: identity and keys are whole and could stand in a header, or there are none. */
#include "agent/aws/imds.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/world_sim.h"

static const char *body;
static size_t body_len;
static struct imds_req req;
static int came; /* 1: not yet */

static void on_http(void *ctx, struct sim_http *x)
{
	const char *path = strstr(x->url, "/latest/");

	(void)ctx;
	if (path != NULL && strcmp(path, "/latest/api/token") == 0)
		sim_http_answer(x, 200, NULL, "token", 5, 0);
	else if (path != NULL && strcmp(path, "/latest/meta-data/iam/security-credentials/") == 0)
		sim_http_answer(x, 200, NULL, "role", 4, 0);
	else
		sim_http_answer(x, 200, NULL, body, body_len, 0);
}

static void on_answer(struct imds_req *r, int rc)
{
	(void)r;
	came = rc;
}

static bool has_come(void *ctx)
{
	(void)ctx;
	return came != 1;
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static bool is_set(void *ctx)
{
	return *(bool *)ctx;
}

static void must_be_plain(const char *text, size_t size)
{
	FUZZ_MUST(memchr(text, '\0', size) != NULL);
	FUZZ_MUST(strpbrk(text, "\r\n") == NULL);
}

static void judge(enum imds_what what)
{
	const struct imds_identity *id = &req.identity;

	if (came != 0) {
		FUZZ_MUST(req.err.text[0] != '\0');
		FUZZ_MUST(req.keys.secret.len == 0 && id->instance_id[0] == '\0' && req.domain[0] == '\0');
	} else if (what == IMDS_WHAT_KEYS) {
		FUZZ_MUST(req.keys.id[0] != '\0' && req.keys.secret.len > 0 && req.keys.token.len > 0 && req.keys.expires_ms > 0);
		must_be_plain(req.keys.id, sizeof(req.keys.id));
	} else if (what == IMDS_WHAT_IDENTITY) {
		FUZZ_MUST(id->account[0] != '\0' && id->region[0] != '\0' && id->instance_id[0] != '\0');
		must_be_plain(id->region, sizeof(id->region));
		must_be_plain(id->az, sizeof(id->az));
		must_be_plain(id->instance_id, sizeof(id->instance_id));
		must_be_plain(id->instance_type, sizeof(id->instance_type));
		must_be_plain(id->image_id, sizeof(id->image_id));
	} else {
		FUZZ_MUST(req.domain[0] != '\0');
		must_be_plain(req.domain, sizeof(req.domain));
	}
}

void fuzz_one(const char *s, size_t len)
{
	enum imds_what what = (enum imds_what)(fuzz_choice(&s, &len) % 3);
	struct world *w = sim_new(1);
	struct imds *im = imds_new(w, "http://169.254.169.254");
	bool closed = false;

	body = s;
	body_len = len;
	req = (struct imds_req){ 0 };
	came = 1;
	sim_http_handle(w, on_http, NULL);
	imds_get(im, &req, what, on_answer);
	FUZZ_MUST(sim_run_until(w, has_come, NULL, 600000) == SIM_TRUE);
	judge(what);
	keys_close(&req.keys);
	imds_close(im, on_closed, &closed);
	FUZZ_MUST(sim_run_until(w, is_set, &closed, 60000) == SIM_TRUE);
	sim_free(w);
}
