/* telemetry.c - see telemetry.h. */
#include "agent/base/telemetry.h"

#include <string.h>

static uint64_t mixed(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

/* It stands in positions on the disk, so it stays as it is. Eight bytes at a step, because many lines pass here. */
uint64_t telemetry_before(const char *s, size_t len)
{
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ len, word;

	for (; len >= sizeof(word); s += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, s, sizeof(word));
		h = mixed(h, word);
	}
	if (len == 0)
		return h;
	word = 0;
	memcpy(&word, s, len);
	return mixed(h, word);
}
