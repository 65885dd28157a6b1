/* otlp.c - what logs and metrics have in common: attributes, the resource, the scope. */
#include "shippers/otlp.h"

#include "agent/base/mem.h"
#include "agent/base/pbw.h"
#include "agent/base/str.h"

enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2, ANY_STRING = 1, RESOURCE_ATTRIBUTES = 1, SCOPE_NAME = 1, SCOPE_VERSION = 2 };

struct otlp_resource {
	struct telemetry_attr *attrs;
	size_t n;
};

struct otlp_resource *otlp_resource_new(const struct telemetry_attr *attrs, size_t n)
{
	struct otlp_resource *r = mem_new(struct otlp_resource);

	r->attrs = mem_alloc(n * sizeof(*r->attrs));
	for (r->n = 0; r->n < n; r->n++)
		r->attrs[r->n] = (struct telemetry_attr){ mem_str(attrs[r->n].key), mem_str(attrs[r->n].value) };
	return r;
}

void otlp_resource_free(struct otlp_resource *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		mem_free((char *)r->attrs[i].key);
		mem_free((char *)r->attrs[i].value);
	}
	mem_free(r->attrs);
	mem_free(r);
}

void otlp_attr(struct buf *b, unsigned field, const char *key, const char *value)
{
	size_t pair = pbw_begin(b, field);
	size_t any;

	pbw_str(b, KEY_VALUE_KEY, key);
	any = pbw_begin(b, KEY_VALUE_VALUE);
	pbw_str(b, ANY_STRING, value);
	pbw_end(b, any);
	pbw_end(b, pair);
}

void otlp_resource_add(const struct otlp_resource *r, struct buf *b, unsigned field, const char *service)
{
	size_t resource = pbw_begin(b, field);

	if (service != NULL)
		otlp_attr(b, RESOURCE_ATTRIBUTES, "service.name", service);
	for (size_t i = 0; i < r->n; i++)
		if (service == NULL || !str_eq(r->attrs[i].key, "service.name"))
			otlp_attr(b, RESOURCE_ATTRIBUTES, r->attrs[i].key, r->attrs[i].value);
	pbw_end(b, resource);
}

void otlp_scope_add(struct buf *b, unsigned field, const struct buf *attrs)
{
	size_t scope = pbw_begin(b, field);

	pbw_str(b, SCOPE_NAME, "reeve");
	pbw_str(b, SCOPE_VERSION, REEVE_VERSION);
	if (attrs != NULL)
		buf_add(b, attrs->data, attrs->len);
	pbw_end(b, scope);
}
