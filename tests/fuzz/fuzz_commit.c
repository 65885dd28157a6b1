/* fuzz_commit.c - a commit record: what was read and written down is read the same; what is refused leaves nothing. */
#include "shippers/commit.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf once = BUF_MAX(1u << 20);
	CLEANUP(buf_close) struct buf twice = BUF_MAX(1u << 20);
	CLEANUP(buf_close) struct buf line = BUF_MAX(1u << 20);
	struct commit c = { 0 }, none = { 0 };
	struct err e = { 0 };

	buf_add(&line, s, len); /* no chance would find the sum */
	if (commit_seal(&line, 0) != 0)
		return;
	if (commit_parse(line.data, line.len - 1, &c, &e) != 0) {
		FUZZ_MUST(memcmp(&c, &none, sizeof(c)) == 0 && e.text[0] != '\0');
		return;
	}
	FUZZ_MUST(commit_format(&c, &once) == 0 && memchr(once.data, '\n', once.len) == once.data + once.len - 1);
	commit_close(&c);
	FUZZ_MUST(commit_parse(once.data, once.len - 1, &c, NULL) == 0);
	FUZZ_MUST(commit_format(&c, &twice) == 0);
	commit_close(&c);
	FUZZ_MUST(fuzz_same(&once, &twice));
}
