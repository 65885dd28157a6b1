/* xml.h - a thin file over expat: an answer of a query service as a small tree.
 *
 * Refused: a DOCTYPE (and so every entity of one's own), more than XML_MAX_NODES elements, more than XML_MAX_DEPTH levels.
 * Attributes are dropped, and so is a namespace prefix: what a gateway calls <ns0:Error> is an Error. Text is kept of
 * leaves only. The tree belongs to whoever parsed it; strings in it live as long as it does. */
#pragma once
#include <stddef.h>

#include "agent/base/err.h"

#define XML_MAX_NODES 100000
#define XML_MAX_DEPTH 32

struct xml;
struct xml_node;

int xml_parse(const char *s, size_t len, struct xml **ret, struct err *e);
void xml_close(struct xml **x); /* also for CLEANUP; one that is NULL is fine */

const struct xml_node *xml_root(const struct xml *x);
const char *xml_name(const struct xml_node *n);
const char *xml_text(const struct xml_node *n); /* "" for NULL and for what has no text */
/* By path of names, "reservationSet/item"; the first that fits, or NULL. NULL in, NULL out. */
const struct xml_node *xml_find(const struct xml_node *n, const char *path);
/* xml_text(xml_find(...)) */
const char *xml_get(const struct xml_node *n, const char *path);
/* Children called `name`, one after the other: pass NULL first, then what came back. NULL name: all. */
const struct xml_node *xml_next(const struct xml_node *parent, const struct xml_node *after, const char *name);
