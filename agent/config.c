/* config.c - one function a section; every getter names the line, and yaml_map a key that does not belong there. */
#include "agent/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/base/cidr.h"
#include "agent/base/enc.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/yaml.h"

#define URL_MAX 256
#define HOST_MAX 253 /* RFC 1035, 2.3.4, as text */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define ROLE_NAME_MAX 64 /* IAM */

/* "host" or "host:port". Names and IPv4 addresses alone: what stands in brackets is no name that a certificate, or the audience
 * of a login, could hold. */
struct authority {
	size_t host_len;
	bool has_port;
	const char *end;
};

static bool read_authority(const char *s, struct authority *ret)
{
	struct authority a = { .host_len = strspn(s, LETTERS DIGITS ".-") };
	size_t digits;

	if (a.host_len == 0 || a.host_len > HOST_MAX || !isalnum((unsigned char)*s))
		return false;
	a.end = s + a.host_len;
	a.has_port = *a.end == ':';
	if (a.has_port) {
		digits = strspn(++a.end, DIGITS);
		if (digits == 0 || digits > 5 || strtoul(a.end, NULL, 10) > 65535 || *a.end == '0')
			return false;
		a.end += digits;
	}
	*ret = a;
	return true;
}

/* The host of "scheme://host[:port][/...]", lower case; NULL if there is none, or anything but a path behind it. */
static char *host_of(struct arena *m, const char *url)
{
	const char *from = strstr(url, "://");
	struct authority a;
	char *host;

	if (from == NULL || !read_authority(from + 3, &a) || (*a.end != '\0' && *a.end != '/'))
		return NULL;
	host = arena_strn(m, from + 3, a.host_len);
	for (char *c = host; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return host;
}

static bool is_loopback(const char *host)
{
	static const struct cidr loopback = { .addr = { 127 }, .bits = 8 };
	struct cidr c;

	return str_eq(host, "localhost") || (cidr_parse(host, &c) == 0 && cidr_holds(&loopback, &c));
}

/* https, or http to loopback where insecure is said; no user, no query, no slash at the end. */
static int get_url(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	const char *url = NULL;
	char *host;

	TRY(yaml_str(n, &url, e));
	if (url == NULL)
		return 0;
	host = host_of(c->arena, url);
	if (host == NULL || strlen(url) > URL_MAX || strpbrk(url, "?#@ \"\\") != NULL || url[strlen(url) - 1] == '/')
		return yaml_wrong(n, "a URL such as https://host or https://host:443, with no slash at its end", e);
	if (str_starts(url, "http://") && !(c->insecure && is_loopback(host)))
		return yaml_wrong(n, "https:// (http:// is allowed to loopback alone, with insecure: true)", e);
	if (!str_starts(url, "http://") && !str_starts(url, "https://"))
		return yaml_wrong(n, "https://", e);
	*ret = arena_str(c->arena, url);
	return 0;
}

static int get_text(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	const char *text = NULL;

	TRY(yaml_str(n, &text, e));
	if (text != NULL)
		*ret = arena_str(c->arena, text);
	return 0;
}

static int get_id(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	TRY(get_text(n, c, ret, e));
	return n == NULL || str_is_id(*ret, 32) ? 0 : yaml_wrong(n, "1 to 32 of [a-z0-9-], first a letter or digit", e);
}

static int get_path(struct yaml_node *n, const struct config *c, const char **ret, struct err *e)
{
	TRY(get_text(n, c, ret, e));
	return n == NULL || ((*ret)[0] == '/' && strlen(*ret) < 256) ? 0 : yaml_wrong(n, "an absolute path", e);
}

static int need(const void *value, const struct yaml_node *map, const char *key, const char *expected, struct err *e)
{
	return value != NULL ? 0 : yaml_missing(map, key, expected, e);
}

/* ---- sections ---- */

static int get_connect_to(struct yaml_node *n, struct config *c, struct err *e)
{
	struct authority a;

	TRY(get_text(n, c, &c->vendor_connect_to, e));
	return n == NULL || (read_authority(c->vendor_connect_to, &a) && a.has_port && *a.end == '\0')
		   ? 0
		   : yaml_wrong(n, "a name or an IPv4 address and a port, such as vpce-0123.example:443", e);
}

static int read_vendor(struct yaml_node *root, struct config *c, struct err *e)
{
	struct yaml_node *v = yaml_get(root, "vendor");

	TRY(need(v, root, "vendor", "a mapping with name and url", e));
	TRY(yaml_map(v, YAML_KEYS("name", "url", "connect_to", "ca_file"), e));
	TRY(get_id(yaml_get(v, "name"), c, &c->vendor_name, e));
	TRY(need(c->vendor_name, v, "name", "the value of the tag resource-created-by", e));
	TRY(get_url(yaml_get(v, "url"), c, &c->vendor_url, e));
	TRY(need(c->vendor_url, v, "url", "https://...", e));
	c->vendor_host = host_of(c->arena, c->vendor_url);
	TRY(get_connect_to(yaml_get(v, "connect_to"), c, e));
	return get_path(yaml_get(v, "ca_file"), c, &c->ca_file, e);
}

static int get_account(struct yaml_node *n, struct config *c, struct err *e)
{
	TRY(get_text(n, c, &c->account, e));
	if (n != NULL && (strlen(c->account) != 12 || strspn(c->account, "0123456789") != 12))
		return yaml_wrong(n, "an account id of 12 digits, in quotes", e);
	return 0;
}

/* One of the two link-local addresses, or loopback for tests. */
static int get_imds(struct yaml_node *n, struct config *c, struct err *e)
{
	const char *url = NULL, *host;

	TRY(yaml_str(n, &url, e));
	if (url == NULL)
		return 0;
	host = host_of(c->arena, url);
	if (!str_eq(url, "http://169.254.169.254") && !str_eq(url, "http://[fd00:ec2::254]") &&
	    !(c->insecure && str_starts(url, "http://") && strpbrk(url, "@?#") == NULL && host != NULL && is_loopback(host)))
		return yaml_wrong(n, "http://169.254.169.254 or http://[fd00:ec2::254]", e);
	c->imds_endpoint = arena_str(c->arena, url);
	return 0;
}

static int read_aws(struct yaml_node *root, struct config *c, struct err *e)
{
	struct yaml_node *a = yaml_get(root, "aws"), *ep = yaml_get(a, "endpoints");
	const char *services[AWS_SERVICES + 1] = { NULL };

	for (int s = 0; s < AWS_SERVICES; s++)
		services[s] = aws_service_name((enum aws_service)s);
	TRY(yaml_map(a, YAML_KEYS("region", "account", "role_id", "operate_role", "imds_endpoint", "endpoints"), e));
	TRY(get_id(yaml_get(a, "region"), c, &c->region, e));
	TRY(get_account(yaml_get(a, "account"), c, e));
	TRY(get_text(yaml_get(a, "role_id"), c, &c->role_id, e));
	TRY(get_text(yaml_get(a, "operate_role"), c, &c->operate_role, e));
	if (c->operate_role != NULL && !str_starts(c->operate_role, "arn:"))
		return yaml_wrong(yaml_get(a, "operate_role"), "a role's ARN", e);
	TRY(get_imds(yaml_get(a, "imds_endpoint"), c, e));
	TRY(yaml_map(ep, services, e));
	for (int s = 0; s < AWS_SERVICES; s++)
		TRY(get_url(yaml_get(ep, services[s]), c, &c->endpoints[s], e));
	return 0;
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

static int read_key(struct yaml_node *n, struct config *c, struct err *e)
{
	static const char *const roles[] = { "command", "release", "head" };
	struct yaml_node *key = yaml_get(n, "public_key"), *role_node = yaml_get(n, "role");
	const char *name = NULL, *text = NULL;
	struct sign_public pub;
	unsigned role = 0;

	TRY(yaml_map(n, YAML_KEYS("name", "role", "public_key"), e));
	TRY(yaml_str(yaml_get(n, "name"), &name, e));
	TRY(need(name, n, "name", "a name", e));
	TRY(need(role_node, n, "role", "command, release or head", e));
	TRY(yaml_enum(role_node, roles, ARRAY_LEN(roles), &role, e));
	TRY(need(key, n, "public_key", "a raw Ed25519 public key in base64", e));
	TRY(yaml_str(key, &text, e));
	if (enc_unbase64(text, pub.b, sizeof(pub.b)) != 0)
		return yaml_wrong(key, "a raw Ed25519 public key in base64 (44 characters)", e);
	TRY(check_key(key, c, &pub, e));
	trust_add(&c->trust, name, (enum trust_role)role, &pub);
	return 0;
}

static int read_trust(struct yaml_node *root, struct config *c, struct err *e)
{
	struct yaml_node *t = yaml_get(root, "trust"), *keys = yaml_get(t, "keys");

	TRY(need(t, root, "trust", "a mapping with keys", e));
	TRY(yaml_map(t, YAML_KEYS("keys"), e));
	TRY(need(keys, t, "keys", "a list of public keys", e));
	TRY(yaml_list(keys, TRUST_KEYS_MAX, e));
	if (yaml_first(keys) == NULL)
		return yaml_wrong(keys, "at least one key: with none, every command is refused", e);
	for (struct yaml_node *n = yaml_first(keys); n != NULL; n = yaml_next(n))
		TRY(read_key(n, c, e));
	return 0;
}

static int get_at_least(struct yaml_node *n, uint64_t least, const char *expected, uint64_t value, struct err *e)
{
	return n == NULL || value >= least ? 0 : yaml_wrong(n, expected, e);
}

static int read_journal(struct yaml_node *root, struct config *c, struct err *e)
{
	struct yaml_node *j = yaml_get(root, "journal"), *max = yaml_get(j, "max"), *segment = yaml_get(j, "segment");

	TRY(yaml_map(j, YAML_KEYS("max", "segment"), e));
	TRY(yaml_size(max, &c->journal_max, e));
	TRY(get_at_least(max, 1u << 20, "at least 1MiB", c->journal_max, e));
	TRY(yaml_size(segment, &c->journal_segment, e));
	TRY(get_at_least(segment, 64u << 10, "at least 64KiB", c->journal_segment, e));
	return segment == NULL || c->journal_segment <= (32u << 20) ? 0 : yaml_wrong(segment, "at most 32MiB", e);
}

static int read_poll(struct yaml_node *root, struct config *c, struct err *e)
{
	struct yaml_node *p = yaml_get(root, "poll"), *idle = yaml_get(p, "idle"), *busy = yaml_get(p, "busy");

	TRY(yaml_map(p, YAML_KEYS("idle", "busy"), e));
	TRY(yaml_duration(idle, &c->poll_idle_ms, e));
	TRY(get_at_least(idle, 1000, "at least 1s", c->poll_idle_ms, e));
	TRY(yaml_duration(busy, &c->poll_busy_ms, e));
	return get_at_least(busy, 200, "at least 200ms", c->poll_busy_ms, e);
}

static int read_log_source(struct yaml_node *n, struct config *c, struct err *e)
{
	struct config_log *l = &c->logs[c->logs_n];

	TRY(yaml_map(n, YAML_KEYS("path", "service"), e));
	TRY(get_path(yaml_get(n, "path"), c, &l->path, e));
	TRY(need(l->path, n, "path", "a file, or a glob in its last component", e));
	if (strcspn(l->path, "*?[") < (size_t)(strrchr(l->path, '/') - l->path))
		return yaml_wrong(yaml_get(n, "path"), "a glob in the last component alone", e);
	TRY(get_text(yaml_get(n, "service"), c, &l->service, e));
	TRY(need(l->service, n, "service", "the service.name of its lines", e));
	c->logs_n++;
	return 0;
}

static int read_spool(struct yaml_node *s, struct config *c, struct err *e)
{
	struct yaml_node *logs = yaml_get(s, "logs_max"), *metrics = yaml_get(s, "metrics_max");

	TRY(yaml_map(s, YAML_KEYS("logs_max", "metrics_max"), e));
	TRY(yaml_size(logs, &c->spool_logs_max, e));
	TRY(get_at_least(logs, 1u << 20, "at least 1MiB", c->spool_logs_max, e));
	TRY(yaml_size(metrics, &c->spool_metrics_max, e));
	return get_at_least(metrics, 1u << 20, "at least 1MiB", c->spool_metrics_max, e);
}

static int read_telemetry(struct yaml_node *root, struct config *c, struct err *e)
{
	struct yaml_node *t = yaml_get(root, "telemetry"), *host = yaml_get(t, "host_metrics"), *logs = yaml_get(t, "logs");
	struct yaml_node *interval = yaml_get(host, "interval");

	TRY(yaml_map(t, YAML_KEYS("host_metrics", "logs", "spool"), e));
	TRY(yaml_map(host, YAML_KEYS("interval"), e));
	TRY(yaml_duration(interval, &c->metrics_interval_ms, e));
	TRY(get_at_least(interval, 1000, "at least 1s", c->metrics_interval_ms, e));
	TRY(yaml_list(logs, CONFIG_LOGS_MAX, e));
	for (struct yaml_node *n = yaml_first(logs); n != NULL; n = yaml_next(n))
		TRY(read_log_source(n, c, e));
	return read_spool(yaml_get(t, "spool"), c, e);
}

static int get_socket(struct yaml_node *n, struct config *c, struct err *e)
{
	TRY(get_path(n, c, &c->socket, e));
	return strlen(c->socket) <= SOCKET_PATH_MAX
		   ? 0
		   : yaml_wrong(n, "a path of at most 107 bytes, which is what a socket has room for", e);
}

static int read_log(struct yaml_node *root, struct config *c, struct err *e)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };
	struct yaml_node *l = yaml_get(root, "log");
	unsigned level = LOG_INFO;

	TRY(yaml_map(l, YAML_KEYS("level"), e));
	TRY(yaml_enum(yaml_get(l, "level"), levels, ARRAY_LEN(levels), &level, e));
	c->log_level = (enum log_level)level;
	return 0;
}

/* Names that are made of these two, and what AWS takes: of a security group none that begins with sg-, of a role 64 characters.
 * A role that is named here is none of them. */
static int check_names(struct yaml_node *root, const struct config *c, struct err *e)
{
	size_t both = strlen(c->vendor_name) + strlen(c->installation), most = ROLE_NAME_MAX - (sizeof("-role--operate") - 1);
	char expected[160];

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

static int read_all(struct yaml_node *root, struct config *c, struct err *e)
{
	static const char *const keys[] = { "installation", "vendor", "aws",       "trust", "state",    "socket",
					    "journal",      "poll",   "telemetry", "log",   "insecure", NULL };
	struct yaml_node *state = yaml_get(root, "state");

	TRY(yaml_map(root, keys, e));
	TRY(yaml_bool(yaml_get(root, "insecure"), &c->insecure, e));
	TRY(get_id(yaml_get(root, "installation"), c, &c->installation, e));
	TRY(need(c->installation, root, "installation", "the id given by the vendor", e));
	TRY(read_vendor(root, c, e));
	TRY(read_aws(root, c, e));
	TRY(check_names(root, c, e));
	TRY(read_trust(root, c, e));
	TRY(yaml_map(state, YAML_KEYS("dir"), e));
	TRY(get_path(yaml_get(state, "dir"), c, &c->state_dir, e));
	TRY(get_socket(yaml_get(root, "socket"), c, e));
	TRY(read_journal(root, c, e));
	TRY(read_poll(root, c, e));
	TRY(read_telemetry(root, c, e));
	return read_log(root, c, e);
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
	c->imds_endpoint = "http://169.254.169.254";
	c->state_dir = "/var/lib/reeve";
	c->socket = "/run/reeve/reeve.sock";
	c->journal_max = 256u << 20;
	c->journal_segment = 4u << 20;
	c->poll_idle_ms = 30000;
	c->poll_busy_ms = 2000;
	c->spool_logs_max = 2ull << 30;
	c->spool_metrics_max = 512u << 20;
}

int config_parse(const char *path, const char *text, size_t len, struct config *ret, struct err *e)
{
	CLEANUP(yaml_close) struct yaml *y = NULL;
	struct config c = { 0 };
	int rc;

	TRY(yaml_parse(path, text, len, &y, e));
	set_defaults(&c, path);
	c.text = arena_strn(c.arena, text, len);
	rc = read_all(yaml_root(y), &c, e);
	if (rc != 0)
		config_close(&c);
	else
		*ret = c;
	return rc;
}

int config_load(struct world *w, const char *path, struct config *ret, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(YAML_MAX_BYTES);

	TRY(disk_read_all(w, path, &b, e));
	return config_parse(path, buf_str(&b), b.len, ret, e);
}

void config_close(struct config *c)
{
	arena_free(c->arena);
	*c = (struct config){ 0 };
}
