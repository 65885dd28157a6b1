/* fuzz_otlp_cut.c - an export request in two parts: each is one again, and together they have every record once. */
#include "shippers/otlp_cut.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX (1u << 20)

static uint32_t count(enum telemetry_kind kind, const struct buf *request)
{
	CLEANUP(buf_close) struct buf none = BUF_MAX(OUT_MAX);
	uint32_t n = 0;

	FUZZ_MUST(otlp_cut(kind, request, 0, 0, &none, &n) == 0);
	return n;
}

void fuzz_one(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(OUT_MAX);
	CLEANUP(buf_close) struct buf left = BUF_MAX(OUT_MAX);
	CLEANUP(buf_close) struct buf right = BUF_MAX(OUT_MAX);
	unsigned choice = fuzz_choice(&s, &len);
	enum telemetry_kind kind = choice % 2 == 0 ? TELEMETRY_LOG : TELEMETRY_METRIC;
	uint32_t n, at;

	buf_add(&all, s, len);
	if (otlp_cut(kind, &all, 0, UINT32_MAX, &left, &n) != 0)
		return;
	FUZZ_MUST(count(kind, &left) == n);
	buf_reset(&left);
	at = n * (choice / 2) / 128;
	FUZZ_MUST(otlp_cut(kind, &all, 0, at, &left, &n) == 0 && otlp_cut(kind, &all, at, n, &right, &n) == 0);
	FUZZ_MUST(count(kind, &left) == at && count(kind, &right) == n - at);
}
