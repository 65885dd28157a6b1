/* journald_record.c - an entry as a record: its message as text that may leave, its fields as time, severity and attributes; and
 * entries that are one record. */
#include "collectors/journald_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "collectors/record_head.h"
#include "collectors/tail_head.h"
#include "collectors/tail_text.h"

#define BODY_MAX (3 * JOURNALD_MESSAGE_MAX + 16) /* each byte may become three */
#define INFO 6                                   /* sd-journal's own, where an entry has no priority */

/* syslog(3) names them; the numbers are those of OpenTelemetry's log data model, appendix B. */
static const struct {
	const char *word;
	uint8_t number;
} severities[] = { { "emerg", 21 },   { "alert", 19 },  { "crit", 18 }, { "err", 17 },
		   { "warning", 13 }, { "notice", 10 }, { "info", 9 },  { "debug", 5 } };

/* What the semantic conventions name is named so; the rest is ours, by journald's own names. */
static const struct {
	enum journald_field field;
	const char *key;
} attrs[] = {
	{ JOURNALD_PID, "process.pid" },
	{ JOURNALD_COMM, "process.executable.name" },
	{ JOURNALD_EXE, "process.executable.path" },
	{ JOURNALD_IDENTIFIER, "syslog.identifier" },
	{ JOURNALD_FACILITY, "syslog.facility" },
	{ JOURNALD_MESSAGE_ID, "systemd.message_id" },
	{ JOURNALD_CODE_FILE, "code.file.path" },
	{ JOURNALD_CODE_LINE, "code.line.number" },
	{ JOURNALD_CODE_FUNC, "code.function.name" },
};

_Static_assert(ARRAY_LEN(attrs) < JOURNALD_ATTRS, "they have room, and that of a line that was cut");

void journald_record_init(struct journald_record *r)
{
	*r = (struct journald_record){ .body = BUF_MAX(BODY_MAX), .values = BUF_MAX(JOURNALD_ENTRY_MAX) };
}

void journald_record_close(struct journald_record *r)
{
	buf_close(&r->body);
	buf_close(&r->values);
}

void journald_record_drop(struct journald_record *r)
{
	struct buf body = r->body, values = r->values;

	buf_reset(&body);
	buf_reset(&values);
	*r = (struct journald_record){ .body = body, .values = values };
}

/* ---- what an entry says ---- */

static uint64_t number_of(const struct journald_value *v)
{
	return v->text != NULL ? strtoull(v->text, NULL, 10) : 0;
}

static void take_severity(struct journald_record *r, const struct journald_value *v)
{
	bool is_known = v->len == 1 && v->text[0] >= '0' && v->text[0] <= '7';

	r->severity = severities[is_known ? v->text[0] - '0' : INFO].number;
	r->word = is_known ? severities[v->text[0] - '0'].word : NULL;
}

static void take_time(struct journald_record *r, const struct journald_entry *en)
{
	uint64_t us = number_of(&en->v[JOURNALD_SOURCE_TIME]);

	if (us == 0)
		us = en->time_us;
	r->time_ms = (int64_t)(us / 1000);
	r->time_ns = (uint32_t)(us % 1000) * 1000;
}

static void add_attr(struct journald_record *r, const char *key, const char *value, size_t len)
{
	r->attrs[r->attrs_n].key = key;
	r->attrs[r->attrs_n++].at = r->values.len;
	buf_add(&r->values, value, len);
	buf_addc(&r->values, '\0');
}

static void take_attrs(struct journald_record *r, const struct journald_entry *en)
{
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++) {
		const struct journald_value *v = &en->v[attrs[i].field];

		if (v->len > 0)
			add_attr(r, attrs[i].key, v->text, tail_text_cut(v->text, v->len, v->len < v->whole ? v->len - 1 : v->len));
	}
}

static size_t unit_named(const struct journald_source *s, const struct journald_value *v)
{
	size_t i = 0;

	while (i < s->c->units_n && (v->text == NULL || !str_eq(s->c->units[i], v->text)))
		i++;
	return i;
}

/* Who wrote it comes first: the policy may allow what is said of a unit, and not what systemd says of all others. */
static size_t unit_of(const struct journald_source *s, const struct journald_entry *en)
{
	static const enum journald_field by[] = { JOURNALD_UNIT, JOURNALD_ABOUT_UNIT, JOURNALD_OBJECT_UNIT,
						  JOURNALD_COREDUMP_UNIT };
	size_t i = s->c->units_n;

	for (size_t k = 0; i == s->c->units_n && k < ARRAY_LEN(by); k++)
		i = unit_named(s, &en->v[by[k]]);
	return i;
}

/* ---- one record ---- */

/* Of the message, text that may leave, in j->text: false: it is none. */
static bool take_text(struct journald_source *s, const struct journald_value *v, uint64_t *ret_lost, bool *ret_mended)
{
	struct buf *text = &s->j->text;
	size_t len = v->len, cut;

	while (len > 0 && v->len == v->whole && v->text[len - 1] == '\n')
		len--;
	cut = tail_text_cut(v->text, len, JOURNALD_MESSAGE_MAX);
	if (cut == 0 || !tail_head_is_text(v->text, cut, false))
		return false;
	buf_reset(text);
	tail_text_clean(text, v->text, cut);
	*ret_lost = v->len == v->whole ? len - cut : v->whole - cut;
	*ret_mended = text->len != cut || memcmp(text->data, v->text, cut) != 0;
	return true;
}

static bool goes_on(const struct journald_source *s, const struct journald_entry *en, size_t unit)
{
	const struct journald_record *r = &s->record;
	const struct buf *text = &s->j->text;

	return !r->is_due && r->unit == unit && r->pid == number_of(&en->v[JOURNALD_PID]) && r->lost == 0 &&
	       r->lines < FRAMING_LINES_MAX && r->body.len + 1 + text->len <= JOURNALD_MESSAGE_MAX &&
	       framing_says(s->framing, text->data, text->len, true) == FRAMING_GOES_ON;
}

static void begin(struct journald_source *s, const struct journald_entry *en, size_t unit)
{
	struct journald_record *r = &s->record;
	struct record_head head;

	journald_record_drop(r);
	r->is_there = true;
	r->is_due = !framing_joins(s->framing);
	r->unit = unit;
	r->pid = number_of(&en->v[JOURNALD_PID]);
	take_time(r, en);
	take_severity(r, &en->v[JOURNALD_PRIORITY]);
	take_attrs(r, en);
	head = record_head_read(s->c->framing.format, s->j->text.data, s->j->text.len, s->c->utc_offset_s, r->time_ms);
	if (head.time_ms != 0) {
		r->time_ms = head.time_ms;
		r->time_ns = 0;
	}
	if (head.severity != 0) {
		r->severity = head.severity;
		r->word = head.word;
	}
}

bool journald_record_add(struct journald_source *s, const struct journald_entry *en)
{
	struct journald_record *r = &s->record;
	const struct journald_value *message = &en->v[JOURNALD_MESSAGE];
	size_t unit = unit_of(s, en);
	uint64_t lost = 0;
	bool mended = false;

	if (*en->cursor != '\0' && journald_place_is_last(s, en->cursor)) {
		s->stats.repeated_entries++;
		journald_place_pass(s, en->cursor);
		return true;
	}
	if (en->is_damaged || unit == s->c->units_n || !take_text(s, message, &lost, &mended)) {
		*(en->is_damaged ? &s->stats.damaged_entries : &s->stats.no_text_entries) += 1;
		journald_place_pass(s, en->cursor);
		return true;
	}
	if (r->is_there && !goes_on(s, en, unit)) {
		r->is_due = true;
		return false;
	}
	if (r->is_there)
		buf_addc(&r->body, '\n');
	else
		begin(s, en, unit);
	buf_add(&r->body, s->j->text.data, s->j->text.len);
	r->lines++;
	r->lost = lost;
	r->mended += mended;
	r->bytes += message->whole;
	r->to_ms = en->time_us / 1000;
	r->since_ms = world_now_ms(s->j->w);
	journald_place_pass(s, en->cursor);
	return true;
}

static void count(struct journald_source *s)
{
	const struct journald_record *r = &s->record;

	s->stats.entries += r->lines;
	s->stats.joined_entries += r->lines - 1;
	s->stats.bytes += r->bytes;
	s->stats.truncated_entries += r->lost > 0;
	s->stats.mended_entries += r->mended;
}

bool journald_record_hand_over(struct journald_source *s)
{
	struct journald_record *r = &s->record;
	struct telemetry_attr out[JOURNALD_ATTRS];
	struct telemetry_source place;
	struct telemetry_line l = { .body = r->body.data, .len = r->body.len, .origin = &s->origins[r->unit], .attrs = out };
	char cut[24];

	for (; l.attrs_n < r->attrs_n; l.attrs_n++)
		out[l.attrs_n] = (struct telemetry_attr){ r->attrs[l.attrs_n].key, r->values.data + r->attrs[l.attrs_n].at };
	if (r->lost > 0) {
		snprintf(cut, sizeof(cut), "%" PRIu64, r->lost);
		out[l.attrs_n++] = (struct telemetry_attr){ "reeve.log.truncated_bytes", cut };
	}
	l.time_ms = r->time_ms;
	l.time_ns = r->time_ns;
	l.severity = r->severity;
	l.severity_text = r->word;
	place = journald_place_to(s, r->cursor, r->to_ms);
	l.source = &place;
	if (!s->j->sink.line(s->j->sink.ctx, &l))
		return false;
	journald_place_took(s, &place);
	count(s);
	journald_record_drop(r);
	return true;
}
