/* diag_bundle.c - see diag_bundle.h. */
#include "agent/daemon/diag_bundle.h"

#include <string.h>

#include "agent/base/gzip.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "shippers/rules.h"

#define PIECE_BYTES (64u << 10) /* packed at once: about a millisecond */
#define LINE_BYTES (2u << 20)
#define LAST_BYTES 512 /* of the line that counts */

void diag_bundle_init(struct diag_bundle *b, struct rules *rules)
{
	*b = (struct diag_bundle){ .rules = rules, .raw = BUF_MAX(PIECE_BYTES + LINE_BYTES), .gz = BUF_MAX(DIAG_BYTES) };
}

/* By the name:
 *
 *   signed, user_data, aws_encoded_message   never
 *   plan_text                                never: it shows lines of the user data
 *   command                                  unless it is an id: of the agent's own it is all its bytes, with the spec
 *   args                                     unless it is a step's: as one text it is the bytes of a spec  */
static bool is_secret(const char *key, const json_t *value)
{
	static const char *const never[] = { "signed", "user_data", "aws_encoded_message", "plan_text" };
	uint8_t id[UUID_LEN];

	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (str_eq(key, never[i]))
			return true;
	if (str_eq(key, "command"))
		return !json_is_string(value) || uuid_parse(json_string_value(value), id) != 0;
	return str_eq(key, "args") && json_is_string(value);
}

/* NULL: it stays here. */
static json_t *mask_text(struct rules *r, const char *text, size_t len)
{
	CLEANUP(buf_close) struct buf room = BUF_MAX(RULES_TEXT_MAX);

	if (rules_text(r, text, len) != RULES_PASS || rules_mask(r, &text, &len, &room) != RULES_PASS)
		return NULL;
	return json_stringn(text, len);
}

static json_t *mask(struct rules *r, const json_t *j);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as what the agent itself has written */
static json_t *mask_list(struct rules *r, const json_t *list)
{
	json_t *to = json_array(), *item;

	for (size_t i = 0; i < json_array_size(list); i++) {
		item = mask(r, json_array_get(list, i));
		if (item == NULL) {
			json_decref(to);
			return NULL;
		}
		json_array_append_new(to, item);
	}
	return to;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as what the agent itself has written */
static json_t *mask_object(struct rules *r, const json_t *obj)
{
	json_t *to = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)obj, key, value) {
		CLEANUP(json_close) json_t *name = mask_text(r, key, strlen(key));
		json_t *masked = name == NULL || is_secret(key, value) ? NULL : mask(r, value);

		if (is_secret(key, value))
			continue;
		if (masked == NULL) {
			json_decref(to);
			return NULL;
		}
		json_object_set_new(to, json_string_value(name), masked);
	}
	return to;
}

/* NULL: a drop pattern matched, or a pattern met its limits. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as what the agent itself has written */
static json_t *mask(struct rules *r, const json_t *j)
{
	if (json_is_string(j))
		return mask_text(r, json_string_value(j), json_string_length(j));
	if (json_is_array(j))
		return mask_list(r, j);
	if (json_is_object(j))
		return mask_object(r, j);
	return json_incref((json_t *)j);
}

/* A pattern may be about a name and its value together: so it is asked of the whole line, too. */
static bool is_kept_here(struct rules *r, const json_t *masked)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(LINE_BYTES);

	return json_write(masked, &text) != 0 || rules_text(r, buf_str(&text), text.len) != RULES_PASS;
}

static void pack(struct diag_bundle *b, size_t spare)
{
	CLEANUP(buf_close) struct buf piece = BUF_MAX(PIECE_BYTES + LINE_BYTES + 1024);

	if (b->raw.len == 0)
		return;
	if (gzip_pack(b->raw.data, b->raw.len, &piece, NULL) == 0 && b->gz.len + piece.len + spare <= b->gz.max) {
		buf_add(&b->gz, piece.data, piece.len);
	} else {
		for (size_t i = 0; i < b->raw.len; i++)
			b->no_room += b->raw.data[i] == '\n';
		b->lines -= b->no_room;
	}
	buf_reset(&b->raw);
}

void diag_bundle_add(struct diag_bundle *b, json_t *line)
{
	CLEANUP(json_close) json_t *given = line, *masked = NULL;

	if (diag_bundle_is_full(b)) {
		b->no_room++;
		return;
	}
	rules_begin(b->rules);
	masked = mask(b->rules, given);
	if (masked == NULL || is_kept_here(b->rules, masked)) {
		b->dropped++;
		return;
	}
	json_write(masked, &b->raw);
	buf_addc(&b->raw, '\n');
	b->lines++;
	if (b->raw.len >= PIECE_BYTES)
		pack(b, LAST_BYTES);
}

bool diag_bundle_is_full(const struct diag_bundle *b)
{
	return b->no_room > 0;
}

int diag_bundle_end(struct diag_bundle *b, struct err *e)
{
	CLEANUP(json_close) json_t *last = NULL;

	pack(b, LAST_BYTES);
	last = json_pack("{s:s, s:I, s:I, s:I}", "part", "end", "lines", (json_int_t)b->lines, "kept_here_by_rules",
			 (json_int_t)b->dropped, "left_out_for_room", (json_int_t)b->no_room);
	json_write(last, &b->raw);
	buf_addc(&b->raw, '\n');
	pack(b, 0);
	TRY(buf_check(&b->raw, "the bundle", e));
	return buf_check(&b->gz, "the bundle", e);
}

void diag_bundle_close(struct diag_bundle *b)
{
	buf_close(&b->raw);
	buf_close(&b->gz);
}
