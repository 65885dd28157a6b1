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

/* A record arrives once for each destination, or is lost once for each. */
static void add_records_at(struct shipper *s, const char *dest, int kind, const char *outcome, uint64_t v)
{
	const struct telemetry_attr attrs[] = { { "kind", kinds[kind] }, { "outcome", outcome }, { "destination", dest } };

	add(s, "reeve.telemetry.records", "{record}", TELEMETRY_COUNTER, v, attrs, ARRAY_LEN(attrs));
}

static void add_kinds(struct shipper *s, const char *name, const char *unit, enum telemetry_shape shape, const uint64_t *v)
{
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		const struct telemetry_attr attr = { "kind", kinds[kind] };

		add(s, name, unit, shape, v[kind], &attr, 1);
	}
}

static void add_kinds_at(struct shipper *s, const char *dest, const char *name, const char *unit, const uint64_t *v)
{
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		const struct telemetry_attr attrs[] = { { "kind", kinds[kind] }, { "destination", dest } };

		add(s, name, unit, TELEMETRY_COUNTER, v[kind], attrs, ARRAY_LEN(attrs));
	}
}

static void add_dest(struct shipper *s, const struct spool_dest_stats *d, const struct exporter_stats *x)
{
	const struct telemetry_attr of = { "destination", d->name };

	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		add_records_at(s, d->name, kind, "sent", x->sent_records[kind]);
		add_records_at(s, d->name, kind, "rejected", x->rejected_records[kind]);
		add_records_at(s, d->name, kind, "dropped_full", d->dropped_records[kind]);
		add_records_at(s, d->name, kind, "dropped_age", d->aged_records[kind]);
	}
	add_kinds_at(s, d->name, "reeve.telemetry.bodies.sent", "{body}", x->sent_bodies);
	add_kinds_at(s, d->name, "reeve.telemetry.bytes.sent", "By", x->sent_bytes);
	add(s, "reeve.telemetry.retries", "{retry}", TELEMETRY_COUNTER, x->retries, &of, 1);
	add(s, "reeve.telemetry.bodies.halved", "{body}", TELEMETRY_COUNTER, x->halved, &of, 1);
}

static void add_budget(struct shipper *s, const char *dest, const struct shipper_stats *st, unsigned i)
{
	const struct telemetry_attr of = { "destination", dest };

	add(s, "reeve.telemetry.budget.limit", "By", TELEMETRY_UPDOWN, st->budget, &of, 1);
	add(s, "reeve.telemetry.budget.spent", "By", TELEMETRY_UPDOWN, st->budget_spent[i], &of, 1);
	add(s, "reeve.telemetry.budget.over", "1", TELEMETRY_UPDOWN, st->budget_over[i], &of, 1);
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

/* Counted since the start; the names are few. */
static void add_series(struct shipper *s)
{
	const struct series_over *over;
	size_t n = s->series != NULL ? series_over(s->series, &over) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct telemetry_attr of = { "metric", over[i].name };

		add(s, "reeve.telemetry.series.dropped", "{point}", TELEMETRY_COUNTER, over[i].dropped, &of, 1);
	}
}

void shipper_own_points(struct shipper *s)
{
	const struct shipper_stats st = shipper_stats(s);

	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		add_records(s, kind, "taken", st.taken[kind]);
		add_records(s, kind, "denied", st.denied[kind]);
		add_records(s, kind, "rule_failed", st.failed_by_rule[kind]);
		add_records(s, kind, "damaged", st.spool.damaged_records[kind]);
		add_records(s, kind, "dropped_full", st.dropped_full[kind]);
	}
	for (unsigned i = 0; i < st.dests_n; i++)
		add_dest(s, &st.dest[i], &st.exporter[i]);
	for (unsigned i = 0; i < st.dests_n && st.budget > 0; i++)
		add_budget(s, st.dest[i].name, &st, i);
	add_records(s, TELEMETRY_LOG, "rule_dropped", st.dropped_by_rule);
	add(s, "reeve.telemetry.lines.rests_by_rule", "{line}", TELEMETRY_COUNTER, st.rests_by_rule, NULL, 0);
	add_rules(s);
	add_series(s);
	add_kinds(s, "reeve.spool.bytes", "By", TELEMETRY_UPDOWN, st.spool.bytes);
	add_kinds(s, "reeve.spool.bodies", "{body}", TELEMETRY_UPDOWN, st.spool.entries);
	add_kinds(s, "reeve.spool.uncommitted", "{body}", TELEMETRY_COUNTER, st.spool.uncommitted);
	add(s, "reeve.spool.corrupt", "{body}", TELEMETRY_COUNTER, st.spool.corrupt, NULL, 0);
	add(s, "reeve.spool.write_failures", "{failure}", TELEMETRY_COUNTER, st.spool.write_failures, NULL, 0);
	if (s->own != NULL)
		s->own(s->own_ctx, s);
}
