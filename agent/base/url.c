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

bool url_read_authority(const char *s, struct url_authority *ret)
{
	struct url_authority a = { .host_len = strspn(s, LETTERS DIGITS ".-") };
	size_t digits;

	if (a.host_len == 0 || a.host_len > HOST_MAX || !isalnum((unsigned char)*s))
		return false;
	a.end = s + a.host_len;
	a.has_port = *a.end == ':';
	if (a.has_port) {
		/* A port is written in one way, without zeros in front; so none is 0 either. */
		digits = strspn(++a.end, DIGITS);
		if (digits == 0 || digits > 5 || strtoul(a.end, NULL, 10) > 65535 || *a.end == '0')
			return false;
		a.end += digits;
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

bool url_is_loopback(const char *host)
{
	static const struct cidr loopback = { .addr = { 127 }, .bits = 8 };
	struct cidr c;

	/* ::1 does not come here: url_read_authority takes no brackets. */
	return str_eq(host, "localhost") || (cidr_parse(host, &c) == 0 && cidr_holds(&loopback, &c));
}
