/* url.h - the parts of a URL that we judge: its host and port, and whether that is this machine. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/arena.h"

/* "host" or "host:port". Names and IPv4 addresses alone: what stands in brackets is no name that a certificate, or the audience
 * of a login, could hold. */
struct url_authority {
	size_t host_len;
	bool has_port;
	const char *end;
};

bool url_read_authority(const char *s, struct url_authority *ret);
/* The host of "scheme://host[:port][/...]", lower case; NULL if there is none, or anything but a path behind it. */
char *url_host(struct arena *m, const char *url);
bool url_is_loopback(const char *host);
/* "http://10.0.0.7:8040/health": plain http to an address that a machine inside a VPC may have, and a port. IPv4: private (RFC
 * 1918) or shared (RFC 6598). IPv6, in brackets: unique local, or global unicast, of which EC2 gives addresses to machines inside.
 * Never the metadata service or another of the link's, a multicast group, an IPv4 address in IPv6's clothes; loopback where `or_us`
 * says so. */
bool url_is_inside(const char *url, bool or_us);
/* All of it is "host:port", where the host may be an IPv6 address in brackets, too: where a connection is made to, whose name
 * nobody verifies. */
bool url_is_place(const char *s);
