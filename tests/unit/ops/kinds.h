/* kinds.h - asking and judging a step kind without an engine: arguments as JSON in, the form and the verdict out. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/aws/ec2.h"
#include "agent/aws/elb.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/groups.h"
#include "agent/ops/steps/step.h"

/* One step at hand; a test sets what it wants and calls kind_... */
struct kinds {
	const struct step_kind *k;
	json_t *args, *facts;
	json_t *known, *left, *seen; /* facts of the operation; members left out; what the kind's own reads have shown */
	struct step_cause cause;
	enum step_sight sight;
	struct err e; /* of the last judgement */
	struct buf note;
	struct step_ctx x;
	struct inventory *inv;
	struct request req;
};

static inline void kinds_start(struct kinds *t, const struct step_kind *k, const char *args)
{
	*t = (struct kinds){ .k = k, .args = json_loads(args, 0, NULL), .facts = json_object(), .note = BUF_MAX(512) };
	assert_non_null(t->args);
	t->known = json_object();
	t->left = json_object();
	t->seen = json_object();
	t->inv = inventory_new();
	t->x = (struct step_ctx){ .args = t->args, .command = "c-1", .plan = "p", .step = "s", .token = "token", .generation = 1 };
	t->x.facts = t->facts;
	t->x.code = "";
	t->x.known = t->known;
	t->x.left = t->left;
	t->x.seen = t->seen;
	t->x.cause = &t->cause;
	t->x.sight = &t->sight;
	t->x.note = &t->note;
}

static inline void kinds_end(struct kinds *t)
{
	json_decref(t->args);
	json_decref(t->facts);
	json_decref(t->known);
	json_decref(t->left);
	json_decref(t->seen);
	buf_close(&t->note);
	inventory_free(t->inv);
	request_close(&t->req);
}

/* The form, as it would be sent. */
static inline const char *kinds_ask(struct kinds *t)
{
	struct err e = { 0 };

	request_close(&t->req);
	t->req = (struct request){ 0 };
	if (t->k->ask(&t->x, &t->req, &e) != 0)
		fail_msg("%s", e.text);
	return buf_str(&t->req.body);
}

static inline bool kinds_refuses(struct kinds *t)
{
	struct err e = { 0 };
	struct request f = { 0 };
	bool no = t->k->ask(&t->x, &f, &e) != 0;

	request_close(&f);
	return no && e.text[0] != '\0';
}

/* AWS refused with this class and code, and this sentence. */
static inline enum step_verdict kinds_refused_saying(struct kinds *t, enum aws_class class, const char *code, const char *sentence)
{
	struct aws_call c = { .class = class };

	strcpy(c.code, code);
	err_set(&c.err, 0, "%s", sentence);
	t->e = (struct err){ 0 };
	t->cause = (struct step_cause){ 0 };
	return t->k->judge(&t->x, &c, &t->e);
}

static inline enum step_verdict kinds_refused(struct kinds *t, enum aws_class class, const char *code)
{
	return kinds_refused_saying(t, class, code, "no");
}

/* This operation has made it. */
static inline void kinds_made(struct kinds *t, const char *fact, const char *id)
{
	json_object_set_new(t->known, fact, json_string(id));
}

/* Looked, and not found, after AWS refused with this code. */
static inline enum step_verdict kinds_misses(struct kinds *t, const char *code)
{
	t->x.code = code;
	t->e = (struct err){ 0 };
	t->cause = (struct step_cause){ 0 };
	return t->k->miss(&t->x, t->inv, &t->e);
}

static inline enum step_verdict kinds_answered(struct kinds *t, const char *xml)
{
	struct aws_call c = { .class = AWS_OK, .status = 200 };
	enum step_verdict v;

	assert_int_equal(xml_parse(xml, strlen(xml), &c.xml, NULL), 0);
	t->e = (struct err){ 0 };
	t->cause = (struct step_cause){ 0 };
	v = t->k->judge(&t->x, &c, &t->e);
	xml_close(&c.xml);
	return v;
}

/* What one of the kind's own reads brings; false: it is not understood, or not all of it. */
static inline bool kinds_see(struct kinds *t, const struct step_look *look, const char *answer)
{
	struct aws_call c = { .class = AWS_OK, .status = 200 };
	json_t *rows;

	assert_int_equal(xml_parse(answer, strlen(answer), &c.xml, NULL), 0);
	rows = look->read(&c);
	xml_close(&c.xml);
	if (rows != NULL)
		json_object_set_new(t->seen, look->name, rows);
	return rows != NULL;
}

/* An answer with `n` times `item` in it. */
static inline void kinds_flood(struct buf *to, const char *head, const char *item, size_t n, const char *tail)
{
	*to = BUF_MAX(8u << 20);
	buf_adds(to, head);
	while (n-- > 0)
		buf_adds(to, item);
	buf_adds(to, tail);
}

static inline bool kinds_finds(struct kinds *t)
{
	t->sight = STEP_SEEN;
	return t->k->find(&t->x, t->inv);
}

static inline const char *kinds_fact(const struct kinds *t, const char *name)
{
	static char text[512];
	CLEANUP(buf_close) struct buf b = BUF_MAX(500);
	const json_t *j = json_object_get(t->facts, name);

	if (json_is_string(j))
		return json_string_value(j);
	if (j == NULL)
		return NULL;
	json_write(j, &b);
	strcpy(text, buf_str(&b));
	return text;
}

static inline const char *kinds_note(const struct kinds *t)
{
	return buf_str(&t->note);
}

#define assert_has(text, part) assert_non_null(strstr((text), (part)))
#define assert_lacks(text, part) assert_null(strstr((text), (part)))
