/* iam_documents.h - the IAM documents of an installation as JSON, and how tests look into them. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/iam.h"

static const struct iam_args given = {
	.vendor = "velodb",
	.installation = "inst-1",
	.account = "123456789012",
	.region = "eu-west-1",
	.partition = "aws",
	.suffix = "amazonaws.com",
	.vpc = "vpc-0a1",
};

static inline json_t *json_of(const struct buf *b)
{
	json_t *j = NULL;

	assert_int_equal(json_parse(b->data, b->len, "document", &j, NULL), 0);
	return j;
}

static inline json_t *agent_json(const struct iam_args *a)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);

	assert_int_equal(iam_agent(a, &b, NULL), 0);
	return json_of(&b);
}

static inline json_t *power_json(const struct iam_args *a, enum iam_power p)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);

	assert_int_equal(iam_power(a, p, &b, NULL), 0);
	return json_of(&b);
}

/* All statements of all powers as one document. */
static inline json_t *operate_json(const struct iam_args *a)
{
	json_t *all = json_array();

	for (enum iam_power p = 0; p < IAM_POWERS; p++) {
		json_t *j = power_json(a, p);

		json_array_extend(all, json_object_get(j, "Statement"));
		json_decref(j);
	}
	return json_pack("{s:o}", "Statement", all);
}

static inline bool holds(const json_t *one_or_many, const char *text)
{
	size_t i;
	json_t *v;

	if (json_is_string(one_or_many))
		return str_eq(json_string_value(one_or_many), text);
	json_array_foreach(one_or_many, i, v)
		if (str_eq(json_string_value(v), text))
			return true;
	return false;
}

static inline bool grants(const json_t *document, const char *action)
{
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(document, "Statement"), i, s)
		if (holds(json_object_get(s, "Action"), action))
			return true;
	return false;
}

static inline json_t *tested(const json_t *statement, const char *test, const char *key)
{
	return json_object_get(json_object_get(json_object_get(statement, "Condition"), test), key);
}

static const char *test_of(const json_t *statement, const char *test, const char *key)
{
	json_t *v = tested(statement, test, key);

	return v != NULL ? json_string_value(v) : "";
}

static inline bool is_bound_to_us(const json_t *s, const char *kind)
{
	char vendor[64], installation[64];

	snprintf(vendor, sizeof(vendor), "aws:%s/resource-created-by", kind);
	snprintf(installation, sizeof(installation), "aws:%s/reeve:installation", kind);
	return str_eq(test_of(s, "StringEquals", vendor), "velodb") && str_eq(test_of(s, "StringEquals", installation), "inst-1");
}

static inline json_t *find(json_t *document, const char *sid)
{
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(document, "Statement"), i, s)
		if (str_eq(json_str_or(s, "Sid", ""), sid))
			return s;
	return NULL;
}

static inline json_t *statement(json_t *document, const char *sid)
{
	json_t *s = find(document, sid);

	if (s == NULL)
		fail_msg("no statement %s", sid);
	return s;
}

static inline json_t *resource(json_t *document, const char *sid)
{
	return json_object_get(statement(document, sid), "Resource");
}
