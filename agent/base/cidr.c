/* cidr.c - see cidr.h. */
#include "agent/base/cidr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/err.h"
#include "agent/base/str.h"

static bool is_zero_behind(const struct cidr *c)
{
	unsigned width = c->v6 ? 128 : 32;

	for (unsigned i = c->bits; i < width; i++)
		if (c->addr[i / 8] & (0x80u >> (i % 8)))
			return false;
	return true;
}

int cidr_parse(const char *s, struct cidr *ret)
{
	struct cidr c = { .v6 = strchr(s, ':') != NULL };
	size_t n = strcspn(s, "/");
	char addr[INET6_ADDRSTRLEN];
	uint64_t bits = c.v6 ? 128 : 32;

	if (n >= sizeof(addr))
		return -ERR_INVALID;
	memcpy(addr, s, n);
	addr[n] = '\0';
	/* inet_pton(3) takes none of the short and octal forms of IPv4 that inet_aton(3) takes, and no zone behind an IPv6
	 * address: a text that two readers could understand in two ways is refused. */
	if (inet_pton(c.v6 ? AF_INET6 : AF_INET, addr, c.addr) != 1)
		return -ERR_INVALID;
	if (s[n] == '/' && (str_u64(s + n + 1, &bits) != 0 || bits > (c.v6 ? 128 : 32)))
		return -ERR_INVALID;
	c.bits = (unsigned)bits;
	/* Whoever writes 10.0.0.1/8 means one address or the whole block, and nobody here guesses which. */
	if (!is_zero_behind(&c))
		return -ERR_INVALID;
	*ret = c;
	return 0;
}

const char *cidr_text(const struct cidr *c, char to[CIDR_TEXT_LEN])
{
	inet_ntop(c->v6 ? AF_INET6 : AF_INET, c->addr, to, INET6_ADDRSTRLEN);
	snprintf(to + strlen(to), CIDR_TEXT_LEN - strlen(to), "/%u", c->bits);
	return to;
}

bool cidr_holds(const struct cidr *outer, const struct cidr *inner)
{
	if (outer->v6 != inner->v6 || outer->bits > inner->bits)
		return false;
	for (unsigned i = 0; i < outer->bits; i++) {
		uint8_t bit = (uint8_t)(0x80u >> (i % 8));

		if ((outer->addr[i / 8] & bit) != (inner->addr[i / 8] & bit))
			return false;
	}
	return true;
}
