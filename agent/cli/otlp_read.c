/* otlp_read.c - see otlp_read.h. Field by field, as opentelemetry-proto 1.11 numbers them; what it does not know it passes by. */
#include "agent/cli/otlp_read.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/pbw.h"
#include "agent/base/stamp.h"

#define NS_PER_MS 1000000

struct otlp_walk {
	enum telemetry_kind kind;
	size_t most, all;
	json_t *list;
	json_t *resource, *scope; /* around the record in hand; borrowed */
	const char *name, *unit;  /* of the metric in hand */
};

typedef int field_fn(struct otlp_walk *r, const struct pbr_field *f, void *to);

/* Each field of a message. */
static int each(struct otlp_walk *r, const void *p, size_t len, field_fn *fn, void *to)
{
	struct pbr in = pbr_of(p, len);
	struct pbr_field f;
	int rc;

	while ((rc = pbr_next(&in, &f)) > 0)
		TRY(fn(r, &f, to));
	return rc;
}

static json_t *text(const struct pbr_field *f)
{
	CLEANUP(mem_close) char *s = mem_strn(f->p, f->len);

	return json_text(s);
}

static double double_of(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* AnyValue */
static int value_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	json_t **ret = to, *v = NULL;

	(void)r;
	if (f->number == 1 && f->type == PBR_BYTES)
		v = text(f);
	else if (f->number == 2 && f->type == PBR_VARINT)
		v = json_boolean(f->value != 0);
	else if (f->number == 3 && f->type == PBR_VARINT)
		v = json_integer((json_int_t)f->value);
	else if (f->number == 4 && f->type == PBR_FIXED64)
		v = json_real(double_of(f->value));
	if (v == NULL)
		return 0;
	json_decref(*ret);
	*ret = v;
	return 0;
}

struct attr_read {
	json_t *key, *value;
};

static int pair_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	struct attr_read *p = to;

	if (f->type != PBR_BYTES)
		return 0;
	if (f->number == 1 && p->key == NULL)
		p->key = text(f);
	return f->number == 2 ? each(r, f->p, f->len, value_field, &p->value) : 0;
}

static int add_attr(struct otlp_walk *r, const struct pbr_field *f, json_t *attrs)
{
	struct attr_read p = { 0 };
	int rc = f->type == PBR_BYTES ? each(r, f->p, f->len, pair_field, &p) : 0;

	if (rc == 0 && p.key != NULL)
		json_object_set(attrs, json_string_value(p.key), p.value != NULL ? p.value : json_null());
	json_decref(p.key);
	json_decref(p.value);
	return rc;
}

static int resource_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	return f->number == 1 ? add_attr(r, f, to) : 0;
}

static int scope_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	return f->number == 3 ? add_attr(r, f, to) : 0;
}

static void set_time(json_t *o, uint64_t ns)
{
	char when[STAMP_RFC3339_LEN];

	json_object_set_new(o, "time", json_string(stamp_rfc3339((int64_t)(ns / NS_PER_MS), when)));
}

/* ---- a record -------------------------------------------------------------------------------------------------------------- */

static int log_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	json_t *o = to, *body = NULL;

	if (f->number == 1 && f->type == PBR_FIXED64)
		set_time(o, f->value);
	else if (f->number == 11 && f->type == PBR_FIXED64 && json_object_get(o, "time") == NULL)
		set_time(o, f->value); /* when it was read: the line tells no time */
	else if (f->number == 2 && f->type == PBR_VARINT)
		json_object_set_new(o, "severity_number", json_integer((json_int_t)f->value));
	else if (f->number == 3 && f->type == PBR_BYTES)
		json_object_set_new(o, "severity", text(f));
	else if (f->number == 6)
		return add_attr(r, f, json_object_get(o, "attributes"));
	if (f->number != 5 || f->type != PBR_BYTES)
		return 0;
	TRY(each(r, f->p, f->len, value_field, &body));
	json_object_set_new(o, "body", body != NULL ? body : json_string(""));
	return 0;
}

static int point_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	json_t *o = to;

	if (f->number == 3 && f->type == PBR_FIXED64)
		set_time(o, f->value);
	else if (f->number == 4 && f->type == PBR_FIXED64)
		json_object_set_new(o, "value", json_real(double_of(f->value)));
	else if (f->number == 6 && f->type == PBR_FIXED64)
		json_object_set_new(o, "value", json_integer((json_int_t)f->value));
	return f->number == 7 ? add_attr(r, f, json_object_get(o, "attributes")) : 0;
}

static int add_record(struct otlp_walk *r, const struct pbr_field *f, field_fn *fn)
{
	CLEANUP(json_close) json_t *o = NULL;

	if (r->all++ >= r->most)
		return 0;
	o = json_pack("{s:s, s:{}}", "kind", r->kind == TELEMETRY_LOG ? "log" : "metric", "attributes");
	if (r->kind == TELEMETRY_METRIC) {
		json_object_set_new(o, "name", json_text(r->name));
		json_object_set_new(o, "unit", json_text(r->unit));
	}
	TRY(each(r, f->p, f->len, fn, o));
	json_object_set_new(o, "service", json_text(json_str_or(r->resource, "service.name", "")));
	json_object_set(o, "scope", r->scope);
	json_object_set(o, "resource", r->resource);
	return json_array_append(r->list, o);
}

/* ---- what stands around it --------------------------------------------------------------------------------------------------- */

static int points_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	(void)to;
	return f->number == 1 && f->type == PBR_BYTES ? add_record(r, f, point_field) : 0;
}

static int name_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	struct attr_read *p = to;

	(void)r;
	if (f->number == 1 && f->type == PBR_BYTES && p->key == NULL)
		p->key = text(f);
	if (f->number == 3 && f->type == PBR_BYTES && p->value == NULL)
		p->value = text(f);
	return 0;
}

static int metric_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	(void)to;
	return (f->number == 5 || f->number == 7) && f->type == PBR_BYTES ? each(r, f->p, f->len, points_field, NULL) : 0;
}

static int take_metric(struct otlp_walk *r, const struct pbr_field *f)
{
	struct attr_read p = { 0 };
	int rc = each(r, f->p, f->len, name_field, &p);

	r->name = p.key != NULL ? json_string_value(p.key) : "";
	r->unit = p.value != NULL ? json_string_value(p.value) : "";
	if (rc == 0)
		rc = each(r, f->p, f->len, metric_field, NULL);
	json_decref(p.key);
	json_decref(p.value);
	return rc;
}

static int scoped_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	(void)to;
	if (f->type != PBR_BYTES)
		return 0;
	if (f->number == 1)
		return each(r, f->p, f->len, scope_field, r->scope);
	if (f->number != 2)
		return 0;
	return r->kind == TELEMETRY_LOG ? add_record(r, f, log_field) : take_metric(r, f);
}

static int resourced_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	CLEANUP(json_close) json_t *scope = json_object();

	(void)to;
	if (f->type != PBR_BYTES)
		return 0;
	if (f->number == 1)
		return each(r, f->p, f->len, resource_field, r->resource);
	if (f->number != 2)
		return 0;
	r->scope = scope;
	return each(r, f->p, f->len, scoped_field, NULL);
}

static int request_field(struct otlp_walk *r, const struct pbr_field *f, void *to)
{
	CLEANUP(json_close) json_t *resource = json_object();

	(void)to;
	r->resource = resource;
	return f->number == 1 && f->type == PBR_BYTES ? each(r, f->p, f->len, resourced_field, NULL) : 0;
}

int otlp_read(enum telemetry_kind kind, const struct buf *request, size_t most, json_t **ret_list, size_t *ret_all, struct err *e)
{
	CLEANUP(json_close) json_t *list = json_array();
	struct otlp_walk r = { .kind = kind, .most = most, .list = list };

	if (each(&r, buf_str(request), request->len, request_field, NULL) != 0)
		return err_set(e, ERR_CORRUPT, "it is no OTLP request");
	*ret_list = json_incref(list);
	*ret_all = r.all;
	return 0;
}
