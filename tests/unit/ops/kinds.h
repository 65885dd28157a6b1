/* kinds.h - one step kind on the bench: its arguments as JSON text, what it asks, how it judges an answer made by hand, and
 * what it finds in an inventory made by hand. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/demand.h"
#include "agent/ops/inventory.h"
#include "agent/ops/step.h"

#define TAGS "\"tags\":{\"resource-created-by\":\"velodb\"}"

struct bench {
	const struct step_kind *kind;
	json_t *args, *facts;
	struct buf note;
	struct step_ctx x;
	struct form form;
	struct err err;
};

static inline void bench_open(struct bench *b, const struct step_kind *kind, const char *args)
{
	memset(b, 0, sizeof(*b));
	b->kind = kind;
	b->args = json_loads(args, 0, NULL);
	assert_non_null(b->args);
	b->facts = json_object();
	b->note = BUF_MAX(512);
	b->x = (struct step_ctx){ .args = b->args,
				  .command = "c-1",
				  .plan = "base",
				  .step = "s",
				  .token = "tok",
				  .generation = 1,
				  .facts = b->facts,
				  .note = &b->note };
}

static inline void bench_close(struct bench *b)
{
	json_decref(b->args);
	json_decref(b->facts);
	buf_close(&b->note);
	form_close(&b->form);
}

/* Every pair, in any order; the list ends with NULL. */
static inline void bench_asks(struct bench *b, ...)
{
	const char *pair;
	va_list ap;

	form_close(&b->form);
	if (b->kind->ask(&b->x, &b->form, &b->err) != 0)
		fail_msg("%s", b->err.text);
	va_start(ap, b);
	while ((pair = va_arg(ap, const char *)) != NULL) {
		CLEANUP(mem_close) char *all = mem_printf("&%s&", buf_str(&b->form.b)), *one = mem_printf("&%s&", pair);

		if (strstr(all, one) == NULL)
			fail_msg("%s is not in %s", pair, all);
	}
	va_end(ap);
}

static inline enum step_verdict bench_judges(struct bench *b, enum aws_class class, const char *code, const char *xml)
{
	struct aws_call c = { .class = class };
	enum step_verdict v;

	if (xml != NULL)
		assert_int_equal(xml_parse(xml, strlen(xml), &c.xml, NULL), 0);
	assert_int_equal(str_copy(c.code, sizeof(c.code), code), 0);
	err_set(&c.err, ERR_SERVICE, "AWS says %s", code);
	b->err = (struct err){ 0 };
	v = b->kind->judge(&b->x, &c, &b->err);
	xml_free(c.xml);
	return v;
}

/* Without an argument that it needs a kind says so and asks nothing. */
static inline void bench_needs(const struct step_kind *kind, const char *args)
{
	json_t *all = json_loads(args, 0, NULL), *value;
	const char *key;

	json_object_foreach(all, key, value) {
		json_t *less = json_copy(all);
		char *text;
		struct bench b;

		if (json_is_integer(value) || json_is_boolean(value) || str_eq(key, "fact") || str_eq(key, "rule") ||
		    str_eq(key, "purpose") || str_eq(key, "volumes") || str_eq(key, "cluster")) {
			json_decref(less);
			continue; /* has a default, or is not for AWS */
		}
		json_object_del(less, key);
		text = json_dumps(less, 0);
		bench_open(&b, kind, text);
		if (kind->ask(&b.x, &b.form, &b.err) == 0)
			fail_msg("%s asks without %s", kind->name, key);
		assert_string_not_equal(b.err.text, "");
		bench_close(&b);
		free(text);
		json_decref(less);
	}
	json_decref(all);
}

static inline const char *bench_fact(const struct bench *b, const char *name)
{
	return json_str_or(b->facts, name, "");
}
