/* otlp_metrics.c - points as ExportMetricsServiceRequest. Points of one metric come one after the other, so one Metric is
 * open at a time: its name and kind are written with its first point, and it closes when another name comes. */
#include "shippers/otlp.h"

#include "agent/base/mem.h"
#include "agent/base/pbw.h"
#include "agent/base/str.h"
#include "shippers/batch.h"

enum { REQUEST_RESOURCE_METRICS = 1 };
enum { RESOURCE_METRICS_RESOURCE = 1, RESOURCE_METRICS_SCOPE_METRICS = 2, RESOURCE_METRICS_SCHEMA_URL = 3 };
enum { SCOPE_METRICS_SCOPE = 1, SCOPE_METRICS_METRICS = 2, SCOPE_METRICS_SCHEMA_URL = 3 };
enum { METRIC_NAME = 1, METRIC_UNIT = 3, METRIC_GAUGE = 5, METRIC_SUM = 7 };
enum { DATA_POINTS = 1, SUM_TEMPORALITY = 2, SUM_IS_MONOTONIC = 3 };
enum { POINT_START = 2, POINT_TIME = 3, POINT_DOUBLE = 4, POINT_INT = 6, POINT_ATTRIBUTES = 7 };
enum { TEMPORALITY_CUMULATIVE = 2 };

struct otlp_metrics {
	const struct otlp_resource *resource;
	struct buf metrics; /* Metric messages; the last one is open while `name` is set */
	char *name;
	size_t metric, data; /* marks of the open one */
};

struct otlp_metrics *otlp_metrics_new(const struct otlp_resource *r)
{
	struct otlp_metrics *o = mem_new(struct otlp_metrics);

	o->resource = r;
	o->metrics = BUF_MAX(BATCH_BYTES_MAX);
	return o;
}

void otlp_metrics_free(struct otlp_metrics *o)
{
	if (o == NULL)
		return;
	buf_close(&o->metrics);
	mem_free(o->name);
	mem_free(o);
}

static void metric_close(struct otlp_metrics *o)
{
	if (o->name == NULL)
		return;
	pbw_end(&o->metrics, o->data);
	pbw_end(&o->metrics, o->metric);
	mem_free(o->name);
	o->name = NULL;
}

static void metric_open(struct otlp_metrics *o, const struct telemetry_point *p)
{
	struct buf *b = &o->metrics;

	metric_close(o);
	o->name = mem_str(p->name);
	o->metric = pbw_begin(b, SCOPE_METRICS_METRICS);
	pbw_str(b, METRIC_NAME, p->name);
	pbw_str(b, METRIC_UNIT, p->unit);
	o->data = pbw_begin(b, p->shape == TELEMETRY_GAUGE ? METRIC_GAUGE : METRIC_SUM);
	if (p->shape == TELEMETRY_GAUGE)
		return;
	pbw_varint(b, SUM_TEMPORALITY, TEMPORALITY_CUMULATIVE);
	/* Of the others it is false, which proto3 does not write. */
	if (p->shape == TELEMETRY_COUNTER)
		pbw_varint(b, SUM_IS_MONOTONIC, 1);
}

void otlp_metrics_add(struct otlp_metrics *o, const struct telemetry_point *p)
{
	struct buf *b = &o->metrics;
	size_t point;

	if (!str_eq(o->name, p->name))
		metric_open(o, p);
	point = pbw_begin(b, DATA_POINTS);
	if (p->start_ms > 0)
		pbw_fixed64(b, POINT_START, (uint64_t)p->start_ms * OTLP_NS_PER_MS);
	pbw_fixed64(b, POINT_TIME, (uint64_t)p->time_ms * OTLP_NS_PER_MS);
	if (p->is_double)
		pbw_double(b, POINT_DOUBLE, p->d);
	else
		pbw_fixed64(b, POINT_INT, (uint64_t)p->i); /* as_int is an sfixed64 */
	for (size_t i = 0; i < p->attrs_n; i++)
		otlp_attr(b, POINT_ATTRIBUTES, p->attrs[i].key, p->attrs[i].value);
	pbw_end(b, point);
}

size_t otlp_metrics_size(const struct otlp_metrics *o)
{
	return o->metrics.len;
}

int otlp_metrics_finish(struct otlp_metrics *o, struct pieces *to)
{
	struct buf b = BUF_MAX(BATCH_BYTES_MAX);
	size_t metrics, scope;
	bool over;

	metric_close(o);
	metrics = pbw_begin(&b, REQUEST_RESOURCE_METRICS);
	otlp_resource_add(o->resource, &b, RESOURCE_METRICS_RESOURCE, NULL);
	scope = pbw_begin(&b, RESOURCE_METRICS_SCOPE_METRICS);
	otlp_scope_add(&b, SCOPE_METRICS_SCOPE, NULL);
	buf_add(&b, o->metrics.data, o->metrics.len);
	pbw_str(&b, SCOPE_METRICS_SCHEMA_URL, OTLP_SCHEMA_URL);
	pbw_end(&b, scope);
	pbw_str(&b, RESOURCE_METRICS_SCHEMA_URL, OTLP_SCHEMA_URL);
	pbw_end(&b, metrics);
	over = o->metrics.over || b.over;
	buf_reset(&o->metrics);
	pieces_take(to, &b);
	return over ? -ERR_LIMIT : 0;
}
