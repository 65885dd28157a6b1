/* commit.c - see commit.h. Parsing refuses what it does not know entirely: a half-understood record is a damaged one. */
#include "shippers/commit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/gzip.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

_Static_assert((BATCH_RANGES_ANY + 1) * BATCH_RANGE_MOST <= COMMIT_LINE_MAX, "the longest record, its head as large as a range");
_Static_assert(COMMIT_LINE_MAX <= JSON_MAX_BYTES, "what is written can be read");

#define SUM_LEN (sizeof(",\"sum\":\"01234567\"}") - 1)

static void set_hex(json_t *o, const char *key, uint64_t v)
{
	char text[17];

	snprintf(text, sizeof(text), "%" PRIx64, v);
	json_object_set_new(o, key, json_string(text));
}

static json_t *range_json(const struct telemetry_source *s)
{
	json_t *o = json_object(), *path = json_string(s->path);

	set_hex(o, "dev", s->dev);
	set_hex(o, "ino", s->ino);
	json_object_set_new(o, "generation", json_integer((json_int_t)s->generation));
	json_object_set_new(o, "from", json_integer((json_int_t)s->from));
	json_object_set_new(o, "to", json_integer((json_int_t)s->to));
	set_hex(o, "fp", s->fp);
	json_object_set_new(o, "fp_len", json_integer(s->fp_len));
	if (s->before_len > 0) {
		set_hex(o, "before", s->before);
		json_object_set_new(o, "before_len", json_integer(s->before_len));
	}
	if (s->size > s->to)
		json_object_set_new(o, "size", json_integer((json_int_t)s->size));
	json_object_set_new(o, "path", path != NULL ? path : json_string("")); /* not UTF-8: the inode must do */
	if (s->cursor != NULL)
		json_object_set_new(o, "cursor", json_string(s->cursor));
	return o;
}

static const char *kind_name(enum telemetry_kind kind)
{
	return kind == COMMIT_POSITIONS ? "positions" : batch_kind_name(kind);
}

/* Whose the records are: [["/var/log/x*", 40]] */
static json_t *of_json(const struct commit *c)
{
	json_t *of = json_array();

	for (size_t i = 0; i < c->parts_n; i++)
		json_array_append_new(of, json_pack("[s, I]", c->parts[i].source, (json_int_t)c->parts[i].n[ACCOUNT_TAKEN]));
	return of;
}

static void set_account(json_t *o, const struct commit *c)
{
	json_t *ended = c->ended_n > 0 ? json_array() : NULL;

	if (c->parts_n > 0 && c->is_said)
		json_object_set_new(o, "of", of_json(c));
	else if (c->parts_n > 0)
		json_object_set_new(o, "account", account_parts_json(c->parts, c->parts_n));
	for (unsigned i = 0; i < c->ended_n; i++)
		json_array_append_new(ended, json_string(c->ended[i]));
	if (ended != NULL)
		json_object_set_new(o, "ended", ended);
}

static uint32_t sum_of(const char *s, size_t len)
{
	return gzip_crc32(s, len);
}

int commit_seal(struct buf *b, size_t from)
{
	uint32_t sum;

	if (b->over || b->len <= from)
		return -ERR_LIMIT;
	sum = sum_of(b->data + from, b->len - 1 - from);
	b->data[b->len - 1] = ','; /* in place of the closing brace */
	return buf_addf(b, "\"sum\":\"%08" PRIx32 "\"}\n", sum);
}

int commit_format(const struct commit *c, struct buf *b)
{
	CLEANUP(json_close) json_t *o = json_object();
	json_t *ranges = json_array();
	size_t from = b->len;

	json_object_set_new(o, "seq", json_integer((json_int_t)c->seq));
	json_object_set_new(o, "kind", json_string(kind_name(c->kind)));
	json_object_set_new(o, "id", json_string(c->id));
	json_object_set_new(o, "records", json_integer(c->records));
	json_object_set_new(o, "bytes", json_integer((json_int_t)c->bytes));
	json_object_set_new(o, "crc", json_integer(c->crc));
	if (c->at_s > 0)
		json_object_set_new(o, "at", json_integer(c->at_s));
	for (size_t i = 0; i < c->ranges_n; i++)
		json_array_append_new(ranges, range_json(&c->ranges[i]));
	json_object_set_new(o, "ranges", ranges);
	set_account(o, c);
	TRY(json_write(o, b));
	return commit_seal(b, from);
}

static int get_hex(const json_t *o, const char *key, uint64_t *ret, struct err *e)
{
	const char *text;
	char *end;

	TRY(json_get_str(o, key, &text, e));
	*ret = strtoull(text, &end, 16);
	/* strtoull itself takes blanks and signs in front, which no record has. */
	if (*text == '\0' || *end != '\0' || strlen(text) > 16 || strchr("+- ", *text) != NULL)
		return err_set(e, ERR_INVALID, "%s is not a hex number", key);
	return 0;
}

static int get_u32(const json_t *o, const char *key, uint32_t *ret, struct err *e)
{
	uint64_t v;

	TRY(json_get_u64(o, key, &v, e));
	if (v > UINT32_MAX)
		return err_set(e, ERR_INVALID, "%s is too large", key);
	*ret = (uint32_t)v;
	return 0;
}

static int parse_range(const json_t *o, struct telemetry_source *s, struct err *e)
{
	TRY(get_hex(o, "dev", &s->dev, e));
	TRY(get_hex(o, "ino", &s->ino, e));
	TRY(json_get_u64(o, "generation", &s->generation, e));
	TRY(json_get_u64(o, "from", &s->from, e));
	TRY(json_get_u64(o, "to", &s->to, e));
	TRY(get_hex(o, "fp", &s->fp, e));
	TRY(get_u32(o, "fp_len", &s->fp_len, e));
	if (json_object_get(o, "before_len") != NULL) { /* older versions did not write it */
		TRY(get_hex(o, "before", &s->before, e));
		TRY(get_u32(o, "before_len", &s->before_len, e));
	}
	if (json_object_get(o, "cursor") != NULL)
		TRY(json_get_str(o, "cursor", &s->cursor, e));
	if (json_object_get(o, "size") != NULL)
		TRY(json_get_u64(o, "size", &s->size, e));
	return json_get_str(o, "path", &s->path, e);
}

static int parse_ranges(const json_t *o, struct commit *c, struct err *e)
{
	const json_t *ranges = json_object_get(o, "ranges");

	if (!json_is_array(ranges))
		return err_set(e, ERR_INVALID, "ranges is not a list");
	c->ranges = mem_alloc(json_array_size(ranges) * sizeof(*c->ranges));
	for (size_t i = 0; i < json_array_size(ranges); i++) {
		struct telemetry_source s = { 0 };

		TRY(parse_range(json_array_get(ranges, i), &s, e));
		s.path = mem_str(s.path);
		s.cursor = mem_str(s.cursor);
		c->ranges[c->ranges_n++] = s;
	}
	return 0;
}

static int parse_of(const json_t *of, struct commit *c, struct err *e)
{
	for (size_t i = 0; i < json_array_size(of); i++) {
		const char *source = json_string_value(json_array_get(json_array_get(of, i), 0));
		json_int_t n = json_integer_value(json_array_get(json_array_get(of, i), 1));

		if (source == NULL || n < 0 || i > ACCOUNT_SOURCES)
			return err_set(e, ERR_INVALID, "of is wrong");
		account_part_of(&c->parts, &c->parts_n, source)->n[ACCOUNT_TAKEN] += (uint64_t)n;
	}
	c->is_said = true;
	return 0;
}

static int parse_account(const json_t *o, struct commit *c, struct err *e)
{
	const json_t *of = json_object_get(o, "of"), *ended = json_object_get(o, "ended");

	if (json_array_size(ended) > ACCOUNT_DESTS_MAX)
		return err_set(e, ERR_INVALID, "ended is too long");
	for (size_t i = 0; i < json_array_size(ended); i++) {
		const char *name = json_string_value(json_array_get(ended, i));

		if (name == NULL || str_copy(c->ended[c->ended_n++], TAKEN_NAME_LEN, name) != 0)
			return err_set(e, ERR_INVALID, "ended is wrong");
	}
	return of != NULL ? parse_of(of, c, e) : account_parts_read(json_object_get(o, "account"), &c->parts, &c->parts_n, e);
}

static bool kind_of(const char *name, enum telemetry_kind *ret_kind)
{
	if (!str_eq(name, kind_name(COMMIT_POSITIONS)))
		return batch_kind_of(name, ret_kind);
	*ret_kind = COMMIT_POSITIONS;
	return true;
}

static int parse_head(const json_t *o, struct commit *c, struct err *e)
{
	const char *kind, *id;

	TRY(json_get_u64(o, "seq", &c->seq, e));
	TRY(json_get_str(o, "kind", &kind, e));
	TRY(json_get_str(o, "id", &id, e));
	TRY(get_u32(o, "records", &c->records, e));
	TRY(json_get_u64(o, "bytes", &c->bytes, e));
	TRY(get_u32(o, "crc", &c->crc, e));
	if (json_object_get(o, "at") != NULL) /* older versions did not write it */
		TRY(get_u32(o, "at", &c->at_s, e));
	if (c->seq > BATCH_SEQ_MAX)
		return err_set(e, ERR_INVALID, "seq is larger than a body's name can hold");
	if (!kind_of(kind, &c->kind) || str_copy(c->id, sizeof(c->id), id) != 0)
		return err_set(e, ERR_INVALID, "kind or id is wrong");
	return 0;
}

int commit_check(const char *line, size_t len, struct err *e)
{
	char want[SUM_LEN + 1];

	if (len <= SUM_LEN)
		return err_set(e, ERR_CORRUPT, "commit record is too short");
	snprintf(want, sizeof(want), ",\"sum\":\"%08" PRIx32 "\"}", sum_of(line, len - SUM_LEN));
	if (memcmp(line + len - SUM_LEN, want, SUM_LEN) != 0)
		return err_set(e, ERR_CORRUPT, "commit record is not what was written");
	return 0;
}

int commit_parse(const char *line, size_t len, struct commit *ret, struct err *e)
{
	CLEANUP(json_close) json_t *o = NULL;
	struct commit c = { 0 };
	int rc;

	TRY(commit_check(line, len, e));
	TRY(json_parse(line, len, "commit record", &o, e));
	rc = parse_head(o, &c, e);
	if (rc == 0)
		rc = parse_ranges(o, &c, e);
	if (rc == 0)
		rc = parse_account(o, &c, e);
	if (rc != 0)
		commit_close(&c);
	else
		*ret = c;
	return rc;
}

void commit_close(struct commit *c)
{
	for (size_t i = 0; i < c->ranges_n; i++) {
		mem_free((char *)c->ranges[i].path);
		mem_free((char *)c->ranges[i].cursor);
	}
	mem_free(c->ranges);
	mem_free(c->parts);
	*c = (struct commit){ 0 };
}
