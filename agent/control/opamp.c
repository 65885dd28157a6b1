/* opamp.c - see opamp.h. Capabilities: status, effective configuration, health, heartbeat. */
#include "agent/control/opamp.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pbguard.h"
#include "agent/base/pbpack.h"
#include "agent/base/str.h"
#include "proto/opamp.pb-c.h"

#define CAPABILITY "dev.reeve.control/v1"
#define REPORTS_STATUS 0x1u
#define REPORTS_EFFECTIVE_CONFIG 0x4u
#define REPORTS_HEALTH 0x800u
#define REPORTS_HEARTBEAT 0x2000u
#define CAPABILITIES (REPORTS_STATUS | REPORTS_EFFECTIVE_CONFIG | REPORTS_HEALTH | REPORTS_HEARTBEAT)
#define ATTRS_MAX 16
#define NS_A_MS 1000000ull

/* Everything a message points to, on one stack frame. */
struct opamp_parts {
	Opamp__V1__AgentDescription description;
	Opamp__V1__KeyValue kv[2 * ATTRS_MAX];
	Opamp__V1__AnyValue any[2 * ATTRS_MAX];
	Opamp__V1__KeyValue *identifying[ATTRS_MAX], *describing[ATTRS_MAX];
	Opamp__V1__ComponentHealth health;
	Opamp__V1__EffectiveConfig config;
	Opamp__V1__AgentConfigMap map;
	Opamp__V1__AgentConfigFileEntry entry, *entries[1];
	Opamp__V1__AgentConfigFile file;
	Opamp__V1__CustomCapabilities custom;
	char *capabilities[1];
	Opamp__V1__CustomMessage message;
};

static size_t fill_attrs(struct opamp_parts *p, size_t at, const struct opamp_attr *attrs, size_t n, Opamp__V1__KeyValue **to)
{
	size_t i;

	for (i = 0; i < n && i < ATTRS_MAX; i++) {
		Opamp__V1__KeyValue *kv = &p->kv[at + i];
		Opamp__V1__AnyValue *any = &p->any[at + i];

		opamp__v1__key_value__init(kv);
		opamp__v1__any_value__init(any);
		any->string_value = (char *)attrs[i].value;
		kv->key = (char *)attrs[i].key;
		kv->value = any;
		to[i] = kv;
	}
	return i;
}

static void fill_description(struct opamp_parts *p, const struct opamp_state *s)
{
	opamp__v1__agent_description__init(&p->description);
	p->description.identifying_attributes = p->identifying;
	p->description.n_identifying_attributes = fill_attrs(p, 0, s->identifying, s->identifying_n, p->identifying);
	p->description.non_identifying_attributes = p->describing;
	p->description.n_non_identifying_attributes = fill_attrs(p, ATTRS_MAX, s->describing, s->describing_n, p->describing);
}

static void fill_health(struct opamp_parts *p, const struct opamp_state *s)
{
	opamp__v1__component_health__init(&p->health);
	p->health.healthy = s->is_healthy;
	p->health.start_time_unix_nano = (uint64_t)s->started_ms * NS_A_MS;
	p->health.last_error = (char *)s->health_error;
	p->health.status = (char *)s->health_status;
}

static void fill_config(struct opamp_parts *p, const struct opamp_state *s)
{
	opamp__v1__effective_config__init(&p->config);
	opamp__v1__agent_config_map__init(&p->map);
	opamp__v1__agent_config_file_entry__init(&p->entry);
	opamp__v1__agent_config_file__init(&p->file);
	p->file.body = (ProtobufCBinaryData){ s->config_len, (uint8_t *)s->config };
	p->file.content_type = (char *)"application/yaml";
	p->entry.key = (char *)"reeve.yaml";
	p->entry.value = &p->file;
	p->entries[0] = &p->entry;
	p->map.config_map = p->entries;
	p->map.n_config_map = 1;
	p->config.config_map = &p->map;
}

static void fill_custom(struct opamp_parts *p, const void *report, size_t len)
{
	opamp__v1__custom_capabilities__init(&p->custom);
	p->capabilities[0] = (char *)CAPABILITY;
	p->custom.capabilities = p->capabilities;
	p->custom.n_capabilities = 1;
	opamp__v1__custom_message__init(&p->message);
	p->message.capability = (char *)CAPABILITY;
	p->message.type = (char *)"report";
	p->message.data = (ProtobufCBinaryData){ len, (uint8_t *)report };
}

static int pack(const Opamp__V1__AgentToServer *m, struct buf *to, struct err *e)
{
	return pbpack_add(&m->base, to) == 0
		   ? 0
		   : err_set(e, ERR_LIMIT, "an OpAMP message of %zu bytes", opamp__v1__agent_to_server__get_packed_size(m));
}

static Opamp__V1__AgentToServer message(const struct opamp_state *s)
{
	Opamp__V1__AgentToServer m = OPAMP__V1__AGENT_TO_SERVER__INIT;

	m.instance_uid = (ProtobufCBinaryData){ UUID_LEN, (uint8_t *)s->instance_uid };
	m.sequence_num = s->sequence_num;
	m.capabilities = CAPABILITIES;
	return m;
}

int opamp_pack(const struct opamp_state *s, const void *report, size_t len, struct buf *to, struct err *e)
{
	Opamp__V1__AgentToServer m = message(s);
	struct opamp_parts p;

	fill_description(&p, s);
	fill_health(&p, s);
	fill_config(&p, s);
	fill_custom(&p, report, len);
	m.agent_description = &p.description;
	m.health = &p.health;
	m.effective_config = &p.config;
	m.custom_capabilities = &p.custom;
	m.custom_message = &p.message;
	return pack(&m, to, e);
}

/* ---- in ---- */

static void take_error(const Opamp__V1__ServerErrorResponse *r, struct opamp_answer *a)
{
	a->is_error = true;
	a->is_bad_request = r->type == OPAMP__V1__SERVER_ERROR_RESPONSE_TYPE__BAD_REQUEST;
	/* As much as is shown of any sentence from outside (docs/wire.md section 13). */
	snprintf(a->error, sizeof(a->error), "%.200s", r->error_message);
	if (r->retry_info != NULL)
		a->retry_after_ms = r->retry_info->retry_after_nanoseconds / NS_A_MS;
}

static int take(const struct opamp_state *s, const Opamp__V1__ServerToAgent *m, struct opamp_answer *a, struct err *e)
{
	/* The answer of another agent, mixed up on the way, could hold acknowledgements; nothing in an intent
	 * but heads and commands is signed. */
	if (m->instance_uid.len != 0 &&
	    (m->instance_uid.len != UUID_LEN || memcmp(m->instance_uid.data, s->instance_uid, UUID_LEN) != 0))
		return err_set(e, ERR_INVALID, "the answer is for another agent");
	if (m->error_response != NULL)
		take_error(m->error_response, a);
	if (m->connection_settings != NULL && m->connection_settings->opamp != NULL)
		a->heartbeat_ms = m->connection_settings->opamp->heartbeat_interval_seconds * 1000;
	/* Of any other length it is no uid. That is passed over, because the rest of the answer is still good. */
	if (m->agent_identification != NULL && m->agent_identification->new_instance_uid.len == UUID_LEN) {
		a->has_new_uid = true;
		memcpy(a->new_uid, m->agent_identification->new_instance_uid.data, UUID_LEN);
	}
	/* OpAMP lets others speak by custom messages, too: what is not for this capability is not ours to judge. */
	if (m->custom_message != NULL && str_eq(m->custom_message->capability, CAPABILITY) &&
	    str_eq(m->custom_message->type, "intent"))
		return buf_add(&a->intent, m->custom_message->data.data, m->custom_message->data.len);
	return 0;
}

int opamp_unpack(const struct opamp_state *s, const void *body, size_t len, struct opamp_answer *ret, struct err *e)
{
	Opamp__V1__ServerToAgent *m;
	int rc;

	if (len > OPAMP_MESSAGE_MAX)
		return err_set(e, ERR_LIMIT, "an OpAMP answer of %zu bytes", len);
	TRY(pbguard_check(&opamp__v1__server_to_agent__descriptor, body, len, OPAMP_FIELDS_MAX, "the OpAMP answer", e));
	m = opamp__v1__server_to_agent__unpack(NULL, len, body);
	if (m == NULL)
		return err_set(e, ERR_INVALID, "the OpAMP answer cannot be decoded");
	rc = take(s, m, ret, e);
	opamp__v1__server_to_agent__free_unpacked(m, NULL);
	return rc;
}
