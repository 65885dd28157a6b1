/* agent_status.c - what the agent says of itself: to the local socket, to the service manager, to the watchdog. */
#include "agent/daemon/agent_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/arena.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/op.h"
#include "agent/ops/ops_warehouses.h"
#include "shippers/shipper.h"

/* A disk that refuses is told and asked again, so that counts as progress. One that does not answer at all stops everything that
 * changes something, and only a new process may find it well again. */
static bool is_hung(const struct agent *a)
{
	return a->journal != NULL && journal_hangs_ms(a->journal) >= AGENT_HUNG_MS;
}

/*  its timer has not fired since                          no: the loop does not turn
 *  the disk has owed the journal an answer for too long   no
 *  else                                                   yes  */
bool agent_has_progressed(struct agent *a)
{
	bool yes = a->ticks != a->ticks_seen && !is_hung(a);

	a->ticks_seen = a->ticks;
	return yes;
}

bool agent_is_ready(const struct agent *a)
{
	return agent_is_up(a) && ops_is_ready(a->ops);
}

static const char *mode_name(struct agent *a)
{
	return protobuf_c_enum_descriptor_get_value(&reeve__control__v1__agent_mode__descriptor, ops_mode(a->ops))->name;
}

const char *agent_summary(struct agent *a)
{
	if (agent_is_closing(a))
		snprintf(a->summary, sizeof(a->summary), "stopping: the next start goes on from the journal");
	else if (is_hung(a))
		snprintf(a->summary, sizeof(a->summary), "the disk has owed the journal an answer for %llu s",
			 (unsigned long long)(journal_hangs_ms(a->journal) / 1000));
	else if (!a->has_been_up)
		snprintf(a->summary, sizeof(a->summary), "finding out who this machine is%s%.180s",
			 a->finding != NULL && *identity_trouble(a->finding) != '\0' ? ": " : "",
			 a->finding != NULL ? identity_trouble(a->finding) : "");
	else
		snprintf(a->summary, sizeof(a->summary), "%s, vendor %s%s", mode_name(a),
			 session_is_connected(a->session) ? "connected" : "not connected", ops_is_busy(a->ops) ? ", at work" : "");
	str_mend(a->summary); /* what it quotes is cut anywhere */
	return a->summary;
}

#define OPS_BYTES_MAX (700u << 10) /* an answer of the local socket has 1 MiB */

struct telling {
	json_t *list;
	size_t bytes;
	unsigned left_out;
};

static void set_text(json_t *j, const char *member, const char *text)
{
	if (*text != '\0')
		json_object_set_new(j, member, json_text(text));
}

/* All that is known of it beside the sentence. */
static json_t *detail_json(const Reeve__Control__V1__Error *e)
{
	const ProtobufCEnumValue *class =
	    protobuf_c_enum_descriptor_get_value(&reeve__control__v1__error_class__descriptor, (int)e->class_);
	json_t *j = json_pack("{s:s, s:b}", "class", class->name, "retryable", e->retryable);

	set_text(j, "aws_code", e->aws_code);
	set_text(j, "aws_request_id", e->aws_request_id);
	set_text(j, "action", e->action);
	set_text(j, "resource", e->resource);
	return j;
}

static void set_things(json_t *j, const char *member, Reeve__Control__V1__Resource *const *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "kind", v[i]->kind, "id", v[i]->id));
	json_object_set_new(j, member, list);
}

static void set_result(json_t *j, const Reeve__Control__V1__Status *s)
{
	set_things(j, "created", s->created, s->n_created);
	set_things(j, "modified", s->modified, s->n_modified);
	set_things(j, "deleted", s->deleted, s->n_deleted);
	set_things(j, "preserved", s->preserved, s->n_preserved);
}

static void op_to_json(void *ctx, struct op *op)
{
	struct telling *t = ctx;
	const ProtobufCEnumValue *state;
	Reeve__Control__V1__Status s;
	struct arena *m = arena_new_sized(64u << 20);
	char when[STAMP_RFC3339_LEN];
	json_t *j;

	op_status(op, m, &s);
	state = protobuf_c_enum_descriptor_get_value(&reeve__control__v1__state__descriptor, (int)s.state);
	j = json_pack("{s:s, s:s, s:o, s:I, s:s, s:b, s:s, s:i, s:i}", "id", op_fields(op)->id_text, "verb", op_verb(op),
		      "warehouse", json_text(op_warehouse(op)), "seq", (json_int_t)op_fields(op)->seq, "state", state->name,
		      "ended", op_fields(op)->is_ended, "accepted", stamp_rfc3339(op_fields(op)->accepted_ms, when), "steps_done",
		      (int)s.steps_done, "steps_total", (int)s.steps_total);
	set_text(j, "step", s.step);
	set_text(j, "note", s.note);
	if (s.error != NULL) {
		json_object_set_new(j, "error", json_text(s.error->message));
		json_object_set_new(j, "error_detail", detail_json(s.error));
	}
	if (op_fields(op)->is_ended)
		set_result(j, &s);
	arena_free(m);
	t->bytes += json_size(j);
	/* Beyond the server's limit the whole answer would be a 500, just when there is most to see. What
	 * is left out is counted. */
	if (t->bytes <= OPS_BYTES_MAX) {
		json_array_append_new(t->list, j);
		return;
	}
	t->left_out++;
	json_decref(j);
}

static json_t *journal_json(const struct agent *a)
{
	struct digest head;
	char hex[DIGEST_HEX_LEN];

	/* Closed in its turn, which is no damage: nothing is said of it then. */
	if (a->journal == NULL && agent_is_closing(a))
		return json_object();
	if (a->journal == NULL)
		return json_pack("{s:o}", a->journal_err.code == ERR_UNSUPPORTED ? "newer" : "damaged",
				 json_text(err_text(&a->journal_err)));
	head = journal_head(a->journal);
	return json_pack("{s:I, s:s, s:b}", "seq", (json_int_t)journal_seq(a->journal), "sha256", digest_hex(&head, hex),
			 "disk_is_full", journal_is_tight(a->journal));
}

static void add_trouble(json_t *j, const struct trouble *t)
{
	if (t->err.code == 0)
		return;
	json_object_set_new(j, "trouble", json_text(trouble_text(t)));
	json_object_set_new(j, "trouble_kind", json_string(trouble_kind_name(t->kind)));
}

static json_t *vendor_json(const struct agent *a)
{
	char when[STAMP_RFC3339_LEN];
	json_t *j =
	    json_pack("{s:s, s:b}", "url", a->cfg->vendor_url, "connected", a->session != NULL && session_is_connected(a->session));

	if (a->cfg->proxy.place != NULL)
		json_object_set_new(j, "proxy", json_text(a->cfg->proxy.place));
	if (a->session != NULL && session_last_ms(a->session) != 0)
		json_object_set_new(j, "last_answer", json_string(stamp_rfc3339(session_last_ms(a->session), when)));
	if (a->session != NULL)
		add_trouble(j, session_trouble(a->session));
	if (a->session != NULL)
		json_object_set_new(j, "logged_in", json_boolean(session_is_logged_in(a->session)));
	if (a->session != NULL)
		json_object_set_new(j, "head_is_fresh", json_boolean(inbox_head_is_fresh(&a->inbox)));
	return j;
}

/* [["images", "every launch"], ...] */
static json_t *missing_json(const struct policy *p)
{
	json_t *list = json_array();
	const char *name, *stops;

	for (size_t i = 0; p->present && bounds_missing(&p->bounds, i, &name, &stops); i++)
		json_array_append_new(list, json_pack("[s, s]", name, stops));
	return list;
}

/* What of the policy's rates is used. */
static json_t *rates_json(struct agent *a, const struct rates *r)
{
	struct spent *s = &ops_shared(a->ops)->spent;
	int64_t now_ms = ops_rates_now(a->ops);

	return json_pack("{s:i, s:i, s:i, s:i}", "mutations", (int)spent_in(s, now_ms, SPENT_HOUR_MS, SPENT_MUTATIONS),
			 "mutations_per_hour", (int)r->mutations_per_hour, "deletions",
			 (int)spent_in(s, now_ms, SPENT_DAY_MS, SPENT_DELETIONS), "deletions_per_day", (int)r->deletions_per_day);
}

/* The last step that AWS did not let us do, with what tells why. */
static json_t *refused_json(const json_t *record)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "id", json_str_or(record, "op", "?"), "plan", json_str_or(record, "plan", "?"),
			 "step", json_str_or(record, "step", "?"), "aws_encoded_message",
			 json_str_or(json_object_get(record, "error"), "aws_encoded_message", ""));
}

#define DRIFTS_TOLD 8 /* of each of 32 warehouses: an answer of the local socket has 1 MiB */

static json_t *drifts_json(const json_t *drifts)
{
	json_t *list = json_array();
	char when[STAMP_RFC3339_LEN];

	for (size_t i = 0; i < json_array_size(drifts) && i < DRIFTS_TOLD; i++) {
		const json_t *d = json_array_get(drifts, i);

		json_array_append_new(list,
				      json_pack("{s:o, s:o, s:o, s:s}", "resource", json_text(json_str_or(d, "resource", "?")),
						"field", json_text(json_str_or(d, "field", "?")), "difference",
						json_text(json_str_or(d, "difference", "?")), "since",
						stamp_rfc3339(json_int_or(d, "since_ms", 0), when)));
	}
	return list;
}

/* {"fe": "Running", ...} */
static json_t *clusters_json(const struct ops_warehouse *w)
{
	json_t *j = json_object();

	for (size_t i = 0; i < w->clusters_n; i++)
		json_object_set_new(j, w->clusters[i].name, json_string(resource_status_name(w->clusters[i].status)));
	return j;
}

static json_t *warehouse_json(const struct ops_warehouse *w)
{
	const struct patrol_seen *s = &w->seen;
	char when[STAMP_RFC3339_LEN];
	json_t *j =
	    json_pack("{s:o, s:s, s:o, s:s, s:I, s:i, s:o}", "name", json_text(w->name), "status", resource_status_name(w->status),
		      "clusters", clusters_json(w), "stands_on", s->stands_on, "generation", (json_int_t)s->generation,
		      "drifts_total", (int)s->total, "drifts", drifts_json(s->drifts));

	if (s->looked_ms != 0)
		json_object_set_new(j, "looked_at", json_string(stamp_rfc3339(s->looked_ms, when)));
	if (s->knows_orphans)
		json_object_set_new(j, "orphan_volumes", json_integer(s->orphans));
	if (*s->unknown != '\0')
		json_object_set_new(j, "unknown", json_text(s->unknown));
	return j;
}

/* What each warehouse is or is becoming, and how the account differs from what it is to be like. */
static json_t *warehouses_json(const struct agent *a)
{
	struct ops_warehouse *w = mem_new(struct ops_warehouse);
	json_t *list = json_array();

	for (size_t i = 0; i < ops_warehouses_n(a->ops); i++) {
		ops_warehouses_at(a->ops, i, w);
		json_array_append_new(list, warehouse_json(w));
	}
	mem_free(w);
	return list;
}

/* What is not known is not told: a zero would end an alarm. */
void agent_own(void *ctx, struct shipper *s)
{
	const struct agent *a = ctx;
	struct patrol_seen seen;

	for (size_t i = 0; a->ops != NULL && patrol_at(ops_patrol(a->ops), i, &seen); i++) {
		const struct telemetry_attr of = { "reeve.warehouse", seen.warehouse };

		if (seen.knows_orphans && *seen.warehouse != '\0')
			shipper_own_of(s, "reeve.volumes.orphaned", "{volume}", TELEMETRY_GAUGE, seen.orphans, &of);
	}
}

json_t *agent_status(struct agent *a)
{
	char when[STAMP_RFC3339_LEN];
	struct telling ops = { .list = json_array() };
	json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "version", REEVE_VERSION, "installation", a->cfg->installation, "started",
			      stamp_rfc3339(a->started_ms, when), "summary", agent_summary(a));

	json_object_set_new(j, "time", json_string(stamp_rfc3339(world_wall_ms(a->w), when)));
	json_object_set_new(j, "policy_file", json_text(a->cfg->policy_path));
	json_object_set_new(j, "stop_file", json_text(a->cfg->stop_path));
	json_object_set_new(j, "state_folder", json_text(a->cfg->state_dir));
	if (!a->has_been_up && a->finding != NULL && *identity_trouble(a->finding) != '\0')
		json_object_set_new(j, "start_trouble", json_text(identity_trouble(a->finding)));

	if (a->has_been_up) {
		json_object_set_new(j, "account", json_string(a->id.caller.account));
		json_object_set_new(j, "region", json_string(a->id.instance.region));
		json_object_set_new(j, "instance", json_string(a->id.instance.instance_id));
		json_object_set_new(j, "role", json_string(a->id.caller.role));
	}
	if (a->ops != NULL) {
		json_object_set_new(j, "mode", json_string(mode_name(a)));
		json_object_set_new(j, "why", json_text(ops_mode_reason(a->ops)));
		json_object_set_new(j, "bounds_missing", missing_json(ops_policy(a->ops)));
		if (ops_policy(a->ops)->present)
			json_object_set_new(j, "rates", rates_json(a, &ops_policy(a->ops)->rates));
		ops_each(a->ops, op_to_json, &ops);
		json_object_set_new(j, "warehouses", warehouses_json(a));
		if (ops_refused(a->ops) != NULL)
			json_object_set_new(j, "refused", refused_json(ops_refused(a->ops)));
		json_object_set_new(j, "journal", journal_json(a));
	}
	json_object_set_new(j, "vendor", vendor_json(a));
	json_object_set_new(j, "log_lines_dropped", json_integer((json_int_t)log_dropped()));
	json_object_set_new(j, "operations", ops.list);
	json_object_set_new(j, "operations_left_out", json_integer(ops.left_out));
	if (a->telemetry != NULL)
		json_object_set_new(j, "telemetry", telemetry_status(a->telemetry));
	return j;
}
