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
/* All of it is "host:port", where the host may be an IPv6 address in brackets, too: where a connection is made to, whose name
 * nobody verifies. */
bool url_is_place(const char *s);
