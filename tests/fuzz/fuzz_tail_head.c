/* fuzz_tail_head.c - the first bytes of a file: once no more are awaited there is an answer, what is an archive stays one as the
 * file grows, and a hole lies within what was looked at. */
#include "collectors/tail_head.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const char *s, size_t len)
{
	size_t part = len > 0 ? fuzz_choice(&s, &len) % (len + 1) : 0;
	const char *hole = tail_head_hole(s, len);
	enum tail_head is;

	FUZZ_MUST(hole == NULL || (hole >= s && hole + TAIL_HOLE_BYTES <= s + len && *hole == '\0'));
	if (len == 0 || s[0] == '\0')
		return;
	FUZZ_MUST(tail_head_judge(s, len, true) != TAIL_HEAD_WAIT);
	is = part > 0 ? tail_head_judge(s, part, false) : TAIL_HEAD_WAIT;
	if (is == TAIL_HEAD_ARCHIVE && part < 512) /* a known format; a sum of tar is of 512 bytes and no more */
		FUZZ_MUST(tail_head_judge(s, len, false) == TAIL_HEAD_ARCHIVE);
}
