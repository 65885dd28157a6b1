/* otlp.h - records as OTLP export requests (opentelemetry-proto 1.11, semantic conventions 1.44), written as they come.
 *
 * Both encoders keep one open request: add records, ask its size, finish it into a buf. A finished encoder is empty and
 * may be filled again. Texts that are not UTF-8 do not leave: proto3 strings must be, and a strict receiver refuses the
 * whole body for one. */
#pragma once
#include <stddef.h>

#include "agent/base/buf.h"
#include "agent/base/telemetry.h"
#include "shippers/pieces.h"

#define OTLP_SCHEMA_URL "https://opentelemetry.io/schemas/1.44.0"

/* What is the same for all: the attributes of the resource, and the scope's name and version. The texts are copied. */
struct otlp_resource;
struct otlp_resource *otlp_resource_new(const struct telemetry_attr *attrs, size_t n);
void otlp_resource_free(struct otlp_resource *r);

struct otlp_logs;
struct otlp_logs *otlp_logs_new(const struct otlp_resource *r, struct spare *s); /* where buffers for records come from */
void otlp_logs_free(struct otlp_logs *o);
/* Where lines of one origin go: a ScopeLogs whose scope has these attributes, in the ResourceLogs of this service (NULL: none is
 * known). It is the same for the same texts, and stays until the request is finished. */
struct otlp_row;
struct otlp_row *otlp_logs_row(struct otlp_logs *o, const char *service, const struct telemetry_attr *attrs, size_t n);
/* observed_ms: of the whole request, so that it costs nothing on the wire. */
void otlp_logs_add(struct otlp_logs *o, struct otlp_row *row, const struct telemetry_line *l, int64_t observed_ms);
size_t otlp_logs_size(const struct otlp_logs *o);
int otlp_logs_finish(struct otlp_logs *o, struct pieces *to); /* -ERR_LIMIT */

struct otlp_metrics;
struct otlp_metrics *otlp_metrics_new(const struct otlp_resource *r);
void otlp_metrics_free(struct otlp_metrics *o);
void otlp_metrics_add(struct otlp_metrics *o, const struct telemetry_point *p);
size_t otlp_metrics_size(const struct otlp_metrics *o);
int otlp_metrics_finish(struct otlp_metrics *o, struct pieces *to);

/* ---- between the files of this encoder ---- */
#define OTLP_NS_PER_MS UINT64_C(1000000)
void otlp_attr(struct buf *b, unsigned field, const char *key, const char *value);
/* The Resource message; `service` stands in the place of service.name, NULL leaves it. */
void otlp_resource_add(const struct otlp_resource *r, struct buf *b, unsigned field, const char *service);
void otlp_scope_add(struct buf *b, unsigned field, const struct buf *attrs); /* attrs: encoded as the scope's, or NULL */
enum { OTLP_SCOPE_ATTRIBUTES = 3 };
