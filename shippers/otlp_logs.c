/* otlp_logs.c - log lines as ExportLogsServiceRequest. Each service has its own row of encoded records; finishing wraps each
 * row that has any in its ResourceLogs. Order within a service is the order of adding. */
#include "shippers/otlp.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pbw.h"
#include "agent/base/str.h"
#include "shippers/batch.h"

enum { REQUEST_RESOURCE_LOGS = 1 };
enum { RESOURCE_LOGS_RESOURCE = 1, RESOURCE_LOGS_SCOPE_LOGS = 2, RESOURCE_LOGS_SCHEMA_URL = 3 };
enum { SCOPE_LOGS_SCOPE = 1, SCOPE_LOGS_RECORDS = 2, SCOPE_LOGS_SCHEMA_URL = 3 };
enum { RECORD_TIME = 1, RECORD_BODY = 5, RECORD_ATTRIBUTES = 6, RECORD_OBSERVED = 11 };
enum { ANY_STRING = 1 };

struct row {
	char *service;
	struct buf records;
};

struct otlp_logs {
	const struct otlp_resource *resource;
	struct row *rows;
	size_t rows_n;
};

struct otlp_logs *otlp_logs_new(const struct otlp_resource *r)
{
	struct otlp_logs *o = mem_new(struct otlp_logs);

	o->resource = r;
	return o;
}

void otlp_logs_free(struct otlp_logs *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < o->rows_n; i++) {
		mem_free(o->rows[i].service);
		buf_close(&o->rows[i].records);
	}
	mem_free(o->rows);
	mem_free(o);
}

static struct buf *row_of(struct otlp_logs *o, const char *service)
{
	for (size_t i = 0; i < o->rows_n; i++)
		if (str_eq(o->rows[i].service, service))
			return &o->rows[i].records;
	o->rows = mem_grow(o->rows, o->rows_n + 1, sizeof(*o->rows));
	o->rows[o->rows_n] = (struct row){ .service = mem_str(service), .records = BUF_MAX(BATCH_BYTES_MAX) };
	return &o->rows[o->rows_n++].records;
}

void otlp_logs_add(struct otlp_logs *o, const struct telemetry_line *l)
{
	/* The name that OpenTelemetry's conventions have for a service without one. */
	struct buf *b = row_of(o, l->service != NULL ? l->service : "unknown_service");
	size_t record = pbw_begin(b, SCOPE_LOGS_RECORDS), body;

	if (l->time_ms > 0)
		pbw_fixed64(b, RECORD_TIME, (uint64_t)l->time_ms * OTLP_NS_PER_MS);
	body = pbw_begin(b, RECORD_BODY);
	pbw_bytes(b, ANY_STRING, l->body, l->len);
	pbw_end(b, body);
	for (size_t i = 0; i < l->attrs_n; i++)
		otlp_attr(b, RECORD_ATTRIBUTES, l->attrs[i].key, l->attrs[i].value);
	pbw_fixed64(b, RECORD_OBSERVED, (uint64_t)l->observed_ms * OTLP_NS_PER_MS);
	pbw_end(b, record);
}

size_t otlp_logs_size(const struct otlp_logs *o)
{
	size_t size = 0;

	for (size_t i = 0; i < o->rows_n; i++)
		size += o->rows[i].records.len;
	return size;
}

static void add_row(const struct otlp_logs *o, const struct row *row, struct buf *to)
{
	size_t logs = pbw_begin(to, REQUEST_RESOURCE_LOGS), scope;

	otlp_resource_add(o->resource, to, RESOURCE_LOGS_RESOURCE, row->service);
	scope = pbw_begin(to, RESOURCE_LOGS_SCOPE_LOGS);
	otlp_scope_add(to, SCOPE_LOGS_SCOPE);
	buf_add(to, row->records.data, row->records.len);
	pbw_str(to, SCOPE_LOGS_SCHEMA_URL, OTLP_SCHEMA_URL);
	pbw_end(to, scope);
	pbw_str(to, RESOURCE_LOGS_SCHEMA_URL, OTLP_SCHEMA_URL);
	pbw_end(to, logs);
}

int otlp_logs_finish(struct otlp_logs *o, struct buf *to)
{
	bool over = false;

	for (size_t i = 0; i < o->rows_n; i++) {
		struct row *row = &o->rows[i];

		/* Every row is emptied, also when one did not fit: the next batch begins with nothing. */
		over |= row->records.over;
		if (row->records.len > 0)
			add_row(o, row, to);
		buf_reset(&row->records);
	}
	return over || to->over ? -ERR_LIMIT : 0;
}
