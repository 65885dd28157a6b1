/* shipper_own.c - what the shipper says of itself: every record it took or lost, by the reason why, and what it holds; then what
 * others want said with it. */
#include "shippers/shipper_impl.h"

#include "agent/base/mem.h"

static const char *const kinds[TELEMETRY_KINDS] = { [TELEMETRY_METRIC] = "metrics", [TELEMETRY_LOG] = "logs" };

static void add(struct shipper *s, const char *name, const char *unit, enum telemetry_shape shape, uint64_t v,
		const struct telemetry_attr *attrs, size_t attrs_n)
{
	struct telemetry_point p = {
		.name = name, .unit = unit, .shape = shape, .i = (int64_t)v, .attrs = attrs, .attrs_n = attrs_n
	};

	p.time_ms = world_wall_ms(s->w);
	if (s->born_ms > p.time_ms) /* the clock was set back: no start may lie behind its points */
		s->born_ms = p.time_ms;
	if (shape == TELEMETRY_COUNTER)
		p.start_ms = s->born_ms;
	shipper_add_point(s, &p);
}

void shipper_own(struct shipper *s, const char *name, const char *unit, enum telemetry_shape shape, uint64_t v)
{
	add(s, name, unit, shape, v, NULL, 0);
}

void shipper_own_of(struct shipper *s, const char *name, const char *unit, enum telemetry_shape shape, uint64_t v,
		    const struct telemetry_attr *of)
{
	add(s, name, unit, shape, v, of, 1);
}

static void add_records(struct shipper *s, int kind, const char *outcome, uint64_t v)
{
	const struct telemetry_attr attrs[] = { { "kind", kinds[kind] }, { "outcome", outcome } };

	add(s, "reeve.telemetry.records", "{record}", TELEMETRY_COUNTER, v, attrs, ARRAY_LEN(attrs));
}

static void add_kinds(struct shipper *s, const char *name, const char *unit, enum telemetry_shape shape, const uint64_t *v)
{
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		const struct telemetry_attr attr = { "kind", kinds[kind] };

		add(s, name, unit, shape, v[kind], &attr, 1);
	}
}

/* From the first time on: a rule that drops never masks, and most find nothing. */
static void add_rule(struct shipper *s, const struct tally_one *of, const char *outcome, uint64_t v)
{
	const struct telemetry_attr attrs[] = { { "rule", of->name }, { "outcome", outcome } };

	if (v > 0)
		add(s, "reeve.telemetry.rule.texts", "{text}", TELEMETRY_COUNTER, v, attrs, ARRAY_LEN(attrs));
}

static void add_rules(struct shipper *s)
{
	/* Whose own points are counted while they are told. */
	const struct tally t = s->tally;

	for (size_t i = 0; i < t.n; i++) {
		add_rule(s, &t.v[i], "masked", t.v[i].masked);
		add_rule(s, &t.v[i], "dropped", t.v[i].dropped);
		add_rule(s, &t.v[i], "failed", t.v[i].failed);
	}
}

void shipper_own_points(struct shipper *s)
{
	const struct shipper_stats st = shipper_stats(s);

	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		add_records(s, kind, "taken", st.taken[kind]);
		add_records(s, kind, "sent", st.exporter.sent_records[kind]);
		add_records(s, kind, "rejected", st.exporter.rejected_records[kind]);
		add_records(s, kind, "denied", st.denied[kind]);
		add_records(s, kind, "rule_failed", st.failed_by_rule[kind]);
		add_records(s, kind, "damaged", st.spool.damaged_records[kind]);
		add_records(s, kind, "dropped_full", st.dropped_full[kind] + st.spool.dropped_records[kind]);
	}
	add_records(s, TELEMETRY_LOG, "rule_dropped", st.dropped_by_rule);
	add(s, "reeve.telemetry.lines.rests_by_rule", "{line}", TELEMETRY_COUNTER, st.rests_by_rule, NULL, 0);
	add_rules(s);
	add_kinds(s, "reeve.telemetry.bodies.sent", "{body}", TELEMETRY_COUNTER, st.exporter.sent_bodies);
	add_kinds(s, "reeve.telemetry.bytes.sent", "By", TELEMETRY_COUNTER, st.exporter.sent_bytes);
	add(s, "reeve.telemetry.retries", "{retry}", TELEMETRY_COUNTER, st.exporter.retries, NULL, 0);
	add(s, "reeve.telemetry.bodies.halved", "{body}", TELEMETRY_COUNTER, st.exporter.halved, NULL, 0);
	add_kinds(s, "reeve.spool.bytes", "By", TELEMETRY_UPDOWN, st.spool.bytes);
	add_kinds(s, "reeve.spool.bodies", "{body}", TELEMETRY_UPDOWN, st.spool.entries);
	add_kinds(s, "reeve.spool.uncommitted", "{body}", TELEMETRY_COUNTER, st.spool.uncommitted);
	add(s, "reeve.spool.corrupt", "{body}", TELEMETRY_COUNTER, st.spool.corrupt, NULL, 0);
	add(s, "reeve.spool.write_failures", "{failure}", TELEMETRY_COUNTER, st.spool.write_failures, NULL, 0);
	if (s->own != NULL)
		s->own(s->own_ctx, s);
}
