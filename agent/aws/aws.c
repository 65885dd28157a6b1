/* aws.c - what all calls share: region, endpoints, names. An override stands for a service's regional host: a VPC endpoint,
 * or an emulator in a test. */
#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "agent/aws/call_impl.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

static const char *const classes[AWS_CLASSES] = {
	[AWS_OK] = "ok",
	[AWS_THROTTLED] = "throttled",
	[AWS_AMBIGUOUS] = "ambiguous",
	[AWS_EXPIRED] = "expired",
	[AWS_DENIED] = "denied",
	[AWS_CAPACITY] = "capacity",
	[AWS_QUOTA] = "quota",
	[AWS_NOTFOUND] = "notfound",
	[AWS_DUPLICATE] = "duplicate",
	[AWS_CONFLICT] = "conflict",
	[AWS_INVALID] = "invalid",
};

struct aws *aws_new(struct world *w, const struct aws_config *cfg)
{
	struct aws *a = mem_new(struct aws);

	a->w = w;
	a->region = mem_str(cfg->region);
	a->suffix = mem_str(cfg->suffix);
	a->dual_suffix = mem_str(cfg->dual_suffix);
	a->version = mem_str(cfg->version);
	a->ca_file = mem_str(cfg->ca_file);
	a->insecure = cfg->insecure;
	assert(cfg->endpoints_n <= AWS_ENDPOINTS_MAX);
	for (size_t i = 0; i < cfg->endpoints_n; i++) {
		a->endpoints[i].service = mem_str(cfg->endpoints[i].service);
		a->endpoints[i].url = mem_str(cfg->endpoints[i].url);
	}
	a->endpoints_n = cfg->endpoints_n;
	return a;
}

void aws_free(struct aws *a)
{
	if (a == NULL)
		return;
	assert(a->running == 0);
	mem_free(a->region);
	mem_free(a->suffix);
	mem_free(a->dual_suffix);
	mem_free(a->version);
	mem_free(a->ca_file);
	for (size_t i = 0; i < a->endpoints_n; i++) {
		mem_free(a->endpoints[i].service);
		mem_free(a->endpoints[i].url);
	}
	mem_free(a);
}

const char *aws_region(const struct aws *a)
{
	return a->region;
}

const char *aws_class_name(enum aws_class c)
{
	return classes[c];
}

/* The names of dual-stack hosts are those of botocore's endpoint rules; tests/docs/test_regions.py compares. */
void aws_host(const struct aws *a, const struct aws_service *s, struct buf *to)
{
	if (a->dual_suffix == NULL)
		buf_addf(to, "%s.%s.%s", s->name, a->region, a->suffix);
	else if (s->dual_label != NULL)
		buf_addf(to, "%s.%s.%s.%s", s->name, s->dual_label, a->region, a->suffix);
	else
		buf_addf(to, "%s.%s.%s", s->name, a->region, a->dual_suffix);
}

static const char *override_of(const struct aws *a, const struct aws_service *s)
{
	for (size_t i = 0; i < a->endpoints_n; i++)
		if (str_eq(a->endpoints[i].service, s->name))
			return a->endpoints[i].url;
	return NULL;
}

int64_t aws_clock_offset_ms(const struct aws *a)
{
	return a->offset_ms;
}

/* Host as it goes into the header: lower case, and without a port that the scheme implies. */
static void add_host(struct buf *to, const char *s, size_t len, bool is_tls)
{
	const char *implied = is_tls ? ":443" : ":80";
	size_t n = strlen(implied);

	if (len > n && strncmp(s + len - n, implied, n) == 0)
		len -= n;
	for (size_t i = 0; i < len; i++)
		buf_addc(to, (char)tolower((unsigned char)s[i]));
}

/* An override may have a path (a gateway's), below which the service's own lies. */
void aws_place(const struct aws *a, const struct request *req, struct buf *to_url, struct buf *to_host, struct buf *to_path)
{
	const char *url = override_of(a, req->service), *host, *path = "";
	bool is_tls = url == NULL || strncasecmp(url, "http://", 7) != 0;

	if (url == NULL) {
		aws_host(a, req->service, to_host);
	} else {
		host = strstr(url, "://");
		host = host != NULL ? host + 3 : url;
		path = host + strcspn(host, "/");
		add_host(to_host, host, (size_t)(path - host), is_tls);
	}
	buf_addf(to_path, "%.*s%s", (int)(strlen(path) - str_ends(path, "/")), path, req->path);
	if (url == NULL)
		buf_addf(to_url, "https://%s", buf_str(to_host));
	else
		buf_add(to_url, url, (size_t)(path - url));
	buf_addf(to_url, "%s%s%s", buf_str(to_path), *req->query != '\0' ? "?" : "", req->query);
}
