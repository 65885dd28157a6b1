/* fuzz_pbr.c - protobuf read field by field: the fields, written down, read as the same fields. */
#include "agent/base/pbw.h"
#include "tests/fuzz/fuzz.h"

static int rewrite(const char *s, size_t len, struct buf *to)
{
	struct pbr r = pbr_of(s, len);
	struct pbr_field f;
	int rc;

	while ((rc = pbr_next(&r, &f)) > 0) {
		FUZZ_MUST(f.number > 0);
		if (f.type == PBR_BYTES) {
			FUZZ_MUST((const char *)f.p >= s && (const char *)f.p + f.len <= s + len);
			pbw_bytes(to, f.number, f.p, f.len);
		} else if (f.type == PBR_VARINT) {
			pbw_varint(to, f.number, f.value);
		} else {
			pbw_fixed64(to, f.number, f.value);
		}
	}
	return rc;
}

void fuzz_one(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf once = BUF_MAX(1u << 20);
	CLEANUP(buf_close) struct buf twice = BUF_MAX(1u << 20);

	if (rewrite(s, len, &once) != 0)
		return;
	FUZZ_MUST(rewrite(buf_str(&once), once.len, &twice) == 0);
	FUZZ_MUST(fuzz_same(&once, &twice));
}
