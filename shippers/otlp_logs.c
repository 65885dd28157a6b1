/* otlp_logs.c - log lines as ExportLogsServiceRequest. Lines of one origin have a row of encoded records; finishing wraps each row
 * that has any in its ScopeLogs, and the rows of a service in their ResourceLogs. Order within a row is the order of adding.
 *
 * A row that had records in a request is kept for the next one: a file that is read goes on in it. */
#include "shippers/otlp.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pbw.h"
#include "agent/base/str.h"
#include "shippers/batch.h"

enum { REQUEST_RESOURCE_LOGS = 1 };
enum { RESOURCE_LOGS_RESOURCE = 1, RESOURCE_LOGS_SCOPE_LOGS = 2, RESOURCE_LOGS_SCHEMA_URL = 3 };
enum { SCOPE_LOGS_SCOPE = 1, SCOPE_LOGS_RECORDS = 2, SCOPE_LOGS_SCHEMA_URL = 3 };
enum {
	RECORD_TIME = 1,
	RECORD_SEVERITY = 2,
	RECORD_SEVERITY_TEXT = 3,
	RECORD_BODY = 5,
	RECORD_ATTRIBUTES = 6,
	RECORD_OBSERVED = 11
};
enum { ANY_STRING = 1 };

struct otlp_row {
	char *service;
	struct buf attrs; /* of the scope, encoded */
	struct buf records;
	size_t had;   /* bytes of records in the last request */
	bool is_over; /* one did not fit */
	bool is_told; /* while finishing: its service's ResourceLogs have it */
};

struct otlp_logs {
	const struct otlp_resource *resource;
	struct spare *spare;
	struct otlp_row **rows; /* each from mem_new: a row does not move */
	size_t rows_n, size;
	struct buf attrs; /* of the row or the record in hand, encoded; of a record its severity, too */
};

struct otlp_logs *otlp_logs_new(const struct otlp_resource *r, struct spare *s)
{
	struct otlp_logs *o = mem_new(struct otlp_logs);

	o->resource = r;
	o->spare = s;
	o->attrs = BUF_MAX(BATCH_BYTES_MAX);
	return o;
}

static void row_free(struct otlp_row *row)
{
	mem_free(row->service);
	buf_close(&row->attrs);
	buf_close(&row->records);
	mem_free(row);
}

void otlp_logs_free(struct otlp_logs *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < o->rows_n; i++)
		row_free(o->rows[i]);
	mem_free(o->rows);
	buf_close(&o->attrs);
	mem_free(o);
}

/* ---- adding --------------------------------------------------------------------------------------------------------------- */

static void encode_attrs(struct otlp_logs *o, unsigned field, const struct telemetry_attr *attrs, size_t n)
{
	buf_reset(&o->attrs);
	for (size_t i = 0; i < n; i++)
		otlp_attr(&o->attrs, field, attrs[i].key, attrs[i].value);
}

static bool is_it(const struct otlp_row *row, const char *service, const struct buf *attrs)
{
	return str_eq(row->service, service) && row->attrs.len == attrs->len &&
	       (attrs->len == 0 || memcmp(row->attrs.data, attrs->data, attrs->len) == 0);
}

struct otlp_row *otlp_logs_row(struct otlp_logs *o, const char *service, const struct telemetry_attr *attrs, size_t n)
{
	struct otlp_row *row;

	/* The name that OpenTelemetry's conventions have for a service without one. */
	service = service != NULL ? service : "unknown_service";
	encode_attrs(o, OTLP_SCOPE_ATTRIBUTES, attrs, n);
	for (size_t i = 0; i < o->rows_n; i++)
		if (is_it(o->rows[i], service, &o->attrs))
			return o->rows[i];
	row = mem_new(struct otlp_row);
	*row = (struct otlp_row){ mem_str(service), BUF_MAX(BATCH_BYTES_MAX), BUF_MAX(BATCH_BYTES_MAX), 0, false, false };
	buf_add(&row->attrs, buf_str(&o->attrs), o->attrs.len);
	o->rows = mem_grow(o->rows, o->rows_n + 1, sizeof(struct otlp_row *));
	o->rows[o->rows_n++] = row;
	return row;
}

/* What stands around a body: at most so many bytes for tags, lengths and times. */
#define FRAME_MAX 64
/* And around a row: the scope and the schema's address. */
#define SCOPE_FRAME 96

/* Written in one piece, because every line passes here: its lengths are known before. */
void otlp_logs_add(struct otlp_logs *o, struct otlp_row *row, const struct telemetry_line *l, int64_t observed_ms)
{
	size_t any = pbw_bytes_len(l->len), body = pbw_bytes_len(any), had = row->records.len, record;
	char *at, *start;

	encode_attrs(o, RECORD_ATTRIBUTES, l->attrs, l->attrs_n);
	if (l->severity != 0)
		pbw_varint(&o->attrs, RECORD_SEVERITY, l->severity);
	if (l->severity_text != NULL && *l->severity_text != '\0')
		pbw_str(&o->attrs, RECORD_SEVERITY_TEXT, l->severity_text);
	record = (l->time_ms > 0 ? PBW_FIXED64_LEN : 0) + body + o->attrs.len + PBW_FIXED64_LEN;
	if (row->records.data == NULL && row->had > 0)
		spare_take(o->spare, &row->records, row->had + row->had / 16); /* and not one that doubles a dozen times */
	at = start = buf_room(&row->records, FRAME_MAX + l->len + o->attrs.len);
	if (at == NULL) {
		row->is_over = true;
		return;
	}
	at = pbw_put_head(at, SCOPE_LOGS_RECORDS, record);
	if (l->time_ms > 0)
		at = pbw_put_fixed64(at, RECORD_TIME, (uint64_t)l->time_ms * OTLP_NS_PER_MS + l->time_ns);
	at = pbw_put_head(at, RECORD_BODY, any);
	at = pbw_put_head(at, ANY_STRING, l->len);
	memcpy(at, l->body, l->len);
	at += l->len;
	if (o->attrs.len > 0)
		memcpy(at, o->attrs.data, o->attrs.len);
	at = pbw_put_fixed64(at + o->attrs.len, RECORD_OBSERVED, (uint64_t)observed_ms * OTLP_NS_PER_MS);
	buf_grew(&row->records, (size_t)(at - start));
	o->size += row->records.len - had + (had == 0 ? row->attrs.len + SCOPE_FRAME : 0);
}

size_t otlp_logs_size(const struct otlp_logs *o)
{
	return o->size;
}

/* ---- finishing ------------------------------------------------------------------------------------------------------------- */

/* Of a row: all of its ScopeLogs but the records, which stand between both. */
struct frame {
	struct buf scope;
	size_t len; /* of the whole content */
};

static size_t schema_len(void)
{
	return pbw_bytes_len(strlen(OTLP_SCHEMA_URL));
}

static struct frame frame_of(const struct otlp_row *row)
{
	struct frame f = { .scope = BUF_MAX(BATCH_BYTES_MAX) };

	otlp_scope_add(&f.scope, SCOPE_LOGS_SCOPE, &row->attrs);
	f.len = f.scope.len + row->records.len + schema_len();
	return f;
}

static bool is_of(const struct otlp_row *row, const char *service)
{
	return row->records.len > 0 && str_eq(row->service, service);
}

/* The head of a message whose length is known before its content is there. */
static void add_head(struct buf *to, unsigned field, size_t len)
{
	char bytes[24];

	buf_add(to, bytes, (size_t)(pbw_put_head(bytes, field, len) - bytes));
}

/* Its records are taken over as they are. The row's next buffer begins as large as this one became. */
static void add_row(struct otlp_row *row, const struct frame *f, struct buf *head, struct pieces *to)
{
	add_head(head, RESOURCE_LOGS_SCOPE_LOGS, f->len);
	buf_add(head, f->scope.data, f->scope.len);
	pieces_take(to, head);
	row->had = row->records.len;
	pieces_take(to, &row->records);
	pbw_str(head, SCOPE_LOGS_SCHEMA_URL, OTLP_SCHEMA_URL);
	row->is_told = true;
}

/* All rows of that one's service. */
static bool add_service(const struct otlp_logs *o, const struct otlp_row *first, struct pieces *to)
{
	struct frame *frames = mem_alloc(o->rows_n * sizeof(*frames));
	struct buf head = BUF_MAX(BATCH_BYTES_MAX), resource = BUF_MAX(BATCH_BYTES_MAX);
	const char *service = first->service;
	size_t len = schema_len();
	bool over;

	otlp_resource_add(o->resource, &resource, RESOURCE_LOGS_RESOURCE, service);
	len += resource.len;
	for (size_t i = 0; i < o->rows_n; i++)
		if (is_of(o->rows[i], service)) {
			frames[i] = frame_of(o->rows[i]);
			len += pbw_bytes_len(frames[i].len);
		}
	add_head(&head, REQUEST_RESOURCE_LOGS, len);
	buf_add(&head, resource.data, resource.len);
	for (size_t i = 0; i < o->rows_n; i++)
		if (is_of(o->rows[i], service))
			add_row(o->rows[i], &frames[i], &head, to);
	pbw_str(&head, RESOURCE_LOGS_SCHEMA_URL, OTLP_SCHEMA_URL);
	over = head.over || resource.over;
	pieces_take(to, &head);
	for (size_t i = 0; i < o->rows_n; i++)
		buf_close(&frames[i].scope);
	buf_close(&resource);
	mem_free(frames);
	return over;
}

/* Every row is emptied, also when one did not fit: the next request begins with nothing. One that had no records is freed. */
static bool empty_rows(struct otlp_logs *o)
{
	size_t kept = 0;
	bool over = false;

	for (size_t i = 0; i < o->rows_n; i++) {
		struct otlp_row *row = o->rows[i];

		over |= row->is_over;
		if (!row->is_told) {
			row_free(row);
			continue;
		}
		row->is_told = row->is_over = false;
		buf_reset(&row->records);
		o->rows[kept++] = row;
	}
	o->rows_n = kept;
	o->size = 0;
	return over;
}

int otlp_logs_finish(struct otlp_logs *o, struct pieces *to)
{
	bool over = false;

	for (size_t i = 0; i < o->rows_n; i++)
		if (o->rows[i]->records.len > 0 && !o->rows[i]->is_told)
			over |= add_service(o, o->rows[i], to);
	over |= empty_rows(o);
	return over || to->len > BATCH_BYTES_MAX ? -ERR_LIMIT : 0;
}
