/* xml.c - the tree is built by expat's callbacks in one arena; one limit hit stops the parser at once. */
#include "agent/base/str.h"
#include "agent/base/xml.h"

#include <ctype.h>
#include <expat.h>
#include <stdbool.h>
#include <string.h>

#include "agent/base/arena.h"
#include "agent/base/buf.h"
#include "agent/base/mem.h"

#define XML_MAX_BYTES (64u << 20)
#define XML_MAX_TEXT (64u << 10)

struct xml_node {
	const char *name, *text;
	struct xml_node *parent, *first, *last, *next;
};

struct xml {
	struct arena *arena;
	struct xml_node *root, *at;
	struct buf text; /* of the element that is open */
	XML_Parser parser;
	unsigned nodes, depth;
	const char *refused; /* why we stopped the parser, or NULL */
};

static void refuse(struct xml *x, const char *why)
{
	/* The first reason is the true one: expat may make some more calls after it was stopped (expat.h, XML_StopParser). */
	if (x->refused == NULL)
		x->refused = why;
	XML_StopParser(x->parser, XML_FALSE);
}

/* What stands behind the last colon, if that could be a name by itself. */
static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon != NULL && (isalpha((unsigned char)colon[1]) || colon[1] == '_') ? colon + 1 : name;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attrs)
{
	struct xml *x = ctx;
	struct xml_node *n;

	(void)attrs;
	if (++x->nodes > XML_MAX_NODES || ++x->depth > XML_MAX_DEPTH) {
		refuse(x, x->depth > XML_MAX_DEPTH ? "nested too deep" : "too many elements");
		return;
	}
	n = arena_new(x->arena, struct xml_node);
	n->name = arena_str(x->arena, local_name(name));
	n->text = "";
	n->parent = x->at;
	if (x->at == NULL)
		x->root = n;
	else if (x->at->last == NULL)
		x->at->first = x->at->last = n;
	else
		x->at->last = x->at->last->next = n;
	x->at = n;
	/* Text in front of a child belongs to an element that is no leaf, and is dropped. */
	buf_reset(&x->text);
}

static void on_text(void *ctx, const XML_Char *s, int len)
{
	struct xml *x = ctx;

	if (buf_add(&x->text, s, (size_t)len) != 0)
		refuse(x, "a text is too long");
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct xml *x = ctx;

	(void)name;
	if (x->at->first == NULL)
		x->at->text = arena_strn(x->arena, buf_str(&x->text), x->text.len);
	buf_reset(&x->text);
	x->at = x->at->parent;
	x->depth--;
}

static void on_doctype(void *ctx, const XML_Char *a, const XML_Char *b, const XML_Char *c, int d)
{
	(void)a, (void)b, (void)c, (void)d;
	refuse(ctx, "it has a DOCTYPE");
}

int xml_parse(const char *s, size_t len, struct xml **ret, struct err *e)
{
	CLEANUP(xml_close) struct xml *x = mem_new(struct xml);
	enum XML_Status st;

	if (len > XML_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "%zu bytes of XML are too many", len);
	/* Names and texts are parts of the input; of ISO-8859-1 they come out twice as long in UTF-8, the most of any encoding.
	 * Each node adds itself and some rounding. */
	x->arena = arena_new_sized(2 * len + XML_MAX_NODES * (sizeof(struct xml_node) + 64));
	x->text = BUF_MAX(XML_MAX_TEXT);
	x->parser = XML_ParserCreate(NULL);
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	st = XML_Parse(x->parser, s, (int)len, 1);
	/* A parser that we stopped fails, too, with a reason of its own that tells nothing. */
	if (x->refused != NULL)
		return err_set(e, ERR_LIMIT, "XML refused at line %lu: %s", XML_GetCurrentLineNumber(x->parser), x->refused);
	if (st != XML_STATUS_OK)
		return err_set(e, ERR_INVALID, "not XML at line %lu: %s", XML_GetCurrentLineNumber(x->parser),
			       XML_ErrorString(XML_GetErrorCode(x->parser)));
	*ret = x;
	x = NULL;
	return 0;
}

void xml_close(struct xml **xp)
{
	struct xml *x = *xp;

	if (x == NULL)
		return;
	XML_ParserFree(x->parser);
	buf_close(&x->text);
	arena_free(x->arena);
	mem_free(x);
	*xp = NULL;
}

const struct xml_node *xml_root(const struct xml *x)
{
	return x->root;
}

const char *xml_name(const struct xml_node *n)
{
	return n->name;
}

const char *xml_text(const struct xml_node *n)
{
	return n != NULL ? n->text : "";
}

static bool is_called(const struct xml_node *n, const char *name, size_t len)
{
	return strncmp(n->name, name, len) == 0 && n->name[len] == '\0';
}

const struct xml_node *xml_find(const struct xml_node *n, const char *path)
{
	while (n != NULL && *path != '\0') {
		size_t len = strcspn(path, "/");
		const struct xml_node *c = n->first;

		while (c != NULL && !is_called(c, path, len))
			c = c->next;
		/* Of several with one name the first is entered and no other: a path is followed, not searched. */
		n = c;
		path += len + (path[len] == '/');
	}
	return n;
}

const char *xml_get(const struct xml_node *n, const char *path)
{
	return xml_text(xml_find(n, path));
}

const struct xml_node *xml_next(const struct xml_node *parent, const struct xml_node *after, const char *name)
{
	const struct xml_node *c = after != NULL ? after->next : parent != NULL ? parent->first : NULL;

	while (c != NULL && name != NULL && !str_eq(c->name, name))
		c = c->next;
	return c;
}
