/* exporter_ledger.c - what was sent, as a line of the ledger: of each body or part, once its receiver has answered. */
#include "shippers/exporter_impl.h"

#include "agent/base/digest.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"

static void set(json_t *line, const char *member, uint64_t v)
{
	json_object_set_new(line, member, json_integer((json_int_t)v));
}

/* Of a part it is known where all of the body is one source's. */
static void set_sources(json_t *line, const struct lane *l, uint32_t records)
{
	const struct account *a = spool_account(l->x->s);
	const struct account_shares *of = l->entry->shares;
	json_t *sources = json_object();

	if (of == NULL)
		set(sources, a->sources[l->entry->source], records);
	for (unsigned i = 0; of != NULL && records == l->entry->records && i < of->n; i++)
		set(sources, a->sources[of->v[i].source],
		    of->v[i].records + (uint64_t)json_int_or(sources, a->sources[of->v[i].source], 0));
	json_object_set_new(line, "sources", sources);
}

const struct digest *exporter_hash(struct lane *l)
{
	if (!l->is_hashed)
		l->digest = digest_of(l->body.data, l->body.len);
	l->is_hashed = true;
	return &l->digest;
}

static void set_body(json_t *line, struct lane *l)
{
	char hex[DIGEST_HEX_LEN];

	if (l->body.len == 0) /* it could not be read */
		return;
	set(line, "raw", pack_raw_size(l->format, &l->body));
	set(line, "wire", l->body.len);
	json_object_set_new(line, "sha256", json_string(digest_hex(exporter_hash(l), hex)));
}

void exporter_say(struct lane *l, const char *outcome, uint32_t records, uint64_t rejected)
{
	struct ledger *to = l->x->ledger;
	json_t *line;

	if (to == NULL)
		return;
	line = ledger_line(to, "batch");
	json_object_set_new(line, "outcome", json_string(outcome));
	json_object_set_new(line, "to", json_string(l->x->name));
	json_object_set_new(line, "kind", json_string(batch_kind_name(l->kind)));
	json_object_set_new(line, "id", json_string(l->parts.is_on ? l->id : l->entry->id));
	if (l->parts.is_on)
		json_object_set_new(line, "of", json_string(l->entry->id));
	set(line, "records", records);
	if (rejected > 0)
		set(line, "rejected", rejected);
	set_body(line, l);
	if (l->http.status > 0 && l->asked > 0)
		set(line, "status", (uint64_t)l->http.status);
	set(line, "tries", l->asked);
	set_sources(line, l, records);
	ledger_add(to, line);
}

uint64_t exporter_clearing(const struct exporter *x, enum telemetry_kind kind)
{
	return exporter_cleared_records(&x->lanes[kind], (uint8_t)(1u << x->dest));
}
