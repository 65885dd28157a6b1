/* fuzz_opamp.c - the server's answer: read twice it says the same, its texts end, and what it holds for us is within the limits. */
#include "agent/control/opamp.h"
#include "tests/fuzz/fuzz.h"

static int unpack(const char *s, size_t len, struct opamp_answer *a, struct err *e)
{
	struct opamp_state state = { .sequence_num = 7, .health_status = "running", .health_error = "" };

	memset(state.instance_uid, 0x11, sizeof(state.instance_uid));
	*a = (struct opamp_answer){ .intent = BUF_MAX(1u << 20) };
	return opamp_unpack(&state, s, len, a, e);
}

void fuzz_one(const char *s, size_t len)
{
	struct opamp_answer a, b;
	struct err e = { 0 };
	int rc = unpack(s, len, &a, &e);

	FUZZ_MUST(unpack(s, len, &b, NULL) == rc);
	if (rc == 0) {
		FUZZ_MUST(fuzz_same(&a.intent, &b.intent) && a.intent.len <= len);
		FUZZ_MUST(strcmp(a.error, b.error) == 0 && a.is_error == b.is_error);
		FUZZ_MUST(a.retry_after_ms == b.retry_after_ms && a.heartbeat_ms == b.heartbeat_ms);
	} else {
		FUZZ_MUST(e.text[0] != '\0');
	}
	buf_close(&a.intent);
	buf_close(&b.intent);
}
