/* shipper_ledger.c - what the ledger says beside what was sent: bodies lost unsent, and the account, cumulative, its rows that have
 * changed each minute and all of them where a file begins; marked `start` when an agent starts, so that whoever reads knows from
 * there how much was acknowledged of which the lines are missing. */
#include "shippers/shipper_impl.h"

#include <string.h>

#include "agent/base/mem.h"
#include "shippers/lost.h"

#define TELL_EVERY_MS 60000

static void set(json_t *o, const char *member, uint64_t v)
{
	json_object_set_new(o, member, json_integer((json_int_t)v));
}

void shipper_ledger_lost(void *ctx, const struct lost *lost, uint64_t bytes)
{
	struct shipper *s = ctx;
	json_t *line, *sources = json_object();
	uint64_t records = 0;

	for (size_t i = 0; i < lost->counts_n; i++) {
		json_t *before = json_object_get(sources, lost->counts[i].source);

		records += lost->counts[i].records;
		set(sources, lost->counts[i].source, lost->counts[i].records + (uint64_t)json_integer_value(before));
	}
	line = ledger_line(s->ledger, "batch");
	json_object_set_new(line, "outcome", json_string(account_lost_names[lost->counts[0].why]));
	json_object_set_new(line, "to", json_string(lost->by));
	json_object_set_new(line, "kind", json_string(batch_kind_name(lost->kind)));
	json_object_set_new(line, "id", json_string(lost->id));
	set(line, "records", records);
	set(line, "bytes", bytes);
	json_object_set_new(line, "sources", sources);
	ledger_add(s->ledger, line);
}

/* ---- the account ---------------------------------------------------------------------------------------------------------- */

static json_t *rows(struct shipper *s, bool all)
{
	const struct account *a = spool_account(s->spool);
	json_t *list = json_array();

	for (unsigned i = 0; i <= ACCOUNT_SOURCES; i++)
		for (int k = 0; k < TELEMETRY_KINDS; k++) {
			enum telemetry_kind kind = (enum telemetry_kind)k;
			bool same = memcmp(&a->rows[i][k], &s->told[i][k], sizeof(s->told[i][k])) == 0;
			json_t *row = all || !same ? account_row_json(a, i, kind) : NULL;

			if (row != NULL)
				json_array_append_new(list, row);
		}
	memcpy(s->told, a->rows, sizeof(s->told));
	return list;
}

/* Bodies on their way out count: their lines are written. */
static json_t *acknowledged(const struct shipper *s)
{
	json_t *by = json_object();

	for (unsigned i = 0; i < s->ways_n; i++) {
		json_t *one = json_object();

		for (int k = 0; k < TELEMETRY_KINDS; k++) {
			enum telemetry_kind kind = (enum telemetry_kind)k;
			uint64_t n = account_arrived(spool_account(s->spool), i, kind, spool_waiting(s->spool, i, kind));

			set(one, batch_kind_name(kind),
			    n + (s->ways[i].exporter != NULL ? exporter_clearing(s->ways[i].exporter, kind) : 0));
		}
		json_object_set_new(by, spool_dest_stats(s->spool, i).name, one);
	}
	return by;
}

void shipper_ledger_tell(struct shipper *s, bool is_start)
{
	json_t *line;

	if (s->ledger == NULL || !s->is_open)
		return;
	line = ledger_line(s->ledger, "account");
	if (is_start)
		json_object_set_new(line, "start", json_true());
	json_object_set_new(line, "acknowledged", acknowledged(s));
	json_object_set_new(line, "rows", rows(s, is_start || s->tells_all));
	json_object_set_new(line, "rules", tally_json(&s->tally));
	s->tells_all = false;
	ledger_sync(s->ledger);
	ledger_add(s->ledger, line);
}

void shipper_ledger_began(void *ctx)
{
	struct shipper *s = ctx;

	s->tells_all = true;
	shipper_ledger_tell(s, false);
}

static void on_due(struct timer *t)
{
	struct shipper *s = container_of(t, struct shipper, tell);

	timer_start(s->w, &s->tell, TELL_EVERY_MS, on_due);
	if (memcmp(s->told, spool_account(s->spool)->rows, sizeof(s->told)) != 0)
		shipper_ledger_tell(s, false);
}

void shipper_ledger_start(struct shipper *s)
{
	s->is_open = true;
	if (s->ledger == NULL)
		return;
	shipper_ledger_tell(s, true);
	timer_start(s->w, &s->tell, TELL_EVERY_MS, on_due);
}
