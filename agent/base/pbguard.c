/* pbguard.c - see pbguard.h. */
#include "agent/base/pbguard.h"

#include <string.h>

#include "agent/base/pbw.h"
#include "agent/base/str.h"

#define DEPTH_MAX 8

struct guard {
	const char *what;
	size_t left, max; /* fields that may still come; of how many */
	struct err *e;
};

static enum pbr_type wire_type(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return PBR_FIXED32;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return PBR_FIXED64;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return PBR_BYTES;
	default:
		return PBR_VARINT;
	}
}

static int take(struct guard *g, size_t n)
{
	if (n > g->left)
		return err_set(g->e, ERR_LIMIT, "%s has more than %zu fields", g->what, g->max);
	g->left -= n;
	return 0;
}

/* Numbers that travel packed are counted by their bytes: there can be no more of them. */
static int check_type(struct guard *g, const ProtobufCFieldDescriptor *d, const struct pbr_field *f)
{
	enum pbr_type want = wire_type(d);

	if (f->type == want)
		return 0;
	if (d->label == PROTOBUF_C_LABEL_REPEATED && want != PBR_BYTES && f->type == PBR_BYTES)
		return take(g, f->len);
	return err_set(g->e, ERR_INVALID, "%s: field %s is of another type", g->what, d->name);
}

/* NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX */
static int walk(struct guard *g, const ProtobufCMessageDescriptor *d, const void *p, size_t len, unsigned depth)
{
	struct pbr r = pbr_of(p, len);
	struct pbr_field f;
	int rc;

	if (depth > DEPTH_MAX)
		return err_set(g->e, ERR_INVALID, "%s nests deeper than %d", g->what, DEPTH_MAX);
	while ((rc = pbr_next(&r, &f)) > 0) {
		const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(d, f.number);

		/* protobuf-c keeps unknown fields too, so they count like the others. */
		TRY(take(g, 1));
		if (known == NULL)
			continue;
		TRY(check_type(g, known, &f));
		if (known->type == PROTOBUF_C_TYPE_MESSAGE)
			TRY(walk(g, known->descriptor, f.p, f.len, depth + 1));
	}
	return rc == 0 ? 0 : err_set(g->e, ERR_INVALID, "%s is cut off or is no protobuf", g->what);
}

/* ---- texts ---- */

static int text_wrong(const char *what, const char *name, const char *s, size_t len, struct err *e)
{
	if (memchr(s, '\0', len) != NULL)
		return err_set(e, ERR_INVALID, "%s: %s holds a NUL", what, name);
	if (str_turns_direction(s, len))
		return err_set(e, ERR_INVALID, "%s: %s holds a character that turns the direction of text", what, name);
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): no message of ours can hold itself */
int pbguard_texts(const ProtobufCMessageDescriptor *d, const void *p, size_t len, const char *what, struct err *e)
{
	struct pbr r = pbr_of(p, len);
	struct pbr_field f;

	while (pbr_next(&r, &f) > 0) {
		const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(d, f.number);

		if (known == NULL || f.type != PBR_BYTES)
			continue;
		if (known->type == PROTOBUF_C_TYPE_STRING)
			TRY(text_wrong(what, known->name, f.p, f.len, e));
		else if (known->type == PROTOBUF_C_TYPE_MESSAGE)
			TRY(pbguard_texts(known->descriptor, f.p, f.len, what, e));
	}
	return 0;
}

/* ---- the whole ---- */

int pbguard_check(const ProtobufCMessageDescriptor *d, const void *p, size_t len, size_t fields_max, const char *what,
		  struct err *e)
{
	struct guard g = { what, fields_max, fields_max, e };

	return walk(&g, d, p, len, 1);
}
