/* json.h - a thin file over jansson: strict parsing under a limit, and members read with errors that name them.
 * Objects are json_t; whoever holds a reference drops it with json_decref, or declares it CLEANUP(json_close). */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"

#define JSON_MAX_BYTES (4u << 20)

void json_close(json_t **j);
/* One value and nothing behind it; no duplicate keys; at most JSON_MAX_BYTES. `what` names the text in errors. */
int json_parse(const char *s, size_t len, const char *what, json_t **ret, struct err *e);
/* Compact, members in the order in which they were set. */
int json_write(const json_t *j, struct buf *b);
size_t json_size(const json_t *j); /* bytes that json_write adds */
/* Members of an object; a missing one and one of another type are errors that name it. */
int json_get_str(const json_t *obj, const char *key, const char **ret, struct err *e);
int json_get_u64(const json_t *obj, const char *key, uint64_t *ret, struct err *e);
/* With a default in place of the error. */
const char *json_str_or(const json_t *obj, const char *key, const char *other);
int64_t json_int_or(const json_t *obj, const char *key, int64_t other);
bool json_has_text(const json_t *list, const char *text); /* a member of the list is this; of no list, or of NULL, none is */
/* A string of text from outside, never NULL: bytes that are no UTF-8 become '?', and no text (NULL) is the empty one. jansson's own
 * json_string and the s of json_pack refuse such bytes, and then the member is missing without an error. */
json_t *json_text(const char *s);
/* Sets a member from bytes, as base64. */
void json_set_base64(json_t *obj, const char *key, const void *p, size_t len);
int json_get_base64(const json_t *obj, const char *key, struct buf *b, struct err *e);
