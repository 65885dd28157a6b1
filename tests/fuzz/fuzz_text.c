/* fuzz_text.c - the small formats: times, identifiers, address blocks, base64, gzip. What was read and written down is read the
 * same; what was packed comes out; what is refused leaves the answer alone. */
#include "agent/base/cidr.h"
#include "agent/base/enc.h"
#include "agent/base/gzip.h"
#include "agent/base/retry_after.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "tests/fuzz/fuzz.h"

static void read_times(const char *s)
{
	char text[STAMP_RFC3339_LEN];
	int64_t at = -7, again;

	if (stamp_parse_iso(s, &at, NULL) == 0 && at >= 0 && at < INT64_C(253402300800000)) /* the year 10000 */
		FUZZ_MUST(stamp_parse_iso(stamp_rfc3339(at, text), &again, NULL) == 0 && again == at);
	at = -7;
	FUZZ_MUST(stamp_parse_http(s, &at, NULL) == 0 || at == -7);
	FUZZ_MUST(stamp_parse_http_any(s, 0, &again, NULL) == 0 || at == -7); /* it takes all that the strict one does */
}

/* It is said or not; only a date is a moment; what is followed is never more than the cap. */
static void read_retry_after(const char *s)
{
	struct backoff_ask ask = retry_after(s, INT64_C(784111777000)), in_ms = retry_after_in_ms(s);
	struct backoff b = BACKOFF(1000, 60000);

	FUZZ_MUST(ask.is_said || (ask.ms == 0 && !ask.is_moment && !in_ms.is_said));
	FUZZ_MUST(!in_ms.is_said || (!ask.is_moment && ask.ms >= in_ms.ms));
	FUZZ_MUST(backoff_asked_ms(&b, 7, ask, (struct backoff_caps){ .most_ms = 900000 }) <= 900000);
}

static void read_names(const char *s)
{
	uint8_t id[UUID_LEN], again[UUID_LEN];
	char text[UUID_TEXT_LEN];
	struct cidr c;

	if (uuid_parse(s, id) == 0) {
		FUZZ_MUST(uuid_parse(uuid_text(id, text), again) == 0 && memcmp(id, again, sizeof(id)) == 0);
	}
	if (cidr_parse(s, &c) == 0)
		FUZZ_MUST(c.bits <= (c.v6 ? 128u : 32u) && cidr_holds(&c, &c));
}

static void read_numbers(const char *s)
{
	uint64_t v = 77;

	FUZZ_MUST(str_u64(s, &v) == 0 || v == 77);
	v = 77;
	FUZZ_MUST(str_duration(s, &v) == 0 || v == 77);
	v = 77;
	FUZZ_MUST(str_size(s, &v) == 0 || v == 77);
}

static void pack_and_unpack(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf packed = BUF_MAX(1u << 20);
	CLEANUP(buf_close) struct buf out = BUF_MAX(1u << 20);
	CLEANUP(mem_close) char *text = mem_alloc(ENC_BASE64_LEN(len));

	FUZZ_MUST(gzip_pack(s, len, &packed, NULL) == 0);
	FUZZ_MUST(gzip_unpack(packed.data, packed.len, &out, NULL) == 0);
	FUZZ_MUST(out.len == len && memcmp(buf_str(&out), s, len) == 0);
	buf_reset(&out);
	FUZZ_MUST(enc_unbase64_buf(enc_base64(s, len, text), &out) == 0);
	FUZZ_MUST(out.len == len && memcmp(buf_str(&out), s, len) == 0);
	buf_reset(&out);
	enc_unbase64_buf(s, &out);
	buf_reset(&out);
	gzip_unpack(s, len, &out, NULL);
}

void fuzz_one(const char *s, size_t len)
{
	read_times(s);
	read_retry_after(s);
	read_names(s);
	read_numbers(s);
	pack_and_unpack(s, len);
}
