/* origins.c - see origins.h. */
#include "shippers/origins.h"

#include <assert.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

static void forget(struct origins_one *one)
{
	for (size_t i = 0; i < one->attrs_n; i++)
		mem_free((char *)one->attrs[i].value);
	*one = (struct origins_one){ 0 };
}

static enum rules_verdict mask(struct origins_one *one, struct rules *r, const struct telemetry_attr *attr)
{
	struct buf room = BUF_MAX(RULES_TEXT_MAX);
	const char *text = attr->value;
	size_t len = strlen(text);
	enum rules_verdict v;

	if (!str_is_utf8(text, len)) { /* one bad byte would cost the whole body */
		text = "\xef\xbf\xbd";
		len = 3;
	}
	v = rules_mask(r, &text, &len, &room);
	if (v == RULES_PASS)
		one->attrs[one->attrs_n++] = (struct telemetry_attr){ attr->key, mem_str(text) };
	buf_close(&room);
	return v;
}

static void look(struct origins_one *one, struct rules *r, const struct telemetry_origin *of)
{
	assert(of->attrs_n <= ORIGINS_ATTRS_MAX);
	forget(one);
	one->id = of->id;
	one->verdict = rules_path(r, of->path) ? RULES_PASS : RULES_DENIED;
	rules_begin(r);
	for (size_t i = 0; i < of->attrs_n && one->verdict == RULES_PASS; i++)
		one->verdict = mask(one, r, &of->attrs[i]);
}

struct origins_one *origins_of(struct origins *o, struct rules *r, const struct telemetry_origin *of)
{
	struct origins_one *one = &o->v[of->id % ORIGINS_PLACES];

	if (one->id != of->id || of->id == 0)
		look(one, r, of);
	return one;
}

void origins_forget(struct origins *o)
{
	for (size_t i = 0; i < ORIGINS_PLACES; i++)
		forget(&o->v[i]);
}
