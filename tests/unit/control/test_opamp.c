/* test_opamp.c - the envelope, out and in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/control/opamp.h"
#include "proto/opamp.pb-c.h"
#include "tests/sim/copy.h"

static const struct opamp_attr identifying[] = { { "service.name", "reeve" } };

static struct opamp_state a_state(void)
{
	struct opamp_state s = { .sequence_num = 7,
				 .identifying = identifying,
				 .identifying_n = 1,
				 .is_healthy = true,
				 .health_status = "running",
				 .health_error = "",
				 .started_ms = 1000,
				 .config = "a: b\n",
				 .config_len = 5 };

	memset(s.instance_uid, 0x11, sizeof(s.instance_uid));
	return s;
}

static void a_message_carries_the_whole_state_and_the_report(void **state)
{
	struct opamp_state s = a_state();
	struct buf b = BUF_MAX(1u << 20);
	Opamp__V1__AgentToServer *m;

	(void)state;
	assert_int_equal(opamp_pack(&s, "report", 6, &b, NULL), 0);
	m = opamp__v1__agent_to_server__unpack(NULL, b.len, (uint8_t *)b.data);
	assert_non_null(m);
	assert_int_equal(m->sequence_num, 7);
	assert_int_equal(m->capabilities, 0x2805);
	assert_string_equal(m->agent_description->identifying_attributes[0]->value->string_value, "reeve");
	assert_true(m->health->healthy);
	assert_int_equal(m->health->start_time_unix_nano, 1000000000);
	assert_memory_equal(m->effective_config->config_map->config_map[0]->value->body.data, "a: b\n", 5);
	assert_string_equal(m->custom_capabilities->capabilities[0], "dev.reeve.control/v1");
	assert_string_equal(m->custom_message->capability, "dev.reeve.control/v1");
	assert_string_equal(m->custom_message->type, "report");
	assert_memory_equal(m->custom_message->data.data, "report", 6);
	opamp__v1__agent_to_server__free_unpacked(m, NULL);
	buf_close(&b);
}

static int unpack(const Opamp__V1__ServerToAgent *m, struct opamp_answer *a, struct err *e)
{
	struct opamp_state s = a_state();
	uint8_t bytes[8192];
	size_t len = opamp__v1__server_to_agent__pack(m, bytes);

	*a = (struct opamp_answer){ .intent = BUF_MAX(4096) };
	return opamp_unpack(&s, bytes, len, a, e);
}

static Opamp__V1__CustomMessage custom(const char *capability, const char *type)
{
	Opamp__V1__CustomMessage c = OPAMP__V1__CUSTOM_MESSAGE__INIT;

	c.capability = (char *)capability;
	c.type = (char *)type;
	c.data = (ProtobufCBinaryData){ 6, (uint8_t *)"intent" };
	return c;
}

static void an_intent_is_taken_out_of_its_custom_message(void **state)
{
	Opamp__V1__ServerToAgent m = OPAMP__V1__SERVER_TO_AGENT__INIT;
	Opamp__V1__CustomMessage ours = custom("dev.reeve.control/v1", "intent"), other = custom("com.example/v1", "intent");
	struct opamp_answer a;

	(void)state;
	m.custom_message = &ours;
	assert_int_equal(unpack(&m, &a, NULL), 0);
	assert_string_equal(buf_str(&a.intent), "intent");
	buf_close(&a.intent);
	m.custom_message = &other;
	assert_int_equal(unpack(&m, &a, NULL), 0);
	assert_int_equal(a.intent.len, 0);
	buf_close(&a.intent);
}

static void an_empty_answer_is_a_good_one(void **state)
{
	Opamp__V1__ServerToAgent m = OPAMP__V1__SERVER_TO_AGENT__INIT;
	struct opamp_answer a;

	(void)state;
	assert_int_equal(unpack(&m, &a, NULL), 0);
	assert_false(a.is_error);
}

static void an_answer_for_another_agent_is_an_error(void **state)
{
	Opamp__V1__ServerToAgent m = OPAMP__V1__SERVER_TO_AGENT__INIT;
	uint8_t uid[UUID_LEN] = { 9 };
	struct opamp_answer a;

	(void)state;
	m.instance_uid = (ProtobufCBinaryData){ sizeof(uid), uid };
	assert_int_equal(unpack(&m, &a, NULL), -ERR_INVALID);
	memset(uid, 0x11, sizeof(uid));
	assert_int_equal(unpack(&m, &a, NULL), 0);
	m.instance_uid.len = 3;
	assert_int_equal(unpack(&m, &a, NULL), -ERR_INVALID);
}

static void errors_retries_heartbeats_and_a_new_uid_are_told(void **state)
{
	Opamp__V1__ServerToAgent m = OPAMP__V1__SERVER_TO_AGENT__INIT;
	Opamp__V1__ServerErrorResponse er = OPAMP__V1__SERVER_ERROR_RESPONSE__INIT;
	Opamp__V1__RetryInfo retry = OPAMP__V1__RETRY_INFO__INIT;
	Opamp__V1__ConnectionSettingsOffers offers = OPAMP__V1__CONNECTION_SETTINGS_OFFERS__INIT;
	Opamp__V1__OpAMPConnectionSettings settings = OPAMP__V1__OP_AMPCONNECTION_SETTINGS__INIT;
	Opamp__V1__AgentIdentification id = OPAMP__V1__AGENT_IDENTIFICATION__INIT;
	uint8_t uid[UUID_LEN] = { 5 };
	struct opamp_answer a;

	(void)state;
	retry.retry_after_nanoseconds = 7000000000ull;
	er.type = OPAMP__V1__SERVER_ERROR_RESPONSE_TYPE__UNAVAILABLE;
	er.error_message = (char *)"busy";
	er.retry_info = &retry;
	settings.heartbeat_interval_seconds = 12;
	offers.opamp = &settings;
	id.new_instance_uid = (ProtobufCBinaryData){ sizeof(uid), uid };
	m.error_response = &er;
	m.connection_settings = &offers;
	m.agent_identification = &id;
	assert_int_equal(unpack(&m, &a, NULL), 0);
	assert_true(a.is_error && !a.is_bad_request);
	assert_int_equal(a.retry_after_ms, 7000);
	assert_int_equal(a.heartbeat_ms, 12000);
	assert_true(a.has_new_uid);
	assert_memory_equal(a.new_uid, uid, sizeof(uid));
	er.type = OPAMP__V1__SERVER_ERROR_RESPONSE_TYPE__BAD_REQUEST;
	assert_int_equal(unpack(&m, &a, NULL), 0);
	assert_true(a.is_bad_request);
}

static void every_truncation_of_an_answer_is_an_error_or_less_of_it_and_never_a_crash(void **state)
{
	Opamp__V1__ServerToAgent m = OPAMP__V1__SERVER_TO_AGENT__INIT;
	Opamp__V1__CustomMessage ours = custom("dev.reeve.control/v1", "intent");
	struct opamp_state s = a_state();
	uint8_t bytes[8192];
	size_t len;

	(void)state;
	m.custom_message = &ours;
	len = opamp__v1__server_to_agent__pack(&m, bytes);
	for (size_t cut = 1; cut < len; cut++) {
		CLEANUP(mem_close) uint8_t *copy = copy_of(bytes, cut);
		struct opamp_answer a = { .intent = BUF_MAX(4096) };

		assert_int_equal(opamp_unpack(&s, copy, cut, &a, NULL), -ERR_INVALID);
		assert_int_equal(a.intent.len, 0);
	}
	assert_int_equal(opamp_unpack(&s, bytes, OPAMP_MESSAGE_MAX + 1, NULL, NULL), -ERR_LIMIT);
}

static void an_answer_that_would_cost_much_memory_is_refused_unread(void **state)
{
	static const struct {
		const char *field;
		size_t len, n;
		int rc;
		const char *says;
	} cases[] = {
		{ "\x52\x02\x0a\x00", 4, 700000, -ERR_LIMIT, "more than 8192 fields" }, /* capabilities of many names */
		{ "\x12\x00", 2, 1000000, -ERR_LIMIT, "more than 8192 fields" },        /* errors */
		{ "\xfa\x3e\x00", 3, 1000000, -ERR_LIMIT, "more than 8192 fields" },    /* what we do not know */
		{ "\x10\x01", 2, 1, -ERR_INVALID, "field error_response is of another type" },
	};
	struct opamp_state s = a_state();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(4u << 20);
		struct opamp_answer a = { .intent = BUF_MAX(4096) };
		struct err e = { 0 };

		for (size_t k = 0; k < cases[i].n; k++)
			buf_add(&b, cases[i].field, cases[i].len);
		assert_int_equal(opamp_unpack(&s, b.data, b.len, &a, &e), cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].says));
	}
}

static void an_intent_larger_than_its_buffer_is_an_error(void **state)
{
	Opamp__V1__ServerToAgent m = OPAMP__V1__SERVER_TO_AGENT__INIT;
	Opamp__V1__CustomMessage ours = custom("dev.reeve.control/v1", "intent");
	struct opamp_state s = a_state();
	struct opamp_answer a = { .intent = BUF_MAX(3) };
	uint8_t bytes[256];

	(void)state;
	m.custom_message = &ours;
	assert_int_equal(opamp_unpack(&s, bytes, opamp__v1__server_to_agent__pack(&m, bytes), &a, NULL), -ERR_LIMIT);
	buf_close(&a.intent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_carries_the_whole_state_and_the_report),
		cmocka_unit_test(an_intent_is_taken_out_of_its_custom_message),
		cmocka_unit_test(an_empty_answer_is_a_good_one),
		cmocka_unit_test(an_answer_for_another_agent_is_an_error),
		cmocka_unit_test(errors_retries_heartbeats_and_a_new_uid_are_told),
		cmocka_unit_test(every_truncation_of_an_answer_is_an_error_or_less_of_it_and_never_a_crash),
		cmocka_unit_test(an_answer_that_would_cost_much_memory_is_refused_unread),
		cmocka_unit_test(an_intent_larger_than_its_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
