/* when.c - see when.h. */
#include "agent/cli/when.h"

#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"

bool when_read(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	CLEANUP(mem_close) char *midnight = mem_printf("%.64sT00:00:00Z", text);
	uint64_t ago_ms;

	if (stamp_parse_iso(text, ret_ms, NULL) == 0 || stamp_parse_iso(midnight, ret_ms, NULL) == 0)
		return true;
	if (str_duration(text, &ago_ms) != 0 || ago_ms > INT64_MAX / 2)
		return false;
	*ret_ms = now_ms - (int64_t)ago_ms;
	return true;
}
