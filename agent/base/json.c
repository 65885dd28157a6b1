/* json.c - see json.h. */
#include "agent/base/json.h"

#include <assert.h>

#include "agent/base/enc.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

void json_close(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

int json_parse(const char *s, size_t len, const char *what, json_t **ret, struct err *e)
{
	json_error_t je;
	json_t *j;

	if (len > JSON_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "%s: %zu bytes of JSON, at most %u are read", what, len, JSON_MAX_BYTES);
	/* Of two members with one name two readers could believe different ones, so duplicates are refused. Without
	 * JSON_DECODE_ANY jansson takes only an object or an array as the whole. */
	j = json_loadb(s, len, JSON_REJECT_DUPLICATES, &je);
	if (j == NULL)
		return err_set(e, ERR_INVALID, "%s: not JSON at line %d column %d: %s", what, je.line, je.column, je.text);
	*ret = j;
	return 0;
}

static int add_to_buf(const char *s, size_t len, void *b)
{
	return buf_add(b, s, len);
}

int json_write(const json_t *j, struct buf *b)
{
	return json_dump_callback(j, add_to_buf, b, JSON_COMPACT | JSON_ENCODE_ANY) == 0 ? 0 : -ERR_LIMIT;
}

size_t json_size(const json_t *j)
{
	return json_dumpb(j, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static int member(const json_t *obj, const char *key, json_type type, const char *type_name, json_t **ret, struct err *e)
{
	json_t *m = json_object_get(obj, key);

	if (m == NULL)
		return err_set(e, ERR_INVALID, "member \"%s\" is missing", key);
	if (json_typeof(m) != type)
		return err_set(e, ERR_INVALID, "member \"%s\" is not %s", key, type_name);
	*ret = m;
	return 0;
}

int json_get_str(const json_t *obj, const char *key, const char **ret, struct err *e)
{
	json_t *m = NULL;

	TRY(member(obj, key, JSON_STRING, "a string", &m, e));
	*ret = json_string_value(m);
	return 0;
}

int json_get_u64(const json_t *obj, const char *key, uint64_t *ret, struct err *e)
{
	json_t *m = NULL;

	TRY(member(obj, key, JSON_INTEGER, "a number", &m, e));
	if (json_integer_value(m) < 0)
		return err_set(e, ERR_INVALID, "member \"%s\" is negative", key);
	*ret = (uint64_t)json_integer_value(m);
	return 0;
}

const char *json_str_or(const json_t *obj, const char *key, const char *other)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s != NULL ? s : other;
}

bool json_has_text(const json_t *list, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (json_is_string(one) && str_eq(json_string_value(one), text))
			return true;
	return false;
}

int64_t json_int_or(const json_t *obj, const char *key, int64_t other)
{
	const json_t *m = json_object_get(obj, key);

	return json_is_integer(m) ? json_integer_value(m) : other;
}

json_t *json_text(const char *s)
{
	CLEANUP(mem_close) char *mended = mem_str(s != NULL ? s : "");
	json_t *j;

	str_mend(mended);
	j = json_string(mended);
	assert(j != NULL);
	return j;
}

void json_set_base64(json_t *obj, const char *key, const void *p, size_t len)
{
	CLEANUP(mem_close) char *text = mem_alloc(ENC_BASE64_LEN(len));

	json_object_set_new(obj, key, json_string(enc_base64(p, len, text)));
}

int json_get_base64(const json_t *obj, const char *key, struct buf *b, struct err *e)
{
	const char *text;

	TRY(json_get_str(obj, key, &text, e));
	if (enc_unbase64_buf(text, b) != 0)
		return err_set(e, ERR_INVALID, "member \"%s\" is not base64 or too long", key);
	return 0;
}
