/* bundles.h - a whole agent that is told to collect and to send. */
#pragma once
#include "tests/unit/daemon/stage.h"

#define BUNDLES_ON "commands: {diag.collect: auto, diag.send: auto}\n"
#define BUNDLES_DIR "/var/lib/reeve/diag"
#define STATE_OF(name) REEVE__CONTROL__V1__STATE__##name

typedef Reeve__Control__V1__Status status_t;

static inline void bundles_policy(struct stage *s, const char *text)
{
	sim_file_puts(s->w, "/etc/reeve/policy.yaml", text);
	sim_run_until(s->w, NULL, NULL, 10000);
}

static inline struct vendor_command *bundles_collect(struct stage *s)
{
	return vendor_issue(s->vendor,
			    &(struct vendor_order){
				.verb = REEVE__CONTROL__V1__VERB__DIAG_COLLECT, .target = "", .args = "", .lives_ms = 3600000 });
}

static inline struct vendor_command *bundles_send(struct stage *s, const struct digest *d, uint32_t deadline_s)
{
	Reeve__Control__V1__DiagSend a = REEVE__CONTROL__V1__DIAG_SEND__INIT;
	uint8_t bytes[64];

	a.sha256 = (ProtobufCBinaryData){ DIGEST_LEN, (uint8_t *)d->b };
	return vendor_issue(s->vendor, &(struct vendor_order){ .verb = REEVE__CONTROL__V1__VERB__DIAG_SEND,
							       .target = "",
							       .args = bytes,
							       .args_len = reeve__control__v1__diag_send__pack(&a, bytes),
							       .two_keys = true,
							       .deadline_s = deadline_s,
							       .lives_ms = 3600000 });
}

static inline bool bundles_has_result(void *ctx)
{
	return vendor_has_result(ctx);
}

static inline status_t *bundles_result(struct stage *s, struct vendor_command *c)
{
	assert_int_equal(sim_run_until(s->w, bundles_has_result, c, 3600000), SIM_TRUE);
	return reeve__control__v1__status__unpack(NULL, c->result.len, (const uint8_t *)c->result.data);
}

/* Collects one, and says which. */
static inline struct digest bundles_made(struct stage *s)
{
	status_t *st = bundles_result(s, bundles_collect(s));
	struct digest d;

	assert_int_equal(st->state, STATE_OF(SUCCEEDED));
	memcpy(d.b, st->output->sha256.data, DIGEST_LEN);
	reeve__control__v1__status__free_unpacked(st, NULL);
	return d;
}

static inline int bundles_open(void **state)
{
	struct stage *s = stage_new();

	bundles_policy(s, BUNDLES_ON);
	*state = s;
	return 0;
}

static inline int bundles_shut(void **state)
{
	struct stage *s = *state;

	agent_close(s->agent, stage_on_closed, s);
	sim_run_until(s->w, NULL, NULL, 60000);
	assert_null(s->agent);
	assert_string_equal(s->fatal, "");
	stage_free(s);
	return 0;
}

#define BUNDLES(f) cmocka_unit_test_setup_teardown(f, bundles_open, bundles_shut)
