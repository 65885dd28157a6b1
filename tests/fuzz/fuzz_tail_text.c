/* fuzz_tail_text.c - bytes of a line as text: what comes out is UTF-8 without NUL, good text stays as it is, cleaning twice is
 * cleaning once, and a cut is at most as long as asked and between two characters. */
#include "agent/base/str.h"
#include "collectors/tail_text.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf once = BUF_MAX(1u << 20);
	CLEANUP(buf_close) struct buf twice = BUF_MAX(1u << 20);
	size_t most = fuzz_choice(&s, &len), cut;

	FUZZ_MUST(tail_text_clean(&once, s, len) == 0);
	FUZZ_MUST(str_is_utf8(buf_str(&once), once.len) && strlen(buf_str(&once)) == once.len);
	if (str_is_utf8(s, len) && memchr(s, '\0', len) == NULL)
		FUZZ_MUST(once.len == len && memcmp(buf_str(&once), s, len) == 0);
	FUZZ_MUST(tail_text_clean(&twice, buf_str(&once), once.len) == 0);
	FUZZ_MUST(fuzz_same(&once, &twice));
	cut = tail_text_cut(buf_str(&once), once.len, most);
	FUZZ_MUST(cut <= most && cut <= once.len && str_is_utf8(buf_str(&once), cut));
	FUZZ_MUST(cut == once.len || cut + 4 > most); /* no more is lost than the character that was in the way */
}
