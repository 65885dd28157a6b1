/* cidr.h - address blocks, IPv4 and IPv6: parsed strictly, compared by containment. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cidr {
	uint8_t addr[16]; /* IPv4 in the first four */
	unsigned bits;    /* prefix length */
	bool v6;
};

/* "10.0.0.0/8"; bits behind the prefix must be zero; no prefix means a single address. */
int cidr_parse(const char *s, struct cidr *ret);
/* The one spelling that AWS answers with too: lower case, zeros folded (RFC 5952), always with a prefix. Returns `to`. */
#define CIDR_TEXT_LEN 52
const char *cidr_text(const struct cidr *c, char to[CIDR_TEXT_LEN]);
bool cidr_holds(const struct cidr *outer, const struct cidr *inner);
