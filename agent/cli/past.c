/* past.c - see past.h. A checkpoint holds the records of what was open, so that a command is found also where its own records lay
 * in a segment that is gone. */
#include "agent/cli/past.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/cli/page.h"
#include "agent/io/journal_read.h"
#include "agent/ops/verb.h"
#include "proto/control.pb-c.h"

#define SIGNED_MAX (512u << 10) /* a command with its signatures */

struct finding {
	const struct handle *h;
	struct past_list *list;
};

/* The enumerator's name, as people write it. */
static void verb_name(const ProtobufCBinaryData *body, char to[40])
{
	Reeve__Control__V1__Command *cmd = reeve__control__v1__command__unpack(NULL, body->len, body->data);
	const struct verb *v = cmd != NULL ? verb_of(cmd->verb) : NULL;

	if (cmd == NULL)
		return;
	snprintf(to, 40, "%s", v != NULL ? v->name : "unknown");
	reeve__control__v1__command__free_unpacked(cmd, NULL);
}

const char *past_verb(const json_t *accepted, char to[40])
{
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(SIGNED_MAX);
	Reeve__Control__V1__Signed *outer = NULL;

	to[0] = '\0';
	if (json_get_base64(accepted, "signed", &bytes, NULL) == 0)
		outer = reeve__control__v1__signed__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
	if (outer != NULL) {
		verb_name(&outer->body, to);
		reeve__control__v1__signed__free_unpacked(outer, NULL);
	}
	return to;
}

static struct past *with_id(struct past_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].id, id))
			return &l->v[i];
	return NULL;
}

static void take_accepted(struct finding *f, const json_t *record)
{
	const char *id = json_str_or(record, "op", "");
	uint64_t seq = (uint64_t)json_int_or(record, "command_seq", 0);
	struct past *p;

	/* A checkpoint repeats the records of what is open, so the same acceptance may come several times. */
	if (strlen(id) >= sizeof(p->id) || !handle_fits(f->h, id, seq) || with_id(f->list, id) != NULL)
		return;
	if (f->list->n == PAST_MAX) {
		f->list->is_cut = true;
		return;
	}
	p = &f->list->v[f->list->n++];
	*p = (struct past){ .seq = seq, .epoch = (uint64_t)json_int_or(record, "epoch", 0) };
	snprintf(p->id, sizeof(p->id), "%s", id);
	snprintf(p->warehouse, sizeof(p->warehouse), "%.39s", json_str_or(record, "warehouse", "?"));
	past_verb(record, p->verb);
	if (p->verb[0] == '\0') /* the agent's own, which nobody has signed */
		snprintf(p->verb, sizeof(p->verb), "%.39s", json_str_or(record, "verb", ""));
	p->result = json_incref(json_object_get(record, "result")); /* refused at once */
}

static void set(json_t **to, json_t *value)
{
	json_incref(value);
	json_decref(*to);
	*to = value;
}

/* NOLINTNEXTLINE(misc-no-recursion): one level, a checkpoint in a checkpoint is passed by */
static void take(struct finding *f, const char *type, const json_t *record)
{
	const json_t *list = json_object_get(record, "records");
	struct past *p;

	if (str_eq(type, "command.accepted") || str_eq(type, "local.accepted"))
		take_accepted(f, record);
	p = with_id(f->list, json_str_or(record, "op", ""));
	if (p != NULL && str_eq(type, "command.planned"))
		set(&p->plan, json_object_get(record, "plan"));
	if (p != NULL && str_eq(type, "command.result"))
		set(&p->result, (json_t *)record);
	for (size_t i = 0; str_eq(type, "checkpoint") && i < json_array_size(list); i++) {
		const char *inner = json_string_value(json_array_get(json_array_get(list, i), 0));

		if (inner != NULL && !str_eq(inner, "checkpoint"))
			take(f, inner, json_array_get(json_array_get(list, i), 1));
	}
}

static int on_record(void *ctx, const struct journal_entry *entry, struct err *e)
{
	(void)e;
	take(ctx, entry->type, entry->obj);
	return 0;
}

int past_find(struct world *w, const char *dir, const struct handle *h, struct past_list *ret, struct err *e)
{
	struct finding f = { .h = h, .list = ret };
	struct journal_chain chain;
	bool torn;

	*ret = (struct past_list){ .n = 0 };
	return journal_read_all(w, dir, on_record, &f, &chain, &torn, e);
}

void past_close(struct past_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		json_decref(l->v[i].plan);
		json_decref(l->v[i].result);
	}
	l->n = 0;
}

void past_print(const struct past_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		page_line(4, "  %llu  %s  %s of %s  %s", (unsigned long long)l->v[i].seq, l->v[i].id, l->v[i].verb,
			  l->v[i].warehouse, json_str_or(l->v[i].result, "state", "not ended"));
	if (l->is_cut)
		page_line(0, "  and more; say more of the id");
}
