/* url.c - see url.h. */
#include "agent/base/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cidr.h"
#include "agent/base/str.h"

#define HOST_MAX 253 /* RFC 1035, 2.3.4, as text */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* A port is written in one way, without zeros in front; so none is 0 either. 0: there is none here. */
static size_t port_len(const char *s)
{
	size_t digits = strspn(s, DIGITS);

	return digits == 0 || digits > 5 || *s == '0' || strtoul(s, NULL, 10) > 65535 ? 0 : digits;
}

bool url_read_authority(const char *s, struct url_authority *ret)
{
	struct url_authority a = { .host_len = strspn(s, LETTERS DIGITS ".-") };

	if (a.host_len == 0 || a.host_len > HOST_MAX || !isalnum((unsigned char)*s))
		return false;
	a.end = s + a.host_len;
	a.has_port = *a.end == ':';
	if (a.has_port) {
		if (port_len(++a.end) == 0)
			return false;
		a.end += port_len(a.end);
	}
	*ret = a;
	return true;
}

char *url_host(struct arena *m, const char *url)
{
	const char *from = strstr(url, "://");
	struct url_authority a;
	char *host;

	/* Right behind the host only a path may begin: before an '@' stands a user's name, and the host is another. */
	if (from == NULL || !url_read_authority(from + 3, &a) || (*a.end != '\0' && *a.end != '/'))
		return NULL;
	host = arena_strn(m, from + 3, a.host_len);
	for (char *c = host; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return host;
}

static bool is_ipv6_place(const char *s)
{
	size_t len = strcspn(s, "]");
	char address[64];
	const char *port;
	struct cidr c;

	if (len == 0 || len >= sizeof(address) || s[len] != ']' || s[len + 1] != ':')
		return false;
	port = s + len + 2;
	if (port_len(port) == 0 || port[port_len(port)] != '\0')
		return false;
	memcpy(address, s, len);
	address[len] = '\0';
	return cidr_parse(address, &c) == 0 && c.v6 && strchr(address, '/') == NULL;
}

bool url_is_place(const char *s)
{
	struct url_authority a;

	if (*s == '[')
		return is_ipv6_place(s + 1);
	return url_read_authority(s, &a) && a.has_port && *a.end == '\0';
}

/* ---- inside a VPC ---- */

static bool is_in(const char *const *blocks, const struct cidr *c)
{
	struct cidr b;

	for (; *blocks != NULL; blocks++)
		if (cidr_parse(*blocks, &b) == 0 && cidr_holds(&b, c))
			return true;
	return false;
}

/* fd00:ec2::/32 are EC2's own services on the link. 2001::/32 and 2002::/16 are tunnels, and lead to IPv4 addresses. */
static bool is_inside(const char *host, bool or_us)
{
	static const char *const us[] = { "127.0.0.0/8", "::1/128", NULL };
	static const char *const good[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "2000::/3", NULL
	};
	static const char *const bad[] = { "fd00:ec2::/32", "2001::/32", "2002::/16", NULL };
	struct cidr c;

	if (strchr(host, '/') != NULL || cidr_parse(host, &c) != 0)
		return false;
	return (is_in(good, &c) && !is_in(bad, &c)) || (or_us && is_in(us, &c));
}

bool url_is_inside(const char *url, bool or_us)
{
	bool is_v6 = str_starts(url, "http://[");
	const char *from = url + strlen(is_v6 ? "http://[" : "http://");
	size_t len = str_starts(url, "http://") ? strcspn(from, is_v6 ? "]" : ":/?#@") : 0, port;
	const char *colon = from + len + (is_v6 ? 1 : 0);
	char host[64];

	if (len == 0 || len >= sizeof(host) || from[len] == '\0' || *colon != ':')
		return false;
	memcpy(host, from, len);
	host[len] = '\0';
	port = port_len(colon + 1);
	return port > 0 && colon[1 + port] == '/' && (strchr(host, ':') != NULL) == is_v6 && is_inside(host, or_us);
}

bool url_is_loopback(const char *host)
{
	static const struct cidr loopback = { .addr = { 127 }, .bits = 8 };
	struct cidr c;

	/* ::1 does not come here: url_read_authority takes no brackets. */
	return str_eq(host, "localhost") || (cidr_parse(host, &c) == 0 && cidr_holds(&loopback, &c));
}
