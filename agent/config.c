/* config.c - one function a section, which hears of all that is wrong in it; every getter names the line. */
#include "agent/config_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/aws/imds.h"
#include "agent/aws/region.h"
#include "agent/base/enc.h"
#include "agent/base/faults.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/url.h"
#include "agent/base/yaml.h"
#include "agent/ops/steps/catalogue.h"

#define URL_MAX 256
#define ROLE_NAME_MAX 64 /* IAM */

/* https, or http to loopback where insecure is said; no user, no query, no slash at the end. */
static int get_url(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	const char *url = NULL;
	char *host;

	TRY(yaml_str(n, &url, e));
	if (url == NULL)
		return 0;
	host = url_host(c->arena, url);
	if (host == NULL || strlen(url) > URL_MAX || strpbrk(url, "?#@ \"\\") != NULL || url[strlen(url) - 1] == '/')
		return yaml_wrong(n, "a URL such as https://host or https://host:443, with no slash at its end", e);
	if (str_starts(url, "http://") && !(c->insecure && url_is_loopback(host)))
		return yaml_wrong(n, "https:// (http:// is allowed to loopback alone, with insecure: true)", e);
	if (!str_starts(url, "http://") && !str_starts(url, "https://"))
		return yaml_wrong(n, "https://", e);
	*ret = arena_str(c->arena, url);
	return 0;
}

int config_get_text(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	if (text != NULL)
		*ret = arena_str(c->arena, text);
	return 0;
}

static int get_id(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	TRY(config_get_text(n, c, ret, e));
	return n == NULL || str_is_id(*ret, 32) ? 0 : yaml_wrong(n, "1 to 32 of [a-z0-9-], first a letter or digit", e);
}

int config_get_path(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	TRY(config_get_text(n, c, ret, e));
	return n == NULL || ((*ret)[0] == '/' && strlen(*ret) < 256) ? 0 : yaml_wrong(n, "an absolute path", e);
}

/* ---- sections ---- */

static int get_connect_to(struct yaml_node *n, struct config *c, const char **ret, struct err *e)
{
	TRY(config_get_text(n, c, ret, e));
	return n == NULL || (**ret != '[' && url_is_place(*ret))
		   ? 0
		   : yaml_wrong(n, "a name or an IPv4 address and a port, such as vpce-0123.example:443", e);
}

#define PROXY_EXPECTED "http://HOST:PORT with nothing behind it, such as http://proxy.example:3128"

/* A name and a password in it would travel: this file is in each report to the vendor. Nor are they shown here. */
static int get_proxy(struct yaml_node *n, struct config *c, struct err *e)
{
	const char *url = NULL;

	TRY(yaml_str(n, &url, e));
	if (url == NULL)
		return 0;
	if (strchr(url, '@') != NULL)
		return yaml_wrong_hidden(n,
					 PROXY_EXPECTED ": its user:password stands in the credential reeve.proxy of the service "
							"(LoadCredential= of its unit), never in this file",
					 e);
	if (str_starts(url, "https://"))
		return yaml_wrong(n, PROXY_EXPECTED ": TLS to the vendor goes through it, from end to end", e);
	if (!str_starts(url, "http://") || strlen(url) > URL_MAX || !url_is_place(url + strlen("http://")))
		return yaml_wrong(n, PROXY_EXPECTED, e);
	c->proxy.place = arena_str(c->arena, url + strlen("http://"));
	return 0;
}

/* Two ways at once, or one that leads nowhere. */
static int check_way(struct yaml_node *v, const struct config *c, struct err *e)
{
	if (c->proxy.place == NULL)
		return 0;
	if (c->vendor_connect_to != NULL)
		return yaml_wrong(yaml_get(v, "proxy"),
				  "no connect_to beside it: one says to go by a proxy, the other to connect elsewhere directly", e);
	if (c->vendor_url != NULL && str_starts(c->vendor_url, "http://"))
		return yaml_wrong(yaml_get(v, "proxy"), "a url of https:// beside it: http:// is this machine's own loopback", e);
	return 0;
}

/* The agent knows the paths. */
static int get_vendor_url(struct yaml_node *n, struct config *c, struct err *e)
{
	TRY(get_url(n, c, &c->vendor_url, e));
	if (c->vendor_url == NULL)
		return 0;
	c->vendor_host = url_host(c->arena, c->vendor_url);
	if (strchr(strstr(c->vendor_url, "://") + 3, '/') != NULL)
		return yaml_wrong(n, "a URL without a path, such as https://host: the agent adds /reeve/v1, /v1/opamp and so on",
				  e);
	return 0;
}

static void read_vendor(struct yaml_node *root, struct config *c, struct faults *f)
{
	struct yaml_node *v = yaml_get(root, "vendor");

	if (!faults_need(f, root, "vendor", "a mapping with name and url") ||
	    !faults_enter(f, v, YAML_KEYS("name", "url", "connect_to", "proxy", "ca_file")))
		return;
	if (faults_need(f, v, "name", "the value of the tag resource-created-by"))
		faults_hear(f, get_id(yaml_get(v, "name"), c, &c->vendor_name, &f->now));
	if (faults_need(f, v, "url", "https://..."))
		faults_hear(f, get_vendor_url(yaml_get(v, "url"), c, &f->now));
	faults_hear(f, get_connect_to(yaml_get(v, "connect_to"), c, &c->vendor_connect_to, &f->now));
	faults_hear(f, get_proxy(yaml_get(v, "proxy"), c, &f->now));
	faults_hear(f, check_way(v, c, &f->now));
	faults_hear(f, config_get_path(yaml_get(v, "ca_file"), c, &c->ca_file, &f->now));
}

static int get_account(struct yaml_node *n, struct config *c, struct err *e)
{
	TRY(config_get_text(n, c, &c->account, e));
	if (n != NULL && (strlen(c->account) != 12 || strspn(c->account, "0123456789") != 12))
		return yaml_wrong(n, "an account id of 12 digits, in quotes", e);
	return 0;
}

/* For tests; url_host takes no brackets. */
static bool is_imds_loopback(const char *url, const char *host)
{
	if (!str_starts(url, "http://") || strpbrk(url, "@?#") != NULL)
		return false;
	return str_starts(url, "http://[::1]:") ? url_is_place(url + strlen("http://")) : host != NULL && url_is_loopback(host);
}

/* One of the two addresses, or loopback for tests. */
static int get_imds(struct yaml_node *n, struct config *c, struct err *e)
{
	const char *url = NULL, *host;

	TRY(yaml_str(n, &url, e));
	if (url == NULL)
		return 0;
	host = url_host(c->arena, url);
	if (!str_eq(url, IMDS_IPV4) && !str_eq(url, IMDS_IPV6) && !(c->insecure && is_imds_loopback(url, host)))
		return yaml_wrong(n, IMDS_IPV4 " or " IMDS_IPV6, e);
	c->imds_endpoint = arena_str(c->arena, url);
	return 0;
}

static int get_dualstack(struct yaml_node *n, struct config *c, struct err *e)
{
	bool is_wanted = false;

	TRY(yaml_bool(n, &is_wanted, e));
	if (n != NULL)
		c->dualstack = is_wanted ? CONFIG_YES : CONFIG_NO;
	return 0;
}

static int get_region(struct yaml_node *n, struct config *c, struct err *e)
{
	TRY(config_get_text(n, c, &c->region, e));
	return n == NULL || region_is_one(c->region) ? 0 : yaml_wrong(n, "a region of AWS such as us-east-1", e);
}

static int get_operate_role(struct yaml_node *n, struct config *c, struct err *e)
{
	TRY(config_get_text(n, c, &c->operate_role, e));
	return n == NULL || str_starts(c->operate_role, "arn:") ? 0 : yaml_wrong(n, "a role's ARN", e);
}

static void read_endpoints(struct yaml_node *map, struct config *c, struct faults *f)
{
	const struct aws_service *const *all = catalogue_services();
	const char *names[AWS_ENDPOINTS_MAX + 1] = { NULL };

	for (size_t i = 0; all[i] != NULL; i++)
		names[i] = all[i]->name;
	if (!faults_enter(f, map, names))
		return;
	for (size_t i = 0; names[i] != NULL; i++) {
		struct aws_endpoint *to = &c->endpoints[c->endpoints_n];

		faults_hear(f, get_url(yaml_get(map, names[i]), c, &to->url, &f->now));
		if (to->url == NULL)
			continue;
		to->service = names[i];
		c->endpoints_n++;
	}
}

static void read_aws(struct yaml_node *root, struct config *c, struct faults *f)
{
	struct yaml_node *a = yaml_get(root, "aws");

	if (!faults_enter(f, a,
			  YAML_KEYS("region", "account", "role_id", "operate_role", "imds_endpoint", "dualstack", "endpoints")))
		return;
	faults_hear(f, get_region(yaml_get(a, "region"), c, &f->now));
	faults_hear(f, get_account(yaml_get(a, "account"), c, &f->now));
	faults_hear(f, config_get_text(yaml_get(a, "role_id"), c, &c->role_id, &f->now));
	faults_hear(f, get_operate_role(yaml_get(a, "operate_role"), c, &f->now));
	faults_hear(f, get_imds(yaml_get(a, "imds_endpoint"), c, &f->now));
	faults_hear(f, get_dualstack(yaml_get(a, "dualstack"), c, &f->now));
	read_endpoints(yaml_get(a, "endpoints"), c, f);
}

/* One key in two roles would make of two signatures one; in one role it stands there by mistake. */
static int check_key(struct yaml_node *n, const struct config *c, const struct sign_public *pub, struct err *e)
{
	if (!sign_public_is_sound(pub))
		return yaml_wrong(
		    n, "an Ed25519 public key as key generators make it (this one is of small order or not canonical)", e);
	for (size_t i = 0; i < c->trust.n; i++) {
		CLEANUP(mem_close) char *expected = mem_printf("a key of its own (\"%s\" has this one)", c->trust.keys[i].name);

		if (memcmp(c->trust.keys[i].pub.b, pub->b, sizeof(pub->b)) == 0)
			return yaml_wrong(n, expected, e);
	}
	return 0;
}

static int get_key(struct yaml_node *n, const struct config *c, struct sign_public *ret, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	if (enc_unbase64(text, ret->b, sizeof(ret->b)) != 0)
		return yaml_wrong(n, "a raw Ed25519 public key in base64 (44 characters)", e);
	return check_key(n, c, ret, e);
}

static void read_key(struct yaml_node *n, struct config *c, struct faults *f)
{
	static const char *const roles[] = { "command", "release", "head" };
	size_t before = f->missed;
	const char *name = NULL;
	struct sign_public pub;
	unsigned role = 0;

	if (!faults_enter(f, n, YAML_KEYS("name", "role", "public_key")))
		return;
	if (faults_need(f, n, "name", "a name"))
		faults_hear(f, yaml_str(yaml_get(n, "name"), &name, &f->now));
	if (faults_need(f, n, "role", "command, release or head"))
		faults_hear(f, yaml_enum(yaml_get(n, "role"), roles, ARRAY_LEN(roles), &role, &f->now));
	if (faults_need(f, n, "public_key", "a raw Ed25519 public key in base64"))
		faults_hear(f, get_key(yaml_get(n, "public_key"), c, &pub, &f->now));
	if (f->missed == before)
		trust_add(&c->trust, name, (enum trust_role)role, &pub);
}

/* A list that may be walked through: it is one, and not too long. */
bool config_is_list(struct yaml_node *n, size_t most, struct faults *f)
{
	int rc = yaml_list(n, most, &f->now);

	faults_hear(f, rc);
	return rc == 0;
}

static void read_trust(struct yaml_node *root, struct config *c, struct faults *f)
{
	struct yaml_node *t = yaml_get(root, "trust"), *keys = yaml_get(t, "keys");

	if (!faults_need(f, root, "trust", "a mapping with keys") || !faults_enter(f, t, YAML_KEYS("keys")) ||
	    !faults_need(f, t, "keys", "a list of public keys") || !config_is_list(keys, TRUST_KEYS_MAX, f))
		return;
	if (yaml_first(keys) == NULL && !yaml_is_cut(keys))
		faults_hear(f, yaml_wrong(keys, "at least one key: with none, every command is refused", &f->now));
	for (struct yaml_node *n = yaml_first(keys); n != NULL; n = yaml_next(n))
		read_key(n, c, f);
}

static int get_at_least(struct yaml_node *n, uint64_t least, const char *expected, uint64_t value, struct err *e)
{
	return n == NULL || value >= least ? 0 : yaml_wrong(n, expected, e);
}

static int get_size(struct yaml_node *n, uint64_t least, const char *expected, uint64_t *ret, struct err *e)
{
	TRY(yaml_size(n, ret, e));
	return get_at_least(n, least, expected, *ret, e);
}

int config_get_duration(struct yaml_node *n, uint64_t least_ms, const char *expected, uint64_t *ret_ms, struct err *e)
{
	TRY(yaml_duration(n, ret_ms, e));
	return get_at_least(n, least_ms, expected, *ret_ms, e);
}

static int get_segment(struct yaml_node *n, struct config *c, struct err *e)
{
	TRY(get_size(n, 64u << 10, "at least 64KiB", &c->journal_segment, e));
	return n == NULL || c->journal_segment <= (32u << 20) ? 0 : yaml_wrong(n, "at most 32MiB", e);
}

static void read_journal(struct yaml_node *root, struct config *c, struct faults *f)
{
	struct yaml_node *j = yaml_get(root, "journal");

	if (!faults_enter(f, j, YAML_KEYS("max", "segment")))
		return;
	faults_hear(f, get_size(yaml_get(j, "max"), 1u << 20, "at least 1MiB", &c->journal_max, &f->now));
	faults_hear(f, get_segment(yaml_get(j, "segment"), c, &f->now));
}

static void read_poll(struct yaml_node *root, struct config *c, struct faults *f)
{
	struct yaml_node *p = yaml_get(root, "poll");

	if (!faults_enter(f, p, YAML_KEYS("idle", "busy")))
		return;
	faults_hear(f, config_get_duration(yaml_get(p, "idle"), 1000, "at least 1s", &c->poll_idle_ms, &f->now));
	faults_hear(f, config_get_duration(yaml_get(p, "busy"), 200, "at least 200ms", &c->poll_busy_ms, &f->now));
}

static void read_quota(struct yaml_node *map, uint64_t *ret_logs, uint64_t *ret_metrics, struct faults *f)
{
	static const char *const least = "at least 1MiB";

	faults_hear(f, get_size(yaml_get(map, "logs_max"), 1u << 20, least, ret_logs, &f->now));
	faults_hear(f, get_size(yaml_get(map, "metrics_max"), 1u << 20, least, ret_metrics, &f->now));
}

static void read_spool(struct yaml_node *s, struct config *c, struct faults *f)
{
	if (!faults_enter(f, s, YAML_KEYS("logs_max", "metrics_max", "max_age", "catch_up")))
		return;
	read_quota(s, &c->spool_logs_max, &c->spool_metrics_max, f);
	faults_hear(f, config_get_duration(yaml_get(s, "max_age"), 60000, "at least 1m", &c->spool_max_age_ms, &f->now));
	faults_hear(f, get_size(yaml_get(s, "catch_up"), 64u << 10, "at least 64KiB", &c->spool_catch_up, &f->now));
}

static void read_ledger(struct yaml_node *l, struct config *c, struct faults *f)
{
	if (!faults_enter(f, l, YAML_KEYS("max", "max_age")))
		return;
	faults_hear(f, get_size(yaml_get(l, "max"), 1u << 20, "at least 1MiB", &c->ledger_max, &f->now));
	faults_hear(f, config_get_duration(yaml_get(l, "max_age"), 86400000, "at least 1d", &c->ledger_max_age_ms, &f->now));
}

static void read_customer(struct yaml_node *t, struct config *c, struct faults *f)
{
	struct yaml_node *m = yaml_get(t, "customer");
	struct config_customer *to = &c->customer;

	if (m == NULL || !faults_need(f, m, "url", "https://..., to which /v1/logs and /v1/metrics are added") ||
	    !faults_enter(f, m, YAML_KEYS("url", "auth_file", "ca_file", "connect_to", "logs_max", "metrics_max")))
		return;
	faults_hear(f, get_url(yaml_get(m, "url"), c, &to->url, &f->now));
	faults_hear(f, config_get_path(yaml_get(m, "auth_file"), c, &to->auth_file, &f->now));
	faults_hear(f, config_get_path(yaml_get(m, "ca_file"), c, &to->ca_file, &f->now));
	faults_hear(f, get_connect_to(yaml_get(m, "connect_to"), c, &to->connect_to, &f->now));
	read_quota(m, &to->logs_max, &to->metrics_max, f);
}

static void read_telemetry(struct yaml_node *root, struct config *c, struct faults *f)
{
	struct yaml_node *t = yaml_get(root, "telemetry"), *host = yaml_get(t, "host_metrics"), *logs = yaml_get(t, "logs");
	struct yaml_node *interval = yaml_get(host, "interval");
	static const char *const compressions[] = { [CONFIG_GZIP] = "gzip", [CONFIG_ZSTD] = "zstd" };

	if (!faults_enter(f, t, YAML_KEYS("host_metrics", "logs", "spool", "ledger", "hmac_key_file", "customer", "compression")))
		return;
	faults_hear(f, yaml_enum(yaml_get(t, "compression"), compressions, ARRAY_LEN(compressions), &c->compression, &f->now));
	faults_hear(f, config_get_path(yaml_get(t, "hmac_key_file"), c, &c->hmac_key_file, &f->now));
	if (faults_enter(f, host, YAML_KEYS("interval")))
		faults_hear(f, config_get_duration(interval, 1000, "at least 1s", &c->metrics_interval_ms, &f->now));
	config_read_logs(logs, c, f);
	read_spool(yaml_get(t, "spool"), c, f);
	read_ledger(yaml_get(t, "ledger"), c, f);
	read_customer(t, c, f);
}

static int get_socket(struct yaml_node *n, struct config *c, struct err *e)
{
	TRY(config_get_path(n, c, &c->socket, e));
	return strlen(c->socket) <= SOCKET_PATH_MAX
		   ? 0
		   : yaml_wrong(n, "a path of at most 107 bytes, which is what a socket has room for", e);
}

static void read_log(struct yaml_node *root, struct config *c, struct faults *f)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };
	struct yaml_node *l = yaml_get(root, "log");
	unsigned level = LOG_INFO;

	if (faults_enter(f, l, YAML_KEYS("level")))
		faults_hear(f, yaml_enum(yaml_get(l, "level"), levels, ARRAY_LEN(levels), &level, &f->now));
	c->log_level = (enum log_level)level;
}

/* Names that are made of these two, and what AWS takes: of a security group none that begins with sg-, of a role 64 characters.
 * A role that is named here is none of them. */
static int check_names(struct yaml_node *root, const struct config *c, struct err *e)
{
	size_t most = ROLE_NAME_MAX - (sizeof("-role--operate") - 1), both;
	char expected[160];

	if (c->vendor_name == NULL || c->installation == NULL)
		return 0; /* which was told */
	both = strlen(c->vendor_name) + strlen(c->installation);
	if (str_starts(c->vendor_name, "sg-"))
		return yaml_wrong(yaml_get(yaml_get(root, "vendor"), "name"),
				  "a name that does not begin with sg-: security groups are named after it, and EC2 refuses those",
				  e);
	if (c->operate_role != NULL || both <= most)
		return 0;
	snprintf(
	    expected, sizeof(expected),
	    "together with vendor.name at most %zu characters, not %zu: the role VENDOR-role-INSTALLATION-operate has at most %d",
	    most, both, ROLE_NAME_MAX);
	return yaml_wrong(yaml_get(root, "installation"), expected, e);
}

static void read_all(struct yaml_node *root, struct config *c, struct faults *f)
{
	static const char *const keys[] = { "installation", "vendor", "aws",       "trust", "state",    "socket",
					    "journal",      "poll",   "telemetry", "log",   "insecure", NULL };
	struct yaml_node *state = yaml_get(root, "state");

	if (!faults_enter(f, root, keys))
		return;
	faults_hear(f, yaml_bool(yaml_get(root, "insecure"), &c->insecure, &f->now));
	if (faults_need(f, root, "installation", "the id given by the vendor"))
		faults_hear(f, get_id(yaml_get(root, "installation"), c, &c->installation, &f->now));
	read_vendor(root, c, f);
	read_aws(root, c, f);
	faults_hear(f, check_names(root, c, &f->now));
	read_trust(root, c, f);
	if (faults_enter(f, state, YAML_KEYS("dir")))
		faults_hear(f, config_get_path(yaml_get(state, "dir"), c, &c->state_dir, &f->now));
	faults_hear(f, get_socket(yaml_get(root, "socket"), c, &f->now));
	read_journal(root, c, f);
	read_poll(root, c, f);
	read_telemetry(root, c, f);
	read_log(root, c, f);
}

/* What lies beside the file that was given with -c. */
static const char *beside(struct arena *m, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? arena_str(m, name) : arena_printf(m, "%.*s/%s", (int)(slash - path), path, name);
}

static void set_defaults(struct config *c, const char *path)
{
	c->arena = arena_new_sized(4u << 20);
	c->path = arena_str(c->arena, path);
	c->policy_path = beside(c->arena, path, "policy.yaml");
	c->stop_path = beside(c->arena, path, "STOP");
	c->wait_handle_path = beside(c->arena, path, "wait-handle");
	c->state_dir = "/var/lib/reeve";
	c->socket = "/run/reeve/reeve.sock";
	c->journal_max = 256u << 20;
	c->journal_segment = 4u << 20;
	c->poll_idle_ms = 30000;
	c->poll_busy_ms = 2000;
	c->spool_logs_max = 2ull << 30;
	c->spool_catch_up = 8u << 20;
	c->spool_metrics_max = 512u << 20;
	c->ledger_max = 256u << 20;
	c->ledger_max_age_ms = UINT64_C(31) * 86400000;
}

static void parse(const char *path, const char *text, size_t len, struct config *ret, struct faults *f)
{
	CLEANUP(yaml_close) struct yaml *y = faults_read(f, path, text, len);
	struct config c = { 0 };

	if (y == NULL)
		return;
	set_defaults(&c, path);
	c.text = arena_strn(c.arena, text, len);
	read_all(yaml_root(y), &c, f);
	*ret = c;
}

/* All of it or nothing. */
static int whole(struct config *read, const struct faults *f, struct config *ret, struct err *e)
{
	if (f->all > 0)
		config_close(read);
	else
		*ret = *read;
	return faults_first(f, e);
}

int config_parse(const char *path, const char *text, size_t len, struct config *ret, struct err *e)
{
	struct faults f = { 0 };
	struct config c = { 0 };

	parse(path, text, len, &c, &f);
	return whole(&c, &f, ret, e);
}

void config_check(struct world *w, const char *path, struct config *ret, struct faults *f)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(YAML_MAX_BYTES);
	int rc = disk_read_all(w, path, &b, &f->now);

	faults_hear(f, rc);
	if (rc == 0)
		parse(path, buf_str(&b), b.len, ret, f);
}

int config_load(struct world *w, const char *path, struct config *ret, struct err *e)
{
	struct faults f = { 0 };
	struct config c = { 0 };

	config_check(w, path, &c, &f);
	return whole(&c, &f, ret, e);
}

void config_close(struct config *c)
{
	secret_close(&c->proxy.pair);
	arena_free(c->arena);
	*c = (struct config){ 0 };
}
