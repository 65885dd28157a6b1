/* telemetry_status.c - what collectors and shippers count, for a person (reeve status) and as metrics of our own: every record
 * that did not arrive is in one of these numbers. Collectors and shippers do not know each other; they meet here. */
#include <stddef.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/daemon/telemetry_impl.h"

/* A number in a struct of stats, and its two names. */
struct count {
	const char *metric, *unit;
	enum telemetry_shape shape;
	const char *member;
	size_t at;
};

/* clang-format off */
#define TAIL(field) #field, offsetof(struct tail_stats, field)
#define HOST(field) #field, offsetof(struct host_stats, field)
#define JOURNALD(field) #field, offsetof(struct journald_stats, field)

static const struct count tail_counts[] = {
	{ "reeve.tail.lines",           "{line}",  TELEMETRY_COUNTER, TAIL(lines) },
	{ "reeve.tail.bytes",           "By",      TELEMETRY_COUNTER, TAIL(bytes) },
	{ "reeve.tail.lines.truncated", "{line}",  TELEMETRY_COUNTER, TAIL(truncated_lines) },
	{ "reeve.tail.lines.unfinished", "{line}", TELEMETRY_COUNTER, TAIL(unfinished_lines) },
	{ "reeve.tail.lines.no_text",   "{line}",  TELEMETRY_COUNTER, TAIL(no_text_lines) },
	{ "reeve.tail.lines.joined",    "{line}",  TELEMETRY_COUNTER, TAIL(joined_lines) },
	{ "reeve.tail.lines.foreign",   "{line}",  TELEMETRY_COUNTER, TAIL(foreign_lines) },
	{ "reeve.tail.nul_bytes",       "By",      TELEMETRY_COUNTER, TAIL(nul_bytes) },
	{ "reeve.tail.files.passed",    "{file}",  TELEMETRY_COUNTER, TAIL(passed_files) },
	{ "reeve.tail.bytes.passed",    "By",      TELEMETRY_COUNTER, TAIL(passed_bytes) },
	{ "reeve.tail.files.truncated", "{file}",  TELEMETRY_COUNTER, TAIL(truncated_files) },
	{ "reeve.tail.errors",          "{error}", TELEMETRY_COUNTER, TAIL(read_errors) },
	{ "reeve.tail.folders.large",   "{look}",  TELEMETRY_COUNTER, TAIL(large_folders) },
	{ "reeve.tail.positions.dropped", "{position}", TELEMETRY_COUNTER, TAIL(positions_dropped) },
	{ "reeve.tail.folders",         "{folder}", TELEMETRY_UPDOWN, TAIL(folders) },
	{ "reeve.tail.folders.unwatched", "{folder}", TELEMETRY_UPDOWN, TAIL(unwatched_folders) },
	{ "reeve.tail.folders.refused", "{folder}", TELEMETRY_UPDOWN, TAIL(refused_folders) },
	{ "reeve.tail.files",           "{file}",  TELEMETRY_UPDOWN,  TAIL(files) },
	{ "reeve.tail.files.rotated",   "{file}",  TELEMETRY_UPDOWN,  TAIL(rotated) },
	/* as the last scan found them: a file that becomes readable is counted no more */
	{ "reeve.tail.files.refused",   "{file}",  TELEMETRY_UPDOWN,  TAIL(refused) },
	{ "reeve.tail.files.refused.compressed", "{file}", TELEMETRY_UPDOWN, TAIL(refused_compressed) },
	{ "reeve.tail.files.refused.no_text",    "{file}", TELEMETRY_UPDOWN, TAIL(refused_no_text) },
	{ "reeve.tail.files.refused.links",      "{file}", TELEMETRY_UPDOWN, TAIL(refused_links) },
	{ "reeve.tail.files.refused.limit",      "{file}", TELEMETRY_UPDOWN, TAIL(refused_limit) },
	{ "reeve.tail.files.refused.denied",     "{file}", TELEMETRY_UPDOWN, TAIL(refused_denied) },
	{ "reeve.tail.files.refused.old",        "{file}", TELEMETRY_UPDOWN, TAIL(refused_old) },
};

/* of each source */
static const struct count journald_counts[] = {
	{ "reeve.journald.entries",           "{entry}", TELEMETRY_COUNTER, JOURNALD(entries) },
	{ "reeve.journald.bytes",             "By",      TELEMETRY_COUNTER, JOURNALD(bytes) },
	{ "reeve.journald.entries.joined",    "{entry}", TELEMETRY_COUNTER, JOURNALD(joined_entries) },
	{ "reeve.journald.entries.truncated", "{entry}", TELEMETRY_COUNTER, JOURNALD(truncated_entries) },
	{ "reeve.journald.entries.mended",    "{entry}", TELEMETRY_COUNTER, JOURNALD(mended_entries) },
	{ "reeve.journald.entries.no_text",   "{entry}", TELEMETRY_COUNTER, JOURNALD(no_text_entries) },
	{ "reeve.journald.entries.repeated",  "{entry}", TELEMETRY_COUNTER, JOURNALD(repeated_entries) },
	{ "reeve.journald.entries.damaged",   "{entry}", TELEMETRY_COUNTER, JOURNALD(damaged_entries) },
	{ "reeve.journald.gaps.vacuumed",     "{gap}",   TELEMETRY_COUNTER, JOURNALD(gaps_vacuumed) },
	{ "reeve.journald.gaps.damaged",      "{gap}",   TELEMETRY_COUNTER, JOURNALD(gaps_damaged) },
	{ "reeve.journald.errors",            "{error}", TELEMETRY_COUNTER, JOURNALD(read_errors) },
};

static const struct count host_counts[] = {
	{ "reeve.host.scrapes",           "{scrape}",     TELEMETRY_COUNTER, HOST(scrapes) },
	{ "reeve.host.unread",            "{file}",       TELEMETRY_COUNTER, HOST(unread) },
	{ "reeve.host.filesystems.hung",  "{filesystem}", TELEMETRY_COUNTER, HOST(file_systems_hung) },
	{ "reeve.host.filesystems.failed", "{filesystem}", TELEMETRY_COUNTER, HOST(file_systems_failed) },
	{ "reeve.host.counters.held",     "{point}",      TELEMETRY_COUNTER, HOST(counters_held) },
	{ "reeve.host.counters.anew",     "{series}",     TELEMETRY_COUNTER, HOST(counters_anew) },
	/* of the last reading alone, so they fall again: no counters */
	{ "reeve.host.rows.odd",          "{row}",        TELEMETRY_UPDOWN,  HOST(rows_odd) },
	{ "reeve.host.rows.over",         "{row}",        TELEMETRY_UPDOWN,  HOST(rows_over) },
};
/* clang-format on */

static uint64_t value_of(const struct count *c, const void *stats)
{
	return *(const uint64_t *)((const char *)stats + c->at);
}

/* ---- as metrics -------------------------------------------------------------------------------------------------------- */

static void say(struct shipper *s, const struct count *c, size_t n, const void *stats)
{
	for (size_t i = 0; i < n; i++)
		shipper_own(s, c[i].metric, c[i].unit, c[i].shape, value_of(&c[i], stats));
}

static size_t sources(const struct telemetry *t)
{
	return t->journald != NULL ? journald_sources(t->journald) : 0;
}

/* The points of one metric stand beside each other. */
static void say_journald(const struct telemetry *t, struct shipper *s)
{
	for (size_t i = 0; i < ARRAY_LEN(journald_counts); i++)
		for (size_t k = 0; k < sources(t); k++) {
			const struct count *c = &journald_counts[i];
			struct journald_stats st = journald_stats(t->journald, k);
			const struct telemetry_attr of = { "reeve.journald.service", st.service };

			shipper_own_of(s, c->metric, c->unit, c->shape, value_of(c, &st), &of);
		}
}

void telemetry_own(void *ctx, struct shipper *s)
{
	const struct telemetry *t = ctx;
	struct tail_stats tail = t->tail != NULL ? tail_stats(t->tail) : (struct tail_stats){ 0 };
	struct host_stats host = t->host != NULL ? host_stats(t->host) : (struct host_stats){ 0 };

	/* A collector that does not run tells zeros, so each series is there from the first reading on. */
	say(s, tail_counts, ARRAY_LEN(tail_counts), &tail);
	say(s, host_counts, ARRAY_LEN(host_counts), &host);
	say_journald(t, s);
	shipper_own(s, "reeve.log.lines.dropped", "{line}", TELEMETRY_COUNTER, log_dropped());
	if (t->also != NULL)
		t->also(t->also_ctx, s);
}

/* ---- for a person ------------------------------------------------------------------------------------------------------ */

static void set(json_t *j, const char *member, uint64_t v)
{
	json_object_set_new(j, member, json_integer((json_int_t)v));
}

static json_t *counts_json(const struct count *c, size_t n, const void *stats)
{
	json_t *j = json_object();

	for (size_t i = 0; i < n; i++)
		set(j, c[i].member, value_of(&c[i], stats));
	return j;
}

static json_t *kind_json(const struct shipper_stats *s, enum telemetry_kind k)
{
	json_t *j = json_object();

	set(j, "sent_records", s->exporter[0].sent_records[k]);
	set(j, "sent_bytes", s->exporter[0].sent_bytes[k]);
	set(j, "not_allowed_by_policy", s->denied[k]);
	set(j, "dropped_by_rule", k == TELEMETRY_LOG ? s->dropped_by_rule : 0);
	set(j, "rests_by_rule", k == TELEMETRY_LOG ? s->rests_by_rule : 0);
	set(j, "failed_by_rule", s->failed_by_rule[k]);
	set(j, "rejected", s->exporter[0].rejected_records[k]);
	set(j, "dropped_for_room", s->dropped_full[k] + s->dest[0].dropped_records[k]);
	set(j, "dropped_for_age", s->dest[0].aged_records[k]);
	set(j, "damaged_records", s->spool.damaged_records[k]);
	set(j, "uncommitted_bodies", s->spool.uncommitted[k]);
	set(j, "waiting_bodies", s->spool.entries[k]);
	set(j, "waiting_bytes", s->spool.bytes[k]);
	return j;
}

static json_t *dest_kind_json(const struct exporter_stats *x, const struct spool_dest_stats *d, enum telemetry_kind k)
{
	json_t *j = json_object();

	set(j, "sent_records", x->sent_records[k]);
	set(j, "sent_bytes", x->sent_bytes[k]);
	set(j, "rejected", x->rejected_records[k]);
	set(j, "dropped_for_room", d->dropped_records[k]);
	set(j, "dropped_for_age", d->aged_records[k]);
	set(j, "waiting_bodies", d->entries[k]);
	set(j, "waiting_bytes", d->bytes[k]);
	return j;
}

static json_t *budget_json(const struct shipper_stats *s, unsigned dest)
{
	json_t *j = json_object();

	set(j, "bytes_per_day", s->budget);
	set(j, "spent_today", s->budget_spent[dest]);
	json_object_set_new(j, "waits", json_boolean(s->budget_over[dest]));
	return j;
}

static json_t *dests_json(const struct shipper_stats *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->dests_n; i++) {
		const struct exporter_stats *x = &s->exporter[i];
		json_t *one = json_pack("{s:s, s:s, s:b}", "name", s->dest[i].name, "encoding", pack_name(x->format), "catching_up",
					x->is_catching_up);

		json_object_set_new(one, "metrics", dest_kind_json(x, &s->dest[i], TELEMETRY_METRIC));
		json_object_set_new(one, "logs", dest_kind_json(x, &s->dest[i], TELEMETRY_LOG));
		if (s->budget > 0)
			json_object_set_new(one, "budget", budget_json(s, i));
		set(one, "retries", x->retries);
		set(one, "last_status", (uint64_t)x->last_status);
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *journald_json(const struct telemetry *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sources(t); i++) {
		struct journald_stats st = journald_stats(t->journald, i);
		json_t *one = counts_json(journald_counts, ARRAY_LEN(journald_counts), &st);

		json_object_set_new(one, "service", json_text(st.service));
		if (st.trouble != NULL)
			json_object_set_new(one, "trouble", json_text(st.trouble));
		json_array_append_new(list, one);
	}
	return list;
}

static void set_collectors(json_t *j, const struct telemetry *t)
{
	if (t->tail != NULL) {
		struct tail_stats st = tail_stats(t->tail);

		json_object_set_new(j, "tail", counts_json(tail_counts, ARRAY_LEN(tail_counts), &st));
	}
	if (t->journald != NULL)
		json_object_set_new(j, "journald", journald_json(t));
	if (t->host != NULL) {
		struct host_stats st = host_stats(t->host);

		json_object_set_new(j, "host", counts_json(host_counts, ARRAY_LEN(host_counts), &st));
	}
}

/* What neither arrived nor was kept back by the policy's will. */
static uint64_t lost_records(const struct shipper_stats *s, enum telemetry_kind k)
{
	uint64_t n = s->failed_by_rule[k] + s->dropped_full[k] + s->spool.dropped_records[k] + s->spool.aged_records[k] +
		     s->spool.damaged_records[k];

	for (unsigned i = 0; i < s->dests_n; i++)
		n += s->exporter[i].rejected_records[k];
	return n;
}

/* Each gap counts as one, for nobody knows how many entries it had. */
static uint64_t lost_entries(const struct telemetry *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < sources(t); i++) {
		struct journald_stats st = journald_stats(t->journald, i);

		n += st.damaged_entries + st.gaps_vacuumed + st.gaps_damaged;
	}
	return n;
}

void telemetry_look(struct telemetry *t)
{
	struct shipper_stats s = shipper_stats(t->shipper);
	uint64_t lost = lost_records(&s, TELEMETRY_METRIC) + lost_records(&s, TELEMETRY_LOG) + lost_entries(t);

	if (lost > t->lost)
		t->lost_ms = world_wall_ms(t->w);
	t->lost = lost;
}

json_t *telemetry_status(const struct telemetry *t)
{
	struct shipper_stats s = shipper_stats(t->shipper);
	const char *trouble = telemetry_trouble(t);
	json_t *j = json_object();
	char when[STAMP_RFC3339_LEN];

	if (t->lost_ms > 0)
		json_object_set_new(j, "last_loss", json_string(stamp_rfc3339(t->lost_ms, when)));
	json_object_set_new(j, "metrics", kind_json(&s, TELEMETRY_METRIC));
	json_object_set_new(j, "logs", kind_json(&s, TELEMETRY_LOG));
	json_object_set_new(j, "destinations", dests_json(&s));
	json_object_set_new(j, "rules", tally_json(shipper_tally(t->shipper)));
	set(j, "retries", s.exporter[0].retries);
	set(j, "damaged", s.spool.corrupt);
	set(j, "write_failures", s.spool.write_failures);
	set_collectors(j, t);
	if (trouble != NULL)
		json_object_set_new(j, "trouble", json_text(trouble));
	return j;
}
