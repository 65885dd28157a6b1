/* answers.h - what the tests of readers share: an answer out of a literal, and the arena it is read into. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/arena.h"
#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "agent/base/xml.h"

struct answer {
	struct xml *xml;
	struct arena *arena;
	const struct xml_node *root;
};

static inline void answer_close(struct answer *a)
{
	xml_close(&a->xml);
	arena_free(a->arena);
}

static inline struct answer answer_of(const char *text)
{
	struct answer a = { .arena = arena_new_sized(64u << 20) };

	assert_int_equal(xml_parse(text, strlen(text), &a.xml, NULL), 0);
	a.root = xml_root(a.xml);
	return a;
}

#define ANSWER(name, text) CLEANUP(answer_close) struct answer name = answer_of(text)

/* Whether the body has exactly this pair in it. */
static inline bool has_pair(const struct buf *body, const char *pair)
{
	size_t n = strlen(pair);

	for (const char *s = buf_str(body); (s = strstr(s, pair)) != NULL; s++)
		if ((s == buf_str(body) || s[-1] == '&') && (s[n] == '&' || s[n] == '\0'))
			return true;
	return false;
}

static inline void expect_pairs(const struct buf *body, const char *const *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!has_pair(body, pairs[i]))
			print_error("missing: %s\nin: %s\n", pairs[i], buf_str(body));
		assert_true(has_pair(body, pairs[i]));
	}
}
#define EXPECT_PAIRS(form, ...)                                                                                                    \
	expect_pairs(&(form)->body, (const char *const[]){ __VA_ARGS__ },                                                          \
		     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
