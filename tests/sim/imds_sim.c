/* imds_sim.c - the metadata service, version 2: a session token by PUT, everything else by GET with it. */
#include "agent/base/stamp.h"
#include "tests/sim/aws_sim_impl.h"

#define TOKEN_MS 21600000

static void text(struct aws_sim *a, struct sim_http *x, int status, const char *head, const char *body)
{
	sim_http_answer(x, status, head, body, strlen(body), (uint32_t)odds_between(a->odds, 1, 5));
}

static void put_token(struct aws_sim *a, struct sim_http *x)
{
	if (sim_http_header(x, "x-aws-ec2-metadata-token-ttl-seconds") == NULL || sim_http_header(x, "X-Forwarded-For") != NULL) {
		text(a, x, 400, NULL, "<html>400 - Bad Request</html>");
		return;
	}
	snprintf(a->imds_token, sizeof(a->imds_token), "TOKEN%016llx==", (unsigned long long)sim_random(a->w));
	a->imds_token_ms = aws_now(a) + TOKEN_MS;
	text(a, x, 200, "X-aws-ec2-metadata-token-ttl-seconds: 21600\n", a->imds_token);
}

/* New keys come an hour before the old ones end, as on EC2; a short life is renewed in its last third. */
static const struct aws_key *instance_key(struct aws_sim *a)
{
	const struct aws_key *newest = NULL;
	uint64_t early = a->keys_live_ms / 3 < 3600000 ? a->keys_live_ms / 3 : 3600000;

	for (size_t i = 0; i < a->keys_n; i++)
		if (!a->keys[i].operate)
			newest = &a->keys[i];
	if (newest == NULL || newest->dead_ms <= aws_now(a) + early)
		newest = aws_key_new(a, AWS_INSTANCE, false, a->keys_live_ms);
	return newest;
}

static void get_keys(struct aws_sim *a, struct sim_http *x)
{
	const struct aws_key *k = instance_key(a);
	char stamp[STAMP_RFC3339_LEN];
	CLEANUP(mem_close)
	char *body =
	    mem_printf("{\"Code\":\"Success\",\"LastUpdated\":\"2026-01-01T00:00:00Z\",\"Type\":\"AWS-HMAC\","
		       "\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\",\"Token\":\"%s\",\"Expiration\":\"%s\"}",
		       k->id, k->secret, k->token, stamp_rfc3339(aws_sim_wall_ms(a) + (int64_t)(k->dead_ms - aws_now(a)), stamp));

	text(a, x, 200, NULL, body);
}

static void get_document(struct aws_sim *a, struct sim_http *x)
{
	CLEANUP(mem_close)
	char *body = mem_printf(
	    "{\"accountId\":\"%s\",\"region\":\"%s\",\"availabilityZone\":\"" AWS_REGION "a\",\"instanceId\":\"" AWS_INSTANCE
	    "\",\"instanceType\":\"t3.small\",\"imageId\":\"ami-1\",\"architecture\":\"x86_64\"}",
	    a->imds_account != NULL ? a->imds_account : AWS_ACCOUNT, a->imds_region != NULL ? a->imds_region : AWS_REGION);

	text(a, x, 200, NULL, body);
}

static void get(struct aws_sim *a, struct sim_http *x, const char *path)
{
	const char *token = sim_http_header(x, "x-aws-ec2-metadata-token");

	if (odds_hit(a->odds, TALLY_IMDS_TOKEN_LOST))
		a->imds_token[0] = '\0';
	if (token == NULL || !str_eq(token, a->imds_token) || aws_now(a) >= a->imds_token_ms)
		text(a, x, 401, NULL, "<html>401 - Unauthorized</html>");
	else if (str_eq(path, "/latest/meta-data/iam/security-credentials/"))
		text(a, x, 200, NULL, AWS_ROLE);
	else if (str_eq(path, "/latest/meta-data/iam/security-credentials/" AWS_ROLE))
		get_keys(a, x);
	else if (str_eq(path, "/latest/meta-data/services/domain"))
		text(a, x, a->imds_domain == NULL || *a->imds_domain != '\0' ? 200 : 404, NULL,
		     a->imds_domain != NULL ? a->imds_domain : "amazonaws.com");
	else if (str_eq(path, "/latest/dynamic/instance-identity/document"))
		get_document(a, x);
	else
		text(a, x, 404, NULL, "<html>404 - Not Found</html>");
}

void aws_imds_request(struct aws_sim *a, struct sim_http *x)
{
	const char *path = strstr(x->url, "/latest/");

	if (odds_hit(a->odds, TALLY_IMDS_HANG))
		return; /* the container's hop limit: no answer ever */
	if (odds_hit(a->odds, TALLY_IMDS_ERROR))
		text(a, x, 503, NULL, "<html>503</html>");
	else if (str_eq(x->method, "PUT") && path != NULL && str_eq(path, "/latest/api/token"))
		put_token(a, x);
	else
		get(a, x, path != NULL ? path : "");
}
